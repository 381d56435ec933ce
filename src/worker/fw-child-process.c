/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-child-process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fw-json.h"
#include "fw-line-reader.h"

/* How long a cancelled child has, and one that has said its last word or closed its mouth. */
#define CANCEL_USEC (700 * 1000)
#define END_USEC (2 * G_USEC_PER_SEC)
/* How much of what it says on stderr is kept to tell why it died. */
#define MAX_LOG 4096

typedef struct
{
  pid_t pid;
  int input;
  int output;
  int log;
  FwLineReader *reader;
  GString *last_log;
  FwEventFunc func;
  gpointer user_data;
  JsonObject *last_word;
  gint64 deadline; /* when it is killed, or 0 */
  gboolean cancelled;
  gboolean killed;    /* by us */
  gboolean senseless; /* said something endless */
} Child;

static void
close_fd (int *fd)
{
  if (*fd >= 0)
    close (*fd);
  *fd = -1;
}

static void
write_all (int fd, const char *text)
{
  gsize length = strlen (text);

  while (length > 0)
    {
      gssize n = write (fd, text, length);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return;
      text += n;
      length -= (gsize) n;
    }
}

/* What a confined process may know of the user's session, and where its own files go. */
static char **
child_environment (const char *folder)
{
  static const char *const to_folder[]
      = { "HOME",          "TMPDIR",         "XDG_CACHE_HOME", "XDG_CONFIG_HOME",
          "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR" };
  static const char *const unset[] = { "DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS",
                                       "SSH_AUTH_SOCK", "GIO_EXTRA_MODULES" };
  char **environment = g_get_environ ();

  for (guint i = 0; i < G_N_ELEMENTS (to_folder); i++)
    environment = g_environ_setenv (environment, to_folder[i], folder, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (unset); i++)
    environment = g_environ_unsetenv (environment, unset[i]);
  environment = g_environ_setenv (environment, "GIO_USE_VFS", "local", TRUE);
  return g_environ_setenv (environment, "GSETTINGS_BACKEND", "memory", TRUE);
}

static gboolean
start (Child *self, const char *verb, const char *folder, GError **error)
{
  /* The link, not what it points to: the program may have been replaced since it was started. */
  char *arguments[]
      = { (char *) "/proc/self/exe", (char *) "featherweight-cli", (char *) verb, NULL };
  g_auto (GStrv) environment = child_environment (folder);
  g_autoptr (GError) spawn_error = NULL;

  if (!g_spawn_async_with_pipes (
          NULL, arguments, environment,
          G_SPAWN_FILE_AND_ARGV_ZERO | G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_CLOEXEC_PIPES, NULL,
          NULL, &self->pid, &self->input, &self->output, &self->log, &spawn_error))
    {
      g_set_error (error, FW_ERROR,
                   g_error_matches (spawn_error, G_SPAWN_ERROR, G_SPAWN_ERROR_NOMEM)
                       ? FW_ERROR_OUT_OF_MEMORY
                       : FW_ERROR_INTERNAL,
                   _ ("The work could not be started: %s"), spawn_error->message);
      return FALSE;
    }
  g_unix_set_fd_nonblocking (self->output, TRUE, NULL);
  g_unix_set_fd_nonblocking (self->log, TRUE, NULL);
  self->reader = fw_line_reader_new (self->output, FW_JSON_MAX_BYTES);
  return TRUE;
}

static void
take_event (Child *self, const char *line, gsize length)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) event = NULL;
  const char *name;

  if (self->last_word != NULL)
    return;
  event = fw_event_parse (line, (gssize) length, &error);
  if (event == NULL)
    {
      g_debug ("Not an event: %s", error->message);
      return;
    }
  name = json_object_get_string_member (event, "event");
  if (strcmp (name, "result") == 0 || strcmp (name, "error") == 0)
    {
      self->last_word = g_steal_pointer (&event);
      if (self->deadline == 0)
        self->deadline = g_get_monotonic_time () + END_USEC;
    }
  else if (self->func != NULL && !self->cancelled)
    self->func (event, self->user_data);
}

static void
read_output (Child *self)
{
  FwLineStatus status = fw_line_reader_fill (self->reader);
  const char *line;
  gsize length;

  while (status == FW_LINE_READ)
    {
      status = fw_line_reader_take (self->reader, &line, &length);
      if (status == FW_LINE_READ)
        take_event (self, line, length);
    }
  if (status == FW_LINE_TOO_LONG)
    {
      self->senseless = TRUE;
      self->deadline = g_get_monotonic_time ();
    }
  if (status == FW_LINE_END || status == FW_LINE_TOO_LONG)
    close_fd (&self->output);
}

static void
read_log (Child *self)
{
  char buffer[4096];
  gssize n = read (self->log, buffer, sizeof buffer);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0)
    {
      close_fd (&self->log);
      return;
    }
  g_string_append_len (self->last_log, buffer, n);
  if (self->last_log->len > MAX_LOG)
    g_string_erase (self->last_log, 0, (gssize) (self->last_log->len - MAX_LOG));
  g_debug ("child: %.*s", (int) n, buffer);
}

static void
kill_child (Child *self)
{
  self->killed = TRUE;
  self->deadline = G_MAXINT64;
  kill (self->pid, SIGKILL);
}

static void
cancel_child (Child *self)
{
  self->cancelled = TRUE;
  self->deadline = g_get_monotonic_time () + CANCEL_USEC;
  write_all (self->input, "{\"cmd\":\"cancel\"}\n");
}

static int
time_left (const Child *self)
{
  gint64 left;

  if (self->deadline == 0 || self->deadline == G_MAXINT64)
    return -1;
  left = (self->deadline - g_get_monotonic_time () + 999) / 1000;
  return (int) CLAMP (left, 0, G_MAXINT);
}

/* Until the child has closed its mouth. */
static void
listen_to (Child *self, GCancellable *cancellable)
{
  while (self->output >= 0)
    {
      struct pollfd fds[3] = {
        { .fd = self->output, .events = POLLIN },
        { .fd = self->log, .events = POLLIN },
        { .fd = self->cancelled ? -1 : g_cancellable_get_fd (cancellable), .events = POLLIN },
      };
      int n = poll (fds, 3, time_left (self));

      if (fds[2].fd >= 0)
        g_cancellable_release_fd (cancellable);
      if (n < 0 && errno != EINTR)
        break;
      if (!self->cancelled && g_cancellable_is_cancelled (cancellable))
        cancel_child (self);
      if (self->deadline > 0 && g_get_monotonic_time () >= self->deadline)
        kill_child (self);
      if (n > 0 && fds[0].revents != 0)
        read_output (self);
      if (n > 0 && self->log >= 0 && fds[1].revents != 0)
        read_log (self);
    }
}

static int
reap (Child *self)
{
  gint64 deadline = g_get_monotonic_time () + END_USEC;
  int status = 0;
  pid_t pid;

  if (self->deadline > 0)
    deadline = MIN (deadline, self->deadline);
  close_fd (&self->input);
  while ((pid = waitpid (self->pid, &status, WNOHANG)) == 0 || (pid < 0 && errno == EINTR))
    {
      if (!self->killed && g_get_monotonic_time () >= deadline)
        kill_child (self);
      g_usleep (2000);
    }
  while (self->log >= 0 && self->last_log->len < MAX_LOG)
    {
      gsize before = self->last_log->len;

      read_log (self);
      if (self->last_log->len == before)
        break;
    }
  return status;
}

static gboolean
ran_out_of_memory (const Child *self, int status)
{
  /* GLib, C++ and the kernel, each in its own way. */
  if (strstr (self->last_log->str, "failed to allocate") != NULL
      || strstr (self->last_log->str, "bad_alloc") != NULL
      || strstr (self->last_log->str, "out of memory") != NULL)
    return TRUE;
  return WIFSIGNALED (status) && WTERMSIG (status) == SIGKILL && !self->killed;
}

static void
explain_death (const Child *self, int status, GError **error)
{
  if (ran_out_of_memory (self, status))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                   _ ("There was not enough memory for this model."));
      return;
    }
  if (WIFSIGNALED (status))
    g_message ("The confined process was ended by signal %d. %s", WTERMSIG (status),
               self->last_log->str);
  else
    g_message ("The confined process ended with status %d and no last word. %s",
               WEXITSTATUS (status), self->last_log->str);
  g_set_error (error, FW_ERROR, FW_ERROR_WORKER_DIED,
               self->senseless ? _ ("The work was stopped because it went out of hand.")
                               : _ ("The work on this model broke off unexpectedly."));
}

static void
error_from_event (JsonObject *event, GError **error)
{
  FwError code = fw_error_from_name (fw_json_get_string (event, "code", ""));
  const char *message = fw_json_get_string (event, "message", "");

  if (code == FW_ERROR_CANCELLED)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Cancelled."));
  else
    g_set_error_literal (error, FW_ERROR, code, message);
}

static JsonObject *
conclude (Child *self, int status, GError **error)
{
  const char *name = NULL;

  if (self->last_word != NULL)
    name = json_object_get_string_member (self->last_word, "event");
  if (self->cancelled)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CANCELLED, _ ("Cancelled."));
      return NULL;
    }
  if (name == NULL)
    {
      explain_death (self, status, error);
      return NULL;
    }
  if (strcmp (name, "error") == 0)
    {
      error_from_event (self->last_word, error);
      return NULL;
    }
  return g_steal_pointer (&self->last_word);
}

JsonObject *
fw_child_process_run (const char *verb,
                      JsonNode *request,
                      const char *folder,
                      FwEventFunc func,
                      gpointer user_data,
                      GCancellable *cancellable,
                      GError **error)
{
  g_autofree char *text = json_to_string (request, FALSE);
  g_autofree char *line = g_strconcat (text, "\n", NULL);
  Child self = { .input = -1, .output = -1, .log = -1, .func = func, .user_data = user_data };
  JsonObject *result = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  self.last_log = g_string_new (NULL);
  if (start (&self, verb, folder, error))
    {
      write_all (self.input, line);
      listen_to (&self, cancellable);
      result = conclude (&self, reap (&self), error);
      close_fd (&self.output);
      close_fd (&self.log);
    }
  g_clear_pointer (&self.reader, fw_line_reader_free);
  g_clear_pointer (&self.last_word, json_object_unref);
  g_string_free (self.last_log, TRUE);
  return result;
}
