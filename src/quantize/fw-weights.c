/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fw-kernels.h"
#include "fw-weights.h"

/* Float16 ------------------------------------------------------------------------------------- */

guint16
fw_float16_from_float (float value)
{
  guint16 half;

  fw_kernel_to_half (&value, 1, &half);
  return half;
}

float
fw_float16_to_float (guint16 value)
{
  int exponent = (value >> 10) & 0x1f;
  int mantissa = value & 0x3ff;
  float magnitude;

  if (exponent == 0x1f)
    magnitude = mantissa != 0 ? NAN : INFINITY;
  else if (exponent == 0)
    magnitude = ldexpf (mantissa, -24);
  else
    magnitude = ldexpf (mantissa + 0x400, exponent - 25);
  return (value & 0x8000) != 0 ? -magnitude : magnitude;
}

void
fw_float16_from_floats (const float *values, gsize n, guint16 *halves)
{
  fw_kernel_to_half (values, n, halves);
}

/* Biases -------------------------------------------------------------------------------------- */

guint
fw_weights_guard_bias (const float *bias, float input_scale, gsize channels, float *scales)
{
  const double limit = 0x1p30;
  guint raised = 0;

  g_return_val_if_fail (input_scale > 0, 0);

  for (gsize c = 0; c < channels; c++)
    {
      double magnitude = fabs ((double) bias[c]);
      double least = magnitude / ((double) input_scale * limit);

      if (!isfinite (magnitude) || magnitude < (double) input_scale * scales[c] * limit)
        continue;
      if (magnitude == 0)
        continue;

      scales[c] = (float) MIN (least, (double) FLT_MAX);
      while (magnitude >= (double) input_scale * scales[c] * limit && scales[c] < FLT_MAX)
        scales[c] = nextafterf (scales[c], FLT_MAX);
      raised++;
    }
  return raised;
}

void
fw_weights_correct_bias (const float *weights,
                         const float *stored,
                         gsize channels,
                         gsize groups,
                         gsize per_group,
                         gsize kernel,
                         const float *input_mean,
                         float *bias)
{
  gsize channels_per_group;

  g_return_if_fail (groups > 0 && channels % groups == 0);

  channels_per_group = channels / groups;
  for (gsize m = 0; m < channels; m++)
    {
      const float *mean = input_mean + m / channels_per_group * per_group;
      double shift = 0;

      for (gsize k = 0; k < per_group; k++)
        {
          gsize first = (m * per_group + k) * kernel;
          double lost = 0;

          for (gsize i = first; i < first + kernel; i++)
            lost += (double) weights[i] - (double) stored[i];
          shift += lost * (double) mean[k];
        }
      /* A broken weight or mean must not break the bias. */
      if (isfinite (shift))
        bias[m] = (float) ((double) bias[m] + shift);
    }
}
