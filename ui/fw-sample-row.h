/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sample-row.h: a sample in a list: its picture, its name and what became of the answer. */

#pragma once

#include <adwaita.h>

#include "fw-sample-item.h"

G_BEGIN_DECLS

#define FW_TYPE_SAMPLE_ROW (fw_sample_row_get_type ())

G_DECLARE_FINAL_TYPE (FwSampleRow, fw_sample_row, FW, SAMPLE_ROW, GtkBox)

GtkWidget *fw_sample_row_new (void);

/* NULL for none: list views use their rows again. */
void fw_sample_row_set_sample (FwSampleRow *self, FwSampleItem *sample);

G_END_DECLS
