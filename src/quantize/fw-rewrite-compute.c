/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-rewrite-pad.h"
#include "fw-rewrite-private.h"

/* Fewer scales take no more room than the product that makes them. */
#define LEAST_PRODUCT 16

static gboolean
fail_no_range (const char *value, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("The range of the value “%s” is not known."), value);
  return FALSE;
}

static char *
make_number (FwRewriting *r, gint64 value)
{
  g_autoptr (GBytes) bytes = g_bytes_new (&value, sizeof value);

  return fw_rewriting_make_list (r, FW_ELEMENT_INT64, 1, bytes);
}

/* The first @channels of the quantized @from. */
static char *
add_slice (FwRewriting *r, const char *from, gint64 channels)
{
  g_autofree char *start = make_number (r, 0);
  g_autofree char *end = make_number (r, channels);
  g_autofree char *axis = make_number (r, 1);
  char *to = fw_rewriting_make_name (r);

  g_ptr_array_add (r->nodes,
                   fw_node_new ("Slice", NULL, (const char *[]){ from, start, end, axis, NULL },
                                (const char *[]){ to, NULL }));
  return to;
}

static gboolean
is_read_wide (FwRewriting *r, const char *value)
{
  for (guint i = 0; i < r->plan->n_nodes; i++)
    if (r->plan->unit[i] != NULL && r->plan->channels_in[i] != 0
        && strcmp (r->plan->unit[i]->input, value) == 0)
      return TRUE;
  return FALSE;
}

/* Of @value's @quantized channels some are for integer convolutions alone. */
static char *
cut_channels (FwRewriting *r,
              const char *value,
              const char *quantized,
              const char *scale,
              const char *zero)
{
  gpointer channels = g_hash_table_lookup (r->plan->sliced, value);

  if (is_read_wide (r, value))
    {
      char *wide = fw_rewriting_make_name (r);

      g_hash_table_insert (r->plan->wide_names, (gpointer) value, wide);
      g_ptr_array_add (r->nodes,
                       fw_rewriting_new_node ("DequantizeLinear", wide, quantized, scale, zero));
    }
  return add_slice (r, quantized, GPOINTER_TO_INT (channels));
}

/* Adds QuantizeLinear and DequantizeLinear from @from to @to, with the range of @like. */
static gboolean
add_quantized_copy (FwRewriting *r,
                    const char *from,
                    const char *to,
                    const char *like,
                    GError **error)
{
  const FwRange *range = fw_recipe_get_range (r->recipe, like);
  g_autofree char *quantized = NULL;
  const char *scale, *zero;

  if (range == NULL)
    return fail_no_range (like, error);
  quantized = fw_rewriting_make_name (r);
  scale = fw_rewriting_get_scalar (r, FW_ELEMENT_FLOAT, &range->scale);
  zero = fw_rewriting_get_scalar (r, FW_ELEMENT_UINT8, &range->zero_point);
  g_ptr_array_add (r->nodes,
                   fw_rewriting_new_node ("QuantizeLinear", quantized, from, scale, zero));
  if (g_hash_table_contains (r->plan->sliced, to))
    {
      char *narrow = cut_channels (r, to, quantized, scale, zero);

      g_free (quantized);
      quantized = narrow;
    }
  if (g_strcmp0 (to, g_hash_table_lookup (r->plan->entries, from)) == 0
      && g_hash_table_contains (r->plan->widened_entries, from))
    {
      int channels = GPOINTER_TO_INT (g_hash_table_lookup (r->plan->widened_entries, from));
      char *wide = fw_rewriting_make_pad (r, r->nodes, quantized,
                                          (gint64[]){ 0, 0, 0, 0, 0, channels, 0, 0 }, 4);

      g_free (quantized);
      quantized = wide;
    }
  g_ptr_array_add (r->nodes,
                   fw_rewriting_new_node ("DequantizeLinear", to, quantized, scale, zero));
  return TRUE;
}

/* Entries are handed to int8 operators under another name; float ones go on with the original. */
static char *
get_entry_name (FwRewriting *r, const char *value)
{
  char *name = g_hash_table_lookup (r->plan->entries, value);

  return name;
}

static gboolean
add_entry (FwRewriting *r, const char *value, GError **error)
{
  if (!g_hash_table_contains (r->plan->entries, value))
    return TRUE;
  return add_quantized_copy (r, value, get_entry_name (r, value), value, error);
}

/* Compute ------------------------------------------------------------------------------------- */

static void
add_dequantized (FwRewriting *r,
                 const char *to,
                 const char *quantized,
                 const char *scales,
                 const char *zero_points,
                 gint64 axis)
{
  Onnx__NodeProto *node
      = fw_rewriting_new_node ("DequantizeLinear", to, quantized, scales, zero_points);

  /* 1 is the operator's own default. */
  if (axis != 1)
    fw_node_set_int (node, "axis", axis);
  g_ptr_array_add (r->nodes, node);
}

/* ONNX Runtime fuses Gemm and MatMul only where the weights' zero points are written out; for Conv
 * it fills in zeros by itself. */
static char *
add_weight_zero_points (FwRewriting *r, const FwUnit *unit)
{
  g_autoptr (GBytes) zeros = NULL;

  if (strcmp (unit->op_type, "Conv") == 0)
    return NULL;
  zeros = g_bytes_new_take (g_malloc0 (unit->shape.channels), unit->shape.channels);
  return fw_rewriting_make_list (r, FW_ELEMENT_INT8, unit->shape.channels, zeros);
}

/* The int8 weights of @unit, with the channels of zeros that @small's scales are for, too. */
static char *
add_compute_weights (FwRewriting *r,
                     const FwUnit *unit,
                     Onnx__NodeProto *node,
                     FwCodedWeights *small)
{
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  const FwPaddedWeights padded
      = { &small->codes, &small->scales, &small->bias_int, &small->bias_scale };
  gsize n_dims = weight->n_dims;
  g_autofree gint64 *dims = g_memdup2 (weight->dims, n_dims * sizeof (gint64));
  g_autofree gint64 *pads = g_new0 (gint64, 2 * n_dims);
  g_autofree char *stored = NULL;
  gint64 wide;

  if (strcmp (unit->op_type, "Conv") != 0)
    return fw_rewriting_make_codes (r, small->bits, small->codes, dims, n_dims, FW_ELEMENT_INT8);

  fw_rewrite_pad_weights (r->plan, unit->node, &padded, dims, n_dims, pads);
  wide = dims[0] + pads[n_dims];
  if (unit->groups > 1 && wide != (gint64) unit->shape.channels)
    fw_node_set_int (node, "group", wide);
  stored = fw_rewriting_make_codes (r, small->bits, small->codes, dims, n_dims, FW_ELEMENT_INT8);
  if (pads[n_dims] == 0 && pads[n_dims + 1] == 0)
    return g_steal_pointer (&stored);
  return fw_rewriting_make_pad (r, r->head, stored, pads, n_dims);
}

/* The bias's scales are those of the weights times the input's, and are stored so: a product takes
 * less than they do. */
static char *
make_bias_scales (FwRewriting *r, const FwCodedWeights *small, float input, const char *scales)
{
  const float *steps = g_bytes_get_data (small->bias_scale, NULL);
  const float *values = g_bytes_get_data (small->scales, NULL);
  gsize n = g_bytes_get_size (small->bias_scale) / sizeof (float), same = 0;

  while (same < n && steps[same] == input * values[same])
    same++;
  if (same < n || n < LEAST_PRODUCT)
    return fw_rewriting_make_list (r, FW_ELEMENT_FLOAT, n, small->bias_scale);
  return fw_rewriting_make_node (r, r->head, "Mul", scales,
                                 fw_rewriting_get_scalar (r, FW_ELEMENT_FLOAT, &input));
}

static gboolean
compute_int8 (FwRewriting *r, guint position, Onnx__NodeProto *node, GError **error)
{
  FwUnit *unit = g_ptr_array_index (r->self->units, position);
  const char *like = g_hash_table_lookup (r->plan->inside, unit->input);
  const FwRange *range = fw_recipe_get_range (r->recipe, like != NULL ? like : unit->input);
  gsize n = unit->shape.channels;
  g_autoptr (FwCodedWeights) small = NULL;
  g_autofree char *weights = NULL;
  g_autofree char *scales = NULL;
  g_autofree char *zero_points = NULL;
  g_autofree char *widened = fw_rewriting_make_name (r);

  if (range == NULL)
    return fail_no_range (unit->input, error);
  small = fw_unit_weights_get_coded (fw_rewriter_get_weights (r->self, position), r->recipe,
                                     fw_recipe_get_option (r->recipe, unit->name), range->scale,
                                     error);
  if (small == NULL)
    return FALSE;
  weights = add_compute_weights (r, unit, node, small);
  n = g_bytes_get_size (small->scales) / sizeof (float);
  scales = fw_rewriting_make_floats (r, r->head, small->scales, (gint64[]){ n }, 1);
  zero_points = add_weight_zero_points (r, unit);
  add_dequantized (r, widened, weights, scales, zero_points, unit->channel_axis);
  fw_node_set_input (node, 1, widened);

  if (small->bias_int != NULL)
    {
      g_autofree char *bias = fw_rewriting_make_list (r, FW_ELEMENT_INT32, n, small->bias_int);
      g_autofree char *steps = make_bias_scales (r, small, range->scale, scales);
      g_autofree char *bias_widened = fw_rewriting_make_name (r);

      add_dequantized (r, bias_widened, bias, steps, NULL, 0);
      fw_node_set_input (node, 2, bias_widened);
    }
  else
    fw_rewriting_replace_bias (r, unit, small->bias);
  if (g_hash_table_contains (r->plan->entries, unit->input))
    fw_node_set_input (node, 0, get_entry_name (r, unit->input));
  else if (r->plan->channels_in[unit->node] != 0
           && g_hash_table_contains (r->plan->wide_names, unit->input))
    fw_node_set_input (node, 0, g_hash_table_lookup (r->plan->wide_names, unit->input));
  return TRUE;
}

/* Keeps ONNX Runtime from quantizing a float operator by itself. */
static void
add_shield (FwRewriting *r, Onnx__NodeProto *node)
{
  g_autofree char *result = g_strdup (node->output[0]);
  g_autofree char *raw = fw_rewriting_make_name (r);
  Onnx__NodeProto *shield = fw_rewriting_new_node ("LeakyRelu", result, raw, NULL, NULL);

  fw_node_set_float (shield, "alpha", 1);
  fw_node_set_output (node, 0, raw);
  g_ptr_array_add (r->nodes, node);
  g_ptr_array_add (r->nodes, shield);
}

static guint
find_unit (FwRewriter *self, const FwUnit *unit)
{
  guint position = 0;

  g_ptr_array_find (self->units, unit, &position);
  return position;
}

static gboolean
emit_node (FwRewriting *r, guint i, Onnx__NodeProto *node, GError **error)
{
  FwRewritePlan *plan = r->plan;
  guint product = GPOINTER_TO_UINT (g_hash_table_lookup (r->products, GUINT_TO_POINTER (i)));

  if (plan->is_dropped[i])
    return TRUE;
  if (plan->unit[i] != NULL && !compute_int8 (r, find_unit (r->self, plan->unit[i]), node, error))
    return FALSE;
  /* ONNX Runtime may not even load an int8 Conv that is left with a float result. */
  if (plan->unit[i] != NULL && plan->result[i] == NULL && strcmp (node->op_type, "Conv") == 0)
    return fail_no_range (node->output[0], error);

  if (product > 0)
    {
      if (!fw_rewriting_emit_product (r, product - 1, node, error))
        return FALSE;
    }
  else if (plan->is_sandwiched[i])
    add_shield (r, node);
  else if (plan->result[i] != NULL)
    {
      const char *result = plan->result[i];
      g_autofree char *raw = fw_rewriting_make_name (r);

      fw_node_set_output (node, 0, raw);
      g_ptr_array_add (r->nodes, node);
      return add_quantized_copy (r, raw, result, g_hash_table_lookup (plan->inside, result), error);
    }
  else
    g_ptr_array_add (r->nodes, node);

  /* Names are those of the prepared model, which stay while this copy's are edited. */
  for (gsize j = 0; j < fw_model_get_graph (r->self->prepared)->node[i]->n_output; j++)
    if (!add_entry (r, fw_model_get_graph (r->self->prepared)->node[i]->output[j], error))
      return FALSE;
  return TRUE;
}

void
fw_rewriting_name_entries (FwRewriting *r)
{
  g_autoptr (GList) values
      = g_list_sort (g_hash_table_get_keys (r->plan->entries), (GCompareFunc) strcmp);

  for (GList *l = values; l != NULL; l = l->next)
    {
      char *name = fw_rewriting_make_name (r);

      g_hash_table_insert (r->plan->entries, l->data, name);
      g_hash_table_insert (r->constants, g_strdup_printf ("entry:%s", (char *) l->data), name);
    }
}

gboolean
fw_rewriting_emit_nodes (FwRewriting *r, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (r->model);
  gsize n = graph->n_node;

  for (gsize i = 0; i < graph->n_input; i++)
    if (!add_entry (r, graph->input[i]->name, error))
      return FALSE;
  for (gsize i = 0; i < n; i++)
    if (!emit_node (r, i, graph->node[i], error))
      return FALSE;
  return TRUE;
}
