/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history.h: every run, every version of every model, and where their files are.
 *
 * A folder with a SQLite database, history.db, and models/<sha256>.onnx with a <sha256>.json beside
 * it that says what it is, so that the versions are found again should the database be lost.
 *
 * An original is a model that was opened. A run tries stops on it: each stop is a recipe with the
 * figures measured of it. A version is a stop whose file is kept; versions of an original count
 * from 1, and version 0 is the original itself. Every row also has an id of its own, above 0, that
 * never changes its meaning; the ids of versions are the numbers that the command line takes.
 *
 * Each change happens as a whole or not at all, wherever the program or the machine stops: files
 * are put in place before the row that names them, and what no row names is swept away when the
 * history is next opened. Several programs may use one history at the same time, and one FwHistory
 * may be used by several threads; calls may wait for another program, for up to ten seconds.
 *
 * Errors of all functions, besides those named: NOT_WRITABLE for changes to a history that was
 * opened for reading only, DISK_FULL, HISTORY_BUSY, HISTORY_DAMAGED, and NO_SUCH_VERSION for an id
 * that is not there. After an error everything is as it was before.
 *
 * Times are seconds since 1970. JSON objects given to functions are only read.
 */

#pragma once

#include "fw-history-rows.h"

G_BEGIN_DECLS

typedef struct _FwHistory FwHistory;

/* Days until a deleted version is gone for good. */
#define FW_HISTORY_DAYS_TO_UNDELETE 7

/* $XDG_DATA_HOME/featherweight. */
char *fw_history_get_default_folder (void);

/* Opens, and if need be makes, the history in @folder (NULL: the default one).
 *
 * A damaged database is set aside as history.db.damaged-N and a new one made of what lies beside
 * the model files: see fw_history_get_warning(). A folder that can't be written is opened for
 * reading only. Runs whose program died are marked as stopped, what crashes left is swept away, and
 * versions deleted long ago are purged. Errors: HISTORY_NEWER, and nothing is touched; NOT_WRITABLE
 * where there is no history and none can be made. */
FwHistory *fw_history_open (const char *folder, GError **error);
FwHistory *fw_history_ref (FwHistory *self);
void fw_history_unref (FwHistory *self);

const char *fw_history_get_folder (FwHistory *self);
gboolean fw_history_is_read_only (FwHistory *self);
/* HISTORY_DAMAGED with a sentence for the user, where a database was set aside by this opening; or
 * NULL. */
const GError *fw_history_get_warning (FwHistory *self);

/* A number that is another one after each change, whoever made it. Cheap: to be asked every second
 * or so by who shows the history. */
guint64 fw_history_get_state (FwHistory *self);

/* Runs ------------------------------------------------------------------------------------------
 */

/* Notes that @job (as fw_job_to_json() gives it) starts on the model at @path, and adds its
 * original where it is new. The id of the run, or 0. INTERNAL for what is no SHA-256, here and in
 * stops and results. */
gint64 fw_history_begin_run (FwHistory *self,
                             const char *path,
                             const char *sha256,
                             guint64 size,
                             JsonObject *job,
                             GError **error);

/* Adds a stop as it was measured: the "stop" event, of which "position", "size_bytes", "sha256",
 * "recommended" and "recipe" are taken apart and "file" is left out. A stop of the same @run with
 * the same sha256 is replaced. The id of the stop, or 0. */
gint64 fw_history_add_stop (FwHistory *self, gint64 run, JsonObject *stop, GError **error);

/* Ends a run well: adds what of @result (the "result" event) is new, its stops included, and keeps
 * @file, the version that the result is about. @file is moved into the history if @move, else
 * copied; NULL keeps none. @version gets the id of the version, 0 for none. */
gboolean fw_history_finish_run (FwHistory *self,
                                gint64 run,
                                JsonObject *result,
                                const char *file,
                                gboolean move,
                                gint64 *version,
                                GCancellable *cancellable,
                                GError **error);

/* Ends a run that came to no result: STOPPED or FAILED, with @why in words or NULL. What was
 * measured stays. */
gboolean fw_history_end_run (FwHistory *self,
                             gint64 run,
                             FwHistoryRunState state,
                             const char *why,
                             GError **error);

/* Keeps another stop of a run as a version: @file is what its recipe gives. Where the stop has been
 * kept before, that version, with its file put back if it was lost. MODEL_CHANGED where the file is
 * not the one that was measured. The id of the version, or 0. */
gint64 fw_history_keep_stop (FwHistory *self,
                             gint64 stop,
                             const char *file,
                             gboolean move,
                             GCancellable *cancellable,
                             GError **error);

/* Lists -----------------------------------------------------------------------------------------
 *
 * Newest first; arrays own their rows. Rows of lists come without their recipe. 0 for an id means
 * all there are. */

GPtrArray *fw_history_list_originals (FwHistory *self, GError **error);
/* By falling number for one original, so version 0 is last; by time for all. */
GPtrArray *
fw_history_list_versions (FwHistory *self, gint64 original, gboolean deleted, GError **error);
GPtrArray *fw_history_list_runs (FwHistory *self, gint64 original, GError **error);
/* By falling position. */
GPtrArray *fw_history_list_stops (FwHistory *self, gint64 run, GError **error);
GPtrArray *fw_history_list_measurements (FwHistory *self, gint64 version, GError **error);

FwHistoryOriginal *fw_history_get_original (FwHistory *self, gint64 id, GError **error);
/* NULL without an error where the model was never seen. */
FwHistoryOriginal *fw_history_find_original (FwHistory *self, const char *sha256, GError **error);
FwHistoryRun *fw_history_get_run (FwHistory *self, gint64 id, GError **error);
FwHistoryStop *fw_history_get_stop (FwHistory *self, gint64 id, GError **error);
FwHistoryVersion *fw_history_get_version (FwHistory *self, gint64 id, GError **error);

/* Versions --------------------------------------------------------------------------------------
 */

/* Where the file of a version is, after its hash was checked: for version 0 the original where it
 * was last seen, or its copy. Errors: NO_SUCH_FILE, MODEL_CHANGED. */
char *
fw_history_check_file (FwHistory *self, gint64 version, GCancellable *cancellable, GError **error);
/* Puts back the file of a version that was lost; MODEL_CHANGED where it is another one. */
gboolean fw_history_restore_file (FwHistory *self,
                                  gint64 version,
                                  const char *file,
                                  gboolean move,
                                  GCancellable *cancellable,
                                  GError **error);

/* @note: NULL or "" for none. */
gboolean fw_history_set_note (FwHistory *self, gint64 version, const char *note, GError **error);
/* @png: a small picture, or NULL. */
gboolean fw_history_set_thumbnail (FwHistory *self, gint64 version, GBytes *png, GError **error);

/* Marks @version as the one in use of its original. @previous, or NULL, gets the id of the one that
 * was before: using that one is the undo. */
gboolean fw_history_use (FwHistory *self, gint64 version, gint64 *previous, GError **error);

/* Copies the file of @version to @path and remembers that as the file last saved for its original.
 * Never overwrites. Errors: FILE_EXISTS and those of fw_history_check_file() and fw_file_copy(). */
gboolean fw_history_save (FwHistory *self,
                          gint64 version,
                          const char *path,
                          GCancellable *cancellable,
                          GError **error);
/* Notes that @version was saved as @path by somebody else. */
gboolean
fw_history_remember_saved (FwHistory *self, gint64 version, const char *path, GError **error);
/* Puts the file of @version in place of the file last saved for its original. @path, or NULL, gets
 * where that is; NULL, and nothing is done, where none was ever saved. Errors: FILE_CHANGED where
 * that is no longer the file that was saved, and those of fw_history_check_file(). */
gboolean fw_history_rewrite_saved (FwHistory *self,
                                   gint64 version,
                                   char **path,
                                   GCancellable *cancellable,
                                   GError **error);

/* A deleted version is not listed, and can be brought back until it is purged, which takes its file
 * too. Neither version 0 nor the version in use can be deleted: USAGE. */
gboolean fw_history_delete (FwHistory *self, gint64 version, GError **error);
gboolean fw_history_undelete (FwHistory *self, gint64 version, GError **error);
gboolean fw_history_purge (FwHistory *self, gint64 version, GError **error);

/* Adds a measurement made of a version; @figures as a "stop" event has them. The id, or 0. */
gint64 fw_history_add_measurement (FwHistory *self,
                                   gint64 version,
                                   const char *kind,
                                   const char *samples_sha256,
                                   JsonObject *figures,
                                   GError **error);

/* Originals -------------------------------------------------------------------------------------
 */

/* Says where an original is now. MODEL_CHANGED where the file at @path is another one. */
gboolean fw_history_locate_original (FwHistory *self,
                                     gint64 original,
                                     const char *path,
                                     GCancellable *cancellable,
                                     GError **error);
/* Keeps a copy of an original beside its versions. */
gboolean
fw_history_keep_copy (FwHistory *self, gint64 original, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistory, fw_history_unref)

G_END_DECLS
