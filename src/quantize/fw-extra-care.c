/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-extra-care.h"
#include "fw-parallel.h"
#include "fw-rounding.h"
#include "fw-switchboard.h"

/* Samples that are run before their values are added up and let go, for each thread. */
#define SAMPLES_PER_THREAD 2
#define VALUES_PER_SAMPLE 32768
#define LEAST_ROWS 16
#define MOST_ROWS 64

typedef struct
{
  guint index;
  const FwUnit *unit;
  FwOption option;
  FwColumns columns;
  FwSecondMoments *moments; /* NULL where the unit keeps what it has */
} Entry;

typedef struct
{
  const FwExtraCare *self;
  FwRecipe *recipe;
  GPtrArray *entries; /* of all units that are stored otherwise, in order */
  FwSwitchboard *board;
  FwSwitches *original, *current;
  gboolean changed; /* whether the two differ */
  GCancellable *cancellable;

  /* Of one group: the units that read one value. */
  const char *value;
  int input;          /* which of the model's inputs it is; -1 for none */
  GPtrArray *group;   /* of Entry */
  guint first;        /* sample of the batch */
  FwTensor **tensors; /* [batch, 2] */
  GError **errors;    /* [batch] */
} Care;

static void
entry_free (gpointer data)
{
  Entry *self = data;

  g_clear_pointer (&self->moments, fw_second_moments_unref);
  g_free (self);
}

/* Runs ---------------------------------------------------------------------------------------- */

static FwTensor *
run_one (const Care *care, FwSwitches *switches, GPtrArray *row, GError **error)
{
  const char *values[] = { care->value, NULL };
  g_autoptr (FwSwitches) own = fw_switches_copy (switches);
  g_autoptr (GPtrArray) answer = fw_switches_run (own, row, values, care->cancellable, error);
  FwTensor *tensor = answer != NULL ? answer->pdata[0] : NULL;

  return tensor != NULL ? fw_tensor_ref (tensor) : NULL;
}

static void
run_sample (guint index, gpointer user_data)
{
  const Care *care = user_data;
  GPtrArray *row = care->self->rows->pdata[care->first + index];
  FwTensor **tensors = care->tensors + 2 * index;

  if (care->input >= 0)
    tensors[0] = fw_tensor_ref (row->pdata[care->input]);
  else
    tensors[0] = run_one (care, care->original, row, &care->errors[index]);
  if (tensors[0] == NULL)
    return;
  if (care->input >= 0 || !care->changed)
    tensors[1] = fw_tensor_ref (tensors[0]);
  else
    tensors[1] = run_one (care, care->current, row, &care->errors[index]);
}

static gboolean
are_alike (const FwTensor *a, const FwTensor *b)
{
  guint n_dims = fw_tensor_get_n_dims (a);

  return fw_tensor_get_element_type (a) == FW_ELEMENT_FLOAT
         && fw_tensor_get_element_type (b) == FW_ELEMENT_FLOAT && fw_tensor_get_n_dims (b) == n_dims
         && memcmp (fw_tensor_get_dims (a), fw_tensor_get_dims (b), n_dims * sizeof (gint64)) == 0;
}

typedef struct
{
  const Care *care;
  guint n;
} Batch;

static void
add_batch (guint index, gpointer user_data)
{
  const Batch *batch = user_data;
  const Care *care = batch->care;
  Entry *entry = care->group->pdata[index];
  gsize most;

  if (entry->moments == NULL)
    return;
  most = CLAMP (VALUES_PER_SAMPLE / entry->columns.length, LEAST_ROWS, MOST_ROWS);
  for (guint i = 0; i < batch->n; i++)
    {
      FwTensor *const *tensors = care->tensors + 2 * i;

      if (tensors[0] != NULL && tensors[1] != NULL && are_alike (tensors[0], tensors[1]))
        fw_second_moments_add (entry->moments, fw_tensor_get_data (tensors[0]),
                               fw_tensor_get_data (tensors[1]), fw_tensor_get_dims (tensors[0]),
                               fw_tensor_get_n_dims (tensors[0]), most, care->first + i);
    }
}

static gboolean
look_at_batch (Care *care, guint n, GError **error)
{
  const Batch batch = { care, n };
  gboolean ok = TRUE;

  fw_parallel_for (n, care->self->threads, run_sample, care);
  for (guint i = 0; i < n; i++)
    if (care->errors[i] != NULL)
      {
        if (ok)
          g_propagate_error (error, g_steal_pointer (&care->errors[i]));
        g_clear_error (&care->errors[i]);
        ok = FALSE;
      }
  if (ok)
    fw_parallel_for (care->group->len, care->self->threads, add_batch, (gpointer) &batch);
  for (guint i = 0; i < 2 * n; i++)
    g_clear_pointer (&care->tensors[i], fw_tensor_unref);
  return ok;
}

static gboolean
look_at_samples (Care *care, GError **error)
{
  const guint threads = care->self->threads != 0 ? care->self->threads : g_get_num_processors ();
  const guint most = MIN (SAMPLES_PER_THREAD * threads, care->self->rows->len);
  g_autofree FwTensor **tensors = g_new0 (FwTensor *, 2 * most);
  g_autofree GError **errors = g_new0 (GError *, most);

  care->tensors = tensors;
  care->errors = errors;
  for (care->first = 0; care->first < care->self->rows->len; care->first += most)
    if (g_cancellable_set_error_if_cancelled (care->cancellable, error)
        || !look_at_batch (care, MIN (most, care->self->rows->len - care->first), error))
      return FALSE;
  return TRUE;
}

/* Rounding ------------------------------------------------------------------------------------ */

static float *
read_floats (Care *care, const char *name)
{
  Onnx__TensorProto *tensor
      = fw_model_find_initializer (fw_rewriter_get_prepared (care->self->rewriter), name);

  return tensor != NULL ? fw_tensor_proto_to_floats (tensor) : NULL;
}

/* The rest of the shift that the bias must take up, after what the rewriter works out. */
static gboolean
set_shift (Care *care, Entry *entry, const float *weights, GError **error)
{
  const FwUnit *unit = entry->unit;
  const gsize n = unit->shape.channels;
  g_autofree float *shift = g_new0 (float, n);
  g_autofree float *bias = unit->bias != NULL ? read_floats (care, unit->bias) : NULL;
  g_autofree float *rounded = NULL;
  g_autofree float *corrected = NULL;

  fw_recipe_set_shift (care->recipe, unit->name, NULL, 0);
  if (!unit->can_correct || (care->self->repairs & FW_REPAIR_BIAS) == 0)
    return TRUE;
  if (!fw_rewriter_simulate (care->self->rewriter, care->recipe, entry->index, entry->option,
                             &rounded, &corrected, error))
    return FALSE;
  fw_rounding_add_shift (weights, rounded, &unit->shape, entry->moments, shift);
  for (gsize c = 0; corrected != NULL && c < n; c++)
    shift[c] -= corrected[c] - (bias != NULL ? bias[c] : 0);
  fw_recipe_set_shift (care->recipe, unit->name, shift, n);
  return TRUE;
}

static gboolean
round_unit (Care *care, Entry *entry, GError **error)
{
  const FwUnit *unit = entry->unit;
  const FwRoundingOptions options = {
    .bits = fw_option_get_bits (entry->option),
    .block = fw_option_get_block (entry->option),
    .repairs = unit->can_correct ? care->self->repairs : care->self->repairs & ~FW_REPAIR_BIAS,
  };
  g_autofree float *weights = read_floats (care, unit->weight);
  g_autoptr (FwRounding) rounding = NULL;

  if (weights == NULL || fw_second_moments_get_n (entry->moments, 0) == 0)
    return TRUE;
  rounding
      = fw_rounding_find (weights, &unit->shape, &options, entry->moments, care->self->threads);
  fw_recipe_set_rounding (care->recipe, unit->name, options.bits, options.block, rounding->scales,
                          rounding->offsets);
  return set_shift (care, entry, weights, error);
}

/* Groups -------------------------------------------------------------------------------------- */

/* Moments for as many of the group as there is room for. */
static gboolean
begin_group (Care *care)
{
  guint64 taken = 0;
  gboolean any = FALSE;

  for (guint i = 0; i < care->group->len; i++)
    {
      Entry *entry = care->group->pdata[i];
      guint64 size;

      if (fw_option_get_bits (entry->option) > 8
          || !fw_columns_init_for_unit (
              &entry->columns, fw_rewriter_get_prepared (care->self->rewriter), entry->unit))
        continue;
      size = fw_second_moments_get_size (&entry->columns, TRUE);
      if (size > care->self->max_bytes - taken)
        continue;
      taken += size;
      entry->moments = fw_second_moments_new (&entry->columns, TRUE);
      any = TRUE;
    }
  return any;
}

static gboolean
improve_group (Care *care, GError **error)
{
  if (begin_group (care) && !look_at_samples (care, error))
    return FALSE;
  for (guint i = 0; i < care->group->len; i++)
    {
      Entry *entry = care->group->pdata[i];

      if (entry->moments != NULL && !round_unit (care, entry, error))
        return FALSE;
      g_clear_pointer (&entry->moments, fw_second_moments_unref);
      if (!fw_switches_set_option (care->current, care->recipe, entry->index, entry->option, error))
        return FALSE;
      care->changed = TRUE;
    }
  return TRUE;
}

/* Which of the model's inputs @value is: those that are not stored. */
static int
find_input (FwModel *prepared, const char *value)
{
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  int index = 0;

  for (gsize i = 0; i < graph->n_input; i++)
    {
      if (fw_model_find_initializer (prepared, graph->input[i]->name) != NULL)
        continue;
      if (strcmp (graph->input[i]->name, value) == 0)
        return index;
      index++;
    }
  return -1;
}

/* All units that read what the first unit reads that is left: they see it at the same time. */
static void
choose_group (Care *care, gboolean *done)
{
  g_ptr_array_set_size (care->group, 0);
  for (guint i = 0; i < care->entries->len; i++)
    {
      Entry *entry = care->entries->pdata[i];

      if (done[i] || (care->group->len > 0 && strcmp (entry->unit->input, care->value) != 0))
        continue;
      care->value = entry->unit->input;
      g_ptr_array_add (care->group, entry);
      done[i] = TRUE;
    }
  if (care->group->len > 0)
    care->input = find_input (fw_rewriter_get_prepared (care->self->rewriter), care->value);
}

static gboolean
improve_groups (Care *care, FwProgress *progress, GError **error)
{
  g_autofree gboolean *done = g_new0 (gboolean, care->entries->len);
  g_autoptr (GPtrArray) group = g_ptr_array_new ();
  guint n_done = 0;

  care->group = group;
  for (choose_group (care, done); group->len > 0; choose_group (care, done))
    {
      if (!improve_group (care, error))
        return FALSE;
      n_done += group->len;
      fw_progress_report (progress, (double) n_done / care->entries->len);
    }
  return TRUE;
}

/* Public -------------------------------------------------------------------------------------- */

static GPtrArray *
list_entries (const FwExtraCare *self, FwRecipe *recipe)
{
  GPtrArray *entries = g_ptr_array_new_with_free_func (entry_free);

  for (guint i = 0; i < self->units->len; i++)
    {
      const FwUnit *unit = self->units->pdata[i];
      FwOption option = fw_recipe_get_option (recipe, unit->name);
      Entry *entry;

      if (option == FW_OPTION_FLOAT32 || unit->input == NULL)
        continue;
      entry = g_new0 (Entry, 1);
      entry->index = i;
      entry->unit = unit;
      entry->option = option;
      g_ptr_array_add (entries, entry);
    }
  return entries;
}

static gboolean
set_up (Care *care, GError **error)
{
  FwModel *prepared = fw_rewriter_get_prepared (care->self->rewriter);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  gboolean gates = FALSE;

  for (guint i = 0; i < care->entries->len; i++)
    {
      const Entry *entry = care->entries->pdata[i];

      if (fw_option_get_arithmetic (entry->option) == FW_ARITHMETIC_INT8
          || fw_option_get_arithmetic (entry->option) == FW_ARITHMETIC_INT8_DYNAMIC)
        gates = TRUE;
      if (find_input (prepared, entry->unit->input) < 0
          && g_hash_table_add (seen, entry->unit->input))
        g_ptr_array_add (values, entry->unit->input);
    }
  g_ptr_array_add (values, NULL);
  care->board = fw_switchboard_new (care->self->rewriter, care->self->units, care->recipe,
                                    (const char *const *) values->pdata, gates, error);
  if (care->board == NULL)
    return FALSE;
  care->original = fw_switches_new (care->board);
  care->current = fw_switches_new (care->board);
  care->changed = gates;
  return !gates || fw_switches_set_gates (care->current, care->recipe, error);
}

static void
take_over (GPtrArray *entries, FwRecipe *draft, FwRecipe *recipe)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const Entry *entry = entries->pdata[i];
      const char *name = entry->unit->name;
      const guint bits = fw_option_get_bits (entry->option);
      const guint block = fw_option_get_block (entry->option);
      GBytes *scales, *offsets;
      gsize n;
      const float *shift = fw_recipe_get_shift (draft, name, &n);

      if (fw_recipe_get_rounding (draft, name, bits, block, &scales, &offsets))
        fw_recipe_set_rounding (recipe, name, bits, block, scales, offsets);
      fw_recipe_set_shift (recipe, name, shift, n);
    }
}

gboolean
fw_extra_care_improve (const FwExtraCare *self,
                       FwRecipe *recipe,
                       FwProgress *progress,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (FwRecipe) draft = NULL;
  g_autoptr (GPtrArray) entries = list_entries (self, recipe);
  Care care = { .self = self, .entries = entries, .cancellable = cancellable };
  gboolean ok;

  if (entries->len == 0 || self->rows->len == 0 || (self->repairs & FW_REPAIR_CROSS) == 0)
    return TRUE;

  draft = fw_recipe_copy (recipe);
  care.recipe = draft;
  ok = set_up (&care, error) && improve_groups (&care, progress, error);
  g_clear_pointer (&care.original, fw_switches_free);
  g_clear_pointer (&care.current, fw_switches_free);
  g_clear_pointer (&care.board, fw_switchboard_unref);
  if (ok)
    take_over (entries, draft, recipe);
  return ok;
}
