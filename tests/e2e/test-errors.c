/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Every way in which a model, samples or a computer can be wrong that a test can bring about: each
 * with its own code and a sentence. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bad-models.h"
#include "cli.h"

static void
put_file (const char *path, const char *data, gssize length)
{
  g_assert_true (g_file_set_contents (path, data, length, NULL));
}

static void
assert_inspect_error (const char *path, const char *code)
{
  g_autoptr (CliRun) run = cli_run ("inspect", path, "--json", NULL);

  cli_assert_error (run, code);
}

static void
test_no_such_file (void)
{
  g_autofree char *path = cli_path ("nowhere.onnx");
  g_autofree char *model = cli_sample ("model.onnx");
  g_autoptr (CliRun) samples = cli_run ("shrink", model, path, "--json", NULL);
  g_autoptr (CliRun) shrink = cli_run ("shrink", path, cli_folder (), "--json", NULL);

  assert_inspect_error (path, "no-such-file");
  cli_assert_error (samples, "no-such-file");
  cli_assert_error (shrink, "no-such-file");
}

static void
test_empty (void)
{
  g_autofree char *path = cli_path ("empty.onnx");

  put_file (path, "", 0);
  assert_inspect_error (path, "empty-file");
}

static void
test_picture (void)
{
  static const char png[]
      = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\10\6\0\0\0\x1f\x15\xc4\x89";
  g_autofree char *path = cli_path ("picture.onnx");
  g_autofree char *text = cli_path ("text.onnx");

  put_file (path, png, sizeof png - 1);
  assert_inspect_error (path, "not-a-model");
  put_file (text, "<!DOCTYPE html><html>404 not found</html>\n", -1);
  assert_inspect_error (text, "not-a-model");
}

static void
test_folder (void)
{
  g_autoptr (CliRun) run = cli_run ("inspect", cli_folder (), "--json", NULL);
  g_autoptr (JsonObject) event = cli_last_event (run->out);

  g_assert_cmpint (run->status, ==, 1);
  g_assert_cmpstr (json_object_get_string_member (event, "code"), !=, "internal");
}

static void
test_truncated (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *path = cli_path ("truncated.onnx");
  g_autofree char *data = NULL;
  gsize length;

  g_assert_true (g_file_get_contents (model, &data, &length, NULL));
  put_file (path, data, (gssize) (length / 2));
  assert_inspect_error (path, "damaged-model");
  put_file (path, data, (gssize) (length - 1));
  assert_inspect_error (path, "damaged-model");
}

static void
test_unknown_operator (void)
{
  g_autofree char *path = cli_path ("operator.onnx");

  write_model (path, MODEL_UNKNOWN_OPERATOR);
  assert_inspect_error (path, "unknown-operator");
}

static void
test_two_inputs (void)
{
  g_autofree char *path = cli_path ("two-inputs.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-two-inputs", 4);
  g_autoptr (CliRun) run = NULL;

  write_model (path, MODEL_TWO_INPUTS);
  run = cli_run ("shrink", path, pictures, "--json", NULL);
  cli_assert_error (run, "unsupported-inputs");
}

static void
test_nothing_to_shrink (void)
{
  g_autofree char *path = cli_path ("no-weights.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-no-weights", 4);
  g_autoptr (CliRun) run = NULL;

  write_model (path, MODEL_NO_WEIGHTS);
  run = cli_run ("shrink", path, pictures, "--json", NULL);
  cli_assert_error (run, "nothing-to-shrink");
}

static void
test_external_data (void)
{
  g_autofree char *folder = cli_path ("external");
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL);
  g_autofree char *outside = cli_path ("weights.bin");
  g_autofree char *link_path = g_build_filename (folder, "weights.bin", NULL);
  g_autofree char *zeros = g_malloc0 (4096);

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  put_file (outside, zeros, 4096);
  write_model (path, MODEL_EXTERNAL_MISSING);
  assert_inspect_error (path, "external-data-missing");
  write_model (path, MODEL_EXTERNAL_PARENT);
  assert_inspect_error (path, "external-data-outside");
  write_model (path, MODEL_EXTERNAL_ABSOLUTE);
  assert_inspect_error (path, "external-data-outside");

  g_assert_cmpint (symlink ("../weights.bin", link_path), ==, 0);
  write_model (path, MODEL_EXTERNAL_MISSING);
  assert_inspect_error (path, "external-data-outside");
}

static void
test_samples (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *none = cli_path ("no-pictures");
  g_autofree char *three = cli_some_pictures ("three", 3);
  g_autofree char *text = g_build_filename (none, "notes.txt", NULL);
  g_autoptr (CliRun) run_none = NULL;
  g_autoptr (CliRun) run_three = cli_run ("shrink", model, three, "--json", NULL);

  g_assert_cmpint (g_mkdir (none, 0755), ==, 0);
  put_file (text, "no picture\n", -1);
  run_none = cli_run ("shrink", model, none, "--json", NULL);
  cli_assert_error (run_none, "no-samples");
  cli_assert_error (run_three, "too-few-samples");
}

static void
test_few_samples (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("a-dozen", 12);
  g_autofree char *broken = g_build_filename (pictures, "broken.jpg", NULL);
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;

  put_file (broken, "\xff\xd8\xff\xe0 broken", -1);
  run = cli_run ("shrink", model, pictures, "--uniform", "int8-storage", "--no-measure", "--json",
                 NULL);
  result = cli_assert_result (run);
  g_assert_true (cli_has_warning (run->out, "few-samples"));
  g_assert_true (cli_has_warning (run->out, "unreadable-samples"));
}

static void
test_bad_choices (void)
{
  static const char nonsense[] = "\0\1\2\3,,,\n,,,,\n";
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-choices", 8);
  g_autofree char *labels = cli_path ("labels.csv");
  g_autoptr (CliRun) preprocess
      = cli_run ("shrink", model, pictures, "--preprocess", "sideways", "--json", NULL);
  g_autoptr (CliRun) run_labels = NULL;
  g_autoptr (CliRun) target
      = cli_run ("shrink", model, pictures, "--max-size", "1", "--json", NULL);
  g_autoptr (CliRun) option
      = cli_run ("shrink", model, pictures, "--uniform", "int99", "--json", NULL);
  g_autoptr (JsonObject) event = cli_last_event (option->out);

  cli_assert_error (preprocess, "bad-preprocess");
  put_file (labels, nonsense, sizeof nonsense - 1);
  run_labels = cli_run ("shrink", model, pictures, "--labels", labels, "--json", NULL);
  cli_assert_error (run_labels, "bad-labels");
  cli_assert_error (target, "target-not-reached");
  g_assert_cmpint (option->status, ==, 2);
  g_assert_cmpstr (json_object_get_string_member (event, "code"), ==, "usage");
}

static void
test_targets (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-targets", 4);
  g_autofree char *there = cli_path ("there.onnx");
  g_autofree char *no_folder = cli_path ("no/such/folder/out.onnx");
  g_autofree char *full = cli_path ("full");
  g_autofree char *inside = g_build_filename (full, "file", NULL);
  g_autofree char *text = NULL;
  g_autoptr (CliRun) exists = NULL;
  g_autoptr (CliRun) folder = NULL;
  g_autoptr (CliRun) proc
      = cli_run ("shrink", model, pictures, "-o", "/proc/x.onnx", "--json", NULL);
  g_autoptr (CliRun) missing = cli_run ("shrink", model, pictures, "-o", no_folder, "--json", NULL);
  g_autoptr (CliRun) over_model = cli_run ("shrink", model, pictures, "-o", model, "--json", NULL);

  put_file (there, "precious", -1);
  exists = cli_run ("shrink", model, pictures, "-o", there, "--json", NULL);
  cli_assert_error (exists, "file-exists");
  g_assert_true (g_file_get_contents (there, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "precious");

  g_assert_cmpint (g_mkdir (full, 0755), ==, 0);
  put_file (inside, "x", 1);
  folder = cli_run ("path", model, pictures, "--out-dir", full, "--json", NULL);
  cli_assert_error (folder, "file-exists");
  cli_assert_error (proc, "not-writable");
  cli_assert_error (missing, "no-such-file");
  cli_assert_error (over_model, "file-exists");
}

static void
test_runtime_missing (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *before = g_strdup (g_getenv ("FW_ONNXRUNTIME"));
  g_autofree char *not_it = cli_path ("libnot.so");
  g_autoptr (CliRun) run = NULL;
  g_autoptr (CliRun) garbage = NULL;

  g_setenv ("FW_ONNXRUNTIME", "/nonexistent/libonnxruntime.so", TRUE);
  run = cli_run ("inspect", model, "--json", NULL);
  put_file (not_it, "not a library", -1);
  g_setenv ("FW_ONNXRUNTIME", not_it, TRUE);
  garbage = cli_run ("inspect", model, "--json", NULL);
  if (before != NULL)
    g_setenv ("FW_ONNXRUNTIME", before, TRUE);
  else
    g_unsetenv ("FW_ONNXRUNTIME");
  cli_assert_error (run, "runtime-missing");
  cli_assert_error (garbage, "runtime-missing");
}

/* A file that this user may not read. Root may read all, so the sandbox stands in: a link out of
 * the folder of samples. */
static void
test_not_readable (void)
{
  g_autofree char *path = cli_path ("secret.onnx");

  if (geteuid () == 0)
    {
      g_test_skip ("Root may read everything");
      return;
    }
  write_model (path, MODEL_GOOD);
  g_assert_cmpint (g_chmod (path, 0), ==, 0);
  assert_inspect_error (path, "not-readable");
}

static void
test_out_of_memory (void)
{
#if defined(__SANITIZE_ADDRESS__)
  g_test_skip ("There is no limit under AddressSanitizer");
#else
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-memory", 20);
  g_autoptr (CliRun) start = cli_run ("inspect", model, "--memory", "2MB", "--json", NULL);
  g_autoptr (CliRun) load = cli_run ("inspect", model, "--memory", "25MB", "--json", NULL);
  g_autoptr (CliRun) work = cli_run ("shrink", model, pictures, "--memory", "40MB", "--json", NULL);

  cli_assert_error (start, "out-of-memory");
  cli_assert_error (load, "out-of-memory");
  cli_assert_error (work, "out-of-memory");
#endif
}

/* A cache that can't be written: nothing can be worked on, and that is said. */
static void
test_no_cache (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *before = g_strdup (g_getenv ("XDG_CACHE_HOME"));
  g_autoptr (CliRun) run = NULL;

  g_setenv ("XDG_CACHE_HOME", "/proc", TRUE);
  run = cli_run ("inspect", model, "--json", NULL);
  g_setenv ("XDG_CACHE_HOME", before, TRUE);
  cli_assert_error (run, "not-writable");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/errors/no-such-file", test_no_such_file);
  g_test_add_func ("/errors/empty", test_empty);
  g_test_add_func ("/errors/picture", test_picture);
  g_test_add_func ("/errors/folder", test_folder);
  g_test_add_func ("/errors/truncated", test_truncated);
  g_test_add_func ("/errors/unknown-operator", test_unknown_operator);
  g_test_add_func ("/errors/two-inputs", test_two_inputs);
  g_test_add_func ("/errors/nothing-to-shrink", test_nothing_to_shrink);
  g_test_add_func ("/errors/external-data", test_external_data);
  g_test_add_func ("/errors/samples", test_samples);
  g_test_add_func ("/errors/few-samples", test_few_samples);
  g_test_add_func ("/errors/bad-choices", test_bad_choices);
  g_test_add_func ("/errors/targets", test_targets);
  g_test_add_func ("/errors/runtime-missing", test_runtime_missing);
  g_test_add_func ("/errors/not-readable", test_not_readable);
  g_test_add_func ("/errors/out-of-memory", test_out_of_memory);
  g_test_add_func ("/errors/no-cache", test_no_cache);
  return cli_finish ();
}
