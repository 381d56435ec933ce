/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What was made is found again, taken back into use, and made anew where its file is gone. */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fw-file.h"

/* A history of the test's own. */
static char *
enter_history (const char *name)
{
  char *home = cli_path (name);

  g_setenv ("XDG_DATA_HOME", home, TRUE);
  return home;
}

static char *
hash_file (const char *path)
{
  g_autoptr (GError) error = NULL;
  char *sha256 = fw_file_sha256 (path, NULL, &error);

  g_assert_no_error (error);
  return sha256;
}

static JsonObject *
ask (const char *verb, const char *first, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autoptr (CliRun) run = NULL;
  va_list rest;

  g_ptr_array_add (arguments, (char *) "history");
  g_ptr_array_add (arguments, (char *) verb);
  g_ptr_array_add (arguments, (char *) "--json");
  va_start (rest, first);
  for (const char *word = first; word != NULL; word = va_arg (rest, const char *))
    g_ptr_array_add (arguments, (char *) word);
  va_end (rest);
  g_ptr_array_add (arguments, NULL);
  run = cli_run_array ((const char *const *) arguments->pdata, NULL);
  return cli_assert_result (run);
}

static JsonObject *
find_version (JsonObject *list, gint64 id)
{
  JsonArray *versions = json_object_get_array_member (list, "versions");

  for (guint i = 0; i < json_array_get_length (versions); i++)
    {
      JsonObject *version = json_array_get_object_element (versions, i);

      if (json_object_get_int_member (version, "id") == id)
        return version;
    }
  return NULL;
}

/* Every version that is listed has its file, with the right hash. */
static void
assert_sound (JsonObject *list)
{
  JsonArray *versions = json_object_get_array_member (list, "versions");

  for (guint i = 0; i < json_array_get_length (versions); i++)
    {
      JsonObject *version = json_array_get_object_element (versions, i);
      g_autofree char *sha256 = hash_file (json_object_get_string_member (version, "file"));

      g_assert_cmpstr (sha256, ==, json_object_get_string_member (version, "sha256"));
    }
}

static guint
count_versions (JsonObject *list)
{
  return json_array_get_length (json_object_get_array_member (list, "versions"));
}

static gboolean
is_in_use (const char *version)
{
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);

  return json_object_get_boolean_member (find_version (list, g_ascii_strtoll (version, NULL, 10)),
                                         "in_use");
}

static void
assert_same_file (const char *path, const char *other)
{
  g_autofree char *a = hash_file (path);
  g_autofree char *b = hash_file (other);

  g_assert_cmpstr (a, ==, b);
}

typedef struct
{
  char *model; /* a copy of the sample's */
  char *pictures;
  char *out;   /* where the first version was saved */
  char *first; /* the first version's number and the history's file */
  char *first_file;
  char *second; /* another version, from a quick run */
  char *second_file;
} Past;

static void
past_clear (Past *self)
{
  g_free (self->model);
  g_free (self->pictures);
  g_free (self->out);
  g_free (self->first);
  g_free (self->first_file);
  g_free (self->second);
  g_free (self->second_file);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Past, past_clear)

static char *
copy_model (const char *name)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autoptr (GError) error = NULL;
  char *copy = cli_path (name);

  fw_file_copy (model, copy, FALSE, NULL, &error);
  g_assert_no_error (error);
  return copy;
}

static char *
get_version (JsonObject *result)
{
  gint64 version = json_object_get_int_member (result, "version");

  g_assert_cmpint (version, >, 0);
  return g_strdup_printf ("%" G_GINT64_FORMAT, version);
}

/* One run that measures and saves, and one that only builds and saves nowhere. */
static void
make_past (Past *self, const char *name)
{
  g_autofree char *model_name = g_strconcat (name, "-model.onnx", NULL);
  g_autofree char *pictures_name = g_strconcat (name, "-pictures", NULL);
  g_autofree char *out_name = g_strconcat (name, "-small.onnx", NULL);
  g_autoptr (CliRun) first = NULL;
  g_autoptr (CliRun) second = NULL;
  g_autoptr (JsonObject) first_result = NULL;
  g_autoptr (JsonObject) second_result = NULL;
  g_autoptr (JsonObject) list = NULL;

  self->model = copy_model (model_name);
  self->pictures = cli_some_pictures (pictures_name, 60);
  self->out = cli_path (out_name);
  first = cli_run ("shrink", self->model, self->pictures, "-o", self->out, "--json", NULL);
  first_result = cli_assert_result (first);
  self->first = get_version (first_result);
  g_assert_cmpint (json_object_get_int_member (first_result, "version_number"), ==, 1);

  second = cli_run ("shrink", self->model, self->pictures, "--uniform", "int8-storage",
                    "--no-measure", "--json", NULL);
  second_result = cli_assert_result (second);
  self->second = get_version (second_result);
  self->second_file = g_strdup (json_object_get_string_member (second_result, "path"));
  list = ask ("list", NULL, NULL);
  self->first_file = g_strdup (json_object_get_string_member (
      find_version (list, g_ascii_strtoll (self->first, NULL, 10)), "file"));
}

/* Back and forth ------------------------------------------------------------------------------
 */

static void
check_list (Past *past)
{
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);
  g_autoptr (CliRun) text = cli_run ("history", "list", NULL);
  JsonObject *original
      = json_array_get_object_element (json_object_get_array_member (list, "originals"), 0);
  JsonObject *newest
      = json_array_get_object_element (json_object_get_array_member (list, "versions"), 0);

  assert_sound (list);
  g_assert_cmpuint (count_versions (list), ==, 3);
  g_assert_cmpstr (json_object_get_string_member (original, "path"), ==, past->model);
  g_assert_cmpstr (json_object_get_string_member (original, "saved_path"), ==, past->out);
  g_assert_cmpint (json_object_get_int_member (newest, "id"), ==,
                   g_ascii_strtoll (past->second, NULL, 10));
  g_assert_cmpint (text->status, ==, 0);
  g_assert_nonnull (strstr (text->out, "in use"));
  g_assert_nonnull (strstr (text->out, "original"));
  g_assert_null (strstr (text->out, "nan"));
}

static void
check_show (Past *past)
{
  g_autoptr (JsonObject) shown = ask ("show", past->first, NULL);
  g_autoptr (CliRun) text = cli_run ("history", "show", past->first, NULL);
  JsonObject *run = json_object_get_object_member (shown, "run");
  JsonObject *version = json_object_get_object_member (shown, "version");

  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (shown, "stops")), >=, 8);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (shown, "measurements")),
                    ==, 1);
  g_assert_cmpstr (json_object_get_string_member (run, "state"), ==, "finished");
  g_assert_true (json_object_has_member (run, "job"));
  g_assert_cmpstr (json_object_get_string_member (run, "samples_sha256"), !=, "");
  g_assert_cmpstr (json_object_get_string_member (run, "runtime"), !=, "");
  g_assert_true (json_object_has_member (version, "recipe"));
  g_assert_true (json_object_has_member (version, "same"));
  g_assert_cmpint (text->status, ==, 0);
  g_assert_nonnull (strstr (text->out, "ONNX Runtime"));
}

static void
check_use (Past *past)
{
  g_autoptr (JsonObject) used = ask ("use", past->second, NULL);
  g_autofree char *previous
      = g_strdup_printf ("%" G_GINT64_FORMAT, json_object_get_int_member (used, "previous"));
  g_autoptr (JsonObject) undone = NULL;
  g_autoptr (JsonObject) original = NULL;

  g_assert_cmpstr (previous, ==, past->first);
  g_assert_cmpstr (json_object_get_string_member (used, "path"), ==, past->out);
  g_assert_true (is_in_use (past->second));
  assert_same_file (past->out, past->second_file);

  undone = ask ("use", previous, NULL);
  g_assert_true (is_in_use (past->first));
  assert_same_file (past->out, past->first_file);

  original = ask ("use", "1", NULL);
  assert_same_file (past->out, past->model);
  g_clear_pointer (&original, json_object_unref);
  original = ask ("use", past->first, NULL);
  assert_same_file (past->out, past->first_file);
}

static void
check_notes_and_deletes (Past *past)
{
  g_autoptr (JsonObject) noted = ask ("note", past->second, "for the old phone", NULL);
  g_autoptr (CliRun) text = cli_run ("history", "list", NULL);
  g_autoptr (CliRun) in_use = cli_run ("history", "delete", past->first, "--json", NULL);
  g_autoptr (JsonObject) deleted = ask ("delete", past->second, NULL);
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);
  g_autoptr (JsonObject) all = ask ("list", "--all", NULL);
  g_autoptr (JsonObject) back = NULL;
  g_autoptr (CliRun) unknown = cli_run ("history", "show", "12345", "--json", NULL);

  g_assert_cmpstr (
      json_object_get_string_member (json_object_get_object_member (noted, "version"), "note"), ==,
      "for the old phone");
  g_assert_nonnull (strstr (text->out, "for the old phone"));
  g_assert_cmpint (in_use->status, ==, 2);
  g_assert_cmpuint (count_versions (list), ==, 2);
  g_assert_cmpuint (count_versions (all), ==, 3);
  back = ask ("undelete", past->second, NULL);
  g_clear_pointer (&list, json_object_unref);
  list = ask ("list", NULL, NULL);
  g_assert_cmpuint (count_versions (list), ==, 3);
  assert_sound (list);
  cli_assert_error (unknown, "no-such-version");
}

/* Another stop of the same run, which is made again. */
static void
check_position (Past *past)
{
  g_autofree char *out = cli_path ("at-20.onnx");
  g_autoptr (JsonObject) used = ask ("use", past->first, "--position", "20", "-o", out, NULL);
  JsonObject *version = json_object_get_object_member (used, "version");
  g_autofree char *sha256 = hash_file (out);

  g_assert_cmpfloat (json_object_get_double_member (version, "position"), >=, 20);
  g_assert_cmpstr (json_object_get_string_member (version, "sha256"), ==, sha256);
  g_assert_cmpint (json_object_get_int_member (version, "number"), ==, 3);
  assert_same_file (out, json_object_get_string_member (version, "file"));
}

static void
check_lost_files (Past *past)
{
  g_autofree char *out = cli_path ("once-more.onnx");
  g_autofree char *last = cli_path ("never.onnx");
  g_autoptr (CliRun) exists = NULL;
  g_autoptr (CliRun) changed = NULL;
  g_autoptr (CliRun) gone = NULL;
  g_autoptr (JsonObject) used = NULL;

  g_assert_cmpint (g_unlink (past->first_file), ==, 0);
  used = ask ("use", past->first, "-o", out, NULL);
  assert_same_file (out, past->first_file);

  exists = cli_run ("history", "use", past->second, "-o", out, "--json", NULL);
  cli_assert_error (exists, "file-exists");
  assert_same_file (out, past->first_file);

  g_assert_true (g_file_set_contents (out, "the user's own", -1, NULL));
  changed = cli_run ("history", "use", past->second, "--json", NULL);
  cli_assert_error (changed, "file-changed");
  g_assert_true (is_in_use (past->first));

  g_assert_cmpint (g_unlink (past->first_file), ==, 0);
  g_assert_cmpint (g_unlink (past->model), ==, 0);
  gone = cli_run ("history", "use", past->first, "-o", last, "--json", NULL);
  cli_assert_error (gone, "no-such-file");
  g_assert_false (g_file_test (last, G_FILE_TEST_EXISTS));
}

static void
test_back_and_forth (void)
{
  g_autofree char *home = enter_history ("back-and-forth");
  g_auto (Past) past = { 0 };

  make_past (&past, "back");
  check_list (&past);
  check_show (&past);
  check_use (&past);
  check_notes_and_deletes (&past);
  check_position (&past);
  check_lost_files (&past);
}

/* Who aims elsewhere gets that, and the recommended one is kept beside it. */
static void
test_targets (void)
{
  g_autofree char *home = enter_history ("targets");
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("target-pictures", 40);
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "--position", "90", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);
  JsonObject *version = find_version (list, json_object_get_int_member (result, "version"));

  assert_sound (list);
  g_assert_cmpstr (json_object_get_string_member (version, "sha256"), ==,
                   json_object_get_string_member (result, "sha256"));
  g_assert_cmpstr (json_object_get_string_member (version, "file"), ==,
                   json_object_get_string_member (result, "path"));
  if (!json_object_get_boolean_member (result, "recommended"))
    g_assert_cmpuint (count_versions (list), ==, 3);
}

static void
test_empty (void)
{
  g_autofree char *home = enter_history ("empty");
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);
  g_autoptr (CliRun) text = cli_run ("history", "list", NULL);

  g_assert_cmpuint (count_versions (list), ==, 0);
  g_assert_nonnull (strstr (text->out, "empty"));
}

static void
test_wrong_use (void)
{
  const char *const cases[][6] = {
    { "history", NULL },
    { "history", "lost", NULL },
    { "history", "show", NULL },
    { "history", "show", "one", NULL },
    { "history", "show", "0", NULL },
    { "history", "show", "-1", NULL },
    { "history", "show", "1", "2", NULL },
    { "history", "list", "1", NULL },
    { "history", "list", "--nonsense", NULL },
    { "history", "use", "1", "--position", "101", NULL },
    { "history", "use", "1", "--position", "x", NULL },
    { "history", "show", "99999999999999999999", NULL },
  };
  g_autofree char *home = enter_history ("wrong");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CliRun) run = cli_run_array (cases[i], NULL);

      if (run->status != 2)
        g_test_message ("case %u", i);
      g_assert_cmpint (run->status, ==, 2);
      g_assert_cmpstr (run->err, !=, "");
      g_assert_cmpstr (run->out, ==, "");
    }
}

/* Bad surroundings ----------------------------------------------------------------------------
 */

static void
test_killed (void)
{
  g_autofree char *home = enter_history ("killed");
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("killed-pictures", 60);
  g_autofree char *log = cli_path ("killed.log");
  const char *const arguments[] = { "shrink", model, pictures, "--json", NULL };
  gint64 deadline = g_get_monotonic_time () + 60 * G_USEC_PER_SEC;
  GPid pid = cli_start (arguments, log, NULL);
  g_autoptr (CliRun) next = NULL;
  g_autoptr (JsonObject) list = NULL;
  JsonObject *run;
  guint n_stops = 0;

  /* The first one is said twice: the second time with its place on the path. */
  while (n_stops < 3)
    {
      g_autofree char *text = NULL;

      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (10000);
      g_assert_true (g_file_get_contents (log, &text, NULL, NULL));
      n_stops = 0;
      for (const char *p = text; (p = strstr (p, "\"event\":\"stop\"")) != NULL; p++)
        n_stops++;
    }
  kill (pid, SIGKILL);
  cli_wait (pid);
  /* The next job clears up after the one that was killed. */
  next = cli_run ("inspect", model, "--json", NULL);
  g_assert_cmpint (next->status, ==, 0);
  list = ask ("list", NULL, NULL);
  g_assert_cmpuint (count_versions (list), ==, 1);
  run = json_array_get_object_element (json_object_get_array_member (list, "runs"), 0);
  g_assert_cmpstr (json_object_get_string_member (run, "state"), ==, "stopped");
  g_assert_cmpint (json_object_get_int_member (run, "n_stops"), >=, 2);
}

static void
test_not_writable (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("unwritable-pictures", 30);
  g_autofree char *out = cli_path ("unwritable.onnx");
  g_autoptr (CliRun) list = NULL;
  g_autoptr (CliRun) without = NULL;
  g_autoptr (CliRun) with = NULL;
  g_autoptr (JsonObject) result = NULL;

  g_setenv ("XDG_DATA_HOME", "/proc/nowhere", TRUE);
  list = cli_run ("history", "list", "--json", NULL);
  cli_assert_error (list, "not-writable");
  without = cli_run ("shrink", model, pictures, "--json", NULL);
  cli_assert_error (without, "not-writable");
  with = cli_run ("shrink", model, pictures, "--uniform", "int8-storage", "--no-measure", "-o", out,
                  "--json", NULL);
  result = cli_assert_result (with);
  g_assert_true (cli_has_warning (with->out, "not-writable"));
  g_assert_true (json_object_get_null_member (result, "version"));
  g_assert_true (g_file_test (out, G_FILE_TEST_EXISTS));
}

static void
test_damaged (void)
{
  g_autofree char *home = enter_history ("damaged");
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("damaged-pictures", 30);
  g_autofree char *database = g_build_filename (home, "featherweight", "history.db", NULL);
  g_autofree char *aside = g_strconcat (database, ".damaged-1", NULL);
  g_autoptr (CliRun) run = cli_run ("shrink", model, pictures, "--uniform", "int8-storage",
                                    "--no-measure", "--json", NULL);
  g_autoptr (JsonObject) result = cli_assert_result (run);
  g_autoptr (CliRun) damaged = NULL;
  g_autoptr (JsonObject) list = NULL;

  g_assert_true (g_file_set_contents (database, "This is no database.", -1, NULL));
  damaged = cli_run ("history", "list", "--json", NULL);
  list = cli_assert_result (damaged);
  g_assert_true (cli_has_warning (damaged->out, "history-damaged"));
  g_assert_cmpuint (count_versions (list), ==, 2);
  assert_sound (list);
  g_assert_true (g_file_test (aside, G_FILE_TEST_EXISTS));
}

static void
test_newer (void)
{
  g_autofree char *home = enter_history ("newer");
  g_autofree char *database = g_build_filename (home, "featherweight", "history.db", NULL);
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *bytes = NULL;
  g_autoptr (JsonObject) list = ask ("list", NULL, NULL);
  g_autoptr (CliRun) run = NULL;
  gsize size;

  /* The version of the tables stands at byte 60, the highest digits first. */
  g_assert_true (g_file_get_contents (database, &bytes, &size, NULL));
  g_assert_cmpint (bytes[63], >, 0);
  bytes[63] = 99;
  g_assert_true (g_file_set_contents (database, bytes, (gssize) size, NULL));
  before = hash_file (database);
  run = cli_run ("history", "list", "--json", NULL);
  cli_assert_error (run, "history-newer");
  after = hash_file (database);
  g_assert_cmpstr (before, ==, after);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/history/back-and-forth", test_back_and_forth);
  g_test_add_func ("/history/targets", test_targets);
  g_test_add_func ("/history/empty", test_empty);
  g_test_add_func ("/history/wrong-use", test_wrong_use);
  g_test_add_func ("/history/killed", test_killed);
  g_test_add_func ("/history/not-writable", test_not_writable);
  g_test_add_func ("/history/damaged", test_damaged);
  g_test_add_func ("/history/newer", test_newer);
  return cli_finish ();
}
