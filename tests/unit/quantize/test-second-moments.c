/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-random.h"
#include "fw-second-moments.h"

static FwColumns
make_columns (gsize length)
{
  return (FwColumns){ .kind = FW_COLUMNS_ROWS, .groups = 1, .length = length };
}

/* Far from 0: what is about the mean must not drown in the mean. */
static float *
make_rows (gsize n, gsize length, float mean, guint64 seed)
{
  FwRandom random = { seed };
  float *rows = g_new (float, n *length);

  for (gsize i = 0; i < n * length; i++)
    rows[i] = mean + (float) (fw_random_double (&random) * 2 - 1);
  return rows;
}

static gsize
add (FwSecondMoments *moments, const float *rows, const float *quantized, gsize n, gsize length)
{
  const gint64 dims[] = { n, length };

  return fw_second_moments_add (moments, rows, quantized, dims, 2, n, 1);
}

static double
get_expected (const float *a,
              const float *b,
              gsize n,
              gsize length,
              gsize i,
              gsize j,
              gboolean centred)
{
  double sum = 0, left = 0, right = 0;

  for (gsize r = 0; r < n; r++)
    {
      left += a[r * length + i];
      right += b[r * length + j];
    }
  left = centred ? left / n : 0;
  right = centred ? right / n : 0;
  for (gsize r = 0; r < n; r++)
    sum += (a[r * length + i] - left) * (b[r * length + j] - right);
  return sum / n;
}

static void
check (gsize length, gsize n, float mean)
{
  const FwColumns columns = make_columns (length);
  g_autoptr (FwSecondMoments) plain = fw_second_moments_new (&columns, FALSE);
  g_autoptr (FwSecondMoments) crossed = fw_second_moments_new (&columns, TRUE);
  g_autofree float *rows = make_rows (n, length, mean, 1);
  g_autofree float *quantized = make_rows (n, length, mean, 2);
  gsize stride = fw_second_moments_get_stride (plain);
  g_autofree float *matrix = g_new (float, length *stride);
  g_autofree float *other = g_new (float, length *stride);
  g_autofree float *means = g_new (float, length);

  /* In two parts, and a third one that has no rows. */
  g_assert_cmpuint (add (plain, rows, NULL, n / 2, length), ==, n / 2);
  g_assert_cmpuint (add (plain, rows + n / 2 * length, NULL, n - n / 2, length), ==, n - n / 2);
  g_assert_cmpuint (add (plain, rows, NULL, 0, length), ==, 0);
  g_assert_cmpuint (add (crossed, rows, quantized, n, length), ==, n);
  g_assert_cmpuint (fw_second_moments_get_n (plain, 0), ==, n);

  fw_second_moments_get_mean (plain, 0, TRUE, means);
  g_assert_cmpfloat_with_epsilon (means[length - 1], mean, 1.1);
  for (gsize b = 0; b < fw_second_moments_get_n_blocks (plain); b++)
    for (int centred = 0; centred < 2; centred++)
      {
        gsize start = fw_second_moments_get_start (plain, b);
        gsize size = fw_second_moments_get_start (plain, b + 1) - start;
        double least = (centred ? 1 : 1 + fabs (mean) * fabs (mean)) * 1e-4;

        g_assert_cmpuint (size, <=, FW_SECOND_MOMENTS_BLOCK);
        fw_second_moments_get_block (plain, 0, b, centred, matrix);
        fw_second_moments_get_cross (crossed, 0, b, centred, other);
        for (gsize i = 0; i < size; i += 1 + size / 50)
          for (gsize j = 0; j < size; j += 1 + size / 50)
            {
              double expected = get_expected (rows, rows, n, length, start + i, start + j, centred);
              double cross
                  = get_expected (rows, quantized, n, length, start + i, start + j, centred);

              g_assert_cmpfloat_with_epsilon (matrix[i * stride + j], expected, least);
              g_assert_cmpfloat_with_epsilon (other[i * stride + j], cross, least);
            }
        for (gsize j = size; j < stride; j++)
          g_assert_cmpfloat (matrix[j], ==, 0);
        fw_second_moments_get_block (crossed, 0, b, centred, other);
        g_assert_cmpfloat_with_epsilon (
            other[0], get_expected (quantized, quantized, n, length, start, start, centred), least);
      }
}

static void
test_sums (void)
{
  check (1, 5, 0);
  check (9, 100, 3);
  check (33, 64, 1000);
  check (100, 31, -20);
  check (1500, 40, 2);
}

static void
test_groups (void)
{
  const gint64 dims[] = { 1, 6, 5, 5 }, weights[] = { 6, 1, 3, 3 };
  static const char *const inputs[] = { "x", "w", NULL };
  static const char *const outputs[] = { "y", NULL };
  Onnx__NodeProto *node = fw_node_new ("Conv", "conv", inputs, outputs);
  g_autofree float *values = make_rows (6, 25, 0, 7);
  FwColumns columns;
  g_autoptr (FwSecondMoments) moments = NULL;
  float mean[9];

  fw_node_set_int (node, "group", 6);
  g_assert_true (fw_columns_init (&columns, node, 1, weights, 4));
  moments = fw_second_moments_new (&columns, FALSE);
  g_assert_cmpuint (fw_second_moments_add (moments, values, NULL, dims, 4, 100, 1), ==, 9);
  for (gsize g = 0; g < 6; g++)
    {
      double sum = 0;

      for (gsize i = 0; i < 9; i++)
        sum += values[g * 25 + i / 3 * 5 + i % 3];
      fw_second_moments_get_mean (moments, g, FALSE, mean);
      g_assert_cmpfloat_with_epsilon (mean[0], sum / 9, 1e-6);
      g_assert_cmpuint (fw_second_moments_get_n (moments, g), ==, 9);
    }
  fw_node_free (node);
}

static void
test_not_numbers (void)
{
  const FwColumns columns = make_columns (3);
  g_autoptr (FwSecondMoments) moments = fw_second_moments_new (&columns, FALSE);
  const float rows[] = { 1, 2, 3, NAN, 2, 3, 1, INFINITY, 3, 1e30f, 0, 0, 3, 2, 1 };
  const gint64 wrong[] = { 3, 5 };
  float matrix[48], mean[3];

  fw_second_moments_get_block (moments, 0, 0, TRUE, matrix);
  g_assert_cmpfloat (matrix[0], ==, 0);
  fw_second_moments_get_mean (moments, 0, FALSE, mean);
  g_assert_cmpfloat (mean[0], ==, 0);

  g_assert_cmpuint (fw_second_moments_add (moments, rows, NULL, wrong, 2, 10, 1), ==, 0);
  add (moments, rows, NULL, 5, 3);
  g_assert_cmpuint (fw_second_moments_get_n (moments, 0), ==, 2);
  fw_second_moments_get_mean (moments, 0, FALSE, mean);
  g_assert_cmpfloat (mean[0], ==, 2);
  fw_second_moments_get_block (moments, 0, 0, TRUE, matrix);
  g_assert_cmpfloat (matrix[0], ==, 1);
  g_assert_cmpfloat (matrix[2], ==, -1);
}

static void
test_size (void)
{
  FwColumns columns = make_columns (4608);
  guint64 size = fw_second_moments_get_size (&columns, FALSE);

  /* Five blocks instead of one matrix of 85 MB. */
  g_assert_cmpuint (size, >, 4608 * 900 * 4);
  g_assert_cmpuint (size, <, 24 << 20);
  g_assert_cmpuint (fw_second_moments_get_size (&columns, TRUE), >, size);
  g_assert_cmpuint (fw_second_moments_get_size (&columns, TRUE), <, 2 * size + 1000);
  columns.groups = G_MAXSIZE / 2;
  g_assert_cmpuint (fw_second_moments_get_size (&columns, FALSE), ==, G_MAXUINT64);

  /* Blocks hold whole channels. */
  columns = make_columns (4608);
  columns.n_dims = 2;
  columns.kernel[0] = columns.kernel[1] = 3;
  {
    g_autoptr (FwSecondMoments) moments = fw_second_moments_new (&columns, FALSE);

    for (gsize b = 0; b <= fw_second_moments_get_n_blocks (moments); b++)
      g_assert_cmpuint (fw_second_moments_get_start (moments, b) % 9, ==, 0);
    g_assert_cmpuint (fw_second_moments_get_start (moments, 5), ==, 4608);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/second-moments/sums", test_sums);
  g_test_add_func ("/second-moments/groups", test_groups);
  g_test_add_func ("/second-moments/not-numbers", test_not_numbers);
  g_test_add_func ("/second-moments/size", test_size);
  return g_test_run ();
}
