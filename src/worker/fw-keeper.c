/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-keeper.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-json.h"

/* Far more than any job measures. Who says more is not to fill the disk. */
#define MOST_STOPS 500

struct _FwKeeper
{
  const FwJob *job;
  FwEvents *events;
  FwHistory *history; /* NULL where nothing can be kept */
  gint64 run;
  gint64 version; /* of the file that the result is about */
  guint n_stops;
  gboolean is_over;
};

/* The job's own output, for shrink; a path leaves all its files with the user. */
static gboolean
has_other_place (const FwJob *job)
{
  return job->output != NULL || job->out_dir != NULL;
}

/* From here on nothing is kept, and the user knows why. */
static void
give_up (FwKeeper *self, const GError *error)
{
  g_autofree char *message
      = g_strdup_printf (_ ("This will not be in your history: %s"), error->message);

  fw_events_warning (self->events, fw_error_get_code (error), message);
  g_clear_pointer (&self->history, fw_history_unref);
}

FwKeeper *
fw_keeper_new (const FwJob *job, FwEvents *events, GError **error)
{
  g_autoptr (GError) local = NULL;
  FwKeeper *self;

  if (job->command != FW_COMMAND_SHRINK && job->command != FW_COMMAND_PATH)
    return NULL;
  self = g_new0 (FwKeeper, 1);
  self->job = job;
  self->events = events;
  self->history = fw_history_open (NULL, &local);
  if (self->history != NULL && fw_history_is_read_only (self->history))
    {
      g_set_error (&local, FW_ERROR, FW_ERROR_NOT_WRITABLE,
                   _ ("The history in “%s” can’t be changed: you may not write to that folder."),
                   fw_history_get_folder (self->history));
      g_clear_pointer (&self->history, fw_history_unref);
    }
  if (self->history != NULL)
    {
      const GError *warning = fw_history_get_warning (self->history);

      if (warning != NULL)
        fw_events_warning (events, FW_ERROR_HISTORY_DAMAGED, warning->message);
      return self;
    }
  if (has_other_place (job))
    {
      give_up (self, local);
      return self;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  g_free (self);
  return NULL;
}

static void
end_run (FwKeeper *self, FwHistoryRunState state, const char *why)
{
  g_autoptr (GError) error = NULL;

  if (self->history != NULL && self->run != 0 && !self->is_over
      && !fw_history_end_run (self->history, self->run, state, why, &error))
    g_warning ("Could not note the end of the run: %s", error->message);
  self->is_over = TRUE;
}

void
fw_keeper_free (FwKeeper *self)
{
  if (self == NULL)
    return;
  end_run (self, FW_HISTORY_RUN_STOPPED, NULL);
  g_clear_pointer (&self->history, fw_history_unref);
  g_free (self);
}

void
fw_keeper_fail (FwKeeper *self, const GError *why)
{
  if (self != NULL && fw_error_get_code (why) != FW_ERROR_CANCELLED)
    end_run (self, FW_HISTORY_RUN_FAILED, why->message);
}

/* Every stop tells in its recipe which original it is of. */
static gboolean
begin (FwKeeper *self, JsonObject *stop, GError **error)
{
  JsonObject *recipe = fw_json_get_object (stop, "recipe");
  const char *sha256 = recipe != NULL ? fw_json_get_string (recipe, "original", NULL) : NULL;
  double size = fw_json_get_number (stop, "original_size_bytes", 0);
  g_autoptr (JsonNode) job = NULL;

  if (self->run != 0)
    return TRUE;
  if (sha256 == NULL || !(size >= 0 && size < 0x1p53))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The result makes no sense."));
      return FALSE;
    }
  job = fw_job_to_json (self->job);
  self->run = fw_history_begin_run (self->history, self->job->model, sha256, (guint64) size,
                                    json_node_get_object (job), error);
  return self->run != 0;
}

void
fw_keeper_add_stop (FwKeeper *self, JsonObject *stop)
{
  g_autoptr (GError) error = NULL;

  if (self == NULL || self->history == NULL || self->n_stops++ >= MOST_STOPS)
    return;
  if (begin (self, stop, &error)
      && fw_history_add_stop (self->history, self->run, stop, &error) != 0)
    {
      json_object_set_int_member (stop, "run", self->run);
      return;
    }
  /* All of it is told once more at the end; only a crash would lose this stop. */
  g_warning ("Could not note a version: %s", error->message);
}

/* The result -----------------------------------------------------------------------------------
 */

/* A file of the job's own; a model in several files can't be kept as one. */
static char *
own_file (FwJobFolder *folder, JsonObject *object, const char *member)
{
  const char *text = fw_json_get_string (object, member, NULL);
  g_autofree char *path = text != NULL ? fw_json_to_path (text, NULL) : NULL;
  g_autofree char *data = path != NULL ? g_strconcat (path, ".data", NULL) : NULL;

  if (path == NULL || !fw_job_folder_holds (folder, path) || fw_job_folder_holds (folder, data))
    return NULL;
  return g_steal_pointer (&path);
}

static JsonObject *
find_recommended (JsonObject *result)
{
  JsonArray *stops = fw_json_get_array (result, "stops");

  for (guint i = 0; stops != NULL && i < json_array_get_length (stops); i++)
    {
      JsonNode *node = json_array_get_element (stops, i);

      if (JSON_NODE_HOLDS_OBJECT (node)
          && fw_json_get_boolean (json_node_get_object (node), "recommended", FALSE))
        return json_node_get_object (node);
    }
  return NULL;
}

static JsonObject *
first_stop (JsonObject *result)
{
  JsonArray *stops = fw_json_get_array (result, "stops");
  JsonNode *node = stops != NULL && json_array_get_length (stops) > 0
                       ? json_array_get_element (stops, 0)
                       : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : result;
}

static gint64
find_stop (FwKeeper *self, const char *sha256)
{
  g_autoptr (GPtrArray) stops = fw_history_list_stops (self->history, self->run, NULL);

  for (guint i = 0; stops != NULL && i < stops->len; i++)
    {
      FwHistoryStop *stop = stops->pdata[i];

      if (strcmp (stop->sha256, sha256) == 0)
        return stop->id;
    }
  return 0;
}

/* Who aims at another version than the recommended one may yet want that. */
static gboolean
keep_recommended (FwKeeper *self,
                  FwJobFolder *folder,
                  JsonObject *recommended,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autofree char *file = own_file (folder, recommended, "file");
  const char *sha256 = fw_json_get_string (recommended, "sha256", "");
  gint64 stop = file != NULL ? find_stop (self, sha256) : 0;

  return stop == 0
         || fw_history_keep_stop (self->history, stop, file, FALSE, cancellable, error) != 0;
}

static gboolean
keep (FwKeeper *self,
      FwJobFolder *folder,
      JsonObject *result,
      GCancellable *cancellable,
      GError **error)
{
  JsonObject *recommended = find_recommended (result);
  gboolean is_path = self->job->command == FW_COMMAND_PATH;
  g_autofree char *file = NULL;

  if (!is_path)
    file = own_file (folder, result, "path");
  else if (recommended != NULL)
    file = own_file (folder, recommended, "file");
  if (!begin (self, first_stop (result), error)
      || !fw_history_finish_run (self->history, self->run, result, file, FALSE, &self->version,
                                 cancellable, error))
    return FALSE;
  self->is_over = TRUE;
  return is_path || recommended == NULL
         || g_strcmp0 (fw_json_get_string (recommended, "sha256", NULL),
                       fw_json_get_string (result, "sha256", NULL))
                == 0
         || keep_recommended (self, folder, recommended, cancellable, error);
}

gboolean
fw_keeper_keep (FwKeeper *self,
                FwJobFolder *folder,
                JsonObject *result,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GError) local = NULL;

  if (self == NULL || self->history == NULL || keep (self, folder, result, cancellable, &local))
    return TRUE;
  if (has_other_place (self->job) && fw_error_get_code (local) != FW_ERROR_CANCELLED)
    {
      give_up (self, local);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static void
note_saved (FwKeeper *self)
{
  g_autoptr (GError) error = NULL;

  if (!fw_history_remember_saved (self->history, self->version, self->job->output, &error)
      || !fw_history_use (self->history, self->version, NULL, &error))
    g_warning ("Could not note where the version was saved: %s", error->message);
}

void
fw_keeper_finish (FwKeeper *self, JsonObject *result)
{
  g_autoptr (FwHistoryVersion) version = NULL;

  if (self == NULL)
    return;
  json_object_set_null_member (result, "run");
  json_object_set_null_member (result, "original");
  json_object_set_null_member (result, "version");
  json_object_set_null_member (result, "version_number");
  if (self->history == NULL)
    return;
  json_object_set_int_member (result, "run", self->run);
  if (self->version == 0)
    return;
  if (self->job->output != NULL)
    note_saved (self);
  version = fw_history_get_version (self->history, self->version, NULL);
  if (version == NULL)
    return;
  json_object_set_int_member (result, "original", version->original);
  json_object_set_int_member (result, "version", version->id);
  json_object_set_int_member (result, "version_number", version->number);
  if (!has_other_place (self->job) && version->file != NULL)
    {
      g_autofree char *path = fw_json_from_path (version->file);

      json_object_set_string_member (result, "path", path);
    }
}
