/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fw-kernels.h"
#include "fw-parallel.h"
#include "fw-weights.h"

/* About as many weights make one piece of work. */
#define PIECE ((gsize) 1 << 16)
/* Channels with one value in a row are taken out side by side: a row of memory serves them all. */
#define SIDE_BY_SIDE 16

/* Scales -------------------------------------------------------------------------------------- */

typedef struct
{
  const float *weights;
  FwWeightShape shape;
  gboolean clip;
  gsize channels_per_piece;
  float *scales;
} ScalesJob;

static float
scale_from_magnitude (float magnitude)
{
  float scale = magnitude / 127.0f;

  return scale < FLT_MIN ? 1.0f : scale;
}

static float
clip_scale (const float *values, gsize n, float scale)
{
  float best = scale;
  double least = fw_kernel_quantize_error (values, n, scale);

  for (int percent = 99; percent >= 50 && least > 0; percent--)
    {
      float candidate = scale * ((float) percent / 100.0f);
      double error;

      if (candidate < FLT_MIN)
        break;
      error = fw_kernel_quantize_error (values, n, candidate);
      if (error < least)
        {
          least = error;
          best = candidate;
        }
    }
  return best;
}

/* Copies channels @first and @n - 1 more behind each other: [@n, outer * inner]. */
static void
gather_channels (const ScalesJob *job, gsize first, gsize n, float *gathered)
{
  const gsize inner = job->shape.inner;
  const gsize length = job->shape.outer * inner;

  for (gsize o = 0; o < job->shape.outer; o++)
    for (gsize c = 0; c < n; c++)
      memcpy (gathered + c * length + o * inner,
              job->weights + (o * job->shape.channels + first + c) * inner, inner * sizeof (float));
}

static void
find_some_scales (const ScalesJob *job, gsize first, gsize n, float *scratch)
{
  const gsize length = job->shape.outer * job->shape.inner;
  const float *values = job->weights + first * job->shape.inner;

  if (job->shape.outer > 1)
    {
      gather_channels (job, first, n, scratch);
      values = scratch;
    }
  for (gsize c = 0; c < n; c++)
    {
      const float *channel = values + c * length;
      float scale = scale_from_magnitude (fw_kernel_magnitude (channel, length));

      job->scales[first + c] = job->clip ? clip_scale (channel, length, scale) : scale;
    }
}

static void
find_scales_piece (guint index, gpointer user_data)
{
  const ScalesJob *job = user_data;
  gsize first = index * job->channels_per_piece;
  gsize end = MIN (first + job->channels_per_piece, job->shape.channels);
  g_autofree float *scratch = NULL;

  if (job->shape.outer > 1)
    scratch = g_new (float, job->shape.outer * job->shape.inner * MIN (SIDE_BY_SIDE, end - first));
  for (; first < end; first += SIDE_BY_SIDE)
    find_some_scales (job, first, MIN (SIDE_BY_SIDE, end - first), scratch);
}

void
fw_weights_find_scales (const float *weights,
                        const FwWeightShape *shape,
                        gboolean clip,
                        guint threads,
                        float *scales)
{
  ScalesJob job = { weights, *shape, clip, 0, scales };
  gsize length = shape->outer * shape->inner;

  if (shape->channels == 0)
    return;

  job.channels_per_piece = MAX (PIECE / MAX (length, 1), 1);
  job.channels_per_piece = MIN (job.channels_per_piece, shape->channels);
  job.channels_per_piece
      = (job.channels_per_piece + SIDE_BY_SIDE - 1) / SIDE_BY_SIDE * SIDE_BY_SIDE;
  fw_parallel_for ((shape->channels + job.channels_per_piece - 1) / job.channels_per_piece, threads,
                   find_scales_piece, &job);
}

/* Rounding ------------------------------------------------------------------------------------ */

typedef struct
{
  const float *weights;
  FwWeightShape shape;
  const float *scales;
  gsize rows_per_piece;
  gint8 *quantized;
} QuantizeJob;

/* A row is [inner] of one channel, or, where that is 1, one of all channels. */
static void
quantize_piece (guint index, gpointer user_data)
{
  const QuantizeJob *job = user_data;
  const gsize channels = job->shape.channels;
  const gsize inner = job->shape.inner;
  const gboolean columns = inner == 1;
  const gsize rows = columns ? job->shape.outer : job->shape.outer * channels;
  const gsize length = columns ? channels : inner;
  gsize row = index * job->rows_per_piece;
  gsize end = MIN (row + job->rows_per_piece, rows);

  for (; row < end; row++)
    {
      const float *values = job->weights + row * length;
      gint8 *quantized = job->quantized + row * length;

      if (columns)
        fw_kernel_quantize_columns (values, length, job->scales, quantized);
      else
        fw_kernel_quantize (values, length, job->scales[row % channels], quantized);
    }
}

void
fw_weights_quantize (const float *weights,
                     const FwWeightShape *shape,
                     const float *scales,
                     guint threads,
                     gint8 *quantized)
{
  QuantizeJob job = { weights, *shape, scales, 0, quantized };
  gsize rows = shape->inner == 1 ? shape->outer : shape->outer * shape->channels;
  gsize length = shape->inner == 1 ? shape->channels : shape->inner;

  if (rows == 0 || length == 0)
    return;

  job.rows_per_piece = MAX (PIECE / length, 1);
  fw_parallel_for ((rows + job.rows_per_piece - 1) / job.rows_per_piece, threads, quantize_piece,
                   &job);
}

void
fw_weights_quantize_reference (const float *weights,
                               const FwWeightShape *shape,
                               const float *scales,
                               gint8 *quantized)
{
  gsize i = 0;

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      for (gsize k = 0; k < shape->inner; k++, i++)
        {
          float rounded = rintf (weights[i] / scales[c]);

          if (isnan (rounded))
            rounded = 0;
          quantized[i] = (gint8) CLAMP (rounded, -127.0f, 127.0f);
        }
}

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
