/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-preprocess-private.h"

#include <math.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"

#define MAX_SIDE 8192
#define MAX_VALUE 1e6

static const char *const layout_names[] = { "nchw", "nhwc", NULL };
static const char *const channels_names[] = { "rgb", "bgr", "grey", NULL };
static const char *const resize_names[] = { "crop", "stretch", "letterbox", NULL };
static const char *const type_names[] = { "float32", "float16", "uint8", NULL };
static const FwElementType types[] = { FW_ELEMENT_FLOAT, FW_ELEMENT_FLOAT16, FW_ELEMENT_UINT8 };
static const char *const members[]
    = { "name",   "layout",  "channels", "resize",    "width", "height",      "crop_from",
        "invert", "divisor", "mean",     "deviation", "type",  "description", NULL };

static guint
get_n_channels (const FwPreprocess *self)
{
  return self->channels == FW_CHANNELS_GREY ? 1 : 3;
}

static void
add_doubles (JsonBuilder *builder, const char *name, const double *values, guint n)
{
  json_builder_set_member_name (builder, name);
  json_builder_begin_array (builder);
  for (guint i = 0; i < n; i++)
    json_builder_add_double_value (builder, values[i]);
  json_builder_end_array (builder);
}

static void
add_string (JsonBuilder *builder, const char *name, const char *value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_string_value (builder, value);
}

static void
add_int (JsonBuilder *builder, const char *name, gint64 value)
{
  json_builder_set_member_name (builder, name);
  json_builder_add_int_value (builder, value);
}

JsonNode *
fw_preprocess_to_json (const FwPreprocess *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();

  json_builder_begin_object (builder);
  add_string (builder, "name", self->name != NULL ? self->name : "custom");
  add_string (builder, "layout", layout_names[self->layout]);
  add_string (builder, "channels", channels_names[self->channels]);
  add_string (builder, "resize", resize_names[self->resize]);
  add_int (builder, "width", self->width);
  add_int (builder, "height", self->height);
  if (self->resize == FW_RESIZE_CROP)
    add_int (builder, "crop_from", self->crop_from);
  json_builder_set_member_name (builder, "invert");
  json_builder_add_boolean_value (builder, self->invert);
  json_builder_set_member_name (builder, "divisor");
  json_builder_add_double_value (builder, self->divisor);
  add_doubles (builder, "mean", self->mean, get_n_channels (self));
  add_doubles (builder, "deviation", self->deviation, get_n_channels (self));
  add_string (builder, "type", fw_element_type_get_name (self->type));
  json_builder_end_object (builder);
  return json_builder_get_root (builder);
}

static gboolean
set_bad (GError **error, const char *member)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
               _ ("The description of how pictures are prepared has no usable “%s”."), member);
  return FALSE;
}

static gboolean
read_choice (JsonObject *object,
             const char *member,
             const char *const *names,
             guint *choice,
             GError **error)
{
  JsonNode *node = json_object_get_member (object, member);

  if (node != NULL && JSON_NODE_HOLDS_VALUE (node)
      && json_node_get_value_type (node) == G_TYPE_STRING)
    for (guint i = 0; names[i] != NULL; i++)
      if (g_str_equal (names[i], json_node_get_string (node)))
        {
          *choice = i;
          return TRUE;
        }
  return set_bad (error, member);
}

static gboolean
read_number (JsonNode *node, double *value)
{
  GType type;

  if (node == NULL || !JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  type = json_node_get_value_type (node);
  if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
    return FALSE;
  *value = json_node_get_double (node);
  return isfinite (*value) && fabs (*value) <= MAX_VALUE;
}

static gboolean
read_side (JsonObject *object, const char *member, int lowest, int *side, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  double value;

  if (!read_number (node, &value) || value < lowest || value > MAX_SIDE || value != floor (value))
    return set_bad (error, member);
  *side = (int) value;
  return TRUE;
}

static gboolean
read_doubles (JsonObject *object, const char *member, guint n, double *values, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  JsonArray *array;

  if (node == NULL || !JSON_NODE_HOLDS_ARRAY (node))
    return set_bad (error, member);
  array = json_node_get_array (node);
  if (json_array_get_length (array) != n)
    return set_bad (error, member);
  for (guint i = 0; i < n; i++)
    if (!read_number (json_array_get_element (array, i), &values[i]))
      return set_bad (error, member);
  for (guint i = n; i < 3; i++)
    values[i] = values[0];
  return TRUE;
}

static gboolean
read_values (JsonObject *object, FwPreprocess *self, GError **error)
{
  const guint n = get_n_channels (self);
  JsonNode *invert = json_object_get_member (object, "invert");

  if (invert != NULL)
    {
      if (!JSON_NODE_HOLDS_VALUE (invert) || json_node_get_value_type (invert) != G_TYPE_BOOLEAN)
        return set_bad (error, "invert");
      self->invert = json_node_get_boolean (invert);
    }
  if (!read_number (json_object_get_member (object, "divisor"), &self->divisor)
      || (self->divisor != 1 && self->divisor != 255))
    return set_bad (error, "divisor");
  if (!read_doubles (object, "mean", n, self->mean, error)
      || !read_doubles (object, "deviation", n, self->deviation, error))
    return FALSE;
  for (guint i = 0; i < n; i++)
    if (self->deviation[i] < 1e-6)
      return set_bad (error, "deviation");
  return TRUE;
}

/* A misspelt member would otherwise be left out without a word. */
static gboolean
check_members (JsonObject *object, GError **error)
{
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *l = names; l != NULL; l = l->next)
    if (!g_strv_contains (members, l->data))
      {
        g_set_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
                     _ ("The description of how pictures are prepared has a “%s”, which is not "
                        "known."),
                     (const char *) l->data);
        return FALSE;
      }
  return TRUE;
}

FwPreprocess *
fw_preprocess_from_json (JsonNode *node, GError **error)
{
  g_autoptr (FwPreprocess) self = g_new0 (FwPreprocess, 1);
  JsonObject *object;
  guint layout, channels, resize, type;

  if (node == NULL || !JSON_NODE_HOLDS_OBJECT (node))
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
                           _ ("This is not a description of how pictures are prepared."));
      return NULL;
    }
  object = json_node_get_object (node);
  if (!check_members (object, error)
      || !read_choice (object, "layout", layout_names, &layout, error)
      || !read_choice (object, "channels", channels_names, &channels, error)
      || !read_choice (object, "resize", resize_names, &resize, error)
      || !read_choice (object, "type", type_names, &type, error)
      || !read_side (object, "width", 1, &self->width, error)
      || !read_side (object, "height", 1, &self->height, error))
    return NULL;
  self->layout = layout;
  self->channels = channels;
  self->resize = resize;
  self->type = types[type];
  if (resize == FW_RESIZE_CROP
      && !read_side (object, "crop_from", MIN (self->width, self->height), &self->crop_from, error))
    return NULL;
  if (!read_values (object, self, error))
    return NULL;
  self->name = fw_preprocess_make_name (self);
  return g_steal_pointer (&self);
}
