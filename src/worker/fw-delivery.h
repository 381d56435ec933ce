/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-delivery.h: finished files, from the job folder to where the user wants them.
 *
 * Nothing is ever overwritten, and a file is either whole at its target or not there.
 */

#pragma once

#include "fw-job-folder.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* What can be known before the work starts: whether the targets are free and can be written, and
 * whether the disks have room. Errors: FILE_EXISTS, NOT_WRITABLE, NO_SUCH_FILE (of the target's
 * folder), DISK_FULL. */
gboolean fw_delivery_check (const FwJob *job, FwJobFolder *folder, GError **error);

/* Moves the files that @result names ("path", and "file" of each stop), fills in "sha256" and
 * rewrites the names to the final ones; null where nothing is kept. For a path, stops.json comes
 * last, and after an error nothing stays. Errors: as above; INTERNAL where the result names what is
 * no file of its own. */
gboolean fw_delivery_finish (const FwJob *job,
                             FwJobFolder *folder,
                             JsonObject *result,
                             GCancellable *cancellable,
                             GError **error);

/* Moves the picture that a "sample" event names to the job's folder for previews, and has the event
 * name it there; null where none is wanted, or it could not be had. */
void fw_delivery_preview (const FwJob *job, FwJobFolder *folder, JsonObject *event);

G_END_DECLS
