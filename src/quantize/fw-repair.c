/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-repair.h"
#include "fw-rounding.h"

/* Values of rows that are taken of each sample. */
#define VALUES_PER_SAMPLE 16384

typedef struct
{
  const FwUnit *unit;
  FwColumns columns;
  FwSecondMoments *moments; /* NULL where there is no room, or no columns */
  GHashTable *roundings;    /* key of bits and block → FwRounding */
  double errors[9];         /* of rounding to so many bits, for ratios; negative where not known */
} Entry;

struct _FwRepair
{
  FwModel *prepared;
  GPtrArray *units;
  FwRepairFlags flags;
  guint threads;
  Entry *entries;
  GHashTable *by_value; /* → GPtrArray of Entry */
};

/* Setting up ---------------------------------------------------------------------------------- */

static int
compare_sizes (gconstpointer a, gconstpointer b)
{
  const Entry *first = *(Entry *const *) a, *second = *(Entry *const *) b;
  guint64 left = fw_second_moments_get_size (&first->columns, FALSE);
  guint64 right = fw_second_moments_get_size (&second->columns, FALSE);

  if (left != right)
    return left < right ? -1 : 1;
  return first < second ? -1 : first > second;
}

/* The smallest first: so most units have some. */
static void
share_memory (FwRepair *self, guint64 max_bytes)
{
  g_autoptr (GPtrArray) wanting = g_ptr_array_new ();
  guint64 taken = 0;

  for (guint i = 0; i < self->units->len; i++)
    if (fw_columns_init_for_unit (&self->entries[i].columns, self->prepared, self->entries[i].unit))
      g_ptr_array_add (wanting, &self->entries[i]);
  g_ptr_array_sort (wanting, compare_sizes);
  for (guint i = 0; i < wanting->len; i++)
    {
      Entry *entry = wanting->pdata[i];
      GPtrArray *readers;
      guint64 size = fw_second_moments_get_size (&entry->columns, FALSE);

      if (size > max_bytes - taken)
        break;
      taken += size;
      entry->moments = fw_second_moments_new (&entry->columns, FALSE);
      readers = g_hash_table_lookup (self->by_value, entry->unit->input);
      if (readers == NULL)
        {
          readers = g_ptr_array_new ();
          g_hash_table_insert (self->by_value, entry->unit->input, readers);
        }
      g_ptr_array_add (readers, entry);
    }
}

FwRepair *
fw_repair_new (FwModel *prepared,
               GPtrArray *units,
               FwRepairFlags flags,
               guint64 max_bytes,
               guint threads)
{
  FwRepair *self = g_new0 (FwRepair, 1);

  self->prepared = fw_model_ref (prepared);
  self->units = g_ptr_array_ref (units);
  self->flags = flags;
  self->threads = threads;
  self->entries = g_new0 (Entry, MAX (units->len, 1));
  self->by_value
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < units->len; i++)
    {
      Entry *entry = &self->entries[i];

      entry->unit = units->pdata[i];
      entry->roundings
          = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) fw_rounding_free);
      for (guint b = 0; b < G_N_ELEMENTS (entry->errors); b++)
        entry->errors[b] = -1;
    }
  if ((flags & (FW_REPAIR_GPTQ | FW_REPAIR_DESCENT)) != 0)
    share_memory (self, max_bytes);
  return self;
}

void
fw_repair_free (FwRepair *self)
{
  for (guint i = 0; i < self->units->len; i++)
    {
      g_clear_pointer (&self->entries[i].moments, fw_second_moments_free);
      g_hash_table_unref (self->entries[i].roundings);
    }
  g_free (self->entries);
  g_hash_table_unref (self->by_value);
  g_ptr_array_unref (self->units);
  fw_model_unref (self->prepared);
  g_free (self);
}

void
fw_repair_observe (FwRepair *self, const char *value, FwTensor *tensor, guint sample)
{
  GPtrArray *readers = g_hash_table_lookup (self->by_value, value);

  if (readers == NULL || fw_tensor_get_element_type (tensor) != FW_ELEMENT_FLOAT)
    return;
  for (guint i = 0; i < readers->len; i++)
    {
      Entry *entry = readers->pdata[i];

      fw_second_moments_add (entry->moments, fw_tensor_get_data (tensor), NULL,
                             fw_tensor_get_dims (tensor), fw_tensor_get_n_dims (tensor),
                             fw_second_moments_get_rows (&entry->columns, VALUES_PER_SAMPLE),
                             sample);
    }
}

/* Rounding ------------------------------------------------------------------------------------ */

/* Where no bias can take up a constant shift, it counts. */
static FwRepairFlags
get_repairs (FwRepair *self, const Entry *entry)
{
  return entry->unit->can_correct ? self->flags : self->flags & ~FW_REPAIR_BIAS;
}

static FwRounding *
make_rounding (FwRepair *self, Entry *entry, guint bits, guint block, FwRepairFlags repairs)
{
  const FwRoundingOptions options = { .bits = bits, .block = block, .repairs = repairs };
  Onnx__TensorProto *weight = fw_model_find_initializer (self->prepared, entry->unit->weight);
  g_autofree float *values = weight != NULL ? fw_tensor_proto_to_floats (weight) : NULL;

  if (values == NULL)
    return NULL;
  return fw_rounding_find (values, &entry->unit->shape, &options, entry->moments, self->threads);
}

static void
fill_unit (FwRepair *self, FwRecipe *recipe, Entry *entry)
{
  const FwOption option = fw_recipe_get_option (recipe, entry->unit->name);
  const guint bits = fw_option_get_bits (option), block = fw_option_get_block (option);
  const gpointer key = GUINT_TO_POINTER (bits | block << 8);
  GBytes *scales, *offsets;
  FwRounding *rounding;

  if (bits > 8 || bits < 2
      || fw_recipe_get_rounding (recipe, entry->unit->name, bits, block, &scales, &offsets))
    return;

  rounding = g_hash_table_lookup (entry->roundings, key);
  if (rounding == NULL)
    {
      rounding = make_rounding (self, entry, bits, block, get_repairs (self, entry));
      if (rounding == NULL)
        return;
      g_hash_table_insert (entry->roundings, key, rounding);
    }
  fw_recipe_set_rounding (recipe, entry->unit->name, bits, block, rounding->scales,
                          rounding->offsets);
}

gboolean
fw_repair_fill (FwRepair *self,
                FwRecipe *recipe,
                FwProgress *progress,
                GCancellable *cancellable,
                GError **error)
{
  for (guint i = 0; i < self->units->len; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      fill_unit (self, recipe, &self->entries[i]);
      fw_progress_report (progress, (i + 1.0) / self->units->len);
    }
  return TRUE;
}

/* The error with a good scale alone: what more there is to gain is alike for all widths. */
static double
get_error (FwRepair *self, Entry *entry, guint bits)
{
  double *error = &entry->errors[bits];

  if (*error < 0)
    {
      FwRepairFlags repairs
          = get_repairs (self, entry) & ~(FW_REPAIR_GPTQ | FW_REPAIR_DESCENT | FW_REPAIR_CROSS);
      g_autoptr (FwRounding) rounding
          = make_rounding (self, entry, bits, 0, repairs | FW_REPAIR_CLIP);

      *error = rounding != NULL ? rounding->error : 0;
    }
  return *error;
}

double
fw_repair_get_ratio (FwRepair *self, guint unit, guint bits)
{
  double reference, error;

  g_return_val_if_fail (unit < self->units->len && bits >= 2 && bits <= 8, 1);

  reference = get_error (self, &self->entries[unit], 4);
  error = get_error (self, &self->entries[unit], bits);
  return reference > 0 ? error / reference : 1;
}
