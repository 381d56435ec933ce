/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Weights stored in every width and block: what the file calculates with is what is said. */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-error.h"
#include "fw-levels.h"
#include "running.h"
#include "small-network.h"
#include "tiny-model.h"

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe;
} Fixture;

/* Of before Clip's bounds were inputs. */
static FwModel *
make_older (gint64 opset)
{
  FwModel *model = small_network_new (11);
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_node; i++)
    if (strcmp (graph->node[i]->op_type, "Clip") == 0)
      {
        while (graph->node[i]->n_input > 1)
          g_free (graph->node[i]->input[--graph->node[i]->n_input]);
        fw_node_set_float (graph->node[i], "min", 0);
        fw_node_set_float (graph->node[i], "max", 6);
      }
  fw_model_drop_unused_initializers (model);
  fw_model_get_proto (model)->opset_import[0]->version = opset;
  return model;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  int opset = GPOINTER_TO_INT (data);

  f->model = opset < 11 ? make_older (opset) : small_network_new (opset);
  f->units = fw_units_find (f->model);
  f->rewriter = fw_rewriter_new (f->model, f->units, 1);
  f->recipe = tiny_need_runtime () ? small_network_calibrate (f->model, f->rewriter, 8) : NULL;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->recipe, fw_recipe_free);
  fw_rewriter_free (f->rewriter);
  g_ptr_array_unref (f->units);
  fw_model_unref (f->model);
}

static void
set_initializer (FwModel *model, Onnx__TensorProto *like, const float *values)
{
  g_autoptr (GBytes) bytes
      = g_bytes_new (values, fw_tensor_proto_get_n_elements (like) * sizeof (float));
  g_autofree char *name = g_strdup (like->name);
  Onnx__TensorProto *tensor
      = fw_model_new_tensor (model, name, FW_ELEMENT_FLOAT, like->dims, like->n_dims, bytes);

  fw_model_remove_initializer (model, name);
  fw_model_add_initializer (model, tensor);
}

static void
add_bias (FwModel *model, const FwUnit *unit, const float *values)
{
  gint64 n = unit->shape.channels;
  g_autoptr (GBytes) bytes = g_bytes_new (values, n * sizeof (float));
  g_autofree char *name = g_strdup_printf ("bias of %s", unit->name);

  fw_model_add_initializer (model,
                            fw_model_new_tensor (model, name, FW_ELEMENT_FLOAT, &n, 1, bytes));
  fw_node_set_input (fw_model_get_graph (model)->node[unit->node], 2, name);
}

/* The float model with the numbers that the rewriter says it will calculate with. */
static FwModel *
simulate (Fixture *f, FwOption option)
{
  FwModel *model = fw_model_copy (f->model);

  for (guint i = 0; i < f->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (f->units, i);
      g_autofree float *weights = NULL;
      g_autofree float *bias = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_true (
          fw_rewriter_simulate (f->rewriter, f->recipe, i, option, &weights, &bias, &error));
      g_assert_no_error (error);
      set_initializer (model, fw_model_find_initializer (f->model, unit->weight), weights);
      if (unit->bias != NULL)
        set_initializer (model, fw_model_find_initializer (f->model, unit->bias), bias);
      else if (bias != NULL)
        add_bias (model, unit, bias);
    }
  return model;
}

static FwModel *
build (Fixture *f, FwOption option)
{
  g_autoptr (GError) error = NULL;
  FwModel *model;

  for (guint i = 0; i < f->units->len; i++)
    fw_recipe_set_option (f->recipe, ((FwUnit *) g_ptr_array_index (f->units, i))->name, option);
  model = fw_rewriter_build (f->rewriter, f->recipe, &error);
  g_assert_no_error (error);
  return model;
}

static double
get_sqnr (FwModel *original, FwModel *other)
{
  double sum = 0;

  for (guint i = 100; i < 108; i++)
    {
      g_autofree float *a = small_network_run (original, i);
      g_autofree float *b = small_network_run (other, i);

      sum += fw_sqnr (a, b, 10) / 8;
    }
  return sum;
}

static void
test_option (Fixture *f, FwOption option)
{
  g_autoptr (FwModel) expected = simulate (f, option);
  g_autoptr (FwModel) built = build (f, option);
  g_autofree char *running = list_running (built);
  g_test_message ("%s: %.1f dB, %s", fw_option_get_name (option), get_sqnr (expected, built),
                  running);

  for (guint i = 100; i < 102; i++)
    {
      g_autofree float *a = small_network_run (expected, i);
      g_autofree float *b = small_network_run (built, i);

      g_assert_cmpmem (a, 10 * sizeof (float), b, 10 * sizeof (float));
    }
  /* All that unpacks was run once, when the model was loaded. */
  for (guint i = 0; i < 4; i++)
    {
      static const char *const unpacking[] = { "Gather", "Cast", "Split", "Mul" };

      g_assert_cmpuint (count_word (running, unpacking[i]), ==, 0);
    }
}

static void
test_all (Fixture *f, gconstpointer data)
{
  static const guint blocks[] = { 0, 16, 64, 256 };

  if (f->recipe == NULL)
    return;
  test_option (f, FW_OPTION_FLOAT16);
  for (guint bits = 2; bits <= 8; bits++)
    for (guint i = 0; i < G_N_ELEMENTS (blocks); i++)
      test_option (f, FW_OPTION (bits, FW_ARITHMETIC_FLOAT, blocks[i]));
}

/* About 6 dB for each bit. */
static void
test_noise (Fixture *f, gconstpointer data)
{
  double before = -INFINITY;

  if (f->recipe == NULL)
    return;
  for (guint bits = 3; bits <= 8; bits++)
    {
      g_autoptr (FwModel) model = build (f, FW_OPTION (bits, FW_ARITHMETIC_FLOAT, 0));
      double sqnr = get_sqnr (f->model, model);

      g_test_message ("%u bits: %.1f dB", bits, sqnr);
      g_assert_cmpfloat (sqnr, >, before + 3);
      before = sqnr;
    }
}

/* The recipe's scales and offsets are the codes' whole story. */
static void
test_rounding (Fixture *f, gconstpointer data)
{
  FwUnit *unit = g_ptr_array_index (f->units, 2);
  gsize n = unit->n_weights, channels = unit->shape.channels;
  const float scale = 0x1p-7f;
  g_autofree float *scales = g_new (float, channels);
  g_autofree gint8 *offsets = g_new (gint8, n);
  g_autofree float *weights
      = fw_tensor_proto_to_floats (fw_model_find_initializer (f->model, unit->weight));
  g_autofree float *stored = NULL;
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", TRUE);
  g_autoptr (GBytes) scale_bytes = NULL;
  g_autoptr (GBytes) offset_bytes = NULL;
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < channels; i++)
    scales[i] = scale;
  for (gsize i = 0; i < n; i++)
    offsets[i] = (int) (i % 3) - 1;
  scale_bytes = g_bytes_new (scales, channels * sizeof (float));
  offset_bytes = g_bytes_new (offsets, n);
  fw_recipe_set_rounding (recipe, unit->name, 5, 0, scale_bytes, offset_bytes);

  g_assert_true (fw_rewriter_simulate (
      f->rewriter, recipe, 2, FW_OPTION (5, FW_ARITHMETIC_FLOAT, 0), &stored, NULL, &error));
  for (gsize i = 0; i < n; i++)
    {
      int index = fw_levels_find (5, weights[i] / scale) + offsets[i];

      g_assert_cmpfloat (stored[i], ==, fw_levels_get_code (5, index) * scale);
    }
}

static void
test_wrong_rounding (Fixture *f, gconstpointer data)
{
  FwUnit *unit = g_ptr_array_index (f->units, 2);
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", TRUE);
  g_autoptr (GBytes) scales = g_bytes_new_take (g_new0 (float, 3), 12);
  g_autoptr (GBytes) offsets = g_bytes_new_take (g_malloc0 (unit->n_weights), unit->n_weights);
  g_autoptr (GBytes) few = g_bytes_new_take (g_malloc0 (7), 7);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  fw_recipe_set_option (recipe, unit->name, FW_OPTION_INT4_STORAGE);
  fw_recipe_set_rounding (recipe, unit->name, 4, 0, scales, offsets);
  model = fw_rewriter_build (f->rewriter, recipe, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
  g_assert_null (model);
  g_clear_error (&error);

  fw_recipe_set_rounding (recipe, unit->name, 4, 0, offsets, few);
  model = fw_rewriter_build (f->rewriter, recipe, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
  g_assert_null (model);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, opset, func)                                                                     \
  g_test_add (path, Fixture, GINT_TO_POINTER (opset), set_up, func, tear_down)
  ADD ("/storage/all", 13, test_all);
  ADD ("/storage/all-opset-11", 11, test_all);
  ADD ("/storage/all-opset-9", 9, test_all);
  ADD ("/storage/all-opset-7", 7, test_all);
  ADD ("/storage/noise", 13, test_noise);
  ADD ("/storage/rounding", 13, test_rounding);
  ADD ("/storage/wrong-rounding", 13, test_wrong_rounding);
#undef ADD
  return g_test_run ();
}
