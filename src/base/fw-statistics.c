/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fw-random.h"

#define Z_95 1.959963984540054
#define RESAMPLES 1000

FwInterval
fw_wilson_interval (guint successes, guint total)
{
  FwInterval interval = { 0, 1 };
  double n = total;
  double share, centre, spread, scale;

  if (total == 0)
    return interval;
  share = MIN (successes, total) / n;
  scale = 1 + Z_95 * Z_95 / n;
  centre = (share + Z_95 * Z_95 / (2 * n)) / scale;
  spread = Z_95 * sqrt (share * (1 - share) / n + Z_95 * Z_95 / (4 * n * n)) / scale;
  /* Rounding must not leave a sliver where the share is exactly none or all. */
  interval.low = successes == 0 ? 0 : MAX (centre - spread, 0);
  interval.high = successes >= total ? 1 : MIN (centre + spread, 1);
  return interval;
}

static double
log_factorial (double n)
{
  int sign;

  return lgamma_r (n + 1, &sign);
}

double
fw_mcnemar (guint only_first, guint only_second)
{
  double n = (double) only_first + only_second;
  guint fewer = MIN (only_first, only_second);
  double sum = 0;

  for (guint i = 0; i <= fewer; i++)
    sum += exp (log_factorial (n) - log_factorial (i) - log_factorial (n - i) - n * M_LN2);
  return MIN (2 * sum, 1);
}

/* NaN sorts last. */
static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a;
  double y = *(const double *) b;

  if (isnan (x) || isnan (y))
    return !!isnan (x) - !!isnan (y);
  return (x > y) - (x < y);
}

static double
quantile_sorted (const double *sorted, gsize n, double q)
{
  double place = CLAMP (q, 0, 1) * (n - 1);
  gsize below = (gsize) place;
  double part = place - below;

  /* An infinite neighbour must not spoil an exact hit. */
  if (part == 0 || below + 1 >= n)
    return sorted[below];
  return sorted[below] + part * (sorted[below + 1] - sorted[below]);
}

double
fw_quantile (const double *values, gsize n, double q)
{
  g_autofree double *sorted = NULL;

  if (n == 0)
    return NAN;
  sorted = g_new (double, n);
  memcpy (sorted, values, n * sizeof *values);
  qsort (sorted, n, sizeof *sorted, compare_doubles);
  return quantile_sorted (sorted, n, q);
}

double
fw_median (const double *values, gsize n)
{
  return fw_quantile (values, n, 0.5);
}

double
fw_median_ratio (const double *numerator,
                 const double *denominator,
                 gsize n,
                 guint64 seed,
                 FwInterval *interval)
{
  g_autofree double *ratios = NULL;
  g_autofree double *drawn = NULL;
  double medians[RESAMPLES];
  FwRandom random = { seed };

  g_return_val_if_fail (n > 0, NAN);

  ratios = g_new (double, n);
  for (gsize i = 0; i < n; i++)
    ratios[i] = numerator[i] / denominator[i];
  if (interval)
    {
      drawn = g_new (double, n);
      for (guint i = 0; i < RESAMPLES; i++)
        {
          for (gsize j = 0; j < n; j++)
            drawn[j] = ratios[(gsize) (fw_random_double (&random) * n)];
          qsort (drawn, n, sizeof *drawn, compare_doubles);
          medians[i] = quantile_sorted (drawn, n, 0.5);
        }
      interval->low = fw_quantile (medians, RESAMPLES, 0.025);
      interval->high = fw_quantile (medians, RESAMPLES, 0.975);
    }
  return fw_median (ratios, n);
}
