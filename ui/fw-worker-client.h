/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-worker-client.h: one job, done by the worker in a process of its own.
 *
 * The signal "event" (JsonObject *) passes on phase, stop, sample and warning events in the main
 * context; the last word is the task's result.
 */

#pragma once

#include <gio/gio.h>

#include "fw-job.h"

G_BEGIN_DECLS

#define FW_TYPE_WORKER_CLIENT (fw_worker_client_get_type ())

G_DECLARE_FINAL_TYPE (FwWorkerClient, fw_worker_client, FW, WORKER_CLIENT, GObject)

FwWorkerClient *fw_worker_client_new (void);

/* Does @job, once per client. Cancelling asks the worker to stop and kills it when it does not; the
 * worker also stops when this process ends, however it ends. */
void fw_worker_client_run_async (FwWorkerClient *self,
                                 const FwJob *job,
                                 GCancellable *cancellable,
                                 GAsyncReadyCallback callback,
                                 gpointer user_data);

/* The "result" event, to be unreferenced. Errors: FW_ERROR with the worker's own sentence;
 * G_IO_ERROR_CANCELLED; WORKER_DIED where it ended without a last word. Whatever is not worth a
 * code of its own in FwError has the worker's own code in fw_worker_client_get_error_event(). */
JsonObject *
fw_worker_client_run_finish (FwWorkerClient *self, GAsyncResult *result, GError **error);

/* The "error" event that ended the job, or NULL. Borrowed. */
JsonObject *fw_worker_client_get_error_event (FwWorkerClient *self);

G_END_DECLS
