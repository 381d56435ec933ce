/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-wiring.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"

/* All weights are held in memory at once; above that files are built. */
#define MAX_BYTES (G_GUINT64_CONSTANT (1536) << 20)

typedef struct
{
  FwWiring *wiring;
  FwModel *prepared;
  FwGraphIndex *index;
  GPtrArray *units;
  FwRecipe *recipe;
  FwRewritePlan *plan;  /* of all units that can compute; NULL without gates */
  gboolean *is_dynamic; /* of each node */
  GPtrArray *nodes;
} Builder;

/* Names --------------------------------------------------------------------------------------- */

static gboolean is_prefix_used (const Onnx__GraphProto *graph, const char *prefix);

static gboolean
does_node_use (const Onnx__NodeProto *node, const char *prefix)
{
  for (gsize i = 0; i < node->n_input; i++)
    if (g_str_has_prefix (node->input[i], prefix))
      return TRUE;
  for (gsize i = 0; i < node->n_output; i++)
    if (g_str_has_prefix (node->output[i], prefix))
      return TRUE;
  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const Onnx__AttributeProto *attribute = node->attribute[i];

      if (attribute->g != NULL && is_prefix_used (attribute->g, prefix))
        return TRUE;
      for (gsize j = 0; j < attribute->n_graphs; j++)
        if (is_prefix_used (attribute->graphs[j], prefix))
          return TRUE;
    }
  return FALSE;
}

/* In inner graphs too: no name of ours may be hidden by one of theirs. */
static gboolean
is_prefix_used (const Onnx__GraphProto *graph, const char *prefix)
{
  for (gsize i = 0; i < graph->n_input; i++)
    if (g_str_has_prefix (graph->input[i]->name, prefix))
      return TRUE;
  for (gsize i = 0; i < graph->n_initializer; i++)
    if (g_str_has_prefix (graph->initializer[i]->name, prefix))
      return TRUE;
  for (gsize i = 0; i < graph->n_output; i++)
    if (g_str_has_prefix (graph->output[i]->name, prefix))
      return TRUE;
  for (gsize i = 0; i < graph->n_node; i++)
    if (does_node_use (graph->node[i], prefix))
      return TRUE;
  return FALSE;
}

static char *
find_prefix (FwModel *prepared)
{
  const Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  char *prefix = g_strdup ("switch");

  for (guint i = 0; is_prefix_used (graph, prefix); i++)
    {
      g_free (prefix);
      prefix = g_strdup_printf ("switch%u_", i);
    }
  return prefix;
}

static char *
make_name (FwWiring *self)
{
  return g_strdup_printf ("%s%u", self->prefix, self->n_names++);
}

/* Inputs -------------------------------------------------------------------------------------- */

static Onnx__ValueInfoProto *
value_info_new (const char *name, FwElementType type, const gint64 *dims, int n_dims)
{
  Onnx__ValueInfoProto *info = g_new (Onnx__ValueInfoProto, 1);
  Onnx__TypeProto *outer = g_new (Onnx__TypeProto, 1);
  Onnx__TypeProto__Tensor *inner = g_new (Onnx__TypeProto__Tensor, 1);

  onnx__value_info_proto__init (info);
  onnx__type_proto__init (outer);
  onnx__type_proto__tensor__init (inner);
  info->name = g_strdup (name);
  info->type = outer;
  outer->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  outer->tensor_type = inner;
  inner->has_elem_type = TRUE;
  inner->elem_type = type;
  /* Below 0: the shape is not known. */
  if (n_dims < 0)
    return info;
  inner->shape = g_new (Onnx__TensorShapeProto, 1);
  onnx__tensor_shape_proto__init (inner->shape);
  inner->shape->n_dim = n_dims;
  inner->shape->dim = g_new (Onnx__TensorShapeProto__Dimension *, MAX (n_dims, 1));
  for (int i = 0; i < n_dims; i++)
    {
      Onnx__TensorShapeProto__Dimension *dim = g_new (Onnx__TensorShapeProto__Dimension, 1);

      onnx__tensor_shape_proto__dimension__init (dim);
      dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
      dim->dim_value = dims[i];
      inner->shape->dim[i] = dim;
    }
  return info;
}

/* Adds the input @name, whose tensor is taken. Returns its place. */
static guint
add_input (FwWiring *self, const char *name, FwTensor *tensor)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->model);
  Onnx__ValueInfoProto *info
      = value_info_new (name, fw_tensor_get_element_type (tensor), fw_tensor_get_dims (tensor),
                        fw_tensor_get_n_dims (tensor));

  graph->input = g_renew (Onnx__ValueInfoProto *, graph->input, graph->n_input + 1);
  graph->input[graph->n_input++] = info;
  g_ptr_array_add (self->names, g_strdup (name));
  g_ptr_array_add (self->defaults, tensor);
  return self->names->len - 1;
}

static FwTensor *
scalar_new (FwElementType type, gconstpointer value)
{
  FwTensor *tensor = fw_tensor_new (type, NULL, 0, NULL);

  memcpy (fw_tensor_get_data (tensor), value, fw_tensor_get_size (tensor));
  return tensor;
}

static gboolean
add_weight (Builder *b, guint position, GError **error)
{
  FwWiring *self = b->wiring;
  const FwUnit *unit = g_ptr_array_index (b->units, position);
  Onnx__TensorProto *weight = fw_model_find_initializer (b->prepared, unit->weight);
  FwTensor *tensor = fw_tensor_new_from_proto (weight, error);

  if (tensor == NULL)
    return FALSE;
  fw_model_remove_initializer (self->model, unit->weight);
  self->weight[position] = add_input (self, unit->weight, tensor);
  return TRUE;
}

static char *
add_bias_input (Builder *b, guint position, const Onnx__TensorProto *old)
{
  FwWiring *self = b->wiring;
  const FwUnit *unit = g_ptr_array_index (b->units, position);
  const gint64 channels = unit->shape.channels;
  FwTensor *tensor = old != NULL ? fw_tensor_new_from_proto (old, NULL)
                                 : fw_tensor_new (FW_ELEMENT_FLOAT, &channels, 1, NULL);
  char *name = make_name (self);

  if (tensor != NULL)
    self->bias[position] = add_input (self, name, tensor);
  return name;
}

static void
add_bias (Builder *b, guint position)
{
  const FwUnit *unit = g_ptr_array_index (b->units, position);
  Onnx__NodeProto *node = fw_model_get_graph (b->wiring->model)->node[unit->bias_node];
  const Onnx__TensorProto *old
      = unit->bias != NULL ? fw_model_find_initializer (b->prepared, unit->bias) : NULL;
  g_autofree char *name = NULL;

  if (!unit->can_correct || unit->bias_input > node->n_input)
    return;
  /* Gemm learned to go without a bias, and so to be given one, in operator set 11. */
  if (old == NULL && strcmp (unit->op_type, "Gemm") == 0 && node->n_input < 3
      && fw_model_get_opset (b->prepared, "") < 11)
    return;
  name = add_bias_input (b, position, old);
  if (b->wiring->bias[position] >= 0)
    fw_node_set_input (node, unit->bias_input, name);
}

/* Gates --------------------------------------------------------------------------------------- */

/* Takes @nodes. */
static Onnx__GraphProto *
graph_new (const char *name, GPtrArray *nodes, const char *output)
{
  Onnx__GraphProto *graph = g_new (Onnx__GraphProto, 1);

  onnx__graph_proto__init (graph);
  graph->name = g_strdup (name);
  graph->n_node = nodes->len;
  graph->node = (Onnx__NodeProto **) g_ptr_array_free (nodes, FALSE);
  graph->n_output = 1;
  graph->output = g_new (Onnx__ValueInfoProto *, 1);
  graph->output[0] = value_info_new (output, FW_ELEMENT_FLOAT, NULL, -1);
  return graph;
}

static void
set_graph (Onnx__NodeProto *node, const char *name, Onnx__GraphProto *graph)
{
  Onnx__AttributeProto *attribute = g_new (Onnx__AttributeProto, 1);

  onnx__attribute_proto__init (attribute);
  attribute->name = g_strdup (name);
  attribute->has_type = TRUE;
  attribute->type = ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__GRAPH;
  attribute->g = graph;
  node->attribute = g_renew (Onnx__AttributeProto *, node->attribute, node->n_attribute + 1);
  node->attribute[node->n_attribute++] = attribute;
}

static Onnx__NodeProto *
new_node (const char *op_type, const char *output, const char *a, const char *b, const char *c)
{
  return fw_node_new (op_type, NULL, (const char *[]){ a, b, c, NULL },
                      (const char *[]){ output, NULL });
}

/* Takes both branches' nodes, whose results are @yes and @no. */
static Onnx__NodeProto *
new_if (const char *condition,
        const char *output,
        GPtrArray *yes_nodes,
        const char *yes,
        GPtrArray *no_nodes,
        const char *no)
{
  Onnx__NodeProto *node = new_node ("If", output, condition, NULL, NULL);

  set_graph (node, "then_branch", graph_new ("shut", yes_nodes, yes));
  set_graph (node, "else_branch", graph_new ("open", no_nodes, no));
  return node;
}

static const char *
get_input_name (FwWiring *self, guint place)
{
  return g_ptr_array_index (self->names, place);
}

/* The nodes that round @from; @result is their result's name. */
static GPtrArray *
make_static (FwWiring *self, const FwGate *gate, const char *from, char **result)
{
  g_autofree char *quantized = make_name (self);
  GPtrArray *nodes = g_ptr_array_new ();
  const char *scale = get_input_name (self, gate->scale);
  const char *zero = get_input_name (self, gate->zero_point);

  *result = make_name (self);
  g_ptr_array_add (nodes, new_node ("QuantizeLinear", quantized, from, scale, zero));
  g_ptr_array_add (nodes, new_node ("DequantizeLinear", *result, quantized, scale, zero));
  return nodes;
}

static GPtrArray *
make_dynamic (FwWiring *self, const char *from, char **result)
{
  g_autofree char *quantized = make_name (self);
  g_autofree char *scale = make_name (self);
  g_autofree char *zero = make_name (self);
  GPtrArray *nodes = g_ptr_array_new ();

  *result = make_name (self);
  g_ptr_array_add (nodes,
                   fw_node_new ("DynamicQuantizeLinear", NULL, (const char *[]){ from, NULL },
                                (const char *[]){ quantized, scale, zero, NULL }));
  g_ptr_array_add (nodes, new_node ("DequantizeLinear", *result, quantized, scale, zero));
  return nodes;
}

static GPtrArray *
make_shut (FwWiring *self, const FwGate *gate, const char *from, char **result)
{
  g_autofree char *yes = NULL;
  g_autofree char *no = NULL;
  GPtrArray *nodes, *yes_nodes, *no_nodes;

  if (gate->dynamic < 0)
    return make_static (self, gate, from, result);
  yes_nodes = make_dynamic (self, from, &yes);
  no_nodes = make_static (self, gate, from, &no);
  nodes = g_ptr_array_new ();
  *result = make_name (self);
  g_ptr_array_add (
      nodes, new_if (get_input_name (self, gate->dynamic), *result, yes_nodes, yes, no_nodes, no));
  return nodes;
}

static void
note_gate (FwWiring *self, const FwGate *gate)
{
  GArray *list = g_hash_table_lookup (self->by_value, gate->value);
  guint position = self->gates->len;

  if (list == NULL)
    {
      list = g_array_new (FALSE, FALSE, sizeof (guint));
      g_hash_table_insert (self->by_value, (gpointer) gate->value, list);
    }
  g_array_append_val (list, position);
  g_array_append_val (self->gates, *gate);
}

/* Puts a gate between @from and @to, for @value as @node (-1: everyone) sees it. */
static void
add_gate (Builder *b,
          const char *value,
          int node,
          gboolean is_dynamic,
          const char *from,
          const char *to)
{
  FwWiring *self = b->wiring;
  const FwRange *range = fw_recipe_get_range (b->recipe, value);
  const float scale = range != NULL ? range->scale : 1;
  const guint8 zero = range != NULL ? range->zero_point : 0, no = FALSE;
  char *names[4] = { NULL };
  g_autofree char *shut = NULL;
  g_autofree char *open = make_name (self);
  GPtrArray *shut_nodes, *open_nodes = g_ptr_array_new ();
  FwGate gate = { .value = value, .node = node, .dynamic = -1 };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    names[i] = make_name (self);
  gate.shut = add_input (self, names[0], scalar_new (FW_ELEMENT_BOOL, &no));
  gate.scale = add_input (self, names[1], scalar_new (FW_ELEMENT_FLOAT, &scale));
  gate.zero_point = add_input (self, names[2], scalar_new (FW_ELEMENT_UINT8, &zero));
  if (is_dynamic)
    gate.dynamic = add_input (self, names[3], scalar_new (FW_ELEMENT_BOOL, &no));
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_clear_pointer (&names[i], g_free);

  shut_nodes = make_shut (self, &gate, from, &shut);
  g_ptr_array_add (open_nodes, new_node ("Identity", open, from, NULL, NULL));
  g_ptr_array_add (
      b->nodes, new_if (get_input_name (self, gate.shut), to, shut_nodes, shut, open_nodes, open));
  note_gate (self, &gate);
}

gboolean
fw_wiring_only_moves (const Onnx__NodeProto *node)
{
  static const char *const names[]
      = { "MaxPool", "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze", "Slice", NULL };

  return g_strv_contains (names, node->op_type);
}

static gboolean
needs_gate_behind (Builder *b, const char *value, const Onnx__NodeProto *node)
{
  return b->plan != NULL && g_hash_table_contains (b->plan->inside, value)
         && !fw_wiring_only_moves (node);
}

/* The int8 operator @position may be the first one to use @value rounded. */
static gboolean
needs_gate_before (Builder *b, guint position, guint input)
{
  const Onnx__NodeProto *node = fw_model_get_graph (b->prepared)->node[position];
  const char *value = node->input[input];
  int producer;
  guint n;

  if (*value == '\0' || fw_graph_index_get_initializer (b->index, value) != NULL)
    return FALSE;
  if (b->is_dynamic[position] && input == 0)
    return TRUE;
  if (b->plan == NULL || !b->plan->is_int8[position])
    return FALSE;
  if (b->plan->unit[position] == NULL ? !g_hash_table_contains (b->plan->entries, value)
                                      : input != 0)
    return FALSE;
  /* One gate does for a value that leaves its maker rounded and has no other use. */
  producer = fw_graph_index_get_producer (b->index, value);
  fw_graph_index_get_consumers (b->index, value, &n);
  return producer < 0 || n != 1 || fw_graph_index_is_output (b->index, value)
         || !needs_gate_behind (b, value, fw_model_get_graph (b->prepared)->node[producer]);
}

static void
emit_node (Builder *b, guint position, Onnx__NodeProto *node)
{
  const Onnx__NodeProto *original = fw_model_get_graph (b->prepared)->node[position];

  for (gsize i = 0; i < original->n_input; i++)
    if (needs_gate_before (b, position, i))
      {
        g_autofree char *name = make_name (b->wiring);

        add_gate (b, original->input[i], position, b->is_dynamic[position], original->input[i],
                  name);
        fw_node_set_input (node, i, name);
      }
  g_ptr_array_add (b->nodes, node);
  for (gsize i = 0; i < original->n_output; i++)
    if (needs_gate_behind (b, original->output[i], original))
      {
        g_autofree char *name = make_name (b->wiring);

        fw_node_set_output (node, i, name);
        add_gate (b, original->output[i], -1, FALSE, name, original->output[i]);
      }
}

/* What is wanted ------------------------------------------------------------------------------ */

static void
set_outputs (FwModel *model, const char *const *values)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  gsize kept = 0;

  for (gsize i = 0; i < graph->n_output; i++)
    if (g_strv_contains (values, graph->output[i]->name))
      graph->output[kept++] = graph->output[i];
    else
      onnx__value_info_proto__free_unpacked (graph->output[i], NULL);
  graph->n_output = kept;
  for (gsize i = 0; values[i] != NULL; i++)
    fw_model_add_output (model, values[i]);
}

static void
note_uses (GHashTable *used, const Onnx__NodeProto *node)
{
  for (gsize i = 0; i < node->n_input; i++)
    g_hash_table_add (used, node->input[i]);
  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const Onnx__AttributeProto *attribute = node->attribute[i];

      for (gsize j = 0; j < attribute->n_graphs + (attribute->g != NULL ? 1 : 0); j++)
        {
          const Onnx__GraphProto *graph
              = j < attribute->n_graphs ? attribute->graphs[j] : attribute->g;

          for (gsize k = 0; k < graph->n_node; k++)
            note_uses (used, graph->node[k]);
          for (gsize k = 0; k < graph->n_output; k++)
            g_hash_table_add (used, graph->output[k]->name);
        }
    }
}

/* Whatever only leads to other answers is not worked out. */
static GPtrArray *
list_needed (const Onnx__GraphProto *graph, const char *const *values)
{
  g_autoptr (GHashTable) used = g_hash_table_new (g_str_hash, g_str_equal);
  g_autofree gboolean *is_needed = g_new0 (gboolean, graph->n_node + 1);
  GPtrArray *needed = g_ptr_array_new ();

  for (gsize i = 0; values[i] != NULL; i++)
    g_hash_table_add (used, (gpointer) values[i]);
  for (gsize i = graph->n_node; i-- > 0;)
    {
      Onnx__NodeProto *node = graph->node[i];

      for (gsize j = 0; j < node->n_output && !is_needed[i]; j++)
        is_needed[i] = g_hash_table_contains (used, node->output[j]);
      if (is_needed[i])
        note_uses (used, node);
    }
  for (gsize i = 0; i < graph->n_node; i++)
    if (is_needed[i])
      g_ptr_array_add (needed, graph->node[i]);
  return needed;
}

/* Making -------------------------------------------------------------------------------------- */

static void
plan_gates (Builder *b, FwRewriter *rewriter)
{
  g_autoptr (GPtrArray) computing = g_ptr_array_new ();

  for (guint i = 0; i < b->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (b->units, i);

      if (fw_rewriter_can (rewriter, b->recipe, i, FW_OPTION_INT8_COMPUTE))
        g_ptr_array_add (computing, unit);
      b->is_dynamic[unit->node] = fw_rewriter_can (rewriter, b->recipe, i, FW_OPTION_INT8_DYNAMIC);
    }
  b->plan = fw_rewrite_plan_new (b->prepared, b->index, computing, b->recipe);
}

static gboolean
check_size (GPtrArray *units, GError **error)
{
  guint64 n_bytes = 0;

  for (guint i = 0; i < units->len; i++)
    n_bytes += ((FwUnit *) g_ptr_array_index (units, i))->n_weights * sizeof (float);
  if (n_bytes <= MAX_BYTES)
    return TRUE;
  g_set_error_literal (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                       _ ("The model is too large to be held in memory as a whole."));
  return FALSE;
}

static void
list_own_inputs (FwWiring *self)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->model);

  for (gsize i = 0; i < graph->n_input; i++)
    if (fw_model_find_initializer (self->prepared, graph->input[i]->name) == NULL)
      {
        g_ptr_array_add (self->names, g_strdup (graph->input[i]->name));
        g_ptr_array_add (self->defaults, NULL);
      }
  self->n_own = self->names->len;
}

static void
unref_tensor (gpointer data)
{
  if (data != NULL)
    fw_tensor_unref (data);
}

static FwWiring *
wiring_new_empty (FwModel *prepared, guint n_units)
{
  FwWiring *self = g_new0 (FwWiring, 1);

  self->prepared = fw_model_ref (prepared);
  self->model = fw_model_copy (prepared);
  self->prefix = find_prefix (prepared);
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->defaults = g_ptr_array_new_with_free_func (unref_tensor);
  self->gates = g_array_new (FALSE, FALSE, sizeof (FwGate));
  self->by_value
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_array_unref);
  self->weight = g_new (int, n_units + 1);
  self->bias = g_new (int, n_units + 1);
  for (guint i = 0; i < n_units; i++)
    self->weight[i] = self->bias[i] = -1;
  list_own_inputs (self);
  return self;
}

static void
emit_nodes (Builder *b, const char *const *values)
{
  FwModel *model = b->wiring->model;
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (guint i = 0; i < graph->n_node; i++)
    emit_node (b, i, graph->node[i]);
  fw_model_set_nodes (model, g_steal_pointer (&b->nodes));
  set_outputs (model, values);
  /* Frees what is not in the list. */
  fw_model_set_nodes (model, list_needed (graph, values));
  fw_model_drop_unused_initializers (model);
}

FwWiring *
fw_wiring_new (FwModel *prepared,
               FwRewriter *rewriter,
               GPtrArray *units,
               FwRecipe *recipe,
               const char *const *values,
               gboolean gates,
               GError **error)
{
  g_autoptr (FwGraphIndex) index = NULL;
  g_autoptr (FwWiring) self = NULL;
  g_autoptr (FwRewritePlan) plan = NULL;
  g_autofree gboolean *is_dynamic = g_new0 (gboolean, fw_model_get_graph (prepared)->n_node + 1);
  Builder b = { .prepared = prepared, .units = units, .recipe = recipe, .is_dynamic = is_dynamic };

  if (!check_size (units, error))
    return NULL;
  b.index = index = fw_graph_index_new (prepared);
  b.wiring = self = wiring_new_empty (prepared, units->len);
  if (gates)
    plan_gates (&b, rewriter);
  plan = b.plan;
  for (guint i = 0; i < units->len; i++)
    {
      if (!add_weight (&b, i, error))
        return NULL;
      add_bias (&b, i);
    }
  b.nodes = g_ptr_array_new ();
  emit_nodes (&b, values);
  return g_steal_pointer (&self);
}

void
fw_wiring_free (FwWiring *self)
{
  g_ptr_array_unref (self->names);
  g_ptr_array_unref (self->defaults);
  g_array_unref (self->gates);
  g_hash_table_unref (self->by_value);
  g_free (self->weight);
  g_free (self->bias);
  g_free (self->prefix);
  fw_model_unref (self->model);
  fw_model_unref (self->prepared);
  g_free (self);
}

const FwGate *
fw_wiring_find_gate (FwWiring *self, const char *value, int node)
{
  GArray *list = g_hash_table_lookup (self->by_value, value);

  for (guint i = 0; list != NULL && i < list->len; i++)
    {
      const FwGate *gate = &g_array_index (self->gates, FwGate, g_array_index (list, guint, i));

      if (gate->node == node)
        return gate;
    }
  return NULL;
}
