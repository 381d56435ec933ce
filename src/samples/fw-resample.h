/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-resample.h: the steps between a picture and a tensor. */

#pragma once

#include "fw-picture.h"

G_BEGIN_DECLS

typedef struct
{
  gint64 x, y;
  int width, height;
} FwWindow;

/* The pixels at @window of what fw_picture_resize (@self, @width, @height) would give, without
 * making the rest: the size may be far beyond memory. */
FwPicture *fw_picture_resize_window (const FwPicture *self,
                                     gint64 width,
                                     gint64 height,
                                     const FwWindow *window);

/* @self as large as the model's input, resized the way @preprocess says. */
FwPicture *fw_picture_fit (const FwPicture *self, const FwPreprocess *preprocess);

/* The tensor of a picture that fw_picture_fit() made for a preparation of the same size. */
FwTensor *
fw_picture_fill_tensor (const FwPicture *fitted, const FwPreprocess *preprocess, GError **error);

G_END_DECLS
