/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-predictor.h"

#include <math.h>

#include "fw-error.h"
#include "fw-parallel.h"

/* Recipes that are switched at once: enough for all cores, few enough for memory. */
#define MAX_AT_ONCE 16
#define MAX_BYTES_AT_ONCE ((guint64) 256 << 20)

struct _FwPredictor
{
  FwTrial trial;
  FwSwitchboard *board; /* NULL: files are built */
  FwTrialReference *reference;
  guint at_once;
  guint n_runs;
};

/* Runs of some settings on some rows, side by side. */
typedef struct
{
  FwPredictor *self;
  FwSwitches **settings; /* NULL entries are left out */
  guint n_rows;
  double *sums;        /* [settings, n_rows, n_sums]; NULL: answers are kept */
  GPtrArray **answers; /* [settings, n_rows] */
  GCancellable *cancellable;
  GMutex mutex;
  guint failed; /* the first job that failed, and why */
  GError *error;
} Batch;

static void
run_job (guint index, gpointer user_data)
{
  Batch *batch = user_data;
  FwPredictor *self = batch->self;
  guint row = index % batch->n_rows;
  FwSwitches *setting = batch->settings[index / batch->n_rows];
  g_autoptr (GPtrArray) answer = NULL;
  g_autoptr (GError) error = NULL;

  if (setting == NULL)
    return;
  answer = fw_switches_run (setting, g_ptr_array_index (self->trial.rows, row), self->trial.scores,
                            batch->cancellable, &error);
  if (answer == NULL)
    {
      guint n_sums = batch->sums != NULL ? fw_trial_reference_get_n_sums (self->reference) : 0;

      for (guint i = 0; i < n_sums; i++)
        batch->sums[(gsize) index * n_sums + i] = INFINITY;
      g_mutex_lock (&batch->mutex);
      if (batch->error == NULL || index < batch->failed)
        {
          g_clear_error (&batch->error);
          batch->error = g_steal_pointer (&error);
          batch->failed = index;
        }
      g_mutex_unlock (&batch->mutex);
    }
  else if (batch->sums != NULL)
    fw_trial_reference_compare (
        self->reference, row, answer,
        batch->sums + (gsize) index * fw_trial_reference_get_n_sums (self->reference));
  else
    batch->answers[index] = g_steal_pointer (&answer);
}

/* What one version can't do is its own fault; the others go on. */
static gboolean
is_fatal (const GError *error)
{
  return g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
         || g_error_matches (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY)
         || g_error_matches (error, FW_ERROR, FW_ERROR_RUNTIME_MISSING);
}

static void
run_batch (Batch *batch, guint n_settings)
{
  guint n = n_settings * batch->n_rows;

  g_mutex_init (&batch->mutex);
  fw_parallel_for (n, batch->self->trial.threads, run_job, batch);
  g_mutex_clear (&batch->mutex);
  for (guint i = 0; i < n_settings; i++)
    if (batch->settings[i] != NULL)
      batch->self->n_runs += batch->n_rows;
}

static gboolean
run_original_switched (FwPredictor *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwSwitches) setting = fw_switches_new (self->board);
  guint n_rows = self->trial.rows->len;
  g_autofree GPtrArray **answers = g_new0 (GPtrArray *, n_rows);
  Batch batch = { .self = self,
                  .settings = &setting,
                  .n_rows = n_rows,
                  .answers = answers,
                  .cancellable = cancellable };

  run_batch (&batch, 1);
  if (batch.error == NULL)
    self->reference = fw_trial_reference_new (answers, n_rows);
  else
    g_propagate_error (error, batch.error);
  for (guint i = 0; i < n_rows; i++)
    g_clear_pointer (&answers[i], g_ptr_array_unref);
  return self->reference != NULL;
}

/* Files instead of switches ------------------------------------------------------------------- */

static FwSession *
load_scores (FwPredictor *self, FwModel *model, GError **error)
{
  g_autoptr (FwModel) copy = fw_model_copy (model);

  for (guint i = 0; self->trial.scores[i] != NULL; i++)
    fw_model_add_output (copy, self->trial.scores[i]);
  return fw_trial_load (copy, NULL, self->trial.threads, error);
}

static GPtrArray *
run_row (FwPredictor *self,
         FwSession *session,
         guint row,
         GCancellable *cancellable,
         GError **error)
{
  GPtrArray *inputs = g_ptr_array_index (self->trial.rows, row);

  self->n_runs++;
  return fw_session_run (session, NULL, (FwTensor *const *) inputs->pdata, inputs->len,
                         self->trial.scores, cancellable, error);
}

static gboolean
run_original_built (FwPredictor *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwModel) model = fw_rewriter_build (self->trial.rewriter, self->trial.recipe, error);
  g_autoptr (FwSession) session = model != NULL ? load_scores (self, model, error) : NULL;
  g_autoptr (GPtrArray) answers
      = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  if (session == NULL)
    return FALSE;
  for (guint i = 0; i < self->trial.rows->len; i++)
    {
      GPtrArray *answer = run_row (self, session, i, cancellable, error);

      if (answer == NULL)
        return FALSE;
      g_ptr_array_add (answers, answer);
    }
  self->reference
      = fw_trial_reference_new ((GPtrArray *const *) answers->pdata, self->trial.rows->len);
  return TRUE;
}

static gboolean
compare_built (FwPredictor *self,
               FwModel *model,
               guint n_rows,
               double *harm,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (FwSession) session = load_scores (self, model, error);
  gsize n_sums = fw_trial_reference_get_n_sums (self->reference);
  g_autofree double *sums = g_new (double, n_rows *n_sums);

  if (session == NULL)
    return FALSE;
  for (guint i = 0; i < n_rows; i++)
    {
      g_autoptr (GPtrArray) answer = run_row (self, session, i, cancellable, error);

      if (answer == NULL)
        return FALSE;
      fw_trial_reference_compare (self->reference, i, answer, sums + i * n_sums);
    }
  *harm = fw_trial_reference_get_harm (self->reference, sums, n_rows);
  return TRUE;
}

static gboolean
predict_built (FwPredictor *self,
               FwRecipe *recipe,
               guint n_rows,
               double *harm,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (FwModel) model = fw_rewriter_build (self->trial.rewriter, recipe, error);
  g_autoptr (GError) local = NULL;

  if (model == NULL)
    return FALSE;
  if (compare_built (self, model, n_rows, harm, cancellable, &local))
    return TRUE;
  if (is_fatal (local))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_message ("A version is left out: %s", local->message);
  *harm = INFINITY;
  return TRUE;
}

/* Making and using ---------------------------------------------------------------------------- */

static gboolean
can_any_compute (GPtrArray *units)
{
  for (guint i = 0; i < units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (units, i);

      if (unit->can[FW_ARITHMETIC_INT8] || unit->can[FW_ARITHMETIC_INT8_DYNAMIC])
        return TRUE;
    }
  return FALSE;
}

static guint
count_at_once (GPtrArray *units)
{
  guint64 n_bytes = 1;

  for (guint i = 0; i < units->len; i++)
    n_bytes += ((FwUnit *) g_ptr_array_index (units, i))->n_weights * sizeof (float);
  return CLAMP (MAX_BYTES_AT_ONCE / n_bytes, 1, MAX_AT_ONCE);
}

FwPredictor *
fw_predictor_new (const FwTrial *trial, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwPredictor) self = g_new0 (FwPredictor, 1);
  g_autoptr (GError) local = NULL;

  self->trial = *trial;
  self->at_once = count_at_once (trial->units);
  self->board = fw_switchboard_new (trial->rewriter, trial->units, trial->recipe, trial->scores,
                                    can_any_compute (trial->units), &local);
  if (self->board != NULL && run_original_switched (self, cancellable, &local))
    return g_steal_pointer (&self);
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  g_message ("Versions are built to be tried: %s", local->message);
  g_clear_pointer (&self->board, fw_switchboard_unref);
  if (!run_original_built (self, cancellable, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
fw_predictor_free (FwPredictor *self)
{
  g_clear_pointer (&self->board, fw_switchboard_unref);
  g_clear_pointer (&self->reference, fw_trial_reference_free);
  g_free (self);
}

FwSwitchboard *
fw_predictor_get_switchboard (FwPredictor *self)
{
  return self->board;
}

guint
fw_predictor_get_n_runs (FwPredictor *self)
{
  return self->n_runs;
}

/* Switches some recipes and runs them. What can't be switched is left for building. */
static gboolean
predict_some (FwPredictor *self,
              FwRecipe *const *recipes,
              guint n,
              gboolean weights,
              guint n_rows,
              double *harms,
              GCancellable *cancellable,
              GError **error)
{
  gsize n_sums = fw_trial_reference_get_n_sums (self->reference);
  g_autofree double *sums = g_new (double, MAX (n * n_rows * n_sums, 1));
  FwSwitches *settings[MAX_AT_ONCE] = { NULL };
  Batch batch = { self, settings, n_rows, sums, NULL, cancellable };
  gboolean ok = TRUE;

  for (guint i = 0; i < n && self->board != NULL; i++)
    {
      g_autoptr (GError) local = NULL;
      g_autoptr (FwSwitches) setting = fw_switches_new (self->board);

      if (weights ? fw_switches_set_recipe (setting, recipes[i], &local)
                  : fw_switches_set_gates (setting, recipes[i], &local))
        settings[i] = g_steal_pointer (&setting);
      else
        g_debug ("Not switched: %s", local->message);
    }
  run_batch (&batch, n);
  if (batch.error != NULL && is_fatal (batch.error))
    {
      g_propagate_error (error, g_steal_pointer (&batch.error));
      ok = FALSE;
    }
  else if (batch.error != NULL)
    g_message ("A version is left out: %s", batch.error->message);
  g_clear_error (&batch.error);

  for (guint i = 0; i < n && ok; i++)
    if (settings[i] != NULL)
      harms[i] = fw_trial_reference_get_harm (self->reference, sums + i * n_rows * n_sums, n_rows);
    else
      ok = predict_built (self, recipes[i], n_rows, &harms[i], cancellable, error);
  for (guint i = 0; i < n; i++)
    g_clear_pointer (&settings[i], fw_switches_free);
  return ok;
}

static gboolean
predict (FwPredictor *self,
         FwRecipe *const *recipes,
         guint n_recipes,
         gboolean weights,
         guint n_rows,
         double *harms,
         FwProgress *progress,
         GCancellable *cancellable,
         GError **error)
{
  if (n_rows == 0 || n_rows > self->trial.rows->len)
    n_rows = self->trial.rows->len;
  for (guint i = 0; i < n_recipes; i += self->at_once)
    {
      guint n = MIN (self->at_once, n_recipes - i);

      if (!predict_some (self, recipes + i, n, weights, n_rows, harms + i, cancellable, error))
        return FALSE;
      fw_progress_report (progress, (double) (i + n) / n_recipes);
    }
  return TRUE;
}

gboolean
fw_predictor_predict (FwPredictor *self,
                      FwRecipe *const *recipes,
                      guint n_recipes,
                      guint n_rows,
                      double *harms,
                      FwProgress *progress,
                      GCancellable *cancellable,
                      GError **error)
{
  return predict (self, recipes, n_recipes, TRUE, n_rows, harms, progress, cancellable, error);
}

gboolean
fw_predictor_predict_activations (FwPredictor *self,
                                  FwRecipe *const *recipes,
                                  guint n_recipes,
                                  guint n_rows,
                                  double *harms,
                                  FwProgress *progress,
                                  GCancellable *cancellable,
                                  GError **error)
{
  return predict (self, recipes, n_recipes, FALSE, n_rows, harms, progress, cancellable, error);
}

gboolean
fw_trial_predict (const FwTrial *trial,
                  FwRecipe *recipe,
                  double *harm,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (FwPredictor) made = NULL;
  FwPredictor *predictor = trial->predictor;

  if (predictor == NULL)
    predictor = made = fw_predictor_new (trial, cancellable, error);
  return predictor != NULL
         && fw_predictor_predict (predictor, &recipe, 1, 0, harm, NULL, cancellable, error);
}
