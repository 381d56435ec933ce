/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-version-file.h: the files of versions in the history, and what is done with them.
 *
 * A file that was lost is made again of the version's recipe, by the worker, and put back.
 */

#pragma once

#include "fw-library.h"

G_BEGIN_DECLS

/* The file of @version, checked. */
void fw_version_file_ensure_async (FwLibrary *library,
                                   gint64 version,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);
/* Its path, to be freed. Errors: those of fw_history_check_file() and of the worker. */
char *fw_version_file_ensure_finish (FwLibrary *library, GAsyncResult *result, GError **error);

/* Copies the file of @version to @path, in place of what is there, and remembers it as the one last
 * saved. */
void fw_version_file_save_async (FwLibrary *library,
                                 gint64 version,
                                 const char *path,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);
gboolean fw_version_file_save_finish (FwLibrary *library, GAsyncResult *result, GError **error);

/* Keeps the stop of @original (a SHA-256) whose file was just saved at @path as a version, and
 * remembers the file as the one last saved. Failures are only logged: the file is there. */
void fw_version_file_note_saved (FwLibrary *library,
                                 const char *original,
                                 const char *sha256,
                                 const char *path);

/* What came of using a version. */
typedef struct
{
  gint64 version;
  gint64 previous; /* what was in use before */
  char *rewritten; /* the file last saved that has the version's content now, or NULL */
  char *untouched; /* a file last saved that could not be rewritten, or NULL */
  GError *why;     /* and why not */
} FwVersionUse;

void fw_version_use_free (FwVersionUse *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwVersionUse, fw_version_use_free)

/* Marks @version as in use, and rewrites the file last saved for its model. */
void fw_version_file_use_async (FwLibrary *library,
                                gint64 version,
                                GCancellable *cancellable,
                                GAsyncReadyCallback callback,
                                gpointer user_data);
FwVersionUse *fw_version_file_use_finish (FwLibrary *library, GAsyncResult *result, GError **error);

G_END_DECLS
