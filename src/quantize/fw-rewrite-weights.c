/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite-weights.h"

#include <math.h>
#include <string.h>

struct _FwUnitWeights
{
  const FwUnit *unit;
  guint threads;
  float *weights; /* in the initializer's own order */
  float *bias;    /* [channels], or NULL */
  float *scales;  /* [channels] of plain int8; found on first use */
  gint8 *rounded; /* by scales */
};

FwUnitWeights *
fw_unit_weights_new (FwModel *model, const FwUnit *unit, guint threads)
{
  FwUnitWeights *self = g_new0 (FwUnitWeights, 1);
  Onnx__TensorProto *weight = fw_model_find_initializer (model, unit->weight);

  self->unit = unit;
  self->threads = threads;
  self->weights = fw_tensor_proto_to_floats (weight);
  if (unit->bias != NULL)
    self->bias = fw_tensor_proto_to_floats (fw_model_find_initializer (model, unit->bias));
  return self;
}

void
fw_unit_weights_free (FwUnitWeights *self)
{
  g_free (self->weights);
  g_free (self->bias);
  g_free (self->scales);
  g_free (self->rounded);
  g_free (self);
}

void
fw_int8_weights_free (FwInt8Weights *self)
{
  g_clear_pointer (&self->weights, g_bytes_unref);
  g_clear_pointer (&self->scales, g_bytes_unref);
  g_clear_pointer (&self->bias, g_bytes_unref);
  g_clear_pointer (&self->bias_int, g_bytes_unref);
  g_clear_pointer (&self->bias_scale, g_bytes_unref);
  g_free (self);
}

GBytes *
fw_unit_weights_get_float16 (FwUnitWeights *self)
{
  gsize n = self->unit->n_weights;
  guint16 *halves = g_new (guint16, n);

  fw_float16_from_floats (self->weights, n, halves);
  return g_bytes_new_take (halves, n * sizeof (guint16));
}

static void
round_once (FwUnitWeights *self)
{
  const FwWeightShape *shape = &self->unit->shape;

  if (self->rounded != NULL)
    return;
  self->scales = g_new (float, shape->channels);
  self->rounded = g_new (gint8, self->unit->n_weights);
  fw_weights_find_scales (self->weights, shape, FALSE, self->threads, self->scales);
  fw_weights_quantize (self->weights, shape, self->scales, self->threads, self->rounded);
}

/* [outer, channels, inner] as [channels, outer * inner]. */
static float *
channels_first (const FwWeightShape *shape, const float *values)
{
  gsize width = shape->outer * shape->inner;
  float *result = g_new (float, shape->channels *width);

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      memcpy (result + c * width + o * shape->inner,
              values + (o * shape->channels + c) * shape->inner, shape->inner * sizeof (float));
  return result;
}

static float *
widen (const FwWeightShape *shape, const gint8 *rounded, const float *scales)
{
  float *result = g_new (float, shape->outer * shape->channels * shape->inner);
  gsize i = 0;

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      for (gsize k = 0; k < shape->inner; k++, i++)
        result[i] = rounded[i] * scales[c];
  return result;
}

/* The bias with the expected shift of the rounded weights added; NULL where there is neither. */
static float *
correct_bias (FwUnitWeights *self,
              const gint8 *rounded,
              const float *scales,
              const float *mean,
              gsize mean_channels)
{
  const FwUnit *unit = self->unit;
  const FwWeightShape *shape = &unit->shape;
  gsize per_channel = unit->n_weights / shape->channels;
  gboolean is_conv = strcmp (unit->op_type, "Conv") == 0;
  gsize per_group = mean_channels / unit->groups;
  g_autofree float *stored = NULL;
  g_autofree float *plain = NULL;
  g_autofree float *first = NULL;
  float *bias;

  if (self->bias == NULL && (mean == NULL || !unit->can_correct))
    return NULL;
  bias = self->bias != NULL ? g_memdup2 (self->bias, shape->channels * sizeof (float))
                            : g_new0 (float, shape->channels);
  /* A mean of another size than the weights expect belongs to another model. */
  if (mean == NULL || !unit->can_correct || per_group == 0 || per_channel % per_group != 0
      || per_group * unit->groups != mean_channels || (!is_conv && per_channel != per_group))
    return bias;

  stored = widen (shape, rounded, scales);
  plain = channels_first (shape, self->weights);
  first = channels_first (shape, stored);
  fw_weights_correct_bias (plain, first, shape->channels, unit->groups, per_group,
                           per_channel / per_group, mean, bias);
  return bias;
}

FwInt8Weights *
fw_unit_weights_get_storage (FwUnitWeights *self, const float *mean, gsize channels)
{
  FwInt8Weights *result = g_new0 (FwInt8Weights, 1);
  gsize n = self->unit->shape.channels;
  float *bias;

  round_once (self);
  result->weights = g_bytes_new (self->rounded, self->unit->n_weights);
  result->scales = g_bytes_new (self->scales, n * sizeof (float));
  bias = correct_bias (self, self->rounded, self->scales, mean, channels);
  if (bias != NULL)
    result->bias = g_bytes_new_take (bias, n * sizeof (float));
  return result;
}

static void
round_bias (FwInt8Weights *result,
            const float *bias,
            const float *scales,
            float input_scale,
            gsize n)
{
  gint32 *rounded = g_new (gint32, n);
  float *steps = g_new (float, n);

  for (gsize c = 0; c < n; c++)
    {
      double value;

      steps[c] = input_scale * scales[c];
      value = rint ((double) bias[c] / steps[c]);
      rounded[c] = isfinite (value) ? CLAMP (value, -2147483647.0, 2147483647.0) : 0;
    }
  result->bias_int = g_bytes_new_take (rounded, n * sizeof (gint32));
  result->bias_scale = g_bytes_new_take (steps, n * sizeof (float));
}

FwInt8Weights *
fw_unit_weights_get_compute (FwUnitWeights *self,
                             float input_scale,
                             const float *mean,
                             gsize channels)
{
  FwInt8Weights *result = g_new0 (FwInt8Weights, 1);
  const FwWeightShape *shape = &self->unit->shape;
  gsize n = shape->channels;
  g_autofree float *scales = NULL;
  g_autofree gint8 *rounded = NULL;
  float *bias;

  round_once (self);
  scales = g_memdup2 (self->scales, n * sizeof (float));
  rounded = g_memdup2 (self->rounded, self->unit->n_weights);
  if (self->bias != NULL && fw_weights_guard_bias (self->bias, input_scale, n, scales) > 0)
    fw_weights_quantize (self->weights, shape, scales, self->threads, rounded);

  bias = correct_bias (self, rounded, scales, mean, channels);
  if (bias != NULL)
    {
      round_bias (result, bias, scales, input_scale, n);
      result->bias = g_bytes_new_take (bias, n * sizeof (float));
    }
  result->weights = g_bytes_new_take (g_steal_pointer (&rounded), self->unit->n_weights);
  result->scales = g_bytes_new_take (g_steal_pointer (&scales), n * sizeof (float));
  return result;
}
