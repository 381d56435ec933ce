/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-recipe.h"

#include "fw-recipe-private.h"

static void
rounding_free (FwRecipeRounding *self)
{
  g_bytes_unref (self->scales);
  g_bytes_unref (self->offsets);
  g_free (self);
}

FwRecipe *
fw_recipe_new (const char *original_sha256, gboolean converted)
{
  FwRecipe *self = g_new0 (FwRecipe, 1);

  self->original = g_strdup (original_sha256);
  self->converted = converted;
  self->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->ranges = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->means
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  self->scalings
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  self->shifts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  self->roundings
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  return self;
}

static gpointer
rounding_copy (gconstpointer source, gpointer user_data)
{
  FwRecipeRounding *copy = g_memdup2 (source, sizeof (FwRecipeRounding));

  g_bytes_ref (copy->scales);
  g_bytes_ref (copy->offsets);
  return copy;
}

FwRecipe *
fw_recipe_copy (FwRecipe *self)
{
  FwRecipe *copy = g_new0 (FwRecipe, 1);
  GHashTableIter iter;
  gpointer key, value;

  copy->original = g_strdup (self->original);
  copy->runtime = g_strdup (self->runtime);
  copy->program = g_strdup (self->program);
  copy->converted = self->converted;
  copy->ranges = g_hash_table_ref (self->ranges);
  copy->means = g_hash_table_ref (self->means);
  copy->scalings = g_hash_table_ref (self->scalings);
  copy->options = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_hash_table_iter_init (&iter, self->options);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy->options, g_strdup (key), value);
  copy->shifts
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_bytes_unref);
  g_hash_table_iter_init (&iter, self->shifts);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy->shifts, g_strdup (key), g_bytes_ref (value));
  copy->roundings
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  g_hash_table_iter_init (&iter, self->roundings);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_hash_table_insert (copy->roundings, g_strdup (key),
                         g_ptr_array_copy (value, rounding_copy, NULL));
  return copy;
}

void
fw_recipe_free (FwRecipe *self)
{
  g_free (self->original);
  g_free (self->runtime);
  g_free (self->program);
  g_hash_table_unref (self->options);
  g_hash_table_unref (self->shifts);
  g_hash_table_unref (self->roundings);
  g_hash_table_unref (self->ranges);
  g_hash_table_unref (self->means);
  g_hash_table_unref (self->scalings);
  g_free (self);
}

const char *
fw_recipe_get_original (FwRecipe *self)
{
  return self->original;
}

gboolean
fw_recipe_get_converted (FwRecipe *self)
{
  return self->converted;
}

void
fw_recipe_set_option (FwRecipe *self, const char *unit, FwOption option)
{
  if (option == FW_OPTION_FLOAT32)
    g_hash_table_remove (self->options, unit);
  else
    g_hash_table_insert (self->options, g_strdup (unit), GUINT_TO_POINTER (option));
}

FwOption
fw_recipe_get_option (FwRecipe *self, const char *unit)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->options, unit));
}

/* Names from a file can be any bytes, those in JSON only text. */
static char *
make_key (const char *value)
{
  return g_utf8_validate (value, -1, NULL) ? g_strdup (value) : g_strescape (value, NULL);
}

void
fw_recipe_set_range (FwRecipe *self, const char *value, const FwRange *range)
{
  g_hash_table_insert (self->ranges, make_key (value), g_memdup2 (range, sizeof *range));
}

const FwRange *
fw_recipe_get_range (FwRecipe *self, const char *value)
{
  g_autofree char *key = make_key (value);

  return g_hash_table_lookup (self->ranges, key);
}

void
fw_recipe_set_mean (FwRecipe *self, const char *value, const float *mean, gsize channels)
{
  g_hash_table_insert (self->means, make_key (value),
                       g_bytes_new (mean, channels * sizeof (float)));
}

const float *
fw_recipe_get_mean (FwRecipe *self, const char *value, gsize *channels)
{
  g_autofree char *key = make_key (value);
  GBytes *bytes = g_hash_table_lookup (self->means, key);

  if (bytes == NULL)
    return NULL;
  *channels = g_bytes_get_size (bytes) / sizeof (float);
  return g_bytes_get_data (bytes, NULL);
}

static FwRecipeRounding *
find_rounding (FwRecipe *self, const char *unit, guint bits, guint block)
{
  GPtrArray *roundings = g_hash_table_lookup (self->roundings, unit);

  for (guint i = 0; roundings != NULL && i < roundings->len; i++)
    {
      FwRecipeRounding *rounding = g_ptr_array_index (roundings, i);

      if (rounding->bits == bits && rounding->block == block)
        return rounding;
    }
  return NULL;
}

void
fw_recipe_set_rounding (FwRecipe *self,
                        const char *unit,
                        guint bits,
                        guint block,
                        GBytes *scales,
                        GBytes *offsets)
{
  FwRecipeRounding *rounding = find_rounding (self, unit, bits, block);
  GPtrArray *roundings = g_hash_table_lookup (self->roundings, unit);

  if (roundings == NULL)
    {
      roundings = g_ptr_array_new_with_free_func ((GDestroyNotify) rounding_free);
      g_hash_table_insert (self->roundings, g_strdup (unit), roundings);
    }
  if (rounding != NULL)
    g_ptr_array_remove (roundings, rounding);
  rounding = g_new (FwRecipeRounding, 1);
  *rounding = (FwRecipeRounding){ bits, block, g_bytes_ref (scales), g_bytes_ref (offsets) };
  g_ptr_array_add (roundings, rounding);
}

gboolean
fw_recipe_get_rounding (FwRecipe *self,
                        const char *unit,
                        guint bits,
                        guint block,
                        GBytes **scales,
                        GBytes **offsets)
{
  FwRecipeRounding *rounding = find_rounding (self, unit, bits, block);

  if (rounding == NULL)
    return FALSE;
  *scales = rounding->scales;
  *offsets = rounding->offsets;
  return TRUE;
}

void
fw_recipe_set_shift (FwRecipe *self, const char *unit, const float *shift, gsize channels)
{
  if (shift == NULL)
    g_hash_table_remove (self->shifts, unit);
  else
    g_hash_table_insert (self->shifts, g_strdup (unit),
                         g_bytes_new (shift, channels * sizeof (float)));
}

const float *
fw_recipe_get_shift (FwRecipe *self, const char *unit, gsize *channels)
{
  GBytes *bytes = g_hash_table_lookup (self->shifts, unit);

  if (bytes == NULL)
    return NULL;
  *channels = g_bytes_get_size (bytes) / sizeof (float);
  return g_bytes_get_data (bytes, NULL);
}

void
fw_recipe_set_scaling (FwRecipe *self, const char *value, const gint8 *exponents, gsize channels)
{
  g_hash_table_insert (self->scalings, make_key (value), g_bytes_new (exponents, channels));
}

const gint8 *
fw_recipe_get_scaling (FwRecipe *self, const char *value, gsize *channels)
{
  g_autofree char *key = make_key (value);
  GBytes *bytes = g_hash_table_lookup (self->scalings, key);

  *channels = 0;
  return bytes != NULL ? g_bytes_get_data (bytes, channels) : NULL;
}

guint
fw_recipe_get_n_scalings (FwRecipe *self)
{
  return g_hash_table_size (self->scalings);
}

void
fw_recipe_share_scalings (FwRecipe *self, FwRecipe *other)
{
  GHashTable *old = self->scalings;

  self->scalings = g_hash_table_ref (other->scalings);
  g_hash_table_unref (old);
}
