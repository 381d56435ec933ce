/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-unseen.h: keeps pages that are not in front from screen readers.
 *
 * GTK shows assistive technologies every page of a stack or leaflet, and what a revealer holds
 * back.
 */

#pragma once

#include <gtk/gtk.h>

G_BEGIN_DECLS

/* All pages that are below @widget now. */
void fw_unseen_hide (GtkWidget *widget);

G_END_DECLS
