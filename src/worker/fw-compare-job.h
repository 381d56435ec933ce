/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-compare-job.h: two versions side by side on the user's samples. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* The members of the result of "compare": those of a measured stop. Says a "sample" event for each
 * sample of the test half, the most changed first, with a preview at most 256 pixels a side. */
JsonObject *fw_compare_job_run (const FwJob *job,
                                const char *folder,
                                FwEvents *events,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
