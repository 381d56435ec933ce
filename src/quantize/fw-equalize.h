/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-equalize.h: scalings (fw-scaling.h) that make rounding do less, found by measuring.
 *
 * For each channel j of a value the scale max|x_j|^a / max|w_j|^(1 - a), where w_j are the weights
 * that meet it. Strengths a are tried on all values of a kind at once: normalizations ("smoothing",
 * G. Xiao et al. 2023), which carry the outliers of transformers, and layers ("equalization", M.
 * Nagel et al. 2019). One is taken only where the harm at the scores falls by a good deal: of all
 * weights in 6 bits and of all arithmetic in int8 together, and neither of them may rise.
 */

#pragma once

#include "fw-progress.h"
#include "fw-repair-flags.h"
#include "fw-scaling.h"

G_BEGIN_DECLS

/* Whether any value can be scaled by the kinds that @flags name (SMOOTH, EQUALIZE). */
gboolean fw_equalize_can (FwModel *prepared, FwRepairFlags flags);

/* Puts into @recipe the scalings that help, of the kinds that @flags name (SMOOTH, EQUALIZE).
 * @rows: a few samples, each with a tensor for each model input. @scores: see FwTrial.
 * @arithmetic: whether integer arithmetic counts. Costs nothing where no value can be scaled, else
 * some 40 runs of the model for each of @rows. The same for any number of threads. */
gboolean fw_equalize_find (FwModel *prepared,
                           FwRecipe *recipe,
                           FwRepairFlags flags,
                           const char *const *scores,
                           GPtrArray *rows,
                           gboolean arithmetic,
                           guint threads,
                           FwProgress *progress,
                           GCancellable *cancellable,
                           GError **error);

G_END_DECLS
