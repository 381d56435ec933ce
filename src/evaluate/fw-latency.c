/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <time.h>

#include "fw-latency.h"
#include "fw-random.h"

#define MIN_PAIRS 15
#define MAX_PAIRS 2000
#define MIN_ROUND_SECONDS 2e-3
#define GOOD_RUNS_PER_ROUND 10
#define MAX_RUNS_PER_ROUND 1000
#define WARM_UP_SECONDS 0.05
#define WARM_UP_RUNS 3
#define SEED G_GUINT64_CONSTANT (20120903)

typedef struct
{
  FwSession *session;
  GArray *runs;   /* double: seconds of every timed run */
  GArray *rounds; /* double: the fastest run of each round, in seconds */
} Side;

typedef struct
{
  Side sides[2]; /* the original, the other */
  const char **names;
  GPtrArray *rows;
  guint runs_per_round;
  GCancellable *cancellable;
} Comparison;

static double
now (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

static gboolean
run_once (Comparison *self, Side *side, guint turn, double *seconds, GError **error)
{
  GPtrArray *row = g_ptr_array_index (self->rows, turn % self->rows->len);
  g_autoptr (GPtrArray) outputs = NULL;
  double start = now ();

  outputs = fw_session_run (side->session, self->names, (FwTensor *const *) row->pdata, row->len,
                            NULL, self->cancellable, error);
  *seconds = now () - start;
  return outputs != NULL;
}

/* The first runs take memory and fill caches. Gives the fastest run seen. */
static gboolean
warm_up (Comparison *self, Side *side, double *fastest, GError **error)
{
  double start = now ();

  *fastest = INFINITY;
  for (guint i = 0; i < WARM_UP_RUNS || (now () - start < WARM_UP_SECONDS && i < 1000); i++)
    {
      double seconds;

      if (!run_once (self, side, i, &seconds, error))
        return FALSE;
      if (i > 0)
        *fastest = MIN (*fastest, seconds);
    }
  return TRUE;
}

/* The fastest of a round's runs stands for it. What a busy machine adds to a run is never negative
 * and can be several times the run itself; with all of it in the figure, a model compared with
 * itself came out 9 % apart under load, with the fastest run 0.5 %. */
static gboolean
run_round (Comparison *self, Side *side, guint turn, GError **error)
{
  double seconds, fastest = INFINITY;

  /* What the other model left in the caches is not this one's fault. */
  if (self->runs_per_round > 1 && !run_once (self, side, turn, &seconds, error))
    return FALSE;

  for (guint i = 0; i < self->runs_per_round; i++)
    {
      if (!run_once (self, side, turn + i, &seconds, error))
        return FALSE;
      g_array_append_val (side->runs, seconds);
      fastest = MIN (fastest, seconds);
    }
  g_array_append_val (side->rounds, fastest);
  return TRUE;
}

/* Pairs of rounds, the second of every two in the order opposite to the first (ABBA or BAAB), so
 * that a steady drift falls on both sides alike. */
static gboolean
run_pairs (Comparison *self, double seconds, GError **error)
{
  FwRandom random = { SEED };
  double end = now () + seconds;
  guint first = 0;

  for (guint pair = 0; pair < MAX_PAIRS && (pair < MIN_PAIRS || now () < end); pair++)
    {
      guint turn = pair * self->runs_per_round;

      first = pair % 2 == 0 ? fw_random_next (&random) & 1 : 1 - first;
      if (!run_round (self, &self->sides[first], turn, error)
          || !run_round (self, &self->sides[1 - first], turn, error))
        return FALSE;
    }
  return TRUE;
}

static FwLatency
summarize (const Side *side)
{
  const double *runs = (const double *) side->runs->data;

  return (FwLatency){
    .median = fw_median (runs, side->runs->len) * 1e3,
    .p95 = fw_quantile (runs, side->runs->len, 0.95) * 1e3,
  };
}

/* Enough for the shortest round; more, up to a point, where the time allows it. */
static guint
choose_runs (double fastest, double seconds)
{
  double least = ceil (MIN_ROUND_SECONDS / MAX (fastest, 1e-9));
  double most = floor (seconds / (2 * MIN_PAIRS * MAX (fastest, 1e-9)));

  return (guint) CLAMP (MAX (least, MIN (most, GOOD_RUNS_PER_ROUND)), 1, MAX_RUNS_PER_ROUND);
}

static gboolean
measure (Comparison *self, double seconds, FwLatencyComparison *result, GError **error)
{
  double fastest[2];

  if (!warm_up (self, &self->sides[0], &fastest[0], error)
      || !warm_up (self, &self->sides[1], &fastest[1], error))
    return FALSE;

  self->runs_per_round = choose_runs (MIN (fastest[0], fastest[1]), seconds);
  if (!run_pairs (self, seconds, error))
    return FALSE;

  result->original = summarize (&self->sides[0]);
  result->other = summarize (&self->sides[1]);
  result->rounds = self->sides[0].rounds->len;
  result->speedup = fw_median_ratio ((const double *) self->sides[0].rounds->data,
                                     (const double *) self->sides[1].rounds->data, result->rounds,
                                     SEED, &result->interval);
  return TRUE;
}

gboolean
fw_latency_compare (FwSession *original,
                    FwSession *other,
                    GPtrArray *rows,
                    double seconds,
                    FwLatencyComparison *result,
                    GCancellable *cancellable,
                    GError **error)
{
  const guint n_inputs = fw_session_get_n_inputs (original);
  g_autofree const char **names = g_new0 (const char *, n_inputs + 1);
  Comparison self = {
    .sides = { { .session = original }, { .session = other } },
    .names = names,
    .rows = rows,
    .cancellable = cancellable,
  };
  gboolean is_good;

  g_return_val_if_fail (rows->len > 0, FALSE);

  for (guint i = 0; i < n_inputs; i++)
    names[i] = fw_session_get_input (original, i)->name;
  for (guint i = 0; i < 2; i++)
    {
      self.sides[i].runs = g_array_new (FALSE, FALSE, sizeof (double));
      self.sides[i].rounds = g_array_new (FALSE, FALSE, sizeof (double));
    }
  is_good = measure (&self, seconds, result, error);
  for (guint i = 0; i < 2; i++)
    {
      g_array_unref (self.sides[i].runs);
      g_array_unref (self.sides[i].rounds);
    }
  return is_good;
}

gboolean
fw_latency_is_rough (const FwLatencyComparison *self)
{
  double medians = self->original.median / self->other.median;

  return fabs (log (medians / self->speedup)) > log (1.15)
         || self->interval.high > self->interval.low * 4 / 3;
}
