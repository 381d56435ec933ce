/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-history-command.h"
#include "fw-json.h"
#include "fw-text-table.h"

#define WIDEST_NAME 28
#define WIDEST_NOTE 32

static char *
cut (const char *text, guint columns)
{
  g_autofree char *plain = fw_text_make_plain (text != NULL ? text : "");

  return fw_text_cut (plain, columns);
}

static double
get_figure (JsonObject *object, const char *group, const char *member)
{
  JsonObject *figures = fw_json_get_object (object, group);

  return figures != NULL ? fw_json_get_number (figures, member, NAN) : NAN;
}

static char *
format_same (JsonObject *object)
{
  double same = get_figure (object, "same", "fraction");

  return isfinite (same) ? g_strdup_printf ("%.0f %%", same * 100) : g_strdup ("–");
}

static char *
format_speed (JsonObject *object)
{
  double speedup = get_figure (object, "speedup", "median");

  return isfinite (speedup) ? g_strdup_printf ("%.1f ×", speedup) : g_strdup ("–");
}

static char *
format_size (JsonObject *object)
{
  double size = fw_json_get_number (object, "size_bytes", 0);

  return size >= 0 && size < 0x1p53 ? g_format_size ((guint64) size) : g_strdup ("–");
}

static char *
format_time (JsonObject *object, const char *member)
{
  g_autoptr (GTimeZone) zone = g_time_zone_new_utc ();
  const char *text = fw_json_get_string (object, member, NULL);
  g_autoptr (GDateTime) time = text != NULL ? g_date_time_new_from_iso8601 (text, zone) : NULL;
  g_autoptr (GDateTime) local = time != NULL ? g_date_time_to_local (time) : NULL;

  return local != NULL ? g_date_time_format (local, "%Y-%m-%d %H:%M") : g_strdup ("–");
}

static char *
format_version (JsonObject *version)
{
  int number = (int) fw_json_get_number (version, "number", 0);

  return number > 0 ? g_strdup_printf ("%d", number) : g_strdup (_ ("original"));
}

/* Said in words, not by a sign alone. */
static char *
format_remark (JsonObject *version)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new ();
  const char *note = fw_json_get_string (version, "note", NULL);
  g_autofree char *joined = NULL;

  if (fw_json_get_boolean (version, "in_use", FALSE))
    g_ptr_array_add (words, (char *) _ ("in use"));
  if (fw_json_get_boolean (version, "deleted", FALSE))
    g_ptr_array_add (words, (char *) _ ("deleted"));
  if (fw_json_get_string (version, "file", NULL) == NULL)
    g_ptr_array_add (words, (char *) _ ("file missing"));
  if (note != NULL)
    g_ptr_array_add (words, (char *) note);
  g_ptr_array_add (words, NULL);
  joined = g_strjoinv (", ", (char **) words->pdata);
  return cut (joined, WIDEST_NOTE);
}

static void
append_list (GString *text, JsonObject *result)
{
  const char *const titles[] = {
    _ (">Number"), _ ("Model"),         _ ("Version"), _ ("Made"), _ (">Size"),
    _ (">Speed"),  _ (">Same answers"), _ ("Remarks"), NULL,
  };
  g_autoptr (FwTextTable) table = fw_text_table_new (titles);
  JsonArray *versions = fw_json_get_array (result, "versions");
  guint n = versions != NULL ? json_array_get_length (versions) : 0;

  for (guint i = 0; i < n; i++)
    {
      JsonObject *version = json_array_get_object_element (versions, i);
      char **cells = g_new0 (char *, 9);

      cells[0] = g_strdup_printf ("%.0f", fw_json_get_number (version, "id", 0));
      cells[1] = cut (fw_json_get_string (version, "model", ""), WIDEST_NAME);
      cells[2] = format_version (version);
      cells[3] = format_time (version, "created");
      cells[4] = format_size (version);
      cells[5] = format_speed (version);
      cells[6] = format_same (version);
      cells[7] = format_remark (version);
      fw_text_table_add (table, cells);
    }
  if (n == 0)
    g_string_append (text, _ ("The history is empty: nothing was made smaller yet.\n"));
  else
    fw_text_table_append_to (table, text);
}

static void
append_line (GString *text, const char *title, const char *value)
{
  g_autofree char *plain = value != NULL ? fw_text_make_plain (value) : NULL;

  if (plain != NULL)
    g_string_append_printf (text, "%s: %s\n", title, plain);
}

static void
append_version (GString *text, JsonObject *version)
{
  g_autofree char *number = format_version (version);
  g_autofree char *name = cut (fw_json_get_string (version, "model", ""), WIDEST_NAME);
  g_autofree char *made = format_time (version, "created");
  g_autofree char *size = format_size (version);
  g_autofree char *speed = format_speed (version);
  g_autofree char *same = format_same (version);

  g_string_append_printf (text, _ ("%s, version %s\n"), name, number);
  append_line (text, _ ("Made"), made);
  append_line (text, _ ("Size"), size);
  if (fw_json_get_number (version, "number", 0) > 0)
    {
      append_line (text, _ ("Speed"), speed);
      append_line (text, _ ("Same answers"), same);
    }
  append_line (text, _ ("In use"),
               fw_json_get_boolean (version, "in_use", FALSE) ? _ ("yes") : _ ("no"));
  append_line (text, _ ("Note"), fw_json_get_string (version, "note", NULL));
  append_line (text, _ ("File"), fw_json_get_string (version, "file", _ ("missing")));
  append_line (text, "SHA-256", fw_json_get_string (version, "sha256", NULL));
}

static void
append_run (GString *text, JsonObject *run)
{
  JsonObject *preprocess = fw_json_get_object (run, "preprocess");
  g_autofree char *started = format_time (run, "started");

  append_line (text, _ ("Run started"), started);
  append_line (text, _ ("Processor"), fw_json_get_string (run, "cpu", NULL));
  append_line (text, "ONNX Runtime", fw_json_get_string (run, "runtime", NULL));
  append_line (text, "Featherweight", fw_json_get_string (run, "program", NULL));
  if (preprocess != NULL)
    append_line (text, _ ("Pictures prepared"),
                 fw_json_get_string (preprocess, "description", NULL));
}

static void
append_stops (GString *text, JsonArray *stops)
{
  const char *const titles[]
      = { _ (">Position"), _ (">Size"), _ (">Speed"), _ (">Same answers"), _ ("Kept as"), NULL };
  g_autoptr (FwTextTable) table = fw_text_table_new (titles);

  for (guint i = 0; i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);
      double kept = fw_json_get_number (stop, "version", 0);
      char **cells = g_new0 (char *, 6);

      cells[0] = g_strdup_printf ("%.0f", fw_json_get_number (stop, "position", 0));
      cells[1] = format_size (stop);
      cells[2] = format_speed (stop);
      cells[3] = format_same (stop);
      cells[4] = kept > 0 ? g_strdup_printf (_ ("number %.0f"), kept) : g_strdup ("");
      fw_text_table_add (table, cells);
    }
  g_string_append_printf (text, "\n%s\n", _ ("All that the run measured:"));
  fw_text_table_append_to (table, text);
}

static void
append_show (GString *text, JsonObject *result)
{
  JsonObject *original = fw_json_get_object (result, "original");
  JsonObject *run = fw_json_get_object (result, "run");
  JsonArray *stops = fw_json_get_array (result, "stops");

  append_version (text, fw_json_get_object (result, "version"));
  append_line (text, _ ("Original"), fw_json_get_string (original, "path", NULL));
  append_line (text, _ ("Last saved as"), fw_json_get_string (original, "saved_path", NULL));
  if (run != NULL)
    append_run (text, run);
  if (stops != NULL && json_array_get_length (stops) > 0)
    append_stops (text, stops);
}

static void
append_use (GString *text, JsonObject *result)
{
  JsonObject *version = fw_json_get_object (result, "version");
  g_autofree char *number = format_version (version);
  g_autofree char *name = cut (fw_json_get_string (version, "model", ""), WIDEST_NAME);
  g_autofree char *path = NULL;

  if (fw_json_get_number (version, "number", 0) > 0)
    g_string_append_printf (text, _ ("%s: version %s is in use now.\n"), name, number);
  else
    g_string_append_printf (text, _ ("%s: the original is in use now.\n"), name);
  if (fw_json_get_string (result, "path", NULL) == NULL)
    {
      g_string_append (text, _ ("No file was saved of it yet. Add “-o FILE.onnx” to save it.\n"));
      return;
    }
  path = fw_text_make_plain (fw_json_get_string (result, "path", NULL));
  g_string_append_printf (text, _ ("Saved as %s\n"), path);
  g_string_append_printf (text, _ ("To undo this: featherweight-cli history use %.0f\n"),
                          fw_json_get_number (result, "previous", 0));
}

char *
fw_history_request_text (FwHistoryRequest *self, JsonObject *result)
{
  GString *text = g_string_new (NULL);

  switch (self->verb)
    {
    case FW_HISTORY_VERB_LIST:
      append_list (text, result);
      break;
    case FW_HISTORY_VERB_SHOW:
      append_show (text, result);
      break;
    case FW_HISTORY_VERB_USE:
      append_use (text, result);
      break;
    case FW_HISTORY_VERB_NOTE:
      append_version (text, fw_json_get_object (result, "version"));
      break;
    case FW_HISTORY_VERB_DELETE:
      g_string_append_printf (
          text,
          _ ("Deleted. For a week, this brings it back: featherweight-cli history undelete "
             "%.0f\n"),
          fw_json_get_number (fw_json_get_object (result, "version"), "id", 0));
      break;
    case FW_HISTORY_VERB_UNDELETE:
    default:
      g_string_append (text, _ ("It is back.\n"));
      break;
    }
  return g_string_free (text, FALSE);
}
