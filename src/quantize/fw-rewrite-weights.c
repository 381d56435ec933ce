/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite-weights.h"

#include <float.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-rounding.h"

/* Below, a float16 has too few digits for a scale. */
#define LEAST_HALF 0x1p-15f

struct _FwUnitWeights
{
  const FwUnit *unit;
  guint threads;
  float *weights;   /* in the initializer's own order */
  float *bias;      /* [channels], or NULL */
  GPtrArray *plain; /* of FwRounding: what was found without a recipe's help */
};

FwUnitWeights *
fw_unit_weights_new (FwModel *model, const FwUnit *unit, guint threads)
{
  FwUnitWeights *self = g_new0 (FwUnitWeights, 1);
  Onnx__TensorProto *weight = fw_model_find_initializer (model, unit->weight);

  self->unit = unit;
  self->threads = threads;
  self->weights = fw_tensor_proto_to_floats (weight);
  self->plain = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_rounding_free);
  if (unit->bias != NULL)
    self->bias = fw_tensor_proto_to_floats (fw_model_find_initializer (model, unit->bias));
  return self;
}

void
fw_unit_weights_free (FwUnitWeights *self)
{
  g_free (self->weights);
  g_free (self->bias);
  g_ptr_array_unref (self->plain);
  g_free (self);
}

void
fw_coded_weights_free (FwCodedWeights *self)
{
  g_clear_pointer (&self->codes, g_bytes_unref);
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

float *
fw_unit_weights_widen_float16 (FwUnitWeights *self)
{
  g_autoptr (GBytes) halves = fw_unit_weights_get_float16 (self);
  const guint16 *half = g_bytes_get_data (halves, NULL);
  float *floats = g_new (float, self->unit->n_weights);

  for (gsize i = 0; i < self->unit->n_weights; i++)
    floats[i] = fw_float16_to_float (half[i]);
  return floats;
}

float *
fw_unit_weights_widen (FwUnitWeights *self, const FwCodedWeights *coded)
{
  float *floats = g_new (float, self->unit->n_weights);

  fw_rounding_widen (g_bytes_get_data (coded->codes, NULL), &self->unit->shape, coded->block,
                     g_bytes_get_data (coded->scales, NULL), floats);
  return floats;
}

/* Biases -------------------------------------------------------------------------------------- */

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

static void
add_expected_shift (FwUnitWeights *self,
                    const FwCodedWeights *coded,
                    const float *mean,
                    gsize mean_channels,
                    float *bias)
{
  const FwUnit *unit = self->unit;
  const FwWeightShape *shape = &unit->shape;
  gsize per_channel = unit->n_weights / shape->channels;
  gboolean is_conv = strcmp (unit->op_type, "Conv") == 0;
  gsize per_group = mean_channels / unit->groups;
  g_autofree float *stored = NULL;
  g_autofree float *plain = NULL;
  g_autofree float *first = NULL;

  /* A mean of another size than the weights expect belongs to another model. */
  if (per_group == 0 || per_channel % per_group != 0 || per_group * unit->groups != mean_channels
      || (!is_conv && per_channel != per_group))
    return;

  stored = fw_unit_weights_widen (self, coded);
  plain = channels_first (shape, self->weights);
  first = channels_first (shape, stored);
  fw_weights_correct_bias (plain, first, shape->channels, unit->groups, per_group,
                           per_channel / per_group, mean, bias);
}

/* The bias with what rounding is expected to do made good; NULL where there is none and nothing is
 * known. */
static float *
correct_bias (FwUnitWeights *self, FwRecipe *recipe, const FwCodedWeights *coded)
{
  const FwUnit *unit = self->unit;
  gsize n = unit->shape.channels, mean_channels = 0, shift_channels = 0;
  const float *mean = fw_recipe_get_mean (recipe, unit->input, &mean_channels);
  const float *shift = fw_recipe_get_shift (recipe, unit->name, &shift_channels);
  float *bias;

  if (!unit->can_correct || shift_channels != n)
    shift = NULL;
  if (!unit->can_correct)
    mean = NULL;
  if (self->bias == NULL && mean == NULL && shift == NULL)
    return NULL;
  bias = self->bias != NULL ? g_memdup2 (self->bias, n * sizeof (float)) : g_new0 (float, n);
  if (mean != NULL)
    add_expected_shift (self, coded, mean, mean_channels, bias);
  for (gsize c = 0; shift != NULL && c < n; c++)
    bias[c] += shift[c];
  return bias;
}

static void
round_bias (FwCodedWeights *coded, const float *bias, float input_scale, gsize n)
{
  const float *scales = g_bytes_get_data (coded->scales, NULL);
  gint32 *rounded = g_new (gint32, n);
  float *steps = g_new (float, n);

  for (gsize c = 0; c < n; c++)
    {
      double value;

      steps[c] = input_scale * scales[c];
      value = rint ((double) bias[c] / steps[c]);
      rounded[c] = isfinite (value) ? CLAMP (value, -2147483647.0, 2147483647.0) : 0;
    }
  coded->bias_int = g_bytes_new_take (rounded, n * sizeof (gint32));
  coded->bias_scale = g_bytes_new_take (steps, n * sizeof (float));
}

static void
finish_bias (FwUnitWeights *self, FwRecipe *recipe, FwCodedWeights *coded, float input_scale)
{
  gsize n = self->unit->shape.channels;
  float *bias = correct_bias (self, recipe, coded);

  if (bias == NULL)
    return;
  /* An Add behind the operator stays float. */
  if (input_scale > 0 && self->unit->bias_node == self->unit->node)
    round_bias (coded, bias, input_scale, n);
  coded->bias = g_bytes_new_take (bias, n * sizeof (float));
}

/* Codes --------------------------------------------------------------------------------------- */

static FwRounding *
get_plain (FwUnitWeights *self, guint bits, guint block)
{
  const FwRoundingOptions options = { bits, block, bits < 8 ? FW_REPAIR_CLIP : FW_REPAIR_NONE };
  FwRounding *rounding;

  for (guint i = 0; i < self->plain->len; i++)
    {
      rounding = g_ptr_array_index (self->plain, i);
      if (rounding->bits == bits && rounding->block == block)
        return rounding;
    }
  rounding = fw_rounding_find (self->weights, &self->unit->shape, &options, NULL, self->threads);
  g_ptr_array_add (self->plain, rounding);
  return rounding;
}

/* Scales lose digits that don't matter beside the rounding of the weights. */
static void
shorten (float *scales, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (!(scales[i] >= LEAST_HALF && scales[i] <= 65504))
      return;
  for (gsize i = 0; i < n; i++)
    scales[i] = fw_float16_to_float (fw_float16_from_float (scales[i]));
}

/* Where a channel's scale was raised, its offsets mean nothing any more. */
static gint8 *
drop_raised (const FwWeightShape *shape,
             const float *scales,
             const float *raised,
             const gint8 *offsets)
{
  gsize i = 0;
  gint8 *left = g_new (gint8, shape->outer * shape->channels * shape->inner);

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      for (gsize k = 0; k < shape->inner; k++, i++)
        left[i] = raised[c] == scales[c] ? offsets[i] : 0;
  return left;
}

static void
fill_codes (FwUnitWeights *self,
            FwCodedWeights *coded,
            const float *scales,
            const gint8 *offsets,
            float input_scale)
{
  const FwWeightShape *shape = &self->unit->shape;
  gsize n = shape->channels * coded->n_blocks;
  float *own = g_memdup2 (scales, n * sizeof (float));
  gint8 *codes = g_new (gint8, self->unit->n_weights);
  g_autofree gint8 *left = NULL;

  if (input_scale > 0 && self->bias != NULL && self->unit->bias_node == self->unit->node
      && fw_weights_guard_bias (self->bias, input_scale, n, own) > 0 && offsets != NULL)
    offsets = left = drop_raised (shape, scales, own, offsets);
  fw_rounding_get_codes (self->weights, shape, coded->bits, coded->block, own, offsets, codes);
  shorten (own, n);
  coded->scales = g_bytes_new_take (own, n * sizeof (float));
  coded->codes = g_bytes_new_take (codes, self->unit->n_weights);
}

#define MOST_OF_BLOCKS 7
#define N_TRIED_SCALES 12

static double
round_with (const float *weights, gsize n, float scale, gint8 *codes)
{
  double error = 0;

  for (gsize i = 0; i < n; i++)
    {
      float code = rintf (weights[i] / scale);

      code = isnan (code) ? 0 : CLAMP (code, -MOST_OF_BLOCKS, MOST_OF_BLOCKS);
      codes[i] = (gint8) code;
      if (isfinite (weights[i]))
        error += ((double) weights[i] - code * scale) * ((double) weights[i] - code * scale);
    }
  return error;
}

static float
round_block (const float *weights, gsize n, gint8 *codes)
{
  float largest = 0, best;
  double least = INFINITY;

  for (gsize i = 0; i < n; i++)
    if (isfinite (weights[i]))
      largest = MAX (largest, fabsf (weights[i]));
  best = largest = largest / MOST_OF_BLOCKS < FLT_MIN ? 1 : largest / MOST_OF_BLOCKS;
  for (guint i = 0; i < N_TRIED_SCALES; i++)
    {
      float scale = largest * (1 - i / 32.f);
      double error;

      shorten (&scale, 1);
      error = round_with (weights, n, scale, codes);
      if (error < least)
        {
          least = error;
          best = scale;
        }
    }
  round_with (weights, n, best, codes);
  return best;
}

/* MatMulNBits knows only codes at equal distances: of 4 bits those are others than what is stored.
 * The scale of each block is the one of least squared error. */
static void
fill_blocks (FwUnitWeights *self, FwCodedWeights *coded)
{
  const FwWeightShape *shape = &self->unit->shape;
  gsize n = shape->channels * coded->n_blocks, row = shape->outer * shape->inner;
  g_autofree float *first = channels_first (shape, self->weights);
  g_autofree gint8 *rounded = g_new (gint8, self->unit->n_weights);
  float *scales = g_new (float, n);
  gint8 *codes = g_new (gint8, self->unit->n_weights);

  for (gsize i = 0; i < n; i++)
    {
      gsize start = i / coded->n_blocks * row + i % coded->n_blocks * coded->block;
      gsize size = MIN (coded->block, row - i % coded->n_blocks * coded->block);

      scales[i] = round_block (first + start, size, rounded + start);
    }
  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      memcpy (codes + (o * shape->channels + c) * shape->inner,
              rounded + c * row + o * shape->inner, shape->inner);
  coded->scales = g_bytes_new_take (scales, n * sizeof (float));
  coded->codes = g_bytes_new_take (codes, self->unit->n_weights);
}

static gboolean
fail_rounding (const FwUnit *unit, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("What the recipe says of the layer “%s” belongs to another model."), unit->name);
  return FALSE;
}

FwCodedWeights *
fw_unit_weights_get_coded (FwUnitWeights *self,
                           FwRecipe *recipe,
                           FwOption option,
                           float input_scale,
                           GError **error)
{
  g_autoptr (FwCodedWeights) coded = g_new0 (FwCodedWeights, 1);
  const FwUnit *unit = self->unit;
  GBytes *scales, *offsets;

  coded->bits = fw_option_get_bits (option);
  coded->block = fw_option_get_block (option);
  coded->n_blocks = fw_rounding_get_n_blocks (&unit->shape, coded->block);
  if (fw_option_get_arithmetic (option) == FW_ARITHMETIC_BLOCKS && coded->bits == 4)
    {
      fill_blocks (self, coded);
      finish_bias (self, recipe, coded, input_scale);
      return g_steal_pointer (&coded);
    }
  if (!fw_recipe_get_rounding (recipe, unit->name, coded->bits, coded->block, &scales, &offsets))
    {
      FwRounding *plain = get_plain (self, coded->bits, coded->block);

      scales = plain->scales;
      offsets = plain->offsets;
    }
  if (g_bytes_get_size (scales) != unit->shape.channels * coded->n_blocks * sizeof (float)
      || g_bytes_get_size (offsets) != unit->n_weights)
    {
      fail_rounding (unit, error);
      return NULL;
    }
  fill_codes (self, coded, g_bytes_get_data (scales, NULL), g_bytes_get_data (offsets, NULL),
              input_scale);

  finish_bias (self, recipe, coded, input_scale);
  return g_steal_pointer (&coded);
}
