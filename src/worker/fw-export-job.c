/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-export-job.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fw-class-names.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-package.h"
#include "fw-report-job.h"
#include "fw-report-json.h"
#include "fw-shrink-job.h"

/* Answers that changed which are listed. */
#define MAX_CHANGED 1000

typedef struct
{
  FwShrinkJob *state;
  FwSession *session; /* of the model; borrowed */
  FwGolden *golden;
  GPtrArray *labels;
  gboolean labels_known;
  gboolean preprocess_known;
} Export;

static void
export_clear (Export *self)
{
  g_clear_pointer (&self->golden, fw_golden_free);
  g_clear_pointer (&self->labels, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Export, export_clear)

static gboolean
has_samples (const FwJob *job)
{
  return job->samples != NULL && job->samples[0] != NULL;
}

/* Inputs ------------------------------------------------------------------------------------- */

/* Without samples there is nothing to guess from: what was asked for, or the usual. */
static gboolean
choose_preprocess (FwShrinkJob *state, FwSession *session, GError **error)
{
  const char *name = state->job->preprocess;
  const FwValueInfo *info = fw_session_get_input (session, state->task.input);
  g_autoptr (GPtrArray) candidates = NULL;

  if (name != NULL && strcmp (name, "auto") != 0)
    {
      state->preprocess = fw_shrink_job_read_preprocess (name, info, error);
      return state->preprocess != NULL;
    }
  candidates = fw_preprocess_candidates (info, error);
  if (candidates == NULL)
    return FALSE;
  state->preprocess = fw_preprocess_copy (g_ptr_array_index (candidates, 0));
  return TRUE;
}

static GPtrArray *
get_sample (guint index, gpointer user_data, GError **error)
{
  FwTrialHalf *trial = user_data;

  return fw_tensor_store_get (trial->rows, index, error);
}

static GPtrArray *
get_golden_inputs (FwShrinkJob *state, GError **error)
{
  g_autoptr (GPtrArray) inputs = NULL;
  guint n;

  if (state->trial == NULL)
    return fw_golden_make_noise (state->preprocess, FW_GOLDEN_N, state->job->seed, error);
  inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  n = MIN (state->trial->samples->len, FW_GOLDEN_N);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) row = fw_tensor_store_get (state->trial->rows, i, error);

      if (row == NULL)
        return NULL;
      g_ptr_array_add (inputs, fw_tensor_ref (row->pdata[0]));
    }
  return g_steal_pointer (&inputs);
}

static gboolean
check_task (FwShrinkJob *state, GError **error)
{
  if (state->task.task == FW_TASK_CLASSIFY_PICTURES && state->inputs->n == 1)
    return TRUE;
  g_set_error (
      error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
      _ ("Packages can be made of models that recognize what a picture shows, and this one "
         "seems to do something else. Export it as a file instead."));
  return FALSE;
}

static gboolean
find_golden (Export *self, GError **error)
{
  FwShrinkJob *state = self->state;
  g_autoptr (GPtrArray) inputs = NULL;

  if (has_samples (state->job))
    {
      if (!fw_shrink_job_find_samples (state, error) || !check_task (state, error))
        return FALSE;
      self->session = state->trial->original;
      self->preprocess_known = state->verdict == NULL || state->verdict->sure;
    }
  else
    self->session = state->session;
  /* Samples that are numbers do not say how pictures are to be prepared. */
  if (state->preprocess == NULL)
    {
      if (!choose_preprocess (state, self->session, error))
        return FALSE;
      self->preprocess_known = g_strcmp0 (state->job->preprocess, "auto") != 0;
    }
  inputs = get_golden_inputs (state, error);
  if (inputs == NULL)
    return FALSE;
  self->golden = fw_golden_new (self->session, &state->task, inputs, state->trial == NULL,
                                state->cancellable, error);
  return self->golden != NULL;
}

/* Labels ------------------------------------------------------------------------------------- */

/* The names that came with the samples, where they are the model's own. */
static GPtrArray *
get_sample_labels (FwShrinkJob *state, guint n_classes)
{
  g_autoptr (GPtrArray) names = NULL;
  gboolean any = FALSE;

  if (state->trial == NULL
      || (fw_sample_set_labels_are_guessed (state->samples) && state->trial->labels == NULL))
    return NULL;
  names = g_ptr_array_new ();
  for (guint i = 0; i < MIN (n_classes, fw_sample_set_get_n_classes (state->samples)); i++)
    {
      const char *name = fw_sample_set_get_class_name (state->samples, (int) i);

      any = any || name != NULL;
      g_ptr_array_add (names, (char *) name);
    }
  return any ? fw_class_names_new (names, n_classes) : NULL;
}

static void
find_labels (Export *self)
{
  const FwJob *job = self->state->job;
  guint n_classes = self->golden->answers[0].n_classes;

  self->labels = get_sample_labels (self->state, n_classes);
  /* With samples, that file holds the right answers. */
  if (self->labels == NULL && job->labels != NULL && !has_samples (job))
    self->labels = fw_class_names_find (job->model, job->labels, n_classes);
  if (self->labels == NULL)
    self->labels = fw_class_names_find (job->model, NULL, n_classes);
  if (self->labels == NULL && job->other != NULL)
    self->labels = fw_class_names_find (job->other, NULL, n_classes);
  self->labels_known = self->labels != NULL;
  if (self->labels == NULL)
    self->labels = fw_class_names_new (NULL, n_classes);
}

/* Result ------------------------------------------------------------------------------------- */

static gboolean
add_file (JsonObject *result, FwShrinkJob *state, const char *path, GError **error)
{
  GStatBuf status;

  if (g_stat (path, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return FALSE;
    }
  json_object_set_string_member (result, "for", fw_target_get_name (state->job->target));
  json_object_set_string_member (result, "path", path);
  json_object_set_int_member (result, "size_bytes", status.st_size);
  json_object_set_string_member (result, "model_sha256", state->original_sha256);
  json_object_set_int_member (result, "model_size_bytes", state->original_size);
  return TRUE;
}

static JsonArray *
describe_answer (const FwAnswer *answer, GPtrArray *labels)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < answer->n; i++)
    {
      JsonObject *entry = json_object_new ();

      json_object_set_int_member (entry, "index", answer->index[i]);
      if (answer->index[i] < labels->len)
        json_object_set_string_member (entry, "name", labels->pdata[answer->index[i]]);
      fw_report_add_number (entry, "probability", answer->probability[i]);
      json_array_add_object_element (array, entry);
    }
  return array;
}

static JsonArray *
list_changed (Export *self, FwComparison *comparison)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < comparison->n && json_array_get_length (array) < MAX_CHANGED; i++)
    {
      const FwAnswer *original = &comparison->original[i];
      const FwAnswer *other = &comparison->other[i];
      JsonObject *entry;

      if (original->n > 0 && other->n > 0 && original->index[0] == other->index[0])
        continue;
      entry = json_object_new ();
      if (self->state->trial != NULL)
        json_object_set_string_member (
            entry, "name", ((FwSample *) g_ptr_array_index (self->state->trial->samples, i))->name);
      else
        json_object_set_int_member (entry, "input", i + 1);
      json_object_set_array_member (entry, "original", describe_answer (original, self->labels));
      json_object_set_array_member (entry, "other", describe_answer (other, self->labels));
      json_array_add_object_element (array, entry);
    }
  return array;
}

static JsonObject *
describe_ort (Export *self, FwPackage *package)
{
  JsonObject *object = json_object_new ();
  const FwSame *same = &package->comparison->agreement->same;
  JsonObject *figures = json_object_new ();

  json_object_set_int_member (figures, "same", same->same);
  json_object_set_int_member (figures, "total", same->total);
  fw_report_add_number (figures, "fraction",
                        same->total > 0 ? (double) same->same / same->total : 1);
  fw_report_add_number (figures, "low", same->interval.low);
  fw_report_add_number (figures, "high", same->interval.high);
  json_object_set_object_member (object, "same", figures);
  json_object_set_array_member (object, "changed", list_changed (self, package->comparison));
  if (package->has_ort)
    json_object_set_int_member (object, "golden_same", package->golden_same);
  else
    json_object_set_null_member (object, "golden_same");
  return object;
}

static JsonObject *
describe_package (Export *self, FwPackage *package, GError **error)
{
  g_autoptr (JsonObject) result = json_object_new ();
  JsonArray *files = json_array_new ();

  for (guint i = 0; i < package->files->len; i++)
    json_array_add_string_element (files, package->files->pdata[i]);
  json_object_set_array_member (result, "files", files);
  json_object_set_boolean_member (result, "has_ort", package->has_ort);
  if (package->why_no_ort != NULL)
    json_object_set_string_member (result, "ort_reason", package->why_no_ort);
  else
    json_object_set_null_member (result, "ort_reason");
  if (package->comparison != NULL)
    json_object_set_object_member (result, "ort", describe_ort (self, package));
  else
    json_object_set_null_member (result, "ort");
  json_object_set_int_member (result, "golden", self->golden->n);
  json_object_set_boolean_member (result, "golden_noise", self->golden->are_noise);
  json_object_set_boolean_member (result, "labels_known", self->labels_known);
  fw_report_add_preprocess (result, self->state);
  if (!add_file (result, self->state, package->path, error))
    return NULL;
  return g_steal_pointer (&result);
}

/* Jobs --------------------------------------------------------------------------------------- */

static void
report_package (double fraction, gpointer user_data)
{
  fw_events_phase (user_data, FW_PHASE_MEASURE, fraction);
}

static JsonObject *
export_package (FwShrinkJob *state, GError **error)
{
  const FwJob *job = state->job;
  g_auto (Export) self = { .state = state };
  g_autoptr (FwProgress) progress = fw_progress_new (report_package, state->events);
  g_autoptr (FwPackage) package = NULL;
  FwPackageInput input = { .target = job->target, .model_path = job->model };
  FwFeed samples = { 0, get_sample, NULL };

  if (!fw_shrink_job_inspect (state, error) || !check_task (state, error)
      || !find_golden (&self, error))
    return NULL;
  find_labels (&self);

  input.name = job->other != NULL ? job->other : job->model;
  input.model = state->original;
  input.preprocess = state->preprocess;
  input.preprocess_known = self.preprocess_known;
  input.labels = self.labels;
  input.labels_known = self.labels_known;
  input.golden = self.golden;
  input.output = state->task.output;
  input.threads = job->threads;
  if (state->trial != NULL)
    {
      samples.n = state->trial->samples->len;
      samples.user_data = state->trial;
      input.samples = &samples;
      input.answers = state->trial->answers;
    }
  package = fw_package_new (&input, state->folder, progress, state->cancellable, error);
  return package != NULL ? describe_package (&self, package, error) : NULL;
}

/* Where it takes pictures, one of noise is run through the copy. */
static gboolean
try_file (FwShrinkJob *state, const char *path, GError **error)
{
  FwSessionOptions options = { .threads = state->job->threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) session = fw_session_new (path, &options, error);
  g_autoptr (FwGolden) golden = NULL;
  g_autoptr (GPtrArray) candidates = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  FwTaskInfo task;

  if (session == NULL)
    return FALSE;
  if (!fw_task_guess (session, &task, NULL) || task.task != FW_TASK_CLASSIFY_PICTURES
      || fw_session_get_n_inputs (session) != 1)
    return TRUE;
  candidates = fw_preprocess_candidates (fw_session_get_input (session, task.input), NULL);
  if (candidates == NULL)
    return TRUE;
  inputs = fw_golden_make_noise (g_ptr_array_index (candidates, 0), 1, state->job->seed, error);
  if (inputs == NULL)
    return FALSE;
  golden = fw_golden_new (session, &task, inputs, TRUE, state->cancellable, error);
  return golden != NULL;
}

static JsonObject *
export_file (FwShrinkJob *state, GError **error)
{
  const char *source = state->job->model;
  g_autofree char *path = g_build_filename (state->folder, "exported.onnx", NULL);
  g_autoptr (FwModel) back = NULL;
  g_autoptr (JsonObject) result = json_object_new ();
  GStatBuf status;
  gboolean ok;

  fw_events_phase (state->events, FW_PHASE_INSPECT, 0);
  state->original = fw_model_load (source, error);
  if (state->original == NULL)
    return NULL;
  state->original_size = fw_model_get_size (state->original);
  state->original_sha256 = fw_file_sha256 (source, state->cancellable, error);
  if (state->original_sha256 == NULL)
    return NULL;
  /* Weights that lie in another file come along in this one. */
  ok = g_stat (source, &status) == 0 && (guint64) status.st_size == state->original_size
           ? fw_file_copy (source, path, FALSE, state->cancellable, error)
           : fw_model_save (state->original, path, state->cancellable, error);
  fw_events_phase (state->events, FW_PHASE_MEASURE, 0);
  if (!ok || (back = fw_model_load (path, error)) == NULL || !try_file (state, path, error)
      || !add_file (result, state, path, error))
    return NULL;
  json_object_set_int_member (result, "size_bytes", fw_model_get_size (back));
  return g_steal_pointer (&result);
}

JsonObject *
fw_export_job_run (const FwJob *job,
                   const char *folder,
                   FwEvents *events,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (FwShrinkJob) state = fw_shrink_job_new (job, folder, events, cancellable);
  JsonObject *result
      = job->target == FW_TARGET_FILE ? export_file (state, error) : export_package (state, error);

  if (result != NULL)
    fw_events_phase (events, FW_PHASE_KEEP, 1);
  return result;
}
