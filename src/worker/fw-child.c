/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-child.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fw-child-process.h"
#include "fw-job-runner.h"
#include "fw-json.h"
#include "fw-line-reader.h"
#include "fw-peak-memory.h"
#include "fw-sandbox.h"
#include "fw-session.h"

/* How long work may take to notice that nobody waits for it any more. */
#define ORPHAN_USEC (700 * 1000)

typedef struct
{
  FwLineReader *input;
  GCancellable *cancellable;
} Listener;

gboolean
fw_child_is_verb (const char *verb)
{
  return strcmp (verb, FW_CHILD_VERB_JOB) == 0 || strcmp (verb, FW_CHILD_VERB_MEASURE) == 0;
}

static gpointer
listen_thread (gpointer data)
{
  Listener *listener = data;
  const char *line;
  gsize length;

  while (fw_line_reader_wait (listener->input, &line, &length) == FW_LINE_READ)
    {
      g_autoptr (JsonNode) node = fw_json_parse (line, (gssize) length, NULL);

      if (node != NULL && JSON_NODE_HOLDS_OBJECT (node)
          && g_strcmp0 (fw_json_get_string (json_node_get_object (node), "cmd", NULL), "cancel")
                 == 0)
        g_cancellable_cancel (listener->cancellable);
    }

  g_cancellable_cancel (listener->cancellable);
  g_usleep (ORPHAN_USEC);
  _exit (1);
}

/* Events go where stdout went; whatever a library prints goes to the log. */
static FwEvents *
take_stdout (void)
{
  int fd = fcntl (STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

  if (fd < 0 || dup2 (STDERR_FILENO, STDOUT_FILENO) < 0)
    _exit (1);
  return fw_events_new_for_fd (fd);
}

static void
set_up_process (void)
{
  sigset_t none;

  /* The terminal sends its signals to parent and child alike; the parent decides. */
  signal (SIGINT, SIG_IGN);
  signal (SIGHUP, SIG_IGN);
  signal (SIGPIPE, SIG_IGN);
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  prctl (PR_SET_PDEATHSIG, SIGKILL);

  /* Where memory runs out, this process goes first, not the window. */
  if (!g_file_set_contents_full ("/proc/self/oom_score_adj", "500", -1, G_FILE_SET_CONTENTS_NONE,
                                 0644, NULL))
    g_debug ("Could not offer this process to the kernel");
}

static void
add_path (GPtrArray *paths, const char *path)
{
  if (path != NULL && g_path_is_absolute (path))
    g_ptr_array_add (paths, g_strdup (path));
}

/* A folder in which a model lies. Where that is a place that holds a user's whole life, only the
 * plain files right there are opened up: one of them may hold the model's weights. */
static void
add_model_folder (GPtrArray *paths, const char *folder, const char *home)
{
  g_autoptr (GDir) dir = NULL;
  const char *name;

  if (strcmp (folder, "/") != 0 && g_strcmp0 (folder, home) != 0)
    {
      add_path (paths, folder);
      return;
    }
  dir = g_dir_open (folder, 0, NULL);
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, name, NULL);

      if (name[0] != '.' && g_file_test (path, G_FILE_TEST_IS_REGULAR))
        add_path (paths, path);
    }
}

static void
add_model (GPtrArray *paths, const char *path, const char *home)
{
  g_autofree char *folder = NULL;
  g_autofree char *resolved = NULL;
  g_autofree char *resolved_folder = NULL;

  if (path == NULL)
    return;
  folder = g_path_get_dirname (path);
  resolved = realpath (path, NULL);
  add_path (paths, path);
  add_model_folder (paths, folder, home);
  if (resolved != NULL)
    {
      resolved_folder = g_path_get_dirname (resolved);
      if (strcmp (folder, resolved_folder) != 0)
        add_model_folder (paths, resolved_folder, home);
    }
}

static GPtrArray *
readable_paths (const FwJob *job, const char *home)
{
  GPtrArray *paths = g_ptr_array_new_with_free_func (g_free);
  const char *const *system = fw_sandbox_get_system_paths ();
  const char *runtime = fw_runtime_get_path ();

  for (guint i = 0; system[i] != NULL; i++)
    add_path (paths, system[i]);
  add_path (paths, runtime);
  add_model (paths, job->model, home);
  add_model (paths, job->other, home);
  for (guint i = 0; job->samples != NULL && job->samples[i] != NULL; i++)
    add_path (paths, job->samples[i]);
  add_path (paths, job->labels);
  add_path (paths, job->preprocess);
  g_ptr_array_add (paths, NULL);
  return paths;
}

static JsonObject *
run_confined (const char *verb,
              JsonObject *request,
              FwEvents *events,
              Listener *listener,
              GError **error)
{
  const char *folder = fw_json_get_string (request, "folder", NULL);
  const char *writable[] = { folder, NULL };
  JsonNode *node = json_object_get_member (request, "job");
  g_autoptr (GPtrArray) readable = NULL;
  g_autoptr (FwJob) job = NULL;

  job = node != NULL ? fw_job_from_json (node, error) : NULL;
  if (job == NULL || folder == NULL || !fw_runtime_load (error))
    return NULL;
  readable = readable_paths (job, fw_json_get_string (request, "home", NULL));
  if (!fw_sandbox_limit_memory (job->memory, error)
      || !fw_sandbox_enter ((const char *const *) readable->pdata, writable, error))
    return NULL;

  g_thread_unref (g_thread_new ("listener", listen_thread, listener));
  if (strcmp (verb, FW_CHILD_VERB_MEASURE) == 0)
    return fw_peak_memory_run (job->model, fw_json_get_string (request, "probe", NULL),
                               job->threads, listener->cancellable, error);
  return fw_job_run (job, folder, events, listener->cancellable, error);
}

void
fw_child_main (const char *verb)
{
  Listener listener = { 0 };
  g_autoptr (FwEvents) events = NULL;
  g_autoptr (JsonNode) request = NULL;
  g_autoptr (GError) error = NULL;
  JsonObject *result = NULL;
  const char *line;
  gsize length;

  set_up_process ();
  events = take_stdout ();
  listener.cancellable = g_cancellable_new ();
  listener.input = fw_line_reader_new (STDIN_FILENO, FW_JSON_MAX_BYTES);
  if (fw_line_reader_wait (listener.input, &line, &length) == FW_LINE_READ)
    request = fw_json_parse (line, (gssize) length, &error);

  if (request != NULL && JSON_NODE_HOLDS_OBJECT (request))
    result = run_confined (verb, json_node_get_object (request), events, &listener, &error);
  if (result == NULL && error == NULL)
    g_set_error (&error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The work ended without a reason."));
  if (result != NULL)
    fw_events_emit (events, "result", result);
  else
    fw_events_error (events, error);

  /* Not exit(): nothing is left to do, and libraries take their time to clean up. */
  _exit (0);
}
