/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "cli.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fw-file.h"

static char *folder;

void
cli_init (void)
{
  g_autofree char *cache = NULL;
  g_autofree char *data = NULL;

  g_assert_nonnull (g_getenv ("FEATHERWEIGHT_CLI"));
  folder = g_dir_make_tmp ("featherweight-test-XXXXXX", NULL);
  g_assert_nonnull (folder);
  cache = cli_path ("cache");
  data = cli_path ("data");
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_setenv ("XDG_DATA_HOME", data, TRUE);
  g_setenv ("LC_ALL", "C.UTF-8", TRUE);
  g_unsetenv ("G_MESSAGES_DEBUG");
  signal (SIGPIPE, SIG_IGN);
}

int
cli_finish (void)
{
  int status = g_test_run ();

  fw_file_remove_tree (folder);
  g_clear_pointer (&folder, g_free);
  return status;
}

const char *
cli_folder (void)
{
  return folder;
}

char *
cli_path (const char *name)
{
  return g_build_filename (folder, name, NULL);
}

char *
cli_sample (const char *name)
{
  return g_build_filename (g_getenv ("FEATHERWEIGHT_SAMPLE"), name, NULL);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(char *const *) a, *(char *const *) b);
}

char *
cli_some_pictures (const char *name, guint n)
{
  g_autofree char *source = cli_sample ("pictures");
  g_autoptr (GDir) dir = g_dir_open (source, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  char *target = cli_path (name);
  const char *entry;

  g_assert_nonnull (dir);
  while ((entry = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (entry, ".jpg") || g_str_has_suffix (entry, ".png"))
      g_ptr_array_add (names, g_strdup (entry));
  g_ptr_array_sort (names, compare_names);
  g_assert_cmpuint (names->len, >=, n);

  g_assert_cmpint (g_mkdir_with_parents (target, 0755), ==, 0);
  for (guint i = 0; i < n; i++)
    {
      /* Spread over the names, so that every kind of picture is there. */
      const char *picked = names->pdata[(gsize) i * names->len / n];
      g_autofree char *from = g_build_filename (source, picked, NULL);
      g_autofree char *to = g_build_filename (target, picked, NULL);
      g_autofree char *data = NULL;
      gsize length;

      g_assert_true (g_file_get_contents (from, &data, &length, NULL));
      g_assert_true (g_file_set_contents (to, data, (gssize) length, NULL));
    }
  return target;
}

static char **
make_arguments (const char *const *arguments)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  char **all;

  g_strv_builder_add (builder, g_getenv ("FEATHERWEIGHT_CLI"));
  g_strv_builder_addv (builder, (const char **) arguments);
  all = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return all;
}

static int
exit_status (int wait_status)
{
  return WIFEXITED (wait_status) ? WEXITSTATUS (wait_status) : -1;
}

CliRun *
cli_run_array (const char *const *arguments, const char *input)
{
  g_auto (GStrv) all = make_arguments (arguments);
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) process = NULL;
  CliRun *run = g_new0 (CliRun, 1);
  GSubprocessFlags flags = G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE;

  if (input != NULL)
    flags |= G_SUBPROCESS_FLAGS_STDIN_PIPE;
  process = g_subprocess_newv ((const char *const *) all, flags, &error);
  g_assert_no_error (error);
  g_subprocess_communicate_utf8 (process, input, NULL, &run->out, &run->err, &error);
  g_assert_no_error (error);
  run->status = g_subprocess_get_if_exited (process) ? g_subprocess_get_exit_status (process) : -1;
  if (run->err[0] != '\0')
    g_test_message ("%s: %s", arguments[0] != NULL ? arguments[0] : "", run->err);
  return run;
}

CliRun *
cli_run (const char *argument, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  va_list list;

  va_start (list, argument);
  for (const char *next = argument; next != NULL; next = va_arg (list, const char *))
    g_ptr_array_add (arguments, (gpointer) next);
  va_end (list);
  g_ptr_array_add (arguments, NULL);
  return cli_run_array ((const char *const *) arguments->pdata, NULL);
}

void
cli_run_free (CliRun *run)
{
  g_free (run->out);
  g_free (run->err);
  g_free (run);
}

GPid
cli_start (const char *const *arguments, const char *out_path, int *input)
{
  g_auto (GStrv) all = make_arguments (arguments);
  g_autoptr (GError) error = NULL;
  int out = open (out_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  int none = open ("/dev/null", O_RDWR | O_CLOEXEC);
  GPid pid;

  g_assert_cmpint (out, >=, 0);
  g_spawn_async_with_pipes_and_fds (NULL, (const char *const *) all, NULL,
                                    G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL, NULL,
                                    input != NULL ? -1 : none, out, none, NULL, NULL, 0, &pid,
                                    input, NULL, NULL, &error);
  g_assert_no_error (error);
  close (out);
  close (none);
  return pid;
}

int
cli_wait (GPid pid)
{
  int status;

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  return exit_status (status);
}

static JsonObject *
parse_line (const char *line)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (GError) error = NULL;

  node = json_from_string (line, &error);
  g_assert_no_error (error);
  g_assert_nonnull (node);
  g_assert_true (JSON_NODE_HOLDS_OBJECT (node));
  return json_node_dup_object (node);
}

JsonObject *
cli_last_event (const char *out)
{
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);
  guint n = g_strv_length (lines);
  JsonObject *last = NULL;

  g_assert_cmpuint (n, >=, 2);
  g_assert_cmpstr (lines[n - 1], ==, "");
  for (guint i = 0; i + 1 < n; i++)
    {
      const char *name;
      gboolean is_last;

      g_clear_pointer (&last, json_object_unref);
      last = parse_line (lines[i]);
      name = json_object_get_string_member (last, "event");
      is_last = strcmp (name, "result") == 0 || strcmp (name, "error") == 0;
      g_assert_true (is_last == (i + 2 == n));
    }
  return last;
}

void
cli_assert_error (CliRun *run, const char *code)
{
  g_autoptr (JsonObject) event = cli_last_event (run->out);
  const char *message;

  g_assert_cmpstr (json_object_get_string_member (event, "event"), ==, "error");
  g_assert_cmpstr (json_object_get_string_member (event, "code"), ==, code);
  g_assert_cmpint (run->status, ==, 1);
  /* A sentence for people. */
  message = json_object_get_string_member (event, "message");
  g_assert_cmpuint (strlen (message), >, 15);
  g_assert_true (g_str_has_suffix (message, ".") || g_str_has_suffix (message, "?"));
  g_assert_null (strstr (message, "onnxruntime::"));
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
}

JsonObject *
cli_assert_result (CliRun *run)
{
  JsonObject *event = cli_last_event (run->out);

  if (strcmp (json_object_get_string_member (event, "event"), "error") == 0)
    g_test_message ("%s", json_object_get_string_member (event, "message"));
  g_assert_cmpstr (json_object_get_string_member (event, "event"), ==, "result");
  g_assert_cmpint (run->status, ==, 0);
  g_assert_cmpuint (cli_count_job_folders (), ==, 0);
  return event;
}

GPtrArray *
cli_events (const char *out, const char *name)
{
  GPtrArray *events = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  g_auto (GStrv) lines = g_strsplit (out, "\n", -1);

  for (guint i = 0; lines[i] != NULL && lines[i][0] != '\0'; i++)
    {
      g_autoptr (JsonObject) event = parse_line (lines[i]);

      if (strcmp (json_object_get_string_member (event, "event"), name) == 0)
        g_ptr_array_add (events, g_steal_pointer (&event));
    }
  return events;
}

gboolean
cli_has_warning (const char *out, const char *code)
{
  g_autoptr (GPtrArray) warnings = cli_events (out, "warning");

  for (guint i = 0; i < warnings->len; i++)
    if (strcmp (json_object_get_string_member (warnings->pdata[i], "code"), code) == 0)
      return TRUE;
  return FALSE;
}

guint
cli_count_job_folders (void)
{
  g_autofree char *jobs
      = g_build_filename (g_getenv ("XDG_CACHE_HOME"), "featherweight", "jobs", NULL);
  g_autoptr (GDir) dir = g_dir_open (jobs, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    n += name[0] != '.';
  return n;
}

GPid
cli_find_child (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", pid, pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return 0;
  return (GPid) g_ascii_strtoll (text, NULL, 10);
}

gboolean
cli_is_gone (GPid pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
  g_autofree char *text = NULL;

  return !g_file_get_contents (path, &text, NULL, NULL) || strstr (text, "\nState:\tZ") != NULL;
}
