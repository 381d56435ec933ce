/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-kernels-linear.h"
#include "fw-levels.h"
#include "fw-linear.h"
#include "fw-random.h"

#define LANES FW_LINEAR_LANES

static float *
make_values (gsize n, guint64 seed)
{
  FwRandom random = { seed };
  float *values = g_new (float, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (fw_random_double (&random) * 2 - 1);
  return values;
}

static void
test_multiply (void)
{
  static const gsize sizes[][3] = {
    { 1, 16, 1 }, { 3, 16, 7 }, { 4, 32, 0 }, { 5, 48, 33 }, { 32, 32, 32 }, { 37, 64, 100 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      const gsize n_a = sizes[i][0], n_b = sizes[i][1], rows = sizes[i][2];
      g_autofree float *a = make_values (rows * (n_a + 3), 1);
      g_autofree float *b = make_values (rows * (n_b + 1), 2);
      g_autofree float *c = make_values (n_a * (n_b + 2), 3);
      g_autofree float *d = g_memdup2 (c, n_a * (n_b + 2) * sizeof (float));

      fw_kernel_multiply (a, n_a + 3, n_a, b, n_b + 1, n_b, rows, -1, c, n_b + 2);
      fw_kernel_multiply_reference (a, n_a + 3, n_a, b, n_b + 1, n_b, rows, -1, d, n_b + 2);
      g_assert_cmpmem (c, n_a * (n_b + 2) * sizeof (float), d, n_a * (n_b + 2) * sizeof (float));
    }
}

static void
test_sums (void)
{
  const FwGrid grid = { .largest = 3 };
  g_autofree float *x = make_values (1000, 1);
  g_autofree float *y = make_values (1000, 2);
  g_autofree float *before = g_memdup2 (y, 1000 * sizeof (float));

  for (gsize n = 0; n < 1000; n += 37)
    {
      double dot = 0, lost = 0;

      for (gsize i = 0; i < n; i++)
        {
          float rounded = 0.25f * rintf (CLAMP (x[i] / 0.25f, -3, 3));

          dot += (double) x[i] * y[i];
          lost += ((double) x[i] - rounded) * (x[i] - rounded);
        }
      g_assert_cmpfloat_with_epsilon (fw_kernel_dot (x, y, n), dot, 1e-9);
      g_assert_cmpfloat_with_epsilon (fw_kernel_nearest_error (x, n, 0.25f, &grid), lost, 1e-6);
    }
  fw_kernel_add_multiple (0.5f, x, 999, y);
  for (gsize i = 0; i < 999; i++)
    g_assert_cmpfloat (y[i], ==, before[i] + 0.5f * x[i]);
  g_assert_cmpfloat (y[999], ==, before[999]);
}

static void
check_rounding (const FwGrid *grid)
{
  enum
  {
    N = 41
  };
  g_autofree float *weights = make_values (N * LANES, 1);
  g_autofree float *importance = make_values (N, 2);
  g_autofree float *upper = make_values (N * 48, 3);
  g_autofree float *feedback = make_values (N * LANES, 4);
  g_autofree float *other_feedback = g_memdup2 (feedback, N * LANES * sizeof (float));
  float codes[N * LANES], other_codes[N * LANES], errors[N * LANES], other_errors[N * LANES];
  float lane_errors[LANES] = { 1 }, other_lane_errors[LANES] = { 1 };
  float scales[LANES];
  const float *rows[N];

  for (guint lane = 0; lane < LANES; lane++)
    scales[lane] = (0.1f + lane * 0.2f) / grid->largest;
  for (guint i = 0; i < N; i++)
    rows[i] = scales;

  fw_kernel_round_error (weights, importance, N, scales, grid, lane_errors);
  fw_kernel_round_error_reference (weights, importance, N, scales, grid, other_lane_errors);
  g_assert_cmpmem (lane_errors, sizeof lane_errors, other_lane_errors, sizeof lane_errors);

  fw_kernel_round_rows (weights, rows, upper, 48, N, grid, feedback, codes, errors);
  fw_kernel_round_rows_reference (weights, rows, upper, 48, N, grid, other_feedback, other_codes,
                                  other_errors);
  for (guint i = 0; i < N * LANES; i++)
    g_assert_cmpfloat (codes[i], ==, other_codes[i]);
  g_assert_cmpmem (errors, sizeof errors, other_errors, sizeof errors);
}

static void
test_rounding (void)
{
  for (guint bits = 2; bits <= 8; bits++)
    check_rounding (fw_levels_get_grid (bits));
}

/* H = A Aᵀ / n + ridge, of few or many rows. */
static float *
make_matrix (gsize n, gsize stride, gsize rows, float ridge)
{
  g_autofree float *a = make_values (rows * n, 9);
  float *matrix = g_new0 (float, n *stride);

  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < n; j++)
      {
        double sum = i == j ? (double) ridge : 0;

        for (gsize r = 0; r < rows; r++)
          sum += (double) a[r * n + i] * a[r * n + j] / (double) rows;
        matrix[i * stride + j] = (float) sum;
      }
  return matrix;
}

static void
check_factor (gsize n)
{
  const gsize stride = fw_linear_get_stride (n);
  g_autofree float *matrix = make_matrix (n, stride, 2 * n + 3, 0.1f);
  g_autofree float *solution = make_values (n * 16, 4);
  g_autofree float *right = g_memdup2 (solution, n * 16 * sizeof (float));
  g_auto (FwFactor) factor = { 0 };

  g_assert_cmpuint (stride, >=, n);
  g_assert_cmpuint (stride % FW_LINEAR_WIDTH, ==, 0);
  fw_factor_init (&factor, matrix, n, stride, 1e-6f);
  for (gsize i = 0; i < n; i++)
    {
      g_assert_cmpfloat (factor.diagonal[i], >, 0);
      g_assert_cmpfloat (factor.upper[i * stride + i], ==, 1);
      for (gsize j = 0; j < n; j++)
        {
          double sum = 0;

          g_assert_cmpfloat (factor.upper[i * stride + j], ==, factor.lower[j * stride + i]);
          if (j < i)
            g_assert_cmpfloat (factor.upper[i * stride + j], ==, 0);
          for (gsize k = MAX (i, j); k < n; k++)
            sum += (double) factor.upper[i * stride + k] * factor.diagonal[k]
                   * factor.upper[j * stride + k];
          g_assert_cmpfloat_with_epsilon (sum, matrix[i * stride + j], 2e-5);
        }
    }

  fw_factor_solve (&factor, solution, 16);
  for (gsize i = 0; i < n; i++)
    for (gsize j = 0; j < 16; j++)
      {
        double sum = 0;

        for (gsize k = 0; k < n; k++)
          sum += (double) matrix[i * stride + k] * solution[k * 16 + j];
        g_assert_cmpfloat_with_epsilon (sum, right[i * 16 + j], 1e-3);
      }
}

static void
test_factor (void)
{
  static const gsize sizes[] = { 1, 2, 16, 31, 32, 33, 64, 100, 128 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    check_factor (sizes[i]);
}

/* Of one row, zeros, a dead input, numbers that are none: all must come out finite. */
static void
test_singular (void)
{
  enum
  {
    N = 40,
    STRIDE = 48
  };

  for (guint kind = 0; kind < 4; kind++)
    {
      g_autofree float *matrix = make_matrix (N, STRIDE, 1, 0);
      g_auto (FwFactor) factor = { 0 };

      for (gsize i = 0; i < N * STRIDE; i++)
        if (kind == 1 || (kind == 2 && (i / STRIDE == 7 || i % STRIDE == 7)))
          matrix[i] = 0;
        else if (kind == 3)
          matrix[i] = i % STRIDE == i / STRIDE ? -1 : NAN;
      fw_factor_init (&factor, matrix, N, STRIDE, 1e-3f);
      for (gsize i = 0; i < N; i++)
        g_assert_cmpfloat (factor.diagonal[i], >=, 1e-3f);
      for (gsize i = 0; i < N * STRIDE; i++)
        g_assert_true (isfinite (factor.upper[i]));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/linear/multiply", test_multiply);
  g_test_add_func ("/linear/sums", test_sums);
  g_test_add_func ("/linear/rounding", test_rounding);
  g_test_add_func ("/linear/factor", test_factor);
  g_test_add_func ("/linear/singular", test_singular);
  return g_test_run ();
}
