/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models that take and give anything but pictures and names, from the model to the report. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "array-files.h"
#include "bad-models.h"
#include "cli.h"
#include "fw-random.h"

#define N_SAMPLES 24

static char *model;

static GByteArray *
make_array (const char *shape, guint n, FwRandom *random)
{
  g_autofree float *values = g_new (float, n);

  for (guint i = 0; i < n; i++)
    values[i] = (float) (fw_random_double (random) - 0.5);
  return array_file_npy ("<f4", "False", shape, values, n * sizeof *values);
}

/* A folder of .npz files, with or without the state. */
static char *
make_samples (const char *name, gboolean with_state)
{
  char *folder = cli_path (name);
  FwRandom random = { 5 };

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  for (guint i = 0; i < N_SAMPLES; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%02u.npz", folder, i);
      ArrayZip *zip = array_zip_new (path);

      array_zip_add (zip, "x.npy", make_array ("(1, 8, 64)", 8 * 64, &random));
      if (with_state)
        array_zip_add (zip, "state.npy", make_array ("(1, 64)", 64, &random));
      array_zip_close (zip);
    }
  return folder;
}

static double
get_number (JsonObject *object, const char *group, const char *member)
{
  return json_object_get_double_member (json_object_get_object_member (object, group), member);
}

static void
test_inspect (void)
{
  g_autoptr (CliRun) run = cli_run ("inspect", model, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);

  g_assert_cmpstr (json_object_get_string_member (result, "task"), ==, "general");
  g_assert_true (json_object_get_boolean_member (result, "can_shrink"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (result, "inputs")), ==, 2);
}

static void
test_shrink (void)
{
  g_autofree char *samples = make_samples ("with-state", TRUE);
  g_autofree char *out = cli_path ("smaller.onnx");
  g_autoptr (CliRun) run
      = cli_run ("shrink", model, samples, "--uniform", "int8-storage", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  JsonArray *errors = json_object_get_array_member (result, "output_error");

  g_assert_cmpstr (json_object_get_string_member (result, "task"), ==, "general");
  g_assert_true (json_object_get_null_member (result, "preprocess"));
  g_assert_true (json_object_get_null_member (result, "accuracy"));
  g_assert_cmpfloat (json_object_get_double_member (result, "sqnr_db"), >, 35);
  g_assert_cmpfloat (get_number (result, "same", "fraction"), ==, 1);
  g_assert_cmpint (json_object_get_int_member (result, "peak_rss_bytes"), >, 1 << 20);
  g_assert_false (cli_has_warning (run->out, "unsupported-inputs"));
  g_assert_cmpuint (json_array_get_length (errors), ==, 2);
  g_assert_cmpstr (
      json_object_get_string_member (json_array_get_object_element (errors, 1), "name"), ==,
      "next");
  /* Nothing was rounded on the way to the next state. */
  g_assert_cmpfloat (
      json_object_get_double_member (json_array_get_object_element (errors, 1), "error"), ==, 0);
  g_assert_true (
      g_str_has_suffix (json_object_get_string_member (
                            json_object_get_object_member (result, "worst_sample"), "name"),
                        ".npz"));
}

static void
test_path (void)
{
  g_autofree char *samples = make_samples ("without-state", FALSE);
  g_autofree char *inputs = cli_path ("inputs");
  g_autofree char *first = NULL;
  g_autoptr (CliRun) run
      = cli_run ("shrink", model, samples, "--save-inputs", inputs, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);

  g_assert_true (cli_has_warning (run->out, "unsupported-inputs"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (result, "stops")), >, 2);
  g_assert_cmpfloat (json_object_get_double_member (result, "fraction"), <, 0.5);
  first = g_build_filename (inputs, "inputs.json", NULL);
  g_assert_true (g_file_test (first, G_FILE_TEST_EXISTS));
}

static void
test_compare (void)
{
  g_autofree char *samples = make_samples ("to-compare", TRUE);
  g_autofree char *out = cli_path ("to-compare.onnx");
  g_autoptr (CliRun) made = cli_run ("shrink", model, samples, "--uniform", "int4-storage", "-o",
                                     out, "--no-measure", "--json", NULL);
  g_autoptr (CliRun) run = cli_run ("compare", model, out, samples, "--json", NULL);
  g_autoptr (CliRun) words = cli_run ("compare", model, out, samples, NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GPtrArray) events = cli_events (run->out, "sample");
  JsonObject *event;

  g_assert_cmpint (made->status, ==, 0);
  g_assert_cmpfloat (json_object_get_double_member (result, "sqnr_db"), <, 40);
  g_assert_cmpuint (events->len, >, 0);
  event = events->pdata[0];
  g_assert_true (json_object_get_null_member (event, "preview"));
  g_assert_nonnull (strstr (json_object_get_string_member (event, "figures"), "1 × 8 × 64"));
  g_assert_cmpfloat (json_object_get_double_member (event, "error"), >, 0);
  g_assert_nonnull (strstr (words->out, "“y”"));
}

/* What the window asks for. Its end of the pipe stays open as long as it wants to know. */
static void
test_samples_list (void)
{
  const char *arguments[] = { "worker", NULL };
  g_autofree char *samples = make_samples ("to-list", TRUE);
  g_autofree char *out = cli_path ("worker.log");
  g_autofree char *request = g_strdup_printf (
      "{\"command\":\"samples\",\"model\":\"%s\",\"samples\":[\"%s\"]}\n", model, samples);
  g_autofree char *said = NULL;
  g_autoptr (GPtrArray) events = NULL;
  g_autoptr (JsonObject) last = NULL;
  int input;
  GPid pid = cli_start (arguments, out, &input);

  g_assert_cmpint (write (input, request, strlen (request)), ==, (gssize) strlen (request));
  g_assert_cmpint (cli_wait (pid), ==, 0);
  close (input);
  g_assert_true (g_file_get_contents (out, &said, NULL, NULL));
  last = cli_last_event (said);
  events = cli_events (said, "sample");
  g_assert_cmpint (json_object_get_int_member (last, "samples"), ==, N_SAMPLES);
  g_assert_cmpuint (events->len, ==, N_SAMPLES);
  for (guint i = 0; i < events->len; i++)
    g_assert_nonnull (json_object_get_string_member (events->pdata[i], "figures"));
}

static void
test_wrong_samples (void)
{
  g_autofree char *pictures = cli_some_pictures ("for-numbers", 8);
  g_autofree char *folder = cli_path ("wrong-shape");
  g_autoptr (CliRun) with_pictures = NULL;
  g_autoptr (CliRun) with_shape = NULL;
  FwRandom random = { 9 };

  with_pictures = cli_run ("shrink", model, pictures, "--json", NULL);
  cli_assert_error (with_pictures, "unsupported-inputs");
  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  for (guint i = 0; i < 8; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u.npy", folder, i);

      array_file_put (path, make_array ("(1, 8, 63)", 8 * 63, &random));
    }
  with_shape = cli_run ("shrink", model, folder, "--json", NULL);
  cli_assert_error (with_shape, "unsupported-inputs");
  g_assert_nonnull (strstr (with_shape->out, "1 × 8 × 63"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  model = cli_path ("stream.onnx");
  write_model (model, MODEL_STREAM);
  g_test_add_func ("/numbers/inspect", test_inspect);
  g_test_add_func ("/numbers/shrink", test_shrink);
  g_test_add_func ("/numbers/path", test_path);
  g_test_add_func ("/numbers/compare", test_compare);
  g_test_add_func ("/numbers/samples", test_samples_list);
  g_test_add_func ("/numbers/wrong-samples", test_wrong_samples);
  return cli_finish ();
}
