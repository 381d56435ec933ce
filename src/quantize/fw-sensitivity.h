/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sensitivity.h: what each option of each unit does, measured.
 *
 * Harm is the normalized mean squared error of the scores with one unit changed and all others as
 * they were, over a few samples: it ranks layers like the whole data set would, where the size of
 * the rounding error does not.
 */

#pragma once

#include "fw-calibration.h"
#include "fw-progress.h"
#include "fw-rewrite.h"

G_BEGIN_DECLS

typedef struct
{
  double storage[FW_N_WIDTHS];         /* of fw_widths: 0 for 32 bits */
  double arithmetic[FW_N_ARITHMETICS]; /* on top of that: 0 for float */
} FwUnitHarm;

/* The harm of @option, the sum of both; +inf where the unit can't. */
double fw_unit_harm_get (const FwUnitHarm *self, FwOption option);

typedef struct
{
  FwRewriter *rewriter;
  GPtrArray *units;
  FwRecipe *recipe;   /* ranges and means, all units at float32 */
  const char *scores; /* the value compared (fw_prepare_find_scores()) */
  const char *input;  /* the model's input that the samples fill */
  GPtrArray *inputs;  /* FwTensors: the few samples */
  guint threads;
} FwTrial;

/* Fills @harms[units]. Integer arithmetic is left at +inf where it is not asked for. */
gboolean fw_sensitivity_measure (const FwTrial *trial,
                                 gboolean arithmetic,
                                 FwUnitHarm *harms,
                                 FwProgress *progress,
                                 GCancellable *cancellable,
                                 GError **error);

/* A session of @model as an app would load it. @extra_output: one more value to give out, or NULL.
 */
FwSession *fw_trial_load (FwModel *model, const char *extra_output, guint threads, GError **error);

G_END_DECLS
