/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-history-private.h"

#define ORIGINAL_QUERY                                                                             \
  "SELECT o.id, o.sha256, o.path, o.copied, o.name, o.size, o.task, o.added,"                      \
  " (SELECT max (started) FROM runs WHERE original = o.id) AS last_run,"                           \
  " (SELECT id FROM versions WHERE original = o.id AND number = 0), o.in_use,"                     \
  " (SELECT count (*) FROM versions WHERE original = o.id AND number > 0 AND deleted IS NULL),"    \
  " o.saved_path, o.saved_sha256 FROM originals o"

#define RUN_QUERY                                                                                  \
  "SELECT id, original, state, started, ended, job, samples_sha256, task, preprocess, program,"    \
  " runtime, cpu, threads, result, message, (SELECT count (*) FROM stops WHERE run = runs.id)"     \
  " FROM runs"

#define STOP_QUERY                                                                                 \
  "SELECT s.id, s.run, s.position, s.size, s.sha256, s.recommended, v.id, s.details, s.recipe"     \
  " FROM stops s LEFT JOIN versions v ON v.stop = s.id AND v.deleted IS NULL"

#define VERSION_QUERY                                                                              \
  "SELECT v.id, v.original, v.number, s.run, s.id, coalesce (s.position, 100),"                    \
  " coalesce (s.size, o.size), coalesce (s.sha256, o.sha256), coalesce (s.recommended, 0),"        \
  " o.in_use = v.id, v.deleted IS NOT NULL, v.created, v.note, v.thumbnail, o.path, o.copied,"     \
  " s.details, s.recipe FROM versions v JOIN originals o ON o.id = v.original"                     \
  " LEFT JOIN stops s ON s.id = v.stop"

#define MEASUREMENT_QUERY                                                                          \
  "SELECT id, version, made, kind, samples_sha256, program, runtime, cpu, details"                 \
  " FROM measurements"

/* Makes a row of the statement's current one; of lists without the recipe. */
typedef gpointer (*RowFunc) (FwHistory *self, FwStatement *statement, gboolean is_list);

static gint64
get_id (FwStatement *statement, int column)
{
  return sqlite3_column_int64 (statement, column);
}

/* models/<sha256>.onnx, if it is there. */
static char *
find_model (FwHistory *self, const char *sha256)
{
  g_autofree char *path = fw_history_model_path (self, sha256, ".onnx");

  return g_file_test (path, G_FILE_TEST_IS_REGULAR) ? g_steal_pointer (&path) : NULL;
}

static gpointer
read_original (FwHistory *self, FwStatement *statement, gboolean is_list)
{
  FwHistoryOriginal *row = fw_history_original_new ();

  row->id = get_id (statement, 0);
  row->sha256 = fw_statement_get_text (statement, 1);
  row->path = fw_statement_get_path (statement, 2);
  row->copy = get_id (statement, 3) != 0 ? find_model (self, row->sha256) : NULL;
  row->name = fw_statement_get_text (statement, 4);
  row->size = (guint64) get_id (statement, 5);
  row->task = fw_statement_get_text (statement, 6);
  row->added = get_id (statement, 7);
  row->last_run = get_id (statement, 8);
  row->version_0 = get_id (statement, 9);
  row->in_use = get_id (statement, 10);
  row->n_versions = sqlite3_column_int (statement, 11);
  row->saved_path = fw_statement_get_path (statement, 12);
  row->saved_sha256 = fw_statement_get_text (statement, 13);
  return row;
}

static FwHistoryRunState
read_state (FwStatement *statement, int column)
{
  const char *name = (const char *) sqlite3_column_text (statement, column);

  for (int state = FW_HISTORY_RUN_RUNNING; state <= FW_HISTORY_RUN_FAILED; state++)
    if (g_strcmp0 (name, fw_history_run_state_get_name (state)) == 0)
      return state;
  return FW_HISTORY_RUN_STOPPED;
}

static gpointer
read_run (FwHistory *self, FwStatement *statement, gboolean is_list)
{
  FwHistoryRun *row = fw_history_run_new ();

  row->id = get_id (statement, 0);
  row->original = get_id (statement, 1);
  row->state = read_state (statement, 2);
  row->started = get_id (statement, 3);
  row->ended = get_id (statement, 4);
  row->job = fw_statement_get_json (statement, 5);
  row->samples_sha256 = fw_statement_get_text (statement, 6);
  row->task = fw_statement_get_text (statement, 7);
  row->preprocess = fw_statement_get_json (statement, 8);
  row->program = fw_statement_get_text (statement, 9);
  row->runtime = fw_statement_get_text (statement, 10);
  row->cpu = fw_statement_get_text (statement, 11);
  row->threads = sqlite3_column_int (statement, 12);
  row->result = fw_statement_get_json (statement, 13);
  row->message = fw_statement_get_text (statement, 14);
  row->n_stops = sqlite3_column_int (statement, 15);
  return row;
}

static gpointer
read_stop (FwHistory *self, FwStatement *statement, gboolean is_list)
{
  FwHistoryStop *row = fw_history_stop_new ();

  row->id = get_id (statement, 0);
  row->run = get_id (statement, 1);
  row->position = sqlite3_column_double (statement, 2);
  row->size = (guint64) get_id (statement, 3);
  row->sha256 = fw_statement_get_text (statement, 4);
  row->is_recommended = get_id (statement, 5) != 0;
  row->version = get_id (statement, 6);
  row->details = fw_statement_get_json (statement, 7);
  row->recipe = is_list ? NULL : fw_statement_get_text (statement, 8);
  fw_history_figures_read (&row->figures, row->details);
  return row;
}

static gpointer
read_version (FwHistory *self, FwStatement *statement, gboolean is_list)
{
  FwHistoryVersion *row = fw_history_version_new ();

  row->id = get_id (statement, 0);
  row->original = get_id (statement, 1);
  row->number = sqlite3_column_int (statement, 2);
  row->run = get_id (statement, 3);
  row->stop = get_id (statement, 4);
  row->position = sqlite3_column_double (statement, 5);
  row->size = (guint64) get_id (statement, 6);
  row->sha256 = fw_statement_get_text (statement, 7);
  row->is_recommended = get_id (statement, 8) != 0;
  row->is_in_use = get_id (statement, 9) != 0;
  row->is_deleted = get_id (statement, 10) != 0;
  row->created = get_id (statement, 11);
  row->note = fw_statement_get_text (statement, 12);
  if (sqlite3_column_type (statement, 13) == SQLITE_BLOB)
    row->thumbnail
        = g_bytes_new (sqlite3_column_blob (statement, 13), sqlite3_column_bytes (statement, 13));
  if (row->number > 0 || get_id (statement, 15) != 0)
    row->file = find_model (self, row->sha256);
  if (row->number == 0 && row->file == NULL)
    {
      row->file = fw_statement_get_path (statement, 14);
      if (row->file != NULL && !g_file_test (row->file, G_FILE_TEST_IS_REGULAR))
        g_clear_pointer (&row->file, g_free);
    }
  row->details = fw_statement_get_json (statement, 16);
  row->recipe = is_list ? NULL : fw_statement_get_text (statement, 17);
  fw_history_figures_read (&row->figures, row->details);
  if (row->figures.original_size == 0 && row->number == 0)
    row->figures.original_size = row->size;
  return row;
}

static gpointer
read_measurement (FwHistory *self, FwStatement *statement, gboolean is_list)
{
  FwHistoryMeasurement *row = fw_history_measurement_new ();

  row->id = get_id (statement, 0);
  row->version = get_id (statement, 1);
  row->when = get_id (statement, 2);
  row->kind = fw_statement_get_text (statement, 3);
  row->samples_sha256 = fw_statement_get_text (statement, 4);
  row->program = fw_statement_get_text (statement, 5);
  row->runtime = fw_statement_get_text (statement, 6);
  row->cpu = fw_statement_get_text (statement, 7);
  row->details = fw_statement_get_json (statement, 8);
  fw_history_figures_read (&row->figures, row->details);
  return row;
}

/* Takes @statement. */
static GPtrArray *
list (FwHistory *self,
      FwStatement *statement,
      RowFunc read_row,
      GDestroyNotify free_row,
      GError **error)
{
  g_autoptr (FwStatement) owned = statement;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func (free_row);
  g_autoptr (GError) local = NULL;

  if (owned == NULL)
    return NULL;
  while (fw_history_next (self, owned, &local))
    g_ptr_array_add (rows, read_row (self, owned, TRUE));
  if (local == NULL)
    return g_steal_pointer (&rows);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

/* Takes @statement. NO_SUCH_VERSION where there is no row, unless @optional. */
static gpointer
get (FwHistory *self, FwStatement *statement, RowFunc read_row, gboolean optional, GError **error)
{
  g_autoptr (FwStatement) owned = statement;
  g_autoptr (GError) local = NULL;

  if (owned == NULL)
    return NULL;
  if (fw_history_next (self, owned, &local))
    return read_row (self, owned, FALSE);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (!optional)
    fw_history_no_such (error);
  return NULL;
}

GPtrArray *
fw_history_list_originals (FwHistory *self, GError **error)
{
  FW_HISTORY_LOCK (self);

  return list (self,
               fw_history_query (self, error,
                                 ORIGINAL_QUERY " ORDER BY coalesce (last_run, o.added) DESC,"
                                                " (SELECT max (id) FROM runs WHERE original = o.id)"
                                                " DESC, o.id DESC",
                                 ""),
               read_original, (GDestroyNotify) fw_history_original_unref, error);
}

GPtrArray *
fw_history_list_versions (FwHistory *self, gint64 original, gboolean deleted, GError **error)
{
  const char *sql = original != 0 ? VERSION_QUERY
                        " WHERE (?2 OR v.deleted IS NULL) AND v.original = ?1"
                        " ORDER BY v.number DESC"
                                  : VERSION_QUERY " WHERE (?2 OR v.deleted IS NULL) AND ?1 = 0"
                                                  " ORDER BY v.created DESC, v.id DESC";
  FW_HISTORY_LOCK (self);

  return list (self, fw_history_query (self, error, sql, "ii", original, (gint64) deleted),
               read_version, (GDestroyNotify) fw_history_version_unref, error);
}

GPtrArray *
fw_history_list_runs (FwHistory *self, gint64 original, GError **error)
{
  FW_HISTORY_LOCK (self);

  return list (self,
               fw_history_query (self, error,
                                 RUN_QUERY " WHERE ?1 IN (0, original)"
                                           " ORDER BY started DESC, id DESC",
                                 "i", original),
               read_run, (GDestroyNotify) fw_history_run_unref, error);
}

GPtrArray *
fw_history_list_stops (FwHistory *self, gint64 run, GError **error)
{
  FW_HISTORY_LOCK (self);

  return list (self,
               fw_history_query (self, error,
                                 STOP_QUERY " WHERE s.run = ?1 ORDER BY s.position DESC, s.id DESC",
                                 "i", run),
               read_stop, (GDestroyNotify) fw_history_stop_unref, error);
}

GPtrArray *
fw_history_list_measurements (FwHistory *self, gint64 version, GError **error)
{
  FW_HISTORY_LOCK (self);

  return list (self,
               fw_history_query (self, error,
                                 MEASUREMENT_QUERY " WHERE version = ?1"
                                                   " ORDER BY made DESC, id DESC",
                                 "i", version),
               read_measurement, (GDestroyNotify) fw_history_measurement_unref, error);
}

FwHistoryOriginal *
fw_history_get_original (FwHistory *self, gint64 id, GError **error)
{
  FW_HISTORY_LOCK (self);

  return get (self, fw_history_query (self, error, ORIGINAL_QUERY " WHERE o.id = ?1", "i", id),
              read_original, FALSE, error);
}

FwHistoryOriginal *
fw_history_find_original (FwHistory *self, const char *sha256, GError **error)
{
  FW_HISTORY_LOCK (self);

  return get (self,
              fw_history_query (self, error, ORIGINAL_QUERY " WHERE o.sha256 = ?1", "t", sha256),
              read_original, TRUE, error);
}

FwHistoryRun *
fw_history_get_run (FwHistory *self, gint64 id, GError **error)
{
  FW_HISTORY_LOCK (self);

  return get (self, fw_history_query (self, error, RUN_QUERY " WHERE id = ?1", "i", id), read_run,
              FALSE, error);
}

FwHistoryStop *
fw_history_get_stop (FwHistory *self, gint64 id, GError **error)
{
  FW_HISTORY_LOCK (self);

  return get (self, fw_history_query (self, error, STOP_QUERY " WHERE s.id = ?1", "i", id),
              read_stop, FALSE, error);
}

FwHistoryVersion *
fw_history_get_version (FwHistory *self, gint64 id, GError **error)
{
  FW_HISTORY_LOCK (self);

  return get (self, fw_history_query (self, error, VERSION_QUERY " WHERE v.id = ?1", "i", id),
              read_version, FALSE, error);
}
