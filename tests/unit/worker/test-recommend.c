/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-random.h"
#include "fw-recommend.h"

static void
test_count (void)
{
  g_assert_cmpuint (fw_recommend_count_samples (2), ==, 0);
  g_assert_cmpuint (fw_recommend_count_samples (89), ==, 0);
  g_assert_cmpuint (fw_recommend_count_samples (90), ==, 30);
  g_assert_cmpuint (fw_recommend_count_samples (1000), ==, 333);
}

/* Versions whose answers change by a known factor: what is estimated is nearer to it than what is
 * counted. */
static void
test_estimate (void)
{
  enum
  {
    N = 8,
    TOTAL = 35,
    TRIALS = 200
  };
  double harms[N], error = 0, counted_error = 0;
  FwRandom random = { 3 };

  for (guint i = 0; i < N; i++)
    harms[i] = pow (10, -3.5 + 0.25 * i);
  for (guint trial = 0; trial < TRIALS; trial++)
    {
      guint changed[N] = { 0 }, total[N];
      double shares[N];

      for (guint i = 0; i < N; i++)
        {
          total[i] = TOTAL;
          for (guint k = 0; k < TOTAL; k++)
            changed[i] += fw_random_double (&random) < 0.7 * sqrt (harms[i]);
        }
      fw_recommend_estimate (harms, changed, total, N, shares);
      for (guint i = 0; i < N; i++)
        {
          double truth = 0.7 * sqrt (harms[i]);

          error += pow (shares[i] - truth, 2);
          counted_error += pow ((double) changed[i] / TOTAL - truth, 2);
          if (i > 0)
            g_assert_cmpfloat (shares[i], >=, shares[i - 1]);
        }
    }
  g_assert_cmpfloat (sqrt (error), <, 0.6 * sqrt (counted_error));
}

static void
test_estimate_odd (void)
{
  const double harms[] = { 0, 0.01, 4 };
  const guint none[] = { 0, 0, 0 }, all[] = { 30, 30, 30 }, total[] = { 30, 30, 30 };
  double shares[3];

  fw_recommend_estimate (harms, none, total, 3, shares);
  g_assert_cmpfloat (shares[2], ==, 0);
  fw_recommend_estimate (harms, all, total, 3, shares);
  for (guint i = 0; i < 3; i++)
    g_assert_true (shares[i] >= 0 && shares[i] <= 1);
  fw_recommend_estimate (harms, none, none, 3, shares);
  g_assert_cmpfloat (shares[0], ==, 0);
  fw_recommend_estimate (harms, none, total, 0, shares);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/recommend/count", test_count);
  g_test_add_func ("/recommend/estimate", test_estimate);
  g_test_add_func ("/recommend/estimate-odd", test_estimate_odd);
  return g_test_run ();
}
