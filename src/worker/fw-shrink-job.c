/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-shrink-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "fw-care.h"
#include "fw-equalize.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"
#include "fw-large-job.h"
#include "fw-parallel.h"
#include "fw-prepare.h"

/* Samples that the detective looks at. */
#define N_DETECTIVE 64
/* Samples that sensitivity is measured on: 8 to 16 rank layers like the whole half does. */
#define N_FEW 12
/* Samples that extra care looks at, at most: 4 bits still gain at 100. */
#define N_CARE 128
/* Fewer samples than this make figures shaky. */
#define N_ENOUGH 50
/* The prepared model must answer like the original, in decibels. */
#define LEAST_SQNR_PREPARED 50
/* Test samples that the original is asked about where nothing will be measured. */
#define N_ASKED 4
/* Samples whose means correct the biases of the first version: five are nearly as good as all. */
#define N_FIRST 8
/* Samples that scalings of channels are tried on. */
#define N_SCALING 8

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
  self->begun = g_get_monotonic_time ();
  self->few = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
fw_shrink_job_free (FwShrinkJob *self)
{
  g_clear_pointer (&self->path, fw_path_free);
  g_clear_pointer (&self->sizes, fw_sizes_free);
  g_free (self->time_share);
  g_free (self->dynamic_saved);
  g_free (self->harms);
  g_clear_pointer (&self->recipe, fw_recipe_free);
  g_clear_pointer (&self->scalings, fw_recipe_free);
  g_ptr_array_unref (self->few);
  g_ptr_array_unref (self->rows);
  g_clear_pointer (&self->repair, fw_repair_free);
  g_clear_pointer (&self->rewriter, fw_rewriter_free);
  g_clear_pointer (&self->units, g_ptr_array_unref);
  g_strfreev (self->scores);
  g_clear_pointer (&self->prepared, fw_model_unref);
  g_clear_pointer (&self->trial, fw_trial_half_free);
  g_clear_pointer (&self->preprocess, fw_preprocess_free);
  g_clear_pointer (&self->verdict, fw_verdict_free);
  g_clear_pointer (&self->samples, fw_sample_set_unref);
  g_clear_pointer (&self->inputs, fw_inputs_free);
  g_clear_pointer (&self->session, fw_session_free);
  g_free (self->original_sha256);
  g_clear_pointer (&self->original, fw_model_unref);
  g_free (self);
}

static void
report_phase (double fraction, gpointer user_data)
{
  FwShrinkJob *self = user_data;

  fw_events_phase (self->events, self->phase, fraction);
}

FwProgress *
fw_shrink_job_begin_phase (FwShrinkJob *self, FwPhase phase)
{
  self->phase = phase;
  fw_events_phase (self->events, phase, 0);
  return fw_progress_new (report_phase, self);
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
  self->inputs = fw_inputs_new (self->session, error);
  if (self->inputs == NULL)
    return FALSE;
  self->inputs->cut_batches = fw_task_is_classification (&self->task);
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

/* The usual preparation, for models of which the detective can't tell. */
static gboolean
take_usual_preprocess (FwShrinkJob *self, GError **error)
{
  g_autoptr (GPtrArray) candidates
      = fw_preprocess_candidates (fw_session_get_input (self->session, self->task.input), error);

  if (candidates == NULL)
    return FALSE;
  self->preprocess = fw_preprocess_copy (g_ptr_array_index (candidates, 0));
  return TRUE;
}

static void
warn_unsure (FwShrinkJob *self)
{
  g_autofree char *text = fw_preprocess_describe (self->preprocess);
  g_autofree char *message
      = g_strdup_printf (_ ("It is not certain how this model wants its pictures; the best guess "
                            "is: %s."),
                         text);

  fw_events_warning (self->events, FW_ERROR_UNSURE_PREPROCESS, message);
}

static gboolean
find_preprocess (FwShrinkJob *self, FwProgress *progress, GError **error)
{
  const char *name = self->job->preprocess;
  FwSuspect *winner;

  if (!fw_sample_set_are_pictures (self->samples))
    return TRUE;
  if (name != NULL && strcmp (name, "auto") != 0)
    {
      self->preprocess = fw_shrink_job_read_preprocess (
          name, fw_session_get_input (self->session, self->task.input), error);
      return self->preprocess != NULL;
    }

  if (self->inputs->n > 1)
    {
      if (!take_usual_preprocess (self, error))
        return FALSE;
      warn_unsure (self);
      return TRUE;
    }
  self->verdict
      = fw_detective_run (self->original, fw_sample_set_get_calibration (self->samples),
                          N_DETECTIVE, self->job->threads, progress, self->cancellable, error);
  if (self->verdict == NULL)
    return FALSE;
  winner = g_ptr_array_index (self->verdict->suspects, 0);
  self->preprocess = fw_preprocess_copy (winner->preprocess);
  if (!self->verdict->sure)
    warn_unsure (self);
  return TRUE;
}

static char *
describe_few (FwShrinkJob *self, guint n)
{
  if (fw_sample_set_are_pictures (self->samples))
    return g_strdup_printf (
        ngettext ("There is only %u picture; the figures below will be rough.",
                  "There are only %u pictures; the figures below will be rough.", n),
        n);
  return g_strdup_printf (ngettext ("There is only %u sample; the figures below will be rough.",
                                    "There are only %u samples; the figures below will be rough.",
                                    n),
                          n);
}

static char *
describe_unreadable (FwShrinkJob *self, GPtrArray *unreadable)
{
  const guint n = unreadable->len;
  const char *first = g_ptr_array_index (unreadable, 0);

  if (fw_sample_set_are_pictures (self->samples))
    return g_strdup_printf (
        ngettext ("%u picture could not be read and was left out: %s",
                  "%u pictures could not be read and were left out, the first of them: %s", n),
        n, first);
  return g_strdup_printf (
      ngettext ("%u sample could not be read and was left out: %s",
                "%u samples could not be read and were left out, the first of them: %s", n),
      n, first);
}

static void
warn_about_zeros (FwShrinkJob *self)
{
  for (guint i = 0; i < self->inputs->n; i++)
    if (self->inputs->was_zeroed[i])
      {
        g_autofree char *name = g_utf8_make_valid (self->inputs->infos[i].name, -1);
        g_autofree char *message = g_strdup_printf (
            _ ("The samples do not say what the model’s input “%.60s” is; it gets zeros."), name);

        fw_events_warning (self->events, FW_ERROR_UNSUPPORTED_INPUTS, message);
      }
}

static void
warn_about_samples (FwShrinkJob *self)
{
  GPtrArray *unreadable = fw_sample_set_get_unreadable (self->samples);
  guint n = fw_sample_set_get_calibration (self->samples)->len
            + fw_sample_set_get_test (self->samples)->len;

  warn_about_zeros (self);
  if (n < N_ENOUGH)
    {
      g_autofree char *message = describe_few (self, n);

      fw_events_warning (self->events, FW_ERROR_FEW_SAMPLES, message);
    }
  if (unreadable->len > 0)
    {
      g_autofree char *message = describe_unreadable (self, unreadable);

      fw_events_warning (self->events, FW_ERROR_UNREADABLE_SAMPLES, message);
    }
}

static gboolean
check_task (FwShrinkJob *self, GError **error)
{
  if (self->task.task != FW_TASK_UNKNOWN)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
               _ ("The model gives nothing that could be compared: none of its outputs is "
                  "numbers."));
  return FALSE;
}

gboolean
fw_shrink_job_find_preprocess (FwShrinkJob *self, FwProgress *progress, GError **error)
{
  g_autoptr (FwProgress) finding = fw_progress_slice (progress, 0, 0.25);
  g_autoptr (FwProgress) guessing = fw_progress_slice (progress, 0.25, 1);

  if (!check_task (self, error))
    return FALSE;
  self->samples = fw_sample_set_new_for_inputs ((const char *const *) self->job->samples,
                                                self->job->labels, self->job->seed, self->inputs,
                                                finding, self->cancellable, error);
  return self->samples != NULL && find_preprocess (self, guessing, error);
}

/* Where nothing is measured, a few answers show whether the prepared model is still the same. */
static gboolean
only_builds (const FwJob *job)
{
  return job->uniform != NULL && !job->measure && job->save_inputs == NULL;
}

gboolean
fw_shrink_job_find_samples (FwShrinkJob *self, GError **error)
{
  g_autoptr (FwProgress) progress = fw_shrink_job_begin_phase (self, FW_PHASE_SAMPLES);
  g_autoptr (FwProgress) finding = fw_progress_slice (progress, 0, 0.6);
  g_autoptr (FwProgress) answering = fw_progress_slice (progress, 0.6, 1);

  if (!fw_shrink_job_find_preprocess (self, finding, error))
    return FALSE;
  self->trial = fw_trial_half_new (
      g_steal_pointer (&self->session), &self->task, self->inputs, self->samples, self->preprocess,
      only_builds (self->job) ? N_ASKED : G_MAXUINT, self->job->threads, self->folder, answering,
      self->cancellable, error);
  if (self->trial == NULL)
    return FALSE;
  self->task = self->trial->task;
  warn_about_samples (self);
  return TRUE;
}

/* Calibration -----------------------------------------------------------------------------------
 */

/* Samples to calibrate on, and the job that they are for. They are decoded a few at a time, on all
 * cores. */
typedef struct
{
  FwShrinkJob *job;
  GPtrArray *samples;
  guint first;         /* of those decoded */
  guint n;             /* how many are */
  GPtrArray **rows;    /* [n], NULL where one could not be read */
  GError **errors;     /* [n] */
  gboolean only_looks; /* few are not collected, none rejected */
} Calibrating;

/* Samples decoded at a time for each thread. */
#define DECODED_PER_THREAD 4

static void
calibrating_let_go (Calibrating *self)
{
  for (guint i = 0; i < self->n; i++)
    {
      g_clear_pointer (&self->rows[i], g_ptr_array_unref);
      g_clear_error (&self->errors[i]);
    }
  g_clear_pointer (&self->rows, g_free);
  g_clear_pointer (&self->errors, g_free);
  self->n = 0;
}

static void
decode_one (guint index, gpointer user_data)
{
  Calibrating *self = user_data;
  FwSample *sample = g_ptr_array_index (self->samples, self->first + index);

  self->rows[index]
      = fw_sample_to_row (sample, self->job->inputs, self->job->preprocess, &self->errors[index]);
}

static void
decode_from (Calibrating *self, guint index)
{
  guint threads = self->job->job->threads > 0 ? self->job->job->threads : g_get_num_processors ();
  gint64 begun = g_get_monotonic_time ();

  calibrating_let_go (self);
  self->first = index;
  self->n = MIN (threads * DECODED_PER_THREAD, self->samples->len - index);
  self->rows = g_new0 (GPtrArray *, self->n);
  self->errors = g_new0 (GError *, self->n);
  fw_parallel_for (self->n, threads, decode_one, self);
  self->job->decoding += g_get_monotonic_time () - begun;
}

/* A rounding does better on the very samples that it was found with: harm is measured on others,
 * where there are enough. */
static gboolean
is_for_roundings (const Calibrating *calibrating, guint sample)
{
  return sample >= N_FEW || calibrating->samples->len < 4 * N_FEW;
}

static void
keep_row (Calibrating *calibrating, GPtrArray *row, guint index)
{
  FwShrinkJob *self = calibrating->job;
  guint64 size = 0;

  if (self->few->len < N_FEW)
    g_ptr_array_add (self->few, g_ptr_array_ref (row));
  if (self->job->care != FW_CARE_EXTRA || fw_large_job_is_on () || self->rows->len >= N_CARE
      || !is_for_roundings (calibrating, index))
    return;
  for (guint i = 0; i < row->len; i++)
    size += fw_tensor_get_n_elements (g_ptr_array_index (row, i)) * sizeof (float);
  if (size * (self->rows->len + 1) <= fw_shrink_job_get_memory_limit () / 2)
    g_ptr_array_add (self->rows, g_ptr_array_ref (row));
}

static GPtrArray *
feed_sample (guint index, gpointer user_data, GError **error)
{
  Calibrating *calibrating = user_data;
  FwShrinkJob *self = calibrating->job;
  guint place;
  GPtrArray *row;

  if (index < calibrating->first || index >= calibrating->first + calibrating->n)
    decode_from (calibrating, index);
  place = index - calibrating->first;
  row = calibrating->rows[place];
  if (row == NULL)
    {
      if (!calibrating->only_looks && calibrating->errors[place] != NULL)
        fw_sample_set_reject (self->samples, g_ptr_array_index (calibrating->samples, index),
                              calibrating->errors[place]);
      return NULL;
    }
  if (!calibrating->only_looks)
    keep_row (calibrating, row, index);
  return g_ptr_array_ref (row);
}

static void
observe (const char *value, FwTensor *tensor, guint sample, gpointer user_data)
{
  const Calibrating *calibrating = user_data;

  if (is_for_roundings (calibrating, sample))
    fw_repair_observe (calibrating->job->repair, value, tensor, sample);
}

static gboolean
has_same_outputs (GPtrArray *original, GPtrArray *prepared)
{
  for (guint i = 0; i < original->len; i++)
    {
      FwTensor *a = original->pdata[i], *b = prepared->pdata[i];
      g_autofree float *x = a != NULL ? fw_tensor_to_floats (a) : NULL;
      g_autofree float *y = b != NULL ? fw_tensor_to_floats (b) : NULL;
      const gsize n = x != NULL ? fw_tensor_get_n_elements (a) : 0;

      if (x == NULL)
        continue;
      if (y == NULL || fw_tensor_get_n_elements (b) != n || fw_sqnr (x, y, n) < LEAST_SQNR_PREPARED)
        return FALSE;
    }
  return TRUE;
}

/* Whether the prepared model still answers what the original does. */
static gboolean
is_faithful (FwShrinkJob *self, FwModel *prepared, GError **error)
{
  g_autoptr (FwSession) session = fw_trial_load (prepared, NULL, self->job->threads, error);
  FwTrialHalf *trial = self->trial;

  if (session == NULL)
    return FALSE;
  for (guint i = 0; i < trial->latency_rows->len; i++)
    {
      GPtrArray *row = g_ptr_array_index (trial->latency_rows, i);
      FwTensor *const *inputs = (FwTensor *const *) row->pdata;
      g_autoptr (GPtrArray) a = NULL;
      g_autoptr (GPtrArray) b = NULL;

      a = fw_session_run (trial->original, trial->input_names, inputs, row->len,
                          trial->output_names, self->cancellable, error);
      b = a != NULL ? fw_session_run (session, trial->input_names, inputs, row->len,
                                      trial->output_names, self->cancellable, error)
                    : NULL;
      if (b == NULL)
        return FALSE;
      if (!has_same_outputs (a, b))
        {
          g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL,
                       _ ("The model could not be prepared without changing its answers."));
          return FALSE;
        }
    }
  return TRUE;
}

/* Where harm is measured: before what only squeezes scores together. */
static char **
find_scores (FwShrinkJob *self)
{
  g_autoptr (GPtrArray) scores = g_ptr_array_new ();

  for (guint i = 0; i < self->trial->n_outputs; i++)
    {
      const char *score = fw_prepare_find_scores (self->prepared, self->trial->output_names[i]);

      if (!g_ptr_array_find_with_equal_func (scores, score, g_str_equal, NULL))
        g_ptr_array_add (scores, g_strdup (score));
    }
  g_ptr_array_add (scores, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&scores), FALSE);
}

gboolean
fw_shrink_job_prepare (FwShrinkJob *self, GError **error)
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
  self->scores = find_scores (self);
  fw_events_phase (self->events, FW_PHASE_PREPARE, 1);
  return TRUE;
}

static void
fill_ranges (FwShrinkJob *self, FwRecipe *recipe, FwCalibration *calibration, char **values)
{
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      FwRange range;

      if (statistics == NULL || !statistics->is_float || statistics->histogram.n_not_finite > 0)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (recipe, values[i], &range);
    }
}

static void
fill_means (FwShrinkJob *self, FwRecipe *recipe, FwCalibration *calibration)
{
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
      fw_recipe_set_mean (recipe, unit->input, mean, statistics->channels);
    }
}

static FwCalibration *
run_calibration (FwShrinkJob *self,
                 guint n_samples,
                 const char *const *values,
                 FwProgress *progress,
                 GError **error)
{
  /* Setting one aside takes it out of the set's own list. */
  g_autoptr (GPtrArray) samples
      = g_ptr_array_copy (fw_sample_set_get_calibration (self->samples), NULL, NULL);
  Calibrating calibrating
      = { .job = self, .samples = samples, .only_looks = n_samples < samples->len };
  FwFeed feed = { .n = MIN (n_samples, samples->len),
                  .func = feed_sample,
                  .user_data = &calibrating,
                  .observe = self->repair != NULL ? observe : NULL,
                  .observer = &calibrating };
  FwCalibration *calibration;

  calibration = fw_calibration_run (self->prepared, values, &feed, self->job->threads, progress,
                                    self->cancellable, error);
  calibrating_let_go (&calibrating);
  return calibration;
}

/* The inputs whose means correct biases. */
static char **
list_inputs (FwShrinkJob *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);

      if (unit->can_correct && g_hash_table_add (seen, unit->input))
        g_ptr_array_add (inputs, g_strdup (unit->input));
    }
  g_ptr_array_add (inputs, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&inputs), FALSE);
}

FwRecipe *
fw_shrink_job_make_first_recipe (FwShrinkJob *self, GError **error)
{
  g_auto (GStrv) values = list_inputs (self);
  g_autoptr (FwCalibration) calibration
      = run_calibration (self, N_FIRST, (const char *const *) values, NULL, error);
  FwRecipe *recipe;

  if (calibration == NULL)
    return NULL;
  recipe = fw_recipe_new (self->original_sha256, self->converted);
  fill_means (self, recipe, calibration);
  for (guint i = 0; i < self->units->len; i++)
    if (fw_rewriter_can (self->rewriter, recipe, i, FW_OPTION_INT8_STORAGE))
      fw_recipe_set_option (recipe, ((FwUnit *) g_ptr_array_index (self->units, i))->name,
                            FW_OPTION_INT8_STORAGE);
  return recipe;
}

guint64
fw_shrink_job_get_memory_limit (void)
{
  guint64 pages = sysconf (_SC_PHYS_PAGES), page = sysconf (_SC_PAGESIZE);

  return pages * page / 8;
}

/* The first few samples, before the pass over all of them. */
static GPtrArray *
look_at_few (FwShrinkJob *self)
{
  g_autoptr (GPtrArray) samples
      = g_ptr_array_copy (fw_sample_set_get_calibration (self->samples), NULL, NULL);
  Calibrating looking = { .job = self, .samples = samples, .only_looks = TRUE };
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < samples->len && rows->len < N_SCALING; i++)
    {
      GPtrArray *row = feed_sample (i, &looking, NULL);

      if (row != NULL)
        g_ptr_array_add (rows, row);
    }
  calibrating_let_go (&looking);
  return rows;
}

/* Goes on with the prepared model scaled as was found. */
static gboolean
take_scalings (FwShrinkJob *self, FwRecipe *scalings, GError **error)
{
  FwModel *scaled;

  if (fw_recipe_get_n_scalings (scalings) == 0)
    return TRUE;
  scaled = fw_scaling_apply (self->prepared, scalings, error);
  if (scaled == NULL)
    return FALSE;
  g_clear_pointer (&self->rewriter, fw_rewriter_free);
  g_clear_pointer (&self->units, g_ptr_array_unref);
  fw_model_unref (self->prepared);
  self->prepared = scaled;
  self->units = fw_units_find (scaled);
  self->rewriter = fw_rewriter_new (scaled, self->units, self->job->threads);
  self->scalings = fw_recipe_copy (scalings);
  return TRUE;
}

/* Outliers of transformers are looked for always, layers of other models with extra care. */
static gboolean
scale_channels (FwShrinkJob *self, GError **error)
{
  FwRepairFlags wanted
      = FW_REPAIR_SMOOTH | (self->job->care == FW_CARE_EXTRA ? FW_REPAIR_EQUALIZE : 0);
  g_autoptr (FwRecipe) scalings = NULL;
  g_autoptr (GPtrArray) rows = NULL;
  g_autoptr (GError) local = NULL;

  if (fw_large_job_is_on () || !fw_equalize_can (self->prepared, self->repairs & wanted))
    return TRUE;
  rows = look_at_few (self);
  scalings = fw_recipe_new (self->original_sha256, self->converted);
  if (fw_equalize_find (self->prepared, scalings, self->repairs & wanted,
                        (const char *const *) self->scores, rows,
                        self->job->prefer != FW_PREFER_SIZE, self->job->threads, NULL,
                        self->cancellable, &local))
    return take_scalings (self, scalings, error);
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  g_message ("Channels stay as they are: %s", local->message);
  return TRUE;
}

gboolean
fw_shrink_job_calibrate (FwShrinkJob *self, GError **error)
{
  g_autoptr (FwProgress) progress = fw_shrink_job_begin_phase (self, FW_PHASE_CALIBRATE);
  g_auto (GStrv) values = fw_rewriter_list_values (self->rewriter);
  g_autoptr (FwCalibration) calibration = NULL;

  if (!fw_care_read_repairs (self->job, &self->repairs, error) || !scale_channels (self, error))
    return FALSE;
  /* Second moments of wide layers take more room than the layers. */
  if (!fw_large_job_is_on ())
    self->repair = fw_repair_new (self->prepared, self->units, self->repairs,
                                  fw_shrink_job_get_memory_limit (), self->job->threads);
  calibration = run_calibration (self, G_MAXUINT, (const char *const *) values, progress, error);
  if (calibration == NULL)
    return FALSE;
  self->n_calibration = fw_calibration_get_n_samples (calibration);
  if (self->n_calibration == 0 || self->few->len == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                   _ ("Too few of the samples could be read."));
      return FALSE;
    }
  self->recipe = fw_recipe_new (self->original_sha256, self->converted);
  if (self->scalings != NULL)
    fw_recipe_share_scalings (self->recipe, self->scalings);
  fill_ranges (self, self->recipe, calibration, values);
  if (self->repairs & FW_REPAIR_BIAS)
    fill_means (self, self->recipe, calibration);
  return TRUE;
}
