/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models taken to phones, web pages and elsewhere: what is in the package, and that it is right. */

#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <glib/gstdio.h>
#include <string.h>

#include "cli.h"
#include "fw-file.h"

/* A version of the sample that calculates in 8 bits, and one that only stores them. */
static char *computing;
static char *storing;

static char *
make_version (const char *name, const char *option)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  char *path = cli_path (name);
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "-o", path, "--uniform", option,
                                    "--no-measure", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);

  return path;
}

/* The files of a package by name: GBytes. */
static GHashTable *
read_package (const char *path)
{
  GHashTable *files
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  int status;

  archive_read_support_format_zip (archive);
  g_assert_cmpint (archive_read_open_filename (archive, path, 65536), ==, ARCHIVE_OK);
  while ((status = archive_read_next_header (archive, &entry)) == ARCHIVE_OK)
    {
      GByteArray *bytes = g_byte_array_new ();
      guint8 buffer[65536];
      gssize n;

      while ((n = archive_read_data (archive, buffer, sizeof buffer)) > 0)
        g_byte_array_append (bytes, buffer, n);
      g_assert_cmpint (n, ==, 0);
      g_hash_table_insert (files, g_strdup (archive_entry_pathname (entry)),
                           g_byte_array_free_to_bytes (bytes));
    }
  g_assert_cmpint (status, ==, ARCHIVE_EOF);
  archive_read_free (archive);
  return files;
}

static char *
get_text (GHashTable *files, const char *name)
{
  GBytes *bytes = g_hash_table_lookup (files, name);

  g_assert_nonnull (bytes);
  return g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
}

/* Checked with nothing of the program's own. */
static void
assert_sums (GHashTable *files)
{
  g_autofree char *text = get_text (files, "SHA256SUMS");
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  guint n = 0;

  for (; lines[n] != NULL && lines[n][0] != '\0'; n++)
    {
      GBytes *bytes = g_hash_table_lookup (files, lines[n] + 66);
      g_autofree char *sum = NULL;

      g_assert_nonnull (bytes);
      sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
      g_assert_true (strncmp (lines[n], sum, 64) == 0);
      g_assert_true (strncmp (lines[n] + 64, "  ", 2) == 0);
    }
  g_assert_cmpuint (n, ==, g_hash_table_size (files) - 1);
}

static void
assert_holds_file (GHashTable *files, const char *path)
{
  g_autofree char *expected = fw_file_sha256 (path, NULL, NULL);
  g_autofree char *found
      = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, g_hash_table_lookup (files, "model.onnx"));

  g_assert_cmpstr (found, ==, expected);
}

/* The result says what is in the package, and nothing else is. */
static GHashTable *
assert_package (JsonObject *result, const char *path, const char *model)
{
  GHashTable *files = read_package (path);
  JsonArray *names = json_object_get_array_member (result, "files");
  g_autofree char *sha256 = fw_file_sha256 (path, NULL, NULL);

  g_assert_cmpstr (json_object_get_string_member (result, "path"), ==, path);
  g_assert_cmpstr (json_object_get_string_member (result, "sha256"), ==, sha256);
  g_assert_cmpuint (json_array_get_length (names), ==, g_hash_table_size (files));
  for (guint i = 0; i < json_array_get_length (names); i++)
    g_assert_true (g_hash_table_contains (files, json_array_get_string_element (names, i)));
  g_assert_cmpint (json_object_get_boolean_member (result, "has_ort"), ==,
                   g_hash_table_contains (files, "model.ort"));
  assert_sums (files);
  assert_holds_file (files, model);
  return files;
}

static void
assert_labels (GHashTable *files)
{
  g_autofree char *path = cli_sample ("labels.txt");
  g_autofree char *expected = NULL;
  g_autofree char *found = get_text (files, "labels.txt");

  g_assert_true (g_file_get_contents (path, &expected, NULL, NULL));
  g_strchomp (expected);
  g_strchomp (found);
  g_assert_cmpstr (found, ==, expected);
}

static void
test_phone (gconstpointer data)
{
  const char *target = data;
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *name = g_strconcat (target, ".zip", NULL);
  g_autofree char *out = cli_path (name);
  g_autoptr (CliRun) run
      = cli_run ("export", computing, pictures, "--for", target, "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GHashTable) files = assert_package (result, out, computing);
  JsonObject *ort = json_object_get_object_member (result, "ort");
  JsonObject *same = json_object_get_object_member (ort, "same");
  g_autofree char *readme = get_text (files, "README.md");

  g_assert_true (json_object_get_boolean_member (result, "has_ort"));
  g_assert_cmpfloat (json_object_get_double_member (same, "fraction"), >=, 0.98);
  g_assert_cmpint (json_object_get_int_member (same, "total"), >, 100);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (ort, "changed")), ==,
                    json_object_get_int_member (same, "total")
                        - json_object_get_int_member (same, "same"));
  g_assert_cmpint (json_object_get_int_member (result, "golden"), ==, 5);
  g_assert_false (json_object_get_boolean_member (result, "golden_noise"));
  assert_labels (files);
  g_assert_nonnull (
      strstr (readme, strcmp (target, "ios") == 0 ? "```swift\nimport" : "```kotlin\nimport"));
  g_assert_null (strstr (readme, cli_folder ()));
}

static void
test_storage_only (void)
{
  g_autofree char *pictures = cli_some_pictures ("for-storage", 20);
  g_autofree char *out = cli_path ("storage.zip");
  g_autoptr (CliRun) run
      = cli_run ("export", storing, pictures, "--for", "android", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GHashTable) files = assert_package (result, out, storing);

  g_assert_false (json_object_get_boolean_member (result, "has_ort"));
  g_assert_nonnull (json_object_get_string_member (result, "ort_reason"));
  g_assert_true (json_object_get_null_member (result, "ort"));
}

static void
test_web (void)
{
  g_autofree char *pictures = cli_some_pictures ("for-web", 20);
  g_autofree char *out = cli_path ("web.zip");
  g_autoptr (CliRun) run
      = cli_run ("export", computing, pictures, "--for", "web", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GHashTable) files = assert_package (result, out, computing);
  g_autofree char *readme = get_text (files, "README.md");

  g_assert_false (json_object_get_boolean_member (result, "has_ort"));
  g_assert_nonnull (strstr (readme, "onnxruntime-web"));
}

/* Noise in place of samples, and names from labels.txt beside the model, else numbers. */
static void
test_without_samples (void)
{
  g_autofree char *out = cli_path ("noise.zip");
  g_autofree char *named = cli_path ("noise-named.zip");
  g_autofree char *labels = cli_path ("labels.txt");
  g_autofree char *sample_labels = cli_sample ("labels.txt");
  g_autoptr (CliRun) run
      = cli_run ("export", computing, "--for", "android", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GHashTable) files = assert_package (result, out, computing);
  g_autofree char *numbers = get_text (files, "labels.txt");
  g_autoptr (CliRun) again = NULL;
  g_autoptr (JsonObject) second = NULL;
  g_autoptr (GHashTable) named_files = NULL;

  g_assert_true (g_str_has_prefix (numbers, "0\n1\n2\n"));
  g_assert_false (json_object_get_boolean_member (result, "labels_known"));
  g_assert_true (json_object_get_boolean_member (result, "golden_noise"));

  g_assert_true (fw_file_copy (sample_labels, labels, FALSE, NULL, NULL));
  again = cli_run ("export", computing, "--for", "ios", "-o", named, "--preprocess",
                   "rgb-symmetric", "--json", NULL);
  g_unlink (labels);
  second = cli_assert_result (again);
  named_files = assert_package (second, named, computing);
  assert_labels (named_files);
  g_assert_true (g_bytes_equal (g_hash_table_lookup (files, "model.onnx"),
                                g_hash_table_lookup (named_files, "model.onnx")));
}

/* What one package says of the preparation, the next one takes. */
static void
test_preprocess_again (void)
{
  g_autofree char *first = cli_path ("given.zip");
  g_autofree char *second = cli_path ("taken.zip");
  g_autofree char *json = cli_path ("preprocessing.json");
  g_autoptr (CliRun) one = cli_run ("export", computing, "--for", "web", "-o", first,
                                    "--preprocess", "bgr-caffe", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (one);
  g_autoptr (GHashTable) files = assert_package (result, first, computing);
  g_autofree char *text = get_text (files, "preprocessing.json");
  g_autoptr (CliRun) two = NULL;
  g_autofree char *first_sha256 = NULL;
  g_autofree char *second_sha256 = NULL;

  g_assert_nonnull (strstr (text, "\"bgr\""));
  g_assert_true (g_file_set_contents (json, text, -1, NULL));
  two = cli_run ("export", computing, "--for", "web", "-o", second, "--preprocess", json, NULL);
  g_assert_cmpint (two->status, ==, 0);
  g_assert_nonnull (strstr (two->out, "Packed into"));
  g_assert_nonnull (strstr (two->out, "noise"));

  /* The same to the bit. */
  first_sha256 = fw_file_sha256 (first, NULL, NULL);
  second_sha256 = fw_file_sha256 (second, NULL, NULL);
  g_assert_cmpstr (first_sha256, ==, second_sha256);
}

static void
test_file (void)
{
  g_autofree char *out = cli_path ("elsewhere.onnx");
  g_autoptr (CliRun) run
      = cli_run ("export", computing, "--for", "file", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autofree char *before = fw_file_sha256 (computing, NULL, NULL);
  g_autofree char *after = fw_file_sha256 (out, NULL, NULL);

  g_assert_cmpstr (before, ==, after);
  g_assert_cmpstr (json_object_get_string_member (result, "sha256"), ==, after);
  g_assert_cmpstr (json_object_get_string_member (result, "model_sha256"), ==, before);
}

/* A version by its number: its file, how its pictures were prepared, its original's name. */
static void
test_version (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = cli_path ("version.zip");
  g_autofree char *file = cli_path ("version.onnx");
  g_autoptr (CliRun) made = cli_run ("shrink", model, pictures, "--uniform", "int8-compute",
                                     "--no-measure", "--json", NULL);
  g_autoptr (JsonObject) kept = cli_assert_result (made);
  g_autofree char *number
      = g_strdup_printf ("%" G_GINT64_FORMAT, json_object_get_int_member (kept, "version"));
  g_autoptr (CliRun) run
      = cli_run ("export", number, "--for", "android", "-o", out, "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (GHashTable) files
      = assert_package (result, out, json_object_get_string_member (kept, "path"));
  g_autofree char *readme = get_text (files, "README.md");
  g_autoptr (CliRun) as_file = cli_run ("export", number, "--for", "file", "-o", file, NULL);
  g_autoptr (CliRun) no_such
      = cli_run ("export", "4711", "--for", "android", "-o", "x.zip", "--json", NULL);
  g_autofree char *sha256 = fw_file_sha256 (file, NULL, NULL);

  g_assert_true (g_str_has_prefix (readme, "# model, for Android"));
  g_assert_cmpstr (
      json_object_get_string_member (json_object_get_object_member (result, "preprocess"), "name"),
      ==,
      json_object_get_string_member (json_object_get_object_member (kept, "preprocess"), "name"));
  assert_labels (files);
  g_assert_cmpint (as_file->status, ==, 0);
  g_assert_cmpstr (sha256, ==, json_object_get_string_member (kept, "sha256"));
  cli_assert_error (no_such, "no-such-version");
}

static void
test_wrong_use (void)
{
  g_autofree char *out = cli_path ("never.zip");
  g_autoptr (CliRun) no_target = cli_run ("export", computing, "-o", out, NULL);
  g_autoptr (CliRun) no_output = cli_run ("export", computing, "--for", "android", NULL);
  g_autoptr (CliRun) no_such = cli_run ("export", computing, "--for", "toaster", "-o", out, NULL);
  g_autoptr (CliRun) no_model = cli_run ("export", "--for", "ios", "-o", out, NULL);

  g_assert_cmpint (no_target->status, ==, 2);
  g_assert_cmpint (no_output->status, ==, 2);
  g_assert_cmpint (no_such->status, ==, 2);
  g_assert_cmpint (no_model->status, ==, 2);
  g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));
}

static void
test_failures (void)
{
  g_autofree char *taken = cli_path ("taken-already.zip");
  g_autofree char *out = cli_path ("nothing.zip");
  g_autofree char *broken = cli_path ("broken.onnx");
  g_autofree char *contents = NULL;
  g_autoptr (CliRun) exists = NULL;
  g_autoptr (CliRun) damaged = NULL;
  g_autoptr (CliRun) as_file = NULL;

  g_assert_true (g_file_set_contents (taken, "mine", -1, NULL));
  exists = cli_run ("export", computing, "--for", "web", "-o", taken, "--json", NULL);
  cli_assert_error (exists, "file-exists");
  g_assert_true (g_file_get_contents (taken, &contents, NULL, NULL));
  g_assert_cmpstr (contents, ==, "mine");

  g_assert_true (g_file_set_contents (broken, "\010\010\022\377", 4, NULL));
  damaged = cli_run ("export", broken, "--for", "android", "-o", out, "--json", NULL);
  g_assert_cmpint (damaged->status, ==, 1);
  as_file = cli_run ("export", broken, "--for", "file", "-o", out, "--json", NULL);
  g_assert_cmpint (as_file->status, ==, 1);
  g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  cli_init ();
  computing = make_version ("computing.onnx", "int8-compute");
  storing = make_version ("storing.onnx", "int8-storage");
  g_test_add_data_func ("/export/android", "android", test_phone);
  g_test_add_data_func ("/export/ios", "ios", test_phone);
  g_test_add_func ("/export/storage-only", test_storage_only);
  g_test_add_func ("/export/web", test_web);
  g_test_add_func ("/export/without-samples", test_without_samples);
  g_test_add_func ("/export/preprocess-again", test_preprocess_again);
  g_test_add_func ("/export/file", test_file);
  g_test_add_func ("/export/version", test_version);
  g_test_add_func ("/export/wrong-use", test_wrong_use);
  g_test_add_func ("/export/failures", test_failures);
  status = cli_finish ();
  g_free (computing);
  g_free (storing);
  return status;
}
