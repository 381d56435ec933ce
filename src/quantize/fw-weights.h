/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-weights.h: weights made small.
 *
 * Weights are seen as [outer, channels, inner] in C order: one scale for each channel. A Conv
 * [M, C/g, kH, kW] is outer 1, channels M; a MatMul [K, N] is outer K, channels N, inner 1. How
 * they are rounded is in fw-rounding.h.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gsize outer, channels, inner;
} FwWeightShape;

/* float16 and back, round half to even. Values beyond ±65504 become ±65504. */
guint16 fw_float16_from_float (float value);
float fw_float16_to_float (guint16 value);
void fw_float16_from_floats (const float *values, gsize n, guint16 *halves);

/* Raises scales[c] until |bias[c]| / (input_scale * scales[c]) is below 2^30, so that an int32 bias
 * can't overflow. Returns how many were raised. */
guint fw_weights_guard_bias (const float *bias, float input_scale, gsize channels, float *scales);

/* Analytic bias correction (M. Nagel et al. 2019, section 4.2, with calibrated instead of computed
 * means): adds to bias[m] the expected shift sum_k (w - ŵ)[m,k] * mean(x_k), where ŵ is the stored
 * weight. @weights and @stored: [channels, per_group, kernel], C order; @groups divide the
 * channels;
 * @input_mean: [groups * per_group], the mean of each input channel. */
void fw_weights_correct_bias (const float *weights,
                              const float *stored,
                              gsize channels,
                              gsize groups,
                              gsize per_group,
                              gsize kernel,
                              const float *input_mean,
                              float *bias);

G_END_DECLS
