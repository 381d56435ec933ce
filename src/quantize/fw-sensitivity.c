/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sensitivity.h"

#include <math.h>
#include <string.h>

#include "fw-graph-index.h"

FwSession *
fw_trial_load (FwModel *model, const char *extra_output, guint threads, GError **error)
{
  FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwModel) copy = fw_model_copy (model);
  g_autoptr (GBytes) bytes = NULL;

  if (extra_output != NULL)
    fw_model_add_output (copy, extra_output);
  bytes = fw_model_to_bytes (copy, error);
  if (bytes == NULL)
    return NULL;
  return fw_session_new_from_bytes (bytes, &options, error);
}

/* The scores of all samples, one after another. */
static GArray *
run_scores (const FwTrial *trial, FwModel *model, GCancellable *cancellable, GError **error)
{
  const char *const inputs[] = { trial->input, NULL };
  const char *const outputs[] = { trial->scores, NULL };
  g_autoptr (FwSession) session = fw_trial_load (model, trial->scores, trial->threads, error);
  g_autoptr (GArray) scores = g_array_new (FALSE, FALSE, sizeof (float));

  if (session == NULL)
    return NULL;
  for (guint i = 0; i < trial->inputs->len; i++)
    {
      FwTensor *input = g_ptr_array_index (trial->inputs, i);
      g_autoptr (GPtrArray) results = NULL;
      g_autofree float *values = NULL;

      results = fw_session_run (session, inputs, &input, 1, outputs, cancellable, error);
      if (results == NULL)
        return NULL;
      values = fw_tensor_to_floats (g_ptr_array_index (results, 0));
      if (values != NULL)
        g_array_append_vals (scores, values,
                             fw_tensor_get_n_elements (g_ptr_array_index (results, 0)));
    }
  return g_steal_pointer (&scores);
}

/* Of the error against the variance of the reference; +inf where a number became none. What is no
 * number in the reference (scores of -inf are common) says nothing and is left out. */
static double
get_normalized_error (GArray *reference, GArray *scores)
{
  const float *a = (const float *) (gpointer) reference->data;
  const float *b = (const float *) (gpointer) scores->data;
  double mean = 0, variance = 0, difference = 0;
  guint n = 0;

  if (reference->len != scores->len)
    return INFINITY;
  for (guint i = 0; i < reference->len; i++)
    if (isfinite (a[i]))
      {
        mean += a[i];
        n++;
      }
  if (n == 0)
    return INFINITY;
  mean /= n;
  for (guint i = 0; i < reference->len; i++)
    if (isfinite (a[i]))
      {
        variance += (a[i] - mean) * (a[i] - mean);
        difference += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
      }
  if (!isfinite (difference))
    return INFINITY;
  return difference / MAX (variance, 1e-30);
}

static gboolean
measure_one (const FwTrial *trial,
             GArray *reference,
             FwRecipe *recipe,
             double *harm,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (FwModel) model = fw_rewriter_build (trial->rewriter, recipe, error);
  g_autoptr (GArray) scores = NULL;
  g_autoptr (GError) local = NULL;

  if (model == NULL)
    return FALSE;
  scores = run_scores (trial, model, cancellable, &local);
  if (scores != NULL)
    {
      *harm = get_normalized_error (reference, scores);
      return TRUE;
    }
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  /* What does not load is no option for this unit; the others go on. */
  g_message ("An option is left out: %s", local->message);
  *harm = INFINITY;
  return TRUE;
}

/* Half precision does so little that it is measured once for all units and shared out by weights.
 */
static gboolean
measure_float16 (const FwTrial *trial,
                 GArray *reference,
                 FwUnitHarm *harms,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (trial->recipe);
  guint64 n_weights = 0;
  double harm;

  for (guint i = 0; i < trial->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (trial->units, i);

      fw_recipe_set_option (recipe, unit->name, FW_OPTION_FLOAT16);
      n_weights += unit->n_weights;
    }
  if (!measure_one (trial, reference, recipe, &harm, cancellable, error))
    return FALSE;
  for (guint i = 0; i < trial->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (trial->units, i);

      harms[i].storage[1] = harm * unit->n_weights / n_weights;
    }
  return TRUE;
}

static gboolean
measure_option (const FwTrial *trial,
                GArray *reference,
                guint i,
                FwOption option,
                double *harm,
                GCancellable *cancellable,
                GError **error)
{
  FwUnit *unit = g_ptr_array_index (trial->units, i);
  g_autoptr (FwRecipe) recipe = NULL;

  if (!fw_rewriter_can (trial->rewriter, trial->recipe, i, option))
    return TRUE;
  recipe = fw_recipe_copy (trial->recipe);
  fw_recipe_set_option (recipe, unit->name, option);
  return measure_one (trial, reference, recipe, harm, cancellable, error);
}

double
fw_unit_harm_get (const FwUnitHarm *self, FwOption option)
{
  return self->storage[fw_width_find (fw_option_get_bits (option))]
         + self->arithmetic[fw_option_get_arithmetic (option)];
}

gboolean
fw_sensitivity_measure (const FwTrial *trial,
                        gboolean arithmetic,
                        FwUnitHarm *harms,
                        FwProgress *progress,
                        GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (FwModel) plain = fw_rewriter_build (trial->rewriter, trial->recipe, error);
  g_autoptr (GArray) reference = NULL;

  if (plain == NULL)
    return FALSE;
  reference = run_scores (trial, plain, cancellable, error);
  if (reference == NULL)
    return FALSE;

  for (guint i = 0; i < trial->units->len; i++)
    {
      for (guint k = 0; k < FW_N_WIDTHS; k++)
        harms[i].storage[k] = k == 0 ? 0 : INFINITY;
      for (guint k = 0; k < FW_N_ARITHMETICS; k++)
        harms[i].arithmetic[k] = k == FW_ARITHMETIC_FLOAT ? 0 : INFINITY;
    }
  if (!measure_float16 (trial, reference, harms, cancellable, error))
    return FALSE;

  for (guint i = 0; i < trial->units->len; i++)
    {
      double *stored = &harms[i].storage[fw_width_find (8)];
      double computed = INFINITY;

      if (!measure_option (trial, reference, i, FW_OPTION_INT8_STORAGE, stored, cancellable, error)
          || (arithmetic
              && !measure_option (trial, reference, i, FW_OPTION_INT8_COMPUTE, &computed,
                                  cancellable, error)))
        return FALSE;
      if (isfinite (computed) && isfinite (*stored))
        harms[i].arithmetic[FW_ARITHMETIC_INT8] = MAX (computed - *stored, 0);
      fw_progress_report (progress, (i + 1.0) / trial->units->len);
    }
  return TRUE;
}
