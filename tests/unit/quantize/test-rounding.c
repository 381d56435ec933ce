/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-levels.h"
#include "fw-random.h"
#include "fw-rounding.h"

#define ALL (FW_REPAIR_BIAS | FW_REPAIR_GPTQ | FW_REPAIR_DESCENT | FW_REPAIR_CROSS | FW_REPAIR_CLIP)

static float *
make_values (gsize n, guint64 seed)
{
  FwRandom random = { seed };
  float *values = g_new (float, MAX (n, 1));

  for (gsize i = 0; i < n; i++)
    values[i] = (float) (fw_random_double (&random) + fw_random_double (&random) - 1);
  return values;
}

/* Rows whose neighbours are alike, as those of pictures are, and all of one sign. */
static FwSecondMoments *
make_moments (gsize groups, gsize length, gsize n, gboolean cross)
{
  FwColumns columns = { .kind = FW_COLUMNS_ROWS, .groups = 1, .length = length };
  const gint64 dims[] = { n, groups * length, 1 };
  g_autofree float *rows = make_values (n * groups * length, 77);
  g_autofree float *quantized = NULL;
  FwSecondMoments *moments;

  for (gsize i = 1; i < n * groups * length; i++)
    rows[i] = fabsf (0.8f * rows[i - 1] + 0.3f * rows[i] + 0.1f);
  quantized = g_memdup2 (rows, n * groups * length * sizeof (float));
  for (gsize i = 0; i < n * groups * length; i++)
    quantized[i] = quantized[i] * 0.9f + 0.05f * rows[(i * 7) % (n * groups * length)];
  if (groups > 1)
    columns = (FwColumns){ .kind = FW_COLUMNS_CONV,
                           .groups = groups,
                           .length = length,
                           .n_dims = 1,
                           .kernel = { 1 },
                           .stride = { 1 },
                           .dilation = { 1 } };
  moments = fw_second_moments_new (&columns, cross);
  g_assert_cmpuint (fw_second_moments_add (moments, rows, cross ? quantized : NULL, dims,
                                           groups > 1 ? 3 : 2, n, 1),
                    ==, n);
  return moments;
}

static float *
widen (FwRounding *rounding, const float *weights)
{
  const FwWeightShape *shape = &rounding->shape;
  gsize n = shape->outer * shape->channels * shape->inner;
  g_autofree gint8 *codes = g_new (gint8, MAX (n, 1));
  float *widened = g_new (float, MAX (n, 1));
  const float *scales = g_bytes_get_data (rounding->scales, NULL);

  g_assert_cmpuint (g_bytes_get_size (rounding->offsets), ==, n);
  g_assert_cmpuint (g_bytes_get_size (rounding->scales), ==,
                    shape->channels * fw_rounding_get_n_blocks (shape, rounding->block) * 4);
  for (gsize i = 0; i < g_bytes_get_size (rounding->scales) / 4; i++)
    g_assert_true (scales[i] >= 1e-38f && isfinite (scales[i]));
  fw_rounding_get_codes (weights, shape, rounding->bits, rounding->block, scales,
                         g_bytes_get_data (rounding->offsets, NULL), codes);
  for (gsize i = 0; i < n; i++)
    g_assert_cmpint (
        fw_levels_get_code (rounding->bits, fw_levels_get_index (rounding->bits, codes[i])), ==,
        codes[i]);
  fw_rounding_widen (codes, shape, rounding->block, scales, widened);
  return widened;
}

static double
get_error (const float *weights,
           const FwWeightShape *shape,
           FwRepairFlags repairs,
           guint bits,
           guint block,
           FwSecondMoments *moments)
{
  const FwRoundingOptions options = { bits, block, repairs };
  g_autoptr (FwRounding) rounding = fw_rounding_find (weights, shape, &options, moments, 1);
  g_autofree float *widened = widen (rounding, weights);
  double error = fw_rounding_get_error (weights, widened, shape, moments, TRUE, 1);

  g_assert_cmpfloat (rounding->error, >=, 0);
  if ((repairs & (FW_REPAIR_GPTQ | FW_REPAIR_BIAS)) == (FW_REPAIR_GPTQ | FW_REPAIR_BIAS))
    g_assert_cmpfloat_with_epsilon (rounding->error / error, 1, 0.02);
  return error;
}

/* Each repair is worth something, whatever the shape. */
static void
test_gains (void)
{
  static const struct
  {
    FwWeightShape shape;
    gsize groups;
  } cases[] = {
    { { 1, 40, 64 }, 1 }, { { 64, 40, 1 }, 1 },   { { 8, 33, 9 }, 1 },
    { { 1, 40, 9 }, 20 }, { { 1, 12, 1100 }, 1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    for (guint block = 0; block <= 32; block += 32)
      {
        const FwWeightShape *shape = &cases[i].shape;
        gsize length = shape->outer * shape->inner;
        g_autoptr (FwSecondMoments) moments = make_moments (cases[i].groups, length, 400, FALSE);
        g_autofree float *weights = make_values (length * shape->channels, i);
        double nearest = get_error (weights, shape, 0, 4, block, moments);
        double clipped = get_error (weights, shape, FW_REPAIR_CLIP, 4, block, moments);
        double gptq = get_error (weights, shape, FW_REPAIR_CLIP | FW_REPAIR_GPTQ | FW_REPAIR_BIAS,
                                 4, block, moments);
        double all = get_error (weights, shape, ALL, 4, block, moments);
        double finer = get_error (weights, shape, ALL, 5, block, moments);

        g_assert_cmpfloat (clipped, <, nearest * 1.1);
        g_assert_cmpfloat (gptq, <, clipped);
        g_assert_cmpfloat (all, <, gptq * 1.001);
        g_assert_cmpfloat (all, <, nearest * 0.75);
        g_assert_cmpfloat (finer, <, all * 0.5);
      }
}

static void
test_threads (void)
{
  static const FwWeightShape shape = { 1, 100, 70 };

  for (guint kind = 0; kind < 4; kind++)
    {
      gsize groups = kind == 1 ? 10 : kind == 2 ? 2 : 1;
      g_autoptr (FwSecondMoments) moments
          = kind == 3 ? NULL : make_moments (groups, 70, 200, FALSE);
      g_autofree float *weights = make_values (7000, 5);
      const FwRoundingOptions options = { 3, 32, ALL };
      g_autoptr (FwRounding) one = fw_rounding_find (weights, &shape, &options, moments, 1);
      g_autoptr (FwRounding) many = fw_rounding_find (weights, &shape, &options, moments, 5);

      g_assert_true (g_bytes_equal (one->scales, many->scales));
      g_assert_true (g_bytes_equal (one->offsets, many->offsets));
      g_assert_cmpfloat (one->error, ==, many->error);
    }
}

/* Weights that answer to quantized inputs as they did to the original ones. */
static void
test_cross (void)
{
  static const FwWeightShape shape = { 1, 24, 48 };
  g_autoptr (FwSecondMoments) moments = make_moments (1, 48, 4000, TRUE);
  g_autofree float *weights = make_values (24 * 48, 5);
  g_autofree float *zero = g_new0 (float, 24 * 48);
  double errors[2];

  for (guint i = 0; i < 2; i++)
    {
      const FwRoundingOptions options = { 6, 0, i == 0 ? ALL & ~FW_REPAIR_CROSS : ALL };
      g_autoptr (FwRounding) rounding = fw_rounding_find (weights, &shape, &options, moments, 1);
      g_autofree float *widened = widen (rounding, weights);
      float shift[24] = { 0 };

      /* E[x̂] is about 0.95 E[x], x̂ about 0.9 x: weights grow by a tenth where that is right. */
      errors[i] = 0;
      for (gsize k = 0; k < 24 * 48; k++)
        errors[i] += ((double) widened[k] - weights[k] / 0.9) * (widened[k] - weights[k] / 0.9);
      fw_rounding_add_shift (weights, widened, &shape, moments, shift);
      for (guint c = 0; c < 24; c++)
        g_assert_true (isfinite (shift[c]) && shift[c] != 0);
    }
  g_assert_cmpfloat (errors[1], <, errors[0] * 0.7);
}

static void
test_shift (void)
{
  static const FwWeightShape shape = { 2, 2, 2 };
  FwColumns columns = { .kind = FW_COLUMNS_ROWS, .groups = 1, .length = 4 };
  g_autoptr (FwSecondMoments) moments = fw_second_moments_new (&columns, FALSE);
  const gint64 dims[] = { 2, 4 };
  const float rows[] = { 1, 2, 3, 4, 3, 4, 5, 6 };
  const float weights[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
  const float rounded[] = { 1, 1, 3, 4, 5, 6, 7, 6 };
  float shift[] = { 10, 20 };

  fw_rounding_add_shift (weights, rounded, &shape, NULL, shift);
  g_assert_cmpfloat (shift[0], ==, 10);
  fw_second_moments_add (moments, rows, NULL, dims, 2, 2, 1);
  fw_rounding_add_shift (weights, rounded, &shape, moments, shift);
  /* Channel 0 has weights 1 2 5 6, channel 1 has 3 4 7 8; means are 2 3 4 5. */
  g_assert_cmpfloat (shift[0], ==, 10 + 3);
  g_assert_cmpfloat (shift[1], ==, 20 + 2 * 5);
}

static void
test_codes (void)
{
  static const FwWeightShape shape = { 1, 2, 3 };
  const float weights[] = { 1, -2, 129, NAN, INFINITY, -0.6f };
  const float scales[] = { 1, 2, 1, 1 };
  const gint8 offsets[] = { 1, 0, 3, 1, -1, -100 };
  const gint8 expected[] = { 1, -2, 63, 0, 0, -1 };
  const gint8 shifted[] = { 2, -2, 63, 1, -1, -63 };
  const float wide[] = { 2, -2, 126, 1, -1, -63 };
  gint8 codes[6];
  float widened[6];

  g_assert_cmpuint (fw_rounding_get_n_blocks (&shape, 2), ==, 2);
  g_assert_cmpuint (fw_rounding_get_n_blocks (&shape, 0), ==, 1);
  fw_rounding_get_codes (weights, &shape, 7, 2, scales, NULL, codes);
  g_assert_cmpmem (codes, 6, expected, 6);
  fw_rounding_get_codes (weights, &shape, 7, 2, scales, offsets, codes);
  g_assert_cmpmem (codes, 6, shifted, 6);
  fw_rounding_widen (codes, &shape, 2, scales, widened);
  g_assert_cmpmem (widened, sizeof wide, wide, sizeof wide);
}

/* Nothing, one of all, numbers that are none, zeros, subnormal and huge ones, dead inputs. */
static void
test_degenerate (void)
{
  static const FwWeightShape shapes[] = { { 1, 1, 1 }, { 1, 5, 1 }, { 3, 1, 1 }, { 1, 40, 7 },
                                          { 0, 3, 2 }, { 1, 3, 0 }, { 2, 0, 2 } };

  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    for (guint kind = 0; kind < 6; kind++)
      for (guint bits = 2; bits <= 8; bits += 3)
        {
          gsize length = shapes[s].outer * shapes[s].inner, n = length * shapes[s].channels;
          const FwColumns columns
              = { .kind = FW_COLUMNS_ROWS, .groups = 1, .length = MAX (length, 1) };
          g_autoptr (FwSecondMoments) moments = fw_second_moments_new (&columns, kind % 2);
          const FwRoundingOptions options = { bits, s % 2 * 16, ALL };
          g_autofree float *weights = make_values (n, 3);
          g_autofree float *widened = NULL;
          g_autofree float *dead = g_new0 (float, MAX (length, 1));
          g_autoptr (FwRounding) rounding = NULL;

          for (gsize i = 0; i < n; i++)
            if (kind == 1)
              weights[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? INFINITY : -INFINITY;
            else if (kind == 2)
              weights[i] = 0;
            else if (kind == 3)
              weights[i] *= 1e-42f;
            else if (kind == 4)
              weights[i] *= 3e38f;
          if (kind != 5)
            fw_second_moments_add (moments, dead, kind % 2 ? dead : NULL,
                                   (gint64[]){ 1, MAX (length, 1) }, 2, 4, 1);
          rounding = fw_rounding_find (weights, &shapes[s], &options, moments, 2);
          widened = widen (rounding, weights);
          for (gsize i = 0; i < n; i++)
            g_assert_true (isfinite (widened[i]));
          g_assert_true (isfinite (rounding->error));
        }
}

static void
test_misfit (void)
{
  static const FwWeightShape shape = { 1, 3, 8 };
  g_autoptr (FwSecondMoments) moments = make_moments (1, 9, 20, FALSE);
  g_autofree float *weights = make_values (24, 3);
  const FwRoundingOptions options = { 4, 0, ALL };
  g_autoptr (FwRounding) with = fw_rounding_find (weights, &shape, &options, moments, 1);
  g_autoptr (FwRounding) without = fw_rounding_find (weights, &shape, &options, NULL, 1);
  g_autofree float *widened = widen (with, weights);

  g_assert_true (g_bytes_equal (with->scales, without->scales));
  g_assert_true (g_bytes_equal (with->offsets, without->offsets));
  g_assert_cmpfloat_with_epsilon (
      fw_rounding_get_error (weights, widened, &shape, moments, TRUE, 1), with->error, 1e-5);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/rounding/gains", test_gains);
  g_test_add_func ("/rounding/threads", test_threads);
  g_test_add_func ("/rounding/cross", test_cross);
  g_test_add_func ("/rounding/shift", test_shift);
  g_test_add_func ("/rounding/codes", test_codes);
  g_test_add_func ("/rounding/degenerate", test_degenerate);
  g_test_add_func ("/rounding/misfit", test_misfit);
  return g_test_run ();
}
