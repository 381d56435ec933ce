/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-window.h: the window: pages one after the other, and what is dropped on it. */

#pragma once

#include "fw-application.h"
#include "fw-comparison.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_WINDOW (fw_window_get_type ())

G_DECLARE_FINAL_TYPE (FwWindow, fw_window, FW, WINDOW, AdwApplicationWindow)

FwWindow *fw_window_new (FwApplication *application);

FwProject *fw_window_get_project (FwWindow *self);

/* GFiles in any order, models and samples mixed: each is taken for what it is. */
void fw_window_take_files (FwWindow *self, GSList *files);
/* Opens the sample model with its pictures and starts making it smaller. */
void fw_window_try_sample (FwWindow *self);

/* "start", "model", "tradeoff", "compare", "history" or "export". The way back leads to the page
 * before. */
void fw_window_show_page (FwWindow *self, const char *name);

/* Compares two versions of the history on the page for that; takes both sides. */
void fw_window_compare (FwWindow *self,
                        FwComparisonSide *first,
                        FwComparisonSide *second,
                        const char *const *samples);
/* Shows the page that exports a version of the history. @samples may be NULL. */
void fw_window_export (FwWindow *self,
                       const char *title,
                       const char *file,
                       const char *original,
                       const char *const *samples);

/* A few words at the bottom that go by themselves. Screen readers don't read them, so what matters
 * is also to be said on the page. */
void fw_window_say (FwWindow *self, const char *text);
/* The same for an owned toast. */
void fw_window_add_toast (FwWindow *self, AdwToast *toast);
/* A sentence with a hint and Copy Details. */
void fw_window_show_problem (FwWindow *self, const FwProblem *problem);

G_END_DECLS
