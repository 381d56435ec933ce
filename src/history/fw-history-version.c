/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-file.h"
#include "fw-history-private.h"
#include "fw-json.h"

/* The file -------------------------------------------------------------------------------------
 */

static gboolean
set_gone (FwHistoryVersion *version, GError **error)
{
  if (version->number == 0)
    g_set_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE,
                 _ ("The original model is no longer where it was."));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE,
                 _ ("The file of version %u is no longer in the history."), version->number);
  return FALSE;
}

static char *
check_file (FwHistoryVersion *version, GCancellable *cancellable, GError **error)
{
  g_autofree char *sha256 = NULL;

  if (version->file == NULL)
    {
      set_gone (version, error);
      return NULL;
    }
  sha256 = fw_file_sha256 (version->file, cancellable, error);
  if (sha256 == NULL)
    return NULL;
  if (strcmp (sha256, version->sha256) != 0)
    {
      g_autofree char *name = g_filename_display_name (version->file);

      g_set_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED,
                   _ ("“%s” is not the model that it was when it went into the history."), name);
      return NULL;
    }
  return g_strdup (version->file);
}

char *
fw_history_check_file (FwHistory *self, gint64 version, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwHistoryVersion) row = fw_history_get_version (self, version, error);

  return row != NULL ? check_file (row, cancellable, error) : NULL;
}

gboolean
fw_history_restore_file (FwHistory *self,
                         gint64 version,
                         const char *file,
                         gboolean move,
                         GCancellable *cancellable,
                         GError **error)
{
  g_autoptr (FwHistoryVersion) row = fw_history_get_version (self, version, error);

  if (row == NULL)
    return FALSE;
  if (row->stop == 0)
    return fw_history_no_such (error);
  return fw_history_keep_stop (self, row->stop, file, move, cancellable, error) != 0;
}

/* Marks ----------------------------------------------------------------------------------------
 */

/* Runs one UPDATE of the version ?1 in a transaction of its own; NO_SUCH_VERSION where it changes
 * nothing. */
static gboolean
change (FwHistory *self, gint64 version, FwStatement *statement, GError **error)
{
  g_autoptr (FwStatement) owned = statement;
  g_autoptr (GError) local = NULL;
  FW_HISTORY_LOCK (self);

  if (owned == NULL || !fw_history_begin (self, error))
    return FALSE;
  fw_history_next (self, owned, &local);
  if (local == NULL && sqlite3_changes (self->database) == 0)
    fw_history_no_such (&local);
  sqlite3_reset (owned);
  if (local == NULL)
    {
      fw_history_describe_version (self, version);
      return fw_history_end (self, TRUE, error);
    }
  g_propagate_error (error, g_steal_pointer (&local));
  return fw_history_end (self, FALSE, NULL);
}

gboolean
fw_history_set_note (FwHistory *self, gint64 version, const char *note, GError **error)
{
  g_autofree char *valid = note != NULL ? g_utf8_make_valid (note, -1) : NULL;
  FW_HISTORY_LOCK (self);

  return change (self, version,
                 fw_history_query (self, error,
                                   "UPDATE versions SET note = nullif (?2, '') WHERE id = ?1", "it",
                                   version, valid),
                 error);
}

gboolean
fw_history_set_thumbnail (FwHistory *self, gint64 version, GBytes *png, GError **error)
{
  FW_HISTORY_LOCK (self);

  return change (self, version,
                 fw_history_query (self, error, "UPDATE versions SET thumbnail = ?2 WHERE id = ?1",
                                   "ib", version, png),
                 error);
}

gboolean
fw_history_use (FwHistory *self, gint64 version, gint64 *previous, GError **error)
{
  gint64 before;
  gboolean ok;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return FALSE;
  before = fw_history_get_number (self, 0, NULL,
                                  "SELECT o.in_use FROM originals o JOIN versions v"
                                  " ON v.original = o.id WHERE v.id = ?1",
                                  "i", version);
  ok = fw_history_execute (self, error,
                           "UPDATE originals SET in_use = ?1 WHERE id ="
                           " (SELECT original FROM versions WHERE id = ?1 AND deleted IS NULL)",
                           "i", version);
  if (ok && sqlite3_changes (self->database) == 0)
    ok = fw_history_no_such (error);
  if (ok)
    {
      fw_history_describe_version (self, before);
      fw_history_describe_version (self, version);
    }
  if (!fw_history_end (self, ok, error))
    return FALSE;
  if (previous != NULL)
    *previous = before;
  return TRUE;
}

gboolean
fw_history_delete (FwHistory *self, gint64 version, GError **error)
{
  g_autoptr (FwHistoryVersion) row = NULL;
  FW_HISTORY_LOCK (self);

  row = fw_history_get_version (self, version, error);
  if (row == NULL)
    return FALSE;
  if (row->number == 0 || row->is_in_use)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   row->number == 0 ? _ ("The original can’t be deleted from the history.")
                                    : _ ("The version in use can’t be deleted: use another one"
                                         " first."));
      return FALSE;
    }
  /* Another program may have taken it into use since. */
  return change (self, version,
                 fw_history_query (self, error,
                                   "UPDATE versions SET deleted = coalesce (deleted, ?2)"
                                   " WHERE id = ?1 AND number > 0 AND NOT EXISTS"
                                   " (SELECT 1 FROM originals WHERE in_use = ?1)",
                                   "ii", version, fw_history_now ()),
                 error);
}

gboolean
fw_history_undelete (FwHistory *self, gint64 version, GError **error)
{
  FW_HISTORY_LOCK (self);

  return change (self, version,
                 fw_history_query (self, error, "UPDATE versions SET deleted = NULL WHERE id = ?1",
                                   "i", version),
                 error);
}

gboolean
fw_history_purge (FwHistory *self, gint64 version, GError **error)
{
  g_autoptr (FwHistoryVersion) row = NULL;
  gboolean ok;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return FALSE;
  row = fw_history_get_version (self, version, error);
  ok = row != NULL;
  if (ok && !row->is_deleted)
    ok = fw_history_no_such (error);
  ok = ok && fw_history_execute (self, error, "DELETE FROM versions WHERE id = ?1", "i", version);
  if (!fw_history_end (self, ok, error))
    return FALSE;
  /* Only now that no row can come back to it; after a crash between, the next opening does it. */
  if (fw_history_begin (self, NULL))
    {
      fw_history_drop_unnamed (self, row->sha256);
      fw_history_end (self, TRUE, NULL);
    }
  return TRUE;
}

gint64
fw_history_add_measurement (FwHistory *self,
                            gint64 version,
                            const char *kind,
                            const char *samples_sha256,
                            JsonObject *figures,
                            GError **error)
{
  static const char *const left_out[] = { "event", "recipe", "file", "path", NULL };
  g_autoptr (JsonObject) rest = fw_history_json_without (figures, left_out);
  g_autofree char *details = fw_history_json_to_text (rest);
  g_autofree char *cpu = fw_history_get_cpu_name ();
  g_autoptr (FwHistoryVersion) row = NULL;
  gint64 id = 0;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return 0;
  row = fw_history_get_version (self, version, error);
  if (row != NULL
      && fw_history_execute (self, error,
                             "INSERT INTO measurements (version, made, kind, samples_sha256,"
                             " program, runtime, cpu, details)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                             "iitttttt", version, fw_history_now (), kind, samples_sha256,
                             PACKAGE_VERSION, fw_json_get_string (figures, "runtime", NULL), cpu,
                             details))
    id = sqlite3_last_insert_rowid (self->database);
  return fw_history_end (self, id != 0, error) ? id : 0;
}

/* The file last saved ---------------------------------------------------------------------------
 */

static gboolean
remember (FwHistory *self, FwHistoryVersion *version, const char *path, GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *text = fw_json_from_path (absolute);
  gboolean ok;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return FALSE;
  ok = fw_history_execute (self, error,
                           "UPDATE originals SET saved_path = ?2, saved_sha256 = ?3 WHERE id = ?1",
                           "itt", version->original, text, version->sha256);
  if (ok)
    fw_history_describe_version (self, version->id);
  return fw_history_end (self, ok, error);
}

gboolean
fw_history_remember_saved (FwHistory *self, gint64 version, const char *path, GError **error)
{
  g_autoptr (FwHistoryVersion) row = fw_history_get_version (self, version, error);

  return row != NULL && remember (self, row, path, error);
}

gboolean
fw_history_save (FwHistory *self,
                 gint64 version,
                 const char *path,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (FwHistoryVersion) row = fw_history_get_version (self, version, error);
  g_autofree char *file = row != NULL ? check_file (row, cancellable, error) : NULL;

  if (file == NULL || !fw_file_copy (file, path, FALSE, cancellable, error))
    return FALSE;
  if (remember (self, row, path, error))
    return TRUE;
  g_unlink (path);
  return FALSE;
}

/* TRUE where the file last saved is gone or still what was saved. */
static gboolean
check_saved (FwHistoryOriginal *original, GCancellable *cancellable, GError **error)
{
  g_autofree char *sha256 = NULL;
  g_autofree char *name = NULL;

  if (!g_file_test (original->saved_path, G_FILE_TEST_EXISTS))
    return TRUE;
  sha256 = fw_file_sha256 (original->saved_path, cancellable, error);
  if (sha256 == NULL)
    return FALSE;
  if (g_strcmp0 (sha256, original->saved_sha256) == 0)
    return TRUE;
  name = g_filename_display_name (original->saved_path);
  g_set_error (error, FW_ERROR, FW_ERROR_FILE_CHANGED,
               _ ("“%s” was changed since it was saved, and was left as it is."), name);
  return FALSE;
}

gboolean
fw_history_rewrite_saved (FwHistory *self,
                          gint64 version,
                          char **path,
                          GCancellable *cancellable,
                          GError **error)
{
  g_autoptr (FwHistoryVersion) row = fw_history_get_version (self, version, error);
  g_autoptr (FwHistoryOriginal) original
      = row != NULL ? fw_history_get_original (self, row->original, error) : NULL;
  g_autofree char *file = NULL;

  if (path != NULL)
    *path = NULL;
  if (original == NULL)
    return FALSE;
  if (original->saved_path == NULL)
    return TRUE;
  file = check_file (row, cancellable, error);
  if (file == NULL || !check_saved (original, cancellable, error)
      || !fw_file_copy (file, original->saved_path, TRUE, cancellable, error)
      || !remember (self, row, original->saved_path, error))
    return FALSE;
  if (path != NULL)
    *path = g_strdup (original->saved_path);
  return TRUE;
}
