/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-detective.h: finds out how a model wants its pictures.
 *
 * Runs the original model under each candidate on a few of the calibration samples. With labels the
 * candidates are ranked by accuracy, otherwise by evidence that needs none: how well the inputs of
 * the model's BatchNorm layers match the statistics stored in them, how sure and how varied the
 * answers are, and how steady they stay when a picture is mirrored, moved or darkened. Labels that
 * have nothing to do with the model's classes are noticed and left aside.
 */

#pragma once

#include "fw-sample-set.h"

G_BEGIN_DECLS

typedef struct
{
  FwPreprocess *preprocess;
  double score;    /* higher is better; comparable within one run only */
  double accuracy; /* top-1 on the samples looked at, or -1 without labels */
} FwSuspect;

typedef struct
{
  GPtrArray *suspects; /* FwSuspect, best first */
  gboolean sure;       /* the winner is clearly ahead of every candidate that would differ */
  char *reason;        /* a translated phrase: what decided */
} FwVerdict;

/* @model: the original. @samples: looked at in their order, at most @max_samples. Errors: those of
 * sessions and samples, UNSUPPORTED_INPUTS, cancelled. */
FwVerdict *fw_detective_run (FwModel *model,
                             GPtrArray *samples,
                             guint max_samples,
                             guint threads,
                             FwProgress *progress,
                             GCancellable *cancellable,
                             GError **error);
void fw_verdict_free (FwVerdict *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwVerdict, fw_verdict_free)

G_END_DECLS
