/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models were trained on pictures that were made small with a triangle filter stretched to the
 * scale. The steps and roundings here are those of Pillow's BILINEAR, so that the same picture
 * gives the same numbers.
 */

#include "config.h"

#include "fw-resample.h"

#include <math.h>
#include <string.h>

#define PRECISION_BITS 22

/* The weights with which one line of pixels makes a part of another. */
typedef struct
{
  int *first;     /* per output pixel: the first input pixel that counts */
  int *count;     /* and how many */
  gint32 *values; /* @stride weights per output pixel */
  int stride;
  int n;
} Weights;

static void
weights_clear (Weights *self)
{
  g_free (self->first);
  g_free (self->count);
  g_free (self->values);
}

static double
triangle (double x)
{
  x = fabs (x);
  return x < 1.0 ? 1.0 - x : 0.0;
}

static void
weights_init (Weights *self, int input, gint64 output, gint64 start, int n)
{
  const double scale = (double) input / output;
  const double support = MAX (scale, 1.0);
  const double inverse = 1.0 / support;
  g_autofree double *line = NULL;

  /* No input line is longer than the input, however wide the filter. */
  self->stride = MIN ((int) ceil (support) * 2 + 1, input);
  self->n = n;
  self->first = g_new (int, n);
  self->count = g_new (int, n);
  self->values = g_new0 (gint32, (gsize) n * self->stride);
  line = g_new (double, self->stride);

  for (int i = 0; i < n; i++)
    {
      const double center = (start + i + 0.5) * scale;
      const int low = MAX ((int) (center - support + 0.5), 0);
      const int high = MIN ((int) (center + support + 0.5), input);
      const int count = CLAMP (high - low, 0, self->stride);
      gint32 *values = self->values + (gsize) i * self->stride;
      double sum = 0.0;

      for (int j = 0; j < count; j++)
        {
          line[j] = triangle ((j + low - center + 0.5) * inverse);
          sum += line[j];
        }
      for (int j = 0; j < count; j++)
        values[j] = (gint32) (0.5 + (sum != 0.0 ? line[j] / sum : line[j]) * (1 << PRECISION_BITS));
      self->first[i] = low;
      self->count[i] = count;
    }
}

static inline guint8
round_to_byte (gint32 sum)
{
  return CLAMP (sum >> PRECISION_BITS, 0, 255);
}

static void
resample_row (const guint8 *source, const Weights *weights, guint8 *target)
{
  for (int i = 0; i < weights->n; i++, target += 3)
    {
      const gint32 *values = weights->values + (gsize) i * weights->stride;
      const guint8 *pixel = source + (gsize) weights->first[i] * 3;
      gint32 sum[3]
          = { 1 << (PRECISION_BITS - 1), 1 << (PRECISION_BITS - 1), 1 << (PRECISION_BITS - 1) };

      for (int j = 0; j < weights->count[i]; j++, pixel += 3)
        {
          sum[0] += pixel[0] * values[j];
          sum[1] += pixel[1] * values[j];
          sum[2] += pixel[2] * values[j];
        }
      for (int c = 0; c < 3; c++)
        target[c] = round_to_byte (sum[c]);
    }
}

/* Output row @row from the rows of @source, whose first is row @top of the picture. */
static void
resample_column (const guint8 *source,
                 gsize row_size,
                 int top,
                 const Weights *weights,
                 int row,
                 gint32 *sums,
                 guint8 *target)
{
  const gint32 *values = weights->values + (gsize) row * weights->stride;

  for (gsize x = 0; x < row_size; x++)
    sums[x] = 1 << (PRECISION_BITS - 1);
  for (int j = 0; j < weights->count[row]; j++)
    {
      const guint8 *line = source + (gsize) (weights->first[row] - top + j) * row_size;
      const gint32 value = values[j];

      for (gsize x = 0; x < row_size; x++)
        sums[x] += line[x] * value;
    }
  for (gsize x = 0; x < row_size; x++)
    target[x] = round_to_byte (sums[x]);
}

/* The rows @top to @bottom of @self, each resampled to the window's columns. */
static guint8 *
resample_rows (const FwPicture *self, gint64 width, const FwWindow *window, int top, int bottom)
{
  const gsize row_size = (gsize) window->width * 3;
  guint8 *rows = g_malloc_n (bottom - top, row_size);
  Weights weights = { 0 };

  if (width != self->width)
    weights_init (&weights, self->width, width, window->x, window->width);
  for (int y = top; y < bottom; y++)
    {
      const guint8 *source = self->pixels + (gsize) y * self->width * 3;
      guint8 *target = rows + (y - top) * row_size;

      if (width != self->width)
        resample_row (source, &weights, target);
      else
        memcpy (target, source + window->x * 3, row_size);
    }
  weights_clear (&weights);
  return rows;
}

FwPicture *
fw_picture_resize_window (const FwPicture *self,
                          gint64 width,
                          gint64 height,
                          const FwWindow *window)
{
  const gsize row_size = (gsize) window->width * 3;
  FwPicture *result;
  Weights weights = { 0 };
  g_autofree guint8 *rows = NULL;
  g_autofree gint32 *sums = NULL;
  int top = window->y, bottom = window->y + window->height;

  g_return_val_if_fail (window->x >= 0 && window->x + window->width <= width, NULL);
  g_return_val_if_fail (window->y >= 0 && window->y + window->height <= height, NULL);

  result = fw_picture_new (window->width, window->height);
  if (height != self->height)
    {
      weights_init (&weights, self->height, height, window->y, window->height);
      top = weights.first[0];
      bottom = weights.first[weights.n - 1] + weights.count[weights.n - 1];
    }
  rows = resample_rows (self, width, window, top, bottom);
  if (height == self->height)
    memcpy (result->pixels, rows, row_size * window->height);
  else
    {
      sums = g_new (gint32, row_size);
      for (int y = 0; y < window->height; y++)
        resample_column (rows, row_size, top, &weights, y, sums, result->pixels + y * row_size);
    }
  weights_clear (&weights);
  return result;
}

FwPicture *
fw_picture_resize (const FwPicture *self, int width, int height)
{
  const FwWindow all = { .width = width, .height = height };

  g_return_val_if_fail (width > 0 && height > 0, NULL);

  return fw_picture_resize_window (self, width, height, &all);
}
