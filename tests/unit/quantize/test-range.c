/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>

#include "fw-random.h"
#include "fw-range.h"

enum
{
  N = 100000
};

static double
random_normal (FwRandom *random)
{
  double radius = sqrt (-2 * log (1 - fw_random_double (random)));

  return radius * cos (2 * G_PI * fw_random_double (random));
}

static void
fill (FwHistogram *histogram, float *values, gsize n)
{
  fw_histogram_init (histogram);
  fw_histogram_add (histogram, values, n);
}

static double
measure_error (const FwRange *range, const float *values, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      double lost = (double) values[i] - (double) fw_range_apply (range, values[i]);

      sum += lost * lost;
    }
  return sum / (double) n;
}

static void
test_bounds (void)
{
  FwRange range;

  fw_range_from_bounds (&range, 0, 255);
  g_assert_cmpfloat (range.scale, ==, 1);
  g_assert_cmpuint (range.zero_point, ==, 0);
  fw_range_from_bounds (&range, 10, 255);
  g_assert_cmpfloat (range.scale, ==, 1);
  g_assert_cmpuint (range.zero_point, ==, 0);
  fw_range_from_bounds (&range, -255, -10);
  g_assert_cmpfloat (range.scale, ==, 1);
  g_assert_cmpuint (range.zero_point, ==, 255);
  fw_range_from_bounds (&range, -1, 1);
  g_assert_cmpfloat (range.scale, ==, (float) (2.0 / 255));
  g_assert_cmpfloat_with_epsilon (range.zero_point, 127.5, 0.6);
  fw_range_from_bounds (&range, -FLT_MAX, FLT_MAX);
  g_assert_true (isfinite (range.scale));
  /* Nothing, next to nothing, and no numbers. */
  fw_range_from_bounds (&range, 0, 0);
  g_assert_cmpfloat (range.scale, ==, 1);
  g_assert_cmpuint (range.zero_point, ==, 0);
  fw_range_from_bounds (&range, -1e-40, 1e-40);
  g_assert_cmpfloat (range.scale, ==, 1);
  g_assert_cmpuint (range.zero_point, ==, 0);
  fw_range_from_bounds (&range, -INFINITY, 1);
  g_assert_cmpfloat (range.scale, ==, 1);
  fw_range_from_bounds (&range, NAN, NAN);
  g_assert_cmpfloat (range.scale, ==, 1);
}

static void
test_apply (void)
{
  FwRange range;

  fw_range_from_bounds (&range, -128, 127);
  g_assert_cmpfloat (fw_range_apply (&range, 0), ==, 0);
  g_assert_cmpfloat (fw_range_apply (&range, 0.5f), ==, 0);
  g_assert_cmpfloat (fw_range_apply (&range, 1.5f), ==, 2);
  g_assert_cmpfloat (fw_range_apply (&range, -2.5f), ==, -2);
  g_assert_cmpfloat (fw_range_apply (&range, 1e30f), ==, 127);
  g_assert_cmpfloat (fw_range_apply (&range, -INFINITY), ==, -128);
}

static void
test_empty (void)
{
  const float zeros[100] = { 0 };
  FwHistogram histogram;
  FwRange range;

  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    {
      fw_histogram_init (&histogram);
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpfloat (range.scale, ==, 1);
      g_assert_cmpuint (range.zero_point, ==, 0);
      fw_histogram_add (&histogram, zeros, 100);
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpfloat (range.scale, ==, 1);
      g_assert_cmpuint (range.zero_point, ==, 0);
    }
}

/* Values spread evenly lose scale² / 12 inside, and nothing can be gained by clipping. */
static void
test_uniform (void)
{
  FwRandom random = { 3 };
  g_autofree float *values = g_new (float, N);
  FwHistogram histogram;
  FwRange range;

  for (gsize i = 0; i < N; i++)
    values[i] = (float) (fw_random_double (&random) * 3 - 1);
  values[0] = -1;
  values[1] = 2;
  fill (&histogram, values, N);

  fw_range_choose (&range, &histogram, FW_RANGE_MIN_MAX);
  g_assert_cmpfloat (range.scale, ==, (float) (3.0 / 255));
  g_assert_cmpuint (range.zero_point, ==, 85);
  g_assert_cmpfloat_with_epsilon (range.error * 12 / (range.scale * range.scale), 1, 0.01);
  g_assert_cmpfloat_with_epsilon (measure_error (&range, values, N) / range.error, 1, 0.01);

  fw_range_choose (&range, &histogram, FW_RANGE_AUTO);
  g_assert_cmpfloat_with_epsilon (range.scale, 3.0 / 255, 0.01 * 3.0 / 255);
}

/* A known optimum: values x in 0..1, but one in so many at 10. Clipping them at c costs
 * p (10 - c)²; keeping them costs (10 / 255)² / 12 for all. */
static void
test_outliers (void)
{
  FwRandom random = { 4 };
  g_autofree float *values = g_new (float, N);
  FwHistogram histogram;
  FwRange min_max, mse, percentile, kl, chosen;

  for (gsize i = 0; i < N; i++)
    values[i] = (float) fw_random_double (&random);
  /* One at 4 is worth cutting off, (4 - c)² / N < (4 / 255)² / 12. */
  values[5] = 4;
  fill (&histogram, values, N);
  fw_range_choose (&min_max, &histogram, FW_RANGE_MIN_MAX);
  fw_range_choose (&mse, &histogram, FW_RANGE_MSE);
  fw_range_choose (&percentile, &histogram, FW_RANGE_PERCENTILE);
  fw_range_choose (&kl, &histogram, FW_RANGE_KL);
  fw_range_choose (&chosen, &histogram, FW_RANGE_AUTO);
  g_assert_cmpfloat (min_max.scale, ==, (float) (4.0 / 255));
  g_assert_cmpfloat_with_epsilon (percentile.scale * 255, 1, 0.01);
  g_assert_cmpfloat (kl.scale * 255, <, 1.1);
  g_assert_cmpfloat (mse.error, <, min_max.error);
  g_assert_cmpfloat (mse.scale, <, min_max.scale);
  /* The exact optimum: the error with c is c² / (12 · 255²) + (4 - c)² / N, least at: */
  g_assert_cmpfloat_with_epsilon (mse.scale * 255, 4.0 / (1 + N / (12.0 * 255 * 255)), 0.03);
  g_assert_cmpfloat (chosen.error, <=, mse.error);
  g_assert_cmpfloat (chosen.error, <=, percentile.error);
  g_assert_cmpuint (chosen.zero_point, ==, 0);

  /* A hundred at 1000 are not. */
  for (gsize i = 0; i < 100; i++)
    values[i] = 1000;
  fill (&histogram, values, N);
  fw_range_choose (&mse, &histogram, FW_RANGE_MSE);
  g_assert_cmpfloat (mse.scale * 255, >, 900);
}

static void
test_normal (void)
{
  FwRandom random = { 9 };
  g_autofree float *values = g_new (float, N);
  FwHistogram histogram;
  FwRange chosen;
  FwRange ranges[FW_RANGE_KL + 1];

  for (gsize i = 0; i < N; i++)
    values[i] = (float) (0.3 + 2 * random_normal (&random));
  fill (&histogram, values, N);
  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    {
      fw_range_choose (&ranges[method], &histogram, method);
      /* What is expected is what happens. */
      g_assert_cmpfloat_with_epsilon (
          measure_error (&ranges[method], values, N) / ranges[method].error, 1, 0.03);
      g_assert_cmpfloat (ranges[method].error, ==,
                         fw_range_get_error (&ranges[method], &histogram));
    }
  chosen = ranges[FW_RANGE_AUTO];
  for (FwRangeMethod method = FW_RANGE_MIN_MAX; method <= FW_RANGE_KL; method++)
    {
      g_assert_cmpint (ranges[method].method, ==, method);
      g_assert_cmpfloat (chosen.error, <=, ranges[method].error);
    }
  g_assert_cmpint (chosen.method, !=, FW_RANGE_AUTO);

  /* Nothing within 2 % of either bound is better by more than a trifle. */
  for (int low = -2; low <= 2; low++)
    for (int high = -2; high <= 2; high++)
      {
        double lowest = -(double) chosen.scale * chosen.zero_point;
        double highest = (double) chosen.scale * (255 - chosen.zero_point);
        FwRange other;

        fw_range_from_bounds (&other, lowest * (1 + low * 0.01), highest * (1 + high * 0.01));
        g_assert_cmpfloat (chosen.error, <=, fw_range_get_error (&other, &histogram) * 1.01);
      }
}

/* After a Relu: zeros cost nothing, and the zero point is 0 whatever the method. */
static void
test_relu (void)
{
  FwRandom random = { 10 };
  g_autofree float *values = g_new (float, N);
  FwHistogram histogram;
  FwRange range;

  for (gsize i = 0; i < N; i++)
    values[i] = (float) fmax (random_normal (&random) - 1, 0);
  fill (&histogram, values, N);
  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    {
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpuint (range.zero_point, ==, 0);
      g_assert_cmpfloat_with_epsilon (measure_error (&range, values, N) / range.error, 1, 0.05);
    }
}

static void
test_all_alike (void)
{
  const float values[] = { 3, 3, 3, 3 };
  const float negative[] = { -8, -8, -8 };
  FwHistogram histogram;
  FwRange range;

  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    {
      fill (&histogram, (float *) values, 4);
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpuint (range.zero_point, ==, 0);
      g_assert_cmpfloat_with_epsilon (fw_range_apply (&range, 3), 3, 0.02);
      fill (&histogram, (float *) negative, 3);
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpuint (range.zero_point, ==, 255);
      g_assert_cmpfloat_with_epsilon (fw_range_apply (&range, -8), -8, 0.05);
    }
}

static void
test_huge_and_tiny (void)
{
  const float huge[] = { -3e38f, 3e38f, 1, 0, NAN, INFINITY };
  const float tiny[] = { 1e-44f, -1e-40f, 1e-39f };
  FwHistogram histogram;
  FwRange range;

  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    {
      fill (&histogram, (float *) huge, 6);
      fw_range_choose (&range, &histogram, method);
      g_assert_true (isfinite (range.scale) && range.scale > 0);
      g_assert_true (isfinite (range.error));
      fill (&histogram, (float *) tiny, 3);
      fw_range_choose (&range, &histogram, method);
      g_assert_cmpfloat (range.scale, ==, 1);
      g_assert_true (isfinite (range.error));
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/range/bounds", test_bounds);
  g_test_add_func ("/range/apply", test_apply);
  g_test_add_func ("/range/empty", test_empty);
  g_test_add_func ("/range/uniform", test_uniform);
  g_test_add_func ("/range/outliers", test_outliers);
  g_test_add_func ("/range/normal", test_normal);
  g_test_add_func ("/range/relu", test_relu);
  g_test_add_func ("/range/all-alike", test_all_alike);
  g_test_add_func ("/range/huge-and-tiny", test_huge_and_tiny);
  return g_test_run ();
}
