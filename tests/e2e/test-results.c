/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The whole job on the sample that the project ships: what comes out, and that it is what was
 * said. */

#include "config.h"

#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fw-file.h"

static goffset
size_of (const char *path)
{
  GStatBuf status;

  g_assert_cmpint (g_stat (path, &status), ==, 0);
  return status.st_size;
}

static double
number_in (JsonObject *object, const char *member, const char *name)
{
  return json_object_get_double_member (json_object_get_object_member (object, member), name);
}

static void
assert_file_is_as_said (const char *path, JsonObject *figures)
{
  g_autofree char *sha256 = fw_file_sha256 (path, NULL, NULL);

  g_assert_cmpint (size_of (path), ==, json_object_get_int_member (figures, "size_bytes"));
  g_assert_cmpstr (sha256, ==, json_object_get_string_member (figures, "sha256"));
  g_assert_cmpint (json_object_get_int_member (figures, "peak_rss_bytes"), >, 1000000);
}

static void
assert_figures (JsonObject *figures)
{
  JsonObject *same = json_object_get_object_member (figures, "same");
  double low = json_object_get_double_member (same, "low");
  double high = json_object_get_double_member (same, "high");
  double fraction = json_object_get_double_member (same, "fraction");

  g_assert_true (0 <= low && low <= fraction && fraction <= high && high <= 1);
  g_assert_cmpint (json_object_get_int_member (same, "same"), <=,
                   json_object_get_int_member (same, "total"));
  g_assert_cmpfloat (number_in (figures, "latency_ms", "median"), >, 0);
  g_assert_cmpfloat (number_in (figures, "latency_ms", "median"), <=,
                     number_in (figures, "latency_ms", "p95"));
  g_assert_cmpfloat (number_in (figures, "original_latency_ms", "median"), >, 0);
  g_assert_cmpfloat (number_in (figures, "speedup", "low"), <=,
                     number_in (figures, "speedup", "median"));
  g_assert_cmpfloat (number_in (figures, "speedup", "median"), <=,
                     number_in (figures, "speedup", "high"));
}

static void
assert_progress (const char *out)
{
  g_autoptr (GPtrArray) phases = cli_events (out, "phase");
  double overall = 0;

  g_assert_cmpuint (phases->len, >, 8);
  for (guint i = 0; i < phases->len; i++)
    {
      double here = json_object_get_double_member (phases->pdata[i], "overall");

      g_assert_cmpfloat (here, >=, overall);
      g_assert_cmpfloat (here, <=, 1);
      overall = here;
    }
  g_assert_cmpfloat (overall, >, 0.9);
}

static void
test_shrink (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = cli_path ("small.onnx");
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GPtrArray) stops = cli_events (run->out, "stop");
  static const char *const members[] = {
    "path",
    "size_bytes",
    "original_size_bytes",
    "position",
    "recommended",
    "latency_ms",
    "original_latency_ms",
    "speedup",
    "same",
    "accuracy",
    "original_accuracy",
    "peak_rss_bytes",
    "task",
    "preprocess",
    "calibration_samples",
    "test_samples",
    "kept_float",
    "recipe",
    "sha256",
  };

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      if (!json_object_has_member (result, members[i]))
        g_test_message ("no %s", members[i]);
      g_assert_true (json_object_has_member (result, members[i]));
    }
  g_assert_false (json_object_has_member (result, "probe"));
  g_assert_cmpstr (json_object_get_string_member (result, "path"), ==, out);
  g_assert_cmpint (json_object_get_int_member (result, "original_size_bytes"), ==, size_of (model));
  g_assert_cmpint (size_of (out), <, size_of (model));
  g_assert_true (json_object_get_boolean_member (result, "recommended"));
  g_assert_cmpfloat (number_in (result, "same", "fraction"), >=, 0.96);
  g_assert_cmpfloat (number_in (result, "original_accuracy", "top1"), >=, 0.9);
  g_assert_cmpfloat (number_in (result, "accuracy", "top1"), <=, 1);
  assert_file_is_as_said (out, result);
  assert_figures (result);
  assert_progress (run->out);

  g_assert_cmpuint (stops->len, >=, 8);
  for (guint i = 0; i < stops->len; i++)
    if (!json_object_get_boolean_member_with_default (stops->pdata[i], "provisional", FALSE))
      assert_figures (stops->pdata[i]);
  /* Something is there before all is known. */
  g_assert_true (
      json_object_get_boolean_member_with_default (stops->pdata[0], "provisional", FALSE));
}

static void
test_shrink_text (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-text", 60);
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, NULL);

  g_assert_cmpint (run->status, ==, 0);
  g_assert_nonnull (strstr (run->out, "Same answers"));
  g_assert_nonnull (strstr (run->out, " instead of "));
  g_assert_nonnull (strstr (run->out, "Kept in the history as number "));
  g_assert_null (strchr (run->out, '\033'));
  g_assert_null (strchr (run->err, '\r'));
  g_assert_null (strstr (run->out, "nan"));
}

/* The same choices give the same file, bit for bit, whatever the number of threads. */
static void
test_same_bits (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-bits", 30);
  g_autofree char *first = cli_path ("first.onnx");
  g_autofree char *second = cli_path ("second.onnx");
  g_autofree char *first_sha256 = NULL;
  g_autofree char *second_sha256 = NULL;
  g_autoptr (CliRun) one
      = cli_run ("shrink", model, pictures, "-o", first, "--uniform", "int8-compute",
                 "--no-measure", "--threads", "1", "--json", NULL);
  g_autoptr (CliRun) two
      = cli_run ("shrink", model, pictures, "-o", second, "--uniform", "int8-compute",
                 "--no-measure", "--threads", "2", "--json", NULL);
  g_autoptr (JsonObject) one_result = cli_assert_result (one);
  g_autoptr (JsonObject) two_result = cli_assert_result (two);

  first_sha256 = fw_file_sha256 (first, NULL, NULL);
  second_sha256 = fw_file_sha256 (second, NULL, NULL);
  g_assert_nonnull (first_sha256);
  g_assert_cmpstr (first_sha256, ==, second_sha256);
  g_assert_cmpstr (first_sha256, ==, json_object_get_string_member (one_result, "sha256"));
}

static void
test_save_inputs (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-inputs", 12);
  g_autofree char *inputs = cli_path ("inputs");
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "--save-inputs", inputs, "--uniform",
                                    "int8-storage", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GDir) dir = g_dir_open (inputs, 0, NULL);
  const char *name;
  guint n = 0;

  g_assert_nonnull (dir);
  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_suffix (name, ".npy");
  g_assert_cmpuint (n, ==, json_object_get_int_member (result, "test_samples"));
  g_assert_cmpstr (json_object_get_string_member (result, "inputs"), ==, inputs);
}

static void
assert_stop (JsonObject *stop, JsonObject *before, const char *folder)
{
  g_autofree char *path
      = g_build_filename (folder, json_object_get_string_member (stop, "file"), NULL);

  assert_file_is_as_said (path, stop);
  assert_figures (stop);
  if (before == NULL)
    return;
  /* Ordered by position; the further from the smallest, the larger. */
  g_assert_cmpfloat (json_object_get_double_member (stop, "position"), >,
                     json_object_get_double_member (before, "position"));
  g_assert_cmpint (json_object_get_int_member (stop, "size_bytes"), >=,
                   json_object_get_int_member (before, "size_bytes"));
}

static void
test_path (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-path", 60);
  g_autofree char *folder = cli_path ("versions");
  g_autofree char *list = g_build_filename (folder, "stops.json", NULL);
  g_autoptr (CliRun) run = cli_run ("path", model, pictures, "--out-dir", folder, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  JsonObject *before = NULL;
  JsonArray *stops;
  guint n_files = 0;

  g_assert_true (json_parser_load_from_file (parser, list, NULL));
  stops = json_object_get_array_member (json_node_get_object (json_parser_get_root (parser)),
                                        "stops");
  g_assert_cmpuint (json_array_get_length (stops), >=, 8);
  g_assert_cmpuint (json_array_get_length (stops), <=, 12);
  for (guint i = 0; i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);

      assert_stop (stop, before, folder);
      before = stop;
    }
  while (g_dir_read_name (dir) != NULL)
    n_files++;
  g_assert_cmpuint (n_files, ==, json_array_get_length (stops) + 1);
  g_assert_cmpint (json_object_get_int_member (result, "original_peak_rss_bytes"), >, 0);
}

static void
test_compare (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-compare", 20);
  g_autoptr (CliRun) run = cli_run ("compare", model, model, pictures, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GPtrArray) samples = cli_events (run->out, "sample");

  /* A model is no different from itself. */
  g_assert_cmpfloat (number_in (result, "same", "fraction"), ==, 1);
  g_assert_cmpuint (samples->len, >, 0);
  for (guint i = 0; i < samples->len; i++)
    {
      JsonArray *answers = json_object_get_array_member (samples->pdata[i], "original");

      g_assert_false (json_object_get_boolean_member (samples->pdata[i], "changed"));
      /* The pictures have no labels; labels.txt lies beside the model. */
      g_assert_true (json_object_has_member (json_array_get_object_element (answers, 0), "name"));
    }
}

/* The jobs that only the window asks for: what the samples are, and a version made again. */
static CliRun *run_worker (const char *format, ...) G_GNUC_PRINTF (1, 2);

static CliRun *
run_worker (const char *format, ...)
{
  const char *arguments[] = { "worker", NULL };
  g_autofree char *out = cli_path ("worker.log");
  g_autofree char *job = NULL;
  CliRun *run = g_new0 (CliRun, 1);
  va_list list;
  GPid pid;
  int input;

  va_start (list, format);
  job = g_strdup_vprintf (format, list);
  va_end (list);
  pid = cli_start (arguments, out, &input);
  for (gsize done = 0, length = strlen (job); done < length;)
    {
      gssize n = write (input, job + done, length - done);

      g_assert_cmpint (n, >, 0);
      done += (gsize) n;
    }
  run->status = cli_wait (pid);
  close (input);
  g_assert_true (g_file_get_contents (out, &run->out, NULL, NULL));
  return run;
}

static void
test_samples (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *previews = cli_path ("previews");
  g_autoptr (CliRun) run
      = run_worker ("{\"command\":\"samples\",\"model\":\"%s\",\"samples\":[\"%s\"],"
                    "\"previews\":\"%s\"}\n",
                    model, pictures, previews);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GPtrArray) samples = cli_events (run->out, "sample");

  g_assert_cmpuint (samples->len, >, 10);
  for (guint i = 0; i < samples->len; i++)
    {
      const char *path = json_object_get_string_member (samples->pdata[i], "preview");

      g_assert_true (g_str_has_prefix (path, previews));
      g_assert_cmpint (size_of (path), >, 100);
    }
}

static void
test_rebuild (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-rebuild", 30);
  g_autofree char *first = cli_path ("built.onnx");
  g_autofree char *second = cli_path ("rebuilt.onnx");
  g_autoptr (CliRun) build = cli_run ("shrink", model, pictures, "-o", first, "--uniform",
                                      "int8-compute", "--no-measure", "--json", NULL);
  g_autoptr (JsonObject) built = cli_assert_result (build);
  g_autofree char *recipe = json_to_string (json_object_get_member (built, "recipe"), FALSE);
  g_autoptr (CliRun) run
      = run_worker ("{\"command\":\"rebuild\",\"model\":\"%s\",\"output\":\"%s\","
                    "\"recipe\":%s}\n",
                    model, second, recipe);
  g_autoptr (JsonObject) rebuilt = cli_assert_result (run);
  g_autofree char *sha256 = fw_file_sha256 (second, NULL, NULL);

  g_assert_cmpstr (sha256, ==, json_object_get_string_member (built, "sha256"));
  g_assert_cmpstr (sha256, ==, json_object_get_string_member (rebuilt, "sha256"));
  g_assert_cmpstr (json_object_get_string_member (rebuilt, "path"), ==, second);
}

/* Cuts every second picture of a folder in half. Returns how many are whole. */
static guint
damage_pictures (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;
  guint whole = 0;

  for (guint i = 0; (name = g_dir_read_name (dir)) != NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (i % 2 == 0)
        g_assert_cmpint (truncate (path, size_of (path) / 2), ==, 0);
      else
        whole++;
    }
  return whole;
}

/* A damaged picture is set aside, and none beside it is. */
static void
test_damaged_pictures (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("damaged", 40);
  g_autofree char *out = cli_path ("from-damaged.onnx");
  guint n = damage_pictures (pictures);
  g_autoptr (CliRun) run
      = cli_run ("shrink", model, pictures, "-o", out, "--uniform", "int8-storage", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);

  g_assert_cmpint (json_object_get_int_member (result, "calibration_samples")
                       + json_object_get_int_member (result, "test_samples"),
                   ==, n);
  g_assert_cmpint (json_object_get_int_member (result, "samples"), ==, n);
  g_assert_cmpuint (
      json_array_get_length (json_object_get_array_member (result, "unreadable_samples")), ==,
      40 - n);
}

/* What was not measured keeps no answers that anybody knows of. */
static void
test_not_measured (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("not-measured", 12);
  g_autofree char *out = cli_path ("not-measured.onnx");
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "-o", out, "--min-same", "90%",
                                    "--prefer", "size", "--no-measure", "--json", NULL);

  cli_assert_error (run, "target-not-reached");
  g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));
}

/* For another processor: arithmetic that never overflows there, and no times of this one. */
static void
test_devices (void)
{
  static const char *const devices[] = { "older-computer", "phone" };
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-devices", 24);

  for (guint i = 0; i < G_N_ELEMENTS (devices); i++)
    {
      g_autofree char *name = g_strconcat (devices[i], ".onnx", NULL);
      g_autofree char *out = cli_path (name);
      g_autoptr (CliRun) run
          = cli_run ("shrink", model, pictures, "-o", out, "--target", devices[i], "--prefer",
                     "speed", "--position", "0", "--json", NULL);
      g_autoptr (JsonObject) result = cli_assert_result (run);
      JsonObject *options = json_object_get_object_member (result, "options");
      g_autoptr (GList) names = json_object_get_members (options);
      gboolean computes = FALSE;

      g_assert_cmpstr (json_object_get_string_member (result, "target"), ==, devices[i]);
      g_assert_true (json_object_get_null_member (result, "latency_ms"));
      g_assert_true (json_object_get_null_member (result, "speedup"));
      for (GList *l = names; l != NULL; l = l->next)
        computes = computes || g_str_has_suffix (l->data, "-compute");
      g_assert_true (computes);
      if (i == 0)
        g_assert_false (json_object_has_member (options, "int8-compute"));
    }
}

/* Without times the choice is the same each time; and repairs can be left out. */
static void
test_size_only (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-size", 24);
  const char *const extra[] = { "--json", "--seed=0", "--only=none" };
  g_autofree char *sha256[3] = { NULL };

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *name = g_strdup_printf ("size-%u.onnx", i);
      g_autofree char *out = cli_path (name);
      g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "-o", out, "--prefer", "size",
                                        "--max-size", "20%", "--json", extra[i], NULL);
      g_autoptr (JsonObject) result = cli_assert_result (run);

      g_assert_cmpint (json_object_get_int_member (result, "size_bytes"), <=,
                       json_object_get_int_member (result, "original_size_bytes") / 5);
      sha256[i] = g_strdup (json_object_get_string_member (result, "sha256"));
    }
  g_assert_cmpstr (sha256[0], ==, sha256[1]);
  g_assert_cmpstr (sha256[0], !=, sha256[2]);
}

/* Any option can be asked for, alone. */
static void
test_uniform (void)
{
  static const char *const options[] = { "int6-storage", "int4-storage/32", "int5-compute" };
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-uniform", 24);
  gint64 before = G_MAXINT64;

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    {
      g_autofree char *name = g_strdup_printf ("uniform-%u.onnx", i);
      g_autofree char *out = cli_path (name);
      g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "-o", out, "--uniform",
                                        options[i], "--no-measure", "--json", NULL);
      g_autoptr (JsonObject) result = cli_assert_result (run);
      JsonObject *used = json_object_get_object_member (result, "options");

      if (!json_object_has_member (used, options[i]))
        g_test_message ("no %s", options[i]);
      g_assert_true (json_object_has_member (used, options[i]));
      g_assert_cmpint (json_object_get_int_member (result, "size_bytes"), <,
                       json_object_get_int_member (result, "original_size_bytes") * 3 / 10);
      g_assert_cmpint (json_object_get_int_member (result, "size_bytes"), !=, before);
      before = json_object_get_int_member (result, "size_bytes");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/results/shrink", test_shrink);
  g_test_add_func ("/results/shrink-text", test_shrink_text);
  g_test_add_func ("/results/same-bits", test_same_bits);
  g_test_add_func ("/results/save-inputs", test_save_inputs);
  g_test_add_func ("/results/path", test_path);
  g_test_add_func ("/results/compare", test_compare);
  g_test_add_func ("/results/samples", test_samples);
  g_test_add_func ("/results/rebuild", test_rebuild);
  g_test_add_func ("/results/damaged-pictures", test_damaged_pictures);
  g_test_add_func ("/results/not-measured", test_not_measured);
  g_test_add_func ("/results/devices", test_devices);
  g_test_add_func ("/results/size-only", test_size_only);
  g_test_add_func ("/results/uniform", test_uniform);
  return cli_finish ();
}
