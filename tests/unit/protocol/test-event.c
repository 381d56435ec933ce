/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "fw-eta.h"
#include "fw-event.h"
#include "fw-json.h"

static void
collect (JsonObject *event, gpointer user_data)
{
  g_ptr_array_add (user_data, json_object_ref (event));
}

static GPtrArray *
new_collection (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
}

static void
test_messages (void)
{
  g_autoptr (GPtrArray) seen = new_collection ();
  g_autoptr (FwEvents) events = fw_events_new (collect, seen);
  g_autoptr (GError) error
      = g_error_new_literal (FW_ERROR, FW_ERROR_DAMAGED_MODEL, "The model is cut off.");
  g_autoptr (GError) cancelled = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED, "Stop");

  fw_events_warning (events, FW_ERROR_FEW_SAMPLES, "Only 12 pictures.");
  fw_events_error (events, error);
  fw_events_error (events, cancelled);

  g_assert_cmpuint (seen->len, ==, 3);
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[0], "event"), ==, "warning");
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[0], "message"), ==,
                   "Only 12 pictures.");
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[0], "code"), ==,
                   fw_error_get_name (FW_ERROR_FEW_SAMPLES));
  g_assert_true (json_object_has_member (seen->pdata[0], "hint"));
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[1], "event"), ==, "error");
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[1], "code"), ==,
                   fw_error_get_name (FW_ERROR_DAMAGED_MODEL));
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[2], "code"), ==,
                   fw_error_get_name (FW_ERROR_CANCELLED));
}

static void
test_phases (void)
{
  g_autoptr (GPtrArray) seen = new_collection ();
  g_autoptr (FwEvents) events = fw_events_new (collect, seen);
  double overall = 0;

  for (guint phase = 0; phase < FW_N_PHASES; phase++)
    for (guint i = 0; i <= 1000; i++)
      fw_events_phase (events, (FwPhase) phase, i / 1000.0);
  fw_events_phase (events, FW_PHASE_KEEP, 1);

  /* First and last of each phase always; hardly any between, as no time passes. */
  g_assert_cmpuint (seen->len, >=, 2 * FW_N_PHASES);
  g_assert_cmpuint (seen->len, <, 4 * FW_N_PHASES);
  for (guint i = 0; i < seen->len; i++)
    {
      double here = json_object_get_double_member (seen->pdata[i], "overall");

      g_assert_cmpfloat (here, >=, overall);
      overall = here;
    }
  g_assert_cmpfloat_with_epsilon (overall, 1, 1e-9);
  g_assert_cmpstr (json_object_get_string_member (seen->pdata[0], "phase"), ==, "inspect");
  g_assert_cmpfloat (json_object_get_double_member (seen->pdata[0], "fraction"), ==, 0);
}

static void
test_phases_backwards (void)
{
  g_autoptr (GPtrArray) seen = new_collection ();
  g_autoptr (FwEvents) events = fw_events_new (collect, seen);

  fw_events_phase (events, FW_PHASE_MEASURE, 0.5);
  fw_events_phase (events, FW_PHASE_RANK, 0.1);
  fw_events_phase (events, FW_PHASE_MEASURE, NAN);
  fw_events_phase (events, FW_PHASE_MEASURE, 7);
  for (guint i = 1; i < seen->len; i++)
    {
      double fraction = json_object_get_double_member (seen->pdata[i], "fraction");

      g_assert_cmpfloat (json_object_get_double_member (seen->pdata[i], "overall"), >=,
                         json_object_get_double_member (seen->pdata[i - 1], "overall"));
      g_assert_true (fraction >= 0 && fraction <= 1);
    }
}

/* A job whose phases take as long as their shares say: the estimate has to be right. */
static void
test_eta_steady (void)
{
  FwEta eta = { 0 };
  const double total = 40;
  double start = 0;

  g_assert_cmpfloat (fw_eta_get_seconds (&eta, 0), ==, -1);
  for (guint phase = 0; phase < FW_N_PHASES; phase++)
    {
      double share = fw_eta_get_share ((FwPhase) phase);

      for (guint i = 0; i <= 100; i++)
        {
          double now = start + share * total * i / 100;

          fw_eta_update (&eta, (FwPhase) phase, i / 100.0, (gint64) (now * 1e6));
          g_assert_cmpfloat_with_epsilon (eta.overall, now / total, 1e-5);
          if (now > 1)
            g_assert_cmpfloat_with_epsilon (fw_eta_get_seconds (&eta, (gint64) (now * 1e6)),
                                            total - now, 0.5);
        }
      start += share * total;
    }
  g_assert_cmpfloat_with_epsilon (start, total, 1e-9);
}

/* A phase that turns out ten times as slow as its share: the estimate has to learn it. */
static void
test_eta_learns (void)
{
  FwEta eta = { 0 };
  double before, after;

  fw_eta_update (&eta, FW_PHASE_CALIBRATE, 0, 0);
  fw_eta_update (&eta, FW_PHASE_RANK, 0, 2 * G_USEC_PER_SEC);
  for (guint i = 0; i <= 50; i++)
    fw_eta_update (&eta, FW_PHASE_RANK, i / 100.0, (2 + i) * G_USEC_PER_SEC);
  before = fw_eta_get_seconds (&eta, 52 * G_USEC_PER_SEC);
  /* 50 seconds of this phase are left, and more phases. */
  g_assert_cmpfloat (before, >, 50);
  g_assert_cmpfloat (before, <, 400);
  for (guint i = 50; i <= 100; i++)
    fw_eta_update (&eta, FW_PHASE_RANK, i / 100.0, (2 + i) * G_USEC_PER_SEC);
  after = fw_eta_get_seconds (&eta, 102 * G_USEC_PER_SEC);
  g_assert_cmpfloat (after, <, before);

  /* An earlier phase changes nothing. */
  before = eta.overall;
  fw_eta_update (&eta, FW_PHASE_INSPECT, 0.5, 103 * G_USEC_PER_SEC);
  g_assert_cmpfloat (eta.overall, ==, before);
  g_assert_cmpint (eta.phase, ==, FW_PHASE_RANK);
}

static void
test_lines (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) event = NULL;
  g_autoptr (FwEvents) events = NULL;
  JsonObject *fields = json_object_new ();
  g_autofree char *text = NULL;
  char buffer[1024] = "";
  int fds[2];
  gssize n;

  g_assert_cmpint (pipe (fds), ==, 0);
  events = fw_events_new_for_fd (fds[1]);
  json_object_set_string_member (fields, "name", "two\nlines \xff");
  json_object_set_double_member (fields, "share", NAN);
  json_object_set_double_member (fields, "exact", 0.1);
  json_object_set_string_member (fields, "event", "phase");
  fw_events_emit (events, "sample", fields);
  n = read (fds[0], buffer, sizeof buffer - 1);

  g_assert_cmpint (n, >, 0);
  g_assert_true (g_str_has_prefix (buffer, "{\"event\":\"sample\","));
  g_assert_true (strchr (buffer, '\n') == buffer + n - 1);
  event = fw_event_parse (buffer, n, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (event, "name"), ==, "two\nlines \xef\xbf\xbd");
  g_assert_true (json_object_get_null_member (event, "share"));
  g_assert_cmpfloat (json_object_get_double_member (event, "exact"), ==, 0.1);
  close (fds[0]);
  close (fds[1]);
}

/* Nobody reads: no signal, no hang, and not a word more. */
static void
test_broken_pipe (void)
{
  g_autoptr (FwEvents) events = NULL;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  close (fds[0]);
  events = fw_events_new_for_fd (fds[1]);
  for (guint i = 0; i < 10; i++)
    fw_events_warning (events, FW_ERROR_FEW_SAMPLES, "x");
  close (fds[1]);
}

/* A line longer than a pipe holds, into a descriptor that does not wait. */
static gpointer
read_all (gpointer data)
{
  GString *text = g_string_new (NULL);
  char buffer[777];
  gssize n;

  while ((n = read (GPOINTER_TO_INT (data), buffer, sizeof buffer)) > 0)
    {
      g_string_append_len (text, buffer, n);
      if (text->len < 5000)
        g_usleep (1000);
    }
  return text;
}

static void
test_long_line (void)
{
  g_autoptr (FwEvents) events = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) event = NULL;
  JsonObject *fields = json_object_new ();
  g_autofree char *filler = g_strnfill (1000000, 'x');
  GString *text;
  GThread *reader;
  int fds[2];

  g_assert_cmpint (pipe (fds), ==, 0);
  g_assert_cmpint (fcntl (fds[1], F_SETFL, O_NONBLOCK), ==, 0);
  reader = g_thread_new ("reader", read_all, GINT_TO_POINTER (fds[0]));
  events = fw_events_new_for_fd (fds[1]);
  json_object_set_string_member (fields, "filler", filler);
  fw_events_emit (events, "result", fields);
  close (fds[1]);
  text = g_thread_join (reader);
  event = fw_event_parse (text->str, text->len, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (event, "filler"), ==, filler);
  g_string_free (text, TRUE);
  close (fds[0]);
}

static void
test_not_events (void)
{
  static const char *const lines[] = {
    "",
    "\n",
    "null",
    "7",
    "\"event\"",
    "[]",
    "{}",
    "{\"event\":null}",
    "{\"event\":7}",
    "{\"event\":\"party\"}",
    "{\"event\":\"phase\"",
    "{\"event\":\"phase\"} x",
    "{\"event\":\"phase\"}{\"event\":\"phase\"}",
    "{\"event\":{\"event\":\"phase\"}}",
    "{'event':'phase'}",
    "{\"event\":\"ph\xff"
    "ase\"}",
    "/* */{\"event\":\"phase\"}",
    "{/* \" */ \"event\":\"phase\"}",
    "{\"event\":\"phase\",\"a\":}",
    "{\"event\" \"phase\"}",
    "{\"event\":\"phase\",\"a\":\"\n\"}",
    "{\"event\":\"phase\\",
    "}",
    "]]]]",
    "{]",
  };

  for (guint i = 0; i < G_N_ELEMENTS (lines); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (fw_event_parse (lines[i], -1, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
}

static void
test_bounds (void)
{
  g_autoptr (GString) deep = g_string_new ("{\"event\":\"result\",\"a\":");
  g_autoptr (GString) wide = g_string_new ("{\"event\":\"result\",\"a\":[");
  g_autoptr (GString) fits = g_string_new ("{\"event\":\"result\",\"a\":");
  g_autoptr (JsonObject) event = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *huge = g_malloc (FW_JSON_MAX_BYTES + 1);

  for (guint i = 0; i < 5000000; i++)
    g_string_append_c (deep, '[');
  g_assert_null (fw_event_parse (deep->str, deep->len, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
  g_clear_error (&error);

  for (guint i = 0; i <= FW_JSON_MAX_VALUES; i++)
    g_string_append (wide, "1,");
  g_string_append (wide, "1]}");
  g_assert_null (fw_event_parse (wide->str, wide->len, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
  g_clear_error (&error);

  memset (huge, ' ', FW_JSON_MAX_BYTES + 1);
  memcpy (huge, "{\"event\":\"phase\"}", 17);
  g_assert_null (fw_event_parse (huge, FW_JSON_MAX_BYTES + 1, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
  g_clear_error (&error);

  for (guint i = 0; i < FW_JSON_MAX_DEPTH - 1; i++)
    g_string_append_c (fits, '[');
  for (guint i = 0; i < FW_JSON_MAX_DEPTH - 1; i++)
    g_string_append_c (fits, ']');
  g_string_append_c (fits, '}');
  event = fw_event_parse (fits->str, fits->len, &error);
  g_assert_no_error (error);
  g_assert_nonnull (event);
}

/* Whatever is cut or altered: an event or an error, no crash. */
static void
test_fuzz (void)
{
  static const char line[]
      = "{\"event\":\"stop\",\"position\":72,\"a\":[1,-2.5e3,\"\\u00e9\\n\",null,"
        "true],\"b\":{\"c\":{}}}";
  static const char alphabet[] = "{}[]:,\"\\/*'#0e-.\n\0x\xff";

  for (guint i = 0; i < sizeof line - 1; i++)
    {
      g_autoptr (JsonObject) cut = fw_event_parse (line, i, NULL);

      g_assert_null (cut);
      for (guint j = 0; j < sizeof alphabet - 1; j++)
        {
          g_autofree char *copy = g_memdup2 (line, sizeof line);
          g_autoptr (GError) error = NULL;
          g_autoptr (JsonObject) event = NULL;

          copy[i] = alphabet[j];
          event = fw_event_parse (copy, sizeof line - 1, &error);
          g_assert_true ((event == NULL) == (error != NULL));
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/event/messages", test_messages);
  g_test_add_func ("/event/phases", test_phases);
  g_test_add_func ("/event/phases-backwards", test_phases_backwards);
  g_test_add_func ("/event/eta-steady", test_eta_steady);
  g_test_add_func ("/event/eta-learns", test_eta_learns);
  g_test_add_func ("/event/lines", test_lines);
  g_test_add_func ("/event/broken-pipe", test_broken_pipe);
  g_test_add_func ("/event/long-line", test_long_line);
  g_test_add_func ("/event/not-events", test_not_events);
  g_test_add_func ("/event/bounds", test_bounds);
  g_test_add_func ("/event/fuzz", test_fuzz);
  return g_test_run ();
}
