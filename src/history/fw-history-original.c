/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <sys/stat.h>

#include "fw-file.h"
#include "fw-history-private.h"
#include "fw-json.h"

static gint64
insert_original (FwHistory *self,
                 const char *path,
                 const char *sha256,
                 const char *name,
                 guint64 size,
                 GError **error)
{
  gint64 id, version;

  if (!fw_history_execute (self, error,
                           "INSERT INTO originals (sha256, path, name, size, added)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
                           "tttii", sha256, path, name, (gint64) size, fw_history_now ()))
    return 0;
  id = sqlite3_last_insert_rowid (self->database);
  if (!fw_history_execute (self, error,
                           "INSERT INTO versions (original, number, created) VALUES (?1, 0, ?2)",
                           "ii", id, fw_history_now ()))
    return 0;
  version = sqlite3_last_insert_rowid (self->database);
  if (!fw_history_execute (self, error, "UPDATE originals SET in_use = ?2 WHERE id = ?1", "ii", id,
                           version))
    return 0;
  return id;
}

gint64
fw_history_add_original (FwHistory *self,
                         const char *path,
                         const char *sha256,
                         guint64 size,
                         GError **error)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *text = fw_json_from_path (absolute);
  g_autofree char *name = g_filename_display_basename (absolute);
  g_autoptr (GError) local = NULL;
  gint64 id = fw_history_get_number (self, 0, &local, "SELECT id FROM originals WHERE sha256 = ?1",
                                     "t", sha256);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return 0;
    }
  if (id == 0)
    return insert_original (self, text, sha256, name, size, error);
  if (!fw_history_execute (self, error, "UPDATE originals SET path = ?2, name = ?3 WHERE id = ?1",
                           "itt", id, text, name))
    return 0;
  return id;
}

static gboolean
check_hash (const char *path, const char *expected, GCancellable *cancellable, GError **error)
{
  g_autofree char *sha256 = fw_file_sha256 (path, cancellable, error);
  g_autofree char *name = NULL;

  if (sha256 == NULL)
    return FALSE;
  if (g_strcmp0 (sha256, expected) == 0)
    return TRUE;
  name = g_filename_display_name (path);
  g_set_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED,
               _ ("“%s” is not the model that it was when it went into the history."), name);
  return FALSE;
}

gboolean
fw_history_locate_original (FwHistory *self,
                            gint64 original,
                            const char *path,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (FwHistoryOriginal) row = fw_history_get_original (self, original, error);
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autofree char *text = fw_json_from_path (absolute);
  g_autofree char *name = g_filename_display_basename (absolute);
  gboolean ok;

  if (row == NULL || !check_hash (absolute, row->sha256, cancellable, error))
    return FALSE;

  FW_HISTORY_LOCK (self);
  if (!fw_history_begin (self, error))
    return FALSE;
  ok = fw_history_execute (self, error, "UPDATE originals SET path = ?2, name = ?3 WHERE id = ?1",
                           "itt", original, text, name);
  return fw_history_end (self, ok, error);
}

static gboolean
place_copy (FwHistory *self,
            gint64 original,
            const char *staged,
            const char *sha256,
            GError **error)
{
  gboolean ok;
  FW_HISTORY_LOCK (self);

  if (!fw_history_begin (self, error))
    return FALSE;
  ok = fw_history_execute (self, error, "UPDATE originals SET copied = 1 WHERE id = ?1", "i",
                           original)
       && fw_history_place (self, staged, sha256, error);
  if (fw_history_end (self, ok, error))
    return TRUE;
  fw_history_restage (self, staged, sha256);
  return FALSE;
}

gboolean
fw_history_keep_copy (FwHistory *self, gint64 original, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwHistoryOriginal) row = fw_history_get_original (self, original, error);
  g_autofree char *sha256 = NULL;
  g_autofree char *staged = NULL;
  gboolean ok;

  if (row == NULL)
    return FALSE;
  if (row->copy != NULL)
    return TRUE;
  staged = fw_history_stage (self, row->path, FALSE, &sha256, cancellable, error);
  if (staged == NULL)
    return FALSE;
  ok = g_strcmp0 (sha256, row->sha256) == 0;
  if (!ok)
    {
      g_autofree char *name = g_filename_display_name (row->path);

      g_set_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED,
                   _ ("“%s” is not the model that it was when it went into the history."), name);
    }
  ok = ok && place_copy (self, original, staged, sha256, error);
  if (!ok)
    fw_history_unstage (staged, row->path, FALSE);
  return ok;
}
