/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-unit.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-prepare.h"

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

/* The axis of the weight that runs over output channels; -1 for operators that are no units. */
static int
find_channel_axis (const Onnx__NodeProto *node, const Onnx__TensorProto *weight)
{
  gsize rank = weight->n_dims;

  if (strcmp (node->op_type, "Conv") == 0 && rank >= 3)
    return 0;
  if (strcmp (node->op_type, "ConvTranspose") == 0 && rank >= 3)
    return 1;
  if (strcmp (node->op_type, "Gemm") == 0 && rank == 2)
    return fw_node_get_int (node, "transB", 0) ? 0 : 1;
  if (strcmp (node->op_type, "MatMul") == 0 && rank >= 2)
    return rank - 1;
  return -1;
}

static void
fill_shape (FwUnit *unit, const Onnx__TensorProto *weight)
{
  unit->shape = (FwWeightShape){ .outer = 1, .channels = 1, .inner = 1 };
  for (gsize i = 0; i < weight->n_dims; i++)
    if (i < unit->channel_axis)
      unit->shape.outer *= weight->dims[i];
    else if (i == unit->channel_axis)
      unit->shape.channels = weight->dims[i];
    else
      unit->shape.inner *= weight->dims[i];
}

/* A bias can be corrected where it is a list of its own, or where one can be added. */
static void
fill_bias (FwUnit *unit, const Onnx__NodeProto *node, FwGraphIndex *index)
{
  Onnx__TensorProto *bias;

  if (unit->n_nodes != 1
      || (strcmp (unit->op_type, "Conv") != 0 && strcmp (unit->op_type, "Gemm") != 0))
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
  bias = fw_graph_index_get_initializer (index, node->input[2]);
  if (bias == NULL || bias->data_type != FW_ELEMENT_FLOAT
      || fw_tensor_proto_get_n_elements (bias) != unit->shape.channels
      || (bias->n_dims > 0 && bias->dims[bias->n_dims - 1] != (gint64) unit->shape.channels))
    return;
  unit->bias = g_strdup (node->input[2]);
  unit->can_correct = TRUE;
}

/* ONNX Runtime's integer kernels: Conv; MatMul with a plain matrix; Gemm with a bias of its own. */
static gboolean
has_integer_kernel (const FwUnit *unit,
                    const Onnx__NodeProto *node,
                    const Onnx__TensorProto *weight)
{
  if (strcmp (unit->op_type, "ConvTranspose") == 0)
    return FALSE;
  if (strcmp (unit->op_type, "MatMul") == 0)
    return weight->n_dims == 2;
  if (strcmp (unit->op_type, "Gemm") == 0)
    return unit->can_correct
           && (unit->bias != NULL || node->n_input < 3 || *node->input[2] == '\0');
  return TRUE;
}

static const char *
find_why_not_compute (const FwUnit *unit,
                      const Onnx__NodeProto *node,
                      const Onnx__TensorProto *weight,
                      FwModel *prepared,
                      FwGraphIndex *index)
{
  gint64 opset = fw_model_get_opset (prepared, "");

  if (opset != 0 && opset < FW_OPSET_PER_CHANNEL)
    return _ ("the model is of an older kind");
  if (unit->n_nodes != 1)
    return _ ("several layers share its numbers");
  if (!has_integer_kernel (unit, node, weight))
    return _ ("this kind of layer has no 8-bit arithmetic");
  if (strcmp (unit->op_type, "Conv") == 0 && !unit->can_correct)
    return _ ("its offsets are worked out while the model runs");
  if (fw_graph_index_get_initializer (index, unit->input) != NULL)
    return _ ("it works on stored numbers alone");
  return NULL;
}

static FwUnit *
unit_new (FwModel *prepared, FwGraphIndex *index, guint position, const Onnx__TensorProto *weight)
{
  Onnx__NodeProto *node = fw_model_get_graph (prepared)->node[position];
  FwUnit *unit = g_new0 (FwUnit, 1);

  unit->name = g_strdup (node->name);
  unit->op_type = g_strdup (node->op_type);
  unit->weight = g_strdup (weight->name);
  unit->input = g_strdup (node->input[0]);
  unit->node = position;
  fw_graph_index_get_consumers (index, weight->name, &unit->n_nodes);
  unit->channel_axis = find_channel_axis (node, weight);
  unit->n_channel_axes = 1;
  unit->n_weights = fw_tensor_proto_get_n_elements (weight);
  fill_shape (unit, weight);
  unit->groups = strcmp (unit->op_type, "Conv") == 0 ? fw_node_get_int (node, "group", 1) : 1;
  unit->groups = MAX (unit->groups, 1);
  unit->is_depthwise = unit->groups > 1 && weight->dims[1] == 1;
  fill_bias (unit, node, index);

  unit->can[FW_ARITHMETIC_FLOAT] = TRUE;
  unit->why_not = find_why_not_compute (unit, node, weight, prepared, index);
  unit->can[FW_ARITHMETIC_INT8] = unit->why_not == NULL;
  return unit;
}

gboolean
fw_unit_can (const FwUnit *self, FwOption option)
{
  return fw_option_is_valid (option) && self->can[fw_option_get_arithmetic (option)];
}

GPtrArray *
fw_units_find (FwModel *prepared)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (prepared);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  GPtrArray *units = g_ptr_array_new_with_free_func ((GDestroyNotify) unit_free);

  for (guint i = 0; i < graph->n_node; i++)
    {
      Onnx__NodeProto *node = graph->node[i];
      Onnx__TensorProto *weight;

      if (node->n_input < 2 || (node->domain != NULL && *node->domain != '\0'))
        continue;
      weight = fw_graph_index_get_initializer (index, node->input[1]);
      if (weight == NULL || weight->data_type != FW_ELEMENT_FLOAT
          || fw_tensor_proto_get_n_elements (weight) < FW_UNIT_MIN_WEIGHTS
          || find_channel_axis (node, weight) < 0 || g_hash_table_contains (seen, weight->name))
        continue;
      if (fw_graph_index_is_output (index, weight->name))
        continue;
      g_hash_table_add (seen, weight->name);
      g_ptr_array_add (units, unit_new (prepared, index, i, weight));
    }
  return units;
}
