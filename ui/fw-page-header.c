/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-page-header.h"

#include "fw-application.h"

struct _FwPageHeader
{
  AdwBin parent_instance;

  AdwHeaderBar *bar;
  AdwWindowTitle *window_title;
  GtkWidget *back_button;
};

static void fw_page_header_buildable_init (GtkBuildableIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (FwPageHeader,
                               fw_page_header,
                               ADW_TYPE_BIN,
                               G_IMPLEMENT_INTERFACE (GTK_TYPE_BUILDABLE,
                                                      fw_page_header_buildable_init))

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_SUBTITLE,
  PROP_SHOW_BACK,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static GtkBuildableIface *parent_buildable;

void
fw_page_header_set_title (FwPageHeader *self, const char *title)
{
  g_return_if_fail (FW_IS_PAGE_HEADER (self));

  adw_window_title_set_title (self->window_title, title != NULL ? title : "");
}

void
fw_page_header_set_subtitle (FwPageHeader *self, const char *subtitle)
{
  g_return_if_fail (FW_IS_PAGE_HEADER (self));

  adw_window_title_set_subtitle (self->window_title, subtitle != NULL ? subtitle : "");
}

static void
fw_page_header_add_child (GtkBuildable *buildable,
                          GtkBuilder *builder,
                          GObject *child,
                          const char *type)
{
  FwPageHeader *self = FW_PAGE_HEADER (buildable);

  if (g_strcmp0 (type, "start") == 0)
    adw_header_bar_pack_start (self->bar, GTK_WIDGET (child));
  else if (g_strcmp0 (type, "end") == 0)
    adw_header_bar_pack_end (self->bar, GTK_WIDGET (child));
  else
    parent_buildable->add_child (buildable, builder, child, type);
}

static void
fw_page_header_buildable_init (GtkBuildableIface *iface)
{
  parent_buildable = g_type_interface_peek_parent (iface);
  iface->add_child = fw_page_header_add_child;
}

static void
fw_page_header_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  FwPageHeader *self = FW_PAGE_HEADER (object);

  switch (prop_id)
    {
    case PROP_TITLE:
      g_value_set_string (value, adw_window_title_get_title (self->window_title));
      break;
    case PROP_SUBTITLE:
      g_value_set_string (value, adw_window_title_get_subtitle (self->window_title));
      break;
    case PROP_SHOW_BACK:
      g_value_set_boolean (value, gtk_widget_get_visible (self->back_button));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_page_header_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  FwPageHeader *self = FW_PAGE_HEADER (object);

  switch (prop_id)
    {
    case PROP_TITLE:
      fw_page_header_set_title (self, g_value_get_string (value));
      break;
    case PROP_SUBTITLE:
      fw_page_header_set_subtitle (self, g_value_get_string (value));
      break;
    case PROP_SHOW_BACK:
      gtk_widget_set_visible (self->back_button, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_page_header_class_init (FwPageHeaderClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = fw_page_header_get_property;
  object_class->set_property = fw_page_header_set_property;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_SUBTITLE] = g_param_spec_string ("subtitle", NULL, NULL, NULL, flags);
  properties[PROP_SHOW_BACK] = g_param_spec_boolean ("show-back", NULL, NULL, TRUE, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-page-header.ui");
  gtk_widget_class_bind_template_child (widget_class, FwPageHeader, bar);
  gtk_widget_class_bind_template_child (widget_class, FwPageHeader, window_title);
  gtk_widget_class_bind_template_child (widget_class, FwPageHeader, back_button);
}

static void
fw_page_header_init (FwPageHeader *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
