/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-witness.h: the evidence for one way of preparing pictures. */

#pragma once

#include "fw-preprocess.h"
#include "fw-probe.h"

G_BEGIN_DECLS

typedef struct
{
  FwPreprocess *preprocess;
  double doubt;      /* how unusual this way is, in nats */
  gboolean failed;   /* the model does not run with it, or gives NaN */
  guint stage;       /* how far it came in the contest */
  guint n;           /* pictures seen */
  GArray *total;     /* double, per class: the sum of all probabilities */
  GArray *last;      /* double: the answer to the last picture */
  double steadiness; /* sum over pictures of the mean over views of E[log probability there] */
  GArray *answers;   /* guint, per picture: the top answer */
  guint n_labelled, n_right;
  double likelihood; /* sum of log probabilities of the labels */
  guint n_norms;
  double **sums, **squares; /* per norm and channel */
} FwWitness;

/* Takes @preprocess. */
FwWitness *fw_witness_new (FwPreprocess *preprocess, double doubt, FwProbe *probe);
void fw_witness_free (FwWitness *self);

/* The answer to a picture, and to other views of the same picture after it. */
void fw_witness_hear (FwWitness *self, const GArray *probabilities, int label);
void fw_witness_hear_again (FwWitness *self, const GArray *probabilities, guint n_views);

/* How much is learned of one view's answer from another's, in nats: varied, sure and steady answers
 * make it high, and overconfident ones low. */
double fw_witness_get_information (const FwWitness *self);
/* How far the inputs of BatchNorm layers are from what is stored in them; 0 without any. */
double fw_witness_get_strangeness (const FwWitness *self, FwProbe *probe);
double fw_witness_get_score (const FwWitness *self, FwProbe *probe, gboolean use_labels);
/* The share of pictures for which both have the same top answer; 1 for none. */
double fw_witness_get_agreement (const FwWitness *self, const FwWitness *other);

G_END_DECLS
