/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-tensor.h"
#include "fw-value.h"

static void
test_new (void)
{
  const gint64 dims[] = { 2, 3, 5 };
  g_autoptr (FwTensor) tensor = fw_tensor_new (FW_ELEMENT_INT16, dims, 3, NULL);
  g_autoptr (FwTensor) scalar = fw_tensor_new (FW_ELEMENT_DOUBLE, NULL, 0, NULL);
  g_autoptr (FwTensor) empty
      = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ G_MAXINT64, 0, G_MAXINT64 }, 3, NULL);
  g_autoptr (FwTensor) nibbles = fw_tensor_new (FW_ELEMENT_INT4, (gint64[]){ 7 }, 1, NULL);

  g_assert_cmpuint (fw_tensor_get_n_elements (tensor), ==, 30);
  g_assert_cmpuint (fw_tensor_get_size (tensor), ==, 60);
  g_assert_cmpuint (fw_tensor_get_n_dims (tensor), ==, 3);
  g_assert_cmpint (fw_tensor_get_dims (tensor)[2], ==, 5);
  g_assert_true ((guintptr) fw_tensor_get_data (tensor) % 64 == 0);
  for (guint i = 0; i < 30; i++)
    g_assert_cmpint (((gint16 *) fw_tensor_get_data (tensor))[i], ==, 0);

  g_assert_cmpuint (fw_tensor_get_n_elements (scalar), ==, 1);
  g_assert_cmpuint (fw_tensor_get_size (scalar), ==, 8);
  g_assert_cmpuint (fw_tensor_get_size (empty), ==, 0);
  g_assert_nonnull (fw_tensor_get_data (empty));
  g_assert_cmpuint (fw_tensor_get_size (nibbles), ==, 4);
}

static void
check_refused (FwElementType type, const gint64 *dims, guint n_dims, FwError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_tensor_new (type, dims, n_dims, &error));
  g_assert_error (error, FW_ERROR, (int) code);
}

static void
test_bad_shapes (void)
{
  gint64 many[FW_TENSOR_MAX_RANK + 1];

  for (guint i = 0; i < G_N_ELEMENTS (many); i++)
    many[i] = 1;
  check_refused (FW_ELEMENT_FLOAT, (gint64[]){ -1, 4 }, 2, FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused (FW_ELEMENT_FLOAT, (gint64[]){ 0, -4 }, 2, FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused (FW_ELEMENT_FLOAT, (gint64[]){ G_MININT64 }, 1, FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused (FW_ELEMENT_FLOAT, many, G_N_ELEMENTS (many), FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused (FW_ELEMENT_UNDEFINED, many, 1, FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused ((FwElementType) 999, many, 1, FW_ERROR_UNSUPPORTED_INPUTS);
  check_refused ((FwElementType) -1, many, 1, FW_ERROR_UNSUPPORTED_INPUTS);

  check_refused (FW_ELEMENT_FLOAT, (gint64[]){ G_MAXINT64 }, 1, FW_ERROR_OUT_OF_MEMORY);
  check_refused (FW_ELEMENT_FLOAT, (gint64[]){ 1 << 30, 1 << 30, 1 << 30, 16 }, 4,
                 FW_ERROR_OUT_OF_MEMORY);
  check_refused (FW_ELEMENT_UINT8, (gint64[]){ (G_GINT64_CONSTANT (4) << 30) + 1 }, 1,
                 FW_ERROR_OUT_OF_MEMORY);
  check_refused (FW_ELEMENT_UINT8,
                 (gint64[]){ G_GINT64_CONSTANT (1) << 32, G_GINT64_CONSTANT (1) << 31, 2 }, 3,
                 FW_ERROR_OUT_OF_MEMORY);
}

/* Messages ----------------------------------------------------------------------------------- */

static FwTensor *
from_proto (int type, gint64 n, Onnx__TensorProto *proto, GError **error)
{
  proto->n_dims = 1;
  proto->dims = &n;
  proto->has_data_type = TRUE;
  proto->data_type = type;
  return fw_tensor_new_from_proto (proto, error);
}

static void
test_from_proto (void)
{
  gint32 ints[] = { 1, -2, 0x3c00 };
  guint64 wide[] = { 7, G_MAXUINT32 };
  guint8 raw[] = { 1, 2, 3, 4, 5, 6 };
  ProtobufCBinaryData strings[] = { { 3, (guint8 *) "abc" }, { 0, NULL } };
  Onnx__TensorProto proto = ONNX__TENSOR_PROTO__INIT;
  g_autoptr (FwTensor) bytes = NULL;
  g_autoptr (FwTensor) halves = NULL;
  g_autoptr (FwTensor) whole = NULL;
  g_autoptr (FwTensor) raw_shorts = NULL;
  g_autoptr (FwTensor) bools = NULL;
  g_autoptr (FwTensor) words = NULL;

  proto.n_int32_data = 3;
  proto.int32_data = ints;
  bytes = from_proto (FW_ELEMENT_INT8, 3, &proto, NULL);
  g_assert_cmpint (((gint8 *) fw_tensor_get_data (bytes))[1], ==, -2);
  halves = from_proto (FW_ELEMENT_FLOAT16, 3, &proto, NULL);
  g_assert_cmphex (((guint16 *) fw_tensor_get_data (halves))[2], ==, 0x3c00);
  bools = from_proto (FW_ELEMENT_BOOL, 3, &proto, NULL);
  g_assert_cmpint (((guint8 *) fw_tensor_get_data (bools))[1], ==, 1);

  proto.n_uint64_data = 2;
  proto.uint64_data = wide;
  whole = from_proto (FW_ELEMENT_UINT32, 2, &proto, NULL);
  g_assert_cmpuint (((guint32 *) fw_tensor_get_data (whole))[1], ==, G_MAXUINT32);

  proto.n_string_data = 2;
  proto.string_data = strings;
  words = from_proto (FW_ELEMENT_STRING, 2, &proto, NULL);
  g_assert_cmpstr (((char **) fw_tensor_get_data (words))[0], ==, "abc");
  g_assert_cmpstr (((char **) fw_tensor_get_data (words))[1], ==, "");

  proto.has_raw_data = TRUE;
  proto.raw_data = (ProtobufCBinaryData){ sizeof raw, raw };
  raw_shorts = from_proto (FW_ELEMENT_UINT16, 3, &proto, NULL);
  g_assert_cmphex (((guint16 *) fw_tensor_get_data (raw_shorts))[2], ==, 0x0605);
}

static void
test_bad_proto (void)
{
  static const int types[]
      = { FW_ELEMENT_FLOAT,  FW_ELEMENT_DOUBLE, FW_ELEMENT_INT64,  FW_ELEMENT_UINT32,
          FW_ELEMENT_UINT64, FW_ELEMENT_INT8,   FW_ELEMENT_STRING, FW_ELEMENT_INT4 };
  guint8 raw[] = { 1, 2, 3 };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      Onnx__TensorProto proto = ONNX__TENSOR_PROTO__INIT;
      g_autoptr (GError) error = NULL;

      g_assert_null (from_proto (types[i], 1000, &proto, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
      g_clear_error (&error);

      proto.has_raw_data = TRUE;
      proto.raw_data = (ProtobufCBinaryData){ sizeof raw, raw };
      g_assert_null (from_proto (types[i], 1000, &proto, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
    }
  {
    Onnx__TensorProto proto = ONNX__TENSOR_PROTO__INIT;

    g_assert_null (from_proto (FW_ELEMENT_FLOAT, -1, &proto, NULL));
    g_assert_null (from_proto (FW_ELEMENT_FLOAT, G_MAXINT64, &proto, NULL));
    g_assert_null (from_proto (12345, 1, &proto, NULL));
    g_assert_null (fw_tensor_new_from_proto (&proto, NULL));
  }
}

/* Floats ------------------------------------------------------------------------------------- */

static void
test_halves (void)
{
  const guint16 halves[] = { 0x0000, 0x8000, 0x3c00, 0xc000, 0x7bff, 0x0400,
                             0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00, 0x3555 };
  const float expected[] = { 0,        -0.0f,         1,        -2,        65504, 0x1p-14f,
                             0x1p-24f, -0x1.ff8p-15f, INFINITY, -INFINITY, NAN,   0x1.554p-2f };
  g_autoptr (FwTensor) tensor = fw_tensor_new (FW_ELEMENT_FLOAT16, (gint64[]){ 12 }, 1, NULL);
  g_autofree float *floats = NULL;

  memcpy (fw_tensor_get_data (tensor), halves, sizeof halves);
  floats = fw_tensor_to_floats (tensor);
  for (guint i = 0; i < 12; i++)
    {
      if (isnan (expected[i]))
        g_assert_true (isnan (floats[i]));
      else
        g_assert_cmpfloat (floats[i], ==, expected[i]);
      g_assert_cmpint (!!signbit (floats[i]), ==, !!signbit (expected[i]));
    }
}

static void
test_to_floats (void)
{
  g_autoptr (FwTensor) bytes = fw_tensor_new (FW_ELEMENT_INT8, (gint64[]){ 2 }, 1, NULL);
  g_autoptr (FwTensor) longs = fw_tensor_new (FW_ELEMENT_INT64, (gint64[]){ 2 }, 1, NULL);
  g_autoptr (FwTensor) complex = fw_tensor_new (FW_ELEMENT_COMPLEX64, (gint64[]){ 2 }, 1, NULL);
  g_autofree float *from_bytes = NULL;
  g_autofree float *from_longs = NULL;

  ((gint8 *) fw_tensor_get_data (bytes))[1] = -128;
  ((gint64 *) fw_tensor_get_data (longs))[1] = -1;
  from_bytes = fw_tensor_to_floats (bytes);
  from_longs = fw_tensor_to_floats (longs);
  g_assert_cmpfloat (from_bytes[1], ==, -128);
  g_assert_cmpfloat (from_longs[1], ==, -1);
  g_assert_null (fw_tensor_to_floats (complex));
}

/* Values ------------------------------------------------------------------------------------- */

static FwValue *
value_of (FwElementType type, gint64 n, gconstpointer data)
{
  g_autoptr (FwTensor) tensor = fw_tensor_new (type, &n, 1, NULL);

  memcpy (fw_tensor_get_data (tensor), data, fw_tensor_get_size (tensor));
  return fw_value_new_tensor (tensor);
}

static void
test_values_equal (void)
{
  const guint32 nan_bits[] = { 0x7fc00000, 0x3f800000 };
  const guint32 other_nan_bits[] = { 0xffc00001, 0x3f800000 };
  const float zero[] = { 0.0f }, negative_zero[] = { -0.0f };
  g_autoptr (FwValue) nan_value = value_of (FW_ELEMENT_FLOAT, 2, nan_bits);
  g_autoptr (FwValue) other_nan = value_of (FW_ELEMENT_FLOAT, 2, other_nan_bits);
  g_autoptr (FwValue) integers = value_of (FW_ELEMENT_INT32, 2, nan_bits);
  g_autoptr (FwValue) other_integers = value_of (FW_ELEMENT_INT32, 2, other_nan_bits);
  g_autoptr (FwValue) shorter = value_of (FW_ELEMENT_FLOAT, 1, nan_bits);
  g_autoptr (FwValue) a_zero = value_of (FW_ELEMENT_FLOAT, 1, zero);
  g_autoptr (FwValue) minus_zero = value_of (FW_ELEMENT_FLOAT, 1, negative_zero);
  g_autoptr (FwValue) none = fw_value_new (FW_VALUE_NONE);
  g_autoptr (FwValue) other = fw_value_new (FW_VALUE_OTHER);
  g_autoptr (FwValue) sequence = fw_value_new (FW_VALUE_SEQUENCE);
  g_autoptr (FwValue) longer = fw_value_new (FW_VALUE_SEQUENCE);

  fw_value_append (sequence, fw_value_ref (nan_value));
  fw_value_append (longer, fw_value_ref (nan_value));
  fw_value_append (longer, fw_value_ref (shorter));

  g_assert_true (fw_value_equal (nan_value, nan_value));
  g_assert_true (fw_value_equal (nan_value, other_nan));
  g_assert_false (fw_value_equal (integers, other_integers));
  g_assert_false (fw_value_equal (nan_value, integers));
  g_assert_false (fw_value_equal (nan_value, shorter));
  g_assert_false (fw_value_equal (a_zero, minus_zero));
  g_assert_true (fw_value_equal (none, none));
  g_assert_false (fw_value_equal (other, other));
  g_assert_true (fw_value_equal (sequence, sequence));
  g_assert_false (fw_value_equal (sequence, longer));
  g_assert_false (fw_value_equal (sequence, nan_value));
}

/* .npy --------------------------------------------------------------------------------------- */

static char *
temporary_path (void)
{
  char *path = NULL;
  int fd = g_file_open_tmp ("fw-tensor-XXXXXX.npy", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_close (fd, NULL));
  return path;
}

static void
check_round_trip (FwElementType type, const gint64 *dims, guint n_dims)
{
  g_autofree char *path = temporary_path ();
  g_autoptr (FwTensor) tensor = fw_tensor_new (type, dims, n_dims, NULL);
  g_autoptr (FwTensor) loaded = NULL;
  g_autoptr (FwValue) value = fw_value_new_tensor (tensor);
  g_autoptr (FwValue) loaded_value = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;

  for (gsize i = 0; i < fw_tensor_get_size (tensor); i++)
    ((guint8 *) fw_tensor_get_data (tensor))[i] = type == FW_ELEMENT_BOOL ? i & 1 : i * 7;

  g_assert_true (fw_tensor_save_npy (tensor, path, &error));
  g_assert_no_error (error);
  loaded = fw_tensor_load_npy (path, &error);
  g_assert_no_error (error);
  loaded_value = fw_value_new_tensor (loaded);
  g_assert_true (fw_value_equal (value, loaded_value));

  /* NumPy wants the elements to begin at a multiple of 64. */
  g_assert_true (g_file_get_contents (path, &content, NULL, NULL));
  g_assert_cmpuint ((10 + ((guint8) content[8] | (guint8) content[9] << 8)) % 64, ==, 0);
  g_unlink (path);
}

static void
test_npy (void)
{
  static const FwElementType types[] = {
    FW_ELEMENT_FLOAT, FW_ELEMENT_DOUBLE, FW_ELEMENT_FLOAT16, FW_ELEMENT_UINT8,
    FW_ELEMENT_INT8,  FW_ELEMENT_BOOL,   FW_ELEMENT_UINT16,  FW_ELEMENT_INT16,
    FW_ELEMENT_INT32, FW_ELEMENT_UINT32, FW_ELEMENT_INT64,   FW_ELEMENT_UINT64,
  };
  gint64 ones[FW_TENSOR_MAX_RANK];

  for (guint i = 0; i < G_N_ELEMENTS (ones); i++)
    ones[i] = 1;
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      check_round_trip (types[i], (gint64[]){ 2, 3, 4 }, 3);
      check_round_trip (types[i], (gint64[]){ 5 }, 1);
      check_round_trip (types[i], NULL, 0);
      check_round_trip (types[i], (gint64[]){ 3, 0 }, 2);
      check_round_trip (types[i], ones, FW_TENSOR_MAX_RANK);
    }
}

static void
test_npy_unsupported (void)
{
  const char *words[] = { "one" };
  g_autoptr (FwTensor) strings = fw_tensor_new_strings (words, (gint64[]){ 1 }, 1, NULL);
  g_autoptr (FwTensor) number = fw_tensor_new (FW_ELEMENT_FLOAT, NULL, 0, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (fw_tensor_save_npy (strings, "/nonexistent/x.npy", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
  g_clear_error (&error);
  g_assert_false (fw_tensor_save_npy (number, "/nonexistent/x.npy", &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  if (g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    {
      g_autofree char *folder = g_dir_make_tmp ("fw-tensor-XXXXXX", NULL);
      g_autofree char *path = g_build_filename (folder, "full.npy", NULL);

      g_assert_cmpint (symlink ("/dev/full", path), ==, 0);
      g_assert_false (fw_tensor_save_npy (number, path, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
      g_clear_error (&error);
      g_unlink (path);
      g_rmdir (folder);
    }
  g_assert_null (fw_tensor_load_npy ("/nonexistent/x.npy", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
}

static void
check_npy (const char *header, gsize n_bytes, gboolean is_good)
{
  g_autofree char *path = temporary_path ();
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (FwTensor) tensor = NULL;
  g_autoptr (GError) error = NULL;
  gsize length = strlen (header);
  guint8 prefix[] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, length & 0xff, length >> 8 };

  g_byte_array_append (file, prefix, sizeof prefix);
  g_byte_array_append (file, (const guint8 *) header, (guint) length);
  for (gsize i = 0; i < n_bytes; i++)
    g_byte_array_append (file, (const guint8 *) "\x02", 1);
  g_assert_true (g_file_set_contents (path, (char *) file->data, file->len, NULL));

  tensor = fw_tensor_load_npy (path, &error);
  if (is_good)
    g_assert_no_error (error);
  else
    {
      g_assert_null (tensor);
      g_assert_nonnull (error);
      g_assert_true (error->domain == FW_ERROR);
    }
  g_unlink (path);
}

#define NPY(descr, order, shape)                                                                   \
  "{'descr': '" descr "', 'fortran_order': " order ", 'shape': " shape ", }\n"

static void
test_npy_headers (void)
{
  check_npy (NPY ("<f4", "False", "(2,)"), 8, TRUE);
  check_npy ("{'shape':(2,3),'fortran_order':False,'descr':'<f4'}", 24, TRUE);
  check_npy (NPY ("|b1", "False", "()"), 1, TRUE);

  check_npy (NPY ("<f4", "False", "(2,)"), 7, FALSE);
  check_npy (NPY ("<f4", "False", "(2,)"), 9, FALSE);
  check_npy (NPY ("<f4", "True", "(2, 2)"), 16, TRUE);
  check_npy (NPY (">f4", "False", "(2,)"), 8, TRUE);
  check_npy (NPY ("=i8", "False", "(1L, 2L)"), 16, TRUE);
  check_npy (NPY ("<f4", "Perhaps", "(2,)"), 8, FALSE);
  check_npy (NPY ("f4", "False", "(2,)"), 8, FALSE);
  check_npy (NPY ("<", "False", "(2,)"), 8, FALSE);
  check_npy (NPY ("|O", "False", "(2,)"), 16, FALSE);
  check_npy (NPY ("<U8", "False", "(2,)"), 64, FALSE);
  check_npy (NPY ("<f4", "False", "(-2,)"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "(2"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "2"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "(2,,)"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,)"), 4, FALSE);
  check_npy (NPY ("<f4", "False", "(999999999999999,)"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "(99999999999999999999999999,)"), 8, FALSE);
  check_npy (NPY ("<f4", "False", "(4294967296, 4294967296)"), 0, FALSE);
  check_npy ("{'descr': '<f4', 'fortran_order': False, }", 4, FALSE);
  check_npy ("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}", 4, FALSE);
  check_npy ("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", 4, FALSE);
  check_npy ("__import__('os').abort()", 4, FALSE);
  check_npy ("{", 0, FALSE);
  check_npy ("", 0, FALSE);
}

/* Numbers 0 to 5 as [2, 3]. */
static void
check_orders (guint8 version, const char *header, const guint8 *numbers, gsize size)
{
  g_autoptr (GByteArray) file = g_byte_array_new ();
  g_autoptr (FwTensor) tensor = NULL;
  g_autoptr (GError) error = NULL;
  const gsize length = strlen (header);
  const guint8 prefix[]
      = { 0x93, 'N', 'U', 'M', 'P', 'Y', version, 0, length & 0xff, length >> 8, 0, 0 };

  g_byte_array_append (file, prefix, version == 1 ? 10 : 12);
  g_byte_array_append (file, (const guint8 *) header, (guint) length);
  g_byte_array_append (file, numbers, (guint) size);
  tensor = fw_tensor_new_from_npy (file->data, file->len, "x.npy", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fw_tensor_get_n_dims (tensor), ==, 2);
  g_assert_cmpint (fw_tensor_get_dims (tensor)[0], ==, 2);
  for (guint i = 0; i < 6; i++)
    g_assert_cmpint (((gint16 *) fw_tensor_get_data (tensor))[i], ==, (int) i);

  /* One byte less or more is another file. */
  g_assert_null (fw_tensor_new_from_npy (file->data, file->len - 1, "x.npy", NULL));
  g_byte_array_append (file, numbers, 1);
  g_assert_null (fw_tensor_new_from_npy (file->data, file->len, "x.npy", NULL));
}

static void
test_npy_orders (void)
{
  static const guint8 little[] = { 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0 };
  static const guint8 big[] = { 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5 };
  static const guint8 columns[] = { 0, 0, 3, 0, 1, 0, 4, 0, 2, 0, 5, 0 };

  check_orders (1, NPY ("<i2", "False", "(2, 3)"), little, sizeof little);
  check_orders (2, NPY ("<i2", "False", "(2, 3)"), little, sizeof little);
  check_orders (3, NPY (">i2", "False", "(2, 3)"), big, sizeof big);
  check_orders (1, NPY ("<i2", "True", "(2, 3)"), columns, sizeof columns);
}

static void
test_npy_cut (void)
{
  g_autofree char *path = temporary_path ();
  g_autoptr (FwTensor) tensor = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 4 }, 1, NULL);
  g_autofree char *content = NULL;
  g_autoptr (GError) error = NULL;
  gsize size;

  g_assert_true (fw_tensor_save_npy (tensor, path, NULL));
  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  for (gsize cut = 0; cut < size; cut++)
    {
      g_assert_true (g_file_set_contents (path, content, (gssize) cut, NULL));
      g_assert_null (fw_tensor_load_npy (path, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
      g_clear_error (&error);
    }
  g_unlink (path);

  /* Neither a folder nor a pipe that nobody writes to is waited for. */
  g_assert_null (fw_tensor_load_npy (g_get_tmp_dir (), NULL));
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  g_assert_null (fw_tensor_load_npy (path, NULL));
  g_unlink (path);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/tensor/new", test_new);
  g_test_add_func ("/runtime/tensor/bad-shapes", test_bad_shapes);
  g_test_add_func ("/runtime/tensor/from-proto", test_from_proto);
  g_test_add_func ("/runtime/tensor/bad-proto", test_bad_proto);
  g_test_add_func ("/runtime/tensor/halves", test_halves);
  g_test_add_func ("/runtime/tensor/to-floats", test_to_floats);
  g_test_add_func ("/runtime/tensor/values-equal", test_values_equal);
  g_test_add_func ("/runtime/npy/round-trip", test_npy);
  g_test_add_func ("/runtime/npy/unsupported", test_npy_unsupported);
  g_test_add_func ("/runtime/npy/headers", test_npy_headers);
  g_test_add_func ("/runtime/npy/orders", test_npy_orders);
  g_test_add_func ("/runtime/npy/cut", test_npy_cut);

  return g_test_run ();
}
