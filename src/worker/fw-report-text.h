/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-report-text.h: events as sentences and tables. All functions take what comes: a member that is
 * missing or null was not measured, and the text says so. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* A "result" event, as text of several lines. @changed: names of samples with another answer, for
 * compare, or NULL. */
char *fw_report_text_result (const FwJob *job, JsonObject *result, GPtrArray *changed);

/* An "error" or "warning" event, with its hint on a line of its own. */
char *fw_report_text_message (JsonObject *event);

G_END_DECLS
