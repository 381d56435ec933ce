/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-start-page.h"

#include "fw-page-header.h"

struct _FwStartPage
{
  AdwBin parent_instance;

};

G_DEFINE_FINAL_TYPE (FwStartPage, fw_start_page, ADW_TYPE_BIN)

static void
fw_start_page_class_init (FwStartPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-start-page.ui");
}

static void
fw_start_page_init (FwStartPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
