/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-tensor-shelf.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-mapping.h"

/* What messages call a file without a name. */
#define FILE_NAME "scratch"

typedef struct
{
  FwTensor *held; /* NULL where it lies in the file */
  FwElementType type;
  guint n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK];
  goffset offset; /* -1 for nothing */
} Entry;

struct _FwTensorShelf
{
  int fd; /* -1 for memory */
  goffset end;
  guint n;
  Entry *entries;
};

FwTensorShelf *
fw_tensor_shelf_new (guint n, GError **error)
{
  g_autoptr (FwTensorShelf) self = g_new0 (FwTensorShelf, 1);

  self->n = n;
  self->entries = g_new0 (Entry, n);
  for (guint i = 0; i < n; i++)
    self->entries[i].offset = -1;
  self->fd = -1;
  /* One tensor or two are no burden. */
  if (n > 2 && fw_mapping_has_scratch ())
    {
      self->fd = fw_mapping_open_scratch (error);
      if (self->fd < 0)
        return NULL;
    }
  return g_steal_pointer (&self);
}

void
fw_tensor_shelf_free (FwTensorShelf *self)
{
  if (self->fd >= 0)
    close (self->fd);
  for (guint i = 0; i < self->n; i++)
    g_clear_pointer (&self->entries[i].held, fw_tensor_unref);
  g_free (self->entries);
  g_free (self);
}

static gboolean
write_at (FwTensorShelf *self, const char *data, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize n = pwrite (self->fd, data, size, self->end);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fw_error_set_from_errno (error, n < 0 ? errno : ENOSPC, TRUE, FILE_NAME);
          return FALSE;
        }
      data += n;
      size -= n;
      self->end += n;
    }
  return TRUE;
}

gboolean
fw_tensor_shelf_put (FwTensorShelf *self, guint index, FwTensor *tensor, GError **error)
{
  Entry *entry = &self->entries[index];

  g_return_val_if_fail (index < self->n, FALSE);

  g_clear_pointer (&entry->held, fw_tensor_unref);
  entry->type = fw_tensor_get_element_type (tensor);
  entry->n_dims = fw_tensor_get_n_dims (tensor);
  memcpy (entry->dims, fw_tensor_get_dims (tensor), entry->n_dims * sizeof (gint64));
  if (self->fd < 0 || entry->type == FW_ELEMENT_STRING)
    {
      entry->held = fw_tensor_ref (tensor);
      return TRUE;
    }
  entry->offset = self->end;
  return write_at (self, fw_tensor_get_data (tensor), fw_tensor_get_size (tensor), error);
}

FwTensor *
fw_tensor_shelf_get (FwTensorShelf *self, guint index, GError **error)
{
  const Entry *entry = &self->entries[index];
  g_autoptr (FwTensor) tensor = NULL;
  gsize done = 0, size;
  char *data;

  g_return_val_if_fail (index < self->n, NULL);

  if (entry->held != NULL)
    return fw_tensor_ref (entry->held);
  if (entry->offset < 0)
    return NULL;
  tensor = fw_tensor_new (entry->type, entry->dims, entry->n_dims, error);
  if (tensor == NULL)
    return NULL;
  data = fw_tensor_get_data (tensor);
  size = fw_tensor_get_size (tensor);
  while (done < size)
    {
      gssize n = pread (self->fd, data + done, size - done, entry->offset + (goffset) done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fw_error_set_from_errno (error, n < 0 ? errno : EIO, FALSE, FILE_NAME);
          return NULL;
        }
      done += n;
    }
  return g_steal_pointer (&tensor);
}
