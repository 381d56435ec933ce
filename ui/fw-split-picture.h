/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-split-picture.h: a picture in two halves with a divider between them.
 *
 * The divider is a real scale, so that keyboards, screen readers and tests can move it; the picture
 * itself can be dragged too. In right-to-left languages the first half is on the right.
 */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define FW_TYPE_SPLIT_PICTURE (fw_split_picture_get_type ())

G_DECLARE_FINAL_TYPE (FwSplitPicture, fw_split_picture, FW, SPLIT_PICTURE, GtkWidget)

GtkWidget *fw_split_picture_new (void);

/* What either half shows; where both look alike, the same one twice. NULL for nothing. */
void
fw_split_picture_set_pictures (FwSplitPicture *self, GdkPaintable *first, GdkPaintable *second);
/* A few words on either half: whose it is, and what it says. NULL for none. */
void fw_split_picture_set_captions (FwSplitPicture *self, const char *first, const char *second);

/* How much of the picture is the first half's, 0 to 1. */
double fw_split_picture_get_split (FwSplitPicture *self);
void fw_split_picture_set_split (FwSplitPicture *self, double split);

G_END_DECLS
