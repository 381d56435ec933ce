/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-error.h"
#include "fw-session.h"
#include "fw-signed.h"
#include "small-network.h"
#include "tiny-model.h"

/* The network with every unit calculating in 8 bits, or NULL where nothing can be calibrated. */
static FwModel *
new_quantized (FwOption option)
{
  g_autoptr (FwModel) model = small_network_new (13);
  g_autoptr (GPtrArray) units = fw_units_find (model);
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (model, units, 1);
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (GError) error = NULL;
  FwModel *quantized;

  if (!tiny_need_runtime ())
    return NULL;
  recipe = small_network_calibrate (model, rewriter, 8);
  for (guint i = 0; i < units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (units, i);

      fw_recipe_set_option (recipe, unit->name,
                            fw_unit_can (unit, option) ? option : FW_OPTION_INT8_STORAGE);
    }
  quantized = fw_rewriter_build (rewriter, recipe, &error);
  g_assert_no_error (error);
  return quantized;
}

static float *
run (FwModel *model, guint index, FwOptimization optimization, gboolean is_signed)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = fw_model_to_bytes (model, &error);
  FwSessionOptions options
      = { .threads = 1, .optimization = optimization, .signed_activations = is_signed };
  g_autoptr (FwSession) session = fw_session_new_from_bytes (bytes, &options, &error);
  g_autoptr (FwTensor) input = small_network_sample (index);
  g_autoptr (GPtrArray) outputs = NULL;

  g_assert_no_error (error);
  outputs = fw_session_run (session, NULL, &input, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  return fw_tensor_to_floats (g_ptr_array_index (outputs, 0));
}

static void
count_types (FwModel *model, guint *n_signed, guint *n_unsigned)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  *n_signed = *n_unsigned = 0;
  for (gsize i = 0; i < graph->n_node; i++)
    if (strcmp (graph->node[i]->op_type, "QuantizeLinear") == 0)
      {
        Onnx__TensorProto *zero = fw_model_find_initializer (model, graph->node[i]->input[2]);

        *n_signed += zero->data_type == FW_ELEMENT_INT8;
        *n_unsigned += zero->data_type == FW_ELEMENT_UINT8;
      }
}

static void
test_same_answers (void)
{
  g_autoptr (FwModel) model = new_quantized (FW_OPTION_INT8_COMPUTE);
  g_autoptr (FwModel) other = NULL;
  g_autoptr (GError) error = NULL;
  guint n_signed, n_unsigned, n_before;

  if (model == NULL)
    return;
  g_assert_true (fw_signed_has_activations (model));
  other = fw_signed_new (model, &error);
  g_assert_no_error (error);
  count_types (model, &n_signed, &n_before);
  g_assert_cmpuint (n_before, >, 3);
  count_types (other, &n_signed, &n_unsigned);
  g_assert_cmpuint (n_signed, ==, n_before);
  g_assert_cmpuint (n_unsigned, ==, 0);

  for (guint i = 100; i < 108; i++)
    {
      g_autofree float *a = run (model, i, FW_OPTIMIZE_NONE, FALSE);
      g_autofree float *b = run (other, i, FW_OPTIMIZE_NONE, TRUE);
      g_autofree float *c = run (other, i, FW_OPTIMIZE_ALL, TRUE);

      /* Operator by operator both are the same numbers; integer kernels round a little otherwise.
       */
      g_assert_cmpmem (a, 10 * sizeof (float), b, 10 * sizeof (float));
      g_assert_cmpfloat (fw_sqnr (a, c, 10), >, 25);
    }
}

/* What it was made of stays as it is. */
static void
test_original_stays (void)
{
  g_autoptr (FwModel) model = new_quantized (FW_OPTION_INT8_COMPUTE);
  g_autoptr (FwModel) other = NULL;
  g_autoptr (GBytes) before = NULL;
  g_autoptr (GBytes) after = NULL;

  if (model == NULL)
    return;
  before = fw_model_to_bytes (model, NULL);
  other = fw_signed_new (model, NULL);
  g_assert_nonnull (other);
  after = fw_model_to_bytes (model, NULL);
  g_assert_true (g_bytes_equal (before, after));
}

static void
test_storage_only (void)
{
  g_autoptr (FwModel) model = new_quantized (FW_OPTION_INT8_STORAGE);

  if (model != NULL)
    g_assert_false (fw_signed_has_activations (model));
}

/* x → Q → between → DQ → y, with the zero point left out or made by a node. */
static FwModel *
new_chain (const char *between, gboolean has_zero, gboolean is_constant)
{
  static const guint8 zero = 7;
  static const float scale = 0.5;
  g_autoptr (GBytes) zero_bytes = g_bytes_new_static (&zero, sizeof zero);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  const char *quantized = between != NULL ? "r" : "q";
  g_autofree char *first = g_strconcat ("x scale", has_zero ? " zero" : "", NULL);
  g_autofree char *second = g_strconcat (quantized, " scale", has_zero ? " zero" : "", NULL);
  TinyModel tiny;
  FwModel *model;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 4");
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 4");
  tiny_model_add_floats (&tiny, "scale", "", &scale, 1);
  if (!is_constant)
    tiny_model_add_node (&tiny, "Identity", "", "first", "zero", NULL);
  tiny_model_add_node (&tiny, "QuantizeLinear", "", first, "q", NULL);
  if (between != NULL)
    tiny_model_add_node (&tiny, between, "", "q", "r", NULL);
  tiny_model_add_node (&tiny, "DequantizeLinear", "", second, "y", NULL);
  bytes = tiny_model_finish (&tiny, 13);
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  if (has_zero)
    fw_model_add_initializer (model, fw_model_new_tensor (model, is_constant ? "zero" : "first",
                                                          FW_ELEMENT_UINT8, NULL, 0, zero_bytes));
  return model;
}

static void
test_no_zero_point (void)
{
  g_autoptr (FwModel) model = new_chain (NULL, FALSE, TRUE);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) other = fw_signed_new (model, &error);
  guint n_signed, n_unsigned;
  const Onnx__TensorProto *zero;
  g_autofree gint64 *values = NULL;

  g_assert_no_error (error);
  count_types (other, &n_signed, &n_unsigned);
  g_assert_cmpuint (n_signed, ==, 1);
  zero = fw_model_find_initializer (other, fw_model_get_graph (other)->node[1]->input[2]);
  values = fw_tensor_proto_to_ints (zero);
  g_assert_cmpint (values[0], ==, -128);
}

static void
test_refused (void)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (FwModel) model = new_chain (i == 0 ? "Identity" : NULL, TRUE, i == 0);
      g_autoptr (GError) error = NULL;
      FwModel *other = fw_signed_new (model, &error);

      g_assert_null (other);
      g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/signed/same-answers", test_same_answers);
  g_test_add_func ("/signed/original-stays", test_original_stays);
  g_test_add_func ("/signed/storage-only", test_storage_only);
  g_test_add_func ("/signed/no-zero-point", test_no_zero_point);
  g_test_add_func ("/signed/refused", test_refused);
  return g_test_run ();
}
