/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-parallel.h"
#include "fw-predictor.h"
#include "fw-prepare.h"
#include "fw-random.h"
#include "small-network.h"
#include "tiny-model.h"

#define N_ROWS 6

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  GPtrArray *rows;
  FwRecipe *recipe;
  const char *values[3];
  char *folder; /* scratch files of the prepared model */
} Fixture;

/* Feeding ---------------------------------------------------------------------------------------
 */

static FwTensor *
make_noise (const gint64 *dims, guint n_dims, guint64 seed)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);
  FwRandom random = { seed + 1 };

  for (gsize i = 0; i < fw_tensor_get_n_elements (tensor); i++)
    ((float *) fw_tensor_get_data (tensor))[i] = fw_random_double (&random) * 2 - 0.8;
  return tensor;
}

static GPtrArray *
row_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
}

static GPtrArray *
feed_row (guint index, gpointer user_data, GError **error)
{
  GPtrArray *rows = user_data;

  return g_ptr_array_ref (g_ptr_array_index (rows, index));
}

static void
calibrate (Fixture *f)
{
  g_auto (GStrv) values = fw_rewriter_list_values (f->rewriter);
  const FwFeed feed = { f->rows->len, feed_row, f->rows };
  g_autoptr (GError) error = NULL;
  g_autoptr (FwCalibration) calibration
      = fw_calibration_run (f->model, (const char *const *) values, &feed, 1, NULL, NULL, &error);

  g_assert_no_error (error);
  f->recipe = fw_recipe_new ("0123", FALSE);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      g_autofree float *mean = NULL;
      FwRange range;

      if (statistics == NULL)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (f->recipe, values[i], &range);
      mean = g_new (float, statistics->channels + 1);
      for (gsize c = 0; c < statistics->channels; c++)
        mean[c] = statistics->mean[c];
      if (statistics->mean != NULL)
        fw_recipe_set_mean (f->recipe, values[i], mean, statistics->channels);
    }
}

static void
finish_fixture (Fixture *f)
{
  f->units = fw_units_find (f->model);
  f->rewriter = fw_rewriter_new (f->model, f->units, 1);
  calibrate (f);
}

static void
set_up_small (Fixture *f, gconstpointer data)
{
  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  f->values[0] = "v12";
  if (!tiny_need_runtime ())
    return;
  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = row_new ();

      g_ptr_array_add (row, small_network_sample (i));
      g_ptr_array_add (f->rows, row);
    }
  f->model = small_network_new (13);
  finish_fixture (f);
}

static void
add_weights (TinyModel *tiny, const char *name, const char *dims, guint n)
{
  g_autofree float *values = g_new (float, n);
  FwRandom random = { n };

  for (guint i = 0; i < n; i++)
    values[i] = fw_random_double (&random) - 0.5;
  tiny_model_add_floats (tiny, name, dims, values, n);
}

/* An attribute that holds a graph of one node. */
static GByteArray *
add_branch (GByteArray *list,
            const char *name,
            const char *op_type,
            const char *in,
            const char *out)
{
  GByteArray *attribute = g_byte_array_new ();
  TinyModel branch;

  tiny_model_init (&branch);
  tiny_model_add_node (&branch, op_type, "", in, out, NULL);
  tiny_model_add_output (&branch, out, FW_ELEMENT_FLOAT, "1 6 8");
  tiny_add_string (attribute, 1, name);
  tiny_add_message (attribute, 6, branch.graph);
  tiny_add_int (attribute, 20, 5);
  if (list == NULL)
    list = g_byte_array_new ();
  tiny_add_message (list, 5, attribute);
  return list;
}

static void
name_nodes (FwModel *model)
{
  for (gsize i = 0; i < fw_model_get_graph (model)->n_node; i++)
    {
      Onnx__NodeProto *node = fw_model_get_graph (model)->node[i];

      g_free (node->name);
      node->name = g_strdup_printf ("n%u", (guint) i);
    }
}

/* A bias made at run time; a weight that two operators share; a rounded value that is an output and
 * is used in a branch; two inputs; names that the switchboard would like to have. */
static void
set_up_awkward (Fixture *f, gconstpointer data)
{
  GByteArray *branches = add_branch (NULL, "then_branch", "Abs", "switch3", "switch1");
  g_autoptr (GBytes) bytes = NULL;
  TinyModel tiny;

  branches = add_branch (branches, "else_branch", "Identity", "switch3", "switch0_2");
  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  f->values[0] = "y";
  f->values[1] = "switch3";
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4 8");
  tiny_model_add_input (&tiny, "flag", FW_ELEMENT_BOOL, "");
  add_weights (&tiny, "w1", "6 4 1", 24);
  add_weights (&tiny, "b1", "6", 6);
  add_weights (&tiny, "w2", "6 6 1", 36);
  add_weights (&tiny, "w3", "6 6 1", 36);
  add_weights (&tiny, "b3", "6", 6);
  add_weights (&tiny, "ws", "8 8", 64);
  tiny_model_add_node (&tiny, "Abs", "", "b1", "made", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "x w1 made", "v1", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v2 w2", "switch3", NULL);
  tiny_model_add_node (&tiny, "If", "", "flag", "v4", branches);
  tiny_model_add_node (&tiny, "Conv", "", "switch3 w3 b3", "v5", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v5 ws", "v6", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v6 ws", "v7", NULL);
  tiny_model_add_node (&tiny, "Add", "", "v7 v4", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 6 8");
  tiny_model_add_output (&tiny, "switch3", FW_ELEMENT_FLOAT, "1 6 8");
  bytes = tiny_model_finish (&tiny, 13);
  if (!tiny_need_runtime ())
    return;
  f->model = fw_model_load_bytes (bytes, NULL, NULL);
  g_assert_nonnull (f->model);
  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = row_new ();
      FwTensor *flag = fw_tensor_new (FW_ELEMENT_BOOL, NULL, 0, NULL);

      *(guint8 *) fw_tensor_get_data (flag) = i % 2;
      g_ptr_array_add (row, make_noise ((gint64[]){ 1, 4, 8 }, 3, i));
      g_ptr_array_add (row, flag);
      g_ptr_array_add (f->rows, row);
    }
  name_nodes (f->model);
  finish_fixture (f);
}

static FwTensor *
make_numbers (guint n, guint seed)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_INT64, (gint64[]){ n }, 1, NULL);

  for (guint i = 0; i < n; i++)
    ((gint64 *) fw_tensor_get_data (tensor))[i] = (i + 3 * seed) % 20;
  return tensor;
}

/* Products of matrices: one with a bias added behind it, one with a Gemm's, one without; a table
 * that is looked up in. */
static void
set_up_products (Fixture *f, gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  TinyModel tiny;

  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  f->values[0] = "y";
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "6 16");
  tiny_model_add_input (&tiny, "ids", FW_ELEMENT_INT64, "6");
  add_weights (&tiny, "table", "20 24", 480);
  add_weights (&tiny, "w1", "16 24", 384);
  add_weights (&tiny, "b1", "24", 24);
  add_weights (&tiny, "w2", "24 32", 768);
  add_weights (&tiny, "w3", "32 20", 640);
  add_weights (&tiny, "b3", "20", 20);
  tiny_model_add_node (&tiny, "MatMul", "", "x w1", "v1", NULL);
  tiny_model_add_node (&tiny, "Add", "", "b1 v1", "v2", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v2", "v3", NULL);
  tiny_model_add_node (&tiny, "Gather", "", "table ids", "v4", NULL);
  tiny_model_add_node (&tiny, "Add", "", "v3 v4", "v5", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "v5 w2", "v6", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v6", "v7", NULL);
  tiny_model_add_node (&tiny, "Gemm", "", "v7 w3 b3", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "6 20");
  bytes = tiny_model_finish (&tiny, 13);
  if (!tiny_need_runtime ())
    return;
  f->model = fw_model_load_bytes (bytes, NULL, NULL);
  g_assert_nonnull (f->model);
  name_nodes (f->model);
  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = row_new ();

      g_ptr_array_add (row, make_noise ((gint64[]){ 6, 16 }, 2, i));
      g_ptr_array_add (row, make_numbers (6, i));
      g_ptr_array_add (f->rows, row);
    }
  finish_fixture (f);
}

/* The sample that comes with the program, on noise: a picture network with residual sums. */
static void
set_up_sample (Fixture *f, gconstpointer data)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_DIST, "..", "data", "sample", "model.onnx", NULL);
  g_autoptr (FwModel) original = NULL;
  g_autoptr (GError) error = NULL;

  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  if (!tiny_need_runtime ())
    return;
  f->folder = g_dir_make_tmp ("fw-switchboard-XXXXXX", &error);
  g_assert_no_error (error);
  original = fw_model_load (path, &error);
  g_assert_no_error (error);
  f->model = fw_prepare_model (original, TRUE, f->folder, &error);
  g_assert_no_error (error);
  f->values[0] = fw_prepare_find_scores (f->model, fw_model_get_graph (f->model)->output[0]->name);
  for (guint i = 0; i < 3; i++)
    {
      GPtrArray *row = row_new ();

      g_ptr_array_add (row, make_noise ((gint64[]){ 1, 3, 128, 128 }, 4, i));
      g_ptr_array_add (f->rows, row);
    }
  finish_fixture (f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->recipe, fw_recipe_free);
  g_clear_pointer (&f->rewriter, fw_rewriter_free);
  g_clear_pointer (&f->units, g_ptr_array_unref);
  g_clear_pointer (&f->model, fw_model_unref);
  g_clear_pointer (&f->rows, g_ptr_array_unref);
  if (f->folder != NULL)
    g_rmdir (f->folder);
  g_free (f->folder);
}

/* Comparing -------------------------------------------------------------------------------------
 */

/* What is left as it was written, so that only rounding differs. */
static FwSession *
load_unfused (FwModel *model, const char *const *values)
{
  const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_NONE };
  g_autoptr (FwModel) copy = fw_model_copy (model);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  FwSession *session;

  for (guint i = 0; values[i] != NULL; i++)
    fw_model_add_output (copy, values[i]);
  bytes = fw_model_to_bytes (copy, &error);
  g_assert_no_error (error);
  session = fw_session_new_from_bytes (bytes, &options, &error);
  g_assert_no_error (error);
  return session;
}

static GPtrArray *
run_session (FwSession *session, GPtrArray *row, const char *const *values)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *answer = fw_session_run (session, NULL, (FwTensor *const *) row->pdata, row->len,
                                      values, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

static GPtrArray *
run_switches (FwSwitches *switches, GPtrArray *row, const char *const *values)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *answer = fw_switches_run (switches, row, values, NULL, &error);

  g_assert_no_error (error);
  return answer;
}

static double
get_distance (GPtrArray *a, GPtrArray *b)
{
  double sum = 0;

  g_assert_cmpuint (a->len, ==, b->len);
  for (guint i = 0; i < a->len; i++)
    {
      g_autofree float *left = fw_tensor_to_floats (g_ptr_array_index (a, i));
      g_autofree float *right = fw_tensor_to_floats (g_ptr_array_index (b, i));
      gsize n = fw_tensor_get_n_elements (g_ptr_array_index (a, i));

      g_assert_cmpuint (n, ==, fw_tensor_get_n_elements (g_ptr_array_index (b, i)));
      for (gsize k = 0; k < n; k++)
        sum += (left[k] - right[k]) * (double) (left[k] - right[k]);
    }
  return sum;
}

static FwSwitchboard *
make_board (Fixture *f)
{
  g_autoptr (GError) error = NULL;
  FwSwitchboard *board
      = fw_switchboard_new (f->rewriter, f->units, f->recipe, f->values, TRUE, &error);

  g_assert_no_error (error);
  return board;
}

/* MatMulNBits rounds activations in blocks, by itself, which is not simulated. */
static gboolean
has_blocks (Fixture *f, FwRecipe *recipe)
{
  for (guint i = 0; i < f->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (f->units, i);

      if (fw_option_get_arithmetic (fw_recipe_get_option (recipe, unit->name))
          == FW_ARITHMETIC_BLOCKS)
        return TRUE;
    }
  return FALSE;
}

/* The switchboard and the file must be 40 dB closer to each other than to the original. */
static void
check_recipe (Fixture *f, FwSwitches *switches, FwSession *original, FwRecipe *recipe)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) model = fw_rewriter_build (f->rewriter, recipe, &error);
  g_autoptr (FwSession) session = NULL;
  double rounding = 0, disagreement = 0, nothing = 0;

  g_assert_no_error (error);
  session = load_unfused (model, f->values);
  fw_switches_set_recipe (switches, recipe, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < f->rows->len; i++)
    {
      GPtrArray *row = g_ptr_array_index (f->rows, i);
      g_autoptr (GPtrArray) plain = run_session (original, row, f->values);
      g_autoptr (GPtrArray) built = run_session (session, row, f->values);
      g_autoptr (GPtrArray) switched = run_switches (switches, row, f->values);

      rounding += get_distance (plain, built);
      disagreement += get_distance (built, switched);
      for (guint k = 0; k < plain->len; k++)
        {
          g_autofree float *values = fw_tensor_to_floats (g_ptr_array_index (plain, k));

          nothing += 1e-12 * values[0] * values[0];
        }
    }
  g_test_message ("rounding %.3g, disagreement %.3g", rounding, disagreement);
  g_assert_cmpfloat (rounding, >, 0);
  g_assert_cmpfloat (disagreement, <=, (has_blocks (f, recipe) ? 1 : 1e-4) * rounding + nothing);
}

static const FwOption options[] = {
  FW_OPTION_FLOAT16,
  FW_OPTION_INT8_STORAGE,
  FW_OPTION_INT4_STORAGE,
  FW_OPTION (6, FW_ARITHMETIC_FLOAT, 0),
  FW_OPTION (4, FW_ARITHMETIC_FLOAT, 16),
  FW_OPTION_INT8_COMPUTE,
  FW_OPTION (5, FW_ARITHMETIC_INT8, 0),
  FW_OPTION_INT8_DYNAMIC,
  FW_OPTION_INT4_BLOCKS,
};

/* Units @first to @last; FALSE where none of them can. */
static gboolean
set_units (Fixture *f, FwRecipe *recipe, guint first, guint last, FwOption option)
{
  gboolean any = FALSE;

  for (guint i = first; i <= last; i++)
    if (fw_rewriter_can (f->rewriter, f->recipe, i, option))
      {
        FwUnit *unit = g_ptr_array_index (f->units, i);

        fw_recipe_set_option (recipe, unit->name, option);
        any = TRUE;
      }
  return any;
}

static void
check_option (Fixture *f, FwSwitches *switches, FwSession *original, FwOption option)
{
  guint n = f->units->len;

  for (guint first = 0; first < n; first++)
    for (guint k = 0; k < 2; k++)
      {
        g_autoptr (FwRecipe) recipe = fw_recipe_copy (f->recipe);

        /* One unit, or all from there on. */
        if (!set_units (f, recipe, first, k == 0 ? first : n - 1, option))
          continue;
        g_test_message ("%s, units %u to %u", fw_option_get_name (option), first,
                        k == 0 ? first : n - 1);
        check_recipe (f, switches, original, recipe);
      }
}

static void
test_agrees (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (FwSession) original = NULL;

  if (f->model == NULL)
    return;
  board = make_board (f);
  switches = fw_switches_new (board);
  original = load_unfused (f->model, f->values);
  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    check_option (f, switches, original, options[i]);
}

static void
test_mixed (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (FwSession) original = NULL;
  FwRandom random = { 5 };

  if (f->model == NULL)
    return;
  board = make_board (f);
  switches = fw_switches_new (board);
  original = load_unfused (f->model, f->values);
  for (guint k = 0; k < 25; k++)
    {
      g_autoptr (FwRecipe) recipe = fw_recipe_copy (f->recipe);
      gboolean any = FALSE;

      for (guint i = 0; i < f->units->len; i++)
        any |= set_units (f, recipe, i, i,
                          options[(guint) (fw_random_double (&random) * G_N_ELEMENTS (options))]);
      if (any)
        check_recipe (f, switches, original, recipe);
    }
}

/* Settings --------------------------------------------------------------------------------------
 */

static void
test_reset (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (FwSwitches) copy = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (GPtrArray) plain = NULL;
  g_autoptr (GPtrArray) rounded = NULL;
  g_autoptr (GPtrArray) copied = NULL;
  g_autoptr (GPtrArray) again = NULL;
  GPtrArray *row;

  if (f->model == NULL)
    return;
  row = g_ptr_array_index (f->rows, 1);
  board = make_board (f);
  switches = fw_switches_new (board);
  recipe = fw_recipe_copy (f->recipe);
  set_units (f, recipe, 0, f->units->len - 1, FW_OPTION_INT8_COMPUTE);

  plain = run_switches (switches, row, f->values);
  g_assert_true (fw_switches_set_recipe (switches, recipe, NULL));
  rounded = run_switches (switches, row, f->values);
  copy = fw_switches_copy (switches);
  fw_switches_reset (switches);
  again = run_switches (switches, row, f->values);
  copied = run_switches (copy, row, f->values);
  g_assert_cmpfloat (get_distance (plain, rounded), >, 0);
  g_assert_cmpfloat (get_distance (plain, again), ==, 0);
  g_assert_cmpfloat (get_distance (rounded, copied), ==, 0);
}

static void
test_weights (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (GPtrArray) answer = NULL;
  g_autofree float *values = NULL;
  g_autofree float *weights = NULL;
  const float bias[10] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

  if (f->model == NULL)
    return;
  board = make_board (f);
  switches = fw_switches_new (board);
  /* The Gemm alone makes the scores: without weights its bias is left. */
  weights = g_new0 (float, 640);
  fw_switches_set_weights (switches, 4, weights, bias);
  answer = run_switches (switches, g_ptr_array_index (f->rows, 0), f->values);
  values = fw_tensor_to_floats (g_ptr_array_index (answer, 0));
  for (guint i = 0; i < 10; i++)
    g_assert_cmpfloat (values[i], ==, bias[i]);
}

/* The depthwise Conv has no bias; one can be given. */
static void
test_added_bias (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;
  float bias[32] = { 0 };

  if (f->model == NULL)
    return;
  board = make_board (f);
  switches = fw_switches_new (board);
  before = run_switches (switches, g_ptr_array_index (f->rows, 0), f->values);
  fw_switches_set_weights (switches, 1, NULL, bias);
  after = run_switches (switches, g_ptr_array_index (f->rows, 0), f->values);
  g_assert_cmpfloat (get_distance (before, after), ==, 0);
  for (guint i = 0; i < 32; i++)
    bias[i] = 3;
  fw_switches_set_weights (switches, 1, NULL, bias);
  g_clear_pointer (&after, g_ptr_array_unref);
  after = run_switches (switches, g_ptr_array_index (f->rows, 0), f->values);
  g_assert_cmpfloat (get_distance (before, after), >, 0);
}

static void
test_range (Fixture *f, gconstpointer data)
{
  const FwRange coarse = { .scale = 0.5f, .zero_point = 128 };
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (GPtrArray) open = NULL;
  g_autoptr (GPtrArray) fine = NULL;
  g_autoptr (GPtrArray) rough = NULL;
  GPtrArray *row;

  if (f->model == NULL)
    return;
  row = g_ptr_array_index (f->rows, 0);
  board = make_board (f);
  switches = fw_switches_new (board);
  recipe = fw_recipe_copy (f->recipe);
  set_units (f, recipe, 0, 0, FW_OPTION_INT8_COMPUTE);
  open = run_switches (switches, row, f->values);
  g_assert_true (fw_switches_set_gates (switches, recipe, NULL));
  fine = run_switches (switches, row, f->values);
  g_assert_true (fw_switches_set_range (switches, "x", &coarse));
  rough = run_switches (switches, row, f->values);
  g_assert_cmpfloat (get_distance (open, fine), >, 0);
  g_assert_cmpfloat (get_distance (open, rough), >, 2 * get_distance (open, fine));
  g_assert_false (fw_switches_set_range (switches, "no such value", &coarse));
}

/* What can't be done -------------------------------------------------------------------------- */

static void
test_wrong_row (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (GPtrArray) empty = row_new ();
  g_autoptr (GError) error = NULL;

  if (f->model == NULL)
    return;
  board = make_board (f);
  switches = fw_switches_new (board);
  g_assert_null (fw_switches_run (switches, empty, f->values, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
}

static void
test_no_gates (Fixture *f, gconstpointer data)
{
  g_autoptr (FwSwitchboard) board = NULL;
  g_autoptr (FwSwitches) switches = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;

  if (f->model == NULL)
    return;
  board = fw_switchboard_new (f->rewriter, f->units, f->recipe, f->values, FALSE, &error);
  g_assert_no_error (error);
  switches = fw_switches_new (board);
  recipe = fw_recipe_copy (f->recipe);
  set_units (f, recipe, 0, 0, FW_OPTION_INT8_STORAGE);
  g_assert_true (fw_switches_set_recipe (switches, recipe, &error));
  set_units (f, recipe, 1, 1, FW_OPTION_INT8_COMPUTE);
  g_assert_false (fw_switches_set_recipe (switches, recipe, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  const char *const scores[] = { "v12", NULL };
  const FwTrial trial = { f->rewriter, f->units, f->recipe, scores, f->rows, 2, NULL, NULL };
  g_autoptr (GError) error = NULL;
  double harm;

  if (f->model == NULL)
    return;
  g_cancellable_cancel (cancellable);
  g_assert_false (fw_trial_predict (&trial, f->recipe, &harm, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Predicting ---------------------------------------------------------------------------------- */

/* @build: whether files are built, as for what does not fit into memory. */
static FwPredictor *
make_predictor (Fixture *f, const FwTrial *trial, gboolean build)
{
  FwUnit *first = g_ptr_array_index (f->units, 0);
  guint64 n_weights = first->n_weights;
  g_autoptr (GError) error = NULL;
  FwPredictor *predictor;

  if (build)
    first->n_weights = G_GUINT64_CONSTANT (1) << 40;
  predictor = fw_predictor_new (trial, NULL, &error);
  first->n_weights = n_weights;
  g_assert_no_error (error);
  g_assert_true ((fw_predictor_get_switchboard (predictor) == NULL) == build);
  return predictor;
}

static void
predict_all (Fixture *f, guint threads, gboolean build, double *harms)
{
  const FwTrial trial
      = { f->rewriter, f->units, f->recipe, f->values, f->rows, threads, NULL, NULL };
  g_autoptr (GPtrArray) recipes = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_recipe_free);
  g_autoptr (FwPredictor) predictor = make_predictor (f, &trial, build);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < f->units->len; i++)
    {
      g_ptr_array_add (recipes, fw_recipe_copy (f->recipe));
      set_units (f, g_ptr_array_index (recipes, i), i, f->units->len - 1, FW_OPTION_INT8_STORAGE);
    }
  fw_predictor_predict (predictor, (FwRecipe *const *) recipes->pdata, recipes->len, 0, harms, NULL,
                        NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fw_predictor_get_n_runs (predictor), ==, (recipes->len + 1) * f->rows->len);
}

static void
test_predict (Fixture *f, gconstpointer data)
{
  double one[8], three[8], built[8];

  if (f->model == NULL)
    return;
  g_assert_cmpuint (f->units->len, <=, 8);
  predict_all (f, 1, FALSE, one);
  predict_all (f, 3, FALSE, three);
  predict_all (f, 1, TRUE, built);
  for (guint i = 0; i < f->units->len; i++)
    {
      g_assert_cmpfloat (one[i], >, 0);
      g_assert_cmpfloat (one[i], ==, three[i]);
      g_assert_cmpfloat_with_epsilon (built[i] / one[i], 1, 0.01);
    }
}

/* What an app loads runs integer kernels, which round a little otherwise: harms are alike. */
static void
test_fused_harm (Fixture *f, gconstpointer data)
{
  const FwTrial trial = { f->rewriter, f->units, f->recipe, f->values, f->rows, 2, NULL, NULL };
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;
  double harms[2];

  if (f->model == NULL)
    return;
  recipe = fw_recipe_copy (f->recipe);
  set_units (f, recipe, f->units->len / 3, f->units->len - 1, FW_OPTION_INT8_COMPUTE);
  for (guint build = 0; build < 2; build++)
    {
      g_autoptr (FwPredictor) predictor = make_predictor (f, &trial, build);

      fw_predictor_predict (predictor, &recipe, 1, 0, &harms[build], NULL, NULL, &error);
      g_assert_no_error (error);
    }
  g_test_message ("predicted %.3g, built %.3g", harms[0], harms[1]);
  g_assert_cmpfloat (harms[0], >, harms[1] / 1.6);
  g_assert_cmpfloat (harms[0], <, harms[1] * 1.6);
}

#define ADD(name, set_up, test) g_test_add (name, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/switchboard/agrees", set_up_small, test_agrees);
  ADD ("/switchboard/mixed", set_up_small, test_mixed);
  ADD ("/switchboard/reset", set_up_small, test_reset);
  ADD ("/switchboard/weights", set_up_small, test_weights);
  ADD ("/switchboard/added-bias", set_up_small, test_added_bias);
  ADD ("/switchboard/range", set_up_small, test_range);
  ADD ("/switchboard/wrong-row", set_up_small, test_wrong_row);
  ADD ("/switchboard/no-gates", set_up_small, test_no_gates);
  ADD ("/switchboard/cancelled", set_up_small, test_cancelled);
  ADD ("/switchboard/predict", set_up_small, test_predict);
  ADD ("/switchboard/products/agrees", set_up_products, test_agrees);
  ADD ("/switchboard/products/mixed", set_up_products, test_mixed);
  ADD ("/switchboard/products/predict", set_up_products, test_predict);
  ADD ("/switchboard/sample/mixed", set_up_sample, test_mixed);
  ADD ("/switchboard/sample/fused-harm", set_up_sample, test_fused_harm);
  ADD ("/switchboard/awkward/agrees", set_up_awkward, test_agrees);
  ADD ("/switchboard/awkward/mixed", set_up_awkward, test_mixed);
  ADD ("/switchboard/awkward/reset", set_up_awkward, test_reset);
  ADD ("/switchboard/awkward/predict", set_up_awkward, test_predict);
  return g_test_run ();
}
