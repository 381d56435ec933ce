/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-compare-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-class-names.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-report-job.h"
#include "fw-report-json.h"
#include "fw-shrink-job.h"

/* Samples that are shown; figures cover all. */
#define MAX_SHOWN 200
#define SECONDS_OF_LATENCY 1.0

/* How far two answers are apart: another top answer first, then the shift of its probability. */
static double
get_change (const FwAnswer *original, const FwAnswer *other)
{
  double shift = 0;

  if (original->n == 0 || other->n == 0)
    return 2;
  shift = fabs (original->probability[0] - other->probability[0]);
  return (original->index[0] != other->index[0] ? 1 : 0) + shift;
}

typedef struct
{
  guint index;
  double change;
} Shown;

static int
compare_changes (gconstpointer a, gconstpointer b)
{
  const Shown *left = a, *right = b;

  if (left->change != right->change)
    return left->change > right->change ? -1 : 1;
  return left->index < right->index ? -1 : 1;
}

static void
say_answers (FwShrinkJob *state,
             const FwMeasurement *measurement,
             guint index,
             JsonObject *event,
             GPtrArray *names)
{
  const FwAnswer *original = &state->trial->answers[index];
  const FwAnswer *other = &measurement->answers[index];

  json_object_set_array_member (event, "original",
                                fw_report_answer (original, state->samples, names));
  json_object_set_array_member (event, "other", fw_report_answer (other, state->samples, names));
  json_object_set_boolean_member (event, "changed", original->index[0] != other->index[0]);
}

/* For what has no answers by name: how far the outputs are from each other. */
static void
say_error (const FwOutputError *error, JsonObject *event)
{
  json_object_set_array_member (event, "original", json_array_new ());
  json_object_set_array_member (event, "other", json_array_new ());
  json_object_set_boolean_member (event, "changed", !error->is_same);
  fw_report_add_number (event, "error", error->error);
  fw_report_add_number (event, "sqnr_db", fw_error_to_decibels (error->error));
}

static void
say_sample (FwShrinkJob *state,
            const FwMeasurement *measurement,
            const Shown *shown,
            GPtrArray *names)
{
  FwSample *sample = g_ptr_array_index (state->trial->samples, shown->index);
  JsonObject *event = json_object_new ();

  json_object_set_string_member (event, "name", sample->name);
  fw_report_add_look (event, state, sample, shown->index);
  if (measurement->answers != NULL)
    say_answers (state, measurement, shown->index, event, names);
  else
    say_error (&measurement->errors[shown->index], event);
  if (sample->label >= 0)
    json_object_set_int_member (event, "label", sample->label);
  fw_events_emit (state->events, "sample", event);
}

static gboolean
say_samples (FwShrinkJob *state, const FwMeasurement *measurement, GError **error)
{
  g_autoptr (GArray) shown = g_array_new (FALSE, FALSE, sizeof (Shown));
  /* Where the samples name no classes, a list beside the original may. */
  g_autoptr (GPtrArray) names
      = measurement->answers != NULL
            ? fw_class_names_find (state->job->model, NULL, state->trial->answers[0].n_classes)
            : NULL;

  for (guint i = 0; i < state->trial->samples->len; i++)
    {
      Shown entry = { i, measurement->answers != NULL
                             ? get_change (&state->trial->answers[i], &measurement->answers[i])
                             : measurement->errors[i].error };

      g_array_append_val (shown, entry);
    }
  g_array_sort (shown, compare_changes);
  for (guint i = 0; i < MIN (shown->len, MAX_SHOWN); i++)
    {
      if (g_cancellable_set_error_if_cancelled (state->cancellable, error))
        return FALSE;
      say_sample (state, measurement, &g_array_index (shown, Shown, i), names);
      fw_events_phase (state->events, FW_PHASE_KEEP, (i + 1.0) / MIN (shown->len, MAX_SHOWN));
    }
  return TRUE;
}

static void
report_measure (double fraction, gpointer user_data)
{
  fw_events_phase (user_data, FW_PHASE_MEASURE, fraction);
}

static JsonObject *
compare (FwShrinkJob *state, GError **error)
{
  g_autoptr (FwProgress) progress = fw_progress_new (report_measure, state->events);
  g_autoptr (JsonObject) result = json_object_new ();
  g_autoptr (FwMeasurement) measurement = NULL;
  g_autoptr (FwModel) other = fw_model_load (state->job->other, error);
  g_autofree char *sha256 = NULL;

  if (other == NULL)
    return NULL;
  sha256 = fw_file_sha256 (state->job->other, state->cancellable, error);
  if (sha256 == NULL)
    return NULL;
  measurement = fw_trial_half_measure (state->trial, state->job->other, SECONDS_OF_LATENCY,
                                       progress, state->cancellable, error);
  if (measurement == NULL || !say_samples (state, measurement, error))
    return NULL;

  json_object_set_string_member (result, "task", fw_task_get_name (state->task.task));
  json_object_set_int_member (result, "size_bytes", fw_model_get_size (other));
  json_object_set_int_member (result, "original_size_bytes", state->original_size);
  json_object_set_string_member (result, "original_sha256", state->original_sha256);
  json_object_set_string_member (result, "sha256", sha256);
  json_object_set_int_member (result, "test_samples", state->trial->samples->len);
  fw_report_add_preprocess (result, state);
  fw_report_add_measurement (result, measurement, state->trial);
  return g_steal_pointer (&result);
}

JsonObject *
fw_compare_job_run (const FwJob *job,
                    const char *folder,
                    FwEvents *events,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (FwShrinkJob) state = fw_shrink_job_new (job, folder, events, cancellable);

  if (!fw_shrink_job_inspect (state, error) || !fw_shrink_job_find_samples (state, error))
    return NULL;
  return compare (state, error);
}
