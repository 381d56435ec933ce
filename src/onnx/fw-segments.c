/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-segments.h"

#include <string.h>

#include "fw-graph-index.h"
#include "fw-model-private.h"

/* What a dimension of unknown size counts as. */
#define UNKNOWN_DIM 64

typedef struct
{
  FwModel *model;
  Onnx__GraphProto *graph;
  FwGraphIndex *index;
  guint n;
  gboolean *is_constant; /* of each node: it holds a number and can be had anywhere */
  guint64 *cost; /* [n + 1]: bytes handed on by a cut before node i; G_MAXUINT64: none there */
  guint64 limit;
} Cutting;

void
fw_segment_free (FwSegment *self)
{
  g_ptr_array_unref (self->inputs);
  g_ptr_array_unref (self->outputs);
  g_ptr_array_unref (self->weights);
  g_free (self);
}

static FwSegment *
segment_new (guint first, guint end)
{
  FwSegment *self = g_new0 (FwSegment, 1);

  self->first = first;
  self->end = end;
  self->inputs = g_ptr_array_new_with_free_func (g_free);
  self->outputs = g_ptr_array_new_with_free_func (g_free);
  self->weights = g_ptr_array_new ();
  return self;
}

static gboolean
is_constant (const Onnx__NodeProto *node)
{
  return strcmp (node->op_type, "Constant") == 0 && (node->domain == NULL || *node->domain == '\0')
         && node->n_input == 0 && node->n_output == 1;
}

static gboolean
is_handed (const Onnx__TensorProto *tensor)
{
  return (tensor->data_type == FW_ELEMENT_FLOAT || tensor->data_type == FW_ELEMENT_DOUBLE)
         && tensor->has_raw_data && tensor->raw_data.len >= FW_SEGMENT_LARGE;
}

static void
cutting_init (Cutting *self, FwModel *model)
{
  self->model = model;
  self->graph = fw_model_get_graph (model);
  self->index = fw_graph_index_new (model);
  self->n = self->graph->n_node;
  self->is_constant = g_new0 (gboolean, self->n + 1);
  for (guint i = 0; i < self->n; i++)
    self->is_constant[i] = is_constant (self->graph->node[i]);
}

static void
cutting_clear (Cutting *self)
{
  fw_graph_index_free (self->index);
  g_free (self->is_constant);
  g_free (self->cost);
}

/* Whether @value comes to a segment from outside: made by a node before @first, or given. */
static gboolean
is_made (Cutting *self, const char *value, guint first)
{
  int producer = fw_graph_index_get_producer (self->index, value);

  if (producer >= 0)
    return (guint) producer < first && !self->is_constant[producer];
  return fw_graph_index_is_input (self->index, value);
}

/* Where to cut ----------------------------------------------------------------------------------
 */

/* Bytes of @value as far as they are known; G_MAXUINT64 for what is no tensor of known type. */
static guint64
guess_bytes (Cutting *self, const char *value)
{
  const Onnx__ValueInfoProto *info = fw_graph_index_get_info (self->index, value);
  const Onnx__TypeProto__Tensor *type;
  guint64 bytes;

  if (info == NULL || info->type == NULL
      || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return G_MAXUINT64;
  type = info->type->tensor_type;
  if (type == NULL || !type->has_elem_type || type->elem_type == FW_ELEMENT_STRING
      || fw_element_type_get_bits (type->elem_type) < 8)
    return G_MAXUINT64;

  bytes = fw_element_type_get_bits (type->elem_type) / 8;
  for (gsize i = 0; type->shape != NULL && i < type->shape->n_dim; i++)
    {
      const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
      gboolean is_known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                          && dim->dim_value >= 0;

      if (!g_uint64_checked_mul (&bytes, bytes, is_known ? (guint64) dim->dim_value : UNKNOWN_DIM)
          || bytes > G_MAXINT64)
        return G_MAXINT64;
    }
  return bytes;
}

/* The last node that needs @value; the number of nodes for an output of all. */
static guint
find_last_use (Cutting *self, const char *value)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (self->index, value, &n);

  if (fw_graph_index_is_output (self->index, value))
    return self->n;
  return n > 0 ? consumers[n - 1] : 0;
}

/* Adds @value, made by node @from - 1, to what cuts hand on. */
static void
add_cost (Cutting *self, const char *value, guint from)
{
  guint last = find_last_use (self, value);
  guint64 bytes = last >= from ? guess_bytes (self, value) : 0;

  for (guint i = from; i <= last && i <= self->n; i++)
    if (bytes == G_MAXUINT64 || !g_uint64_checked_add (&self->cost[i], self->cost[i], bytes))
      self->cost[i] = G_MAXUINT64;
}

static void
find_costs (Cutting *self)
{
  self->cost = g_new0 (guint64, self->n + 2);
  for (gsize i = 0; i < self->graph->n_input; i++)
    if (fw_graph_index_is_input (self->index, self->graph->input[i]->name))
      add_cost (self, self->graph->input[i]->name, 0);
  for (guint i = 0; i < self->n; i++)
    for (gsize j = 0; !self->is_constant[i] && j < self->graph->node[i]->n_output; j++)
      if (self->graph->node[i]->output[j] != NULL && *self->graph->node[i]->output[j] != '\0')
        add_cost (self, self->graph->node[i]->output[j], i + 1);
}

static guint64
get_stored_bytes (const Onnx__TensorProto *tensor)
{
  guint64 bytes;

  return fw_tensor_proto_get_n_bytes (tensor, &bytes) ? bytes : 0;
}

typedef void (*UseFunc) (Cutting *self, const char *value, gpointer user_data);

/* Calls @func for each name that @node and the graphs within it mention. */
static void
visit_uses (Cutting *self, const Onnx__NodeProto *node, UseFunc func, gpointer user_data);

static void
visit_graph_uses (Cutting *self, const Onnx__GraphProto *graph, UseFunc func, gpointer user_data)
{
  for (gsize i = 0; i < graph->n_node; i++)
    visit_uses (self, graph->node[i], func, user_data);
  for (gsize i = 0; i < graph->n_output; i++)
    func (self, graph->output[i]->name, user_data);
}

static void
visit_uses (Cutting *self, const Onnx__NodeProto *node, UseFunc func, gpointer user_data)
{
  for (gsize i = 0; i < node->n_input; i++)
    if (node->input[i] != NULL && *node->input[i] != '\0')
      func (self, node->input[i], user_data);
  for (gsize i = 0; i < node->n_attribute; i++)
    {
      if (node->attribute[i]->g != NULL)
        visit_graph_uses (self, node->attribute[i]->g, func, user_data);
      for (gsize j = 0; j < node->attribute[i]->n_graphs; j++)
        visit_graph_uses (self, node->attribute[i]->graphs[j], func, user_data);
    }
}

typedef struct
{
  GHashTable *seen;
  guint64 bytes;
} Weighing;

static void
weigh (Cutting *self, const char *value, gpointer user_data)
{
  Weighing *weighing = user_data;
  const Onnx__TensorProto *tensor = fw_graph_index_get_initializer (self->index, value);

  if (tensor != NULL && g_hash_table_add (weighing->seen, tensor->name))
    weighing->bytes += get_stored_bytes (tensor);
}

/* The end of the segment that begins at @first: as far as the limit lets it go, or a little less
 * where less is handed on. */
static guint
find_end (Cutting *self, guint first)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Weighing weighing = { seen, 0 };
  guint best = 0;

  for (guint i = first; i < self->n; i++)
    {
      visit_uses (self, self->graph->node[i], weigh, &weighing);
      if (best > 0 && weighing.bytes > self->limit)
        return best;
      if (self->cost[i + 1] == G_MAXUINT64)
        continue;
      /* From half of the limit on the cheapest cut counts; before, the latest. */
      if (best == 0 || weighing.bytes < self->limit / 2 || self->cost[i + 1] <= self->cost[best])
        best = i + 1;
    }
  return self->n;
}

/* What a segment is made of ---------------------------------------------------------------------
 */

typedef struct
{
  FwSegment *segment;
  GHashTable *seen;
} Filling;

static void
add_use (Cutting *self, const char *value, gpointer user_data)
{
  Filling *filling = user_data;
  Onnx__TensorProto *tensor;

  if (!g_hash_table_add (filling->seen, (gpointer) value))
    return;
  tensor = fw_graph_index_get_initializer (self->index, value);
  if (tensor != NULL)
    {
      filling->segment->weight_bytes += get_stored_bytes (tensor);
      if (is_handed (tensor))
        g_ptr_array_add (filling->segment->weights, tensor);
    }
  else if (is_made (self, value, filling->segment->first))
    g_ptr_array_add (filling->segment->inputs, g_strdup (value));
}

static void
fill_segment (Cutting *self, FwSegment *segment)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Filling filling = { segment, seen };

  for (guint i = segment->first; i < segment->end; i++)
    visit_uses (self, self->graph->node[i], add_use, &filling);
  for (guint i = segment->first; i < segment->end; i++)
    for (gsize j = 0; j < self->graph->node[i]->n_output; j++)
      {
        const char *value = self->graph->node[i]->output[j];

        if (value == NULL || *value == '\0'
            || fw_graph_index_get_producer (self->index, value) != (int) i)
          continue;
        /* A number that is held can be had anywhere, unless it is an answer. */
        if (self->is_constant[i] ? fw_graph_index_is_output (self->index, value)
                                 : find_last_use (self, value) >= segment->end)
          g_ptr_array_add (segment->outputs, g_strdup (value));
      }
}

GPtrArray *
fw_segments_cut (FwModel *model, guint64 limit)
{
  GPtrArray *segments = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_segment_free);
  Cutting cutting = { .limit = limit };
  guint first = 0;

  cutting_init (&cutting, model);
  find_costs (&cutting);
  do
    {
      /* Sparse numbers are rare; nobody looked into how they could be divided. */
      guint end = cutting.graph->n_sparse_initializer > 0 ? cutting.n : find_end (&cutting, first);
      FwSegment *segment = segment_new (first, end);

      fill_segment (&cutting, segment);
      segment->handed_bytes = cutting.cost[end];
      g_ptr_array_add (segments, segment);
      first = end;
    }
  while (first < cutting.n);
  cutting_clear (&cutting);
  return segments;
}

FwSegment *
fw_segment_new_whole (FwModel *model)
{
  const Onnx__GraphProto *graph = fw_model_get_graph (model);
  FwSegment *segment = segment_new (0, graph->n_node);
  Cutting cutting = { 0 };

  cutting_init (&cutting, model);
  fill_segment (&cutting, segment);
  /* In their own order, and those too that nobody uses. */
  g_ptr_array_set_size (segment->inputs, 0);
  g_ptr_array_set_size (segment->outputs, 0);
  for (gsize i = 0; i < graph->n_input; i++)
    if (fw_graph_index_is_input (cutting.index, graph->input[i]->name))
      g_ptr_array_add (segment->inputs, g_strdup (graph->input[i]->name));
  for (gsize i = 0; i < graph->n_output; i++)
    g_ptr_array_add (segment->outputs, g_strdup (graph->output[i]->name));
  cutting_clear (&cutting);
  return segment;
}

/* A segment as a model --------------------------------------------------------------------------
 */

static Onnx__ModelProto *
copy_frame (const Onnx__ModelProto *proto)
{
  Onnx__GraphProto graph = *proto->graph;
  Onnx__ModelProto frame = *proto;

  graph.n_node = graph.n_initializer = graph.n_input = graph.n_output = graph.n_value_info = 0;
  graph.n_quantization_annotation = 0;
  frame.graph = &graph;
  frame.n_training_info = 0;
  return (Onnx__ModelProto *) fw_proto_copy (&frame.base);
}

static Onnx__ValueInfoProto *
make_info (const char *name, const Onnx__ValueInfoProto *like)
{
  Onnx__ValueInfoProto *info;

  if (like != NULL)
    return (Onnx__ValueInfoProto *) fw_proto_copy (&like->base);
  info = g_new (Onnx__ValueInfoProto, 1);
  onnx__value_info_proto__init (info);
  info->name = g_strdup (name);
  return info;
}

typedef struct
{
  Onnx__GraphProto *graph;
  GHashTable *handed; /* names of weights */
  GHashTable *seen;
  guint first;
} Extraction;

/* Brings what a node uses and nobody hands over: small stored numbers, and constants. */
static void
bring (Cutting *self, const char *value, gpointer user_data)
{
  Extraction *extraction = user_data;
  Onnx__GraphProto *graph = extraction->graph;
  const Onnx__TensorProto *tensor;
  int producer;

  if (!g_hash_table_add (extraction->seen, (gpointer) value)
      || g_hash_table_contains (extraction->handed, value))
    return;
  tensor = fw_graph_index_get_initializer (self->index, value);
  producer = fw_graph_index_get_producer (self->index, value);
  if (tensor != NULL)
    fw_proto_append (graph->initializer, graph->n_initializer,
                     (Onnx__TensorProto *) fw_proto_copy (&tensor->base));
  else if (producer >= 0 && (guint) producer < extraction->first && self->is_constant[producer])
    fw_proto_append (graph->node, graph->n_node,
                     (Onnx__NodeProto *) fw_proto_copy (&self->graph->node[producer]->base));
}

static void
add_inputs (const FwSegment *segment, Cutting *cutting, Extraction *extraction)
{
  Onnx__GraphProto *graph = extraction->graph;

  for (guint i = 0; i < segment->inputs->len; i++)
    {
      const char *name = segment->inputs->pdata[i];

      fw_proto_append (graph->input, graph->n_input,
                       make_info (name, fw_graph_index_get_info (cutting->index, name)));
    }
  for (guint i = 0; i < segment->weights->len; i++)
    {
      const Onnx__TensorProto *tensor = segment->weights->pdata[i];

      g_hash_table_add (extraction->handed, tensor->name);
      fw_proto_append (graph->input, graph->n_input,
                       fw_proto_value_info_new (tensor->name, tensor));
    }
}

static void
add_outputs (const FwSegment *segment, Cutting *cutting, Onnx__GraphProto *graph, gboolean show_all)
{
  g_autoptr (GHashTable) shown = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < segment->outputs->len; i++)
    {
      const char *name = segment->outputs->pdata[i];

      g_hash_table_add (shown, (gpointer) name);
      fw_proto_append (graph->output, graph->n_output,
                       make_info (name, fw_graph_index_get_info (cutting->index, name)));
    }
  for (guint i = segment->first; show_all && i < segment->end; i++)
    for (gsize j = 0; j < cutting->graph->node[i]->n_output; j++)
      {
        const char *name = cutting->graph->node[i]->output[j];

        if (name != NULL && *name != '\0' && g_hash_table_add (shown, (gpointer) name))
          fw_proto_append (graph->output, graph->n_output, make_info (name, NULL));
      }
}

FwModel *
fw_segment_extract (const FwSegment *self, FwModel *model, gboolean show_all)
{
  Onnx__ModelProto *proto = copy_frame (model->proto);
  g_autoptr (GHashTable) handed = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Extraction extraction = { proto->graph, handed, seen, self->first };
  Cutting cutting = { 0 };

  /* From version 4 of the format on stored numbers need not be inputs. */
  proto->ir_version = MAX (proto->ir_version, 4);
  proto->has_ir_version = TRUE;
  cutting_init (&cutting, model);
  add_inputs (self, &cutting, &extraction);
  for (guint i = self->first; i < self->end; i++)
    visit_uses (&cutting, cutting.graph->node[i], bring, &extraction);
  for (guint i = self->first; i < self->end; i++)
    fw_proto_append (proto->graph->node, proto->graph->n_node,
                     (Onnx__NodeProto *) fw_proto_copy (&cutting.graph->node[i]->base));
  add_outputs (self, &cutting, proto->graph, show_all);
  cutting_clear (&cutting);
  return fw_model_new_for_proto (proto, model->holders);
}
