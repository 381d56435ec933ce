/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-histogram.h"
#include "fw-kernels.h"

#define HALF (FW_HISTOGRAM_BINS / 2)
/* Below this the factor that makes an index of a value would not be a float. */
#define SMALLEST_RADIUS 0x1p-100
/* Counts of neighbouring values go to different tables: they are often equal, and adding to what
 * was written an instant ago is slow. */
#define TABLES 4
/* For fewer values it doesn't pay to clear and add up the tables. */
#define FEW (4 * FW_HISTOGRAM_BINS)
/* So many values at most before the tables are added up: their counts are 32 bits wide. */
#define MANY ((gsize) 1 << 30)

/* So many values of one tensor are counted at least, where it has as many. */
#define ENOUGH ((gsize) 1 << 16)
#define MOST_STRIDE 8

typedef guint32 Tables[TABLES][FW_HISTOGRAM_BINS];

void
fw_histogram_init (FwHistogram *self)
{
  memset (self, 0, sizeof *self);
  self->minimum = INFINITY;
  self->maximum = -INFINITY;
}

double
fw_histogram_get_center (const FwHistogram *self, guint index)
{
  g_return_val_if_fail (index < FW_HISTOGRAM_BINS, 0);

  return ((double) index - HALF + 0.5) * (self->radius / HALF);
}

static void
merge_bins (FwHistogram *self)
{
  guint64 merged[FW_HISTOGRAM_BINS] = { 0 };

  for (guint i = 0; i < HALF; i++)
    {
      merged[HALF + i / 2] += self->bins[HALF + i];
      merged[HALF - 1 - i / 2] += self->bins[HALF - 1 - i];
    }
  memcpy (self->bins, merged, sizeof merged);
}

/* Makes room for a value of @magnitude above the radius. */
static void
grow (FwHistogram *self, double magnitude)
{
  if (self->radius == 0)
    {
      int exponent;

      if (frexp (magnitude, &exponent) == 0.5)
        exponent--;
      self->radius = MAX (ldexp (1, exponent), SMALLEST_RADIUS);
      self->bins[HALF] = self->zeros;
      return;
    }

  while (self->radius < magnitude)
    {
      self->radius *= 2;
      merge_bins (self);
    }
}

static void
add_value (FwHistogram *self, float value)
{
  guint index;

  if (!isfinite (value))
    {
      self->n_not_finite++;
      return;
    }

  /* Adding 0 makes 0 of -0. */
  if (value < self->minimum)
    self->minimum = value + 0.0;
  if (value > self->maximum)
    self->maximum = value + 0.0;
  if (fabs ((double) value) > self->radius)
    grow (self, fabs ((double) value));

  self->count++;
  if (value == 0)
    self->zeros++;
  if (self->radius == 0)
    return;

  index = (guint) (fabsf (value) * (float) (HALF / self->radius));
  index = MIN (index, HALF - 1);
  self->bins[value < 0 ? HALF - 1 - index : HALF + index]++;
}

void
fw_histogram_add_reference (FwHistogram *self, const float *values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    add_value (self, values[i]);
}

static void
add_up_tables (FwHistogram *self, Tables tables)
{
  for (guint i = 0; i < FW_HISTOGRAM_BINS; i++)
    for (guint j = 0; j < TABLES; j++)
      self->bins[i] += tables[j][i];
  memset (tables, 0, sizeof (Tables));
}

static void
count_block (FwHistogram *self, const float *values, gsize n, guint32 (*tables)[FW_HISTOGRAM_BINS])
{
  guint16 indices[FW_KERNEL_BLOCK];
  gsize i = 0;

  fw_kernel_index (values, n, (float) (HALF / self->radius), HALF, indices);
  if (tables != NULL)
    for (; i + TABLES <= n; i += TABLES)
      {
        /* What comes next is on its way while these are counted. */
        __builtin_prefetch (&values[n + i]);
        tables[0][indices[i]]++;
        tables[1][indices[i + 1]]++;
        tables[2][indices[i + 2]]++;
        tables[3][indices[i + 3]]++;
      }
  for (; i < n; i++)
    self->bins[indices[i]]++;
}

/* @part: those of the values that are counted, all or a few of them. */
static void
add_block (FwHistogram *self,
           const float *values,
           gsize n,
           const float *part,
           gsize n_part,
           guint32 (*tables)[FW_HISTOGRAM_BINS])
{
  FwKernelScan scan;
  double magnitude;

  fw_kernel_scan (values, n, &scan);
  magnitude = fw_kernel_from_key (scan.magnitude);
  if (tables != NULL && !(magnitude <= self->radius))
    add_up_tables (self, tables);
  if (!isfinite (magnitude))
    {
      fw_histogram_add_reference (self, values, n);
      return;
    }

  self->minimum = MIN (self->minimum, fw_kernel_from_key (scan.minimum) + 0.0);
  self->maximum = MAX (self->maximum, fw_kernel_from_key (scan.maximum) + 0.0);
  if (magnitude > self->radius)
    grow (self, magnitude);

  if (n_part < n)
    fw_kernel_scan (part, n_part, &scan);
  self->count += n_part;
  self->zeros += scan.zeros;
  if (self->radius > 0)
    count_block (self, part, n_part, tables);
}

/* A place in values [outer, channels, inner], and the sum of the channel it lies in so far. */
typedef struct
{
  gsize channels, inner;
  gsize channel, place;
  double lanes[FW_KERNEL_LANES];
  double *sums;
} Sums;

static void
add_row_to_sums (Sums *self, const float *values, gsize n)
{
  while (n > 0)
    {
      gsize length = MIN (n, self->channels - self->channel);

      fw_kernel_add (values, length, self->sums + self->channel);
      self->channel = (self->channel + length) % self->channels;
      values += length;
      n -= length;
    }
}

/* The block was just counted: its values are still near. */
static void
add_block_to_sums (Sums *self, const float *values, gsize n)
{
  if (self->inner == 1)
    {
      add_row_to_sums (self, values, n);
      return;
    }
  while (n > 0)
    {
      gsize length = MIN (n, self->inner - self->place);

      fw_kernel_sum (values, length, self->lanes);
      values += length;
      n -= length;
      self->place += length;
      if (self->place == self->inner)
        {
          self->sums[self->channel] += fw_kernel_sum_lanes (self->lanes);
          memset (self->lanes, 0, sizeof self->lanes);
          self->place = 0;
          self->channel = (self->channel + 1) % self->channels;
        }
    }
}

guint
fw_histogram_get_stride (gsize n)
{
  guint stride = 1;

  while (stride < MOST_STRIDE && n / stride >= 2 * ENOUGH)
    stride *= 2;
  return stride;
}

/* Of each block one piece is counted, another one each time. */
static void
add (FwHistogram *self, const float *values, gsize n, guint stride, Sums *sums)
{
  const gsize piece = FW_KERNEL_BLOCK / stride;
  Tables tables;
  gboolean use_tables = n / stride >= FEW;
  gsize pending = 0;

  if (use_tables)
    memset (tables, 0, sizeof tables);
  for (gsize i = 0; i < n; i += FW_KERNEL_BLOCK)
    {
      gsize length = MIN (n - i, FW_KERNEL_BLOCK);
      gsize first = MIN (i / FW_KERNEL_BLOCK % stride * piece, length);

      add_block (self, values + i, length, values + i + first, MIN (length - first, piece),
                 use_tables ? tables : NULL);
      if (sums != NULL)
        add_block_to_sums (sums, values + i, length);
      pending += length;
      if (use_tables && pending >= MANY)
        {
          add_up_tables (self, tables);
          pending = 0;
        }
    }
  if (use_tables)
    add_up_tables (self, tables);
}

void
fw_histogram_add (FwHistogram *self, const float *values, gsize n)
{
  add (self, values, n, 1, NULL);
}

gboolean
fw_histogram_add_channels (FwHistogram *self,
                           const float *values,
                           gsize outer,
                           gsize channels,
                           gsize inner,
                           double *sums)
{
  const guint64 before = self->n_not_finite;
  const gsize n = outer * channels * inner;
  Sums place = { .channels = channels, .inner = inner, .sums = sums };

  add (self, values, n, fw_histogram_get_stride (n), &place);
  return self->n_not_finite == before;
}
