/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-switchboard.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-wiring.h"

/* Stored forms that are remembered. */
#define MAX_REMEMBERED ((gsize) 256 << 20)

struct _FwSwitchboard
{
  gatomicrefcount ref_count;
  FwRewriter *rewriter; /* borrowed */
  GPtrArray *units;
  FwGraphIndex *index;
  FwWiring *wiring;
  GBytes *bytes;
  const char **names; /* of all inputs, NULL-terminated; borrowed from wiring */

  GMutex mutex;
  GPtrArray *idle; /* FwSession */

  GHashTable *remembered; /* key -> Stored */
  gsize n_remembered;     /* bytes */
};

struct _FwSwitches
{
  FwSwitchboard *board;
  FwTensor **inputs; /* of all inputs; NULL for the model's own */
};

/* A unit's weights for an option, and what they were made from: while that is held, its address is
 * nobody else's. */
typedef struct
{
  FwTensor *weights;
  FwTensor *bias; /* NULL: as it was */
  GBytes *scales;
  GBytes *offsets;
} Stored;

static void
stored_free (gpointer data)
{
  Stored *self = data;

  g_clear_pointer (&self->weights, fw_tensor_unref);
  g_clear_pointer (&self->bias, fw_tensor_unref);
  g_clear_pointer (&self->scales, g_bytes_unref);
  g_clear_pointer (&self->offsets, g_bytes_unref);
  g_free (self);
}

/* Sessions ------------------------------------------------------------------------------------ */

static FwSession *
load_session (FwSwitchboard *self, GError **error)
{
  /* One thread: the answers are then the same on any number of cores. */
  const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_ALL };

  return fw_session_new_from_bytes (self->bytes, &options, error);
}

static FwSession *
take_session (FwSwitchboard *self, GError **error)
{
  FwSession *session = NULL;

  g_mutex_lock (&self->mutex);
  if (self->idle->len > 0)
    session = g_ptr_array_steal_index (self->idle, self->idle->len - 1);
  g_mutex_unlock (&self->mutex);
  return session != NULL ? session : load_session (self, error);
}

static void
give_back_session (FwSwitchboard *self, FwSession *session)
{
  g_mutex_lock (&self->mutex);
  g_ptr_array_add (self->idle, session);
  g_mutex_unlock (&self->mutex);
}

FwSwitchboard *
fw_switchboard_new (FwRewriter *rewriter,
                    GPtrArray *units,
                    FwRecipe *recipe,
                    const char *const *values,
                    gboolean gates,
                    GError **error)
{
  g_autoptr (FwSwitchboard) self = g_new0 (FwSwitchboard, 1);
  FwModel *prepared = fw_rewriter_get_prepared (rewriter);
  FwSession *session;

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->rewriter = rewriter;
  self->units = g_ptr_array_ref (units);
  self->idle = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_session_free);
  self->remembered = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, stored_free);
  self->index = fw_graph_index_new (prepared);
  self->wiring = fw_wiring_new (prepared, rewriter, units, recipe, values, gates, error);
  if (self->wiring == NULL)
    return NULL;
  self->bytes = fw_model_to_bytes (self->wiring->model, error);
  if (self->bytes == NULL)
    return NULL;
  self->names = g_new0 (const char *, self->wiring->names->len + 1);
  memcpy (self->names, self->wiring->names->pdata, self->wiring->names->len * sizeof (char *));

  session = load_session (self, error);
  if (session == NULL)
    return NULL;
  g_ptr_array_add (self->idle, session);
  return g_steal_pointer (&self);
}

FwSwitchboard *
fw_switchboard_ref (FwSwitchboard *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
fw_switchboard_unref (FwSwitchboard *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;
  g_clear_pointer (&self->wiring, fw_wiring_free);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_free (self->names);
  g_hash_table_unref (self->remembered);
  g_ptr_array_unref (self->idle);
  g_ptr_array_unref (self->units);
  fw_graph_index_free (self->index);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

/* Settings ------------------------------------------------------------------------------------ */

static void
set_input (FwSwitches *self, guint place, FwTensor *tensor)
{
  FwTensor *old = self->inputs[place];

  self->inputs[place] = fw_tensor_ref (tensor);
  if (old != NULL)
    fw_tensor_unref (old);
}

static void
reset_input (FwSwitches *self, int place)
{
  if (place >= 0)
    set_input (self, place, g_ptr_array_index (self->board->wiring->defaults, place));
}

static void
set_scalar (FwSwitches *self, guint place, FwElementType type, gconstpointer value)
{
  g_autoptr (FwTensor) tensor = fw_tensor_new (type, NULL, 0, NULL);

  memcpy (fw_tensor_get_data (tensor), value, fw_tensor_get_size (tensor));
  set_input (self, place, tensor);
}

static void
set_bool (FwSwitches *self, guint place, gboolean value)
{
  const guint8 byte = value != FALSE;

  set_scalar (self, place, FW_ELEMENT_BOOL, &byte);
}

FwSwitches *
fw_switches_new (FwSwitchboard *board)
{
  FwSwitches *self = g_new0 (FwSwitches, 1);

  self->board = fw_switchboard_ref (board);
  self->inputs = g_new0 (FwTensor *, board->wiring->names->len + 1);
  fw_switches_reset (self);
  return self;
}

FwSwitches *
fw_switches_copy (FwSwitches *self)
{
  FwSwitches *copy = fw_switches_new (self->board);

  for (guint i = self->board->wiring->n_own; i < self->board->wiring->names->len; i++)
    set_input (copy, i, self->inputs[i]);
  return copy;
}

void
fw_switches_free (FwSwitches *self)
{
  for (guint i = 0; i < self->board->wiring->names->len; i++)
    g_clear_pointer (&self->inputs[i], fw_tensor_unref);
  g_free (self->inputs);
  fw_switchboard_unref (self->board);
  g_free (self);
}

void
fw_switches_reset (FwSwitches *self)
{
  for (guint i = self->board->wiring->n_own; i < self->board->wiring->names->len; i++)
    reset_input (self, i);
}

/* @values in the shape of the input's default. */
static FwTensor *
copy_like (FwSwitchboard *self, guint place, const float *values)
{
  FwTensor *like = g_ptr_array_index (self->wiring->defaults, place);
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, fw_tensor_get_dims (like),
                                    fw_tensor_get_n_dims (like), NULL);

  /* As large as one that there was memory for. */
  if (tensor == NULL)
    g_error ("No memory for weights");
  memcpy (fw_tensor_get_data (tensor), values, fw_tensor_get_size (tensor));
  return tensor;
}

void
fw_switches_set_weights (FwSwitches *self, guint unit, const float *weights, const float *bias)
{
  FwWiring *wiring = self->board->wiring;
  int place = wiring->bias[unit];

  if (weights != NULL)
    {
      g_autoptr (FwTensor) tensor = copy_like (self->board, wiring->weight[unit], weights);

      set_input (self, wiring->weight[unit], tensor);
    }
  if (bias != NULL && place >= 0)
    {
      g_autoptr (FwTensor) tensor = copy_like (self->board, place, bias);

      set_input (self, place, tensor);
    }
}

/* What the stored form depends on; NULL where it may not be remembered. */
static char *
make_key (FwSwitchboard *self,
          FwRecipe *recipe,
          guint position,
          FwOption option,
          const FwRange *range)
{
  const FwUnit *unit = g_ptr_array_index (self->units, position);
  GBytes *scales = NULL, *offsets = NULL;
  gsize n;

  if (self->n_remembered >= MAX_REMEMBERED || fw_recipe_get_shift (recipe, unit->name, &n) != NULL)
    return NULL;
  fw_recipe_get_rounding (recipe, unit->name, fw_option_get_bits (option),
                          fw_option_get_block (option), &scales, &offsets);
  return g_strdup_printf (
      "%u %x %p %p %p %a", position, option, (gpointer) scales, (gpointer) offsets,
      (gpointer) fw_recipe_get_mean (recipe, unit->input, &n), range != NULL ? range->scale : 0);
}

static Stored *
make_stored (FwSwitchboard *self,
             FwRecipe *recipe,
             guint position,
             FwOption option,
             const FwRange *range,
             GError **error)
{
  const FwUnit *unit = g_ptr_array_index (self->units, position);
  int place = self->wiring->bias[position];
  g_autofree float *weights = NULL;
  g_autofree float *bias = NULL;
  GBytes *scales = NULL, *offsets = NULL;
  Stored *stored;

  if (!fw_rewriter_simulate_on (self->rewriter, recipe, position, option, range, &weights, &bias,
                                error))
    return NULL;
  stored = g_new0 (Stored, 1);
  stored->weights = copy_like (self, self->wiring->weight[position], weights);
  if (bias != NULL && place >= 0)
    stored->bias = copy_like (self, place, bias);
  if (fw_recipe_get_rounding (recipe, unit->name, fw_option_get_bits (option),
                              fw_option_get_block (option), &scales, &offsets))
    {
      stored->scales = scales != NULL ? g_bytes_ref (scales) : NULL;
      stored->offsets = offsets != NULL ? g_bytes_ref (offsets) : NULL;
    }
  return stored;
}

static void
apply_stored (FwSwitches *self, guint unit, const Stored *stored)
{
  FwWiring *wiring = self->board->wiring;

  set_input (self, wiring->weight[unit], stored->weights);
  if (stored->bias != NULL)
    set_input (self, wiring->bias[unit], stored->bias);
  else
    reset_input (self, wiring->bias[unit]);
}

/* @range: what the unit's input is rounded to. */
static gboolean
set_option (FwSwitches *self,
            FwRecipe *recipe,
            guint unit,
            FwOption option,
            const FwRange *range,
            GError **error)
{
  FwSwitchboard *board = self->board;
  g_autofree char *key = NULL;
  Stored *stored;

  if (option == FW_OPTION_FLOAT32)
    {
      reset_input (self, board->wiring->weight[unit]);
      reset_input (self, board->wiring->bias[unit]);
      return TRUE;
    }
  key = make_key (board, recipe, unit, option, range);
  stored = key != NULL ? g_hash_table_lookup (board->remembered, key) : NULL;
  if (stored != NULL)
    {
      apply_stored (self, unit, stored);
      return TRUE;
    }
  stored = make_stored (board, recipe, unit, option, range, error);
  if (stored == NULL)
    return FALSE;
  apply_stored (self, unit, stored);
  if (key == NULL)
    stored_free (stored);
  else
    {
      board->n_remembered += fw_tensor_get_size (stored->weights);
      g_hash_table_insert (board->remembered, g_steal_pointer (&key), stored);
    }
  return TRUE;
}

gboolean
fw_switches_set_option (FwSwitches *self,
                        FwRecipe *recipe,
                        guint unit,
                        FwOption option,
                        GError **error)
{
  const FwUnit *entry = g_ptr_array_index (self->board->units, unit);

  return set_option (self, recipe, unit, option, fw_recipe_get_range (recipe, entry->input), error);
}

/* Gates --------------------------------------------------------------------------------------- */

static void
set_gate_range (FwSwitches *self, const FwGate *gate, const FwRange *range)
{
  set_scalar (self, gate->scale, FW_ELEMENT_FLOAT, &range->scale);
  set_scalar (self, gate->zero_point, FW_ELEMENT_UINT8, &range->zero_point);
}

static gboolean
shut_gate (FwSwitches *self,
           FwRecipe *recipe,
           const char *value,
           int node,
           const char *like,
           GError **error)
{
  const FwGate *gate = fw_wiring_find_gate (self->board->wiring, value, node);
  const FwRange *range = fw_recipe_get_range (recipe, like);

  if (gate == NULL && node >= 0)
    gate = fw_wiring_find_gate (self->board->wiring, value, -1);
  if (gate == NULL || range == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                   _ ("The value “%s” can't be rounded without building the version."), value);
      return FALSE;
    }
  set_bool (self, gate->shut, TRUE);
  set_gate_range (self, gate, range);
  return TRUE;
}

static gboolean
shut_inside (FwSwitches *self, FwRecipe *recipe, FwRewritePlan *plan, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->board->wiring->prepared);
  GHashTableIter iter;
  gpointer value, like;

  g_hash_table_iter_init (&iter, plan->inside);
  while (g_hash_table_iter_next (&iter, &value, &like))
    {
      int producer = fw_graph_index_get_producer (self->board->index, value);

      if (producer >= 0 && fw_wiring_only_moves (graph->node[producer]))
        continue;
      if (!shut_gate (self, recipe, value, -1, like, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
shut_entries (FwSwitches *self, FwRecipe *recipe, FwRewritePlan *plan, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->board->wiring->prepared);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, plan->entries);
  while (g_hash_table_iter_next (&iter, &value, NULL))
    {
      guint n;
      const guint *consumers = fw_graph_index_get_consumers (self->board->index, value, &n);

      for (guint i = 0; i < n; i++)
        {
          guint node = consumers[i];

          if (!plan->is_int8[node]
              || (plan->unit[node] != NULL && strcmp (graph->node[node]->input[0], value) != 0))
            continue;
          if (!shut_gate (self, recipe, value, node, value, error))
            return FALSE;
        }
    }
  return TRUE;
}

static void
open_gates (FwSwitches *self)
{
  GArray *gates = self->board->wiring->gates;

  for (guint i = 0; i < gates->len; i++)
    {
      const FwGate *gate = &g_array_index (gates, FwGate, i);

      reset_input (self, gate->shut);
      reset_input (self, gate->dynamic);
    }
}

static gboolean
shut_dynamic (FwSwitches *self, const FwUnit *unit, GError **error)
{
  const FwGate *gate = fw_wiring_find_gate (self->board->wiring, unit->input, unit->node);

  if (gate == NULL || gate->dynamic < 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                   _ ("The value “%s” can't be rounded without building the version."),
                   unit->input);
      return FALSE;
    }
  set_bool (self, gate->shut, TRUE);
  set_bool (self, gate->dynamic, TRUE);
  return TRUE;
}

/* NULL where no unit computes in int8 with calibrated ranges. */
static FwRewritePlan *
make_plan (FwSwitchboard *self, FwRecipe *recipe)
{
  g_autoptr (GPtrArray) computing = g_ptr_array_new ();

  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);

      if (fw_option_get_arithmetic (fw_recipe_get_option (recipe, unit->name))
          == FW_ARITHMETIC_INT8)
        g_ptr_array_add (computing, unit);
    }
  return computing->len == 0
             ? NULL
             : fw_rewrite_plan_new (self->wiring->prepared, self->index, computing, recipe);
}

static gboolean
set_gates (FwSwitches *self, FwRecipe *recipe, FwRewritePlan *plan, GError **error)
{
  FwSwitchboard *board = self->board;

  open_gates (self);
  for (guint i = 0; i < board->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (board->units, i);

      if (fw_option_get_arithmetic (fw_recipe_get_option (recipe, unit->name))
              == FW_ARITHMETIC_INT8_DYNAMIC
          && !shut_dynamic (self, unit, error))
        return FALSE;
    }
  return plan == NULL
         || (shut_inside (self, recipe, plan, error) && shut_entries (self, recipe, plan, error));
}

gboolean
fw_switches_set_gates (FwSwitches *self, FwRecipe *recipe, GError **error)
{
  g_autoptr (FwRewritePlan) plan = make_plan (self->board, recipe);

  return set_gates (self, recipe, plan, error);
}

gboolean
fw_switches_set_recipe (FwSwitches *self, FwRecipe *recipe, GError **error)
{
  g_autoptr (FwRewritePlan) plan = make_plan (self->board, recipe);

  for (guint i = 0; i < self->board->units->len; i++)
    {
      const FwUnit *unit = g_ptr_array_index (self->board->units, i);
      const char *like = plan != NULL ? g_hash_table_lookup (plan->inside, unit->input) : NULL;

      if (!set_option (self, recipe, i, fw_recipe_get_option (recipe, unit->name),
                       fw_recipe_get_range (recipe, like != NULL ? like : unit->input), error))
        return FALSE;
    }
  return set_gates (self, recipe, plan, error);
}

gboolean
fw_switches_set_range (FwSwitches *self, const char *value, const FwRange *range)
{
  GArray *gates = self->board->wiring->gates;
  GArray *list = g_hash_table_lookup (self->board->wiring->by_value, value);

  for (guint i = 0; list != NULL && i < list->len; i++)
    set_gate_range (self, &g_array_index (gates, FwGate, g_array_index (list, guint, i)), range);
  return list != NULL;
}

FwModel *
fw_switchboard_get_model (FwSwitchboard *self)
{
  return self->wiring->model;
}

FwTensor *
fw_switches_get_input (FwSwitches *self, const char *name)
{
  GPtrArray *names = self->board->wiring->names;

  for (guint i = self->board->wiring->n_own; i < names->len; i++)
    if (strcmp (g_ptr_array_index (names, i), name) == 0)
      return self->inputs[i];
  return NULL;
}

/* Running ------------------------------------------------------------------------------------- */

GPtrArray *
fw_switches_run (FwSwitches *self,
                 GPtrArray *row,
                 const char *const *values,
                 GCancellable *cancellable,
                 GError **error)
{
  FwSwitchboard *board = self->board;
  guint n_own = board->wiring->n_own, n = board->wiring->names->len;
  g_autofree FwTensor **inputs = NULL;
  FwSession *session;
  GPtrArray *answer;

  if (row->len != n_own)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                   _ ("The model takes %u inputs, and %u were given."), n_own, row->len);
      return NULL;
    }
  session = take_session (board, error);
  if (session == NULL)
    return NULL;
  inputs = g_memdup2 (self->inputs, n * sizeof *inputs);
  memcpy (inputs, row->pdata, n_own * sizeof *inputs);
  answer = fw_session_run (session, board->names, inputs, n, values, cancellable, error);
  give_back_session (board, session);
  return answer;
}
