/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-worker-client.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-event.h"
#include "fw-json.h"
#include "fw-surroundings.h"

/* The worker answers a cancel within a second; one that does not is ended. */
#define KILL_AFTER_MS 1500
#define CHUNK (64 * 1024)

struct _FwWorkerClient
{
  GObject parent_instance;

  GSubprocess *process;
  JsonObject *result;
  JsonObject *error_event;
  guint kill_source;
  gboolean started : 1;
  gboolean finished : 1;
};

G_DEFINE_FINAL_TYPE (FwWorkerClient, fw_worker_client, G_TYPE_OBJECT)

enum
{
  EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

/* What the reading thread knows. Events are parsed there, so that the window never waits for one.
 */
typedef struct
{
  FwWorkerClient *client;
  GInputStream *output;
  gulong cancelled_id;
} Run;

static void
run_free (Run *run)
{
  g_clear_object (&run->output);
  g_clear_object (&run->client);
  g_free (run);
}

typedef struct
{
  FwWorkerClient *client;
  JsonObject *event;
} Delivery;

static void
delivery_free (Delivery *delivery)
{
  json_object_unref (delivery->event);
  g_object_unref (delivery->client);
  g_free (delivery);
}

static gboolean
deliver (gpointer user_data)
{
  Delivery *delivery = user_data;
  FwWorkerClient *self = delivery->client;
  const char *name = fw_json_get_string (delivery->event, "event", "");

  if (self->finished)
    return G_SOURCE_REMOVE;
  if (g_str_equal (name, "result"))
    {
      g_clear_pointer (&self->result, json_object_unref);
      self->result = json_object_ref (delivery->event);
    }
  else if (g_str_equal (name, "error"))
    {
      g_clear_pointer (&self->error_event, json_object_unref);
      self->error_event = json_object_ref (delivery->event);
    }
  else
    {
      g_signal_emit (self, signals[EVENT], 0, delivery->event);
    }
  return G_SOURCE_REMOVE;
}

static void
post_line (GTask *task, FwWorkerClient *self, const char *line, gsize length)
{
  g_autoptr (GError) error = NULL;
  JsonObject *event = fw_event_parse (line, length, &error);
  g_autoptr (GSource) source = NULL;
  Delivery *delivery;

  if (event == NULL)
    {
      g_warning ("The worker said what is no event: %s", error->message);
      return;
    }
  delivery = g_new0 (Delivery, 1);
  delivery->client = g_object_ref (self);
  delivery->event = event;
  /* Not g_main_context_invoke(), which calls from this thread while nobody runs the context. The
   * task's own completion is posted later with the same priority, so it comes after. */
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, delivery, (GDestroyNotify) delivery_free);
  g_source_attach (source, g_task_get_context (task));
}

static void
take_lines (GTask *task, Run *run, GByteArray *buffer, gsize *searched)
{
  gsize start = 0;

  for (;;)
    {
      const char *from = (const char *) buffer->data + MAX (*searched, start);
      const char *end = memchr (from, '\n', buffer->len - MAX (*searched, start));
      gsize at;

      if (end == NULL)
        break;
      at = end - (const char *) buffer->data;
      if (at > start)
        post_line (task, run->client, (const char *) buffer->data + start, at - start);
      start = at + 1;
    }
  if (start > 0)
    g_byte_array_remove_range (buffer, 0, start);
  *searched = buffer->len;
}

static void
read_events (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  Run *run = task_data;
  g_autoptr (GByteArray) buffer = g_byte_array_new ();
  g_autofree guint8 *chunk = g_malloc (CHUNK);
  gsize searched = 0;

  for (;;)
    {
      /* Not with the cancellable: the worker's own last word is waited for. */
      const gssize n = g_input_stream_read (run->output, chunk, CHUNK, NULL, NULL);

      if (n <= 0)
        break;
      g_byte_array_append (buffer, chunk, n);
      if (memchr (chunk, '\n', n) != NULL)
        take_lines (task, run, buffer, &searched);
      else
        searched = buffer->len;
      if (buffer->len > FW_JSON_MAX_BYTES)
        {
          g_warning ("The worker said a line without end");
          g_subprocess_force_exit (run->client->process);
          break;
        }
    }
  g_subprocess_wait (run->client->process, NULL, NULL);
  g_task_return_boolean (task, TRUE);
}

static GError *
error_from_event (FwWorkerClient *self)
{
  const char *code = fw_json_get_string (self->error_event, "code", "");
  const char *message = fw_json_get_string (self->error_event, "message", "");

  if (g_str_equal (code, "cancelled"))
    return g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, message);
  return g_error_new_literal (FW_ERROR, fw_error_from_name (code), message);
}

static void
reading_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  FwWorkerClient *self = FW_WORKER_CLIENT (source);
  g_autoptr (GTask) outer = user_data;
  GCancellable *cancellable = g_task_get_cancellable (outer);
  Run *run = g_task_get_task_data (G_TASK (result));

  if (run->cancelled_id != 0)
    g_cancellable_disconnect (cancellable, run->cancelled_id);
  g_clear_handle_id (&self->kill_source, g_source_remove);
  self->finished = TRUE;

  if (g_task_return_error_if_cancelled (outer))
    return;
  if (self->result != NULL)
    g_task_return_pointer (outer, json_object_ref (self->result),
                           (GDestroyNotify) json_object_unref);
  else if (self->error_event != NULL)
    g_task_return_error (outer, error_from_event (self));
  else
    g_task_return_new_error (
        outer, FW_ERROR, FW_ERROR_WORKER_DIED,
        _ ("The part of Featherweight that does the work ended unexpectedly."));
}

static gboolean
kill_worker (gpointer user_data)
{
  FwWorkerClient *self = user_data;

  self->kill_source = 0;
  g_subprocess_force_exit (self->process);
  return G_SOURCE_REMOVE;
}

static void
cancel_now (FwWorkerClient *self)
{
  static const char command[] = "{\"cmd\":\"cancel\"}\n";
  GOutputStream *input = g_subprocess_get_stdin_pipe (self->process);

  if (self->finished || self->kill_source != 0)
    return;
  /* A worker that has not even taken its job yet has nothing to tidy up. */
  if (g_output_stream_has_pending (input))
    {
      g_subprocess_force_exit (self->process);
      return;
    }
  g_output_stream_write_all (input, command, sizeof command - 1, NULL, NULL, NULL);
  g_output_stream_close (input, NULL, NULL);
  self->kill_source = g_timeout_add (KILL_AFTER_MS, kill_worker, self);
}

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  cancel_now (user_data);
}

/* The request is small against a pipe's buffer, but recipes may not be: written without waiting. */
static void
request_written (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GBytes) bytes = user_data;
  g_autoptr (GError) error = NULL;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, &error))
    g_debug ("The worker did not take its job: %s", error->message);
}

static gboolean
start_process (FwWorkerClient *self, const FwJob *job, GError **error)
{
  g_autofree char *program = fw_surroundings_find_worker ();
  g_autoptr (JsonNode) node = fw_job_to_json (job);
  g_autofree char *text = json_to_string (node, FALSE);
  GBytes *bytes;

  if (program == NULL)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_INTERNAL,
                           _ ("A part of Featherweight is missing from this computer."));
      return FALSE;
    }
  self->process = g_subprocess_new (G_SUBPROCESS_FLAGS_STDIN_PIPE | G_SUBPROCESS_FLAGS_STDOUT_PIPE,
                                    error, program, "worker", NULL);
  if (self->process == NULL)
    return FALSE;
  bytes = g_bytes_new_take (g_strconcat (text, "\n", NULL), strlen (text) + 1);
  g_output_stream_write_all_async (g_subprocess_get_stdin_pipe (self->process),
                                   g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes),
                                   G_PRIORITY_DEFAULT, NULL, request_written, bytes);
  return TRUE;
}

void
fw_worker_client_run_async (FwWorkerClient *self,
                            const FwJob *job,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_autoptr (GTask) outer = NULL;
  g_autoptr (GTask) reading = NULL;
  GError *error = NULL;
  Run *run;

  g_return_if_fail (FW_IS_WORKER_CLIENT (self));
  g_return_if_fail (job != NULL);
  g_return_if_fail (!self->started);

  self->started = TRUE;
  outer = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (outer, fw_worker_client_run_async);
  if (!start_process (self, job, &error))
    {
      g_task_return_error (outer, error);
      return;
    }

  run = g_new0 (Run, 1);
  run->client = g_object_ref (self);
  run->output = g_object_ref (g_subprocess_get_stdout_pipe (self->process));
  reading = g_task_new (self, NULL, reading_done, g_steal_pointer (&outer));
  g_task_set_task_data (reading, run, (GDestroyNotify) run_free);
  if (cancellable != NULL)
    run->cancelled_id = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), self, NULL);
  g_task_run_in_thread (reading, read_events);
}

JsonObject *
fw_worker_client_run_finish (FwWorkerClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (g_task_is_valid (result, self), NULL);

  return g_task_propagate_pointer (G_TASK (result), error);
}

JsonObject *
fw_worker_client_get_error_event (FwWorkerClient *self)
{
  g_return_val_if_fail (FW_IS_WORKER_CLIENT (self), NULL);

  return self->error_event;
}

static void
fw_worker_client_finalize (GObject *object)
{
  FwWorkerClient *self = FW_WORKER_CLIENT (object);

  g_clear_handle_id (&self->kill_source, g_source_remove);
  if (self->process != NULL && !self->finished)
    g_subprocess_force_exit (self->process);
  g_clear_object (&self->process);
  g_clear_pointer (&self->result, json_object_unref);
  g_clear_pointer (&self->error_event, json_object_unref);

  G_OBJECT_CLASS (fw_worker_client_parent_class)->finalize (object);
}

static void
fw_worker_client_class_init (FwWorkerClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = fw_worker_client_finalize;

  signals[EVENT] = g_signal_new ("event", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                 NULL, NULL, G_TYPE_NONE, 1, JSON_TYPE_OBJECT);
}

static void
fw_worker_client_init (FwWorkerClient *self)
{
}

FwWorkerClient *
fw_worker_client_new (void)
{
  return g_object_new (FW_TYPE_WORKER_CLIENT, NULL);
}
