/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-job-runner.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-compare-job.h"
#include "fw-error.h"
#include "fw-export-job.h"
#include "fw-file.h"
#include "fw-inspect-job.h"
#include "fw-large-job.h"
#include "fw-peak-memory.h"
#include "fw-rebuild-job.h"
#include "fw-recommend.h"
#include "fw-report-job.h"
#include "fw-report-json.h"
#include "fw-samples-job.h"
#include "fw-stops.h"

/* Members of the result that belong to the whole job ------------------------------------------- */

static gboolean
add_probe (FwShrinkJob *job, JsonObject *result, GError **error)
{
  GPtrArray *row = g_ptr_array_index (job->trial->latency_rows, 0);
  g_autofree char *path = g_build_filename (job->folder, "probe.npy", NULL);

  /* What an app would need for a large model may be more than there is. */
  if (fw_large_job_is_on ())
    return TRUE;
  for (guint i = 0; i < row->len; i++)
    {
      g_autofree char *file = fw_peak_memory_get_probe (path, i);

      if (!fw_tensor_save_npy (row->pdata[i], file, error))
        return FALSE;
    }
  json_object_set_string_member (result, "probe", path);
  return TRUE;
}

static gboolean
add_inputs (FwShrinkJob *job, FwStop *stop, JsonObject *result, GError **error)
{
  g_autofree char *folder = g_build_filename (job->folder, "inputs", NULL);

  if (job->job->save_inputs == NULL)
    return TRUE;
  if (!fw_trial_half_save_inputs (job->trial, stop != NULL ? stop->measurement : NULL, folder,
                                  error))
    return FALSE;
  json_object_set_string_member (result, "inputs", folder);
  return TRUE;
}

static JsonArray *
list_stops (FwStops *stops)
{
  JsonArray *array = json_array_new ();

  for (guint i = stops->stops->len; i-- > 0;)
    json_array_add_object_element (
        array, fw_stop_to_json (g_ptr_array_index (stops->stops, i), stops->job));
  return array;
}

/* The version asked for ------------------------------------------------------------------------ */

static gboolean
fail_target (GError **error, const char *message)
{
  g_set_error_literal (error, FW_ERROR, FW_ERROR_TARGET_NOT_REACHED, message);
  return FALSE;
}

static FwStop *
fail_by_size (FwStops *stops, guint64 limit, GError **error)
{
  FwPath *path = stops->job->path;
  FwStep *last = g_ptr_array_index (path->steps, path->steps->len - 1);
  g_autofree char *smallest = g_format_size (last->size);
  g_autofree char *message = NULL;

  if (last->size <= limit)
    message = g_strdup (_ ("No version that is small enough gives usable answers."));
  else
    message = g_strdup_printf (
        _ ("The smallest version that can be made has %s, which is more than you asked for."),
        smallest);
  fail_target (error, message);
  return NULL;
}

/* The most faithful version of at most @limit bytes, of those that keep the contract. */
static FwStop *
choose_by_size (FwStops *stops, guint64 limit, GError **error)
{
  FwPath *path = stops->job->path;

  for (guint n = 1; n <= path->steps->len; n++)
    {
      FwStep *step = g_ptr_array_index (path->steps, n - 1);
      g_autoptr (GError) local = NULL;
      FwStop *stop;

      if (step->size > limit)
        continue;
      stop = fw_stops_add_prefix (stops, n, &local);
      /* The path knows sizes within a few bytes only. */
      if (stop != NULL && stop->size <= limit)
        return stop;
      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return NULL;
        }
    }
  return fail_by_size (stops, limit, error);
}

static guint64
get_size_limit (FwShrinkJob *job)
{
  if (job->job->max_size > 0)
    return job->job->max_size;
  return job->job->max_fraction * job->original_size;
}

/* NULL with an error, or where there is nothing to recommend. */
static FwStop *
choose_stop (FwStops *stops, GError **error)
{
  const FwJob *job = stops->job->job;
  FwStop *stop;

  if (job->position >= 0)
    {
      /* Above the first step only the original is left; the first step is nearest. */
      guint n = MAX (fw_path_find (stops->job->path, job->position), 1);

      return fw_stops_add_prefix (stops, n, error);
    }
  if (get_size_limit (stops->job) > 0)
    return choose_by_size (stops, get_size_limit (stops->job), error);
  if (job->min_same > 0)
    {
      stop = fw_recommend_find (stops, job->min_same);
      if (stop == NULL)
        fail_target (error, _ ("No smaller version keeps that many of the answers."));
      return stop;
    }
  stop = fw_stops_get_recommended (stops);
  if (stop == NULL && stops->stops->len > 0)
    stop = g_ptr_array_index (stops->stops, 0);
  return stop;
}

static JsonObject *
finish_result (FwShrinkJob *job, FwStop *stop, GError **error)
{
  g_autoptr (JsonObject) result = fw_stop_to_json (stop, job);

  json_object_set_string_member (result, "path", stop->path);
  json_object_remove_member (result, "file");
  fw_report_add_job (result, job);
  if (!add_probe (job, result, error) || !add_inputs (job, stop, result, error))
    return NULL;
  return g_steal_pointer (&result);
}

/* Jobs ------------------------------------------------------------------------------------------
 */

static gboolean
check_fits_already (FwShrinkJob *job, GError **error)
{
  guint64 limit = get_size_limit (job);

  if (limit == 0 || job->original_size > limit)
    return TRUE;
  return fail_target (error, _ ("The original already fits; there is nothing to do."));
}

/* Every unit as @option says; those that can't, as near to it as they can. */
static void
set_uniform (FwShrinkJob *job, FwRecipe *recipe, FwOption option)
{
  guint bits = MIN (fw_option_get_bits (option), 8);
  const FwOption options[]
      = { option, FW_OPTION (bits, FW_ARITHMETIC_FLOAT, fw_option_get_block (option)),
          FW_OPTION (bits, FW_ARITHMETIC_FLOAT, 0), FW_OPTION_INT8_STORAGE };

  for (guint i = 0; i < job->units->len; i++)
    {
      guint k = 0;

      while (k < G_N_ELEMENTS (options) && !fw_rewriter_can (job->rewriter, recipe, i, options[k]))
        k++;
      if (k < G_N_ELEMENTS (options))
        fw_recipe_set_option (recipe, ((FwUnit *) g_ptr_array_index (job->units, i))->name,
                              options[k]);
    }
}

/* Every unit alike: one file, no ranking. */
static JsonObject *
run_uniform (FwShrinkJob *job, GError **error)
{
  g_autoptr (FwStops) stops = fw_stops_new (job);
  FwRecipe *recipe = NULL;
  FwOption option;
  FwStop *stop;
  g_autoptr (GError) local = NULL;

  if (!fw_option_from_name (job->job->uniform, &option))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no option “%s”."),
                   job->job->uniform);
      return NULL;
    }
  if (!fw_shrink_job_calibrate (job, error))
    return NULL;
  recipe = fw_recipe_copy (job->recipe);
  set_uniform (job, recipe, option);
  stop = fw_stops_add (stops, 0, recipe, "uniform", &local);
  if (stop == NULL)
    {
      if (local != NULL)
        g_propagate_error (error, g_steal_pointer (&local));
      else
        g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                     _ ("Nothing that Featherweight can do makes this model smaller."));
      return NULL;
    }
  return finish_result (job, stop, error);
}

/* How soon something was there, for those who measure it. */
static void
add_times (FwShrinkJob *job, FwStops *stops, JsonObject *result)
{
  JsonObject *times = json_object_new ();

  fw_report_add_number (times, "first_stop_s", stops->first_seconds);
  fw_report_add_number (times, "decoding_before_s", stops->decoding_seconds);
  json_object_set_object_member (result, "times", times);
}

static JsonObject *
run_path (FwShrinkJob *job, GError **error)
{
  g_autoptr (FwStops) stops = fw_stops_new (job);
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) local = NULL;
  FwStop *stop;

  job->trial->n_choosing = fw_recommend_count_samples (job->trial->samples->len);
  if ((job->job->measure && !fw_large_job_is_on () && !fw_stops_add_first (stops, error))
      || !fw_shrink_job_calibrate (job, error) || !fw_shrink_job_find_path (job, error)
      || !fw_stops_measure_path (stops, error))
    return NULL;
  if (job->job->command == FW_COMMAND_PATH)
    stop = fw_stops_get_recommended (stops);
  else
    stop = choose_stop (stops, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  if (stop == NULL && stops->stops->len > 0)
    stop = g_ptr_array_index (stops->stops, 0);
  if (stop == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                   _ ("Nothing that Featherweight can do makes this model smaller."));
      return NULL;
    }
  result = finish_result (job, stop, error);
  if (result == NULL)
    return NULL;
  json_object_set_array_member (result, "stops", list_stops (stops));
  add_times (job, stops, result);
  return g_steal_pointer (&result);
}

static JsonObject *
run_shrink (FwShrinkJob *job, GError **error)
{
  JsonObject *result;

  if (!fw_shrink_job_inspect (job, error) || !check_fits_already (job, error)
      || !fw_shrink_job_find_samples (job, error) || !fw_shrink_job_prepare (job, error))
    return NULL;
  result = job->job->uniform != NULL ? run_uniform (job, error) : run_path (job, error);
  if (result != NULL)
    fw_events_phase (job->events, FW_PHASE_KEEP, 1);
  return result;
}

JsonObject *
fw_job_run (const FwJob *job,
            const char *folder,
            FwEvents *events,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (FwShrinkJob) state = NULL;

  fw_large_job_begin (job, folder, events);
  switch (job->command)
    {
    case FW_COMMAND_INSPECT:
      return fw_inspect_job_run (job, folder, events, cancellable, error);
    case FW_COMMAND_COMPARE:
      return fw_compare_job_run (job, folder, events, cancellable, error);
    case FW_COMMAND_SAMPLES:
      return fw_samples_job_run (job, folder, events, cancellable, error);
    case FW_COMMAND_EXPORT:
      return fw_export_job_run (job, folder, events, cancellable, error);
    case FW_COMMAND_REBUILD:
      return fw_rebuild_job_run (job, folder, events, cancellable, error);
    case FW_COMMAND_SHRINK:
    case FW_COMMAND_PATH:
      state = fw_shrink_job_new (job, folder, events, cancellable);
      return run_shrink (state, error);
    default:
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("There is no such job."));
      return NULL;
    }
}
