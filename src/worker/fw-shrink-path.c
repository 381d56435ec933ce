/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-error.h"
#include "fw-latency.h"
#include "fw-large-job.h"
#include "fw-layerwise.h"
#include "fw-predictor.h"
#include "fw-processor.h"
#include "fw-region-time.h"
#include "fw-shrink-job.h"

/* Places where int8 arithmetic might begin that are tried. */
#define MAX_CUTS 12
/* The smallest version is to be of some use. Roundings are fitted to the samples that this is
 * measured on; on others there is about twice the harm, and beyond a half, 3 dB, little is left. */
#define MOST_HARM 0.25
/* Sums of harms are off by this much where many units are far down. */
#define HARM_SLACK 8
/* Of dynamic int8 arithmetic: seconds that it is timed for, and what it must save more than the
 * arithmetic with fixed ranges. */
#define SECONDS_OF_DYNAMIC 0.5
#define LEAST_SAVED 0.05
/* Prefixes whose joint harm is measured. */
#define N_PREDICTED 16

static gboolean
can_any_compute (FwShrinkJob *self)
{
  for (guint i = 0; i < self->units->len; i++)
    if (((FwUnit *) g_ptr_array_index (self->units, i))->can[FW_ARITHMETIC_INT8])
      return TRUE;
  return FALSE;
}

/* Multiply-adds ---------------------------------------------------------------------------------
 */

static GStrv
list_results (FwShrinkJob *self)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->prepared);
  GStrvBuilder *builder = g_strv_builder_new ();
  GStrv names;

  for (guint i = 0; i < self->units->len; i++)
    g_strv_builder_add (
        builder, graph->node[((FwUnit *) g_ptr_array_index (self->units, i))->node]->output[0]);
  names = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return names;
}

/* The share of the multiply-adds that each unit does, from the sizes of what it makes of one
 * sample. */
static double *
count_multiply_adds (FwShrinkJob *self, GError **error)
{
  g_auto (GStrv) names = list_results (self);
  g_autoptr (FwModel) model = fw_model_copy (self->prepared);
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) results = NULL;
  GPtrArray *row = g_ptr_array_index (self->few, 0);
  double *shares = g_new0 (double, self->units->len);
  double sum = 0;

  for (guint i = 0; names[i] != NULL; i++)
    fw_model_add_output (model, names[i]);
  session = fw_trial_load (model, NULL, self->job->threads, error);
  if (session != NULL)
    results = fw_session_run (session, NULL, (FwTensor **) row->pdata, row->len,
                              (const char *const *) names, self->cancellable, error);
  if (results == NULL)
    {
      g_free (shares);
      return NULL;
    }
  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);
      FwTensor *result = g_ptr_array_index (results, i);
      double n = result != NULL ? fw_tensor_get_n_elements (result) : 0;

      /* Each element of the result is one channel at one place. */
      shares[i] = n * unit->n_weights / MAX (unit->shape.channels, 1);
      sum += shares[i];
    }
  for (guint i = 0; i < self->units->len; i++)
    shares[i] = sum > 0 ? shares[i] / sum : 0;
  return shares;
}

/* For a processor that is not here, the time is taken to be what is left to do in float. */
static gboolean
estimate_time (FwShrinkJob *self, GError **error)
{
  g_autofree double *shares = count_multiply_adds (self, error);
  guint n = self->units->len;

  if (shares == NULL)
    return FALSE;
  self->time_share[n] = 1;
  for (guint i = n; i-- > 0;)
    {
      FwOption option = FW_OPTION (self->input.compute_bits, FW_ARITHMETIC_INT8, 0);

      self->time_share[i] = self->time_share[i + 1];
      if (fw_rewriter_can (self->rewriter, self->recipe, i, option))
        self->time_share[i] = MAX (self->time_share[i] - shares[i], 0);
    }
  return TRUE;
}

/* The path -------------------------------------------------------------------------------------
 */

/* Widths whose harm nobody has measured follow from the next wider one: a bit fewer is four times
 * the error. */
static void
fill_harms (FwShrinkJob *self)
{
  for (guint i = 0; i < self->units->len; i++)
    for (guint k = fw_width_find (7); k < FW_N_WIDTHS; k++)
      if (!isfinite (self->harms[i].storage[k])
          && fw_rewriter_can (self->rewriter, self->recipe, i,
                              FW_OPTION (fw_widths[k], FW_ARITHMETIC_FLOAT, 0)))
        self->harms[i].storage[k] = 4 * self->harms[i].storage[k - 1];
}

/* Sums of single harms say in which order to go; how far it comes to is measured, with all changes
 * of a version at once. */
static gboolean
predict_harms (FwShrinkJob *self, const FwTrial *trial, FwProgress *progress, GError **error)
{
  g_autoptr (GArray) at = fw_path_choose_stops (self->path, N_PREDICTED);
  g_autofree double *harms = g_new0 (double, at->len + 1);
  g_autofree FwRecipe **recipes = g_new0 (FwRecipe *, at->len + 1);
  gboolean ok = TRUE;
  guint n = 0;

  for (guint i = 0; ok && i < at->len; i++)
    {
      recipes[i] = fw_path_make_recipe (self->path, &self->input, g_array_index (at, guint, i));
      ok = self->repair == NULL
           || fw_repair_fill (self->repair, recipes[i], NULL, self->cancellable, error);
      fw_progress_report (progress, 0.7 * (i + 1.0) / at->len);
    }
  ok = ok
       && fw_predictor_predict (trial->predictor, recipes, at->len, 0, harms, NULL,
                                self->cancellable, error);
  for (guint i = 0; i < at->len; i++)
    g_clear_pointer (&recipes[i], fw_recipe_free);
  if (!ok)
    return FALSE;
  /* What does not load has no harm to go by; measuring will leave it out. */
  while (n < at->len && isfinite (harms[n]))
    n++;
  for (guint i = 0; i < n; i++)
    g_debug (
        "after %u of %u steps, %.1f %% of the bytes: harm %.2g, by the sum %.2g",
        g_array_index (at, guint, i), self->path->steps->len,
        100.0
            * ((FwStep *) g_ptr_array_index (self->path->steps, g_array_index (at, guint, i) - 1))
                  ->size
            / self->original_size,
        harms[i], fw_path_get_harm (self->path, g_array_index (at, guint, i)));
  fw_path_correct_harms (self->path, (const guint *) (gpointer) at->data, harms, n);
  while (self->path->steps->len > 1
         && fw_path_get_harm (self->path, self->path->steps->len) > MOST_HARM)
    fw_path_truncate (self->path, self->path->steps->len - 1);
  fw_progress_report (progress, 1);
  return TRUE;
}

static gboolean
can_be_dynamic (FwShrinkJob *self, guint unit)
{
  FwOption option = FW_OPTION (self->input.compute_bits, FW_ARITHMETIC_INT8_DYNAMIC, 0);

  return isfinite (self->harms[unit].arithmetic[FW_ARITHMETIC_INT8_DYNAMIC])
         && fw_rewriter_can (self->rewriter, self->recipe, unit, option);
}

static FwSession *
load_dynamic (FwShrinkJob *self, GError **error)
{
  FwOption option = FW_OPTION (self->input.compute_bits, FW_ARITHMETIC_INT8_DYNAMIC, 0);
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (self->recipe);
  g_autoptr (FwModel) model = NULL;

  for (guint i = 0; i < self->units->len; i++)
    if (can_be_dynamic (self, i))
      fw_recipe_set_option (recipe, ((FwUnit *) g_ptr_array_index (self->units, i))->name, option);
  model = fw_rewriter_build (self->rewriter, recipe, error);
  return model != NULL ? fw_trial_load (model, NULL, self->job->threads, error) : NULL;
}

/* Arithmetic whose ranges are taken at each run is timed for all units at once; what it saves is
 * theirs by what they have to do. It is considered where it beats fixed ranges clearly. */
static gboolean
measure_dynamic (FwShrinkJob *self, GError **error)
{
  g_autoptr (FwSession) session = NULL;
  g_autofree double *shares = NULL;
  g_autoptr (GError) local = NULL;
  FwLatencyComparison latency;
  double all = 0, saved;
  guint n = 0;

  for (guint i = 0; i < self->units->len; i++)
    n += can_be_dynamic (self, i);
  if (n == 0)
    return TRUE;
  session = load_dynamic (self, &local);
  if (session == NULL
      || !fw_latency_compare (self->trial->original, session, self->few, SECONDS_OF_DYNAMIC,
                              &latency, self->cancellable, &local)
      || (shares = count_multiply_adds (self, &local)) == NULL)
    {
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      g_message ("Dynamic int8 arithmetic does not run: %s", local->message);
      return TRUE;
    }
  saved = 1 - 1 / MAX (latency.speedup, 1e-3);
  for (guint i = 0; i <= self->units->len; i++)
    all = MAX (all, 1 - self->time_share[i]);
  g_debug ("dynamic int8 saves %.3f of the time, fixed ranges %.3f", saved, all);
  if (saved < LEAST_SAVED || saved < all + LEAST_SAVED)
    return TRUE;
  g_clear_pointer (&self->time_share, g_free);
  self->dynamic_saved = g_new0 (double, self->units->len);
  all = 0;
  for (guint i = 0; i < self->units->len; i++)
    all += can_be_dynamic (self, i) ? shares[i] : 0;
  for (guint i = 0; i < self->units->len; i++)
    self->dynamic_saved[i] = can_be_dynamic (self, i) && all > 0 ? saved * shares[i] / all : 0;
  return TRUE;
}

static gboolean
rank (FwShrinkJob *self, const FwTrial *trial, gboolean computes, GError **error)
{
  g_autoptr (FwProgress) progress = fw_shrink_job_begin_phase (self, FW_PHASE_RANK);
  g_autoptr (FwProgress) harming = fw_progress_slice (progress, 0, computes ? 0.6 : 1);
  g_autoptr (FwProgress) timing = fw_progress_slice (progress, 0.6, 1);
  guint end = self->units->len;

  self->harms = g_new0 (FwUnitHarm, self->units->len);
  if (!fw_sensitivity_measure (trial, computes, self->harms, harming, self->cancellable, error))
    return FALSE;
  fill_harms (self);
  if (!computes)
    return TRUE;
  self->time_share = g_new0 (double, self->units->len + 1);
  if (!fw_processor_is_here (self->job->device))
    return estimate_time (self, error);
  if (!fw_region_time_measure (trial, self->trial->original, MAX_CUTS, self->time_share, &end,
                               timing, self->cancellable, error))
    return FALSE;
  /* Units behind the region's end had better stay out of it. */
  for (guint i = end; i < self->units->len; i++)
    self->harms[i].arithmetic[FW_ARITHMETIC_INT8] = INFINITY;
  return measure_dynamic (self, error);
}

/* The sum of harms is all there is to go by. */
static gboolean
rank_large (FwShrinkJob *self, const FwTrial *trial, GError **error)
{
  g_autoptr (FwProgress) progress = fw_shrink_job_begin_phase (self, FW_PHASE_RANK);

  self->harms = g_new0 (FwUnitHarm, self->units->len);
  return fw_layerwise_measure (trial, fw_session_get_piece_size (), self->harms, progress,
                               self->cancellable, error);
}

gboolean
fw_shrink_job_find_path (FwShrinkJob *self, GError **error)
{
  gboolean is_large = fw_large_job_is_on ();
  gboolean computes = self->job->prefer != FW_PREFER_SIZE && can_any_compute (self);
  const char *const *scores = (const char *const *) self->scores;
  FwTrial trial = { self->rewriter, self->units,        self->recipe, scores,
                    self->few,      self->job->threads, self->repair, NULL };
  g_autoptr (FwPredictor) predictor = NULL;
  g_autoptr (FwProgress) progress = NULL;

  if (!is_large)
    {
      predictor = fw_predictor_new (&trial, self->cancellable, error);
      if (predictor == NULL)
        return FALSE;
    }
  trial.predictor = predictor;
  self->input = (FwPathInput){ .rewriter = self->rewriter,
                               .units = self->units,
                               .recipe = self->recipe,
                               .prefer = self->job->prefer,
                               .original_size = self->original_size,
                               .compute_bits = fw_processor_get_compute_bits (self->job->device),
                               .max_harm = MOST_HARM * HARM_SLACK };
  if (is_large ? !rank_large (self, &trial, error) : !rank (self, &trial, computes, error))
    return FALSE;

  progress = fw_shrink_job_begin_phase (self, FW_PHASE_PATH);
  self->sizes = fw_sizes_new (self->rewriter, self->units, self->recipe, error);
  if (self->sizes == NULL)
    return FALSE;
  self->input.sizes = self->sizes;
  self->input.harms = self->harms;
  self->input.time_share = self->time_share;
  self->input.dynamic_saved = self->dynamic_saved;
  self->path = fw_path_new (&self->input);
  if (self->path->steps->len == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                   _ ("Nothing that Featherweight can do makes this model smaller."));
      return FALSE;
    }
  return is_large || predict_harms (self, &trial, progress, error);
}
