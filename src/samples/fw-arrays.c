/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-arrays.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "fw-csv.h"
#include "fw-error.h"
#include "fw-text-file.h"

#define MAX_BYTES (1024 * 1024 * 1024)
#define MAX_MEMBERS 4096
#define MAX_LABEL 100000
#define BLOCK (256 * 1024)

static FwArrays *
arrays_alloc (void)
{
  FwArrays *self = g_new0 (FwArrays, 1);

  g_atomic_ref_count_init (&self->references);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  return self;
}

FwArrays *
fw_arrays_ref (FwArrays *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
fw_arrays_unref (FwArrays *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->tensors);
  g_free (self->labels);
  g_free (self);
}

FwTensor *
fw_arrays_find (const FwArrays *self, const char *name)
{
  for (guint i = 0; i < self->names->len; i++)
    if (strcmp (self->names->pdata[i], name) == 0)
      return self->tensors->pdata[i];
  return NULL;
}

static void
take_tensor (FwArrays *self, const char *name, FwTensor *tensor)
{
  g_ptr_array_add (self->names, g_strdup (name));
  g_ptr_array_add (self->tensors, tensor);
}

static gboolean
has_suffix (const char *name, const char *suffix)
{
  const gsize length = strlen (name), suffix_length = strlen (suffix);

  return length > suffix_length && g_ascii_strcasecmp (name + length - suffix_length, suffix) == 0;
}

FwArrayKind
fw_arrays_sniff (const guint8 *data, gsize size, const char *name)
{
  if (size >= 6 && memcmp (data, "\x93NUMPY", 6) == 0)
    return FW_ARRAY_NPY;
  /* Many kinds of files are zip archives. */
  if (size >= 4 && memcmp (data, "PK\3\4", 4) == 0 && has_suffix (name, ".npz"))
    return FW_ARRAY_NPZ;
  if (size >= 4 && has_suffix (name, ".f32"))
    return FW_ARRAY_F32;
  return FW_ARRAY_NONE;
}

/* A regular file's size, or -1. */
static gint64
get_file_size (const char *path, GError **error)
{
  GStatBuf status;

  if (g_stat (path, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return -1;
    }
  if (!S_ISREG (status.st_mode) || status.st_size > MAX_BYTES)
    {
      g_autofree char *name = g_filename_display_basename (path);

      g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
                   _ ("“%s” is larger than samples can be; spread it over several files."), name);
      return -1;
    }
  return status.st_size;
}

/* .npz ---------------------------------------------------------------------------------------- */

typedef struct archive Archive;

static void
free_archive (Archive *self)
{
  archive_read_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Archive, free_archive)

/* What is left of @budget bytes after this member; FALSE where it is damaged or too much. */
static gboolean
read_member (Archive *archive, GByteArray *bytes, gsize *budget)
{
  g_autofree guint8 *block = g_malloc (BLOCK);
  la_ssize_t n;

  while ((n = archive_read_data (archive, block, BLOCK)) > 0)
    {
      if ((gsize) n > *budget)
        return FALSE;
      *budget -= (gsize) n;
      g_byte_array_append (bytes, block, (guint) n);
    }
  return n == 0;
}

static gboolean
add_member (FwArrays *self, Archive *archive, const char *member, gsize *budget, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *name = g_strndup (member, strlen (member) - strlen (".npy"));
  g_autofree char *valid = g_utf8_make_valid (member, -1);
  FwTensor *tensor;

  if (!read_member (archive, bytes, budget))
    return FALSE;
  tensor = fw_tensor_new_from_npy (bytes->data, bytes->len, valid, error);
  if (tensor == NULL)
    return FALSE;
  take_tensor (self, name, tensor);
  return TRUE;
}

static gboolean
is_wanted (const char *member, const char *const *wanted)
{
  const gsize length = strlen (member) - strlen (".npy");

  for (guint i = 0; wanted[i] != NULL; i++)
    if (strncmp (wanted[i], member, length) == 0 && wanted[i][length] == '\0')
      return TRUE;
  return FALSE;
}

/* One walk over the archive: for the members that are @wanted, or, with NULL, for all. FALSE without
 * an error for what is no such archive. */
static gboolean
walk_archive (FwArrays *self, const char *path, const char *const *wanted, GError **error)
{
  g_autoptr (Archive) archive = archive_read_new ();
  struct archive_entry *entry;
  gsize budget = MAX_BYTES;
  guint n_members = 0;
  int status;

  archive_read_support_format_zip (archive);
  if (archive_read_open_filename (archive, path, BLOCK) != ARCHIVE_OK)
    return FALSE;
  while ((status = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      const char *name = archive_entry_pathname (entry);

      if (++n_members > MAX_MEMBERS)
        return FALSE;
      if (name == NULL || !has_suffix (name, ".npy") || archive_entry_filetype (entry) != AE_IFREG
          || (wanted != NULL && !is_wanted (name, wanted)))
        continue;
      if (!add_member (self, archive, name, &budget, error))
        return FALSE;
    }
  return status == ARCHIVE_EOF;
}

static FwArrays *
load_npz (const char *path, const char *const *wanted, GError **error)
{
  g_autoptr (FwArrays) self = arrays_alloc ();
  g_autoptr (GError) local = NULL;
  gboolean ok = walk_archive (self, path, wanted, &local);

  if (ok && self->names->len == 0 && wanted != NULL)
    ok = walk_archive (self, path, NULL, &local);
  if (ok && self->names->len > 0)
    return g_steal_pointer (&self);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else
    {
      g_autofree char *name = g_filename_display_basename (path);

      g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
                   ok ? _ ("“%s” holds no arrays.")
                      : _ ("“%s” is damaged, or unpacks to more than samples can be."),
                   name);
    }
  return NULL;
}

FwArrays *
fw_arrays_load (const char *path, const char *const *wanted, GError **error)
{
  g_autoptr (FwArrays) self = NULL;
  guint8 start[6] = { 0 };
  FwTensor *tensor;
  int fd;

  if (get_file_size (path, error) < 0)
    return NULL;
  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
  if (fd < 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return NULL;
    }
  if (read (fd, start, sizeof start) == sizeof start && memcmp (start, "PK\3\4", 4) == 0)
    {
      close (fd);
      return load_npz (path, wanted, error);
    }
  close (fd);
  tensor = fw_tensor_load_npy (path, error);
  if (tensor == NULL)
    return NULL;
  self = arrays_alloc ();
  take_tensor (self, "", tensor);
  return g_steal_pointer (&self);
}

/* Raw ----------------------------------------------------------------------------------------- */

FwArrays *
fw_arrays_load_f32 (const char *path, gsize width, GError **error)
{
  const gint64 size = get_file_size (path, error);
  const gsize row = width * sizeof (float);
  g_autoptr (FwArrays) self = NULL;
  g_autoptr (FwTensor) tensor = NULL;
  g_autofree char *content = NULL;
  gsize length;

  if (size < 0)
    return NULL;
  if (width == 0 || size == 0 || size % (gint64) row != 0)
    {
      g_autofree char *name = g_filename_display_basename (path);

      g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
                   _ ("“%s” does not hold whole samples of %" G_GSIZE_FORMAT " numbers."), name,
                   width);
      return NULL;
    }
  if (!g_file_get_contents (path, &content, &length, error))
    return NULL;
  {
    const gint64 dims[] = { (gint64) (length / row), (gint64) width };

    tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, 2, error);
  }
  if (tensor == NULL)
    return NULL;
  memcpy (fw_tensor_get_data (tensor), content, fw_tensor_get_size (tensor));
  self = arrays_alloc ();
  take_tensor (self, "", g_steal_pointer (&tensor));
  return g_steal_pointer (&self);
}

/* CSV ----------------------------------------------------------------------------------------- */

static gboolean
parse_number (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text, &end);
  return end != text && *end == '\0' && isfinite (*value);
}

static gboolean
is_label (double value)
{
  return value >= 0 && value < MAX_LABEL && value == floor (value);
}

static gboolean
row_is_numbers (char **fields, guint n)
{
  double value;

  for (guint i = 0; i < n; i++)
    if (!parse_number (fields[i], &value))
      return FALSE;
  return TRUE;
}

/* Whether all of a column are labels, and not all the same. */
static gboolean
column_is_label (GPtrArray *rows, guint first, guint column)
{
  double value, before = -1;
  gboolean varies = FALSE;

  for (guint i = first; i < rows->len; i++)
    {
      char **fields = rows->pdata[i];

      if (!parse_number (fields[column], &value) || !is_label (value))
        return FALSE;
      varies = varies || (i > first && value != before);
      before = value;
    }
  return varies;
}

static FwArrays *
fail_csv (const char *path, guint line, gsize width, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);

  if (line > 0)
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
                 _ ("Row %u of “%s” is not the %" G_GSIZE_FORMAT
                    " numbers that the model takes, with or without a label."),
                 line, name, width);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” is not a table of numbers."),
                 name);
  return NULL;
}

static FwArrays *
make_table (GPtrArray *rows, guint first, gsize width, int label, GError **error)
{
  const guint n = rows->len - first;
  const gint64 dims[] = { n, (gint64) width };
  g_autoptr (FwArrays) self = arrays_alloc ();
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_DOUBLE, dims, 2, error);
  double *to;

  if (tensor == NULL)
    return NULL;
  to = fw_tensor_get_data (tensor);
  take_tensor (self, "", tensor);
  self->labels = label >= 0 ? g_new0 (int, n) : NULL;
  for (guint i = 0; i < n; i++)
    {
      char **fields = rows->pdata[first + i];
      const guint n_fields = (guint) width + (label >= 0);

      for (guint k = 0; k < n_fields; k++)
        {
          double value = 0;

          parse_number (fields[k], &value);
          if ((int) k == label)
            self->labels[i] = (int) value;
          else
            *to++ = value;
        }
    }
  return g_steal_pointer (&self);
}

FwArrays *
fw_arrays_load_csv (const char *path, gsize width, GError **error)
{
  gsize size, columns;
  g_autofree char *text = fw_text_file_read (path, &size);
  g_autoptr (GPtrArray) rows = text != NULL ? fw_csv_parse (text, size) : NULL;
  guint first;
  int label = -1;

  if (rows == NULL || rows->len == 0 || width == 0)
    return fail_csv (path, 0, width, error);
  columns = g_strv_length (rows->pdata[0]);
  first = row_is_numbers (rows->pdata[0], (guint) columns) ? 0 : 1;
  if (first == rows->len)
    return fail_csv (path, 0, width, error);
  for (guint i = first; i < rows->len; i++)
    {
      const gsize n = g_strv_length (rows->pdata[i]);

      if ((n != width && n != width + 1) || n != columns
          || !row_is_numbers (rows->pdata[i], (guint) n))
        return fail_csv (path, i + 1, width, error);
    }
  if (columns == width + 1)
    {
      if (column_is_label (rows, first, 0))
        label = 0;
      else if (column_is_label (rows, first, (guint) width))
        label = (int) width;
      else
        return fail_csv (path, first + 1, width, error);
    }
  return make_table (rows, first, width, label, error);
}
