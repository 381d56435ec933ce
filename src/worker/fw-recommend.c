/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-recommend.h"

/* The share of answers that a recommended version keeps. */
#define LEAST_SAME 0.96
/* A loss of accuracy that chance brings about less often than this counts as shown. */
#define SHOWN_LOSS 0.05
/* Fewer samples than this are not divided any further. */
#define LEAST_TO_DIVIDE 90
/* Speeds that differ by less are the same. */
#define SPEED_TOLERANCE 0.02

guint
fw_recommend_count_samples (guint n_test)
{
  return n_test >= LEAST_TO_DIVIDE ? n_test / 3 : 0;
}

typedef struct
{
  double same, total;
  guint n;
} Pool;

void
fw_recommend_smooth (const guint *same, const guint *total, guint n, double *shares)
{
  g_autofree Pool *pools = g_new0 (Pool, n + 1);
  guint n_pools = 0;

  for (guint i = 0; i < n; i++)
    {
      pools[n_pools++] = (Pool){ same[i], total[i], 1 };
      while (n_pools > 1
             && pools[n_pools - 1].same * pools[n_pools - 2].total
                    > pools[n_pools - 2].same * pools[n_pools - 1].total)
        {
          n_pools--;
          pools[n_pools - 1].same += pools[n_pools].same;
          pools[n_pools - 1].total += pools[n_pools].total;
          pools[n_pools - 1].n += pools[n_pools].n;
        }
    }
  for (guint k = 0, i = 0; k < n_pools; k++)
    for (guint j = 0; j < pools[k].n; j++)
      shares[i++] = pools[k].total > 0 ? pools[k].same / pools[k].total : 0;
}

/* What a stop is chosen by. */
static const FwAgreement *
get_agreement (FwStop *stop)
{
  return stop->choosing != NULL ? stop->choosing : stop->measurement->agreement;
}

static gboolean
is_accurate (FwStop *stop)
{
  const FwAgreement *agreement = get_agreement (stop);

  return !agreement->has_labels || agreement->accuracy.top1 >= agreement->original_accuracy.top1
         || agreement->mcnemar >= SHOWN_LOSS;
}

/* By size alone, times must not decide: only what is slower beyond doubt is left out. */
static gboolean
is_fast_enough (FwStop *stop, FwPrefer prefer)
{
  const FwMeasurement *measurement = stop->measurement;

  if (!measurement->has_latency)
    return TRUE;
  return prefer == FW_PREFER_SIZE ? measurement->latency.interval.high >= FW_STOP_LEAST_SPEEDUP
                                  : measurement->latency.speedup >= FW_STOP_LEAST_SPEEDUP;
}

/* Who keeps enough of the answers, of the measured stops in order of falling position. */
static gboolean *
list_keepers (FwStops *stops, double least_same)
{
  guint n = stops->stops->len;
  gboolean *keeps = g_new0 (gboolean, n + 1);
  g_autofree guint *same = g_new0 (guint, n + 1);
  g_autofree guint *total = g_new0 (guint, n + 1);
  g_autofree double *shares = g_new0 (double, n + 1);

  for (guint i = 0; i < n; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);

      if (stop->measurement == NULL)
        continue;
      same[i] = get_agreement (stop)->same.same;
      total[i] = get_agreement (stop)->same.total;
    }
  fw_recommend_smooth (same, total, n, shares);
  for (guint i = 0; i < n; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);
      double wanted = least_same > 0 ? least_same : LEAST_SAME;

      if (stop->measurement == NULL)
        continue;
      /* Chosen for its luck, a version does worse on other samples: one more answer is taken to
       * have changed. */
      if (stop->choosing != NULL)
        wanted = wanted * (total[i] + 1) / total[i];
      keeps[i] = MIN (shares[i], total[i] > 0 ? (double) same[i] / total[i] : 0)
                 >= MIN (wanted, 1) - 1e-9;
      /* What was asked for by number must hold in the figures shown, too. */
      if (least_same > 0)
        {
          const FwSame *shown = &stop->measurement->agreement->same;

          keeps[i]
              = keeps[i] && shown->total > 0 && (double) shown->same / shown->total >= least_same;
        }
      else
        keeps[i] = keeps[i] && is_accurate (stop) && is_fast_enough (stop, stops->job->job->prefer);
    }
  return keeps;
}

static double
get_speed (FwStop *stop)
{
  return stop->measurement->has_latency ? stop->measurement->latency.speedup : 1;
}

static gboolean
is_cheaper (FwStops *stops, FwStop *stop, FwStop *best)
{
  if (best == NULL)
    return TRUE;
  switch (stops->job->job->prefer)
    {
    case FW_PREFER_SIZE:
      return stop->size < best->size;
    case FW_PREFER_SPEED:
      if (get_speed (stop) > get_speed (best) * (1 + SPEED_TOLERANCE))
        return TRUE;
      return stop->size < best->size
             && get_speed (stop) >= get_speed (best) * (1 - SPEED_TOLERANCE);
    case FW_PREFER_BOTH:
    default:
      return stop->cost < best->cost;
    }
}

FwStop *
fw_recommend_find (FwStops *stops, double least_same)
{
  g_autofree gboolean *keeps = list_keepers (stops, least_same);
  FwStop *best = NULL;

  for (guint i = 0; i < stops->stops->len; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);

      if (keeps[i] && is_cheaper (stops, stop, best))
        best = stop;
    }
  return best;
}

/* Halfway between the farthest good stop and the next one. */
guint
fw_recommend_find_next (FwStops *stops, double least_same)
{
  g_autofree gboolean *keeps = list_keepers (stops, least_same);
  guint good = 0, bad = stops->job->path->steps->len + 1;

  for (guint i = 0; i < stops->stops->len; i++)
    if (keeps[i])
      good = MAX (good, ((FwStop *) g_ptr_array_index (stops->stops, i))->n_steps);
  for (guint i = 0; i < stops->stops->len; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);

      if (stop->n_steps > good)
        bad = MIN (bad, stop->n_steps);
    }
  if (bad > stops->job->path->steps->len || bad - good < 2)
    return 0;
  return good + (bad - good) / 2;
}
