/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-samples-job.h: what a pile of samples is to a model, before any work is done on it. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* The members of the result of "samples": how many, with which labels, how the model wants them,
 * which could not be read. Says a "sample" event with a preview for the first few. */
JsonObject *fw_samples_job_run (const FwJob *job,
                                const char *folder,
                                FwEvents *events,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
