/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-unit.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-prepare.h"

#define DOMAIN_MICROSOFT "com.microsoft"
/* DynamicQuantizeLinear came with this operator set. */
#define OPSET_DYNAMIC 11
/* Fewer weights don't get a scale of their own where it isn't known what they are. */
#define MIN_PER_CHANNEL 16

typedef struct
{
  FwModel *prepared;
  FwGraphIndex *index;
  GHashTable *names; /* set of the units' */
} Finder;

static void
unit_free (FwUnit *self)
{
  g_free (self->name);
  g_free (self->op_type);
  g_free (self->weight);
  g_free (self->bias);
  g_free (self->input);
  g_free (self);
}

static gboolean
is_one_of (const char *name, const char *const *names)
{
  return g_strv_contains (names, name);
}

static gboolean
is_standard (const Onnx__NodeProto *node)
{
  return node->domain == NULL || *node->domain == '\0' || strcmp (node->domain, "ai.onnx") == 0;
}

static gboolean
is_microsoft (const Onnx__NodeProto *node)
{
  return node->domain != NULL && strcmp (node->domain, DOMAIN_MICROSOFT) == 0;
}

static gboolean
is_layer (const Onnx__NodeProto *node)
{
  static const char *const layers[] = { "Conv", "ConvTranspose", "Gemm", "MatMul", NULL };

  return is_standard (node) && is_one_of (node->op_type, layers);
}

static gboolean
is_recurrent (const Onnx__NodeProto *node)
{
  static const char *const recurrent[] = { "LSTM", "GRU", "RNN", NULL };

  return is_standard (node) && is_one_of (node->op_type, recurrent);
}

/* Uses ---------------------------------------------------------------------------------------- */

/* Whether input @input of @node is just numbers, and not something that ONNX Runtime wants to know
 * before it starts, or that belongs to other numbers. */
static gboolean
is_plain_use (Finder *f, const Onnx__NodeProto *node, gsize input)
{
  static const char *const special[] = { "BatchNormalization",
                                         "Clip",
                                         "DequantizeLinear",
                                         "InstanceNormalization",
                                         "Pad",
                                         "QuantizeLinear",
                                         "Resize",
                                         "Upsample",
                                         NULL };

  for (gsize i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->g != NULL || node->attribute[i]->n_graphs > 0)
      return FALSE;
  for (gsize i = 0; i < fw_model_get_proto (f->prepared)->n_functions; i++)
    if (g_strcmp0 (fw_model_get_proto (f->prepared)->functions[i]->name, node->op_type) == 0)
      return FALSE;
  if (is_microsoft (node))
    return strncmp (node->op_type, "Q", 1) != 0 && strstr (node->op_type, "Quant") == NULL
           && strstr (node->op_type, "NBits") == NULL && strstr (node->op_type, "Integer") == NULL
           && strstr (node->op_type, "Bnb4") == NULL;
  if (!is_standard (node) || is_one_of (node->op_type, special)
      || g_str_has_prefix (node->op_type, "QLinear"))
    return FALSE;
  if (is_recurrent (node))
    return input == 1 || input == 2;
  return !(is_layer (node) && input > 1);
}

static gboolean
are_uses_plain (Finder *f, const char *value)
{
  Onnx__GraphProto *graph = fw_model_get_graph (f->prepared);
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (f->index, value, &n);

  for (guint i = 0; i < n; i++)
    {
      Onnx__NodeProto *node = graph->node[consumers[i]];

      for (gsize k = 0; k < node->n_input; k++)
        if (strcmp (node->input[k], value) == 0 && !is_plain_use (f, node, k))
          return FALSE;
    }
  return !fw_graph_index_is_output (f->index, value);
}

static gboolean
is_large_enough (const Onnx__NodeProto *node, const Onnx__TensorProto *weight)
{
  guint64 n = fw_tensor_proto_get_n_elements (weight);

  if (is_layer (node))
    return n >= FW_UNIT_MIN_WEIGHTS;
  for (gsize i = 0; i < weight->n_dims; i++)
    if ((guint64) weight->dims[i] == n)
      return n >= FW_UNIT_MIN_LIST;
  return n >= FW_UNIT_MIN_OTHERS;
}

/* Channels ------------------------------------------------------------------------------------ */

/* The axis of the weight that runs over output channels; -1 where that is not known. */
static int
find_channel_axis (const Onnx__NodeProto *node, guint input, const Onnx__TensorProto *weight)
{
  int rank = weight->n_dims;
  const char *type = node->op_type;

  if (is_microsoft (node))
    return strcmp (type, "Attention") == 0 && input == 1 && rank == 2 ? 1
           : g_str_has_prefix (type, "FusedConv") && input == 1       ? 0
                                                                      : -1;
  if (strcmp (type, "Conv") == 0 && input == 1 && rank >= 3)
    return 0;
  if (strcmp (type, "ConvTranspose") == 0 && input == 1 && rank >= 3)
    return 1;
  if (strcmp (type, "Gemm") == 0 && rank == 2)
    return fw_node_get_int (node, input == 0 ? "transA" : "transB", 0) != (input == 0) ? 0 : 1;
  if (strcmp (type, "MatMul") == 0 && rank >= 2)
    return input == 0 ? rank - 2 : rank - 1;
  if (strcmp (type, "Gather") == 0 && input == 0 && rank >= 2
      && fw_node_get_int (node, "axis", 0) == 0)
    return 0;
  if (is_recurrent (node) && rank == 3)
    return 1;
  return -1;
}

/* The first axis whose numbers are worth scales of their own; -1 for none. */
static int
guess_channel_axis (const Onnx__TensorProto *weight)
{
  guint64 n = fw_tensor_proto_get_n_elements (weight);

  for (gsize i = 0; i < weight->n_dims; i++)
    if (weight->dims[i] > 1 && n / weight->dims[i] >= MIN_PER_CHANNEL)
      return i;
  return -1;
}

static void
fill_shape (FwUnit *unit, const Onnx__NodeProto *node, const Onnx__TensorProto *weight)
{
  int axis = find_channel_axis (node, unit->weight_input, weight);
  gsize first;

  unit->shape = (FwWeightShape){ .outer = 1, .channels = 1, .inner = 1 };
  if (axis < 0)
    axis = guess_channel_axis (weight);
  if (axis < 0)
    {
      unit->shape.inner = unit->n_weights;
      return;
    }
  unit->channel_axis = axis;
  unit->n_channel_axes = is_recurrent (node) && axis == 1 ? 2 : 1;
  first = axis + 1 - unit->n_channel_axes;
  for (gsize i = 0; i < weight->n_dims; i++)
    if (i < first)
      unit->shape.outer *= weight->dims[i];
    else if (i <= unit->channel_axis)
      unit->shape.channels *= weight->dims[i];
    else
      unit->shape.inner *= weight->dims[i];
}

/* Biases -------------------------------------------------------------------------------------- */

/* A list of a number for each channel, along the last axis. */
static gboolean
is_bias (const FwUnit *unit, const Onnx__TensorProto *tensor)
{
  return tensor != NULL && tensor->data_type == FW_ELEMENT_FLOAT
         && fw_tensor_proto_get_n_elements (tensor) == unit->shape.channels
         && (tensor->n_dims == 0
             || tensor->dims[tensor->n_dims - 1] == (gint64) unit->shape.channels);
}

/* Whether the activation is known to be a matrix: of others the means that are calibrated are those
 * of another axis than a product's. */
static gboolean
is_matrix (Finder *f, const char *value)
{
  const Onnx__ValueInfoProto *info = fw_graph_index_get_info (f->index, value);

  return info != NULL && info->type != NULL
         && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
         && info->type->tensor_type != NULL && info->type->tensor_type->shape != NULL
         && info->type->tensor_type->shape->n_dim == 2;
}

/* A product's bias is what is added behind it. */
static void
find_added_bias (FwUnit *unit, const Onnx__NodeProto *node, Finder *f)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (f->index, node->output[0], &n);
  Onnx__NodeProto *add;

  if (n != 1 || fw_graph_index_is_output (f->index, node->output[0]) || !is_matrix (f, unit->input))
    return;
  add = fw_model_get_graph (f->prepared)->node[consumers[0]];
  if (!is_standard (add) || strcmp (add->op_type, "Add") != 0 || add->n_input != 2)
    return;
  for (guint i = 0; i < 2; i++)
    if (is_bias (unit, fw_graph_index_get_initializer (f->index, add->input[i])))
      {
        unit->bias = g_strdup (add->input[i]);
        unit->bias_node = consumers[0];
        unit->bias_input = i;
        unit->can_correct = TRUE;
        return;
      }
}

/* A bias can be corrected where it is a list of its own, or where one can be added. */
static void
fill_bias (FwUnit *unit, const Onnx__NodeProto *node, Finder *f)
{
  unit->bias_node = unit->node;
  unit->bias_input = 2;
  if (unit->n_nodes != 1 || !is_standard (node) || unit->weight_input != 1)
    return;
  if (strcmp (unit->op_type, "MatMul") == 0 && unit->shape.inner == 1
      && unit->n_weights == unit->shape.outer * unit->shape.channels)
    find_added_bias (unit, node, f);
  if (strcmp (unit->op_type, "Conv") != 0 && strcmp (unit->op_type, "Gemm") != 0)
    return;
  if (strcmp (unit->op_type, "Gemm") == 0
      && (fw_node_get_int (node, "transA", 0) != 0 || fw_node_get_float (node, "alpha", 1) != 1.f
          || fw_node_get_float (node, "beta", 1) != 1.f))
    return;
  if (node->n_input < 3 || *node->input[2] == '\0')
    {
      unit->can_correct = TRUE;
      return;
    }
  if (!is_bias (unit, fw_graph_index_get_initializer (f->index, node->input[2])))
    return;
  unit->bias = g_strdup (node->input[2]);
  unit->can_correct = TRUE;
}

/* Arithmetic ---------------------------------------------------------------------------------- */

static gboolean
has_plain_matrix (const FwUnit *unit, const Onnx__NodeProto *node, const Onnx__TensorProto *weight)
{
  if (!is_standard (node) || unit->weight_input != 1 || weight->n_dims != 2)
    return FALSE;
  return strcmp (unit->op_type, "MatMul") == 0
         || (strcmp (unit->op_type, "Gemm") == 0 && unit->can_correct);
}

/* ONNX Runtime's integer kernels: Conv; MatMul with a plain matrix; Gemm with a bias of its own. */
static gboolean
has_integer_kernel (const FwUnit *unit,
                    const Onnx__NodeProto *node,
                    const Onnx__TensorProto *weight)
{
  if (is_standard (node) && strcmp (unit->op_type, "Conv") == 0)
    return unit->weight_input == 1;
  return has_plain_matrix (unit, node, weight);
}

static const char *
find_why_not_compute (const FwUnit *unit,
                      const Onnx__NodeProto *node,
                      const Onnx__TensorProto *weight,
                      Finder *f)
{
  gint64 opset = fw_model_get_opset (f->prepared, "");

  if (opset != 0 && opset < FW_OPSET_PER_CHANNEL)
    return _ ("the model is of an older kind");
  if (unit->n_nodes != 1)
    return _ ("several layers share its numbers");
  if (!has_integer_kernel (unit, node, weight))
    return _ ("this kind of layer has no 8-bit arithmetic");
  if (strcmp (unit->op_type, "Conv") == 0 && !unit->can_correct)
    return _ ("its offsets are worked out while the model runs");
  if (*unit->input == '\0' || fw_graph_index_get_initializer (f->index, unit->input) != NULL)
    return _ ("it works on stored numbers alone");
  return NULL;
}

static void
fill_arithmetic (FwUnit *unit,
                 const Onnx__NodeProto *node,
                 const Onnx__TensorProto *weight,
                 Finder *f)
{
  gint64 opset = fw_model_get_opset (f->prepared, "");
  gboolean alone = unit->n_nodes == 1 && has_plain_matrix (unit, node, weight)
                   && *unit->input != '\0'
                   && fw_graph_index_get_initializer (f->index, unit->input) == NULL;

  unit->can[FW_ARITHMETIC_FLOAT] = TRUE;
  unit->why_not = find_why_not_compute (unit, node, weight, f);
  unit->can[FW_ARITHMETIC_INT8] = unit->why_not == NULL;
  unit->can[FW_ARITHMETIC_INT8_DYNAMIC] = alone && (opset == 0 || opset >= OPSET_DYNAMIC);
  unit->can[FW_ARITHMETIC_BLOCKS] = alone;
}

gboolean
fw_unit_can (const FwUnit *self, FwOption option)
{
  return fw_option_is_valid (option) && self->can[fw_option_get_arithmetic (option)];
}

/* Finding ------------------------------------------------------------------------------------- */

/* What the weight is multiplied with, if anything. */
static const char *
find_input (const FwUnit *unit, const Onnx__NodeProto *node)
{
  if (is_layer (node) && unit->weight_input < 2 && node->n_input >= 2)
    return node->input[1 - unit->weight_input];
  if (unit->weight_input == 1
      && (is_recurrent (node) || (is_microsoft (node) && strcmp (node->op_type, "Attention") == 0)))
    return node->input[0];
  return "";
}

static char *
make_name (Finder *f, const Onnx__NodeProto *node, guint input)
{
  char *name = g_strdup (node->name != NULL ? node->name : "");

  for (guint i = 0; g_hash_table_contains (f->names, name); i++)
    {
      g_free (name);
      name = i == 0 ? g_strdup_printf ("%s:%u", node->name, input)
                    : g_strdup_printf ("%s:%u:%u", node->name, input, i);
    }
  g_hash_table_add (f->names, g_strdup (name));
  return name;
}

static FwUnit *
unit_new (Finder *f, guint position, guint input, const Onnx__TensorProto *weight)
{
  Onnx__NodeProto *node = fw_model_get_graph (f->prepared)->node[position];
  FwUnit *unit = g_new0 (FwUnit, 1);

  unit->name = make_name (f, node, input);
  unit->op_type = g_strdup (node->op_type);
  unit->weight = g_strdup (weight->name);
  unit->node = position;
  unit->weight_input = input;
  unit->input = g_strdup (find_input (unit, node));
  fw_graph_index_get_consumers (f->index, weight->name, &unit->n_nodes);
  unit->n_weights = fw_tensor_proto_get_n_elements (weight);
  fill_shape (unit, node, weight);
  unit->groups = strcmp (unit->op_type, "Conv") == 0 ? fw_node_get_int (node, "group", 1) : 1;
  unit->groups = MAX (unit->groups, 1);
  unit->is_depthwise = unit->groups > 1 && weight->dims[1] == 1;
  fill_bias (unit, node, f);
  fill_arithmetic (unit, node, weight, f);
  return unit;
}

static void
find_of_node (Finder *f, guint position, GHashTable *seen, GPtrArray *units)
{
  Onnx__NodeProto *node = fw_model_get_graph (f->prepared)->node[position];

  for (gsize i = 0; i < node->n_input; i++)
    {
      /* The second input first: it is the weight that a layer is named after. */
      guint input = i < 2 && node->n_input > 1 ? 1 - i : i;
      Onnx__TensorProto *weight = fw_graph_index_get_initializer (f->index, node->input[input]);

      if (weight == NULL || weight->data_type != FW_ELEMENT_FLOAT || !is_large_enough (node, weight)
          || g_hash_table_contains (seen, weight->name) || !are_uses_plain (f, weight->name))
        continue;
      g_hash_table_add (seen, weight->name);
      g_ptr_array_add (units, unit_new (f, position, input, weight));
    }
}

GPtrArray *
fw_units_find (FwModel *prepared)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (prepared);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Finder finder = { prepared, index, names };
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  GPtrArray *units = g_ptr_array_new_with_free_func ((GDestroyNotify) unit_free);

  for (guint i = 0; i < graph->n_node; i++)
    find_of_node (&finder, i, seen, units);
  return units;
}
