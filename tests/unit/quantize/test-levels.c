/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-levels.h"

static void
test_order (void)
{
  for (guint bits = 2; bits <= 8; bits++)
    {
      const int largest = fw_levels_get_largest (bits);

      g_assert_cmpint (largest, ==, (1 << (bits - 1)) - 1);
      g_assert_cmpint (fw_levels_get_code (bits, 0), ==, 0);
      for (int i = 1; i <= largest; i++)
        {
          int code = fw_levels_get_code (bits, i);

          g_assert_cmpint (code, >, fw_levels_get_code (bits, i - 1));
          g_assert_cmpint (code, <=, bits < 8 ? 63 : 127);
          g_assert_cmpint (fw_levels_get_code (bits, -i), ==, -code);
          g_assert_cmpint (fw_levels_get_index (bits, code), ==, i);
          g_assert_cmpint (fw_levels_get_index (bits, -code), ==, -i);
        }
      /* Beyond the ends are the ends. */
      g_assert_cmpint (fw_levels_get_code (bits, largest + 1), ==,
                       fw_levels_get_code (bits, largest));
    }
}

static void
test_nearest (void)
{
  for (guint bits = 2; bits <= 8; bits++)
    for (double x = -140; x <= 140; x += 0.0625 + 1.0 / 1024)
      {
        int found = fw_levels_get_code (bits, fw_levels_find (bits, (float) x));
        double least = INFINITY;

        for (int i = -fw_levels_get_largest (bits); i <= fw_levels_get_largest (bits); i++)
          least = MIN (least, fabs (x - fw_levels_get_code (bits, i)));
        g_assert_cmpfloat (fabs (x - found), <=, least + 1e-5);
        g_assert_cmpfloat (fw_grid_round (fw_levels_get_grid (bits), (float) x), ==, found);
      }
  for (guint bits = 2; bits <= 8; bits++)
    {
      g_assert_cmpint (fw_levels_find (bits, NAN), ==, 0);
      g_assert_cmpint (fw_levels_find (bits, INFINITY), ==, fw_levels_get_largest (bits));
      g_assert_cmpint (fw_levels_find (bits, -INFINITY), ==, -fw_levels_get_largest (bits));
    }
}

/* Mean squared error of rounding normally distributed numbers, at the best scale. */
static double
measure (guint bits, gboolean uniform)
{
  double best = INFINITY;

  for (double scale = 0.01; scale < 2; scale *= 1.02)
    {
      double error = 0, weight = 0;

      for (double x = -6; x <= 6; x += 0.003)
        {
          double density = exp (-x * x / 2);
          int largest = fw_levels_get_largest (bits);
          double code = uniform
                            ? CLAMP (rint (x / scale), -largest, largest)
                            : fw_levels_get_code (bits, fw_levels_find (bits, (float) (x / scale)));

          error += density * (x - code * scale) * (x - code * scale);
          weight += density;
        }
      best = MIN (best, error / weight);
    }
  return 10 * log10 (1 / best);
}

static void
test_gain (void)
{
  const double least[] = { [3] = 0.2, [4] = 0.7, [5] = 1.2, [6] = 1.1 };

  for (guint bits = 3; bits <= 6; bits++)
    g_assert_cmpfloat (measure (bits, FALSE) - measure (bits, TRUE), >, least[bits]);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/levels/order", test_order);
  g_test_add_func ("/levels/nearest", test_nearest);
  g_test_add_func ("/levels/gain", test_gain);
  return g_test_run ();
}
