/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-large-job.h: jobs on models that are too large to be loaded as one.
 *
 * Such a job does what any other does, but every session is piecewise (fw-session.h), large tensors
 * that are made go to the job's folder (fw-mapping.h), harm is measured piece by piece
 * (fw-layerwise.h), and what would need the whole model in memory is left out and said: latency,
 * integer arithmetic and the peak memory of an app.
 */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* Looks at the models of @job and sets the process up for them; @folder is the job's. A model is
 * large from 2 GB on, or where three times its bytes are more than the job may use.
 * FEATHERWEIGHT_LARGE, a number of bytes, sets another limit: for tests. */
void fw_large_job_begin (const FwJob *job, const char *folder, FwEvents *events);
gboolean fw_large_job_is_on (void);

G_END_DECLS
