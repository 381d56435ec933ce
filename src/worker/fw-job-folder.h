/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-job-folder.h: a folder for what a job writes until it is finished.
 *
 * Under $XDG_CACHE_HOME/featherweight/jobs/, for this user only. A lock beside it says that its
 * process lives; folders whose process does not are removed when the next one is made.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _FwJobFolder FwJobFolder;

/* Errors: NOT_WRITABLE, DISK_FULL. */
FwJobFolder *fw_job_folder_new (GError **error);
/* Removes the folder and all in it. */
void fw_job_folder_free (FwJobFolder *self);

/* Where the job may write: an absolute path without links. */
const char *fw_job_folder_get_path (FwJobFolder *self);

/* TRUE where @path names a regular file (no link) inside, by absolute path. */
gboolean fw_job_folder_holds (FwJobFolder *self, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwJobFolder, fw_job_folder_free)

G_END_DECLS
