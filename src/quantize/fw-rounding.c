/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fw-kernels.h"
#include "fw-levels.h"
#include "fw-parallel.h"
#include "fw-rounding-chunk.h"

#define LANES FW_LINEAR_LANES
/* From so many groups on, threads share out groups; below, the channels of one. */
#define MANY_GROUPS 8

/* Codes --------------------------------------------------------------------------------------- */

gsize
fw_rounding_get_n_blocks (const FwWeightShape *shape, guint block)
{
  const gsize length = shape->outer * shape->inner;

  return block == 0 || length == 0 ? 1 : (length + block - 1) / block;
}

static int
get_nearest (guint bits, float weight, float scale)
{
  return isfinite (weight) ? fw_levels_find (bits, weight / scale) : 0;
}

/* The scales of channel @channel, and how many of its weights share one. */
static const float *
find_channel_scales (const FwWeightShape *shape,
                     guint block,
                     const float *scales,
                     gsize channel,
                     gsize *shared)
{
  *shared = block == 0 ? MAX (shape->outer * shape->inner, 1) : block;
  return scales + channel * fw_rounding_get_n_blocks (shape, block);
}

void
fw_rounding_get_codes (const float *weights,
                       const FwWeightShape *shape,
                       guint bits,
                       guint block,
                       const float *scales,
                       const gint8 *offsets,
                       gint8 *codes)
{
  g_return_if_fail (bits >= 2 && bits <= 8);

  for (gsize o = 0, index = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      {
        gsize shared;
        const float *own = find_channel_scales (shape, block, scales, c, &shared);

        for (gsize i = 0; i < shape->inner; i++, index++)
          {
            float scale = own[(o * shape->inner + i) / shared];
            int level = get_nearest (bits, weights[index], scale);

            if (offsets != NULL)
              level += offsets[index];
            codes[index] = fw_levels_get_code (bits, level);
          }
      }
}

void
fw_rounding_widen (const gint8 *codes,
                   const FwWeightShape *shape,
                   guint block,
                   const float *scales,
                   float *widened)
{
  for (gsize o = 0, index = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++)
      {
        gsize shared;
        const float *own = find_channel_scales (shape, block, scales, c, &shared);

        for (gsize i = 0; i < shape->inner; i++, index++)
          widened[index] = (float) codes[index] * own[(o * shape->inner + i) / shared];
      }
}

/* Rounding with moments ----------------------------------------------------------------------- */

typedef struct
{
  const float *weights;
  FwWeightShape shape;
  FwRoundingOptions options;
  FwSecondMoments *moments;
  gsize length, block, n_scales, groups;
  const FwGrid *grid;
  float *scales;  /* [channels, n_scales] */
  gint8 *offsets; /* as the weights */
  double *errors; /* [channels] */
} Find;

/* What is done for one group. */
typedef struct
{
  const Find *find;
  gsize index;
  FwRoundingBlock *blocks;
  float *importance;
  FwRoundingJob job;
} Group;

static gsize
find_weight (const FwWeightShape *shape, gsize channel, gsize column)
{
  return (column / shape->inner * shape->channels + channel) * shape->inner + column % shape->inner;
}

static void
write_channel (const Find *find, const FwRoundingChunk *chunk, guint lane, gsize channel)
{
  float *scales = find->scales + channel * find->n_scales;

  for (gsize i = 0; i < find->n_scales; i++)
    scales[i] = chunk->scales[i * LANES + lane];
  for (gsize i = 0; i < find->length; i++)
    {
      gsize index = find_weight (&find->shape, channel, i);
      int nearest = get_nearest (find->options.bits, find->weights[index], scales[i / find->block]);
      int level = fw_levels_get_index (find->options.bits, (int) chunk->codes[i * LANES + lane]);

      find->offsets[index] = (gint8) CLAMP (level - nearest, -127, 127);
    }
  find->errors[channel] = chunk->errors[lane];
}

static void
round_chunk (guint index, gpointer user_data)
{
  const Group *group = user_data;
  const Find *find = group->find;
  const gsize per_group = find->shape.channels / find->groups;
  const gsize first = group->index * per_group + (gsize) index * LANES;
  const guint n = (guint) MIN (LANES, (group->index + 1) * per_group - first);
  FwRoundingChunk chunk;

  fw_rounding_chunk_init (&chunk, &group->job, n);
  for (gsize i = 0; i < find->length; i++)
    for (guint lane = 0; lane < n; lane++)
      {
        float weight = find->weights[find_weight (&find->shape, first + lane, i)];

        chunk.target[i * LANES + lane] = isfinite (weight) ? weight : 0;
      }
  fw_rounding_chunk_run (&chunk);
  for (guint lane = 0; lane < n; lane++)
    write_channel (find, &chunk, lane, first + lane);
  fw_rounding_chunk_clear (&chunk);
}

static void
prepare_block (guint index, gpointer user_data)
{
  Group *group = user_data;
  const Find *find = group->find;
  FwRoundingBlock *block = &group->blocks[index];

  fw_rounding_block_init (block, find->moments, group->index, index, &find->options);
  for (gsize i = 0; i < block->size; i++)
    group->importance[block->start + i] = block->moments[i * (block->stride + 1)];
}

static void
round_group (const Find *find, gsize index, guint threads)
{
  const gsize n_blocks = fw_second_moments_get_n_blocks (find->moments);
  const gsize per_group = find->shape.channels / find->groups;
  g_autofree FwRoundingBlock *blocks = g_new0 (FwRoundingBlock, n_blocks);
  g_autofree float *importance = g_new (float, find->length);
  Group group = { find, index, blocks, importance };

  fw_parallel_for ((guint) n_blocks, threads, prepare_block, &group);
  group.job = (FwRoundingJob){
    .length = find->length,
    .bits = find->options.bits,
    .grid = find->grid,
    .block = find->block,
    .n_scales = find->n_scales,
    .repairs = find->options.repairs,
    .blocks = blocks,
    .n_blocks = n_blocks,
    .importance = importance,
  };
  fw_parallel_for ((guint) ((per_group + LANES - 1) / LANES), threads, round_chunk, &group);
  for (gsize b = 0; b < n_blocks; b++)
    fw_rounding_block_clear (&blocks[b]);
}

static void
round_one_group (guint index, gpointer user_data)
{
  round_group (user_data, index, 1);
}

static void
round_with_moments (Find *find, guint threads)
{
  if (find->groups >= MANY_GROUPS)
    fw_parallel_for ((guint) find->groups, threads, round_one_group, find);
  else
    for (gsize g = 0; g < find->groups; g++)
      round_group (find, g, threads);
}

static gboolean
do_moments_fit (FwSecondMoments *moments, const FwWeightShape *shape)
{
  const FwColumns *columns = moments != NULL ? fw_second_moments_get_columns (moments) : NULL;

  return columns != NULL && shape->channels > 0 && shape->channels % columns->groups == 0
         && shape->outer * shape->inner == columns->length
         && fw_second_moments_get_n (moments, 0) > 0;
}

/* Rounding without ---------------------------------------------------------------------------- */

static float
find_plain_scale (const Find *find, const float *values, gsize n)
{
  const int least = fw_rounding_get_least_percent (find->options.bits);
  float full = fw_kernel_magnitude (values, n) / find->grid->largest;
  float best = full;
  double lowest;

  if (full < FLT_MIN)
    return 1.0f;
  if ((find->options.repairs & FW_REPAIR_CLIP) == 0)
    return full;
  lowest = fw_kernel_nearest_error (values, n, full, find->grid);
  for (int percent = fw_rounding_get_most_percent (find->grid); percent >= least && lowest > 0;
       percent -= 2)
    {
      float tried = full * ((float) percent / 100.0f);
      double error = lowest;

      if (tried >= FLT_MIN && tried <= FLT_MAX)
        error = fw_kernel_nearest_error (values, n, tried, find->grid);

      if (error < lowest)
        {
          lowest = error;
          best = tried;
        }
    }
  return best;
}

static void
round_plain_channel (guint index, gpointer user_data)
{
  const Find *find = user_data;
  g_autofree float *values = g_new (float, MAX (find->length, 1));
  float *scales = find->scales + index * find->n_scales;
  double error = 0;

  for (gsize o = 0; o < find->shape.outer; o++)
    for (gsize i = 0; i < find->shape.inner; i++)
      {
        float weight = find->weights[(o * find->shape.channels + index) * find->shape.inner + i];

        values[o * find->shape.inner + i] = isfinite (weight) ? weight : 0;
      }
  for (gsize i = 0; i < find->n_scales; i++)
    {
      const float *part = values + i * find->block;
      gsize n = MIN (find->block, find->length - i * find->block);

      scales[i] = find_plain_scale (find, part, n);
      error += fw_kernel_nearest_error (part, n, scales[i], find->grid);
    }
  find->errors[index] = error;
}

/* Public -------------------------------------------------------------------------------------- */

FwRounding *
fw_rounding_find (const float *weights,
                  const FwWeightShape *shape,
                  const FwRoundingOptions *options,
                  FwSecondMoments *moments,
                  guint threads)
{
  const gsize length = shape->outer * shape->inner;
  const gsize n_weights = length * shape->channels;
  const gsize n_scales = fw_rounding_get_n_blocks (shape, options->block);
  g_autofree double *errors = g_new0 (double, MAX (shape->channels, 1));
  FwRounding *self;
  Find find = { weights, *shape, *options, moments, length };

  g_return_val_if_fail (options->bits >= 2 && options->bits <= 8, NULL);
  g_return_val_if_fail (shape->channels <= G_MAXINT, NULL);

  find.block = options->block == 0 ? MAX (length, 1) : options->block;
  find.n_scales = n_scales;
  find.grid = fw_levels_get_grid (options->bits);
  find.scales = g_new (float, MAX (shape->channels * n_scales, 1));
  find.offsets = g_new0 (gint8, MAX (n_weights, 1));
  find.errors = errors;
  if (length > 0 && do_moments_fit (moments, shape))
    {
      find.groups = fw_second_moments_get_columns (moments)->groups;
      round_with_moments (&find, threads);
    }
  else
    fw_parallel_for ((guint) shape->channels, threads, round_plain_channel, &find);

  self = g_new0 (FwRounding, 1);
  self->bits = options->bits;
  self->block = options->block;
  self->shape = *shape;
  self->scales = g_bytes_new_take (find.scales, shape->channels * n_scales * sizeof (float));
  self->offsets = g_bytes_new_take (find.offsets, n_weights);
  for (gsize c = 0; c < shape->channels; c++)
    self->error += errors[c];
  return self;
}

void
fw_rounding_free (FwRounding *self)
{
  g_bytes_unref (self->scales);
  g_bytes_unref (self->offsets);
  g_free (self);
}

/* Errors -------------------------------------------------------------------------------------- */

typedef struct
{
  const float *weights, *rounded;
  FwWeightShape shape;
  gsize length, stride;
  gsize start, size; /* of a block */
  gsize first;       /* channel */
  gsize n;           /* channels */
  const float *matrix;
  double *errors; /* [channels] */
} Measure;

static void
measure_chunk (guint index, gpointer user_data)
{
  const Measure *self = user_data;
  const gsize first = (gsize) index * LANES;
  const guint n = (guint) MIN (LANES, self->n - first);
  g_autofree float *lost = g_new0 (float, self->size *LANES);
  g_autofree float *products = g_new0 (float, self->size *LANES);

  for (gsize i = 0; i < self->size; i++)
    for (guint lane = 0; lane < n; lane++)
      {
        gsize at = find_weight (&self->shape, self->first + first + lane, self->start + i);
        float change = self->rounded[at] - self->weights[at];

        lost[i * LANES + lane] = isfinite (change) ? change : 0;
      }
  fw_kernel_multiply (self->matrix, self->stride, self->size, lost, LANES, LANES, self->size, 1,
                      products, LANES);
  for (guint lane = 0; lane < n; lane++)
    for (gsize i = 0; i < self->size; i++)
      self->errors[self->first + first + lane]
          += (double) lost[i * LANES + lane] * (double) products[i * LANES + lane];
}

static double
get_plain_error (const float *weights, const float *rounded, gsize n)
{
  double error = 0;

  for (gsize i = 0; i < n; i++)
    {
      double change = (double) rounded[i] - (double) weights[i];

      if (isfinite (change))
        error += change * change;
    }
  return error;
}

double
fw_rounding_get_error (const float *weights,
                       const float *rounded,
                       const FwWeightShape *shape,
                       FwSecondMoments *moments,
                       gboolean centred,
                       guint threads)
{
  g_autofree double *errors = g_new0 (double, MAX (shape->channels, 1));
  g_autofree float *matrix = NULL;
  Measure measure = { weights, rounded, *shape, shape->outer * shape->inner };
  double sum = 0;
  gsize groups;

  if (!do_moments_fit (moments, shape))
    return get_plain_error (weights, rounded, measure.length * shape->channels);

  groups = fw_second_moments_get_columns (moments)->groups;
  measure.stride = fw_second_moments_get_stride (moments);
  measure.n = shape->channels / groups;
  measure.errors = errors;
  matrix = g_new (float, measure.stride *fw_second_moments_get_start (moments, 1));
  measure.matrix = matrix;
  for (gsize g = 0; g < groups; g++)
    for (gsize b = 0; b < fw_second_moments_get_n_blocks (moments); b++)
      {
        fw_second_moments_get_block (moments, g, b, centred, matrix);
        fw_second_moments_shrink (moments, g, b, matrix);
        measure.first = g * measure.n;
        measure.start = fw_second_moments_get_start (moments, b);
        measure.size = fw_second_moments_get_start (moments, b + 1) - measure.start;
        fw_parallel_for ((guint) ((measure.n + LANES - 1) / LANES), threads, measure_chunk,
                         &measure);
      }
  for (gsize c = 0; c < shape->channels; c++)
    sum += errors[c];
  return MAX (sum, 0);
}

void
fw_rounding_add_shift (const float *weights,
                       const float *rounded,
                       const FwWeightShape *shape,
                       FwSecondMoments *moments,
                       float *shift)
{
  const gsize length = shape->outer * shape->inner;
  g_autofree float *means = g_new (float, MAX (2 * length, 1));
  gsize groups, per_group;

  if (!do_moments_fit (moments, shape))
    return;
  groups = fw_second_moments_get_columns (moments)->groups;
  per_group = shape->channels / groups;
  for (gsize c = 0; c < shape->channels; c++)
    {
      double sum = 0;

      if (c % per_group == 0)
        {
          fw_second_moments_get_mean (moments, c / per_group, FALSE, means);
          fw_second_moments_get_mean (moments, c / per_group, TRUE, means + length);
        }
      for (gsize i = 0; i < length; i++)
        {
          gsize at = find_weight (shape, c, i);

          sum += (double) weights[at] * (double) means[i]
                 - (double) rounded[at] * (double) means[length + i];
        }
      if (isfinite (sum))
        shift[c] += (float) sum;
    }
}
