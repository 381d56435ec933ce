/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "array-files.h"

#include <string.h>

#include <archive.h>
#include <archive_entry.h>

struct _ArrayZip
{
  struct archive *archive;
};

GByteArray *
array_file_npy (const char *descr,
                const char *order,
                const char *shape,
                gconstpointer data,
                gsize size)
{
  g_autofree char *header = g_strdup_printf (
      "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape);
  const gsize length = strlen (header);
  const guint8 prefix[] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, length & 0xff, length >> 8 };
  GByteArray *file = g_byte_array_new ();

  g_byte_array_append (file, prefix, sizeof prefix);
  g_byte_array_append (file, (const guint8 *) header, (guint) length);
  g_byte_array_append (file, data, (guint) size);
  return file;
}

GByteArray *
array_file_floats (const char *shape, guint n, float first)
{
  g_autofree float *values = g_new (float, n + 1);

  for (guint i = 0; i < n; i++)
    values[i] = first + i;
  return array_file_npy ("<f4", "False", shape, values, n * sizeof *values);
}

ArrayZip *
array_zip_new (const char *path)
{
  ArrayZip *self = g_new0 (ArrayZip, 1);

  self->archive = archive_write_new ();
  archive_write_set_format_zip (self->archive);
  g_assert_cmpint (archive_write_open_filename (self->archive, path), ==, ARCHIVE_OK);
  return self;
}

void
array_zip_add (ArrayZip *self, const char *name, GByteArray *content)
{
  struct archive_entry *entry = archive_entry_new ();

  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, AE_IFREG);
  archive_entry_set_perm (entry, 0600);
  archive_entry_set_size (entry, content->len);
  g_assert_cmpint (archive_write_header (self->archive, entry), ==, ARCHIVE_OK);
  g_assert_cmpint (archive_write_data (self->archive, content->data, content->len), ==,
                   content->len);
  archive_entry_free (entry);
  g_byte_array_unref (content);
}

void
array_zip_close (ArrayZip *self)
{
  g_assert_cmpint (archive_write_close (self->archive), ==, ARCHIVE_OK);
  archive_write_free (self->archive);
  g_free (self);
}

void
array_file_put (const char *path, GByteArray *content)
{
  g_assert_true (g_file_set_contents (path, (const char *) content->data, content->len, NULL));
  g_byte_array_unref (content);
}
