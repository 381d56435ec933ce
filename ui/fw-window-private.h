/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-window-private.h: what the window's own files share. */

#pragma once

#include "fw-window.h"

G_BEGIN_DECLS

struct _FwWindow
{
  AdwApplicationWindow parent_instance;

  AdwToastOverlay *toast_overlay;
  AdwLeaflet *leaflet;
  GtkRevealer *drop_hint;
  GtkWidget *start_page;
  GtkWidget *model_page;
  GtkWidget *tradeoff_page;
  GtkWidget *compare_page;
  GtkWidget *history_page;
  GtkWidget *export_page;

  FwProject *project;
  GQueue *trail; /* names of pages to go back to, the last first */
  GSettings *settings;
  GtkNativeDialog *chooser;
  guint inhibition;           /* of suspending, or 0 */
  gboolean shrink_when_ready; /* the sample project needs no further word */
};

/* fw-window.c: moves the keyboard to what a page is for. */
void fw_window_focus_page (FwWindow *self);

/* fw-window-dnd.c */
void fw_window_init_drop_target (FwWindow *self);

/* fw-window-pages.c: the pages that come after the trade-off */
void fw_window_ensure_pages (void);
void fw_window_init_pages (FwWindow *self);

/* fw-window-actions.c */
void fw_window_class_install_actions (FwWindowClass *klass);
void fw_window_update_actions (FwWindow *self);

G_END_DECLS
