/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-histogram.h: the distribution of a tensor's values in constant memory.
 *
 * 2048 bins over [-radius, radius]. A value outside doubles the radius until it fits and merges
 * pairs of bins, so that no value is ever dropped and nothing depends on how the values were cut
 * into batches, but for the radius that the first one chose. NaN and Inf are counted apart.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FW_HISTOGRAM_BINS 2048

typedef struct
{
  double radius;                      /* 0 until the first value other than 0 */
  double minimum, maximum;            /* of all finite values; +inf, -inf when empty */
  double sum;
  guint64 count;                      /* finite values */
  guint64 n_not_finite;
  guint64 zeros;                      /* values equal to 0 while radius is 0 */
  guint64 bins[FW_HISTOGRAM_BINS];
} FwHistogram;

void fw_histogram_init (FwHistogram *self);
void fw_histogram_add (FwHistogram *self, const float *values, gsize n);
/* The same in plain C, one value at a time: what the fast one is tested against. */
void fw_histogram_add_reference (FwHistogram *self, const float *values, gsize n);

/* The centre of bin @index. */
double fw_histogram_get_center (const FwHistogram *self, guint index);

G_END_DECLS
