/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-finder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "fw-arrays.h"
#include "fw-error.h"
#include "fw-picture-header.h"

#define MAX_DEPTH 16
/* Of a folder's entries, files that are no pictures included. */
#define MAX_ENTRIES 1000000
#define MAX_TABLES 64

static const char *const picture_suffixes[]
    = { ".jpg", ".jpeg", ".jpe", ".png", ".webp", ".bmp", ".gif", NULL };
static const char *const array_suffixes[] = { ".npy", ".npz", ".f32", NULL };

typedef struct
{
  FwFound *found;
  const char *root_path; /* resolved, without a slash at the end */
  guint root;
  guint n_files;
  GCancellable *cancellable;
} Walk;

static void
found_file_free (gpointer data)
{
  FwFoundFile *self = data;

  g_free (self->path);
  g_free (self->below);
  g_free (self);
}

void
fw_found_free (FwFound *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->pictures);
  g_ptr_array_unref (self->unreadable);
  g_ptr_array_unref (self->arrays);
  g_ptr_array_unref (self->damaged);
  g_ptr_array_unref (self->tables);
  g_free (self);
}

char *
fw_sample_finder_make_name (const char *raw)
{
  g_autofree char *valid = g_utf8_make_valid (raw, -1);
  g_autoptr (GString) name = g_string_new (NULL);

  for (const char *at = valid; *at != '\0'; at = g_utf8_next_char (at))
    {
      gunichar letter = g_utf8_get_char (at);

      /* What ends a line or turns the direction of writing could pass for something else. */
      if (g_unichar_iscntrl (letter) || g_unichar_type (letter) == G_UNICODE_FORMAT
          || g_unichar_type (letter) == G_UNICODE_LINE_SEPARATOR
          || g_unichar_type (letter) == G_UNICODE_PARAGRAPH_SEPARATOR)
        letter = 0xfffd;
      g_string_append_unichar (name, letter);
    }
  return g_string_free (g_steal_pointer (&name), FALSE);
}

static gboolean
has_suffix (const char *name, const char *suffix)
{
  gsize length = strlen (name), suffix_length = strlen (suffix);

  return length > suffix_length && g_ascii_strcasecmp (name + length - suffix_length, suffix) == 0;
}

static gboolean
is_named_like (const char *name, const char *const *suffixes)
{
  for (guint i = 0; suffixes[i] != NULL; i++)
    if (has_suffix (name, suffixes[i]))
      return TRUE;
  return FALSE;
}

/* The first bytes of a regular file; 0 for any other. */
static gsize
read_start (const char *path, guint8 *data, gsize size)
{
  gssize n = -1;
  struct stat info;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

  if (fd < 0)
    return 0;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode))
    n = read (fd, data, size);
  close (fd);
  return n > 0 ? (gsize) n : 0;
}

static FwFoundFile *
new_found_file (const char *path, const char *below, guint root)
{
  FwFoundFile *self = g_new0 (FwFoundFile, 1);

  self->path = g_strdup (path);
  self->below = g_strdup (below);
  self->root = root;
  return self;
}

/* A link may lead to another place in the same folder, not out of it. */
static gboolean
link_stays_inside (const char *path, const char *root_path)
{
  char *target = realpath (path, NULL);
  gsize length = strlen (root_path);
  gboolean inside
      = target != NULL && strncmp (target, root_path, length) == 0 && target[length] == '/';

  free (target);
  return inside;
}

static void
add_file (Walk *walk, const char *path, const char *below)
{
  guint8 start[FW_PICTURE_SNIFF_SIZE];
  const gsize n = read_start (path, start, sizeof start);

  if (n > 0 && fw_picture_sniff (start, n) != FW_PICTURE_UNKNOWN)
    g_ptr_array_add (walk->found->pictures, new_found_file (path, below, walk->root));
  else if (is_named_like (path, picture_suffixes))
    g_ptr_array_add (walk->found->unreadable, fw_sample_finder_make_name (below));
  else if (fw_arrays_sniff (start, n, path) != FW_ARRAY_NONE)
    g_ptr_array_add (walk->found->arrays, new_found_file (path, below, walk->root));
  else if (is_named_like (path, array_suffixes))
    g_ptr_array_add (walk->found->damaged, fw_sample_finder_make_name (below));
  else if (has_suffix (path, ".csv") && walk->found->tables->len < MAX_TABLES)
    g_ptr_array_add (walk->found->tables, new_found_file (path, below, walk->root));
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* The names in a folder, sorted, hidden ones left out; NULL where it can't be read. */
static GPtrArray *
list_folder (const char *path, GCancellable *cancellable)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  DIR *folder = opendir (path);
  struct dirent *entry;

  if (folder == NULL)
    return NULL;
  while ((entry = readdir (folder)) != NULL && names->len < MAX_ENTRIES
         && !g_cancellable_is_cancelled (cancellable))
    if (entry->d_name[0] != '.')
      g_ptr_array_add (names, g_strdup (entry->d_name));
  closedir (folder);
  g_ptr_array_sort (names, compare_names);
  return g_steal_pointer (&names);
}

/* What lies beside a folder of pictures under these names describes them. */
static gboolean
folder_is_left_alone (const char *name, GPtrArray *siblings)
{
  if (strcmp (name, "labels") != 0 && strcmp (name, "masks") != 0)
    return FALSE;
  for (guint i = 0; i < siblings->len; i++)
    if (strcmp (siblings->pdata[i], "images") == 0)
      return TRUE;
  return FALSE;
}

static void walk_folder (Walk *walk, const char *path, const char *below, guint depth);

static void
visit (Walk *walk,
       GPtrArray *siblings,
       guint index,
       const char *path,
       const char *below,
       guint depth)
{
  g_autofree char *child = g_build_filename (path, siblings->pdata[index], NULL);
  g_autofree char *child_below = below[0] == '\0'
                                     ? g_strdup (siblings->pdata[index])
                                     : g_build_filename (below, siblings->pdata[index], NULL);
  struct stat info;

  if (walk->n_files >= FW_SAMPLE_FINDER_MAX_FILES)
    {
      walk->found->more = TRUE;
      return;
    }
  if (lstat (child, &info) != 0)
    return;
  if (S_ISLNK (info.st_mode)
      && (!link_stays_inside (child, walk->root_path) || stat (child, &info) != 0
          || !S_ISREG (info.st_mode)))
    return;
  /* Folders count too, so that a tree of nothing but folders ends. */
  walk->n_files++;
  if (S_ISREG (info.st_mode))
    add_file (walk, child, child_below);
  else if (S_ISDIR (info.st_mode) && depth < MAX_DEPTH
           && !folder_is_left_alone (siblings->pdata[index], siblings))
    walk_folder (walk, child, child_below, depth + 1);
}

static void
walk_folder (Walk *walk, const char *path, const char *below, guint depth)
{
  g_autoptr (GPtrArray) names = list_folder (path, walk->cancellable);

  if (names == NULL)
    {
      g_message ("%s: %s", path, g_strerror (errno));
      return;
    }
  for (guint i = 0; i < names->len && !g_cancellable_is_cancelled (walk->cancellable); i++)
    visit (walk, names, i, path, below, depth);
}

static gboolean
walk_root (Walk *walk, const char *given, GError **error)
{
  g_autofree char *display = fw_sample_finder_make_name (given);
  char *resolved = realpath (given, NULL);
  struct stat info;
  gboolean found = FALSE;

  if (resolved == NULL || stat (resolved, &info) != 0)
    fw_error_set_from_errno (error, errno, FALSE, display);
  else if (S_ISREG (info.st_mode))
    {
      g_autofree char *name = g_path_get_basename (given);

      add_file (walk, resolved, name);
      found = TRUE;
    }
  else if (!S_ISDIR (info.st_mode))
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” is neither a file nor a folder."),
                 display);
  else if (access (resolved, R_OK | X_OK) != 0)
    fw_error_set_from_errno (error, errno, FALSE, display);
  else
    {
      /* The root of the file system is the one path with a slash at its end. */
      walk->root_path = strcmp (resolved, "/") == 0 ? "" : resolved;
      walk_folder (walk, resolved, "", 0);
      found = TRUE;
    }
  free (resolved);
  return found;
}

FwFound *
fw_sample_finder_run (const char *const *paths, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwFound) found = g_new0 (FwFound, 1);
  Walk walk = { .found = found, .cancellable = cancellable };

  found->pictures = g_ptr_array_new_with_free_func (found_file_free);
  found->unreadable = g_ptr_array_new_with_free_func (g_free);
  found->arrays = g_ptr_array_new_with_free_func (found_file_free);
  found->damaged = g_ptr_array_new_with_free_func (g_free);
  found->tables = g_ptr_array_new_with_free_func (found_file_free);
  for (guint i = 0; paths[i] != NULL; i++)
    {
      walk.root = i;
      if (!walk_root (&walk, paths[i], error))
        return NULL;
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return NULL;
    }
  if (found->more)
    g_message ("More than %d files: only the first are looked at", FW_SAMPLE_FINDER_MAX_FILES);
  return g_steal_pointer (&found);
}
