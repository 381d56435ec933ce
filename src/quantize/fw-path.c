/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-path.h"

#include <math.h>

/* int8 arithmetic must save at least this share of the time to be worth its harm. */
#define LEAST_TIME_SAVED 0.03
/* Places to begin that are this close to the fastest count as equally fast. */
#define TIME_TOLERANCE 0.02
/* A place to begin that is slower than this behind a later one is a detour: nobody stops there. */
#define DETOUR 0.04

/* What an item of the path would do next. */
typedef struct
{
  double slope; /* harm for each share of the cost saved; +inf: nothing */
  guint to;     /* a width, or how many units of the chain compute */
} Move;

typedef struct
{
  const FwPathInput *input;
  double byte_weight, time_weight;
  guint first_compute;
  double *time; /* [units + 1]: predicted latency with int8 from a unit on, never rising forwards */
  GArray *chain;     /* units that may compute, last first */
  double *overhead;  /* [chain + 1]: bytes that it takes so many of them to compute */
  guint level;       /* how many of them do */
  gboolean together; /* those of the chain go to 8 bits and to int8 arithmetic at once */
  FwOption *state;
  double dynamic_saved; /* by the units that compute dynamically so far */
  Move *moves;          /* [units] */
  Move chain_move;
  Move *dynamic_moves; /* [units] */
} Planning;

static void
step_free (FwStep *self)
{
  g_array_unref (self->changes);
  g_free (self);
}

static FwUnit *
get_unit (const FwPathInput *input, guint i)
{
  return g_ptr_array_index (input->units, i);
}

static double
get_byte_weight (FwPrefer prefer)
{
  static const double byte_weights[]
      = { [FW_PREFER_BOTH] = 0.5, [FW_PREFER_SIZE] = 1, [FW_PREFER_SPEED] = 0.1 };

  return byte_weights[prefer];
}

double
fw_path_weigh (FwPrefer prefer, double bytes, double time)
{
  double weight = get_byte_weight (prefer);

  return weight * bytes + (1 - weight) * time;
}

static FwOption
with_bits (FwOption option, guint bits)
{
  return FW_OPTION (bits, fw_option_get_arithmetic (option), 0);
}

/* @option with what the unit's weights need to be for @arithmetic. */
static FwOption
with_arithmetic (Planning *p, FwOption option, FwArithmetic arithmetic)
{
  return FW_OPTION (MIN (fw_option_get_bits (option), p->input->compute_bits), arithmetic, 0);
}

static double
get_harm (Planning *p, guint unit, FwOption option)
{
  return fw_unit_harm_get (&p->input->harms[unit], option);
}

static gboolean
can (Planning *p, guint unit, FwOption option)
{
  return isfinite (get_harm (p, unit, option))
         && fw_rewriter_can (p->input->rewriter, p->input->recipe, unit, option);
}

/* int8 arithmetic -------------------------------------------------------------------------------
 */

/* More units in int8 may measure slower for a while, by noise or because the way in moved to a bad
 * place; the way through still has to be gone. */
static void
smooth_time (Planning *p)
{
  guint n = p->input->units->len;
  double least = 1;

  for (guint k = n + 1; k-- > 0;)
    {
      if (p->input->time_share != NULL && p->time_weight > 0)
        least = MIN (least, p->input->time_share[k]);
      p->time[k] = least;
    }
}

/* Where int8 arithmetic should begin: the fastest place, the latest of those about as fast. */
static void
choose_chain (Planning *p)
{
  guint n = p->input->units->len;

  p->first_compute = n;
  if (p->time[0] > 1 - LEAST_TIME_SAVED)
    return;
  while (p->time[p->first_compute] > p->time[0] + TIME_TOLERANCE)
    p->first_compute--;
  for (guint i = n; i-- > p->first_compute;)
    if (can (p, i, FW_OPTION (p->input->compute_bits, FW_ARITHMETIC_INT8, 0)))
      g_array_append_val (p->chain, i);
}

/* The latency with the first @level units of the chain in int8. */
static double
get_time (Planning *p, guint level)
{
  double time = level == 0 ? 1 : p->time[g_array_index (p->chain, guint, level - 1)];

  return MAX (time - p->dynamic_saved, 0);
}

static gboolean
is_detour (Planning *p, guint level)
{
  guint first;

  if (level == 0 || p->input->time_share == NULL)
    return FALSE;
  first = g_array_index (p->chain, guint, level - 1);
  return p->input->time_share[first] > p->time[first] + DETOUR;
}

/* Moves ---------------------------------------------------------------------------------------- */

static double
get_saved_bytes (Planning *p, guint unit, FwOption from, FwOption to)
{
  return (fw_sizes_get (p->input->sizes, unit, from) - fw_sizes_get (p->input->sizes, unit, to))
         / p->input->original_size;
}

/* The first segment of the lower convex hull of the widths from here on. */
static void
plan_bits (Planning *p, guint unit)
{
  FwOption from = p->state[unit];
  Move best = { INFINITY, 0 };
  gboolean waits = p->together && unit >= p->first_compute
                   && fw_option_get_arithmetic (from) == FW_ARITHMETIC_FLOAT
                   && can (p, unit, with_arithmetic (p, from, FW_ARITHMETIC_INT8));
  guint end = waits ? fw_width_find (8) : FW_N_WIDTHS;

  for (guint to = fw_width_find (fw_option_get_bits (from)) + 1; to < end; to++)
    {
      FwOption option = with_bits (from, fw_widths[to]);
      double saved, slope;

      if (!can (p, unit, option))
        continue;
      saved = p->byte_weight * get_saved_bytes (p, unit, from, option);
      slope = MAX (get_harm (p, unit, option) - get_harm (p, unit, from), 0) / saved;
      if (saved > 0 && slope <= best.slope)
        best = (Move){ slope, to };
    }
  p->moves[unit] = best;
}

/* The first segment of the hull of (cost, harm) over how many more units compute. */
static void
plan_chain (Planning *p)
{
  double harm = 0, bytes = 0;
  Move best = { INFINITY, 0 };

  for (guint level = p->level + 1; level <= p->chain->len; level++)
    {
      guint unit = g_array_index (p->chain, guint, level - 1);
      FwOption from = p->state[unit], to = with_arithmetic (p, from, FW_ARITHMETIC_INT8);
      double saved, slope;

      /* What goes with fewer bits is paid for by the bytes that it saves. */
      harm += MAX (get_harm (p, unit, to) - get_harm (p, unit, from), 0);
      bytes += get_saved_bytes (p, unit, from, to);
      saved = p->byte_weight
                  * (bytes - (p->overhead[level] - p->overhead[p->level]) / p->input->original_size)
              + p->time_weight * (get_time (p, p->level) - get_time (p, level));
      slope = harm / saved;
      if (saved > 0 && slope <= best.slope && !is_detour (p, level))
        best = (Move){ slope, level };
    }
  p->chain_move = best;
}

static void
plan_dynamic (Planning *p, guint unit)
{
  FwOption from = p->state[unit], to = with_arithmetic (p, from, FW_ARITHMETIC_INT8_DYNAMIC);
  double saved;

  p->dynamic_moves[unit] = (Move){ INFINITY, 0 };
  if (p->input->dynamic_saved == NULL || p->time_weight <= 0
      || fw_option_get_arithmetic (from) != FW_ARITHMETIC_FLOAT
      || !(p->input->dynamic_saved[unit] > 0) || !can (p, unit, to))
    return;
  saved = p->byte_weight * get_saved_bytes (p, unit, from, to)
          + p->time_weight * p->input->dynamic_saved[unit];
  if (saved > 0)
    p->dynamic_moves[unit].slope
        = MAX (get_harm (p, unit, to) - get_harm (p, unit, from), 0) / saved;
}

static void
plan_unit (Planning *p, guint unit)
{
  plan_bits (p, unit);
  plan_dynamic (p, unit);
}

/* Steps ---------------------------------------------------------------------------------------- */

static void
fill_step (Planning *p, FwStep *step)
{
  const FwPathInput *input = p->input;
  double size = fw_sizes_get_base (input->sizes) + fw_sizes_get_shared (input->sizes, p->state)
                + p->overhead[p->level];

  step->harm = 0;
  for (guint i = 0; i < input->units->len; i++)
    {
      size += fw_sizes_get (input->sizes, i, p->state[i])
              - fw_sizes_get (input->sizes, i, FW_OPTION_FLOAT32);
      step->harm += get_harm (p, i, p->state[i]);
    }
  step->size = MAX (size, 1);
  step->time = get_time (p, p->level);
  step->cost
      = fw_path_weigh (input->prefer, (double) step->size / input->original_size, step->time);
}

/* Keeps the promises of the path: a step that breaks one is taken together with the next. */
static void
add_step (Planning *p, FwPath *path, FwStep *step, GArray **pending)
{
  FwStep *last
      = path->steps->len > 0 ? g_ptr_array_index (path->steps, path->steps->len - 1) : NULL;

  if (*pending != NULL)
    {
      g_array_prepend_vals (step->changes, (*pending)->data, (*pending)->len);
      g_clear_pointer (pending, g_array_unref);
    }
  if (is_detour (p, p->level)
      || (last != NULL
              ? step->cost >= last->cost || step->size > last->size || step->harm < last->harm
              : step->cost >= 1 || step->size >= p->input->original_size))
    {
      *pending = g_array_ref (step->changes);
      step_free (step);
      return;
    }
  g_ptr_array_add (path->steps, step);
}

static void
change (Planning *p, FwPath *path, guint unit, FwOption option, GArray **pending)
{
  FwStep *step = g_new0 (FwStep, 1);
  FwChange entry = { unit, option };

  if (fw_option_get_arithmetic (option) == FW_ARITHMETIC_INT8_DYNAMIC
      && fw_option_get_arithmetic (p->state[unit]) == FW_ARITHMETIC_FLOAT)
    p->dynamic_saved += p->input->dynamic_saved[unit];
  p->state[unit] = option;
  step->changes = g_array_new (FALSE, FALSE, sizeof (FwChange));
  g_array_append_val (step->changes, entry);
  fill_step (p, step);
  add_step (p, path, step, pending);
  plan_unit (p, unit);
}

/* A segment of the chain is gone unit by unit: more places to stop at. */
static void
go_along_chain (Planning *p, FwPath *path, GArray **pending)
{
  guint to = p->chain_move.to;

  while (p->level < to)
    {
      guint unit = g_array_index (p->chain, guint, p->level++);

      change (p, path, unit, with_arithmetic (p, p->state[unit], FW_ARITHMETIC_INT8), pending);
    }
}

/* FALSE at the end. */
static gboolean
take_best_move (Planning *p, FwPath *path, GArray **pending)
{
  guint best = 0;
  gboolean is_dynamic = FALSE;
  double slope = INFINITY;

  for (guint i = 0; i < p->input->units->len; i++)
    {
      double least = MIN (p->moves[i].slope, p->dynamic_moves[i].slope);

      if (least < slope)
        {
          slope = least;
          best = i;
          is_dynamic = p->dynamic_moves[i].slope < p->moves[i].slope;
        }
    }
  if (p->chain_move.slope <= slope && isfinite (p->chain_move.slope))
    go_along_chain (p, path, pending);
  else if (!isfinite (slope))
    return FALSE;
  else if (is_dynamic)
    change (p, path, best, with_arithmetic (p, p->state[best], FW_ARITHMETIC_INT8_DYNAMIC),
            pending);
  else
    change (p, path, best, with_bits (p->state[best], fw_widths[p->moves[best].to]), pending);
  /* What a unit of the chain saves depends on its bits so far. */
  plan_chain (p);
  return TRUE;
}

/* FALSE where units that should compute can't without making the file larger again. */
static gboolean
fill_path (Planning *p, FwPath *path)
{
  GArray *pending = NULL;
  double max_harm = p->input->max_harm > 0 ? p->input->max_harm : INFINITY;
  gboolean is_whole;

  for (guint i = 0; i < p->input->units->len; i++)
    plan_unit (p, i);
  plan_chain (p);
  while (take_best_move (p, path, &pending)
         && fw_path_get_harm (path, path->steps->len) <= max_harm)
    ;
  is_whole = pending == NULL;
  g_clear_pointer (&pending, g_array_unref);
  /* At least one version, however bad. */
  while (path->steps->len > 1 && fw_path_get_harm (path, path->steps->len) > max_harm)
    fw_path_truncate (path, path->steps->len - 1);
  return is_whole;
}

static gboolean
try_path (const FwPathInput *input, gboolean together, FwPath **result)
{
  FwPath *path = g_new0 (FwPath, 1);
  guint n = input->units->len;
  g_autoptr (GArray) chain = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree double *time = g_new0 (double, n + 1);
  g_autofree FwOption *state = g_new0 (FwOption, n);
  g_autofree Move *moves = g_new0 (Move, n);
  g_autofree Move *dynamic_moves = g_new0 (Move, n);
  g_autofree double *overhead = NULL;
  Planning p = { .input = input,
                 .together = together,
                 .time = time,
                 .chain = chain,
                 .state = state,
                 .moves = moves,
                 .dynamic_moves = dynamic_moves };
  gboolean is_whole;

  path->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) step_free);
  p.byte_weight = get_byte_weight (input->prefer);
  p.time_weight = 1 - p.byte_weight;
  smooth_time (&p);
  choose_chain (&p);
  path->first_compute = p.first_compute;
  overhead = g_new0 (double, chain->len + 1);
  fw_sizes_measure_chain (input->sizes, (const guint *) (gpointer) chain->data, chain->len,
                          input->compute_bits, overhead);
  p.overhead = overhead;
  is_whole = fill_path (&p, path) || chain->len == 0;
  *result = path;
  return is_whole;
}

FwPath *
fw_path_new (const FwPathInput *input)
{
  FwPath *path, *other;

  /* In small models the scales and nodes of int8 arithmetic outweigh what few weights save after
   * they have been rounded: then both have to be one step. */
  if (try_path (input, FALSE, &path))
    return path;
  try_path (input, TRUE, &other);
  if (other->steps->len == 0
      || (path->steps->len > 0
          && fw_path_get_cost (other, other->steps->len)
                 >= fw_path_get_cost (path, path->steps->len)))
    {
      fw_path_free (other);
      return path;
    }
  fw_path_free (path);
  return other;
}

void
fw_path_free (FwPath *self)
{
  g_ptr_array_unref (self->steps);
  g_free (self);
}

FwRecipe *
fw_path_make_recipe (FwPath *self, const FwPathInput *input, guint n_steps)
{
  FwRecipe *recipe = fw_recipe_copy (input->recipe);

  g_return_val_if_fail (n_steps <= self->steps->len, recipe);

  for (guint i = 0; i < n_steps; i++)
    {
      FwStep *step = g_ptr_array_index (self->steps, i);

      for (guint j = 0; j < step->changes->len; j++)
        {
          const FwChange *change = &g_array_index (step->changes, FwChange, j);

          fw_recipe_set_option (recipe, get_unit (input, change->unit)->name, change->option);
        }
    }
  return recipe;
}

/* The finished path ---------------------------------------------------------------------------- */

static FwStep *
get_step (FwPath *self, guint n_steps)
{
  return n_steps == 0 ? NULL : g_ptr_array_index (self->steps, n_steps - 1);
}

double
fw_path_get_harm (FwPath *self, guint n_steps)
{
  return n_steps == 0 ? 0 : get_step (self, n_steps)->harm;
}

void
fw_path_truncate (FwPath *self, guint n_steps)
{
  g_return_if_fail (n_steps <= self->steps->len);

  g_ptr_array_set_size (self->steps, n_steps);
}

/* Harm below this can't be told from none: 80 dB. */
#define LEAST_HARM 1e-8

void
fw_path_correct_harms (FwPath *self, const guint *at, const double *harms, guint n)
{
  double least = 0, before = 0, after = 0;
  guint done = 0;

  for (guint k = 0; k <= n && n > 0; k++)
    {
      guint end = k < n ? at[k] : self->steps->len;

      /* Beyond the last measured one its own factor holds. */
      if (k < n)
        after = log (MAX (harms[k], LEAST_HARM))
                - log (MAX (fw_path_get_harm (self, end), LEAST_HARM));
      if (k == 0)
        before = after;
      for (guint i = done + 1; i <= end; i++)
        {
          FwStep *step = get_step (self, i);
          double part = (double) (i - done) / (end - done);

          step->harm = MAX (least, step->harm * exp (before + (after - before) * part));
          least = step->harm;
        }
      done = end;
      before = after;
    }
}

double
fw_path_get_cost (FwPath *self, guint n_steps)
{
  return n_steps == 0 ? 1 : get_step (self, n_steps)->cost;
}

double
fw_path_place (FwPath *self, double cost)
{
  double least = fw_path_get_cost (self, self->steps->len);

  if (least >= 1)
    return 100;
  return CLAMP (100 * (cost - least) / (1 - least), 0, 100);
}

double
fw_path_get_position (FwPath *self, guint n_steps)
{
  return fw_path_place (self, fw_path_get_cost (self, n_steps));
}

guint
fw_path_find (FwPath *self, double position)
{
  guint n = 0;

  while (n < self->steps->len && fw_path_get_position (self, n + 1) >= position - 1e-9)
    n++;
  return n;
}

/* Answers begin to change somewhere above 2e-4 of harm (37 dB), and at half a unit of it little is
 * left of them. */
#define FIRST_FELT 2e-4
#define LAST_FELT 0.2

/* How far along the path, by cost, and more by the decibels of harm that can be felt: 0 to 1. */
static double
get_progress (FwPath *self, guint n_steps)
{
  double least = log (FIRST_FELT);
  double most = log (CLAMP (fw_path_get_harm (self, self->steps->len), FIRST_FELT, LAST_FELT));
  double here = log (CLAMP (fw_path_get_harm (self, n_steps), FIRST_FELT, LAST_FELT));
  double cost = 1 - fw_path_get_position (self, n_steps) / 100;

  if (most <= least)
    return cost;
  return 0.4 * cost + 0.6 * (here - least) / (most - least);
}

GArray *
fw_path_choose_stops (FwPath *self, guint n)
{
  GArray *stops = g_array_new (FALSE, FALSE, sizeof (guint));
  guint n_steps = self->steps->len;
  double first;

  if (n_steps == 0 || n == 0)
    return stops;
  first = get_progress (self, 1);
  for (guint k = 0, step = 1; k < n && step <= n_steps; k++)
    {
      double wanted = first + (1 - first) * (k + 1.0) / n;
      guint left = n - k; /* stops still to place, this one among them */
      guint best = step;

      /* Leave a step for each stop still to come. */
      for (guint i = step; i + left <= n_steps + 1 || i == step; i++)
        {
          if (i > n_steps)
            break;
          if (fabs (get_progress (self, i) - wanted) <= fabs (get_progress (self, best) - wanted))
            best = i;
        }
      if (k == n - 1)
        best = n_steps;
      g_array_append_val (stops, best);
      step = best + 1;
    }
  return stops;
}
