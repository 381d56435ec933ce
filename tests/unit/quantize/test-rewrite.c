/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-error.h"
#include "fw-random.h"
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

static void
set_up (Fixture *f, gconstpointer data)
{
  f->model = small_network_new (GPOINTER_TO_INT (data));
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
set_all (Fixture *f, FwOption option)
{
  for (guint i = 0; i < f->units->len; i++)
    fw_recipe_set_option (f->recipe, ((FwUnit *) g_ptr_array_index (f->units, i))->name, option);
}

static FwModel *
build (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_rewriter_build (f->rewriter, f->recipe, &error);

  g_assert_no_error (error);
  return model;
}

static double
get_sqnr (FwModel *original, FwModel *other)
{
  double worst = INFINITY;

  for (guint i = 100; i < 104; i++)
    {
      g_autofree float *a = small_network_run (original, i);
      g_autofree float *b = small_network_run (other, i);

      worst = MIN (worst, fw_sqnr (a, b, 10));
    }
  return worst;
}

static void
test_units (Fixture *f, gconstpointer data)
{
  static const char *const names[] = { "c1", "depthwise", "c2", "c3", "gemm" };
  FwUnit *unit;

  g_assert_cmpuint (f->units->len, ==, G_N_ELEMENTS (names));
  for (guint i = 0; i < f->units->len; i++)
    {
      unit = g_ptr_array_index (f->units, i);
      g_assert_cmpstr (unit->name, ==, names[i]);
      g_assert_true (unit->can_correct);
    }
  unit = g_ptr_array_index (f->units, 1);
  g_assert_true (unit->is_depthwise);
  g_assert_cmpuint (unit->shape.channels, ==, 32);
  g_assert_cmpuint (unit->shape.inner, ==, 9);
  unit = g_ptr_array_index (f->units, 4);
  g_assert_cmpuint (unit->shape.outer, ==, 64);
  g_assert_cmpuint (unit->shape.channels, ==, 10);
  g_assert_true (unit->can[FW_ARITHMETIC_INT8]);
}

static void
test_nothing (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;

  if (f->recipe == NULL)
    return;
  model = build (f);
  g_assert_cmpfloat (get_sqnr (f->model, model), ==, INFINITY);
}

static void
test_float16 (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autofree char *running = NULL;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_FLOAT16);
  model = build (f);
  g_assert_cmpfloat (get_sqnr (f->model, model), >, 55);
  g_assert_cmpuint (fw_model_find_initializer (model, "w1") == NULL, ==, TRUE);
  running = list_running (model);
  g_assert_cmpuint (count_word (running, "Cast"), ==, 0);
}

static void
test_int8_storage (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autofree char *running = NULL;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_STORAGE);
  model = build (f);
  g_assert_cmpfloat (get_sqnr (f->model, model), >, 30);
  running = list_running (model);
  g_assert_cmpuint (count_word (running, "Cast") + count_word (running, "Mul"), ==, 0);
}

static void
test_int8_compute (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autofree char *running = NULL;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_COMPUTE);
  model = build (f);
  g_assert_cmpfloat (get_sqnr (f->model, model), >, 20);
  running = list_running (model);
  g_test_message ("%s", running);
  g_assert_cmpuint (count_word (running, "QLinearConv"), ==, 4);
  g_assert_cmpuint (count_word (running, "QLinearAdd"), ==, 1);
  g_assert_cmpuint (count_word (running, "QGemm"), ==, 1);
  g_assert_cmpuint (count_word (running, "Conv") + count_word (running, "Relu"), ==, 0);
}

/* ONNX Runtime would quantize a float Conv between int8 neighbours, with one scale for all. */
static void
test_sandwich (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autofree char *running = NULL;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_COMPUTE);
  fw_recipe_set_option (f->recipe, "depthwise", FW_OPTION_FLOAT32);
  fw_recipe_set_option (f->recipe, "c2", FW_OPTION_INT8_STORAGE);
  model = build (f);
  running = list_running (model);
  g_test_message ("%s", running);
  g_assert_cmpuint (count_word (running, "QLinearConv"), ==, 2);
  g_assert_cmpuint (count_word (running, "Conv") + count_word (running, "FusedConv"), ==, 2);
  g_assert_cmpfloat (get_sqnr (f->model, model), >, 20);
}

/* Every mixture of options loads, runs and stays near the original. */
static void
test_mixtures (Fixture *f, gconstpointer data)
{
  const FwOption all[]
      = { FW_OPTION_FLOAT32, FW_OPTION_FLOAT16, FW_OPTION_INT8_STORAGE, FW_OPTION_INT8_COMPUTE };
  FwRandom random = { 42 };

  if (f->recipe == NULL)
    return;
  for (guint i = 0; i < 60; i++)
    {
      g_autoptr (FwModel) model = NULL;

      for (guint u = 0; u < f->units->len; u++)
        fw_recipe_set_option (f->recipe, ((FwUnit *) g_ptr_array_index (f->units, u))->name,
                              all[fw_random_next (&random) % G_N_ELEMENTS (all)]);
      model = build (f);
      g_assert_cmpfloat (get_sqnr (f->model, model), >, 18);
    }
}

/* From the recipe's own JSON, with another rewriter and more threads: the same bytes. */
static void
test_same_bytes (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) first = NULL;
  g_autoptr (FwModel) second = NULL;
  g_autoptr (GBytes) first_bytes = NULL;
  g_autoptr (GBytes) second_bytes = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) parsed = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwRewriter) other = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_COMPUTE);
  fw_recipe_set_option (f->recipe, "c1", FW_OPTION_INT8_STORAGE);
  first = build (f);
  node = fw_recipe_to_json (f->recipe);
  text = json_to_string (node, FALSE);
  parsed = json_from_string (text, NULL);
  recipe = fw_recipe_from_json (parsed, &error);
  g_assert_no_error (error);
  other = fw_rewriter_new (f->model, f->units, 4);
  second = fw_rewriter_build (other, recipe, &error);
  g_assert_no_error (error);
  first_bytes = fw_model_to_bytes (first, NULL);
  second_bytes = fw_model_to_bytes (second, NULL);
  g_assert_cmpmem (g_bytes_get_data (first_bytes, NULL), g_bytes_get_size (first_bytes),
                   g_bytes_get_data (second_bytes, NULL), g_bytes_get_size (second_bytes));
}

/* Correction of the bias pays: the mean error of the scores is smaller with it. */
static void
test_correction (Fixture *f, gconstpointer data)
{
  g_autoptr (FwRecipe) plain = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwModel) with = NULL;
  g_autoptr (FwModel) without = NULL;
  double error_with = 0, error_without = 0;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_STORAGE);
  with = build (f);
  for (guint i = 0; i < f->units->len; i++)
    fw_recipe_set_option (plain, ((FwUnit *) g_ptr_array_index (f->units, i))->name,
                          FW_OPTION_INT8_STORAGE);
  without = fw_rewriter_build (f->rewriter, plain, NULL);
  for (guint i = 0; i < 16; i++)
    {
      g_autofree float *a = small_network_run (f->model, 200 + i);
      g_autofree float *b = small_network_run (with, 200 + i);
      g_autofree float *c = small_network_run (without, 200 + i);

      for (guint k = 0; k < 10; k++)
        {
          error_with += (a[k] - b[k]) * (a[k] - b[k]);
          error_without += (a[k] - c[k]) * (a[k] - c[k]);
        }
    }
  g_assert_cmpfloat (error_with, <, error_without);
}

static void
test_missing_range (Fixture *f, gconstpointer data)
{
  g_autoptr (FwRecipe) bare = fw_recipe_new ("0123", FALSE);
  g_autoptr (GError) error = NULL;
  FwModel *model;

  fw_recipe_set_option (bare, "c2", FW_OPTION_INT8_COMPUTE);
  model = fw_rewriter_build (f->rewriter, bare, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
  g_assert_null (model);
}

static void
test_old_opset (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) stored = NULL;
  FwUnit *unit = g_ptr_array_index (f->units, 0);
  FwModel *model;

  if (f->recipe == NULL)
    return;
  g_assert_false (unit->can[FW_ARITHMETIC_INT8]);
  g_assert_nonnull (unit->why_not);
  set_all (f, FW_OPTION_INT8_COMPUTE);
  model = fw_rewriter_build (f->rewriter, f->recipe, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
  g_assert_null (model);

  set_all (f, FW_OPTION_INT8_STORAGE);
  stored = build (f);
  g_assert_cmpfloat (get_sqnr (f->model, stored), >, 30);
}

#define ADD(name, opset, function)                                                                 \
  g_test_add ("/rewrite/" name, Fixture, GINT_TO_POINTER (opset), set_up, function, tear_down)

/* Attributes that say what goes without saying, several on one operator, are left out. */
static void
test_slim_attributes (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) prepared = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwModel) slim = NULL;
  g_autoptr (GError) error = NULL;
  Onnx__GraphProto *graph;
  guint n_conv = 0;

  if (f->recipe == NULL)
    return;
  prepared = fw_model_copy (fw_rewriter_get_prepared (f->rewriter));
  graph = fw_model_get_graph (prepared);
  for (gsize i = 0; i < graph->n_node; i++)
    if (strcmp (graph->node[i]->op_type, "Conv") == 0)
      {
        const gint64 ones[] = { 1, 1 };

        fw_node_set_ints (graph->node[i], "dilations", ones, 2);
        fw_node_set_string (graph->node[i], "auto_pad", "NOTSET");
        n_conv++;
      }
  g_assert_cmpuint (n_conv, >, 0);
  rewriter = fw_rewriter_new (prepared, f->units, 1);
  slim = fw_rewriter_build_file (rewriter, f->recipe, &error);
  g_assert_no_error (error);
  graph = fw_model_get_graph (slim);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      g_assert_null (fw_node_find_attribute (graph->node[i], "dilations"));
      g_assert_null (fw_node_find_attribute (graph->node[i], "auto_pad"));
    }
}

/* Names inside are gone, the answers are not. */
static void
test_slim (Fixture *f, gconstpointer data)
{
  g_autoptr (FwModel) full = NULL;
  g_autoptr (FwModel) slim = NULL;
  g_autoptr (GError) error = NULL;
  Onnx__GraphProto *graph;

  if (f->recipe == NULL)
    return;
  set_all (f, FW_OPTION_INT8_COMPUTE);
  full = build (f);
  slim = fw_rewriter_build_file (f->rewriter, f->recipe, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fw_model_get_size (slim), <, fw_model_get_size (full));
  graph = fw_model_get_graph (slim);
  g_assert_cmpuint (graph->n_value_info, ==, 0);
  for (gsize i = 0; i < graph->n_node; i++)
    g_assert_null (graph->node[i]->name);
  for (guint i = 100; i < 104; i++)
    {
      g_autofree float *a = small_network_run (full, i);
      g_autofree float *b = small_network_run (slim, i);

      g_assert_cmpmem (a, 10 * sizeof (float), b, 10 * sizeof (float));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("units", 13, test_units);
  ADD ("nothing", 13, test_nothing);
  ADD ("float16", 13, test_float16);
  ADD ("int8-storage", 13, test_int8_storage);
  ADD ("int8-compute", 13, test_int8_compute);
  ADD ("sandwich", 13, test_sandwich);
  ADD ("mixtures", 13, test_mixtures);
  ADD ("same-bytes", 13, test_same_bytes);
  ADD ("correction", 13, test_correction);
  ADD ("missing-range", 13, test_missing_range);
  ADD ("old-opset", 12, test_old_opset);
  ADD ("slim", 13, test_slim);
  ADD ("slim-attributes", 13, test_slim_attributes);
  return g_test_run ();
}
