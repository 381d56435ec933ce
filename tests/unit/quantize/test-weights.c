/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "fw-option.h"
#include "fw-random.h"
#include "fw-rounding.h"

static float *
make_weights (gsize n, guint64 seed)
{
  FwRandom random = { seed };
  float *weights = g_new (float, n);

  for (gsize i = 0; i < n; i++)
    weights[i]
        = (float) (exp2 (10 * fw_random_double (&random) - 8) * (fw_random_double (&random) - 0.5));
  return weights;
}

static double
get_loss (const float *weights, const FwWeightShape *shape, gsize channel, float scale)
{
  double loss = 0;

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize k = 0; k < shape->inner; k++)
      {
        float w = weights[(o * shape->channels + channel) * shape->inner + k];
        float q = CLAMP (rintf (w / scale), -127.0f, 127.0f) * scale;

        loss += ((double) w - q) * ((double) w - q);
      }
  return loss;
}

static void
find_scales (const float *weights,
             const FwWeightShape *shape,
             gboolean clip,
             guint threads,
             float *scales)
{
  const FwRoundingOptions options
      = { .bits = 8, .repairs = clip ? FW_REPAIR_CLIP : FW_REPAIR_NONE };
  g_autoptr (FwRounding) rounding = fw_rounding_find (weights, shape, &options, NULL, threads);

  memcpy (scales, g_bytes_get_data (rounding->scales, NULL), shape->channels * sizeof (float));
}

static void
quantize (const float *weights, const FwWeightShape *shape, const float *scales, gint8 *quantized)
{
  fw_rounding_get_codes (weights, shape, 8, 0, scales, NULL, quantized);
}

static const FwWeightShape shapes[] = {
  { 1, 1, 1 },   { 1, 5, 9 },   { 1, 64, 147 }, { 130, 70, 1 },   { 1, 300, 1 },
  { 7, 33, 17 }, { 513, 1, 1 }, { 3, 1, 1000 }, { 1, 2, 200000 }, { 700, 200, 1 },
};

static void
test_scales (void)
{
  /* [2, 3, 2] */
  const float weights[] = { 1, -2, 0, 0, 1e-39f, 0, 127, 3, -0.0f, 0, 0, -1e-40f };
  const FwWeightShape shape = { 2, 3, 2 };
  float scales[3];

  find_scales (weights, &shape, FALSE, 1, scales);
  g_assert_cmpfloat (scales[0], ==, 1);
  g_assert_cmpfloat (scales[1], ==, 1);
  g_assert_cmpfloat (scales[2], ==, 1);

  find_scales (weights, &shape, TRUE, 1, scales);
  g_assert_cmpfloat (scales[1], ==, 1);
  g_assert_cmpfloat (scales[2], ==, 1);
}

static void
test_scales_all_shapes (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      const FwWeightShape *shape = &shapes[s];
      gsize n = shape->outer * shape->channels * shape->inner;
      g_autofree float *weights = make_weights (n, s + 1);
      g_autofree float *one = g_new (float, shape->channels);
      g_autofree float *many = g_new (float, shape->channels);
      g_autofree float *clipped = g_new (float, shape->channels);
      g_autofree float *clipped_many = g_new (float, shape->channels);

      find_scales (weights, shape, FALSE, 1, one);
      find_scales (weights, shape, FALSE, 4, many);
      g_assert_cmpmem (one, shape->channels * 4, many, shape->channels * 4);
      find_scales (weights, shape, TRUE, 1, clipped);
      find_scales (weights, shape, TRUE, 3, clipped_many);
      g_assert_cmpmem (clipped, shape->channels * 4, clipped_many, shape->channels * 4);

      for (gsize c = 0; c < shape->channels; c += 1 + shape->channels / 20)
        {
          float magnitude = 0;
          double least = INFINITY;

          for (gsize i = 0; i < n; i++)
            if (i / shape->inner % shape->channels == c)
              magnitude = MAX (magnitude, fabsf (weights[i]));
          g_assert_cmpfloat (one[c], ==, magnitude / 127.0f);

          for (int percent = 100; percent >= 50; percent -= 2)
            least = MIN (least, get_loss (weights, shape, c, one[c] * (percent / 100.0f)));
          g_assert_cmpfloat (get_loss (weights, shape, c, clipped[c]), <=, least * (1 + 1e-5));
        }
    }
}

static void
test_nothing (void)
{
  static const FwWeightShape empty[] = { { 0, 3, 4 }, { 1, 3, 0 }, { 2, 0, 4 }, { 0, 3, 1 } };
  gint8 quantized = 5;

  for (guint i = 0; i < G_N_ELEMENTS (empty); i++)
    {
      float scales[3] = { -1, -1, -1 };

      find_scales (NULL, &empty[i], i % 2, 2, scales);
      g_assert_cmpfloat (scales[0], ==, empty[i].channels > 0 ? 1 : -1);
      quantize (NULL, &empty[i], scales, &quantized);
      g_assert_cmpint (quantized, ==, 5);
    }
}

static void
test_clip_pays (void)
{
  /* One outlier among many small values that need fine steps. */
  enum
  {
    N = 20000
  };
  g_autofree float *weights = make_weights (N, 5);
  const FwWeightShape shape = { 1, 1, N };
  float plain, clipped;

  for (gsize i = 0; i < N; i++)
    weights[i] = CLAMP (weights[i], -0.6f, 0.6f);
  weights[77] = 1.0f;
  find_scales (weights, &shape, FALSE, 1, &plain);
  find_scales (weights, &shape, TRUE, 1, &clipped);
  g_assert_cmpfloat (clipped, <, plain);
  g_assert_cmpfloat (clipped, >=, plain * 0.5f);
}

static void
test_quantize (void)
{
  const float weights[] = { 0.5f, 1.5f,   2.5f, -0.5f, -1.5f,    126.6f,    127.4f, -127.6f,
                            1000, -1e30f, NAN,  -0.0f, INFINITY, -INFINITY, 126.5f, 1e-45f };
  const gint8 expected[] = { 0, 2, 2, 0, -2, 127, 127, -127, 127, -127, 0, 0, 0, 0, 126, 0 };
  const FwWeightShape shape = { 1, 1, G_N_ELEMENTS (weights) };
  const float scale = 1;
  gint8 quantized[G_N_ELEMENTS (weights)];

  quantize (weights, &shape, &scale, quantized);
  g_assert_cmpmem (quantized, sizeof quantized, expected, sizeof expected);
}

static void
test_quantize_against_reference (void)
{
  for (guint s = 0; s < G_N_ELEMENTS (shapes); s++)
    {
      const FwWeightShape *shape = &shapes[s];
      gsize n = shape->outer * shape->channels * shape->inner;
      g_autofree float *weights = make_weights (n, 100 + s);
      g_autofree float *scales = g_new (float, shape->channels);
      g_autofree gint8 *quantized = g_new (gint8, n);

      find_scales (weights, shape, s % 2, 1, scales);
      /* Halves between two steps, where rounding is decided. */
      for (gsize i = 0; i < n; i += 3)
        weights[i] = ((int) (i % 250) - 125 + 0.5f) * scales[i / shape->inner % shape->channels];
      quantize (weights, shape, scales, quantized);
      for (gsize i = 0; i < n; i++)
        {
          float step = rintf (weights[i] / scales[i / shape->inner % shape->channels]);

          g_assert_cmpint (quantized[i], ==, (int) CLAMP (step, -127.0f, 127.0f));
        }
    }
}

static void
test_half_both_ways (void)
{
  /* Every half but Inf and NaN comes back, as does what lies exactly between two: to the even one.
   */
  for (guint half = 0; half < 0x7c00; half++)
    {
      float value = fw_float16_to_float (half);
      float next = fw_float16_to_float (half + 1);
      float middle = (value + next) / 2;

      g_assert_cmpuint (fw_float16_from_float (value), ==, half);
      g_assert_cmpuint (fw_float16_from_float (-value), ==, half | 0x8000);
      if (half + 1 == 0x7c00)
        continue;
      g_assert_cmpuint (fw_float16_from_float (middle), ==, half + (half & 1));
      g_assert_cmpuint (fw_float16_from_float (nextafterf (middle, 0)), ==, half);
      g_assert_cmpuint (fw_float16_from_float (nextafterf (middle, 1e9f)), ==, half + 1);
    }
}

static void
test_half_bounds (void)
{
  const float large[] = { 65504, 65505, 65519, 65520, 1e10f, FLT_MAX, INFINITY };
  guint16 halves[G_N_ELEMENTS (large)];

  g_assert_cmpfloat (fw_float16_to_float (0x3c00), ==, 1);
  g_assert_cmpfloat (fw_float16_to_float (0xc000), ==, -2);
  g_assert_cmpfloat (fw_float16_to_float (0x0001), ==, 0x1p-24);
  g_assert_true (isinf (fw_float16_to_float (0x7c00)));
  g_assert_true (isnan (fw_float16_to_float (0x7e00)));
  g_assert_true (isnan (fw_float16_to_float (fw_float16_from_float (NAN))));
  g_assert_cmpuint (fw_float16_from_float (1e-30f), ==, 0);
  g_assert_cmpuint (fw_float16_from_float (-0.0f), ==, 0x8000);

  fw_float16_from_floats (large, G_N_ELEMENTS (large), halves);
  for (guint i = 0; i < G_N_ELEMENTS (large); i++)
    {
      g_assert_cmpuint (halves[i], ==, 0x7bff);
      g_assert_cmpuint (fw_float16_from_float (-large[i]), ==, 0xfbff);
    }
}

static void
test_guard_bias (void)
{
  const float bias[] = { 0, 1, -1e12f, 5e9f, NAN, INFINITY, FLT_MAX };
  float scales[] = { 1e-30f, 1, 1e-6f, 1e-12f, 1, 1, FLT_MIN };
  const float input_scale = 0.02f;

  g_assert_cmpuint (fw_weights_guard_bias (bias, input_scale, 7, scales), ==, 3);
  g_assert_cmpfloat (scales[0], ==, 1e-30f);
  g_assert_cmpfloat (scales[1], ==, 1);
  for (guint c = 2; c < 7; c++)
    if (isfinite (bias[c]))
      {
        g_assert_cmpfloat (fabs (bias[c]) / ((double) input_scale * scales[c]), <, 0x1p30);
        g_assert_cmpfloat (fabs (bias[c]) / ((double) input_scale * scales[c]), >, 0x1p30 * 0.999);
      }
}

static void
test_correct_bias (void)
{
  /* Two groups of one output channel each, two input channels a group, kernels of 2. */
  const float weights[] = { 1.25f, 2, 3, 4, -1, -2, -3, -4.5f };
  const float stored[] = { 1, 2, 3.5f, 4, -1, -2, -3, -4 };
  const float mean[] = { 8, 2, 100, -6 };
  float bias[] = { 10, 20 };

  fw_weights_correct_bias (weights, stored, 2, 2, 2, 2, mean, bias);
  g_assert_cmpfloat (bias[0], ==, 10 + 0.25f * 8 - 0.5f * 2);
  g_assert_cmpfloat (bias[1], ==, 20 + -0.5f * -6);
}

static void
test_correct_bias_of_broken (void)
{
  const float weights[] = { NAN, 1, 2 };
  const float stored[] = { 0, 0.5f, 1 };
  const float mean[] = { 2 };
  float bias[] = { 1, 1, 1 };

  fw_weights_correct_bias (weights, stored, 3, 1, 1, 1, mean, bias);
  g_assert_cmpfloat (bias[0], ==, 1);
  g_assert_cmpfloat (bias[1], ==, 2);
  g_assert_cmpfloat (bias[2], ==, 3);
}

static void
test_options (void)
{
  const FwOption all[] = { FW_OPTION_FLOAT32,
                           FW_OPTION_FLOAT16,
                           FW_OPTION_INT8_STORAGE,
                           FW_OPTION (6, FW_ARITHMETIC_FLOAT, 0),
                           FW_OPTION (4, FW_ARITHMETIC_FLOAT, 32),
                           FW_OPTION_INT8_COMPUTE,
                           FW_OPTION (7, FW_ARITHMETIC_INT8, 0),
                           FW_OPTION_INT8_DYNAMIC,
                           FW_OPTION_INT4_BLOCKS,
                           FW_OPTION_INT8_BLOCKS };
  const char *const bad[] = { "int3",
                              "int3-",
                              "int0-storage",
                              "int9-storage",
                              "int08-storage",
                              "int6-storage/",
                              "int6-storage/31",
                              "int6-storage/512",
                              "int8-compute/32",
                              "int6-blocks/32",
                              "int4-blocks",
                              "float8",
                              "int4-storage/32 ",
                              "int99999999999999999999-storage",
                              "" };
  FwOption option = FW_OPTION_FLOAT16;

  for (guint i = 0; i < G_N_ELEMENTS (all); i++)
    {
      FwOption found;

      g_assert_true (fw_option_from_name (fw_option_get_name (all[i]), &found));
      g_assert_cmpint (found, ==, all[i]);
      g_assert_cmpstr (fw_option_get_title (all[i]), !=, "");
    }
  g_assert_cmpstr (fw_option_get_name (FW_OPTION_INT8_COMPUTE), ==, "int8-compute");
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_false (fw_option_from_name (bad[i], &option));
  g_assert_cmpstr (fw_option_get_name (FW_OPTION (4, FW_ARITHMETIC_FLOAT, 32)), ==,
                   "int4-storage/32");
  g_assert_false (fw_option_from_name (NULL, &option));
  g_assert_cmpint (option, ==, FW_OPTION_FLOAT16);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/weights/scales", test_scales);
  g_test_add_func ("/weights/scales/all-shapes", test_scales_all_shapes);
  g_test_add_func ("/weights/scales/nothing", test_nothing);
  g_test_add_func ("/weights/scales/clip-pays", test_clip_pays);
  g_test_add_func ("/weights/quantize", test_quantize);
  g_test_add_func ("/weights/quantize/against-reference", test_quantize_against_reference);
  g_test_add_func ("/weights/half/both-ways", test_half_both_ways);
  g_test_add_func ("/weights/half/bounds", test_half_bounds);
  g_test_add_func ("/weights/guard-bias", test_guard_bias);
  g_test_add_func ("/weights/correct-bias", test_correct_bias);
  g_test_add_func ("/weights/correct-bias/broken", test_correct_bias_of_broken);
  g_test_add_func ("/option", test_options);
  return g_test_run ();
}
