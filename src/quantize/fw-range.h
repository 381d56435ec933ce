/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-range.h: the range of an activation that 256 steps cover.
 *
 * Four methods propose a range from a histogram; the one whose rounding and clipping together lose
 * the least (expected squared error over the histogram) is chosen. min-max: all values. percentile:
 * 99.99 % and 99.999 % of them. MSE: lower and upper bound shrunk separately, coarsely and then
 * finely (the squared-error search of Banner et al. 2019 and NNCF's histograms). KL: the range of
 * least divergence after rounding (S. Migacz 2017). A range always contains 0; one that never goes
 * below 0 has its zero point at 0, which is what lets ONNX Runtime swallow the Relu before it.
 */

#pragma once

#include "fw-histogram.h"

G_BEGIN_DECLS

typedef enum
{
  FW_RANGE_AUTO, /* the one of least error */
  FW_RANGE_MIN_MAX,
  FW_RANGE_PERCENTILE,
  FW_RANGE_MSE,
  FW_RANGE_KL,
} FwRangeMethod;

const char *fw_range_method_get_name (FwRangeMethod method);

typedef struct
{
  float scale; /* above 0 */
  guint8 zero_point;
  FwRangeMethod method; /* that proposed it */
  double error;         /* expected squared error of one value */
} FwRange;

/* An empty histogram gives scale 1, zero point 0. */
void fw_range_choose (FwRange *self, const FwHistogram *histogram, FwRangeMethod method);

/* The range that covers [@low, @high] and 0. */
void fw_range_from_bounds (FwRange *self, double low, double high);

/* The value that @value becomes: rounded half to even, clipped to 0..255, as QuantizeLinear does.
 */
float fw_range_apply (const FwRange *self, float value);

/* Expected squared error of a value of @histogram under @self. */
double fw_range_get_error (const FwRange *self, const FwHistogram *histogram);

G_END_DECLS
