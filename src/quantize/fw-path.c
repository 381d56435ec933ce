/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-path.h"

#include <math.h>

/* What a stored option takes beside its weights: nodes, names, a scale for each channel. */
#define BYTES_OF_FLOAT16 70
#define BYTES_OF_INT8 130
/* int8 arithmetic must save at least this share of the time to be worth its harm. */
#define LEAST_TIME_SAVED 0.03
/* Places to begin that are this close to the fastest count as equally fast. */
#define TIME_TOLERANCE 0.02

typedef struct
{
  double saved; /* cost saved against the original */
  double harm;
  guint level; /* an option, or how many units compute */
} Point;

typedef struct
{
  guint item;
  guint from, to; /* levels */
  double harm, saved;
} Segment;

typedef struct
{
  const FwPathInput *input;
  double byte_weight, time_weight;
  guint first_compute;
  double *time; /* [units + 1]: predicted latency with int8 from a unit on, never rising forwards */
  GArray *chain; /* units that compute, last first */
  GArray *segments;
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

static void
choose_weights (Planning *p)
{
  static const double byte_weights[]
      = { [FW_PREFER_BOTH] = 0.5, [FW_PREFER_SIZE] = 1, [FW_PREFER_SPEED] = 0.1 };

  p->byte_weight = byte_weights[p->input->prefer];
  p->time_weight = 1 - p->byte_weight;
}

static gboolean
can_compute (Planning *p, guint i)
{
  return i >= p->first_compute && fw_unit_can (get_unit (p->input, i), FW_OPTION_INT8_COMPUTE)
         && isfinite (fw_unit_harm_get (&p->input->harms[i], FW_OPTION_INT8_COMPUTE));
}

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
choose_first_compute (Planning *p)
{
  guint n = p->input->units->len;

  p->first_compute = n;
  if (p->time[0] > 1 - LEAST_TIME_SAVED)
    return;
  while (p->time[p->first_compute] > p->time[0] + TIME_TOLERANCE)
    p->first_compute--;
}

static double
get_saved_bytes (Planning *p, const FwUnit *unit, FwOption option)
{
  double saved = 0;

  if (option == FW_OPTION_FLOAT16)
    saved = unit->n_weights * 2.0 - BYTES_OF_FLOAT16;
  else if (option != FW_OPTION_FLOAT32)
    saved = unit->n_weights * 3.0 - BYTES_OF_INT8 - 4.0 * unit->shape.channels;
  return saved / p->input->original_size;
}

static void
add_segment (Planning *p, guint item, const Point *from, const Point *to)
{
  Segment segment
      = { item, from->level, to->level, MAX (to->harm - from->harm, 0), to->saved - from->saved };

  g_array_append_val (p->segments, segment);
}

/* Adds the segments of the lower convex hull of @points, which begin at no saving and no harm. */
static void
add_hull (Planning *p, guint item, GArray *points)
{
  guint at = 0;

  while (at + 1 < points->len)
    {
      const Point *from = &g_array_index (points, Point, at);
      guint best = 0;
      double best_slope = INFINITY;

      for (guint i = at + 1; i < points->len; i++)
        {
          const Point *to = &g_array_index (points, Point, i);
          double slope = MAX (to->harm - from->harm, 0) / (to->saved - from->saved);

          if (to->saved > from->saved && isfinite (to->harm) && slope <= best_slope)
            {
              best = i;
              best_slope = slope;
            }
        }
      if (best == 0)
        return;
      add_segment (p, item, from, &g_array_index (points, Point, best));
      at = best;
    }
}

static void
add_unit (Planning *p, guint i)
{
  const FwUnit *unit = get_unit (p->input, i);
  const FwOption options[] = { FW_OPTION_FLOAT32, FW_OPTION_FLOAT16, FW_OPTION_INT8_STORAGE };
  guint n = can_compute (p, i) ? 2 : 3;
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (Point));

  for (guint k = 0; k < n; k++)
    if (fw_unit_can (unit, options[k]))
      {
        Point point = { p->byte_weight * get_saved_bytes (p, unit, options[k]),
                        fw_unit_harm_get (&p->input->harms[i], options[k]), options[k] };

        g_array_append_val (points, point);
      }
  add_hull (p, i, points);
}

/* All units that compute are one item, whose level is how many of them, from the last one, do. */
static void
add_chain (Planning *p)
{
  g_autoptr (GArray) points = g_array_new (FALSE, FALSE, sizeof (Point));
  Point point = { 0, 0, 0 };
  double bytes = 0;
  guint n = p->input->units->len;

  g_array_append_val (points, point);
  for (guint i = n; i-- > p->first_compute;)
    {
      if (!can_compute (p, i))
        continue;
      g_array_append_val (p->chain, i);
      bytes += get_saved_bytes (p, get_unit (p->input, i), FW_OPTION_INT8_COMPUTE)
               - MAX (get_saved_bytes (p, get_unit (p->input, i), FW_OPTION_FLOAT16), 0);
      point.level = p->chain->len;
      point.saved = p->byte_weight * bytes + p->time_weight * (1 - p->time[i]);
      point.harm += fw_unit_harm_get (&p->input->harms[i], FW_OPTION_INT8_COMPUTE);
      g_array_append_val (points, point);
    }
  add_hull (p, n, points);
}

static int
compare_segments (gconstpointer a, gconstpointer b)
{
  const Segment *left = a, *right = b;
  double x = left->harm / left->saved, y = right->harm / right->saved;

  if (x != y)
    return x < y ? -1 : 1;
  if (left->item != right->item)
    return left->item < right->item ? -1 : 1;
  return left->from < right->from ? -1 : 1;
}

static FwStep *
step_from_segment (Planning *p, const Segment *segment, FwOption *state)
{
  FwStep *step = g_new0 (FwStep, 1);

  step->changes = g_array_new (FALSE, FALSE, sizeof (FwChange));
  if (segment->item < p->input->units->len)
    {
      FwChange change = { segment->item, segment->to };

      if (fw_option_get_arithmetic (state[segment->item]) == FW_ARITHMETIC_FLOAT)
        g_array_append_val (step->changes, change);
    }
  else
    for (guint level = segment->from; level < segment->to; level++)
      {
        FwChange change = { g_array_index (p->chain, guint, level), FW_OPTION_INT8_COMPUTE };

        g_array_append_val (step->changes, change);
      }
  for (guint i = 0; i < step->changes->len; i++)
    {
      const FwChange *change = &g_array_index (step->changes, FwChange, i);

      state[change->unit] = change->option;
    }
  return step;
}

static double
predict_time (Planning *p, const FwOption *state)
{
  guint first = p->input->units->len;

  for (guint i = p->input->units->len; i-- > 0;)
    if (fw_option_get_arithmetic (state[i]) == FW_ARITHMETIC_INT8)
      first = i;
  return p->time[first];
}

static gboolean
fill_step (Planning *p, FwPath *path, FwStep *step, const FwOption *state, GError **error)
{
  const FwPathInput *input = p->input;
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (input->recipe);
  g_autoptr (FwModel) model = NULL;

  step->harm = 0;
  for (guint i = 0; i < input->units->len; i++)
    {
      fw_recipe_set_option (recipe, get_unit (input, i)->name, state[i]);
      step->harm += fw_unit_harm_get (&input->harms[i], state[i]);
    }
  model = fw_rewriter_build (input->rewriter, recipe, error);
  if (model == NULL)
    return FALSE;
  step->size = fw_model_get_size (model);
  step->time = predict_time (p, state);
  step->cost = p->byte_weight * step->size / input->original_size + p->time_weight * step->time;
  return TRUE;
}

/* Keeps the promises of the path: a step that breaks one is taken together with the next. */
static void
add_step (FwPath *path, FwStep *step, guint64 original_size, GArray **pending)
{
  FwStep *last
      = path->steps->len > 0 ? g_ptr_array_index (path->steps, path->steps->len - 1) : NULL;

  if (*pending != NULL)
    {
      g_array_prepend_vals (step->changes, (*pending)->data, (*pending)->len);
      g_clear_pointer (pending, g_array_unref);
    }
  if (last != NULL ? step->cost >= last->cost || step->size > last->size || step->harm < last->harm
                   : step->cost >= 1 || step->size >= original_size)
    {
      *pending = g_array_ref (step->changes);
      step_free (step);
      return;
    }
  g_ptr_array_add (path->steps, step);
}

static gboolean
add_segment_steps (Planning *p,
                   FwPath *path,
                   const Segment *segment,
                   FwOption *state,
                   GArray **pending,
                   GError **error)
{
  gboolean is_chain = segment->item == p->input->units->len;
  guint n = is_chain ? segment->to - segment->from : 1;

  /* A segment of the chain is gone unit by unit: more places to stop at. */
  for (guint i = 0; i < n; i++)
    {
      Segment part = *segment;
      FwStep *step;

      if (is_chain)
        {
          part.from = segment->from + i;
          part.to = part.from + 1;
        }
      step = step_from_segment (p, &part, state);
      if (!fill_step (p, path, step, state, error))
        {
          step_free (step);
          return FALSE;
        }
      add_step (path, step, p->input->original_size, pending);
    }
  return TRUE;
}

static gboolean
fill_path (Planning *p, FwPath *path, GError **error)
{
  g_autofree FwOption *state = g_new0 (FwOption, p->input->units->len);
  GArray *pending = NULL;
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < p->segments->len; i++)
    ok = add_segment_steps (p, path, &g_array_index (p->segments, Segment, i), state, &pending,
                            error);
  g_clear_pointer (&pending, g_array_unref);
  return ok;
}

FwPath *
fw_path_new (const FwPathInput *input, GError **error)
{
  g_autoptr (FwPath) path = g_new0 (FwPath, 1);
  g_autoptr (GArray) segments = g_array_new (FALSE, FALSE, sizeof (Segment));
  g_autoptr (GArray) chain = g_array_new (FALSE, FALSE, sizeof (guint));
  g_autofree double *time = g_new0 (double, input->units->len + 1);
  Planning p = { .input = input, .time = time, .segments = segments, .chain = chain };

  path->steps = g_ptr_array_new_with_free_func ((GDestroyNotify) step_free);
  choose_weights (&p);
  smooth_time (&p);
  choose_first_compute (&p);
  path->first_compute = p.first_compute;
  for (guint i = 0; i < input->units->len; i++)
    add_unit (&p, i);
  add_chain (&p);
  g_array_sort (segments, compare_segments);
  if (!fill_path (&p, path, error))
    return NULL;
  return g_steal_pointer (&path);
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

static double
get_cost (FwPath *self, guint n_steps)
{
  return n_steps == 0 ? 1 : ((FwStep *) g_ptr_array_index (self->steps, n_steps - 1))->cost;
}

double
fw_path_get_position (FwPath *self, guint n_steps)
{
  double least = get_cost (self, self->steps->len);

  if (n_steps == 0 || least >= 1)
    return 100;
  return 100 * (get_cost (self, n_steps) - least) / (1 - least);
}

guint
fw_path_find (FwPath *self, double position)
{
  guint n = 0;

  while (n < self->steps->len && fw_path_get_position (self, n + 1) >= position - 1e-9)
    n++;
  return n;
}

/* Harm below this can't be told from none: 80 dB. */
#define LEAST_HARM 1e-8

/* How far along the path, half by cost and half by the decibels of the predicted harm: 0 to 1. */
static double
get_progress (FwPath *self, guint n_steps)
{
  FwStep *step = g_ptr_array_index (self->steps, n_steps - 1);
  FwStep *last = g_ptr_array_index (self->steps, self->steps->len - 1);
  double range = log (MAX (last->harm, LEAST_HARM)) - log (LEAST_HARM);
  double harm = range > 0 ? (log (MAX (step->harm, LEAST_HARM)) - log (LEAST_HARM)) / range : 1;

  return 0.5 * (1 - fw_path_get_position (self, n_steps) / 100) + 0.5 * harm;
}

GArray *
fw_path_choose_stops (FwPath *self, guint n)
{
  GArray *stops = g_array_new (FALSE, FALSE, sizeof (guint));
  guint n_steps = self->steps->len;

  if (n_steps == 0 || n == 0)
    return stops;
  for (guint k = 0, step = 1; k < n && step <= n_steps; k++)
    {
      double wanted = (k + 1.0) / n;
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
