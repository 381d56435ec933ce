/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-extra-care.h: one version rounded anew, layer after layer.
 *
 * Each layer's input is looked at twice: as it is in the original, and as the layers before it,
 * rounded already, make it. Weights are refitted to answer to the second as the original's do to
 * the first, then rounded (fw-rounding.h), and the bias takes up what has shifted. So errors do not
 * add up from layer to layer. It takes two runs of the model for each sample, and the time of
 * rounding.
 */

#pragma once

#include "fw-progress.h"
#include "fw-repair-flags.h"
#include "fw-rewrite.h"

G_BEGIN_DECLS

typedef struct
{
  FwRewriter *rewriter;
  GPtrArray *units;
  GPtrArray *rows; /* of GPtrArray of FwTensor: one for each model input, in order */
  FwRepairFlags repairs;
  /* Of second moments at one time: what needs more keeps its rounding. And of values that wait
   * between layers: fewer rows are looked at where they have no room. */
  guint64 max_bytes;
  guint threads; /* 0: all; results don't depend on it */
  /* Rows that are not among the others, and the values to compare there (see FwTrial): where the
   * result is no nearer to the original than what was, it is not taken. NULL: it always is. */
  GPtrArray *held_back;
  const char *const *scores;
} FwExtraCare;

/* Puts new roundings and shifts for all units whose weights @recipe stores in 8 bits or fewer into
 * @recipe. Units that can't be looked at keep what they have. Nothing is changed where there is
 * nothing to gain: without rows, or without FW_REPAIR_CROSS. Errors: those of the switchboard; the
 * recipe is then as good as it was. */
gboolean fw_extra_care_improve (const FwExtraCare *self,
                                FwRecipe *recipe,
                                FwProgress *progress,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
