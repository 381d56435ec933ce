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
  g_clear_pointer (&self->classes, g_ptr_array_unref);
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

/* @size bytes into @to, or fewer where there are no more; -1 where it is damaged. */
static gssize
read_some (Archive *archive, guint8 *to, gsize size)
{
  gsize done = 0;

  while (done < size)
    {
      const la_ssize_t n = archive_read_data (archive, to + done, size - done);

      if (n < 0)
        return -1;
      if (n == 0)
        break;
      done += (gsize) n;
    }
  return (gssize) done;
}

/* The bytes of a member, of which its own first ones say how many there are: a file that unpacks to
 * anything else is left alone before it takes memory. NULL where it is damaged or too much. */
static guint8 *
read_member (Archive *archive, gsize *size, gsize *budget)
{
  g_autofree guint8 *start = g_malloc (BLOCK);
  g_autofree guint8 *bytes = NULL;
  const gssize n_start = read_some (archive, start, BLOCK);
  const guint64 whole = n_start > 0 ? fw_tensor_get_npy_size (start, (gsize) n_start) : 0;
  guint8 more;

  if (whole == 0 || whole > *budget || whole < (guint64) n_start)
    return NULL;
  bytes = g_try_malloc (whole);
  if (bytes == NULL)
    return NULL;
  memcpy (bytes, start, (gsize) n_start);
  if (read_some (archive, bytes + n_start, whole - (gsize) n_start)
          != (gssize) (whole - (guint64) n_start)
      || read_some (archive, &more, 1) != 0)
    return NULL;
  *size = whole;
  *budget -= whole;
  return g_steal_pointer (&bytes);
}

static gboolean
add_member (FwArrays *self, Archive *archive, const char *member, gsize *budget, GError **error)
{
  gsize size;
  g_autofree guint8 *bytes = read_member (archive, &size, budget);
  g_autofree char *name = g_strndup (member, strlen (member) - strlen (".npy"));
  g_autofree char *valid = g_utf8_make_valid (member, -1);
  FwTensor *tensor;

  if (bytes == NULL)
    return FALSE;
  tensor = fw_tensor_new_from_npy (bytes, size, valid, error);
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

/* One walk over the archive: for the members that are @wanted, or, with NULL, for all. FALSE
 * without an error for what is no such archive. */
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

      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
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

/* Which columns of a table are what. */
typedef struct
{
  GPtrArray *rows; /* of GStrv */
  guint first;     /* row after the titles */
  guint n_columns;
  guint width;
  guint n_skipped; /* columns before all others that are nobody's */
  int label;       /* a column, or -1 */
  gboolean named;  /* the labels are names */
} Table;

static const char *
get_field (const Table *self, guint row, guint column)
{
  return ((char **) self->rows->pdata[row])[column];
}

static gboolean
parse_number (const char *text, double *value)
{
  char *end;

  *value = g_ascii_strtod (text, &end);
  return end != text && *end == '\0' && isfinite (*value);
}

static gboolean
column_is_numbers (const Table *self, guint column)
{
  double value;

  for (guint i = self->first; i < self->rows->len; i++)
    if (!parse_number (get_field (self, i, column), &value))
      return FALSE;
  return TRUE;
}

/* Whether a column counts the rows, as tables often do. */
static gboolean
column_is_counter (const Table *self, guint column)
{
  double value, before = 0;

  for (guint i = self->first; i < self->rows->len; i++)
    {
      if (!parse_number (get_field (self, i, column), &value)
          || (i > self->first && value != before + 1))
        return FALSE;
      before = value;
    }
  return self->rows->len - self->first > 1;
}

/* The highest class number in a column; -1 where it holds anything else, or the same throughout. */
static int
find_highest_label (const Table *self, guint column)
{
  double value, before = -1;
  gboolean varies = FALSE;
  int highest = 0;

  for (guint i = self->first; i < self->rows->len; i++)
    {
      if (!parse_number (get_field (self, i, column), &value) || value < 0 || value >= MAX_LABEL
          || value != floor (value))
        return -1;
      varies = varies || (i > self->first && value != before);
      before = value;
      highest = MAX (highest, (int) value);
    }
  return varies ? highest : -1;
}

static gboolean
find_label (Table *self)
{
  const guint ends[] = { self->n_skipped, self->n_columns - 1 };
  int least = 0;

  for (guint k = 0; k < 2; k++)
    if (!column_is_numbers (self, ends[k]))
      {
        self->label = (int) ends[k];
        self->named = TRUE;
        return TRUE;
      }
  /* Where both could be, the one of fewer classes. */
  for (guint k = 0; k < 2; k++)
    {
      const int highest = find_highest_label (self, ends[k]);

      if (highest < 0 || (self->label >= 0 && highest >= least))
        continue;
      self->label = (int) ends[k];
      least = highest;
    }
  return self->label >= 0;
}

static gboolean
find_columns (Table *self)
{
  self->label = -1;
  if (self->n_columns < self->width || self->n_columns > self->width + 2)
    return FALSE;
  if (self->n_columns > self->width && column_is_counter (self, 0))
    self->n_skipped = 1;
  if (self->n_columns - self->n_skipped == self->width)
    return TRUE;
  return self->n_columns - self->n_skipped == self->width + 1 && find_label (self);
}

/* A line of titles has words where the next line has numbers. */
static gboolean
has_titles (const Table *self)
{
  double value;

  for (guint k = 0; k < self->n_columns && self->rows->len > 1; k++)
    if (!parse_number (get_field (self, 0, k), &value)
        && (g_strv_length (self->rows->pdata[1]) != self->n_columns
            || parse_number (get_field (self, 1, k), &value)))
      return TRUE;
  return FALSE;
}

/* The first row with something else than numbers in it; 0 for none. */
static guint
find_bad_row (const Table *self)
{
  double value;

  for (guint i = self->first; i < self->rows->len; i++)
    for (guint k = self->n_skipped; k < self->n_columns; k++)
      if ((int) k != self->label && !parse_number (get_field (self, i, k), &value))
        return i + 1;
  return 0;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static void
read_names (FwArrays *self, const Table *table)
{
  g_autoptr (GHashTable) numbers = g_hash_table_new (g_str_hash, g_str_equal);

  self->classes = g_ptr_array_new_with_free_func (g_free);
  for (guint i = table->first; i < table->rows->len; i++)
    {
      const char *name = get_field (table, i, (guint) table->label);

      if (g_hash_table_add (numbers, (gpointer) name))
        g_ptr_array_add (self->classes, g_strdup (name));
    }
  g_ptr_array_sort (self->classes, compare_strings);
  g_hash_table_remove_all (numbers);
  for (guint i = 0; i < self->classes->len; i++)
    g_hash_table_insert (numbers, self->classes->pdata[i], GUINT_TO_POINTER (i));
  for (guint i = table->first; i < table->rows->len; i++)
    self->labels[i - table->first] = GPOINTER_TO_INT (
        g_hash_table_lookup (numbers, get_field (table, i, (guint) table->label)));
}

static FwArrays *
make_arrays (const Table *table, GError **error)
{
  const guint n = table->rows->len - table->first;
  const gint64 dims[] = { n, table->width };
  g_autoptr (FwArrays) self = arrays_alloc ();
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_DOUBLE, dims, 2, error);
  double *to;

  if (tensor == NULL)
    return NULL;
  to = fw_tensor_get_data (tensor);
  take_tensor (self, "", tensor);
  self->labels = table->label >= 0 ? g_new0 (int, n) : NULL;
  for (guint i = 0; i < n; i++)
    for (guint k = table->n_skipped; k < table->n_columns; k++)
      {
        double value = 0;

        parse_number (get_field (table, table->first + i, k), &value);
        if ((int) k == table->label)
          self->labels[i] = (int) value;
        else
          *to++ = value;
      }
  if (table->named)
    read_names (self, table);
  return g_steal_pointer (&self);
}

static FwArrays *
fail_csv (const char *path, guint row, gsize width, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);

  if (row > 0)
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                 _ ("Row %u of “%s” is not the %" G_GSIZE_FORMAT
                    " numbers that the model takes, with or without a label."),
                 row, name, width);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” is not a table of numbers."),
                 name);
  return NULL;
}

FwArrays *
fw_arrays_load_csv (const char *path, gsize width, GError **error)
{
  gsize size;
  g_autofree char *text = fw_text_file_read (path, &size);
  g_autoptr (GPtrArray) rows = text != NULL ? fw_csv_parse (text, size) : NULL;
  Table table = { .rows = rows, .width = (guint) width, .label = -1 };
  guint bad;

  if (rows == NULL || rows->len == 0 || width == 0 || width > G_MAXINT)
    return fail_csv (path, 0, width, error);
  table.n_columns = g_strv_length (rows->pdata[0]);
  table.first = has_titles (&table) ? 1 : 0;
  /* Rows of one width before columns are looked at. */
  for (guint i = table.first; i < rows->len; i++)
    if (g_strv_length (rows->pdata[i]) != table.n_columns)
      return fail_csv (path, i + 1, width, error);
  if (!find_columns (&table))
    return fail_csv (path, table.first + 1, width, error);
  bad = find_bad_row (&table);
  return bad > 0 ? fail_csv (path, bad, width, error) : make_arrays (&table, error);
}
