/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fw-child.h"
#include "fw-command-line.h"
#include "fw-json.h"
#include "fw-report-text.h"
#include "fw-supervisor.h"
#include "fw-terminal.h"

/* The text face: what it has to remember between events. */
typedef struct
{
  const FwJob *job;
  FwTerminal *terminal;
  GPtrArray *changed;
} TextFace;

static const char *
phase_title (JsonObject *event)
{
  const char *name = fw_json_get_string (event, "phase", "");

  for (guint i = 0; i < FW_N_PHASES; i++)
    if (strcmp (name, fw_phase_get_name ((FwPhase) i)) == 0)
      return fw_phase_get_title ((FwPhase) i);
  return "";
}

static void
show_as_text (JsonObject *event, gpointer user_data)
{
  TextFace *self = user_data;
  const char *name = fw_json_get_string (event, "event", "");
  g_autofree char *text = NULL;

  if (strcmp (name, "phase") == 0)
    {
      fw_terminal_show (self->terminal, phase_title (event),
                        fw_json_get_number (event, "overall", 0),
                        fw_json_get_number (event, "eta_s", -1));
      return;
    }
  if (strcmp (name, "sample") == 0 && fw_json_get_boolean (event, "changed", FALSE))
    g_ptr_array_add (self->changed, g_strdup (fw_json_get_string (event, "name", "?")));

  if (strcmp (name, "result") == 0)
    {
      fw_terminal_clear (self->terminal);
      text = fw_report_text_result (self->job, event, self->changed);
      fputs (text, stdout);
    }
  else if (strcmp (name, "error") == 0 || strcmp (name, "warning") == 0)
    {
      fw_terminal_clear (self->terminal);
      text = fw_report_text_message (event);
      fputs (text, stderr);
    }
}

static void
show_as_json (JsonObject *event, gpointer user_data)
{
  fw_events_emit (user_data, fw_json_get_string (event, "event", "warning"),
                  json_object_ref (event));
}

static FwExit
run_with_text (const FwJob *job)
{
  g_autoptr (FwTerminal) terminal = fw_terminal_new (STDERR_FILENO);
  g_autoptr (GPtrArray) changed = g_ptr_array_new_with_free_func (g_free);
  TextFace face = { job, terminal, changed };

  return fw_supervisor_run (job, NULL, -1, show_as_text, &face);
}

static FwExit
run_with_json (const FwJob *job, FwLineReader *commands)
{
  g_autoptr (FwEvents) events = fw_events_new_for_fd (STDOUT_FILENO);

  return fw_supervisor_run (job, commands, STDIN_FILENO, show_as_json, events);
}

/* The history answers at once, but for a version that has to be made again. */
typedef struct
{
  FwHistoryRequest *request;
  FwTerminal *terminal;
} HistoryFace;

static void
show_history (JsonObject *event, gpointer user_data)
{
  HistoryFace *self = user_data;
  TextFace face = { .terminal = self->terminal };
  g_autofree char *text = NULL;

  if (strcmp (fw_json_get_string (event, "event", ""), "result") != 0)
    {
      show_as_text (event, &face);
      return;
    }
  fw_terminal_clear (self->terminal);
  text = fw_history_request_text (self->request, event);
  fputs (text, stdout);
}

static FwExit
run_history (FwHistoryRequest *request, gboolean json)
{
  if (json)
    {
      g_autoptr (FwEvents) events = fw_events_new_for_fd (STDOUT_FILENO);

      return fw_history_request_run (request, show_as_json, events);
    }
  else
    {
      g_autoptr (FwTerminal) terminal = fw_terminal_new (STDERR_FILENO);
      HistoryFace face = { request, terminal };

      return fw_history_request_run (request, show_history, &face);
    }
}

/* Wrong use: one line for people, and with --json the event as well. */
static FwExit
refuse (const GError *error, gboolean json)
{
  if (json)
    {
      g_autoptr (FwEvents) events = fw_events_new_for_fd (STDOUT_FILENO);

      fw_events_error (events, error);
    }
  else
    fprintf (stderr, "featherweight-cli: %s\n", error->message);
  return FW_EXIT_USAGE;
}

static FwExit
run_worker (void)
{
  g_autoptr (FwLineReader) commands = fw_line_reader_new (STDIN_FILENO, FW_JSON_MAX_BYTES);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (FwJob) job = NULL;
  const char *line;
  gsize length;

  if (fw_line_reader_wait (commands, &line, &length) != FW_LINE_READ)
    g_set_error (&error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no job on the first line."));
  else
    node = fw_json_parse (line, (gssize) length, &error);
  if (node != NULL)
    job = fw_job_from_json (node, &error);
  if (job == NULL)
    return refuse (error, TRUE);

  fw_supervisor_block_signals ();
  return run_with_json (job, commands);
}

static void
set_up (void)
{
  setlocale (LC_ALL, "");
  bindtextdomain (GETTEXT_PACKAGE, FW_LOCALE_DIR);
  bind_textdomain_codeset (GETTEXT_PACKAGE, "UTF-8");
  textdomain (GETTEXT_PACKAGE);
  g_set_prgname ("featherweight-cli");
  /* Standard output is for events and results alone. */
  g_log_writer_default_set_use_stderr (TRUE);
}

int
main (int argc, char **argv)
{
  g_autoptr (FwRequest) request = NULL;
  g_autoptr (GError) error = NULL;

  set_up ();
  if (argc == 2 && fw_child_is_verb (argv[1]))
    fw_child_main (argv[1]);

  request = fw_request_new ((const char *const *) argv, &error);
  if (error != NULL)
    return refuse (error, request->json);

  switch (request->kind)
    {
    case FW_REQUEST_TEXT:
      fputs (request->text, stdout);
      return FW_EXIT_RESULT;

    case FW_REQUEST_WORKER:
      return run_worker ();

    case FW_REQUEST_HISTORY:
      fw_supervisor_block_signals ();
      return run_history (request->history, request->json);

    case FW_REQUEST_JOB:
    default:
      fw_supervisor_block_signals ();
      return request->json ? run_with_json (request->job, NULL) : run_with_text (request->job);
    }
}
