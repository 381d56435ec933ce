/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-child-process.h: a confined child of this program, seen from outside.
 *
 * The child is this program again, started with a verb of its own. It gets one request line on
 * stdin, then perhaps {"cmd":"cancel"}; it says events on stdout, the last a result or an error.
 * Nothing that it says or does is trusted.
 */

#pragma once

#include "fw-event.h"

G_BEGIN_DECLS

#define FW_CHILD_VERB_JOB "child"
#define FW_CHILD_VERB_MEASURE "child-measure"

/* Starts a child, gives it @request, passes on its events but the last (to @func, which may be
 * NULL), and returns the "result" event once the child is gone. @folder: where it may write; its
 * HOME and TMPDIR. Cancelling asks the child to stop and kills it 700 ms later. Errors: whatever
 * the child's "error" event says; G_IO_ERROR_CANCELLED; OUT_OF_MEMORY or WORKER_DIED where it ended
 * without a last word. */
JsonObject *fw_child_process_run (const char *verb,
                                  JsonNode *request,
                                  const char *folder,
                                  FwEventFunc func,
                                  gpointer user_data,
                                  GCancellable *cancellable,
                                  GError **error);

G_END_DECLS
