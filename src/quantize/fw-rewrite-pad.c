/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite-pad.h"

#include <string.h>

#define INPUT_MULTIPLE 4
#define OUTPUT_MULTIPLE 8
#define DEPTHWISE_MULTIPLE 16
#define LEAST_OUTPUTS 16
/* From so many places on a result is made wide and cut. */
#define LEAST_PLACES 256
/* What a Pad and its list take in the file. */
#define BYTES_OF_PAD 256

/* Values that must have the same number of channels, as what lies between them works on each by
 * itself. */
typedef struct Family Family;
struct Family
{
  Family *parent; /* NULL for the eldest */
  gint64 channels;
  gboolean is_blocked;
  gboolean has_depthwise;
};

typedef struct
{
  FwRewritePlan *plan;
  Onnx__GraphProto *graph;
  FwGraphIndex *index;
  GHashTable *families; /* value -> its Family */
} Padding;

static gint64
round_up (gint64 value, gint64 multiple)
{
  return (value + multiple - 1) / multiple * multiple;
}

static Family *
find_eldest (Family *family)
{
  while (family->parent != NULL)
    family = family->parent;
  return family;
}

/* Of a value that leaves an integer operator quantized; NULL for all others. */
static Family *
get_family (Padding *padding, const char *value)
{
  Family *family = g_hash_table_lookup (padding->families, value);

  return family != NULL ? find_eldest (family) : NULL;
}

static void
block (Padding *padding, const char *value)
{
  Family *family = get_family (padding, value);

  if (family != NULL)
    family->is_blocked = TRUE;
}

static Family *
join (Padding *padding, const char *a, const char *b)
{
  Family *first = get_family (padding, a);
  Family *second = get_family (padding, b);

  if (first == NULL || second == NULL)
    {
      block (padding, a);
      block (padding, b);
      return NULL;
    }
  if (first != second)
    {
      second->parent = first;
      first->is_blocked |= second->is_blocked
                           || (first->channels != 0 && second->channels != 0
                               && first->channels != second->channels);
      first->channels = MAX (first->channels, second->channels);
      first->has_depthwise |= second->has_depthwise;
    }
  return first;
}

static const Onnx__TensorProto *
get_weight (Padding *padding, guint position)
{
  return fw_graph_index_get_initializer (padding->index, padding->plan->unit[position]->weight);
}

static gboolean
is_dense_conv (Padding *padding, guint position)
{
  const FwUnit *unit = padding->plan->unit[position];

  return unit != NULL && strcmp (unit->op_type, "Conv") == 0 && unit->groups == 1;
}

/* One kernel for each channel, and as many channels out as in. */
static gboolean
is_depthwise_conv (Padding *padding, guint position)
{
  const FwUnit *unit = padding->plan->unit[position];

  return unit != NULL && strcmp (unit->op_type, "Conv") == 0 && unit->groups > 1
         && unit->groups == unit->shape.channels && get_weight (padding, position)->dims[1] == 1;
}

static gboolean
works_on_each_channel (const Onnx__NodeProto *node)
{
  static const char *const names[] = { "MaxPool", "AveragePool", "GlobalAveragePool", "Add", NULL };

  return g_strv_contains (names, node->op_type);
}

/* What a node does to the values around it. */
static void
look_at (Padding *padding, guint position)
{
  FwRewritePlan *plan = padding->plan;
  const Onnx__NodeProto *node = padding->graph->node[position];
  const char *result = plan->result[position];

  if (plan->is_int8[position] && result != NULL && is_dense_conv (padding, position))
    {
      Family *family = get_family (padding, result);
      gint64 channels = get_weight (padding, position)->dims[0];

      family->is_blocked |= family->channels != 0 && family->channels != channels;
      family->channels = channels;
      /* Its input may have any number of channels. */
      return;
    }
  if (plan->is_int8[position] && result != NULL && is_depthwise_conv (padding, position))
    {
      Family *family = join (padding, node->input[0], result);

      if (family != NULL)
        family->has_depthwise = TRUE;
      return;
    }
  if (plan->is_int8[position] && result != NULL && plan->unit[position] == NULL
      && works_on_each_channel (node))
    {
      for (gsize i = 0; i < node->n_input; i++)
        join (padding, node->input[i], result);
      return;
    }
  for (gsize i = 0; i < node->n_input; i++)
    block (padding, node->input[i]);
  if (result != NULL)
    block (padding, result);
}

/* Uses inside of a node's own graphs are not among its inputs. */
static gboolean
is_used_in_graphs (Padding *padding, const char *value)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (padding->index, value, &n);

  for (guint i = 0; i < n; i++)
    {
      const Onnx__NodeProto *node = padding->graph->node[consumers[i]];

      for (gsize j = 0; j < node->n_attribute; j++)
        if (node->attribute[j]->g != NULL || node->attribute[j]->n_graphs > 0)
          return TRUE;
    }
  return FALSE;
}

static void
find_families (Padding *padding)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, padding->plan->inside);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    {
      Family *family = g_new0 (Family, 1);

      family->is_blocked
          = fw_graph_index_is_output (padding->index, value) || is_used_in_graphs (padding, value);
      g_hash_table_insert (padding->families, value, family);
    }
  for (guint i = 0; i < padding->plan->n_nodes; i++)
    if (!padding->plan->is_dropped[i])
      look_at (padding, i);
}

/* Channels of the family when widened; 0 where it stays. Kernels that each work on one channel gain
 * little, and lose that where too many are added. */
static gint64
choose_channels (const Family *family)
{
  gint64 channels = family->channels, wide;

  if (family->is_blocked)
    return 0;
  if (family->has_depthwise)
    {
      wide = round_up (channels, DEPTHWISE_MULTIPLE);
      return wide == channels || wide > 2 * channels ? 0 : wide;
    }
  wide = MAX (round_up (channels, OUTPUT_MULTIPLE), LEAST_OUTPUTS);
  return wide == channels ? 0 : wide;
}

static gint64
get_channels (Padding *padding, const char *value)
{
  const Family *family = get_family (padding, value);

  return family != NULL ? choose_channels (family) : 0;
}

/* An entry gets its missing channels once it is quantized, where that opens the direct way to all
 * that read it. */
static void
pad_entry (Padding *padding, const char *value)
{
  FwRewritePlan *plan = padding->plan;
  gint64 channels = 0, wide;

  for (guint i = 0; i < plan->n_nodes; i++)
    {
      gint64 outputs;

      if (plan->unit[i] == NULL || strcmp (padding->graph->node[i]->input[0], value) != 0)
        continue;
      if (!is_dense_conv (padding, i) || get_weight (padding, i)->n_dims != 4)
        return;
      outputs = MAX (plan->channels_out[i], get_weight (padding, i)->dims[0]);
      if (outputs < LEAST_OUTPUTS || outputs % INPUT_MULTIPLE != 0)
        return;
      channels = get_weight (padding, i)->dims[1];
    }
  wide = round_up (channels, INPUT_MULTIPLE);
  if (wide == channels)
    return;
  g_hash_table_insert (plan->widened_entries, (gpointer) value,
                       GINT_TO_POINTER ((int) (wide - channels)));
  for (guint i = 0; i < plan->n_nodes; i++)
    if (plan->unit[i] != NULL && strcmp (padding->graph->node[i]->input[0], value) == 0)
      plan->channels_in[i] = wide;
}

/* Places of an activation [N, C, ...]; 0 where they are not known. */
static guint64
read_places (Padding *padding, const char *value)
{
  const Onnx__ValueInfoProto *info = fw_graph_index_get_info (padding->index, value);
  const Onnx__TypeProto__Tensor *type;
  guint64 n = 1;

  if (info == NULL || info->type == NULL
      || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
      || info->type->tensor_type == NULL || info->type->tensor_type->shape == NULL)
    return 0;
  type = info->type->tensor_type;
  if (type->shape->n_dim < 3)
    return 0;
  for (gsize i = 2; i < type->shape->n_dim; i++)
    {
      const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];

      if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
          || dim->dim_value <= 0 || dim->dim_value > G_MAXINT32
          || !g_uint64_checked_mul (&n, n, dim->dim_value))
        return 0;
    }
  return n;
}

static guint64
get_stride (const Onnx__NodeProto *node)
{
  const Onnx__AttributeProto *strides = fw_node_find_attribute (node, "strides");
  guint64 stride = 1;

  for (gsize i = 0; strides != NULL && i < strides->n_ints; i++)
    stride *= CLAMP (strides->ints[i], 1, 1000);
  return stride;
}

/* About as many places as @value has, where they are not known from those of what it is made of; 0
 * where that can't be said. */
static guint64
count_places (Padding *padding, const char *value)
{
  static const char *const keeping[]
      = { "Relu", "Clip", "LeakyRelu", "Sigmoid", "Add", "Mul", "Concat", "Resize", NULL };
  guint64 stride = 1;

  for (guint i = 0; i < padding->plan->n_nodes; i++)
    {
      guint64 places = read_places (padding, value);
      int producer = fw_graph_index_get_producer (padding->index, value);
      const Onnx__NodeProto *node = producer >= 0 ? padding->graph->node[producer] : NULL;

      if (places != 0 || node == NULL || stride > G_MAXUINT32)
        return places / stride;
      if (strcmp (node->op_type, "Conv") == 0 || strcmp (node->op_type, "MaxPool") == 0
          || strcmp (node->op_type, "AveragePool") == 0)
        stride *= get_stride (node);
      else if (!g_strv_contains (keeping, node->op_type))
        return 0;
      value = node->input[0];
    }
  return 0;
}

/* A convolution whose result others see can be made wide nevertheless, and the result be cut: that
 * pays where many places are made with large kernels. */
static void
slice_result (Padding *padding, guint position)
{
  FwRewritePlan *plan = padding->plan;
  const char *result = plan->result[position];
  const Onnx__TensorProto *weight;
  gint64 inputs, channels, wide;

  if (result == NULL || plan->channels_out[position] != 0 || !is_dense_conv (padding, position))
    return;
  weight = get_weight (padding, position);
  channels = weight->dims[0];
  wide = MAX (round_up (channels, OUTPUT_MULTIPLE), LEAST_OUTPUTS);
  inputs = plan->channels_in[position] != 0 ? plan->channels_in[position] : weight->dims[1];
  if (wide == channels || inputs % INPUT_MULTIPLE != 0 || weight->n_dims != 4
      || weight->dims[2] * weight->dims[3] == 1
      || count_places (padding, padding->graph->node[position]->output[0]) < LEAST_PLACES)
    return;
  plan->channels_out[position] = wide;
  g_hash_table_insert (plan->sliced, (gpointer) result, GINT_TO_POINTER ((int) channels));
  for (guint i = 0; i < plan->n_nodes; i++)
    if (is_dense_conv (padding, i) && plan->is_int8[i]
        && strcmp (padding->graph->node[i]->input[0], result) == 0)
      plan->channels_in[i] = wide;
}

void
fw_rewrite_pad_plan (FwRewritePlan *plan, FwModel *model, FwGraphIndex *index)
{
  Padding padding = { plan, fw_model_get_graph (model), index, NULL };
  g_autoptr (GHashTable) families = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  GHashTableIter iter;
  gpointer value;

  padding.families = families;
  find_families (&padding);
  for (guint i = 0; i < plan->n_nodes; i++)
    if (is_dense_conv (&padding, i) || is_depthwise_conv (&padding, i))
      {
        plan->channels_in[i] = get_channels (&padding, padding.graph->node[i]->input[0]);
        if (plan->result[i] != NULL)
          plan->channels_out[i] = get_channels (&padding, plan->result[i]);
      }
  g_hash_table_iter_init (&iter, plan->inside);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    if (get_channels (&padding, value) != 0)
      g_hash_table_add (plan->widened, value);
  g_hash_table_iter_init (&iter, plan->entries);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    pad_entry (&padding, value);
  for (guint i = 0; i < plan->n_nodes; i++)
    slice_result (&padding, i);
}

/* Weights ---------------------------------------------------------------------------------------
 */

/* [rows, columns × size] bytes to [wide_rows, wide_columns × size], with zeros. */
static GBytes *
widen (GBytes *bytes, gsize rows, gsize columns, gsize wide_rows, gsize wide_columns, gsize size)
{
  const guint8 *from = g_bytes_get_data (bytes, NULL);
  guint8 *to = g_malloc0 (wide_rows * wide_columns * size);

  for (gsize row = 0; row < rows; row++)
    memcpy (to + row * wide_columns * size, from + row * columns * size, columns * size);
  return g_bytes_new_take (to, wide_rows * wide_columns * size);
}

/* Scales of channels of zeros are those of the first one. */
static GBytes *
widen_scales (GBytes *bytes, gsize n, gsize wide)
{
  const float *from = g_bytes_get_data (bytes, NULL);
  float *to = g_new (float, wide);

  for (gsize i = 0; i < wide; i++)
    to[i] = from[i < n ? i : 0];
  return g_bytes_new_take (to, wide * sizeof (float));
}

static void
replace (GBytes **bytes, GBytes *wide)
{
  g_bytes_unref (*bytes);
  *bytes = wide;
}

gboolean
fw_rewrite_pad_weights (const FwRewritePlan *plan,
                        guint position,
                        const FwPaddedWeights *weights,
                        gint64 *dims,
                        gsize n_dims,
                        gint64 *pads)
{
  gsize n = dims[0], columns = dims[1], size = 1, wide, wide_columns;

  for (gsize i = 2; i < n_dims; i++)
    size *= dims[i];
  wide = plan->channels_out[position] != 0 ? (gsize) plan->channels_out[position] : n;
  wide_columns = columns;
  if (plan->unit[position]->groups == 1 && plan->channels_in[position] != 0)
    wide_columns = plan->channels_in[position];

  if (wide != n)
    {
      replace (weights->scales, widen_scales (*weights->scales, n, wide));
      if (*weights->bias != NULL)
        {
          replace (weights->bias, widen (*weights->bias, n, 1, wide, 1, sizeof (gint32)));
          replace (weights->bias_scale, widen_scales (*weights->bias_scale, n, wide));
        }
    }
  if ((wide * wide_columns - n * columns) * size > BYTES_OF_PAD)
    {
      memset (pads, 0, 2 * n_dims * sizeof (gint64));
      pads[n_dims] = wide - n;
      pads[n_dims + 1] = wide_columns - columns;
      return TRUE;
    }
  if (wide != n || wide_columns != columns)
    replace (weights->codes, widen (*weights->codes, n, columns, wide, wide_columns, size));
  dims[0] = wide;
  dims[1] = wide_columns;
  return FALSE;
}

void
fw_rewrite_pad_forget_shapes (const FwRewritePlan *plan, FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  gsize kept = 0;

  for (gsize i = 0; i < graph->n_value_info; i++)
    if (graph->value_info[i]->name != NULL
        && g_hash_table_contains (plan->widened, graph->value_info[i]->name))
      protobuf_c_message_free_unpacked (&graph->value_info[i]->base, NULL);
    else
      graph->value_info[kept++] = graph->value_info[i];
  graph->n_value_info = kept;
}
