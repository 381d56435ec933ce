/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-problem-view.h: what went wrong, inside a page: the sentence, what to do, Copy Details. */

#pragma once

#include <adwaita.h>

#include "fw-problem.h"

G_BEGIN_DECLS

#define FW_TYPE_PROBLEM_VIEW (fw_problem_view_get_type ())

G_DECLARE_FINAL_TYPE (FwProblemView, fw_problem_view, FW, PROBLEM_VIEW, AdwBin)

/* @model and @samples go into the details, and may be NULL. */
void fw_problem_view_set_problem (FwProblemView *self,
                                  const FwProblem *problem,
                                  const char *model,
                                  const char *const *samples);

G_END_DECLS
