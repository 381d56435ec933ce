/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-kernels-linear.h"

/* As in fw-kernels.c. */
#if defined(__x86_64__) && defined(__linux__) && defined(__GLIBC__) && !defined(__clang__)         \
    && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#  define FW_KERNEL __attribute__ ((target_clones ("default", "avx2", "arch=x86-64-v4")))
#else
#  define FW_KERNEL
#endif

#define INLINE static inline __attribute__ ((always_inline))
#define LANES FW_LINEAR_LANES
#define DOT_LANES 16
/* Rows of a product that are made side by side. */
#define SIDE_BY_SIDE 4

/* Added to and taken from a number, leaves it rounded to an integer, half to even. */
#define ROUNDER 12582912.0f

typedef float Vector __attribute__ ((vector_size (FW_LINEAR_WIDTH * sizeof (float)), aligned (4)));

/* One to four rows of c, one vector wide. */
INLINE void
multiply_tile (const float *a,
               gsize stride_a,
               gsize n_a,
               const float *b,
               gsize stride_b,
               gsize rows,
               float sign,
               float *c,
               gsize stride_c)
{
  Vector sums[SIDE_BY_SIDE] = { 0 };

  if (n_a == SIDE_BY_SIDE)
    for (gsize r = 0; r < rows; r++, a += stride_a, b += stride_b)
      {
        const Vector values = *(const Vector *) b;

        sums[0] += a[0] * values;
        sums[1] += a[1] * values;
        sums[2] += a[2] * values;
        sums[3] += a[3] * values;
      }
  else
    for (gsize r = 0; r < rows; r++, a += stride_a, b += stride_b)
      for (gsize i = 0; i < n_a; i++)
        sums[i] += a[i] * *(const Vector *) b;

  for (gsize i = 0; i < n_a; i++)
    *(Vector *) (c + i * stride_c) += sign * sums[i];
}

FW_KERNEL void
fw_kernel_multiply (const float *a,
                    gsize stride_a,
                    gsize n_a,
                    const float *b,
                    gsize stride_b,
                    gsize n_b,
                    gsize rows,
                    float sign,
                    float *c,
                    gsize stride_c)
{
  for (gsize j = 0; j < n_b; j += FW_LINEAR_WIDTH)
    for (gsize i = 0; i < n_a; i += SIDE_BY_SIDE)
      multiply_tile (a + i, stride_a, MIN (n_a - i, SIDE_BY_SIDE), b + j, stride_b, rows, sign,
                     c + i * stride_c + j, stride_c);
}

void
fw_kernel_multiply_reference (const float *a,
                              gsize stride_a,
                              gsize n_a,
                              const float *b,
                              gsize stride_b,
                              gsize n_b,
                              gsize rows,
                              float sign,
                              float *c,
                              gsize stride_c)
{
  for (gsize i = 0; i < n_a; i++)
    for (gsize j = 0; j < n_b; j++)
      {
        float sum = 0;

        for (gsize r = 0; r < rows; r++)
          sum += a[r * stride_a + i] * b[r * stride_b + j];
        c[i * stride_c + j] += sign * sum;
      }
}

FW_KERNEL void
fw_kernel_add_multiple (float factor, const float *restrict x, gsize n, float *restrict y)
{
  for (gsize i = 0; i < n; i++)
    y[i] += factor * x[i];
}

FW_KERNEL double
fw_kernel_dot (const float *x, const float *y, gsize n)
{
  double lanes[DOT_LANES] = { 0 };
  double sum = 0;
  gsize i = 0;

  for (; i + DOT_LANES <= n; i += DOT_LANES)
    for (guint j = 0; j < DOT_LANES; j++)
      lanes[j] += (double) x[i + j] * (double) y[i + j];
  for (guint j = 0; i + j < n; j++)
    lanes[j] += (double) x[i + j] * (double) y[i + j];
  for (guint j = 0; j < DOT_LANES; j++)
    sum += lanes[j];
  return sum;
}

INLINE float
round_quotient (float quotient, float largest, const float *nearest)
{
  /* Whatever is no number must not become an index. */
  quotient = quotient < largest ? quotient : largest;
  quotient = quotient > -largest ? quotient : -largest;
  if (nearest != NULL)
    return nearest[(int) (2.0f * quotient + 2.0f * largest)];
  return (quotient + ROUNDER) - ROUNDER;
}

float
fw_grid_round (const FwGrid *grid, float quotient)
{
  return round_quotient (quotient, grid->largest, grid->nearest);
}

FW_KERNEL double
fw_kernel_nearest_error (const float *values, gsize n, float scale, const FwGrid *grid)
{
  const float largest = grid->largest, *nearest = grid->nearest;
  double lanes[DOT_LANES] = { 0 };
  double sum = 0;
  gsize i = 0;

  for (; i + DOT_LANES <= n; i += DOT_LANES)
    for (guint j = 0; j < DOT_LANES; j++)
      {
        float lost
            = values[i + j] - round_quotient (values[i + j] / scale, largest, nearest) * scale;

        lanes[j] += (double) lost * (double) lost;
      }
  for (guint j = 0; i + j < n; j++)
    {
      float lost = values[i + j] - round_quotient (values[i + j] / scale, largest, nearest) * scale;

      lanes[j] += (double) lost * (double) lost;
    }
  for (guint j = 0; j < DOT_LANES; j++)
    sum += lanes[j];
  return sum;
}

FW_KERNEL void
fw_kernel_round_error (const float *restrict weights,
                       const float *restrict importance,
                       gsize n,
                       const float *restrict scales,
                       const FwGrid *grid,
                       float *restrict errors)
{
  const float largest = grid->largest, *nearest = grid->nearest;
  float sums[LANES] = { 0 };

  for (gsize k = 0; k < n; k++, weights += LANES)
    for (guint lane = 0; lane < LANES; lane++)
      {
        float code = round_quotient (weights[lane] / scales[lane], largest, nearest);
        float lost = weights[lane] - code * scales[lane];

        sums[lane] += importance[k] * (lost * lost);
      }
  for (guint lane = 0; lane < LANES; lane++)
    errors[lane] += sums[lane];
}

void
fw_kernel_round_error_reference (const float *weights,
                                 const float *importance,
                                 gsize n,
                                 const float *scales,
                                 const FwGrid *grid,
                                 float *errors)
{
  for (guint lane = 0; lane < LANES; lane++)
    {
      float sum = 0;

      for (gsize k = 0; k < n; k++)
        {
          float weight = weights[k * LANES + lane];
          float code = fw_grid_round (grid, weight / scales[lane]);
          float lost = weight - code * scales[lane];

          sum += importance[k] * (lost * lost);
        }
      errors[lane] += sum;
    }
}

FW_KERNEL void
fw_kernel_round_rows (const float *restrict weights,
                      const float *const *restrict scales,
                      const float *restrict upper,
                      gsize stride_upper,
                      gsize n,
                      const FwGrid *grid,
                      float *restrict feedback,
                      float *restrict codes,
                      float *restrict errors)
{
  const float largest = grid->largest, *nearest = grid->nearest;
  for (gsize k = 0; k < n; k++)
    {
      const float *row_scales = scales[k];
      float error[LANES];

      for (guint lane = 0; lane < LANES; lane++)
        {
          gsize i = k * LANES + lane;
          float code
              = round_quotient ((weights[i] + feedback[i]) / row_scales[lane], largest, nearest);

          codes[i] = code;
          error[lane] = weights[i] - code * row_scales[lane];
        }
      for (gsize l = k + 1; l < n; l++)
        {
          const float factor = upper[k * stride_upper + l];

          for (guint lane = 0; lane < LANES; lane++)
            feedback[l * LANES + lane] += factor * error[lane];
        }
      memcpy (errors + k * LANES, error, sizeof error);
    }
}

void
fw_kernel_round_rows_reference (const float *weights,
                                const float *const *scales,
                                const float *upper,
                                gsize stride_upper,
                                gsize n,
                                const FwGrid *grid,
                                float *feedback,
                                float *codes,
                                float *errors)
{
  for (gsize k = 0; k < n; k++)
    for (gsize i = k * LANES; i < (k + 1) * LANES; i++)
      {
        float scale = scales[k][i % LANES];
        float quotient = (weights[i] + feedback[i]) / scale;

        codes[i] = fw_grid_round (grid, quotient);
        errors[i] = weights[i] - codes[i] * scale;
        for (gsize l = k + 1; l < n; l++)
          feedback[l * LANES + i % LANES] += upper[k * stride_upper + l] * errors[i];
      }
}
