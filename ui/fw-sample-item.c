/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-item.h"

#include <math.h>

#include "fw-json.h"

struct _FwSampleItem
{
  GObject parent_instance;

  JsonObject *event;
  char *preview;
};

G_DEFINE_FINAL_TYPE (FwSampleItem, fw_sample_item, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_NAME,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

FwSampleItem *
fw_sample_item_new (JsonObject *event)
{
  FwSampleItem *self;
  const char *preview;

  g_return_val_if_fail (event != NULL, NULL);

  self = g_object_new (FW_TYPE_SAMPLE_ITEM, NULL);
  self->event = json_object_ref (event);
  preview = fw_json_get_string (event, "preview", NULL);
  if (preview != NULL)
    self->preview = fw_json_to_path (preview, NULL);
  return self;
}

const char *
fw_sample_item_get_name (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), "");

  return fw_json_get_string (self->event, "name", "");
}

const char *
fw_sample_item_get_preview (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), NULL);

  return self->preview;
}

JsonArray *
fw_sample_item_get_original (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), NULL);

  return fw_json_get_array (self->event, "original");
}

JsonArray *
fw_sample_item_get_other (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), NULL);

  return fw_json_get_array (self->event, "other");
}

gboolean
fw_sample_item_get_changed (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), FALSE);

  return fw_json_get_boolean (self->event, "changed", FALSE);
}

int
fw_sample_item_get_label (FwSampleItem *self)
{
  double label;

  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), -1);

  label = fw_json_get_number (self->event, "label", -1);
  return label >= 0 && label < G_MAXINT ? (int) label : -1;
}

const char *
fw_sample_item_get_figures (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), NULL);

  return fw_json_get_string (self->event, "figures", NULL);
}

double
fw_sample_item_get_difference (FwSampleItem *self)
{
  g_return_val_if_fail (FW_IS_SAMPLE_ITEM (self), NAN);

  /* Infinite errors have no number. */
  if (!json_object_has_member (self->event, "error"))
    return NAN;
  return sqrt (fw_json_get_number (self->event, "error", INFINITY));
}

static void
fw_sample_item_finalize (GObject *object)
{
  FwSampleItem *self = FW_SAMPLE_ITEM (object);

  g_clear_pointer (&self->event, json_object_unref);
  g_clear_pointer (&self->preview, g_free);

  G_OBJECT_CLASS (fw_sample_item_parent_class)->finalize (object);
}

static void
fw_sample_item_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_NAME:
      g_value_set_string (value, fw_sample_item_get_name (FW_SAMPLE_ITEM (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_sample_item_class_init (FwSampleItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = fw_sample_item_finalize;
  object_class->get_property = fw_sample_item_get_property;

  properties[PROP_NAME]
      = g_param_spec_string ("name", NULL, NULL, NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
fw_sample_item_init (FwSampleItem *self)
{
}
