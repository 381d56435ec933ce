/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What a small model can do without: names of what is inside, shapes that ONNX Runtime finds by
 * itself, attributes that say what is so anyway, imports that nothing uses. In a network of 300 KB
 * that is a hundredth of the file. */

#include "config.h"

#include <string.h>

#include "fw-rewrite-private.h"

/* Larger models keep what helps people who look into them. */
#define SLIM_BELOW ((guint64) 8 << 20)

typedef struct
{
  const char *op_type;
  const char *attribute;
  float value; /* of the number, or of all numbers of a list */
} Default;

static const Default defaults[] = {
  { "Conv", "dilations", 1 },
  { "Conv", "group", 1 },
  { "Conv", "pads", 0 },
  { "Conv", "strides", 1 },
  { "MaxPool", "ceil_mode", 0 },
  { "MaxPool", "dilations", 1 },
  { "MaxPool", "pads", 0 },
  { "MaxPool", "storage_order", 0 },
  { "MaxPool", "strides", 1 },
  { "AveragePool", "ceil_mode", 0 },
  { "AveragePool", "count_include_pad", 0 },
  { "AveragePool", "dilations", 1 },
  { "AveragePool", "pads", 0 },
  { "AveragePool", "strides", 1 },
  { "Gemm", "alpha", 1 },
  { "Gemm", "beta", 1 },
  { "Gemm", "transA", 0 },
  { "Gemm", "transB", 0 },
};

static gboolean
is_default (const Onnx__NodeProto *node, const Onnx__AttributeProto *attribute)
{
  if (node->domain != NULL && *node->domain != '\0')
    return FALSE;
  if (strcmp (attribute->name, "auto_pad") == 0)
    return attribute->has_s && attribute->s.len == strlen ("NOTSET")
           && memcmp (attribute->s.data, "NOTSET", strlen ("NOTSET")) == 0;
  for (guint i = 0; i < G_N_ELEMENTS (defaults); i++)
    {
      const Default *entry = &defaults[i];

      if (strcmp (node->op_type, entry->op_type) != 0
          || strcmp (attribute->name, entry->attribute) != 0)
        continue;
      if (attribute->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT)
        return attribute->f == entry->value;
      if (attribute->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INT)
        return attribute->i == (gint64) entry->value;
      for (gsize k = 0; k < attribute->n_ints; k++)
        if (attribute->ints[k] != (gint64) entry->value)
          return FALSE;
      return attribute->type == ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__INTS;
    }
  return FALSE;
}

static void
slim_node (Onnx__NodeProto *node)
{
  gsize n = 0;

  g_clear_pointer (&node->name, g_free);
  g_clear_pointer (&node->doc_string, g_free);
  for (gsize i = 0; i < node->n_attribute; i++)
    if (is_default (node, node->attribute[i]))
      onnx__attribute_proto__free_unpacked (node->attribute[i], NULL);
    else
      node->attribute[n++] = node->attribute[i];
  node->n_attribute = n;
}

/* Whether all is known of the model's operators, and none holds a graph, where names could be
 * hidden. */
static gboolean
is_flat (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  if (fw_model_get_proto (model)->n_functions > 0 || graph->n_sparse_initializer > 0
      || graph->n_quantization_annotation > 0)
    return FALSE;
  for (gsize i = 0; i < graph->n_node; i++)
    {
      Onnx__NodeProto *node = graph->node[i];

      if (node->domain != NULL && *node->domain != '\0' && strcmp (node->domain, "ai.onnx") != 0
          && strcmp (node->domain, "com.microsoft") != 0)
        return FALSE;
      for (gsize k = 0; k < node->n_attribute; k++)
        if (node->attribute[k]->g != NULL || node->attribute[k]->n_graphs > 0)
          return FALSE;
    }
  return TRUE;
}

/* Names ----------------------------------------------------------------------------------------
 */

typedef struct
{
  GHashTable *kept;  /* set: the names of inputs and outputs */
  GHashTable *names; /* old -> new */
  guint n_names;
} Naming;

static void
rename_value (Naming *naming, char **name)
{
  char *other = g_hash_table_lookup (naming->names, *name);

  if (**name == '\0' || g_hash_table_contains (naming->kept, *name))
    return;
  if (other == NULL)
    {
      do
        {
          g_free (other);
          other = fw_rewriting_number_to_name (naming->n_names++);
        }
      while (g_hash_table_contains (naming->kept, other));
      g_hash_table_insert (naming->names, g_strdup (*name), other);
    }
  g_free (*name);
  *name = g_strdup (other);
}

/* In order of use, so that those that were made last don't have the longest ones. */
static void
rename_values (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GHashTable) kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  Naming naming = { kept, names, 0 };

  for (gsize i = 0; i < graph->n_input; i++)
    g_hash_table_add (kept, g_strdup (graph->input[i]->name));
  for (gsize i = 0; i < graph->n_output; i++)
    g_hash_table_add (kept, g_strdup (graph->output[i]->name));
  for (gsize i = 0; i < graph->n_node; i++)
    {
      for (gsize k = 0; k < graph->node[i]->n_input; k++)
        rename_value (&naming, &graph->node[i]->input[k]);
      for (gsize k = 0; k < graph->node[i]->n_output; k++)
        rename_value (&naming, &graph->node[i]->output[k]);
    }
  for (gsize i = 0; i < graph->n_initializer; i++)
    rename_value (&naming, &graph->initializer[i]->name);
}

static void
drop_shapes (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_value_info; i++)
    onnx__value_info_proto__free_unpacked (graph->value_info[i], NULL);
  graph->n_value_info = 0;
}

static gboolean
is_domain_used (FwModel *model, const char *domain)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  if (domain == NULL || *domain == '\0' || strcmp (domain, "ai.onnx") == 0)
    return TRUE;
  for (gsize i = 0; i < graph->n_node; i++)
    if (g_strcmp0 (graph->node[i]->domain, domain) == 0)
      return TRUE;
  return FALSE;
}

static void
drop_imports (FwModel *model)
{
  Onnx__ModelProto *proto = fw_model_get_proto (model);
  gsize n = 0;

  for (gsize i = 0; i < proto->n_opset_import; i++)
    if (is_domain_used (model, proto->opset_import[i]->domain))
      proto->opset_import[n++] = proto->opset_import[i];
    else
      onnx__operator_set_id_proto__free_unpacked (proto->opset_import[i], NULL);
  proto->n_opset_import = n;
}

FwModel *
fw_rewriter_build_file (FwRewriter *self, FwRecipe *recipe, GError **error)
{
  FwModel *model = fw_rewriter_build (self, recipe, error);

  if (model == NULL || fw_model_get_size (model) >= SLIM_BELOW || !is_flat (model))
    return model;
  for (gsize i = 0; i < fw_model_get_graph (model)->n_node; i++)
    slim_node (fw_model_get_graph (model)->node[i]);
  rename_values (model);
  drop_shapes (model);
  drop_imports (model);
  return model;
}
