/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-recipe.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-session.h"

#define RECIPE_FORMAT 1

struct _FwRecipe
{
  char *original;
  char *runtime; /* of a recipe that was read; NULL for "the one loaded now" */
  char *program;
  gboolean converted;
  GHashTable *options; /* name -> FwOption */
  GHashTable *ranges;  /* value -> FwRange */
  GHashTable *means;   /* value -> GBytes of little-endian float32 */
};

FwRecipe *
fw_recipe_new (const char *original_sha256, gboolean converted)
{
  FwRecipe *self = g_new0 (FwRecipe, 1);

  self->original = g_strdup (original_sha256);
  self->converted = converted;
  self->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->ranges = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->means
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  return self;
}

FwRecipe *
fw_recipe_copy (FwRecipe *self)
{
  FwRecipe *copy = g_new0 (FwRecipe, 1);
  GHashTableIter iter;
  gpointer key, value;

  copy->original = g_strdup (self->original);
  copy->runtime = g_strdup (self->runtime);
  copy->program = g_strdup (self->program);
  copy->converted = self->converted;
  copy->ranges = g_hash_table_ref (self->ranges);
  copy->means = g_hash_table_ref (self->means);
  copy->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, self->options);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy->options, g_strdup (key), value);
  return copy;
}

void
fw_recipe_free (FwRecipe *self)
{
  g_free (self->original);
  g_free (self->runtime);
  g_free (self->program);
  g_hash_table_unref (self->options);
  g_hash_table_unref (self->ranges);
  g_hash_table_unref (self->means);
  g_free (self);
}

const char *
fw_recipe_get_original (FwRecipe *self)
{
  return self->original;
}

gboolean
fw_recipe_get_converted (FwRecipe *self)
{
  return self->converted;
}

void
fw_recipe_set_option (FwRecipe *self, const char *unit, FwOption option)
{
  if (option == FW_OPTION_FLOAT32)
    g_hash_table_remove (self->options, unit);
  else
    g_hash_table_insert (self->options, g_strdup (unit), GUINT_TO_POINTER (option));
}

FwOption
fw_recipe_get_option (FwRecipe *self, const char *unit)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->options, unit));
}

/* Names from a file can be any bytes, those in JSON only text. */
static char *
make_key (const char *value)
{
  return g_utf8_validate (value, -1, NULL) ? g_strdup (value) : g_strescape (value, NULL);
}

void
fw_recipe_set_range (FwRecipe *self, const char *value, const FwRange *range)
{
  g_hash_table_insert (self->ranges, make_key (value), g_memdup2 (range, sizeof *range));
}

const FwRange *
fw_recipe_get_range (FwRecipe *self, const char *value)
{
  g_autofree char *key = make_key (value);

  return g_hash_table_lookup (self->ranges, key);
}

void
fw_recipe_set_mean (FwRecipe *self, const char *value, const float *mean, gsize channels)
{
  g_hash_table_insert (self->means, make_key (value),
                       g_bytes_new (mean, channels * sizeof (float)));
}

const float *
fw_recipe_get_mean (FwRecipe *self, const char *value, gsize *channels)
{
  g_autofree char *key = make_key (value);
  GBytes *bytes = g_hash_table_lookup (self->means, key);

  if (bytes == NULL)
    return NULL;
  *channels = g_bytes_get_size (bytes) / sizeof (float);
  return g_bytes_get_data (bytes, NULL);
}

/* JSON ------------------------------------------------------------------------------------------
 */

static GList *
get_sorted_keys (GHashTable *table)
{
  return g_list_sort (g_hash_table_get_keys (table), (GCompareFunc) strcmp);
}

static JsonObject *
options_to_json (FwRecipe *self)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (self->options);

  for (GList *l = keys; l != NULL; l = l->next)
    json_object_set_string_member (object, l->data,
                                   fw_option_get_name (fw_recipe_get_option (self, l->data)));
  return object;
}

static JsonObject *
ranges_to_json (FwRecipe *self)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (self->ranges);

  for (GList *l = keys; l != NULL; l = l->next)
    {
      const FwRange *range = fw_recipe_get_range (self, l->data);
      JsonArray *pair = json_array_new ();

      json_array_add_double_element (pair, range->scale);
      json_array_add_int_element (pair, range->zero_point);
      json_object_set_array_member (object, l->data, pair);
    }
  return object;
}

static JsonObject *
means_to_json (FwRecipe *self)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (self->means);

  for (GList *l = keys; l != NULL; l = l->next)
    {
      gsize size;
      const guchar *data = g_bytes_get_data (g_hash_table_lookup (self->means, l->data), &size);
      g_autofree char *text = g_base64_encode (data, size);

      json_object_set_string_member (object, l->data, text);
    }
  return object;
}

static gboolean
uses_compute (FwRecipe *self)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, self->options);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (fw_option_get_arithmetic (GPOINTER_TO_UINT (value)) == FW_ARITHMETIC_INT8)
      return TRUE;
  return FALSE;
}

JsonNode *
fw_recipe_to_json (FwRecipe *self)
{
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *object = json_object_new ();
  const char *runtime = self->runtime != NULL ? self->runtime : fw_runtime_get_version ();

  json_object_set_int_member (object, "format", RECIPE_FORMAT);
  json_object_set_string_member (object, "program",
                                 self->program != NULL ? self->program : PACKAGE_VERSION);
  json_object_set_string_member (object, "runtime", runtime != NULL ? runtime : "");
  json_object_set_string_member (object, "original", self->original);
  json_object_set_boolean_member (object, "converted", self->converted);
  json_object_set_object_member (object, "units", options_to_json (self));
  /* Ranges matter to int8 arithmetic only. */
  if (uses_compute (self))
    json_object_set_object_member (object, "ranges", ranges_to_json (self));
  json_object_set_object_member (object, "means", means_to_json (self));
  json_node_take_object (node, object);
  return node;
}

static gboolean
fail (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("This is not a recipe that Featherweight can follow."));
  return FALSE;
}

static JsonObject *
get_object (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *
get_string (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

static gboolean
is_of_type (JsonNode *node, GType type)
{
  return node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static gboolean
is_number (JsonNode *node)
{
  return is_of_type (node, G_TYPE_INT64) || is_of_type (node, G_TYPE_DOUBLE);
}

static gboolean
read_options (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    {
      const char *name = get_string (object, l->data);
      FwOption option;

      if (name == NULL || !fw_option_from_name (name, &option))
        return fail (error);
      fw_recipe_set_option (self, l->data, option);
    }
  return TRUE;
}

static gboolean
read_ranges (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (object, l->data);
      JsonArray *pair = JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
      FwRange range = { 0 };
      gint64 zero_point;

      if (pair == NULL || json_array_get_length (pair) != 2
          || !is_number (json_array_get_element (pair, 0))
          || !is_of_type (json_array_get_element (pair, 1), G_TYPE_INT64))
        return fail (error);
      range.scale = json_array_get_double_element (pair, 0);
      zero_point = json_array_get_int_element (pair, 1);
      if (!isfinite (range.scale) || range.scale <= 0 || zero_point < 0 || zero_point > 255)
        return fail (error);
      range.zero_point = zero_point;
      fw_recipe_set_range (self, l->data, &range);
    }
  return TRUE;
}

static gboolean
read_means (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    {
      const char *text = get_string (object, l->data);
      g_autofree guchar *data = NULL;
      gsize size = 0;

      if (text == NULL || *text == '\0')
        return fail (error);
      data = g_base64_decode (text, &size);
      if (size == 0 || size % sizeof (float) != 0)
        return fail (error);
      for (gsize i = 0; i < size / sizeof (float); i++)
        if (!isfinite (((float *) data)[i]))
          return fail (error);
      fw_recipe_set_mean (self, l->data, (float *) data, size / sizeof (float));
    }
  return TRUE;
}

FwRecipe *
fw_recipe_from_json (JsonNode *node, GError **error)
{
  g_autoptr (FwRecipe) self = NULL;
  JsonObject *object
      = node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
  JsonObject *units = object != NULL ? get_object (object, "units") : NULL;
  JsonObject *means = object != NULL ? get_object (object, "means") : NULL;
  JsonObject *ranges = object != NULL ? get_object (object, "ranges") : NULL;

  if (units == NULL || means == NULL || get_string (object, "original") == NULL
      || !is_of_type (json_object_get_member (object, "format"), G_TYPE_INT64)
      || json_object_get_int_member (object, "format") != RECIPE_FORMAT
      || (json_object_has_member (object, "converted")
          && !is_of_type (json_object_get_member (object, "converted"), G_TYPE_BOOLEAN))
      || (json_object_has_member (object, "ranges") && ranges == NULL))
    {
      fail (error);
      return NULL;
    }

  self = fw_recipe_new (get_string (object, "original"),
                        json_object_get_boolean_member_with_default (object, "converted", FALSE));
  self->runtime = g_strdup (get_string (object, "runtime"));
  self->program = g_strdup (get_string (object, "program"));
  if (!read_options (self, units, error) || !read_means (self, means, error)
      || (ranges != NULL && !read_ranges (self, ranges, error)))
    return NULL;
  return g_steal_pointer (&self);
}
