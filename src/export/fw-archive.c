/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-error.h"

#define BUFFER_SIZE (1 << 16)

typedef struct archive Archive;
typedef struct archive_entry ArchiveEntry;

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArchiveEntry, archive_entry_free)

static void
free_archive (Archive *self)
{
  archive_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, free_archive)

static gboolean
fail_damaged (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL, _ ("The package is damaged."));
  return FALSE;
}

static gboolean
fail_archive (Archive *archive, const char *path, gboolean writing, GError **error)
{
  int code = archive_errno (archive);

  if (code > 0 && code < 4096)
    fw_error_set_from_errno (error, code, writing, path);
  else
    fail_damaged (error);
  return FALSE;
}

/* Folders ------------------------------------------------------------------------------------ */

static gboolean
list_below (const char *folder, const char *prefix, GPtrArray *names, GError **error)
{
  g_autofree char *path = g_build_filename (folder, prefix, NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, error);
  const char *name;

  if (dir == NULL)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *entry
          = prefix[0] != '\0' ? g_strconcat (prefix, "/", name, NULL) : g_strdup (name);
      g_autofree char *full = g_build_filename (folder, entry, NULL);

      if (g_file_test (full, G_FILE_TEST_IS_SYMLINK))
        continue;
      if (g_file_test (full, G_FILE_TEST_IS_DIR))
        {
          if (!list_below (folder, entry, names, error))
            return FALSE;
        }
      else if (g_file_test (full, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_add (names, g_steal_pointer (&entry));
    }
  return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

GPtrArray *
fw_archive_list_folder (const char *folder, GError **error)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  if (!list_below (folder, "", names, error))
    return NULL;
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

/* Writing ------------------------------------------------------------------------------------ */

static gboolean
copy_into (Archive *archive, int fd, const char *path, GCancellable *cancellable, GError **error)
{
  g_autofree char *buffer = g_malloc (BUFFER_SIZE);
  gssize n;

  while ((n = read (fd, buffer, BUFFER_SIZE)) > 0)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      if (archive_write_data (archive, buffer, n) != n)
        return fail_archive (archive, path, TRUE, error);
    }
  if (n == 0)
    return TRUE;
  fw_error_set_from_errno (error, errno, FALSE, path);
  return FALSE;
}

static gboolean
add_file (Archive *archive,
          const char *folder,
          const char *name,
          GCancellable *cancellable,
          GError **error)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (ArchiveEntry) entry = archive_entry_new ();
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  GStatBuf status;
  gboolean ok;

  if (fd < 0 || fstat (fd, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      if (fd >= 0)
        close (fd);
      return FALSE;
    }
  /* Without a time: the format then says 1980, whatever the time zone. */
  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, status.st_size);
  ok = archive_write_header (archive, entry) == ARCHIVE_OK
           ? copy_into (archive, fd, path, cancellable, error)
           : fail_archive (archive, path, TRUE, error);
  close (fd);
  return ok;
}

static gboolean
fill_archive (Archive *archive,
              const char *path,
              const char *folder,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GPtrArray) names = fw_archive_list_folder (folder, error);

  if (names == NULL)
    return FALSE;
  for (guint i = 0; i < names->len; i++)
    if (!add_file (archive, folder, g_ptr_array_index (names, i), cancellable, error))
      return FALSE;
  if (archive_write_close (archive) != ARCHIVE_OK)
    return fail_archive (archive, path, TRUE, error);
  return TRUE;
}

gboolean
fw_archive_write (const char *path, const char *folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (Archive) archive = archive_write_new ();
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  gboolean ok;

  if (fd < 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      return FALSE;
    }
  archive_write_set_format_zip (archive);
  archive_write_set_bytes_in_last_block (archive, 1);
  ok = archive_write_open_fd (archive, fd) == ARCHIVE_OK
           ? fill_archive (archive, path, folder, cancellable, error)
           : fail_archive (archive, path, TRUE, error);
  if (ok && fsync (fd) != 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      ok = FALSE;
    }
  if (!ok)
    g_unlink (path);
  close (fd);
  return ok;
}

/* Reading ------------------------------------------------------------------------------------ */

static gboolean
is_safe_name (const char *name)
{
  g_auto (GStrv) parts = NULL;

  if (name == NULL || name[0] == '\0' || name[0] == '/' || strchr (name, '\\') != NULL
      || !g_utf8_validate (name, -1, NULL) || strlen (name) > 1000)
    return FALSE;
  parts = g_strsplit (name, "/", -1);
  for (guint i = 0; parts[i] != NULL; i++)
    if (parts[i][0] == '\0' || strcmp (parts[i], ".") == 0 || strcmp (parts[i], "..") == 0)
      return FALSE;
  return TRUE;
}

static gboolean
fail_hostile (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_HOSTILE_MODEL,
               _ ("There are things in the package that have no place in one."));
  return FALSE;
}

static gboolean
copy_out (Archive *archive,
          const char *path,
          guint64 *total,
          GCancellable *cancellable,
          GError **error)
{
  g_autofree char *buffer = g_malloc (BUFFER_SIZE);
  int fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean ok = fd >= 0;
  gssize n = 0;

  if (!ok)
    fw_error_set_from_errno (error, errno, TRUE, path);
  while (ok && (n = archive_read_data (archive, buffer, BUFFER_SIZE)) > 0)
    {
      *total += n;
      if (*total > FW_ARCHIVE_MAX_BYTES)
        ok = fail_hostile (error);
      else if (g_cancellable_set_error_if_cancelled (cancellable, error))
        ok = FALSE;
      else if (write (fd, buffer, n) != n)
        {
          fw_error_set_from_errno (error, ENOSPC, TRUE, path);
          ok = FALSE;
        }
    }
  if (ok && n < 0)
    ok = fail_damaged (error);
  if (fd >= 0)
    close (fd);
  return ok;
}

static gboolean
extract_all (Archive *archive, const char *folder, GCancellable *cancellable, GError **error)
{
  ArchiveEntry *entry;
  guint64 total = 0;
  guint n_files = 0;
  int status;

  while ((status = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);
      g_autofree char *path = NULL;
      g_autofree char *parent = NULL;

      if (!is_safe_name (name) || archive_entry_filetype (entry) != AE_IFREG
          || archive_entry_hardlink (entry) != NULL || ++n_files > FW_ARCHIVE_MAX_FILES)
        return fail_hostile (error);
      path = g_build_filename (folder, name, NULL);
      parent = g_path_get_dirname (path);
      if (g_mkdir_with_parents (parent, 0700) != 0)
        {
          fw_error_set_from_errno (error, errno, TRUE, parent);
          return FALSE;
        }
      if (!copy_out (archive, path, &total, cancellable, error))
        return FALSE;
    }
  return status == ARCHIVE_EOF || fail_damaged (error);
}

gboolean
fw_archive_extract (const char *path, const char *folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  int fd = g_open (path, O_RDONLY | O_CLOEXEC, 0);
  gboolean ok;

  if (fd < 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return FALSE;
    }
  archive_read_support_format_zip (archive);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, folder);
      ok = FALSE;
    }
  else
    ok = archive_read_open_fd (archive, fd, BUFFER_SIZE) == ARCHIVE_OK
             ? extract_all (archive, folder, cancellable, error)
             : fail_damaged (error);
  close (fd);
  return ok;
}
