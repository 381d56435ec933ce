/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-report-text.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-json.h"
#include "fw-text-table.h"

#define MAX_LAYERS 12
#define MAX_KEPT 5
#define MAX_CHANGED 20
#define MAX_OUTPUTS 5
/* Below this ratio a version counts as slower. */
#define NOT_SLOWER 0.97

static char *
not_measured (void)
{
  return g_strdup (_ ("not measured"));
}

static char *
describe_size (double bytes)
{
  return bytes >= 0 && bytes < 0x1p63 ? g_format_size ((guint64) bytes) : not_measured ();
}

static char *
describe_share (double part, double whole)
{
  double share = whole > 0 && part >= 0 ? part / whole : NAN;

  return share <= 1e6 ? g_strdup_printf (_ ("%.0f %%"), share * 100) : not_measured ();
}

static char *
describe_speedup (JsonObject *object)
{
  double ratio = fw_json_get_number (fw_json_get_object (object, "speedup"), "median", NAN);

  return ratio > 0 ? g_strdup_printf (_ ("%.1f ×"), ratio) : not_measured ();
}

/* "92–99 %", outwards to whole percent; NULL where there is none. */
static char *
describe_interval (JsonObject *object)
{
  double low = fw_json_get_number (object, "low", NAN);
  double high = fw_json_get_number (object, "high", NAN);

  if (!(low >= 0 && low <= high && high <= 1))
    return NULL;
  return g_strdup_printf (_ ("%.0f–%.0f %%"), floor (low * 100 + 1e-9), ceil (high * 100 - 1e-9));
}

static char *
describe_same (JsonObject *object)
{
  JsonObject *same = fw_json_get_object (object, "same");
  double n_same = fw_json_get_number (same, "same", -1);
  double total = fw_json_get_number (same, "total", -1);
  g_autofree char *interval = describe_interval (same);

  if (n_same < 0 || total < 1)
    return not_measured ();
  if (interval == NULL)
    return g_strdup_printf (_ ("%.0f of %.0f"), n_same, total);
  return g_strdup_printf (_ ("%.0f of %.0f (%s)"), n_same, total, interval);
}

static char *
describe_accuracy (JsonObject *object, const char *member)
{
  double top1 = fw_json_get_number (fw_json_get_object (object, member), "top1", NAN);

  return top1 >= 0 && top1 <= 1 ? g_strdup_printf (_ ("%.1f %%"), top1 * 100) : not_measured ();
}

static gboolean
is_general (JsonObject *result)
{
  return g_strcmp0 (fw_json_get_string (result, "task", NULL), "general") == 0;
}

/* "5–6-bit": what most of the weights are stored in. */
static char *
describe_bits (JsonObject *stop)
{
  JsonObject *bits = fw_json_get_object (stop, "bits");
  double low = fw_json_get_number (bits, "low", -1), high = fw_json_get_number (bits, "high", -1);

  if (!(low >= 1 && low <= high && high <= 64))
    return g_strdup ("");
  if (low == high)
    return g_strdup_printf (_ ("%.0f-bit"), low);
  return g_strdup_printf (_ ("%.0f–%.0f-bit"), low, high);
}

static char **
stop_cells (JsonObject *stop, double original, gboolean labels)
{
  double size = fw_json_get_number (stop, "size_bytes", -1);
  double whole = fw_json_get_number (stop, "original_size_bytes", original);
  GStrvBuilder *cells = g_strv_builder_new ();
  g_autofree char *position = NULL;
  g_autofree char *bytes = describe_size (size);
  g_autofree char *share = describe_share (size, whole);
  g_autofree char *speed = describe_speedup (stop);
  g_autofree char *same = describe_same (stop);
  g_autofree char *bits = describe_bits (stop);
  char **row;

  position = g_strdup_printf ("%.0f", fw_json_get_number (stop, "position", 0));
  g_strv_builder_add (cells, fw_json_get_boolean (stop, "recommended", FALSE) ? "★" : "");
  g_strv_builder_add_many (cells, position, bytes, share, bits, speed, same, NULL);
  if (labels)
    {
      g_autofree char *accuracy = describe_accuracy (stop, "accuracy");

      g_strv_builder_add (cells, accuracy);
    }
  row = g_strv_builder_end (cells);
  g_strv_builder_unref (cells);
  return row;
}

static void
append_stops (GString *text, JsonObject *result)
{
  const char *titles[] = { "",
                           _ (">Position"),
                           _ (">Size"),
                           _ (">Of original"),
                           _ (">Stored as"),
                           _ (">Speed"),
                           _ (">Same answers"),
                           NULL,
                           NULL };
  JsonArray *stops = fw_json_get_array (result, "stops");
  gboolean labels = fw_json_get_object (result, "original_accuracy") != NULL;
  double original = fw_json_get_number (result, "original_size_bytes", -1);
  g_autoptr (FwTextTable) table = NULL;
  guint n = stops != NULL ? json_array_get_length (stops) : 0;

  if (n == 0)
    return;
  if (is_general (result))
    titles[6] = _ (">Nearly the same");
  if (labels)
    titles[7] = _ (">Right answers");
  table = fw_text_table_new (titles);
  for (guint i = 0; i < n; i++)
    {
      JsonNode *node = json_array_get_element (stops, i);

      if (JSON_NODE_HOLDS_OBJECT (node))
        fw_text_table_add (table, stop_cells (json_node_get_object (node), original, labels));
    }
  fw_text_table_append_to (table, text);
  g_string_append_c (text, '\n');
}

/* "1.9 times as fast": a clause for a sentence. */
static char *
speed_clause (JsonObject *object)
{
  double ratio = fw_json_get_number (fw_json_get_object (object, "speedup"), "median", NAN);

  if (!(ratio > 0))
    return g_strdup (_ ("speed not measured"));
  if (ratio < NOT_SLOWER)
    return g_strdup_printf (_ ("slower: each answer takes %.1f times as long"), 1 / ratio);
  if (ratio < 1.05)
    return g_strdup (_ ("as fast"));
  return g_strdup_printf (_ ("%.1f times as fast"), ratio);
}

static char *
same_clause (JsonObject *object)
{
  g_autofree char *same = NULL;
  JsonObject *figures = fw_json_get_object (object, "same");
  g_autofree char *interval = describe_interval (figures);
  double n_same = fw_json_get_number (figures, "same", -1);
  double total = fw_json_get_number (figures, "total", -1);

  if (n_same < 0 || total < 1)
    return g_strdup (_ ("answers not compared"));
  same = is_general (object)
             ? g_strdup_printf (_ ("%.0f of %.0f samples come out nearly the same"), n_same, total)
             : g_strdup_printf (_ ("%.0f of %.0f answers the same"), n_same, total);
  return interval != NULL ? g_strdup_printf ("%s (%s)", same, interval) : g_steal_pointer (&same);
}

static void
append_figures (GString *text, JsonObject *result, const char *lead)
{
  g_autofree char *size = describe_size (fw_json_get_number (result, "size_bytes", -1));
  g_autofree char *original
      = describe_size (fw_json_get_number (result, "original_size_bytes", -1));
  g_autofree char *speed = speed_clause (result);
  g_autofree char *same = same_clause (result);

  g_string_append_printf (text, _ ("%s: %s instead of %s, %s, %s."), lead, size, original, speed,
                          same);
  g_string_append_c (text, '\n');
  if (fw_json_get_object (result, "accuracy") != NULL)
    {
      g_autofree char *right = describe_accuracy (result, "accuracy");
      g_autofree char *before = describe_accuracy (result, "original_accuracy");
      g_autofree char *interval = describe_interval (fw_json_get_object (result, "accuracy"));

      if (interval != NULL)
        g_string_append_printf (text,
                                _ ("By your labels, %s of its answers are right (%s); "
                                   "of the original’s, %s."),
                                right, interval, before);
      else
        g_string_append_printf (text,
                                _ ("By your labels, %s of its answers are right; "
                                   "of the original’s, %s."),
                                right, before);
      g_string_append_c (text, '\n');
    }
}

/* How far outputs are apart, for models without answers by name. The error is one of power; people
 * think of how far numbers are off. */
static void
append_errors (GString *text, JsonObject *result)
{
  JsonArray *outputs = fw_json_get_array (result, "output_error");
  JsonObject *worst = fw_json_get_object (result, "worst_sample");

  for (guint i = 0; outputs != NULL && i < MIN (json_array_get_length (outputs), MAX_OUTPUTS); i++)
    {
      JsonNode *node = json_array_get_element (outputs, i);
      JsonObject *output = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      g_autofree char *name = fw_text_make_plain (fw_json_get_string (output, "name", "?"));
      const double error = fw_json_get_number (output, "error", NAN);

      if (error >= 0)
        g_string_append_printf (text, _ ("Its output “%s” is off by %.2f %% on average.\n"), name,
                                100 * sqrt (error));
    }
  if (worst != NULL && fw_json_get_number (worst, "error", -1) > 0)
    {
      g_autofree char *name = fw_text_make_plain (fw_json_get_string (worst, "name", "?"));

      g_string_append_printf (text, _ ("It is farthest off for “%s”: by %.2f %%.\n"), name,
                              100 * sqrt (fw_json_get_number (worst, "error", 0)));
    }
}

static void
append_costs (GString *text, JsonObject *result)
{
  double now = fw_json_get_number (fw_json_get_object (result, "latency_ms"), "median", NAN);
  double before
      = fw_json_get_number (fw_json_get_object (result, "original_latency_ms"), "median", NAN);
  double memory = fw_json_get_number (result, "peak_rss_bytes", -1);
  double original = fw_json_get_number (result, "original_peak_rss_bytes", -1);

  if (now > 0 && before > 0 && MIN (now, before) < 0.1)
    g_string_append_printf (text, _ ("An answer takes %.4f ms here instead of %.4f ms.\n"), now,
                            before);
  else if (now > 0 && before > 0)
    g_string_append_printf (text, _ ("An answer takes %.2f ms here instead of %.2f ms.\n"), now,
                            before);
  if (fw_json_get_boolean (result, "latency_is_rough", FALSE))
    g_string_append (text, _ ("The computer was busy with other things meanwhile: times are rough. "
                              "For better ones, try again when it is at rest.\n"));
  if (memory > 0 && original > 0)
    {
      g_autofree char *after = describe_size (memory);
      g_autofree char *first = describe_size (original);

      g_string_append_printf (text, _ ("It takes %s of memory instead of %s.\n"), after, first);
    }
  else if (json_object_has_member (result, "peak_rss_bytes"))
    g_string_append (text, _ ("Its memory was not measured.\n"));
}

static void
append_samples (GString *text, JsonObject *result)
{
  double calibration = fw_json_get_number (result, "calibration_samples", -1);
  double test = fw_json_get_number (result, "test_samples", -1);
  double choosing = fw_json_get_number (result, "choosing_samples", 0);
  const char *preprocess = fw_json_get_string (result, "preprocess", NULL);
  JsonObject *details = fw_json_get_object (result, "preprocess");

  if (calibration >= 0 && test >= 0)
    g_string_append_printf (
        text, _ ("Measured on %.0f of your samples; %.0f others were used to make it.\n"), test,
        calibration + choosing);
  if (preprocess == NULL)
    preprocess
        = fw_json_get_string (details, "description", fw_json_get_string (details, "name", NULL));
  if (preprocess != NULL)
    {
      g_autofree char *plain = fw_text_make_plain (preprocess);

      g_string_append_printf (text, _ ("Pictures were prepared so: %s.\n"), plain);
    }
}

/* Times of this computer say nothing about another one. */
static void
append_target (GString *text, JsonObject *result)
{
  const char *target = fw_json_get_string (result, "target", "");

  if (strcmp (target, "phone") == 0)
    g_string_append (text, _ ("Made for a phone. Its speed there was not measured: the share of "
                              "calculations done in 8 bits was taken for it.\n"));
  else if (strcmp (target, "older-computer") == 0)
    g_string_append (text, _ ("Made for older computers, where it gives these very answers. Its "
                              "speed there was not measured: the share of calculations done in 8 "
                              "bits was taken for it.\n"));
}

static void
append_kept (GString *text, JsonObject *result)
{
  JsonArray *kept = fw_json_get_array (result, "kept_float");
  guint n = kept != NULL ? json_array_get_length (kept) : 0;

  if (n == 0)
    return;
  g_string_append_printf (text,
                          g_dngettext (GETTEXT_PACKAGE, "%u part was left precise:\n",
                                       "%u parts were left precise:\n", n),
                          n);
  for (guint i = 0; i < MIN (n, MAX_KEPT); i++)
    {
      JsonNode *node = json_array_get_element (kept, i);
      JsonObject *layer = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      g_autofree char *name = fw_text_make_plain (fw_json_get_string (layer, "layer", "?"));
      g_autofree char *reason = fw_text_make_plain (fw_json_get_string (layer, "reason", ""));
      g_autofree char *cut = fw_text_cut (name, 40);

      g_string_append_printf (text, "  %s: %s\n", cut, reason);
    }
  if (n > MAX_KEPT)
    g_string_append_printf (text, _ ("  and %u more\n"), n - MAX_KEPT);
}

static void
append_warnings (GString *text, JsonObject *result)
{
  JsonArray *warnings = fw_json_get_array (result, "warnings");

  for (guint i = 0; warnings != NULL && i < json_array_get_length (warnings); i++)
    {
      JsonNode *node = json_array_get_element (warnings, i);
      g_autofree char *message = NULL;

      if (!JSON_NODE_HOLDS_OBJECT (node))
        continue;
      message
          = fw_text_make_plain (fw_json_get_string (json_node_get_object (node), "message", ""));
      g_string_append_printf (text, _ ("Note: %s\n"), message);
    }
}

static void
append_place (GString *text, const FwJob *job, JsonObject *result)
{
  const char *path = fw_json_get_string (result, "path", NULL);
  gint64 version = (gint64) fw_json_get_number (result, "version", 0);

  if (version != 0)
    g_string_append_printf (text,
                            _ ("Kept in the history as number %" G_GINT64_FORMAT "."
                               " See “featherweight-cli history list”.\n"),
                            version);
  if (path != NULL && (version == 0 || job->output != NULL || job->out_dir != NULL))
    {
      g_autofree char *plain = fw_text_make_plain (path);

      g_string_append_printf (text, _ ("Saved as %s\n"), plain);
    }
  else if (job->command == FW_COMMAND_SHRINK && version == 0)
    g_string_append (text,
                     _ ("Nothing was saved. Add “-o FILE.onnx” to keep the smaller model.\n"));
}

static void
append_shrink (GString *text, const FwJob *job, JsonObject *result)
{
  gboolean recommended = fw_json_get_boolean (result, "recommended", FALSE);

  append_stops (text, result);
  if (json_object_has_member (result, "size_bytes"))
    {
      append_figures (text, result, recommended ? _ ("Recommended") : _ ("Chosen"));
      append_errors (text, result);
      append_costs (text, result);
    }
  append_samples (text, result);
  append_target (text, result);
  append_kept (text, result);
  append_warnings (text, result);
  append_place (text, job, result);
}

static void
append_compare (GString *text, JsonObject *result, GPtrArray *changed)
{
  append_figures (text, result, _ ("The other model"));
  append_errors (text, result);
  append_costs (text, result);
  append_samples (text, result);
  append_warnings (text, result);
  if (changed == NULL || changed->len == 0)
    return;
  g_string_append_printf (text,
                          g_dngettext (GETTEXT_PACKAGE, "Another answer for %u sample:\n",
                                       "Another answer for %u samples:\n", changed->len),
                          changed->len);
  for (guint i = 0; i < MIN (changed->len, MAX_CHANGED); i++)
    {
      g_autofree char *plain = fw_text_make_plain (changed->pdata[i]);

      g_string_append_printf (text, "  %s\n", plain);
    }
  if (changed->len > MAX_CHANGED)
    g_string_append_printf (text, _ ("  and %u more\n"), changed->len - MAX_CHANGED);
}

/* "input: float32, 1 × 3 × 224 × 224" */
static void
append_values (GString *text, const char *title, JsonArray *values)
{
  for (guint i = 0; values != NULL && i < json_array_get_length (values); i++)
    {
      JsonNode *node = json_array_get_element (values, i);
      JsonObject *value = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      g_autofree char *name = fw_text_make_plain (fw_json_get_string (value, "name", "?"));
      g_autofree char *type = fw_text_make_plain (fw_json_get_string (value, "type", ""));
      JsonArray *dims = fw_json_get_array (value, "dims");

      if (dims == NULL)
        dims = fw_json_get_array (value, "shape");
      g_string_append_printf (text, "%s: %s  %s", title, name, type);
      for (guint j = 0; dims != NULL && j < json_array_get_length (dims); j++)
        {
          JsonNode *dim = json_array_get_element (dims, j);
          gint64 n = JSON_NODE_HOLDS_VALUE (dim) ? json_node_get_int (dim) : -1;

          g_string_append (text, j == 0 ? " " : " × ");
          if (n >= 0)
            g_string_append_printf (text, "%" G_GINT64_FORMAT, n);
          else
            g_string_append (text, "?");
        }
      g_string_append_c (text, '\n');
    }
}

static double
layer_bytes (JsonArray *layers, guint index)
{
  JsonNode *node = json_array_get_element (layers, index);

  return JSON_NODE_HOLDS_OBJECT (node)
             ? fw_json_get_number (json_node_get_object (node), "bytes", 0)
             : 0;
}

static int
compare_layers (gconstpointer a, gconstpointer b, gpointer user_data)
{
  double first = layer_bytes (user_data, *(const guint *) a);
  double second = layer_bytes (user_data, *(const guint *) b);

  return (second > first) - (second < first);
}

/* The layers with the most bytes: where there is something to gain. */
static void
append_layers (GString *text, JsonObject *result)
{
  const char *titles[] = { _ ("Layer"), _ ("Kind"), _ (">Size"), _ (">Parameters"), NULL };
  JsonArray *layers = fw_json_get_array (result, "layers");
  guint n = layers != NULL ? json_array_get_length (layers) : 0;
  g_autofree guint *order = g_new0 (guint, n + 1);
  g_autoptr (FwTextTable) table = fw_text_table_new (titles);

  for (guint i = 0; i < n; i++)
    order[i] = i;
  g_qsort_with_data (order, (int) n, sizeof *order, compare_layers, layers);
  for (guint i = 0; i < MIN (n, MAX_LAYERS) && layer_bytes (layers, order[i]) > 0; i++)
    {
      JsonObject *layer = json_array_get_object_element (layers, order[i]);
      g_autofree char *parameters
          = g_strdup_printf ("%'.0f", fw_json_get_number (layer, "parameters", 0));
      g_autofree char *size = describe_size (layer_bytes (layers, order[i]));
      const char *cells[] = { fw_json_get_string (layer, "name", ""),
                              fw_json_get_string (layer, "op", ""), size, parameters, NULL };

      fw_text_table_add (table, g_strdupv ((char **) cells));
    }
  if (fw_text_table_get_n_rows (table) == 0)
    return;
  g_string_append_c (text, '\n');
  fw_text_table_append_to (table, text);
  if (n > MAX_LAYERS)
    g_string_append_printf (text, _ ("and %u more\n"), n - MAX_LAYERS);
  g_string_append_c (text, '\n');
}

static void
append_inspect (GString *text, JsonObject *result)
{
  g_autofree char *description
      = fw_text_make_plain (fw_json_get_string (result, "description", ""));
  g_autofree char *size = describe_size (fw_json_get_number (result, "size_bytes", -1));
  g_autofree char *producer = fw_text_make_plain (fw_json_get_string (result, "producer", ""));
  g_autofree char *reason = fw_text_make_plain (fw_json_get_string (result, "reason", ""));

  if (description[0] != '\0')
    g_string_append_printf (text, "%s\n", description);
  g_string_append_printf (text, _ ("Size: %s, %'.0f parameters, ONNX opset %.0f\n"), size,
                          fw_json_get_number (result, "parameters", 0),
                          fw_json_get_number (result, "opset", 0));
  if (producer[0] != '\0')
    g_string_append_printf (text, _ ("Made by: %s\n"), producer);
  append_values (text, _ ("Input"), fw_json_get_array (result, "inputs"));
  append_values (text, _ ("Output"), fw_json_get_array (result, "outputs"));
  append_layers (text, result);
  if (fw_json_get_boolean (result, "can_shrink", FALSE))
    g_string_append (text, _ ("It can be made smaller.\n"));
  else
    g_string_append (text, _ ("It can’t be made smaller.\n"));
  if (reason[0] != '\0')
    g_string_append_printf (text, "%s\n", reason);
}

static void
append_ort (GString *text, JsonObject *result)
{
  JsonObject *ort = fw_json_get_object (result, "ort");
  g_autofree char *reason = fw_text_make_plain (fw_json_get_string (result, "ort_reason", ""));

  if (fw_json_get_boolean (result, "has_ort", FALSE))
    {
      g_autofree char *same = describe_same (ort);

      g_string_append_printf (
          text, _ ("The form for phones gives the same answers as this model for: %s\n"), same);
    }
  else if (reason[0] != '\0')
    g_string_append_printf (text, _ ("There is no .ort file in it. %s\n"), reason);
}

static void
append_export (GString *text, const FwJob *job, JsonObject *result)
{
  g_autofree char *path = fw_text_make_plain (fw_json_get_string (result, "path", ""));
  g_autofree char *size = describe_size (fw_json_get_number (result, "size_bytes", -1));
  g_autofree char *how = fw_text_make_plain (
      fw_json_get_string (fw_json_get_object (result, "preprocess"), "description", ""));

  if (job->target == FW_TARGET_FILE)
    {
      g_string_append_printf (text, _ ("Saved as %s (%s), read back and run.\n"), path, size);
      return;
    }
  g_string_append_printf (text, _ ("Packed into %s (%s), unpacked again, checked and run.\n"), path,
                          size);
  append_ort (text, result);
  if (how[0] != '\0')
    g_string_append_printf (text, _ ("Pictures are prepared so: %s\n"), how);
  if (fw_json_get_boolean (result, "golden_noise", FALSE))
    g_string_append (text, _ ("Without samples, its inputs to try are noise.\n"));
  if (!fw_json_get_boolean (result, "labels_known", TRUE))
    g_string_append (text, _ ("No names of classes were found; labels.txt holds numbers.\n"));
}

char *
fw_report_text_result (const FwJob *job, JsonObject *result, GPtrArray *changed)
{
  GString *text = g_string_new (NULL);

  switch (job->command)
    {
    case FW_COMMAND_INSPECT:
      append_inspect (text, result);
      break;
    case FW_COMMAND_COMPARE:
      append_compare (text, result, changed);
      break;
    case FW_COMMAND_EXPORT:
      append_export (text, job, result);
      break;
    case FW_COMMAND_SHRINK:
    case FW_COMMAND_PATH:
    default:
      append_shrink (text, job, result);
      break;
    }
  return g_string_free (text, FALSE);
}

char *
fw_report_text_message (JsonObject *event)
{
  gboolean is_error = strcmp (fw_json_get_string (event, "event", ""), "error") == 0;
  g_autofree char *message = fw_text_make_plain (fw_json_get_string (event, "message", ""));
  const char *hint = fw_json_get_string (event, "hint", NULL);
  g_autofree char *line = NULL;

  line = g_strdup_printf (is_error ? _ ("Error: %s") : _ ("Warning: %s"), message);
  if (hint == NULL || hint[0] == '\0')
    return g_strconcat (line, "\n", NULL);
  else
    {
      g_autofree char *plain = fw_text_make_plain (hint);
      g_autofree char *second = g_strdup_printf (_ ("Hint: %s"), plain);

      return g_strconcat (line, "\n", second, "\n", NULL);
    }
}
