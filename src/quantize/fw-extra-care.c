/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-extra-care.h"
#include "fw-parallel.h"
#include "fw-predictor.h"
#include "fw-relay.h"
#include "fw-rounding.h"

/* Values of rows that are taken of each sample. */
#define VALUES_PER_SAMPLE 32768

typedef struct
{
  guint index;
  const FwUnit *unit;
  FwOption option;
  gboolean has_columns;
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
  FwRelay *relay;
  GCancellable *cancellable;
  GPtrArray *group; /* of Entry: those that read one value */
} Care;

static void
entry_free (gpointer data)
{
  Entry *self = data;

  g_clear_pointer (&self->moments, fw_second_moments_free);
  g_free (self);
}

/* Samples ------------------------------------------------------------------------------------- */

static gboolean
are_alike (const FwTensor *a, const FwTensor *b)
{
  guint n_dims = fw_tensor_get_n_dims (a);

  return fw_tensor_get_element_type (a) == FW_ELEMENT_FLOAT
         && fw_tensor_get_element_type (b) == FW_ELEMENT_FLOAT && fw_tensor_get_n_dims (b) == n_dims
         && memcmp (fw_tensor_get_dims (a), fw_tensor_get_dims (b), n_dims * sizeof (gint64)) == 0;
}

static void
look_at_samples (guint index, gpointer user_data)
{
  const Care *care = user_data;
  Entry *entry = care->group->pdata[index];
  gsize most;

  if (entry->moments == NULL)
    return;
  most = fw_second_moments_get_rows (&entry->columns, VALUES_PER_SAMPLE);
  for (guint i = 0; i < fw_relay_get_n_samples (care->relay); i++)
    {
      g_autoptr (FwTensor) original = fw_relay_get (care->relay, i, FALSE);
      g_autoptr (FwTensor) current = fw_relay_get (care->relay, i, TRUE);

      if (original != NULL && current != NULL && are_alike (original, current))
        fw_second_moments_add (entry->moments, fw_tensor_get_data (original),
                               fw_tensor_get_data (current), fw_tensor_get_dims (original),
                               fw_tensor_get_n_dims (original), most, i);
    }
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
static void
begin_group (Care *care)
{
  guint64 taken = 0;

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
    }
}

static gboolean
improve_group (Care *care, const char *value, GError **error)
{
  begin_group (care);
  if (!fw_relay_advance (care->relay, value, care->original, care->current, care->cancellable,
                         error))
    return FALSE;
  fw_parallel_for (care->group->len, care->self->threads, look_at_samples, care);
  for (guint i = 0; i < care->group->len; i++)
    {
      Entry *entry = care->group->pdata[i];

      if (g_cancellable_set_error_if_cancelled (care->cancellable, error)
          || (entry->moments != NULL && !round_unit (care, entry, error)))
        return FALSE;
      g_clear_pointer (&entry->moments, fw_second_moments_free);
      if (!fw_switches_set_option (care->current, care->recipe, entry->index, entry->option, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
improve_groups (Care *care, FwProgress *progress, GError **error)
{
  const char *const *values = fw_relay_list_values (care->relay);
  g_autoptr (GPtrArray) group = g_ptr_array_new ();
  guint n_done = 0;

  care->group = group;
  for (guint i = 0; values[i] != NULL; i++)
    {
      g_ptr_array_set_size (group, 0);
      for (guint j = 0; j < care->entries->len; j++)
        {
          Entry *entry = care->entries->pdata[j];

          if (entry->has_columns && strcmp (entry->unit->input, values[i]) == 0)
            g_ptr_array_add (group, entry);
        }
      if (!improve_group (care, values[i], error))
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
  FwModel *prepared = fw_rewriter_get_prepared (self->rewriter);

  for (guint i = 0; i < self->units->len; i++)
    {
      const FwUnit *unit = self->units->pdata[i];
      FwOption option = fw_recipe_get_option (recipe, unit->name);
      Entry *entry;

      if (option == FW_OPTION_FLOAT32)
        continue;
      entry = g_new0 (Entry, 1);
      entry->index = i;
      entry->unit = unit;
      entry->option = option;
      entry->has_columns = fw_option_get_bits (option) <= 8
                           && fw_columns_init_for_unit (&entry->columns, prepared, unit)
                           && fw_model_find_initializer (prepared, unit->input) == NULL;
      g_ptr_array_add (entries, entry);
    }
  return entries;
}

static gboolean
has_any_columns (GPtrArray *entries)
{
  for (guint i = 0; i < entries->len; i++)
    if (((const Entry *) entries->pdata[i])->has_columns)
      return TRUE;
  return FALSE;
}

static gboolean
set_up (Care *care, GError **error)
{
  const FwExtraCare *self = care->self;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  const char *const *names;
  gboolean gates = FALSE;

  for (guint i = 0; i < care->entries->len; i++)
    {
      const Entry *entry = care->entries->pdata[i];
      FwArithmetic arithmetic = fw_option_get_arithmetic (entry->option);

      if (arithmetic == FW_ARITHMETIC_INT8 || arithmetic == FW_ARITHMETIC_INT8_DYNAMIC)
        gates = TRUE;
      if (entry->has_columns && g_hash_table_add (seen, entry->unit->input))
        g_ptr_array_add (values, entry->unit->input);
    }
  g_ptr_array_add (values, NULL);
  names = (const char *const *) values->pdata;
  care->board = fw_switchboard_new (self->rewriter, self->units, care->recipe, names, gates, error);
  if (care->board == NULL)
    return FALSE;
  care->original = fw_switches_new (care->board);
  care->current = fw_switches_new (care->board);
  if (gates && !fw_switches_set_gates (care->current, care->recipe, error))
    return FALSE;
  /* What keeps its rounding has it from the start. */
  for (guint i = 0; i < care->entries->len; i++)
    {
      const Entry *entry = care->entries->pdata[i];

      if (!entry->has_columns
          && !fw_switches_set_option (care->current, care->recipe, entry->index, entry->option,
                                      error))
        return FALSE;
    }
  care->relay
      = fw_relay_new (care->board, names, self->rows, self->max_bytes, self->threads, error);
  return care->relay != NULL;
}

/* Whether @draft does less harm than @recipe to samples that it was not found with. */
static gboolean
compare (const FwExtraCare *self,
         GPtrArray *entries,
         FwRecipe *recipe,
         FwRecipe *draft,
         gboolean *better,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (FwRecipe) plain = fw_recipe_copy (recipe);
  g_autoptr (FwPredictor) predictor = NULL;
  FwTrial trial = { .rewriter = self->rewriter,
                    .units = self->units,
                    .recipe = plain,
                    .scores = self->scores,
                    .rows = self->held_back,
                    .threads = self->threads };
  FwRecipe *const both[] = { recipe, draft };
  double harms[2] = { 0 };

  *better = TRUE;
  if (self->held_back == NULL || self->held_back->len == 0 || self->scores == NULL)
    return TRUE;
  for (guint i = 0; i < entries->len; i++)
    fw_recipe_set_option (plain, ((const Entry *) entries->pdata[i])->unit->name,
                          FW_OPTION_FLOAT32);
  predictor = fw_predictor_new (&trial, cancellable, error);
  if (predictor == NULL
      || !fw_predictor_predict (predictor, both, 2, 0, harms, NULL, cancellable, error))
    return FALSE;
  *better = harms[1] < harms[0];
  g_debug ("extra care: harm %g, before %g", harms[1], harms[0]);
  return TRUE;
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
  gboolean ok, better;

  if (!has_any_columns (entries) || self->rows->len == 0 || (self->repairs & FW_REPAIR_CROSS) == 0)
    return TRUE;

  draft = fw_recipe_copy (recipe);
  care.recipe = draft;
  ok = set_up (&care, error) && improve_groups (&care, progress, error);
  g_clear_pointer (&care.relay, fw_relay_free);
  g_clear_pointer (&care.original, fw_switches_free);
  g_clear_pointer (&care.current, fw_switches_free);
  g_clear_pointer (&care.board, fw_switchboard_unref);
  ok = ok && compare (self, entries, recipe, draft, &better, cancellable, error);
  if (ok && better)
    take_over (entries, draft, recipe);
  return ok;
}
