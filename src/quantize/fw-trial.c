/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-trial.h"

#include <math.h>
#include <string.h>

/* A column that hardly changes must not count for more than its noise: this share of its mean
 * square, and of the other columns', is always added to its variance. */
#define LEAST_OF_SQUARE 1e-4
#define LEAST_OF_OTHERS 1e-8

typedef struct
{
  float *values; /* NULL where there is no tensor of numbers */
  gsize n;
  gint64 last; /* of a tensor of three dims or more; else 0 */
} Score;

struct _FwTrialReference
{
  guint n_rows, n_scores, n_sums;
  Score *scores;    /* [n_rows, n_scores] */
  guint *n_columns; /* [n_scores] */
  guint *first;     /* [n_scores]: the place of the first column's sum */
  double *squares;  /* [n_rows, n_sums]: of what compares are divided by */
  double *mean;     /* [n_sums] */
};

FwSession *
fw_trial_load (FwModel *model, const char *extra_output, guint threads, GError **error)
{
  FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwModel) copy = fw_model_copy (model);

  if (extra_output != NULL)
    fw_model_add_output (copy, extra_output);
  return fw_session_new_for_model (copy, &options, error);
}

static void
score_init (Score *self, FwTensor *tensor)
{
  guint n_dims;

  if (tensor == NULL)
    return;
  self->values = fw_tensor_to_floats (tensor);
  if (self->values == NULL)
    return;
  self->n = fw_tensor_get_n_elements (tensor);
  n_dims = fw_tensor_get_n_dims (tensor);
  if (n_dims >= 3)
    self->last = fw_tensor_get_dims (tensor)[n_dims - 1];
}

static Score *
get_score (FwTrialReference *self, guint row, guint score)
{
  return &self->scores[row * self->n_scores + score];
}

/* Columns only where all rows have them alike. */
static guint
count_columns (FwTrialReference *self, guint score)
{
  gint64 last = get_score (self, 0, score)->last;

  if (last <= 1 || last > FW_TRIAL_MAX_COLUMNS)
    return 1;
  for (guint row = 1; row < self->n_rows; row++)
    if (get_score (self, row, score)->last != last)
      return 1;
  return last;
}

static void
sum_up (FwTrialReference *self, guint score)
{
  guint n_columns = self->n_columns[score], first = self->first[score];
  g_autofree double *sums = g_new0 (double, n_columns);
  g_autofree guint64 *n = g_new0 (guint64, n_columns);

  for (guint row = 0; row < self->n_rows; row++)
    {
      Score *entry = get_score (self, row, score);

      for (gsize i = 0; entry->values != NULL && i < entry->n; i++)
        if (isfinite (entry->values[i]))
          {
            sums[i % n_columns] += entry->values[i];
            n[i % n_columns]++;
          }
    }
  for (guint c = 0; c < n_columns; c++)
    self->mean[first + c] = n[c] > 0 ? sums[c] / n[c] : 0;

  for (guint row = 0; row < self->n_rows; row++)
    {
      Score *entry = get_score (self, row, score);
      double *squares = self->squares + (gsize) row * self->n_sums + first;

      for (gsize i = 0; entry->values != NULL && i < entry->n; i++)
        if (isfinite (entry->values[i]))
          {
            double value = entry->values[i], far = value - self->mean[first + i % n_columns];

            squares[i % n_columns] += far * far + LEAST_OF_SQUARE * value * value;
          }
    }
}

FwTrialReference *
fw_trial_reference_new (GPtrArray *const *answers, guint n_rows)
{
  FwTrialReference *self = g_new0 (FwTrialReference, 1);
  guint n_scores = n_rows > 0 ? answers[0]->len : 0;

  self->n_rows = n_rows;
  self->n_scores = n_scores;
  self->scores = g_new0 (Score, (gsize) n_rows * n_scores);
  self->n_columns = g_new0 (guint, n_scores);
  self->first = g_new0 (guint, n_scores);
  for (guint row = 0; row < n_rows; row++)
    for (guint i = 0; i < n_scores; i++)
      score_init (get_score (self, row, i), g_ptr_array_index (answers[row], i));

  for (guint i = 0; i < n_scores; i++)
    {
      self->n_columns[i] = count_columns (self, i);
      self->first[i] = self->n_sums;
      self->n_sums += self->n_columns[i];
    }
  self->squares = g_new0 (double, (gsize) n_rows * self->n_sums);
  self->mean = g_new0 (double, self->n_sums);
  for (guint i = 0; i < n_scores; i++)
    sum_up (self, i);
  return self;
}

void
fw_trial_reference_free (FwTrialReference *self)
{
  for (gsize i = 0; i < (gsize) self->n_rows * self->n_scores; i++)
    g_free (self->scores[i].values);
  g_free (self->scores);
  g_free (self->n_columns);
  g_free (self->first);
  g_free (self->squares);
  g_free (self->mean);
  g_free (self);
}

guint
fw_trial_reference_get_n_sums (FwTrialReference *self)
{
  return self->n_sums;
}

static void
compare_values (const Score *reference, const float *values, guint n_columns, double *sums)
{
  guint c = 0;

  for (gsize i = 0; i < reference->n; i++)
    {
      if (isfinite (reference->values[i]))
        {
          double far = (double) values[i] - reference->values[i];

          sums[c] += isfinite (far) ? far * far : INFINITY;
        }
      if (++c == n_columns)
        c = 0;
    }
}

void
fw_trial_reference_compare (FwTrialReference *self, guint row, GPtrArray *answer, double *sums)
{
  memset (sums, 0, self->n_sums * sizeof *sums);
  for (guint i = 0; i < self->n_scores; i++)
    {
      const Score *reference = get_score (self, row, i);
      FwTensor *tensor = i < answer->len ? g_ptr_array_index (answer, i) : NULL;
      g_autofree float *values = NULL;
      guint first = self->first[i], n_columns = self->n_columns[i];

      if (reference->values == NULL)
        continue;
      if (tensor != NULL && fw_tensor_get_n_elements (tensor) == reference->n)
        values = fw_tensor_to_floats (tensor);
      if (values != NULL)
        compare_values (reference, values, n_columns, sums + first);
      else
        /* Another number of answers, as of boxes that were found: all of them count as lost. */
        memcpy (sums + first, self->squares + (gsize) row * self->n_sums + first,
                n_columns * sizeof *sums);
    }
}

/* Of one score; negative where the reference has nothing to compare with. */
static double
get_score_harm (FwTrialReference *self, const double *sums, guint n_rows, guint score)
{
  guint n_columns = self->n_columns[score], n_used = 0;
  g_autofree double *errors = g_new0 (double, n_columns);
  g_autofree double *squares = g_new0 (double, n_columns);
  double total = 0, others = 0;

  for (guint row = 0; row < n_rows; row++)
    for (guint c = 0; c < n_columns; c++)
      {
        gsize place = (gsize) row * self->n_sums + self->first[score] + c;

        errors[c] += sums[place];
        squares[c] += self->squares[place];
      }
  for (guint c = 0; c < n_columns; c++)
    others += squares[c] / n_columns;
  for (guint c = 0; c < n_columns; c++)
    if (squares[c] > 0 || errors[c] > 0)
      {
        total += errors[c] / MAX (squares[c] + LEAST_OF_OTHERS * others, 1e-30);
        n_used++;
      }
  return n_used > 0 ? total / n_used : -1;
}

double
fw_trial_reference_get_harm (FwTrialReference *self, const double *sums, guint n_rows)
{
  double total = 0;
  guint n_used = 0;

  for (guint i = 0; i < self->n_scores; i++)
    {
      double harm = get_score_harm (self, sums, MIN (n_rows, self->n_rows), i);

      if (harm < 0)
        continue;
      total += harm;
      n_used++;
    }
  return n_used > 0 ? total / n_used : INFINITY;
}
