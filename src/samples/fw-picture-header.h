/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-picture-header.h: what the first bytes of a picture file declare, read without a decoder, so
 * that a picture of absurd size is refused before a decoder takes memory for it.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FW_PICTURE_UNKNOWN,
  FW_PICTURE_JPEG,
  FW_PICTURE_PNG,
  FW_PICTURE_WEBP,
  FW_PICTURE_BMP,
  FW_PICTURE_GIF,
} FwPictureKind;

/* As many bytes as fw_picture_sniff() looks at. */
#define FW_PICTURE_SNIFF_SIZE 16

typedef struct
{
  FwPictureKind kind;
  guint64 width, height; /* as stored, before the orientation is applied */
  int orientation;       /* 1 to 8, as EXIF counts */
  gsize used;            /* bytes that belong to the first picture: all, but for GIF */
  gboolean ended;        /* FALSE where the first picture's data breaks off (not for PNG, BMP) */
} FwPictureHeader;

/* The kind of a file that begins with @data, by its content alone. */
FwPictureKind fw_picture_sniff (const guint8 *data, gsize size);

/* Reads a whole file's header. FALSE where it declares no size. */
gboolean fw_picture_header_read (const guint8 *data, gsize size, FwPictureHeader *header);

/* gdk-pixbuf's name of a kind: "jpeg". Static. */
const char *fw_picture_kind_get_name (FwPictureKind kind);

G_END_DECLS
