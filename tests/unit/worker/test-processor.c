/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-processor.h"

/* The multiply-add of processors without VNNI: pairs of unsigned times signed bytes, their sum
 * saturated to 16 bits. */
static gint16
multiply_add (guint8 a, gint8 x, guint8 b, gint8 y)
{
  const int sum = a * x + b * y;

  return CLAMP (sum, G_MININT16, G_MAXINT16);
}

static gboolean
ever_saturates (int largest)
{
  for (int x = -largest; x <= largest; x++)
    for (int y = -largest; y <= largest; y++)
      for (int a = 0; a < 256; a++)
        if (multiply_add (a, x, 255, y) != a * x + 255 * y)
          return TRUE;
  return FALSE;
}

static void
test_saturation (void)
{
  const int safe = (1 << (FW_PROCESSOR_SAFE_BITS - 1)) - 1;

  g_assert_cmpint (safe, ==, 63);
  g_assert_false (ever_saturates (safe));
  g_assert_true (ever_saturates (127));
}

/* A row of 8-bit products goes wrong, the same row in 7 bits does not. */
static void
test_row (void)
{
  int full = 0, saturated = 0, full7 = 0, saturated7 = 0;

  for (int i = 0; i < 64; i += 2)
    {
      full += 255 * 127 + 200 * 120;
      saturated += multiply_add (255, 127, 200, 120);
      full7 += 255 * 63 + 200 * 60;
      saturated7 += multiply_add (255, 63, 200, 60);
    }
  g_assert_cmpint (saturated, <, full);
  g_assert_cmpint (saturated7, ==, full7);
}

static void
test_devices (void)
{
  g_assert_cmpuint (fw_processor_get_compute_bits (FW_DEVICE_PHONE), ==, 8);
  g_assert_cmpuint (fw_processor_get_compute_bits (FW_DEVICE_OLDER_COMPUTER), ==, 7);
  g_assert_cmpuint (fw_processor_get_compute_bits (FW_DEVICE_THIS_COMPUTER), ==,
                    fw_processor_saturates () ? 7 : 8);
  g_assert_true (fw_processor_is_here (FW_DEVICE_THIS_COMPUTER));
  g_assert_false (fw_processor_is_here (FW_DEVICE_PHONE));
  g_assert_false (fw_processor_is_here (FW_DEVICE_OLDER_COMPUTER));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/processor/saturation", test_saturation);
  g_test_add_func ("/processor/row", test_row);
  g_test_add_func ("/processor/devices", test_devices);
  return g_test_run ();
}
