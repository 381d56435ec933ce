/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-task.h: what a model does, as far as its inputs and outputs tell. */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

typedef enum
{
  FW_TASK_UNKNOWN,
  FW_TASK_CLASSIFY_PICTURES,
} FwTask;

/* Which input takes the samples and which output gives the answers. */
typedef struct
{
  FwTask task;
  guint input;     /* index of the input that the samples fill */
  guint output;    /* index of the output that holds the answers */
  guint n_classes; /* for classification; 0 where only running would tell */
} FwTaskInfo;

/* A model with one input that is not pictures, or without a list of scores among its outputs, is
 * FW_TASK_UNKNOWN and no error. Errors: UNSUPPORTED_INPUTS (several inputs to fill, none, several
 * pictures at once). */
gboolean fw_task_guess (FwSession *session, FwTaskInfo *info, GError **error);

/* "classify-pictures", "unknown". Static. */
const char *fw_task_get_name (FwTask task);
/* "Recognizes which of 1000 things a picture shows." Translated. */
char *fw_task_describe (const FwTaskInfo *info);

G_END_DECLS
