/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-levels.h"
#include "fw-packed.h"
#include "fw-random.h"

static GBytes *
make_codes (FwRandom *random, guint bits, gsize n)
{
  gint8 *codes = g_new (gint8, n);

  for (gsize i = 0; i < n; i++)
    codes[i] = fw_levels_get_code (bits, (int) (fw_random_next (random) % (1u << bits))
                                             - (1 << (bits - 1)));
  return g_bytes_new_take (codes, n);
}

static void
test_round_trip (gconstpointer data)
{
  guint bits = GPOINTER_TO_UINT (data);
  FwRandom random = { bits };
  FwPackedLayout layout;

  fw_packed_layout_init (&layout, bits);
  for (gsize n = 0; n < 70; n++)
    {
      g_autoptr (GBytes) first = make_codes (&random, bits, n);
      g_autoptr (GBytes) second = make_codes (&random, bits, n / 3);
      GBytes *const lists[] = { first, second };
      g_auto (FwPacked) packed = { 0 };
      gsize padded = fw_packed_get_padded (&layout, n + n / 3), bytes;
      g_autofree gint8 *codes = g_new (gint8, padded + 1);

      fw_pack (&layout, lists, 2, &packed);
      fw_unpack (&layout, &packed, padded, codes);
      g_assert_cmpmem (codes, n, g_bytes_get_data (first, NULL), g_bytes_get_size (first));
      g_assert_cmpmem (codes + n, n / 3, g_bytes_get_data (second, NULL), n / 3);
      for (gsize i = n + n / 3; i < padded; i++)
        g_assert_cmpint (codes[i], ==, 0);

      bytes = g_bytes_get_size (packed.low);
      for (guint k = 0; k < layout.n_parts; k++)
        bytes += g_bytes_get_size (packed.parts[k]);
      g_assert_cmpuint (padded, <, n + n / 3 + 8);
      g_assert_cmpuint (bytes * 8, ==, padded * bits);
    }
}

/* The bytes are part of the file format: written down once, so that they stay. */
static void
test_bytes (void)
{
  static const gint8 indices[] = { -15, 15, 0, 1, -1, 2, 3, -3 };
  static const guint8 low[] = { 0x3f, 0x11, 0xf2, 0x6d };
  static const guint8 high = 0 << 6 | 2 << 4 | 1 << 2 | 2;
  g_autoptr (GBytes) bytes = NULL;
  gint8 *codes = g_new (gint8, sizeof indices);
  g_auto (FwPacked) packed = { 0 };
  FwPackedLayout layout;

  for (guint i = 0; i < sizeof indices; i++)
    codes[i] = fw_levels_get_code (5, indices[i]);
  bytes = g_bytes_new_take (codes, sizeof indices);
  fw_packed_layout_init (&layout, 5);
  fw_pack (&layout, &bytes, 1, &packed);
  g_assert_cmpmem (low, sizeof low, g_bytes_get_data (packed.low, NULL), packed.n_indices);
  g_assert_cmpmem (&high, 1, g_bytes_get_data (packed.parts[0], NULL),
                   g_bytes_get_size (packed.parts[0]));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint bits = 2; bits <= 7; bits++)
    {
      g_autofree char *path = g_strdup_printf ("/packed/round-trip/%u", bits);

      g_test_add_data_func (path, GUINT_TO_POINTER (bits), test_round_trip);
    }
  g_test_add_func ("/packed/bytes", test_bytes);
  return g_test_run ();
}
