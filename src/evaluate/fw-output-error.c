/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-output-error.h"

#include <math.h>
#include <string.h>

#define MAX_COLUMNS 1024
/* Rounding may take a score a little past its ends. */
#define SCORE_TOLERANCE 1e-4

/* One output: its columns, or one column where it is all of a kind. */
typedef struct
{
  guint n_columns; /* 0 before the first sample */
  double *power;   /* per column: sum of squares of finite values */
  guint64 *count;  /* per column */
  gboolean *is_score;
} Output;

struct _FwOutputScale
{
  guint n;
  Output *outputs;
};

FwOutputScale *
fw_output_scale_new (guint n)
{
  FwOutputScale *self = g_new0 (FwOutputScale, 1);

  self->n = n;
  self->outputs = g_new0 (Output, MAX (n, 1));
  return self;
}

static void
output_clear (Output *self)
{
  g_clear_pointer (&self->power, g_free);
  g_clear_pointer (&self->count, g_free);
  g_clear_pointer (&self->is_score, g_free);
}

void
fw_output_scale_free (FwOutputScale *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n; i++)
    output_clear (&self->outputs[i]);
  g_free (self->outputs);
  g_free (self);
}

/* Learning ------------------------------------------------------------------------------------ */

static gboolean
is_real (FwTensor *tensor)
{
  const FwElementType type = fw_tensor_get_element_type (tensor);

  return type == FW_ELEMENT_FLOAT || type == FW_ELEMENT_FLOAT16 || type == FW_ELEMENT_DOUBLE;
}

static guint
count_columns (FwTensor *tensor)
{
  const guint n_dims = fw_tensor_get_n_dims (tensor);
  const gint64 last = n_dims > 0 ? fw_tensor_get_dims (tensor)[n_dims - 1] : 1;

  return n_dims >= 3 && last >= 2 && last <= MAX_COLUMNS ? (guint) last : 1;
}

static void
output_set_columns (Output *self, guint n)
{
  output_clear (self);
  self->n_columns = n;
  self->power = g_new0 (double, n);
  self->count = g_new0 (guint64, n);
  self->is_score = g_new0 (gboolean, n);
  for (guint c = 0; c < n; c++)
    self->is_score[c] = TRUE;
}

/* A last dimension that changes from sample to sample does not tell kinds apart. */
static void
output_merge (Output *self)
{
  double power = 0;
  guint64 count = 0;
  gboolean is_score = TRUE;

  for (guint c = 0; c < self->n_columns; c++)
    {
      power += self->power[c];
      count += self->count[c];
      is_score = is_score && self->is_score[c];
    }
  output_set_columns (self, 1);
  self->power[0] = power;
  self->count[0] = count;
  self->is_score[0] = is_score;
}

static void
output_learn (Output *self, FwTensor *tensor)
{
  g_autofree float *values = fw_tensor_to_floats (tensor);
  const gsize n = fw_tensor_get_n_elements (tensor);
  const guint n_columns = count_columns (tensor);

  if (self->n_columns == 0)
    output_set_columns (self, n_columns);
  else if (self->n_columns > 1 && self->n_columns != n_columns)
    output_merge (self);
  for (gsize i = 0; values != NULL && i < n; i++)
    {
      const guint c = i % self->n_columns;

      if (!isfinite (values[i]))
        continue;
      self->power[c] += (double) values[i] * values[i];
      self->count[c]++;
      if (values[i] < -SCORE_TOLERANCE || values[i] > 1 + SCORE_TOLERANCE)
        self->is_score[c] = FALSE;
    }
}

void
fw_output_scale_learn (FwOutputScale *self, GPtrArray *outputs)
{
  for (guint i = 0; i < MIN (self->n, outputs->len); i++)
    if (outputs->pdata[i] != NULL && is_real (outputs->pdata[i]))
      output_learn (&self->outputs[i], outputs->pdata[i]);
}

/* Comparing ----------------------------------------------------------------------------------- */

static double
get_ratio (double noise, guint64 n_noise, double signal, guint64 n_signal)
{
  if (noise == 0 || n_noise == 0)
    return 0;
  if (signal == 0 || n_signal == 0)
    return INFINITY;
  return noise / n_noise / (signal / n_signal);
}

/* The error of each group from the noise of each column; the worse of the two. */
static double
judge (const Output *self, const double *noise, const guint64 *n)
{
  double score_noise = 0, score_power = 0, others = 0, all_power = 0;
  guint64 n_score_noise = 0, n_score_power = 0, n_all = 0;
  guint n_others = 0;

  for (guint c = 0; c < self->n_columns; c++)
    {
      all_power += self->power[c];
      n_all += self->count[c];
    }
  for (guint c = 0; c < self->n_columns; c++)
    if (self->is_score[c])
      {
        score_noise += noise[c];
        n_score_noise += n[c];
        score_power += self->power[c];
        n_score_power += self->count[c];
      }
    else
      {
        others += get_ratio (noise[c], n[c], self->power[c], self->count[c]);
        n_others++;
      }
  /* What was always 0 has no measure of its own. */
  if (score_power == 0)
    {
      score_power = all_power;
      n_score_power = n_all;
    }
  return MAX (get_ratio (score_noise, n_score_noise, score_power, n_score_power),
              n_others > 0 ? others / n_others : 0);
}

static double
compare_real (const Output *self, FwTensor *original, FwTensor *other, gboolean *not_finite)
{
  g_autofree float *before = fw_tensor_to_floats (original);
  g_autofree float *after = fw_tensor_to_floats (other);
  g_autofree double *noise = g_new0 (double, self->n_columns);
  g_autofree guint64 *count = g_new0 (guint64, self->n_columns);
  const gsize n = fw_tensor_get_n_elements (original);

  for (gsize i = 0; i < n; i++)
    {
      const guint c = i % self->n_columns;
      const double difference = (double) before[i] - after[i];

      if (isfinite (before[i]) && !isfinite (after[i]))
        *not_finite = TRUE;
      if (!isfinite (before[i]))
        continue;
      noise[c] += difference * difference;
      count[c]++;
    }
  return *not_finite ? INFINITY : judge (self, noise, count);
}

static double
compare_whole (FwTensor *original, FwTensor *other)
{
  const gsize n = fw_tensor_get_n_elements (original);
  const gsize width = n > 0 ? fw_tensor_get_size (original) / n : 0;
  const char *before = fw_tensor_get_data (original), *after = fw_tensor_get_data (other);
  gsize n_other = 0;

  for (gsize i = 0; i < n; i++)
    n_other += memcmp (before + i * width, after + i * width, width) != 0;
  return n > 0 ? (double) n_other / n : 0;
}

static gboolean
has_same_shape (FwTensor *a, FwTensor *b)
{
  const guint n = fw_tensor_get_n_dims (a);

  return fw_tensor_get_element_type (a) == fw_tensor_get_element_type (b)
         && n == fw_tensor_get_n_dims (b)
         && (n == 0
             || memcmp (fw_tensor_get_dims (a), fw_tensor_get_dims (b), n * sizeof (gint64)) == 0);
}

FwOutputError
fw_output_scale_compare (FwOutputScale *self, GPtrArray *original, GPtrArray *other, double *errors)
{
  FwOutputError result = { .is_same = TRUE };

  for (guint i = 0; i < MIN (self->n, original->len); i++)
    {
      FwTensor *before = original->pdata[i];
      FwTensor *after = i < other->len ? other->pdata[i] : NULL;
      double error = 0, limit = FW_SAME_ERROR;

      if (errors != NULL)
        errors[i] = 0;
      if (before == NULL || fw_tensor_get_element_type (before) == FW_ELEMENT_STRING)
        continue;
      if (after == NULL || !has_same_shape (before, after))
        error = INFINITY;
      else if (is_real (before))
        error = compare_real (&self->outputs[i], before, after, &result.new_not_finite);
      else
        {
          error = compare_whole (before, after);
          limit = 1 - FW_SAME_EQUAL;
        }
      if (errors != NULL)
        errors[i] = error;
      result.error = MAX (result.error, error);
      result.is_same = result.is_same && error <= limit;
    }
  return result;
}

FwAgreement *
fw_agreement_new_from_errors (const FwOutputError *errors, guint n)
{
  FwAgreement *self = g_new0 (FwAgreement, 1);

  self->same.total = n;
  for (guint i = 0; i < n; i++)
    {
      self->same.same += errors[i].is_same;
      self->new_not_finite += errors[i].new_not_finite;
    }
  self->same.interval = fw_wilson_interval (self->same.same, n);
  self->mcnemar = 1;
  self->classes = g_array_new (FALSE, FALSE, sizeof (FwClassAccuracy));
  return self;
}

double
fw_error_to_decibels (double error)
{
  if (error == 0)
    return INFINITY;
  return isfinite (error) ? -10 * log10 (error) : -INFINITY;
}
