/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fw-histogram.h"
#include "fw-kernels.h"
#include "fw-random.h"

#define HALF (FW_HISTOGRAM_BINS / 2)

static guint64
count_bins (const FwHistogram *histogram)
{
  guint64 sum = 0;

  for (guint i = 0; i < FW_HISTOGRAM_BINS; i++)
    sum += histogram->bins[i];
  return sum;
}

static void
add_both (FwHistogram *fast, FwHistogram *reference, const float *values, gsize n)
{
  fw_histogram_add (fast, values, n);
  fw_histogram_add_reference (reference, values, n);
  g_assert_cmpmem (fast, sizeof *fast, reference, sizeof *reference);
}

static float
random_float (FwRandom *random, int lowest, int highest)
{
  double sign = fw_random_double (random) < 0.5 ? -1 : 1;
  double exponent = lowest + (highest - lowest) * fw_random_double (random);

  return (float) (sign * exp2 (exponent));
}

static void
test_empty (void)
{
  FwHistogram histogram;
  const float zeros[] = { 0.0f, -0.0f, 0.0f };

  fw_histogram_init (&histogram);
  fw_histogram_add (&histogram, NULL, 0);
  g_assert_cmpuint (histogram.count, ==, 0);
  g_assert_true (isinf (histogram.minimum) && histogram.minimum > 0);
  g_assert_true (isinf (histogram.maximum) && histogram.maximum < 0);

  fw_histogram_add (&histogram, zeros, 3);
  g_assert_cmpuint (histogram.count, ==, 3);
  g_assert_cmpuint (histogram.zeros, ==, 3);
  g_assert_cmpfloat (histogram.radius, ==, 0);
  g_assert_false (signbit (histogram.minimum) || signbit (histogram.maximum));
  g_assert_cmpuint (count_bins (&histogram), ==, 0);
}

static void
test_edges (void)
{
  FwHistogram histogram;
  const float values[] = { 1.0f,  -1.0f, 0.0f,       -0.0f,     0x1p-10f,
                           0.75f, -0.5f, 0x1.8p-11f, -0x1p-10f, -0x1.000002p-10f };

  fw_histogram_init (&histogram);
  fw_histogram_add (&histogram, values, G_N_ELEMENTS (values));
  g_assert_cmpfloat (histogram.radius, ==, 1);
  g_assert_cmpfloat (histogram.minimum, ==, -1);
  g_assert_cmpfloat (histogram.maximum, ==, 1);
  g_assert_cmpuint (histogram.bins[FW_HISTOGRAM_BINS - 1], ==, 1);
  g_assert_cmpuint (histogram.bins[0], ==, 1);
  g_assert_cmpuint (histogram.bins[HALF], ==, 3);
  g_assert_cmpuint (histogram.bins[HALF + 1], ==, 1);
  g_assert_cmpuint (histogram.bins[HALF + 768], ==, 1);
  g_assert_cmpuint (histogram.bins[HALF - 1 - 512], ==, 1);
  g_assert_cmpuint (histogram.bins[HALF - 2], ==, 2);
  g_assert_cmpuint (count_bins (&histogram), ==, G_N_ELEMENTS (values));
  g_assert_cmpfloat (fw_histogram_get_center (&histogram, HALF), ==, 0x1p-11);
  g_assert_cmpfloat (fw_histogram_get_center (&histogram, 0), ==, -1 + 0x1p-11);
}

static void
test_growing (void)
{
  FwHistogram histogram;
  const float first[] = { 0.25f, 0.0f, -0.25f, 0.2f };
  const float second[] = { 1000.0f };

  fw_histogram_init (&histogram);
  fw_histogram_add (&histogram, first, 4);
  g_assert_cmpfloat (histogram.radius, ==, 0.25);
  fw_histogram_add (&histogram, second, 1);
  g_assert_cmpfloat (histogram.radius, ==, 1024);
  g_assert_cmpuint (histogram.bins[HALF], ==, 3);
  g_assert_cmpuint (histogram.bins[HALF - 1], ==, 1);
  g_assert_cmpuint (histogram.bins[HALF + 1000], ==, 1);
  g_assert_cmpuint (count_bins (&histogram), ==, 5);
  g_assert_cmpuint (histogram.zeros, ==, 1);
}

static void
test_strange_values (void)
{
  FwHistogram fast, reference;
  const float strange[] = { NAN,          INFINITY, -INFINITY, -NAN,    FLT_MAX,  -FLT_MAX, 0.0f,
                            -0.0f,        1e-45f,   -1e-45f,   FLT_MIN, -FLT_MIN, 1.0f,     -1.0f,
                            FLT_TRUE_MIN, 3e38f,    1e-30f,    -1e-30f, NAN };
  const float tiny[] = { 1e-45f, -1e-45f, 1e-40f };

  fw_histogram_init (&fast);
  fw_histogram_init (&reference);
  add_both (&fast, &reference, strange, G_N_ELEMENTS (strange));
  g_assert_cmpuint (fast.n_not_finite, ==, 5);
  g_assert_cmpuint (fast.count, ==, G_N_ELEMENTS (strange) - 5);
  g_assert_cmpuint (count_bins (&fast), ==, fast.count);
  g_assert_cmpfloat (fast.radius, ==, 0x1p128);
  /* However small, what is negative is on its side. */
  g_assert_cmpuint (fast.bins[HALF - 1], ==, 4);
  g_assert_cmpuint (fast.bins[0], ==, 1);

  fw_histogram_init (&fast);
  fw_histogram_init (&reference);
  add_both (&fast, &reference, tiny, G_N_ELEMENTS (tiny));
  g_assert_cmpfloat (fast.radius, >, 0);
  g_assert_cmpuint (count_bins (&fast), ==, 3);
  add_both (&fast, &reference, strange, G_N_ELEMENTS (strange));
}

static void
test_against_reference (void)
{
  FwRandom random = { 7 };
  g_autofree float *values = g_new (float, 40000);

  for (guint round = 0; round < 60; round++)
    {
      FwHistogram fast, reference;

      fw_histogram_init (&fast);
      fw_histogram_init (&reference);
      for (guint batch = 0; batch < 4; batch++)
        {
          gsize n = fw_random_next (&random) % (round % 2 ? 40000 : 3000);
          int highest = (int) (fw_random_next (&random) % 40) - 20;

          for (gsize i = 0; i < n; i++)
            {
              values[i] = random_float (&random, highest - 20, highest);
              if (fw_random_next (&random) % 4 == 0)
                values[i] = fw_random_next (&random) % 2 ? 0.0f : -0.0f;
              if (round % 3 == 0 && fw_random_next (&random) % 5000 == 0)
                values[i] = fw_random_next (&random) % 2 ? NAN : -INFINITY;
            }
          add_both (&fast, &reference, values, n);
        }
      g_assert_cmpuint (count_bins (&fast), ==, fast.count);
    }
}

static void
test_independent_of_batches (void)
{
  enum
  {
    N = 20000
  };
  FwRandom random = { 11 };
  g_autofree float *values = g_new (float, N);
  FwHistogram whole, pieces;

  for (gsize i = 0; i < N; i++)
    values[i] = random_float (&random, -12, 9);
  fw_histogram_init (&whole);
  fw_histogram_init (&pieces);
  fw_histogram_add (&whole, values, N);
  /* Backwards, and in pieces of any length. */
  for (gsize end = N; end > 0;)
    {
      gsize n = MIN (1 + fw_random_next (&random) % 300, end);

      fw_histogram_add (&pieces, values + end - n, n);
      end -= n;
    }

  g_assert_cmpmem (&whole, sizeof whole, &pieces, sizeof pieces);
}

static void
test_long (void)
{
  /* More of one value than a table's block, so that every table is used and added up. */
  enum
  {
    N = 300000
  };
  g_autofree float *values = g_new (float, N);
  FwHistogram histogram;

  for (gsize i = 0; i < N; i++)
    values[i] = 0.5f;
  fw_histogram_init (&histogram);
  fw_histogram_add (&histogram, values, N);
  g_assert_cmpuint (histogram.bins[FW_HISTOGRAM_BINS - 1], ==, N);
}

/* Of very many values a part is counted, evenly; bounds and sums are of all. */
static void
test_stride (void)
{
  const gsize inner = 700 * 1000, channels = 2, n = inner * channels;
  g_autofree float *values = g_new (float, n);
  double sums[2] = { 0 };
  FwRandom random = { 9 };
  FwHistogram histogram;

  g_assert_cmpuint (fw_histogram_get_stride (0), ==, 1);
  g_assert_cmpuint (fw_histogram_get_stride (100000), ==, 1);
  g_assert_cmpuint (fw_histogram_get_stride (1 << 17), ==, 2);
  g_assert_cmpuint (fw_histogram_get_stride (1 << 30), ==, 8);

  for (gsize i = 0; i < n; i++)
    values[i] = i % 4 == 0 ? 0 : (float) fw_random_double (&random);
  values[n / 2 + 12345] = -3;
  values[n - 1] = 5;
  fw_histogram_init (&histogram);
  g_assert_true (fw_histogram_add_channels (&histogram, values, 1, channels, inner, sums));
  g_assert_cmpfloat (histogram.minimum, ==, -3);
  g_assert_cmpfloat (histogram.maximum, ==, 5);
  g_assert_cmpfloat (histogram.radius, ==, 8);
  g_assert_cmpuint (count_bins (&histogram), ==, histogram.count);
  g_assert_cmpuint (histogram.count, >=, n / 8 - FW_KERNEL_BLOCK);
  g_assert_cmpuint (histogram.count, <=, n / 8 + FW_KERNEL_BLOCK);
  g_assert_cmpfloat_with_epsilon ((double) histogram.zeros / histogram.count, 0.25, 1e-3);
  g_assert_cmpfloat_with_epsilon (sums[0] / inner, 0.375, 2e-3);
  g_assert_cmpfloat_with_epsilon (sums[1] / inner, 0.375, 2e-3);
}

/* Counts are those of the plain way, and sums of channels come with them. */
static void
test_channels (void)
{
  static const gsize shapes[][3]
      = { { 1, 1, 1 },    { 3, 5, 1 },    { 2, 4000, 1 }, { 2, 7, 13 },
          { 1, 3, 5000 }, { 2, 40, 169 }, { 1, 1, 2048 }, { 1, 2, 2049 } };
  FwRandom random = { 5 };

  for (guint k = 0; k < G_N_ELEMENTS (shapes); k++)
    {
      const gsize outer = shapes[k][0], channels = shapes[k][1], inner = shapes[k][2];
      const gsize n = outer * channels * inner;
      g_autofree float *values = g_new (float, n);
      g_autofree double *sums = g_new0 (double, channels);
      g_autofree double *expected = g_new0 (double, channels);
      FwHistogram fast, reference;

      for (gsize i = 0; i < n; i++)
        {
          values[i] = random_float (&random, -6, 3);
          expected[i / inner % channels] += (double) values[i];
        }
      fw_histogram_init (&fast);
      fw_histogram_init (&reference);
      fw_histogram_add_reference (&reference, values, n);
      g_assert_true (fw_histogram_add_channels (&fast, values, outer, channels, inner, sums));
      g_assert_cmpmem (&fast, sizeof fast, &reference, sizeof reference);
      for (gsize c = 0; c < channels; c++)
        g_assert_cmpfloat_with_epsilon (sums[c], expected[c], 1e-9 * inner * outer);

      values[n / 2] = NAN;
      fw_histogram_add_reference (&reference, values, n);
      g_assert_false (fw_histogram_add_channels (&fast, values, outer, channels, inner, sums));
      g_assert_cmpmem (&fast, sizeof fast, &reference, sizeof reference);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/histogram/empty", test_empty);
  g_test_add_func ("/histogram/edges", test_edges);
  g_test_add_func ("/histogram/growing", test_growing);
  g_test_add_func ("/histogram/strange-values", test_strange_values);
  g_test_add_func ("/histogram/against-reference", test_against_reference);
  g_test_add_func ("/histogram/independent-of-batches", test_independent_of_batches);
  g_test_add_func ("/histogram/long", test_long);
  g_test_add_func ("/histogram/channels", test_channels);
  g_test_add_func ("/histogram/stride", test_stride);
  return g_test_run ();
}
