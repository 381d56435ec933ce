/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-recipe.h"

#include <gio/gio.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-recipe-private.h"
#include "fw-session.h"

#define RECIPE_FORMAT 1
/* Of all roundings together: no model that can be made smaller has more weights. */
#define MAX_OFFSETS ((gsize) 1 << 33)
#define CHUNK ((gsize) 1 << 20)

/* Writing ------------------------------------------------------------------------------------- */

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

static char *
bytes_to_text (GBytes *bytes)
{
  gsize size;
  const guchar *data = g_bytes_get_data (bytes, &size);

  return g_base64_encode (data, size);
}

/* @lists: value -> GBytes */
static JsonObject *
lists_to_json (GHashTable *lists)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (lists);

  for (GList *l = keys; l != NULL; l = l->next)
    {
      g_autofree char *text = bytes_to_text (g_hash_table_lookup (lists, l->data));

      json_object_set_string_member (object, l->data, text);
    }
  return object;
}

static JsonObject *
shifts_to_json (FwRecipe *self)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (self->shifts);

  for (GList *l = keys; l != NULL; l = l->next)
    if (fw_recipe_get_option (self, l->data) != FW_OPTION_FLOAT32)
      {
        g_autofree char *text = bytes_to_text (g_hash_table_lookup (self->shifts, l->data));

        json_object_set_string_member (object, l->data, text);
      }
  return object;
}

/* Offsets are nearly all 0: they shrink well. */
static GBytes *
convert (GConverter *converter, GBytes *bytes, gsize most)
{
  gsize size, done = 0;
  const guchar *data = g_bytes_get_data (bytes, &size);
  g_autoptr (GByteArray) result = g_byte_array_new ();
  GConverterResult state = G_CONVERTER_CONVERTED;

  while (state == G_CONVERTER_CONVERTED)
    {
      guint used = result->len;
      gsize n_read = 0, n_written = 0;

      if (result->len > most || result->len > G_MAXUINT - CHUNK)
        return NULL;
      g_byte_array_set_size (result, result->len + CHUNK);
      state = g_converter_convert (converter, data + done, size - done, result->data + used, CHUNK,
                                   G_CONVERTER_INPUT_AT_END, &n_read, &n_written, NULL);
      done += n_read;
      g_byte_array_set_size (result, used + n_written);
    }
  if (state != G_CONVERTER_FINISHED || done != size || result->len > most)
    return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&result));
}

static JsonObject *
roundings_to_json (FwRecipe *self)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) keys = get_sorted_keys (self->roundings);

  for (GList *l = keys; l != NULL; l = l->next)
    {
      FwOption option = fw_recipe_get_option (self, l->data);
      guint bits = fw_option_get_bits (option), block = fw_option_get_block (option);
      g_autoptr (GConverter) compressor = NULL;
      g_autoptr (GBytes) small = NULL;
      g_autofree char *scales_text = NULL;
      g_autofree char *offsets_text = NULL;
      JsonObject *entry;
      GBytes *scales, *offsets;

      if (!fw_recipe_get_rounding (self, l->data, bits, block, &scales, &offsets))
        continue;
      compressor = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW, -1));
      small = convert (compressor, offsets, G_MAXUINT);
      g_assert (small != NULL);
      scales_text = bytes_to_text (scales);
      offsets_text = bytes_to_text (small);
      entry = json_object_new ();
      json_object_set_int_member (entry, "bits", bits);
      json_object_set_int_member (entry, "block", block);
      json_object_set_string_member (entry, "scales", scales_text);
      json_object_set_string_member (entry, "offsets", offsets_text);
      json_object_set_object_member (object, l->data, entry);
    }
  return object;
}

/* Old programs can read what has no such member. */
static void
set_unless_empty (JsonObject *object, const char *member, JsonObject *value)
{
  if (json_object_get_size (value) > 0)
    json_object_set_object_member (object, member, value);
  else
    json_object_unref (value);
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
  json_object_set_object_member (object, "means", lists_to_json (self->means));
  set_unless_empty (object, "scalings", lists_to_json (self->scalings));
  set_unless_empty (object, "roundings", roundings_to_json (self));
  set_unless_empty (object, "shifts", shifts_to_json (self));
  json_node_take_object (node, object);
  return node;
}

/* Reading ------------------------------------------------------------------------------------- */

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

/* A list of numbers; NULL where one of them is none. */
static GBytes *
read_floats (const char *text)
{
  g_autofree guchar *data = NULL;
  gsize size = 0;

  if (text == NULL || *text == '\0')
    return NULL;
  data = g_base64_decode (text, &size);
  if (size == 0 || size % sizeof (float) != 0)
    return NULL;
  for (gsize i = 0; i < size / sizeof (float); i++)
    if (!isfinite (((float *) data)[i]))
      return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), size);
}

static gboolean
read_means (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    {
      g_autoptr (GBytes) mean = read_floats (get_string (object, l->data));

      if (mean == NULL)
        return fail (error);
      fw_recipe_set_mean (self, l->data, g_bytes_get_data (mean, NULL),
                          g_bytes_get_size (mean) / sizeof (float));
    }
  return TRUE;
}

static gboolean
read_scalings (FwRecipe *self, JsonObject *object, GError **error)
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
      for (gsize i = 0; i < size; i++)
        if (ABS ((gint8) data[i]) > FW_RECIPE_MOST_SCALING)
          return fail (error);
      if (size == 0)
        return fail (error);
      fw_recipe_set_scaling (self, l->data, (const gint8 *) data, size);
    }
  return TRUE;
}

static gboolean
read_shifts (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);

  for (GList *l = members; l != NULL; l = l->next)
    {
      g_autoptr (GBytes) shift = read_floats (get_string (object, l->data));

      if (shift == NULL)
        return fail (error);
      fw_recipe_set_shift (self, l->data, g_bytes_get_data (shift, NULL),
                           g_bytes_get_size (shift) / sizeof (float));
    }
  return TRUE;
}

static gboolean
are_positive (GBytes *floats)
{
  const float *values = g_bytes_get_data (floats, NULL);

  for (gsize i = 0; i < g_bytes_get_size (floats) / sizeof (float); i++)
    if (!(values[i] > 0))
      return FALSE;
  return TRUE;
}

static GBytes *
read_offsets (const char *text, gsize most)
{
  g_autoptr (GConverter) decompressor
      = G_CONVERTER (g_zlib_decompressor_new (G_ZLIB_COMPRESSOR_FORMAT_RAW));
  g_autoptr (GBytes) bytes = NULL;
  guchar *data;
  gsize size = 0;

  if (text == NULL || *text == '\0')
    return NULL;
  data = g_base64_decode (text, &size);
  bytes = g_bytes_new_take (data, size);
  return convert (decompressor, bytes, most);
}

static gboolean
read_roundings (FwRecipe *self, JsonObject *object, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (object);
  gsize left = MAX_OFFSETS;

  for (GList *l = members; l != NULL; l = l->next)
    {
      JsonObject *entry = get_object (object, l->data);
      g_autoptr (GBytes) scales = NULL;
      g_autoptr (GBytes) offsets = NULL;
      gint64 bits, block;

      if (entry == NULL || !is_of_type (json_object_get_member (entry, "bits"), G_TYPE_INT64)
          || !is_of_type (json_object_get_member (entry, "block"), G_TYPE_INT64))
        return fail (error);
      bits = json_object_get_int_member (entry, "bits");
      block = json_object_get_int_member (entry, "block");
      if (bits < 2 || bits > 8 || block < 0 || block > 256
          || !fw_option_is_valid (FW_OPTION ((guint) bits, FW_ARITHMETIC_FLOAT, (guint) block)))
        return fail (error);
      scales = read_floats (get_string (entry, "scales"));
      offsets = read_offsets (get_string (entry, "offsets"), left);
      if (scales == NULL || offsets == NULL || !are_positive (scales))
        return fail (error);
      left -= g_bytes_get_size (offsets);
      fw_recipe_set_rounding (self, l->data, bits, block, scales, offsets);
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
  JsonObject *roundings = object != NULL ? get_object (object, "roundings") : NULL;
  JsonObject *shifts = object != NULL ? get_object (object, "shifts") : NULL;
  JsonObject *scalings = object != NULL ? get_object (object, "scalings") : NULL;

  if (units == NULL || means == NULL || get_string (object, "original") == NULL
      || !is_of_type (json_object_get_member (object, "format"), G_TYPE_INT64)
      || json_object_get_int_member (object, "format") != RECIPE_FORMAT
      || (json_object_has_member (object, "converted")
          && !is_of_type (json_object_get_member (object, "converted"), G_TYPE_BOOLEAN))
      || (json_object_has_member (object, "ranges") && ranges == NULL)
      || (json_object_has_member (object, "roundings") && roundings == NULL)
      || (json_object_has_member (object, "shifts") && shifts == NULL)
      || (json_object_has_member (object, "scalings") && scalings == NULL))
    {
      fail (error);
      return NULL;
    }

  self = fw_recipe_new (get_string (object, "original"),
                        json_object_get_boolean_member_with_default (object, "converted", FALSE));
  self->runtime = g_strdup (get_string (object, "runtime"));
  self->program = g_strdup (get_string (object, "program"));
  if (!read_options (self, units, error) || !read_means (self, means, error)
      || (ranges != NULL && !read_ranges (self, ranges, error))
      || (roundings != NULL && !read_roundings (self, roundings, error))
      || (shifts != NULL && !read_shifts (self, shifts, error))
      || (scalings != NULL && !read_scalings (self, scalings, error)))
    return NULL;
  return g_steal_pointer (&self);
}
