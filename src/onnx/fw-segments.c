/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-segments.h"

#include <string.h>

#include "fw-graph-index.h"
#include "fw-model-private.h"

/* So many nodes in a row are worked out from stored numbers; what comes after them is made. */
#define MAX_DEPTH 32
/* What a dimension of unknown size counts as. */
#define UNKNOWN_DIM 64

typedef struct
{
  FwModel *model;
  Onnx__GraphProto *graph;
  FwGraphIndex *index;
  guint n;
  FwHand hand;
  gboolean *is_constant; /* of each node: stored numbers alone go in; it can be had anywhere */
  guint *depth;          /* of constants */
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
  self->hand = FW_HAND_FLOATS;
  self->made_from = G_MAXUINT;
  self->inputs = g_ptr_array_new_with_free_func (g_free);
  self->outputs = g_ptr_array_new_with_free_func (g_free);
  self->weights = g_ptr_array_new ();
  return self;
}

/* Operators that give the same for the same, and look at nothing but their inputs. */
static gboolean
is_plain (const Onnx__NodeProto *node)
{
  if (g_str_has_prefix (node->op_type, "Random") || strcmp (node->op_type, "Multinomial") == 0
      || strcmp (node->op_type, "Bernoulli") == 0 || strcmp (node->op_type, "Dropout") == 0)
    return FALSE;
  for (gsize i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->g != NULL || node->attribute[i]->n_graphs > 0)
      return FALSE;
  return node->domain == NULL || *node->domain == '\0' || strcmp (node->domain, "ai.onnx") == 0;
}

static gboolean
is_stored (Cutting *self, const char *value)
{
  int producer = fw_graph_index_get_producer (self->index, value);

  if (producer >= 0)
    return self->is_constant[producer];
  return fw_graph_index_get_initializer (self->index, value) != NULL;
}

static gboolean
is_constant (Cutting *self, guint position)
{
  const Onnx__NodeProto *node = self->graph->node[position];

  if (!is_plain (node))
    return FALSE;
  for (gsize i = 0; i < node->n_input; i++)
    {
      int producer = fw_graph_index_get_producer (self->index, node->input[i]);

      if (node->input[i] != NULL && *node->input[i] != '\0' && !is_stored (self, node->input[i]))
        return FALSE;
      if (producer >= 0)
        self->depth[position] = MAX (self->depth[position], self->depth[producer] + 1);
    }
  return self->depth[position] < MAX_DEPTH
         && (node->n_input > 0 || strcmp (node->op_type, "Constant") == 0);
}

static gboolean
is_large (const Onnx__TensorProto *tensor)
{
  return tensor->has_raw_data && tensor->raw_data.len >= FW_SEGMENT_LARGE
         && tensor->data_type != FW_ELEMENT_STRING
         && fw_element_type_get_bits (tensor->data_type) >= 8;
}

static gboolean
is_handed (Cutting *self, const Onnx__TensorProto *tensor)
{
  return self->hand != FW_HAND_NOTHING && is_large (tensor)
         && (self->hand == FW_HAND_ALL || tensor->data_type == FW_ELEMENT_FLOAT
             || tensor->data_type == FW_ELEMENT_DOUBLE);
}

static void
cutting_init (Cutting *self, FwModel *model, FwHand hand, guint made_from)
{
  self->model = model;
  self->graph = fw_model_get_graph (model);
  self->index = fw_graph_index_new (model);
  self->n = self->graph->n_node;
  self->hand = hand;
  self->is_constant = g_new0 (gboolean, self->n + 1);
  self->depth = g_new0 (guint, self->n + 1);
  /* Nodes come after what they need. */
  for (guint i = 0; i < self->n; i++)
    self->is_constant[i] = i < made_from && is_constant (self, i);
}

static void
cutting_clear (Cutting *self)
{
  fw_graph_index_free (self->index);
  g_free (self->is_constant);
  g_free (self->depth);
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

/* Codes become floats when they are needed; of bytes, two or more may be in one. */
static guint64
get_stored_bytes (const Onnx__TensorProto *tensor)
{
  guint64 bytes;

  if (!fw_tensor_proto_get_n_bytes (tensor, &bytes))
    return 0;
  switch ((FwElementType) tensor->data_type)
    {
    case FW_ELEMENT_UINT8:
      return bytes * 8;
    case FW_ELEMENT_INT8:
      return bytes * 4;
    case FW_ELEMENT_FLOAT16:
    case FW_ELEMENT_BFLOAT16:
      return bytes * 2;
    default:
      return bytes;
    }
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

/* The node that works @value out from stored numbers, or -1. */
static int
find_constant (Cutting *self, const char *value)
{
  int producer = fw_graph_index_get_producer (self->index, value);

  return producer >= 0 && self->is_constant[producer] ? producer : -1;
}

static void
weigh (Cutting *self, const char *value, gpointer user_data)
{
  Weighing *weighing = user_data;
  const Onnx__TensorProto *tensor = fw_graph_index_get_initializer (self->index, value);
  int constant = find_constant (self, value);

  if ((tensor == NULL && constant < 0) || !g_hash_table_add (weighing->seen, (gpointer) value))
    return;
  if (constant >= 0)
    visit_uses (self, self->graph->node[constant], weigh, weighing);
  else
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
      if (!self->is_constant[i])
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
  int constant;

  if (!g_hash_table_add (filling->seen, (gpointer) value))
    return;
  constant = find_constant (self, value);
  tensor = fw_graph_index_get_initializer (self->index, value);
  if (constant >= 0)
    visit_uses (self, self->graph->node[constant], add_use, filling);
  else if (tensor != NULL)
    {
      filling->segment->weight_bytes += get_stored_bytes (tensor);
      if (is_handed (self, tensor))
        g_ptr_array_add (filling->segment->weights, tensor);
    }
  else if (is_made (self, value, filling->segment->first))
    g_ptr_array_add (filling->segment->inputs, g_strdup (value));
}

static gboolean
makes_output (Cutting *self, guint position)
{
  const Onnx__NodeProto *node = self->graph->node[position];

  for (gsize i = 0; i < node->n_output; i++)
    if (node->output[i] != NULL && fw_graph_index_is_output (self->index, node->output[i]))
      return TRUE;
  return FALSE;
}

/* What can be had anywhere is there where it is used, and where it is an answer. */
static gboolean
belongs (Cutting *self, guint position)
{
  return !self->is_constant[position] || makes_output (self, position);
}

static void
fill_segment (Cutting *self, FwSegment *segment)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Filling filling = { segment, seen };

  for (guint i = segment->first; i < segment->end; i++)
    {
      const Onnx__NodeProto *node = self->graph->node[i];

      if (!belongs (self, i))
        continue;
      visit_uses (self, node, add_use, &filling);
      for (gsize j = 0; j < node->n_output; j++)
        {
          const char *value = node->output[j];

          if (value == NULL || *value == '\0'
              || fw_graph_index_get_producer (self->index, value) != (int) i)
            continue;
          if (self->is_constant[i] ? fw_graph_index_is_output (self->index, value)
                                   : find_last_use (self, value) >= segment->end)
            g_ptr_array_add (segment->outputs, g_strdup (value));
        }
    }
}

GPtrArray *
fw_segments_cut (FwModel *model, guint64 limit)
{
  GPtrArray *segments = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_segment_free);
  Cutting cutting = { .limit = limit };
  guint first = 0;

  cutting_init (&cutting, model, FW_HAND_FLOATS, G_MAXUINT);
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
fw_segment_new_range (FwModel *model, guint first, guint end, guint made_from, FwHand hand)
{
  FwSegment *segment = segment_new (first, end);
  Cutting cutting = { 0 };

  segment->hand = hand;
  segment->made_from = made_from;
  cutting_init (&cutting, model, hand, made_from);
  fill_segment (&cutting, segment);
  cutting_clear (&cutting);
  return segment;
}

FwSegment *
fw_segment_new_whole (FwModel *model, FwHand hand)
{
  const Onnx__GraphProto *graph = fw_model_get_graph (model);
  FwSegment *segment = fw_segment_new_range (model, 0, graph->n_node, G_MAXUINT, hand);
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);

  /* In their own order, and those too that nobody uses. */
  g_ptr_array_set_size (segment->inputs, 0);
  g_ptr_array_set_size (segment->outputs, 0);
  for (gsize i = 0; i < graph->n_input; i++)
    if (fw_graph_index_is_input (index, graph->input[i]->name))
      g_ptr_array_add (segment->inputs, g_strdup (graph->input[i]->name));
  for (gsize i = 0; i < graph->n_output; i++)
    g_ptr_array_add (segment->outputs, g_strdup (graph->output[i]->name));
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
  GHashTable *seen;   /* names of values */
  GHashTable *nodes;  /* positions of those that are there */
} Extraction;

static void append_node (Cutting *self, Extraction *extraction, guint position);

/* Brings what a node uses and nobody hands over: small stored numbers, and what is made of such. */
static void
bring (Cutting *self, const char *value, gpointer user_data)
{
  Extraction *extraction = user_data;
  Onnx__GraphProto *graph = extraction->graph;
  const Onnx__TensorProto *tensor;
  int constant;

  if (!g_hash_table_add (extraction->seen, (gpointer) value)
      || g_hash_table_contains (extraction->handed, value))
    return;
  constant = find_constant (self, value);
  tensor = fw_graph_index_get_initializer (self->index, value);
  if (constant >= 0)
    append_node (self, extraction, constant);
  else if (tensor != NULL)
    fw_proto_append (graph->initializer, graph->n_initializer,
                     (Onnx__TensorProto *) fw_proto_copy (&tensor->base));
}

static void
append_node (Cutting *self, Extraction *extraction, guint position)
{
  Onnx__GraphProto *graph = extraction->graph;
  const Onnx__NodeProto *node = self->graph->node[position];

  if (!g_hash_table_add (extraction->nodes, GUINT_TO_POINTER (position + 1)))
    return;
  visit_uses (self, node, bring, extraction);
  fw_proto_append (graph->node, graph->n_node, (Onnx__NodeProto *) fw_proto_copy (&node->base));
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
  for (gsize i = 0; show_all && i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_output; j++)
      {
        const char *name = graph->node[i]->output[j];

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
  g_autoptr (GHashTable) nodes = g_hash_table_new (NULL, NULL);
  Extraction extraction = { proto->graph, handed, seen, nodes };
  Cutting cutting = { 0 };

  /* From version 4 of the format on stored numbers need not be inputs. */
  proto->ir_version = MAX (proto->ir_version, 4);
  proto->has_ir_version = TRUE;
  cutting_init (&cutting, model, self->hand, self->made_from);
  add_inputs (self, &cutting, &extraction);
  for (guint i = self->first; i < self->end; i++)
    if (belongs (&cutting, i))
      append_node (&cutting, &extraction, i);
  add_outputs (self, &cutting, proto->graph, show_all);
  cutting_clear (&cutting);
  return fw_model_new_for_proto (proto, model->holders);
}

/* Numbers made of stored ones -------------------------------------------------------------------
 */

typedef enum
{
  KIND_OTHER,
  KIND_CONSTANT, /* stored numbers alone go in, none of them large */
  KIND_LARGE,    /* large ones among them */
  KIND_FEEDING,  /* a constant that one of the above needs */
} Kind;

static Kind
find_kind (Cutting *self, const Kind *kinds, const Onnx__NodeProto *node)
{
  Kind kind = KIND_CONSTANT;

  for (gsize i = 0; i < node->n_input; i++)
    {
      const Onnx__TensorProto *tensor
          = fw_graph_index_get_initializer (self->index, node->input[i]);
      int producer = fw_graph_index_get_producer (self->index, node->input[i]);

      if (producer >= 0 && kinds[producer] == KIND_OTHER)
        return KIND_OTHER;
      if ((producer >= 0 && kinds[producer] == KIND_LARGE)
          || (producer < 0 && tensor != NULL && is_large (tensor)))
        kind = KIND_LARGE;
    }
  return kind;
}

static void
mark_feeding (Cutting *self, Kind *kinds)
{
  for (guint i = self->n; i-- > 0;)
    for (gsize j = 0; kinds[i] >= KIND_LARGE && j < self->graph->node[i]->n_input; j++)
      {
        int producer = fw_graph_index_get_producer (self->index, self->graph->node[i]->input[j]);

        /* What has no inputs is repeated instead: it may be a shape. */
        if (producer >= 0 && kinds[producer] == KIND_CONSTANT
            && self->graph->node[producer]->n_input > 0)
          kinds[producer] = KIND_FEEDING;
      }
}

static guint
take_kind (Cutting *self,
           const Kind *kinds,
           Kind least,
           Kind most,
           gboolean holds,
           GPtrArray *nodes)
{
  for (guint i = 0; i < self->n; i++)
    if (kinds[i] >= least && kinds[i] <= most
        && holds == (kinds[i] == KIND_CONSTANT && self->graph->node[i]->n_input == 0))
      g_ptr_array_add (nodes, self->graph->node[i]);
  return nodes->len;
}

gboolean
fw_segment_sort_constants (FwModel *model, guint *first, guint *end)
{
  Cutting cutting = { 0 };
  g_autofree Kind *kinds = NULL;
  GPtrArray *nodes = g_ptr_array_new ();
  gboolean found;

  cutting_init (&cutting, model, FW_HAND_ALL, G_MAXUINT);
  kinds = g_new0 (Kind, cutting.n + 1);
  for (guint i = 0; i < cutting.n; i++)
    /* Integer kernels want to see the codes before DequantizeLinear. */
    if (cutting.is_constant[i] && strcmp (cutting.graph->node[i]->op_type, "DequantizeLinear") != 0)
      kinds[i] = find_kind (&cutting, kinds, cutting.graph->node[i]);
  mark_feeding (&cutting, kinds);
  *first = take_kind (&cutting, kinds, KIND_CONSTANT, KIND_CONSTANT, TRUE, nodes);
  *end = take_kind (&cutting, kinds, KIND_LARGE, KIND_FEEDING, FALSE, nodes);
  take_kind (&cutting, kinds, KIND_OTHER, KIND_CONSTANT, FALSE, nodes);
  found = *end > *first;
  if (found)
    {
      fw_model_set_nodes (model, nodes);
    }
  else
    {
      *first = *end = 0;
      g_ptr_array_unref (nodes);
    }
  cutting_clear (&cutting);
  return found;
}

void
fw_segment_set_type (FwModel *model,
                     const char *name,
                     FwElementType type,
                     const gint64 *dims,
                     gsize n_dims)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  Onnx__TensorProto like = ONNX__TENSOR_PROTO__INIT;

  like.data_type = type;
  like.dims = (gint64 *) dims;
  like.n_dims = n_dims;
  fw_proto_append (graph->value_info, graph->n_value_info, fw_proto_value_info_new (name, &like));
}
