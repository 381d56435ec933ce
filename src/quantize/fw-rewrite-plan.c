/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite-plan.h"

#include <math.h>
#include <string.h>

#include "fw-rewrite-pad.h"

/* How much wider than its own a value's range may be made where others use it too. */
#define WIDEST_SHARED 1.5f

typedef struct
{
  FwRewritePlan *plan;
  FwModel *model;
  Onnx__GraphProto *graph;
  FwGraphIndex *index;
  FwRecipe *recipe;
  gboolean *is_wanted; /* of each node: an int8 unit waits behind it */
  GHashTable *shared;  /* value -> the value whose range it will have instead of its own */
} Planner;

/* Operators that have integer kernels of their own and need a range of their own. */
static gboolean
is_arithmetic_companion (const char *op_type)
{
  static const char *const names[] = { "Add", "AveragePool", "GlobalAveragePool", "Concat", NULL };

  return g_strv_contains (names, op_type);
}

/* Operators that only move values: what goes in comes out, with the same scale. */
static gboolean
is_moving_companion (const char *op_type)
{
  static const char *const names[]
      = { "MaxPool", "Reshape", "Flatten", "Transpose", "Unsqueeze", "Squeeze", NULL };

  return g_strv_contains (names, op_type);
}

static gboolean
is_companion (const Onnx__NodeProto *node)
{
  return (node->domain == NULL || *node->domain == '\0') && node->n_output == 1
         && (is_arithmetic_companion (node->op_type) || is_moving_companion (node->op_type));
}

/* Inputs of a companion that carry activations; the rest (shapes) are constants. */
static guint
count_data_inputs (const Onnx__NodeProto *node)
{
  return strcmp (node->op_type, "Add") == 0 || strcmp (node->op_type, "Concat") == 0
             ? node->n_input
             : MIN (node->n_input, 1);
}

static int
find_only_consumer (FwGraphIndex *index, const char *value)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (index, value, &n);

  if (n != 1 || fw_graph_index_is_output (index, value))
    return -1;
  return consumers[0];
}

static int
find_single_consumer (Planner *planner, const char *value)
{
  return find_only_consumer (planner->index, value);
}

static gboolean
read_bound (FwGraphIndex *index,
            const Onnx__NodeProto *clip,
            guint input,
            const char *attribute,
            double fallback,
            double *bound)
{
  *bound = fallback;
  if (clip->n_input > input && *clip->input[input] != '\0')
    {
      Onnx__TensorProto *tensor = fw_graph_index_get_initializer (index, clip->input[input]);
      g_autofree float *values = tensor != NULL ? fw_tensor_proto_to_floats (tensor) : NULL;

      if (values == NULL || fw_tensor_proto_get_n_elements (tensor) != 1)
        return FALSE;
      *bound = values[0];
    }
  else if (fw_node_find_attribute (clip, attribute) != NULL)
    *bound = fw_node_get_float (clip, attribute, fallback);
  return TRUE;
}

/* Whether it lets the values around 0 through and nothing beyond its bounds. */
static gboolean
is_activation_around_zero (FwGraphIndex *index, const Onnx__NodeProto *node)
{
  double low, high;

  if (strcmp (node->op_type, "Relu") == 0)
    return TRUE;
  return strcmp (node->op_type, "Clip") == 0 && read_bound (index, node, 1, "min", -INFINITY, &low)
         && read_bound (index, node, 2, "max", INFINITY, &high) && low <= 0 && high >= 0;
}

/* The result of the one operator that reads @value, where it can do with the range of that. */
static char *
find_successor (FwModel *model, FwGraphIndex *index, const char *value)
{
  int next = find_only_consumer (index, value);
  Onnx__NodeProto *node = next >= 0 ? fw_model_get_graph (model)->node[next] : NULL;

  if (node == NULL || node->n_output != 1
      || !(is_activation_around_zero (index, node) || strcmp (node->op_type, "Concat") == 0))
    return NULL;
  return node->output[0];
}

const char *
fw_rewrite_plan_find_range (FwModel *model,
                            FwGraphIndex *index,
                            FwRecipe *recipe,
                            const char *value)
{
  while (value != NULL && fw_recipe_get_range (recipe, value) == NULL)
    value = find_successor (model, index, value);
  return value;
}

void
fw_rewrite_plan_list_values (FwModel *model,
                             FwGraphIndex *index,
                             GHashTable *seen,
                             GPtrArray *values)
{
  static const char *const makers[]
      = { "Conv",   "Gemm", "MatMul", "Relu", "Clip", "Add", "AveragePool", "GlobalAveragePool",
          "Concat", NULL };
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      Onnx__NodeProto *node = graph->node[i];
      const char *next;

      if (node->n_output != 1 || !g_strv_contains (makers, node->op_type))
        continue;
      next = find_successor (model, index, node->output[0]);
      /* Of two activations the first one counts. */
      if (next != NULL && is_activation_around_zero (index, node))
        {
          int reader = find_only_consumer (index, node->output[0]);

          if (is_activation_around_zero (index, graph->node[reader]))
            next = NULL;
        }
      if (next == NULL && g_hash_table_add (seen, node->output[0]))
        g_ptr_array_add (values, node->output[0]);
    }
}

/* The value whose range @value gets: its own, or that of what it becomes a part of. */
static char *
get_like (Planner *planner, char *value)
{
  char *like = g_hash_table_lookup (planner->shared, value);

  if (like == NULL)
    like = (char *) fw_rewrite_plan_find_range (planner->model, planner->index, planner->recipe,
                                                value);
  return like != NULL ? like : value;
}

static const FwRange *
get_range (Planner *planner, char *value)
{
  return fw_recipe_get_range (planner->recipe, get_like (planner, value));
}

/* Whether rounding to the @range of its result does all that the activation does. */
static gboolean
is_swallowed_by (Planner *planner, const Onnx__NodeProto *node, const FwRange *range)
{
  double low, high, bottom, top;

  if (range == NULL)
    return FALSE;
  if (strcmp (node->op_type, "Relu") == 0)
    return range->zero_point == 0;
  if (strcmp (node->op_type, "Clip") != 0)
    return FALSE;
  if (!read_bound (planner->index, node, 1, "min", -INFINITY, &low)
      || !read_bound (planner->index, node, 2, "max", INFINITY, &high))
    return FALSE;
  bottom = -range->scale * range->zero_point;
  top = range->scale * (255 - range->zero_point);
  return bottom >= low - range->scale / 2 && top <= high + range->scale / 2;
}

/* The value that would leave @position quantized: its output, or that of the activation behind. */
static char *
find_result (Planner *planner, guint position, int *dropped)
{
  Onnx__NodeProto *node = planner->graph->node[position];
  int next = find_single_consumer (planner, node->output[0]);

  *dropped = -1;
  if (next >= 0)
    {
      Onnx__NodeProto *activation = planner->graph->node[next];

      if (is_swallowed_by (planner, activation, get_range (planner, activation->output[0])))
        {
          *dropped = next;
          return activation->output[0];
        }
    }
  return node->output[0];
}

static gboolean
waits_for (Planner *planner, const char *value)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (planner->index, value, &n);

  for (guint i = 0; i < n; i++)
    {
      Onnx__NodeProto *node = planner->graph->node[consumers[i]];

      if (planner->plan->unit[consumers[i]] != NULL && strcmp (node->input[0], value) == 0)
        return TRUE;
      if (planner->is_wanted[consumers[i]])
        return TRUE;
    }
  return FALSE;
}

static void
find_wanted (Planner *planner)
{
  for (guint i = planner->plan->n_nodes; i-- > 0;)
    {
      int dropped;

      if (is_companion (planner->graph->node[i]))
        planner->is_wanted[i] = waits_for (planner, find_result (planner, i, &dropped));
    }
}

static gboolean
are_inputs_inside (Planner *planner, const Onnx__NodeProto *node)
{
  guint n = count_data_inputs (node);

  for (guint i = 0; i < n; i++)
    if (!g_hash_table_contains (planner->plan->inside, node->input[i]))
      return FALSE;
  return n > 0;
}

/* Marks @position int8 with a quantized result, if a range for it is known. */
static void
take_inside (Planner *planner, guint position)
{
  FwRewritePlan *plan = planner->plan;
  Onnx__NodeProto *node = planner->graph->node[position];
  int dropped = -1;
  char *result, *like;

  if (is_moving_companion (node->op_type))
    {
      result = node->output[0];
      like = g_hash_table_lookup (plan->inside, node->input[0]);
    }
  else
    {
      result = find_result (planner, position, &dropped);
      like = get_like (planner, result);
      if (get_range (planner, result) == NULL)
        return;
    }

  plan->is_int8[position] = TRUE;
  plan->result[position] = result;
  if (dropped >= 0)
    plan->is_dropped[dropped] = TRUE;
  g_hash_table_insert (plan->inside, result, like);
}

/* An integer Conv exists only with a quantized result; Gemm and MatMul can also give floats. */
static gboolean
needs_quantized_result (Planner *planner, guint position)
{
  int dropped;

  return strcmp (planner->graph->node[position]->op_type, "Conv") == 0
         || waits_for (planner, find_result (planner, position, &dropped));
}

static void
find_inside (Planner *planner)
{
  FwRewritePlan *plan = planner->plan;

  for (guint i = 0; i < plan->n_nodes; i++)
    {
      Onnx__NodeProto *node = planner->graph->node[i];

      if (plan->unit[i] != NULL)
        {
          plan->is_int8[i] = TRUE;
          if (!g_hash_table_contains (plan->inside, node->input[0]))
            g_hash_table_add (plan->entries, node->input[0]);
          if (needs_quantized_result (planner, i))
            take_inside (planner, i);
        }
      else if (planner->is_wanted[i] && are_inputs_inside (planner, node))
        take_inside (planner, i);
    }
}

/* A range that is not much wider than a value's own does it no harm that counts. */
static gboolean
can_share (Planner *planner, const char *value, const char *like)
{
  const FwRange *own = fw_recipe_get_range (planner->recipe, value);
  const FwRange *other = fw_recipe_get_range (planner->recipe, like);
  int producer = fw_graph_index_get_producer (planner->index, value);

  if (other == NULL || producer < 0)
    return FALSE;
  /* An activation that the value's own range swallows would have to run. */
  if (is_swallowed_by (planner, planner->graph->node[producer], own)
      && !is_swallowed_by (planner, planner->graph->node[producer], other))
    return FALSE;
  return find_single_consumer (planner, value) >= 0
         || (own != NULL && other->scale <= WIDEST_SHARED * own->scale);
}

/* From the last Concat to the first, so that what goes through several has the range of the last.
 * Pools hand the wish on to what they read. */
static gboolean
find_shared (Planner *planner)
{
  for (guint i = planner->plan->n_nodes; i-- > 0;)
    {
      Onnx__NodeProto *node = planner->graph->node[i];
      gboolean is_concat = strcmp (node->op_type, "Concat") == 0;
      char *like;

      if (!planner->plan->is_int8[i] || !(is_concat || is_moving_companion (node->op_type)))
        continue;
      like = get_like (planner, node->output[0]);
      if (!is_concat && like == node->output[0])
        continue;
      for (guint j = 0; j < count_data_inputs (node); j++)
        if (!g_hash_table_contains (planner->shared, node->input[j])
            && can_share (planner, node->input[j], like))
          g_hash_table_insert (planner->shared, node->input[j], like);
    }
  return g_hash_table_size (planner->shared) > 0;
}

static void
start_again (FwRewritePlan *plan)
{
  memset (plan->is_int8, 0, plan->n_nodes * sizeof (gboolean));
  memset (plan->is_dropped, 0, plan->n_nodes * sizeof (gboolean));
  memset (plan->result, 0, plan->n_nodes * sizeof (char *));
  g_hash_table_remove_all (plan->inside);
  g_hash_table_remove_all (plan->entries);
}

/* ONNX Runtime carries quantization past these, from either side, until it meets an operator. */
static gboolean
lets_quantization_pass (const Onnx__NodeProto *node)
{
  return is_moving_companion (node->op_type) || strcmp (node->op_type, "Slice") == 0;
}

static gboolean
comes_from_inside (Planner *planner, const char *value)
{
  for (;;)
    {
      int producer = fw_graph_index_get_producer (planner->index, value);

      if (g_hash_table_contains (planner->plan->inside, value))
        return TRUE;
      if (producer < 0 || !lets_quantization_pass (planner->graph->node[producer]))
        return FALSE;
      value = planner->graph->node[producer]->input[0];
    }
}

static gboolean
leads_to_entry (Planner *planner, guint position)
{
  const char *value = planner->graph->node[position]->output[0];

  for (;;)
    {
      int next = find_single_consumer (planner, value);

      if (g_hash_table_contains (planner->plan->entries, value))
        return TRUE;
      if (next < 0
          || (strcmp (planner->graph->node[next]->op_type, "Relu") != 0
              && strcmp (planner->graph->node[next]->op_type, "Clip") != 0
              && !lets_quantization_pass (planner->graph->node[next])))
        return FALSE;
      value = planner->graph->node[next]->output[0];
    }
}

/* ONNX Runtime would round above the pool, which then runs on integers of a layout that is slow for
 * it: several times as long as on floats. */
static gboolean
is_pool_at_entry (Planner *planner, guint position)
{
  return strcmp (planner->graph->node[position]->op_type, "MaxPool") == 0
         && leads_to_entry (planner, position);
}

static void
find_sandwiched (Planner *planner)
{
  FwRewritePlan *plan = planner->plan;

  for (guint i = 0; i < plan->n_nodes; i++)
    {
      Onnx__NodeProto *node = planner->graph->node[i];

      if (plan->is_int8[i] || node->n_output != 1)
        continue;
      if (strcmp (node->op_type, "Conv") == 0 || strcmp (node->op_type, "ConvTranspose") == 0
          || strcmp (node->op_type, "Gemm") == 0)
        plan->is_sandwiched[i]
            = comes_from_inside (planner, node->input[0]) && leads_to_entry (planner, i);
      else
        plan->is_sandwiched[i] = is_pool_at_entry (planner, i);
    }
}

FwRewritePlan *
fw_rewrite_plan_new (FwModel *model, FwGraphIndex *index, GPtrArray *units, FwRecipe *recipe)
{
  FwRewritePlan *plan = g_new0 (FwRewritePlan, 1);
  Planner planner = { plan, model, fw_model_get_graph (model), index, recipe, NULL, NULL };
  g_autofree gboolean *is_wanted = NULL;
  g_autoptr (GHashTable) shared = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = planner.graph->n_node;

  plan->n_nodes = n;
  plan->unit = g_new0 (FwUnit *, n);
  plan->is_int8 = g_new0 (gboolean, n);
  plan->is_dropped = g_new0 (gboolean, n);
  plan->is_sandwiched = g_new0 (gboolean, n);
  plan->result = g_new0 (char *, n);
  plan->inside = g_hash_table_new (g_str_hash, g_str_equal);
  plan->entries = g_hash_table_new (g_str_hash, g_str_equal);
  plan->channels_in = g_new0 (gint64, n);
  plan->channels_out = g_new0 (gint64, n);
  plan->widened = g_hash_table_new (g_str_hash, g_str_equal);
  plan->widened_entries = g_hash_table_new (g_str_hash, g_str_equal);
  plan->sliced = g_hash_table_new (g_str_hash, g_str_equal);
  plan->wide_names = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, g_free);
  planner.is_wanted = is_wanted = g_new0 (gboolean, n);
  planner.shared = shared;

  for (guint i = 0; i < units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (units, i);

      plan->unit[unit->node] = unit;
    }
  find_wanted (&planner);
  find_inside (&planner);
  /* What is put together in int8 is known now, and changes ranges, not what runs in int8. */
  if (find_shared (&planner))
    {
      start_again (plan);
      find_inside (&planner);
    }
  find_sandwiched (&planner);
  fw_rewrite_pad_plan (plan, model, index);
  return plan;
}

void
fw_rewrite_plan_free (FwRewritePlan *self)
{
  g_free (self->unit);
  g_free (self->is_int8);
  g_free (self->is_dropped);
  g_free (self->is_sandwiched);
  g_free (self->result);
  g_hash_table_unref (self->inside);
  g_hash_table_unref (self->entries);
  g_free (self->channels_in);
  g_free (self->channels_out);
  g_hash_table_unref (self->widened);
  g_hash_table_unref (self->widened_entries);
  g_hash_table_unref (self->sliced);
  g_hash_table_unref (self->wide_names);
  g_free (self);
}
