/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-calibration.h"
#include "fw-error.h"
#include "fw-random.h"
#include "tiny-model.h"

/* Samples: a row of tensors x [n, 2, 3], made of a seed and of the index alone. */
typedef struct
{
  guint64 seed;
  guint skip;    /* every so manyth is skipped; 0 for none */
  guint fail_at; /* a failure there; 0 for never */
  guint cancel_at;
  gboolean broken; /* with NaN and Inf */
  guint columns;   /* x is [2, columns] */
  gboolean ragged; /* and grows with each sample */
  GCancellable *cancellable;
} Samples;

static void
fill (const Samples *samples, guint index, float *values, gsize n)
{
  FwRandom random = { samples->seed + index * 1000 };

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (fw_random_double (&random) * 4 - 2);
  if (samples->broken)
    {
      values[index % n] = NAN;
      values[(index * 5 + 2) % n] = INFINITY;
    }
}

static GPtrArray *
make_inputs (guint index, gpointer user_data, GError **error)
{
  const Samples *samples = user_data;
  const gint64 batch_dims[] = { 1 + index % 3, 2, 3 };
  const gint64 open_dims[] = { 2, samples->columns + (samples->ragged ? index : 0) };
  g_autoptr (GPtrArray) inputs = NULL;
  FwTensor *tensor;

  if (samples->skip > 0 && index % samples->skip == 0)
    return NULL;
  if (samples->cancel_at > 0 && index == samples->cancel_at)
    g_cancellable_cancel (samples->cancellable);
  if (samples->fail_at > 0 && index == samples->fail_at)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_NOT_READABLE, "No.");
      return NULL;
    }

  inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  if (samples->columns > 0 || samples->ragged)
    tensor = fw_tensor_new (FW_ELEMENT_FLOAT, open_dims, 2, error);
  else
    tensor = fw_tensor_new (FW_ELEMENT_FLOAT, batch_dims, 3, error);
  g_assert_nonnull (tensor);
  fill (samples, index, fw_tensor_get_data (tensor), fw_tensor_get_n_elements (tensor));
  g_ptr_array_add (inputs, tensor);
  return g_steal_pointer (&inputs);
}

/* x → Relu r → MatMul m → Add y; and of m a Flatten f; of x a Shape s, which is no float. */
static FwModel *
make_model (void)
{
  static const float weight[] = { 1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 1, -1 };
  static const float bias[] = { 100, 200, 300, 400 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  TinyModel tiny;
  FwModel *model;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "-1 2 3");
  tiny_model_add_floats (&tiny, "weight", "3 4", weight, 12);
  tiny_model_add_floats (&tiny, "bias", "4", bias, 4);
  tiny_model_add_node (&tiny, "Relu", "", "x", "r", NULL);
  tiny_model_add_node (&tiny, "MatMul", "", "r weight", "m", NULL);
  tiny_model_add_node (&tiny, "Flatten", "", "m", "f", NULL);
  tiny_model_add_node (&tiny, "Shape", "", "x", "s", NULL);
  tiny_model_add_node (&tiny, "Add", "", "m bias", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "-1 2 4");
  bytes = tiny_model_finish (&tiny, 13);
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  return model;
}

static FwCalibration *
calibrate (FwModel *model, const char *const *values, Samples *samples, guint n, guint threads)
{
  g_autoptr (GError) error = NULL;
  const FwFeed feed = { n, make_inputs, samples };
  FwCalibration *calibration
      = fw_calibration_run (model, values, &feed, threads, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (calibration);
  return calibration;
}

static const char *const all_values[]
    = { "x", "r", "m", "f", "s", "y", "x", "weight", "nowhere", "", NULL };

static void
test_statistics (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  const FwTensorStatistics *x, *r, *m, *f, *y;
  double sums[2] = { 0 };
  guint rows = 0;
  FwHistogram expected_x, expected_r;
  Samples samples = { .seed = 5 };
  enum
  {
    N = 20
  };

  if (!tiny_need_runtime ())
    return;

  fw_histogram_init (&expected_x);
  fw_histogram_init (&expected_r);
  for (guint i = 0; i < N; i++)
    {
      float values[18];
      guint n = 1 + i % 3;

      fill (&samples, i, values, n * 6);
      fw_histogram_add_reference (&expected_x, values, n * 6);
      for (guint j = 0; j < n * 6; j++)
        {
          values[j] = fmaxf (values[j], 0);
          sums[j / 3 % 2] += (double) values[j];
        }
      fw_histogram_add_reference (&expected_r, values, n * 6);
      rows += n;
    }

  model = make_model ();
  calibration = calibrate (model, all_values, &samples, N, 2);
  g_assert_cmpuint (fw_calibration_get_n_samples (calibration), ==, N);
  x = fw_calibration_get (calibration, "x");
  r = fw_calibration_get (calibration, "r");
  m = fw_calibration_get (calibration, "m");
  f = fw_calibration_get (calibration, "f");
  y = fw_calibration_get (calibration, "y");
  g_assert_true (x != NULL && r != NULL && m != NULL && f != NULL && y != NULL);
  g_assert_cmpmem (&x->histogram, sizeof (FwHistogram), &expected_x, sizeof (FwHistogram));
  g_assert_cmpmem (&r->histogram, sizeof (FwHistogram), &expected_r, sizeof (FwHistogram));
  g_assert_true (x->is_float);

  g_assert_cmpuint (r->channels, ==, 2);
  g_assert_cmpfloat_with_epsilon (r->mean[0], sums[0] / (rows * 3), 1e-12);
  g_assert_cmpfloat_with_epsilon (r->mean[1], sums[1] / (rows * 3), 1e-12);
  /* Three dims have their channels in the middle, two at the end. */
  g_assert_cmpuint (m->channels, ==, 2);
  g_assert_cmpuint (f->channels, ==, 8);
  g_assert_cmpfloat_with_epsilon (f->mean[0] + f->mean[1] + f->mean[2] + f->mean[3], m->mean[0] * 4,
                                  1e-6);
  g_assert_cmpfloat_with_epsilon (y->mean[1], m->mean[1] + 250, 1e-4);

  g_assert_null (fw_calibration_get (calibration, "s"));
  g_assert_null (fw_calibration_get (calibration, "weight"));
  g_assert_null (fw_calibration_get (calibration, "nowhere"));
  /* The model itself is as it was. */
  g_assert_cmpuint (fw_model_get_graph (model)->n_output, ==, 1);
}

static void
test_threads (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwCalibration) one = NULL;
  g_autoptr (FwCalibration) many = NULL;
  Samples samples = { .seed = 6 };

  if (!tiny_need_runtime ())
    return;

  model = make_model ();
  one = calibrate (model, all_values, &samples, 30, 1);
  many = calibrate (model, all_values, &samples, 30, 4);
  for (guint i = 0; all_values[i] != NULL; i++)
    {
      const FwTensorStatistics *a = fw_calibration_get (one, all_values[i]);
      const FwTensorStatistics *b = fw_calibration_get (many, all_values[i]);

      g_assert_true ((a == NULL) == (b == NULL));
      if (a == NULL)
        continue;
      g_assert_cmpmem (&a->histogram, sizeof a->histogram, &b->histogram, sizeof b->histogram);
      g_assert_cmpmem (a->mean, a->channels * 8, b->mean, b->channels * 8);
    }
}

static void
test_skipped (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  g_autoptr (FwCalibration) none = NULL;
  Samples samples = { .seed = 6, .skip = 2 };
  Samples all = { .seed = 6, .skip = 1 };

  if (!tiny_need_runtime ())
    return;

  model = make_model ();
  calibration = calibrate (model, all_values, &samples, 7, 1);
  g_assert_cmpuint (fw_calibration_get_n_samples (calibration), ==, 3);
  none = calibrate (model, all_values, &all, 7, 1);
  g_assert_cmpuint (fw_calibration_get_n_samples (none), ==, 0);
  g_assert_null (fw_calibration_get (none, "x"));
}

static void
test_broken_values (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  const FwTensorStatistics *x, *f;
  Samples samples = { .seed = 8, .broken = TRUE };

  if (!tiny_need_runtime ())
    return;

  model = make_model ();
  calibration = calibrate (model, all_values, &samples, 9, 1);
  x = fw_calibration_get (calibration, "x");
  g_assert_cmpuint (x->histogram.n_not_finite, >=, 9);
  g_assert_cmpuint (x->histogram.count + x->histogram.n_not_finite, ==, 18 * 6);
  g_assert_cmpfloat (fabs (x->mean[0]), <, 2);
  g_assert_cmpfloat (fabs (x->mean[1]), <, 2);
  f = fw_calibration_get (calibration, "f");
  for (gsize c = 0; c < f->channels; c++)
    g_assert_true (isfinite (f->mean[c]));
}

/* y = -x, x [2, n] of any n. */
static FwModel *
make_open_model (void)
{
  g_autoptr (GBytes) bytes = NULL;
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "2 -1");
  tiny_model_add_node (&tiny, "Neg", "", "x", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "2 -1");
  bytes = tiny_model_finish (&tiny, 13);
  return fw_model_load_bytes (bytes, NULL, NULL);
}

static void
check_means_left_out (Samples *samples, guint64 count)
{
  static const char *const values[] = { "x", "y", NULL };
  g_autoptr (FwModel) model = make_open_model ();
  g_autoptr (FwCalibration) calibration = calibrate (model, values, samples, 4, 1);

  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);

      g_assert_nonnull (statistics);
      g_assert_null (statistics->mean);
      g_assert_cmpuint (statistics->channels, ==, 0);
      g_assert_cmpuint (statistics->histogram.count, ==, count);
    }
}

static void
test_ragged (void)
{
  Samples ragged = { .seed = 8, .ragged = TRUE, .columns = 3 };
  Samples begins_empty = { .seed = 8, .ragged = TRUE };
  Samples wide = { .seed = 8, .columns = FW_CALIBRATION_MAX_CHANNELS + 1 };

  if (!tiny_need_runtime ())
    return;

  check_means_left_out (&ragged, 2 * (3 + 4 + 5 + 6));
  check_means_left_out (&begins_empty, 2 * (0 + 1 + 2 + 3));
  check_means_left_out (&wide, 2 * 4 * (guint64) wide.columns);
}

/* More values of unknown size than one run is asked for. */
static void
test_many_values (void)
{
  enum
  {
    DEPTH = 70
  };
  static const char *const output[] = { "y", NULL };
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  Samples samples = { .seed = 2 };
  TinyModel tiny;

  if (!tiny_need_runtime ())
    return;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "-1 2 3");
  g_ptr_array_add (names, g_strdup ("x"));
  for (guint i = 0; i < DEPTH; i++)
    {
      char *name = i + 1 < DEPTH ? g_strdup_printf ("t%u", i) : g_strdup (output[0]);

      tiny_model_add_node (&tiny, "Neg", "", names->pdata[i], name, NULL);
      g_ptr_array_add (names, name);
    }
  g_ptr_array_add (names, NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "-1 2 3");
  bytes = tiny_model_finish (&tiny, 13);
  model = fw_model_load_bytes (bytes, NULL, NULL);
  calibration = calibrate (model, (const char *const *) names->pdata, &samples, 5, 2);

  for (guint i = 0; i <= DEPTH; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, names->pdata[i]);
      const FwTensorStatistics *first = fw_calibration_get (calibration, "x");

      g_assert_nonnull (statistics);
      g_assert_cmpuint (statistics->histogram.count, ==, first->histogram.count);
      g_assert_cmpfloat (statistics->mean[0], ==, i % 2 ? -first->mean[0] : first->mean[0]);
    }
}

static void
test_errors (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  Samples failing = { .seed = 1, .fail_at = 3 };
  Samples cancelled = { .seed = 1, .cancel_at = 3, .cancellable = cancellable };
  FwFeed feed = { 8, make_inputs, &failing };

  if (!tiny_need_runtime ())
    return;

  model = make_model ();
  g_assert_null (fw_calibration_run (model, all_values, &feed, 2, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_clear_error (&error);

  feed.user_data = &cancelled;
  g_assert_null (fw_calibration_run (model, all_values, &feed, 2, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_null (fw_calibration_run (model, all_values, &feed, 2, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static GPtrArray *
make_wrong_inputs (guint index, gpointer user_data, GError **error)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  const gint64 dims[] = { 7 };

  if (GPOINTER_TO_INT (user_data))
    g_ptr_array_add (inputs, fw_tensor_new (FW_ELEMENT_INT64, dims, 1, error));
  return inputs;
}

static void
test_wrong_inputs (void)
{
  g_autoptr (FwModel) model = NULL;

  if (!tiny_need_runtime ())
    return;

  /* None, and one of another kind. */
  model = make_model ();
  for (int n = 0; n < 2; n++)
    {
      const FwFeed feed = { 2, make_wrong_inputs, GINT_TO_POINTER (n) };
      g_autoptr (GError) error = NULL;

      g_assert_null (fw_calibration_run (model, all_values, &feed, 1, NULL, NULL, &error));
      g_assert_nonnull (error);
    }
}

static void
note_fraction (double fraction, gpointer user_data)
{
  double *last = user_data;

  g_assert_cmpfloat (fraction, >=, *last);
  *last = fraction;
}

static void
test_progress (void)
{
  static const char *const nothing[] = { NULL };
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwProgress) progress = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  g_autoptr (GError) error = NULL;
  Samples samples = { .seed = 1 };
  const FwFeed feed = { 8, make_inputs, &samples };
  double last = 0;

  if (!tiny_need_runtime ())
    return;

  model = make_model ();
  progress = fw_progress_new (note_fraction, &last);
  calibration = fw_calibration_run (model, nothing, &feed, 1, progress, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fw_calibration_get_n_samples (calibration), ==, 8);
  g_assert_cmpfloat (last, ==, 1);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/calibration/statistics", test_statistics);
  g_test_add_func ("/calibration/threads", test_threads);
  g_test_add_func ("/calibration/skipped", test_skipped);
  g_test_add_func ("/calibration/broken-values", test_broken_values);
  g_test_add_func ("/calibration/ragged", test_ragged);
  g_test_add_func ("/calibration/many-values", test_many_values);
  g_test_add_func ("/calibration/errors", test_errors);
  g_test_add_func ("/calibration/wrong-inputs", test_wrong_inputs);
  g_test_add_func ("/calibration/progress", test_progress);
  return g_test_run ();
}
