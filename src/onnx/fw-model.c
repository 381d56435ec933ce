/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-model-private.h"
#include "fw-scanner.h"

FwModel *
fw_model_new_for_proto (Onnx__ModelProto *proto, GPtrArray *holders)
{
  FwModel *self = g_new0 (FwModel, 1);

  g_atomic_ref_count_init (&self->ref_count);
  self->proto = proto;
  self->holders = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  for (guint i = 0; holders != NULL && i < holders->len; i++)
    g_ptr_array_add (self->holders, g_bytes_ref (g_ptr_array_index (holders, i)));
  return self;
}

/* Reading ------------------------------------------------------------------------------------ */

static void
set_scan_error (GError **error,
                const FwScanFailure *failure,
                const guint8 *data,
                gsize length,
                const char *name)
{
  g_autofree char *description = NULL;

  if (failure->kind == FW_SCAN_HOSTILE)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_HOSTILE_MODEL,
                   _ ("“%s” is put together in a way no real model is, and was not opened."), name);
      return;
    }

  description = fw_file_kind_describe (data, length, name);
  if (description != NULL)
    g_set_error_literal (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, description);
  else if (!failure->saw_graph)
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, _ ("“%s” is not an ONNX model."), name);
  else if (failure->kind == FW_SCAN_TRUNCATED)
    g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                 _ ("“%s” is incomplete: its end is missing."), name);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL, _ ("“%s” is damaged."), name);
}

typedef struct
{
  const guint8 *data;
  gsize length;
  gboolean failed;
} Resolution;

/* Lets raw_data point at the bytes that the skeleton refers to. Goes through all tensors even after
 * a failure, so that afterwards none owns its bytes. */
static gboolean
resolve_reference (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  Resolution *resolution = user_data;
  FwScanReference reference = { 0, 0 };

  if (!tensor->has_raw_data)
    return TRUE;

  if (tensor->raw_data.len == sizeof reference)
    memcpy (&reference, tensor->raw_data.data, sizeof reference);
  else
    resolution->failed = TRUE;
  free (tensor->raw_data.data);

  if (reference.offset > resolution->length
      || reference.length > resolution->length - reference.offset)
    {
      resolution->failed = TRUE;
      reference.offset = reference.length = 0;
    }
  tensor->raw_data.data = (guint8 *) resolution->data + reference.offset;
  tensor->raw_data.len = reference.length;
  return TRUE;
}

/* The tree of the message in @data, with tensors that borrow from it. */
static Onnx__ModelProto *
parse (const guint8 *data, gsize length, const char *name, GError **error)
{
  g_autoptr (GByteArray) skeleton = NULL;
  Resolution resolution = { .data = data, .length = length };
  FwScanFailure failure;
  Onnx__ModelProto *proto;

  skeleton = fw_scanner_scan (data, length, &failure);
  if (skeleton == NULL)
    {
      set_scan_error (error, &failure, data, length, name);
      return NULL;
    }

  /* The scanner lets nothing through that protobuf-c refuses, so this can only be memory. */
  proto = onnx__model_proto__unpack (NULL, skeleton->len, skeleton->data);
  if (proto == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                   _ ("There is not enough memory to open “%s”."), name);
      return NULL;
    }

  fw_proto_visit_model (proto, resolve_reference, &resolution);
  if (resolution.failed)
    {
      fw_proto_free_model (proto);
      g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL, _ ("“%s” is damaged."), name);
      return NULL;
    }

  return proto;
}

static gboolean
check_tensor (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  return fw_tensor_proto_check (tensor);
}

static FwModel *
load_bytes (GBytes *bytes, const char *name, const char *folder, GError **error)
{
  g_autoptr (FwModel) self = NULL;
  Onnx__ModelProto *proto;
  const guint8 *data;
  gsize length;

  data = g_bytes_get_data (bytes, &length);
  if (length == 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_EMPTY_FILE, _ ("“%s” is empty."), name);
      return NULL;
    }

  proto = parse (data, length, name, error);
  if (proto == NULL)
    return NULL;

  self = fw_model_new_for_proto (proto, NULL);
  self->file_size = length;
  g_ptr_array_add (self->holders, g_bytes_ref (bytes));

  if (proto->graph == NULL || !proto->has_ir_version)
    {
      g_autofree char *description = fw_file_kind_describe (data, length, name);

      if (description != NULL)
        g_set_error_literal (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, description);
      else
        g_set_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, _ ("“%s” is not an ONNX model."), name);
      return NULL;
    }

  if (!fw_external_data_load (proto, folder, self->holders, &self->file_size, error))
    return NULL;

  if (!fw_proto_has_names (proto) || !fw_proto_visit_model (proto, check_tensor, NULL))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                   _ ("“%s” is damaged: parts of it are missing or do not fit together."), name);
      return NULL;
    }

  return g_steal_pointer (&self);
}

/* The whole of an ordinary file, mapped. A file that is cut short while it is mapped ends whoever
 * reads the missing part with SIGBUS; that is the confined process alone. */
static GBytes *
map_file (const char *path, const char *name, GError **error)
{
  GBytes *mapped = NULL;
  struct stat status;
  int fd;

  /* Without O_NONBLOCK, a pipe under a model's name would block here. */
  fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0 || fstat (fd, &status) != 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      if (fd >= 0)
        g_close (fd, NULL);
      return NULL;
    }

  if (S_ISDIR (status.st_mode))
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, _ ("“%s” is a folder, not a model."), name);
  else if (!S_ISREG (status.st_mode))
    g_set_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL, _ ("“%s” is not an ordinary file."), name);
  else if (status.st_size == 0)
    g_set_error (error, FW_ERROR, FW_ERROR_EMPTY_FILE, _ ("“%s” is empty."), name);
  else
    {
      mapped = fw_mapping_new (fd);
      if (mapped == NULL)
        g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("“%s” could not be read."), name);
    }

  g_close (fd, NULL);
  return mapped;
}

FwModel *
fw_model_load (const char *path, GError **error)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autoptr (GBytes) bytes = NULL;

  bytes = map_file (path, name, error);
  if (bytes == NULL)
    return NULL;

  return load_bytes (bytes, name, folder, error);
}

FwModel *
fw_model_load_bytes (GBytes *bytes, const char *folder, GError **error)
{
  return load_bytes (bytes, _ ("The model"), folder, error);
}

/* Life --------------------------------------------------------------------------------------- */

FwModel *
fw_model_copy (FwModel *self)
{
  Onnx__ModelProto *proto = (Onnx__ModelProto *) fw_proto_copy (&self->proto->base);

  return fw_model_new_for_proto (proto, self->holders);
}

FwModel *
fw_model_ref (FwModel *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
fw_model_unref (FwModel *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->ref_count))
    return;

  fw_proto_free_model (self->proto);
  g_ptr_array_unref (self->holders);
  g_free (self);
}

/* Looking ------------------------------------------------------------------------------------ */

Onnx__ModelProto *
fw_model_get_proto (FwModel *self)
{
  return self->proto;
}

Onnx__GraphProto *
fw_model_get_graph (FwModel *self)
{
  return self->proto->graph;
}

/* ONNX's own domain has two names and may be left out. */
static const char *
normalize_domain (const char *domain)
{
  return domain == NULL || strcmp (domain, "ai.onnx") == 0 ? "" : domain;
}

gint64
fw_model_get_opset (FwModel *self, const char *domain)
{
  for (gsize i = 0; i < self->proto->n_opset_import; i++)
    {
      const Onnx__OperatorSetIdProto *opset = self->proto->opset_import[i];

      if (strcmp (normalize_domain (opset->domain), normalize_domain (domain)) == 0)
        return opset->version;
    }
  return 0;
}

guint64
fw_model_get_size (FwModel *self)
{
  if (self->file_size > 0)
    return self->file_size;
  return onnx__model_proto__get_packed_size (self->proto);
}
