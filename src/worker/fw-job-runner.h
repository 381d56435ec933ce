/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-job-runner.h: a job, done inside the confined child. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* Does @job, writing files only into @folder, and says all there is to say through @events but the
 * last word: returns the members of the "result" event, in which "path" (and "file" of stops) name
 * files in @folder by absolute path for the supervisor to move, or NULL and an error.
 * "peak_rss_bytes" is left to the supervisor, for which "probe" names an input tensor (.npy in
 * @folder) to run. */
JsonObject *fw_job_run (const FwJob *job,
                        const char *folder,
                        FwEvents *events,
                        GCancellable *cancellable,
                        GError **error);

G_END_DECLS
