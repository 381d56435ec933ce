/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "history-fixture.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-file.h"

void
fixture_set_up (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->folder = g_dir_make_tmp ("fw-history-XXXXXX", NULL);
  g_assert_nonnull (self->folder);
  self->home = g_build_filename (self->folder, "home", NULL);
  self->history = fw_history_open (self->home, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->history);
}

void
fixture_tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->history, fw_history_unref);
  fw_file_remove_tree (self->folder);
  g_free (self->folder);
  g_free (self->home);
}

void
fixture_reopen (Fixture *self)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&self->history, fw_history_unref);
  self->history = fw_history_open (self->home, &error);
  g_assert_no_error (error);
  g_assert_nonnull (self->history);
}

char *
fixture_path (Fixture *self, const char *name)
{
  return g_build_filename (self->folder, name, NULL);
}

char *
fixture_home_path (Fixture *self, const char *name)
{
  return g_build_filename (self->home, name, NULL);
}

char *
hash_of (const char *text)
{
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

char *
fixture_model_path (Fixture *self, const char *text, const char *suffix)
{
  g_autofree char *sha256 = hash_of (text);
  g_autofree char *name = g_strconcat (sha256, suffix, NULL);

  return g_build_filename (self->home, "models", name, NULL);
}

char *
fixture_write (Fixture *self, const char *name, const char *text)
{
  char *path = fixture_path (self, name);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

void
fixture_assert_text (const char *path, const char *expected)
{
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (text, ==, expected);
}

static JsonObject *
make_share (double fraction)
{
  JsonObject *same = json_object_new ();

  json_object_set_double_member (same, "fraction", fraction);
  json_object_set_int_member (same, "total", 50);
  return same;
}

static JsonObject *
make_median (double median)
{
  JsonObject *object = json_object_new ();

  json_object_set_double_member (object, "median", median);
  return object;
}

JsonObject *
make_stop (const char *text, double position, gboolean recommended)
{
  JsonObject *stop = json_object_new ();
  JsonObject *recipe = json_object_new ();
  g_autofree char *sha256 = hash_of (text);

  json_object_set_string_member (recipe, "for", text);
  json_object_set_string_member (stop, "event", "stop");
  json_object_set_double_member (stop, "position", position);
  json_object_set_int_member (stop, "size_bytes", (gint64) strlen (text));
  json_object_set_int_member (stop, "original_size_bytes", 1000);
  json_object_set_boolean_member (stop, "recommended", recommended);
  json_object_set_string_member (stop, "sha256", sha256);
  json_object_set_string_member (stop, "file", "/nowhere");
  json_object_set_object_member (stop, "same", make_share (0.98));
  json_object_set_object_member (stop, "speedup", make_median (2.5));
  json_object_set_object_member (stop, "latency_ms", make_median (3));
  json_object_set_null_member (stop, "accuracy");
  json_object_set_object_member (stop, "recipe", recipe);
  return stop;
}

JsonObject *
make_result (const char *original, const char *const *texts)
{
  JsonObject *result = make_stop (texts[0], 0, TRUE);
  JsonObject *preprocess = json_object_new ();
  JsonArray *stops = json_array_new ();
  g_autofree char *sha256 = hash_of (original);

  for (guint i = 0; texts[i] != NULL; i++)
    json_array_add_object_element (stops, make_stop (texts[i], i * 10, i == 0));
  json_object_set_string_member (preprocess, "name", "imagenet");
  json_object_set_string_member (result, "event", "result");
  json_object_set_string_member (result, "original_sha256", sha256);
  json_object_set_string_member (result, "task", "classification");
  json_object_set_string_member (result, "runtime", "1.30.0");
  json_object_set_string_member (result, "samples_sha256", "5a");
  json_object_set_object_member (result, "preprocess", preprocess);
  json_object_set_array_member (result, "stops", stops);
  return result;
}

gint64
begin_run (FwHistory *history, const char *path, const char *text)
{
  g_autoptr (JsonObject) job = json_object_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *sha256 = hash_of (text);
  gint64 run;

  json_object_set_string_member (job, "command", "shrink");
  run = fw_history_begin_run (history, path, sha256, strlen (text), job, &error);
  g_assert_no_error (error);
  g_assert_cmpint (run, >, 0);
  return run;
}

gint64
do_run (Fixture *self, const char *original, const char *kept)
{
  const char *const texts[] = { kept, "another stop", NULL };
  g_autofree char *name = g_strconcat (original, ".onnx", NULL);
  g_autofree char *path = fixture_write (self, name, original);
  g_autofree char *file = fixture_write (self, "stop.onnx", kept);
  g_autoptr (JsonObject) result = make_result (original, texts);
  g_autoptr (GError) error = NULL;
  gint64 run = begin_run (self->history, path, original), version;

  g_assert_true (
      fw_history_finish_run (self->history, run, result, file, TRUE, &version, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (version, >, 0);
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
  return version;
}

void
assert_sound (FwHistory *history)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) versions = fw_history_list_versions (history, 0, TRUE, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < versions->len; i++)
    {
      FwHistoryVersion *version = versions->pdata[i];
      g_autofree char *file = NULL;

      if (version->number == 0)
        continue;
      file = fw_history_check_file (history, version->id, NULL, &error);
      g_assert_no_error (error);
      g_assert_nonnull (file);
    }
}

guint
count_versions (FwHistory *history, gint64 original)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) versions = fw_history_list_versions (history, original, FALSE, &error);

  g_assert_no_error (error);
  return versions->len;
}
