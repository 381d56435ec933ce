/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-json.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"

static gboolean
refuse (GError **error, const char *reason)
{
  g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("This is not a line of plain JSON: %s."),
               reason);
  return FALSE;
}

/* The index after the closing quote of the string that opens at @i, or 0. */
static gsize
skip_string (const char *text, gsize length, gsize i)
{
  for (i++; i < length; i++)
    {
      if (text[i] == '"')
        return i + 1;
      if (text[i] == '\\')
        i++;
      else if ((guchar) text[i] < 0x20)
        return 0;
    }
  return 0;
}

/* Anything outside strings that JSON does not have is refused, above all comments: a quote in one
 * would hide the brackets after it from this count and not from json-glib. */
static gboolean
check_structure (const char *text, gsize length, GError **error)
{
  guint depth = 0;
  guint n_values = 0;
  gboolean done = FALSE;
  gsize i = 0;

  while (i < length)
    {
      char c = text[i];

      if (strchr (" \t\r\n", c) != NULL && c != '\0')
        {
          i++;
          continue;
        }
      if (done)
        return refuse (error, _ ("there is more after its end"));
      if (depth == 0 && c != '{' && c != '[')
        return refuse (error, _ ("it does not start with a brace"));
      if (c == '"')
        {
          i = skip_string (text, length, i);
          if (i == 0)
            return refuse (error, _ ("a text in it does not end"));
          continue;
        }

      if (c == '{' || c == '[')
        {
          if (++depth > FW_JSON_MAX_DEPTH)
            return refuse (error, _ ("it is nested too deep"));
        }
      else if (c == '}' || c == ']')
        done = --depth == 0;
      else if (!g_ascii_isalnum (c) && (c == '\0' || strchr ("+-.,:", c) == NULL))
        return refuse (error, _ ("there is a character that does not belong there"));

      if (strchr ("{[,:", c) != NULL && ++n_values > FW_JSON_MAX_VALUES)
        return refuse (error, _ ("it holds too many values"));
      i++;
    }

  if (!done)
    return refuse (error, length == 0 ? _ ("it is empty") : _ ("it ends too early"));
  return TRUE;
}

JsonNode *
fw_json_parse (const char *text, gssize length, GError **error)
{
  g_autoptr (JsonParser) parser = NULL;
  g_autoptr (GError) parse_error = NULL;
  gsize n_bytes;
  JsonNode *root;

  g_return_val_if_fail (text != NULL, NULL);

  n_bytes = length < 0 ? strlen (text) : (gsize) length;
  if (n_bytes > FW_JSON_MAX_BYTES)
    {
      refuse (error, _ ("it is too long"));
      return NULL;
    }
  if (!g_utf8_validate_len (text, n_bytes, NULL))
    {
      refuse (error, _ ("it is not in UTF-8"));
      return NULL;
    }
  if (!check_structure (text, n_bytes, error))
    return NULL;

  parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, text, (gssize) n_bytes, &parse_error))
    {
      g_debug ("json-glib: %s", parse_error->message);
      refuse (error, _ ("its signs are out of order"));
      return NULL;
    }
  root = json_parser_steal_root (parser);
  if (root == NULL)
    refuse (error, _ ("it is empty"));
  return root;
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer user_data)
{
  g_autofree char *valid = g_utf8_make_valid (name, -1);

  json_object_set_member (user_data, valid, fw_json_copy_valid (node));
}

static void
copy_element (JsonArray *array, guint index, JsonNode *node, gpointer user_data)
{
  json_array_add_element (user_data, fw_json_copy_valid (node));
}

static JsonNode *
copy_value (JsonNode *node)
{
  GType type = json_node_get_value_type (node);

  if (type == G_TYPE_STRING)
    {
      g_autofree char *valid = g_utf8_make_valid (json_node_get_string (node), -1);

      return json_node_init_string (json_node_alloc (), valid);
    }
  if (type == G_TYPE_DOUBLE && !isfinite (json_node_get_double (node)))
    return json_node_new (JSON_NODE_NULL);
  return json_node_copy (node);
}

JsonNode *
fw_json_copy_valid (JsonNode *node)
{
  JsonNode *copy = json_node_alloc ();

  switch (json_node_get_node_type (node))
    {
    case JSON_NODE_OBJECT:
      {
        JsonObject *object = json_object_new ();

        json_object_foreach_member (json_node_get_object (node), copy_member, object);
        json_node_init_object (copy, object);
        json_object_unref (object);
        return copy;
      }

    case JSON_NODE_ARRAY:
      {
        JsonArray *array
            = json_array_sized_new (json_array_get_length (json_node_get_array (node)));

        json_array_foreach_element (json_node_get_array (node), copy_element, array);
        json_node_init_array (copy, array);
        json_array_unref (array);
        return copy;
      }

    case JSON_NODE_VALUE:
      json_node_free (copy);
      return copy_value (node);

    case JSON_NODE_NULL:
    default:
      return json_node_init_null (copy);
    }
}

char *
fw_json_from_path (const char *path)
{
  if (!g_utf8_validate (path, -1, NULL) && g_path_is_absolute (path))
    return g_filename_to_uri (path, NULL, NULL);
  return g_utf8_make_valid (path, -1);
}

char *
fw_json_to_path (const char *text, GError **error)
{
  g_autofree char *folder = NULL;

  if (g_str_has_prefix (text, "file:"))
    {
      g_autofree char *host = NULL;
      char *path = g_filename_from_uri (text, &host, NULL);

      if (host != NULL)
        g_clear_pointer (&path, g_free);
      if (path == NULL)
        g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("“%s” does not name a file."), text);
      return path;
    }
  if (text[0] == '\0')
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("The name of a file is empty."));
      return NULL;
    }
  if (g_path_is_absolute (text))
    return g_strdup (text);

  /* Not g_canonicalize_filename(): it takes ".." away as text, which is wrong behind a link. */
  folder = g_get_current_dir ();
  return g_build_filename (folder, text, NULL);
}

static JsonNode *
member_of_type (JsonObject *object, const char *name, JsonNodeType type)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_node_type (node) == type ? node : NULL;
}

const char *
fw_json_get_string (JsonObject *object, const char *name, const char *fallback)
{
  JsonNode *node = member_of_type (object, name, JSON_NODE_VALUE);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_STRING)
    return fallback;
  return json_node_get_string (node);
}

double
fw_json_get_number (JsonObject *object, const char *name, double fallback)
{
  JsonNode *node = member_of_type (object, name, JSON_NODE_VALUE);
  GType type = node != NULL ? json_node_get_value_type (node) : G_TYPE_INVALID;

  return type == G_TYPE_INT64 || type == G_TYPE_DOUBLE ? json_node_get_double (node) : fallback;
}

gboolean
fw_json_get_boolean (JsonObject *object, const char *name, gboolean fallback)
{
  JsonNode *node = member_of_type (object, name, JSON_NODE_VALUE);

  if (node == NULL || json_node_get_value_type (node) != G_TYPE_BOOLEAN)
    return fallback;
  return json_node_get_boolean (node);
}

JsonObject *
fw_json_get_object (JsonObject *object, const char *name)
{
  JsonNode *node = member_of_type (object, name, JSON_NODE_OBJECT);

  return node != NULL ? json_node_get_object (node) : NULL;
}

JsonArray *
fw_json_get_array (JsonObject *object, const char *name)
{
  JsonNode *node = member_of_type (object, name, JSON_NODE_ARRAY);

  return node != NULL ? json_node_get_array (node) : NULL;
}
