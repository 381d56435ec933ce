/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-output-error.h"

static FwTensor *
make_floats (const gint64 *dims, guint n_dims, const float *values)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);

  memcpy (fw_tensor_get_data (tensor), values, fw_tensor_get_size (tensor));
  return tensor;
}

static GPtrArray *
list_of (FwTensor *tensor)
{
  GPtrArray *list = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  if (tensor != NULL)
    g_ptr_array_add (list, tensor);
  return list;
}

/* What [1, n] of @before is to @after, after having seen @before alone. */
static FwOutputError
compare_flat (const float *before, const float *after, guint n)
{
  const gint64 dims[] = { 1, n };
  g_autoptr (FwOutputScale) scale = fw_output_scale_new (1);
  g_autoptr (GPtrArray) a = list_of (make_floats (dims, 2, before));
  g_autoptr (GPtrArray) b = list_of (make_floats (dims, 2, after));

  fw_output_scale_learn (scale, a);
  return fw_output_scale_compare (scale, a, b, NULL);
}

static void
test_decibels (void)
{
  const float before[] = { 3, 4, 0, 0 };
  const float at_20[] = { 3, 4, 0.4, 0.3 };
  const float worse[] = { 3, 4, 0.4, 0.31 };
  FwOutputError same = compare_flat (before, before, 4);
  FwOutputError limit = compare_flat (before, at_20, 4);

  g_assert_cmpfloat (same.error, ==, 0);
  g_assert_true (same.is_same);
  g_assert_cmpfloat_with_epsilon (fw_error_to_decibels (limit.error), 20, 1e-4);
  g_assert_false (compare_flat (before, worse, 4).is_same);
  g_assert_true (isinf (fw_error_to_decibels (0)));
  g_assert_true (fw_error_to_decibels (INFINITY) < 0);
}

static void
test_not_finite (void)
{
  const float good[] = { 1, 2 };
  const float bad[] = { 1, NAN };
  FwOutputError lost = compare_flat (good, bad, 2);
  FwOutputError kept = compare_flat (bad, bad, 2);

  g_assert_true (lost.new_not_finite);
  g_assert_false (lost.is_same);
  g_assert_true (isinf (lost.error));
  g_assert_false (kept.new_not_finite);
  g_assert_true (kept.is_same);
  /* What was none and is a number now is no loss. */
  g_assert_true (compare_flat (bad, good, 2).is_same);
}

static void
test_zeros (void)
{
  const float zeros[] = { 0, 0 };
  const float more[] = { 0, 1e-3 };

  g_assert_true (compare_flat (zeros, zeros, 2).is_same);
  g_assert_false (compare_flat (zeros, more, 2).is_same);
}

/* Two boxes of a position of hundreds, and two scores. */
static FwOutputError
compare_boxes (float position, float score)
{
  const gint64 dims[] = { 1, 2, 3 };
  const float before[] = { 300, 0.9, 0.0, 400, 0.1, 0.0 };
  const float after[] = { 300 + position, 0.9 + score, 0.0, 400, 0.1, 0.0 };
  g_autoptr (FwOutputScale) scale = fw_output_scale_new (1);
  g_autoptr (GPtrArray) a = list_of (make_floats (dims, 3, before));
  g_autoptr (GPtrArray) b = list_of (make_floats (dims, 3, after));

  fw_output_scale_learn (scale, a);
  return fw_output_scale_compare (scale, a, b, NULL);
}

/* Neither drowns the other, though positions are a thousand times scores. */
static void
test_columns (void)
{
  g_assert_true (compare_boxes (10, 0).is_same);
  g_assert_false (compare_boxes (100, 0).is_same);
  g_assert_true (compare_boxes (0, 0.01).is_same);
  g_assert_false (compare_boxes (0, 0.3).is_same);
  g_assert_cmpfloat (compare_boxes (10, 0.3).error, ==, compare_boxes (0, 0.3).error);
}

/* A sample on which nothing happens is held to the measure of those on which something does. */
static void
test_quiet_sample (void)
{
  const gint64 dims[] = { 1, 2, 2 };
  const float loud[] = { 0.9, 0.8, 0.9, 0.8 };
  const float quiet[] = { 0.001, 0, 0, 0 };
  const float other[] = { 0.002, 0, 0, 0.001 };
  g_autoptr (FwOutputScale) scale = fw_output_scale_new (1);
  g_autoptr (GPtrArray) a = list_of (make_floats (dims, 3, loud));
  g_autoptr (GPtrArray) b = list_of (make_floats (dims, 3, quiet));
  g_autoptr (GPtrArray) c = list_of (make_floats (dims, 3, other));

  fw_output_scale_learn (scale, a);
  fw_output_scale_learn (scale, b);
  g_assert_true (fw_output_scale_compare (scale, b, c, NULL).is_same);
}

static void
test_shapes (void)
{
  const float values[6] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (FwOutputScale) scale = fw_output_scale_new (1);
  g_autoptr (GPtrArray) a = list_of (make_floats ((gint64[]){ 1, 2, 3 }, 3, values));
  g_autoptr (GPtrArray) b = list_of (make_floats ((gint64[]){ 1, 3, 2 }, 3, values));
  g_autoptr (GPtrArray) none = list_of (NULL);

  /* A last dimension that changes is one of a kind. */
  fw_output_scale_learn (scale, a);
  fw_output_scale_learn (scale, b);
  g_assert_true (fw_output_scale_compare (scale, a, a, NULL).is_same);
  g_assert_true (fw_output_scale_compare (scale, b, b, NULL).is_same);
  g_assert_false (fw_output_scale_compare (scale, a, b, NULL).is_same);
  g_assert_false (fw_output_scale_compare (scale, a, none, NULL).is_same);
  g_assert_true (fw_output_scale_compare (scale, none, a, NULL).is_same);
}

static FwOutputError
compare_whole (guint n, guint n_other, double *share)
{
  g_autoptr (FwOutputScale) scale = fw_output_scale_new (1);
  g_autoptr (GPtrArray) a = list_of (fw_tensor_new (FW_ELEMENT_INT64, (gint64[]){ 1, n }, 2, NULL));
  g_autoptr (GPtrArray) b = list_of (fw_tensor_new (FW_ELEMENT_INT64, (gint64[]){ 1, n }, 2, NULL));
  gint64 *values = fw_tensor_get_data (b->pdata[0]);

  for (guint i = 0; i < n_other; i++)
    values[i] = 7;
  fw_output_scale_learn (scale, a);
  return fw_output_scale_compare (scale, a, b, share);
}

static void
test_whole_numbers (void)
{
  double share;

  g_assert_true (compare_whole (1, 0, &share).is_same);
  g_assert_false (compare_whole (1, 1, &share).is_same);
  g_assert_true (compare_whole (200, 2, &share).is_same);
  g_assert_cmpfloat_with_epsilon (share, 0.01, 1e-12);
  g_assert_false (compare_whole (200, 3, &share).is_same);
}

static void
test_agreement (void)
{
  const FwOutputError errors[] = {
    { 0.001, TRUE, FALSE }, { 0.5, FALSE, FALSE }, { INFINITY, FALSE, TRUE }, { 0, TRUE, FALSE }
  };
  g_autoptr (FwAgreement) agreement = fw_agreement_new_from_errors (errors, 4);

  g_assert_cmpuint (agreement->same.same, ==, 2);
  g_assert_cmpuint (agreement->same.total, ==, 4);
  g_assert_cmpuint (agreement->new_not_finite, ==, 1);
  g_assert_false (agreement->has_labels);
  g_assert_cmpfloat (agreement->same.interval.low, <, 0.5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/evaluate/output-error/decibels", test_decibels);
  g_test_add_func ("/evaluate/output-error/not-finite", test_not_finite);
  g_test_add_func ("/evaluate/output-error/zeros", test_zeros);
  g_test_add_func ("/evaluate/output-error/columns", test_columns);
  g_test_add_func ("/evaluate/output-error/quiet-sample", test_quiet_sample);
  g_test_add_func ("/evaluate/output-error/shapes", test_shapes);
  g_test_add_func ("/evaluate/output-error/whole-numbers", test_whole_numbers);
  g_test_add_func ("/evaluate/output-error/agreement", test_agreement);
  return g_test_run ();
}
