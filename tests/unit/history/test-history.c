/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fw-file.h"
#include "history-fixture.h"

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) originals = fw_history_list_originals (fixture->history, &error);
  g_autoptr (FwHistoryOriginal) none = NULL;

  g_assert_no_error (error);
  g_assert_cmpuint (originals->len, ==, 0);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 0);
  g_assert_null (fw_history_get_warning (fixture->history));
  g_assert_false (fw_history_is_read_only (fixture->history));
  g_assert_cmpstr (fw_history_get_folder (fixture->history), ==, fixture->home);
  none = fw_history_find_original (fixture->history, "no such", &error);
  g_assert_null (none);
  g_assert_no_error (error);
  fixture_reopen (fixture);
  g_assert_null (fw_history_get_warning (fixture->history));
}

static void
test_default_folder (void)
{
  g_autofree char *folder = fw_history_get_default_folder ();

  g_assert_true (g_str_has_prefix (folder, g_get_user_data_dir ()));
  g_assert_true (g_str_has_suffix (folder, "/featherweight"));
}

static void
assert_version (FwHistoryVersion *version)
{
  g_assert_cmpuint (version->number, ==, 1);
  g_assert_cmpuint (version->size, ==, strlen ("small"));
  g_assert_true (version->is_recommended);
  g_assert_false (version->is_in_use);
  g_assert_false (version->is_deleted);
  g_assert_null (version->note);
  g_assert_cmpint (version->created, >, 1000000000);
  g_assert_cmpfloat (version->figures.same, ==, 0.98);
  g_assert_cmpuint (version->figures.same_total, ==, 50);
  g_assert_cmpfloat (version->figures.speedup, ==, 2.5);
  g_assert_cmpfloat (version->figures.latency_ms, ==, 3);
  g_assert_true (isnan (version->figures.accuracy));
  g_assert_cmpuint (version->figures.original_size, ==, 1000);
  g_assert_nonnull (version->details);
  g_assert_false (json_object_has_member (version->details, "recipe"));
  g_assert_false (json_object_has_member (version->details, "file"));
}

static void
test_run (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) originals = fw_history_list_originals (fixture->history, &error);
  g_autoptr (FwHistoryVersion) version = fw_history_get_version (fixture->history, id, &error);
  g_autoptr (FwHistoryRun) run = NULL;
  g_autoptr (GPtrArray) stops = NULL;
  g_autoptr (GPtrArray) measurements = NULL;
  g_autofree char *expected = fixture_model_path (fixture, "small", ".onnx");
  FwHistoryOriginal *original;

  g_assert_no_error (error);
  g_assert_cmpuint (originals->len, ==, 1);
  original = originals->pdata[0];
  g_assert_cmpstr (original->name, ==, "large.onnx");
  g_assert_cmpstr (original->task, ==, "classification");
  g_assert_cmpuint (original->n_versions, ==, 1);
  g_assert_cmpint (original->in_use, ==, original->version_0);
  g_assert_null (original->copy);

  assert_version (version);
  g_assert_cmpstr (version->recipe, ==, "{\"for\":\"small\"}");
  g_assert_cmpstr (version->file, ==, expected);
  fixture_assert_text (expected, "small");
  g_assert_cmpint (version->original, ==, original->id);

  run = fw_history_get_run (fixture->history, version->run, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run->state, ==, FW_HISTORY_RUN_FINISHED);
  g_assert_cmpstr (json_object_get_string_member (run->job, "command"), ==, "shrink");
  g_assert_cmpstr (run->runtime, ==, "1.30.0");
  g_assert_cmpstr (run->samples_sha256, ==, "5a");
  g_assert_cmpstr (run->program, ==, PACKAGE_VERSION);
  g_assert_cmpuint (run->threads, >, 0);
  g_assert_cmpuint (run->n_stops, ==, 2);
  g_assert_nonnull (run->preprocess);
  g_assert_false (json_object_has_member (run->result, "stops"));

  stops = fw_history_list_stops (fixture->history, run->id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (stops->len, ==, 2);
  g_assert_cmpfloat (((FwHistoryStop *) stops->pdata[0])->position, ==, 10);
  g_assert_cmpint (((FwHistoryStop *) stops->pdata[0])->version, ==, 0);
  g_assert_cmpint (((FwHistoryStop *) stops->pdata[1])->version, ==, id);
  g_assert_null (((FwHistoryStop *) stops->pdata[1])->recipe);

  measurements = fw_history_list_measurements (fixture->history, id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (measurements->len, ==, 1);
  g_assert_cmpstr (((FwHistoryMeasurement *) measurements->pdata[0])->kind, ==, "run");
  assert_sound (fixture->history);
}

static void
test_killed_run (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_write (fixture, "a.onnx", "a");
  gint64 id = begin_run (fixture->history, path, "a");
  g_autoptr (JsonObject) one = make_stop ("one", 50, FALSE);
  g_autoptr (JsonObject) two = make_stop ("two", 30, FALSE);
  g_autoptr (JsonObject) nonsense = json_object_new ();
  g_autoptr (FwHistory) other = NULL;
  g_autoptr (FwHistoryRun) run = NULL;
  g_autoptr (GError) error = NULL;
  gint64 stop = fw_history_add_stop (fixture->history, id, one, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fw_history_add_stop (fixture->history, id, two, &error), >, stop);
  /* The same stop again is no other stop. */
  g_assert_cmpint (fw_history_add_stop (fixture->history, id, one, &error), ==, stop);
  g_assert_no_error (error);
  g_assert_cmpint (fw_history_add_stop (fixture->history, id, nonsense, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_INTERNAL);
  g_clear_error (&error);
  /* Sixty-four characters that would lead out of the folder. */
  json_object_set_string_member (
      nonsense, "sha256", "../../../../../../../../../../../../../../../../../../../../tmp/");
  json_object_set_int_member (nonsense, "size_bytes", 1);
  g_assert_cmpint (fw_history_add_stop (fixture->history, id, nonsense, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_INTERNAL);
  g_clear_error (&error);
  g_assert_cmpint (fw_history_add_stop (fixture->history, id + 1, one, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);

  /* Somebody else who opens it must not take a run for dead that is alive. */
  other = fw_history_open (fixture->home, &error);
  g_assert_no_error (error);
  run = fw_history_get_run (other, id, &error);
  g_assert_cmpint (run->state, ==, FW_HISTORY_RUN_RUNNING);
  g_clear_pointer (&run, fw_history_run_unref);
  g_clear_pointer (&other, fw_history_unref);

  fixture_reopen (fixture);
  run = fw_history_get_run (fixture->history, id, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run->state, ==, FW_HISTORY_RUN_STOPPED);
  g_assert_cmpint (run->ended, >=, run->started);
  g_assert_cmpuint (run->n_stops, ==, 2);
  g_assert_null (run->result);
}

static void
test_failed_run (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_write (fixture, "a.onnx", "a");
  gint64 id = begin_run (fixture->history, path, "a");
  g_autoptr (GPtrArray) runs = NULL;
  g_autoptr (GError) error = NULL;
  FwHistoryRun *run;

  g_assert_true (
      fw_history_end_run (fixture->history, id, FW_HISTORY_RUN_FAILED, "It did not work.", &error));
  g_assert_no_error (error);
  g_assert_false (fw_history_end_run (fixture->history, 99, FW_HISTORY_RUN_FAILED, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);
  runs = fw_history_list_runs (fixture->history, 0, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (runs->len, ==, 1);
  run = runs->pdata[0];
  g_assert_cmpint (run->state, ==, FW_HISTORY_RUN_FAILED);
  g_assert_cmpstr (run->message, ==, "It did not work.");
}

/* What does not fit together is refused, and everything stays as it was. */
static void
test_wrong_results (Fixture *fixture, gconstpointer data)
{
  const char *const texts[] = { "small", NULL };
  g_autofree char *path = fixture_write (fixture, "a.onnx", "a");
  g_autofree char *file = fixture_write (fixture, "other.onnx", "not what was measured");
  g_autofree char *missing = fixture_path (fixture, "missing.onnx");
  g_autoptr (JsonObject) result = make_result ("a", texts);
  g_autoptr (JsonObject) other = make_result ("b", texts);
  gint64 id = begin_run (fixture->history, path, "a"), version = -1;
  g_autoptr (FwHistoryRun) run = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (
      fw_history_finish_run (fixture->history, id, result, file, TRUE, &version, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);
  fixture_assert_text (file, "not what was measured");
  g_assert_false (
      fw_history_finish_run (fixture->history, id, result, missing, TRUE, &version, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);
  g_assert_false (
      fw_history_finish_run (fixture->history, id, other, NULL, TRUE, &version, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);
  g_assert_cmpint (version, ==, -1);

  run = fw_history_get_run (fixture->history, id, &error);
  g_assert_cmpint (run->state, ==, FW_HISTORY_RUN_RUNNING);
  g_assert_cmpuint (run->n_stops, ==, 0);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 1);

  g_assert_true (
      fw_history_finish_run (fixture->history, id, result, NULL, FALSE, &version, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (version, ==, 0);
}

static void
test_keep_stop (Fixture *fixture, gconstpointer data)
{
  gint64 first = do_run (fixture, "large", "small"), second;
  g_autofree char *file = fixture_write (fixture, "rebuilt.onnx", "another stop");
  g_autofree char *kept = fixture_model_path (fixture, "another stop", ".onnx");
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GPtrArray) stops = NULL;
  g_autoptr (GError) error = NULL;
  FwHistoryStop *stop;

  version = fw_history_get_version (fixture->history, first, &error);
  stops = fw_history_list_stops (fixture->history, version->run, &error);
  stop = stops->pdata[0];
  second = fw_history_keep_stop (fixture->history, stop->id, file, FALSE, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (second, >, first);
  fixture_assert_text (file, "another stop");
  /* Once more is the same version, and puts its file back. */
  g_assert_cmpint (g_unlink (kept), ==, 0);
  g_assert_cmpint (fw_history_keep_stop (fixture->history, stop->id, file, TRUE, NULL, &error), ==,
                   second);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  fixture_assert_text (kept, "another stop");

  g_clear_pointer (&file, g_free);
  file = fixture_write (fixture, "wrong.onnx", "wrong");
  g_assert_cmpint (fw_history_keep_stop (fixture->history, stop->id, file, TRUE, NULL, &error), ==,
                   0);
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);
  fixture_assert_text (file, "wrong");
  g_assert_cmpint (fw_history_keep_stop (fixture->history, 12345, file, TRUE, NULL, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  assert_sound (fixture->history);
  fixture_reopen (fixture);
  assert_sound (fixture->history);
}

static void
test_order (Fixture *fixture, gconstpointer data)
{
  gint64 first = do_run (fixture, "model A", "A small");
  gint64 other = do_run (fixture, "model B", "B small");
  gint64 second = do_run (fixture, "model A", "A smaller");
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) originals = fw_history_list_originals (fixture->history, &error);
  FwHistoryOriginal *a = originals->pdata[0];
  g_autoptr (GPtrArray) versions = fw_history_list_versions (fixture->history, a->id, FALSE, NULL);
  g_autoptr (GPtrArray) all = fw_history_list_versions (fixture->history, 0, FALSE, NULL);
  g_autoptr (FwHistoryOriginal) found = NULL;
  g_autofree char *sha256 = hash_of ("model A");
  const guint numbers[] = { 2, 1, 0 };

  g_assert_no_error (error);
  g_assert_cmpuint (originals->len, ==, 2);
  g_assert_cmpstr (a->name, ==, "model A.onnx");
  g_assert_cmpuint (a->n_versions, ==, 2);
  g_assert_cmpuint (versions->len, ==, 3);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (((FwHistoryVersion *) versions->pdata[i])->number, ==, numbers[i]);
  g_assert_cmpint (((FwHistoryVersion *) versions->pdata[0])->id, ==, second);
  g_assert_cmpint (((FwHistoryVersion *) versions->pdata[1])->id, ==, first);
  g_assert_cmpint (((FwHistoryVersion *) versions->pdata[2])->id, ==, a->version_0);
  g_assert_cmpuint (all->len, ==, 5);
  g_assert_cmpint (((FwHistoryVersion *) all->pdata[0])->id, ==, second);
  found = fw_history_find_original (fixture->history, sha256, &error);
  g_assert_no_error (error);
  g_assert_cmpint (found->id, ==, a->id);
  g_assert_cmpint (other, <, second);
}

/* Two runs may well give the same bytes. */
static void
test_same_file_twice (Fixture *fixture, gconstpointer data)
{
  gint64 first = do_run (fixture, "large", "small");
  gint64 second = do_run (fixture, "large", "small");
  g_autofree char *file = fixture_model_path (fixture, "small", ".onnx");
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (first, !=, second);
  g_assert_true (fw_history_delete (fixture->history, first, &error));
  g_assert_true (fw_history_purge (fixture->history, first, &error));
  g_assert_no_error (error);
  fixture_assert_text (file, "small");
  assert_sound (fixture->history);
  g_assert_true (fw_history_delete (fixture->history, second, &error));
  g_assert_true (fw_history_purge (fixture->history, second, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
}

static void
test_note_and_thumbnail (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  g_autoptr (GBytes) png = g_bytes_new_static ("\x89PNG\0x", 6);
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GError) error = NULL;
  guint64 state = fw_history_get_state (fixture->history);

  g_assert_true (fw_history_set_note (fixture->history, id, "für die Küche", &error));
  g_assert_true (fw_history_set_thumbnail (fixture->history, id, png, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (fw_history_get_state (fixture->history), !=, state);
  version = fw_history_get_version (fixture->history, id, &error);
  g_assert_cmpstr (version->note, ==, "für die Küche");
  g_assert_true (g_bytes_equal (version->thumbnail, png));
  g_clear_pointer (&version, fw_history_version_unref);

  g_assert_true (fw_history_set_note (fixture->history, id, "", &error));
  g_assert_true (fw_history_set_thumbnail (fixture->history, id, NULL, &error));
  version = fw_history_get_version (fixture->history, id, &error);
  g_assert_null (version->note);
  g_assert_null (version->thumbnail);
  g_assert_false (fw_history_set_note (fixture->history, id + 1, "x", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
}

static void
test_use (Fixture *fixture, gconstpointer data)
{
  gint64 first = do_run (fixture, "large", "small");
  gint64 second = do_run (fixture, "large", "smaller"), previous = 0;
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_history_use (fixture->history, first, &previous, &error));
  g_assert_no_error (error);
  version = fw_history_get_version (fixture->history, first, &error);
  g_assert_true (version->is_in_use);
  original = fw_history_get_original (fixture->history, version->original, &error);
  g_assert_cmpint (original->in_use, ==, first);
  g_assert_cmpint (previous, ==, original->version_0);

  g_assert_true (fw_history_use (fixture->history, second, &previous, &error));
  g_assert_cmpint (previous, ==, first);
  g_assert_false (fw_history_delete (fixture->history, second, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
  g_clear_error (&error);
  /* The undo. */
  g_assert_true (fw_history_use (fixture->history, previous, &previous, &error));
  g_assert_cmpint (previous, ==, second);
  g_assert_true (fw_history_delete (fixture->history, second, &error));
  g_assert_false (fw_history_use (fixture->history, second, &previous, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);
  g_assert_false (fw_history_use (fixture->history, 77, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
}

static void
test_delete (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  g_autofree char *file = fixture_model_path (fixture, "small", ".onnx");
  g_autofree char *description = fixture_model_path (fixture, "small", ".json");
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (fw_history_purge (fixture->history, id, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);
  g_assert_true (fw_history_delete (fixture->history, id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 1);
  fixture_reopen (fixture);
  fixture_assert_text (file, "small");
  g_assert_true (fw_history_undelete (fixture->history, id, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (count_versions (fixture->history, 0), ==, 2);
  assert_sound (fixture->history);

  g_assert_true (fw_history_delete (fixture->history, id, &error));
  g_assert_true (fw_history_purge (fixture->history, id, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (description, G_FILE_TEST_EXISTS));
  version = fw_history_get_version (fixture->history, id, &error);
  g_assert_null (version);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);
  g_assert_false (fw_history_undelete (fixture->history, id, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);

  /* Numbers are never given twice. */
  version = fw_history_get_version (fixture->history, do_run (fixture, "large", "tiny"), &error);
  g_assert_no_error (error);
  g_assert_cmpuint (version->number, ==, 2);
}

static void
test_original_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwHistoryVersion) version = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (GError) error = NULL;
  gint64 id = do_run (fixture, "large", "small");

  version = fw_history_get_version (fixture->history, id, &error);
  original = fw_history_get_original (fixture->history, version->original, &error);
  g_assert_no_error (error);
  g_assert_true (fw_history_use (fixture->history, id, NULL, &error));
  g_assert_false (fw_history_delete (fixture->history, original->version_0, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
}

static void
test_saved (Fixture *fixture, gconstpointer data)
{
  gint64 first = do_run (fixture, "large", "small");
  gint64 second = do_run (fixture, "large", "smaller");
  g_autofree char *saved = fixture_path (fixture, "for my phone.onnx");
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_history_rewrite_saved (fixture->history, first, &path, NULL, &error));
  g_assert_null (path);
  g_assert_true (fw_history_save (fixture->history, first, saved, NULL, &error));
  g_assert_no_error (error);
  fixture_assert_text (saved, "small");
  g_assert_false (fw_history_save (fixture->history, second, saved, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  fixture_assert_text (saved, "small");

  fixture_reopen (fixture);
  g_assert_true (fw_history_rewrite_saved (fixture->history, second, &path, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (path, ==, saved);
  fixture_assert_text (saved, "smaller");
  g_clear_pointer (&path, g_free);

  /* Somebody's own work is left alone. */
  g_assert_true (g_file_set_contents (saved, "edited", -1, NULL));
  g_assert_false (fw_history_rewrite_saved (fixture->history, first, &path, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_CHANGED);
  g_clear_error (&error);
  g_assert_null (path);
  fixture_assert_text (saved, "edited");

  g_assert_cmpint (g_unlink (saved), ==, 0);
  g_assert_true (fw_history_rewrite_saved (fixture->history, first, &path, NULL, &error));
  g_assert_no_error (error);
  fixture_assert_text (saved, "small");
  g_assert_true (
      fw_history_remember_saved (fixture->history, second, "/nowhere/at/all.onnx", &error));
  g_clear_pointer (&path, g_free);
  g_assert_false (fw_history_rewrite_saved (fixture->history, first, &path, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
}

/* Back to the original, which lies where the user has it. */
static void
test_saved_original (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small"), previous;
  g_autofree char *saved = fixture_path (fixture, "saved.onnx");
  g_autofree char *model = fixture_path (fixture, "large.onnx");
  g_autofree char *moved = fixture_path (fixture, "moved.onnx");
  g_autofree char *wrong = fixture_write (fixture, "wrong.onnx", "wrong");
  g_autofree char *file = NULL;
  g_autoptr (FwHistoryOriginal) original = NULL;
  g_autoptr (GError) error = NULL;
  gint64 original_id, version_0;

  g_assert_true (fw_history_save (fixture->history, id, saved, NULL, &error));
  g_assert_true (fw_history_use (fixture->history, id, &previous, &error));
  g_assert_true (fw_history_rewrite_saved (fixture->history, previous, NULL, NULL, &error));
  g_assert_no_error (error);
  fixture_assert_text (saved, "large");

  version_0 = previous;
  g_assert_cmpint (g_rename (model, moved), ==, 0);
  file = fw_history_check_file (fixture->history, version_0, NULL, &error);
  g_assert_null (file);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);
  original = fw_history_find_original (fixture->history, "", NULL);
  g_assert_null (original);
  {
    g_autoptr (FwHistoryVersion) version
        = fw_history_get_version (fixture->history, version_0, NULL);

    original_id = version->original;
    g_assert_null (version->file);
  }
  g_assert_false (fw_history_locate_original (fixture->history, original_id, wrong, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);
  g_assert_true (fw_history_locate_original (fixture->history, original_id, moved, NULL, &error));
  g_assert_no_error (error);
  file = fw_history_check_file (fixture->history, version_0, NULL, &error);
  g_assert_cmpstr (file, ==, moved);

  /* With a copy, the file itself may go. */
  g_assert_true (fw_history_keep_copy (fixture->history, original_id, NULL, &error));
  g_assert_true (fw_history_keep_copy (fixture->history, original_id, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (g_unlink (moved), ==, 0);
  fixture_reopen (fixture);
  g_clear_pointer (&file, g_free);
  file = fw_history_check_file (fixture->history, version_0, NULL, &error);
  g_assert_no_error (error);
  fixture_assert_text (file, "large");
}

static void
test_changed_files (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  g_autofree char *model = fixture_path (fixture, "large.onnx");
  g_autofree char *kept = fixture_model_path (fixture, "small", ".onnx");
  g_autofree char *rebuilt = fixture_write (fixture, "rebuilt.onnx", "small");
  g_autofree char *file = NULL;
  g_autoptr (FwHistoryVersion) version = fw_history_get_version (fixture->history, id, NULL);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (model, "changed", -1, NULL));
  g_assert_false (fw_history_keep_copy (fixture->history, version->original, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);

  g_assert_true (g_file_set_contents (kept, "bad disk", -1, NULL));
  file = fw_history_check_file (fixture->history, id, NULL, &error);
  g_assert_null (file);
  g_assert_error (error, FW_ERROR, FW_ERROR_MODEL_CHANGED);
  g_clear_error (&error);
  g_assert_true (fw_history_restore_file (fixture->history, id, rebuilt, TRUE, NULL, &error));
  g_assert_no_error (error);
  assert_sound (fixture->history);
  g_assert_cmpint (g_unlink (kept), ==, 0);
  file = fw_history_check_file (fixture->history, id, NULL, &error);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
}

static void
test_measurements (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  g_autoptr (JsonObject) figures = make_stop ("small", 0, FALSE);
  g_autoptr (GPtrArray) measurements = NULL;
  g_autoptr (GError) error = NULL;
  FwHistoryMeasurement *first;

  g_assert_cmpint (
      fw_history_add_measurement (fixture->history, id, "checkup", "5b", figures, &error), >, 0);
  g_assert_no_error (error);
  g_assert_cmpint (
      fw_history_add_measurement (fixture->history, 999, "checkup", "5b", figures, &error), ==, 0);
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION);
  g_clear_error (&error);
  measurements = fw_history_list_measurements (fixture->history, id, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (measurements->len, ==, 2);
  first = measurements->pdata[0];
  g_assert_cmpstr (first->kind, ==, "checkup");
  g_assert_cmpstr (first->samples_sha256, ==, "5b");
  g_assert_cmpfloat (first->figures.same, ==, 0.98);
}

static void
test_strange_names (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_write (fixture, "\xff'; DROP TABLE runs; --.onnx", "a");
  gint64 run = begin_run (fixture->history, path, "a");
  g_autoptr (FwHistoryRun) row = fw_history_get_run (fixture->history, run, NULL);
  g_autoptr (FwHistoryOriginal) original
      = fw_history_get_original (fixture->history, row->original, NULL);

  g_assert_cmpstr (original->path, ==, path);
  g_assert_true (g_utf8_validate (original->name, -1, NULL));
}

/* Rows may outlive the history, in any thread. */
static void
test_boxed (Fixture *fixture, gconstpointer data)
{
  gint64 id = do_run (fixture, "large", "small");
  FwHistoryVersion *version = fw_history_get_version (fixture->history, id, NULL);
  g_auto (GValue) value = G_VALUE_INIT;

  fixture_reopen (fixture);
  g_value_init (&value, FW_TYPE_HISTORY_VERSION);
  g_value_take_boxed (&value, version);
  g_assert_cmpint (((FwHistoryVersion *) g_value_get_boxed (&value))->id, ==, id);
  g_assert_cmpstr (fw_history_run_state_get_name (FW_HISTORY_RUN_STOPPED), ==, "stopped");
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/history/empty", test_empty);
  g_test_add_func ("/history/default-folder", test_default_folder);
  ADD ("/history/run", test_run);
  ADD ("/history/killed-run", test_killed_run);
  ADD ("/history/failed-run", test_failed_run);
  ADD ("/history/wrong-results", test_wrong_results);
  ADD ("/history/keep-stop", test_keep_stop);
  ADD ("/history/order", test_order);
  ADD ("/history/same-file-twice", test_same_file_twice);
  ADD ("/history/note-and-thumbnail", test_note_and_thumbnail);
  ADD ("/history/use", test_use);
  ADD ("/history/delete", test_delete);
  ADD ("/history/original-stays", test_original_stays);
  ADD ("/history/saved", test_saved);
  ADD ("/history/saved-original", test_saved_original);
  ADD ("/history/changed-files", test_changed_files);
  ADD ("/history/measurements", test_measurements);
  ADD ("/history/strange-names", test_strange_names);
  ADD ("/history/boxed", test_boxed);
  return g_test_run ();
}
