/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-equalize.h"

#include <math.h>
#include <stdlib.h>

#include "fw-calibration.h"
#include "fw-predictor.h"

/* By how many decibels the harm must fall, on average over what is measured, and by how many one of
 * them may rise. What evens out activations often makes weights uneven. */
#define LEAST_GAIN 0.5
#define MOST_LOSS 0.2
#define N_HARMS 2
/* Fewer bits than 8 show what becomes of the weights, and are what small versions have. */
#define STORAGE FW_OPTION (6, FW_ARITHMETIC_FLOAT, 0)
/* Channels smaller than this share of the largest are taken to be that large. */
#define LEAST_CHANNEL 1e-3

static const double strengths[] = { 0.3, 0.5, 0.7, 0.85, 0.95 };

typedef struct
{
  FwModel *prepared;
  FwRecipe *recipe; /* what was found so far */
  const char *const *scores;
  GPtrArray *rows;
  gboolean arithmetic;
  guint threads;
  GPtrArray *scalables;
  float **largest; /* [scalables]: of each channel, by size */
  GCancellable *cancellable;
} Search;

/* Sizes of channels -----------------------------------------------------------------------------
 */

static void
note_largest (const FwScalable *scalable, FwTensor *tensor, float *largest)
{
  const float *values = fw_tensor_get_data (tensor);
  guint n_dims = fw_tensor_get_n_dims (tensor);
  const gint64 *dims = fw_tensor_get_dims (tensor);
  guint axis = scalable->is_last ? n_dims - 1 : 1;
  gsize inner = 1;

  if (fw_tensor_get_element_type (tensor) != FW_ELEMENT_FLOAT || n_dims <= axis
      || dims[axis] != (gint64) scalable->n_channels)
    return;
  for (guint i = axis + 1; i < n_dims; i++)
    inner *= dims[i];
  for (gsize i = 0; i < fw_tensor_get_n_elements (tensor); i++)
    {
      float *entry = &largest[i / inner % scalable->n_channels];

      if (isfinite (values[i]))
        *entry = MAX (*entry, fabsf (values[i]));
    }
}

static gboolean
measure_channels (Search *search, GError **error)
{
  g_autoptr (FwModel) model = fw_model_copy (search->prepared);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (FwSession) session = NULL;

  for (guint i = 0; i < search->scalables->len; i++)
    {
      const FwScalable *scalable = g_ptr_array_index (search->scalables, i);

      g_ptr_array_add (names, scalable->value);
      fw_model_add_output (model, scalable->value);
      search->largest[i] = g_new0 (float, scalable->n_channels);
    }
  g_ptr_array_add (names, NULL);
  session = fw_trial_load (model, NULL, search->threads, error);
  for (guint r = 0; session != NULL && r < search->rows->len; r++)
    {
      GPtrArray *row = g_ptr_array_index (search->rows, r);
      g_autoptr (GPtrArray) answer
          = fw_session_run (session, NULL, (FwTensor *const *) row->pdata, row->len,
                            (const char *const *) names->pdata, search->cancellable, error);

      if (answer == NULL)
        return FALSE;
      for (guint i = 0; i < answer->len; i++)
        if (g_ptr_array_index (answer, i) != NULL)
          note_largest (g_ptr_array_index (search->scalables, i), g_ptr_array_index (answer, i),
                        search->largest[i]);
    }
  return session != NULL;
}

static int
compare_floats (gconstpointer a, gconstpointer b)
{
  float left = *(const float *) a, right = *(const float *) b;

  return left < right ? -1 : left > right;
}

/* Sizes as logarithms to base 2 of shares of the median. NULL where all are 0. */
static double *
get_sizes (const float *largest, gsize n)
{
  g_autofree float *sorted = g_memdup2 (largest, n * sizeof *largest);
  double *sizes;
  float least;

  qsort (sorted, n, sizeof *sorted, compare_floats);
  if (!(sorted[n - 1] > 0))
    return NULL;
  least = sorted[n - 1] * LEAST_CHANNEL;
  sizes = g_new (double, n);
  for (gsize j = 0; j < n; j++)
    sizes[j] = log2 (MAX (largest[j], least)) - log2 (MAX (sorted[n / 2], least));
  return sizes;
}

/* Puts the scaling of value @i into @recipe, unless it changes nothing. */
static void
set_scaling (Search *search, FwRecipe *recipe, guint i, double strength)
{
  const FwScalable *scalable = g_ptr_array_index (search->scalables, i);
  g_autofree double *inputs = get_sizes (search->largest[i], scalable->n_channels);
  g_autofree double *weights = get_sizes (scalable->largest, scalable->n_channels);
  g_autofree gint8 *exponents = g_new (gint8, scalable->n_channels);
  gboolean changes = FALSE;

  if (inputs == NULL || weights == NULL)
    return;
  for (gsize j = 0; j < scalable->n_channels; j++)
    {
      double exponent = strength * inputs[j] - (1 - strength) * weights[j];

      exponents[j] = CLAMP (rint (exponent), -FW_RECIPE_MOST_SCALING, FW_RECIPE_MOST_SCALING);
      changes |= exponents[j] != 0;
    }
  if (changes)
    fw_recipe_set_scaling (recipe, scalable->value, exponents, scalable->n_channels);
}

/* Harm ------------------------------------------------------------------------------------------
 */

static GPtrArray *
feed_row (guint index, gpointer user_data, GError **error)
{
  GPtrArray *rows = user_data;

  return g_ptr_array_ref (g_ptr_array_index (rows, index));
}

static gboolean
calibrate (Search *search, FwModel *model, FwRewriter *rewriter, FwRecipe *recipe, GError **error)
{
  g_auto (GStrv) values = fw_rewriter_list_values (rewriter);
  const FwFeed feed = { .n = search->rows->len, .func = feed_row, .user_data = search->rows };
  g_autoptr (FwCalibration) calibration
      = fw_calibration_run (model, (const char *const *) values, &feed, search->threads, NULL,
                            search->cancellable, error);

  if (calibration == NULL)
    return FALSE;
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      g_autofree float *mean = NULL;
      FwRange range;

      if (statistics == NULL || statistics->histogram.n_not_finite > 0)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (recipe, values[i], &range);
      if (statistics->mean == NULL)
        continue;
      mean = g_new (float, statistics->channels);
      for (gsize c = 0; c < statistics->channels; c++)
        mean[c] = statistics->mean[c];
      fw_recipe_set_mean (recipe, values[i], mean, statistics->channels);
    }
  return TRUE;
}

/* The recipe with @option for all that can; NULL where none can. */
static FwRecipe *
make_uniform (FwRewriter *rewriter, GPtrArray *units, FwRecipe *recipe, FwOption option)
{
  FwRecipe *uniform = fw_recipe_copy (recipe);
  gboolean any = FALSE;

  for (guint i = 0; i < units->len; i++)
    if (fw_rewriter_can (rewriter, recipe, i, option))
      {
        fw_recipe_set_option (uniform, ((FwUnit *) g_ptr_array_index (units, i))->name, option);
        any = TRUE;
      }
  if (!any)
    g_clear_pointer (&uniform, fw_recipe_free);
  return uniform;
}

/* In decibels, of all weights in few bits and of all arithmetic in int8; 0 where it does not count.
 */
static gboolean
measure (Search *search, FwRecipe *scaled, double harms[N_HARMS], GError **error)
{
  const FwOption options[N_HARMS] = { STORAGE, FW_OPTION_INT8_COMPUTE };
  g_autoptr (FwModel) model = fw_scaling_apply (search->prepared, scaled, error);
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwPredictor) predictor = NULL;
  FwTrial trial = { .scores = search->scores, .rows = search->rows, .threads = search->threads };

  if (model == NULL)
    return FALSE;
  trial.recipe = scaled;
  trial.units = units = fw_units_find (model);
  trial.rewriter = rewriter = fw_rewriter_new (model, units, search->threads);
  if (!calibrate (search, model, rewriter, scaled, error))
    return FALSE;
  predictor = fw_predictor_new (&trial, search->cancellable, error);
  if (predictor == NULL)
    return FALSE;
  for (guint i = 0; i < N_HARMS; i++)
    {
      g_autoptr (FwRecipe) uniform = make_uniform (rewriter, units, scaled, options[i]);

      harms[i] = 1;
      if (uniform != NULL && (i == 0 || search->arithmetic)
          && !fw_predictor_predict (predictor, &uniform, 1, 0, &harms[i], NULL, search->cancellable,
                                    error))
        return FALSE;
      harms[i] = 10 * log10 (MAX (harms[i], 1e-30));
    }
  return TRUE;
}

/* By how much @harms are better than @plain; below 0 where one of them is worse. */
static double
get_gain (Search *search, const double plain[N_HARMS], const double harms[N_HARMS])
{
  double gain = 0;

  for (guint i = 0; i < N_HARMS; i++)
    {
      if (!(harms[i] <= plain[i] + MOST_LOSS))
        return -1;
      gain += (plain[i] - harms[i]) / (search->arithmetic ? N_HARMS : 1);
    }
  return gain;
}

/* Searching -------------------------------------------------------------------------------------
 */

/* A recipe of the scalings found so far and, at @strength, those of one kind. */
static FwRecipe *
make_scaled (Search *search, gboolean is_normalized, double strength)
{
  FwRecipe *scaled = fw_recipe_new ("", FALSE);

  for (guint i = 0; i < search->scalables->len; i++)
    {
      const FwScalable *scalable = g_ptr_array_index (search->scalables, i);
      gsize n;
      const gint8 *exponents = fw_recipe_get_scaling (search->recipe, scalable->value, &n);

      if (exponents != NULL)
        fw_recipe_set_scaling (scaled, scalable->value, exponents, n);
      else if (strength > 0 && scalable->is_normalized == is_normalized)
        set_scaling (search, scaled, i, strength);
    }
  return scaled;
}

static void
take (Search *search, gboolean is_normalized, double strength)
{
  for (guint i = 0; i < search->scalables->len; i++)
    if (((FwScalable *) g_ptr_array_index (search->scalables, i))->is_normalized == is_normalized)
      set_scaling (search, search->recipe, i, strength);
}

static gboolean
has_kind (Search *search, gboolean is_normalized)
{
  for (guint i = 0; i < search->scalables->len; i++)
    if (((FwScalable *) g_ptr_array_index (search->scalables, i))->is_normalized == is_normalized)
      return TRUE;
  return FALSE;
}

/* @plain: the harms without more scalings. */
static gboolean
search_kind (Search *search, gboolean is_normalized, const double plain[N_HARMS], GError **error)
{
  double best = LEAST_GAIN, strength = 0;

  for (guint i = 0; i < G_N_ELEMENTS (strengths); i++)
    {
      g_autoptr (FwRecipe) scaled = make_scaled (search, is_normalized, strengths[i]);
      double harms[N_HARMS], gain;

      if (!measure (search, scaled, harms, error))
        return FALSE;
      gain = get_gain (search, plain, harms);
      g_debug ("%s by %.2f: %.2f and %.2f dB instead of %.2f and %.2f",
               is_normalized ? "smoothing" : "equalizing", strengths[i], harms[0], harms[1],
               plain[0], plain[1]);
      if (gain > best)
        {
          best = gain;
          strength = strengths[i];
        }
    }
  if (strength > 0)
    take (search, is_normalized, strength);
  return TRUE;
}

static gboolean
search_all (Search *search, FwRepairFlags flags, FwProgress *progress, GError **error)
{
  const struct
  {
    FwRepairFlags flag;
    gboolean is_normalized;
  } kinds[] = { { FW_REPAIR_SMOOTH, TRUE }, { FW_REPAIR_EQUALIZE, FALSE } };

  if (!measure_channels (search, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (FwRecipe) found = NULL;
      double plain[N_HARMS];

      if ((flags & kinds[i].flag) == 0 || !has_kind (search, kinds[i].is_normalized))
        continue;
      found = make_scaled (search, FALSE, 0);
      if (!measure (search, found, plain, error)
          || !search_kind (search, kinds[i].is_normalized, plain, error))
        return FALSE;
      fw_progress_report (progress, (i + 1.0) / G_N_ELEMENTS (kinds));
    }
  fw_progress_report (progress, 1);
  return TRUE;
}

static gboolean
has_any (Search *search, FwRepairFlags flags)
{
  return ((flags & FW_REPAIR_SMOOTH) != 0 && has_kind (search, TRUE))
         || ((flags & FW_REPAIR_EQUALIZE) != 0 && has_kind (search, FALSE));
}

gboolean
fw_equalize_can (FwModel *prepared, FwRepairFlags flags)
{
  g_autoptr (GPtrArray) scalables = NULL;
  Search search = { .prepared = prepared };

  if ((flags & (FW_REPAIR_SMOOTH | FW_REPAIR_EQUALIZE)) == 0)
    return FALSE;
  search.scalables = scalables = fw_scaling_find (prepared);
  return has_any (&search, flags);
}

gboolean
fw_equalize_find (FwModel *prepared,
                  FwRecipe *recipe,
                  FwRepairFlags flags,
                  const char *const *scores,
                  GPtrArray *rows,
                  gboolean arithmetic,
                  guint threads,
                  FwProgress *progress,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GPtrArray) scalables = NULL;
  Search search = { .prepared = prepared,
                    .recipe = recipe,
                    .scores = scores,
                    .rows = rows,
                    .arithmetic = arithmetic,
                    .threads = threads,
                    .cancellable = cancellable };
  gboolean ok;

  search.scalables = scalables = fw_scaling_find (prepared);
  if (rows->len == 0 || !has_any (&search, flags))
    return TRUE;
  search.largest = g_new0 (float *, scalables->len + 1);
  ok = search_all (&search, flags, progress, error);
  for (guint i = 0; i < scalables->len; i++)
    g_free (search.largest[i]);
  g_free (search.largest);
  return ok;
}
