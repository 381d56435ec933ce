/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fw-rounding-chunk.h"

#define LANES FW_LINEAR_LANES
/* Columns that are rounded before later ones hear of it. */
#define COLUMNS 32
/* What is added to the diagonal, as a share of its mean: at least so much, and where a row is long
 * and rows are few, so many times length / rows. Rows of one sample are alike, so the refit, which
 * has no fixed grid to hold it, must be held by much. */
#define LEAST_DAMPING 0.01
#define DAMPING 0.1
#define LEAST_REFIT_DAMPING 0.1
#define REFIT_DAMPING 3.0
#define SWEEPS 8
/* Rounds of finding the best scale for the codes, and then codes for that. */
#define RESCALINGS 2
/* With few bits, scales around the best one for each weight by itself are tried, too. */
#define TRIES 2
#define TRY_STEP 0.08f

/* Blocks -------------------------------------------------------------------------------------- */

static double
get_mean_diagonal (const float *matrix, gsize n, gsize stride)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    sum += (double) matrix[i * stride + i];
  return sum / (double) MAX (n, 1);
}

static void
add_to_diagonal (float *matrix, gsize n, gsize stride, float value)
{
  for (gsize i = 0; i < n; i++)
    matrix[i * stride + i] += value;
}

static int
compare_diagonal (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const FwRoundingBlock *self = user_data;
  guint first = *(const guint *) a, second = *(const guint *) b;
  float left = self->moments[first * (self->stride + 1)];
  float right = self->moments[second * (self->stride + 1)];

  if (left != right)
    return left > right ? -1 : 1;
  return first < second ? -1 : first > second;
}

static void
factor_in_order (FwRoundingBlock *self)
{
  g_autofree float *permuted = g_new0 (float, self->size * self->stride);

  self->order = g_new (guint, self->size);
  for (gsize i = 0; i < self->size; i++)
    self->order[i] = (guint) i;
  g_qsort_with_data (self->order, (int) self->size, sizeof *self->order, compare_diagonal, self);

  for (gsize i = 0; i < self->size; i++)
    for (gsize j = 0; j <= i; j++)
      permuted[i * self->stride + j]
          = self->moments[self->order[i] * self->stride + self->order[j]];
  fw_factor_init (&self->factor, permuted, self->size, self->stride, self->damping * 0.1f);
}

static double
get_damping (const FwRoundingBlock *self,
             FwSecondMoments *moments,
             gsize group,
             double least,
             double share)
{
  double n = (double) MAX (fw_second_moments_get_n (moments, group), 1);
  double mean = get_mean_diagonal (self->moments, self->size, self->stride);

  return MAX (mean * MAX (least, share * (double) self->size / n), 1e-30);
}

static void
prepare_refit (FwRoundingBlock *self,
               FwSecondMoments *moments,
               gsize group,
               gsize index,
               gboolean centred)
{
  const gsize cells = self->size * self->stride;
  g_autofree float *second = g_memdup2 (self->moments, cells * sizeof (float));
  double damping = get_damping (self, moments, group, LEAST_REFIT_DAMPING, REFIT_DAMPING);

  self->right = g_new (float, cells);
  fw_second_moments_get_cross (moments, group, index, centred, self->right);
  fw_second_moments_shrink (moments, group, index, self->right);
  for (gsize i = 0; i < cells; i++)
    self->right[i] -= second[i];
  add_to_diagonal (second, self->size, self->stride, (float) damping);
  fw_factor_init (&self->refit, second, self->size, self->stride, (float) (damping * 0.01));
}

void
fw_rounding_block_init (FwRoundingBlock *self,
                        FwSecondMoments *moments,
                        gsize group,
                        gsize index,
                        const FwRoundingOptions *options)
{
  const gboolean centred = (options->repairs & FW_REPAIR_BIAS) != 0;

  memset (self, 0, sizeof *self);
  self->start = fw_second_moments_get_start (moments, index);
  self->size = fw_second_moments_get_start (moments, index + 1) - self->start;
  self->stride = fw_second_moments_get_stride (moments);
  self->moments = g_new (float, self->size * self->stride);
  fw_second_moments_get_block (moments, group, index, centred, self->moments);
  fw_second_moments_shrink (moments, group, index, self->moments);

  if (fw_second_moments_has_cross (moments) && (options->repairs & FW_REPAIR_CROSS) != 0)
    prepare_refit (self, moments, group, index, centred);
  self->damping = (float) get_damping (self, moments, group, LEAST_DAMPING, DAMPING);
  add_to_diagonal (self->moments, self->size, self->stride, self->damping);
  if ((options->repairs & FW_REPAIR_GPTQ) != 0)
    factor_in_order (self);
}

void
fw_rounding_block_clear (FwRoundingBlock *self)
{
  g_clear_pointer (&self->moments, g_free);
  g_clear_pointer (&self->right, g_free);
  g_clear_pointer (&self->order, g_free);
  fw_factor_clear (&self->factor);
  fw_factor_clear (&self->refit);
}

/* Chunks -------------------------------------------------------------------------------------- */

void
fw_rounding_chunk_init (FwRoundingChunk *self, const FwRoundingJob *job, guint n)
{
  memset (self, 0, sizeof *self);
  self->job = job;
  self->n = n;
  self->target = g_new0 (float, job->length *LANES);
  self->codes = g_new0 (float, job->length *LANES);
  self->scales = g_new (float, job->n_scales *LANES);
}

void
fw_rounding_chunk_clear (FwRoundingChunk *self)
{
  g_clear_pointer (&self->target, g_free);
  g_clear_pointer (&self->codes, g_free);
  g_clear_pointer (&self->scales, g_free);
}

/* W' = W + W (C - H) (H + μI)⁻¹ */
static void
refit (FwRoundingChunk *self)
{
  const FwRoundingJob *job = self->job;
  g_autofree float *change = g_new (float, job->length *LANES);

  for (gsize b = 0; b < job->n_blocks; b++)
    {
      const FwRoundingBlock *block = &job->blocks[b];
      float *target = self->target + block->start * LANES;

      memset (change, 0, block->size * LANES * sizeof *change);
      fw_kernel_multiply (block->right, block->stride, block->size, target, LANES, LANES,
                          block->size, 1, change, LANES);
      fw_factor_solve (&block->refit, change, LANES);
      for (gsize i = 0; i < block->size * LANES; i++)
        if (isfinite (target[i] + change[i]))
          target[i] += change[i];
    }
}

/* Scales -------------------------------------------------------------------------------------- */

static float
clean_scale (float scale)
{
  return scale >= FLT_MIN && scale <= FLT_MAX ? scale : 1.0f;
}

/* The scale of each lane for columns @first to @first + @n - 1. */
static void
find_scales (FwRoundingChunk *self, gsize first, gsize n, float *scales)
{
  const FwRoundingJob *job = self->job;
  const float *weights = self->target + first * LANES;
  const float largest = job->grid->largest;
  const int least = fw_rounding_get_least_percent (job->bits);
  float magnitude[LANES] = { 0 }, lowest[LANES];

  for (gsize i = 0; i < n * LANES; i++)
    magnitude[i % LANES] = MAX (magnitude[i % LANES], fabsf (weights[i]));
  for (guint lane = 0; lane < LANES; lane++)
    {
      scales[lane] = clean_scale (magnitude[lane] / largest);
      lowest[lane] = FLT_MAX;
    }
  if ((job->repairs & FW_REPAIR_CLIP) == 0)
    return;

  for (int percent = fw_rounding_get_most_percent (job->grid); percent >= least; percent -= 2)
    {
      float tried[LANES], errors[LANES] = { 0 };

      for (guint lane = 0; lane < LANES; lane++)
        tried[lane] = clean_scale (magnitude[lane] / largest * ((float) percent / 100.0f));
      fw_kernel_round_error (weights, job->importance + first, n, tried, job->grid, errors);
      for (guint lane = 0; lane < LANES; lane++)
        if (errors[lane] < lowest[lane])
          {
            lowest[lane] = errors[lane];
            scales[lane] = tried[lane];
          }
    }
}

/* Rounding ------------------------------------------------------------------------------------ */

static void
round_nearest (FwRoundingChunk *self)
{
  const FwRoundingJob *job = self->job;

  for (gsize i = 0; i < job->length; i++)
    for (guint lane = 0; lane < LANES; lane++)
      {
        float scale = self->scales[i / job->block * LANES + lane];
        float quotient = self->target[i * LANES + lane] / scale;

        self->codes[i * LANES + lane] = fw_grid_round (job->grid, quotient);
      }
}

typedef struct
{
  float *weights, *codes, *errors, *feedback; /* of one block, in its order */
  const float **scales;
} Feedback;

static void
round_block (FwRoundingChunk *self, const FwRoundingBlock *block, Feedback *feedback)
{
  const FwRoundingJob *job = self->job;
  const FwFactor *factor = &block->factor;

  for (gsize i = 0; i < block->size; i++)
    {
      gsize column = block->start + block->order[i];

      memcpy (feedback->weights + i * LANES, self->target + column * LANES, LANES * sizeof (float));
      feedback->scales[i] = self->scales + column / job->block * LANES;
    }
  memset (feedback->feedback, 0, block->size * LANES * sizeof (float));
  for (gsize i = 0; i < block->size; i += COLUMNS)
    {
      gsize n = MIN (COLUMNS, block->size - i);

      fw_kernel_multiply (factor->upper + i, factor->stride, n, feedback->errors, LANES, LANES, i,
                          1, feedback->feedback + i * LANES, LANES);
      fw_kernel_round_rows (feedback->weights + i * LANES, feedback->scales + i,
                            factor->upper + i * factor->stride + i, factor->stride, n, job->grid,
                            feedback->feedback + i * LANES, feedback->codes + i * LANES,
                            feedback->errors + i * LANES);
    }
  for (gsize i = 0; i < block->size; i++)
    memcpy (self->codes + (block->start + block->order[i]) * LANES, feedback->codes + i * LANES,
            LANES * sizeof (float));
}

static void
round_with_feedback (FwRoundingChunk *self)
{
  const FwRoundingJob *job = self->job;
  const gsize most = job->blocks[0].size * LANES;
  g_autofree float *scratch = g_new (float, 4 * most);
  g_autofree const float **scales = g_new (const float *, job->blocks[0].size);
  Feedback feedback = { scratch, scratch + most, scratch + 2 * most, scratch + 3 * most, scales };

  for (gsize b = 0; b < job->n_blocks; b++)
    round_block (self, &job->blocks[b], &feedback);
}

/* One channel --------------------------------------------------------------------------------- */

/* A channel's columns as they lie, for changing single codes. */
typedef struct
{
  const FwRoundingJob *job;
  float *codes, *scales;
  float *errors;   /* e = target - codes * scales */
  float *gradient; /* H e */
  float *products; /* H times codes */
} Channel;

static void
channel_init (Channel *self, const FwRoundingJob *job)
{
  self->job = job;
  self->codes = g_new (float, 4 * job->length + job->n_scales);
  self->errors = self->codes + job->length;
  self->gradient = self->errors + job->length;
  self->products = self->gradient + job->length;
  self->scales = self->products + job->length;
}

/* Changes codes one at a time while that lessens the error. */
static gboolean
sweep (Channel *self, const FwRoundingBlock *block)
{
  const FwRoundingJob *job = self->job;
  float *gradient = self->gradient + block->start;
  gboolean changed = FALSE;

  for (gsize i = 0; i < block->size; i++)
    {
      const float *row = block->moments + i * block->stride;
      const gsize column = block->start + i;
      const float scale = self->scales[column / job->block];
      float wish = gradient[i] / row[i], code, step;

      /* Codes are whole numbers: half a step never leads to another one. */
      if (!(fabsf (wish) > scale * 0.5f))
        continue;
      code = fw_grid_round (job->grid, self->codes[column] + wish / scale);
      step = (code - self->codes[column]) * scale;
      if (!(fabsf (step) > 0))
        continue;
      self->codes[column] = code;
      self->errors[column] -= step;
      fw_kernel_add_multiple (-step, row, block->size, gradient);
      changed = TRUE;
    }
  return changed;
}

static void
descend (Channel *self)
{
  for (gsize b = 0; b < self->job->n_blocks; b++)
    for (guint i = 0; i < SWEEPS && sweep (self, &self->job->blocks[b]); i++)
      ;
}

/* The best scale for the codes as they are: least squares in one unknown. */
static void
rescale (Channel *self, gsize index)
{
  const FwRoundingJob *job = self->job;
  const gsize first = index * job->block, end = MIN (first + job->block, job->length);
  double wish = 0, weight = 0;
  float change;

  memset (self->products, 0, job->length * sizeof (float));
  for (gsize b = 0; b < job->n_blocks; b++)
    {
      const FwRoundingBlock *block = &job->blocks[b];
      gsize from = MAX (first, block->start), to = MIN (end, block->start + block->size);

      for (gsize i = from; i < to; i++)
        if (self->codes[i] != 0)
          fw_kernel_add_multiple (self->codes[i],
                                  block->moments + (i - block->start) * block->stride, block->size,
                                  self->products + block->start);
    }
  for (gsize i = first; i < end; i++)
    {
      wish += (double) self->codes[i] * (double) self->gradient[i];
      weight += (double) self->codes[i] * (double) self->products[i];
    }
  if (!(weight > 0) || !isfinite (wish))
    return;
  change = (float) (wish / weight);
  if (!(self->scales[index] + change >= FLT_MIN) || fabsf (change) > 0.5f * self->scales[index])
    return;

  /* What is stored is the rounded sum. */
  change = (self->scales[index] + change) - self->scales[index];
  self->scales[index] += change;
  for (gsize i = first; i < end; i++)
    self->errors[i] -= change * self->codes[i];
  fw_kernel_add_multiple (-change, self->products, job->length, self->gradient);
}

static double
get_error (const Channel *self)
{
  double error = 0;

  for (gsize b = 0; b < self->job->n_blocks; b++)
    {
      const FwRoundingBlock *block = &self->job->blocks[b];
      const float *errors = self->errors + block->start;

      error += fw_kernel_dot (errors, self->gradient + block->start, block->size)
               - (double) block->damping * fw_kernel_dot (errors, errors, block->size);
    }
  return MAX (error, 0);
}

/* H times the errors of all lanes. */
static void
find_gradients (const FwRoundingChunk *self, float *errors, float *gradients)
{
  const FwRoundingJob *job = self->job;

  for (gsize i = 0; i < job->length; i++)
    for (guint lane = 0; lane < LANES; lane++)
      errors[i * LANES + lane]
          = self->target[i * LANES + lane]
            - self->codes[i * LANES + lane] * self->scales[i / job->block * LANES + lane];
  memset (gradients, 0, job->length * LANES * sizeof *gradients);
  for (gsize b = 0; b < job->n_blocks; b++)
    {
      const FwRoundingBlock *block = &job->blocks[b];

      fw_kernel_multiply (block->moments, block->stride, block->size, errors + block->start * LANES,
                          LANES, LANES, block->size, 1, gradients + block->start * LANES, LANES);
    }
}

/* Lets each channel's codes and scales settle if @descent, and notes the errors. */
static void
polish (FwRoundingChunk *self, gboolean descent)
{
  const FwRoundingJob *job = self->job;
  g_autofree float *errors = g_new (float, job->length *LANES);
  g_autofree float *gradients = g_new (float, job->length *LANES);
  Channel channel;

  find_gradients (self, errors, gradients);
  channel_init (&channel, job);
  for (guint lane = 0; lane < self->n; lane++)
    {
      for (gsize i = 0; i < job->length; i++)
        {
          channel.codes[i] = self->codes[i * LANES + lane];
          channel.errors[i] = errors[i * LANES + lane];
          channel.gradient[i] = gradients[i * LANES + lane];
        }
      for (gsize i = 0; i < job->n_scales; i++)
        channel.scales[i] = self->scales[i * LANES + lane];

      if (descent)
        {
          descend (&channel);
          for (guint round = 0; round < RESCALINGS; round++)
            {
              for (gsize i = 0; i < job->n_scales; i++)
                rescale (&channel, i);
              descend (&channel);
            }
        }
      self->errors[lane] = get_error (&channel);

      for (gsize i = 0; i < job->length; i++)
        self->codes[i * LANES + lane] = channel.codes[i];
      for (gsize i = 0; i < job->n_scales; i++)
        self->scales[i * LANES + lane] = channel.scales[i];
    }
  g_free (channel.codes);
}

typedef struct
{
  float *codes, *scales;
  double errors[LANES];
} Best;

static void
keep_best (const FwRoundingChunk *self, Best *best)
{
  const FwRoundingJob *job = self->job;

  for (guint lane = 0; lane < self->n; lane++)
    {
      if (!(self->errors[lane] < best->errors[lane]))
        continue;
      best->errors[lane] = self->errors[lane];
      for (gsize i = 0; i < job->length; i++)
        best->codes[i * LANES + lane] = self->codes[i * LANES + lane];
      for (gsize i = 0; i < job->n_scales; i++)
        best->scales[i * LANES + lane] = self->scales[i * LANES + lane];
    }
}

/* What is best for each weight by itself need not be best for all together. */
static void
round_with_some_scales (FwRoundingChunk *self)
{
  const FwRoundingJob *job = self->job;
  const gsize n_scales = job->n_scales * LANES;
  g_autofree float *base = g_memdup2 (self->scales, n_scales * sizeof (float));
  g_autofree float *codes = g_new0 (float, job->length *LANES);
  g_autofree float *scales = g_memdup2 (base, n_scales * sizeof (float));
  Best best = { codes, scales };

  for (guint lane = 0; lane < LANES; lane++)
    best.errors[lane] = G_MAXDOUBLE;
  for (int i = -TRIES; i <= TRIES; i++)
    {
      for (gsize s = 0; s < n_scales; s++)
        self->scales[s] = clean_scale (base[s] * (1 + (float) i * TRY_STEP));
      round_with_feedback (self);
      polish (self, FALSE);
      keep_best (self, &best);
    }
  memcpy (self->codes, codes, job->length * LANES * sizeof *codes);
  memcpy (self->scales, scales, n_scales * sizeof *scales);
}

void
fw_rounding_chunk_run (FwRoundingChunk *self)
{
  const FwRoundingJob *job = self->job;

  if (job->n_blocks > 0 && job->blocks[0].right != NULL)
    refit (self);
  for (gsize i = 0; i < job->n_scales; i++)
    find_scales (self, i * job->block, MIN (job->block, job->length - i * job->block),
                 self->scales + i * LANES);
  if ((job->repairs & FW_REPAIR_GPTQ) == 0)
    round_nearest (self);
  else if (job->bits <= FW_ROUNDING_FEW_BITS && (job->repairs & FW_REPAIR_CLIP) != 0)
    round_with_some_scales (self);
  else
    round_with_feedback (self);
  polish (self, (job->repairs & FW_REPAIR_DESCENT) != 0);
}
