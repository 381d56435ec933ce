/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-command-line.h: what a person typed, as a job. */

#pragma once

#include "fw-history-command.h"
#include "fw-job.h"

G_BEGIN_DECLS

typedef enum
{
  FW_REQUEST_JOB,     /* do @job */
  FW_REQUEST_WORKER,  /* the job comes as the first line of stdin */
  FW_REQUEST_TEXT,    /* only @text was asked for: help, the version */
  FW_REQUEST_HISTORY, /* do @history */
} FwRequestKind;

typedef struct
{
  FwRequestKind kind;
  FwJob *job;
  FwHistoryRequest *history;
  char *text;
  gboolean json;
} FwRequest;

/* Reads the NULL-terminated @arguments, of which the first is the program's name. Relative paths
 * are made absolute. Always returns a request, of which after an error only "json" means anything.
 * Errors: USAGE, one line. */
FwRequest *fw_request_new (const char *const *arguments, GError **error);
void fw_request_free (FwRequest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRequest, fw_request_free)

G_END_DECLS
