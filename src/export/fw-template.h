/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-template.h: texts with gaps.
 *
 * "@NAME@" stands for a value. Lines from "%% if NAME" to "%% end" are there only where NAME has a
 * value; they do not nest.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* @values: name to text. A gap without a value is a fault of the program's own: it stays, and
 * fw_template_is_complete() says so. */
char *fw_template_fill (const char *text, GHashTable *values);
gboolean fw_template_is_complete (const char *filled);

/* The text as the inside of a string literal of Kotlin, Swift and JavaScript alike: whatever is no
 * plain letter, digit or one of " _-./:" becomes @before, its number in hexadecimal, and @after. */
char *fw_template_escape (const char *text, const char *before, const char *after);

G_END_DECLS
