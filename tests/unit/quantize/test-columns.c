/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-columns.h"
#include "fw-random.h"

static const char *const two_inputs[] = { "x", "w", NULL };
static const char *const one_output[] = { "y", NULL };

static Onnx__NodeProto *
make_node (const char *type)
{
  return fw_node_new (type, type, two_inputs, one_output);
}

static float *
make_values (gsize n, guint64 seed)
{
  FwRandom random = { seed };
  float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (fw_random_double (&random) * 2 - 1);
  return values;
}

static gboolean
init (FwColumns *columns, Onnx__NodeProto *node, guint weight, gsize n_dims, ...)
{
  gint64 dims[8];
  va_list list;

  va_start (list, n_dims);
  for (gsize i = 0; i < n_dims; i++)
    dims[i] = va_arg (list, int);
  va_end (list);
  return fw_columns_init (columns, node, weight, dims, n_dims);
}

/* Convolutions -------------------------------------------------------------------------------- */

typedef struct
{
  gint64 in, kernel, stride, dilation, begin, end;
} Axis;

static gint64
get_output_size (const Axis *axis)
{
  return (axis->in + axis->begin + axis->end - (axis->kernel - 1) * axis->dilation - 1)
             / axis->stride
         + 1;
}

/* All rows of a two-dimensional convolution, written the long way. */
static void
check_conv (const Axis axes[2], gint64 batch, gint64 groups, gint64 per_group)
{
  const gint64 rows = get_output_size (&axes[0]), columns = get_output_size (&axes[1]);
  const gint64 channels = groups * per_group;
  const gint64 dims[] = { batch, channels, axes[0].in, axes[1].in };
  const gint64 strides[] = { axes[0].stride, axes[1].stride };
  const gint64 dilations[] = { axes[0].dilation, axes[1].dilation };
  const gint64 pads[] = { axes[0].begin, axes[1].begin, axes[0].end, axes[1].end };
  const gint64 weights[] = { 2 * groups, per_group, axes[0].kernel, axes[1].kernel };
  Onnx__NodeProto *node = make_node ("Conv");
  g_autofree float *values = make_values (batch * channels * axes[0].in * axes[1].in, 3);
  g_auto (FwColumnsPositions) positions = { 0 };
  g_autofree float *row = NULL;
  FwColumns self;

  fw_node_set_ints (node, "strides", strides, 2);
  fw_node_set_ints (node, "dilations", dilations, 2);
  fw_node_set_ints (node, "pads", pads, 4);
  fw_node_set_int (node, "group", groups);
  g_assert_true (fw_columns_init (&self, node, 1, weights, 4));
  g_assert_cmpuint (self.groups, ==, groups);
  g_assert_cmpuint (self.length, ==, per_group * axes[0].kernel * axes[1].kernel);
  g_assert_true (fw_columns_choose (&self, dims, 4, G_MAXSIZE, 1, &positions));
  g_assert_cmpuint (positions.n, ==, batch * rows * columns);

  row = g_new (float, self.length);
  for (gint64 p = 0; p < batch * rows * columns; p++)
    for (gint64 g = 0; g < groups; g++)
      {
        const gint64 item = p / (rows * columns), y = p / columns % rows, x = p % columns;

        fw_columns_write (&positions, values, g, p, 1, row, self.length);
        for (gint64 i = 0; i < (gint64) self.length; i++)
          {
            gint64 area = axes[0].kernel * axes[1].kernel;
            gint64 c = g * per_group + i / area;
            gint64 v
                = y * axes[0].stride - axes[0].begin + i % area / axes[1].kernel * axes[0].dilation;
            gint64 u = x * axes[1].stride - axes[1].begin + i % axes[1].kernel * axes[1].dilation;
            float expected = 0;

            if (v >= 0 && v < axes[0].in && u >= 0 && u < axes[1].in)
              expected = values[((item * channels + c) * axes[0].in + v) * axes[1].in + u];
            g_assert_cmpfloat (row[i], ==, expected);
          }
      }
  fw_node_free (node);
}

static void
test_conv (void)
{
  static const Axis axes[][2] = {
    { { 5, 3, 1, 1, 1, 1 }, { 7, 3, 1, 1, 1, 1 } }, { { 6, 1, 2, 1, 0, 0 }, { 6, 1, 1, 5, 0, 0 } },
    { { 9, 3, 2, 2, 0, 3 }, { 4, 2, 3, 1, 1, 0 } }, { { 1, 5, 1, 1, 2, 2 }, { 8, 1, 1, 1, 0, 0 } },
    { { 3, 2, 1, 3, 9, 0 }, { 3, 3, 7, 1, 0, 9 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (axes); i++)
    {
      check_conv (axes[i], 1, 1, 3);
      check_conv (axes[i], 2, 4, 1);
      check_conv (axes[i], 1, 2, 3);
    }
}

static void
check_pads (const char *auto_pad, gint64 in, gint64 stride, gint64 n, gint64 begin)
{
  const gint64 dims[] = { 1, 1, in };
  Onnx__NodeProto *node = make_node ("Conv");
  g_auto (FwColumnsPositions) positions = { 0 };
  FwColumns self;

  fw_node_set_ints (node, "strides", &stride, 1);
  fw_node_set_string (node, "auto_pad", auto_pad);
  g_assert_true (init (&self, node, 1, 3, 1, 1, 4));
  g_assert_true (fw_columns_choose (&self, dims, 3, 1000, 1, &positions));
  g_assert_cmpint (positions.n, ==, n);
  g_assert_cmpint (positions.begin[0], ==, begin);
  for (gint64 p = 0; p < n; p++)
    for (gint64 k = 0; k < 4; k++)
      {
        gint64 place = p * stride - begin + k;

        g_assert_cmpint (positions.places[p * 4 + k], ==, place >= 0 && place < in ? place : -1);
      }
  fw_node_free (node);
}

static void
test_auto_pad (void)
{
  check_pads ("SAME_UPPER", 6, 1, 6, 1);
  check_pads ("SAME_LOWER", 6, 1, 6, 2);
  check_pads ("SAME_UPPER", 7, 2, 4, 1);
  check_pads ("SAME_UPPER", 8, 8, 1, 0);
  check_pads ("VALID", 6, 1, 3, 0);
  check_pads ("NOTSET", 6, 1, 3, 0);
}

/* Each output of a transposed convolution is the product of its row and the weights. */
static void
test_conv_transpose (void)
{
  enum
  {
    CHANNELS = 2,
    IN = 4,
    KERNEL = 3,
    OUT = 8
  };
  const gint64 dims[] = { 1, CHANNELS, IN }, stride = 2, pads[] = { 1, 0 };
  Onnx__NodeProto *node = make_node ("ConvTranspose");
  g_autofree float *values = make_values (CHANNELS * IN, 1);
  g_autofree float *weights = make_values (CHANNELS * KERNEL, 2);
  float expected[OUT + 1] = { 0 }, row[CHANNELS * KERNEL];
  g_auto (FwColumnsPositions) positions = { 0 };
  FwColumns self;

  fw_node_set_ints (node, "strides", &stride, 1);
  fw_node_set_ints (node, "pads", pads, 2);
  g_assert_true (init (&self, node, 1, 3, CHANNELS, 1, KERNEL));
  for (int c = 0; c < CHANNELS; c++)
    for (int i = 0; i < IN; i++)
      for (int k = 0; k < KERNEL; k++)
        if (i * 2 + k - 1 >= 0)
          expected[i * 2 + k - 1] += values[c * IN + i] * weights[c * KERNEL + k];

  g_assert_true (fw_columns_choose (&self, dims, 3, 1000, 1, &positions));
  g_assert_cmpuint (positions.n, ==, OUT);
  for (guint p = 0; p < OUT; p++)
    {
      float sum = 0;

      fw_columns_write (&positions, values, 0, p, 1, row, 6);
      for (guint i = 0; i < 6; i++)
        sum += row[i] * weights[i];
      g_assert_cmpfloat_with_epsilon (sum, expected[p], 1e-6);
    }

  fw_node_set_int (node, "group", 2);
  g_assert_false (init (&self, node, 1, 3, CHANNELS, 1, KERNEL));
  fw_node_free (node);
}

static void
test_three_dimensions (void)
{
  const gint64 dims[] = { 1, 1, 3, 3, 3 }, one_too_many[] = { 1, 1, 3, 3, 3, 3 };
  Onnx__NodeProto *node = make_node ("Conv");
  g_autofree float *values = make_values (27, 1);
  g_auto (FwColumnsPositions) positions = { 0 };
  float row[27];
  FwColumns self;

  g_assert_true (init (&self, node, 1, 5, 4, 1, 3, 3, 3));
  g_assert_true (fw_columns_choose (&self, dims, 5, 10, 1, &positions));
  g_assert_cmpuint (positions.n, ==, 1);
  fw_columns_write (&positions, values, 0, 0, 1, row, 27);
  g_assert_cmpmem (row, sizeof row, values, sizeof row);
  g_assert_false (init (&self, node, 1, 6, 4, 1, 3, 3, 3, 3));
  fw_columns_positions_clear (&positions);
  g_assert_false (fw_columns_choose (&self, one_too_many, 6, 10, 1, &positions));
  fw_node_free (node);
}

/* Products ------------------------------------------------------------------------------------ */

static void
check_rows (Onnx__NodeProto *node,
            guint weight,
            gsize length,
            gboolean turned,
            const gint64 *weights,
            gsize n_weights,
            const gint64 *dims,
            gsize n_dims)
{
  g_auto (FwColumnsPositions) positions = { 0 };
  g_autofree float *values = NULL;
  g_autofree float *row = g_new (float, length);
  gsize elements = 1, inner = turned ? (gsize) dims[n_dims - 1] : 1;
  FwColumns self;

  for (gsize i = 0; i < n_dims; i++)
    elements *= (gsize) dims[i];
  values = make_values (elements, 5);
  g_assert_true (fw_columns_init (&self, node, weight, weights, n_weights));
  g_assert_cmpuint (self.length, ==, length);
  g_assert_cmpuint (self.groups, ==, 1);
  g_assert_cmpuint (self.input, ==, 1 - weight);
  g_assert_true (fw_columns_choose (&self, dims, n_dims, 1000, 1, &positions));
  g_assert_cmpuint (positions.n, ==, elements / length);
  for (gsize p = 0; p < positions.n; p++)
    {
      const float *first = values + p / inner * inner * length + p % inner;

      fw_columns_write (&positions, values, 0, p, 1, row, length);
      for (gsize i = 0; i < length; i++)
        g_assert_cmpfloat (row[i], ==, first[i * inner]);
    }
  fw_node_free (node);
}

static Onnx__NodeProto *
make_gemm (gboolean turn_a, gboolean turn_b)
{
  Onnx__NodeProto *node = make_node ("Gemm");

  fw_node_set_int (node, "transA", turn_a);
  fw_node_set_int (node, "transB", turn_b);
  return node;
}

static void
test_products (void)
{
  const gint64 six_four[] = { 6, 4 }, five_six[] = { 5, 6 }, six_five[] = { 6, 5 };
  const gint64 four_six[] = { 4, 6 }, stack[] = { 2, 3, 5, 6 }, turned_stack[] = { 2, 6, 5 };
  const gint64 one_stack[] = { 1, 1, 6, 4 }, two_stack[] = { 2, 6, 4 }, six[] = { 6 };
  FwColumns self;
  g_auto (FwColumnsPositions) positions = { 0 };
  Onnx__NodeProto *node;

  check_rows (make_gemm (FALSE, FALSE), 1, 6, FALSE, six_four, 2, five_six, 2);
  check_rows (make_gemm (FALSE, TRUE), 1, 6, FALSE, four_six, 2, five_six, 2);
  check_rows (make_gemm (TRUE, FALSE), 1, 6, TRUE, six_four, 2, six_five, 2);
  check_rows (make_gemm (FALSE, FALSE), 0, 6, TRUE, four_six, 2, six_five, 2);
  check_rows (make_gemm (TRUE, TRUE), 0, 6, FALSE, six_four, 2, five_six, 2);
  check_rows (make_node ("MatMul"), 1, 6, FALSE, six_four, 2, stack, 4);
  check_rows (make_node ("MatMul"), 1, 6, FALSE, one_stack, 4, six, 1);
  check_rows (make_node ("MatMul"), 0, 6, TRUE, four_six, 2, turned_stack, 3);

  node = make_node ("MatMul");
  g_assert_false (fw_columns_init (&self, node, 1, two_stack, 3));
  g_assert_false (fw_columns_init (&self, node, 1, six, 1));
  g_assert_false (fw_columns_init (&self, node, 2, six_four, 2));
  g_assert_true (fw_columns_init (&self, node, 1, six_four, 2));
  g_assert_false (fw_columns_choose (&self, six_five, 2, 10, 1, &positions));
  g_assert_false (fw_columns_choose (&self, six_five, 0, 10, 1, &positions));
  fw_node_free (node);
}

static void
test_others (void)
{
  static const char *const none[] = { "Add", "Gather", "QLinearConv", "Einsum", "" };
  Onnx__NodeProto *node;
  FwColumns self;

  for (guint i = 0; i < G_N_ELEMENTS (none); i++)
    {
      node = make_node (none[i]);
      g_assert_false (init (&self, node, 1, 4, 4, 4, 3, 3));
      g_assert_false (init (&self, node, 0, 2, 4, 4));
      fw_node_free (node);
    }

  node = make_node ("LSTM");
  g_assert_true (init (&self, node, 1, 3, 2, 40, 7));
  g_assert_cmpuint (self.length, ==, 7);
  g_assert_false (init (&self, node, 2, 3, 2, 40, 10));
  fw_node_free (node);

  node = make_node ("Attention");
  g_assert_false (init (&self, node, 1, 2, 8, 24));
  node->domain = g_strdup ("com.microsoft");
  g_assert_true (init (&self, node, 1, 2, 8, 24));
  g_assert_cmpuint (self.length, ==, 8);
  fw_node_free (node);

  node = make_node ("Conv");
  node->domain = g_strdup ("com.example");
  g_assert_false (init (&self, node, 1, 4, 4, 4, 3, 3));
  fw_node_free (node);
}

/* Choosing ------------------------------------------------------------------------------------ */

static void
test_positions (void)
{
  const gint64 dims[] = { 1, 1, 1000, 1 };
  Onnx__NodeProto *node = make_node ("Conv");
  g_auto (FwColumnsPositions) one = { 0 };
  g_auto (FwColumnsPositions) same = { 0 };
  g_auto (FwColumnsPositions) other = { 0 };
  FwColumns self;

  g_assert_true (init (&self, node, 1, 4, 1, 1, 1, 1));
  g_assert_true (fw_columns_choose (&self, dims, 4, 10, 1, &one));
  g_assert_true (fw_columns_choose (&self, dims, 4, 10, 1, &same));
  g_assert_true (fw_columns_choose (&self, dims, 4, 10, 2, &other));
  g_assert_cmpuint (one.n, ==, 10);
  g_assert_cmpmem (one.places, 10 * sizeof (gint64), same.places, 10 * sizeof (gint64));
  g_assert_cmpint (memcmp (one.places, other.places, 10 * sizeof (gint64)), !=, 0);
  /* One in each tenth. */
  for (gint64 p = 0; p < 10; p++)
    g_assert_cmpint (one.places[p] / 100, ==, p);
  fw_node_free (node);
}

/* Hostile ------------------------------------------------------------------------------------- */

static void
check_hostile (const char *name, gsize n, gint64 first, gint64 rest)
{
  static const gint64 weights[] = { 4, 2, 3, 3 };
  gint64 values[8];
  Onnx__NodeProto *node = make_node ("Conv");
  FwColumns self;

  for (gsize i = 0; i < n; i++)
    values[i] = i == 0 ? first : rest;
  fw_node_set_ints (node, name, values, n);
  g_assert_false (fw_columns_init (&self, node, 1, weights, 4));
  fw_node_free (node);
}

static void
test_hostile_attributes (void)
{
  static const gint64 weights[] = { 4, 2, 3, 3 };
  Onnx__NodeProto *node;
  FwColumns self;

  check_hostile ("strides", 2, 0, 1);
  check_hostile ("strides", 2, G_MAXINT64, 1);
  check_hostile ("strides", 2, -1, 1);
  check_hostile ("strides", 1, 1, 1);
  check_hostile ("strides", 3, 1, 1);
  check_hostile ("dilations", 2, 0, 1);
  check_hostile ("dilations", 2, G_MAXINT64, 1);
  check_hostile ("pads", 4, -1, 0);
  check_hostile ("pads", 4, G_MAXINT64, 0);
  check_hostile ("pads", 2, 0, 0);
  check_hostile ("kernel_shape", 2, 3, 2);
  check_hostile ("kernel_shape", 2, -3, -3);

  for (int groups = -1; groups < 4; groups++)
    {
      node = make_node ("Conv");
      fw_node_set_int (node, "group", groups);
      g_assert_true (fw_columns_init (&self, node, 1, weights, 4) == (groups == 1 || groups == 2));
      fw_node_free (node);
    }
  node = make_node ("Conv");
  fw_node_set_string (node, "auto_pad", "SAME");
  g_assert_false (fw_columns_init (&self, node, 1, weights, 4));
  fw_node_free (node);
}

static void
test_hostile_shapes (void)
{
  static const gint64 huge[][4] = {
    { 4, G_MAXINT64, 3, 3 }, { 4, 1 << 30, 1 << 30, 1 << 30 }, { 4, 0, 3, 3 },
    { 4, -2, 3, 3 },         { G_MAXINT64, 2, 3, 3 },          { 1, 1, 1 << 20, 2 },
  };
  static const gint64 tensors[][4] = {
    { 1, 2, G_MAXINT64, 4 }, { 1, 2, 1 << 30, 1 << 30 },
    { 1, 2, 2, 8 },          { 1, 2, 0, 8 },
    { G_MAXINT64, 2, 8, 8 }, { 1, 3, 8, 8 },
    { 0, 2, 8, 8 },          { 1, -2, 8, 8 },
    { 1, 2, 8, G_MININT64 },
  };
  static const gint64 weights[] = { 4, 2, 3, 3 };
  const gint64 far[] = { 1 << 30, 1 << 30 }, wide[] = { 1 << 30, 1 << 30, 1 << 30, 1 << 30 };
  const gint64 small[] = { 1, 2, 8, 8 };
  Onnx__NodeProto *node = make_node ("Conv");
  g_auto (FwColumnsPositions) positions = { 0 };
  FwColumns self;

  for (guint i = 0; i < G_N_ELEMENTS (huge); i++)
    g_assert_false (fw_columns_init (&self, node, 1, huge[i], 4));

  g_assert_true (fw_columns_init (&self, node, 1, weights, 4));
  for (guint i = 0; i < G_N_ELEMENTS (tensors); i++)
    {
      g_assert_false (fw_columns_choose (&self, tensors[i], 4, 10, 1, &positions));
      fw_columns_positions_clear (&positions);
    }
  g_assert_false (fw_columns_choose (&self, small, 4, 0, 1, &positions));

  fw_node_set_ints (node, "dilations", far, 2);
  fw_node_set_ints (node, "strides", far, 2);
  fw_node_set_ints (node, "pads", wide, 4);
  g_assert_true (fw_columns_init (&self, node, 1, weights, 4));
  if (fw_columns_choose (&self, small, 4, 10, 1, &positions))
    for (gsize i = 0; i < positions.n * positions.kernel; i++)
      g_assert_true (positions.places[i] >= -1 && positions.places[i] < 64);
  fw_columns_positions_clear (&positions);
  fw_node_free (node);

  node = make_node ("ConvTranspose");
  fw_node_set_ints (node, "dilations", far, 2);
  fw_node_set_ints (node, "strides", far, 2);
  g_assert_true (fw_columns_init (&self, node, 1, weights, 4));
  g_assert_false (fw_columns_choose (&self, (gint64[]){ 1, 4, 8, 8 }, 4, 10, 1, &positions));
  fw_node_free (node);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/columns/conv", test_conv);
  g_test_add_func ("/columns/auto-pad", test_auto_pad);
  g_test_add_func ("/columns/conv-transpose", test_conv_transpose);
  g_test_add_func ("/columns/three-dimensions", test_three_dimensions);
  g_test_add_func ("/columns/products", test_products);
  g_test_add_func ("/columns/others", test_others);
  g_test_add_func ("/columns/positions", test_positions);
  g_test_add_func ("/columns/hostile-attributes", test_hostile_attributes);
  g_test_add_func ("/columns/hostile-shapes", test_hostile_shapes);
  return g_test_run ();
}
