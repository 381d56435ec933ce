/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sizes.h"

/* Units changed to see what an option takes beside its codes. */
#define N_TRIED 3

/* Bytes of a model that takes its time to be built, and places on the chain that are. */
#define LARGE 20000000
#define N_LARGE_PLACES 8
#define N_PLACES 64

/* What an option takes beside codes and scales. */
typedef struct
{
  double unit;  /* each unit */
  double first; /* the first unit alone */
} Beside;

struct _FwSizes
{
  FwRewriter *rewriter;
  GPtrArray *units;
  FwRecipe *recipe;
  guint64 base;
  GHashTable *beside; /* FwOption -> Beside */
  GArray *by_size;    /* units, fewest weights first */
};

static FwUnit *
get_unit (FwSizes *self, guint i)
{
  return g_ptr_array_index (self->units, i);
}

static int
compare_units (gconstpointer a, gconstpointer b, gpointer user_data)
{
  FwSizes *self = user_data;
  guint left = *(const guint *) a, right = *(const guint *) b;
  guint64 x = get_unit (self, left)->n_weights, y = get_unit (self, right)->n_weights;

  if (x != y)
    return x < y ? -1 : 1;
  return left < right ? -1 : left > right;
}

/* The version with @n units at @option. */
static gboolean
build (FwSizes *self, FwOption option, const guint *units, guint n, guint64 *size, GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (self->recipe);
  g_autoptr (FwModel) model = NULL;

  for (guint i = 0; i < n; i++)
    fw_recipe_set_option (recipe, get_unit (self, units[i])->name, option);
  model = fw_rewriter_build (self->rewriter, recipe, error);
  if (model == NULL)
    return FALSE;
  *size = fw_model_get_size (model);
  return TRUE;
}

FwSizes *
fw_sizes_new (FwRewriter *rewriter, GPtrArray *units, FwRecipe *recipe, GError **error)
{
  g_autoptr (FwSizes) self = g_new0 (FwSizes, 1);

  self->rewriter = rewriter;
  self->units = g_ptr_array_ref (units);
  self->recipe = fw_recipe_copy (recipe);
  self->beside = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->by_size = g_array_new (FALSE, FALSE, sizeof (guint));
  for (guint i = 0; i < units->len; i++)
    g_array_append_val (self->by_size, i);
  g_array_sort_with_data (self->by_size, compare_units, self);
  if (!build (self, FW_OPTION_FLOAT32, NULL, 0, &self->base, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
fw_sizes_free (FwSizes *self)
{
  g_array_unref (self->by_size);
  g_hash_table_unref (self->beside);
  fw_recipe_free (self->recipe);
  g_ptr_array_unref (self->units);
  g_free (self);
}

guint64
fw_sizes_get_base (FwSizes *self)
{
  return self->base;
}

/* Codes and scales, which are halves where weights are only stored. */
static double
count (const FwUnit *unit, FwOption option)
{
  guint bits = fw_option_get_bits (option), block = fw_option_get_block (option);
  double n_scales = unit->shape.channels;
  double bytes = unit->n_weights * (bits / 8.0);

  if (bits > 8)
    return bytes;
  if (block != 0)
    n_scales *= (unit->n_weights / MAX (unit->shape.channels, 1) + block - 1) / block;
  return bytes + (fw_option_get_arithmetic (option) == FW_ARITHMETIC_FLOAT ? 2 : 4) * n_scales;
}

/* Bytes beside, of the units tried: in the middle, where units are neither odd nor large. */
static void
look (FwSizes *self, FwOption option, Beside *beside)
{
  guint tried[N_TRIED], n = 0;
  guint start = self->by_size->len / 3;
  double counted[2] = { 0 };
  guint64 size[2] = { 0 };

  for (guint k = 0; k < self->by_size->len && n < N_TRIED; k++)
    {
      guint i = g_array_index (self->by_size, guint, (start + k) % self->by_size->len);

      if (!fw_rewriter_can (self->rewriter, self->recipe, i, option))
        continue;
      counted[1] += count (get_unit (self, i), option) - 4.0 * get_unit (self, i)->n_weights;
      if (n == 0)
        counted[0] = counted[1];
      tried[n++] = i;
    }
  /* What can't be built is never taken; the figure only has to be some. */
  if (n == 0 || !build (self, option, tried, 1, &size[0], NULL)
      || !build (self, option, tried, n, &size[1], NULL))
    return;
  beside->unit = (double) size[0] - self->base - counted[0];
  if (n < 2)
    return;
  beside->unit = ((double) size[1] - size[0] - (counted[1] - counted[0])) / (n - 1);
  beside->first = MAX ((double) size[0] - self->base - counted[0] - beside->unit, 0);
}

static const Beside *
get_beside (FwSizes *self, FwOption option)
{
  Beside *beside = g_hash_table_lookup (self->beside, GUINT_TO_POINTER (option));

  if (beside == NULL)
    {
      beside = g_new0 (Beside, 1);
      look (self, option, beside);
      g_hash_table_insert (self->beside, GUINT_TO_POINTER (option), beside);
    }
  return beside;
}

double
fw_sizes_get (FwSizes *self, guint unit, FwOption option)
{
  FwUnit *entry = get_unit (self, unit);

  if (option == FW_OPTION_FLOAT32)
    return 4.0 * entry->n_weights;
  if (fw_option_get_arithmetic (option) == FW_ARITHMETIC_INT8)
    option = FW_OPTION (fw_option_get_bits (option), FW_ARITHMETIC_FLOAT, 0);
  return count (entry, option) + get_beside (self, option)->unit;
}

double
fw_sizes_get_shared (FwSizes *self, const FwOption *options)
{
  double most[9] = { 0 }, bytes = 0;

  /* All codes of one width are unpacked together, whatever is calculated with them. */
  for (guint i = 0; i < self->units->len; i++)
    {
      guint bits = fw_option_get_bits (options[i]);

      if (bits < G_N_ELEMENTS (most))
        most[bits] = MAX (most[bits], get_beside (self, FW_OPTION (bits, 0, 0))->first);
    }
  for (guint bits = 0; bits < G_N_ELEMENTS (most); bits++)
    bytes += most[bits];
  return bytes;
}

/* What is built is the whole model: of a large one few, of a small one all places. */
static guint
count_places (FwSizes *self, guint n)
{
  return MIN (n, self->base > LARGE ? N_LARGE_PLACES : N_PLACES);
}

void
fw_sizes_measure_chain (FwSizes *self, const guint *chain, guint n, guint bits, double *overhead)
{
  FwOption option = FW_OPTION (bits, FW_ARITHMETIC_INT8, 0);
  g_autofree FwOption *options = g_new0 (FwOption, self->units->len);
  guint n_places = count_places (self, n), known = 0;
  double stored = 0;

  overhead[0] = 0;
  for (guint level = 1, place = 1; level <= n; level++)
    {
      guint unit = chain[level - 1];
      guint64 size;

      options[unit] = option;
      stored += fw_sizes_get (self, unit, option) - fw_sizes_get (self, unit, FW_OPTION_FLOAT32);
      overhead[level] = overhead[known];
      if (level < (guint64) n * place / n_places
          || !build (self, option, chain, level, &size, NULL))
        continue;
      place++;
      overhead[level] = (double) size - self->base - stored - fw_sizes_get_shared (self, options);
      for (guint k = known + 1; k < level; k++)
        overhead[k]
            = overhead[known] + (overhead[level] - overhead[known]) * (k - known) / (level - known);
      known = level;
    }
}
