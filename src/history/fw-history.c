/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history.h"

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

#define LOCK_TRIES 200
#define LOCK_PAUSE_USEC 50000
#define MAX_DAMAGED 1000

char *
fw_history_get_default_folder (void)
{
  return g_build_filename (g_get_user_data_dir (), "featherweight", NULL);
}

static FwHistory *
history_new (const char *folder)
{
  FwHistory *self = g_new0 (FwHistory, 1);

  self->ref_count = 1;
  g_rec_mutex_init (&self->lock);
  self->folder = g_canonicalize_filename (folder, NULL);
  self->models = g_build_filename (self->folder, "models", NULL);
  self->path = g_build_filename (self->folder, "history.db", NULL);
  self->staging_fd = -1;
  return self;
}

FwHistory *
fw_history_ref (FwHistory *self)
{
  g_atomic_int_inc (&self->ref_count);
  return self;
}

void
fw_history_unref (FwHistory *self)
{
  if (self == NULL || !g_atomic_int_dec_and_test (&self->ref_count))
    return;
  fw_history_disconnect (self);
  if (self->staging != NULL)
    {
      fw_file_remove_tree (self->staging);
      close (self->staging_fd);
    }
  g_free (self->staging);
  g_clear_error (&self->warning);
  g_free (self->folder);
  g_free (self->models);
  g_free (self->path);
  g_rec_mutex_clear (&self->lock);
  g_free (self);
}

/* Opening ---------------------------------------------------------------------------------------
 */

/* One at a time brings the database up to date or sets it aside. -1 where the folder can't be
 * written, or with @error. */
static int
take_lock (FwHistory *self, GError **error)
{
  g_autofree char *path = g_build_filename (self->folder, "lock", NULL);
  int fd;

  if (g_mkdir_with_parents (self->models, 0700) != 0 || access (self->folder, W_OK) != 0
      || access (self->models, W_OK) != 0)
    return -1;
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0)
    return -1;
  for (guint i = 0; i < LOCK_TRIES; i++)
    {
      if (flock (fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
      /* Some network disks know no locks; SQLite's own are all there is, then. */
      if (errno != EWOULDBLOCK && errno != EINTR)
        return fd;
      g_usleep (LOCK_PAUSE_USEC);
    }
  close (fd);
  fw_history_set_error (self, SQLITE_BUSY, error);
  return -1;
}

static gboolean
rename_beside (FwHistory *self, const char *aside, const char *suffix)
{
  g_autofree char *source = g_strconcat (self->path, suffix, NULL);
  g_autofree char *target = g_strconcat (aside, suffix, NULL);

  return g_rename (source, target) == 0 || errno == ENOENT;
}

/* The log of changes goes first: it must never be taken for that of the new database. */
static char *
set_aside (FwHistory *self, GError **error)
{
  for (guint i = 1; i < MAX_DAMAGED; i++)
    {
      g_autofree char *aside = g_strdup_printf ("%s.damaged-%u", self->path, i);
      g_autofree char *wal = g_strconcat (aside, "-wal", NULL);

      if (g_file_test (aside, G_FILE_TEST_EXISTS) || g_file_test (wal, G_FILE_TEST_EXISTS))
        continue;
      if (rename_beside (self, aside, "-wal") && rename_beside (self, aside, "-shm")
          && rename_beside (self, aside, "") && rename_beside (self, aside, ".suspect"))
        return g_steal_pointer (&aside);
      break;
    }
  fw_error_set_from_errno (error, errno, TRUE, self->path);
  return NULL;
}

static void
warn (FwHistory *self, const char *aside, guint n)
{
  g_autofree char *name = aside != NULL ? g_path_get_basename (aside) : NULL;
  g_autofree char *found = g_strdup_printf (
      ngettext ("%u of its models was found again.", "%u of its models were found again.", n), n);
  g_autofree char *what = NULL;

  if (name != NULL)
    what = g_strdup_printf (_ ("The history was damaged and has been set aside as “%s”."), name);
  else
    what = g_strdup (_ ("The list of the history was lost and has been made anew."));
  g_clear_error (&self->warning);
  self->warning = g_error_new (FW_ERROR, FW_ERROR_HISTORY_DAMAGED, _ ("%s %s"), what, found);
}

static gboolean
open_writable (FwHistory *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *aside = NULL;

  if (!fw_history_connect (self, TRUE, &local))
    {
      if (!g_error_matches (local, FW_ERROR, FW_ERROR_HISTORY_DAMAGED))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      aside = set_aside (self, error);
      if (aside == NULL || !fw_history_connect (self, TRUE, error))
        return FALSE;
    }
  if (aside != NULL || self->n_found > 0)
    warn (self, aside, self->n_found);
  g_clear_error (&local);
  /* What a crash left takes room and does no other harm. */
  if (!fw_history_sweep (self, &local))
    g_warning ("Could not clear up the history: %s", local->message);
  return TRUE;
}

static gboolean
open_read_only (FwHistory *self, GError **error)
{
  if (!g_file_test (self->path, G_FILE_TEST_EXISTS))
    {
      fw_error_set_from_errno (error, EACCES, TRUE, self->folder);
      return FALSE;
    }
  return fw_history_connect (self, FALSE, error);
}

FwHistory *
fw_history_open (const char *folder, GError **error)
{
  g_autofree char *default_folder = folder == NULL ? fw_history_get_default_folder () : NULL;
  g_autoptr (FwHistory) self = history_new (folder != NULL ? folder : default_folder);
  g_autoptr (GError) local = NULL;
  gboolean ok;
  int lock;

  lock = take_lock (self, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return NULL;
    }
  ok = lock >= 0 ? open_writable (self, &local) : open_read_only (self, error);
  if (lock >= 0)
    close (lock);
  /* Some disks can't be written though their modes say so. */
  if (lock >= 0 && !ok && g_error_matches (local, FW_ERROR, FW_ERROR_NOT_WRITABLE))
    {
      fw_history_disconnect (self);
      ok = open_read_only (self, error);
    }
  else if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  return ok ? g_steal_pointer (&self) : NULL;
}

/* About it --------------------------------------------------------------------------------------
 */

const char *
fw_history_get_folder (FwHistory *self)
{
  return self->folder;
}

gboolean
fw_history_is_read_only (FwHistory *self)
{
  return self->is_read_only;
}

const GError *
fw_history_get_warning (FwHistory *self)
{
  return self->warning;
}

guint64
fw_history_get_state (FwHistory *self)
{
  guint64 others, own;
  FW_HISTORY_LOCK (self);

  others = (guint64) fw_history_get_number (self, 0, NULL, "PRAGMA data_version", "");
  own = (guint64) sqlite3_total_changes64 (self->database);
  return (others << 40) ^ own;
}
