/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The fast loops against the plain ones, in one run on one machine. */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-histogram.h"
#include "fw-random.h"
#include "fw-range.h"
#include "fw-rounding.h"

#define N ((gsize) 1 << 20)
#define ROUNDS 9

typedef void (*Work) (gpointer data);

/* The least of several times, in seconds: what disturbs only ever adds. */
static double
time_work (Work work, gpointer data)
{
  gint64 least = G_MAXINT64;

  for (guint i = 0; i < ROUNDS; i++)
    {
      gint64 start = g_get_monotonic_time ();

      work (data);
      least = MIN (least, g_get_monotonic_time () - start);
    }
  return MAX (least, 1) * 1e-6;
}

static void
print_ratio (const char *name, double fast, double reference, gsize n)
{
  g_print ("%-24s %7.3f ns each, %5.1f times as fast as one at a time\n", name,
           fast * 1e9 / (double) n, reference / fast);
}

static void
fill (float *values, gsize n, gboolean relu)
{
  FwRandom random = { 1 };

  for (gsize i = 0; i < n; i++)
    {
      double sum = -6;

      for (guint j = 0; j < 12; j++)
        sum += fw_random_double (&random);
      values[i] = relu ? (float) MAX (sum, 0) : (float) sum;
    }
}

static FwHistogram histogram;

static void
add_fast (gpointer data)
{
  fw_histogram_init (&histogram);
  fw_histogram_add (&histogram, data, N);
}

static void
add_reference (gpointer data)
{
  fw_histogram_init (&histogram);
  fw_histogram_add_reference (&histogram, data, N);
}

static float scales[1024];
static gint8 quantized[N];
static guint16 halves[N];
static FwWeightShape shape;

static void
round_nearest (gpointer data)
{
  fw_rounding_get_codes (data, &shape, 8, 0, scales, NULL, quantized);
}

static void
find_rounding (gpointer data)
{
  const FwRoundingOptions options = { .bits = 8 };

  fw_rounding_free (fw_rounding_find (data, &shape, &options, NULL, 1));
}

static void
find_clipped_rounding (gpointer data)
{
  const FwRoundingOptions options = { .bits = 8, .repairs = FW_REPAIR_CLIP };

  fw_rounding_free (fw_rounding_find (data, &shape, &options, NULL, 1));
}

static void
to_halves (gpointer data)
{
  fw_float16_from_floats (data, N, halves);
}

static void
to_halves_singly (gpointer data)
{
  const float *values = data;

  for (gsize i = 0; i < N; i++)
    halves[i] = fw_float16_from_float (values[i]);
}

static void
choose_range (gpointer data)
{
  FwRange range;

  fw_range_choose (&range, &histogram, GPOINTER_TO_INT (data));
}

static void
print_rounding (const char *name, float *values)
{
  const FwRoundingOptions options = { .bits = 8 };
  g_autoptr (FwRounding) rounding = fw_rounding_find (values, &shape, &options, NULL, 1);

  memcpy (scales, g_bytes_get_data (rounding->scales, NULL), shape.channels * sizeof (float));
  g_print ("%-24s %7.3f ns each to round, %7.3f to find scales, with clipping %7.3f\n", name,
           time_work (round_nearest, values) * 1e9 / (double) N,
           time_work (find_rounding, values) * 1e9 / (double) N,
           time_work (find_clipped_rounding, values) * 1e9 / (double) N);
}

static void
bench_weights (float *values)
{
  shape = (FwWeightShape){ 1, 1024, N / 1024 };
  print_rounding ("weights of Conv", values);
  shape = (FwWeightShape){ N / 1024, 1024, 1 };
  print_rounding ("weights of MatMul", values);
  print_ratio ("float16", time_work (to_halves, values), time_work (to_halves_singly, values), N);
}

int
main (int argc, char *argv[])
{
  g_autofree float *values = g_new (float, N);

  fill (values, N, FALSE);
  print_ratio ("histogram", time_work (add_fast, values), time_work (add_reference, values), N);
  bench_weights (values);

  fill (values, N, TRUE);
  print_ratio ("histogram after a Relu", time_work (add_fast, values),
               time_work (add_reference, values), N);
  for (FwRangeMethod method = FW_RANGE_AUTO; method <= FW_RANGE_KL; method++)
    g_print ("range by %-15s %7.3f ms\n", fw_range_method_get_name (method),
             time_work (choose_range, GINT_TO_POINTER (method)) * 1e3);
  return 0;
}
