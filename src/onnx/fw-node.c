/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-model-private.h"

static void
copy_names (char ***names, size_t *n_names, const char *const *source)
{
  for (gsize i = 0; source != NULL && source[i] != NULL; i++)
    fw_proto_append (*names, *n_names, g_strdup (source[i]));
}

Onnx__NodeProto *
fw_node_new (const char *op_type,
             const char *name,
             const char *const *inputs,
             const char *const *outputs)
{
  Onnx__NodeProto *node = g_new (Onnx__NodeProto, 1);

  onnx__node_proto__init (node);
  node->op_type = g_strdup (op_type);
  node->name = g_strdup (name);
  copy_names (&node->input, &node->n_input, inputs);
  copy_names (&node->output, &node->n_output, outputs);
  return node;
}

static Onnx__AttributeProto *
attribute_new (const char *name, Onnx__AttributeProto__AttributeType type)
{
  Onnx__AttributeProto *attribute = g_new (Onnx__AttributeProto, 1);

  onnx__attribute_proto__init (attribute);
  attribute->name = g_strdup (name);
  attribute->has_type = TRUE;
  attribute->type = type;
  return attribute;
}

/* Takes @attribute in place of one of that name. */
static void
set_attribute (Onnx__NodeProto *node, Onnx__AttributeProto *attribute)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (g_strcmp0 (node->attribute[i]->name, attribute->name) == 0)
      {
        fw_proto_free_attribute (node->attribute[i]);
        node->attribute[i] = attribute;
        return;
      }

  fw_proto_append (node->attribute, node->n_attribute, attribute);
}

void
fw_node_set_int (Onnx__NodeProto *node, const char *attribute, gint64 value)
{
  Onnx__AttributeProto *new = attribute_new (attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT);

  new->has_i = TRUE;
  new->i = value;
  set_attribute (node, new);
}

void
fw_node_set_float (Onnx__NodeProto *node, const char *attribute, float value)
{
  Onnx__AttributeProto *new
      = attribute_new (attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

  new->has_f = TRUE;
  new->f = value;
  set_attribute (node, new);
}

void
fw_node_set_ints (Onnx__NodeProto *node, const char *attribute, const gint64 *values, gsize n)
{
  Onnx__AttributeProto *new
      = attribute_new (attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS);

  new->n_ints = n;
  new->ints = g_memdup2 (values, n * sizeof *values);
  set_attribute (node, new);
}

void
fw_node_set_string (Onnx__NodeProto *node, const char *attribute, const char *value)
{
  Onnx__AttributeProto *new
      = attribute_new (attribute, ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__STRING);

  new->has_s = TRUE;
  new->s.len = strlen (value);
  new->s.data = (uint8_t *) g_strdup (value);
  set_attribute (node, new);
}

const Onnx__AttributeProto *
fw_node_find_attribute (const Onnx__NodeProto *node, const char *name)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (g_strcmp0 (node->attribute[i]->name, name) == 0)
      return node->attribute[i];
  return NULL;
}

gint64
fw_node_get_int (const Onnx__NodeProto *node, const char *attribute, gint64 fallback)
{
  const Onnx__AttributeProto *found = fw_node_find_attribute (node, attribute);

  return found != NULL && found->has_i ? found->i : fallback;
}

float
fw_node_get_float (const Onnx__NodeProto *node, const char *attribute, float fallback)
{
  const Onnx__AttributeProto *found = fw_node_find_attribute (node, attribute);

  return found != NULL && found->has_f ? found->f : fallback;
}

gboolean
fw_node_has_string (const Onnx__NodeProto *node, const char *attribute, const char *value)
{
  const Onnx__AttributeProto *found = fw_node_find_attribute (node, attribute);
  gsize length = strlen (value);

  return found != NULL && found->has_s && found->s.len == length
         && (length == 0 || memcmp (found->s.data, value, length) == 0);
}

void
fw_node_set_input (Onnx__NodeProto *node, gsize index, const char *name)
{
  char *old;

  g_return_if_fail (index <= node->n_input);

  if (index == node->n_input)
    {
      node->input = g_renew (char *, node->input, node->n_input + 1);
      node->input[node->n_input++] = NULL;
    }
  old = node->input[index];
  node->input[index] = g_strdup (name);
  g_free (old);
}

void
fw_node_set_output (Onnx__NodeProto *node, gsize index, const char *name)
{
  char *old;

  g_return_if_fail (index < node->n_output);

  old = node->output[index];
  node->output[index] = g_strdup (name);
  g_free (old);
}
