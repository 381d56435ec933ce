/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-prepare.h"
#include "fw-rewrite-pad.h"
#include "fw-rewrite-private.h"

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

FwUnitWeights *
fw_rewriter_get_weights (FwRewriter *self, guint unit)
{
  /* Where memory is scarce, what one unit took is given back before the next one. */
  for (guint i = 0; fw_mapping_has_scratch () && i < self->units->len; i++)
    if (i != unit)
      g_clear_pointer (&self->weights[i], fw_unit_weights_free);
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

      if (*unit->input != '\0' && g_hash_table_add (seen, unit->input))
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
  g_set_error (
      error, FW_ERROR, FW_ERROR_BAD_RECIPE, _ ("The layer “%s” can't be kept as “%s”: %s."),
      unit->name, fw_option_get_title (option),
      unit->why_not != NULL ? unit->why_not : _ ("this kind of layer has no such arithmetic"));
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
  g_autoptr (FwCodedWeights) coded
      = fw_unit_weights_get_coded (fw_rewriter_get_weights (self, position), recipe, option,
                                   range != NULL ? range->scale : 0, error);

  if (coded == NULL)
    return FALSE;
  *weights = fw_unit_weights_widen (fw_rewriter_get_weights (self, position), coded);
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
    *weights = fw_unit_weights_widen_float16 (fw_rewriter_get_weights (self, position));
  else
    *weights = fw_tensor_proto_to_floats (fw_model_find_initializer (self->prepared, unit->weight));
  if (bias == NULL)
    return TRUE;
  tensor = unit->bias != NULL ? fw_model_find_initializer (self->prepared, unit->bias) : NULL;
  *bias = tensor != NULL ? fw_tensor_proto_to_floats (tensor) : NULL;
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

static gboolean
store_all (FwRewriting *r, GError **error)
{
  for (guint i = 0; i < r->self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (r->self->units, i);
      FwOption option = fw_recipe_get_option (r->recipe, unit->name);

      switch (fw_option_get_arithmetic (option))
        {
        case FW_ARITHMETIC_FLOAT:
          if (option != FW_OPTION_FLOAT32 && !fw_rewriting_store (r, i, error))
            return FALSE;
          break;
        case FW_ARITHMETIC_INT8_DYNAMIC:
        case FW_ARITHMETIC_BLOCKS:
          g_hash_table_insert (r->products, GUINT_TO_POINTER (unit->node),
                               GUINT_TO_POINTER (i + 1));
          break;
        case FW_ARITHMETIC_INT8:
        case FW_N_ARITHMETICS:
          break;
        }
    }
  return TRUE;
}

static void
finish (FwRewriting *r)
{
  g_autoptr (GPtrArray) all = g_steal_pointer (&r->first);

  g_ptr_array_extend (all, r->head, NULL, NULL);
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
  g_autoptr (GPtrArray) head = g_ptr_array_new ();
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (GHashTable) products = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) constants = NULL;
  FwRewriting r = { .self = self, .recipe = recipe };
  gboolean ok;

  if (!check_options (self, recipe, error))
    return NULL;

  computing = list_computing (self, recipe);
  plan = fw_rewrite_plan_new (self->prepared, self->index, computing, recipe);
  constants = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  model = fw_model_copy (self->prepared);
  r.model = model;
  r.plan = plan;
  r.products = products;
  r.constants = constants;
  r.first = g_ptr_array_new ();
  r.head = head;
  r.nodes = nodes;

  fw_rewriting_name_entries (&r);
  ok = store_all (&r, error) && fw_rewriting_emit_nodes (&r, error);
  fw_rewriting_emit_packed (&r);
  /* On failure too: the model frees what is in its list. */
  finish (&r);
  return ok ? g_steal_pointer (&model) : NULL;
}
