/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-unit.h"
#include "tiny-model.h"

static void
add_weight (TinyModel *tiny, const char *name, const char *dims, gsize n)
{
  g_autofree float *values = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    values[i] = (float) i / n;
  tiny_model_add_floats (tiny, name, dims, values, n);
}

static FwModel *
finish (TinyModel *tiny)
{
  g_autoptr (GBytes) bytes = tiny_model_finish (tiny, 13);
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_model_load_bytes (bytes, NULL, &error);
  Onnx__GraphProto *graph;

  g_assert_no_error (error);
  graph = fw_model_get_graph (model);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      g_free (graph->node[i]->name);
      graph->node[i]->name = g_strdup_printf ("node %" G_GSIZE_FORMAT, i);
    }
  return model;
}

static const FwUnit *
find_unit (GPtrArray *units, const char *weight)
{
  for (guint i = 0; i < units->len; i++)
    if (strcmp (((FwUnit *) g_ptr_array_index (units, i))->weight, weight) == 0)
      return g_ptr_array_index (units, i);
  return NULL;
}

static void
assert_shape (const FwUnit *unit, gsize outer, gsize channels, gsize inner)
{
  g_assert_nonnull (unit);
  g_assert_cmpuint (unit->shape.outer, ==, outer);
  g_assert_cmpuint (unit->shape.channels, ==, channels);
  g_assert_cmpuint (unit->shape.inner, ==, inner);
  g_assert_cmpuint (unit->n_weights, ==, outer * channels * inner);
}

static void
test_kinds (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "5 2 16");
  tiny_model_add_input (&tiny, "i", FW_ELEMENT_INT64, "3");
  add_weight (&tiny, "w", "2 32 16", 1024);
  add_weight (&tiny, "r", "2 32 8", 512);
  add_weight (&tiny, "b", "2 64", 128);
  add_weight (&tiny, "table", "10 16", 160);
  add_weight (&tiny, "left", "7 5", 35);
  add_weight (&tiny, "right", "16 6", 96);
  add_weight (&tiny, "place", "1 5 16", 80);
  add_weight (&tiny, "short", "32", 32);
  tiny_model_add_node (&tiny, "LSTM", "", "x w r b", "y1", NULL);
  tiny_model_add_node (&tiny, "Gather", "", "table i", "y2", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "x right", "y3", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "left y2", "y4", NULL);
  tiny_model_add_node (&tiny, "Add", "", "x place", "y5", NULL);
  tiny_model_add_node (&tiny, "Mul", "", "y1 short", "y6", NULL);
  tiny_model_add_output (&tiny, "y6", FW_ELEMENT_FLOAT, "5 2 16");
  model = finish (&tiny);
  units = fw_units_find (model);

  assert_shape (find_unit (units, "w"), 1, 64, 16);
  g_assert_cmpuint (find_unit (units, "w")->n_channel_axes, ==, 2);
  g_assert_cmpstr (find_unit (units, "w")->name, ==, "node 0");
  g_assert_cmpstr (find_unit (units, "w")->input, ==, "x");
  assert_shape (find_unit (units, "r"), 1, 64, 8);
  g_assert_cmpstr (find_unit (units, "r")->name, ==, "node 0:2");
  g_assert_cmpstr (find_unit (units, "r")->input, ==, "");
  assert_shape (find_unit (units, "table"), 1, 10, 16);
  g_assert_false (find_unit (units, "table")->can_correct);
  assert_shape (find_unit (units, "right"), 16, 6, 1);
  g_assert_true (find_unit (units, "right")->can[FW_ARITHMETIC_INT8_DYNAMIC]);
  g_assert_true (find_unit (units, "right")->can[FW_ARITHMETIC_BLOCKS]);
  assert_shape (find_unit (units, "left"), 1, 7, 5);
  g_assert_cmpuint (find_unit (units, "left")->weight_input, ==, 0);
  g_assert_cmpstr (find_unit (units, "left")->input, ==, "y2");
  g_assert_false (find_unit (units, "left")->can[FW_ARITHMETIC_INT8]);
  g_assert_nonnull (find_unit (units, "left")->why_not);
  assert_shape (find_unit (units, "place"), 1, 5, 16);
  g_assert_null (find_unit (units, "b"));
  g_assert_null (find_unit (units, "short"));
  g_assert_cmpuint (units->len, ==, 6);
}

/* One table for two operators is one unit, which is stored once and only stored. */
static void
test_shared (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  const FwUnit *unit;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "i", FW_ELEMENT_INT64, "16");
  add_weight (&tiny, "table", "16 16", 256);
  tiny_model_add_node (&tiny, "Gather", "", "table i", "h", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "h table", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "16 16");
  model = finish (&tiny);
  units = fw_units_find (model);
  g_assert_cmpuint (units->len, ==, 1);
  unit = g_ptr_array_index (units, 0);
  g_assert_cmpuint (unit->n_nodes, ==, 2);
  g_assert_true (fw_unit_can (unit, FW_OPTION_INT4_STORAGE));
  g_assert_false (fw_unit_can (unit, FW_OPTION_INT8_COMPUTE));
  g_assert_false (fw_unit_can (unit, FW_OPTION_INT8_DYNAMIC));
}

/* What belongs to other numbers, is wanted outside, or goes to operators that nobody knows. */
static void
test_left_alone (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "8 8 8 8");
  add_weight (&tiny, "scales", "8 16", 128);
  add_weight (&tiny, "out", "8 8", 64);
  add_weight (&tiny, "strange", "8 8", 64);
  tiny_model_add_node (&tiny, "QuantizeLinear", "", "x scales", "a", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "x out", "b", NULL);
  tiny_model_add_node (&tiny, "MatMul", "example.com", "x strange", "c", NULL);
  tiny_model_add_output (&tiny, "out", FW_ELEMENT_FLOAT, "8 8");
  tiny_model_add_output (&tiny, "c", FW_ELEMENT_FLOAT, "8 8 8 8");
  model = finish (&tiny);
  units = fw_units_find (model);
  g_assert_cmpuint (units->len, ==, 0);
}

/* What is added behind a product of matrices is its bias. */
static void
test_added_bias (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  const FwUnit *unit;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "3 16");
  add_weight (&tiny, "w", "16 6", 96);
  add_weight (&tiny, "b", "6", 6);
  tiny_model_add_node (&tiny, "MatMul", "", "x w", "h", NULL);
  tiny_model_add_node (&tiny, "Add", "", "b h", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "3 6");
  model = finish (&tiny);
  units = fw_units_find (model);
  g_assert_cmpuint (units->len, ==, 1);
  unit = g_ptr_array_index (units, 0);
  g_assert_cmpstr (unit->bias, ==, "b");
  g_assert_cmpuint (unit->bias_node, ==, 1);
  g_assert_cmpuint (unit->bias_input, ==, 0);
  g_assert_true (unit->can_correct);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/unit/kinds", test_kinds);
  g_test_add_func ("/unit/shared", test_shared);
  g_test_add_func ("/unit/left-alone", test_left_alone);
  g_test_add_func ("/unit/added-bias", test_added_bias);
  return g_test_run ();
}
