/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-keeper.h: keeps in the history what a job brings, while it brings it.
 *
 * A run is noted with its first stop, so that what was measured outlives a job that is killed.
 * Where the history can't be written, a job that saves its file elsewhere goes on with a warning.
 */

#pragma once

#include "fw-event.h"
#include "fw-history.h"
#include "fw-job-folder.h"
#include "fw-job.h"

G_BEGIN_DECLS

typedef struct _FwKeeper FwKeeper;

/* NULL without an error for a job that brings nothing to keep. Errors: those of fw_history_open(),
 * where the result of @job would have no other place. */
FwKeeper *fw_keeper_new (const FwJob *job, FwEvents *events, GError **error);
/* A run without a result is noted as stopped, with @why it failed unless that is NULL. */
void fw_keeper_free (FwKeeper *self);
void fw_keeper_fail (FwKeeper *self, const GError *why);

/* A "stop" event; adds "run", the number of the run in the history. */
void fw_keeper_add_stop (FwKeeper *self, JsonObject *stop);

/* The job's result, before its files are moved out of @folder. Copies the file that the result is
 * about and the recommended one. FALSE where the result has no other place. */
gboolean fw_keeper_keep (FwKeeper *self,
                         FwJobFolder *folder,
                         JsonObject *result,
                         GCancellable *cancellable,
                         GError **error);

/* After the files were delivered: notes where the file was saved, and adds "run", "original",
 * "version" and "version_number" to the result; without a place of its own, "path" is the history's
 * file. */
void fw_keeper_finish (FwKeeper *self, JsonObject *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwKeeper, fw_keeper_free)

G_END_DECLS
