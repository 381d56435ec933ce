/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-problem-dialog.h: says what went wrong, what to do, and lets the details be copied. */

#pragma once

#include <adwaita.h>

#include "fw-problem.h"

G_BEGIN_DECLS

/* @model and @samples go into the details, and may be NULL. */
void fw_problem_dialog_present (GtkWindow *parent,
                                const FwProblem *problem,
                                const char *model,
                                const char *const *samples);

G_END_DECLS
