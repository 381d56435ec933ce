/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-region-time.h"

#include <math.h>
#include <time.h>

#include "fw-statistics.h"

/* A turn of one of the two lasts so long at least, in seconds. */
#define TURN_SECONDS 1e-3
/* Runs of less than this, in seconds, come in threes at least: a busy computer slows some down. */
#define SHORT_RUN 0.01
/* Of runs of more than this a few do. */
#define LONG_RUN 0.1
#define MAX_RUNS 20
#define MIN_TURNS 6
#define MIN_LONG_TURNS 3
#define MAX_TURNS 60
/* One place is measured for so long at most, beyond the least number of turns. */
#define MAX_SECONDS 0.3
/* Precise enough: the spread of the median, as a share of the original's time. */
#define GOOD_SPREAD 0.006
/* A place this much slower than the best is not worth more turns. */
#define CLEARLY_SLOWER 0.05
/* What a float end must win to be worth its being there. */
#define LEAST_WON 0.01
/* Places around the best that are tried after the coarse ones, and ends. */
#define N_AROUND 4
#define N_ENDS 3

typedef struct
{
  const FwTrial *trial;
  FwSession *original;
  double *share;      /* [units + 1] */
  gboolean *is_known; /* [units + 1] */
  double best;
  guint n_measured, n_planned;
  FwProgress *progress;
  GCancellable *cancellable;
} Timing;

/* In seconds. One thread's own time does not go on while other programs have its core. */
static double
now (Timing *self)
{
  struct timespec time;

  clock_gettime (self->trial->threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

/* The fastest of a few runs: what else the computer does only ever adds to a run. */
static gboolean
take_turn (Timing *self, FwSession *session, guint runs, double *fastest, GError **error)
{
  *fastest = INFINITY;
  for (guint i = 0; i < runs; i++)
    {
      GPtrArray *row = g_ptr_array_index (self->trial->rows, i % self->trial->rows->len);
      g_autoptr (GPtrArray) outputs = NULL;
      double start = now (self);

      outputs = fw_session_run (session, NULL, (FwTensor *const *) row->pdata, row->len, NULL,
                                self->cancellable, error);
      if (outputs == NULL)
        return FALSE;
      *fastest = MIN (*fastest, now (self) - start);
    }
  *fastest = MAX (*fastest, 1e-6);
  return TRUE;
}

/* About what the median would move by if all were measured again. */
static double
get_spread (const double *ratios, guint n, double median)
{
  g_autofree double *distances = g_new (double, n);

  for (guint i = 0; i < n; i++)
    distances[i] = fabs (ratios[i] - median);
  return 1.4826 * 1.2533 * fw_median (distances, n) / sqrt (n);
}

/* The latency of @session as a share of the original's. */
static gboolean
compare (Timing *self, FwSession *session, double *share, GError **error)
{
  double ratios[MAX_TURNS], first, second;
  gint64 end;
  guint runs, least;

  /* The first runs take memory. */
  if (!take_turn (self, session, 2, &first, error) || !take_turn (self, session, 2, &first, error)
      || !take_turn (self, self->original, 2, &second, error))
    return FALSE;
  first = MIN (first, second);
  runs = CLAMP ((guint) ceil (TURN_SECONDS / first), first < SHORT_RUN ? 3 : 1, MAX_RUNS);
  least = first > LONG_RUN ? MIN_LONG_TURNS : MIN_TURNS;
  end = g_get_monotonic_time () + (gint64) (MAX_SECONDS * 1e6);

  for (guint n = 0; n < MAX_TURNS; n++)
    {
      gboolean original_first = n % 2 == 0;
      double spread;

      /* What the other one left in the caches is nobody's fault. */
      if (!take_turn (self, original_first ? self->original : session, runs + (runs > 1), &first,
                      error)
          || !take_turn (self, original_first ? session : self->original, runs + (runs > 1),
                         &second, error))
        return FALSE;
      ratios[n] = original_first ? second / first : first / second;
      if (n + 1 < least)
        continue;
      *share = fw_median (ratios, n + 1);
      spread = get_spread (ratios, n + 1, *share);
      if (spread < GOOD_SPREAD || *share - 2 * spread > self->best + CLEARLY_SLOWER
          || g_get_monotonic_time () > end)
        return TRUE;
    }
  return TRUE;
}

static gboolean
can_compute (Timing *self, guint unit)
{
  return fw_rewriter_can (self->trial->rewriter, self->trial->recipe, unit, FW_OPTION_INT8_COMPUTE);
}

static FwSession *
load_region (Timing *self, guint first, guint end, GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (self->trial->recipe);
  g_autoptr (FwModel) model = NULL;

  for (guint i = first; i < end; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->trial->units, i);

      if (can_compute (self, i))
        fw_recipe_set_option (recipe, unit->name, FW_OPTION_INT8_COMPUTE);
    }
  model = fw_rewriter_build (self->trial->rewriter, recipe, error);
  return model != NULL ? fw_trial_load (model, NULL, self->trial->threads, error) : NULL;
}

/* @share is +inf where the version does not run. */
static gboolean
measure_region (Timing *self, guint first, guint end, double *share, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (FwSession) session = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  session = load_region (self, first, end, &local);
  if (session == NULL || !compare (self, session, share, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_message ("int8 from unit %u to %u does not run: %s", first, end, local->message);
      *share = INFINITY;
    }
  g_debug ("int8 from unit %u to %u: %.3f of the time", first, end, *share);
  self->best = MIN (self->best, *share);
  self->n_measured++;
  fw_progress_report (self->progress, MIN ((double) self->n_measured / self->n_planned, 1));
  return TRUE;
}

/* Beginning with a unit that can't is beginning with the next one. */
static gboolean
measure_start (Timing *self, guint first, GError **error)
{
  guint n = self->trial->units->len, at = first;

  while (at < n && !can_compute (self, at))
    at++;
  if (!self->is_known[at] && !measure_region (self, at, n, &self->share[at], error))
    return FALSE;
  self->is_known[at] = TRUE;
  for (guint i = first; i < at; i++)
    {
      self->share[i] = self->share[at];
      self->is_known[i] = TRUE;
    }
  return TRUE;
}

/* Places to begin: each of the first few units, where most of the time of a picture network goes,
 * then ever farther apart. */
static gboolean
measure_coarsely (Timing *self, guint n_cuts, GError **error)
{
  guint n = self->trial->units->len;
  double step = 1, place = 0;

  for (guint k = 0; k < n_cuts && (guint) place < n; k++)
    {
      if (!measure_start (self, (guint) place, error))
        return FALSE;
      if (k >= 2 && n > n_cuts)
        step *= 1.5;
      place += MAX (step, 1);
    }
  return TRUE;
}

static guint
find_best (Timing *self)
{
  guint best = self->trial->units->len;

  for (guint i = best; i-- > 0;)
    if (self->is_known[i] && self->share[i] < self->share[best])
      best = i;
  return best;
}

/* The place in the middle of the widest gap beside @best, or -1. */
static int
find_gap (Timing *self, guint best)
{
  guint n = self->trial->units->len, below = best, above = best;

  while (below > 0 && !self->is_known[below - 1])
    below--;
  while (above + 1 < n && !self->is_known[above + 1])
    above++;
  if (below == best && above == best)
    return -1;
  if (best - below > above - best)
    return (int) (best - (best - below + 1) / 2);
  return (int) (best + (above - best + 1) / 2);
}

static gboolean
measure_around (Timing *self, GError **error)
{
  for (guint k = 0; k < N_AROUND; k++)
    {
      guint best = find_best (self);
      int gap = best < self->trial->units->len ? find_gap (self, best) : -1;

      if (gap < 0)
        return TRUE;
      if (!measure_start (self, gap, error))
        return FALSE;
    }
  return TRUE;
}

/* Leaves one unit after the other at the end in float. */
static gboolean
measure_ends (Timing *self, guint *end, GError **error)
{
  guint n = self->trial->units->len, best = find_best (self), at = n;
  double least = self->share[best];

  *end = n;
  if (best == n)
    return TRUE;
  for (guint k = 0; k < N_ENDS; k++)
    {
      double share;

      do
        at--;
      while (at > best && !can_compute (self, at));
      if (at <= best + 1)
        break;
      if (!measure_region (self, best, at, &share, error))
        return FALSE;
      if (share < least - LEAST_WON)
        {
          least = share;
          *end = at;
        }
    }
  /* What the end wins it wins for all beginnings. */
  for (guint i = 0; i < *end; i++)
    self->share[i] = MAX (self->share[i] - (self->share[best] - least) * (i != best), 0.01);
  self->share[best] = least;
  for (guint i = *end; i < n; i++)
    {
      self->share[i] = 1;
      self->is_known[i] = TRUE;
    }
  return TRUE;
}

static void
fill_gaps (Timing *self)
{
  guint n = self->trial->units->len, above = n;

  for (guint i = n; i-- > 0;)
    {
      guint below = i;

      if (self->is_known[i])
        {
          above = i;
          continue;
        }
      while (below > 0 && !self->is_known[below])
        below--;
      for (guint k = below + 1; k <= i; k++)
        self->share[k]
            = self->share[below]
              + (self->share[above] - self->share[below]) * (k - below) / (above - below);
      i = below;
      above = below;
    }
}

gboolean
fw_region_time_measure (const FwTrial *trial,
                        FwSession *original,
                        guint max_cuts,
                        double *share,
                        guint *end,
                        FwProgress *progress,
                        GCancellable *cancellable,
                        GError **error)
{
  guint n = trial->units->len;
  g_autofree gboolean *is_known = g_new0 (gboolean, n + 1);
  Timing self = { .trial = trial,
                  .original = original,
                  .share = share,
                  .is_known = is_known,
                  .best = 1,
                  .n_planned = max_cuts + N_ENDS,
                  .progress = progress,
                  .cancellable = cancellable };

  share[n] = 1;
  is_known[n] = TRUE;
  if (!measure_coarsely (&self, MAX (max_cuts, N_AROUND + 2) - N_AROUND, error)
      || !measure_around (&self, error) || !measure_ends (&self, end, error))
    return FALSE;
  fill_gaps (&self);
  fw_progress_report (progress, 1);
  return TRUE;
}
