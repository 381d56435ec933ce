/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-equalize.h"
#include "fw-error.h"
#include "fw-random.h"
#include "fw-session.h"
#include "tiny-model.h"

#define N_ROWS 6

static void
add_scaled (TinyModel *tiny, const char *name, const char *dims, guint n, guint first, float scale)
{
  g_autofree float *values = g_new (float, n);
  FwRandom random = { n + 1 };

  for (guint i = 0; i < n; i++)
    values[i] = (fw_random_double (&random) - 0.4) * (i < first ? scale : 1);
  tiny_model_add_floats (tiny, name, dims, values, n);
}

static void
add_weights (TinyModel *tiny, const char *name, const char *dims, guint n)
{
  add_scaled (tiny, name, dims, n, 0, 1);
}

static FwModel *
load (TinyModel *tiny, int opset)
{
  g_autoptr (GBytes) bytes = tiny_model_finish (tiny, opset);
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_model_load_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  for (gsize i = 0; i < fw_model_get_graph (model)->n_node; i++)
    {
      Onnx__NodeProto *node = fw_model_get_graph (model)->node[i];

      g_free (node->name);
      node->name = g_strdup_printf ("n%u", (guint) i);
    }
  return model;
}

/* Conv, Relu and two Convs, of which one is grouped. x [1, 3, 6, 6]. */
static FwModel *
make_convs (gboolean has_other_use)
{
  GByteArray *grouped = tiny_attribute_int (NULL, "group", 2);
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 3 6 6");
  add_weights (&tiny, "w1", "8 3 3 3", 216);
  add_scaled (&tiny, "b1", "8", 8, 2, 64);
  add_weights (&tiny, "w2", "6 4 1 1", 24);
  add_weights (&tiny, "w3", "6 8 1 1", 48);
  tiny_model_add_node (&tiny, "Conv", "", "x w1 b1", "v1", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v2 w2", "v3", grouped);
  tiny_model_add_node (&tiny, "Conv", "", "v2 w3", "v4", NULL);
  tiny_model_add_node (&tiny, "Add", "", "v3 v4", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 6 4 4");
  if (has_other_use)
    {
      tiny_model_add_node (&tiny, "Abs", "", "v2", "z", NULL);
      tiny_model_add_output (&tiny, "z", FW_ELEMENT_FLOAT, "1 8 4 4");
    }
  return load (&tiny, 13);
}

/* A normalization whose first channels are outliers, as in transformers, that meet small weights,
 * and three layers of which two share theirs; a Gemm of either kind behind. x [6, 16]. */
static FwModel *
make_norm (gboolean is_written_out)
{
  GByteArray *transposed = tiny_attribute_int (NULL, "transB", 1);
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "6 16");
  add_scaled (&tiny, "gamma", "16", 16, 2, 64);
  add_scaled (&tiny, "beta", "16", 16, 2, 64);
  add_scaled (&tiny, "wq", "16 12", 192, 24, 1 / 64.f);
  add_scaled (&tiny, "wv", "16 12", 192, 24, 1 / 64.f);
  add_weights (&tiny, "w5", "12 20", 240);
  add_weights (&tiny, "b5", "20", 20);
  add_weights (&tiny, "w6", "4 20", 80);
  if (is_written_out)
    {
      tiny_model_add_node (&tiny, "Mul", "", "gamma x", "scaled", NULL);
      tiny_model_add_node (&tiny, "Add", "", "scaled beta", "n", NULL);
    }
  else
    tiny_model_add_node (&tiny, "LayerNormalization", "", "x gamma beta", "n", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "n wq", "q", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "n wq", "k", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "n wv", "v", NULL);
  tiny_model_add_node (&tiny, "Mul", "", "q k", "qk", NULL);
  tiny_model_add_node (&tiny, "Add", "", "qk v", "a", NULL);
  tiny_model_add_node (&tiny, "Gemm", "", "a w5 b5", "g", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "g", "r", NULL);
  tiny_model_add_node (&tiny, "Gemm", "", "r w6", "y", transposed);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "6 4");
  return load (&tiny, 17);
}

static GPtrArray *
make_rows (const gint64 *dims, guint n_dims)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
      FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);
      FwRandom random = { i + 1 };

      for (gsize k = 0; k < fw_tensor_get_n_elements (tensor); k++)
        ((float *) fw_tensor_get_data (tensor))[k] = fw_random_double (&random) * 2 - 1;
      g_ptr_array_add (row, tensor);
      g_ptr_array_add (rows, row);
    }
  return rows;
}

static FwTensor *
run (FwModel *model, GPtrArray *row)
{
  const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_NONE };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) answer = NULL;
  g_autoptr (GError) error = NULL;

  bytes = fw_model_to_bytes (model, &error);
  g_assert_no_error (error);
  session = fw_session_new_from_bytes (bytes, &options, &error);
  g_assert_no_error (error);
  answer = fw_session_run (session, NULL, (FwTensor *const *) row->pdata, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  return fw_tensor_ref (g_ptr_array_index (answer, 0));
}

/* With exponents by chance for all that can be scaled. */
static void
check_same (FwModel *model, const char *const *values, GPtrArray *rows)
{
  g_autoptr (GPtrArray) scalables = fw_scaling_find (model);
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwModel) scaled = NULL;
  g_autoptr (GError) error = NULL;
  FwRandom random = { 99 };

  g_assert_cmpuint (scalables->len, ==, g_strv_length ((char **) values));
  for (guint i = 0; i < scalables->len; i++)
    {
      const FwScalable *scalable = g_ptr_array_index (scalables, i);
      gint8 exponents[32];

      g_assert_cmpstr (scalable->value, ==, values[i]);
      g_assert_cmpuint (scalable->n_channels, <=, G_N_ELEMENTS (exponents));
      for (gsize k = 0; k < scalable->n_channels; k++)
        exponents[k] = (int) (fw_random_double (&random) * 9) - 4;
      fw_recipe_set_scaling (recipe, scalable->value, exponents, scalable->n_channels);
    }
  scaled = fw_scaling_apply (model, recipe, &error);
  g_assert_no_error (error);
  g_assert_true (scaled != model);
  if (!tiny_need_runtime ())
    return;
  for (guint i = 0; i < rows->len; i++)
    {
      g_autoptr (FwTensor) before = run (model, g_ptr_array_index (rows, i));
      g_autoptr (FwTensor) after = run (scaled, g_ptr_array_index (rows, i));

      g_assert_cmpmem (fw_tensor_get_data (before), fw_tensor_get_size (before),
                       fw_tensor_get_data (after), fw_tensor_get_size (after));
    }
}

static void
test_convs (void)
{
  g_autoptr (FwModel) model = make_convs (FALSE);
  g_autoptr (GPtrArray) rows = make_rows ((const gint64[]){ 1, 3, 6, 6 }, 4);

  check_same (model, (const char *const[]){ "v2", NULL }, rows);
}

static void
test_other_use (void)
{
  g_autoptr (FwModel) model = make_convs (TRUE);
  g_autoptr (GPtrArray) scalables = fw_scaling_find (model);

  g_assert_cmpuint (scalables->len, ==, 0);
}

static void
test_norm (gconstpointer data)
{
  g_autoptr (FwModel) model = make_norm (GPOINTER_TO_INT (data));
  g_autoptr (GPtrArray) rows = make_rows ((const gint64[]){ 6, 16 }, 2);
  g_autoptr (GPtrArray) scalables = fw_scaling_find (model);

  check_same (model, (const char *const[]){ "n", "r", NULL }, rows);
  g_assert_true (((FwScalable *) g_ptr_array_index (scalables, 0))->is_normalized);
  g_assert_false (((FwScalable *) g_ptr_array_index (scalables, 1))->is_normalized);
}

static void
find (FwModel *model, GPtrArray *rows, FwRepairFlags flags, guint threads, FwRecipe *recipe)
{
  const char *const scores[] = { "y", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (
      fw_equalize_find (model, recipe, flags, scores, rows, TRUE, threads, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
test_smoothing (void)
{
  g_autoptr (FwModel) model = make_norm (FALSE);
  g_autoptr (GPtrArray) rows = make_rows ((const gint64[]){ 6, 16 }, 2);
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwRecipe) again = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwRecipe) none = fw_recipe_new ("0123", FALSE);
  const gint8 *exponents, *others;
  gsize n;

  if (!tiny_need_runtime ())
    return;
  find (model, rows, FW_REPAIR_SMOOTH, 1, recipe);
  g_assert_cmpuint (fw_recipe_get_n_scalings (recipe), ==, 1);
  exponents = fw_recipe_get_scaling (recipe, "n", &n);
  g_assert_cmpuint (n, ==, 16);
  /* The outliers become smaller. */
  g_assert_cmpint (exponents[0], >, 0);
  find (model, rows, FW_REPAIR_SMOOTH, 3, again);
  others = fw_recipe_get_scaling (again, "n", &n);
  g_assert_cmpmem (exponents, 16, others, n);
  find (model, rows, FW_REPAIR_ALL & ~(FW_REPAIR_SMOOTH | FW_REPAIR_EQUALIZE), 1, none);
  g_assert_cmpuint (fw_recipe_get_n_scalings (none), ==, 0);
}

static void
test_recipe (void)
{
  const gint8 exponents[] = { 0, 1, -8, 8, 3, -1, 0, 0 };
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwRecipe) copy = NULL;
  g_autoptr (FwRecipe) read = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;
  const gint8 *found;
  gsize n;

  fw_recipe_set_scaling (recipe, "v2", exponents, G_N_ELEMENTS (exponents));
  copy = fw_recipe_copy (recipe);
  node = fw_recipe_to_json (copy);
  read = fw_recipe_from_json (node, &error);
  g_assert_no_error (error);
  found = fw_recipe_get_scaling (read, "v2", &n);
  g_assert_cmpmem (found, n, exponents, sizeof exponents);
  g_assert_null (fw_recipe_get_scaling (read, "v1", &n));

  json_object_set_object_member (json_node_get_object (node), "scalings", json_object_new ());
  json_object_set_string_member (
      json_object_get_object_member (json_node_get_object (node), "scalings"), "v2", "fwA=");
  g_assert_null (fw_recipe_from_json (node, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
}

static void
test_misfit (void)
{
  const gint8 exponents[16] = { 1 };
  g_autoptr (FwModel) model = make_convs (FALSE);
  g_autoptr (FwRecipe) empty = fw_recipe_new ("0123", FALSE);
  g_autoptr (FwModel) same = fw_scaling_apply (model, empty, NULL);
  const struct
  {
    const char *value;
    gsize n;
  } misfits[] = { { "v2", 7 }, { "v2", 16 }, { "v1", 8 }, { "x", 3 }, { "nothing", 8 } };

  g_assert_true (same == model);
  for (guint i = 0; i < G_N_ELEMENTS (misfits); i++)
    {
      g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
      g_autoptr (GError) error = NULL;

      fw_recipe_set_scaling (recipe, misfits[i].value, exponents, misfits[i].n);
      g_assert_null (fw_scaling_apply (model, recipe, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/equalize/convs", test_convs);
  g_test_add_func ("/equalize/other-use", test_other_use);
  g_test_add_data_func ("/equalize/norm", GINT_TO_POINTER (FALSE), test_norm);
  g_test_add_data_func ("/equalize/norm-written-out", GINT_TO_POINTER (TRUE), test_norm);
  g_test_add_func ("/equalize/smoothing", test_smoothing);
  g_test_add_func ("/equalize/recipe", test_recipe);
  g_test_add_func ("/equalize/misfit", test_misfit);
  return g_test_run ();
}
