/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-fact.h"

#include "fw-application.h"

struct _FwFact
{
  AdwBin parent_instance;

  GtkLabel *title_label;
  GtkImage *image;
  GtkLabel *value_label;
  GtkLabel *first_label;
  GtkLabel *second_label;
};

G_DEFINE_FINAL_TYPE (FwFact, fw_fact, ADW_TYPE_BIN)

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_ICON_NAME,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void
set_line (GtkLabel *label, const char *text)
{
  gtk_label_set_label (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

void
fw_fact_set (FwFact *self, const char *value, const char *first, const char *second)
{
  g_autofree char *spoken = NULL;

  g_return_if_fail (FW_IS_FACT (self));

  gtk_label_set_label (self->value_label, value != NULL ? value : "–");
  set_line (self->first_label, first);
  set_line (self->second_label, second);
  spoken = g_strdup_printf ("%s: %s. %s. %s", gtk_label_get_label (self->title_label),
                            value != NULL ? value : "–", first != NULL ? first : "",
                            second != NULL ? second : "");
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
}

static void
fw_fact_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  FwFact *self = FW_FACT (object);

  switch (prop_id)
    {
    case PROP_TITLE:
      g_value_set_string (value, gtk_label_get_label (self->title_label));
      break;
    case PROP_ICON_NAME:
      g_value_set_string (value, gtk_image_get_icon_name (self->image));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_fact_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  FwFact *self = FW_FACT (object);

  switch (prop_id)
    {
    case PROP_TITLE:
      gtk_label_set_label (self->title_label, g_value_get_string (value));
      break;
    case PROP_ICON_NAME:
      gtk_image_set_from_icon_name (self->image, g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_fact_class_init (FwFactClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;

  object_class->get_property = fw_fact_get_property;
  object_class->set_property = fw_fact_set_property;

  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_ICON_NAME] = g_param_spec_string ("icon-name", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-fact.ui");
  gtk_widget_class_bind_template_child (widget_class, FwFact, title_label);
  gtk_widget_class_bind_template_child (widget_class, FwFact, image);
  gtk_widget_class_bind_template_child (widget_class, FwFact, value_label);
  gtk_widget_class_bind_template_child (widget_class, FwFact, first_label);
  gtk_widget_class_bind_template_child (widget_class, FwFact, second_label);
}

static void
fw_fact_init (FwFact *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
