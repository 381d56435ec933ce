/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rebuild-job.h: a version of long ago, made again from its original and its recipe. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* The members of the result of "rebuild": path, size_bytes, sha256. Errors: BAD_RECIPE, also where
 * the recipe belongs to another original; those of models. */
JsonObject *fw_rebuild_job_run (const FwJob *job,
                                const char *folder,
                                FwEvents *events,
                                GCancellable *cancellable,
                                GError **error);

G_END_DECLS
