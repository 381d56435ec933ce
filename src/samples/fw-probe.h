/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-probe.h: a model that is asked what it makes of an input, and what its BatchNorm layers see.
 */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

/* What a BatchNorm layer expects of its input, per channel. */
typedef struct
{
  guint n;
  double *mean;
  double *variance;
} FwNorm;

typedef struct _FwProbe FwProbe;

/* Errors: those of sessions; UNSUPPORTED_INPUTS where there is not exactly one input. */
FwProbe *fw_probe_new (FwModel *model, guint threads, GError **error);
void fw_probe_free (FwProbe *self);

const FwValueInfo *fw_probe_get_input (FwProbe *self);
/* Whether an output looks like one list of scores. */
gboolean fw_probe_has_answers (FwProbe *self);
guint fw_probe_get_n_norms (FwProbe *self);
const FwNorm *fw_probe_get_norm (FwProbe *self, guint index);

/* Runs the model on @tensor. @probabilities (of double) is set to the answer, empty where there is
 * none or it has NaN or Inf. @sums and @squares: NULL, or for each norm an array to which the mean
 * of its input and of the input's square are added. */
gboolean fw_probe_ask (FwProbe *self,
                       FwTensor *tensor,
                       GArray *probabilities,
                       double *const *sums,
                       double *const *squares,
                       GCancellable *cancellable,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwProbe, fw_probe_free)

G_END_DECLS
