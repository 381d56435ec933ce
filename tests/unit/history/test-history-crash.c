/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Several programs at once, and programs that are killed at any instant. The other programs are
 * this one, started with "--write" or "--read". */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fw-file.h"
#include "history-fixture.h"

#define N_WRITERS 2
#define N_RUNS 12
#define LONGEST_LIFE_MS 150

static const char *program;

/* The other program -----------------------------------------------------------------------------
 */

static gint64
write_run (Fixture *fixture, const char *text)
{
  const char *const texts[] = { text, "another stop", NULL };
  g_autofree char *name = g_strdup_printf ("stop-%d.onnx", getpid ());
  g_autofree char *file = fixture_write (fixture, name, text);
  g_autofree char *path = fixture_path (fixture, "large.onnx");
  g_autoptr (JsonObject) stop = make_stop (text, 50, FALSE);
  g_autoptr (JsonObject) result = make_result ("large", texts);
  g_autoptr (GError) error = NULL;
  gint64 run = begin_run (fixture->history, path, "large"), version = 0;

  fw_history_add_stop (fixture->history, run, stop, &error);
  g_assert_no_error (error);
  fw_history_finish_run (fixture->history, run, result, file, TRUE, &version, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (version, >, 0);
  return version;
}

/* Whatever a window may do with a version; others may have been quicker. */
static void
do_something (Fixture *fixture, gint64 version)
{
  g_autofree char *note = g_strdup_printf ("note %d", g_random_int_range (0, 100));

  switch (g_random_int_range (0, 5))
    {
    case 0:
      fw_history_set_note (fixture->history, version, note, NULL);
      break;
    case 1:
      fw_history_use (fixture->history, version, NULL, NULL);
      break;
    case 2:
      if (fw_history_delete (fixture->history, version, NULL))
        fw_history_undelete (fixture->history, version, NULL);
      break;
    case 3:
      if (fw_history_delete (fixture->history, version, NULL))
        fw_history_purge (fixture->history, version, NULL);
      break;
    default:
      fw_history_rewrite_saved (fixture->history, version, NULL, NULL, NULL);
      break;
    }
}

/* Runs and changes without end, now and then reopening. */
static int
write_until_killed (Fixture *fixture)
{
  for (guint i = 0;; i++)
    {
      /* Some files again and again, which several versions then share. */
      g_autofree char *text = g_strdup_printf ("small %d", g_random_int_range (0, 30));
      gint64 version = write_run (fixture, text);

      do_something (fixture, version);
      do_something (fixture, g_random_int_range (1, (int) version + 1));
      if (i % 5 == 4)
        fixture_reopen (fixture);
    }
  return 0;
}

static int
write_some (Fixture *fixture)
{
  for (guint i = 0; i < N_RUNS; i++)
    {
      g_autofree char *text = g_strdup_printf ("small %d %u", getpid (), i);
      g_autofree char *note = g_strdup_printf ("%d %u", getpid (), i);
      gint64 version = write_run (fixture, text);
      g_autoptr (GError) error = NULL;

      fw_history_set_note (fixture->history, version, note, &error);
      g_assert_no_error (error);
      fw_history_use (fixture->history, version, NULL, &error);
      g_assert_no_error (error);
      if (i % 4 == 3)
        fixture_reopen (fixture);
    }
  return 0;
}

static int
be_the_other (const char *verb, const char *folder)
{
  Fixture fixture
      = { .folder = g_strdup (folder), .home = g_build_filename (folder, "home", NULL) };
  int status;

  fixture_reopen (&fixture);
  status
      = strcmp (verb, "--write-some") == 0 ? write_some (&fixture) : write_until_killed (&fixture);
  g_clear_pointer (&fixture.history, fw_history_unref);
  g_free (fixture.folder);
  g_free (fixture.home);
  return status;
}

static GPid
start_other (Fixture *fixture, const char *verb)
{
  const char *const argv[] = { program, verb, fixture->folder, NULL };
  g_autoptr (GError) error = NULL;
  GPid pid;

  g_spawn_async (NULL, (char **) argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL, &pid, &error);
  g_assert_no_error (error);
  return pid;
}

static int
wait_for (GPid pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_spawn_close_pid (pid);
  return status;
}

/* Tests -----------------------------------------------------------------------------------------
 */

/* models/ holds what is listed, and nothing else. */
static void
assert_tidy (Fixture *fixture)
{
  g_autofree char *models = fixture_home_path (fixture, "models");
  g_autoptr (GDir) dir = g_dir_open (models, 0, NULL);
  g_autoptr (GPtrArray) versions = fw_history_list_versions (fixture->history, 0, TRUE, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)) != NULL)
    {
      gboolean is_known = FALSE;

      for (guint i = 0; i < versions->len && !is_known; i++)
        is_known = g_str_has_prefix (name, ((FwHistoryVersion *) versions->pdata[i])->sha256);
      if (!is_known && !g_str_has_prefix (name, ".featherweight-"))
        g_error ("Left behind: %s", name);
    }
}

static void
assert_no_run_runs (FwHistory *history)
{
  g_autoptr (GPtrArray) runs = fw_history_list_runs (history, 0, NULL);

  for (guint i = 0; i < runs->len; i++)
    g_assert_cmpint (((FwHistoryRun *) runs->pdata[i])->state, !=, FW_HISTORY_RUN_RUNNING);
}

static void
test_killed (Fixture *fixture, gconstpointer data)
{
  guint n_kills = g_test_slow () ? 50 : 5, n_runs = 0;
  g_autofree char *path = fixture_write (fixture, "large.onnx", "large");
  g_autofree char *saved = fixture_path (fixture, "saved.onnx");
  g_autoptr (GError) error = NULL;

  fw_history_save (fixture->history, do_run (fixture, "large", "first"), saved, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n_kills; i++)
    {
      GPid pid;
      g_autoptr (GPtrArray) runs = NULL;

      g_clear_pointer (&fixture->history, fw_history_unref);
      pid = start_other (fixture, "--write-until-killed");
      g_usleep (20000 + g_test_rand_int_range (0, LONGEST_LIFE_MS * 1000));
      kill (pid, SIGKILL);
      g_assert_true (WIFSIGNALED (wait_for (pid)));
      fixture_reopen (fixture);
      g_assert_null (fw_history_get_warning (fixture->history));
      assert_sound (fixture->history);
      assert_no_run_runs (fixture->history);
      assert_tidy (fixture);
      g_assert_true (g_file_test (saved, G_FILE_TEST_EXISTS));
      runs = fw_history_list_runs (fixture->history, 0, NULL);
      n_runs = runs->len;
    }
  g_test_message ("%u runs", n_runs);
}

static void
test_at_once (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = fixture_write (fixture, "large.onnx", "large");
  g_autoptr (GPtrArray) versions = NULL;
  guint64 state = fw_history_get_state (fixture->history);
  GPid pids[N_WRITERS];

  for (guint i = 0; i < N_WRITERS; i++)
    pids[i] = start_other (fixture, "--write-some");
  for (guint i = 0; i < 20; i++)
    {
      assert_sound (fixture->history);
      g_usleep (10000);
    }
  for (guint i = 0; i < N_WRITERS; i++)
    g_assert_cmpint (wait_for (pids[i]), ==, 0);

  g_assert_cmpuint (fw_history_get_state (fixture->history), !=, state);
  state = fw_history_get_state (fixture->history);
  g_assert_cmpuint (fw_history_get_state (fixture->history), ==, state);
  assert_sound (fixture->history);
  versions = fw_history_list_versions (fixture->history, 1, FALSE, NULL);
  g_assert_cmpuint (versions->len, ==, N_WRITERS * N_RUNS + 1);
  for (guint i = 0; i < versions->len; i++)
    {
      FwHistoryVersion *version = versions->pdata[i];

      g_assert_cmpuint (version->number, ==, versions->len - 1 - i);
      g_assert_cmpint (version->number > 0, ==, version->note != NULL);
    }
}

static gpointer
set_notes (gpointer data)
{
  Fixture *fixture = data;

  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *note = g_strdup_printf ("%u", i);
      g_autoptr (GError) error = NULL;

      fw_history_set_note (fixture->history, 2, note, &error);
      g_assert_no_error (error);
      assert_sound (fixture->history);
    }
  return NULL;
}

static void
test_threads (Fixture *fixture, gconstpointer data)
{
  GThread *threads[4];

  do_run (fixture, "large", "small");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("notes", set_notes, fixture);
  do_run (fixture, "large", "smaller");
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  assert_sound (fixture->history);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, fixture_set_up, func, fixture_tear_down)

int
main (int argc, char **argv)
{
  if (argc == 3 && g_str_has_prefix (argv[1], "--write-"))
    return be_the_other (argv[1], argv[2]);
  program = argv[0];
  g_test_init (&argc, &argv, NULL);
  ADD ("/history-crash/killed", test_killed);
  ADD ("/history-crash/at-once", test_at_once);
  ADD ("/history-crash/threads", test_threads);
  return g_test_run ();
}
