/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "fw-history-private.h"
#include "fw-json.h"

#define HASH_LENGTH 64

/* What has columns of its own, is of no use later, or would be twice as long as all the rest. */
static const char *const not_in_details[]
    = { "event", "file", "recipe", "path", "stops", "probe", "sha256", "position", "run", NULL };
static const char *const not_in_result[]
    = { "event", "file", "recipe", "path", "stops", "probe", "classes", NULL };

char *
fw_history_get_cpu_name (void)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (!g_file_get_contents ("/proc/cpuinfo", &text, NULL, NULL))
    return NULL;
  lines = g_strsplit (text, "\n", 64);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      const char *colon = strchr (lines[i], ':');

      if (colon != NULL && g_str_has_prefix (lines[i], "model name"))
        return g_strstrip (g_utf8_make_valid (colon + 1, -1));
    }
  return NULL;
}

static gboolean
check_hash (const char *sha256, GError **error)
{
  if (sha256 != NULL && strlen (sha256) == HASH_LENGTH
      && strspn (sha256, "0123456789abcdef") == HASH_LENGTH)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The result makes no sense."));
  return FALSE;
}

static gint64
insert_run (FwHistory *self, gint64 original, JsonObject *job, GError **error)
{
  g_autofree char *job_text = fw_history_json_to_text (job);
  g_autofree char *owner = g_path_get_basename (self->staging);
  g_autofree char *cpu = fw_history_get_cpu_name ();
  double threads = fw_json_get_number (job, "threads", 0);

  if (!fw_history_execute (
          self, error,
          "INSERT INTO runs (original, state, owner, started, job, program, cpu, threads)"
          " VALUES (?1, 'running', ?2, ?3, ?4, ?5, ?6, ?7)",
          "itittti", original, owner, fw_history_now (), job_text, PACKAGE_VERSION, cpu,
          threads >= 1 ? (gint64) threads : (gint64) g_get_num_processors ()))
    return 0;
  return sqlite3_last_insert_rowid (self->database);
}

gint64
fw_history_begin_run (FwHistory *self,
                      const char *path,
                      const char *sha256,
                      guint64 size,
                      JsonObject *job,
                      GError **error)
{
  gint64 original, run = 0;
  FW_HISTORY_LOCK (self);

  if (!check_hash (sha256, error) || !fw_history_ensure_staging (self, error)
      || !fw_history_begin (self, error))
    return 0;
  original = fw_history_add_original (self, path, sha256, size, error);
  if (original != 0)
    run = insert_run (self, original, job, error);
  return fw_history_end (self, run != 0, error) ? run : 0;
}

gint64
fw_history_put_stop (FwHistory *self, gint64 run, JsonObject *stop, GError **error)
{
  g_autoptr (JsonObject) rest = fw_history_json_without (stop, not_in_details);
  g_autofree char *details = fw_history_json_to_text (rest);
  g_autofree char *recipe = fw_history_json_to_text (fw_json_get_object (stop, "recipe"));
  const char *sha256 = fw_json_get_string (stop, "sha256", NULL);
  double size = fw_json_get_number (stop, "size_bytes", -1);

  if (!check_hash (sha256, error))
    return 0;
  if (!(size >= 0 && size < 0x1p53))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The result makes no sense."));
      return 0;
    }
  if (!fw_history_execute (
          self, error,
          "INSERT INTO stops (run, sha256, position, size, recommended, details, recipe)"
          " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
          " ON CONFLICT (run, sha256) DO UPDATE SET position = excluded.position,"
          " size = excluded.size, recommended = excluded.recommended, details = excluded.details,"
          " recipe = coalesce (excluded.recipe, recipe)",
          "itdiitt", run, sha256, fw_json_get_number (stop, "position", 0), (gint64) size,
          (gint64) fw_json_get_boolean (stop, "recommended", FALSE), details, recipe))
    return 0;
  return fw_history_get_number (
      self, 0, error, "SELECT id FROM stops WHERE run = ?1 AND sha256 = ?2", "it", run, sha256);
}

static gboolean
check_run (FwHistory *self, gint64 run, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (fw_history_get_number (self, 0, &local, "SELECT 1 FROM runs WHERE id = ?1", "i", run) != 0)
    return TRUE;
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    fw_history_no_such (error);
  return FALSE;
}

gint64
fw_history_add_stop (FwHistory *self, gint64 run, JsonObject *stop, GError **error)
{
  gint64 id = 0;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return 0;
  if (check_run (self, run, error))
    id = fw_history_put_stop (self, run, stop, error);
  return fw_history_end (self, id != 0, error) ? id : 0;
}

gboolean
fw_history_end_run (FwHistory *self,
                    gint64 run,
                    FwHistoryRunState state,
                    const char *why,
                    GError **error)
{
  gboolean ok;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return FALSE;
  ok = check_run (self, run, error)
       && fw_history_execute (
           self, error, "UPDATE runs SET state = ?2, ended = ?3, message = ?4 WHERE id = ?1",
           "itit", run, fw_history_run_state_get_name (state), fw_history_now (), why);
  return fw_history_end (self, ok, error);
}

/* Versions of stops -----------------------------------------------------------------------------
 */

static gboolean
insert_first_measurement (FwHistory *self, gint64 version, gint64 stop, GError **error)
{
  return fw_history_execute (
      self, error,
      "INSERT INTO measurements (version, made, kind, samples_sha256, program, runtime, cpu,"
      " details) SELECT ?1, ?3, 'run', r.samples_sha256, r.program, r.runtime, r.cpu, s.details"
      " FROM stops s JOIN runs r ON r.id = s.run WHERE s.id = ?2",
      "iii", version, stop, fw_history_now ());
}

gint64
fw_history_add_version (FwHistory *self, gint64 stop, GError **error)
{
  gint64 version, original;

  if (!fw_history_execute (self, error,
                           "INSERT INTO versions (original, number, stop, created)"
                           " SELECT o.id, o.next_number, s.id, ?2 FROM stops s"
                           " JOIN runs r ON r.id = s.run JOIN originals o ON o.id = r.original"
                           " WHERE s.id = ?1",
                           "ii", stop, fw_history_now ()))
    return 0;
  if (sqlite3_changes (self->database) == 0)
    {
      fw_history_no_such (error);
      return 0;
    }
  version = sqlite3_last_insert_rowid (self->database);
  original = fw_history_get_number (self, 0, error, "SELECT original FROM versions WHERE id = ?1",
                                    "i", version);
  if (original == 0
      || !fw_history_execute (self, error,
                              "UPDATE originals SET next_number = next_number + 1 WHERE id = ?1",
                              "i", original)
      || !insert_first_measurement (self, version, stop, error))
    return 0;
  return version;
}

/* The version of a stop, deleted or not; a deleted one comes back. 0 where there is none. */
static gint64
find_version (FwHistory *self, gint64 stop, GError **error)
{
  gint64 version = fw_history_get_number (self, 0, error, "SELECT id FROM versions WHERE stop = ?1",
                                          "i", stop);

  if (version != 0
      && !fw_history_execute (self, error, "UPDATE versions SET deleted = NULL WHERE id = ?1", "i",
                              version))
    return 0;
  return version;
}

/* A version of @stop with the staged file; 0 on failure. Within a transaction. */
static gint64
keep (FwHistory *self, gint64 stop, const char *staged, const char *sha256, GError **error)
{
  g_autoptr (GError) local = NULL;
  gint64 version = find_version (self, stop, &local);

  if (version == 0 && local == NULL)
    version = fw_history_add_version (self, stop, &local);
  if (version != 0 && fw_history_place (self, staged, sha256, &local))
    return version;
  g_propagate_error (error, g_steal_pointer (&local));
  return 0;
}

static void
set_changed (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED,
               _ ("This file is not the version that was measured."));
}

static gint64
keep_checked (FwHistory *self, gint64 stop, const char *staged, const char *sha256, GError **error)
{
  g_autoptr (FwHistoryStop) row = fw_history_get_stop (self, stop, error);

  if (row == NULL)
    return 0;
  if (strcmp (row->sha256, sha256) != 0)
    {
      set_changed (error);
      return 0;
    }
  return keep (self, stop, staged, sha256, error);
}

gint64
fw_history_keep_stop (FwHistory *self,
                      gint64 stop,
                      const char *file,
                      gboolean move,
                      GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *sha256 = NULL;
  g_autofree char *staged = fw_history_stage (self, file, move, &sha256, cancellable, error);
  gint64 version = 0;
  FW_HISTORY_LOCK (self);

  if (staged == NULL)
    return 0;
  if (fw_history_begin (self, error))
    {
      version = keep_checked (self, stop, staged, sha256, error);
      if (fw_history_end (self, version != 0, error))
        return version;
      fw_history_restage (self, staged, sha256);
    }
  fw_history_unstage (staged, file, move);
  return 0;
}

/* The end of a run ------------------------------------------------------------------------------
 */

static gboolean
put_stops (FwHistory *self, gint64 run, JsonObject *result, GError **error)
{
  JsonArray *stops = fw_json_get_array (result, "stops");
  const char *sha256 = fw_json_get_string (result, "sha256", NULL);
  gboolean is_among_them = sha256 == NULL;

  for (guint i = 0; stops != NULL && i < json_array_get_length (stops); i++)
    {
      JsonNode *node = json_array_get_element (stops, i);

      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      if (fw_history_put_stop (self, run, json_node_get_object (node), error) == 0)
        return FALSE;
      is_among_them
          |= g_strcmp0 (fw_json_get_string (json_node_get_object (node), "sha256", NULL), sha256)
             == 0;
    }
  return is_among_them || fw_history_put_stop (self, run, result, error) != 0;
}

static gboolean
put_result (FwHistory *self, gint64 run, JsonObject *result, GError **error)
{
  g_autoptr (JsonObject) rest = fw_history_json_without (result, not_in_result);
  g_autofree char *text = fw_history_json_to_text (rest);
  g_autofree char *preprocess = fw_history_json_to_text (fw_json_get_object (result, "preprocess"));
  const char *task = fw_json_get_string (result, "task", NULL);

  return fw_history_execute (
             self, error,
             "UPDATE runs SET state = 'finished', ended = ?2, samples_sha256 = ?3, task = ?4,"
             " preprocess = ?5, runtime = ?6, result = ?7, message = NULL WHERE id = ?1",
             "iittttt", run, fw_history_now (), fw_json_get_string (result, "samples_sha256", NULL),
             task, preprocess, fw_json_get_string (result, "runtime", NULL), text)
         && fw_history_execute (self, error,
                                "UPDATE originals SET task = coalesce (?2, task)"
                                " WHERE id = (SELECT original FROM runs WHERE id = ?1)",
                                "it", run, task);
}

static gboolean
check_original (FwHistory *self, gint64 run, JsonObject *result, GError **error)
{
  const char *sha256 = fw_json_get_string (result, "original_sha256", NULL);
  g_autoptr (GError) local = NULL;

  if (!check_run (self, run, error))
    return FALSE;
  if (sha256 == NULL
      || fw_history_get_number (self, 0, &local,
                                "SELECT 1 FROM runs r JOIN originals o ON o.id = r.original"
                                " WHERE r.id = ?1 AND o.sha256 = ?2",
                                "it", run, sha256)
             != 0)
    return TRUE;
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED,
                 _ ("The model was changed while it was being worked on."));
  return FALSE;
}

static gboolean
finish (FwHistory *self,
        gint64 run,
        JsonObject *result,
        const char *staged,
        const char *sha256,
        gint64 *version,
        GError **error)
{
  g_autoptr (GError) local = NULL;
  gint64 stop;

  if (!check_original (self, run, result, error) || !put_stops (self, run, result, error)
      || !put_result (self, run, result, error))
    return FALSE;
  if (staged == NULL)
    return TRUE;
  stop = fw_history_get_number (
      self, 0, &local, "SELECT id FROM stops WHERE run = ?1 AND sha256 = ?2", "it", run, sha256);
  if (stop == 0 && local == NULL)
    set_changed (&local);
  if (stop != 0)
    *version = keep (self, stop, staged, sha256, &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
fw_history_finish_run (FwHistory *self,
                       gint64 run,
                       JsonObject *result,
                       const char *file,
                       gboolean move,
                       gint64 *version,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autofree char *sha256 = NULL;
  g_autofree char *staged = NULL;
  gint64 kept = 0;
  gboolean ok;

  if (file != NULL)
    {
      staged = fw_history_stage (self, file, move, &sha256, cancellable, error);
      if (staged == NULL)
        return FALSE;
    }

  FW_HISTORY_LOCK (self);
  if (fw_history_begin (self, error))
    {
      ok = finish (self, run, result, staged, sha256, &kept, error);
      if (fw_history_end (self, ok, error))
        {
          if (version != NULL)
            *version = kept;
          return TRUE;
        }
      if (staged != NULL)
        fw_history_restage (self, staged, sha256);
    }
  if (staged != NULL)
    fw_history_unstage (staged, file, move);
  return FALSE;
}
