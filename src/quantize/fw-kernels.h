/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-kernels.h: the innermost loops over tensors.
 *
 * Each is compiled for several instruction sets and chosen when the program starts. All choices
 * give the same bits: sums go into a fixed number of lanes, and products are never contracted with
 * sums. Compiled with -O3 and without contraction, whatever the rest is compiled with.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Element i of a tensor is added to lane i % FW_KERNEL_LANES. */
#define FW_KERNEL_LANES 16
/* Indices are made for so many values at a time. */
#define FW_KERNEL_BLOCK 2048

typedef struct
{
  /* As integers that are in the order of the floats: see fw_kernel_from_key (). */
  gint32 minimum, maximum;
  /* The bits of the largest |value|: from 0x7f800000 on there is a NaN or Inf. */
  gint32 magnitude;
  guint32 zeros; /* of either sign */
} FwKernelScan;

/* @n up to FW_KERNEL_BLOCK. */
void fw_kernel_scan (const float *values, gsize n, FwKernelScan *scan);
float fw_kernel_from_key (gint32 key);

/* Adds values to lanes; @n up to FW_KERNEL_BLOCK. No NaN or Inf. */
void fw_kernel_sum (const float *values, gsize n, double lanes[FW_KERNEL_LANES]);
double fw_kernel_sum_lanes (const double lanes[FW_KERNEL_LANES]);
/* sums[i] += values[i]. */
void fw_kernel_add (const float *values, gsize n, double *sums);

/* |value| * @factor, cut to an integer of at most @half - 1, counted upwards from @half for values
 * of 0 and more, downwards from @half - 1 for others. */
void fw_kernel_index (const float *values, gsize n, float factor, guint half, guint16 *indices);

/* The largest finite |value|, or 0. */
float fw_kernel_magnitude (const float *values, gsize n);

void fw_kernel_to_half (const float *values, gsize n, guint16 *halves);

/* The sum over i of weights[i] * mean square of (x - rounded x) for x uniform between lows[i] and
 * highs[i]. Rounding is to multiples of @scale, clipped to @minimum..@maximum, which are such. */
double fw_kernel_range_error (const double *lows,
                              const double *highs,
                              const double *weights,
                              gsize n,
                              double scale,
                              double minimum,
                              double maximum);

G_END_DECLS
