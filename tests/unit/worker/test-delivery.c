/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a child says about its files is checked: a child that was taken over may say anything. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-delivery.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"

typedef struct
{
  char *place; /* where the user wants files */
  FwJobFolder *folder;
  FwJob *job;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->place = g_dir_make_tmp ("delivery-XXXXXX", NULL);
  fixture->folder = fw_job_folder_new (&error);
  g_assert_no_error (error);
  fixture->job = fw_job_new ((FwCommand) GPOINTER_TO_INT (data));
  fixture->job->model = g_build_filename (fixture->place, "model.onnx", NULL);
  if (fixture->job->command == FW_COMMAND_PATH)
    fixture->job->out_dir = g_build_filename (fixture->place, "out", NULL);
  else
    fixture->job->output = g_build_filename (fixture->place, "out.onnx", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_job_folder_free (fixture->folder);
  fw_job_free (fixture->job);
  fw_file_remove_tree (fixture->place);
  g_free (fixture->place);
}

static char *
make_file (Fixture *fixture, const char *name, const char *text)
{
  char *path = g_build_filename (fw_job_folder_get_path (fixture->folder), name, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static JsonObject *
make_result (const char *member, const char *path, gint64 size)
{
  JsonObject *result = json_object_new ();

  json_object_set_string_member (result, member, path);
  json_object_set_int_member (result, "size_bytes", size);
  return result;
}

static gboolean
finish (Fixture *fixture, JsonObject *result, GError **error)
{
  return fw_delivery_finish (fixture->job, fixture->folder, result, NULL, error);
}

static void
test_one (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = make_file (fixture, "small.onnx", "model");
  g_autofree char *weights = make_file (fixture, "small.onnx.data", "weights");
  g_autofree char *weights_target = g_build_filename (fixture->place, "small.onnx.data", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) result = make_result ("path", file, 12);
  g_autoptr (GError) error = NULL;

  g_assert_true (finish (fixture, result, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (fw_json_get_string (result, "path", NULL), ==, fixture->job->output);
  g_assert_cmpuint (strlen (fw_json_get_string (result, "sha256", "")), ==, 64);
  g_assert_true (g_file_get_contents (fixture->job->output, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "model");
  g_assert_true (g_file_test (weights_target, G_FILE_TEST_IS_REGULAR));
  g_assert_false (g_file_test (file, G_FILE_TEST_EXISTS));
}

static void
test_nothing_kept (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = make_file (fixture, "small.onnx", "model");
  g_autoptr (JsonObject) result = make_result ("path", file, 5);
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->job->output, g_free);
  g_assert_true (finish (fixture, result, &error));
  g_assert_true (json_object_get_null_member (result, "path"));
}

static void
test_lies (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = make_file (fixture, "small.onnx", "model");
  g_autofree char *link_path
      = g_build_filename (fw_job_folder_get_path (fixture->folder), "link", NULL);
  g_autofree char *lock
      = g_build_filename (fw_job_folder_get_path (fixture->folder), "..", "lock", NULL);
  const char *paths[] = { "/etc/hosts",
                          "small.onnx",
                          link_path,
                          lock,
                          "",
                          "file:///etc/hosts",
                          fw_job_folder_get_path (fixture->folder) };

  g_assert_cmpint (symlink ("/etc/hosts", link_path), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autoptr (JsonObject) result = make_result ("path", paths[i], 100000);
      g_autoptr (GError) error = NULL;

      g_assert_false (finish (fixture, result, &error));
      g_assert_nonnull (error);
      g_assert_false (g_file_test (fixture->job->output, G_FILE_TEST_EXISTS));
    }
  {
    g_autoptr (JsonObject) no_path = json_object_new ();
    g_autoptr (JsonObject) small = make_result ("path", file, 4);

    g_assert_false (finish (fixture, no_path, NULL));
    g_assert_false (finish (fixture, small, NULL));
  }
}

/* Someone put a file there while the job ran. */
static void
test_taken (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = make_file (fixture, "small.onnx", "model");
  g_autofree char *weights = make_file (fixture, "small.onnx.data", "weights");
  g_autofree char *weights_target = g_build_filename (fixture->place, "small.onnx.data", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) result = make_result ("path", file, 12);
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (fixture->job->output, "precious", -1, NULL));
  g_assert_false (finish (fixture, result, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_assert_true (g_file_get_contents (fixture->job->output, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "precious");
  g_assert_false (g_file_test (weights_target, G_FILE_TEST_EXISTS));
}

static JsonObject *
make_stops (Fixture *fixture, guint n, const char *last)
{
  JsonObject *result = json_object_new ();
  JsonArray *stops = json_array_new ();

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.onnx", i);
      g_autofree char *file = make_file (fixture, name, "model");

      json_array_add_object_element (
          stops, make_result ("file", i + 1 == n && last != NULL ? last : file, 5));
    }
  json_object_set_array_member (result, "stops", stops);
  return result;
}

static void
test_path (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) result = make_stops (fixture, 3, NULL);
  g_autofree char *third = g_build_filename (fixture->job->out_dir, "stop-03.onnx", NULL);
  g_autofree char *list = g_build_filename (fixture->job->out_dir, "stops.json", NULL);
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) root = NULL;
  g_autoptr (GError) error = NULL;
  JsonArray *stops;

  g_assert_true (finish (fixture, result, &error));
  g_assert_no_error (error);
  g_assert_true (g_file_test (third, G_FILE_TEST_IS_REGULAR));
  g_assert_true (g_file_get_contents (list, &text, NULL, NULL));
  root = fw_json_parse (text, -1, &error);
  g_assert_no_error (error);
  stops = fw_json_get_array (json_node_get_object (root), "stops");
  g_assert_cmpuint (json_array_get_length (stops), ==, 3);
  g_assert_cmpstr (fw_json_get_string (json_array_get_object_element (stops, 2), "file", ""), ==,
                   "stop-03.onnx");
  stops = fw_json_get_array (result, "stops");
  g_assert_cmpstr (fw_json_get_string (json_array_get_object_element (stops, 2), "file", ""), ==,
                   third);
}

/* One bad stop, and nothing stays. */
static void
test_path_lies (Fixture *fixture, gconstpointer data)
{
  g_autoptr (JsonObject) result = make_stops (fixture, 3, "/etc/hosts");
  g_autoptr (JsonObject) no_stops = json_object_new ();
  g_autoptr (JsonObject) odd_stops = json_object_new ();
  JsonArray *odd = json_array_new ();

  g_assert_false (finish (fixture, result, NULL));
  g_assert_false (g_file_test (fixture->job->out_dir, G_FILE_TEST_EXISTS));
  g_assert_false (finish (fixture, no_stops, NULL));
  json_array_add_int_element (odd, 7);
  json_object_set_array_member (odd_stops, "stops", odd);
  g_assert_false (finish (fixture, odd_stops, NULL));
}

static void
test_preview (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = make_file (fixture, "sample-1.png", "png");
  g_autofree char *other = make_file (fixture, "sample-2.png", "png");
  g_autofree char *folder = g_build_filename (fixture->place, "previews", NULL);
  g_autofree char *target = g_build_filename (folder, "sample-1.png", NULL);
  g_autoptr (JsonObject) event = make_result ("preview", file, 0);
  g_autoptr (JsonObject) unwanted = make_result ("preview", other, 0);
  g_autoptr (JsonObject) lie = make_result ("preview", "/etc/hosts", 0);
  g_autoptr (JsonObject) none = json_object_new ();

  fw_delivery_preview (fixture->job, fixture->folder, unwanted);
  g_assert_true (json_object_get_null_member (unwanted, "preview"));
  fixture->job->previews = g_strdup (folder);
  fw_delivery_preview (fixture->job, fixture->folder, event);
  g_assert_cmpstr (fw_json_get_string (event, "preview", NULL), ==, target);
  g_assert_true (g_file_test (target, G_FILE_TEST_IS_REGULAR));
  fw_delivery_preview (fixture->job, fixture->folder, lie);
  g_assert_true (json_object_get_null_member (lie, "preview"));
  fw_delivery_preview (fixture->job, fixture->folder, none);
  g_assert_false (json_object_has_member (none, "preview"));
}

static void
test_check (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (fixture->job->model, "model", -1, NULL));
  g_assert_true (fw_delivery_check (fixture->job, fixture->folder, &error));
  g_assert_no_error (error);

  /* A link that leads nowhere is in the way as well. */
  g_assert_cmpint (symlink ("/nowhere", fixture->job->output), ==, 0);
  g_assert_false (fw_delivery_check (fixture->job, fixture->folder, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  g_assert_cmpint (unlink (fixture->job->output), ==, 0);

  /* A model with a hole of eight terabytes: no disk has room for another. */
  if (truncate (fixture->job->model, G_GINT64_CONSTANT (1) << 43) == 0)
    {
      g_assert_false (fw_delivery_check (fixture->job, fixture->folder, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
    }
}

int
main (int argc, char **argv)
{
  gconstpointer shrink = GINT_TO_POINTER (FW_COMMAND_SHRINK);
  gconstpointer path = GINT_TO_POINTER (FW_COMMAND_PATH);

  g_autofree char *cache = NULL;
  int status;

  g_test_init (&argc, &argv, NULL);
  cache = g_dir_make_tmp ("delivery-cache-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_add ("/delivery/one", Fixture, shrink, set_up, test_one, tear_down);
  g_test_add ("/delivery/nothing-kept", Fixture, shrink, set_up, test_nothing_kept, tear_down);
  g_test_add ("/delivery/lies", Fixture, shrink, set_up, test_lies, tear_down);
  g_test_add ("/delivery/taken", Fixture, shrink, set_up, test_taken, tear_down);
  g_test_add ("/delivery/path", Fixture, path, set_up, test_path, tear_down);
  g_test_add ("/delivery/path-lies", Fixture, path, set_up, test_path_lies, tear_down);
  g_test_add ("/delivery/preview", Fixture, shrink, set_up, test_preview, tear_down);
  g_test_add ("/delivery/check", Fixture, shrink, set_up, test_check, tear_down);
  status = g_test_run ();
  fw_file_remove_tree (cache);
  return status;
}
