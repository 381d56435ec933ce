/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-signed.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-graph-index.h"

#define SHIFT 128

typedef struct
{
  FwModel *original;
  FwModel *copy;
  FwGraphIndex *index;    /* of the original */
  GHashTable *values;     /* set of the quantized values; strings of the original */
  GHashTable *zero_names; /* the old name or the scale's, to that of the signed zero point */
  guint n_names;
} Signing;

static gboolean
is_operator (const Onnx__NodeProto *node, const char *op_type)
{
  return strcmp (node->op_type, op_type) == 0
         && (node->domain == NULL || node->domain[0] == '\0'
             || strcmp (node->domain, "ai.onnx") == 0);
}

gboolean
fw_signed_has_activations (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_node; i++)
    if (is_operator (graph->node[i], "QuantizeLinear"))
      return TRUE;
  return FALSE;
}

static const char *
get_input (const Onnx__NodeProto *node, gsize index)
{
  const char *name = index < node->n_input ? node->input[index] : NULL;

  return name != NULL && name[0] != '\0' ? name : NULL;
}

static gboolean
fail (GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
               _ ("This model calculates with 8-bit numbers in a way that can’t be rewritten for "
                  "phones."));
  return FALSE;
}

static gboolean
is_uint8 (Signing *s, const Onnx__NodeProto *node, gboolean *known)
{
  const char *zero = get_input (node, 2);
  Onnx__TensorProto *tensor = zero != NULL ? fw_graph_index_get_initializer (s->index, zero) : NULL;
  gint64 type = fw_node_get_int (node, "output_dtype", FW_ELEMENT_UNDEFINED);

  *known = zero == NULL || tensor != NULL;
  if (tensor != NULL)
    return tensor->data_type == FW_ELEMENT_UINT8;
  return type == FW_ELEMENT_UNDEFINED || type == FW_ELEMENT_UINT8;
}

/* A Pad with zeros, which stand for what they stand for nowhere else: an unsigned 0. */
static gboolean
is_plain_pad (const Onnx__NodeProto *node)
{
  const Onnx__AttributeProto *mode = fw_node_find_attribute (node, "mode");

  return is_operator (node, "Pad") && node->n_input == 2 && node->n_output == 1 && mode == NULL;
}

/* Gives on some of the numbers as they are. */
static gboolean
is_slice (const Onnx__NodeProto *node)
{
  return is_operator (node, "Slice") && node->n_output == 1;
}

/* Every use of a quantized value must be its widening, or a Pad or Slice of which that is true:
 * other operators would see other numbers. */
static gboolean
take_value (Signing *s, const char *value, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (s->original);
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (s->index, value, &n);

  if (fw_graph_index_is_output (s->index, value))
    return fail (error);
  for (guint i = 0; i < n; i++)
    {
      Onnx__NodeProto *node = graph->node[consumers[i]];

      if (g_strcmp0 (get_input (node, 0), value) != 0)
        return fail (error);
      if (is_plain_pad (node) || is_slice (node))
        {
          if (!take_value (s, node->output[0], error))
            return FALSE;
        }
      else if (!is_operator (node, "DequantizeLinear"))
        return fail (error);
    }
  g_hash_table_add (s->values, (gpointer) value);
  return TRUE;
}

static gboolean
find_values (Signing *s, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (s->original);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      Onnx__NodeProto *node = graph->node[i];
      gboolean known;

      if (!is_operator (node, "QuantizeLinear") || node->n_output != 1)
        continue;
      if (!is_uint8 (s, node, &known))
        {
          if (!known)
            return fail (error);
          continue;
        }
      if (!known || !take_value (s, node->output[0], error))
        return known ? FALSE : fail (error);
    }
  return TRUE;
}

static char *
make_name (Signing *s)
{
  char *name = NULL;

  do
    {
      g_free (name);
      name = g_strdup_printf ("fw_signed%u", s->n_names++);
    }
  while (fw_graph_index_get_initializer (s->index, name) != NULL
         || fw_graph_index_get_producer (s->index, name) >= 0
         || fw_graph_index_is_input (s->index, name));
  return name;
}

/* The signed zero points for a node; @like: the unsigned ones, or, where they were left out and so
 * are 0, the scales. Their name belongs to @s; NULL where they are no constants. */
static const char *
get_signed_zero (Signing *s, const Onnx__NodeProto *node)
{
  const char *zero = get_input (node, 2);
  const char *like = zero != NULL ? zero : get_input (node, 1);
  Onnx__TensorProto *tensor = like != NULL ? fw_graph_index_get_initializer (s->index, like) : NULL;
  char *name = like != NULL ? g_hash_table_lookup (s->zero_names, like) : NULL;
  g_autofree gint64 *old = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gint8 *values;
  guint64 n;

  if (name != NULL || tensor == NULL)
    return name;
  if (zero != NULL && tensor->data_type != FW_ELEMENT_UINT8)
    return NULL;
  n = fw_tensor_proto_get_n_elements (tensor);
  old = zero != NULL ? fw_tensor_proto_to_ints (tensor) : NULL;
  values = g_malloc (n + 1);
  for (guint64 i = 0; i < n; i++)
    values[i] = (gint8) ((old != NULL ? old[i] : 0) - SHIFT);
  bytes = g_bytes_new_take (values, n);
  name = make_name (s);
  fw_model_add_initializer (s->copy, fw_model_new_tensor (s->copy, name, FW_ELEMENT_INT8,
                                                          tensor->dims, tensor->n_dims, bytes));
  g_hash_table_insert (s->zero_names, g_strdup (like), name);
  return name;
}

static void
sign_pad (Signing *s, Onnx__NodeProto *node)
{
  static const gint8 zero = -SHIFT;
  g_autoptr (GBytes) bytes = g_bytes_new_static (&zero, 1);
  g_autofree char *name = make_name (s);

  fw_model_add_initializer (s->copy,
                            fw_model_new_tensor (s->copy, name, FW_ELEMENT_INT8, NULL, 0, bytes));
  fw_node_set_input (node, 2, name);
}

static gboolean
sign_node (Signing *s, const Onnx__NodeProto *old, Onnx__NodeProto *node, GError **error)
{
  const char *zero;

  if (is_operator (old, "QuantizeLinear"))
    {
      if (old->n_output != 1 || !g_hash_table_contains (s->values, old->output[0]))
        return TRUE;
      if (fw_node_find_attribute (old, "output_dtype") != NULL)
        fw_node_set_int (node, "output_dtype", FW_ELEMENT_INT8);
    }
  else if (is_plain_pad (old) && g_hash_table_contains (s->values, old->input[0]))
    {
      sign_pad (s, node);
      return TRUE;
    }
  else if (!is_operator (old, "DequantizeLinear") || get_input (old, 0) == NULL
           || !g_hash_table_contains (s->values, old->input[0]))
    return TRUE;

  zero = get_signed_zero (s, old);
  if (zero == NULL)
    return fail (error);
  fw_node_set_input (node, 2, zero);
  return TRUE;
}

static void
sign_value_info (Signing *s)
{
  Onnx__GraphProto *graph = fw_model_get_graph (s->copy);

  for (gsize i = 0; i < graph->n_value_info; i++)
    {
      Onnx__TypeProto *type = graph->value_info[i]->type;

      if (g_hash_table_contains (s->values, graph->value_info[i]->name) && type != NULL
          && type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE && type->tensor_type != NULL)
        type->tensor_type->elem_type = FW_ELEMENT_INT8;
    }
}

FwModel *
fw_signed_new (FwModel *model, GError **error)
{
  g_autoptr (FwModel) copy = fw_model_copy (model);
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);
  g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) zero_names
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Signing s = { model, copy, index, values, zero_names };
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  if (!find_values (&s, error))
    return NULL;
  for (gsize i = 0; i < graph->n_node; i++)
    if (!sign_node (&s, graph->node[i], fw_model_get_graph (copy)->node[i], error))
      return NULL;
  sign_value_info (&s);
  fw_model_drop_unused_initializers (copy);
  return g_steal_pointer (&copy);
}
