/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-task.h: what a model does, as far as its inputs and outputs tell. */

#pragma once

#include "fw-inputs.h"

G_BEGIN_DECLS

typedef enum
{
  FW_TASK_UNKNOWN,
  FW_TASK_CLASSIFY_PICTURES, /* which of some things a picture shows */
  FW_TASK_CLASSIFY,          /* which of some kinds anything else is */
  FW_TASK_GENERAL,           /* any other numbers from numbers */
} FwTask;

/* Which input takes the samples and which output gives the answers. */
typedef struct
{
  FwTask task;
  guint input;          /* index of the input that a sample has to fill; there may be more */
  guint output;         /* index of the output that holds the answers; of general ones, the first */
  guint n_classes;      /* for classification; 0 where only running would tell */
  gboolean is_pictures; /* whether that input takes pictures */
} FwTaskInfo;

/* A classifier has an output that is one list of scores and not of its input's own shape, or one
 * whole number and nothing else. UNKNOWN is a model without any output of numbers. Errors:
 * UNSUPPORTED_INPUTS (none, other than numbers, several pictures at once). */
gboolean fw_task_guess (FwSession *session, FwTaskInfo *info, GError **error);
/* Whether the answer is one of some classes. */
gboolean fw_task_is_classification (const FwTaskInfo *info);

/* "classify-pictures", "classify", "general", "unknown". Static. */
const char *fw_task_get_name (FwTask task);
/* "Recognizes which of 1000 things a picture shows." Translated. */
char *fw_task_describe (const FwTaskInfo *info);

G_END_DECLS
