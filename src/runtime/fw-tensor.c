/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-tensor-private.h"

#define ALIGNMENT 64
#define MAX_SIZE (G_GUINT64_CONSTANT (4) << 30)

struct _FwTensor
{
  gatomicrefcount ref_count;
  FwElementType type;
  guint n_dims;
  gint64 dims[FW_TENSOR_MAX_RANK];
  gsize n_elements;
  gsize size;
  gpointer data;
  GDestroyNotify destroy; /* NULL: data is our own */
  gpointer owner;
};

gboolean
fw_tensor_measure (FwElementType type,
                   const gint64 *dims,
                   guint n_dims,
                   gsize *n_elements,
                   gsize *size,
                   GError **error)
{
  guint bits = type == FW_ELEMENT_STRING ? sizeof (char *) * 8 : fw_element_type_get_bits (type);
  guint64 product = 1;
  gboolean is_empty = FALSE;

  if (bits == 0)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("The model works with a kind of number that is not known here."));
      return FALSE;
    }
  if (n_dims > FW_TENSOR_MAX_RANK)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                   _ ("The model works with data of %u dimensions, which is too many."), n_dims);
      return FALSE;
    }

  for (guint i = 0; i < n_dims; i++)
    {
      if (dims[i] < 0)
        {
          g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                               _ ("The model works with data of a negative size."));
          return FALSE;
        }
      if (dims[i] == 0)
        is_empty = TRUE;
    }

  for (guint i = 0; i < n_dims && !is_empty; i++)
    {
      /* The limit in bits fits easily, so that one comparison catches overflow as well. */
      if ((guint64) dims[i] > MAX_SIZE * 8 / bits / product)
        {
          g_set_error_literal (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                               _ ("The model works with more data at once than fits in memory."));
          return FALSE;
        }
      product *= dims[i];
    }

  *n_elements = is_empty ? 0 : product;
  *size = (*n_elements * bits + 7) / 8;
  return TRUE;
}

static FwTensor *
tensor_new_shell (FwElementType type, const gint64 *dims, guint n_dims, GError **error)
{
  FwTensor *self;
  gsize n_elements, size;

  if (!fw_tensor_measure (type, dims, n_dims, &n_elements, &size, error))
    return NULL;

  self = g_new0 (FwTensor, 1);
  g_atomic_ref_count_init (&self->ref_count);
  self->type = type;
  self->n_dims = n_dims;
  if (n_dims > 0)
    memcpy (self->dims, dims, n_dims * sizeof *dims);
  self->n_elements = n_elements;
  self->size = size;
  return self;
}

static FwTensor *
tensor_new_zeroed (FwElementType type, const gint64 *dims, guint n_dims, GError **error)
{
  g_autoptr (FwTensor) self = tensor_new_shell (type, dims, n_dims, error);

  if (self == NULL)
    return NULL;

  if (posix_memalign (&self->data, ALIGNMENT, MAX (self->size, 1)) != 0)
    {
      self->data = NULL;
      g_set_error_literal (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                           _ ("There is not enough memory for the model's data."));
      return NULL;
    }
  memset (self->data, 0, MAX (self->size, 1));
  return g_steal_pointer (&self);
}

FwTensor *
fw_tensor_new (FwElementType type, const gint64 *dims, guint n_dims, GError **error)
{
  g_return_val_if_fail (type != FW_ELEMENT_STRING, NULL);

  return tensor_new_zeroed (type, dims, n_dims, error);
}

FwTensor *
fw_tensor_new_strings (const char *const *strings, const gint64 *dims, guint n_dims, GError **error)
{
  FwTensor *self = tensor_new_zeroed (FW_ELEMENT_STRING, dims, n_dims, error);
  char **copies;

  if (self == NULL)
    return NULL;

  copies = self->data;
  for (gsize i = 0; i < self->n_elements; i++)
    copies[i] = g_strdup (strings[i] != NULL ? strings[i] : "");
  return self;
}

FwTensor *
fw_tensor_new_foreign (FwElementType type,
                       const gint64 *dims,
                       guint n_dims,
                       gpointer data,
                       GDestroyNotify destroy,
                       gpointer owner,
                       GError **error)
{
  FwTensor *self = tensor_new_shell (type, dims, n_dims, error);

  g_assert (destroy != NULL && type != FW_ELEMENT_STRING);
  g_assert ((guintptr) data % ALIGNMENT == 0);

  if (self == NULL)
    return NULL;
  self->data = data;
  self->destroy = destroy;
  self->owner = owner;
  return self;
}

static void
release_nothing (gpointer owner)
{
}

FwTensor *
fw_tensor_new_view (FwElementType type,
                    const gint64 *dims,
                    gsize n_dims,
                    gconstpointer data,
                    GError **error)
{
  FwTensor *self = tensor_new_shell (type, dims, (guint) MIN (n_dims, G_MAXUINT), error);

  if (self == NULL)
    return NULL;
  self->data = (gpointer) data;
  self->destroy = release_nothing;
  return self;
}

FwTensor *
fw_tensor_ref (FwTensor *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
fw_tensor_unref (FwTensor *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  if (self->type == FW_ELEMENT_STRING && self->data != NULL)
    {
      char **strings = self->data;

      for (gsize i = 0; i < self->n_elements; i++)
        g_free (strings[i]);
    }
  if (self->destroy != NULL)
    self->destroy (self->owner);
  else
    free (self->data);
  g_free (self);
}

FwElementType
fw_tensor_get_element_type (const FwTensor *self)
{
  return self->type;
}

guint
fw_tensor_get_n_dims (const FwTensor *self)
{
  return self->n_dims;
}

const gint64 *
fw_tensor_get_dims (const FwTensor *self)
{
  return self->dims;
}

gsize
fw_tensor_get_n_elements (const FwTensor *self)
{
  return self->n_elements;
}

gsize
fw_tensor_get_size (const FwTensor *self)
{
  return self->size;
}

gpointer
fw_tensor_get_data (FwTensor *self)
{
  return self->data;
}

/* Messages ----------------------------------------------------------------------------------- */

static gboolean
copy_narrowed (FwTensor *self, const Onnx__TensorProto *proto)
{
  guint bits = fw_element_type_get_bits (self->type);
  /* Two 4-bit elements share one byte, and so one entry. */
  gsize n = bits < 8 ? self->size : self->n_elements;

  if (proto->n_int32_data != n)
    return FALSE;
  for (gsize i = 0; i < n; i++)
    {
      if (bits == 32)
        ((gint32 *) self->data)[i] = proto->int32_data[i];
      else if (bits == 16)
        ((guint16 *) self->data)[i] = (guint16) proto->int32_data[i];
      else
        ((guint8 *) self->data)[i] = (guint8) proto->int32_data[i];
    }
  return TRUE;
}

static gboolean
copy_wide (FwTensor *self, gsize n_entries, gconstpointer entries, gsize entry_size)
{
  if (n_entries * entry_size != self->size)
    return FALSE;
  if (self->size > 0)
    memcpy (self->data, entries, self->size);
  return TRUE;
}

static gboolean
copy_unsigned (FwTensor *self, const Onnx__TensorProto *proto)
{
  if (self->type == FW_ELEMENT_UINT64)
    return copy_wide (self, proto->n_uint64_data, proto->uint64_data, 8);
  if (proto->n_uint64_data != self->n_elements)
    return FALSE;
  for (gsize i = 0; i < self->n_elements; i++)
    ((guint32 *) self->data)[i] = (guint32) proto->uint64_data[i];
  return TRUE;
}

static gboolean
copy_strings (FwTensor *self, const Onnx__TensorProto *proto)
{
  char **strings = self->data;

  if (proto->n_string_data != self->n_elements)
    return FALSE;
  for (gsize i = 0; i < self->n_elements; i++)
    {
      const ProtobufCBinaryData *string = &proto->string_data[i];

      /* An empty one has no bytes to point to. */
      strings[i]
          = string->len > 0 ? g_strndup ((const char *) string->data, string->len) : g_strdup ("");
    }
  return TRUE;
}

static gboolean
copy_typed (FwTensor *self, const Onnx__TensorProto *proto)
{
  switch (self->type)
    {
    case FW_ELEMENT_FLOAT:
    case FW_ELEMENT_COMPLEX64:
      return copy_wide (self, proto->n_float_data, proto->float_data, 4);
    case FW_ELEMENT_DOUBLE:
    case FW_ELEMENT_COMPLEX128:
      return copy_wide (self, proto->n_double_data, proto->double_data, 8);
    case FW_ELEMENT_INT64:
      return copy_wide (self, proto->n_int64_data, proto->int64_data, 8);
    case FW_ELEMENT_UINT32:
    case FW_ELEMENT_UINT64:
      return copy_unsigned (self, proto);
    case FW_ELEMENT_STRING:
      return copy_strings (self, proto);
    default:
      return copy_narrowed (self, proto);
    }
}

FwTensor *
fw_tensor_new_from_proto (const Onnx__TensorProto *proto, GError **error)
{
  g_autoptr (FwTensor) self = NULL;
  gboolean is_whole;

  self = tensor_new_zeroed (proto->has_data_type ? (FwElementType) proto->data_type
                                                 : FW_ELEMENT_UNDEFINED,
                            proto->dims, (guint) MIN (proto->n_dims, G_MAXUINT), error);
  if (self == NULL)
    return NULL;

  if (proto->has_raw_data && self->type != FW_ELEMENT_STRING)
    is_whole = copy_wide (self, proto->raw_data.len, proto->raw_data.data, 1);
  else
    is_whole = copy_typed (self, proto);

  if (!is_whole)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                           _ ("Some data is shorter or longer than it says it is."));
      return NULL;
    }
  if (self->type == FW_ELEMENT_BOOL)
    for (gsize i = 0; i < self->n_elements; i++)
      ((guint8 *) self->data)[i] = ((guint8 *) self->data)[i] != 0;
  return g_steal_pointer (&self);
}

/* Floats ------------------------------------------------------------------------------------- */

static float
half_to_float (guint16 half)
{
  guint32 sign = (guint32) (half & 0x8000) << 16;
  guint32 exponent = (half >> 10) & 0x1f;
  guint32 mantissa = half & 0x3ff;
  guint32 bits;
  float value;

  if (exponent == 0)
    {
      value = mantissa * 0x1.0p-24f;
      return sign != 0 ? -value : value;
    }
  if (exponent == 31)
    bits = sign | 0x7f800000 | mantissa << 13;
  else
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  memcpy (&value, &bits, sizeof value);
  return value;
}

#define CONVERT(type)                                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const type *values = self->data;                                                               \
    for (gsize i = 0; i < self->n_elements; i++)                                                   \
      floats[i] = (float) values[i];                                                               \
  }                                                                                                \
  G_STMT_END

static gboolean
convert_to_floats (const FwTensor *self, float *floats)
{
  switch (self->type)
    {
    case FW_ELEMENT_FLOAT:
      CONVERT (float);
      return TRUE;
    case FW_ELEMENT_DOUBLE:
      CONVERT (double);
      return TRUE;
    case FW_ELEMENT_FLOAT16:
      for (gsize i = 0; i < self->n_elements; i++)
        floats[i] = half_to_float (((const guint16 *) self->data)[i]);
      return TRUE;
    case FW_ELEMENT_BOOL:
    case FW_ELEMENT_UINT8:
      CONVERT (guint8);
      return TRUE;
    case FW_ELEMENT_INT8:
      CONVERT (gint8);
      return TRUE;
    case FW_ELEMENT_UINT16:
      CONVERT (guint16);
      return TRUE;
    case FW_ELEMENT_INT16:
      CONVERT (gint16);
      return TRUE;
    case FW_ELEMENT_UINT32:
      CONVERT (guint32);
      return TRUE;
    case FW_ELEMENT_INT32:
      CONVERT (gint32);
      return TRUE;
    case FW_ELEMENT_UINT64:
      CONVERT (guint64);
      return TRUE;
    case FW_ELEMENT_INT64:
      CONVERT (gint64);
      return TRUE;
    default:
      return FALSE;
    }
}

float *
fw_tensor_to_floats (const FwTensor *self)
{
  g_autofree float *floats = g_try_new (float, MAX (self->n_elements, 1));

  if (floats == NULL || !convert_to_floats (self, floats))
    return NULL;
  return g_steal_pointer (&floats);
}

guint16
fw_float_to_half (float value)
{
  union
  {
    float value;
    guint32 bits;
  } in = { value };
  const guint16 sign = in.bits >> 16 & 0x8000;
  const double magnitude = fabs ((double) value);
  int exponent;

  if (isnan (value))
    return sign | 0x7e00;
  if (magnitude >= 65520.0)
    return sign | 0x7c00;
  if (magnitude < 0x1p-14)
    return sign | (guint16) rint (magnitude * 0x1p24);
  frexp (magnitude, &exponent);
  /* The mantissa, 1024 to 2048, carries into the exponent by plain addition. */
  return sign | (guint16) ((exponent + 13) * 1024 + (int) rint (ldexp (magnitude, 11 - exponent)));
}
