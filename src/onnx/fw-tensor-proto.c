/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-mapping.h"
#include "fw-model-private.h"

/* Bytes of tensors are little-endian in files, and are read in place. */
G_STATIC_ASSERT (G_BYTE_ORDER == G_LITTLE_ENDIAN);

static const struct
{
  const char *name;
  guint bits;
} element_types[] = {
  { "undefined", 0 },      { "float32", 32 },     { "uint8", 8 },          { "int8", 8 },
  { "uint16", 16 },        { "int16", 16 },       { "int32", 32 },         { "int64", 64 },
  { "string", 0 },         { "bool", 8 },         { "float16", 16 },       { "float64", 64 },
  { "uint32", 32 },        { "uint64", 64 },      { "complex64", 64 },     { "complex128", 128 },
  { "bfloat16", 16 },      { "float8e4m3fn", 8 }, { "float8e4m3fnuz", 8 }, { "float8e5m2", 8 },
  { "float8e5m2fnuz", 8 }, { "uint4", 4 },        { "int4", 4 },           { "float4e2m1", 4 },
};

guint
fw_element_type_get_bits (FwElementType type)
{
  return (guint) type < G_N_ELEMENTS (element_types) ? element_types[type].bits : 0;
}

const char *
fw_element_type_get_name (FwElementType type)
{
  return (guint) type < G_N_ELEMENTS (element_types) ? element_types[type].name : "unknown";
}

guint64
fw_tensor_proto_get_n_elements (const Onnx__TensorProto *tensor)
{
  guint64 n = 1;

  for (gsize i = 0; i < tensor->n_dims; i++)
    n *= tensor->dims[i];
  return n;
}

/* As fw_tensor_proto_get_n_elements(), but believes nothing. A zero among the dims does not excuse
 * the others: products of some of them are taken elsewhere. */
static gboolean
count_elements (const Onnx__TensorProto *tensor, guint64 *n_elements)
{
  guint64 product = 1;
  gboolean empty = FALSE;

  for (gsize i = 0; i < tensor->n_dims; i++)
    {
      if (tensor->dims[i] < 0)
        return FALSE;
      if (tensor->dims[i] == 0)
        empty = TRUE;
      else if (!g_uint64_checked_mul (&product, product, tensor->dims[i])
               || product > G_MAXINT64 / 128)
        return FALSE;
    }

  *n_elements = empty ? 0 : product;
  return TRUE;
}

gboolean
fw_tensor_proto_get_n_bytes (const Onnx__TensorProto *tensor, guint64 *n_bytes)
{
  guint bits = fw_element_type_get_bits (tensor->data_type);
  guint64 n;

  if (bits == 0 || !count_elements (tensor, &n))
    return FALSE;
  *n_bytes = (n * bits + 7) / 8;
  return TRUE;
}

/* How many numbers or strings the typed field for this element type holds, and should. */
static gboolean
has_typed_data (const Onnx__TensorProto *tensor, guint64 n)
{
  switch ((FwElementType) tensor->data_type)
    {
    case FW_ELEMENT_FLOAT:
      return tensor->n_float_data >= n;
    case FW_ELEMENT_COMPLEX64:
      return tensor->n_float_data >= 2 * n;
    case FW_ELEMENT_DOUBLE:
      return tensor->n_double_data >= n;
    case FW_ELEMENT_COMPLEX128:
      return tensor->n_double_data >= 2 * n;
    case FW_ELEMENT_INT64:
      return tensor->n_int64_data >= n;
    case FW_ELEMENT_UINT32:
    case FW_ELEMENT_UINT64:
      return tensor->n_uint64_data >= n;
    case FW_ELEMENT_STRING:
      return tensor->n_string_data >= n;
    case FW_ELEMENT_UINT8:
    case FW_ELEMENT_INT8:
    case FW_ELEMENT_UINT16:
    case FW_ELEMENT_INT16:
    case FW_ELEMENT_INT32:
    case FW_ELEMENT_BOOL:
    case FW_ELEMENT_FLOAT16:
    case FW_ELEMENT_BFLOAT16:
      return tensor->n_int32_data >= n;
    case FW_ELEMENT_UNDEFINED:
    case FW_ELEMENT_FLOAT8E4M3FN:
    case FW_ELEMENT_FLOAT8E5M2FNUZ:
    case FW_ELEMENT_UINT4:
    case FW_ELEMENT_INT4:
    default:
      /* Newer types share int32_data: one number for one byte. */
      return tensor->n_int32_data >= (n * fw_element_type_get_bits (tensor->data_type) + 7) / 8;
    }
}

gboolean
fw_tensor_proto_check (const Onnx__TensorProto *tensor)
{
  guint64 n, n_bytes;

  if (!count_elements (tensor, &n))
    return FALSE;

  /* Elements of unknown size can't be counted, and are never looked at either. */
  if (tensor->data_type != FW_ELEMENT_STRING && fw_element_type_get_bits (tensor->data_type) == 0)
    return TRUE;

  if (tensor->has_raw_data && tensor->data_type != FW_ELEMENT_STRING)
    return fw_tensor_proto_get_n_bytes (tensor, &n_bytes) && tensor->raw_data.len >= n_bytes;

  return has_typed_data (tensor, n);
}

/* Conversions -------------------------------------------------------------------------------- */

static float
half_to_float (guint16 half)
{
  guint exponent = half >> 10 & 0x1f;
  guint mantissa = half & 0x3ff;
  float value;

  if (exponent == 0)
    value = ldexpf (mantissa, -24);
  else if (exponent == 0x1f)
    value = mantissa == 0 ? INFINITY : NAN;
  else
    value = ldexpf (mantissa | 0x400, (int) exponent - 25);
  return half & 0x8000 ? -value : value;
}

static float
bfloat_to_float (guint16 bfloat)
{
  guint32 bits = (guint32) bfloat << 16;
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* P. Micikevicius et al., FP8 Formats for Deep Learning, 2022; the "fnuz" kinds have no infinity,
 * no negative zero, one NaN, and a bias one higher. */
static float
float8_to_float (guint8 bits, guint mantissa_bits, gboolean has_infinity, gboolean fnuz)
{
  guint exponent = (bits & 0x7f) >> mantissa_bits;
  guint mantissa = bits & ((1u << mantissa_bits) - 1);
  guint top = 0x7f >> mantissa_bits;
  int bias = (1 << (6 - mantissa_bits)) - (fnuz ? 0 : 1);
  float value;

  if (fnuz && bits == 0x80)
    return NAN;
  if (!fnuz && has_infinity && exponent == top)
    value = mantissa == 0 ? INFINITY : NAN;
  else if (!fnuz && !has_infinity && (bits & 0x7f) == 0x7f)
    value = NAN;
  else if (exponent == 0)
    value = ldexpf (mantissa, 1 - bias - (int) mantissa_bits);
  else
    value = ldexpf (mantissa | 1u << mantissa_bits, (int) exponent - bias - (int) mantissa_bits);
  return bits & 0x80 ? -value : value;
}

/* Element @index of a typed field, in the bit pattern that raw data would have. */
static guint64
get_typed_bits (const Onnx__TensorProto *tensor, gsize index)
{
  guint64 bits = 0;

  switch ((FwElementType) tensor->data_type)
    {
    case FW_ELEMENT_FLOAT:
      memcpy (&bits, &tensor->float_data[index], sizeof (float));
      return bits;
    case FW_ELEMENT_DOUBLE:
      memcpy (&bits, &tensor->double_data[index], sizeof (double));
      return bits;
    case FW_ELEMENT_INT64:
      return tensor->int64_data[index];
    case FW_ELEMENT_UINT32:
    case FW_ELEMENT_UINT64:
      return tensor->uint64_data[index];
    default:
      return (guint32) tensor->int32_data[index];
    }
}

static guint64
get_bits (const Onnx__TensorProto *tensor, gsize index)
{
  gsize size = fw_element_type_get_bits (tensor->data_type) / 8;
  guint64 bits = 0;

  if (!tensor->has_raw_data)
    return get_typed_bits (tensor, index);

  /* raw_data lies anywhere in a file: it is rarely aligned. */
  memcpy (&bits, tensor->raw_data.data + index * size, size);
  return bits;
}

static gboolean
bits_to_int (FwElementType type, guint64 bits, gint64 *value)
{
  switch ((guint) type)
    {
    case FW_ELEMENT_BOOL:
      *value = (guint8) bits != 0;
      return TRUE;
    case FW_ELEMENT_UINT8:
      *value = (guint8) bits;
      return TRUE;
    case FW_ELEMENT_INT8:
      *value = (gint8) bits;
      return TRUE;
    case FW_ELEMENT_UINT16:
      *value = (guint16) bits;
      return TRUE;
    case FW_ELEMENT_INT16:
      *value = (gint16) bits;
      return TRUE;
    case FW_ELEMENT_UINT32:
      *value = (guint32) bits;
      return TRUE;
    case FW_ELEMENT_INT32:
      *value = (gint32) bits;
      return TRUE;
    case FW_ELEMENT_UINT64:
    case FW_ELEMENT_INT64:
      *value = (gint64) bits;
      return TRUE;
    default:
      return FALSE;
    }
}

static gboolean
bits_to_float (FwElementType type, guint64 bits, float *value)
{
  guint32 low = bits;
  double number;
  gint64 integer;

  switch ((guint) type)
    {
    case FW_ELEMENT_FLOAT:
      memcpy (value, &low, sizeof *value);
      return TRUE;
    case FW_ELEMENT_DOUBLE:
      memcpy (&number, &bits, sizeof number);
      /* Beyond float's range the cast would be undefined. */
      *value = fabs (number) > G_MAXFLOAT ? copysignf (INFINITY, number) : (float) number;
      return TRUE;
    case FW_ELEMENT_FLOAT16:
      *value = half_to_float (bits);
      return TRUE;
    case FW_ELEMENT_BFLOAT16:
      *value = bfloat_to_float (bits);
      return TRUE;
    case FW_ELEMENT_FLOAT8E4M3FN:
    case FW_ELEMENT_FLOAT8E4M3FN + 1:
      *value = float8_to_float (bits, 3, FALSE, type != FW_ELEMENT_FLOAT8E4M3FN);
      return TRUE;
    case FW_ELEMENT_FLOAT8E5M2FNUZ - 1:
    case FW_ELEMENT_FLOAT8E5M2FNUZ:
      *value = float8_to_float (bits, 2, TRUE, type == FW_ELEMENT_FLOAT8E5M2FNUZ);
      return TRUE;
    case FW_ELEMENT_UINT64:
      *value = (float) bits;
      return TRUE;
    default:
      if (!bits_to_int (type, bits, &integer))
        return FALSE;
      *value = (float) integer;
      return TRUE;
    }
}

/* The check is made again: a tensor may have been edited since it was loaded. */
static gboolean
get_readable_length (const Onnx__TensorProto *tensor, gsize *n)
{
  if (!fw_tensor_proto_check (tensor) || fw_element_type_get_bits (tensor->data_type) < 8)
    return FALSE;
  *n = fw_tensor_proto_get_n_elements (tensor);
  return TRUE;
}

float *
fw_tensor_proto_to_floats (const Onnx__TensorProto *tensor)
{
  g_autofree float *values = NULL;
  FwElementType type = tensor->data_type;
  float probe;
  gsize n;

  if (!get_readable_length (tensor, &n) || !bits_to_float (type, 0, &probe))
    return NULL;

  values = g_try_new (float, MAX (n, 1));
  if (values == NULL)
    return NULL;

  if (type == FW_ELEMENT_FLOAT && n > 0)
    memcpy (values,
            tensor->has_raw_data ? (gconstpointer) tensor->raw_data.data : tensor->float_data,
            n * sizeof (float));
  else
    for (gsize i = 0; i < n; i++)
      bits_to_float (type, get_bits (tensor, i), &values[i]);

  if (tensor->has_raw_data)
    fw_mapping_let_go (tensor->raw_data.data, tensor->raw_data.len);
  return g_steal_pointer (&values);
}

gint64 *
fw_tensor_proto_to_ints (const Onnx__TensorProto *tensor)
{
  g_autofree gint64 *values = NULL;
  gint64 probe;
  gsize n;

  if (!get_readable_length (tensor, &n) || !bits_to_int (tensor->data_type, 0, &probe))
    return NULL;

  values = g_try_new (gint64, MAX (n, 1));
  if (values == NULL)
    return NULL;

  for (gsize i = 0; i < n; i++)
    bits_to_int (tensor->data_type, get_bits (tensor, i), &values[i]);
  return g_steal_pointer (&values);
}
