/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-random.h"
#include "fw-statistics.h"

/* Figures worked out independently, to six places. */
static void
test_wilson (void)
{
  static const struct
  {
    guint successes, total;
    double low, high;
  } cases[] = {
    { 0, 10, 0, 0.277533 },          { 10, 10, 0.722467, 1 }, { 5, 10, 0.236593, 0.763407 },
    { 95, 100, 0.888250, 0.978456 }, { 1, 1, 0.206549, 1 },   { 480, 500, 0.939026, 0.973959 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      FwInterval interval = fw_wilson_interval (cases[i].successes, cases[i].total);

      g_assert_cmpfloat_with_epsilon (interval.low, cases[i].low, 1e-6);
      g_assert_cmpfloat_with_epsilon (interval.high, cases[i].high, 1e-6);
    }
}

static void
test_wilson_edges (void)
{
  FwInterval none = fw_wilson_interval (0, 0);
  FwInterval huge = fw_wilson_interval (G_MAXUINT, G_MAXUINT);

  g_assert_cmpfloat (none.low, ==, 0);
  g_assert_cmpfloat (none.high, ==, 1);
  g_assert_cmpfloat (huge.high, ==, 1);
  g_assert_cmpfloat (huge.low, >, 0.999999);
  g_assert_cmpfloat (fw_wilson_interval (0, 7).low, ==, 0);
  g_assert_cmpfloat (fw_wilson_interval (7, 7).high, ==, 1);
}

static void
test_mcnemar (void)
{
  g_assert_cmpfloat (fw_mcnemar (0, 0), ==, 1);
  g_assert_cmpfloat (fw_mcnemar (5, 5), ==, 1);
  g_assert_cmpfloat_with_epsilon (fw_mcnemar (0, 5), 0.0625, 1e-9);
  g_assert_cmpfloat_with_epsilon (fw_mcnemar (5, 0), 0.0625, 1e-9);
  g_assert_cmpfloat_with_epsilon (fw_mcnemar (1, 9), 22 / 1024.0, 1e-9);
  g_assert_cmpfloat_with_epsilon (fw_mcnemar (2, 8), 112 / 1024.0, 1e-9);
  g_assert_cmpfloat (fw_mcnemar (0, 2000), <, 1e-300);
  g_assert_cmpfloat_with_epsilon (fw_mcnemar (100000, 100001), 1, 1e-9);
}

static void
test_quantiles (void)
{
  double values[] = { 4, 1, 3, 2 };
  double one[] = { 7 };
  double infinite[] = { 1, INFINITY, 2 };

  g_assert_cmpfloat (fw_quantile (values, 4, 0), ==, 1);
  g_assert_cmpfloat (fw_quantile (values, 4, 1), ==, 4);
  g_assert_cmpfloat_with_epsilon (fw_quantile (values, 4, 0.95), 3.85, 1e-12);
  g_assert_cmpfloat (fw_median (values, 4), ==, 2.5);
  g_assert_cmpfloat (fw_median (values, 3), ==, 3);
  g_assert_cmpfloat (fw_quantile (one, 1, 0.3), ==, 7);
  g_assert_cmpfloat (fw_median (infinite, 3), ==, 2);
  g_assert_true (isnan (fw_quantile (values, 0, 0.5)));
  g_assert_true (isnan (fw_median (NULL, 0)));
  /* Beyond the ends are the ends. */
  g_assert_cmpfloat (fw_quantile (values, 4, -1), ==, 1);
  g_assert_cmpfloat (fw_quantile (values, 4, 2), ==, 4);
  /* The values stay as they were. */
  g_assert_cmpfloat (values[0], ==, 4);
  g_assert_cmpfloat (values[3], ==, 2);
}

static void
test_median_ratio (void)
{
  double numerator[200], denominator[200];
  FwInterval first, second;
  FwRandom random = { 1 };
  double ratio;

  for (guint i = 0; i < 200; i++)
    {
      denominator[i] = 1 + fw_random_double (&random);
      numerator[i] = denominator[i] * (2 + 0.2 * (fw_random_double (&random) - 0.5));
    }
  ratio = fw_median_ratio (numerator, denominator, 200, 42, &first);
  g_assert_cmpfloat_with_epsilon (ratio, 2, 0.03);
  g_assert_cmpfloat (first.low, <, ratio);
  g_assert_cmpfloat (first.high, >, ratio);
  g_assert_cmpfloat (first.high - first.low, <, 0.06);

  fw_median_ratio (numerator, denominator, 200, 42, &second);
  g_assert_cmpfloat (first.low, ==, second.low);
  g_assert_cmpfloat (first.high, ==, second.high);

  ratio = fw_median_ratio (numerator, denominator, 1, 42, &first);
  g_assert_cmpfloat (first.low, ==, ratio);
  g_assert_cmpfloat (first.high, ==, ratio);
  g_assert_cmpfloat (fw_median_ratio (numerator, denominator, 1, 42, NULL), ==, ratio);
}

/* Of many experiments, about 95 in a hundred find the truth within their interval. */
static void
test_median_ratio_coverage (void)
{
  const guint experiments = 300;
  double numerator[60], denominator[60];
  FwRandom random = { 3 };
  FwInterval interval;
  guint found = 0;

  for (guint i = 0; i < experiments; i++)
    {
      for (guint j = 0; j < 60; j++)
        {
          denominator[j] = 1 + fw_random_double (&random);
          numerator[j] = denominator[j] * (1 + fw_random_double (&random));
        }
      fw_median_ratio (numerator, denominator, 60, i, &interval);
      found += interval.low <= 1.5 && interval.high >= 1.5;
    }
  g_assert_cmpfloat (found, >=, 0.90 * experiments);
  g_assert_cmpfloat (found, <=, 0.985 * experiments);
}

/* The first numbers of splitmix64 from seed 1234567, as its author published them. */
static void
test_random (void)
{
  FwRandom random = { 1234567 };

  g_assert_cmpuint (fw_random_next (&random), ==, G_GUINT64_CONSTANT (6457827717110365317));
  g_assert_cmpuint (fw_random_next (&random), ==, G_GUINT64_CONSTANT (3203168211198807973));
  for (guint i = 0; i < 1000; i++)
    {
      double number = fw_random_double (&random);

      g_assert_cmpfloat (number, >=, 0);
      g_assert_cmpfloat (number, <, 1);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/statistics/wilson", test_wilson);
  g_test_add_func ("/statistics/wilson-edges", test_wilson_edges);
  g_test_add_func ("/statistics/mcnemar", test_mcnemar);
  g_test_add_func ("/statistics/quantiles", test_quantiles);
  g_test_add_func ("/statistics/median-ratio", test_median_ratio);
  g_test_add_func ("/statistics/median-ratio-coverage", test_median_ratio_coverage);
  g_test_add_func ("/statistics/random", test_random);
  return g_test_run ();
}
