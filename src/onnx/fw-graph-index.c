/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-graph-index.h"

typedef struct
{
  int producer;
  GArray *consumers; /* guint; NULL for none */
  Onnx__TensorProto *initializer;
  const Onnx__ValueInfoProto *info;
  gboolean is_output;
  gboolean is_input;
} Value;

struct _FwGraphIndex
{
  /* Names belong to the index: the model may rename while a snapshot is in use. */
  GHashTable *values;
};

static void
value_free (gpointer data)
{
  Value *value = data;

  g_clear_pointer (&value->consumers, g_array_unref);
  g_free (value);
}

static Value *
ensure (FwGraphIndex *self, const char *name)
{
  Value *value = g_hash_table_lookup (self->values, name);

  if (value == NULL)
    {
      value = g_new0 (Value, 1);
      value->producer = -1;
      g_hash_table_insert (self->values, g_strdup (name), value);
    }
  return value;
}

static Value *
find (FwGraphIndex *self, const char *name)
{
  return name == NULL ? NULL : g_hash_table_lookup (self->values, name);
}

static void
add_consumer (FwGraphIndex *self, const char *name, guint position)
{
  Value *value;

  /* An empty name stands for an optional input that is left out. */
  if (name == NULL || *name == '\0')
    return;

  value = ensure (self, name);
  if (value->consumers == NULL)
    value->consumers = g_array_new (FALSE, FALSE, sizeof (guint));
  /* Nodes come in order, so a repeated use is the last one noted. */
  if (value->consumers->len == 0
      || g_array_index (value->consumers, guint, value->consumers->len - 1) != position)
    g_array_append_val (value->consumers, position);
}

static void add_subgraph (FwGraphIndex *self, const Onnx__GraphProto *graph, guint position);

static void
add_node_uses (FwGraphIndex *self, const Onnx__NodeProto *node, guint position)
{
  for (gsize i = 0; i < node->n_input; i++)
    add_consumer (self, node->input[i], position);

  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const Onnx__AttributeProto *attribute = node->attribute[i];

      if (attribute->g != NULL)
        add_subgraph (self, attribute->g, position);
      for (gsize j = 0; j < attribute->n_graphs; j++)
        add_subgraph (self, attribute->graphs[j], position);
    }
}

/* Names made inside a subgraph are its own, and ONNX forbids that they hide outer ones; noting a
 * few uses of inner values too many does no harm. */
static void
add_subgraph (FwGraphIndex *self, const Onnx__GraphProto *graph, guint position)
{
  for (gsize i = 0; i < graph->n_node; i++)
    add_node_uses (self, graph->node[i], position);
  for (gsize i = 0; i < graph->n_output; i++)
    add_consumer (self, graph->output[i]->name, position);
}

static void
add_values (FwGraphIndex *self, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_value_info; i++)
    if (graph->value_info[i]->name != NULL)
      ensure (self, graph->value_info[i]->name)->info = graph->value_info[i];

  for (gsize i = 0; i < graph->n_output; i++)
    if (graph->output[i]->name != NULL)
      {
        Value *value = ensure (self, graph->output[i]->name);

        value->is_output = TRUE;
        value->info = graph->output[i];
      }

  for (gsize i = 0; i < graph->n_input; i++)
    if (graph->input[i]->name != NULL)
      {
        Value *value = ensure (self, graph->input[i]->name);

        value->is_input = TRUE;
        value->info = graph->input[i];
      }

  for (gsize i = 0; i < graph->n_initializer; i++)
    if (graph->initializer[i]->name != NULL)
      {
        Value *value = ensure (self, graph->initializer[i]->name);

        /* As fw_model_find_initializer(), the first of that name. */
        if (value->initializer == NULL)
          value->initializer = graph->initializer[i];
        value->is_input = FALSE;
      }
}

FwGraphIndex *
fw_graph_index_new (FwModel *model)
{
  const Onnx__GraphProto *graph = fw_model_get_graph (model);
  FwGraphIndex *self = g_new0 (FwGraphIndex, 1);

  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, value_free);
  add_values (self, graph);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];

      add_node_uses (self, node, i);
      for (gsize j = 0; j < node->n_output; j++)
        {
          Value *value;

          if (node->output[j] == NULL || *node->output[j] == '\0')
            continue;
          /* Where a damaged graph makes a value twice, the first counts. */
          value = ensure (self, node->output[j]);
          if (value->producer < 0)
            value->producer = i;
        }
    }

  return self;
}

void
fw_graph_index_free (FwGraphIndex *self)
{
  if (self == NULL)
    return;

  g_hash_table_unref (self->values);
  g_free (self);
}

int
fw_graph_index_get_producer (FwGraphIndex *self, const char *value)
{
  Value *found = find (self, value);

  return found != NULL ? found->producer : -1;
}

const guint *
fw_graph_index_get_consumers (FwGraphIndex *self, const char *value, guint *n)
{
  Value *found = find (self, value);

  *n = found != NULL && found->consumers != NULL ? found->consumers->len : 0;
  return *n > 0 ? (const guint *) (gpointer) found->consumers->data : NULL;
}

Onnx__TensorProto *
fw_graph_index_get_initializer (FwGraphIndex *self, const char *value)
{
  Value *found = find (self, value);

  return found != NULL ? found->initializer : NULL;
}

gboolean
fw_graph_index_is_output (FwGraphIndex *self, const char *value)
{
  Value *found = find (self, value);

  return found != NULL && found->is_output;
}

gboolean
fw_graph_index_is_input (FwGraphIndex *self, const char *value)
{
  Value *found = find (self, value);

  return found != NULL && found->is_input;
}

const Onnx__ValueInfoProto *
fw_graph_index_get_info (FwGraphIndex *self, const char *value)
{
  Value *found = find (self, value);

  return found != NULL ? found->info : NULL;
}
