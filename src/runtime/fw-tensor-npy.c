/* SPDX-License-Identifier: GPL-3.0-or-later */

/* NumPy's .npy format: six bytes of magic, two of version, two of header length (from version 2.0
 * on, four), a header that is a Python dict of three members, then the elements. Version 1.0 is
 * written. */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-tensor-private.h"

#define MAGIC "\x93NUMPY"
#define MAGIC_SIZE 6
#define PREFIX_SIZE 10
#define LONG_PREFIX_SIZE 12
/* NumPy itself refuses longer headers from strangers. */
#define MAX_HEADER_SIZE 65536

static const struct
{
  FwElementType type;
  const char *descr;
} descrs[] = {
  { FW_ELEMENT_FLOAT, "<f4" },  { FW_ELEMENT_DOUBLE, "<f8" }, { FW_ELEMENT_FLOAT16, "<f2" },
  { FW_ELEMENT_UINT8, "|u1" },  { FW_ELEMENT_INT8, "|i1" },   { FW_ELEMENT_BOOL, "|b1" },
  { FW_ELEMENT_UINT16, "<u2" }, { FW_ELEMENT_INT16, "<i2" },  { FW_ELEMENT_UINT32, "<u4" },
  { FW_ELEMENT_INT32, "<i4" },  { FW_ELEMENT_UINT64, "<u8" }, { FW_ELEMENT_INT64, "<i8" },
};

/* Writing ------------------------------------------------------------------------------------ */

static GString *
build_header (FwTensor *self, const char *descr)
{
  GString *header = g_string_new (NULL);
  guint n_dims = fw_tensor_get_n_dims (self);
  const gint64 *dims = fw_tensor_get_dims (self);
  gsize length;

  g_string_append_len (header, MAGIC "\1\0\0\0", PREFIX_SIZE);
  g_string_append_printf (header, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
  for (guint i = 0; i < n_dims; i++)
    g_string_append_printf (header, "%s%" G_GINT64_FORMAT "%s", i > 0 ? ", " : "", dims[i],
                            n_dims == 1 ? "," : "");
  g_string_append (header, "), }");

  while ((header->len + 1) % 64 != 0)
    g_string_append_c (header, ' ');
  g_string_append_c (header, '\n');

  length = header->len - PREFIX_SIZE;
  header->str[8] = (char) (length & 0xff);
  header->str[9] = (char) (length >> 8);
  return header;
}

static gboolean
write_file (const char *path, GString *header, FwTensor *self)
{
  FILE *file = g_fopen (path, "wbe");
  gsize size = fw_tensor_get_size (self);
  int saved_errno;

  if (file == NULL)
    return FALSE;
  if (fwrite (header->str, 1, header->len, file) == header->len
      && fwrite (fw_tensor_get_data (self), 1, size, file) == size)
    {
      if (fclose (file) == 0)
        return TRUE;
      saved_errno = errno;
    }
  else
    {
      saved_errno = errno;
      fclose (file);
    }
  g_unlink (path);
  errno = saved_errno;
  return FALSE;
}

gboolean
fw_tensor_save_npy (FwTensor *self, const char *path, GError **error)
{
  g_autoptr (GString) header = NULL;
  const char *descr = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (descrs); i++)
    if (descrs[i].type == fw_tensor_get_element_type (self))
      descr = descrs[i].descr;
  if (descr == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                   _ ("Data of the kind “%s” can't be written as an array file."),
                   fw_element_type_get_name (fw_tensor_get_element_type (self)));
      return FALSE;
    }

  header = build_header (self, descr);
  if (!write_file (path, header, self))
    {
      fw_error_set_from_errno (error, errno, TRUE, path);
      return FALSE;
    }
  return TRUE;
}

/* Reading ------------------------------------------------------------------------------------ */

typedef struct
{
  const char *at, *end;
} Cursor;

typedef struct
{
  gboolean has_descr, has_order, has_shape;
  gboolean is_swapped; /* the most significant byte comes first */
  gboolean is_fortran; /* the first index runs fastest */
  FwElementType type;
  guint n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK];
} Header;

static void
skip_spaces (Cursor *cursor)
{
  while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n'))
    cursor->at++;
}

static gboolean
take (Cursor *cursor, const char *token)
{
  gsize length = strlen (token);

  skip_spaces (cursor);
  if ((gsize) (cursor->end - cursor->at) < length || memcmp (cursor->at, token, length) != 0)
    return FALSE;
  cursor->at += length;
  return TRUE;
}

static gboolean
take_descr (Cursor *cursor, Header *header)
{
  if (!take (cursor, "'") || cursor->at == cursor->end)
    return FALSE;
  header->is_swapped = *cursor->at == '>';
  if (strchr ("<>|=", *cursor->at) == NULL)
    return FALSE;
  cursor->at++;
  for (guint i = 0; i < G_N_ELEMENTS (descrs); i++)
    {
      char quoted[8];

      /* A single byte has no order, whatever is said. */
      g_snprintf (quoted, sizeof quoted, "%s'", descrs[i].descr + 1);
      if (take (cursor, quoted))
        {
          header->type = descrs[i].type;
          return TRUE;
        }
    }
  return FALSE;
}

static gboolean
take_dim (Cursor *cursor, gint64 *dim)
{
  guint n_digits = 0;

  *dim = 0;
  skip_spaces (cursor);
  while (cursor->at < cursor->end && g_ascii_isdigit (*cursor->at))
    {
      if (++n_digits > 15)
        return FALSE;
      *dim = *dim * 10 + (*cursor->at++ - '0');
    }
  /* As Python 2 wrote long integers. */
  if (n_digits > 0 && cursor->at < cursor->end && *cursor->at == 'L')
    cursor->at++;
  return n_digits > 0;
}

static gboolean
take_shape (Cursor *cursor, Header *header)
{
  if (!take (cursor, "("))
    return FALSE;
  while (!take (cursor, ")"))
    {
      if (header->n_dims == FW_TENSOR_MAX_RANK
          || !take_dim (cursor, &header->dims[header->n_dims++]))
        return FALSE;
      if (!take (cursor, ","))
        return take (cursor, ")");
    }
  return TRUE;
}

static gboolean
take_member (Cursor *cursor, Header *header)
{
  if (!header->has_descr && take (cursor, "'descr'"))
    return header->has_descr = take (cursor, ":") && take_descr (cursor, header);
  if (!header->has_order && take (cursor, "'fortran_order'"))
    {
      header->has_order = take (cursor, ":");
      header->is_fortran = header->has_order && take (cursor, "True");
      return header->has_order = header->is_fortran || take (cursor, "False");
    }
  if (!header->has_shape && take (cursor, "'shape'"))
    return header->has_shape = take (cursor, ":") && take_shape (cursor, header);
  return FALSE;
}

static gboolean
parse_header (const char *text, gsize length, Header *header)
{
  Cursor cursor = { text, text + length };

  if (!take (&cursor, "{"))
    return FALSE;
  while (!take (&cursor, "}"))
    {
      if (!take_member (&cursor, header))
        return FALSE;
      if (!take (&cursor, ","))
        {
          if (!take (&cursor, "}"))
            return FALSE;
          break;
        }
    }
  skip_spaces (&cursor);
  return cursor.at == cursor.end && header->has_descr && header->has_order && header->has_shape;
}

static FwTensor *
fail_npy (const char *name, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
               _ ("“%s” is not an array file that can be read."), name);
  return NULL;
}

/* Where the elements begin, or 0 for what is no header; @size may be less than the whole file. */
static gsize
parse_start (const guint8 *data, gsize size, Header *header)
{
  gsize prefix, length;

  *header = (Header){ 0 };
  if (size < LONG_PREFIX_SIZE || memcmp (data, MAGIC, MAGIC_SIZE) != 0 || data[6] < 1 || data[6] > 3
      || data[7] != 0)
    return 0;
  prefix = data[6] == 1 ? PREFIX_SIZE : LONG_PREFIX_SIZE;
  length = data[8] | (gsize) data[9] << 8;
  if (data[6] > 1)
    length |= (gsize) data[10] << 16 | (gsize) data[11] << 24;
  if (length > MAX_HEADER_SIZE || length > size - prefix
      || !parse_header ((const char *) data + prefix, length, header))
    return 0;
  return prefix + length;
}

static void
swap_bytes (guint8 *data, gsize n, guint width)
{
  for (gsize i = 0; i < n; i++)
    for (guint k = 0; k < width / 2; k++)
      {
        guint8 *a = data + i * width + k, *b = data + (i + 1) * width - 1 - k;
        const guint8 byte = *a;

        *a = *b;
        *b = byte;
      }
}

/* From the order in which the first index runs fastest to ours. */
static void
copy_fortran (guint8 *to, const guint8 *from, const Header *header, gsize n, guint width)
{
  gint64 index[FW_TENSOR_MAX_RANK] = { 0 };

  for (gsize i = 0; i < n; i++)
    {
      gsize offset = 0;

      for (guint k = header->n_dims; k-- > 0;)
        offset = offset * header->dims[k] + index[k];
      memcpy (to + i * width, from + offset * width, width);
      for (guint k = header->n_dims; k-- > 0 && ++index[k] == header->dims[k];)
        index[k] = 0;
    }
}

static FwTensor *
make_tensor (const Header *header, const guint8 *data, gsize n, gsize size, GError **error)
{
  g_autoptr (FwTensor) self = fw_tensor_new (header->type, header->dims, header->n_dims, error);
  const guint width = fw_element_type_get_bits (header->type) / 8;
  guint8 *to;

  if (self == NULL)
    return NULL;
  to = fw_tensor_get_data (self);
  if (header->is_fortran && header->n_dims > 1)
    copy_fortran (to, data, header, n, width);
  else if (size > 0)
    memcpy (to, data, size);
  if (header->is_swapped)
    swap_bytes (to, n, width);
  if (header->type == FW_ELEMENT_BOOL)
    for (gsize i = 0; i < size; i++)
      to[i] = to[i] != 0;
  return g_steal_pointer (&self);
}

FwTensor *
fw_tensor_new_from_npy (const void *data, gsize size, const char *name, GError **error)
{
  Header header;
  gsize start = parse_start (data, size, &header), n_elements, n_bytes;

  if (start == 0)
    return fail_npy (name, error);
  /* What the header claims must be there before memory is taken for it. */
  if (!fw_tensor_measure (header.type, header.dims, header.n_dims, &n_elements, &n_bytes, error))
    return NULL;
  if (size - start != n_bytes)
    return fail_npy (name, error);
  return make_tensor (&header, (const guint8 *) data + start, n_elements, n_bytes, error);
}

guint64
fw_tensor_get_npy_size (const void *data, gsize size)
{
  Header header;
  gsize start = parse_start (data, size, &header), n_elements, n_bytes;

  if (start == 0
      || !fw_tensor_measure (header.type, header.dims, header.n_dims, &n_elements, &n_bytes, NULL))
    return 0;
  return (guint64) start + n_bytes;
}

FwTensor *
fw_tensor_load_npy (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autoptr (GMappedFile) mapped = NULL;
  struct stat status;
  FwTensor *self = NULL;
  /* Without waiting for somebody to write to it, should it be a pipe. */
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

  if (fd < 0 || fstat (fd, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      if (fd >= 0)
        g_close (fd, NULL);
      return NULL;
    }
  if (S_ISREG (status.st_mode) && status.st_size > 0)
    mapped = g_mapped_file_new_from_fd (fd, FALSE, NULL);
  g_close (fd, NULL);
  if (mapped == NULL)
    return fail_npy (name, error);
  self = fw_tensor_new_from_npy (g_mapped_file_get_contents (mapped),
                                 g_mapped_file_get_length (mapped), name, error);
  return self;
}
