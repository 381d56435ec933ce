/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-version-file.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"
#include "fw-surroundings.h"
#include "fw-worker-client.h"

/* One thing after the other: check, make again if need be, put back, and then the deed. */
typedef struct
{
  gint64 version;
  char *path; /* of the version's file */
  char *made; /* made again by the worker, not yet put back */
  char *original;
  JsonNode *recipe;

  char *target;      /* save: where to */
  FwVersionUse *use; /* use: what came of it */
  FwLibraryFunc deed;
} Deed;

static void
deed_free (Deed *deed)
{
  if (deed->made != NULL)
    unlink (deed->made);
  g_free (deed->path);
  g_free (deed->made);
  g_free (deed->original);
  g_clear_pointer (&deed->recipe, json_node_unref);
  g_free (deed->target);
  g_clear_pointer (&deed->use, fw_version_use_free);
  g_free (deed);
}

void
fw_version_use_free (FwVersionUse *self)
{
  if (self == NULL)
    return;
  g_free (self->rewritten);
  g_free (self->untouched);
  g_clear_error (&self->why);
  g_free (self);
}

static void start (GTask *task, FwLibraryFunc func, GAsyncReadyCallback callback);

static Deed *
get_deed (GTask *task)
{
  return g_task_get_task_data (task);
}

static void
on_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
put_back (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;

  if (!fw_history_restore_file (history, deed->version, deed->made, TRUE, cancellable, error))
    return FALSE;
  g_clear_pointer (&deed->made, g_free);
  g_free (deed->path);
  deed->path = fw_history_check_file (history, deed->version, cancellable, error);
  return deed->path != NULL && deed->deed (history, deed, cancellable, error);
}

static void
on_made (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;
  g_autoptr (JsonObject) result
      = fw_worker_client_run_finish (FW_WORKER_CLIENT (source), async_result, &error);

  if (result == NULL)
    g_task_return_error (task, error);
  else
    start (g_steal_pointer (&task), put_back, on_done);
}

static void
make_again (GTask *task)
{
  Deed *deed = get_deed (task);
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_REBUILD);
  g_autofree char *name = g_strdup_printf ("again-%08x.onnx", g_random_int ());

  deed->made = g_build_filename (fw_surroundings_get_preview_folder (), name, NULL);
  job->model = g_strdup (deed->original);
  job->recipe = json_node_copy (deed->recipe);
  job->output = g_strdup (deed->made);
  fw_worker_client_run_async (client, job, g_task_get_cancellable (task), on_made, task);
}

/* Leaves the recipe where the file was lost but can be made again. */
static gboolean
check (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (GError) local = NULL;

  deed->path = fw_history_check_file (history, deed->version, cancellable, &local);
  if (deed->path != NULL)
    return deed->deed (history, deed, cancellable, error);
  if (!g_error_matches (local, FW_ERROR, FW_ERROR_NO_SUCH_FILE)
      && !g_error_matches (local, FW_ERROR, FW_ERROR_MODEL_CHANGED))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  version = fw_history_get_version (history, deed->version, error);
  if (version == NULL)
    return FALSE;
  original = fw_history_get_original (history, version->original, error);
  if (original == NULL)
    return FALSE;
  if (version->recipe != NULL)
    deed->recipe = fw_json_parse (version->recipe, -1, NULL);
  if (deed->recipe == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  deed->original = g_strdup (original->copy != NULL ? original->copy : original->path);
  return TRUE;
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    g_task_return_error (task, error);
  else if (get_deed (task)->recipe != NULL)
    make_again (g_steal_pointer (&task));
  else
    g_task_return_boolean (task, TRUE);
}

/* Takes @task, which @callback gets. */
static void
start (GTask *task, FwLibraryFunc func, GAsyncReadyCallback callback)
{
  fw_library_do_async (g_task_get_source_object (task), func, get_deed (task), NULL,
                       g_task_get_cancellable (task), callback, task);
}

static GTask *
create_task (FwLibrary *library,
             gint64 version,
             FwLibraryFunc func,
             GCancellable *cancellable,
             GAsyncReadyCallback callback,
             gpointer user_data)
{
  GTask *task = g_task_new (library, cancellable, callback, user_data);
  Deed *deed = g_new0 (Deed, 1);

  deed->version = version;
  deed->deed = func;
  g_task_set_task_data (task, deed, (GDestroyNotify) deed_free);
  return task;
}

/* Ensuring. */

static gboolean
do_nothing (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

void
fw_version_file_ensure_async (FwLibrary *library,
                              gint64 version,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  start (create_task (library, version, do_nothing, cancellable, callback, user_data), check,
         on_checked);
}

char *
fw_version_file_ensure_finish (FwLibrary *library, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, library), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return g_steal_pointer (&get_deed (G_TASK (result))->path);
}

/* Saving. */

static gboolean
save (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;

  return fw_file_copy (deed->path, deed->target, TRUE, cancellable, error)
         && fw_history_remember_saved (history, deed->version, deed->target, error);
}

void
fw_version_file_save_async (FwLibrary *library,
                            gint64 version,
                            const char *path,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  GTask *task = create_task (library, version, save, cancellable, callback, user_data);

  get_deed (task)->target = g_strdup (path);
  start (task, check, on_checked);
}

gboolean
fw_version_file_save_finish (FwLibrary *library, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, library), FALSE);

  return g_task_propagate_boolean (G_TASK (result), error);
}

/* A file that was saved without the history. */

typedef struct
{
  char *original;
  char *sha256;
  char *path;
} Saved;

static void
saved_free (Saved *saved)
{
  g_free (saved->original);
  g_free (saved->sha256);
  g_free (saved->path);
  g_free (saved);
}

static gint64
find_stop (FwHistory *history, gint64 original, const char *sha256, gint64 *version)
{
  g_autoptr (GPtrArray) runs = fw_history_list_runs (history, original, NULL);

  for (guint i = 0; runs != NULL && i < runs->len; i++)
    {
      FwHistoryRun *run = g_ptr_array_index (runs, i);
      g_autoptr (GPtrArray) stops = fw_history_list_stops (history, run->id, NULL);

      for (guint j = 0; stops != NULL && j < stops->len; j++)
        {
          FwHistoryStop *stop = g_ptr_array_index (stops, j);

          if (g_strcmp0 (stop->sha256, sha256) != 0)
            continue;
          *version = stop->version;
          return stop->id;
        }
    }
  return 0;
}

static gboolean
note_saved (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Saved *saved = data;
  g_autoptr (FwHistoryOriginal) original
      = fw_history_find_original (history, saved->original, error);
  gint64 version = 0;
  gint64 stop;

  if (original == NULL)
    return error == NULL || *error == NULL;
  stop = find_stop (history, original->id, saved->sha256, &version);
  if (stop == 0)
    return TRUE;
  if (version == 0)
    version = fw_history_keep_stop (history, stop, saved->path, FALSE, cancellable, error);
  return version != 0 && fw_history_remember_saved (history, version, saved->path, error);
}

static void
on_noted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    g_message ("The history does not know of a saved file: %s", error->message);
}

void
fw_version_file_note_saved (FwLibrary *library,
                            const char *original,
                            const char *sha256,
                            const char *path)
{
  Saved *saved;

  g_return_if_fail (FW_IS_LIBRARY (library));
  g_return_if_fail (original != NULL && sha256 != NULL && path != NULL);

  saved = g_new0 (Saved, 1);
  saved->original = g_strdup (original);
  saved->sha256 = g_strdup (sha256);
  saved->path = g_strdup (path);
  fw_library_do_async (library, note_saved, saved, (GDestroyNotify) saved_free, NULL, on_noted,
                       NULL);
}

/* Using. */

static gboolean
use (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;
  FwVersionUse *outcome = g_new0 (FwVersionUse, 1);
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;

  deed->use = outcome;
  outcome->version = deed->version;
  if (!fw_history_use (history, deed->version, &outcome->previous, error))
    return FALSE;
  if (fw_history_rewrite_saved (history, deed->version, &outcome->rewritten, cancellable,
                                &outcome->why))
    return TRUE;
  /* The mark stands; that the file does not follow is for the user to know. */
  version = fw_history_get_version (history, deed->version, NULL);
  if (version != NULL)
    original = fw_history_get_original (history, version->original, NULL);
  if (original != NULL)
    outcome->untouched = g_strdup (original->saved_path);
  return TRUE;
}

void
fw_version_file_use_async (FwLibrary *library,
                           gint64 version,
                           GCancellable *cancellable,
                           GAsyncReadyCallback callback,
                           gpointer user_data)
{
  start (create_task (library, version, use, cancellable, callback, user_data), check, on_checked);
}

FwVersionUse *
fw_version_file_use_finish (FwLibrary *library, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, library), NULL);

  if (!g_task_propagate_boolean (G_TASK (result), error))
    return NULL;
  return g_steal_pointer (&get_deed (G_TASK (result))->use);
}
