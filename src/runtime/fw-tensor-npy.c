/* SPDX-License-Identifier: GPL-3.0-or-later */

/* NumPy's .npy format, version 1.0: six bytes of magic, two of version, two of header length, a
 * header that is a Python dict of three members, then the elements. */

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

#define MAGIC "\x93NUMPY\x01"
#define PREFIX_SIZE 10

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

  g_string_append_len (header, MAGIC "\0\0\0", PREFIX_SIZE);
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
  for (guint i = 0; i < G_N_ELEMENTS (descrs); i++)
    {
      char quoted[8];

      g_snprintf (quoted, sizeof quoted, "'%s'", descrs[i].descr);
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
    return header->has_order = take (cursor, ":") && take (cursor, "False");
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

static void
fail_npy (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);

  g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE,
               _ ("“%s” is not an array file that can be read."), name);
}

/* NULL without an error where the content is bad. */
static FwTensor *
read_file (FILE *file, GError **error)
{
  unsigned char prefix[PREFIX_SIZE];
  g_autofree char *text = NULL;
  g_autoptr (FwTensor) self = NULL;
  Header header = { 0 };
  struct stat status;
  gsize length, n_elements, size;

  if (fstat (fileno (file), &status) != 0 || !S_ISREG (status.st_mode)
      || fread (prefix, 1, sizeof prefix, file) != sizeof prefix
      || memcmp (prefix, MAGIC "\0", 8) != 0)
    return NULL;

  length = prefix[8] | (gsize) prefix[9] << 8;
  text = g_malloc (length + 1);
  if (fread (text, 1, length, file) != length || !parse_header (text, length, &header))
    return NULL;

  /* The file must hold what the header claims before memory is taken for it. */
  if (!fw_tensor_measure (header.type, header.dims, header.n_dims, &n_elements, &size, error)
      || (guint64) status.st_size != PREFIX_SIZE + length + size)
    return NULL;

  self = fw_tensor_new (header.type, header.dims, header.n_dims, error);
  if (self == NULL || fread (fw_tensor_get_data (self), 1, size, file) != size)
    return NULL;
  if (header.type == FW_ELEMENT_BOOL)
    for (gsize i = 0; i < size; i++)
      ((guint8 *) fw_tensor_get_data (self))[i] = ((guint8 *) fw_tensor_get_data (self))[i] != 0;
  return g_steal_pointer (&self);
}

FwTensor *
fw_tensor_load_npy (const char *path, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  FwTensor *self;
  FILE *file;
  /* Without waiting for somebody to write to it, should it be a pipe. */
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

  file = fd >= 0 ? fdopen (fd, "rb") : NULL;
  if (file == NULL)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      if (fd >= 0)
        g_close (fd, NULL);
      return NULL;
    }
  self = read_file (file, &local_error);
  fclose (file);

  if (local_error != NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  else if (self == NULL)
    fail_npy (path, error);
  return self;
}
