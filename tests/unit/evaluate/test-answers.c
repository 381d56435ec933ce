/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-answers.h"
#include "fw-error.h"

static FwTensor *
new_scores (const float *values, gint64 n)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 1, n }, 2, NULL);

  memcpy (fw_tensor_get_data (tensor), values, n * sizeof *values);
  return tensor;
}

static FwAnswer
read_scores (const float *values, gint64 n)
{
  g_autoptr (FwTensor) tensor = new_scores (values, n);
  g_autoptr (GError) error = NULL;
  FwAnswer answer;

  g_assert_true (fw_answer_read (&answer, tensor, &error));
  g_assert_no_error (error);
  return answer;
}

static void
test_logits (void)
{
  const float scores[] = { -1, 3, 2, 3, 0, -7, 1 };
  const guint order[] = { 1, 3, 2, 6, 4 };
  FwAnswer answer = read_scores (scores, 7);
  double sum = 0;

  g_assert_cmpuint (answer.n, ==, 5);
  g_assert_cmpuint (answer.n_classes, ==, 7);
  g_assert_true (answer.finite);
  for (guint i = 0; i < 7; i++)
    sum += exp (scores[i]);
  for (guint i = 0; i < 5; i++)
    {
      g_assert_cmpuint (answer.index[i], ==, order[i]);
      g_assert_cmpfloat_with_epsilon (answer.probability[i], exp (scores[order[i]]) / sum, 1e-6);
    }
}

static void
test_probabilities (void)
{
  const float scores[] = { 0.2f, 0.7f, 0.1f };
  FwAnswer answer = read_scores (scores, 3);

  g_assert_cmpuint (answer.n, ==, 3);
  g_assert_cmpuint (answer.index[0], ==, 1);
  g_assert_cmpfloat (answer.probability[0], ==, 0.7f);
  g_assert_cmpfloat (answer.probability[2], ==, 0.1f);
}

static void
test_huge_logits (void)
{
  const float scores[] = { 3e38f, -3e38f, 1 };
  FwAnswer answer = read_scores (scores, 3);

  g_assert_cmpuint (answer.index[0], ==, 0);
  g_assert_cmpfloat (answer.probability[0], ==, 1);
  g_assert_cmpfloat (answer.probability[2], ==, 0);
}

static void
test_not_finite (void)
{
  const float nan_scores[] = { NAN, 1, NAN, 2 };
  const float infinite[] = { 1, INFINITY, -INFINITY };
  const float all_nan[] = { NAN, NAN };
  FwAnswer answer = read_scores (nan_scores, 4);

  g_assert_false (answer.finite);
  g_assert_cmpuint (answer.index[0], ==, 3);
  g_assert_cmpuint (answer.index[1], ==, 1);
  g_assert_cmpuint (answer.index[2], ==, 0);
  g_assert_cmpfloat (answer.probability[0], ==, 0);

  g_assert_false (read_scores (infinite, 3).finite);
  g_assert_cmpuint (read_scores (infinite, 3).index[0], ==, 1);
  g_assert_cmpuint (read_scores (all_nan, 2).index[0], ==, 0);
}

static void
check_shape (const gint64 *dims, guint n_dims, gboolean is_good)
{
  g_autoptr (FwTensor) tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);
  g_autoptr (GError) error = NULL;
  FwAnswer answer;

  g_assert_cmpint (fw_answer_read (&answer, tensor, &error), ==, is_good);
  if (is_good)
    g_assert_no_error (error);
  else
    g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

static void
test_shapes (void)
{
  check_shape ((gint64[]){ 10 }, 1, TRUE);
  check_shape ((gint64[]){ 1, 10, 1, 1 }, 4, TRUE);
  check_shape ((gint64[]){ 1, 1, 1, 10 }, 4, TRUE);
  check_shape ((gint64[]){ 2, 5 }, 2, FALSE);
  check_shape ((gint64[]){ 3, 3 }, 2, FALSE);
  check_shape ((gint64[]){ 1, 1 }, 2, FALSE);
  check_shape ((gint64[]){ 1, 0 }, 2, FALSE);
  check_shape (NULL, 0, FALSE);
}

static void
test_strings (void)
{
  const char *words[] = { "cat", "dog" };
  g_autoptr (FwTensor) tensor = fw_tensor_new_strings (words, (gint64[]){ 2 }, 1, NULL);
  FwAnswer answer;

  g_assert_false (fw_answer_read (&answer, tensor, NULL));
}

/* An output that is a sequence or a map. */
static void
test_no_tensor (void)
{
  g_autoptr (GError) error = NULL;
  FwAnswer answer;

  g_assert_false (fw_answer_read (&answer, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

/* Agreement ---------------------------------------------------------------------------------- */

static FwAnswer
answer_of (guint first, guint second)
{
  return (FwAnswer){ .n = 2, .index = { first, second }, .finite = TRUE, .n_classes = 10 };
}

static void
test_agreement (void)
{
  FwAnswer original[] = { answer_of (1, 2), answer_of (2, 1), answer_of (3, 1), answer_of (4, 5),
                          answer_of (9, 8) };
  FwAnswer other[] = { answer_of (1, 3), answer_of (1, 2), answer_of (3, 2), answer_of (5, 4),
                       answer_of (9, 8) };
  const int labels[] = { 1, 2, 1, 5, -1 };
  g_autoptr (FwAgreement) agreement = NULL;
  FwClassAccuracy *class;

  other[4].finite = FALSE;
  agreement = fw_agreement_new (original, other, labels, 5);

  g_assert_cmpuint (agreement->same.total, ==, 5);
  g_assert_cmpuint (agreement->same.same, ==, 2);
  g_assert_cmpfloat (agreement->same.interval.low, <, 0.4);
  g_assert_cmpfloat (agreement->same.interval.high, >, 0.4);
  g_assert_cmpuint (agreement->new_not_finite, ==, 1);

  g_assert_true (agreement->has_labels);
  g_assert_cmpuint (agreement->original_accuracy.total, ==, 4);
  g_assert_cmpuint (agreement->original_accuracy.n_top1, ==, 2);
  g_assert_cmpuint (agreement->original_accuracy.n_top5, ==, 4);
  g_assert_cmpuint (agreement->accuracy.n_top1, ==, 2);
  g_assert_cmpuint (agreement->accuracy.n_top5, ==, 3);
  g_assert_cmpfloat (agreement->accuracy.top5, ==, 0.75);
  g_assert_cmpfloat (agreement->mcnemar, ==, 1);

  g_assert_cmpuint (agreement->classes->len, ==, 3);
  class = &g_array_index (agreement->classes, FwClassAccuracy, 0);
  g_assert_cmpint (class->label, ==, 1);
  g_assert_cmpuint (class->total, ==, 2);
  g_assert_cmpuint (class->original_right, ==, 1);
  class = &g_array_index (agreement->classes, FwClassAccuracy, 2);
  g_assert_cmpint (class->label, ==, 5);
  g_assert_cmpuint (class->other_right, ==, 1);
}

static void
test_agreement_without_labels (void)
{
  FwAnswer answer = answer_of (1, 2);
  const int none[] = { -1 };
  g_autoptr (FwAgreement) unlabelled = fw_agreement_new (&answer, &answer, NULL, 1);
  g_autoptr (FwAgreement) without = fw_agreement_new (&answer, &answer, none, 1);
  g_autoptr (FwAgreement) empty = fw_agreement_new (NULL, NULL, NULL, 0);

  g_assert_cmpuint (unlabelled->same.same, ==, 1);
  g_assert_false (unlabelled->has_labels);
  g_assert_false (without->has_labels);
  g_assert_cmpuint (without->classes->len, ==, 0);
  g_assert_cmpfloat (without->mcnemar, ==, 1);
  g_assert_cmpuint (empty->same.total, ==, 0);
}

static void
test_sqnr (void)
{
  const float values[] = { 3, 4, NAN, INFINITY };
  const float shifted[] = { 3, 4.5f, NAN, INFINITY };
  const float broken[] = { 3, NAN };
  const float zeros[] = { 0, 0 };

  g_assert_cmpfloat_with_epsilon (fw_sqnr (values, shifted, 2), 20, 1e-9);
  g_assert_cmpfloat_with_epsilon (fw_sqnr (values, shifted, 4), 20, 1e-9);
  g_assert_cmpfloat (fw_sqnr (values, values, 4), ==, INFINITY);
  g_assert_cmpfloat (fw_sqnr (values, broken, 2), ==, -INFINITY);
  g_assert_cmpfloat (fw_sqnr (zeros, values, 2), ==, -INFINITY);
  g_assert_cmpfloat (fw_sqnr (zeros, zeros, 2), ==, INFINITY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/evaluate/answers/logits", test_logits);
  g_test_add_func ("/evaluate/answers/probabilities", test_probabilities);
  g_test_add_func ("/evaluate/answers/huge-logits", test_huge_logits);
  g_test_add_func ("/evaluate/answers/not-finite", test_not_finite);
  g_test_add_func ("/evaluate/answers/shapes", test_shapes);
  g_test_add_func ("/evaluate/answers/strings", test_strings);
  g_test_add_func ("/evaluate/answers/no-tensor", test_no_tensor);
  g_test_add_func ("/evaluate/answers/agreement", test_agreement);
  g_test_add_func ("/evaluate/answers/agreement-without-labels", test_agreement_without_labels);
  g_test_add_func ("/evaluate/answers/sqnr", test_sqnr);

  return g_test_run ();
}
