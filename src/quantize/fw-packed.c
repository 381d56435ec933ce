/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-packed.h"

#include "fw-levels.h"

void
fw_packed_layout_init (FwPackedLayout *self, guint bits)
{
  guint rest;

  g_return_if_fail (bits >= 2 && bits <= 7);

  *self = (FwPackedLayout){ .bits = bits, .per_index = bits < 4 ? 4 : 2, .columns = 1 };
  rest = self->per_index * bits - 8;
  for (guint part = 4; part >= 2; part -= 2)
    if (rest >= part)
      {
        self->part[self->n_parts++] = part;
        self->columns = 8 / part;
        rest -= part;
      }
}

gsize
fw_packed_get_n_indices (const FwPackedLayout *self)
{
  return (gsize) 1 << (self->per_index * self->bits);
}

gsize
fw_packed_get_padded (const FwPackedLayout *self, gsize n)
{
  gsize group = self->per_index * self->columns;

  return (n + group - 1) / group * group;
}

void
fw_packed_get_levels (const FwPackedLayout *self, gint8 *levels)
{
  int half = 1 << (self->bits - 1);

  for (int i = 0; i < 2 * half; i++)
    levels[i] = fw_levels_get_code (self->bits, i - half);
}

guint
fw_packed_get_digit (const FwPackedLayout *self, gsize index, guint position)
{
  guint shift = self->bits * (self->per_index - 1 - position);

  return (index >> shift) & ((1u << self->bits) - 1);
}

/* Where part @part begins in an index. */
static guint
get_shift (const FwPackedLayout *self, guint part)
{
  guint shift = 8;

  for (guint i = 0; i < part; i++)
    shift += self->part[i];
  return shift;
}

guint
fw_packed_get_part (const FwPackedLayout *self, guint part, guint8 byte, guint position)
{
  guint bits = self->part[part];

  return ((byte >> (8 - bits * (position + 1))) & ((1u << bits) - 1)) << get_shift (self, part);
}

/* Puts the parts of index number @i where they belong. */
static void
put_index (const FwPackedLayout *layout, gsize i, guint index, guint8 *low, guint8 *const *parts)
{
  low[i] = index & 0xff;
  for (guint k = 0; k < layout->n_parts; k++)
    {
      guint bits = layout->part[k], per_byte = 8 / bits;
      guint value = (index >> get_shift (layout, k)) & ((1u << bits) - 1);

      parts[k][i / per_byte] |= value << (8 - bits * (i % per_byte + 1));
    }
}

/* What is stored of each code, by the code as uint8. */
static void
fill_digits (const FwPackedLayout *layout, guint8 *digits)
{
  int half = 1 << (layout->bits - 1);

  for (int code = -128; code < 128; code++)
    digits[(guint8) code] = fw_levels_get_index (layout->bits, code) + half;
}

void
fw_pack (const FwPackedLayout *layout, GBytes *const *lists, gsize n_lists, FwPacked *packed)
{
  guint8 *low, *parts[FW_PACKED_MAX_PARTS] = { NULL };
  guint8 digits[1 << 8];
  guint index = 0, filled = 0;
  gsize n = 0, done = 0, padded;

  fill_digits (layout, digits);
  for (gsize i = 0; i < n_lists; i++)
    n += g_bytes_get_size (lists[i]);
  padded = fw_packed_get_padded (layout, n);
  packed->n_indices = padded / layout->per_index;
  low = g_malloc (packed->n_indices);
  for (guint k = 0; k < layout->n_parts; k++)
    parts[k] = g_malloc0 (packed->n_indices * layout->part[k] / 8);

  for (gsize i = 0; i <= n_lists; i++)
    {
      const gint8 *codes = i < n_lists ? g_bytes_get_data (lists[i], NULL) : NULL;
      gsize size = i < n_lists ? g_bytes_get_size (lists[i]) : padded - n;

      for (gsize j = 0; j < size; j++)
        {
          index = index << layout->bits | digits[(guint8) (codes != NULL ? codes[j] : 0)];
          if (++filled < layout->per_index)
            continue;
          put_index (layout, done++, index, low, parts);
          index = filled = 0;
        }
    }

  packed->low = g_bytes_new_take (low, packed->n_indices);
  for (guint k = 0; k < layout->n_parts; k++)
    packed->parts[k] = g_bytes_new_take (parts[k], packed->n_indices * layout->part[k] / 8);
}

void
fw_packed_clear (FwPacked *self)
{
  g_clear_pointer (&self->low, g_bytes_unref);
  for (guint k = 0; k < FW_PACKED_MAX_PARTS; k++)
    g_clear_pointer (&self->parts[k], g_bytes_unref);
}

void
fw_unpack (const FwPackedLayout *layout, const FwPacked *packed, gsize n, gint8 *codes)
{
  const guint8 *low = g_bytes_get_data (packed->low, NULL);
  gint8 levels[1 << 7];

  fw_packed_get_levels (layout, levels);
  for (gsize i = 0; i < n; i++)
    {
      gsize number = i / layout->per_index;
      guint index = low[number];

      for (guint k = 0; k < layout->n_parts; k++)
        {
          const guint8 *part = g_bytes_get_data (packed->parts[k], NULL);
          guint per_byte = 8 / layout->part[k];

          index |= fw_packed_get_part (layout, k, part[number / per_byte], number % per_byte);
        }
      codes[i] = levels[fw_packed_get_digit (layout, index, i % layout->per_index)];
    }
}
