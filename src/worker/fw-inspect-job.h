/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-inspect-job.h: what a model is, without samples. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* The members of the result of "inspect". Errors: those of models and sessions. A model that can't
 * be made smaller is no error: "can_shrink" is false and "reason" says why. */
JsonObject *fw_inspect_job_run (const FwJob *job,
                                const char *folder,
                                FwEvents *events,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
