/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-withhold.h"

#include <string.h>

#include "fw-graph-index.h"
#include "fw-model-private.h"

/* Scales, offsets and shapes are of use to whoever rewrites, and take no room. */
#define LEAST_WITHHELD ((gsize) 16 << 10)

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  const Onnx__TensorProto *left = *(Onnx__TensorProto *const *) a;
  const Onnx__TensorProto *right = *(Onnx__TensorProto *const *) b;

  if (left->raw_data.len != right->raw_data.len)
    return left->raw_data.len > right->raw_data.len ? -1 : 1;
  return strcmp (left->name, right->name);
}

/* The names of those to keep back. */
static GHashTable *
choose (FwModel *model, guint64 limit)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);
  g_autoptr (GPtrArray) tensors = g_ptr_array_new ();
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  GHashTable *chosen = g_hash_table_new (g_str_hash, g_str_equal);
  guint64 bytes = 0;

  for (gsize i = 0; i < graph->n_initializer; i++)
    {
      Onnx__TensorProto *tensor = graph->initializer[i];

      bytes += tensor->raw_data.len;
      if (tensor->data_type == FW_ELEMENT_FLOAT && tensor->has_raw_data
          && tensor->raw_data.len >= LEAST_WITHHELD
          && !fw_graph_index_is_output (index, tensor->name)
          && fw_graph_index_get_initializer (index, tensor->name) == tensor)
        g_ptr_array_add (tensors, tensor);
    }
  g_ptr_array_sort (tensors, compare_sizes);
  for (guint i = 0; i < tensors->len && bytes > limit; i++)
    {
      const Onnx__TensorProto *tensor = tensors->pdata[i];

      bytes -= tensor->raw_data.len;
      g_hash_table_add (chosen, tensor->name);
    }
  return chosen;
}

FwModel *
fw_model_withhold (FwModel *model, guint64 limit)
{
  g_autoptr (GHashTable) chosen = choose (model, limit);
  FwModel *copy = fw_model_copy (model);
  Onnx__GraphProto *graph = fw_model_get_graph (copy);
  g_autoptr (GHashTable) inputs = g_hash_table_new (g_str_hash, g_str_equal);
  gsize n = 0;

  for (gsize i = 0; i < graph->n_input; i++)
    g_hash_table_add (inputs, graph->input[i]->name);
  for (gsize i = 0; i < graph->n_initializer; i++)
    {
      Onnx__TensorProto *tensor = graph->initializer[i];

      if (!g_hash_table_contains (chosen, tensor->name))
        {
          graph->initializer[n++] = tensor;
          continue;
        }
      if (!g_hash_table_contains (inputs, tensor->name))
        fw_proto_append (graph->input, graph->n_input,
                         fw_proto_value_info_new (tensor->name, tensor));
      fw_proto_free_tensor (tensor);
    }
  graph->n_initializer = n;
  return copy;
}

void
fw_model_give_back (FwModel *rewritten, FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (rewritten);
  gsize n = 0;

  for (gsize i = 0; i < graph->n_input; i++)
    {
      const Onnx__TensorProto *tensor = fw_model_find_initializer (model, graph->input[i]->name);

      if (tensor == NULL)
        {
          graph->input[n++] = graph->input[i];
          continue;
        }
      fw_model_add_initializer (rewritten, (Onnx__TensorProto *) fw_proto_copy (&tensor->base));
      onnx__value_info_proto__free_unpacked (graph->input[i], NULL);
    }
  graph->n_input = n;
  for (guint i = 0; i < model->holders->len; i++)
    g_ptr_array_add (rewritten->holders, g_bytes_ref (model->holders->pdata[i]));
  /* Its size is no longer that of a file. */
  rewritten->file_size = 0;
  fw_model_drop_unused_initializers (rewritten);
}

static guint
get_first_use (FwGraphIndex *index, const char *name)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (index, name, &n);

  return n > 0 ? consumers[0] : G_MAXUINT;
}

static int
compare_uses (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const Onnx__TensorProto *left = *(Onnx__TensorProto *const *) a;
  const Onnx__TensorProto *right = *(Onnx__TensorProto *const *) b;
  guint x = get_first_use (user_data, left->name), y = get_first_use (user_data, right->name);

  if (x != y)
    return x < y ? -1 : 1;
  return strcmp (left->name, right->name);
}

void
fw_model_sort_initializers (FwModel *self)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (self);
  Onnx__GraphProto *graph = fw_model_get_graph (self);

  if (graph->n_initializer > 1)
    g_qsort_with_data (graph->initializer, graph->n_initializer, sizeof *graph->initializer,
                       compare_uses, index);
}
