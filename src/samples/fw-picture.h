/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-picture.h: decoded pictures.
 *
 * Reads what gdk-pixbuf reads of JPEG, PNG, WebP, BMP and GIF (first frame), upright by its EXIF
 * orientation, as 8-bit RGB; transparent parts over white. Files above 256 MiB and pictures above
 * 100 megapixels or with a side above 65535 are refused before memory is taken.
 */

#pragma once

#include "fw-preprocess.h"

G_BEGIN_DECLS

typedef struct
{
  int width, height;
  guint8 *pixels; /* width * height * 3, RGB, rows without padding */
} FwPicture;

/* Errors: NO_SUCH_FILE, NOT_READABLE (with what is wrong with it). */
FwPicture *fw_picture_load (const char *path, GError **error);
FwPicture *fw_picture_new (int width, int height);
void fw_picture_free (FwPicture *self);

/* Pillow's BILINEAR: a triangle filter as wide as the scale when shrinking, two passes (horizontal
 * first) rounded to 8 bits between, fixed-point coefficients of 22 bits. */
FwPicture *fw_picture_resize (const FwPicture *self, int width, int height);

/* The tensor that @preprocess makes of it, with a batch of 1. */
FwTensor *
fw_picture_to_tensor (const FwPicture *self, const FwPreprocess *preprocess, GError **error);

/* A PNG of at most @side pixels a side, for showing. */
GBytes *fw_picture_to_png (const FwPicture *self, int side, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPicture, fw_picture_free)

G_END_DECLS
