/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-model-page.h"

#include "fw-page-header.h"

struct _FwModelPage
{
  AdwBin parent_instance;

  FwProject *project;
};

G_DEFINE_FINAL_TYPE (FwModelPage, fw_model_page, ADW_TYPE_BIN)

void
fw_model_page_set_project (FwModelPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_MODEL_PAGE (self));

  g_set_object (&self->project, project);
}

static void
fw_model_page_dispose (GObject *object)
{
  FwModelPage *self = FW_MODEL_PAGE (object);

  g_clear_object (&self->project);

  G_OBJECT_CLASS (fw_model_page_parent_class)->dispose (object);
}

static void
fw_model_page_class_init (FwModelPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_model_page_dispose;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-model-page.ui");
}

static void
fw_model_page_init (FwModelPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
