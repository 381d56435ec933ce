/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-tradeoff-page.h"

#include "fw-page-header.h"

struct _FwTradeoffPage
{
  AdwBin parent_instance;

  FwProject *project;
};

G_DEFINE_FINAL_TYPE (FwTradeoffPage, fw_tradeoff_page, ADW_TYPE_BIN)

void
fw_tradeoff_page_set_project (FwTradeoffPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_TRADEOFF_PAGE (self));

  g_set_object (&self->project, project);
}

static void
fw_tradeoff_page_dispose (GObject *object)
{
  FwTradeoffPage *self = FW_TRADEOFF_PAGE (object);

  g_clear_object (&self->project);

  G_OBJECT_CLASS (fw_tradeoff_page_parent_class)->dispose (object);
}

static void
fw_tradeoff_page_class_init (FwTradeoffPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_tradeoff_page_dispose;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-tradeoff-page.ui");
}

static void
fw_tradeoff_page_init (FwTradeoffPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
