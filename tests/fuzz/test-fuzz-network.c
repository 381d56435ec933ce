/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Random small networks in random mixtures of options: whatever the graph, a version loads, answers
 * nearly what the original does, and is the same file again when rebuilt from its recipe. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-calibration.h"
#include "fw-path.h"
#include "fw-prepare.h"
#include "fw-signed.h"
#include "random-network.h"
#include "tiny-model.h"

#define N_NETWORKS 120
#define N_SAMPLES 6
/* Decibels. */
#define LEAST_PREPARED 80
#define LEAST_STORED 30
#define LEAST_COMPUTED 5
/* What rounding may do to outputs that are nearly 0, as a share of 1. */
#define SMALL 1e-3

typedef struct
{
  char *folder;
  RandomNetwork *network;
  FwModel *original, *prepared;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe; /* ranges and means */
  FwRandom random;
} Trial;

static GPtrArray *
feed (guint index, gpointer user_data, GError **error)
{
  return random_network_make_inputs (user_data, index + 1);
}

static void
calibrate (Trial *t)
{
  g_auto (GStrv) values = fw_rewriter_list_values (t->rewriter);
  const FwFeed samples = { N_SAMPLES, feed, t->network };
  g_autoptr (GError) error = NULL;
  g_autoptr (FwCalibration) calibration = fw_calibration_run (
      t->prepared, (const char *const *) values, &samples, 2, NULL, NULL, &error);

  g_assert_no_error (error);
  t->recipe = fw_recipe_new ("0123", TRUE);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      g_autofree float *mean = NULL;
      FwRange range;

      if (statistics == NULL)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (t->recipe, values[i], &range);
      mean = g_new (float, statistics->channels);
      for (gsize c = 0; c < statistics->channels; c++)
        mean[c] = statistics->mean[c];
      if (statistics->channels > 0)
        fw_recipe_set_mean (t->recipe, values[i], mean, statistics->channels);
    }
}

/* FALSE where there is nothing in the network to make smaller. */
static gboolean
set_up (Trial *t, guint64 seed)
{
  g_autoptr (GError) error = NULL;

  t->random = (FwRandom){ seed };
  t->network = random_network_new (seed);
  t->original = fw_model_load_bytes (t->network->bytes, NULL, &error);
  g_assert_no_error (error);
  t->prepared = fw_prepare_model (t->original, TRUE, t->folder, &error);
  if (g_error_matches (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK))
    return FALSE;
  g_assert_no_error (error);
  t->units = fw_units_find (t->prepared);
  if (t->units->len == 0)
    return FALSE;
  t->rewriter = fw_rewriter_new (t->prepared, t->units, 2);
  calibrate (t);
  return TRUE;
}

static void
tear_down (Trial *t)
{
  g_clear_pointer (&t->recipe, fw_recipe_free);
  g_clear_pointer (&t->rewriter, fw_rewriter_free);
  g_clear_pointer (&t->units, g_ptr_array_unref);
  g_clear_pointer (&t->prepared, fw_model_unref);
  g_clear_pointer (&t->original, fw_model_unref);
  g_clear_pointer (&t->network, random_network_free);
}

/* Of each output, the values of all samples. */
static GPtrArray *
run (Trial *t, FwModel *model)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSession) session = fw_trial_load (model, NULL, 1, &error);
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) g_array_unref);

  g_assert_no_error (error);
  for (guint i = 0; i < N_SAMPLES; i++)
    {
      g_autoptr (GPtrArray) inputs = random_network_make_inputs (t->network, i + 1);
      g_autoptr (GPtrArray) outputs = fw_session_run (
          session, NULL, (FwTensor *const *) inputs->pdata, inputs->len, NULL, NULL, &error);

      g_assert_no_error (error);
      for (guint j = 0; j < outputs->len; j++)
        {
          FwTensor *output = g_ptr_array_index (outputs, j);

          if (i == 0)
            g_ptr_array_add (all, g_array_new (FALSE, FALSE, sizeof (float)));
          g_array_append_vals (g_ptr_array_index (all, j), fw_tensor_get_data (output),
                               fw_tensor_get_n_elements (output));
        }
    }
  return all;
}

/* Decibels of the worst output. */
static double
compare (GPtrArray *original, GPtrArray *other)
{
  double worst = INFINITY;

  g_assert_cmpuint (original->len, ==, other->len);
  for (guint i = 0; i < original->len; i++)
    {
      GArray *a = g_ptr_array_index (original, i);
      GArray *b = g_ptr_array_index (other, i);
      const float *x = (const float *) (gpointer) a->data;
      const float *y = (const float *) (gpointer) b->data;
      double largest = 0;

      g_assert_cmpuint (a->len, ==, b->len);
      for (guint j = 0; j < a->len; j++)
        largest = MAX (largest, fabs ((double) x[j] - (double) y[j]));
      if (!(largest < SMALL))
        worst = MIN (worst, fw_sqnr (x, y, a->len));
    }
  return worst;
}

/* Options for all units; whether any computes in int8. */
static gboolean
choose_options (Trial *t, FwRecipe *recipe, FwOption most)
{
  gboolean computes = FALSE;

  for (guint i = 0; i < t->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (t->units, i);
      const FwOption all[] = { FW_OPTION_FLOAT32, FW_OPTION_FLOAT16, FW_OPTION_INT8_STORAGE,
                               FW_OPTION_INT8_COMPUTE };
      guint n = most == FW_OPTION_INT8_COMPUTE ? 4 : 3;
      FwOption option = all[fw_random_next (&t->random) % n];

      if (most == FW_OPTION_INT8_COMPUTE && fw_random_next (&t->random) % 2 == 0)
        option = FW_OPTION_INT8_COMPUTE;
      if (!fw_rewriter_can (t->rewriter, recipe, i, option))
        option = FW_OPTION_INT8_STORAGE;
      computes |= option == FW_OPTION_INT8_COMPUTE;
      fw_recipe_set_option (recipe, unit->name, option);
    }
  return computes;
}

/* Any option that a unit can have; whether all only store. */
static gboolean
choose_any (Trial *t, FwRecipe *recipe)
{
  static const guint blocks[] = { 0, 0, 16, 32, 128 };
  gboolean stores = TRUE;

  for (guint i = 0; i < t->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (t->units, i);
      FwArithmetic arithmetic = fw_random_next (&t->random) % 3 == 0
                                    ? fw_random_next (&t->random) % FW_N_ARITHMETICS
                                    : FW_ARITHMETIC_FLOAT;
      guint bits = fw_widths[fw_random_next (&t->random) % FW_N_WIDTHS];
      guint block = blocks[fw_random_next (&t->random) % G_N_ELEMENTS (blocks)];
      FwOption option = FW_OPTION (bits, arithmetic, block);

      if (!fw_rewriter_can (t->rewriter, recipe, i, option))
        option = FW_OPTION_INT4_STORAGE;
      stores &= fw_option_get_arithmetic (option) == FW_ARITHMETIC_FLOAT;
      fw_recipe_set_option (recipe, unit->name, option);
    }
  return stores;
}

/* The prepared model with the numbers that the rewriter says it stores. */
static FwModel *
simulate (Trial *t, FwRecipe *recipe)
{
  FwModel *model = fw_model_copy (t->prepared);

  for (guint i = 0; i < t->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (t->units, i);
      g_autofree float *weights = NULL;
      g_autofree float *bias = NULL;
      const float *values[2];
      g_autoptr (GError) error = NULL;

      fw_rewriter_simulate (t->rewriter, recipe, i, fw_recipe_get_option (recipe, unit->name),
                            &weights, &bias, &error);
      g_assert_no_error (error);
      values[0] = weights;
      values[1] = bias;
      for (guint k = 0; k < 2; k++)
        {
          const char *old = k == 0 ? unit->weight : unit->bias;
          Onnx__TensorProto *like
              = old != NULL ? fw_model_find_initializer (t->prepared, old) : NULL;
          gint64 n = k == 0 ? unit->n_weights : unit->shape.channels;
          g_autofree char *name = g_strdup_printf ("simulated %u.%u", i, k);
          g_autoptr (GBytes) bytes = NULL;
          Onnx__GraphProto *graph = fw_model_get_graph (model);

          if (values[k] == NULL)
            continue;
          bytes = g_bytes_new (values[k], n * sizeof (float));
          fw_model_add_initializer (model, fw_model_new_tensor (model, name, FW_ELEMENT_FLOAT,
                                                                like ? like->dims : &n,
                                                                like ? like->n_dims : 1, bytes));
          if (k == 1)
            fw_node_set_input (graph->node[unit->bias_node], unit->bias_input, name);
          for (gsize j = 0; k == 0 && j < graph->n_node; j++)
            for (gsize input = 0; input < graph->node[j]->n_input; input++)
              if (strcmp (graph->node[j]->input[input], old) == 0)
                fw_node_set_input (graph->node[j], input, name);
        }
    }
  fw_model_drop_unused_initializers (model);
  return model;
}

static gboolean
is_finite (GPtrArray *answers)
{
  for (guint i = 0; i < answers->len; i++)
    {
      GArray *values = g_ptr_array_index (answers, i);

      for (guint j = 0; j < values->len; j++)
        if (!isfinite (g_array_index (values, float, j)))
          return FALSE;
    }
  return TRUE;
}

/* From the original's bytes and the recipe's JSON, as a rebuild would, with another number of
 * threads. */
static void
assert_rebuilds (Trial *t, FwRecipe *recipe, FwModel *model, gboolean slim)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = fw_recipe_to_json (recipe);
  g_autofree char *text = json_to_string (node, FALSE);
  g_autoptr (JsonNode) parsed = json_from_string (text, &error);
  g_autoptr (FwRecipe) read = fw_recipe_from_json (parsed, &error);
  g_autoptr (FwModel) original = fw_model_load_bytes (t->network->bytes, NULL, &error);
  g_autoptr (FwModel) prepared = fw_prepare_model (original, TRUE, t->folder, &error);
  g_autoptr (GPtrArray) units = fw_units_find (prepared);
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (prepared, units, 1);
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GBytes) a = NULL;
  g_autoptr (GBytes) b = NULL;

  g_assert_no_error (error);
  again = slim ? fw_rewriter_build_file (rewriter, read, &error)
               : fw_rewriter_build (rewriter, read, &error);
  g_assert_no_error (error);
  a = fw_model_to_bytes (model, &error);
  g_assert_no_error (error);
  b = fw_model_to_bytes (again, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (a, b));
}

static void
try_mixture (Trial *t, guint64 seed, GPtrArray *reference, FwOption most)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (t->recipe);
  gboolean computes = choose_options (t, recipe, most);
  g_autoptr (FwModel) model = fw_rewriter_build (t->rewriter, recipe, &error);
  g_autoptr (GPtrArray) answers = NULL;
  double decibels;

  g_assert_no_error (error);
  answers = run (t, model);
  decibels = compare (reference, answers);
  g_test_message ("%" G_GUINT64_FORMAT ": %s %.1f dB", seed, computes ? "int8" : "stored",
                  decibels);
  g_assert_cmpfloat (decibels, >, computes ? LEAST_COMPUTED : LEAST_STORED);
  assert_rebuilds (t, recipe, model, FALSE);
  if (computes)
    {
      g_autoptr (FwModel) with_sign = fw_signed_new (model, &error);

      g_assert_no_error (error);
    }
}

static void
try_anything (Trial *t, guint64 seed, GPtrArray *reference)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (t->recipe);
  gboolean stores = choose_any (t, recipe);
  g_autoptr (FwModel) model = fw_rewriter_build_file (t->rewriter, recipe, &error);
  g_autoptr (GPtrArray) answers = NULL;

  g_assert_no_error (error);
  answers = run (t, model);
  g_assert_true (is_finite (answers) || !is_finite (reference));
  if (stores)
    {
      g_autoptr (FwModel) simulated = simulate (t, recipe);
      g_autoptr (GPtrArray) expected = run (t, simulated);
      double decibels = compare (expected, answers);

      g_test_message ("%" G_GUINT64_FORMAT ": as simulated within %.1f dB", seed, decibels);
      g_assert_cmpfloat (decibels, >, LEAST_PREPARED);
    }
  assert_rebuilds (t, recipe, model, TRUE);
}

/* With harms and times that might be. */
static void
try_path (Trial *t, FwPrefer prefer)
{
  guint n = t->units->len;
  g_autofree FwUnitHarm *harms = g_new0 (FwUnitHarm, n);
  g_autofree double *time = g_new0 (double, n + 1);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSizes) sizes = fw_sizes_new (t->rewriter, t->units, t->recipe, &error);
  const FwPathInput input = { .rewriter = t->rewriter,
                              .units = t->units,
                              .recipe = t->recipe,
                              .sizes = sizes,
                              .harms = harms,
                              .time_share = time,
                              .prefer = prefer,
                              .original_size = fw_model_get_size (t->original),
                              .compute_bits = 7 + fw_random_next (&t->random) % 2 };
  g_autoptr (FwPath) path = NULL;
  double cost = 1, harm = 0;

  g_assert_no_error (error);
  for (guint i = 0; i < n; i++)
    {
      for (guint k = 1; k < FW_N_WIDTHS; k++)
        harms[i].storage[k] = fw_random_double (&t->random);
      for (guint k = 1; k < FW_N_ARITHMETICS; k++)
        harms[i].arithmetic[k] = fw_rewriter_can (t->rewriter, t->recipe, i, FW_OPTION (8, k, 0))
                                     ? fw_random_double (&t->random)
                                     : INFINITY;
    }
  for (guint i = 0; i < n; i++)
    time[i] = 0.2 + fw_random_double (&t->random);
  time[n] = 1;
  path = fw_path_new (&input);
  for (guint i = 0; i < path->steps->len; i++)
    {
      FwStep *step = g_ptr_array_index (path->steps, i);
      FwStep *before = i > 0 ? g_ptr_array_index (path->steps, i - 1) : NULL;

      g_assert_cmpfloat (step->cost, <, cost);
      g_assert_cmpfloat (step->harm, >=, harm);
      g_assert_cmpuint (step->size, <=, before != NULL ? before->size : input.original_size - 1);
      cost = step->cost;
      harm = step->harm;
    }
}

static void
test_network (gconstpointer data)
{
  guint64 seed = GPOINTER_TO_UINT (data);
  g_autoptr (GError) error = NULL;
  Trial t = { .folder = g_dir_make_tmp ("fw-fuzz-XXXXXX", &error) };

  g_assert_no_error (error);
  if (!tiny_need_runtime ())
    ;
  else if (set_up (&t, seed))
    {
      g_autoptr (GPtrArray) reference = run (&t, t.original);
      g_autoptr (GPtrArray) plain = run (&t, t.prepared);

      g_assert_cmpfloat (compare (reference, plain), >, LEAST_PREPARED);
      try_mixture (&t, seed, reference, FW_OPTION_INT8_STORAGE);
      try_mixture (&t, seed, reference, FW_OPTION_INT8_COMPUTE);
      try_mixture (&t, seed, reference, FW_OPTION_INT8_COMPUTE);
      try_anything (&t, seed, reference);
      try_anything (&t, seed, reference);
      try_path (&t, seed % 3);
    }
  tear_down (&t);
  fw_file_remove_tree (t.folder);
  g_free (t.folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 1; i <= N_NETWORKS; i++)
    {
      g_autofree char *path = g_strdup_printf ("/fuzz-network/%u", i);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_network);
    }
  return g_test_run ();
}
