/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-care.h: the repairs that a job asks for by name. */

#pragma once

#include "fw-job.h"
#include "fw-repair-flags.h"

G_BEGIN_DECLS

/* What is left of all repairs by the names in @job's "without" and "only". Errors: USAGE, with the
 * name that is none. */
gboolean fw_care_read_repairs (const FwJob *job, FwRepairFlags *flags, GError **error);

G_END_DECLS
