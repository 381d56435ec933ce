/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-detective.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-random.h"
#include "tiny-model.h"

#define SIDE 16
#define N_PIXELS (SIDE * SIDE)
#define N_SAMPLES 36

/* Pictures of three kinds: in each one colour is stronger than usual. */
typedef struct
{
  char *folder;
  GPtrArray *samples;
  double mean[3], variance[3]; /* of red, green and blue, 0 to 255 */
} Fixture;

static void
sample_free (gpointer data)
{
  FwSample *self = data;

  g_free (self->path);
  g_free (self->name);
  g_free (self);
}

static void
fill_picture (guint8 *pixels, guint index)
{
  static const int base[] = { 170, 110, 50 }, stronger[] = { 60, 90, 120 };
  FwRandom random = { index * 1000003 + 17 };

  for (guint i = 0; i < N_PIXELS; i++)
    for (guint c = 0; c < 3; c++)
      pixels[i * 3 + c] = base[c] + (index % 3 == c ? stronger[c] : 0)
                          + (int) (fw_random_double (&random) * 40) - 20;
}

static char *
save_picture (Fixture *fixture, guint index, const guint8 *pixels)
{
  guint8 bmp[54 + N_PIXELS * 3] = { 'B', 'M', 54, 3,    0, 0, 0, 0,    0, 0, 54, 0, 0, 0, 40,
                                    0,   0,   0,  SIDE, 0, 0, 0, SIDE, 0, 0, 0,  1, 0, 24 };
  g_autofree char *name = g_strdup_printf ("%02u.bmp", index);
  char *path = g_build_filename (fixture->folder, name, NULL);

  for (guint i = 0; i < N_PIXELS; i++)
    for (guint c = 0; c < 3; c++)
      bmp[54 + i * 3 + c] = pixels[i * 3 + 2 - c];
  g_assert_true (g_file_set_contents (path, (char *) bmp, sizeof bmp, NULL));
  return path;
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  double squares[3] = { 0 };

  memset (fixture->mean, 0, sizeof fixture->mean);
  fixture->folder = g_dir_make_tmp ("fw-detective-XXXXXX", NULL);
  fixture->samples = g_ptr_array_new_with_free_func (sample_free);
  for (guint i = 0; i < N_SAMPLES; i++)
    {
      FwSample *sample = g_new0 (FwSample, 1);
      guint8 pixels[N_PIXELS * 3];

      fill_picture (pixels, i);
      for (guint j = 0; j < N_PIXELS * 3; j++)
        {
          fixture->mean[j % 3] += pixels[j] / (double) (N_PIXELS * N_SAMPLES);
          squares[j % 3] += pixels[j] * pixels[j] / (double) (N_PIXELS * N_SAMPLES);
        }
      sample->path = save_picture (fixture, i, pixels);
      sample->name = g_strdup (sample->path);
      sample->label = -1;
      g_ptr_array_add (fixture->samples, sample);
    }
  for (guint c = 0; c < 3; c++)
    fixture->variance[c] = squares[c] - fixture->mean[c] * fixture->mean[c];
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_ptr_array_unref (fixture->samples);
  fw_file_remove_tree (fixture->folder);
  g_free (fixture->folder);
}

static void
set_labels (Fixture *fixture, const guint *labels)
{
  for (guint i = 0; i < N_SAMPLES; i++)
    ((FwSample *) fixture->samples->pdata[i])->label = labels[i % 3];
}

static FwModel *
finish (TinyModel *tiny)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  FwModel *model;

  tiny_model_add_output (tiny, "y", FW_ELEMENT_FLOAT, "1 3");
  bytes = tiny_model_finish (tiny, 13);
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  return model;
}

/* y = softmax (weight × (mean of each channel of @value - @threshold)) */
static void
add_classifier (TinyModel *tiny, const char *value, float weight, const double *threshold)
{
  float weights[9] = { 0 }, bias[3];

  for (guint c = 0; c < 3; c++)
    {
      weights[c * 4] = weight;
      bias[c] = -weight * threshold[c];
    }
  tiny_model_add_floats (tiny, "weights", "3 3", weights, 9);
  tiny_model_add_floats (tiny, "bias", "3", bias, 3);
  tiny_model_add_node (tiny, "GlobalAveragePool", "", value, "pool", NULL);
  tiny_model_add_node (tiny, "Flatten", "", "pool", "flat", NULL);
  tiny_model_add_node (tiny, "Gemm", "", "flat weights bias", "scores", NULL);
  tiny_model_add_node (tiny, "Softmax", "", "scores", "y", NULL);
}

/* A model that remembers in a BatchNorm layer that it learned from BGR, -1 to 1. */
static FwModel *
make_norm_model (Fixture *fixture)
{
  static const float unit[] = { 1, 1, 1 }, zero[] = { 0, 0, 0 };
  static const float identity[] = { 1, 0, 0, 0, 1, 0, 0, 0, 1 };
  static const double threshold[] = { 0, 0, 0 };
  float mean[3], variance[3];
  TinyModel tiny;

  for (guint c = 0; c < 3; c++)
    {
      mean[c] = fixture->mean[2 - c] / 127.5 - 1;
      variance[c] = fixture->variance[2 - c] / (127.5 * 127.5);
    }
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "-1 3 16 16");
  tiny_model_add_floats (&tiny, "identity", "3 3 1 1", identity, 9);
  tiny_model_add_floats (&tiny, "scale", "3", unit, 3);
  tiny_model_add_floats (&tiny, "shift", "3", zero, 3);
  tiny_model_add_floats (&tiny, "mean", "3", mean, 3);
  tiny_model_add_floats (&tiny, "variance", "3", variance, 3);
  tiny_model_add_node (&tiny, "Conv", "", "x identity", "v1", NULL);
  tiny_model_add_node (&tiny, "BatchNormalization", "", "v1 scale shift mean variance", "v2", NULL);
  add_classifier (&tiny, "v2", 4, threshold);
  return finish (&tiny);
}

/* A model that knows nothing but which colour is stronger than usual, RGB, 0 to 1. */
static FwModel *
make_plain_model (float weight)
{
  static const double threshold[] = { 200 / 255.0, 155 / 255.0, 110 / 255.0 };
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 3 16 16");
  add_classifier (&tiny, "x", weight, threshold);
  return finish (&tiny);
}

static FwVerdict *
run (FwModel *model, GPtrArray *samples)
{
  g_autoptr (GError) error = NULL;
  FwVerdict *verdict = fw_detective_run (model, samples, 64, 1, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (verdict);
  for (guint i = 1; i < verdict->suspects->len; i++)
    g_assert_cmpfloat (((FwSuspect *) verdict->suspects->pdata[i])->score, <=,
                       ((FwSuspect *) verdict->suspects->pdata[i - 1])->score);
  return verdict;
}

static void
assert_winner (FwVerdict *verdict, const char *name)
{
  g_assert_cmpstr (((FwSuspect *) verdict->suspects->pdata[0])->preprocess->name, ==, name);
}

static void
test_norms (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) verdict = NULL, again = NULL;

  if (!tiny_need_runtime ())
    return;
  model = make_norm_model (fixture);
  verdict = run (model, fixture->samples);
  assert_winner (verdict, "bgr-symmetric");
  g_assert_true (verdict->sure);
  g_assert_cmpfloat (((FwSuspect *) verdict->suspects->pdata[0])->accuracy, ==, -1);
  again = run (model, fixture->samples);
  g_assert_cmpuint (again->suspects->len, ==, verdict->suspects->len);
  for (guint i = 0; i < verdict->suspects->len; i++)
    g_assert_cmpfloat (((FwSuspect *) verdict->suspects->pdata[i])->score, ==,
                       ((FwSuspect *) again->suspects->pdata[i])->score);
  /* The model itself is left as it was. */
  g_assert_cmpuint (fw_model_get_graph (model)->n_output, ==, 1);
}

static void
test_labels (Fixture *fixture, gconstpointer data)
{
  static const guint right[] = { 0, 1, 2 };
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) verdict = NULL;
  FwSuspect *winner;

  if (!tiny_need_runtime ())
    return;
  model = make_plain_model (30);
  set_labels (fixture, right);
  verdict = run (model, fixture->samples);
  winner = verdict->suspects->pdata[0];
  g_assert_cmpint (winner->preprocess->channels, ==, FW_CHANNELS_RGB);
  g_assert_cmpfloat (winner->accuracy, ==, 1);
  g_assert_nonnull (strstr (verdict->reason, "labels"));
}

/* Labels that have nothing to do with the model's classes change nothing. */
static void
test_wrong_labels (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) without = NULL, with = NULL;

  if (!tiny_need_runtime ())
    return;
  model = make_plain_model (30);
  without = run (model, fixture->samples);
  for (guint i = 0; i < N_SAMPLES; i++)
    ((FwSample *) fixture->samples->pdata[i])->label = 3 + i % 5;
  with = run (model, fixture->samples);
  g_assert_null (strstr (with->reason, "labels"));
  assert_winner (with, ((FwSuspect *) without->suspects->pdata[0])->preprocess->name);
  g_assert_cmpfloat (((FwSuspect *) with->suspects->pdata[0])->score, ==,
                     ((FwSuspect *) without->suspects->pdata[0])->score);
}

static void
test_constant (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) verdict = NULL;

  if (!tiny_need_runtime ())
    return;
  model = make_plain_model (0);
  verdict = run (model, fixture->samples);
  g_assert_false (verdict->sure);
}

static void
test_unreadable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) verdict = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  model = make_norm_model (fixture);
  for (guint i = 0; i < N_SAMPLES; i += 2)
    g_assert_true (
        g_file_set_contents (((FwSample *) fixture->samples->pdata[i])->path, "no", 2, NULL));
  verdict = run (model, fixture->samples);
  assert_winner (verdict, "bgr-symmetric");
  for (guint i = 1; i < N_SAMPLES; i += 2)
    g_assert_true (
        g_file_set_contents (((FwSample *) fixture->samples->pdata[i])->path, "no", 2, NULL));
  g_assert_null (fw_detective_run (model, fixture->samples, 64, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_clear_error (&error);
  g_assert_null (fw_detective_run (model, none, 64, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SAMPLES);
}

static void
assert_inputs_refused (Fixture *fixture, const char *first, const char *second)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;
  TinyModel tiny;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "a", FW_ELEMENT_FLOAT, first);
  if (second != NULL)
    tiny_model_add_input (&tiny, "b", FW_ELEMENT_FLOAT, second);
  tiny_model_add_node (&tiny, "Mul", "", second != NULL ? "a b" : "a a", "y", NULL);
  model = finish (&tiny);
  g_assert_null (fw_detective_run (model, fixture->samples, 64, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
}

static void
test_inputs (Fixture *fixture, gconstpointer data)
{
  if (!tiny_need_runtime ())
    return;
  assert_inputs_refused (fixture, "1 3", NULL);
  assert_inputs_refused (fixture, "1 3", "1 3");
}

static void
test_not_finite (Fixture *fixture, gconstpointer data)
{
  static const double threshold[] = { 0, 0, 0 };
  const float large = 1e6;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;
  TinyModel tiny;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 3 16 16");
  tiny_model_add_floats (&tiny, "large", "1", &large, 1);
  tiny_model_add_node (&tiny, "Sub", "", "x large", "below", NULL);
  tiny_model_add_node (&tiny, "Sqrt", "", "below", "nan", NULL);
  add_classifier (&tiny, "nan", 1, threshold);
  model = finish (&tiny);
  g_assert_null (fw_detective_run (model, fixture->samples, 64, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
}

static void
on_progress (double fraction, gpointer user_data)
{
  double *last = user_data;

  g_assert_cmpfloat (fraction, >=, *last);
  g_assert_cmpfloat (fraction, <=, 1);
  *last = fraction;
}

static void
test_progress (Fixture *fixture, gconstpointer data)
{
  double last = 0;
  g_autoptr (FwProgress) progress = fw_progress_new (on_progress, &last);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwVerdict) verdict = NULL;
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  model = make_plain_model (30);
  verdict = fw_detective_run (model, fixture->samples, 64, 1, progress, cancellable, &error);
  g_assert_no_error (error);
  g_assert_cmpfloat (last, ==, 1);
  g_cancellable_cancel (cancellable);
  g_assert_null (fw_detective_run (model, fixture->samples, 64, 1, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, func)                                                                            \
  g_test_add ("/samples/detective/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("norms", test_norms);
  ADD ("labels", test_labels);
  ADD ("wrong-labels", test_wrong_labels);
  ADD ("constant", test_constant);
  ADD ("unreadable", test_unreadable);
  ADD ("inputs", test_inputs);
  ADD ("not-finite", test_not_finite);
  ADD ("progress", test_progress);
  return g_test_run ();
}
