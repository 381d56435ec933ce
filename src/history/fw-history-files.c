/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-file.h"
#include "fw-history-private.h"

#define STAGING_PREFIX ".staging-"
#define DRAFT_PREFIX ".featherweight-"
#define HASH_LENGTH 64
#define TRIES 10
/* Drafts are written within seconds; what is a day old was left by a crash. */
#define DRAFT_SECONDS (24 * 60 * 60)
#define SECONDS_TO_UNDELETE (FW_HISTORY_DAYS_TO_UNDELETE * 24 * 60 * 60)

char *
fw_history_model_path (FwHistory *self, const char *sha256, const char *suffix)
{
  g_autofree char *name = g_strconcat (sha256, suffix, NULL);

  return g_build_filename (self->models, name, NULL);
}

/* Staging ---------------------------------------------------------------------------------------
 */

/* Whether the folder that @fd is of is still the one at @path. */
static gboolean
is_same_folder (int fd, const char *path)
{
  struct stat by_fd, by_path;

  return fstat (fd, &by_fd) == 0 && lstat (path, &by_path) == 0 && by_fd.st_dev == by_path.st_dev
         && by_fd.st_ino == by_path.st_ino;
}

/* Between being made and being locked, a folder may be swept away by another program. */
static gboolean
try_staging (FwHistory *self, gboolean *again)
{
  g_autofree char *path = g_build_filename (self->models, STAGING_PREFIX "XXXXXX", NULL);
  int fd, saved_errno;

  *again = FALSE;
  if (g_mkdtemp (path) == NULL)
    return FALSE;
  fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0 && flock (fd, LOCK_EX | LOCK_NB) == 0 && is_same_folder (fd, path))
    {
      self->staging = g_steal_pointer (&path);
      self->staging_fd = fd;
      return TRUE;
    }
  saved_errno = errno;
  *again = fd < 0 ? errno == ENOENT : TRUE;
  if (fd >= 0)
    close (fd);
  errno = saved_errno;
  return FALSE;
}

gboolean
fw_history_ensure_staging (FwHistory *self, GError **error)
{
  gboolean again = TRUE;
  FW_HISTORY_LOCK (self);

  if (self->staging != NULL && is_same_folder (self->staging_fd, self->staging))
    return TRUE;
  if (self->staging != NULL)
    {
      close (self->staging_fd);
      g_clear_pointer (&self->staging, g_free);
    }
  if (self->is_read_only)
    {
      fw_history_set_error (self, SQLITE_READONLY, error);
      return FALSE;
    }
  for (guint i = 0; i < TRIES && again; i++)
    if (try_staging (self, &again))
      return TRUE;
  fw_error_set_from_errno (error, errno, TRUE, self->models);
  return FALSE;
}

char *
fw_history_stage (FwHistory *self,
                  const char *file,
                  gboolean move,
                  char **sha256,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autofree char *name = g_strdup_printf ("%08x%08x", g_random_int (), g_random_int ());
  g_autofree char *staged = NULL;
  gboolean ok;

  if (!fw_history_ensure_staging (self, error))
    return NULL;
  staged = g_build_filename (self->staging, name, NULL);
  ok = move ? fw_file_move (file, staged, FALSE, cancellable, error)
            : fw_file_copy (file, staged, FALSE, cancellable, error);
  if (!ok)
    return NULL;
  /* Whoever opens it later must not change it unawares. */
  chmod (staged, 0444);
  *sha256 = fw_file_sha256 (staged, cancellable, error);
  if (*sha256 != NULL)
    return g_steal_pointer (&staged);
  fw_history_unstage (staged, file, move);
  return NULL;
}

void
fw_history_unstage (const char *staged, const char *file, gboolean move)
{
  g_autoptr (GError) error = NULL;

  if (move)
    {
      chmod (staged, 0644);
      if (!fw_file_move (staged, file, FALSE, NULL, &error))
        g_warning ("Could not put “%s” back: %s", file, error->message);
    }
  else
    unlink (staged);
}

gboolean
fw_history_place (FwHistory *self, const char *staged, const char *sha256, GError **error)
{
  g_autofree char *target = fw_history_model_path (self, sha256, ".onnx");

  return fw_history_describe (self, sha256, error)
         && fw_file_move (staged, target, TRUE, NULL, error);
}

/* Sweeping --------------------------------------------------------------------------------------
 */

gboolean
fw_history_is_named (FwHistory *self, const char *sha256, GError **error)
{
  return fw_history_get_number (self, 0, error,
                                "SELECT 1 FROM versions JOIN stops ON stops.id = versions.stop"
                                " WHERE sha256 = ?1"
                                " UNION SELECT 1 FROM originals WHERE copied AND sha256 = ?1",
                                "t", sha256)
         != 0;
}

static void
remove_file (const char *path)
{
  if (g_unlink (path) != 0 && errno != ENOENT)
    g_warning ("Could not remove “%s”: %s", path, g_strerror (errno));
}

void
fw_history_drop_unnamed (FwHistory *self, const char *sha256)
{
  g_autofree char *model = fw_history_model_path (self, sha256, ".onnx");
  g_autofree char *description = fw_history_model_path (self, sha256, ".json");
  g_autoptr (GError) error = NULL;

  if (fw_history_is_named (self, sha256, &error) || error != NULL)
    return;
  remove_file (model);
  remove_file (description);
}

void
fw_history_restage (FwHistory *self, const char *staged, const char *sha256)
{
  g_autofree char *model = fw_history_model_path (self, sha256, ".onnx");
  g_autoptr (GError) error = NULL;

  if (fw_history_begin (self, &error))
    {
      if (!g_file_test (staged, G_FILE_TEST_EXISTS))
        {
          if (fw_history_is_named (self, sha256, &error))
            fw_file_copy (model, staged, FALSE, NULL, &error);
          else if (error == NULL)
            fw_file_move (model, staged, FALSE, NULL, &error);
        }
      fw_history_drop_unnamed (self, sha256);
      fw_history_end (self, TRUE, error == NULL ? &error : NULL);
    }
  if (error != NULL)
    g_warning ("Could not clear up the history: %s", error->message);
}

/* "<64 hexadecimal digits>.onnx" or ".json"; the hash, or NULL. */
static char *
hash_of_name (const char *name)
{
  if (strlen (name) <= HASH_LENGTH || strspn (name, "0123456789abcdef") != HASH_LENGTH)
    return NULL;
  if (strcmp (name + HASH_LENGTH, ".onnx") != 0 && strcmp (name + HASH_LENGTH, ".json") != 0)
    return NULL;
  return g_strndup (name, HASH_LENGTH);
}

/* Removes a folder whose process is gone; FALSE where it still lives. */
static gboolean
sweep_staging (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  gboolean is_dead;

  if (fd < 0)
    return errno == ENOENT;
  is_dead = flock (fd, LOCK_EX | LOCK_NB) == 0;
  if (is_dead)
    fw_file_remove_tree (path);
  close (fd);
  return is_dead;
}

static void
sweep_draft (const char *path)
{
  struct stat status;

  if (lstat (path, &status) == 0 && S_ISREG (status.st_mode)
      && status.st_mtime < fw_history_now () - DRAFT_SECONDS)
    remove_file (path);
}

/* Looks through models/: *@alive gets the names of staging folders in use, *@hashes those of files.
 */
static void
look_around (FwHistory *self, GHashTable *alive, GHashTable *hashes)
{
  g_autoptr (GDir) dir = g_dir_open (self->models, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (self->models, name, NULL);
      char *hash = hash_of_name (name);

      if (hash != NULL)
        g_hash_table_add (hashes, hash);
      else if (g_str_has_prefix (name, DRAFT_PREFIX))
        sweep_draft (path);
      else if (g_str_has_prefix (name, STAGING_PREFIX) && !sweep_staging (path))
        g_hash_table_add (alive, g_strdup (name));
    }
}

static gboolean
stop_dead_runs (FwHistory *self, GHashTable *alive, GError **error)
{
  g_autoptr (FwStatement) statement
      = fw_history_query (self, error, "SELECT id, owner FROM runs WHERE state = 'running'", "");
  g_autoptr (GError) local = NULL;

  if (statement == NULL)
    return FALSE;
  while (fw_history_next (self, statement, &local))
    {
      const char *owner = (const char *) sqlite3_column_text (statement, 1);

      if (owner != NULL && g_hash_table_contains (alive, owner))
        continue;
      if (!fw_history_execute (self, error,
                               "UPDATE runs SET state = 'stopped', ended = ?2 WHERE id = ?1", "ii",
                               (gint64) sqlite3_column_int64 (statement, 0), fw_history_now ()))
        return FALSE;
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
clean_rows (FwHistory *self, GHashTable *alive, GError **error)
{
  gint64 before = fw_history_now () - SECONDS_TO_UNDELETE;
  gboolean ok;

  /* Nothing to do is the rule, and then nobody need wait for anybody. */
  if (fw_history_get_number (self, 0, NULL,
                             "SELECT count(*) FROM runs WHERE state = 'running'"
                             " UNION ALL SELECT count(*) FROM versions WHERE deleted < ?1"
                             " ORDER BY 1 DESC",
                             "i", before)
      == 0)
    return TRUE;
  if (!fw_history_begin (self, error))
    return FALSE;
  ok = stop_dead_runs (self, alive, error)
       && fw_history_execute (self, error, "DELETE FROM versions WHERE deleted < ?1", "i", before);
  return fw_history_end (self, ok, error);
}

/* A model whose description was lost with the database may still be worth something to its owner.
 */
static void
set_unknown_aside (FwHistory *self, const char *sha256)
{
  g_autofree char *model = fw_history_model_path (self, sha256, ".onnx");
  g_autofree char *aside = fw_history_model_path (self, sha256, ".onnx.unknown");

  if (g_rename (model, aside) != 0 && errno != ENOENT)
    g_warning ("Could not rename “%s”: %s", model, g_strerror (errno));
}

/* No other program can be between placing a file and naming it while the transaction lasts. */
static gboolean
sweep_files (FwHistory *self, GHashTable *hashes, GError **error)
{
  g_autoptr (GPtrArray) unnamed = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer hash;

  g_hash_table_iter_init (&iter, hashes);
  while (g_hash_table_iter_next (&iter, &hash, NULL))
    if (!fw_history_is_named (self, hash, NULL))
      g_ptr_array_add (unnamed, hash);
  if (unnamed->len == 0)
    return TRUE;
  if (!fw_history_begin (self, error))
    return FALSE;
  for (guint i = 0; i < unnamed->len; i++)
    {
      if (self->is_new)
        set_unknown_aside (self, unnamed->pdata[i]);
      fw_history_drop_unnamed (self, unnamed->pdata[i]);
    }
  return fw_history_end (self, TRUE, error);
}

gboolean
fw_history_sweep (FwHistory *self, GError **error)
{
  g_autoptr (GHashTable) alive = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) hashes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  look_around (self, alive, hashes);
  return clean_rows (self, alive, error) && sweep_files (self, hashes, error);
}
