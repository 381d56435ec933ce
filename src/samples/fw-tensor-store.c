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

struct _FwTensorStore
{
  int fd;
  char *folder;
  FwElementType type;
  guint n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK];
  gsize size; /* bytes of one tensor */
  guint n;
};

FwTensorStore *
fw_tensor_store_new (const char *folder, GError **error)
{
  g_autoptr (FwTensorStore) self = g_new0 (FwTensorStore, 1);
  g_autofree char *path = g_build_filename (folder, "samples-XXXXXX", NULL);

  self->folder = g_strdup (folder);
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
  g_free (self->folder);
  g_free (self);
}

guint
fw_tensor_store_get_n (FwTensorStore *self)
{
  return self->n;
}

static gboolean
set_or_check_shape (FwTensorStore *self, FwTensor *tensor, GError **error)
{
  guint n_dims = fw_tensor_get_n_dims (tensor);

  if (self->n == 0)
    {
      self->type = fw_tensor_get_element_type (tensor);
      self->n_dims = n_dims;
      memcpy (self->dims, fw_tensor_get_dims (tensor), n_dims * sizeof (gint64));
      self->size = fw_tensor_get_size (tensor);
    }
  if (self->type != fw_tensor_get_element_type (tensor) || self->n_dims != n_dims
      || memcmp (self->dims, fw_tensor_get_dims (tensor), n_dims * sizeof (gint64)) != 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The samples differ in shape."));
      return FALSE;
    }
  return TRUE;
}

gboolean
fw_tensor_store_add (FwTensorStore *self, FwTensor *tensor, GError **error)
{
  const char *data = fw_tensor_get_data (tensor);
  gsize done = 0;

  if (!set_or_check_shape (self, tensor, error))
    return FALSE;
  while (done < self->size)
    {
      gssize n = pwrite (self->fd, data + done, self->size - done,
                         (goffset) self->n * self->size + done);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          fw_error_set_from_errno (error, n < 0 ? errno : ENOSPC, TRUE, self->folder);
          return FALSE;
        }
      done += n;
    }
  self->n++;
  return TRUE;
}

FwTensor *
fw_tensor_store_get (FwTensorStore *self, guint index, GError **error)
{
  g_autoptr (FwTensor) tensor = NULL;
  char *data;
  gsize done = 0;

  g_return_val_if_fail (index < self->n, NULL);

  tensor = fw_tensor_new (self->type, self->dims, self->n_dims, error);
  if (tensor == NULL)
    return NULL;
  data = fw_tensor_get_data (tensor);
  while (done < self->size)
    {
      gssize n
          = pread (self->fd, data + done, self->size - done, (goffset) index * self->size + done);

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
