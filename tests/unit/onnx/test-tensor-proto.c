/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-error.h"
#include "fw-model-private.h"
#include "fw-test-wire.h"

/* A tensor of shape [@n] with @data as raw bytes, on the stack. */
#define RAW_TENSOR(name, type, n, content)                                                         \
  gint64 name##_dims[] = { n };                                                                    \
  Onnx__TensorProto name = ONNX__TENSOR_PROTO__INIT;                                               \
  name.n_dims = 1;                                                                                 \
  name.dims = name##_dims;                                                                         \
  name.data_type = type;                                                                           \
  name.has_raw_data = TRUE;                                                                        \
  name.raw_data.data = (guint8 *) content;                                                         \
  name.raw_data.len = sizeof content

static void
test_types (void)
{
  g_assert_cmpuint (fw_element_type_get_bits (FW_ELEMENT_FLOAT), ==, 32);
  g_assert_cmpuint (fw_element_type_get_bits (FW_ELEMENT_BOOL), ==, 8);
  g_assert_cmpuint (fw_element_type_get_bits (FW_ELEMENT_INT4), ==, 4);
  g_assert_cmpuint (fw_element_type_get_bits (FW_ELEMENT_COMPLEX128), ==, 128);
  g_assert_cmpuint (fw_element_type_get_bits (FW_ELEMENT_STRING), ==, 0);
  g_assert_cmpuint (fw_element_type_get_bits (1000), ==, 0);
  g_assert_cmpuint (fw_element_type_get_bits (-1), ==, 0);
  g_assert_cmpstr (fw_element_type_get_name (FW_ELEMENT_FLOAT), ==, "float32");
  g_assert_cmpstr (fw_element_type_get_name (FW_ELEMENT_BFLOAT16), ==, "bfloat16");
  g_assert_cmpstr (fw_element_type_get_name (FW_ELEMENT_INT4), ==, "int4");
  g_assert_cmpstr (fw_element_type_get_name (1000), ==, "unknown");
  g_assert_cmpstr (fw_element_type_get_name (-1), ==, "unknown");
}

static void
test_float16 (void)
{
  static const guint16 bits[]
      = { 0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0001, 0x03ff, 0x7c00, 0xfc00, 0x7e00 };
  static const float expected[]
      = { 0,        -0.0f,     1,  -2, 65504, 5.960464477539063e-08f, 6.097555160522461e-05f,
          INFINITY, -INFINITY, NAN };
  RAW_TENSOR (tensor, FW_ELEMENT_FLOAT16, G_N_ELEMENTS (bits), bits);
  g_autofree float *values = fw_tensor_proto_to_floats (&tensor);

  for (guint i = 0; i + 1 < G_N_ELEMENTS (bits); i++)
    g_assert_cmpfloat (values[i], ==, expected[i]);
  g_assert_true (signbit (values[1]));
  g_assert_true (isnan (values[G_N_ELEMENTS (bits) - 1]));
}

static void
test_bfloat16 (void)
{
  static const guint16 bits[] = { 0x3f80, 0xc000, 0x7f80, 0x0000 };
  RAW_TENSOR (tensor, FW_ELEMENT_BFLOAT16, 4, bits);
  g_autofree float *values = fw_tensor_proto_to_floats (&tensor);

  g_assert_cmpfloat (values[0], ==, 1);
  g_assert_cmpfloat (values[1], ==, -2);
  g_assert_cmpfloat (values[2], ==, INFINITY);
  g_assert_cmpfloat (values[3], ==, 0);
}

static void
test_float8 (void)
{
  static const guint8 e4m3fn[] = { 0x38, 0x7e, 0x7f, 0x01, 0xb8 };
  static const guint8 e4m3fnuz[] = { 0x40, 0x7f, 0x80, 0x01 };
  static const guint8 e5m2[] = { 0x3c, 0x7b, 0x7c, 0x7d, 0x01 };
  static const guint8 e5m2fnuz[] = { 0x40, 0x7f, 0x80, 0x01 };
  RAW_TENSOR (first, FW_ELEMENT_FLOAT8E4M3FN, 5, e4m3fn);
  RAW_TENSOR (second, 18, 4, e4m3fnuz);
  RAW_TENSOR (third, 19, 5, e5m2);
  RAW_TENSOR (fourth, FW_ELEMENT_FLOAT8E5M2FNUZ, 4, e5m2fnuz);
  g_autofree float *a = fw_tensor_proto_to_floats (&first);
  g_autofree float *b = fw_tensor_proto_to_floats (&second);
  g_autofree float *c = fw_tensor_proto_to_floats (&third);
  g_autofree float *d = fw_tensor_proto_to_floats (&fourth);

  g_assert_cmpfloat (a[0], ==, 1);
  g_assert_cmpfloat (a[1], ==, 448);
  g_assert_true (isnan (a[2]));
  g_assert_cmpfloat (a[3], ==, ldexpf (1, -9));
  g_assert_cmpfloat (a[4], ==, -1);
  g_assert_cmpfloat (b[0], ==, 1);
  g_assert_cmpfloat (b[1], ==, 240);
  g_assert_true (isnan (b[2]));
  g_assert_cmpfloat (b[3], ==, ldexpf (1, -10));
  g_assert_cmpfloat (c[0], ==, 1);
  g_assert_cmpfloat (c[1], ==, 57344);
  g_assert_cmpfloat (c[2], ==, INFINITY);
  g_assert_true (isnan (c[3]));
  g_assert_cmpfloat (c[4], ==, ldexpf (1, -16));
  g_assert_cmpfloat (d[0], ==, 1);
  g_assert_cmpfloat (d[1], ==, 57344);
  g_assert_true (isnan (d[2]));
  g_assert_cmpfloat (d[3], ==, ldexpf (1, -17));
}

static void
test_doubles (void)
{
  static const double data[] = { 1.5, 1e300, -1e300, 1e-300 };
  RAW_TENSOR (tensor, FW_ELEMENT_DOUBLE, 4, data);
  g_autofree float *values = fw_tensor_proto_to_floats (&tensor);

  g_assert_cmpfloat (values[0], ==, 1.5f);
  g_assert_cmpfloat (values[1], ==, INFINITY);
  g_assert_cmpfloat (values[2], ==, -INFINITY);
  g_assert_cmpfloat (values[3], ==, 0);
}

static void
test_ints (void)
{
  static const guint8 bytes[] = { 0, 1, 127, 128, 255 };
  static const guint64 wide[] = { 0, G_MAXUINT64 };
  RAW_TENSOR (tensor, FW_ELEMENT_INT8, 5, bytes);
  RAW_TENSOR (large, FW_ELEMENT_UINT64, 2, wide);
  g_autofree gint64 *values = fw_tensor_proto_to_ints (&tensor);
  g_autofree float *floats = NULL;
  g_autofree gint64 *unsigned_values = NULL;
  g_autofree gint64 *booleans = NULL;

  g_assert_cmpint (values[2], ==, 127);
  g_assert_cmpint (values[3], ==, -128);
  g_assert_cmpint (values[4], ==, -1);
  tensor.data_type = FW_ELEMENT_UINT8;
  unsigned_values = fw_tensor_proto_to_ints (&tensor);
  g_assert_cmpint (unsigned_values[4], ==, 255);
  tensor.data_type = FW_ELEMENT_BOOL;
  booleans = fw_tensor_proto_to_ints (&tensor);
  g_assert_cmpint (booleans[0], ==, 0);
  g_assert_cmpint (booleans[4], ==, 1);

  floats = fw_tensor_proto_to_floats (&large);
  g_assert_cmpfloat (floats[1], ==, 18446744073709551616.0f);
}

/* Typed fields hold the bit patterns of small types in 32 bits. */
static void
test_typed (void)
{
  gint64 dims[] = { 3 };
  gint32 numbers[] = { 0x3c00, -1, 0xc000 };
  Onnx__TensorProto tensor = ONNX__TENSOR_PROTO__INIT;
  g_autofree float *halves = NULL;
  g_autofree gint64 *ints = NULL;

  tensor.n_dims = 1;
  tensor.dims = dims;
  tensor.n_int32_data = 3;
  tensor.int32_data = numbers;
  tensor.data_type = FW_ELEMENT_FLOAT16;
  halves = fw_tensor_proto_to_floats (&tensor);
  g_assert_cmpfloat (halves[0], ==, 1);
  g_assert_cmpfloat (halves[2], ==, -2);
  tensor.data_type = FW_ELEMENT_INT32;
  ints = fw_tensor_proto_to_ints (&tensor);
  g_assert_cmpint (ints[1], ==, -1);
  tensor.data_type = FW_ELEMENT_INT64;
  g_assert_null (fw_tensor_proto_to_ints (&tensor));
}

static void
test_refused (void)
{
  static const guint8 bytes[16];
  RAW_TENSOR (tensor, FW_ELEMENT_COMPLEX64, 2, bytes);
  RAW_TENSOR (packed, FW_ELEMENT_INT4, 32, bytes);
  RAW_TENSOR (strange, 1000, 2, bytes);
  RAW_TENSOR (text, FW_ELEMENT_STRING, 2, bytes);
  RAW_TENSOR (floating, FW_ELEMENT_FLOAT, 4, bytes);

  g_assert_null (fw_tensor_proto_to_floats (&tensor));
  g_assert_null (fw_tensor_proto_to_floats (&packed));
  g_assert_null (fw_tensor_proto_to_floats (&strange));
  g_assert_null (fw_tensor_proto_to_floats (&text));
  g_assert_null (fw_tensor_proto_to_ints (&floating));

  /* Edited after loading, and now too short. */
  floating_dims[0] = 5;
  g_assert_null (fw_tensor_proto_to_floats (&floating));
}

static void
test_scalar_and_empty (void)
{
  static const float one[] = { 42 };
  RAW_TENSOR (tensor, FW_ELEMENT_FLOAT, 0, one);
  g_autofree float *nothing = fw_tensor_proto_to_floats (&tensor);
  g_autofree float *scalar = NULL;

  g_assert_nonnull (nothing);
  g_assert_cmpuint (fw_tensor_proto_get_n_elements (&tensor), ==, 0);
  tensor.n_dims = 0;
  g_assert_cmpuint (fw_tensor_proto_get_n_elements (&tensor), ==, 1);
  scalar = fw_tensor_proto_to_floats (&tensor);
  g_assert_cmpfloat (scalar[0], ==, 42);
}

/* Shapes as a file may have them: which are let in. */
static void
test_shapes (void)
{
  static const struct
  {
    guint type;
    gint64 dims[3];
    gsize length;
    gboolean good;
  } cases[] = {
    { 1, { 2, 2, 1 }, 16, TRUE },
    { 1, { 2, 2, 1 }, 15, FALSE },
    { 1, { 2, 2, 1 }, 0, FALSE },
    { 1, { 0, 2, 2 }, 0, TRUE },
    { 1, { -1, 2, 2 }, 16, FALSE },
    { 1, { -1, -4, 1 }, 16, FALSE },
    { 1, { G_MININT64, 1, 1 }, 16, FALSE },
    { 1, { G_MAXINT64, 1, 1 }, 16, FALSE },
    { 1, { G_GINT64_CONSTANT (1) << 32, G_GINT64_CONSTANT (1) << 32, 1 }, 16, FALSE },
    { 1, { G_GINT64_CONSTANT (1) << 62, 1, 1 }, 16, FALSE },
    { 1, { 0, G_MAXINT64, G_MAXINT64 }, 16, FALSE },
    { 22, { 3, 1, 1 }, 2, TRUE },
    { 22, { 3, 1, 1 }, 1, FALSE },
    { 16, { 3, 1, 1 }, 6, TRUE },
    { 17, { 3, 1, 1 }, 2, FALSE },
    { 15, { 1, 1, 1 }, 15, FALSE },
    { 8, { 3, 1, 1 }, 16, FALSE },
    { 999, { 3, 1, 1 }, 1, TRUE },
    { 999, { -3, 1, 1 }, 1, FALSE },
  };
  static const guint8 zeros[16];

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      GByteArray *tensor = wire_tensor ("t", cases[i].type, cases[i].dims, 3);
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (FwModel) model = NULL;
      g_autoptr (GError) error = NULL;

      wire_bytes (tensor, 9, zeros, cases[i].length);
      bytes = wire_model (wire_graph_of_tensor (tensor));
      model = fw_model_load_bytes (bytes, NULL, &error);
      g_test_message ("case %u", i);
      if (cases[i].good)
        g_assert_no_error (error);
      else
        g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
    }
}

/* Numbers of types that no header knows come through. */
static void
test_unknown_type (void)
{
  const gint64 dims[] = { 2 };
  GByteArray *tensor = wire_tensor ("t", 12345, dims, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) again = NULL;

  wire_bytes (tensor, 9, "abc", 3);
  bytes = wire_model (wire_graph_of_tensor (tensor));
  model = fw_model_load_bytes (bytes, NULL, NULL);
  saved = fw_model_to_bytes (model, NULL);
  again = fw_model_load_bytes (saved, NULL, NULL);
  g_assert_cmpint (fw_model_find_initializer (again, "t")->data_type, ==, 12345);
  g_assert_cmpmem (fw_model_find_initializer (again, "t")->raw_data.data, 3, "abc", 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/tensor-proto/types", test_types);
  g_test_add_func ("/tensor-proto/float16", test_float16);
  g_test_add_func ("/tensor-proto/bfloat16", test_bfloat16);
  g_test_add_func ("/tensor-proto/float8", test_float8);
  g_test_add_func ("/tensor-proto/doubles", test_doubles);
  g_test_add_func ("/tensor-proto/ints", test_ints);
  g_test_add_func ("/tensor-proto/typed", test_typed);
  g_test_add_func ("/tensor-proto/refused", test_refused);
  g_test_add_func ("/tensor-proto/scalar-and-empty", test_scalar_and_empty);
  g_test_add_func ("/tensor-proto/shapes", test_shapes);
  g_test_add_func ("/tensor-proto/unknown-type", test_unknown_type);

  return g_test_run ();
}
