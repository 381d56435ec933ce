/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sensitivity.h"

#include <math.h>

/* Runs of the model that one kind of option may take, about. */
#define MAX_RUNS 500
#define LEAST_ROWS 4
/* At 4 bits; above that harm no longer grows in step with the error. */
#define MUCH_HARM 0.03
#define DIGITS 3

typedef struct
{
  const FwTrial *trial;
  FwPredictor *predictor;
  FwRecipe *base; /* the trial's, with the roundings that are tried; all units at float32 */
  FwUnitHarm *harms;
  guint n_units;
  guint n_rows;   /* for each unit */
  guint n_groups; /* of units that are tried together */
  guint *group;   /* [units] */
  double *share;  /* [units]: of the group's harm */
} Ranking;

static FwUnit *
get_unit (Ranking *r, guint i)
{
  return g_ptr_array_index (r->trial->units, i);
}

double
fw_unit_harm_get (const FwUnitHarm *self, FwOption option)
{
  return self->storage[fw_width_find (fw_option_get_bits (option))]
         + self->arithmetic[fw_option_get_arithmetic (option)];
}

/* Groups -------------------------------------------------------------------------------------- */

static int
compare_sizes (gconstpointer a, gconstpointer b, gpointer user_data)
{
  Ranking *r = user_data;
  guint left = *(const guint *) a, right = *(const guint *) b;
  guint64 n_left = get_unit (r, left)->n_weights, n_right = get_unit (r, right)->n_weights;

  if (n_left != n_right)
    return n_left > n_right ? -1 : 1;
  return left < right ? -1 : left > right;
}

/* Each unit alone, or, where they are very many, the smallest ones in groups of neighbours that
 * share a third of the runs. */
static void
make_groups (Ranking *r)
{
  guint n = r->n_units, most = MAX_RUNS / LEAST_ROWS, alone, left, per_group, in_group = 0;
  g_autofree guint *order = g_new (guint, n + 1);
  g_autofree gboolean *is_alone = g_new0 (gboolean, n + 1);
  g_autofree double *weights = NULL;

  for (guint i = 0; i < n; i++)
    order[i] = i;
  g_qsort_with_data (order, n, sizeof *order, compare_sizes, r);
  alone = n <= most ? n : most * 2 / 3;
  left = n - alone;
  per_group = (left + most - most * 2 / 3 - 1) / (most - most * 2 / 3);
  for (guint i = 0; i < alone; i++)
    is_alone[order[i]] = TRUE;

  r->group = g_new (guint, n + 1);
  r->share = g_new (double, n + 1);
  for (guint i = 0; i < n; i++)
    if (is_alone[i])
      r->group[i] = r->n_groups++;
  for (guint i = 0; i < n; i++)
    if (!is_alone[i])
      {
        r->group[i] = r->n_groups + in_group++ / per_group;
      }
  r->n_groups += per_group > 0 ? (in_group + per_group - 1) / per_group : 0;

  weights = g_new0 (double, r->n_groups + 1);
  for (guint i = 0; i < n; i++)
    weights[r->group[i]] += get_unit (r, i)->n_weights;
  for (guint i = 0; i < n; i++)
    r->share[i] = get_unit (r, i)->n_weights / weights[r->group[i]];
}

/* Measuring ----------------------------------------------------------------------------------- */

/* One kind of option: of each unit the option that is tried, FLOAT32 for none. */
typedef struct
{
  FwOption *options; /* [units] */
  gboolean activations;
} Kind;

static FwOption
choose (Ranking *r, guint unit, FwOption option)
{
  return fw_rewriter_can (r->trial->rewriter, r->trial->recipe, unit, option) ? option
                                                                              : FW_OPTION_FLOAT32;
}

static void
clear_recipes (GPtrArray *recipes)
{
  g_ptr_array_set_free_func (recipes, (GDestroyNotify) fw_recipe_free);
  g_ptr_array_unref (recipes);
}

/* Fills @harms[units]: +inf for those that are not tried. */
static gboolean
measure (Ranking *r,
         const Kind *kind,
         double *harms,
         FwProgress *progress,
         GCancellable *cancellable,
         GError **error)
{
  GPtrArray *recipes = g_ptr_array_new ();
  g_autofree int *place = g_new (int, r->n_groups + 1);
  g_autofree double *results = NULL;
  gboolean ok;

  for (guint g = 0; g < r->n_groups; g++)
    place[g] = -1;
  for (guint i = 0; i < r->n_units; i++)
    if (kind->options[i] != FW_OPTION_FLOAT32)
      {
        guint group = r->group[i];

        if (place[group] < 0)
          {
            place[group] = recipes->len;
            g_ptr_array_add (recipes, fw_recipe_copy (r->base));
          }
        fw_recipe_set_option (g_ptr_array_index (recipes, place[group]), get_unit (r, i)->name,
                              kind->options[i]);
      }
  results = g_new0 (double, recipes->len + 1);
  ok = (kind->activations ? fw_predictor_predict_activations : fw_predictor_predict) (
      r->predictor, (FwRecipe *const *) recipes->pdata, recipes->len, r->n_rows, results, progress,
      cancellable, error);
  clear_recipes (recipes);
  for (guint i = 0; i < r->n_units && ok; i++)
    harms[i] = kind->options[i] != FW_OPTION_FLOAT32 ? results[place[r->group[i]]] * r->share[i]
                                                     : INFINITY;
  return ok;
}

/* The roundings that @options need, all at once. */
static gboolean
round_weights (Ranking *r,
               const FwOption *options,
               FwProgress *progress,
               GCancellable *cancellable,
               GError **error)
{
  gboolean ok;

  if (r->trial->repair == NULL)
    return TRUE;
  for (guint i = 0; i < r->n_units; i++)
    fw_recipe_set_option (r->base, get_unit (r, i)->name, options[i]);
  ok = fw_repair_fill (r->trial->repair, r->base, progress, cancellable, error);
  for (guint i = 0; i < r->n_units; i++)
    fw_recipe_set_option (r->base, get_unit (r, i)->name, FW_OPTION_FLOAT32);
  return ok;
}

/* What rounding to @bits does as a share of what rounding to 4 does. */
static double
get_ratio (Ranking *r, guint unit, guint bits)
{
  double step;

  if (r->trial->repair != NULL)
    return fw_repair_get_ratio (r->trial->repair, unit, bits);
  step = 7.0 / ((1 << (bits - 1)) - 1);
  return step * step;
}

/* @four and @eight: measured; @eight is +inf where it was not. */
static void
fill_widths (Ranking *r, guint unit, double four, double eight)
{
  double *storage = r->harms[unit].storage;
  double least = storage[fw_width_find (16)];

  for (guint k = fw_width_find (8); k < FW_N_WIDTHS; k++)
    {
      guint bits = fw_widths[k];
      double from_four = isfinite (four) ? four * get_ratio (r, unit, bits) : INFINITY;
      double from_eight = isfinite (eight)
                              ? eight * get_ratio (r, unit, bits) / get_ratio (r, unit, 8)
                              : INFINITY;
      double weight = (8.0 - MAX (bits, 4)) / 4;

      if (!fw_unit_can (get_unit (r, unit), FW_OPTION (bits, FW_ARITHMETIC_FLOAT, 0)))
        continue;
      if (isfinite (from_four) && isfinite (from_eight))
        storage[k]
            = pow (MAX (from_four, 1e-300), weight) * pow (MAX (from_eight, 1e-300), 1 - weight);
      else
        storage[k] = isfinite (from_eight) ? from_eight : from_four;
      /* Fewer bits never do less. */
      storage[k] = least = MAX (storage[k], least);
    }
}

static gboolean
measure_storage (Ranking *r, FwProgress *progress, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwProgress) first = fw_progress_slice (progress, 0, 0.3);
  g_autoptr (FwProgress) second = fw_progress_slice (progress, 0.3, 0.7);
  g_autoptr (FwProgress) third = fw_progress_slice (progress, 0.7, 1);
  g_autofree FwOption *options = g_new (FwOption, r->n_units + 1);
  g_autofree double *four = g_new (double, r->n_units + 1);
  g_autofree double *eight = g_new (double, r->n_units + 1);
  const Kind kind = { options, FALSE };

  for (guint i = 0; i < r->n_units; i++)
    options[i] = choose (r, i, FW_OPTION_INT4_STORAGE);
  if (!round_weights (r, options, first, cancellable, error)
      || !measure (r, &kind, four, second, cancellable, error))
    return FALSE;
  for (guint i = 0; i < r->n_units; i++)
    options[i] = four[i] <= MUCH_HARM * r->share[i] ? FW_OPTION_FLOAT32
                                                    : choose (r, i, FW_OPTION_INT8_STORAGE);
  if (!round_weights (r, options, NULL, cancellable, error)
      || !measure (r, &kind, eight, third, cancellable, error))
    return FALSE;
  for (guint i = 0; i < r->n_units; i++)
    fill_widths (r, i, four[i], eight[i]);
  return TRUE;
}

static gboolean
measure_arithmetic (Ranking *r,
                    FwOption option,
                    FwProgress *progress,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autofree FwOption *options = g_new (FwOption, r->n_units + 1);
  g_autofree double *results = g_new (double, r->n_units + 1);
  const Kind kind = { options, TRUE };

  for (guint i = 0; i < r->n_units; i++)
    options[i] = choose (r, i, option);
  if (!measure (r, &kind, results, progress, cancellable, error))
    return FALSE;
  for (guint i = 0; i < r->n_units; i++)
    r->harms[i].arithmetic[fw_option_get_arithmetic (option)] = results[i];
  return TRUE;
}

/* Half precision does so little that it is measured once for all units and shared out by weights.
 */
static gboolean
measure_float16 (Ranking *r, GCancellable *cancellable, GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (r->trial->recipe);
  double harm, n_weights = 0;

  for (guint i = 0; i < r->n_units; i++)
    {
      fw_recipe_set_option (recipe, get_unit (r, i)->name, FW_OPTION_FLOAT16);
      n_weights += get_unit (r, i)->n_weights;
    }
  if (!fw_predictor_predict (r->predictor, &recipe, 1, r->n_rows, &harm, NULL, cancellable, error))
    return FALSE;
  for (guint i = 0; i < r->n_units; i++)
    r->harms[i].storage[fw_width_find (16)] = harm * get_unit (r, i)->n_weights / n_weights;
  return TRUE;
}

/* All together -------------------------------------------------------------------------------- */

static double
cut_digits (double value)
{
  double unit;

  if (!isfinite (value) || value <= 0)
    return value;
  unit = pow (10, floor (log10 (value)) - (DIGITS - 1));
  return round (value / unit) * unit;
}

static void
finish (Ranking *r)
{
  for (guint i = 0; i < r->n_units; i++)
    {
      FwUnitHarm *harm = &r->harms[i];

      for (guint k = 0; k < FW_N_WIDTHS; k++)
        harm->storage[k] = cut_digits (harm->storage[k]);
      for (guint k = 0; k < FW_N_ARITHMETICS; k++)
        harm->arithmetic[k] = cut_digits (harm->arithmetic[k]);
      g_debug ("harm of %s: 8 bits %.3g, 4 bits %.3g, int8 arithmetic %.3g", get_unit (r, i)->name,
               harm->storage[fw_width_find (8)], harm->storage[fw_width_find (4)],
               harm->arithmetic[FW_ARITHMETIC_INT8]);
    }
}

static gboolean
measure_all (Ranking *r,
             gboolean arithmetic,
             FwProgress *progress,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (FwProgress) storing = fw_progress_slice (progress, 0, arithmetic ? 0.6 : 1);
  g_autoptr (FwProgress) computing = fw_progress_slice (progress, 0.6, 0.9);
  g_autoptr (FwProgress) dynamic = fw_progress_slice (progress, 0.9, 1);

  if (!measure_float16 (r, cancellable, error) || !measure_storage (r, storing, cancellable, error))
    return FALSE;
  if (!arithmetic)
    return TRUE;
  if (!measure_arithmetic (r, FW_OPTION_INT8_COMPUTE, computing, cancellable, error)
      || !measure_arithmetic (r, FW_OPTION_INT8_DYNAMIC, dynamic, cancellable, error))
    return FALSE;
  /* Beside weights in blocks activations are rounded in blocks, which does no more than rounding
   * them as a whole. */
  for (guint i = 0; i < r->n_units; i++)
    if (get_unit (r, i)->can[FW_ARITHMETIC_BLOCKS])
      r->harms[i].arithmetic[FW_ARITHMETIC_BLOCKS]
          = r->harms[i].arithmetic[FW_ARITHMETIC_INT8_DYNAMIC];
  return TRUE;
}

static void
clear_harms (Ranking *r)
{
  for (guint i = 0; i < r->n_units; i++)
    {
      for (guint k = 0; k < FW_N_WIDTHS; k++)
        r->harms[i].storage[k] = k == 0 ? 0 : INFINITY;
      for (guint k = 0; k < FW_N_ARITHMETICS; k++)
        r->harms[i].arithmetic[k] = k == FW_ARITHMETIC_FLOAT ? 0 : INFINITY;
    }
}

gboolean
fw_sensitivity_measure (const FwTrial *trial,
                        gboolean arithmetic,
                        FwUnitHarm *harms,
                        FwProgress *progress,
                        GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (FwPredictor) made = NULL;
  Ranking r = { .trial = trial, .predictor = trial->predictor, .harms = harms };
  gint64 start = g_get_monotonic_time ();
  guint n_runs;
  gboolean ok;

  r.n_units = trial->units->len;
  if (r.n_units == 0)
    return TRUE;
  if (r.predictor == NULL)
    r.predictor = made = fw_predictor_new (trial, cancellable, error);
  if (r.predictor == NULL)
    return FALSE;
  n_runs = fw_predictor_get_n_runs (r.predictor);
  r.n_rows = CLAMP (MAX_RUNS / r.n_units, LEAST_ROWS, MAX (trial->rows->len, LEAST_ROWS));
  r.base = fw_recipe_copy (trial->recipe);
  make_groups (&r);
  clear_harms (&r);
  ok = measure_all (&r, arithmetic, progress, cancellable, error);
  if (ok)
    finish (&r);
  g_debug ("%u units ranked by %u runs in %.2f s", r.n_units,
           fw_predictor_get_n_runs (r.predictor) - n_runs, (g_get_monotonic_time () - start) / 1e6);
  fw_recipe_free (r.base);
  g_free (r.group);
  g_free (r.share);
  return ok;
}
