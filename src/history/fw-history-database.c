/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>

#include "fw-history-private.h"
#include "fw-json.h"

#define BUSY_MILLISECONDS 10000
/* Above this, a look at every page at every opening would keep people waiting. */
#define MOST_TO_CHECK (32 * 1024 * 1024)
/* Marks a database as a history, for file(1) and for us: "FwHi". */
#define APPLICATION_ID 0x46774869

/* Each step leads from the version before to its own. A step that was ever released is never
 * changed: later ones amend it. */
static const char *const steps[FW_HISTORY_LATEST] = {
  /* 1 */
  "CREATE TABLE originals ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  sha256 TEXT NOT NULL UNIQUE,"
  "  path TEXT NOT NULL,"
  "  name TEXT NOT NULL,"
  "  size INTEGER NOT NULL,"
  "  copied INTEGER NOT NULL DEFAULT 0,"
  "  task TEXT,"
  "  added INTEGER NOT NULL,"
  "  next_number INTEGER NOT NULL DEFAULT 1,"
  "  in_use INTEGER,"
  "  saved_path TEXT,"
  "  saved_sha256 TEXT);"
  "CREATE TABLE runs ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  original INTEGER NOT NULL REFERENCES originals,"
  "  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'stopped', 'failed')),"
  "  owner TEXT,"
  "  started INTEGER NOT NULL,"
  "  ended INTEGER,"
  "  job TEXT NOT NULL,"
  "  samples_sha256 TEXT,"
  "  task TEXT,"
  "  preprocess TEXT,"
  "  program TEXT,"
  "  runtime TEXT,"
  "  cpu TEXT,"
  "  threads INTEGER,"
  "  result TEXT,"
  "  message TEXT);"
  "CREATE INDEX runs_by_original ON runs (original);"
  "CREATE TABLE stops ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  run INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,"
  "  sha256 TEXT NOT NULL,"
  "  position REAL,"
  "  size INTEGER NOT NULL,"
  "  recommended INTEGER NOT NULL DEFAULT 0,"
  "  details TEXT,"
  "  recipe TEXT,"
  "  UNIQUE (run, sha256));"
  "CREATE INDEX stops_by_sha256 ON stops (sha256);"
  "CREATE TABLE versions ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  original INTEGER NOT NULL REFERENCES originals,"
  "  number INTEGER NOT NULL,"
  "  stop INTEGER UNIQUE REFERENCES stops,"
  "  created INTEGER NOT NULL,"
  "  deleted INTEGER,"
  "  note TEXT,"
  "  UNIQUE (original, number));",
  /* 2 */
  "ALTER TABLE versions ADD COLUMN thumbnail BLOB;"
  "CREATE TABLE measurements ("
  "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
  "  version INTEGER NOT NULL REFERENCES versions ON DELETE CASCADE,"
  "  made INTEGER NOT NULL,"
  "  kind TEXT NOT NULL,"
  "  samples_sha256 TEXT,"
  "  program TEXT,"
  "  runtime TEXT,"
  "  cpu TEXT,"
  "  details TEXT);"
  "CREATE INDEX measurements_by_version ON measurements (version);",
};

/* All tables and columns that are used: a database may be sound and yet not ours. */
static const char *const probes[] = {
  "SELECT id, sha256, path, name, size, copied, task, added, next_number, in_use, saved_path,"
  " saved_sha256 FROM originals",
  "SELECT id, original, state, owner, started, ended, job, samples_sha256, task, preprocess,"
  " program, runtime, cpu, threads, result, message FROM runs",
  "SELECT id, run, sha256, position, size, recommended, details, recipe FROM stops",
  "SELECT id, original, number, stop, created, deleted, note, thumbnail FROM versions",
  "SELECT id, version, made, kind, samples_sha256, program, runtime, cpu, details"
  " FROM measurements",
};

static char *
suspicion_path (FwHistory *self)
{
  return g_strconcat (self->path, ".suspect", NULL);
}

/* The next opening looks closer, and sets the database aside if need be. */
static void
suspect (FwHistory *self)
{
  g_autofree char *path = suspicion_path (self);

  if (!self->is_read_only)
    g_file_set_contents (path, "", 0, NULL);
}

/* Errors ----------------------------------------------------------------------------------------
 */

static gboolean
is_disk_full (FwHistory *self, int code)
{
  int system_error = self->database != NULL ? sqlite3_system_errno (self->database) : 0;

  return (code & 0xff) == SQLITE_FULL
         || ((code & 0xff) == SQLITE_IOERR && (system_error == ENOSPC || system_error == EDQUOT));
}

/* A header that makes no sense has no code of its own. */
static gboolean
is_strange_format (FwHistory *self, int code)
{
  return code == SQLITE_ERROR && self->database != NULL
         && strcmp (sqlite3_errmsg (self->database), "unsupported file format") == 0;
}

void
fw_history_set_error (FwHistory *self, int code, GError **error)
{
  g_autofree char *folder = g_filename_display_name (self->folder);

  if (is_disk_full (self, code))
    {
      fw_error_set_from_errno (error, ENOSPC, TRUE, self->folder);
      return;
    }
  if (code == SQLITE_IOERR_SHORT_READ || is_strange_format (self, code))
    code = SQLITE_CORRUPT;
  switch (code & 0xff)
    {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      g_set_error (error, FW_ERROR, FW_ERROR_HISTORY_BUSY,
                   _ ("The history is in use by another program."));
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
      suspect (self);
      g_set_error (error, FW_ERROR, FW_ERROR_HISTORY_DAMAGED, _ ("The history in “%s” is damaged."),
                   folder);
      break;
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
    case SQLITE_CANTOPEN:
      g_set_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE,
                   _ ("The history in “%s” can’t be changed: you may not write to that folder."),
                   folder);
      break;
    case SQLITE_NOMEM:
      fw_error_set_from_errno (error, ENOMEM, TRUE, self->folder);
      break;
    default:
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("The history could not be used: %s."),
                   self->database != NULL ? sqlite3_errmsg (self->database)
                                          : sqlite3_errstr (code));
      break;
    }
}

static gboolean
set_damaged (FwHistory *self, GError **error)
{
  fw_history_set_error (self, SQLITE_CORRUPT, error);
  return FALSE;
}

gboolean
fw_history_no_such (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_NO_SUCH_VERSION, _ ("The history has no such version."));
  return FALSE;
}

/* Statements ------------------------------------------------------------------------------------
 */

static void
bind (FwStatement *statement, const char *types, va_list *values)
{
  for (int i = 1; types[i - 1] != '\0'; i++)
    switch (types[i - 1])
      {
      case 'i':
        sqlite3_bind_int64 (statement, i, va_arg (*values, gint64));
        break;
      case 'd':
        sqlite3_bind_double (statement, i, va_arg (*values, double));
        break;
      case 't':
        sqlite3_bind_text (statement, i, va_arg (*values, const char *), -1, SQLITE_TRANSIENT);
        break;
      case 'b':
        {
          GBytes *bytes = va_arg (*values, GBytes *);
          gsize size;
          const void *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

          if (data != NULL)
            sqlite3_bind_blob64 (statement, i, data, size, SQLITE_TRANSIENT);
          break;
        }
      default:
        g_assert_not_reached ();
      }
}

static FwStatement *
prepare (FwHistory *self, const char *sql, const char *types, va_list *values, GError **error)
{
  FwStatement *statement = NULL;
  int code = sqlite3_prepare_v2 (self->database, sql, -1, &statement, NULL);

  if (code != SQLITE_OK)
    {
      fw_history_set_error (self, code, error);
      return NULL;
    }
  g_assert (sqlite3_bind_parameter_count (statement) == (int) strlen (types));
  bind (statement, types, values);
  return statement;
}

FwStatement *
fw_history_query (FwHistory *self, GError **error, const char *sql, const char *types, ...)
{
  FwStatement *statement;
  va_list values;

  va_start (values, types);
  statement = prepare (self, sql, types, &values, error);
  va_end (values);
  return statement;
}

gboolean
fw_history_next (FwHistory *self, FwStatement *statement, GError **error)
{
  int code = sqlite3_step (statement);

  if (code != SQLITE_ROW && code != SQLITE_DONE)
    fw_history_set_error (self, code, error);
  return code == SQLITE_ROW;
}

gboolean
fw_history_execute (FwHistory *self, GError **error, const char *sql, const char *types, ...)
{
  g_autoptr (FwStatement) statement = NULL;
  va_list values;
  int code;

  va_start (values, types);
  statement = prepare (self, sql, types, &values, error);
  va_end (values);
  if (statement == NULL)
    return FALSE;
  do
    code = sqlite3_step (statement);
  while (code == SQLITE_ROW);
  if (code != SQLITE_DONE)
    fw_history_set_error (self, code, error);
  return code == SQLITE_DONE;
}

gint64
fw_history_get_number (FwHistory *self,
                       gint64 fallback,
                       GError **error,
                       const char *sql,
                       const char *types,
                       ...)
{
  g_autoptr (FwStatement) statement = NULL;
  va_list values;

  va_start (values, types);
  statement = prepare (self, sql, types, &values, error);
  va_end (values);
  if (statement == NULL || !fw_history_next (self, statement, error)
      || sqlite3_column_type (statement, 0) == SQLITE_NULL)
    return fallback;
  return sqlite3_column_int64 (statement, 0);
}

char *
fw_statement_get_text (FwStatement *self, int column)
{
  const char *text = (const char *) sqlite3_column_text (self, column);

  return text != NULL ? g_utf8_make_valid (text, -1) : NULL;
}

char *
fw_statement_get_path (FwStatement *self, int column)
{
  g_autofree char *text = fw_statement_get_text (self, column);

  return text != NULL ? fw_json_to_path (text, NULL) : NULL;
}

JsonObject *
fw_statement_get_json (FwStatement *self, int column)
{
  const char *text = (const char *) sqlite3_column_text (self, column);
  g_autoptr (JsonNode) node = text != NULL ? fw_json_parse (text, -1, NULL) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_dup_object (node) : NULL;
}

char *
fw_history_json_to_text (JsonObject *object)
{
  g_autoptr (JsonGenerator) generator = NULL;
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (JsonNode) valid = NULL;

  if (object == NULL)
    return NULL;
  generator = json_generator_new ();
  node = json_node_alloc ();
  json_node_init_object (node, object);
  valid = fw_json_copy_valid (node);
  json_generator_set_root (generator, valid);
  return json_generator_to_data (generator, NULL);
}

JsonObject *
fw_history_json_without (JsonObject *object, const char *const *members)
{
  JsonObject *copy = json_object_new ();
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *l = names; l != NULL; l = l->next)
    if (!g_strv_contains (members, l->data))
      json_object_set_member (copy, l->data,
                              json_node_copy (json_object_get_member (object, l->data)));
  return copy;
}

gint64
fw_history_now (void)
{
  return g_get_real_time () / G_USEC_PER_SEC;
}

/* Transactions ----------------------------------------------------------------------------------
 */

gboolean
fw_history_begin (FwHistory *self, GError **error)
{
  if (self->is_read_only)
    {
      fw_history_set_error (self, SQLITE_READONLY, error);
      return FALSE;
    }
  return fw_history_execute (self, error, "BEGIN IMMEDIATE", "");
}

gboolean
fw_history_end (FwHistory *self, gboolean ok, GError **error)
{
  if (ok && fw_history_execute (self, error, "COMMIT", ""))
    return TRUE;
  /* Some failures have rolled back already. */
  if (!sqlite3_get_autocommit (self->database))
    sqlite3_exec (self->database, "ROLLBACK", NULL, NULL, NULL);
  return FALSE;
}

/* Opening ---------------------------------------------------------------------------------------
 */

static gboolean
run_script (FwHistory *self, const char *script, GError **error)
{
  int code = sqlite3_exec (self->database, script, NULL, NULL, NULL);

  if (code != SQLITE_OK)
    fw_history_set_error (self, code, error);
  return code == SQLITE_OK;
}

static gboolean
migrate (FwHistory *self, gint64 version, GError **error)
{
  gboolean ok = TRUE;

  for (gint64 i = version; i < FW_HISTORY_LATEST && ok; i++)
    ok = run_script (self, steps[i], error);
  if (ok)
    {
      g_autofree char *mark = g_strdup_printf ("PRAGMA application_id = %d; "
                                               "PRAGMA user_version = %d",
                                               APPLICATION_ID, FW_HISTORY_LATEST);

      ok = run_script (self, mark, error);
    }
  return ok;
}

static gboolean
update (FwHistory *self, GError **error)
{
  g_autoptr (GError) local = NULL;
  gint64 version, n_tables;

  if (!fw_history_begin (self, error))
    return FALSE;
  version = fw_history_get_number (self, 0, &local, "PRAGMA user_version", "");
  n_tables = local == NULL
                 ? fw_history_get_number (self, 0, &local, "SELECT count(*) FROM sqlite_schema", "")
                 : 0;
  if (local == NULL)
    {
      /* Together: an empty list next to models would have them swept away. */
      self->is_new = n_tables == 0;
      if (migrate (self, version, &local) && self->is_new)
        fw_history_recover (self, &self->n_found, &local);
    }
  if (local == NULL)
    return fw_history_end (self, TRUE, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return fw_history_end (self, FALSE, NULL);
}

static gboolean
is_to_be_checked (FwHistory *self)
{
  g_autofree char *suspicion = suspicion_path (self);
  GStatBuf status;

  return g_stat (self->path, &status) != 0 || status.st_size <= MOST_TO_CHECK
         || g_file_test (suspicion, G_FILE_TEST_EXISTS);
}

static gboolean
check_pages (FwHistory *self, GError **error)
{
  g_autofree char *suspicion = suspicion_path (self);
  g_autoptr (FwStatement) statement = NULL;
  g_autoptr (GError) local = NULL;
  gboolean ok;

  if (!is_to_be_checked (self))
    return TRUE;
  statement = fw_history_query (self, error, "PRAGMA quick_check(1)", "");
  if (statement == NULL)
    return FALSE;
  ok = fw_history_next (self, statement, &local)
       && g_strcmp0 ((const char *) sqlite3_column_text (statement, 0), "ok") == 0;
  if (ok && !self->is_read_only)
    g_unlink (suspicion);
  if (local != NULL)
    g_propagate_error (error, g_steal_pointer (&local));
  else if (!ok)
    set_damaged (self, error);
  return ok;
}

/* Whether what is there is a history, of a version that is understood, and whole. */
static gboolean
check (FwHistory *self, gint64 *version, GError **error)
{
  g_autoptr (GError) local = NULL;
  gint64 n_tables;

  *version = fw_history_get_number (self, 0, &local, "PRAGMA user_version", "");
  if (local == NULL && *version > FW_HISTORY_LATEST)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_HISTORY_NEWER,
                   _ ("The history was written by a newer version of Featherweight."));
      return FALSE;
    }
  n_tables = local == NULL
                 ? fw_history_get_number (self, 0, &local, "SELECT count(*) FROM sqlite_schema", "")
                 : 0;
  if (local == NULL && (*version < 0 || (*version == 0 && n_tables > 0)))
    return set_damaged (self, error);
  if (local == NULL)
    return check_pages (self, error);
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
check_tables (FwHistory *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (probes); i++)
    {
      g_autoptr (FwStatement) statement = NULL;

      if (sqlite3_prepare_v2 (self->database, probes[i], -1, &statement, NULL) == SQLITE_ERROR)
        return set_damaged (self, error);
    }
  return TRUE;
}

static gboolean
open_file (FwHistory *self, gboolean writable, gboolean immutable, GError **error)
{
  g_autofree char *escaped = g_uri_escape_string (self->path, "/", FALSE);
  g_autofree char *uri = g_strdup_printf ("file:%s%s", escaped, immutable ? "?immutable=1" : "");
  int flags = SQLITE_OPEN_URI | SQLITE_OPEN_FULLMUTEX
              | (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
  int code = sqlite3_open_v2 (uri, &self->database, flags, NULL);

  if (code != SQLITE_OK)
    {
      fw_history_set_error (self, code, error);
      return FALSE;
    }
  sqlite3_extended_result_codes (self->database, 1);
  sqlite3_busy_timeout (self->database, BUSY_MILLISECONDS);
  /* Until it is known to be ours, not a byte of it may change, not even in closing. */
  sqlite3_db_config (self->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
  sqlite3_db_config (self->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
  return TRUE;
}

static gboolean
connect_writable (FwHistory *self, GError **error)
{
  gint64 version;

  if (!open_file (self, TRUE, FALSE, error) || !check (self, &version, error))
    return FALSE;
  sqlite3_db_config (self->database, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
  /* What a row says about a file must be as durable as the file. */
  if (!run_script (self,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
                   error))
    return FALSE;
  if (version < FW_HISTORY_LATEST && !update (self, error))
    return FALSE;
  return check_tables (self, error);
}

static gboolean
connect_read_only (FwHistory *self, gboolean immutable, GError **error)
{
  gint64 version;

  if (!open_file (self, FALSE, immutable, error) || !check (self, &version, error))
    return FALSE;
  if (version < FW_HISTORY_LATEST)
    {
      fw_history_set_error (self, SQLITE_READONLY, error);
      return FALSE;
    }
  return check_tables (self, error);
}

gboolean
fw_history_connect (FwHistory *self, gboolean writable, GError **error)
{
  g_autoptr (GError) local = NULL;
  gboolean ok;

  self->is_read_only = !writable;
  ok = writable ? connect_writable (self, &local) : connect_read_only (self, FALSE, &local);
  /* Readers of a WAL database want to write beside it; where nobody can write, nobody needs that.
   */
  if (!ok && !writable && g_error_matches (local, FW_ERROR, FW_ERROR_NOT_WRITABLE))
    {
      g_clear_error (&local);
      fw_history_disconnect (self);
      ok = connect_read_only (self, TRUE, &local);
    }
  if (!ok)
    {
      fw_history_disconnect (self);
      g_propagate_error (error, g_steal_pointer (&local));
    }
  return ok;
}

void
fw_history_disconnect (FwHistory *self)
{
  g_clear_pointer (&self->database, sqlite3_close_v2);
}
