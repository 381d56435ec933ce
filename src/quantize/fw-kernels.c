/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-kernels.h"

/* The choice at start-up needs indirect functions, whose resolvers run before a sanitizer's
 * run-time is ready. Older compilers don't know the level of the third choice. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__)         \
    && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#  define FW_KERNEL __attribute__ ((target_clones ("default", "avx2", "arch=x86-64-v4")))
#else
#  define FW_KERNEL
#endif

#define INFINITE_BITS 0x7f800000
#define MAGNITUDE_BITS 0x7fffffff

/* Added to and taken from a number, leaves it rounded to an integer, half to even. */
#define ROUNDER_DOUBLE 6755399441055744.0

static inline gint32
to_bits (float value)
{
  gint32 bits;

  memcpy (&bits, &value, sizeof bits);
  return bits;
}

static inline float
from_bits (gint32 bits)
{
  float value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

/* Negative floats are in falling order as integers. The transformation is its own inverse. */
static inline gint32
order_bits (gint32 bits)
{
  return bits ^ ((bits >> 31) & MAGNITUDE_BITS);
}

float
fw_kernel_from_key (gint32 key)
{
  return from_bits (order_bits (key));
}

FW_KERNEL void
fw_kernel_scan (const float *values, gsize n, FwKernelScan *scan)
{
  gint32 minimum = G_MAXINT32;
  gint32 maximum = G_MININT32;
  gint32 magnitude = 0;
  guint32 zeros = 0;

  for (gsize i = 0; i < n; i++)
    {
      gint32 bits = to_bits (values[i]);
      gint32 key = order_bits (bits);
      gint32 absolute = bits & MAGNITUDE_BITS;

      minimum = MIN (minimum, key);
      maximum = MAX (maximum, key);
      magnitude = MAX (magnitude, absolute);
      zeros += absolute == 0;
    }

  scan->minimum = minimum;
  scan->maximum = maximum;
  scan->magnitude = magnitude;
  scan->zeros = zeros;
}

FW_KERNEL void
fw_kernel_sum (const float *values, gsize n, double lanes[FW_KERNEL_LANES])
{
  double sums[FW_KERNEL_LANES];
  gsize i = 0;

  memcpy (sums, lanes, sizeof sums);
  for (; i + FW_KERNEL_LANES <= n; i += FW_KERNEL_LANES)
    for (guint j = 0; j < FW_KERNEL_LANES; j++)
      sums[j] += (double) values[i + j];
  for (guint j = 0; i + j < n; j++)
    sums[j] += (double) values[i + j];
  memcpy (lanes, sums, sizeof sums);
}

double
fw_kernel_sum_lanes (const double lanes[FW_KERNEL_LANES])
{
  double sum = 0;

  for (guint i = 0; i < FW_KERNEL_LANES; i++)
    sum += lanes[i];
  return sum;
}

FW_KERNEL void
fw_kernel_add (const float *restrict values, gsize n, double *restrict sums)
{
  for (gsize i = 0; i < n; i++)
    sums[i] += (double) values[i];
}

FW_KERNEL void
fw_kernel_index (const float *restrict values,
                 gsize n,
                 float factor,
                 guint half,
                 guint16 *restrict indices)
{
  const gint32 last = half - 1;

  for (gsize i = 0; i < n; i++)
    {
      float magnitude = from_bits (to_bits (values[i]) & MAGNITUDE_BITS) * factor;
      gint32 index = (gint32) magnitude;
      gint32 negative = -(gint32) (values[i] < 0);

      index = MIN (index, last);
      indices[i] = (guint16) ((gint32) half + (index ^ negative));
    }
}

static inline gint32
finite_magnitude (float value)
{
  gint32 absolute = to_bits (value) & MAGNITUDE_BITS;

  return absolute < INFINITE_BITS ? absolute : 0;
}

FW_KERNEL float
fw_kernel_magnitude (const float *values, gsize n)
{
  gint32 magnitude = 0;

  for (gsize i = 0; i < n; i++)
    {
      gint32 absolute = finite_magnitude (values[i]);

      magnitude = MAX (magnitude, absolute);
    }
  return from_bits (magnitude);
}

FW_KERNEL void
fw_kernel_to_half (const float *restrict values, gsize n, guint16 *restrict halves)
{
  const gint32 largest = 0x477fe000;         /* 65504 */
  const gint32 smallest_normal = 0x38800000; /* 2^-14 */

  for (gsize i = 0; i < n; i++)
    {
      gint32 bits = to_bits (values[i]);
      gint32 absolute = bits & MAGNITUDE_BITS;
      gint32 sign = (bits >> 16) & 0x8000;
      gint32 clipped = MIN (absolute, largest);
      /* The last place of 0.5 is that of a subnormal half: the addition rounds. */
      gint32 small = to_bits (from_bits (MIN (clipped, smallest_normal)) + 0.5f) - 0x3f000000;
      gint32 normal = (clipped - (112 << 23) + 0xfff + ((clipped >> 13) & 1)) >> 13;
      gint32 half = clipped < smallest_normal ? small : normal;

      half = absolute > INFINITE_BITS ? 0x7e00 : half;
      halves[i] = (guint16) (sign | half);
    }
}

/* The integral from 0 to @x of the squared loss. Beyond the bounds it goes on as that of the
 * distance to them. */
static inline double
integrate_loss (double x, double scale, double minimum, double maximum)
{
  double inside = x < minimum ? minimum : x;
  double steps, whole, part, outside;

  inside = inside > maximum ? maximum : inside;
  outside = (x - inside) / scale;
  steps = inside / scale;
  whole = (steps + ROUNDER_DOUBLE) - ROUNDER_DOUBLE;
  part = steps - whole;
  return whole * (1.0 / 12.0) + (part * part * part + outside * outside * outside) * (1.0 / 3.0);
}

FW_KERNEL double
fw_kernel_range_error (const double *lows,
                       const double *highs,
                       const double *weights,
                       gsize n,
                       double scale,
                       double minimum,
                       double maximum)
{
  enum
  {
    LANES = 8
  };
  double lanes[LANES] = { 0 };
  double sum = 0;
  gsize i = 0;

  for (; i + LANES <= n; i += LANES)
    for (guint j = 0; j < LANES; j++)
      {
        double low = integrate_loss (lows[i + j], scale, minimum, maximum);
        double high = integrate_loss (highs[i + j], scale, minimum, maximum);

        lanes[j] += weights[i + j] * (high - low) / (highs[i + j] - lows[i + j]);
      }
  for (guint j = 0; i + j < n; j++)
    {
      double low = integrate_loss (lows[i + j], scale, minimum, maximum);
      double high = integrate_loss (highs[i + j], scale, minimum, maximum);

      lanes[j] += weights[i + j] * (high - low) / (highs[i + j] - lows[i + j]);
    }
  for (guint j = 0; j < LANES; j++)
    sum += lanes[j];
  return sum * scale * scale * scale;
}
