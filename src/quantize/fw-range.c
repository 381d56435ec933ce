/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>

#include "fw-kernels.h"
#include "fw-range.h"

#define LEVELS 255
#define HALF (FW_HISTOGRAM_BINS / 2)

/* What of a bin's width is left at least, where all its values are the same. */
#define NARROWEST 1e-3

const char *
fw_range_method_get_name (FwRangeMethod method)
{
  switch (method)
    {
    case FW_RANGE_AUTO:
      return "auto";
    case FW_RANGE_MIN_MAX:
      return "min-max";
    case FW_RANGE_PERCENTILE:
      return "percentile";
    case FW_RANGE_MSE:
      return "mse";
    case FW_RANGE_KL:
      return "kl";
    default:
      g_return_val_if_reached (NULL);
    }
}

/* Error --------------------------------------------------------------------------------------- */

/* The bins that hold something, cut to what lies between the smallest and the largest value. Exact
 * zeros are left out: no range changes them, and after a Relu they are most of the values. */
typedef struct
{
  guint n;
  double lows[FW_HISTOGRAM_BINS];
  double highs[FW_HISTOGRAM_BINS];
  double weights[FW_HISTOGRAM_BINS];
  double minimum, maximum;
} Pieces;

static void
pieces_init (Pieces *self, const FwHistogram *histogram)
{
  const double width = histogram->radius / HALF;

  self->n = 0;
  self->minimum = histogram->count > 0 ? MIN (histogram->minimum, 0) : 0;
  self->maximum = histogram->count > 0 ? MAX (histogram->maximum, 0) : 0;
  for (guint i = 0; i < FW_HISTOGRAM_BINS; i++)
    {
      guint64 count = histogram->bins[i] - (i == HALF && width > 0 ? histogram->zeros : 0);
      double low = ((double) i - HALF) * width;
      double high = low + width;

      if (count == 0)
        continue;

      low = MAX (low, histogram->minimum);
      high = MIN (high, histogram->maximum);
      if (high - low < NARROWEST * width)
        {
          double middle = (low + high) / 2;

          low = middle - NARROWEST / 2 * width;
          high = middle + NARROWEST / 2 * width;
        }
      self->lows[self->n] = low;
      self->highs[self->n] = high;
      self->weights[self->n++] = (double) count / (double) histogram->count;
    }
}

static double
pieces_get_error (const Pieces *self, const FwRange *range)
{
  double scale = range->scale;
  double error
      = fw_kernel_range_error (self->lows, self->highs, self->weights, self->n, scale,
                               -scale * range->zero_point, scale * (LEVELS - range->zero_point));

  return MAX (error, 0);
}

double
fw_range_get_error (const FwRange *self, const FwHistogram *histogram)
{
  Pieces pieces;

  pieces_init (&pieces, histogram);
  return pieces_get_error (&pieces, self);
}

/* One range ----------------------------------------------------------------------------------- */

void
fw_range_from_bounds (FwRange *self, double low, double high)
{
  double scale;

  low = MIN (low, 0);
  high = MAX (high, 0);
  scale = (high - low) / LEVELS;

  self->method = FW_RANGE_MIN_MAX;
  self->error = 0;
  self->scale = 1;
  self->zero_point = 0;
  /* A scale that ONNX Runtime may take for 0 is none. */
  if (!(scale >= FLT_MIN) || !isfinite (scale))
    return;

  self->scale = (float) MIN (scale, (double) FLT_MAX);
  self->zero_point = (guint8) CLAMP (rint (-low / self->scale), 0, LEVELS);
}

float
fw_range_apply (const FwRange *self, float value)
{
  float step = rintf (value / self->scale);

  if (isnan (step))
    return NAN;
  step = CLAMP (step + self->zero_point, 0, LEVELS);
  return (step - self->zero_point) * self->scale;
}

static void
propose (FwRange *best, const Pieces *pieces, FwRangeMethod method, double low, double high)
{
  FwRange range;

  fw_range_from_bounds (&range, low, high);
  range.method = method;
  range.error = pieces_get_error (pieces, &range);
  if (best->scale == 0 || range.error < best->error)
    *best = range;
}

/* Percentiles --------------------------------------------------------------------------------- */

/* The value that @share of all values lie below: linear within a bin. */
static double
find_quantile (const FwHistogram *histogram, double share)
{
  const double width = histogram->radius / HALF;
  const double wanted = share * (double) histogram->count;
  double below = 0;

  for (guint i = 0; i < FW_HISTOGRAM_BINS; i++)
    {
      double count = (double) histogram->bins[i];

      if (count > 0 && below + count >= wanted)
        {
          double value = ((double) i - HALF + (wanted - below) / count) * width;

          return CLAMP (value, histogram->minimum, histogram->maximum);
        }
      below += count;
    }
  return histogram->maximum;
}

static void
propose_percentiles (FwRange *best, const Pieces *pieces, const FwHistogram *histogram)
{
  static const double shares[] = { 0.9999, 0.99999 };

  for (guint i = 0; i < G_N_ELEMENTS (shares); i++)
    {
      double rest = 1 - shares[i];
      double low = pieces->minimum;
      double high = pieces->maximum;

      /* What is cut goes from one end where there is but one, else from both alike. */
      if (low < 0 && high > 0)
        rest /= 2;
      if (low < 0)
        low = find_quantile (histogram, rest);
      if (high > 0)
        high = find_quantile (histogram, 1 - rest);
      propose (best, pieces, FW_RANGE_PERCENTILE, low, high);
    }
}

/* Squared error ------------------------------------------------------------------------------- */

typedef struct
{
  double low, high; /* shares of minimum and maximum */
  double error;
} Shrink;

static void
try_shrink (Shrink *best, const Pieces *pieces, double low, double high)
{
  FwRange range;
  double error;

  fw_range_from_bounds (&range, low * pieces->minimum, high * pieces->maximum);
  error = pieces_get_error (pieces, &range);
  if (error < best->error)
    *best = (Shrink){ low, high, error };
}

/* Moves one bound by -@n to @n times @step. */
static void
shrink_around (Shrink *best, const Pieces *pieces, gboolean upper, double step, int n)
{
  Shrink start = *best;

  for (int i = -n; i <= n; i++)
    {
      double low = start.low + (upper ? 0 : i * step);
      double high = start.high + (upper ? i * step : 0);

      if (MIN (low, high) > 0 && MAX (low, high) <= 1)
        try_shrink (best, pieces, low, high);
    }
}

static void
propose_least_error (FwRange *best, const Pieces *pieces)
{
  const double coarse = 1.0 / 64;
  Shrink shrink = { 1, 1, INFINITY };

  try_shrink (&shrink, pieces, 1, 1);
  /* The bounds are not independent: what one cuts changes what the other gains. */
  for (guint round = 0; round < 2; round++)
    {
      Shrink before = shrink;

      if (pieces->maximum > 0)
        shrink_around (&shrink, pieces, TRUE, coarse, 63);
      if (pieces->minimum < 0)
        shrink_around (&shrink, pieces, FALSE, coarse, 63);
      if (before.low == shrink.low && before.high == shrink.high)
        break;
    }
  if (pieces->maximum > 0)
    shrink_around (&shrink, pieces, TRUE, coarse / 9, 8);
  if (pieces->minimum < 0)
    shrink_around (&shrink, pieces, FALSE, coarse / 9, 8);
  propose (best, pieces, FW_RANGE_MSE, shrink.low * pieces->minimum, shrink.high * pieces->maximum);
}

/* Divergence ---------------------------------------------------------------------------------- */

/* Sums over the bins below each: of counts, of count * log (count), and of bins that are not empty.
 */
typedef struct
{
  double counts[FW_HISTOGRAM_BINS + 1];
  double logs[FW_HISTOGRAM_BINS + 1];
  guint filled[FW_HISTOGRAM_BINS + 1];
} Sums;

#define KL_LEVELS 128

static double
entropy_term (double count)
{
  return count > 0 ? count * log (count) : 0;
}

static void
sums_init (Sums *self, const FwHistogram *histogram)
{
  self->counts[0] = 0;
  self->logs[0] = 0;
  self->filled[0] = 0;
  for (guint i = 0; i < FW_HISTOGRAM_BINS; i++)
    {
      double count = (double) histogram->bins[i];

      /* The peak of exact zeros says nothing about rounding. */
      if (i == HALF)
        count -= (double) histogram->zeros;
      self->counts[i + 1] = self->counts[i] + count;
      self->logs[i + 1] = self->logs[i] + entropy_term (count);
      self->filled[i + 1] = self->filled[i] + (count > 0);
    }
}

/* The divergence of the bins from @first to before @end, merged to 128 levels and spread again over
 * those that are not empty, from the same with what lies outside added to the outermost bins. */
static double
get_divergence (const Sums *sums, guint first, guint end)
{
  const double total = sums->counts[FW_HISTOGRAM_BINS];
  const double inside = sums->counts[end] - sums->counts[first];
  double below = sums->counts[first];
  double above = total - sums->counts[end];
  double first_count = sums->counts[first + 1] - sums->counts[first];
  double last_count = sums->counts[end] - sums->counts[end - 1];
  double p_log_p = sums->logs[end] - sums->logs[first];
  double p_log_q = 0;

  if (inside <= 0 || (below > 0 && first_count == 0) || (above > 0 && last_count == 0))
    return INFINITY;

  p_log_p += entropy_term (first_count + below) - entropy_term (first_count);
  p_log_p += entropy_term (last_count + above) - entropy_term (last_count);
  for (guint level = 0; level < KL_LEVELS; level++)
    {
      guint from = first + (end - first) * level / KL_LEVELS;
      guint to = first + (end - first) * (level + 1) / KL_LEVELS;
      double q = sums->counts[to] - sums->counts[from];
      double p = q + (level == 0 ? below : 0) + (level == KL_LEVELS - 1 ? above : 0);

      if (q > 0)
        p_log_q += p * log (q / (sums->filled[to] - sums->filled[from]));
    }
  /* With P = p / total and Q = q / inside. */
  return (p_log_p - p_log_q) / total - log (total / inside);
}

static void
propose_least_divergence (FwRange *best, const Pieces *pieces, const FwHistogram *histogram)
{
  const double width = histogram->radius / HALF;
  guint lowest = 0;
  guint highest = FW_HISTOGRAM_BINS;
  guint best_first, best_end;
  double least = INFINITY;
  Sums sums;

  sums_init (&sums, histogram);
  while (lowest < HALF && histogram->bins[lowest] == 0)
    lowest++;
  while (highest > HALF && histogram->bins[highest - 1] == 0)
    highest--;
  best_first = lowest;
  best_end = highest;
  for (guint reach = KL_LEVELS; reach <= HALF; reach += 4)
    {
      guint first = MAX (lowest, HALF - reach);
      guint end = MIN (highest, HALF + reach);
      double divergence;

      if (end - first < KL_LEVELS)
        continue;
      divergence = get_divergence (&sums, first, end);
      if (divergence < least)
        {
          least = divergence;
          best_first = first;
          best_end = end;
        }
    }
  propose (best, pieces, FW_RANGE_KL, MAX (pieces->minimum, ((double) best_first - HALF) * width),
           MIN (pieces->maximum, ((double) best_end - HALF) * width));
}

void
fw_range_choose (FwRange *self, const FwHistogram *histogram, FwRangeMethod method)
{
  Pieces pieces;

  pieces_init (&pieces, histogram);
  if (pieces.n == 0)
    {
      fw_range_from_bounds (self, 0, 0);
      return;
    }

  *self = (FwRange){ 0 };
  if (method == FW_RANGE_AUTO || method == FW_RANGE_MIN_MAX)
    propose (self, &pieces, FW_RANGE_MIN_MAX, pieces.minimum, pieces.maximum);
  if (method == FW_RANGE_AUTO || method == FW_RANGE_PERCENTILE)
    propose_percentiles (self, &pieces, histogram);
  if (method == FW_RANGE_AUTO || method == FW_RANGE_MSE)
    propose_least_error (self, &pieces);
  if (method == FW_RANGE_AUTO || method == FW_RANGE_KL)
    propose_least_divergence (self, &pieces, histogram);
}
