/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Graphs that are legal and rare. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-calibration.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-prepare.h"
#include "fw-random.h"
#include "fw-region-time.h"
#include "tiny-model.h"

static void
add_weights (TinyModel *tiny, const char *name, const char *dims, guint n)
{
  g_autofree float *values = g_new (float, n);
  FwRandom random = { n };

  for (guint i = 0; i < n; i++)
    values[i] = fw_random_double (&random) * 2 - 1;
  tiny_model_add_floats (tiny, name, dims, values, n);
}

static FwModel *
load (TinyModel *tiny)
{
  g_autoptr (GBytes) bytes = tiny_model_finish (tiny, 13);
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_model_load_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static FwTensor *
make_sample (guint index)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 1, 4, 5 }, 3, NULL);
  FwRandom random = { index };

  for (guint i = 0; i < 20; i++)
    ((float *) fw_tensor_get_data (tensor))[i] = fw_random_double (&random) * 2 - 1;
  return tensor;
}

static GPtrArray *
feed_sample (guint index, gpointer user_data, GError **error)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  g_ptr_array_add (inputs, make_sample (index));
  return inputs;
}

static FwRecipe *
calibrate (FwModel *model, FwRewriter *rewriter)
{
  g_auto (GStrv) values = fw_rewriter_list_values (rewriter);
  const FwFeed feed = { 4, feed_sample, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (FwCalibration) calibration
      = fw_calibration_run (model, (const char *const *) values, &feed, 1, NULL, NULL, &error);
  FwRecipe *recipe = fw_recipe_new ("0123", FALSE);

  g_assert_no_error (error);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      FwRange range;

      if (statistics == NULL || statistics->histogram.n_not_finite > 0)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (recipe, values[i], &range);
    }
  return recipe;
}

static float *
run (FwModel *model, gsize *n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSession) session = fw_trial_load (model, NULL, 1, &error);
  g_autoptr (FwTensor) input = make_sample (1);
  g_autoptr (GPtrArray) outputs = NULL;

  g_assert_no_error (error);
  outputs = fw_session_run (session, NULL, &input, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  *n = fw_tensor_get_n_elements (g_ptr_array_index (outputs, 0));
  return fw_tensor_to_floats (g_ptr_array_index (outputs, 0));
}

static void
set_option (FwRecipe *recipe, GPtrArray *units, guint unit, FwOption option)
{
  fw_recipe_set_option (recipe, ((FwUnit *) g_ptr_array_index (units, unit))->name, option);
}

/* The range of the first of two Relus is that of the Conv's result: an int8 Conv without one may
 * not even load. */
static void
test_two_relus (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwModel) small = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree float *a = NULL;
  g_autofree float *b = NULL;
  gsize n;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 5");
  add_weights (&tiny, "w1", "6 4 3", 72);
  add_weights (&tiny, "w2", "3 6 1", 18);
  tiny_model_add_node (&tiny, "Conv", "", "x w1", "v1", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v2", "v3", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v3 w2", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 3 3");
  model = load (&tiny);
  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, 1);
  recipe = calibrate (model, rewriter);
  g_assert_nonnull (fw_recipe_get_range (recipe, "v2"));
  set_option (recipe, units, 0, FW_OPTION_INT8_COMPUTE);
  set_option (recipe, units, 1, FW_OPTION_INT8_COMPUTE);
  small = fw_rewriter_build (rewriter, recipe, &error);
  g_assert_no_error (error);
  a = run (model, &n);
  b = run (small, &n);
  g_assert_cmpfloat (fw_sqnr (a, b, n), >, 20);
}

/* y = (x + log (stored zeros)) × w, beside which stands x × w: the first MatMul's input is -inf. */
static FwModel *
make_infinite (void)
{
  static const float zeros[5] = { 0 };
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 5");
  add_weights (&tiny, "w1", "5 6", 30);
  add_weights (&tiny, "w2", "5 2", 10);
  tiny_model_add_floats (&tiny, "zeros", "5", zeros, 5);
  tiny_model_add_node (&tiny, "Mul", "", "x zeros", "v0", NULL);
  tiny_model_add_node (&tiny, "Abs", "", "v0", "v1", NULL);
  tiny_model_add_node (&tiny, "Log", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v2 w1", "v3", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "x w2", "v4", NULL);
  tiny_model_add_node (&tiny, "Concat", "", "v4 v3", "y", tiny_attribute_int (NULL, "axis", 2));
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 4 8");
  return load (&tiny);
}

/* What is no number has no range, and that is no reason to give up on the other units; nor are
 * scores that are no numbers. */
static void
test_not_numbers (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwSession) original = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_autoptr (GError) error = NULL;
  FwUnitHarm harms[2];
  double share[3];

  g_ptr_array_add (row, make_sample (1));
  g_ptr_array_add (rows, row);
  if (!tiny_need_runtime ())
    return;
  model = make_infinite ();
  units = fw_units_find (model);
  g_assert_cmpuint (units->len, ==, 2);
  rewriter = fw_rewriter_new (model, units, 1);
  recipe = calibrate (model, rewriter);
  g_assert_false (fw_rewriter_can (rewriter, recipe, 0, FW_OPTION_INT8_COMPUTE));
  g_assert_true (fw_rewriter_can (rewriter, recipe, 0, FW_OPTION_INT8_STORAGE));
  g_assert_true (fw_rewriter_can (rewriter, recipe, 1, FW_OPTION_INT8_COMPUTE));
  {
    const char *const scores[] = { "y", NULL };
    const FwTrial trial = { rewriter, units, recipe, scores, rows, 1, NULL, NULL };
    guint end = 0;

    fw_sensitivity_measure (&trial, TRUE, harms, NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_true (isinf (fw_unit_harm_get (&harms[0], FW_OPTION_INT8_COMPUTE)));
    g_assert_true (isfinite (fw_unit_harm_get (&harms[1], FW_OPTION_INT8_COMPUTE)));
    g_assert_true (isfinite (fw_unit_harm_get (&harms[1], FW_OPTION_INT8_STORAGE)));
    original = fw_trial_load (model, NULL, 1, &error);
    fw_region_time_measure (&trial, original, 2, share, &end, NULL, NULL, &error);
    g_assert_no_error (error);
    g_assert_cmpuint (end, >, 0);
    g_assert_cmpuint (end, <=, 2);
    g_assert_cmpfloat (share[2], ==, 1);
    g_assert_cmpfloat (share[1], >, 0);
    /* The first unit can't. */
    g_assert_cmpfloat (share[0], ==, share[1]);
  }
}

/* Whether any weights are kept in int8 by ONNX Runtime itself. */
static gboolean
has_rounded_weights (FwModel *model)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-awkward-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "running.onnx", NULL);
  const FwSessionOptions options
      = { .threads = 1, .optimization = FW_OPTIMIZE_EXTENDED, .save_optimized = path };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = fw_model_to_bytes (model, &error);
  g_autoptr (FwSession) session = fw_session_new_from_bytes (bytes, &options, &error);
  g_autoptr (FwModel) running = NULL;
  gboolean found = FALSE;

  g_assert_no_error (error);
  running = fw_model_load (path, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < fw_model_get_graph (running)->n_node; i++)
    {
      Onnx__NodeProto *node = fw_model_get_graph (running)->node[i];

      found |= strcmp (node->op_type, "DequantizeLinear") == 0
               && fw_model_find_initializer (running, node->input[0]) != NULL;
    }
  fw_file_remove_tree (folder);
  return found;
}

/* ONNX Runtime carries quantization past a MaxPool, to a float operator that it would then quantize
 * with one scale for all channels. */
static void
test_sandwich_with_pools (void)
{
  TinyModel tiny;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwModel) small = NULL;
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 5");
  add_weights (&tiny, "w1", "6 4 1", 24);
  add_weights (&tiny, "w2", "6 3 2", 36);
  add_weights (&tiny, "w3", "2 3 1", 6);
  tiny_model_add_node (&tiny, "Conv", "", "x w1", "v1", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "MaxPool", "", "v2", "v3",
                       tiny_attribute_ints (NULL, "kernel_shape", "2"));
  tiny_model_add_node (&tiny, "ConvTranspose", "", "v3 w2", "v4", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v4", "v5", NULL);
  tiny_model_add_node (&tiny, "MaxPool", "", "v5", "v6",
                       tiny_attribute_ints (NULL, "kernel_shape", "2"));
  tiny_model_add_node (&tiny, "Conv", "", "v6 w3", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 2 4");
  model = load (&tiny);
  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, 1);
  recipe = calibrate (model, rewriter);
  set_option (recipe, units, 0, FW_OPTION_INT8_COMPUTE);
  set_option (recipe, units, 2, FW_OPTION_INT8_COMPUTE);
  small = fw_rewriter_build (rewriter, recipe, &error);
  g_assert_no_error (error);
  g_assert_false (has_rounded_weights (small));
}

/* A name that a branch made is not given a second time. */
static void
test_inner_names (void)
{
  TinyModel tiny, branch;
  GByteArray *attribute = g_byte_array_new ();
  GByteArray *list = g_byte_array_new ();
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwModel) small = NULL;
  g_autoptr (GError) error = NULL;

  tiny_model_init (&branch);
  tiny_model_add_node (&branch, "Abs", "", "x", "fw0", NULL);
  tiny_model_add_output (&branch, "fw0", FW_ELEMENT_FLOAT, "1 4 5");
  tiny_add_string (attribute, 1, "then_branch");
  tiny_add_message (attribute, 6, branch.graph);
  tiny_add_int (attribute, 20, 5);
  tiny_add_message (list, 5, attribute);
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 5");
  add_weights (&tiny, "w", "5 6", 30);
  tiny_model_add_node (&tiny, "MatMul", "", "x w", "y", NULL);
  tiny_model_add_node (&tiny, "If", "", "y", "z", list);
  tiny_model_add_output (&tiny, "z", FW_ELEMENT_FLOAT, "1 4 5");
  model = load (&tiny);
  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, 1);
  set_option (recipe, units, 0, FW_OPTION_INT8_STORAGE);
  small = fw_rewriter_build (rewriter, recipe, &error);
  g_assert_no_error (error);
  g_assert_null (fw_model_find_initializer (small, "fw0"));
  for (gsize i = 0; i < fw_model_get_graph (small)->n_node; i++)
    g_assert_cmpstr (fw_model_get_graph (small)->node[i]->output[0], !=, "fw0");
}

static void
rename_node (FwModel *model, guint position, const char *name)
{
  Onnx__NodeProto *node = fw_model_get_graph (model)->node[position];

  g_free (node->name);
  node->name = g_strdup (name);
}

/* Names from the file can be anything; those in a recipe are text, and each is one unit's. */
static void
test_node_names (void)
{
  TinyModel tiny;
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("fw-awkward-XXXXXX", NULL);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) prepared = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 5");
  add_weights (&tiny, "w", "5 5", 25);
  add_weights (&tiny, "w2", "5 5", 25);
  add_weights (&tiny, "w3", "5 5", 25);
  tiny_model_add_node (&tiny, "MatMul", "", "x w", "v1", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v1 w2", "v2", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v2 w3", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 4 5");
  model = load (&tiny);
  rename_node (model, 0, "MatMul#1");
  rename_node (model, 1, "");
  rename_node (model, 2, "\xff\xfe");
  prepared = fw_prepare_model (model, FALSE, folder, &error);
  g_assert_no_error (error);
  units = fw_units_find (prepared);
  g_assert_cmpuint (units->len, ==, 3);
  for (guint i = 0; i < units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (units, i);

      g_assert_true (g_utf8_validate (unit->name, -1, NULL));
      g_assert_true (g_hash_table_add (seen, unit->name));
    }
  fw_file_remove_tree (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/awkward/two-relus", test_two_relus);
  g_test_add_func ("/awkward/not-numbers", test_not_numbers);
  g_test_add_func ("/awkward/sandwich-with-pools", test_sandwich_with_pools);
  g_test_add_func ("/awkward/inner-names", test_inner_names);
  g_test_add_func ("/awkward/node-names", test_node_names);
  return g_test_run ();
}
