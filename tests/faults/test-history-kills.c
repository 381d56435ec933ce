/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Killed at any instant while it makes, keeps, uses and deletes versions: the history opens, and
 * every version that it lists has its file, with the right hash. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fw-file.h"

/* As many as a machine has patience for; all of them with -m slow. */
#define KILLS 5
#define MANY_KILLS 50
#define LONGEST_LIFE_MS 900

typedef struct
{
  char *model;
  char *pictures;
  char *out;
  char *log;
  char *number; /* of some version */
} Scene;

static JsonObject *
list_versions (void)
{
  g_autoptr (CliRun) run = cli_run ("history", "list", "--all", "--json", NULL);
  g_autoptr (JsonObject) event = cli_last_event (run->out);

  g_assert_cmpint (run->status, ==, 0);
  g_assert_false (cli_has_warning (run->out, "history-damaged"));
  return g_steal_pointer (&event);
}

/* A version that may be deleted or used, or the original's. */
static char *
pick_version (JsonObject *list)
{
  JsonArray *versions = json_object_get_array_member (list, "versions");
  guint n = json_array_get_length (versions);
  JsonObject *version = json_array_get_object_element (versions, g_test_rand_int_range (0, n));

  return g_strdup_printf ("%" G_GINT64_FORMAT, json_object_get_int_member (version, "id"));
}

static void
assert_sound (JsonObject *list)
{
  JsonArray *versions = json_object_get_array_member (list, "versions");

  for (guint i = 0; i < json_array_get_length (versions); i++)
    {
      JsonObject *version = json_array_get_object_element (versions, i);
      g_autofree char *sha256
          = fw_file_sha256 (json_object_get_string_member (version, "file"), NULL, NULL);

      g_assert_cmpstr (sha256, ==, json_object_get_string_member (version, "sha256"));
    }
}

/* The file last saved is some version, whole. */
static void
assert_saved (Scene *scene, JsonObject *list)
{
  JsonArray *versions = json_object_get_array_member (list, "versions");
  g_autofree char *sha256 = fw_file_sha256 (scene->out, NULL, NULL);

  g_assert_nonnull (sha256);
  for (guint i = 0; i < json_array_get_length (versions); i++)
    if (strcmp (
            json_object_get_string_member (json_array_get_object_element (versions, i), "sha256"),
            sha256)
        == 0)
      return;
  g_error ("The saved file is no version");
}

static GPid
start_something (Scene *scene, guint what)
{
  const char *const shrink[] = { "shrink",
                                 scene->model,
                                 scene->pictures,
                                 "--uniform",
                                 what % 2 ? "int8-storage" : "float16",
                                 "--no-measure",
                                 "--json",
                                 NULL };
  const char *const use[] = { "history", "use", scene->number, "--json", NULL };
  const char *const delete[] = { "history", "delete", scene->number, "--json", NULL };
  const char *const undelete[] = { "history", "undelete", scene->number, "--json", NULL };

  switch (what)
    {
    case 0:
    case 1:
    case 2:
      return cli_start (shrink, scene->log, NULL);
    case 3:
      return cli_start (use, scene->log, NULL);
    case 4:
      return cli_start (delete, scene->log, NULL);
    default:
      return cli_start (undelete, scene->log, NULL);
    }
}

static void
test_kills (void)
{
  guint n_kills = g_test_slow () ? MANY_KILLS : KILLS;
  Scene scene = { .model = cli_sample ("model.onnx"),
                  .pictures = cli_some_pictures ("pictures", 8),
                  .out = cli_path ("out.onnx"),
                  .log = cli_path ("log"),
                  .number = NULL };
  g_autoptr (CliRun) first
      = cli_run ("shrink", scene.model, scene.pictures, "--uniform", "int8-compute", "--no-measure",
                 "-o", scene.out, "--json", NULL);
  g_autoptr (CliRun) last = NULL;

  g_assert_cmpint (first->status, ==, 0);
  for (guint i = 0; i < n_kills; i++)
    {
      g_autoptr (JsonObject) before = list_versions ();
      g_autoptr (JsonObject) after = NULL;
      guint what = i % 6;
      int longest = what < 3 ? LONGEST_LIFE_MS : 60;
      GPid pid;

      g_free (scene.number);
      scene.number = pick_version (before);
      pid = start_something (&scene, what);
      g_usleep (g_test_rand_int_range (0, longest) * 1000);
      kill (pid, SIGKILL);
      cli_wait (pid);
      after = list_versions ();
      assert_sound (after);
      assert_saved (&scene, after);
    }
  last = cli_run ("shrink", scene.model, scene.pictures, "--uniform", "int8-storage",
                  "--no-measure", "--json", NULL);
  g_assert_cmpint (last->status, ==, 0);
  g_free (scene.model);
  g_free (scene.pictures);
  g_free (scene.out);
  g_free (scene.log);
  g_free (scene.number);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/history-kills/at-any-instant", test_kills);
  return cli_finish ();
}
