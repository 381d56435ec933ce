/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-statistics.h: figures that say how sure they are. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  double low, high;
} FwInterval;

/* The 95 % interval of a share @successes of @total (E. B. Wilson 1927). (0, 1) for a total of 0.
 */
FwInterval fw_wilson_interval (guint successes, guint total);

/* Two-sided exact McNemar test of paired answers: @only_first right only in the first, @only_second
 * only in the second. The probability of a difference this large by chance (Q. McNemar 1947). */
double fw_mcnemar (guint only_first, guint only_second);

/* The @q quantile (0 to 1) of @n values, linear between order statistics; NaN for n = 0.
 * @values is left as it is. */
double fw_quantile (const double *values, gsize n, double q);
double fw_median (const double *values, gsize n);

/* The median of the paired ratios numerator[i] / denominator[i] with a 95 % interval by bootstrap
 * (percentile method, 1000 resamples from @seed). @n of 1 or more. */
double fw_median_ratio (const double *numerator,
                        const double *denominator,
                        gsize n,
                        guint64 seed,
                        FwInterval *interval);

G_END_DECLS
