/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-scaling.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-graph-index.h"

/* Weights as [outer, channels, inner], where the channels are those of a value that they make or
 * meet. With @groups above 1 they are a Conv's [groups, outputs of a group, channels of a group,
 * inner]. */
typedef struct
{
  gsize outer, channels, inner, groups;
} Layout;

/* Where a value comes from. */
typedef struct
{
  guint nodes[3], inputs[3]; /* the tensors to divide: which inputs of which nodes they are */
  guint n;
  gboolean is_last, is_normalized;
} Source;

static gboolean
is_stock (const Onnx__NodeProto *node, const char *op_type)
{
  return strcmp (node->op_type, op_type) == 0 && (node->domain == NULL || *node->domain == '\0');
}

static Onnx__TensorProto *
get_floats (FwGraphIndex *index, const Onnx__NodeProto *node, guint input)
{
  Onnx__TensorProto *tensor;

  if (node->n_input <= input || *node->input[input] == '\0')
    return NULL;
  tensor = fw_graph_index_get_initializer (index, node->input[input]);
  return tensor != NULL && tensor->data_type == FW_ELEMENT_FLOAT ? tensor : NULL;
}

static gboolean
has_input (const Onnx__NodeProto *node, guint input)
{
  return node->n_input > input && *node->input[input] != '\0';
}

/* Layers behind ------------------------------------------------------------------------------- */

/* How the weights of @node lie for the channels of its input; FALSE where it is no layer. */
static gboolean
find_sink (FwGraphIndex *index, const Onnx__NodeProto *node, Layout *layout, gboolean *is_last)
{
  const Onnx__TensorProto *weight = get_floats (index, node, 1);
  gsize n;

  if (weight == NULL || weight->n_dims < 2)
    return FALSE;
  n = fw_tensor_proto_get_n_elements (weight);
  *layout = (Layout){ 1, 0, 1, 1 };
  *is_last = TRUE;
  if (n == 0)
    return FALSE;
  if (is_stock (node, "Conv"))
    {
      layout->groups = MAX (fw_node_get_int (node, "group", 1), 1);
      if (weight->n_dims < 3 || weight->dims[0] % layout->groups != 0)
        return FALSE;
      layout->outer = weight->dims[0] / layout->groups;
      layout->channels = weight->dims[1] * layout->groups;
      layout->inner = n / weight->dims[0] / weight->dims[1];
      *is_last = FALSE;
      return TRUE;
    }
  if (weight->n_dims != 2)
    return FALSE;
  if (is_stock (node, "Gemm"))
    {
      gboolean transposed = fw_node_get_int (node, "transB", 0) != 0;

      if (fw_node_get_int (node, "transA", 0) != 0)
        return FALSE;
      layout->outer = transposed ? weight->dims[0] : 1;
      layout->channels = weight->dims[transposed ? 1 : 0];
      layout->inner = transposed ? 1 : weight->dims[1];
      return TRUE;
    }
  layout->channels = weight->dims[0];
  layout->inner = weight->dims[1];
  return is_stock (node, "MatMul");
}

/* The channel of the value that weight @i belongs to. */
static gsize
get_channel (const Layout *layout, gsize i)
{
  gsize per_group = layout->channels / layout->groups;
  gsize within = i / layout->inner % per_group;

  return i / (layout->inner * per_group * layout->outer) * per_group + within;
}

static void
note_largest (const Layout *layout, const Onnx__TensorProto *weight, float *largest)
{
  g_autofree float *values = fw_tensor_proto_to_floats (weight);
  gsize n = fw_tensor_proto_get_n_elements (weight);

  for (gsize i = 0; i < n; i++)
    {
      float *entry = &largest[get_channel (layout, i)];

      if (isfinite (values[i]))
        *entry = MAX (*entry, fabsf (values[i]));
    }
}

/* Layers before ------------------------------------------------------------------------------- */

static void
add_part (Source *source, guint position, guint input)
{
  source->nodes[source->n] = position;
  source->inputs[source->n++] = input;
}

/* Adds input @input, a list of @n numbers. */
static gboolean
add_list (FwGraphIndex *index,
          Source *source,
          const Onnx__NodeProto *node,
          guint position,
          guint input,
          gsize n)
{
  const Onnx__TensorProto *tensor = get_floats (index, node, input);

  if (tensor == NULL || fw_tensor_proto_get_n_elements (tensor) != n || tensor->n_dims == 0
      || tensor->dims[tensor->n_dims - 1] != (gint64) n)
    return FALSE;
  add_part (source, position, input);
  return TRUE;
}

static gboolean
is_used_once (FwGraphIndex *index, const char *value)
{
  guint n;

  fw_graph_index_get_consumers (index, value, &n);
  return n == 1 && !fw_graph_index_is_output (index, value);
}

static gboolean
find_layer (FwGraphIndex *index,
            const Onnx__NodeProto *node,
            guint position,
            gsize n,
            Source *source)
{
  const Onnx__TensorProto *weight = get_floats (index, node, 1);
  gboolean is_conv = is_stock (node, "Conv");
  guint axis;

  if (weight == NULL || !(is_conv || is_stock (node, "Gemm")) || weight->n_dims < 2)
    return FALSE;
  axis = is_conv || fw_node_get_int (node, "transB", 0) != 0 ? 0 : 1;
  if (weight->dims[axis] != (gint64) n)
    return FALSE;
  source->is_last = !is_conv;
  add_part (source, position, 1);
  return !has_input (node, 2) || add_list (index, source, node, position, 2, n);
}

/* A constant added to what was multiplied with one: the end of a normalization that was written
 * out. */
static gboolean
find_affine (FwGraphIndex *index,
             const Onnx__GraphProto *graph,
             guint position,
             gsize n,
             Source *source)
{
  const Onnx__NodeProto *add = graph->node[position];

  for (guint i = 0; i < 2 && is_stock (add, "Add"); i++)
    {
      int producer = fw_graph_index_get_producer (index, add->input[1 - i]);

      source->n = 0;
      if (!add_list (index, source, add, position, i, n) || producer < 0
          || !is_stock (graph->node[producer], "Mul") || !is_used_once (index, add->input[1 - i]))
        continue;
      for (guint k = 0; k < 2; k++)
        if (add_list (index, source, graph->node[producer], producer, k, n))
          return TRUE;
    }
  source->n = 0;
  return FALSE;
}

static gboolean
find_source (FwGraphIndex *index,
             const Onnx__GraphProto *graph,
             const char *value,
             gsize n,
             Source *source)
{
  int position = fw_graph_index_get_producer (index, value);
  const Onnx__NodeProto *node;

  *source = (Source){ .is_last = TRUE };
  while (position >= 0
         && (is_stock (graph->node[position], "Relu")
             || is_stock (graph->node[position], "LeakyRelu")))
    {
      value = graph->node[position]->input[0];
      if (!is_used_once (index, value))
        return FALSE;
      position = fw_graph_index_get_producer (index, value);
    }
  if (position < 0)
    return FALSE;
  node = graph->node[position];
  if (node->n_output != 1)
    return FALSE;
  if (find_layer (index, node, position, n, source))
    return TRUE;
  source->n = 0;
  source->is_last = source->is_normalized = TRUE;
  if (is_stock (node, "LayerNormalization"))
    return fw_node_get_int (node, "axis", -1) == -1
           && add_list (index, source, node, position, 1, n)
           && (!has_input (node, 2) || add_list (index, source, node, position, 2, n));
  return find_affine (index, graph, position, n, source);
}

/* Values -------------------------------------------------------------------------------------- */

static void
scalable_free (gpointer data)
{
  FwScalable *self = data;

  g_free (self->value);
  g_free (self->largest);
  g_free (self);
}

/* NULL where @value has other uses, or no source. */
static FwScalable *
scalable_new (FwGraphIndex *index, const Onnx__GraphProto *graph, const char *value)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (index, value, &n);
  FwScalable *self;
  Source source;

  if (fw_graph_index_is_output (index, value))
    return NULL;
  self = g_new0 (FwScalable, 1);
  self->value = g_strdup (value);
  for (guint i = 0; i < n; i++)
    {
      const Onnx__NodeProto *node = graph->node[consumers[i]];
      Layout layout;
      gboolean is_last;

      if (!find_sink (index, node, &layout, &is_last) || strcmp (node->input[0], value) != 0
          || (has_input (node, 2) && strcmp (node->input[2], value) == 0)
          || (i > 0 && (layout.channels != self->n_channels || is_last != self->is_last)))
        {
          scalable_free (self);
          return NULL;
        }
      if (i == 0)
        {
          self->n_channels = layout.channels;
          self->is_last = is_last;
          self->largest = g_new0 (float, layout.channels);
        }
      note_largest (&layout, get_floats (index, node, 1), self->largest);
    }
  if (self->n_channels < 2 || !find_source (index, graph, value, self->n_channels, &source)
      || source.is_last != self->is_last)
    {
      scalable_free (self);
      return NULL;
    }
  self->is_normalized = source.is_normalized;
  return self;
}

GPtrArray *
fw_scaling_find (FwModel *prepared)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (prepared);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  GPtrArray *found = g_ptr_array_new_with_free_func (scalable_free);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      FwScalable *scalable;
      Layout layout;
      gboolean is_last;

      if (node->n_input < 2 || !find_sink (index, node, &layout, &is_last)
          || !g_hash_table_add (seen, node->input[0]))
        continue;
      scalable = scalable_new (index, graph, node->input[0]);
      if (scalable != NULL)
        g_ptr_array_add (found, scalable);
    }
  return found;
}

/* Scaling ------------------------------------------------------------------------------------- */

/* Names are those of what is scaled, with a tail that no name in the model has. */
static char *
make_name (FwModel *model, FwGraphIndex *index, const char *old)
{
  char *name = NULL;
  guint n = 0, n_uses;

  do
    {
      g_free (name);
      name = g_strdup_printf ("%s/scaled%u", old, n++);
      fw_graph_index_get_consumers (index, name, &n_uses);
    }
  while (fw_model_find_initializer (model, name) != NULL || n_uses > 0
         || fw_graph_index_get_producer (index, name) >= 0
         || fw_graph_index_is_input (index, name));
  return name;
}

/* Gives input @input of @node a copy of its tensor, multiplied by 2^(@sign * exponent) of the
 * channel. What shares the tensor keeps it. */
static void
scale_tensor (FwModel *model,
              FwGraphIndex *index,
              Onnx__NodeProto *node,
              guint input,
              const Layout *layout,
              const gint8 *exponents,
              int sign)
{
  Onnx__TensorProto *old = fw_model_find_initializer (model, node->input[input]);
  float *values = fw_tensor_proto_to_floats (old);
  gsize n = fw_tensor_proto_get_n_elements (old);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *name = make_name (model, index, old->name);

  for (gsize i = 0; i < n; i++)
    values[i] = ldexpf (values[i], sign * exponents[get_channel (layout, i)]);
  bytes = g_bytes_new_take (values, n * sizeof (float));
  fw_model_add_initializer (
      model, fw_model_new_tensor (model, name, FW_ELEMENT_FLOAT, old->dims, old->n_dims, bytes));
  fw_node_set_input (node, input, name);
}

static void
scale_source (FwModel *model,
              FwGraphIndex *index,
              const Source *source,
              const gint8 *exponents,
              gsize n)
{
  for (guint i = 0; i < source->n; i++)
    {
      Onnx__NodeProto *node = fw_model_get_graph (model)->node[source->nodes[i]];
      guint input = source->inputs[i];
      Onnx__TensorProto *tensor = fw_model_find_initializer (model, node->input[input]);
      Layout layout = { 1, n, fw_tensor_proto_get_n_elements (tensor) / n, 1 };

      /* Without transB a Gemm's weights have the channels last. */
      if (is_stock (node, "Gemm") && input == 1 && fw_node_get_int (node, "transB", 0) == 0)
        layout = (Layout){ layout.inner, n, 1, 1 };
      scale_tensor (model, index, node, input, &layout, exponents, -1);
    }
}

static void
scale_value (FwModel *prepared,
             FwModel *model,
             FwGraphIndex *index,
             const FwScalable *scalable,
             const gint8 *exponents)
{
  Source source;
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (index, scalable->value, &n);

  find_source (index, fw_model_get_graph (prepared), scalable->value, scalable->n_channels,
               &source);
  scale_source (model, index, &source, exponents, scalable->n_channels);
  for (guint i = 0; i < n; i++)
    {
      Layout layout;
      gboolean is_last;

      find_sink (index, fw_model_get_graph (prepared)->node[consumers[i]], &layout, &is_last);
      scale_tensor (model, index, fw_model_get_graph (model)->node[consumers[i]], 1, &layout,
                    exponents, 1);
    }
}

FwModel *
fw_scaling_apply (FwModel *prepared, FwRecipe *recipe, GError **error)
{
  guint n_left = fw_recipe_get_n_scalings (recipe);
  g_autoptr (FwGraphIndex) index = NULL;
  g_autoptr (GPtrArray) scalables = NULL;
  g_autoptr (FwModel) model = NULL;

  if (n_left == 0)
    return fw_model_ref (prepared);
  index = fw_graph_index_new (prepared);
  scalables = fw_scaling_find (prepared);
  model = fw_model_copy (prepared);
  for (guint i = 0; i < scalables->len; i++)
    {
      const FwScalable *scalable = g_ptr_array_index (scalables, i);
      gsize n;
      const gint8 *exponents = fw_recipe_get_scaling (recipe, scalable->value, &n);

      if (exponents == NULL || n != scalable->n_channels)
        continue;
      scale_value (prepared, model, index, scalable, exponents);
      n_left--;
    }
  if (n_left > 0)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
                           _ ("What the recipe says of the model’s layers does not fit them."));
      return NULL;
    }
  fw_model_drop_unused_initializers (model);
  return g_steal_pointer (&model);
}
