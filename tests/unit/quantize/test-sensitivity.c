/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-error.h"
#include "fw-random.h"
#include "fw-sensitivity.h"
#include "small-network.h"
#include "tiny-model.h"

/* Scores ----------------------------------------------------------------------------------------
 */

static GPtrArray *
answer_new (const gint64 *dims, guint n_dims, const float *values)
{
  GPtrArray *answer = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);

  for (gsize i = 0; i < fw_tensor_get_n_elements (tensor); i++)
    ((float *) fw_tensor_get_data (tensor))[i] = values[i];
  g_ptr_array_add (answer, tensor);
  return answer;
}

/* The harm of @values where one row should have given @reference. */
static double
get_harm (const gint64 *dims, guint n_dims, const float *reference, const float *values)
{
  g_autoptr (GPtrArray) right = answer_new (dims, n_dims, reference);
  g_autoptr (GPtrArray) answer = answer_new (dims, n_dims, values);
  g_autoptr (FwTrialReference) self = fw_trial_reference_new (&right, 1);
  g_autofree double *sums = g_new (double, fw_trial_reference_get_n_sums (self));

  fw_trial_reference_compare (self, 0, answer, sums);
  return fw_trial_reference_get_harm (self, sums, 1);
}

static void
test_normalized (void)
{
  const gint64 dims[] = { 1, 4 };
  const float reference[] = { 1, 2, 3, 4 };

  g_assert_cmpfloat (get_harm (dims, 2, reference, reference), ==, 0);
  /* Variance 5, and a little of the mean square. */
  g_assert_cmpfloat_with_epsilon (get_harm (dims, 2, reference, (const float[]){ 1, 2, 3, 4.5f }),
                                  0.25 / 5, 1e-4);
  g_assert_cmpfloat_with_epsilon (get_harm (dims, 2, (const float[]){ 100, 200, 300, 400 },
                                            (const float[]){ 100, 200, 300, 450 }),
                                  0.25 / 5, 1e-4);
}

/* Coordinates up to 100 beside confidences up to 1: an error of a tenth counts alike. */
static void
test_columns (void)
{
  const gint64 dims[] = { 1, 3, 2 };
  const float reference[] = { 0, 0, 50, 0.5f, 100, 1 };
  double coordinates = get_harm (dims, 3, reference, (const float[]){ 10, 0, 50, 0.5f, 100, 1 });
  double confidences = get_harm (dims, 3, reference, (const float[]){ 0, 0.1f, 50, 0.5f, 100, 1 });

  g_assert_cmpfloat (coordinates, >, 0.005);
  g_assert_cmpfloat_with_epsilon (coordinates / confidences, 1, 1e-4);
  /* As one list of numbers the confidences would not count. */
  g_assert_cmpfloat (get_harm ((const gint64[]){ 1, 6 }, 2, reference,
                               (const float[]){ 0, 0.1f, 50, 0.5f, 100, 1 }),
                     <, 1e-4);
}

static void
test_constant_column (void)
{
  const gint64 dims[] = { 1, 3, 2 };
  const float reference[] = { 0, 7, 50, 7, 100, 7 };
  const float zeros[] = { 0, 0, 50, 0, 100, 0 };

  g_assert_cmpfloat (get_harm (dims, 3, reference, reference), ==, 0);
  g_assert_true (
      isfinite (get_harm (dims, 3, reference, (const float[]){ 0, 7.1f, 50, 7, 100, 7 })));
  g_assert_true (isfinite (get_harm (dims, 3, zeros, (const float[]){ 0, 0.1f, 50, 0, 100, 0 })));
  g_assert_true (isfinite (get_harm (dims, 3, (const float[6]){ 0 }, (const float[6]){ 1 })));
}

static void
test_no_numbers (void)
{
  const gint64 dims[] = { 4 };
  const float reference[] = { 1, -INFINITY, NAN, 4 };

  g_assert_cmpfloat (get_harm (dims, 1, reference, (const float[]){ 1, 5, 6, 4 }), ==, 0);
  g_assert_true (isinf (get_harm (dims, 1, reference, (const float[]){ NAN, 5, 6, 4 })));
  g_assert_true (isinf (get_harm (dims, 1, reference, (const float[]){ 1, 5, 6, INFINITY })));
}

/* A row with fewer answers has lost all of them, not everything. */
static void
test_other_size (void)
{
  const float values[] = { 1, 2, 3, 4, 5, 6 };
  GPtrArray *right[2] = { answer_new ((const gint64[]){ 1, 4 }, 2, values),
                          answer_new ((const gint64[]){ 1, 6 }, 2, values) };
  g_autoptr (FwTrialReference) self = fw_trial_reference_new (right, 2);
  double sums[2];
  double harm;

  g_assert_cmpuint (fw_trial_reference_get_n_sums (self), ==, 1);
  fw_trial_reference_compare (self, 0, right[0], &sums[0]);
  fw_trial_reference_compare (self, 1, right[0], &sums[1]);
  harm = fw_trial_reference_get_harm (self, sums, 2);
  g_assert_cmpfloat (harm, >, 0.3);
  g_assert_cmpfloat (harm, <, 1);
  g_assert_cmpfloat (fw_trial_reference_get_harm (self, sums, 1), ==, 0);
  g_ptr_array_unref (right[0]);
  g_ptr_array_unref (right[1]);
}

static void
test_several_scores (void)
{
  const float values[] = { 1, 2, 3, 4 };
  const float changed[] = { 1, 2, 3, 5 };
  const gint64 dims[] = { 4 };
  g_autoptr (GPtrArray) right = answer_new (dims, 1, values);
  g_autoptr (GPtrArray) other = answer_new (dims, 1, changed);
  g_autoptr (FwTrialReference) self = NULL;
  double sums[2];

  g_ptr_array_add (right, fw_tensor_ref (g_ptr_array_index (right, 0)));
  g_ptr_array_add (other, fw_tensor_ref (g_ptr_array_index (right, 0)));
  self = fw_trial_reference_new (&right, 1);
  fw_trial_reference_compare (self, 0, other, sums);
  g_assert_cmpfloat_with_epsilon (fw_trial_reference_get_harm (self, sums, 1),
                                  get_harm (dims, 1, values, changed) / 2, 1e-9);
}

static void
test_nothing (void)
{
  g_autoptr (FwTrialReference) self = fw_trial_reference_new (NULL, 0);

  g_assert_true (isinf (fw_trial_reference_get_harm (self, NULL, 0)));
}

/* Units -----------------------------------------------------------------------------------------
 */

static GPtrArray *
make_rows (guint n)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < n; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

      g_ptr_array_add (row, small_network_sample (i));
      g_ptr_array_add (rows, row);
    }
  return rows;
}

static void
measure_small (guint threads, gboolean arithmetic, FwUnitHarm harms[5])
{
  g_autoptr (FwModel) model = small_network_new (13);
  g_autoptr (GPtrArray) units = fw_units_find (model);
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (model, units, 1);
  g_autoptr (FwRecipe) recipe = small_network_calibrate (model, rewriter, 8);
  g_autoptr (GPtrArray) rows = make_rows (8);
  const char *const scores[] = { "v12", NULL };
  const FwTrial trial = { rewriter, units, recipe, scores, rows, threads, NULL, NULL };
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (units->len, ==, 5);
  g_assert_true (fw_sensitivity_measure (&trial, arithmetic, harms, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
test_harms (void)
{
  FwUnitHarm harms[5], again[5];

  if (!tiny_need_runtime ())
    return;
  measure_small (1, TRUE, harms);
  measure_small (3, TRUE, again);
  for (guint i = 0; i < 5; i++)
    {
      double last = 0;

      for (guint k = 0; k < FW_N_WIDTHS; k++)
        {
          double harm = harms[i].storage[k];

          g_assert_cmpfloat (harm, ==, again[i].storage[k]);
          g_assert_cmpfloat (harm, >=, last);
          if (isfinite (harm))
            last = harm;
        }
      g_assert_cmpfloat (harms[i].storage[fw_width_find (8)], >, 0);
      g_assert_cmpfloat (harms[i].storage[fw_width_find (8)], <, 0.01);
      g_assert_cmpfloat (harms[i].arithmetic[FW_ARITHMETIC_INT8], >, 0);
      g_assert_cmpfloat (harms[i].arithmetic[FW_ARITHMETIC_INT8], <, 0.1);
      for (guint k = 0; k < FW_N_ARITHMETICS; k++)
        g_assert_true (harms[i].arithmetic[k] == again[i].arithmetic[k]);
    }
}

static void
test_storage_alone (void)
{
  FwUnitHarm harms[5];

  if (!tiny_need_runtime ())
    return;
  measure_small (2, FALSE, harms);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_true (isfinite (fw_unit_harm_get (&harms[i], FW_OPTION_INT8_STORAGE)));
      g_assert_true (isinf (fw_unit_harm_get (&harms[i], FW_OPTION_INT8_COMPUTE)));
      g_assert_cmpfloat (fw_unit_harm_get (&harms[i], FW_OPTION_FLOAT32), ==, 0);
    }
}

static GPtrArray *
make_row (guint size)
{
  GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 2, size }, 2, NULL);
  FwRandom random = { 3 };

  for (guint i = 0; i < 2 * size; i++)
    ((float *) fw_tensor_get_data (tensor))[i] = fw_random_double (&random);
  g_ptr_array_add (row, tensor);
  return row;
}

/* More units than can be tried one by one: a chain of 300 small matrices. */
static void
test_very_many (void)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (FwRecipe) recipe = fw_recipe_new ("0123", FALSE);
  const char *const scores[] = { "y", NULL };
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwPredictor) predictor = NULL;
  g_autofree FwUnitHarm *harms = g_new0 (FwUnitHarm, 300);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  FwRandom random = { 7 };
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "2 4");
  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *weight = g_strdup_printf ("w%u", i);
      g_autofree char *inputs = g_strdup_printf (i == 0 ? "x w%u" : "v%u w%u", i, i);
      g_autofree char *output = i == 299 ? g_strdup ("y") : g_strdup_printf ("v%u", i + 1);
      float values[16];

      for (guint k = 0; k < 16; k++)
        values[k] = (k % 5 == 0) + 0.01 * fw_random_double (&random);
      tiny_model_add_floats (&tiny, weight, "4 4", values, 16);
      tiny_model_add_node (&tiny, "MatMul", "", inputs, output, NULL);
    }
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "2 4");
  bytes = tiny_model_finish (&tiny, 13);
  if (!tiny_need_runtime ())
    return;
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 300; i++)
    {
      Onnx__NodeProto *node = fw_model_get_graph (model)->node[i];

      g_free (node->name);
      node->name = g_strdup_printf ("n%u", i);
    }
  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, 1);
  g_assert_cmpuint (units->len, ==, 300);
  for (guint i = 0; i < 8; i++)
    g_ptr_array_add (rows, make_row (4));
  {
    FwTrial trial = { rewriter, units, recipe, scores, rows, 2, NULL, NULL };

    trial.predictor = predictor = fw_predictor_new (&trial, NULL, &error);
    g_assert_no_error (error);
    fw_sensitivity_measure (&trial, FALSE, harms, NULL, NULL, &error);
    g_assert_no_error (error);
  }
  for (guint i = 0; i < 300; i++)
    {
      g_assert_cmpfloat (fw_unit_harm_get (&harms[i], FW_OPTION_INT8_STORAGE), >, 0);
      g_assert_true (isfinite (fw_unit_harm_get (&harms[i], FW_OPTION_INT8_STORAGE)));
    }
  g_assert_cmpuint (fw_predictor_get_n_runs (predictor), <, 1200);
}

static void
test_no_units (void)
{
  const FwTrial trial = { .units = g_ptr_array_new () };
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_sensitivity_measure (&trial, TRUE, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
  g_ptr_array_unref (trial.units);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/trial/normalized", test_normalized);
  g_test_add_func ("/trial/columns", test_columns);
  g_test_add_func ("/trial/constant-column", test_constant_column);
  g_test_add_func ("/trial/no-numbers", test_no_numbers);
  g_test_add_func ("/trial/other-size", test_other_size);
  g_test_add_func ("/trial/several-scores", test_several_scores);
  g_test_add_func ("/trial/nothing", test_nothing);
  g_test_add_func ("/sensitivity/harms", test_harms);
  g_test_add_func ("/sensitivity/storage-alone", test_storage_alone);
  g_test_add_func ("/sensitivity/very-many", test_very_many);
  g_test_add_func ("/sensitivity/no-units", test_no_units);
  return g_test_run ();
}
