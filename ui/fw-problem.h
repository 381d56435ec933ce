/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-problem.h: something that went wrong, or a warning, in words: a sentence, what to do about it,
 * and details that somebody who helps would ask for. */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define FW_TYPE_PROBLEM (fw_problem_get_type ())

typedef struct
{
  char *code; /* the stable name, such as "damaged-model" */
  char *message;
  char *hint; /* or NULL */
} FwProblem;

GType fw_problem_get_type (void);

/* A "warning" or "error" event, or an entry of a stop's warnings. */
FwProblem *fw_problem_new_from_event (JsonObject *event);
FwProblem *fw_problem_new_from_error (const GError *error);
FwProblem *fw_problem_new (const char *code, const char *message, const char *hint);
FwProblem *fw_problem_copy (const FwProblem *self);
void fw_problem_free (FwProblem *self);

/* Text for the clipboard; @model and @samples may be NULL. */
char *fw_problem_describe (const FwProblem *self, const char *model, const char *const *samples);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwProblem, fw_problem_free)

G_END_DECLS
