/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-tensor-store.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-error.h"

typedef struct
{
  gboolean is_there;
  FwElementType type;
  guint n_dims;
  gint64 *dims;
  guint64 offset;
} Record;

struct _FwTensorStore
{
  int fd;
  char *folder;
  GArray *records; /* of Record */
  GArray *starts;  /* guint, per row: its first record; one more at the end */
  guint64 size;
};

static void
record_clear (gpointer data)
{
  g_free (((Record *) data)->dims);
}

FwTensorStore *
fw_tensor_store_new (const char *folder, GError **error)
{
  g_autoptr (FwTensorStore) self = g_new0 (FwTensorStore, 1);
  g_autofree char *path = g_build_filename (folder, "samples-XXXXXX", NULL);
  const guint none = 0;

  self->folder = g_strdup (folder);
  self->records = g_array_new (FALSE, FALSE, sizeof (Record));
  g_array_set_clear_func (self->records, record_clear);
  self->starts = g_array_new (FALSE, FALSE, sizeof (guint));
  g_array_append_val (self->starts, none);
  self->fd = g_mkstemp_full (path, O_RDWR | O_CLOEXEC, 0600);
  if (self->fd < 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, folder);
      return NULL;
    }
  g_unlink (path);
  return g_steal_pointer (&self);
}

void
fw_tensor_store_free (FwTensorStore *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_array_unref (self->records);
  g_array_unref (self->starts);
  g_free (self->folder);
  g_free (self);
}

guint
fw_tensor_store_get_n (FwTensorStore *self)
{
  return self->starts->len - 1;
}

guint64
fw_tensor_store_get_size (FwTensorStore *self)
{
  return self->size;
}

static gboolean
write_tensor (FwTensorStore *self, FwTensor *tensor, GError **error)
{
  const char *data = fw_tensor_get_data (tensor);
  const gsize size = fw_tensor_get_size (tensor);
  const guint n_dims = fw_tensor_get_n_dims (tensor);
  Record record = { TRUE, fw_tensor_get_element_type (tensor), n_dims, NULL, self->size };
  gsize done = 0;

  g_return_val_if_fail (record.type != FW_ELEMENT_STRING, FALSE);

  while (done < size)
    {
      gssize n = pwrite (self->fd, data + done, size - done, (goffset) (self->size + done));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fw_error_set_from_errno (error, n < 0 ? errno : ENOSPC, TRUE, self->folder);
          return FALSE;
        }
      done += n;
    }
  self->size += size;
  record.dims = g_memdup2 (fw_tensor_get_dims (tensor), n_dims * sizeof (gint64));
  g_array_append_val (self->records, record);
  return TRUE;
}

gboolean
fw_tensor_store_add (FwTensorStore *self, GPtrArray *row, GError **error)
{
  const guint n_before = self->records->len;
  const guint64 size_before = self->size;

  for (guint i = 0; i < row->len; i++)
    {
      const Record none = { FALSE };

      if (row->pdata[i] == NULL)
        g_array_append_val (self->records, none);
      else if (!write_tensor (self, row->pdata[i], error))
        {
          /* Half a row is none. */
          g_array_set_size (self->records, n_before);
          self->size = size_before;
          return FALSE;
        }
    }
  g_array_append_val (self->starts, self->records->len);
  return TRUE;
}

static FwTensor *
read_tensor (FwTensorStore *self, const Record *record, GError **error)
{
  g_autoptr (FwTensor) tensor = fw_tensor_new (record->type, record->dims, record->n_dims, error);
  gsize done = 0, size;
  char *data;

  if (tensor == NULL)
    return NULL;
  data = fw_tensor_get_data (tensor);
  size = fw_tensor_get_size (tensor);
  while (done < size)
    {
      gssize n = pread (self->fd, data + done, size - done, (goffset) (record->offset + done));

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fw_error_set_from_errno (error, n < 0 ? errno : EIO, FALSE, self->folder);
          return NULL;
        }
      done += n;
    }
  return g_steal_pointer (&tensor);
}

static void
unref_if_any (gpointer tensor)
{
  if (tensor != NULL)
    fw_tensor_unref (tensor);
}

GPtrArray *
fw_tensor_store_get (FwTensorStore *self, guint index, GError **error)
{
  g_autoptr (GPtrArray) row = g_ptr_array_new_with_free_func (unref_if_any);

  g_return_val_if_fail (index < fw_tensor_store_get_n (self), NULL);

  for (guint i = g_array_index (self->starts, guint, index);
       i < g_array_index (self->starts, guint, index + 1); i++)
    {
      const Record *record = &g_array_index (self->records, Record, i);
      FwTensor *tensor = record->is_there ? read_tensor (self, record, error) : NULL;

      if (record->is_there && tensor == NULL)
        return NULL;
      g_ptr_array_add (row, tensor);
    }
  return g_steal_pointer (&row);
}
