/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-when.h: points in time as people say them. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* "Today, 14:05", "Yesterday, 9:12", "Monday, 8:30", "3 March 2026". Both in seconds since 1970;
 * to be freed. */
char *fw_when_describe (gint64 when, gint64 now);

G_END_DECLS
