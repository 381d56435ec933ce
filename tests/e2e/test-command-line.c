/* SPDX-License-Identifier: GPL-3.0-or-later */

/* How the program takes what it is told: the words, exit statuses and streams. */

#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static void
test_wrong_use (void)
{
  static const char *const cases[][8] = {
    { NULL },
    { "explode", NULL },
    { "--explode", NULL },
    { "inspect", NULL },
    { "inspect", "a.onnx", "b.onnx", NULL },
    { "inspect", "a.onnx", "--explode", NULL },
    { "inspect", "", NULL },
    { "inspect", "a.onnx", "--position", "5", NULL },
    { "shrink", NULL },
    { "shrink", "a.onnx", NULL },
    { "shrink", "a.onnx", "pictures", "--position", NULL },
    { "shrink", "a.onnx", "pictures", "--position", "101", NULL },
    { "shrink", "a.onnx", "pictures", "--position", "-1", NULL },
    { "shrink", "a.onnx", "pictures", "--position", "nan", NULL },
    { "shrink", "a.onnx", "pictures", "--position", "", NULL },
    { "shrink", "a.onnx", "pictures", "--max-size", "big", NULL },
    { "shrink", "a.onnx", "pictures", "--max-size", "0", NULL },
    { "shrink", "a.onnx", "pictures", "--min-same", "0", NULL },
    { "shrink", "a.onnx", "pictures", "--min-same", "101%", NULL },
    { "shrink", "a.onnx", "pictures", "--min-same", "90", "--position=5", NULL },
    { "shrink", "a.onnx", "pictures", "--prefer", "cheap", NULL },
    { "shrink", "a.onnx", "pictures", "--threads", "-2", NULL },
    { "shrink", "a.onnx", "pictures", "--threads", "two", NULL },
    { "shrink", "a.onnx", "pictures", "--seed", "-1", NULL },
    { "shrink", "a.onnx", "pictures", "--memory", "50%", NULL },
    { "shrink", "a.onnx", "pictures", "-o", "", NULL },
    { "shrink", "a.onnx", "pictures", "--target", "moon", NULL },
    { "shrink", "a.onnx", "pictures", "--care", "some", NULL },
    { "shrink", "a.onnx", "pictures", "--without", "gptq,prayer", NULL },
    { "shrink", "a.onnx", "pictures", "--only", "prayer", NULL },
    { "shrink", "a.onnx", "pictures", "--uniform", "int9-storage", NULL },
    { "path", "a.onnx", "pictures", NULL },
    { "path", "a.onnx", "pictures", "--out-dir", "d", "--max-size", "1MB", NULL },
    { "compare", "a.onnx", "b.onnx", NULL },
    { "child", "now", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CliRun) run = cli_run_array (cases[i], NULL);
      const char *end = strchr (run->err, '\n');

      if (run->status != 2)
        g_test_message ("case %u", i);
      g_assert_cmpint (run->status, ==, 2);
      g_assert_cmpstr (run->err, !=, "");
      /* One line, on the stream for it. */
      g_assert_true (end != NULL && end[1] == '\0');
      g_assert_cmpstr (run->out, ==, "");
    }
}

static void
test_wrong_use_json (void)
{
  static const char *const cases[][5] = {
    { "--json", NULL },
    { "--json", "explode", NULL },
    { "explode", "--json", NULL },
    { "shrink", "a.onnx", "--json", NULL },
    { "shrink", "--json", "--explode", NULL },
    { "worker", "--explode", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CliRun) run = cli_run_array (cases[i], NULL);
      g_autoptr (JsonObject) event = cli_last_event (run->out);

      g_assert_cmpint (run->status, ==, 2);
      g_assert_cmpstr (json_object_get_string_member (event, "code"), ==, "usage");
    }
}

static void
test_help (void)
{
  static const char *const cases[][3] = {
    { "--help", NULL },           { "help", NULL },       { "-h", NULL },
    { "shrink", "--help", NULL }, { "path", "-h", NULL }, { "inspect", "--help", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (CliRun) run = cli_run_array (cases[i], NULL);

      g_assert_cmpint (run->status, ==, 0);
      g_assert_nonnull (strstr (run->out, "featherweight-cli"));
      g_assert_cmpstr (run->err, ==, "");
      if (i == 3)
        g_assert_nonnull (strstr (run->out, "--max-size"));
    }
}

static void
test_version (void)
{
  g_autoptr (CliRun) run = cli_run ("--version", NULL);

  g_assert_cmpint (run->status, ==, 0);
  g_assert_cmpstr (run->out, ==, "featherweight-cli " PACKAGE_VERSION "\n");
}

static void
test_error_as_text (void)
{
  g_autoptr (CliRun) run = cli_run ("inspect", "/nowhere/model.onnx", NULL);

  g_assert_cmpint (run->status, ==, 1);
  g_assert_cmpstr (run->out, ==, "");
  g_assert_nonnull (strstr (run->err, "Error: "));
  g_assert_nonnull (strstr (run->err, "\nHint: "));
  /* No bar and no colours where there is no terminal. */
  g_assert_null (strchr (run->err, '\033'));
  g_assert_null (strchr (run->err, '\r'));
}

static void
test_inspect (void)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *folder = cli_sample ("");
  g_autofree char *here = g_get_current_dir ();
  g_autoptr (CliRun) json = cli_run ("inspect", model, "--json", NULL);
  g_autoptr (CliRun) text = cli_run ("inspect", model, NULL);
  g_autoptr (CliRun) relative = NULL;
  g_autoptr (JsonObject) result = cli_assert_result (json);

  g_assert_true (json_object_get_boolean_member (result, "can_shrink"));
  g_assert_cmpstr (json_object_get_string_member (result, "task"), ==, "classify-pictures");
  g_assert_cmpint (json_object_get_int_member (result, "size_bytes"), >, 100000);
  g_assert_cmpint (json_object_get_int_member (result, "parameters"), >, 10000);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (result, "inputs")), ==, 1);
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (result, "layers")), >, 5);

  g_assert_cmpint (text->status, ==, 0);
  g_assert_nonnull (strstr (text->out, "It can be made smaller."));
  g_assert_nonnull (strstr (text->out, "Conv"));

  g_assert_cmpint (chdir (folder), ==, 0);
  relative = cli_run ("inspect", "model.onnx", "--json", NULL);
  g_assert_cmpint (chdir (here), ==, 0);
  g_assert_cmpint (relative->status, ==, 0);
}

static void
test_after_dashes (void)
{
  g_autoptr (CliRun) run = cli_run ("inspect", "--json", "--", "--model.onnx", NULL);

  cli_assert_error (run, "no-such-file");
}

/* On a terminal there is a bar, on stderr alone, and it is gone when the result comes. */
static void
test_terminal (void)
{
  const char *arguments[] = { g_getenv ("FEATHERWEIGHT_CLI"), "inspect", NULL, NULL };
  g_autofree char *model = cli_sample ("model.onnx");
  g_autoptr (GString) seen = g_string_new (NULL);
  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE);
  g_autoptr (GSubprocess) process = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *out = NULL;
  int terminal = posix_openpt (O_RDWR | O_NOCTTY);
  char buffer[4096];
  gssize n;

  if (terminal < 0 || grantpt (terminal) != 0 || unlockpt (terminal) != 0)
    {
      g_test_skip ("No terminals here");
      return;
    }
  arguments[2] = model;
  g_subprocess_launcher_setenv (launcher, "TERM", "xterm", TRUE);
  g_subprocess_launcher_take_stderr_fd (launcher, open (ptsname (terminal), O_RDWR | O_NOCTTY));
  process = g_subprocess_launcher_spawnv (launcher, arguments, &error);
  g_assert_no_error (error);
  g_clear_object (&launcher);
  g_assert_true (g_subprocess_communicate_utf8 (process, NULL, NULL, &out, NULL, &error));
  g_assert_no_error (error);
  while ((n = read (terminal, buffer, sizeof buffer)) > 0)
    g_string_append_len (seen, buffer, n);
  close (terminal);

  g_assert_nonnull (strstr (seen->str, " %"));
  g_assert_nonnull (strstr (seen->str, "░"));
  g_assert_true (g_str_has_suffix (seen->str, "\r\033[K"));
  g_assert_null (strchr (out, '\033'));
  g_assert_nonnull (strstr (out, "It can be made smaller."));
}

/* The other commands never read stdin. */
static void
test_ignores_stdin (void)
{
  const char *arguments[] = { "inspect", "--json", NULL, NULL };
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *out = cli_path ("ignores-stdin");
  g_autofree char *text = NULL;
  GPid pid;
  int input;

  arguments[2] = model;
  pid = cli_start (arguments, out, &input);
  g_assert_cmpint (write (input, "{\"cmd\":\"cancel\"}\n", 17), ==, 17);
  g_assert_cmpint (cli_wait (pid), ==, 0);
  close (input);
  g_assert_true (g_file_get_contents (out, &text, NULL, NULL));
  g_assert_nonnull (strstr (text, "\"event\":\"result\""));
}

static void
test_worker (void)
{
  const char *arguments[] = { "worker", NULL };
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *job = g_strdup_printf ("{\"command\":\"inspect\",\"model\":\"%s\"}\n", model);
  g_autofree char *out = cli_path ("worker");
  g_autofree char *text = NULL;
  g_autoptr (JsonObject) last = NULL;
  GPid pid;
  int input;

  pid = cli_start (arguments, out, &input);
  g_assert_cmpint (write (input, job, strlen (job)), ==, (gssize) strlen (job));
  g_assert_cmpint (cli_wait (pid), ==, 0);
  close (input);
  g_assert_true (g_file_get_contents (out, &text, NULL, NULL));
  last = cli_last_event (text);
  g_assert_cmpstr (json_object_get_string_member (last, "event"), ==, "result");
}

static void
test_worker_wrong (void)
{
  static const char *const jobs[] = {
    "",
    "\n",
    "nonsense\n",
    "{}\n",
    "[]\n",
    "{\"command\":\"inspect\"}\n",
    "{\"command\":\"inspect\",\"model\":\"/m\",\"modell\":1}\n",
    "{\"command\":\"inspect\"",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
  };
  const char *arguments[] = { "worker", NULL };

  for (guint i = 0; i < G_N_ELEMENTS (jobs); i++)
    {
      g_autoptr (CliRun) run = cli_run_array (arguments, jobs[i]);
      g_autoptr (JsonObject) event = cli_last_event (run->out);

      g_assert_cmpint (run->status, ==, 2);
      g_assert_cmpstr (json_object_get_string_member (event, "code"), ==, "usage");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  g_test_add_func ("/command-line/wrong-use", test_wrong_use);
  g_test_add_func ("/command-line/wrong-use-json", test_wrong_use_json);
  g_test_add_func ("/command-line/help", test_help);
  g_test_add_func ("/command-line/version", test_version);
  g_test_add_func ("/command-line/error-as-text", test_error_as_text);
  g_test_add_func ("/command-line/inspect", test_inspect);
  g_test_add_func ("/command-line/after-dashes", test_after_dashes);
  g_test_add_func ("/command-line/terminal", test_terminal);
  g_test_add_func ("/command-line/ignores-stdin", test_ignores_stdin);
  g_test_add_func ("/command-line/worker", test_worker);
  g_test_add_func ("/command-line/worker-wrong", test_worker_wrong);
  return cli_finish ();
}
