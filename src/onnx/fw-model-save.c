/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-model-private.h"

/* protobuf's readers take messages up to 2^31 - 1 bytes. */
#define MESSAGE_LIMIT ((guint64) G_MAXINT32)

/* A tensor this small stays in the message: that saves a page of padding for each. */
#define EXTERNAL_MINIMUM 1024
/* So that whoever maps the second file may read numbers in place. */
#define EXTERNAL_ALIGNMENT 4096

#define BUFFER_SIZE (64u << 10)
/* How much is written between two looks at the cancellable. */
#define WRITE_SIZE (4u << 20)

static guint64 save_limit = MESSAGE_LIMIT;

void
fw_model_set_save_limit (guint64 limit)
{
  save_limit = limit > 0 ? limit : MESSAGE_LIMIT;
}

/* A buffer of protobuf-c's that writes to a file. protobuf-c hands over the bytes of a tensor as
 * they lie, so they go from the mapping of one file straight to another. */
typedef struct
{
  ProtobufCBuffer base;
  int fd;
  char *path;
  gboolean created;
  GCancellable *cancellable;
  GError *error; /* once set, the rest is ignored */
  guint64 written;
  gsize n_pending;
  guint8 pending[BUFFER_SIZE];
} Writer;

static void
write_all (Writer *self, const guint8 *data, gsize length)
{
  while (self->error == NULL && length > 0)
    {
      gssize n;

      if (g_cancellable_set_error_if_cancelled (self->cancellable, &self->error))
        return;

      n = write (self->fd, data, MIN (length, WRITE_SIZE));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        {
          fw_error_set_from_errno (&self->error, errno, TRUE, self->path);
          return;
        }
      fw_mapping_let_go (data, n);
      data += n;
      length -= n;
    }
}

static void
writer_flush (Writer *self)
{
  write_all (self, self->pending, self->n_pending);
  self->n_pending = 0;
}

static void
writer_append (ProtobufCBuffer *base, size_t length, const uint8_t *data)
{
  Writer *self = (Writer *) base;

  if (self->error != NULL || length == 0)
    return;

  self->written += length;
  if (length > BUFFER_SIZE - self->n_pending)
    writer_flush (self);
  if (length >= BUFFER_SIZE)
    {
      write_all (self, data, length);
      return;
    }
  memcpy (self->pending + self->n_pending, data, length);
  self->n_pending += length;
}

static Writer *
writer_new (const char *path, GCancellable *cancellable)
{
  Writer *self = g_new0 (Writer, 1);

  self->base.append = writer_append;
  self->path = g_strdup (path);
  self->cancellable = cancellable;
  if (g_cancellable_set_error_if_cancelled (cancellable, &self->error))
    {
      self->fd = -1;
      return self;
    }

  self->fd = g_open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (self->fd < 0)
    fw_error_set_from_errno (&self->error, errno, TRUE, path);
  else
    self->created = TRUE;
  return self;
}

static void
writer_finish (Writer *self)
{
  if (self->fd < 0)
    return;

  writer_flush (self);
  if (self->error == NULL && fsync (self->fd) != 0 && errno != EINVAL)
    fw_error_set_from_errno (&self->error, errno, TRUE, self->path);
  if (close (self->fd) != 0 && errno != EINTR && self->error == NULL)
    fw_error_set_from_errno (&self->error, errno, TRUE, self->path);
  self->fd = -1;
}

static void
writer_discard (Writer *self)
{
  if (self->created)
    g_unlink (self->path);
}

static void
writer_free (Writer *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_clear_error (&self->error);
  g_free (self->path);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Writer, writer_free)

/* So that a new name outlives a power cut too; not all file systems can. */
static void
sync_folder (const char *path)
{
  g_autofree char *folder = g_path_get_dirname (path);
  int fd = g_open (folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);

  if (fd < 0)
    return;
  fsync (fd);
  close (fd);
}

static gboolean
save_message (FwModel *self, Writer *writer)
{
  gsize expected = onnx__model_proto__get_packed_size (self->proto);

  if (expected > MESSAGE_LIMIT)
    {
      g_set_error_literal (&writer->error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                           _ ("The model is too large to be written."));
      return FALSE;
    }

  onnx__model_proto__pack_to_buffer (self->proto, &writer->base);
  writer_finish (writer);
  return writer->error == NULL;
}

/* Tensors in a second file ------------------------------------------------------------------- */

typedef struct
{
  Writer *writer;
  const char *location;
  gboolean initializers_only;
  GPtrArray *tensors; /* those that were moved out */
  GArray *raw_data;   /* ProtobufCBinaryData: what they had */
} Outsourcing;

static void
add_entry (Onnx__TensorProto *tensor, const char *key, const char *value)
{
  fw_proto_append (tensor->external_data, tensor->n_external_data, fw_proto_entry_new (key, value));
}

static void
write_padding (Writer *writer)
{
  static const guint8 zeros[EXTERNAL_ALIGNMENT];
  gsize past = writer->written % EXTERNAL_ALIGNMENT;

  if (past > 0)
    writer_append (&writer->base, EXTERNAL_ALIGNMENT - past, zeros);
}

static gboolean
move_out (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  Outsourcing *outsourcing = user_data;
  g_autofree char *offset = NULL;
  g_autofree char *length = NULL;

  if (!tensor->has_raw_data || tensor->raw_data.len < EXTERNAL_MINIMUM
      || tensor->n_external_data > 0)
    return TRUE;
  /* Not all readers look for a second file elsewhere than in initializers. */
  if ((role != FW_TENSOR_INITIALIZER) == outsourcing->initializers_only)
    return TRUE;

  write_padding (outsourcing->writer);
  offset = g_strdup_printf ("%" G_GUINT64_FORMAT, outsourcing->writer->written);
  length = g_strdup_printf ("%" G_GSIZE_FORMAT, tensor->raw_data.len);
  writer_append (&outsourcing->writer->base, tensor->raw_data.len, tensor->raw_data.data);

  g_ptr_array_add (outsourcing->tensors, tensor);
  g_array_append_val (outsourcing->raw_data, tensor->raw_data);
  tensor->has_raw_data = FALSE;
  tensor->raw_data.data = NULL;
  tensor->raw_data.len = 0;
  add_entry (tensor, "location", outsourcing->location);
  add_entry (tensor, "offset", offset);
  add_entry (tensor, "length", length);
  tensor->has_data_location = TRUE;
  tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
  return TRUE;
}

static void
take_back (Outsourcing *outsourcing)
{
  for (guint i = 0; i < outsourcing->tensors->len; i++)
    {
      Onnx__TensorProto *tensor = g_ptr_array_index (outsourcing->tensors, i);

      tensor->raw_data = g_array_index (outsourcing->raw_data, ProtobufCBinaryData, i);
      tensor->has_raw_data = TRUE;
      tensor->has_data_location = FALSE;
      tensor->data_location = ONNX__TENSOR_PROTO__DATA_LOCATION__DEFAULT;
      for (gsize j = 0; j < tensor->n_external_data; j++)
        onnx__string_string_entry_proto__free_unpacked (tensor->external_data[j], NULL);
      g_clear_pointer (&tensor->external_data, g_free);
      tensor->n_external_data = 0;
    }
}

/* The model changes while it is written, and is as before afterwards. */
static gboolean
save_with_data (FwModel *self, Writer *writer, Writer *data)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();
  g_autoptr (GArray) raw_data = g_array_new (FALSE, FALSE, sizeof (ProtobufCBinaryData));
  g_autofree char *location = g_path_get_basename (data->path);
  Outsourcing outsourcing = { data, location, TRUE, tensors, raw_data };
  gboolean saved = FALSE;

  fw_proto_visit_model (self->proto, move_out, &outsourcing);
  if (onnx__model_proto__get_packed_size (self->proto) > save_limit)
    {
      outsourcing.initializers_only = FALSE;
      fw_proto_visit_model (self->proto, move_out, &outsourcing);
    }
  writer_finish (data);

  if (data->error == NULL)
    saved = save_message (self, writer);
  take_back (&outsourcing);
  return saved;
}

gboolean
fw_model_save (FwModel *self, const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (Writer) writer = writer_new (path, cancellable);
  g_autoptr (Writer) data = NULL;
  gboolean saved = FALSE;

  if (writer->error == NULL && onnx__model_proto__get_packed_size (self->proto) > save_limit)
    {
      g_autofree char *data_path = g_strconcat (path, ".data", NULL);

      data = writer_new (data_path, cancellable);
      if (data->error == NULL)
        saved = save_with_data (self, writer, data);
    }
  else if (writer->error == NULL)
    {
      saved = save_message (self, writer);
    }

  if (!saved)
    {
      GError **cause = data != NULL && data->error != NULL ? &data->error : &writer->error;

      writer_discard (writer);
      if (data != NULL)
        writer_discard (data);
      g_propagate_error (error, g_steal_pointer (cause));
      return FALSE;
    }

  sync_folder (path);
  return TRUE;
}

GBytes *
fw_model_to_bytes (FwModel *self, GError **error)
{
  gsize length = onnx__model_proto__get_packed_size (self->proto);
  guint8 *data;

  if (length > MESSAGE_LIMIT)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                           _ ("The model is too large to be handed over as one piece."));
      return NULL;
    }

  data = g_try_malloc (MAX (length, 1));
  if (data == NULL)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                           _ ("There is not enough memory for a copy of the model."));
      return NULL;
    }

  length = onnx__model_proto__pack (self->proto, data);
  return g_bytes_new_take (data, length);
}
