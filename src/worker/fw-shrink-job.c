/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-shrink-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"
#include "fw-prepare.h"
#include "fw-region-time.h"

/* Samples that the detective looks at. */
#define N_DETECTIVE 64
/* Samples that sensitivity is measured on: 8 to 16 rank layers like the whole half does. */
#define N_FEW 12
/* Fewer samples than this make figures shaky. */
#define N_ENOUGH 50
/* The prepared model must answer like the original, in decibels. */
#define LEAST_SQNR_PREPARED 50
/* Places where int8 arithmetic might begin that are tried. */
#define MAX_CUTS 12

FwShrinkJob *
fw_shrink_job_new (const FwJob *job,
                   const char *folder,
                   FwEvents *events,
                   GCancellable *cancellable)
{
  FwShrinkJob *self = g_new0 (FwShrinkJob, 1);

  self->job = job;
  self->folder = folder;
  self->events = events;
  self->cancellable = cancellable;
  self->few = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  return self;
}

void
fw_shrink_job_free (FwShrinkJob *self)
{
  g_clear_pointer (&self->path, fw_path_free);
  g_free (self->time_share);
  g_free (self->harms);
  g_clear_pointer (&self->recipe, fw_recipe_free);
  g_ptr_array_unref (self->few);
  g_clear_pointer (&self->rewriter, fw_rewriter_free);
  g_clear_pointer (&self->units, g_ptr_array_unref);
  g_free (self->scores);
  g_clear_pointer (&self->prepared, fw_model_unref);
  g_clear_pointer (&self->trial, fw_trial_half_free);
  g_clear_pointer (&self->preprocess, fw_preprocess_free);
  g_clear_pointer (&self->verdict, fw_verdict_free);
  g_clear_pointer (&self->samples, fw_sample_set_unref);
  g_clear_pointer (&self->session, fw_session_free);
  g_free (self->original_sha256);
  g_clear_pointer (&self->original, fw_model_unref);
  g_free (self);
}

/* Progress of one phase, for as long as it lasts. */
typedef struct
{
  FwEvents *events;
  FwPhase phase;
} PhaseReport;

static void
report_phase (double fraction, gpointer user_data)
{
  PhaseReport *report = user_data;

  fw_events_phase (report->events, report->phase, fraction);
}

static FwProgress *
begin_phase (FwShrinkJob *self, FwPhase phase, PhaseReport *report)
{
  report->events = self->events;
  report->phase = phase;
  fw_events_phase (self->events, phase, 0);
  return fw_progress_new (report_phase, report);
}

gboolean
fw_shrink_job_inspect (FwShrinkJob *self, GError **error)
{
  FwSessionOptions options = { .threads = self->job->threads, .optimization = FW_OPTIMIZE_ALL };

  fw_events_phase (self->events, FW_PHASE_INSPECT, 0);
  self->original = fw_model_load (self->job->model, error);
  if (self->original == NULL)
    return FALSE;
  self->original_size = fw_model_get_size (self->original);
  self->original_sha256 = fw_file_sha256 (self->job->model, self->cancellable, error);
  if (self->original_sha256 == NULL)
    return FALSE;
  fw_events_phase (self->events, FW_PHASE_INSPECT, 0.5);
  self->session = fw_session_new (self->job->model, &options, error);
  if (self->session == NULL || !fw_task_guess (self->session, &self->task, error))
    return FALSE;
  fw_events_phase (self->events, FW_PHASE_INSPECT, 1);
  return TRUE;
}

/* Samples ---------------------------------------------------------------------------------------
 */

FwPreprocess *
fw_shrink_job_read_preprocess (const char *name, const FwValueInfo *info, GError **error)
{
  static const char *const said[] = { "description", "guessed", "sure", "reason", "candidates" };
  g_autoptr (JsonNode) node = NULL;

  if (name[0] != '{')
    return fw_preprocess_find (name, info, error);
  node = fw_json_parse (name, -1, error);
  if (node == NULL)
    return NULL;
  /* What a result says beside it. */
  for (guint i = 0; JSON_NODE_HOLDS_OBJECT (node) && i < G_N_ELEMENTS (said); i++)
    json_object_remove_member (json_node_get_object (node), said[i]);
  return fw_preprocess_from_json (node, error);
}

static gboolean
find_preprocess (FwShrinkJob *self, FwProgress *progress, GError **error)
{
  const char *name = self->job->preprocess;
  FwSuspect *winner;

  if (name != NULL && strcmp (name, "auto") != 0)
    {
      self->preprocess = fw_shrink_job_read_preprocess (
          name, fw_session_get_input (self->session, self->task.input), error);
      return self->preprocess != NULL;
    }

  self->verdict
      = fw_detective_run (self->original, fw_sample_set_get_calibration (self->samples),
                          N_DETECTIVE, self->job->threads, progress, self->cancellable, error);
  if (self->verdict == NULL)
    return FALSE;
  winner = g_ptr_array_index (self->verdict->suspects, 0);
  self->preprocess = fw_preprocess_copy (winner->preprocess);
  if (!self->verdict->sure)
    {
      g_autofree char *text = fw_preprocess_describe (self->preprocess);
      g_autofree char *message = g_strdup_printf (
          _ ("It is not certain how this model wants its pictures; the best guess "
             "is: %s."),
          text);

      fw_events_warning (self->events, FW_ERROR_UNSURE_PREPROCESS, message);
    }
  return TRUE;
}

static void
warn_about_samples (FwShrinkJob *self)
{
  GPtrArray *unreadable = fw_sample_set_get_unreadable (self->samples);
  guint n = fw_sample_set_get_calibration (self->samples)->len
            + fw_sample_set_get_test (self->samples)->len;

  if (n < N_ENOUGH)
    {
      g_autofree char *message = g_strdup_printf (
          ngettext ("There is only %u picture; the figures below will be rough.",
                    "There are only %u pictures; the figures below will be rough.", n),
          n);

      fw_events_warning (self->events, FW_ERROR_FEW_SAMPLES, message);
    }
  if (unreadable->len > 0)
    {
      g_autofree char *message = g_strdup_printf (
          ngettext ("%u picture could not be read and was left out: %s",
                    "%u pictures could not be read and were left out, the first of them: %s",
                    unreadable->len),
          unreadable->len, (const char *) g_ptr_array_index (unreadable, 0));

      fw_events_warning (self->events, FW_ERROR_UNREADABLE_SAMPLES, message);
    }
}

static gboolean
check_task (FwShrinkJob *self, GError **error)
{
  if (self->task.task == FW_TASK_CLASSIFY_PICTURES)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
               _ ("Featherweight can only shrink models that recognize what a picture shows, and "
                  "this one seems to do something else."));
  return FALSE;
}

gboolean
fw_shrink_job_find_preprocess (FwShrinkJob *self, FwProgress *progress, GError **error)
{
  g_autoptr (FwProgress) finding = fw_progress_slice (progress, 0, 0.25);
  g_autoptr (FwProgress) guessing = fw_progress_slice (progress, 0.25, 1);

  if (!check_task (self, error))
    return FALSE;
  self->samples = fw_sample_set_new ((const char *const *) self->job->samples, self->job->labels,
                                     self->job->seed, finding, self->cancellable, error);
  return self->samples != NULL && find_preprocess (self, guessing, error);
}

gboolean
fw_shrink_job_find_samples (FwShrinkJob *self, GError **error)
{
  PhaseReport report;
  g_autoptr (FwProgress) progress = begin_phase (self, FW_PHASE_SAMPLES, &report);
  g_autoptr (FwProgress) finding = fw_progress_slice (progress, 0, 0.6);
  g_autoptr (FwProgress) answering = fw_progress_slice (progress, 0.6, 1);

  if (!fw_shrink_job_find_preprocess (self, finding, error))
    return FALSE;
  self->trial = fw_trial_half_new (g_steal_pointer (&self->session), &self->task, self->samples,
                                   self->preprocess, self->job->threads, self->folder, answering,
                                   self->cancellable, error);
  if (self->trial == NULL)
    return FALSE;
  warn_about_samples (self);
  return TRUE;
}

/* Calibration -----------------------------------------------------------------------------------
 */

/* Samples to calibrate on, and the job that they are for. */
typedef struct
{
  FwShrinkJob *job;
  GPtrArray *samples;
} Calibrating;

static GPtrArray *
feed_sample (guint index, gpointer user_data, GError **error)
{
  Calibrating *calibrating = user_data;
  FwShrinkJob *self = calibrating->job;
  FwSample *sample = g_ptr_array_index (calibrating->samples, index);
  g_autoptr (GError) local = NULL;
  FwTensor *tensor = fw_sample_to_tensor (sample, self->preprocess, &local);
  GPtrArray *inputs;

  if (tensor == NULL)
    {
      fw_sample_set_reject (self->samples, sample, local);
      return NULL;
    }
  inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  if (self->few->len < N_FEW)
    g_ptr_array_add (self->few, fw_tensor_ref (tensor));
  g_ptr_array_add (inputs, tensor);
  return inputs;
}

/* Whether the prepared model still answers what the original does. */
static gboolean
is_faithful (FwShrinkJob *self, FwModel *prepared, GError **error)
{
  g_autoptr (FwSession) session = fw_trial_load (prepared, NULL, self->job->threads, error);
  const char *const inputs[] = { fw_trial_half_get_input_name (self->trial), NULL };
  const char *const outputs[]
      = { fw_session_get_output (self->trial->original, self->task.output)->name, NULL };

  if (session == NULL)
    return FALSE;
  for (guint i = 0; i < self->trial->latency_inputs->len; i++)
    {
      FwTensor *input = g_ptr_array_index (self->trial->latency_inputs, i);
      g_autoptr (GPtrArray) a = NULL;
      g_autoptr (GPtrArray) b = NULL;
      g_autofree float *x = NULL;
      g_autofree float *y = NULL;
      gsize n;

      a = fw_session_run (self->trial->original, inputs, &input, 1, outputs, self->cancellable,
                          error);
      b = a != NULL ? fw_session_run (session, inputs, &input, 1, outputs, self->cancellable, error)
                    : NULL;
      if (b == NULL)
        return FALSE;
      n = fw_tensor_get_n_elements (g_ptr_array_index (a, 0));
      x = fw_tensor_to_floats (g_ptr_array_index (a, 0));
      y = fw_tensor_to_floats (g_ptr_array_index (b, 0));
      if (fw_tensor_get_n_elements (g_ptr_array_index (b, 0)) != n
          || fw_sqnr (x, y, n) < LEAST_SQNR_PREPARED)
        {
          g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL,
                       _ ("The model could not be prepared without changing its answers."));
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
prepare (FwShrinkJob *self, GError **error)
{
  g_autoptr (GError) local = NULL;

  fw_events_phase (self->events, FW_PHASE_PREPARE, 0);
  self->converted = TRUE;
  self->prepared = fw_prepare_model (self->original, TRUE, self->folder, &local);
  if (self->prepared != NULL && !is_faithful (self, self->prepared, &local))
    g_clear_pointer (&self->prepared, fw_model_unref);
  if (g_error_matches (local, FW_ERROR, FW_ERROR_ALREADY_SMALL)
      || g_error_matches (local, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK)
      || g_cancellable_is_cancelled (self->cancellable))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (self->prepared == NULL)
    {
      g_message ("Going on with the operators as they are: %s", local->message);
      self->converted = FALSE;
      self->prepared = fw_prepare_model (self->original, FALSE, self->folder, error);
      if (self->prepared == NULL || !is_faithful (self, self->prepared, error))
        return FALSE;
    }
  self->units = fw_units_find (self->prepared);
  if (self->units->len == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                   _ ("None of this model's layers is of a kind that can be made smaller."));
      return FALSE;
    }
  self->rewriter = fw_rewriter_new (self->prepared, self->units, self->job->threads);
  self->scores = g_strdup (fw_prepare_find_scores (
      self->prepared, fw_session_get_output (self->trial->original, self->task.output)->name));
  fw_events_phase (self->events, FW_PHASE_PREPARE, 1);
  return TRUE;
}

static void
fill_recipe (FwShrinkJob *self, FwCalibration *calibration, char **values)
{
  self->recipe = fw_recipe_new (self->original_sha256, self->converted);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      FwRange range;

      if (statistics == NULL || !statistics->is_float || statistics->histogram.n_not_finite > 0)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (self->recipe, values[i], &range);
    }
  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, unit->input);
      g_autofree float *mean = NULL;

      if (!unit->can_correct || statistics == NULL || statistics->mean == NULL
          || statistics->histogram.n_not_finite > 0)
        continue;
      mean = g_new (float, statistics->channels);
      for (gsize c = 0; c < statistics->channels; c++)
        mean[c] = statistics->mean[c];
      fw_recipe_set_mean (self->recipe, unit->input, mean, statistics->channels);
    }
}

gboolean
fw_shrink_job_calibrate (FwShrinkJob *self, GError **error)
{
  PhaseReport report;
  g_autoptr (FwProgress) progress = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  g_auto (GStrv) values = NULL;
  /* Setting one aside takes it out of the set's own list. */
  g_autoptr (GPtrArray) samples
      = g_ptr_array_copy (fw_sample_set_get_calibration (self->samples), NULL, NULL);
  Calibrating calibrating = { self, samples };
  FwFeed feed = { samples->len, feed_sample, &calibrating };

  if (!prepare (self, error))
    return FALSE;
  progress = begin_phase (self, FW_PHASE_CALIBRATE, &report);
  values = fw_rewriter_list_values (self->rewriter);
  calibration = fw_calibration_run (self->prepared, (const char *const *) values, &feed,
                                    self->job->threads, progress, self->cancellable, error);
  if (calibration == NULL)
    return FALSE;
  self->n_calibration = fw_calibration_get_n_samples (calibration);
  if (self->n_calibration == 0 || self->few->len == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                   _ ("Too few of the pictures could be read."));
      return FALSE;
    }
  fill_recipe (self, calibration, values);
  return TRUE;
}

/* Rank and path ---------------------------------------------------------------------------------
 */

static gboolean
can_any_compute (FwShrinkJob *self)
{
  for (guint i = 0; i < self->units->len; i++)
    if (((FwUnit *) g_ptr_array_index (self->units, i))->can[FW_ARITHMETIC_INT8])
      return TRUE;
  return FALSE;
}

gboolean
fw_shrink_job_find_path (FwShrinkJob *self, GError **error)
{
  gboolean computes = self->job->prefer != FW_PREFER_SIZE && can_any_compute (self);
  const char *input = fw_trial_half_get_input_name (self->trial);
  FwTrial trial = { self->rewriter, self->units, self->recipe,      self->scores,
                    input,          self->few,   self->job->threads };
  PhaseReport report;
  g_autoptr (FwProgress) progress = begin_phase (self, FW_PHASE_RANK, &report);
  g_autoptr (FwProgress) harming = fw_progress_slice (progress, 0, computes ? 0.6 : 1);
  g_autoptr (FwProgress) timing = fw_progress_slice (progress, 0.6, 1);

  self->harms = g_new0 (FwUnitHarm, self->units->len);
  if (!fw_sensitivity_measure (&trial, computes, self->harms, harming, self->cancellable, error))
    return FALSE;
  if (computes)
    {
      self->time_share = g_new0 (double, self->units->len + 1);
      if (!fw_region_time_measure (&trial, self->trial->original, MAX_CUTS, self->time_share,
                                   timing, self->cancellable, error))
        return FALSE;
    }

  fw_events_phase (self->events, FW_PHASE_PATH, 0);
  self->input = (FwPathInput){ self->rewriter,   self->units,       self->recipe,       self->harms,
                               self->time_share, self->job->prefer, self->original_size };
  self->path = fw_path_new (&self->input, error);
  if (self->path == NULL)
    return FALSE;
  fw_events_phase (self->events, FW_PHASE_PATH, 1);
  if (self->path->steps->len == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                   _ ("Nothing that Featherweight can do makes this model smaller."));
      return FALSE;
    }
  return TRUE;
}
