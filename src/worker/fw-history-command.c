/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history-command.h"

#include <glib/gi18n-lib.h>

#include "fw-history-json.h"
#include "fw-history.h"
#include "fw-job-folder.h"
#include "fw-json.h"

typedef struct
{
  FwHistoryRequest *request;
  FwHistory *history;
  FwEventFunc func;
  gpointer user_data;
  GError *error; /* of a job that runs within */
} Command;

/* Looking --------------------------------------------------------------------------------------
 */

static FwHistoryOriginal *
find_original (GPtrArray *originals, gint64 id)
{
  for (guint i = 0; i < originals->len; i++)
    {
      FwHistoryOriginal *original = originals->pdata[i];

      if (original->id == id)
        return original;
    }
  return NULL;
}

static JsonObject *
list (Command *self, GError **error)
{
  g_autoptr (GPtrArray) originals = fw_history_list_originals (self->history, error);
  g_autoptr (GPtrArray) versions = NULL;
  g_autoptr (GPtrArray) runs = NULL;
  JsonArray *original_array, *version_array, *run_array;
  JsonObject *result;

  if (originals == NULL)
    return NULL;
  versions = fw_history_list_versions (self->history, 0, self->request->all, error);
  if (versions != NULL)
    runs = fw_history_list_runs (self->history, 0, error);
  if (runs == NULL)
    return NULL;

  original_array = json_array_new ();
  for (guint i = 0; i < originals->len; i++)
    json_array_add_object_element (original_array, fw_history_json_original (originals->pdata[i]));
  version_array = json_array_new ();
  for (guint i = 0; i < versions->len; i++)
    {
      FwHistoryVersion *version = versions->pdata[i];

      json_array_add_object_element (
          version_array,
          fw_history_json_version (version, find_original (originals, version->original)));
    }
  run_array = json_array_new ();
  for (guint i = 0; i < runs->len; i++)
    json_array_add_object_element (run_array, fw_history_json_run (runs->pdata[i]));
  result = json_object_new ();
  json_object_set_array_member (result, "versions", version_array);
  json_object_set_array_member (result, "originals", original_array);
  json_object_set_array_member (result, "runs", run_array);
  return result;
}

/* What every answer about one version has. */
static JsonObject *
describe (Command *self, gint64 id, GError **error)
{
  g_autoptr (FwHistoryVersion) version = fw_history_get_version (self->history, id, error);
  g_autoptr (FwHistoryOriginal) original
      = version != NULL ? fw_history_get_original (self->history, version->original, error) : NULL;
  JsonObject *result;

  if (original == NULL)
    return NULL;
  result = json_object_new ();
  json_object_set_object_member (result, "version", fw_history_json_version (version, original));
  json_object_set_object_member (result, "original", fw_history_json_original (original));
  return result;
}

static gboolean
add_run (Command *self, JsonObject *result, gint64 id, GError **error)
{
  g_autoptr (FwHistoryRun) run = fw_history_get_run (self->history, id, error);
  g_autoptr (GPtrArray) stops
      = run != NULL ? fw_history_list_stops (self->history, id, error) : NULL;
  JsonArray *array;

  if (stops == NULL)
    return FALSE;
  array = json_array_new ();
  for (guint i = 0; i < stops->len; i++)
    json_array_add_object_element (array, fw_history_json_stop (stops->pdata[i]));
  json_object_set_object_member (result, "run", fw_history_json_run (run));
  json_object_set_array_member (result, "stops", array);
  return TRUE;
}

static JsonObject *
show (Command *self, GError **error)
{
  gint64 id = self->request->version;
  g_autoptr (JsonObject) result = describe (self, id, error);
  g_autoptr (FwHistoryVersion) version
      = result != NULL ? fw_history_get_version (self->history, id, error) : NULL;
  g_autoptr (GPtrArray) measurements
      = version != NULL ? fw_history_list_measurements (self->history, id, error) : NULL;
  JsonArray *array;

  if (measurements == NULL)
    return NULL;
  if (version->run != 0 && !add_run (self, result, version->run, error))
    return NULL;
  array = json_array_new ();
  for (guint i = 0; i < measurements->len; i++)
    json_array_add_object_element (array, fw_history_json_measurement (measurements->pdata[i]));
  json_object_set_array_member (result, "measurements", array);
  return g_steal_pointer (&result);
}

/* Making a version again -----------------------------------------------------------------------
 */

static void
pass_on (JsonObject *event, gpointer user_data)
{
  Command *self = user_data;
  const char *name = fw_json_get_string (event, "event", "");

  if (g_str_equal (name, "phase") || g_str_equal (name, "warning"))
    self->func (event, self->user_data);
  else if (g_str_equal (name, "error") && self->error == NULL)
    self->error = g_error_new_literal (
        FW_ERROR, (int) fw_error_from_name (fw_json_get_string (event, "code", "internal")),
        fw_json_get_string (event, "message", ""));
}

static FwJob *
make_job (FwHistoryOriginal *original, const char *recipe, const char *output, GError **error)
{
  g_autoptr (JsonNode) node = fw_json_parse (recipe != NULL ? recipe : "", -1, NULL);
  FwJob *job;

  if (node == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
                   _ ("The history does not know how this version was made."));
      return NULL;
    }
  job = fw_job_new (FW_COMMAND_REBUILD);
  job->model = g_strdup (original->copy != NULL ? original->copy : original->path);
  job->recipe = g_steal_pointer (&node);
  job->output = g_strdup (output);
  return job;
}

/* The version of @stop, made again and kept. */
static gint64
rebuild (Command *self, FwHistoryStop *stop, GError **error)
{
  g_autoptr (FwHistoryRun) run = fw_history_get_run (self->history, stop->run, error);
  g_autoptr (FwHistoryOriginal) original
      = run != NULL ? fw_history_get_original (self->history, run->original, error) : NULL;
  g_autoptr (FwJobFolder) folder = original != NULL ? fw_job_folder_new (error) : NULL;
  g_autoptr (FwJob) job = NULL;
  g_autofree char *output = NULL;

  if (folder == NULL)
    return 0;
  output = g_build_filename (fw_job_folder_get_path (folder), "version.onnx", NULL);
  job = make_job (original, stop->recipe, output, error);
  if (job == NULL)
    return 0;
  if (fw_supervisor_run (job, NULL, -1, pass_on, self) != FW_EXIT_RESULT)
    {
      g_propagate_error (error, g_steal_pointer (&self->error));
      return 0;
    }
  return fw_history_keep_stop (self->history, stop->id, output, TRUE, NULL, error);
}

/* The measured stop that a position means: the smallest that goes no further. */
static FwHistoryStop *
find_stop (Command *self, gint64 run, GError **error)
{
  g_autoptr (GPtrArray) stops = fw_history_list_stops (self->history, run, error);
  gint64 found = 0;

  if (stops == NULL)
    return NULL;
  for (guint i = 0; i < stops->len; i++)
    {
      FwHistoryStop *stop = stops->pdata[i];

      if (found == 0 || stop->position >= self->request->position)
        found = stop->id;
    }
  return fw_history_get_stop (self->history, found, error);
}

/* The version that is meant, with its file in place; 0 on failure. */
static gint64
find_version (Command *self, GError **error)
{
  g_autoptr (FwHistoryVersion) version
      = fw_history_get_version (self->history, self->request->version, error);
  g_autoptr (FwHistoryStop) stop = NULL;
  g_autofree char *file = NULL;
  g_autoptr (GError) local = NULL;

  if (version == NULL)
    return 0;
  if (self->request->position >= 0)
    stop = find_stop (self, version->run, error);
  else if (version->stop != 0)
    stop = fw_history_get_stop (self->history, version->stop, error);
  else
    return version->id;
  if (stop == NULL)
    return 0;
  if (stop->version == 0)
    return rebuild (self, stop, error);
  file = fw_history_check_file (self->history, stop->version, NULL, &local);
  if (file != NULL)
    return stop->version;
  if (g_error_matches (local, FW_ERROR, FW_ERROR_NO_SUCH_FILE)
      || g_error_matches (local, FW_ERROR, FW_ERROR_MODEL_CHANGED))
    return rebuild (self, stop, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return 0;
}

/* Changing -------------------------------------------------------------------------------------
 */

static JsonObject *
use (Command *self, GError **error)
{
  gint64 version = find_version (self, error), previous;
  g_autofree char *path = NULL;
  JsonObject *result;
  gboolean ok;

  if (version == 0)
    return NULL;
  ok = self->request->output != NULL
           ? fw_history_save (self->history, version, self->request->output, NULL, error)
           : fw_history_rewrite_saved (self->history, version, &path, NULL, error);
  if (!ok || !fw_history_use (self->history, version, &previous, error))
    return NULL;
  result = describe (self, version, error);
  if (result == NULL)
    return NULL;
  fw_history_json_set_path (result, "path",
                            self->request->output != NULL ? self->request->output : path);
  json_object_set_int_member (result, "previous", previous);
  return result;
}

static JsonObject *
change (Command *self, GError **error)
{
  gint64 version = self->request->version;
  gboolean ok = FALSE;

  switch (self->request->verb)
    {
    case FW_HISTORY_VERB_NOTE:
      ok = fw_history_set_note (self->history, version, self->request->note, error);
      break;
    case FW_HISTORY_VERB_DELETE:
      ok = fw_history_delete (self->history, version, error);
      break;
    case FW_HISTORY_VERB_UNDELETE:
      ok = fw_history_undelete (self->history, version, error);
      break;
    case FW_HISTORY_VERB_LIST:
    case FW_HISTORY_VERB_SHOW:
    case FW_HISTORY_VERB_USE:
    default:
      g_assert_not_reached ();
    }
  return ok ? describe (self, version, error) : NULL;
}

static JsonObject *
answer (Command *self, GError **error)
{
  switch (self->request->verb)
    {
    case FW_HISTORY_VERB_LIST:
      return list (self, error);
    case FW_HISTORY_VERB_SHOW:
      return show (self, error);
    case FW_HISTORY_VERB_USE:
      return use (self, error);
    case FW_HISTORY_VERB_NOTE:
    case FW_HISTORY_VERB_DELETE:
    case FW_HISTORY_VERB_UNDELETE:
    default:
      return change (self, error);
    }
}

FwExit
fw_history_request_run (FwHistoryRequest *self, FwEventFunc func, gpointer user_data)
{
  g_autoptr (FwEvents) events = fw_events_new (func, user_data);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwHistory) history = fw_history_open (NULL, &error);
  Command command = { .request = self, .history = history, .func = func, .user_data = user_data };
  JsonObject *result = NULL;

  if (history != NULL && fw_history_get_warning (history) != NULL)
    fw_events_warning (events, FW_ERROR_HISTORY_DAMAGED, fw_history_get_warning (history)->message);
  if (history != NULL)
    result = answer (&command, &error);
  g_clear_error (&command.error);
  if (result != NULL)
    {
      fw_events_emit (events, "result", result);
      return FW_EXIT_RESULT;
    }
  fw_events_error (events, error);
  switch (fw_error_get_code (error))
    {
    case FW_ERROR_CANCELLED:
      return FW_EXIT_CANCELLED;
    case FW_ERROR_USAGE:
      return FW_EXIT_USAGE;
    default:
      return FW_EXIT_ERROR;
    }
}
