/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-command.h: what a person asks of the history. */

#pragma once

#include "fw-event.h"
#include "fw-supervisor.h"

G_BEGIN_DECLS

typedef enum
{
  FW_HISTORY_VERB_LIST,
  FW_HISTORY_VERB_SHOW,
  FW_HISTORY_VERB_USE,
  FW_HISTORY_VERB_NOTE,
  FW_HISTORY_VERB_DELETE,
  FW_HISTORY_VERB_UNDELETE,
} FwHistoryVerb;

typedef struct
{
  FwHistoryVerb verb;
  gint64 version;
  char *note;      /* note: or NULL to remove it */
  char *output;    /* use: where to save it, an absolute path; or NULL */
  double position; /* use: another stop of the same run; or -1 */
  gboolean all;    /* list: deleted ones too */
} FwHistoryRequest;

/* Reads what follows the word "history", NULL-terminated. *@json and *@help (text that was asked
 * for, or NULL) are set in any case. Errors: USAGE. */
FwHistoryRequest *
fw_history_request_new (const char *const *arguments, gboolean *json, char **help, GError **error);
void fw_history_request_free (FwHistoryRequest *self);

/* Does what was asked. @func gets warnings, progress where a version has to be made again, and last
 * one "result" or "error". */
FwExit fw_history_request_run (FwHistoryRequest *self, FwEventFunc func, gpointer user_data);

/* The result of fw_history_request_run() for people. */
char *fw_history_request_text (FwHistoryRequest *self, JsonObject *result);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwHistoryRequest, fw_history_request_free)

G_END_DECLS
