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

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/history/empty", test_empty);
  g_test_add_func ("/history/default-folder", test_default_folder);
  ADD ("/history/run", test_run);
  return g_test_run ();
}
