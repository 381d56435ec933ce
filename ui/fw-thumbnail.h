/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-thumbnail.h: a sample as a small square picture that the worker wrote, cut to fill. */

#pragma once

#include <gtk/gtk.h>

#include "fw-sample-item.h"

G_BEGIN_DECLS

#define FW_TYPE_THUMBNAIL (fw_thumbnail_get_type ())

G_DECLARE_FINAL_TYPE (FwThumbnail, fw_thumbnail, FW, THUMBNAIL, GtkWidget)

/* @size: of a side, in pixels. */
GtkWidget *fw_thumbnail_new (FwSampleItem *sample, int size);

G_END_DECLS
