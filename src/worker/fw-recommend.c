/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-recommend.h"

#include <math.h>

/* The share of answers that a recommended version keeps. */
#define LEAST_SAME 0.96
/* A loss of accuracy that chance brings about less often than this counts as shown. */
#define SHOWN_LOSS 0.05
/* Fewer samples than this are not divided any further. */
#define LEAST_TO_DIVIDE 90
/* Of shares of changed answers below this one, the noise is a measure. */
#define LINEAR 0.25
/* Chosen for its luck, a version does a little worse on other samples. */
#define MARGIN 0.005
/* Speeds that differ by less are the same. */
#define SPEED_TOLERANCE 0.02

guint
fw_recommend_count_samples (guint n_test)
{
  return n_test >= LEAST_TO_DIVIDE ? n_test / 3 : 0;
}

void
fw_recommend_estimate (const double *harms,
                       const guint *changed,
                       const guint *total,
                       guint n,
                       double *shares)
{
  double n_changed = 0, noise = 0, factor;

  /* Where many answers change, the rule no longer holds. */
  for (guint i = 0; i < n; i++)
    if (total[i] > 0 && changed[i] < LINEAR * total[i])
      {
        n_changed += changed[i];
        noise += sqrt (harms[i]) * total[i];
      }
  factor = noise > 0 ? n_changed / noise : 0;
  for (guint i = 0; i < n; i++)
    shares[i] = MIN (factor * sqrt (harms[i]), 1);
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

/* The shares that change, of the measured stops; 1 for others. */
static double *
estimate_changes (FwStops *stops)
{
  guint n = stops->stops->len;
  double *shares = g_new0 (double, n + 1);
  g_autofree double *harms = g_new0 (double, n + 1);
  g_autofree guint *changed = g_new0 (guint, n + 1);
  g_autofree guint *total = g_new0 (guint, n + 1);

  for (guint i = 0; i < n; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);

      if (stop->measurement == NULL)
        continue;
      harms[i] = fw_path_get_harm (stops->job->path, stop->n_steps);
      total[i] = get_agreement (stop)->same.total;
      changed[i] = total[i] - get_agreement (stop)->same.same;
    }
  fw_recommend_estimate (harms, changed, total, n, shares);
  return shares;
}

/* Whether the answers shown stay the same often enough. */
static gboolean
is_shown_to_keep (FwStop *stop, double wanted)
{
  const FwSame *same = &stop->measurement->agreement->same;

  return same->total > 0 && (double) same->same / same->total >= wanted - 1e-9;
}

static gboolean
keeps_enough (FwStop *stop, double change, double wanted)
{
  const FwSame *same = &get_agreement (stop)->same;

  if (same->total == 0)
    return FALSE;
  /* What was counted may be off by the luck of one answer, if it is not shown. */
  if (stop->choosing != NULL)
    return 1 - change >= wanted + MARGIN && (double) (same->same + 1) / same->total >= wanted;
  return is_shown_to_keep (stop, wanted);
}

/* Who keeps enough of the answers, of the measured stops in order of falling position. */
static gboolean *
list_keepers (FwStops *stops, double least_same)
{
  guint n = stops->stops->len;
  gboolean *keeps = g_new0 (gboolean, n + 1);
  g_autofree double *changes = estimate_changes (stops);
  double wanted = least_same > 0 ? least_same : LEAST_SAME;

  for (guint i = 0; i < n; i++)
    {
      FwStop *stop = g_ptr_array_index (stops->stops, i);

      if (stop->measurement == NULL || !keeps_enough (stop, changes[i], wanted))
        continue;
      /* What is said of a version must hold in the figures shown, too: they can't bring a version
       * forward, but they can speak against it. */
      keeps[i] = is_shown_to_keep (stop, wanted)
                 && (least_same > 0
                     || (is_accurate (stop) && is_fast_enough (stop, stops->job->job->prefer)));
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
