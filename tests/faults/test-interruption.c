/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Stopped, killed, starved: whatever happens, the answer comes soon and no broken file is left. */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "fw-file.h"
#include "fw-random.h"

#define RANDOM_KILLS 16

typedef struct
{
  char *model;
  char *pictures;
  char *target;
  char *log;
  const char *arguments[16];
} Run;

static void
run_init (Run *run, const char *name, gboolean short_job)
{
  g_autofree char *target = g_strconcat (name, ".onnx", NULL);
  g_autofree char *log = g_strconcat (name, ".log", NULL);
  guint n = 0;

  run->model = cli_sample ("model.onnx");
  run->pictures = cli_sample ("pictures");
  run->target = cli_path (target);
  run->log = cli_path (log);
  run->arguments[n++] = "shrink";
  run->arguments[n++] = run->model;
  run->arguments[n++] = run->pictures;
  run->arguments[n++] = "-o";
  run->arguments[n++] = run->target;
  run->arguments[n++] = "--json";
  if (short_job)
    {
      run->arguments[n++] = "--uniform";
      run->arguments[n++] = "int8-storage";
      run->arguments[n++] = "--no-measure";
    }
  run->arguments[n] = NULL;
}

static void
run_clear (Run *run)
{
  g_free (run->model);
  g_free (run->pictures);
  g_free (run->target);
  g_free (run->log);
}

/* Waits until the program has said as many events, so that it is in the midst of its work. */
static void
wait_for_events (const Run *run, guint n_events)
{
  gint64 deadline = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;

  for (;;)
    {
      g_autofree char *text = NULL;
      guint n = 0;

      if (g_file_get_contents (run->log, &text, NULL, NULL))
        for (const char *p = text; *p != '\0'; p++)
          n += *p == '\n';
      if (n >= n_events)
        return;
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (5000);
    }
}

static void
wait_until_gone (GPid pid)
{
  gint64 deadline = g_get_monotonic_time () + 3 * G_USEC_PER_SEC;

  while (!cli_is_gone (pid))
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline);
      g_usleep (5000);
    }
}

static void
assert_cancelled (const Run *run, GPid pid, gint64 since)
{
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) last = NULL;

  g_assert_cmpint (cli_wait (pid), ==, 130);
  g_assert_cmpint (g_get_monotonic_time () - since, <, G_USEC_PER_SEC);
  g_assert_true (g_file_get_contents (run->log, &text, NULL, NULL));
  last = cli_last_event (text);
  g_assert_cmpstr (json_object_get_string_member (last, "code"), ==, "cancelled");
  g_assert_false (g_file_test (run->target, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
}

static void
test_signals (gconstpointer data)
{
  static const guint events[] = { 1, 12, 30 };
  int signal_number = GPOINTER_TO_INT (data);

  for (guint i = 0; i < G_N_ELEMENTS (events); i++)
    {
      Run run;
      gint64 since;
      GPid pid;

      run_init (&run, "cancelled", FALSE);
      pid = cli_start (run.arguments, run.log, NULL);
      wait_for_events (&run, events[i]);
      since = g_get_monotonic_time ();
      kill (pid, signal_number);
      assert_cancelled (&run, pid, since);
      run_clear (&run);
    }
}

static GPid
start_worker (Run *run, int *input)
{
  const char *arguments[] = { "worker", NULL };
  g_autofree char *job
      = g_strdup_printf ("{\"command\":\"shrink\",\"model\":\"%s\",\"samples\":[\"%s\"],"
                         "\"output\":\"%s\"}\n",
                         run->model, run->pictures, run->target);
  GPid pid = cli_start (arguments, run->log, input);

  g_assert_cmpint (write (*input, job, strlen (job)), ==, (gssize) strlen (job));
  return pid;
}

static void
test_worker_cancel (void)
{
  Run run;
  gint64 since;
  GPid pid;
  int input;

  run_init (&run, "worker-cancel", FALSE);
  pid = start_worker (&run, &input);
  wait_for_events (&run, 12);
  since = g_get_monotonic_time ();
  g_assert_cmpint (write (input, "{\"cmd\":\"cancel\"}\n", 17), ==, 17);
  assert_cancelled (&run, pid, since);
  close (input);
  run_clear (&run);
}

static void
test_worker_end_of_file (void)
{
  Run run;
  gint64 since;
  GPid pid;
  int input;

  run_init (&run, "worker-end", FALSE);
  pid = start_worker (&run, &input);
  wait_for_events (&run, 12);
  since = g_get_monotonic_time ();
  close (input);
  assert_cancelled (&run, pid, since);
  run_clear (&run);
}

/* That the sandbox holds is tested elsewhere; here, that the work is done inside it. */
static void
test_child_is_shut_in (void)
{
  g_autofree char *status_path = NULL;
  g_autofree char *status = NULL;
  g_autofree char *environment_path = NULL;
  g_autofree char *environment = NULL;
  Run run;
  GPid pid, child;
  gsize length;

  run_init (&run, "shut-in", FALSE);
  pid = cli_start (run.arguments, run.log, NULL);
  wait_for_events (&run, 5);
  child = cli_find_child (pid);
  g_assert_cmpint (child, >, 0);
  status_path = g_strdup_printf ("/proc/%d/status", child);
  g_assert_true (g_file_get_contents (status_path, &status, NULL, NULL));
  g_assert_nonnull (strstr (status, "\nSeccomp:\t2\n"));
  g_assert_nonnull (strstr (status, "\nNoNewPrivs:\t1\n"));
  environment_path = g_strdup_printf ("/proc/%d/environ", child);
  if (g_file_get_contents (environment_path, &environment, &length, NULL))
    {
      g_autofree char *home = g_strconcat ("HOME=", g_getenv ("XDG_CACHE_HOME"), NULL);

      for (gsize i = 0; i + 1 < length; i++)
        if (environment[i] == '\0')
          environment[i] = '\n';
      g_assert_nonnull (strstr (environment, home));
      g_assert_null (strstr (environment, "DBUS_SESSION_BUS_ADDRESS"));
    }
  kill (pid, SIGTERM);
  g_assert_cmpint (cli_wait (pid), ==, 130);
  run_clear (&run);
}

/* The confined child dies: a sentence, and nothing left. */
static void
test_child_dies (gconstpointer data)
{
  int signal_number = GPOINTER_TO_INT (data);
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) last = NULL;
  Run run;
  GPid pid, child;

  run_init (&run, "child-dies", FALSE);
  pid = cli_start (run.arguments, run.log, NULL);
  wait_for_events (&run, 5);
  child = cli_find_child (pid);
  g_assert_cmpint (child, >, 0);
  kill (child, signal_number);
  g_assert_cmpint (cli_wait (pid), ==, 1);
  g_assert_true (g_file_get_contents (run.log, &text, NULL, NULL));
  last = cli_last_event (text);
  g_assert_cmpstr (json_object_get_string_member (last, "code"), ==,
                   signal_number == SIGKILL ? "out-of-memory" : "worker-died");
  g_assert_false (g_file_test (run.target, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
  run_clear (&run);
}

/* A child that does not even listen any more is killed in time. */
static void
test_child_hangs (void)
{
  Run run;
  gint64 since;
  GPid pid, child;

  run_init (&run, "child-hangs", FALSE);
  pid = cli_start (run.arguments, run.log, NULL);
  wait_for_events (&run, 5);
  child = cli_find_child (pid);
  g_assert_cmpint (child, >, 0);
  kill (child, SIGSTOP);
  since = g_get_monotonic_time ();
  kill (pid, SIGTERM);
  assert_cancelled (&run, pid, since);
  wait_until_gone (child);
  run_clear (&run);
}

/* Killed without a chance to clean up, at any moment: the target is whole or not there, the child
 * does not outlive its parent, and the next job removes what was left. */
static void
test_killed (void)
{
  g_autofree char *expected = NULL;
  FwRandom random = { (guint64) g_test_rand_int () };
  gint64 length;
  Run run;

  run_init (&run, "killed", TRUE);
  length = g_get_monotonic_time ();
  g_assert_cmpint (cli_wait (cli_start (run.arguments, run.log, NULL)), ==, 0);
  length = g_get_monotonic_time () - length;
  expected = fw_file_sha256 (run.target, NULL, NULL);
  g_assert_nonnull (expected);

  for (guint i = 0; i < RANDOM_KILLS; i++)
    {
      /* Half of them near the end, where the file is moved. */
      double from = i % 2 == 0 ? 0 : 0.85;
      gint64 wait = (gint64) ((from + fw_random_double (&random) * (1.05 - from)) * length);
      g_autofree char *sha256 = NULL;
      GPid pid, child;

      g_unlink (run.target);
      pid = cli_start (run.arguments, run.log, NULL);
      g_usleep ((gulong) wait);
      child = cli_find_child (pid);
      kill (pid, SIGKILL);
      cli_wait (pid);
      if (child > 0)
        wait_until_gone (child);
      if (!g_file_test (run.target, G_FILE_TEST_EXISTS))
        continue;
      sha256 = fw_file_sha256 (run.target, NULL, NULL);
      g_assert_cmpstr (sha256, ==, expected);
    }

  g_unlink (run.target);
  g_assert_cmpint (cli_wait (cli_start (run.arguments, run.log, NULL)), ==, 0);
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
  run_clear (&run);
}

/* Two at once: neither takes the other's folder for an old one. */
static void
test_side_by_side (void)
{
  Run first, second;
  GPid first_pid, second_pid;

  run_init (&first, "first", TRUE);
  run_init (&second, "second", TRUE);
  first_pid = cli_start (first.arguments, first.log, NULL);
  second_pid = cli_start (second.arguments, second.log, NULL);
  g_assert_cmpint (cli_wait (first_pid), ==, 0);
  g_assert_cmpint (cli_wait (second_pid), ==, 0);
  g_assert_true (g_file_test (first.target, G_FILE_TEST_IS_REGULAR));
  g_assert_true (g_file_test (second.target, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
  run_clear (&first);
  run_clear (&second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_data_func ("/interruption/interrupt", GINT_TO_POINTER (SIGINT), test_signals);
  g_test_add_data_func ("/interruption/terminate", GINT_TO_POINTER (SIGTERM), test_signals);
  g_test_add_data_func ("/interruption/hang-up", GINT_TO_POINTER (SIGHUP), test_signals);
  g_test_add_func ("/interruption/worker-cancel", test_worker_cancel);
  g_test_add_func ("/interruption/worker-end-of-file", test_worker_end_of_file);
  g_test_add_func ("/interruption/child-is-shut-in", test_child_is_shut_in);
  g_test_add_data_func ("/interruption/child-crashes", GINT_TO_POINTER (SIGSEGV), test_child_dies);
  g_test_add_data_func ("/interruption/child-killed", GINT_TO_POINTER (SIGKILL), test_child_dies);
  g_test_add_func ("/interruption/child-hangs", test_child_hangs);
  g_test_add_func ("/interruption/killed", test_killed);
  g_test_add_func ("/interruption/side-by-side", test_side_by_side);
  return cli_finish ();
}
