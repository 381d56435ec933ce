/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-job-folder.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"

struct _FwJobFolder
{
  char *root; /* jobs/XXXXXX */
  char *path; /* jobs/XXXXXX/work, the only part that the job itself can change */
  int lock;   /* jobs/XXXXXX/lock, held */
};

/* -1 where @path can't be opened, or is locked by another process and @wait is FALSE. */
static int
open_lock (const char *path, gboolean create, gboolean wait)
{
  int fd = open (path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | (create ? O_CREAT : 0), 0600);
  int result;

  if (fd < 0)
    return -1;
  do
    result = flock (fd, LOCK_EX | (wait ? 0 : LOCK_NB));
  while (result != 0 && errno == EINTR);
  if (result != 0)
    {
      int saved_errno = errno;

      close (fd);
      errno = saved_errno;
      return -1;
    }
  return fd;
}

/* Called with the lock on @jobs held, so every folder there has its lock already. */
static void
remove_stale (const char *jobs)
{
  g_autoptr (GDir) folder = g_dir_open (jobs, 0, NULL);
  const char *name;

  while (folder != NULL && (name = g_dir_read_name (folder)) != NULL)
    {
      g_autofree char *root = g_build_filename (jobs, name, NULL);
      g_autofree char *lock_path = g_build_filename (root, "lock", NULL);
      int lock;

      if (name[0] == '.')
        continue;
      lock = open_lock (lock_path, FALSE, FALSE);
      if (lock < 0 && errno == EWOULDBLOCK)
        continue;
      g_debug ("Removing what an ended job left: %s", root);
      fw_file_remove_tree (root);
      if (lock >= 0)
        close (lock);
    }
}

static gboolean
make_folder (FwJobFolder *self, const char *jobs)
{
  g_autofree char *root = g_build_filename (jobs, "XXXXXX", NULL);
  g_autofree char *lock_path = NULL;
  g_autofree char *resolved = NULL;

  if (g_mkdtemp_full (root, 0700) == NULL)
    return FALSE;
  resolved = realpath (root, NULL);
  self->root = g_strdup (resolved != NULL ? resolved : root);
  self->path = g_build_filename (self->root, "work", NULL);
  lock_path = g_build_filename (self->root, "lock", NULL);
  self->lock = open_lock (lock_path, TRUE, FALSE);
  return self->lock >= 0 && g_mkdir (self->path, 0700) == 0;
}

FwJobFolder *
fw_job_folder_new (GError **error)
{
  g_autofree char *jobs = g_build_filename (g_get_user_cache_dir (), "featherweight", "jobs", NULL);
  g_autofree char *lock_path = g_build_filename (jobs, ".lock", NULL);
  g_autoptr (FwJobFolder) self = g_new0 (FwJobFolder, 1);
  gboolean made;
  int lock;

  self->lock = -1;
  if (g_mkdir_with_parents (jobs, 0700) != 0 || (lock = open_lock (lock_path, TRUE, TRUE)) < 0)
    {
      /* Its folders are ours to make: that one is missing means that it can't be made. */
      fw_error_set_from_errno (error, errno == ENOENT ? EACCES : errno, TRUE, jobs);
      return NULL;
    }

  remove_stale (jobs);
  made = make_folder (self, jobs);
  if (!made)
    fw_error_set_from_errno (error, errno, TRUE, jobs);
  close (lock);
  return made ? g_steal_pointer (&self) : NULL;
}

void
fw_job_folder_free (FwJobFolder *self)
{
  if (self == NULL)
    return;
  if (self->root != NULL)
    fw_file_remove_tree (self->root);
  if (self->lock >= 0)
    close (self->lock);
  g_free (self->root);
  g_free (self->path);
  g_free (self);
}

const char *
fw_job_folder_get_path (FwJobFolder *self)
{
  return self->path;
}

gboolean
fw_job_folder_holds (FwJobFolder *self, const char *path)
{
  g_autofree char *folder = NULL;
  g_autofree char *resolved = NULL;
  struct stat status;
  gsize length = strlen (self->path);

  if (path == NULL || !g_path_is_absolute (path))
    return FALSE;
  if (lstat (path, &status) != 0 || !S_ISREG (status.st_mode))
    return FALSE;
  folder = g_path_get_dirname (path);
  resolved = realpath (folder, NULL);
  return resolved != NULL && strncmp (resolved, self->path, length) == 0
         && (resolved[length] == '\0' || resolved[length] == '/');
}
