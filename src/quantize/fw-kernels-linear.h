/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-kernels-linear.h: the innermost loops over matrices.
 *
 * As in fw-kernels.h each is compiled for several instruction sets, and all give the same bits:
 * every element of a result is summed in one fixed order. Each has a plain twin that tests compare
 * it with. Matrices are row after row; "stride" is the number of floats from one row to the next.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Strides and, where it is said, widths are multiples of this. */
#define FW_LINEAR_WIDTH 16
/* Output channels that are rounded side by side. */
#define FW_LINEAR_LANES 32

/* c[i, j] += @sign * sum over r < @rows of a[r, i] * b[r, j], for i < @n_a and j < @n_b; @n_b is a
 * multiple of FW_LINEAR_WIDTH. */
void fw_kernel_multiply (const float *a,
                         gsize stride_a,
                         gsize n_a,
                         const float *b,
                         gsize stride_b,
                         gsize n_b,
                         gsize rows,
                         float sign,
                         float *c,
                         gsize stride_c);
void fw_kernel_multiply_reference (const float *a,
                                   gsize stride_a,
                                   gsize n_a,
                                   const float *b,
                                   gsize stride_b,
                                   gsize n_b,
                                   gsize rows,
                                   float sign,
                                   float *c,
                                   gsize stride_c);

/* y[i] += factor * x[i]. */
void fw_kernel_add_multiple (float factor, const float *x, gsize n, float *y);
/* The sum of x[i] * y[i], in double precision and a fixed number of lanes. */
double fw_kernel_dot (const float *x, const float *y, gsize n);

/* The whole numbers that a quotient is rounded to: all up to ± @largest, or, where @nearest is not
 * NULL, some of them: @nearest[i] for quotients from i / 2 - @largest on. See fw-levels.h. */
typedef struct
{
  float largest;
  const float *nearest; /* [4 * largest + 1] */
} FwGrid;

/* One quotient, just as the kernels round it. No NaN. */
float fw_grid_round (const FwGrid *grid, float quotient);

/* The sum of squares of what rounding to codes of @grid times @scale loses. */
double fw_kernel_nearest_error (const float *values, gsize n, float scale, const FwGrid *grid);

/* errors[lane] += sum over k < @n of importance[k] * (w - ŵ)², where w is weights[k, lane] and ŵ is
 * scales[lane] times the nearest code of @grid. Rows of FW_LINEAR_LANES. */
void fw_kernel_round_error (const float *weights,
                            const float *importance,
                            gsize n,
                            const float *scales,
                            const FwGrid *grid,
                            float *errors);
void fw_kernel_round_error_reference (const float *weights,
                                      const float *importance,
                                      gsize n,
                                      const float *scales,
                                      const FwGrid *grid,
                                      float *errors);

/* Rounds @n rows of FW_LINEAR_LANES one after the other. Row k is rounded as weights[k] +
 * feedback[k] / scales[k], to codes[k] of @grid; then errors[k] = weights[k] -
 * codes[k]
 * * scales[k], and @upper[k, l] * errors[k] is added to feedback[l] for later rows l. */
void fw_kernel_round_rows (const float *weights,
                           const float *const *scales,
                           const float *upper,
                           gsize stride_upper,
                           gsize n,
                           const FwGrid *grid,
                           float *feedback,
                           float *codes,
                           float *errors);
void fw_kernel_round_rows_reference (const float *weights,
                                     const float *const *scales,
                                     const float *upper,
                                     gsize stride_upper,
                                     gsize n,
                                     const FwGrid *grid,
                                     float *feedback,
                                     float *codes,
                                     float *errors);

G_END_DECLS
