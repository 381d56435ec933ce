/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-kernels-linear.h"
#include "fw-linear.h"

/* Rows that are taken together: what they do to all others is one product. */
#define BLOCK 32

gsize
fw_linear_get_stride (gsize n)
{
  gsize stride = (n + FW_LINEAR_WIDTH - 1) / FW_LINEAR_WIDTH * FW_LINEAR_WIDTH;

  return stride % 128 == 0 ? stride + FW_LINEAR_WIDTH : stride;
}

/* Takes rows @first to @end - 1, from the last one up, out of each other. @lower holds what is left
 * of H, and in finished rows U. @scaled: the same rows times D. */
static void
factor_rows (FwFactor *self, gsize first, gsize end, float least, float *scaled)
{
  for (gsize r = end; r-- > first;)
    {
      float *row = self->lower + r * self->stride;
      float pivot = row[r];

      memcpy (scaled + (r - first) * self->stride, row, r * sizeof *row);
      if (!(pivot > least))
        {
          pivot = least;
          memset (scaled + (r - first) * self->stride, 0, r * sizeof *row);
        }
      self->diagonal[r] = pivot;
      for (gsize i = 0; i < r; i++)
        row[i] = scaled[(r - first) * self->stride + i] / pivot;
      row[r] = 1;

      for (gsize i = first; i < r; i++)
        {
          float *other = self->lower + i * self->stride;

          fw_kernel_add_multiple (-scaled[(r - first) * self->stride + i], row, i + 1, other);
        }
    }
}

void
fw_factor_init (FwFactor *self, const float *matrix, gsize n, gsize stride, float least)
{
  g_autofree float *scaled = g_new0 (float, BLOCK *stride);

  self->n = n;
  self->stride = stride;
  self->upper = g_new0 (float, n *stride);
  self->lower = g_new0 (float, n *stride);
  self->diagonal = g_new (float, MAX (n, 1));
  for (gsize i = 0; i < n; i++)
    memcpy (self->lower + i * stride, matrix + i * stride, (i + 1) * sizeof (float));

  for (gsize end = n, first; end > 0; end = first)
    {
      first = (end - 1) / BLOCK * BLOCK;

      factor_rows (self, first, end, least, scaled);
      /* The lower half of what is above. */
      for (gsize i = 0; i < first; i += BLOCK)
        fw_kernel_multiply (scaled + i, stride, BLOCK, self->lower + first * stride, stride,
                            i + BLOCK, end - first, -1, self->lower + i * stride, stride);
    }

  /* Blocks reached over the diagonal. */
  for (gsize i = 0; i < n; i++)
    {
      memset (self->lower + i * stride + i + 1, 0, (stride - i - 1) * sizeof (float));
      for (gsize j = 0; j <= i; j++)
        self->upper[j * stride + i] = self->lower[i * stride + j];
    }
}

void
fw_factor_clear (FwFactor *self)
{
  g_clear_pointer (&self->upper, g_free);
  g_clear_pointer (&self->lower, g_free);
  g_clear_pointer (&self->diagonal, g_free);
}

void
fw_factor_solve (const FwFactor *self, float *values, gsize width)
{
  const gsize stride = self->stride;

  /* U Z = B, from the last row up. */
  for (gsize end = self->n; end > 0;)
    {
      gsize first = (end - 1) / BLOCK * BLOCK;

      for (gsize r = end; r-- > first;)
        for (gsize i = first; i < r; i++)
          fw_kernel_add_multiple (-self->lower[r * stride + i], values + r * width, width,
                                  values + i * width);
      fw_kernel_multiply (self->lower + first * stride, stride, first, values + first * width,
                          width, width, end - first, -1, values, width);
      end = first;
    }

  for (gsize r = 0; r < self->n; r++)
    for (gsize j = 0; j < width; j++)
      values[r * width + j] /= self->diagonal[r];

  /* Uᵀ X = Z, from the first row down. */
  for (gsize first = 0; first < self->n; first += BLOCK)
    {
      gsize end = MIN (first + BLOCK, self->n);

      fw_kernel_multiply (self->upper + first, stride, end - first, values, width, width, first, -1,
                          values + first * width, width);
      for (gsize r = first; r < end; r++)
        for (gsize i = r + 1; i < end; i++)
          fw_kernel_add_multiple (-self->upper[r * stride + i], values + r * width, width,
                                  values + i * width);
    }
}
