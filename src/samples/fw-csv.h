/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-csv.h: tables as text.
 *
 * RFC 4180 as people really write it: a comma, a semicolon or a tab between fields, quotes where
 * needed, any line ends, a byte-order mark or none.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The rows of @text: an array of GStrv. Empty lines are left out. NULL where it is not a table of
 * text: a NUL byte, not UTF-8, an open quote at the end, or too many rows or fields. */
GPtrArray *fw_csv_parse (const char *text, gsize size);

G_END_DECLS
