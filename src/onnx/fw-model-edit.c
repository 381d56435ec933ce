/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-mapping.h"
#include "fw-model-private.h"

/* Metadata ----------------------------------------------------------------------------------- */

void
fw_model_set_metadata (FwModel *self, const char *key, const char *value)
{
  Onnx__ModelProto *proto = self->proto;

  for (gsize i = 0; i < proto->n_metadata_props; i++)
    if (g_strcmp0 (proto->metadata_props[i]->key, key) == 0)
      {
        char *old = proto->metadata_props[i]->value;

        proto->metadata_props[i]->value = g_strdup (value);
        g_free (old);
        return;
      }

  fw_proto_append (proto->metadata_props, proto->n_metadata_props, fw_proto_entry_new (key, value));
}

const char *
fw_model_get_metadata (FwModel *self, const char *key)
{
  return fw_proto_find_entry (self->proto->metadata_props, self->proto->n_metadata_props, key);
}

/* Initializers ------------------------------------------------------------------------------- */

Onnx__TensorProto *
fw_model_new_tensor (FwModel *self,
                     const char *name,
                     FwElementType type,
                     const gint64 *dims,
                     gsize n_dims,
                     GBytes *bytes)
{
  Onnx__TensorProto *tensor = g_new (Onnx__TensorProto, 1);
  GBytes *kept = fw_mapping_keep (g_bytes_ref (bytes));
  gsize length;

  onnx__tensor_proto__init (tensor);
  tensor->name = g_strdup (name);
  tensor->has_data_type = TRUE;
  tensor->data_type = type;
  tensor->n_dims = n_dims;
  tensor->dims = g_memdup2 (dims, n_dims * sizeof *dims);
  tensor->has_raw_data = TRUE;
  tensor->raw_data.data = (guint8 *) g_bytes_get_data (kept, &length);
  tensor->raw_data.len = length;
  g_ptr_array_add (self->holders, kept);
  g_warn_if_fail (fw_tensor_proto_check (tensor));
  return tensor;
}

void
fw_model_add_initializer (FwModel *self, Onnx__TensorProto *tensor)
{
  Onnx__GraphProto *graph = self->proto->graph;

  fw_proto_append (graph->initializer, graph->n_initializer, tensor);
}

Onnx__TensorProto *
fw_model_find_initializer (FwModel *self, const char *name)
{
  Onnx__GraphProto *graph = self->proto->graph;

  for (gsize i = 0; i < graph->n_initializer; i++)
    if (g_strcmp0 (graph->initializer[i]->name, name) == 0)
      return graph->initializer[i];
  return NULL;
}

/* Keeps what @names (a set) does or does not contain, by @keep_contained, and of the inputs all but
 * those of dropped initializers. */
static void
filter_initializers (Onnx__GraphProto *graph, GHashTable *names, gboolean keep_contained)
{
  g_autoptr (GHashTable) dropped = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  gsize n = 0;

  for (gsize i = 0; i < graph->n_initializer; i++)
    {
      Onnx__TensorProto *tensor = graph->initializer[i];
      gboolean contained = tensor->name != NULL && g_hash_table_contains (names, tensor->name);

      if (tensor->name == NULL || contained == keep_contained)
        {
          graph->initializer[n++] = tensor;
        }
      else
        {
          g_hash_table_add (dropped, g_strdup (tensor->name));
          fw_proto_free_tensor (tensor);
        }
    }
  graph->n_initializer = n;

  n = 0;
  for (gsize i = 0; i < graph->n_input; i++)
    {
      Onnx__ValueInfoProto *input = graph->input[i];

      if (input->name != NULL && g_hash_table_contains (dropped, input->name))
        onnx__value_info_proto__free_unpacked (input, NULL);
      else
        graph->input[n++] = input;
    }
  graph->n_input = n;
}

void
fw_model_remove_initializer (FwModel *self, const char *name)
{
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  /* @name may be the very string that is freed here. */
  g_hash_table_add (names, g_strdup (name));
  filter_initializers (self->proto->graph, names, FALSE);
}

static void
collect_names (GHashTable *names, char *const *array, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (array[i] != NULL)
      g_hash_table_add (names, array[i]);
}

static void
collect_uses (GHashTable *names, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_output; i++)
    collect_names (names, &graph->output[i]->name, 1);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];

      collect_names (names, node->input, node->n_input);
      for (gsize j = 0; j < node->n_attribute; j++)
        {
          const Onnx__AttributeProto *attribute = node->attribute[j];

          if (attribute->g != NULL)
            collect_uses (names, attribute->g);
          for (gsize k = 0; k < attribute->n_graphs; k++)
            collect_uses (names, attribute->graphs[k]);
        }
    }
}

void
fw_model_drop_unused_initializers (FwModel *self)
{
  g_autoptr (GHashTable) used = g_hash_table_new (g_str_hash, g_str_equal);

  collect_uses (used, self->proto->graph);
  filter_initializers (self->proto->graph, used, TRUE);
}

/* Nodes -------------------------------------------------------------------------------------- */

void
fw_model_set_nodes (FwModel *self, GPtrArray *nodes)
{
  Onnx__GraphProto *graph = self->proto->graph;
  g_autoptr (GHashTable) kept = g_hash_table_new (NULL, NULL);

  for (guint i = 0; i < nodes->len; i++)
    g_hash_table_add (kept, g_ptr_array_index (nodes, i));
  for (gsize i = 0; i < graph->n_node; i++)
    if (!g_hash_table_contains (kept, graph->node[i]))
      fw_node_free (graph->node[i]);

  g_free (graph->node);
  g_ptr_array_set_free_func (nodes, NULL);
  graph->node = (Onnx__NodeProto **) g_ptr_array_steal (nodes, &graph->n_node);
  g_ptr_array_unref (nodes);
}

void
fw_model_add_output (FwModel *self, const char *value)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self);
  Onnx__ValueInfoProto *info;

  for (gsize i = 0; i < graph->n_output; i++)
    if (g_strcmp0 (graph->output[i]->name, value) == 0)
      return;
  info = g_new (Onnx__ValueInfoProto, 1);
  onnx__value_info_proto__init (info);
  info->name = g_strdup (value);
  graph->output = g_renew (Onnx__ValueInfoProto *, graph->output, graph->n_output + 1);
  graph->output[graph->n_output++] = info;
}
