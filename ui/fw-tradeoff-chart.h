/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tradeoff-chart.h: the versions as points: to the right the slider's positions, upwards the
 * share of answers that stayed the same, and the size below each.
 *
 * Its plot spans its whole width less fw_tradeoff_chart_get_margin() on both sides, so that a
 * slider below it lines up. A click selects a version; what the pointer is over is said in words.
 */

#pragma once

#include <gtk/gtk.h>

#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_TRADEOFF_CHART (fw_tradeoff_chart_get_type ())

G_DECLARE_FINAL_TYPE (FwTradeoffChart, fw_tradeoff_chart, FW, TRADEOFF_CHART, GtkWidget)

void fw_tradeoff_chart_set_project (FwTradeoffChart *self, FwProject *project);

/* Room at either side, in pixels; also a property, as it grows with the text. */
int fw_tradeoff_chart_get_margin (FwTradeoffChart *self);

G_END_DECLS
