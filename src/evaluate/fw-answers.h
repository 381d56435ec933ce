/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-answers.h: what a classifier answered, and how two versions of it compare.
 *
 * Logits or probabilities: [1, C] with any number of dims of 1 around. Where the values do not
 * already sum to 1, softmax makes probabilities of them. Ties go to the lower index. Or the number
 * of a class by itself, as one whole number.
 */

#pragma once

#include "fw-tensor.h"
#include "fw-statistics.h"

G_BEGIN_DECLS

#define FW_ANSWER_TOP 5

typedef struct
{
  guint n;                    /* entries filled: 5, or the number of classes if fewer */
  guint index[FW_ANSWER_TOP]; /* best first */
  float probability[FW_ANSWER_TOP];
  gboolean finite; /* no NaN or Inf anywhere in the output */
  guint n_classes; /* 0 where the answer is the number of a class by itself */
} FwAnswer;

/* Errors: UNSUPPORTED_MODEL where @output is not one list of scores or one class; NULL, what a run
 * gives for an output that is no tensor, is none. */
gboolean fw_answer_read (FwAnswer *self, FwTensor *output, GError **error);

typedef struct
{
  guint same, total;   /* the same top answer */
  FwInterval interval; /* of same / total */
} FwSame;

typedef struct
{
  guint total; /* labelled samples */
  guint n_top1, n_top5;
  double top1, top5;   /* shares, 0 to 1 */
  FwInterval interval; /* of top1 */
} FwAccuracy;

typedef struct
{
  int label;
  guint total, original_right, other_right;
} FwClassAccuracy;

typedef struct
{
  FwSame same;
  gboolean has_labels;
  FwAccuracy original_accuracy, accuracy;
  double mcnemar;       /* of the difference in top1; 1 where there is none */
  guint new_not_finite; /* samples with NaN or Inf that had none in the original */
  GArray *classes;      /* FwClassAccuracy by label, labelled samples only */
} FwAgreement;

/* Compares answers pairwise. @labels: class indices, -1 for none; NULL for no labels at all. */
FwAgreement *
fw_agreement_new (const FwAnswer *original, const FwAnswer *other, const int *labels, guint n);
void fw_agreement_free (FwAgreement *self);

/* Signal-to-noise ratio in decibels of @other against @original, over @n values. */
double fw_sqnr (const float *original, const float *other, gsize n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwAgreement, fw_agreement_free)

G_END_DECLS
