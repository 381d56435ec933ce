/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-levels.h"

#include <math.h>

#define MOST 63 /* of codes that are not their own index */
#define CELLS (4 * MOST + 1)

static const gint8 codes_of_3[] = { 0, 17, 37, 63 };
static const gint8 codes_of_4[] = { 0, 6, 13, 20, 27, 36, 47, 63 };
static const gint8 codes_of_5[] = { 0, 3, 5, 8, 11, 14, 17, 20, 23, 26, 30, 34, 39, 45, 52, 63 };
static const gint8 codes_of_6[]
    = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 13, 14, 15, 16,
        17, 19, 20, 21, 23, 24, 26, 28, 30, 32, 34, 36, 39, 43, 48, 63 };

/* The codes from 0 upwards; NULL where a code is its own index. */
static const gint8 *const codes[9]
    = { NULL, NULL, NULL, codes_of_3, codes_of_4, codes_of_5, codes_of_6, NULL, NULL };

int
fw_levels_get_largest (guint bits)
{
  g_return_val_if_fail (bits >= 2 && bits <= 8, 1);

  return (1 << (bits - 1)) - 1;
}

gint8
fw_levels_get_code (guint bits, int index)
{
  const int largest = fw_levels_get_largest (bits);

  index = CLAMP (index, -largest, largest);
  if (codes[bits] == NULL)
    return (gint8) index;
  return index < 0 ? (gint8) -codes[bits][-index] : codes[bits][index];
}

int
fw_levels_get_index (guint bits, int code)
{
  return fw_levels_find (bits, (float) code);
}

int
fw_levels_find (guint bits, float quotient)
{
  const int largest = fw_levels_get_largest (bits);
  const FwGrid *grid = fw_levels_get_grid (bits);
  int low = 0, high = largest, code;

  if (isnan (quotient))
    return 0;
  code = (int) fw_grid_round (grid, quotient);
  if (codes[bits] == NULL)
    return code;
  while (low < high)
    {
      int middle = (low + high) / 2;

      if (codes[bits][middle] < ABS (code))
        low = middle + 1;
      else
        high = middle;
    }
  return code < 0 ? -low : low;
}

/* For each half unit from -MOST on: the code nearest to it. */
static void
fill_cells (float *cells, guint bits)
{
  const int largest = fw_levels_get_largest (bits);

  for (int i = 0; i < CELLS; i++)
    {
      /* The middle of the cell, in quarters of a unit. */
      int at = 2 * i + 1 - 4 * MOST, best = 0;

      for (int index = -largest; index <= largest; index++)
        if (ABS (4 * fw_levels_get_code (bits, index) - at)
            < ABS (4 * fw_levels_get_code (bits, best) - at))
          best = index;
      cells[i] = fw_levels_get_code (bits, best);
    }
}

const FwGrid *
fw_levels_get_grid (guint bits)
{
  static float cells[9][CELLS];
  static FwGrid grids[9];
  static gsize ready;

  g_return_val_if_fail (bits >= 2 && bits <= 8, NULL);

  if (g_once_init_enter (&ready))
    {
      for (guint b = 2; b <= 8; b++)
        {
          grids[b].largest = codes[b] == NULL ? (float) fw_levels_get_largest (b) : MOST;
          if (codes[b] == NULL)
            continue;
          fill_cells (cells[b], b);
          grids[b].nearest = cells[b];
        }
      g_once_init_leave (&ready, 1);
    }
  return &grids[bits];
}
