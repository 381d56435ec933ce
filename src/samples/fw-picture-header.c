/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-picture-header.h"

#include <string.h>

#define MAX_CHUNKS 100000

static guint
read_le16 (const guint8 *p)
{
  return p[0] | (guint) p[1] << 8;
}

static guint
read_le24 (const guint8 *p)
{
  return read_le16 (p) | (guint) p[2] << 16;
}

static guint32
read_le32 (const guint8 *p)
{
  return read_le24 (p) | (guint32) p[3] << 24;
}

static guint
read_be16 (const guint8 *p)
{
  return (guint) p[0] << 8 | p[1];
}

static guint32
read_be32 (const guint8 *p)
{
  return (guint32) read_be16 (p) << 16 | read_be16 (p + 2);
}

FwPictureKind
fw_picture_sniff (const guint8 *data, gsize size)
{
  if (size >= 3 && memcmp (data, "\xff\xd8\xff", 3) == 0)
    return FW_PICTURE_JPEG;
  if (size >= 8 && memcmp (data, "\x89PNG\r\n\x1a\n", 8) == 0)
    return FW_PICTURE_PNG;
  if (size >= 6 && (memcmp (data, "GIF87a", 6) == 0 || memcmp (data, "GIF89a", 6) == 0))
    return FW_PICTURE_GIF;
  if (size >= 12 && memcmp (data, "RIFF", 4) == 0 && memcmp (data + 8, "WEBP", 4) == 0)
    return FW_PICTURE_WEBP;
  /* Two letters alone would take many a text for a picture. */
  if (size >= 16 && memcmp (data, "BM", 2) == 0 && data[15] == 0 && data[14] >= 12)
    return FW_PICTURE_BMP;
  return FW_PICTURE_UNKNOWN;
}

const char *
fw_picture_kind_get_name (FwPictureKind kind)
{
  static const char *const names[] = { "", "jpeg", "png", "webp", "bmp", "gif" };

  return names[kind];
}

/* The orientation in a TIFF structure, which is what an EXIF block is; 1 where there is none. */
static int
read_orientation (const guint8 *data, gsize size)
{
  guint (*read16) (const guint8 *);
  guint32 (*read32) (const guint8 *);
  gsize offset, count;

  if (size >= 6 && memcmp (data, "Exif\0\0", 6) == 0)
    {
      data += 6;
      size -= 6;
    }
  if (size < 8)
    return 1;
  if (memcmp (data, "II*\0", 4) == 0)
    {
      read16 = read_le16;
      read32 = read_le32;
    }
  else if (memcmp (data, "MM\0*", 4) == 0)
    {
      read16 = read_be16;
      read32 = read_be32;
    }
  else
    return 1;

  offset = read32 (data + 4);
  if (offset > size || size - offset < 2)
    return 1;
  count = MIN (read16 (data + offset), (size - offset - 2) / 12);
  for (gsize i = 0; i < count; i++)
    {
      const guint8 *entry = data + offset + 2 + i * 12;

      if (read16 (entry) == 0x0112 && read16 (entry + 2) == 3)
        {
          guint value = read16 (entry + 8);

          return value >= 1 && value <= 8 ? (int) value : 1;
        }
    }
  return 1;
}

static gboolean
jpeg_marker_is_frame (guint8 marker)
{
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

/* Whether the mark of a JPEG's end follows @at, which is the first marker after the frame's. Cut
 * off files have none, and decoders would fill up the rest in grey. */
static gboolean
jpeg_ends (const guint8 *data, gsize size, gsize at)
{
  while (at + 2 <= size)
    {
      guint8 marker = data[at + 1];

      if (data[at] != 0xff || marker == 0xff || marker == 0x00 || marker == 0x01
          || (marker >= 0xd0 && marker <= 0xd7))
        {
          /* Compressed pixels up to the next byte that may begin a marker. */
          const guint8 *next = memchr (data + at + 1, 0xff, size - at - 1);

          if (next == NULL)
            return FALSE;
          at = next - data;
        }
      else if (marker == 0xd9)
        return TRUE;
      else if (at + 4 > size)
        return FALSE;
      else
        at += 2 + MAX (read_be16 (data + at + 2), 2);
    }
  return FALSE;
}

static gboolean
read_jpeg (const guint8 *data, gsize size, FwPictureHeader *header)
{
  gsize at = 2;

  while (at + 4 <= size)
    {
      guint8 marker = data[at + 1];
      gsize length;

      if (data[at] != 0xff)
        return FALSE;
      if (marker == 0xff)
        {
          at++;
          continue;
        }
      if (marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7))
        {
          at += 2;
          continue;
        }
      if (marker == 0xd9 || marker == 0xda)
        return FALSE;
      length = read_be16 (data + at + 2);
      if (length < 2 || length > size - at - 2)
        return FALSE;
      if (marker == 0xe1 && length >= 8 && memcmp (data + at + 4, "Exif\0\0", 6) == 0)
        header->orientation = read_orientation (data + at + 4, length - 2);
      if (jpeg_marker_is_frame (marker))
        {
          if (length < 8)
            return FALSE;
          header->height = read_be16 (data + at + 5);
          header->width = read_be16 (data + at + 7);
          header->ended = jpeg_ends (data, size, at + 2 + length);
          return TRUE;
        }
      at += 2 + length;
    }
  return FALSE;
}

static gboolean
read_png (const guint8 *data, gsize size, FwPictureHeader *header)
{
  gsize at = 8;

  if (size < 33 || memcmp (data + 12, "IHDR", 4) != 0)
    return FALSE;
  header->width = read_be32 (data + 16);
  header->height = read_be32 (data + 20);

  for (guint i = 0; i < MAX_CHUNKS && size - at >= 12; i++)
    {
      gsize length = read_be32 (data + at);

      if (length > size - at - 12)
        break;
      if (memcmp (data + at + 4, "eXIf", 4) == 0)
        header->orientation = read_orientation (data + at + 8, length);
      at += 12 + length;
    }
  return TRUE;
}

static gboolean
read_webp_size (const guint8 *chunk, gsize size, FwPictureHeader *header)
{
  if (size >= 18 && memcmp (chunk, "VP8X", 4) == 0)
    {
      header->width = 1 + read_le24 (chunk + 12);
      header->height = 1 + read_le24 (chunk + 15);
      return TRUE;
    }
  if (size >= 18 && memcmp (chunk, "VP8 ", 4) == 0)
    {
      header->width = read_le16 (chunk + 14) & 0x3fff;
      header->height = read_le16 (chunk + 16) & 0x3fff;
      return TRUE;
    }
  if (size >= 13 && memcmp (chunk, "VP8L", 4) == 0)
    {
      guint32 bits = read_le32 (chunk + 9);

      header->width = 1 + (bits & 0x3fff);
      header->height = 1 + (bits >> 14 & 0x3fff);
      return TRUE;
    }
  return FALSE;
}

static gboolean
read_webp (const guint8 *data, gsize size, FwPictureHeader *header)
{
  gsize at = 12;

  if (!read_webp_size (data + at, size - at, header))
    return FALSE;
  header->ended = read_le32 (data + 4) <= size - 8;

  for (guint i = 0; i < MAX_CHUNKS && size - at >= 8; i++)
    {
      gsize length = read_le32 (data + at + 4);

      if (length > size - at - 8)
        break;
      if (memcmp (data + at, "EXIF", 4) == 0)
        header->orientation = read_orientation (data + at + 8, length);
      at += 8 + length;
      if (length % 2 == 1 && at < size)
        at++;
    }
  return TRUE;
}

static gboolean
read_bmp (const guint8 *data, gsize size, FwPictureHeader *header)
{
  if (size < 26)
    return FALSE;
  if (read_le32 (data + 14) == 12)
    {
      header->width = read_le16 (data + 18);
      header->height = read_le16 (data + 20);
    }
  else
    {
      gint64 width = (gint32) read_le32 (data + 18);
      gint64 height = (gint32) read_le32 (data + 22);

      header->width = width < 0 ? 0 : width;
      header->height = ABS (height);
    }
  return TRUE;
}

/* Steps over a chain of length-prefixed blocks; FALSE where it breaks off. */
static gboolean
skip_gif_blocks (const guint8 *data, gsize size, gsize *at)
{
  while (*at < size)
    {
      gsize length = data[*at];

      if (length >= size - *at)
        return FALSE;
      *at += 1 + length;
      if (length == 0)
        return TRUE;
    }
  return FALSE;
}

/* The bytes of a colour table, by the flags that announce it. */
static gsize
get_gif_table_size (guint8 flags)
{
  return flags & 0x80 ? (gsize) 3 << ((flags & 7) + 1) : 0;
}

static gboolean
read_gif (const guint8 *data, gsize size, FwPictureHeader *header)
{
  gsize at = 13;

  if (size < 13)
    return FALSE;
  header->width = read_le16 (data + 6);
  header->height = read_le16 (data + 8);
  header->ended = FALSE;
  at += get_gif_table_size (data[10]);

  while (at < size)
    {
      if (data[at] == 0x21)
        {
          at += 2;
          if (!skip_gif_blocks (data, size, &at))
            return TRUE;
        }
      else if (data[at] == 0x2c && size - at > 10)
        {
          header->width
              = MAX (header->width, read_le16 (data + at + 1) + read_le16 (data + at + 5));
          header->height
              = MAX (header->height, read_le16 (data + at + 3) + read_le16 (data + at + 7));
          at += 10 + get_gif_table_size (data[at + 9]) + 1;
          header->ended = skip_gif_blocks (data, size, &at);
          header->used = MIN (at, size);
          return TRUE;
        }
      else
        return TRUE;
    }
  return TRUE;
}

gboolean
fw_picture_header_read (const guint8 *data, gsize size, FwPictureHeader *header)
{
  *header = (FwPictureHeader){
    .kind = fw_picture_sniff (data, size), .orientation = 1, .used = size, .ended = TRUE
  };
  switch (header->kind)
    {
    case FW_PICTURE_JPEG:
      return read_jpeg (data, size, header);
    case FW_PICTURE_PNG:
      return read_png (data, size, header);
    case FW_PICTURE_WEBP:
      return read_webp (data, size, header);
    case FW_PICTURE_BMP:
      return read_bmp (data, size, header);
    case FW_PICTURE_GIF:
      return read_gif (data, size, header);
    case FW_PICTURE_UNKNOWN:
    default:
      return FALSE;
    }
}
