/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-prepare.h"
#include "fw-rewrite-pad.h"
#include "fw-rewrite-weights.h"

struct _FwRewriter
{
  FwModel *prepared;
  FwGraphIndex *index;
  GPtrArray *units;
  guint threads;
  FwUnitWeights **weights; /* of each unit, made on first use */
  GHashTable *names;       /* set of all names in the prepared model */
};

/* One rewriting. */
typedef struct
{
  FwRewriter *self;
  FwRecipe *recipe;
  FwModel *model;
  FwRewritePlan *plan;
  GPtrArray *head; /* nodes that make stored weights, before all others */
  GPtrArray *nodes;
  GHashTable *constants; /* names of the ranges' scales and zero points made so far */
  guint n_names;
} Rewriting;

/* Inner names too: a name of ours must not be hidden by one of theirs. */
static void
collect_names (GHashTable *names, const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_initializer; i++)
    g_hash_table_add (names, graph->initializer[i]->name);
  for (gsize i = 0; i < graph->n_sparse_initializer; i++)
    if (graph->sparse_initializer[i]->values != NULL
        && graph->sparse_initializer[i]->values->name != NULL)
      g_hash_table_add (names, graph->sparse_initializer[i]->values->name);
  for (gsize i = 0; i < graph->n_input; i++)
    g_hash_table_add (names, graph->input[i]->name);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];

      for (gsize j = 0; j < node->n_output; j++)
        g_hash_table_add (names, node->output[j]);
      for (gsize j = 0; j < node->n_attribute; j++)
        {
          if (node->attribute[j]->g != NULL)
            collect_names (names, node->attribute[j]->g);
          for (gsize k = 0; k < node->attribute[j]->n_graphs; k++)
            collect_names (names, node->attribute[j]->graphs[k]);
        }
    }
}

FwRewriter *
fw_rewriter_new (FwModel *prepared, GPtrArray *units, guint threads)
{
  FwRewriter *self = g_new0 (FwRewriter, 1);

  self->prepared = fw_model_ref (prepared);
  self->index = fw_graph_index_new (prepared);
  self->units = g_ptr_array_ref (units);
  self->threads = threads;
  self->weights = g_new0 (FwUnitWeights *, units->len);
  self->names = g_hash_table_new (g_str_hash, g_str_equal);
  collect_names (self->names, fw_model_get_graph (prepared));
  return self;
}

void
fw_rewriter_free (FwRewriter *self)
{
  for (guint i = 0; i < self->units->len; i++)
    g_clear_pointer (&self->weights[i], fw_unit_weights_free);
  g_free (self->weights);
  g_hash_table_unref (self->names);
  fw_graph_index_free (self->index);
  g_ptr_array_unref (self->units);
  fw_model_unref (self->prepared);
  g_free (self);
}

FwModel *
fw_rewriter_get_prepared (FwRewriter *self)
{
  return self->prepared;
}

static FwUnitWeights *
get_weights (FwRewriter *self, guint unit)
{
  if (self->weights[unit] == NULL)
    self->weights[unit] = fw_unit_weights_new (
        self->prepared, g_ptr_array_index (self->units, unit), self->threads);
  return self->weights[unit];
}

gboolean
fw_rewriter_can (FwRewriter *self, FwRecipe *recipe, guint unit, FwOption option)
{
  const FwUnit *entry = g_ptr_array_index (self->units, unit);
  const char *result = fw_model_get_graph (self->prepared)->node[entry->node]->output[0];

  if (!fw_unit_can (entry, option))
    return FALSE;
  if (fw_option_get_arithmetic (option) != FW_ARITHMETIC_INT8)
    return TRUE;
  if (fw_recipe_get_range (recipe, entry->input) == NULL)
    return FALSE;
  /* The others can do without: their result may stay as it is. */
  return strcmp (entry->op_type, "Conv") != 0
         || fw_rewrite_plan_find_range (self->prepared, self->index, recipe, result) != NULL;
}

char **
fw_rewriter_list_values (FwRewriter *self)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  char **list;

  /* Every activation: which of them a path needs is known only when it has been found. */
  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);

      if (unit->input != NULL && g_hash_table_add (seen, unit->input))
        g_ptr_array_add (values, unit->input);
    }
  fw_rewrite_plan_list_values (self->prepared, self->index, seen, values);
  list = g_new0 (char *, values->len + 1);
  for (guint i = 0; i < values->len; i++)
    list[i] = g_strdup (g_ptr_array_index (values, i));
  return list;
}

static gboolean
fail_option (const FwUnit *unit, FwOption option, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("The layer “%s” can't be kept as “%s”: %s."), unit->name,
               fw_option_get_title (option), unit->why_not);
  return FALSE;
}

static float *
bytes_to_floats (GBytes *bytes)
{
  return bytes != NULL ? g_memdup2 (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes))
                       : NULL;
}

static gboolean
simulate_coded (FwRewriter *self,
                FwRecipe *recipe,
                guint position,
                FwOption option,
                const FwRange *input,
                float **weights,
                float **bias,
                GError **error)
{
  FwUnit *unit = g_ptr_array_index (self->units, position);
  gboolean rounds_input = fw_option_get_arithmetic (option) == FW_ARITHMETIC_INT8;
  const FwRange *range = rounds_input ? input : NULL;
  g_autoptr (FwCodedWeights) coded = fw_unit_weights_get_coded (
      get_weights (self, position), recipe, option, range != NULL ? range->scale : 0, error);

  if (coded == NULL)
    return FALSE;
  *weights = fw_unit_weights_widen (get_weights (self, position), coded);
  if (bias == NULL)
    return TRUE;
  *bias = bytes_to_floats (coded->bias);
  if (coded->bias_int != NULL)
    {
      const gint32 *codes = g_bytes_get_data (coded->bias_int, NULL);
      const float *steps = g_bytes_get_data (coded->bias_scale, NULL);

      for (gsize c = 0; c < unit->shape.channels; c++)
        (*bias)[c] = codes[c] * steps[c];
    }
  return TRUE;
}

gboolean
fw_rewriter_simulate (FwRewriter *self,
                      FwRecipe *recipe,
                      guint position,
                      FwOption option,
                      float **weights,
                      float **bias,
                      GError **error)
{
  FwUnit *unit = g_ptr_array_index (self->units, position);

  return fw_rewriter_simulate_on (self, recipe, position, option,
                                  fw_recipe_get_range (recipe, unit->input), weights, bias, error);
}

gboolean
fw_rewriter_simulate_on (FwRewriter *self,
                         FwRecipe *recipe,
                         guint position,
                         FwOption option,
                         const FwRange *input,
                         float **weights,
                         float **bias,
                         GError **error)
{
  FwUnit *unit = g_ptr_array_index (self->units, position);
  Onnx__TensorProto *tensor;

  if (!fw_unit_can (unit, option))
    return fail_option (unit, option, error);
  if (fw_option_get_bits (option) <= 8)
    return simulate_coded (self, recipe, position, option, input, weights, bias, error);
  if (option == FW_OPTION_FLOAT16)
    *weights = fw_unit_weights_widen_float16 (get_weights (self, position));
  else
    *weights = fw_tensor_proto_to_floats (fw_model_find_initializer (self->prepared, unit->weight));
  if (bias == NULL)
    return TRUE;
  tensor = unit->bias != NULL ? fw_model_find_initializer (self->prepared, unit->bias) : NULL;
  *bias = tensor != NULL ? fw_tensor_proto_to_floats (tensor) : NULL;
  return TRUE;
}

/* Small pieces -------------------------------------------------------------------------------- */

static char *
make_name (Rewriting *r)
{
  char *name = NULL;

  do
    {
      g_free (name);
      name = g_strdup_printf ("fw%u", r->n_names++);
    }
  while (g_hash_table_contains (r->self->names, name));
  return name;
}

static char *
add_tensor (Rewriting *r, FwElementType type, const gint64 *dims, gsize n_dims, GBytes *bytes)
{
  char *name = make_name (r);

  fw_model_add_initializer (r->model,
                            fw_model_new_tensor (r->model, name, type, dims, n_dims, bytes));
  return name;
}

static char *
add_list (Rewriting *r, FwElementType type, gsize n, GBytes *bytes)
{
  return add_tensor (r, type, (gint64[]){ n }, 1, bytes);
}

static char *
add_scalar (Rewriting *r, FwElementType type, const void *value, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (value, size);

  return add_tensor (r, type, NULL, 0, bytes);
}

/* One scalar for all that share its value. */
static const char *
get_constant (Rewriting *r, FwElementType type, const void *value, gsize size, const char *key)
{
  char *name = g_hash_table_lookup (r->constants, key);

  if (name == NULL)
    {
      name = add_scalar (r, type, value, size);
      g_hash_table_insert (r->constants, g_strdup (key), name);
    }
  return name;
}

static void
add_node (GPtrArray *nodes, Onnx__NodeProto *node)
{
  g_ptr_array_add (nodes, node);
}

static Onnx__NodeProto *
new_node (const char *op_type, const char *output, const char *a, const char *b, const char *c)
{
  return fw_node_new (op_type, NULL, (const char *[]){ a, b, c, NULL },
                      (const char *[]){ output, NULL });
}

static gboolean
fail_no_range (const char *value, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_RECIPE,
               _ ("The range of the value “%s” is not known."), value);
  return FALSE;
}

/* Adds zeros behind the @n_dims dims of @from, as the operator Pad does. */
static char *
add_pad (Rewriting *r, GPtrArray *nodes, const char *from, const gint64 *pads, gsize n_dims)
{
  g_autoptr (GBytes) bytes = g_bytes_new (pads, 2 * n_dims * sizeof (gint64));
  g_autofree char *list = add_list (r, FW_ELEMENT_INT64, 2 * n_dims, bytes);
  char *to = make_name (r);

  add_node (nodes, new_node ("Pad", to, from, list, NULL));
  return to;
}

/* Adds QuantizeLinear and DequantizeLinear from @from to @to, with the range of @like. */
static gboolean
add_quantized_copy (Rewriting *r,
                    const char *from,
                    const char *to,
                    const char *like,
                    GError **error)
{
  const FwRange *range = fw_recipe_get_range (r->recipe, like);
  g_autofree char *quantized = NULL;
  g_autofree char *scale_key = NULL;
  g_autofree char *zero_key = NULL;
  const char *scale, *zero;

  if (range == NULL)
    return fail_no_range (like, error);
  quantized = make_name (r);
  scale_key = g_strdup_printf ("scale:%s", like);
  zero_key = g_strdup_printf ("zero:%u", range->zero_point);
  scale = get_constant (r, FW_ELEMENT_FLOAT, &range->scale, sizeof (float), scale_key);
  zero = get_constant (r, FW_ELEMENT_UINT8, &range->zero_point, 1, zero_key);
  add_node (r->nodes, new_node ("QuantizeLinear", quantized, from, scale, zero));
  if (g_strcmp0 (to, g_hash_table_lookup (r->plan->entries, from)) == 0
      && g_hash_table_contains (r->plan->widened_entries, from))
    {
      int channels = GPOINTER_TO_INT (g_hash_table_lookup (r->plan->widened_entries, from));
      char *wide = add_pad (r, r->nodes, quantized, (gint64[]){ 0, 0, 0, 0, 0, channels, 0, 0 }, 4);

      g_free (quantized);
      quantized = wide;
    }
  add_node (r->nodes, new_node ("DequantizeLinear", to, quantized, scale, zero));
  return TRUE;
}

/* Entries are handed to int8 operators under another name; float ones go on with the original. */
static char *
get_entry_name (Rewriting *r, const char *value)
{
  char *name = g_hash_table_lookup (r->plan->entries, value);

  return name;
}

static gboolean
add_entry (Rewriting *r, const char *value, GError **error)
{
  if (!g_hash_table_contains (r->plan->entries, value))
    return TRUE;
  return add_quantized_copy (r, value, get_entry_name (r, value), value, error);
}

/* Storage ------------------------------------------------------------------------------------- */

static void
add_cast_to_float (Rewriting *r, const char *from, const char *to)
{
  Onnx__NodeProto *cast = new_node ("Cast", to, from, NULL, NULL);

  fw_node_set_int (cast, "to", FW_ELEMENT_FLOAT);
  add_node (r->head, cast);
}

static void
store_float16 (Rewriting *r, guint position)
{
  FwUnit *unit = g_ptr_array_index (r->self->units, position);
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  g_autoptr (GBytes) halves = fw_unit_weights_get_float16 (get_weights (r->self, position));
  g_autofree char *stored
      = add_tensor (r, FW_ELEMENT_FLOAT16, weight->dims, weight->n_dims, halves);

  fw_model_remove_initializer (r->model, unit->weight);
  add_cast_to_float (r, stored, unit->weight);
}

static void
replace_bias (Rewriting *r, const FwUnit *unit, GBytes *bias)
{
  Onnx__NodeProto *node = fw_model_get_graph (r->model)->node[unit->node];
  Onnx__TensorProto *old
      = unit->bias != NULL ? fw_model_find_initializer (r->self->prepared, unit->bias) : NULL;
  gint64 n = unit->shape.channels;
  g_autofree char *name = NULL;

  if (bias == NULL)
    return;
  /* Gemm learned to go without a bias, and so to be given one, in operator set 11. */
  if (old == NULL && strcmp (unit->op_type, "Gemm") == 0 && node->n_input < 3
      && fw_model_get_opset (r->model, "") < 11)
    return;
  name = old != NULL ? add_tensor (r, FW_ELEMENT_FLOAT, old->dims, old->n_dims, bias)
                     : add_tensor (r, FW_ELEMENT_FLOAT, &n, 1, bias);
  fw_node_set_input (node, 2, name);
}

static gboolean
store_int8 (Rewriting *r, guint position, GError **error)
{
  FwUnit *unit = g_ptr_array_index (r->self->units, position);
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  g_autoptr (FwCodedWeights) small = fw_unit_weights_get_coded (
      get_weights (r->self, position), r->recipe, FW_OPTION_INT8_STORAGE, 0, error);
  g_autofree gint64 *dims = g_new (gint64, weight->n_dims);
  g_autofree char *stored = NULL;
  g_autofree char *scales = NULL;
  g_autofree char *cast = make_name (r);
  gsize first;

  if (small == NULL)
    return FALSE;
  stored = add_tensor (r, FW_ELEMENT_INT8, weight->dims, weight->n_dims, small->codes);
  /* Leading dims of 1 are not needed: the scale is broadcast from the right. */
  for (gsize i = 0; i < weight->n_dims; i++)
    dims[i] = i == unit->channel_axis ? weight->dims[i] : 1;
  first = unit->channel_axis;
  scales = add_tensor (r, FW_ELEMENT_FLOAT, dims + first, weight->n_dims - first, small->scales);

  fw_model_remove_initializer (r->model, unit->weight);
  add_cast_to_float (r, stored, cast);
  add_node (r->head, new_node ("Mul", unit->weight, cast, scales, NULL));
  replace_bias (r, unit, small->bias);
  return TRUE;
}

/* Compute ------------------------------------------------------------------------------------- */

static void
add_dequantized (Rewriting *r,
                 const char *to,
                 const char *quantized,
                 const char *scales,
                 const char *zero_points,
                 gint64 axis)
{
  Onnx__NodeProto *node = new_node ("DequantizeLinear", to, quantized, scales, zero_points);

  /* 1 is the operator's own default. */
  if (axis != 1)
    fw_node_set_int (node, "axis", axis);
  add_node (r->nodes, node);
}

/* ONNX Runtime fuses Gemm and MatMul only where the weights' zero points are written out; for Conv
 * it fills in zeros by itself. */
static char *
add_weight_zero_points (Rewriting *r, const FwUnit *unit)
{
  g_autoptr (GBytes) zeros = NULL;

  if (strcmp (unit->op_type, "Conv") == 0)
    return NULL;
  zeros = g_bytes_new_take (g_malloc0 (unit->shape.channels), unit->shape.channels);
  return add_list (r, FW_ELEMENT_INT8, unit->shape.channels, zeros);
}

/* The int8 weights of @unit, with the channels of zeros that @small's scales are for, too. */
static char *
add_compute_weights (Rewriting *r, const FwUnit *unit, Onnx__NodeProto *node, FwCodedWeights *small)
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
    return add_tensor (r, FW_ELEMENT_INT8, dims, n_dims, small->codes);

  fw_rewrite_pad_weights (r->plan, unit->node, &padded, dims, n_dims, pads);
  wide = dims[0] + pads[n_dims];
  if (unit->groups > 1 && wide != (gint64) unit->shape.channels)
    fw_node_set_int (node, "group", wide);
  stored = add_tensor (r, FW_ELEMENT_INT8, dims, n_dims, small->codes);
  if (pads[n_dims] == 0 && pads[n_dims + 1] == 0)
    return g_steal_pointer (&stored);
  return add_pad (r, r->head, stored, pads, n_dims);
}

static gboolean
compute_int8 (Rewriting *r, guint position, Onnx__NodeProto *node, GError **error)
{
  FwUnit *unit = g_ptr_array_index (r->self->units, position);
  const char *like = g_hash_table_lookup (r->plan->inside, unit->input);
  const FwRange *range = fw_recipe_get_range (r->recipe, like != NULL ? like : unit->input);
  gsize n = unit->shape.channels;
  g_autoptr (FwCodedWeights) small = NULL;
  g_autofree char *weights = NULL;
  g_autofree char *scales = NULL;
  g_autofree char *zero_points = NULL;
  g_autofree char *widened = make_name (r);

  if (range == NULL)
    return fail_no_range (unit->input, error);
  small = fw_unit_weights_get_coded (get_weights (r->self, position), r->recipe,
                                     fw_recipe_get_option (r->recipe, unit->name), range->scale,
                                     error);
  if (small == NULL)
    return FALSE;
  weights = add_compute_weights (r, unit, node, small);
  n = g_bytes_get_size (small->scales) / sizeof (float);
  scales = add_list (r, FW_ELEMENT_FLOAT, n, small->scales);
  zero_points = add_weight_zero_points (r, unit);
  add_dequantized (r, widened, weights, scales, zero_points, unit->channel_axis);
  fw_node_set_input (node, 1, widened);

  if (small->bias_int != NULL)
    {
      g_autofree char *bias = add_list (r, FW_ELEMENT_INT32, n, small->bias_int);
      g_autofree char *steps = add_list (r, FW_ELEMENT_FLOAT, n, small->bias_scale);
      g_autofree char *bias_widened = make_name (r);

      add_dequantized (r, bias_widened, bias, steps, NULL, 0);
      fw_node_set_input (node, 2, bias_widened);
    }
  if (g_hash_table_contains (r->plan->entries, unit->input))
    fw_node_set_input (node, 0, get_entry_name (r, unit->input));
  return TRUE;
}

/* Keeps ONNX Runtime from quantizing a float operator by itself. */
static void
add_shield (Rewriting *r, Onnx__NodeProto *node)
{
  g_autofree char *result = g_strdup (node->output[0]);
  g_autofree char *raw = make_name (r);
  Onnx__NodeProto *shield = new_node ("LeakyRelu", result, raw, NULL, NULL);

  fw_node_set_float (shield, "alpha", 1);
  fw_node_set_output (node, 0, raw);
  add_node (r->nodes, node);
  add_node (r->nodes, shield);
}

static guint
find_unit (FwRewriter *self, const FwUnit *unit)
{
  guint position = 0;

  g_ptr_array_find (self->units, unit, &position);
  return position;
}

static gboolean
emit_node (Rewriting *r, guint i, Onnx__NodeProto *node, GError **error)
{
  FwRewritePlan *plan = r->plan;

  if (plan->is_dropped[i])
    return TRUE;
  if (plan->unit[i] != NULL && !compute_int8 (r, find_unit (r->self, plan->unit[i]), node, error))
    return FALSE;
  /* ONNX Runtime may not even load an int8 Conv that is left with a float result. */
  if (plan->unit[i] != NULL && plan->result[i] == NULL && strcmp (node->op_type, "Conv") == 0)
    return fail_no_range (node->output[0], error);

  if (plan->is_sandwiched[i])
    add_shield (r, node);
  else if (plan->result[i] != NULL)
    {
      const char *result = plan->result[i];
      g_autofree char *raw = make_name (r);

      fw_node_set_output (node, 0, raw);
      add_node (r->nodes, node);
      return add_quantized_copy (r, raw, result, g_hash_table_lookup (plan->inside, result), error);
    }
  else
    add_node (r->nodes, node);

  /* Names are those of the prepared model, which stay while this copy's are edited. */
  for (gsize j = 0; j < fw_model_get_graph (r->self->prepared)->node[i]->n_output; j++)
    if (!add_entry (r, fw_model_get_graph (r->self->prepared)->node[i]->output[j], error))
      return FALSE;
  return TRUE;
}

static GPtrArray *
list_computing (FwRewriter *self, FwRecipe *recipe)
{
  GPtrArray *computing = g_ptr_array_new ();

  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);

      if (fw_option_get_arithmetic (fw_recipe_get_option (recipe, unit->name))
          == FW_ARITHMETIC_INT8)
        g_ptr_array_add (computing, unit);
    }
  return computing;
}

static gboolean
check_options (FwRewriter *self, FwRecipe *recipe, GError **error)
{
  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);
      FwOption option = fw_recipe_get_option (recipe, unit->name);

      if (!fw_unit_can (unit, option))
        return fail_option (unit, option, error);
    }
  return TRUE;
}

static void
name_entries (Rewriting *r)
{
  g_autoptr (GList) values
      = g_list_sort (g_hash_table_get_keys (r->plan->entries), (GCompareFunc) strcmp);

  for (GList *l = values; l != NULL; l = l->next)
    {
      char *name = make_name (r);

      g_hash_table_insert (r->plan->entries, l->data, name);
      g_hash_table_insert (r->constants, g_strdup_printf ("entry:%s", (char *) l->data), name);
    }
}

static gboolean
emit_nodes (Rewriting *r, GError **error)
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

static gboolean
rewrite_stored (Rewriting *r, GError **error)
{
  for (guint i = 0; i < r->self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (r->self->units, i);

      switch (fw_recipe_get_option (r->recipe, unit->name))
        {
        case FW_OPTION_FLOAT16:
          store_float16 (r, i);
          break;
        case FW_OPTION_INT8_STORAGE:
          if (!store_int8 (r, i, error))
            return FALSE;
          break;
        default:
          break;
        }
    }
  return TRUE;
}

static void
finish (Rewriting *r)
{
  g_autoptr (GPtrArray) all = g_steal_pointer (&r->head);

  g_ptr_array_extend (all, r->nodes, NULL, NULL);
  fw_model_set_nodes (r->model, g_steal_pointer (&all));
  fw_model_drop_unused_initializers (r->model);
  fw_rewrite_pad_forget_shapes (r->plan, r->model);
  fw_model_set_metadata (r->model, "featherweight.version", PACKAGE_VERSION);
  fw_model_set_metadata (r->model, "featherweight.original-sha256",
                         fw_recipe_get_original (r->recipe));
}

FwModel *
fw_rewriter_build (FwRewriter *self, FwRecipe *recipe, GError **error)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) computing = NULL;
  g_autoptr (FwRewritePlan) plan = NULL;
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GHashTable) constants = NULL;
  Rewriting r = { .self = self, .recipe = recipe };
  gboolean ok;

  if (!check_options (self, recipe, error))
    return NULL;

  computing = list_computing (self, recipe);
  plan = fw_rewrite_plan_new (self->prepared, self->index, computing, recipe);
  constants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  model = fw_model_copy (self->prepared);
  r.model = model;
  r.plan = plan;
  r.constants = constants;
  r.head = g_ptr_array_new ();
  r.nodes = nodes;

  name_entries (&r);
  ok = rewrite_stored (&r, error) && emit_nodes (&r, error);
  /* On failure too: the model frees what is in its list. */
  finish (&r);
  return ok ? g_steal_pointer (&model) : NULL;
}
