/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-text-file.h: small text files that a user put beside pictures. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* The bytes of a regular file of at most 16 MiB, with a NUL after them; else NULL. */
char *fw_text_file_read (const char *path, gsize *size);

/* The lines of such a file, stripped, when it is UTF-8 text of at most @max_lines lines; empty
 * lines at the end are left out. Where every line begins with its own number, that is cut off.
 * NULL where it is missing, empty or anything else. */
GPtrArray *fw_text_file_read_lines (const char *path, guint max_lines);

G_END_DECLS
