/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-packed.h: codes of 2 to 7 bits packed into bytes, so that stock operators can unpack them.
 *
 * Two or four codes make an index: the first code in its highest bits. An index's low 8 bits are a
 * byte of their own. What is above them is cut into parts of 4 and 2 bits, the lowest first; the
 * parts of several indices fill a byte, the first one's in its highest bits. Unpacking puts the
 * index together again and looks it up in a table of codes. Codes are stored as code + 2^(bits -
 * 1).
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define FW_PACKED_MAX_PARTS 2

typedef struct
{
  guint bits;
  guint per_index;                 /* codes that make an index */
  guint n_parts;                   /* above the low 8 bits of an index */
  guint part[FW_PACKED_MAX_PARTS]; /* the bits of each: 4 or 2 */
  guint columns;                   /* indices that fill whole bytes of every part */
} FwPackedLayout;

/* @bits: 2 to 7. */
void fw_packed_layout_init (FwPackedLayout *self, guint bits);

/* The number of different indices. */
gsize fw_packed_get_n_indices (const FwPackedLayout *self);
/* @n codes, filled up so that all bytes are whole. */
gsize fw_packed_get_padded (const FwPackedLayout *self, gsize n);

typedef struct
{
  gsize n_indices;
  GBytes *low;                        /* uint8 [n_indices] */
  GBytes *parts[FW_PACKED_MAX_PARTS]; /* uint8 [n_indices * bits of the part / 8] */
} FwPacked;

/* @lists: several lists of codes (int8), one behind the other; zeros fill up. */
void fw_pack (const FwPackedLayout *layout, GBytes *const *lists, gsize n_lists, FwPacked *packed);
void fw_packed_clear (FwPacked *self);

/* The codes by what is stored of them: [2^bits]. */
void fw_packed_get_levels (const FwPackedLayout *self, gint8 *levels);
/* What is stored of code number @position in index @index. */
guint fw_packed_get_digit (const FwPackedLayout *self, gsize index, guint position);
/* Of a byte of part @part, the part of its index number @position, where it stands in the index. */
guint fw_packed_get_part (const FwPackedLayout *self, guint part, guint8 byte, guint position);

/* What unpacking does, number by number: @n codes. */
void fw_unpack (const FwPackedLayout *layout, const FwPacked *packed, gsize n, gint8 *codes);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FwPacked, fw_packed_clear)

G_END_DECLS
