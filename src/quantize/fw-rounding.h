/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rounding.h: weights rounded to few bits so that the layer's answers change least.
 *
 * Scales are chosen by the error they cause. Then each column's rounding error is made good by the
 * columns after it (GPTQ: E. Frantar et al. 2022, in the form of J. Chee et al. 2023, "QuIP"), and
 * single codes are changed as long as that lessens the error (coordinate descent). The error is
 * tr(δ H δᵀ) with the input's second moments H; about the mean, where the bias takes up a constant
 * shift. Before that the weights can be refitted to inputs that are quantized already.
 *
 * Codes are those of fw-levels.h. Without moments weights are rounded
 * to the nearest. NaN and infinite weights count as 0. The result is the same for any number of
 * threads.
 */

#pragma once

#include "fw-repair-flags.h"
#include "fw-second-moments.h"
#include "fw-weights.h"

G_BEGIN_DECLS

typedef struct
{
  guint bits;  /* 2..8 */
  guint block; /* weights of an output channel that share a scale; 0: all */
  /* BIAS: constant shifts of an output don't count, because the bias takes them up. GPTQ, DESCENT,
   * CLIP, CROSS. */
  FwRepairFlags repairs;
} FwRoundingOptions;

typedef struct
{
  guint bits, block;
  FwWeightShape shape;
  GBytes *scales;  /* float32, [channels, blocks of a channel] */
  GBytes *offsets; /* gint8, as the weights lie: index of the code - that of the nearest code */
  double error;    /* as fw_second_moments_get_error (); without moments the sum of squares */
} FwRounding;

/* Blocks of each channel: 1 where @block is 0. */
gsize fw_rounding_get_n_blocks (const FwWeightShape *shape, guint block);

/* @moments may be NULL; if they don't fit the shape they count as NULL. @threads: 0 is all. */
FwRounding *fw_rounding_find (const float *weights,
                              const FwWeightShape *shape,
                              const FwRoundingOptions *options,
                              FwSecondMoments *moments,
                              guint threads);
void fw_rounding_free (FwRounding *self);

/* The codes that @scales and @offsets (NULL: none) stand for, as the weights lie: the code whose
 * index is that of the one nearest to w / scale, plus the offset, clamped. */
void fw_rounding_get_codes (const float *weights,
                            const FwWeightShape *shape,
                            guint bits,
                            guint block,
                            const float *scales,
                            const gint8 *offsets,
                            gint8 *codes);
/* code * scale. */
void fw_rounding_widen (const gint8 *codes,
                        const FwWeightShape *shape,
                        guint block,
                        const float *scales,
                        float *widened);

/* tr(δ H δᵀ) / n of @rounded, summed over output channels: the mean squared change of the layer's
 * answers. About the mean where @centred. Without moments, or where they don't fit: the sum of
 * squares of δ. */
double fw_rounding_get_error (const float *weights,
                              const float *rounded,
                              const FwWeightShape *shape,
                              FwSecondMoments *moments,
                              gboolean centred,
                              guint threads);

/* Adds what the bias must take up, for each channel: W·E[x] - Ŵ·E[x̂], where x̂ is the quantized
 * input if the moments have one, else x. */
void fw_rounding_add_shift (const float *weights,
                            const float *rounded,
                            const FwWeightShape *shape,
                            FwSecondMoments *moments,
                            float *shift);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRounding, fw_rounding_free)

G_END_DECLS
