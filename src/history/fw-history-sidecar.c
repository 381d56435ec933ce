/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Beside each model lies a description of all that names it:
 *
 *   {"featherweight-history": 1, "written": microseconds since 1970,
 *    "entries": [{"original": {…}, "run": {…}, "stop": {…}, "version": {…}}, …]}
 *
 * The copy of an original has an entry with "original" alone. Members are named as columns.
 */

#include "config.h"

#include <string.h>

#include "fw-file.h"
#include "fw-history-private.h"
#include "fw-json.h"

#define FORMAT_MEMBER "featherweight-history"
#define FORMAT 1
#define HASH_LENGTH 64

#define ORIGINAL_COLUMNS                                                                           \
  "o.sha256, o.path, o.name, o.size, o.copied, o.task, o.added, o.saved_path, o.saved_sha256"
#define RUN_COLUMNS                                                                                \
  "r.started, r.ended, r.state, r.job, r.samples_sha256, r.task, r.preprocess, r.program,"         \
  " r.runtime, r.cpu, r.threads, r.result"
#define STOP_COLUMNS "s.sha256, s.position, s.size, s.recommended, s.details, s.recipe"
#define VERSION_COLUMNS "v.number, v.created, v.deleted, v.note, v.id = o.in_use AS in_use"

/* Writing ---------------------------------------------------------------------------------------
 */

/* Columns from *@column on, until one is named as @stop; JSON stays a text in them. */
static JsonObject *
take_columns (FwStatement *statement, int *column, int n)
{
  JsonObject *object = json_object_new ();

  for (int i = 0; i < n; i++, (*column)++)
    {
      const char *name = sqlite3_column_name (statement, *column);

      switch (sqlite3_column_type (statement, *column))
        {
        case SQLITE_INTEGER:
          json_object_set_int_member (object, name, sqlite3_column_int64 (statement, *column));
          break;
        case SQLITE_FLOAT:
          json_object_set_double_member (object, name, sqlite3_column_double (statement, *column));
          break;
        case SQLITE_TEXT:
          {
            g_autofree char *text = fw_statement_get_text (statement, *column);

            json_object_set_string_member (object, name, text);
            break;
          }
        default:
          json_object_set_null_member (object, name);
          break;
        }
    }
  return object;
}

static gboolean
add_copies (FwHistory *self, const char *sha256, JsonArray *entries, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (FwStatement) statement = fw_history_query (
      self, error, "SELECT " ORIGINAL_COLUMNS " FROM originals o WHERE copied AND sha256 = ?1", "t",
      sha256);

  if (statement == NULL)
    return FALSE;
  while (fw_history_next (self, statement, &local))
    {
      JsonObject *entry = json_object_new ();
      int column = 0;

      json_object_set_object_member (entry, "original", take_columns (statement, &column, 9));
      json_array_add_object_element (entries, entry);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
add_versions (FwHistory *self, const char *sha256, JsonArray *entries, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (FwStatement) statement = fw_history_query (
      self, error,
      "SELECT " ORIGINAL_COLUMNS ", " RUN_COLUMNS ", " STOP_COLUMNS ", " VERSION_COLUMNS
      " FROM versions v JOIN stops s ON s.id = v.stop JOIN runs r ON r.id = s.run"
      " JOIN originals o ON o.id = v.original WHERE s.sha256 = ?1 ORDER BY v.id",
      "t", sha256);

  if (statement == NULL)
    return FALSE;
  while (fw_history_next (self, statement, &local))
    {
      JsonObject *entry = json_object_new ();
      int column = 0;

      json_object_set_object_member (entry, "original", take_columns (statement, &column, 9));
      json_object_set_object_member (entry, "run", take_columns (statement, &column, 12));
      json_object_set_object_member (entry, "stop", take_columns (statement, &column, 6));
      json_object_set_object_member (entry, "version", take_columns (statement, &column, 5));
      json_array_add_object_element (entries, entry);
    }
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

gboolean
fw_history_describe (FwHistory *self, const char *sha256, GError **error)
{
  g_autofree char *path = fw_history_model_path (self, sha256, ".json");
  g_autoptr (JsonObject) object = json_object_new ();
  g_autoptr (GBytes) bytes = NULL;
  JsonArray *entries = json_array_new ();
  char *text;

  json_object_set_int_member (object, FORMAT_MEMBER, FORMAT);
  json_object_set_int_member (object, "written", g_get_real_time ());
  json_object_set_array_member (object, "entries", entries);
  if (!add_copies (self, sha256, entries, error) || !add_versions (self, sha256, entries, error))
    return FALSE;
  text = fw_history_json_to_text (object);
  bytes = g_bytes_new_take (text, strlen (text));
  return fw_file_write (path, bytes, TRUE, error);
}

void
fw_history_describe_version (FwHistory *self, gint64 version)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwStatement) statement = fw_history_query (
      self, &error, "SELECT s.sha256 FROM versions v JOIN stops s ON s.id = v.stop WHERE v.id = ?1",
      "i", version);

  if (statement != NULL && fw_history_next (self, statement, &error))
    {
      g_autofree char *sha256 = fw_statement_get_text (statement, 0);

      if (sha256 != NULL)
        fw_history_describe (self, sha256, &error);
    }
  if (error != NULL)
    g_warning ("Could not describe version %" G_GINT64_FORMAT ": %s", version, error->message);
}

/* Reading ---------------------------------------------------------------------------------------
 *
 * The files may be as damaged as the database was: whatever makes no sense is passed over.
 */

static gint64
get_integer (JsonObject *object, const char *member)
{
  double number = fw_json_get_number (object, member, 0);

  return number > -0x1p53 && number < 0x1p53 ? (gint64) number : 0;
}

static const char *
get_text (JsonObject *object, const char *member)
{
  return fw_json_get_string (object, member, NULL);
}

static gboolean
is_hash (const char *text)
{
  return text != NULL && strlen (text) == HASH_LENGTH
         && strspn (text, "0123456789abcdef") == HASH_LENGTH;
}

static gboolean
is_original (JsonObject *original)
{
  return original != NULL && is_hash (get_text (original, "sha256"))
         && get_text (original, "path") != NULL && get_text (original, "name") != NULL
         && get_integer (original, "size") >= 0;
}

/* 0 on failure. */
static gint64
recover_original (FwHistory *self, JsonObject *original, gboolean is_copy, GError **error)
{
  const char *sha256 = get_text (original, "sha256");
  gint64 id;

  if (!fw_history_execute (self, error,
                           "INSERT INTO originals (sha256, path, name, size, task, added,"
                           " saved_path, saved_sha256) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
                           " ON CONFLICT DO UPDATE SET path = excluded.path, name = excluded.name,"
                           " saved_path = coalesce (excluded.saved_path, saved_path), saved_sha256"
                           " = coalesce (excluded.saved_sha256, saved_sha256)",
                           "tttititt", sha256, get_text (original, "path"),
                           get_text (original, "name"), get_integer (original, "size"),
                           get_text (original, "task"), get_integer (original, "added"),
                           get_text (original, "saved_path"), get_text (original, "saved_sha256")))
    return 0;
  id = fw_history_get_number (self, 0, error, "SELECT id FROM originals WHERE sha256 = ?1", "t",
                              sha256);
  if (id == 0
      || !fw_history_execute (self, error,
                              "INSERT INTO versions (original, number, created)"
                              " VALUES (?1, 0, ?2) ON CONFLICT DO NOTHING",
                              "ii", id, get_integer (original, "added"))
      || !fw_history_execute (self, error,
                              "UPDATE originals SET copied = copied OR ?2, in_use = coalesce"
                              " (in_use, (SELECT id FROM versions WHERE original = ?1 AND"
                              " number = 0)) WHERE id = ?1",
                              "ii", id, (gint64) is_copy))
    return 0;
  return id;
}

/* The versions of one run may lie beside several models: it is known by when it started. */
static gint64
recover_run (FwHistory *self, gint64 original, JsonObject *run, GError **error)
{
  gint64 started = get_integer (run, "started");
  g_autoptr (GError) local = NULL;
  gint64 id = fw_history_get_number (self, 0, &local,
                                     "SELECT id FROM runs WHERE original = ?1 AND started = ?2",
                                     "ii", original, started);
  const char *job = get_text (run, "job");

  if (id != 0)
    return id;
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return 0;
    }
  if (!fw_history_execute (
          self, error,
          "INSERT INTO runs (original, state, started, ended, job, samples_sha256, task,"
          " preprocess, program, runtime, cpu, threads, result)"
          " VALUES (?1, 'finished', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
          "iiitttttttit", original, started, get_integer (run, "ended"), job != NULL ? job : "{}",
          get_text (run, "samples_sha256"), get_text (run, "task"), get_text (run, "preprocess"),
          get_text (run, "program"), get_text (run, "runtime"), get_text (run, "cpu"),
          get_integer (run, "threads"), get_text (run, "result")))
    return 0;
  return sqlite3_last_insert_rowid (self->database);
}

static gboolean
recover_version (FwHistory *self, gint64 original, gint64 run, JsonObject *entry, GError **error)
{
  JsonObject *stop = fw_json_get_object (entry, "stop");
  JsonObject *version = fw_json_get_object (entry, "version");
  gint64 deleted = get_integer (version, "deleted");
  gint64 id;

  if (!fw_history_execute (self, error,
                           "INSERT INTO stops (run, sha256, position, size, recommended, details,"
                           " recipe) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING",
                           "itdiitt", run, get_text (stop, "sha256"),
                           fw_json_get_number (stop, "position", 0), get_integer (stop, "size"),
                           get_integer (stop, "recommended"), get_text (stop, "details"),
                           get_text (stop, "recipe"))
      || !fw_history_execute (self, error,
                              "INSERT INTO versions (original, number, stop, created, deleted,"
                              " note) SELECT ?1, ?2, id, ?3, nullif (?4, 0), ?5 FROM stops"
                              " WHERE run = ?6 AND sha256 = ?7 ON CONFLICT DO NOTHING",
                              "iiiitit", original, get_integer (version, "number"),
                              get_integer (version, "created"), deleted, get_text (version, "note"),
                              run, get_text (stop, "sha256")))
    return FALSE;
  id = sqlite3_last_insert_rowid (self->database);
  if (sqlite3_changes (self->database) == 0)
    return TRUE;
  if (get_integer (version, "in_use") != 0
      && !fw_history_execute (self, error, "UPDATE originals SET in_use = ?2 WHERE id = ?1", "ii",
                              original, id))
    return FALSE;
  return fw_history_execute (
      self, error, "UPDATE originals SET next_number = max (next_number, ?2 + 1) WHERE id = ?1",
      "ii", original, get_integer (version, "number"));
}

/* *@used tells whether the entry was about the file of that hash. */
static gboolean
recover_entry (FwHistory *self,
               JsonObject *entry,
               const char *sha256,
               gboolean *used,
               GError **error)
{
  JsonObject *original = fw_json_get_object (entry, "original");
  JsonObject *run = fw_json_get_object (entry, "run");
  JsonObject *stop = fw_json_get_object (entry, "stop");
  JsonObject *version = fw_json_get_object (entry, "version");
  gboolean is_copy = run == NULL && stop == NULL && version == NULL;
  gint64 id, run_id;

  if (!is_original (original))
    return TRUE;
  if (is_copy ? strcmp (get_text (original, "sha256"), sha256) != 0
              : run == NULL || stop == NULL || version == NULL
                    || g_strcmp0 (get_text (stop, "sha256"), sha256) != 0
                    || get_integer (version, "number") < 1)
    return TRUE;
  *used = TRUE;
  id = recover_original (self, original, is_copy, error);
  if (id == 0 || is_copy)
    return id != 0;
  run_id = recover_run (self, id, run, error);
  return run_id != 0 && recover_version (self, id, run_id, entry, error);
}

typedef struct
{
  char *sha256;
  JsonNode *node;
  gint64 written;
} Description;

static void
description_free (Description *self)
{
  g_free (self->sha256);
  json_node_unref (self->node);
  g_free (self);
}

/* The newest comes last and has the last word. */
static int
compare_descriptions (gconstpointer a, gconstpointer b)
{
  const Description *left = *(Description *const *) a, *right = *(Description *const *) b;

  return left->written < right->written ? -1 : left->written > right->written;
}

static void
read_description (FwHistory *self, const char *sha256, GPtrArray *descriptions)
{
  g_autofree char *path = fw_history_model_path (self, sha256, ".json");
  g_autofree char *model = fw_history_model_path (self, sha256, ".onnx");
  g_autofree char *text = NULL;
  g_autoptr (JsonNode) node = NULL;
  JsonObject *object;
  Description *description;
  gsize length;

  if (!g_file_test (model, G_FILE_TEST_IS_REGULAR)
      || !g_file_get_contents (path, &text, &length, NULL) || length > FW_JSON_MAX_BYTES)
    return;
  node = fw_json_parse (text, (gssize) length, NULL);
  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    return;
  object = json_node_get_object (node);
  if (fw_json_get_number (object, FORMAT_MEMBER, 0) != FORMAT
      || fw_json_get_array (object, "entries") == NULL)
    return;
  description = g_new0 (Description, 1);
  description->sha256 = g_strdup (sha256);
  description->written = get_integer (object, "written");
  description->node = g_steal_pointer (&node);
  g_ptr_array_add (descriptions, description);
}

static gboolean
recover_file (FwHistory *self, Description *description, guint *n, GError **error)
{
  JsonArray *entries = fw_json_get_array (json_node_get_object (description->node), "entries");
  gboolean used = FALSE;

  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      JsonNode *entry = json_array_get_element (entries, i);

      if (JSON_NODE_HOLDS_OBJECT (entry)
          && !recover_entry (self, json_node_get_object (entry), description->sha256, &used, error))
        return FALSE;
    }
  *n += used ? 1 : 0;
  return TRUE;
}

gboolean
fw_history_recover (FwHistory *self, guint *n, GError **error)
{
  g_autoptr (GPtrArray) descriptions
      = g_ptr_array_new_with_free_func ((GDestroyNotify) description_free);
  g_autoptr (GDir) dir = g_dir_open (self->models, 0, NULL);
  const char *name;

  *n = 0;
  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *sha256 = g_strndup (name, HASH_LENGTH);

      if (is_hash (sha256) && strcmp (name + HASH_LENGTH, ".json") == 0)
        read_description (self, sha256, descriptions);
    }
  g_ptr_array_sort (descriptions, compare_descriptions);
  for (guint i = 0; i < descriptions->len; i++)
    if (!recover_file (self, descriptions->pdata[i], n, error))
      return FALSE;
  return TRUE;
}
