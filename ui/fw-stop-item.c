/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-stop-item.h"

#include <math.h>

#include "fw-json.h"

struct _FwStopItem
{
  GObject parent_instance;

  JsonObject *event;
  double position;
  guint64 size;
  guint64 original_size;
  gboolean recommended;
};

G_DEFINE_FINAL_TYPE (FwStopItem, fw_stop_item, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_RECOMMENDED,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static guint64
get_bytes (JsonObject *event, const char *name)
{
  const double bytes = fw_json_get_number (event, name, 0);

  return bytes > 0 && bytes < 0x1p60 ? (guint64) bytes : 0;
}

/* A number inside an object of the event. */
static double
get_figure (FwStopItem *self, const char *group, const char *name)
{
  JsonObject *object = self->event != NULL ? fw_json_get_object (self->event, group) : NULL;

  return object != NULL ? fw_json_get_number (object, name, NAN) : NAN;
}

FwStopItem *
fw_stop_item_new (JsonObject *event)
{
  FwStopItem *self;

  g_return_val_if_fail (event != NULL, NULL);

  self = g_object_new (FW_TYPE_STOP_ITEM, NULL);
  self->event = json_object_ref (event);
  self->position = CLAMP (fw_json_get_number (event, "position", 0), 0, 100);
  self->size = get_bytes (event, "size_bytes");
  self->original_size = get_bytes (event, "original_size_bytes");
  self->recommended = fw_json_get_boolean (event, "recommended", FALSE);
  return self;
}

FwStopItem *
fw_stop_item_new_original (guint64 size_bytes)
{
  FwStopItem *self = g_object_new (FW_TYPE_STOP_ITEM, NULL);

  self->position = 100;
  self->size = self->original_size = size_bytes;
  return self;
}

double
fw_stop_item_get_position (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), 0);

  return self->position;
}

guint64
fw_stop_item_get_size (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), 0);

  return self->size;
}

guint64
fw_stop_item_get_original_size (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), 0);

  return self->original_size;
}

gboolean
fw_stop_item_is_original (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), FALSE);

  return self->event == NULL;
}

gboolean
fw_stop_item_is_provisional (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), FALSE);

  return self->event != NULL && fw_json_get_boolean (self->event, "provisional", FALSE);
}

guint
fw_stop_item_get_same (FwStopItem *self)
{
  double same;

  g_return_val_if_fail (FW_IS_STOP_ITEM (self), 0);

  same = get_figure (self, "same", "same");
  return same > 0 && same < G_MAXINT ? (guint) same : 0;
}

guint
fw_stop_item_get_total (FwStopItem *self)
{
  double total;

  g_return_val_if_fail (FW_IS_STOP_ITEM (self), 0);

  total = get_figure (self, "same", "total");
  return total > 0 && total < G_MAXINT ? (guint) total : 0;
}

double
fw_stop_item_get_faithfulness (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "same", "fraction");
}

double
fw_stop_item_get_faithfulness_low (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "same", "low");
}

double
fw_stop_item_get_faithfulness_high (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "same", "high");
}

double
fw_stop_item_get_speedup (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "speedup", "median");
}

double
fw_stop_item_get_speedup_low (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "speedup", "low");
}

double
fw_stop_item_get_speedup_high (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return self->event == NULL ? 1 : get_figure (self, "speedup", "high");
}

double
fw_stop_item_get_latency (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return get_figure (self, "latency_ms", "median");
}

double
fw_stop_item_get_original_latency (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return get_figure (self, "original_latency_ms", "median");
}

double
fw_stop_item_get_accuracy (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return get_figure (self, "accuracy", "top1");
}

double
fw_stop_item_get_original_accuracy (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NAN);

  return get_figure (self, "original_accuracy", "top1");
}

JsonArray *
fw_stop_item_get_warnings (FwStopItem *self)
{
  JsonArray *warnings;

  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NULL);

  warnings = self->event != NULL ? fw_json_get_array (self->event, "warnings") : NULL;
  return warnings != NULL && json_array_get_length (warnings) > 0 ? warnings : NULL;
}

JsonNode *
fw_stop_item_get_recipe (FwStopItem *self)
{
  JsonNode *node;

  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NULL);

  node = self->event != NULL ? json_object_get_member (self->event, "recipe") : NULL;
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? node : NULL;
}

JsonObject *
fw_stop_item_get_event (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), NULL);

  return self->event;
}

gboolean
fw_stop_item_get_recommended (FwStopItem *self)
{
  g_return_val_if_fail (FW_IS_STOP_ITEM (self), FALSE);

  return self->recommended;
}

void
fw_stop_item_set_recommended (FwStopItem *self, gboolean recommended)
{
  g_return_if_fail (FW_IS_STOP_ITEM (self));

  if (self->recommended == recommended)
    return;
  self->recommended = recommended;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_RECOMMENDED]);
}

static void
fw_stop_item_finalize (GObject *object)
{
  FwStopItem *self = FW_STOP_ITEM (object);

  g_clear_pointer (&self->event, json_object_unref);

  G_OBJECT_CLASS (fw_stop_item_parent_class)->finalize (object);
}

static void
fw_stop_item_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  FwStopItem *self = FW_STOP_ITEM (object);

  switch (prop_id)
    {
    case PROP_RECOMMENDED:
      g_value_set_boolean (value, self->recommended);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_stop_item_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  FwStopItem *self = FW_STOP_ITEM (object);

  switch (prop_id)
    {
    case PROP_RECOMMENDED:
      fw_stop_item_set_recommended (self, g_value_get_boolean (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_stop_item_class_init (FwStopItemClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = fw_stop_item_finalize;
  object_class->get_property = fw_stop_item_get_property;
  object_class->set_property = fw_stop_item_set_property;

  properties[PROP_RECOMMENDED]
      = g_param_spec_boolean ("recommended", NULL, NULL, FALSE,
                              G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
fw_stop_item_init (FwStopItem *self)
{
}
