/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"

#define PIECE (1024 * 1024)
#define NAME_TRIES 100

/* A file that nobody sees until it is whole. */
typedef struct
{
  const char *path; /* where it will be */
  char *folder;
  char *name;
  char *hidden; /* its name while it is written; NULL while it has none */
  int folder_fd;
  int fd;
} Draft;

#define DRAFT_INIT                                                                                 \
  {                                                                                                \
    .folder_fd = -1, .fd = -1                                                                      \
  }

static char *
hidden_name (void)
{
  return g_strdup_printf (".featherweight-%08x%08x", g_random_int (), g_random_int ());
}

static void
draft_clear (Draft *self)
{
  if (self->hidden)
    unlinkat (self->folder_fd, self->hidden, 0);
  if (self->fd >= 0)
    close (self->fd);
  if (self->folder_fd >= 0)
    close (self->folder_fd);
  g_free (self->hidden);
  g_free (self->folder);
  g_free (self->name);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Draft, draft_clear)

static gboolean
draft_open_hidden (Draft *self)
{
  for (guint i = 0; i < NAME_TRIES; i++)
    {
      g_autofree char *hidden = hidden_name ();

      self->fd = openat (self->folder_fd, hidden, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
      if (self->fd >= 0)
        {
          self->hidden = g_steal_pointer (&hidden);
          return TRUE;
        }
      if (errno != EEXIST)
        return FALSE;
    }
  return FALSE;
}

static gboolean
draft_open (Draft *self, const char *path, GError **error)
{
  memset (self, 0, sizeof *self);
  self->path = path;
  self->fd = -1;
  self->folder = g_path_get_dirname (path);
  self->name = g_path_get_basename (path);
  self->folder_fd = open (self->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (self->folder_fd < 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      return FALSE;
    }
  /* A nameless file leaves nothing behind even at a power cut, but not every file system has it,
   * and it takes its name through /proc. */
  if (access ("/proc/self/fd", X_OK) == 0)
    self->fd = openat (self->folder_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  if (self->fd < 0 && !draft_open_hidden (self))
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      return FALSE;
    }
  return TRUE;
}

static gboolean
draft_append (Draft *self, const char *data, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize written = write (self->fd, data, MIN (size, PIECE));

      if (written < 0 && errno == EINTR)
        continue;
      if (written < 0)
        {
          fw_error_set_from_errno (error, errno, TRUE, self->path);
          return FALSE;
        }
      data += written;
      size -= written;
    }
  return TRUE;
}

/* Gives a nameless file a name; EEXIST where it is taken. */
static gboolean
draft_link (Draft *self, const char *name)
{
  g_autofree char *proc = g_strdup_printf ("/proc/self/fd/%d", self->fd);

  return linkat (AT_FDCWD, proc, self->folder_fd, name, AT_SYMLINK_FOLLOW) == 0;
}

static gboolean
draft_link_hidden (Draft *self)
{
  for (guint i = 0; i < NAME_TRIES; i++)
    {
      g_autofree char *hidden = hidden_name ();

      if (draft_link (self, hidden))
        {
          self->hidden = g_steal_pointer (&hidden);
          return TRUE;
        }
      if (errno != EEXIST)
        return FALSE;
    }
  return FALSE;
}

/* rename() that refuses to overwrite, on file systems that can't do so by themselves too. */
static gboolean
rename_exclusive (int from_fd, const char *from, int to_fd, const char *to)
{
  int fd, saved_errno;

  if (renameat2 (from_fd, from, to_fd, to, RENAME_NOREPLACE) == 0)
    return TRUE;
  if (errno != EINVAL && errno != ENOSYS && errno != ENOTSUP)
    return FALSE;
  if (linkat (from_fd, from, to_fd, to, 0) == 0)
    {
      unlinkat (from_fd, from, 0);
      return TRUE;
    }
  if (errno != EPERM && errno != ENOSYS && errno != ENOTSUP && errno != EMLINK)
    return FALSE;
  /* Neither is there: reserve the name, then put the whole file over the reservation. */
  fd = openat (to_fd, to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0)
    return FALSE;
  close (fd);
  if (renameat (from_fd, from, to_fd, to) == 0)
    return TRUE;
  saved_errno = errno;
  unlinkat (to_fd, to, 0);
  errno = saved_errno;
  return FALSE;
}

static gboolean
draft_place (Draft *self, gboolean replace)
{
  if (!self->hidden && !replace)
    return draft_link (self, self->name);
  if (!self->hidden && !draft_link_hidden (self))
    return FALSE;
  if (replace)
    {
      if (renameat (self->folder_fd, self->hidden, self->folder_fd, self->name) != 0)
        return FALSE;
    }
  else if (!rename_exclusive (self->folder_fd, self->hidden, self->folder_fd, self->name))
    return FALSE;
  g_clear_pointer (&self->hidden, g_free);
  return TRUE;
}

/* Some file systems can't sync a folder; then there is nothing better to do. */
static gboolean
sync_folder (int fd)
{
  return fsync (fd) == 0 || errno == EINVAL || errno == EROFS || errno == ENOTSUP;
}

static gboolean
draft_publish (Draft *self, gboolean replace, GError **error)
{
  if (fsync (self->fd) != 0 || !draft_place (self, replace))
    {
      fw_error_set_from_errno (error, errno, TRUE, self->path);
      return FALSE;
    }
  if (!sync_folder (self->folder_fd))
    {
      fw_error_set_from_errno (error, errno, TRUE, self->path);
      if (!replace)
        unlinkat (self->folder_fd, self->name, 0);
      return FALSE;
    }
  return TRUE;
}

/* Opens a plain file, and neither waits for a pipe nor follows a link where @links is FALSE. */
static int
open_plain (const char *path, gboolean links, GError **error)
{
  struct stat status;
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (links ? 0 : O_NOFOLLOW));

  if (fd < 0 && errno != ELOOP)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return -1;
    }
  if (fd < 0 || fstat (fd, &status) != 0 || !S_ISREG (status.st_mode))
    {
      g_autofree char *shown = g_filename_display_name (path);

      g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” is not a file."), shown);
      if (fd >= 0)
        close (fd);
      return -1;
    }
  return fd;
}

/* Bytes read, 0 at the end, -1 with @error set. */
static gssize
read_piece (int fd, const char *path, char *piece, GCancellable *cancellable, GError **error)
{
  gssize n;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return -1;
  do
    n = read (fd, piece, PIECE);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    fw_error_set_from_errno (error, errno, FALSE, path);
  return n;
}

char *
fw_file_sha256 (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);
  g_autofree char *piece = g_malloc (PIECE);
  int fd = open_plain (path, TRUE, error);
  gssize n;

  if (fd < 0)
    return NULL;
  while ((n = read_piece (fd, path, piece, cancellable, error)) > 0)
    g_checksum_update (checksum, (const guchar *) piece, n);
  close (fd);
  return n < 0 ? NULL : g_strdup (g_checksum_get_string (checksum));
}

gboolean
fw_file_write (const char *path, GBytes *bytes, gboolean replace, GError **error)
{
  g_auto (Draft) draft = DRAFT_INIT;
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  return draft_open (&draft, path, error) && draft_append (&draft, data, size, error)
         && draft_publish (&draft, replace, error);
}

static gboolean
copy (int source_fd,
      const char *source,
      const char *target,
      gboolean replace,
      GCancellable *cancellable,
      GError **error)
{
  g_auto (Draft) draft = DRAFT_INIT;
  g_autofree char *piece = g_malloc (PIECE);
  gssize n;

  if (!draft_open (&draft, target, error))
    return FALSE;
  /* Sharing blocks is instant where the file system knows how; else nothing has happened. */
  if (ioctl (draft.fd, FICLONE, source_fd) == 0)
    return draft_publish (&draft, replace, error);
  while ((n = read_piece (source_fd, source, piece, cancellable, error)) > 0)
    if (!draft_append (&draft, piece, n, error))
      return FALSE;
  if (n < 0)
    return FALSE;
  return draft_publish (&draft, replace, error);
}

static void
sync_folder_of (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    return;
  if (!sync_folder (fd))
    g_warning ("Could not sync “%s”: %s", folder, g_strerror (errno));
  close (fd);
}

static gboolean
move_open (int source_fd,
           const char *source,
           const char *target,
           gboolean replace,
           GCancellable *cancellable,
           GError **error)
{
  gboolean moved;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  /* What carries the target's name must be whole on the disk, not only in memory. */
  if (fsync (source_fd) != 0 && errno != EINVAL && errno != EROFS)
    {
      fw_error_set_from_errno (error, errno, TRUE, target);
      return FALSE;
    }
  moved = replace ? rename (source, target) == 0
                  : rename_exclusive (AT_FDCWD, source, AT_FDCWD, target);
  if (moved)
    {
      sync_folder_of (target);
      return TRUE;
    }
  if (errno != EXDEV)
    {
      fw_error_set_from_errno (error, errno, TRUE, target);
      return FALSE;
    }
  if (!copy (source_fd, source, target, replace, cancellable, error))
    return FALSE;
  /* The target is safe by now; a source that stays is untidy, not a failure. */
  if (unlink (source) != 0)
    g_warning ("Could not remove “%s”: %s", source, g_strerror (errno));
  return TRUE;
}

gboolean
fw_file_move (const char *source,
              const char *target,
              gboolean replace,
              GCancellable *cancellable,
              GError **error)
{
  int fd = open_plain (source, FALSE, error);
  gboolean moved;

  if (fd < 0)
    return FALSE;
  moved = move_open (fd, source, target, replace, cancellable, error);
  close (fd);
  return moved;
}

gboolean
fw_file_copy (const char *source,
              const char *target,
              gboolean replace,
              GCancellable *cancellable,
              GError **error)
{
  int fd = open_plain (source, TRUE, error);
  gboolean copied;

  if (fd < 0)
    return FALSE;
  copied = copy (fd, source, target, replace, cancellable, error);
  close (fd);
  return copied;
}

/* Removes the entry @name of @folder_fd. A folder's own folders are first moved up into @root_fd,
 * so that neither the stack nor the open files grow with the depth of what is removed. */
static gboolean remove_entry (int root_fd, int folder_fd, const char *name);

/* Whether anything could be removed (or moved up). */
static gboolean
remove_entries (int root_fd, int folder_fd)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  int listing_fd = openat (folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *listing = listing_fd < 0 ? NULL : fdopendir (listing_fd);
  gboolean any = FALSE;
  struct dirent *entry;

  if (!listing)
    {
      if (listing_fd >= 0)
        close (listing_fd);
      return FALSE;
    }
  while ((entry = readdir (listing)))
    if (strcmp (entry->d_name, ".") != 0 && strcmp (entry->d_name, "..") != 0)
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (listing);
  for (guint i = 0; i < names->len; i++)
    any |= remove_entry (root_fd, folder_fd, g_ptr_array_index (names, i));
  return any;
}

static gboolean
remove_entry (int root_fd, int folder_fd, const char *name)
{
  g_autofree char *higher = NULL;
  gboolean any;
  int fd;

  if (unlinkat (folder_fd, name, 0) == 0)
    return TRUE;
  if (errno != EISDIR && errno != EPERM)
    return FALSE;
  if (unlinkat (folder_fd, name, AT_REMOVEDIR) == 0)
    return TRUE;
  fd = openat (folder_fd, name, O_PATH | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  /* A folder may have been made without the right to change it. */
  close (fd);
  fchmodat (folder_fd, name, S_IRWXU, 0);
  if (folder_fd != root_fd)
    {
      higher = hidden_name ();
      return renameat2 (folder_fd, name, root_fd, higher, RENAME_NOREPLACE) == 0;
    }
  fd = openat (folder_fd, name, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return FALSE;
  any = remove_entries (root_fd, fd);
  close (fd);
  return unlinkat (folder_fd, name, AT_REMOVEDIR) == 0 || any;
}

void
fw_file_remove_tree (const char *path)
{
  int fd = open (path, O_RDONLY | O_NOFOLLOW | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      g_warning ("Could not remove “%s”: %s", path, g_strerror (errno));
      return;
    }
  while (remove_entries (fd, fd))
    ;
  close (fd);
  if (rmdir (path) != 0)
    g_warning ("Could not remove “%s”: %s", path, g_strerror (errno));
}
