/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-version-job.h: jobs on a version that the history keeps. */

#pragma once

#include <gio/gio.h>

#include "fw-job.h"

G_BEGIN_DECLS

/* A copy of @job with what the history knows of the version that it names: its checked file as the
 * "model", where its original is as "other", and, unless the job says otherwise, how pictures were
 * prepared for it. Errors: those of fw_history_check_file(). */
FwJob *fw_version_job_new (const FwJob *job, GCancellable *cancellable, GError **error);

G_END_DECLS
