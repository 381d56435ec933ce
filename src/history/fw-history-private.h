/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-private.h: what the files of the history share. The caller holds the lock. */

#pragma once

#include <sqlite3.h>

#include "fw-history.h"

G_BEGIN_DECLS

struct _FwHistory
{
  int ref_count; /* atomic */
  GRecMutex lock;
  char *folder;
  char *models;
  char *path; /* of the database */
  sqlite3 *database;
  gboolean is_read_only;
  gboolean is_new; /* the database was made just now */
  guint n_found;   /* and that many models found for it */
  GError *warning;
  /* A folder in models/ for files on their way, locked as long as this process lives. Its name is
   * the owner of the runs that this process carries out. */
  char *staging;
  int staging_fd;
};

typedef sqlite3_stmt FwStatement;

static inline void
fw_statement_free (FwStatement *self)
{
  sqlite3_finalize (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwStatement, fw_statement_free)

/* fw-history-database.c: SQLite */

#define FW_HISTORY_LATEST 2

/* Opens the database in self->path; if @writable, brings it up to date, and fills an empty one of
 * what lies beside the models. HISTORY_DAMAGED and HISTORY_NEWER leave the file as it is. */
gboolean fw_history_connect (FwHistory *self, gboolean writable, GError **error);
void fw_history_disconnect (FwHistory *self);

gboolean fw_history_begin (FwHistory *self, GError **error);
/* Commits if @ok, else rolls back; FALSE unless committed. @error is only set here where @ok. */
gboolean fw_history_end (FwHistory *self, gboolean ok, GError **error);

/* @types: one letter for each value: i a gint64, d a double, t a text or NULL, b GBytes or NULL. */
FwStatement *
fw_history_query (FwHistory *self, GError **error, const char *sql, const char *types, ...);
/* Whether there is a row; FALSE and *@error at the end or on failure. */
gboolean fw_history_next (FwHistory *self, FwStatement *statement, GError **error);
gboolean
fw_history_execute (FwHistory *self, GError **error, const char *sql, const char *types, ...);
/* The first column of the first row, or @fallback. */
gint64 fw_history_get_number (FwHistory *self,
                              gint64 fallback,
                              GError **error,
                              const char *sql,
                              const char *types,
                              ...);
void fw_history_set_error (FwHistory *self, int code, GError **error);

char *fw_statement_get_text (FwStatement *self, int column);
char *fw_statement_get_path (FwStatement *self, int column);
JsonObject *fw_statement_get_json (FwStatement *self, int column);

/* NULL for NULL. */
char *fw_history_json_to_text (JsonObject *object);
/* @object without the members of that NULL-terminated list. */
JsonObject *fw_history_json_without (JsonObject *object, const char *const *members);
gint64 fw_history_now (void);
gboolean fw_history_no_such (GError **error);

/* fw-history-files.c: the folder */

/* models/<sha256><suffix> */
char *fw_history_model_path (FwHistory *self, const char *sha256, const char *suffix);
/* Makes self->staging. */
gboolean fw_history_ensure_staging (FwHistory *self, GError **error);
/* Brings @file in, under a name of its own; the caller owns it, and its hash. */
char *fw_history_stage (FwHistory *self,
                        const char *file,
                        gboolean move,
                        char **sha256,
                        GCancellable *cancellable,
                        GError **error);
/* Where a staged file was moved in from @file and was not needed after all. */
void fw_history_unstage (const char *staged, const char *file, gboolean move);
/* Puts a staged file in place with its description, before the transaction that names it ends. */
gboolean fw_history_place (FwHistory *self, const char *staged, const char *sha256, GError **error);
/* Whether any row names the file. Within a transaction. */
gboolean fw_history_is_named (FwHistory *self, const char *sha256, GError **error);
/* Removes the file, where no row names it. Within a transaction. */
void fw_history_drop_unnamed (FwHistory *self, const char *sha256);
/* After a transaction that was rolled back: takes what was placed back to @staged, or removes it
 * where it is there still, unless another row names it. */
void fw_history_restage (FwHistory *self, const char *staged, const char *sha256);
/* Clears up after crashes. */
gboolean fw_history_sweep (FwHistory *self, GError **error);

/* fw-history-sidecar.c: the descriptions beside the models */

/* Writes <sha256>.json of what the database says, uncommitted rows included. */
gboolean fw_history_describe (FwHistory *self, const char *sha256, GError **error);
/* As above for the file of a version, where it has one; failures are only logged. */
void fw_history_describe_version (FwHistory *self, gint64 version);
/* Fills an empty database. Within a transaction. *@n gets the number of models found. */
gboolean fw_history_recover (FwHistory *self, guint *n, GError **error);

/* fw-history-original.c */

/* The id of the original, new or not, with version 0; 0 on failure. Within a transaction. */
gint64 fw_history_add_original (FwHistory *self,
                                const char *path,
                                const char *sha256,
                                guint64 size,
                                GError **error);

/* fw-history-run.c */

/* As the system names the processor; NULL where it does not. */
char *fw_history_get_cpu_name (void);
gint64 fw_history_put_stop (FwHistory *self, gint64 run, JsonObject *stop, GError **error);
/* Adds a version of a stop; 0 on failure. Within a transaction. */
gint64 fw_history_add_version (FwHistory *self, gint64 stop, GError **error);

/* fw-history-rows.c */

FwHistoryOriginal *fw_history_original_new (void);
FwHistoryRun *fw_history_run_new (void);
FwHistoryStop *fw_history_stop_new (void);
FwHistoryVersion *fw_history_version_new (void);
FwHistoryMeasurement *fw_history_measurement_new (void);
void fw_history_figures_read (FwHistoryFigures *self, JsonObject *details);

#define FW_HISTORY_LOCK(self)                                                                      \
  G_GNUC_UNUSED g_autoptr (GRecMutexLocker) locker = g_rec_mutex_locker_new (&(self)->lock)

G_END_DECLS
