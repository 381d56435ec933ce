/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-histogram.h: the distribution of a tensor's values in constant memory.
 *
 * 2048 bins over [-radius, radius]. The radius is a power of two; a value outside doubles it until
 * it fits and merges pairs of bins, so that no value is ever dropped and no count depends on the
 * order of the values or on how they were cut into batches. Bins are counted from the centre
 * outwards: 0 is in bin 1024, a small negative value in bin 1023. NaN and Inf are counted apart.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FW_HISTOGRAM_BINS 2048

typedef struct
{
  double radius;           /* 0 until the first value other than 0 */
  double minimum, maximum; /* of all finite values, never -0; +inf, -inf when empty */
  guint64 count;           /* finite values */
  guint64 n_not_finite;
  guint64 zeros;                   /* values equal to 0; they are in the bins, too */
  guint64 bins[FW_HISTOGRAM_BINS]; /* all 0 while radius is 0 */
} FwHistogram;

void fw_histogram_init (FwHistogram *self);
void fw_histogram_add (FwHistogram *self, const float *values, gsize n);
/* The same for values [outer, channels, inner], and sums[c] += the sum of each channel's. Returns
 * FALSE, with @sums of no use, where there is a NaN or Inf among them. Of very many values only one
 * in so many is counted, as many as are left say enough; minimum, maximum, radius and sums are of
 * all. Which are counted depends on their number alone. */
gboolean fw_histogram_add_channels (FwHistogram *self,
                                    const float *values,
                                    gsize outer,
                                    gsize channels,
                                    gsize inner,
                                    double *sums);
/* The first in plain C, one value at a time: what the fast one is tested against. */
void fw_histogram_add_reference (FwHistogram *self, const float *values, gsize n);

/* fw_histogram_add_channels () counts one in so many of @n values. */
guint fw_histogram_get_stride (gsize n);

/* The centre of bin @index. */
double fw_histogram_get_center (const FwHistogram *self, guint index);

G_END_DECLS
