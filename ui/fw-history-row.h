/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-row.h: one version in the history. What can be done with it shows once the row is
 * opened; the row itself can be dragged out as a file.
 *
 * The signal "act" (const char *) says what the user wants: "use", "save", "export", "delete",
 * "keep-copy", "note", or "compare" with fw_history_row_get_other().
 */

#pragma once

#include <adwaita.h>

#include "fw-history-rows.h"

G_BEGIN_DECLS

#define FW_TYPE_HISTORY_ROW (fw_history_row_get_type ())

G_DECLARE_FINAL_TYPE (FwHistoryRow, fw_history_row, FW, HISTORY_ROW, GtkListBoxRow)

GtkWidget *fw_history_row_new (void);

/* @all: FwHistoryVersions of the same model, to compare with. */
void fw_history_row_set_version (FwHistoryRow *self, FwHistoryVersion *version, GPtrArray *all);

/* Borrowed. */
FwHistoryVersion *fw_history_row_get_version (FwHistoryRow *self);
/* The version that this one is to be compared with. */
gint64 fw_history_row_get_other (FwHistoryRow *self);
/* The note as it is typed. Borrowed. */
const char *fw_history_row_get_note (FwHistoryRow *self);

gboolean fw_history_row_get_open (FwHistoryRow *self);
void fw_history_row_set_open (FwHistoryRow *self, gboolean open);
/* Whether the note is being written, so that the row should not be renewed. */
gboolean fw_history_row_is_edited (FwHistoryRow *self);

/* "Original", "Version 3". To be freed. */
char *fw_history_row_title (FwHistoryVersion *version);

G_END_DECLS
