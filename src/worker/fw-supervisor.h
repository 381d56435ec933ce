/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-supervisor.h: one job, watched from outside.
 *
 * Makes the job folder, starts the confined child, passes on what it says, has the memory measured
 * by another child, brings the files home, and says the last word itself.
 */

#pragma once

#include "fw-event.h"
#include "fw-job.h"
#include "fw-line-reader.h"

G_BEGIN_DECLS

typedef enum
{
  FW_EXIT_RESULT = 0,
  FW_EXIT_ERROR = 1,
  FW_EXIT_USAGE = 2,
  FW_EXIT_CANCELLED = 130,
} FwExit;

/* To be called first thing in main(), before any thread starts: the signals that ask a program to
 * stop (SIGINT, SIGTERM, SIGHUP) are from then on only taken by fw_supervisor_run(). */
void fw_supervisor_block_signals (void);

/* Does @job to the end. @func gets every event; the last is exactly one "result" or "error".
 * @commands, or NULL: lines that steer the job ({"cmd":"cancel"}); their end cancels it. */
FwExit fw_supervisor_run (const FwJob *job,
                          FwLineReader *commands,
                          int commands_fd,
                          FwEventFunc func,
                          gpointer user_data);

G_END_DECLS
