/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-page-private.h: what the page's own files share. */

#pragma once

#include "fw-history-page.h"
#include "fw-history-row.h"
#include "fw-library.h"

G_BEGIN_DECLS

struct _FwHistoryPage
{
  AdwBin parent_instance;

  GtkStack *stack;
  AdwStatusPage *problem_page;
  GtkWidget *models_box;
  GtkDropDown *models;
  GtkLabel *summary;
  GtkWidget *outcome_box;
  GtkLabel *outcome;
  GtkListBox *list;

  FwLibrary *library;
  FwProject *project;
  GPtrArray *originals; /* FwHistoryOriginals as in the drop-down */
  gint64 original;      /* the id of the one that is shown */
  GtkNativeDialog *chooser;
  GCancellable *cancellable;
  AdwToast *toast;  /* the last one, weakly */
  gboolean filling; /* the drop-down, by ourselves */
  gboolean wants_focus;
};

/* fw-history-page.c */

/* Says what came of something, where it stays to be read. NULL for nothing. */
void fw_history_page_report (FwHistoryPage *self, const char *text);
void fw_history_page_fail (FwHistoryPage *self, const GError *error);

/* fw-history-actions.c */

/* "act" of a row. */
void fw_history_page_act (FwHistoryPage *self, const char *deed, FwHistoryRow *row);

G_END_DECLS
