/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-text-table.h: columns of text that line up, whatever the script. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* How many terminal columns @text (UTF-8) takes: wide characters two, combining ones none. */
guint fw_text_width (const char *text);

/* @text cut to at most @columns, with an ellipsis where something is missing. */
char *fw_text_cut (const char *text, guint columns);

/* Removes what would steer a terminal: names in models and of files may hold anything. */
char *fw_text_make_plain (const char *text);

typedef struct _FwTextTable FwTextTable;

/* Starts a table; @titles is NULL-terminated. A title that begins with ">" stands, like its column,
 * on the right. */
FwTextTable *fw_text_table_new (const char *const *titles);
void fw_text_table_free (FwTextTable *self);
/* Adds a row of as many cells as there are titles; takes ownership of the NULL-terminated array. */
void fw_text_table_add (FwTextTable *self, char **cells);
guint fw_text_table_get_n_rows (FwTextTable *self);
void fw_text_table_append_to (FwTextTable *self, GString *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTextTable, fw_text_table_free)

G_END_DECLS
