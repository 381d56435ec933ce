/* SPDX-License-Identifier: GPL-3.0-or-later */

/* ONNX Runtime's profile: a JSON array with one object for each event, of which there can be
 * hundreds of thousands. It is taken apart into its objects here, so that only one of them is in
 * memory at a time. */

#include "config.h"

#include <errno.h>
#include <stdio.h>

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "fw-error.h"
#include "fw-latency.h"

#define MAX_EVENT (1 << 20)
#define MAX_DEPTH 16
#define MAX_FILE (G_GUINT64_CONSTANT (1) << 30)
#define SUFFIX "_kernel_time"

typedef struct
{
  GHashTable *runs;    /* name of node → GArray of double: seconds in each run */
  GHashTable *current; /* name of node → double *: seconds so far in this run */
  guint n_runs;
} Profile;

/* A node may run several times within one run, in the body of a loop. */
static void
add_kernel (Profile *self, const char *event_name, double seconds)
{
  g_autofree char *name = g_strndup (event_name, strlen (event_name) - strlen (SUFFIX));
  double *sum = g_hash_table_lookup (self->current, name);

  if (sum == NULL)
    {
      sum = g_new0 (double, 1);
      g_hash_table_insert (self->current, g_steal_pointer (&name), sum);
    }
  *sum += seconds;
}

static void
end_run (Profile *self)
{
  GHashTableIter iter;
  gpointer name, seconds;

  if (g_hash_table_size (self->current) == 0)
    return;

  /* The first run fills caches; it counts only where there is no other. */
  if (self->n_runs == 1)
    g_hash_table_remove_all (self->runs);
  self->n_runs++;

  g_hash_table_iter_init (&iter, self->current);
  while (g_hash_table_iter_next (&iter, &name, &seconds))
    {
      GArray *list = g_hash_table_lookup (self->runs, name);

      if (list == NULL)
        {
          list = g_array_new (FALSE, FALSE, sizeof (double));
          g_hash_table_insert (self->runs, g_strdup (name), list);
        }
      g_array_append_vals (list, seconds, 1);
    }
  g_hash_table_remove_all (self->current);
}

static gboolean
read_event (Profile *self, JsonParser *parser, GString *text)
{
  JsonObject *event;
  JsonNode *name_node, *duration_node;
  const char *name;

  if (!json_parser_load_from_data (parser, text->str, (gssize) text->len, NULL)
      || !JSON_NODE_HOLDS_OBJECT (json_parser_get_root (parser)))
    return FALSE;

  event = json_node_get_object (json_parser_get_root (parser));
  name_node = json_object_get_member (event, "name");
  duration_node = json_object_get_member (event, "dur");
  if (name_node == NULL || !JSON_NODE_HOLDS_VALUE (name_node) || duration_node == NULL
      || !JSON_NODE_HOLDS_VALUE (duration_node))
    return TRUE;

  name = json_node_get_string (name_node);
  if (name == NULL)
    return TRUE;
  if (g_str_equal (name, "model_run"))
    end_run (self);
  else if (g_str_has_suffix (name, SUFFIX))
    add_kernel (self, name, MAX (json_node_get_double (duration_node), 0) * 1e-6);
  return TRUE;
}

/* Cuts the array into its objects by counting brackets outside of strings. */
static gboolean
read_events (Profile *self, FILE *file)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean is_string = FALSE, is_escaped = FALSE;
  guint64 n_read = 0;
  guint depth = 0;
  int c;

  while ((c = getc_unlocked (file)) != EOF)
    {
      if (++n_read > MAX_FILE || text->len > MAX_EVENT)
        return FALSE;
      if (depth == 0 && c != '{')
        continue;
      g_string_append_c (text, (char) c);

      if (is_string)
        {
          if (c == '"' && !is_escaped)
            is_string = FALSE;
          is_escaped = c == '\\' && !is_escaped;
        }
      else if (c == '"')
        is_string = TRUE;
      else if (c == '{' || c == '[')
        {
          if (++depth > MAX_DEPTH)
            return FALSE;
        }
      else if ((c == '}' || c == ']') && --depth == 0)
        {
          if (!read_event (self, parser, text))
            return FALSE;
          g_string_truncate (text, 0);
        }
    }
  return depth == 0 && !ferror (file);
}

static GHashTable *
take_medians (Profile *self)
{
  GHashTable *medians = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->runs);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      GArray *list = value;
      double *median = g_new (double, 1);

      *median = fw_median ((const double *) list->data, list->len);
      g_hash_table_insert (medians, g_strdup (name), median);
    }
  return medians;
}

GHashTable *
fw_profile_read (const char *path, GError **error)
{
  g_autoptr (GHashTable) runs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_array_unref);
  g_autoptr (GHashTable) current = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Profile self = { runs, current, 0 };
  FILE *file = g_fopen (path, "rbe");
  gboolean is_good;

  if (file == NULL)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return NULL;
    }
  is_good = read_events (&self, file);
  fclose (file);
  if (!is_good)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED,
                           _ ("The times that ONNX Runtime took down could not be read."));
      return NULL;
    }
  end_run (&self);
  return take_medians (&self);
}
