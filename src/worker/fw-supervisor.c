/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-supervisor.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "fw-child-process.h"
#include "fw-delivery.h"
#include "fw-job-folder.h"
#include "fw-json.h"
#include "fw-keeper.h"
#include "fw-sandbox.h"
#include "fw-version-job.h"

typedef struct
{
  const FwJob *job;
  FwJob *own_job; /* in place of the one given, where that names a version */
  FwJobFolder *folder;
  FwKeeper *keeper; /* or NULL */
  FwEventFunc func;
  gpointer user_data;
  FwEvents *events;
  GCancellable *cancellable;
  double child_share; /* how much of the whole is the child's part */
  double overall;     /* how much of the whole is done */
} Supervisor;

/* Waits for whatever asks to stop, beside the work. */
typedef struct
{
  GThread *thread;
  GCancellable *cancellable;
  FwLineReader *commands;
  int commands_fd;
  int signals;
  int quit;
} Watcher;

static gboolean
brings_files (const FwJob *job)
{
  return job->command == FW_COMMAND_SHRINK || job->command == FW_COMMAND_PATH;
}

static void
stop_signals (sigset_t *set)
{
  sigemptyset (set);
  sigaddset (set, SIGINT);
  sigaddset (set, SIGTERM);
  sigaddset (set, SIGHUP);
}

void
fw_supervisor_block_signals (void)
{
  sigset_t set;

  stop_signals (&set);
  sigprocmask (SIG_BLOCK, &set, NULL);
  signal (SIGPIPE, SIG_IGN);
}

static void
obey (Watcher *self, const char *line, gsize length)
{
  g_autoptr (JsonNode) node = fw_json_parse (line, (gssize) length, NULL);
  const char *command = NULL;

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    command = fw_json_get_string (json_node_get_object (node), "cmd", NULL);
  if (g_strcmp0 (command, "cancel") == 0)
    g_cancellable_cancel (self->cancellable);
  else
    g_message ("Not a command: %.*s", (int) MIN (length, 200), line);
}

static void
read_commands (Watcher *self)
{
  FwLineStatus status;
  const char *line;
  gsize length;

  while ((status = fw_line_reader_take (self->commands, &line, &length)) == FW_LINE_READ)
    obey (self, line, length);
  if (status == FW_LINE_TOO_LONG)
    g_cancellable_cancel (self->cancellable);
}

static gpointer
watch (gpointer data)
{
  Watcher *self = data;
  struct pollfd fds[3] = {
    { .fd = self->quit, .events = POLLIN },
    { .fd = self->signals, .events = POLLIN },
    { .fd = self->commands != NULL ? self->commands_fd : -1, .events = POLLIN },
  };

  if (self->commands != NULL)
    read_commands (self);
  for (;;)
    {
      if (poll (fds, 3, -1) < 0 && errno != EINTR)
        return NULL;
      if (fds[0].revents != 0)
        return NULL;
      if (fds[1].revents != 0)
        {
          struct signalfd_siginfo signal_info;

          if (read (self->signals, &signal_info, sizeof signal_info) > 0)
            g_cancellable_cancel (self->cancellable);
        }
      if (fds[2].revents != 0)
        {
          if (fw_line_reader_fill (self->commands) == FW_LINE_END)
            {
              fds[2].fd = -1;
              g_cancellable_cancel (self->cancellable);
            }
          read_commands (self);
        }
    }
}

static void
start_watching (Watcher *self)
{
  sigset_t set;

  stop_signals (&set);
  self->signals = signalfd (-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  self->quit = eventfd (0, EFD_CLOEXEC);
  self->thread = g_thread_new ("watcher", watch, self);
}

static void
stop_watching (Watcher *self)
{
  guint64 one = 1;

  if (write (self->quit, &one, sizeof one) != sizeof one)
    g_debug ("eventfd: %s", g_strerror (errno));
  g_thread_join (self->thread);
  close (self->signals);
  close (self->quit);
}

/* The memory is measured after the child has done its part, so that is not yet the whole. */
static void
pass_on (JsonObject *event, gpointer user_data)
{
  Supervisor *self = user_data;
  const char *name = fw_json_get_string (event, "event", "");

  if (strcmp (name, "phase") == 0)
    {
      double overall = fw_json_get_number (event, "overall", 0) * self->child_share;

      self->overall = CLAMP (overall, self->overall, 1);
      json_object_set_double_member (event, "overall", self->overall);
    }
  if (strcmp (name, "stop") == 0)
    {
      fw_keeper_add_stop (self->keeper, event);
      /* The job's own file, which will not stay where it is. */
      if (json_object_has_member (event, "file"))
        json_object_set_null_member (event, "file");
    }
  if (strcmp (name, "sample") == 0)
    fw_delivery_preview (self->job, self->folder, event);
  self->func (event, self->user_data);
}

/* What comes after the child's work, as the rest of the whole. */
static void
say_progress (Supervisor *self, double fraction)
{
  JsonObject *fields = json_object_new ();

  self->overall = MAX (self->overall, self->child_share + (1 - self->child_share) * fraction);
  json_object_set_string_member (fields, "phase", fw_phase_get_name (FW_PHASE_KEEP));
  json_object_set_double_member (fields, "fraction", fraction);
  json_object_set_double_member (fields, "overall", self->overall);
  json_object_set_null_member (fields, "eta_s");
  fw_events_emit (self->events, "phase", fields);
}

/* What the child is asked: paths of its own in place of the user's targets. */
static JsonNode *
make_request (Supervisor *self, JsonNode *job, const char *probe)
{
  JsonObject *request = json_object_new ();
  JsonNode *node = json_node_alloc ();

  json_object_set_member (request, "job", job);
  json_object_set_string_member (request, "folder", fw_job_folder_get_path (self->folder));
  json_object_set_string_member (request, "home", g_get_home_dir ());
  if (probe != NULL)
    json_object_set_string_member (request, "probe", probe);
  json_node_init_object (node, request);
  json_object_unref (request);
  return node;
}

static JsonObject *
run_job (Supervisor *self, GError **error)
{
  g_autoptr (JsonNode) request = NULL;
  JsonNode *job = fw_job_to_json (self->job);

  if (self->job->save_inputs != NULL)
    {
      g_autofree char *inputs
          = g_build_filename (fw_job_folder_get_path (self->folder), "inputs", NULL);

      g_mkdir_with_parents (inputs, 0700);
      json_object_set_string_member (json_node_get_object (job), "save-inputs", inputs);
    }
  request = make_request (self, job, NULL);
  return fw_child_process_run (FW_CHILD_VERB_JOB, request, fw_job_folder_get_path (self->folder),
                               pass_on, self, self->cancellable, error);
}

/* Puts the peak memory of @model into @object, or null where it can't be told: not worth failing
 * a finished job for. */
static void
measure_memory (Supervisor *self,
                const char *model,
                const char *probe,
                JsonObject *object,
                const char *member)
{
  g_autoptr (FwJob) job = fw_job_new (FW_COMMAND_INSPECT);
  g_autoptr (JsonNode) request = NULL;
  g_autoptr (JsonObject) answer = NULL;
  g_autoptr (GError) error = NULL;

  json_object_set_null_member (object, member);
  if (model == NULL || probe == NULL || g_cancellable_is_cancelled (self->cancellable))
    return;
  job->model = g_strdup (model);
  job->threads = self->job->threads;
  job->memory = self->job->memory;
  request = make_request (self, fw_job_to_json (job), probe);
  answer
      = fw_child_process_run (FW_CHILD_VERB_MEASURE, request, fw_job_folder_get_path (self->folder),
                              NULL, NULL, self->cancellable, &error);
  if (answer == NULL)
    {
      g_info ("The memory was not measured: %s", error->message);
      return;
    }
  if (fw_json_get_number (answer, "peak_rss_bytes", 0) > 0)
    json_object_set_int_member (object, member,
                                (gint64) fw_json_get_number (answer, "peak_rss_bytes", 0));
}

/* The file that a member names, if the job itself wrote it. */
static char *
own_file (Supervisor *self, JsonObject *object, const char *member)
{
  const char *text = fw_json_get_string (object, member, NULL);
  g_autofree char *path = text != NULL ? fw_json_to_path (text, NULL) : NULL;

  return fw_job_folder_holds (self->folder, path) ? g_steal_pointer (&path) : NULL;
}

static void
measure_all_memory (Supervisor *self, JsonObject *result)
{
  g_autofree char *probe = own_file (self, result, "probe");
  g_autofree char *path = own_file (self, result, "path");
  JsonArray *stops = fw_json_get_array (result, "stops");
  guint n = stops != NULL ? json_array_get_length (stops) : 0;

  json_object_remove_member (result, "probe");
  if (!brings_files (self->job))
    return;
  say_progress (self, 0);
  if (!self->job->measure)
    g_clear_pointer (&probe, g_free);
  measure_memory (self, self->job->model, probe, result, "original_peak_rss_bytes");
  measure_memory (self, path, probe, result, "peak_rss_bytes");
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (stops, i);
      g_autofree char *file = NULL;

      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      file = own_file (self, json_node_get_object (node), "file");
      if (self->job->command == FW_COMMAND_SHRINK && g_strcmp0 (file, path) != 0)
        g_clear_pointer (&file, g_free);
      measure_memory (self, file, probe, json_node_get_object (node), "peak_rss_bytes");
      say_progress (self, 0.8 * (i + 1) / n);
    }
}

/* Into the history first: what goes wrong with the user's own place must not lose it. */
static gboolean
bring_home (Supervisor *self, JsonObject *result, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error)
      || !fw_keeper_keep (self->keeper, self->folder, result, self->cancellable, error)
      || !fw_delivery_finish (self->job, self->folder, result, self->cancellable, error))
    return FALSE;
  fw_keeper_finish (self->keeper, result);
  return TRUE;
}

static JsonObject *
supervise (Supervisor *self, GError **error)
{
  g_autoptr (JsonObject) result = NULL;
  g_autoptr (GError) local = NULL;

  if (self->job->version > 0)
    {
      self->own_job = fw_version_job_new (self->job, self->cancellable, error);
      if (self->own_job == NULL)
        return NULL;
      self->job = self->own_job;
    }
  self->child_share = brings_files (self->job) ? 0.95 : 1;
  self->folder = fw_job_folder_new (error);
  if (self->folder == NULL || !fw_delivery_check (self->job, self->folder, error))
    return NULL;
  if (fw_sandbox_get_landlock_version () == 0)
    g_message ("This kernel has no Landlock: files are not closed off while a model is open.");

  self->keeper = fw_keeper_new (self->job, self->events, &local);
  if (local == NULL)
    result = run_job (self, &local);
  if (result != NULL)
    measure_all_memory (self, result);
  if (result != NULL && bring_home (self, result, &local))
    return g_steal_pointer (&result);
  fw_keeper_fail (self->keeper, local);
  g_propagate_error (error, g_steal_pointer (&local));
  return NULL;
}

static FwExit
exit_of_error (const GError *error)
{
  switch (fw_error_get_code (error))
    {
    case FW_ERROR_CANCELLED:
      return FW_EXIT_CANCELLED;
    case FW_ERROR_USAGE:
      return FW_EXIT_USAGE;
    default:
      return FW_EXIT_ERROR;
    }
}

FwExit
fw_supervisor_run (const FwJob *job,
                   FwLineReader *commands,
                   int commands_fd,
                   FwEventFunc func,
                   gpointer user_data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FwEvents) events = fw_events_new (func, user_data);
  g_autoptr (GError) error = NULL;
  Supervisor self = {
    .job = job, .func = func, .user_data = user_data, .events = events, .cancellable = cancellable
  };
  Watcher watcher
      = { .cancellable = cancellable, .commands = commands, .commands_fd = commands_fd };
  JsonObject *result;

  start_watching (&watcher);
  result = supervise (&self, &error);
  g_clear_pointer (&self.keeper, fw_keeper_free);
  g_clear_pointer (&self.folder, fw_job_folder_free);
  stop_watching (&watcher);
  g_clear_pointer (&self.own_job, fw_job_free);

  if (result != NULL)
    {
      fw_events_emit (events, "result", result);
      return FW_EXIT_RESULT;
    }
  /* However the work took its being stopped, the user asked for it. */
  if (g_cancellable_is_cancelled (cancellable))
    {
      g_clear_error (&error);
      g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Cancelled."));
    }
  fw_events_error (events, error);
  return exit_of_error (error);
}
