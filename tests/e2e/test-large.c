/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models that are too large to be loaded as one: the sample, with the limit set so low that it is
 * one of them. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>

#include "cli.h"
#include "fw-file.h"

#define LIMIT "200000"

static void
set_large (gboolean large)
{
  if (large)
    g_setenv ("FEATHERWEIGHT_LARGE", LIMIT, TRUE);
  else
    g_unsetenv ("FEATHERWEIGHT_LARGE");
}

static void
test_path (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("path-pictures", 24);
  g_autofree char *out = cli_path ("large.onnx");
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;
  JsonArray *stops;

  set_large (TRUE);
  run = cli_run ("shrink", model, pictures, "-o", out, "--json", NULL);
  set_large (FALSE);
  result = cli_assert_result (run);
  g_assert_true (cli_has_warning (run->out, "large-model"));
  g_assert_true (g_file_test (out, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpint (json_object_get_int_member (result, "size_bytes"), <,
                   json_object_get_int_member (result, "original_size_bytes") / 2);
  stops = json_object_get_array_member (result, "stops");
  g_assert_cmpuint (json_array_get_length (stops), >=, 3);
  for (guint i = 0; i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);

      /* Answers are measured; times would be those of the pieces. */
      g_assert_false (json_object_get_null_member (stop, "same"));
      g_assert_false (json_object_get_null_member (stop, "sqnr_db"));
      g_assert_true (json_object_get_null_member (stop, "latency_ms"));
      g_assert_true (json_object_get_null_member (stop, "peak_rss_bytes"));
    }
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
}

static char *
shrink_plainly (const char *name, const char *option, const char *threads, gboolean large)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = cli_path (name);
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;
  char *sha256;

  set_large (large);
  run = cli_run ("shrink", model, pictures, "-o", out, "--json", "--uniform", option, "--only",
                 "none", "--no-measure", "--preprocess", "rgb-symmetric-stretch", "--threads",
                 threads, NULL);
  set_large (FALSE);
  result = cli_assert_result (run);
  g_assert_cmpint (cli_has_warning (run->out, "large-model"), ==, large);
  sha256 = fw_file_sha256 (out, NULL, NULL);
  g_assert_nonnull (sha256);
  g_assert_cmpint (g_unlink (out), ==, 0);
  return sha256;
}

/* The way over pieces gives the same file, on any number of threads. (Fewer bits are rounded with
 * second moments otherwise.) */
static void
test_same_bytes (void)
{
  static const char *const options[] = { "int8-storage", "float16" };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autofree char *whole = shrink_plainly ("whole.onnx", options[i], "2", FALSE);
      g_autofree char *one = shrink_plainly ("one.onnx", options[i], "1", TRUE);
      g_autofree char *two = shrink_plainly ("two.onnx", options[i], "2", TRUE);

      g_assert_cmpstr (one, ==, whole);
      g_assert_cmpstr (two, ==, whole);
    }
}

static void
test_cancel (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = cli_path ("cancelled.onnx");
  g_autofree char *log = cli_path ("cancelled.log");
  const char *const arguments[] = { "shrink", model, pictures, "-o", out, "--json", NULL };
  static const guint milliseconds[] = { 300, 1500, 4000 };

  for (guint i = 0; i < G_N_ELEMENTS (milliseconds); i++)
    {
      gint64 since;
      GPid pid;

      set_large (TRUE);
      pid = cli_start (arguments, log, NULL);
      set_large (FALSE);
      g_usleep (milliseconds[i] * 1000);
      since = g_get_monotonic_time ();
      kill (pid, SIGTERM);
      g_assert_cmpint (cli_wait (pid), ==, 130);
      g_assert_cmpint (g_get_monotonic_time () - since, <, G_USEC_PER_SEC);
      g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));
      g_assert_cmpuint (cli_count_job_folders (), ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/large/path", test_path);
  g_test_add_func ("/large/same-bytes", test_same_bytes);
  g_test_add_func ("/large/cancel", test_cancel);
  return cli_finish ();
}
