/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-weights.h: weights made small.
 *
 * Weights are seen as [outer, channels, inner] in C order: one scale for each channel. A Conv
 * [M, C/g, kH, kW] is outer 1, channels M; a MatMul [K, N] is outer K, channels N, inner 1.
 * Symmetric: zero point 0, values -127..127. Results are the same for any number of threads.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  gsize outer, channels, inner;
} FwWeightShape;

/* scale[channels] = the largest |w| of the channel / 127 (R. Krishnamoorthi 2018), or, if @clip,
 * the scale of 1, 0.99 ... 0.5 times that with the least squared error. A channel of zeros, or of
 * subnormal size, gets 1. */
void fw_weights_find_scales (const float *weights,
                             const FwWeightShape *shape,
                             gboolean clip,
                             guint threads,
                             float *scales);

/* Rounds half to even. */
void fw_weights_quantize (const float *weights,
                          const FwWeightShape *shape,
                          const float *scales,
                          guint threads,
                          gint8 *quantized);
void fw_weights_quantize_reference (const float *weights,
                                    const FwWeightShape *shape,
                                    const float *scales,
                                    gint8 *quantized);

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
