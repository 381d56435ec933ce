/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-stop-item.h: one measured version on the slider, or the original at its right end.
 *
 * Made once from what the worker says and never changed, but for "recommended". What was not
 * measured is NAN, -1 or NULL.
 */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define FW_TYPE_STOP_ITEM (fw_stop_item_get_type ())

G_DECLARE_FINAL_TYPE (FwStopItem, fw_stop_item, FW, STOP_ITEM, GObject)

/* A "stop" event, or a "result" that has the same members. */
FwStopItem *fw_stop_item_new (JsonObject *event);
FwStopItem *fw_stop_item_new_original (guint64 size_bytes);

/* 0 is the smallest, 100 the original. */
double fw_stop_item_get_position (FwStopItem *self);
guint64 fw_stop_item_get_size (FwStopItem *self);
guint64 fw_stop_item_get_original_size (FwStopItem *self);
gboolean fw_stop_item_is_original (FwStopItem *self);
/* Measured before the path was known; it goes as soon as there are other versions. */
gboolean fw_stop_item_is_provisional (FwStopItem *self);

/* How many answers stayed the same, of how many; both 0 where that is not known. */
guint fw_stop_item_get_same (FwStopItem *self);
guint fw_stop_item_get_total (FwStopItem *self);
/* 0 to 1, and its 95 % interval. */
double fw_stop_item_get_faithfulness (FwStopItem *self);
double fw_stop_item_get_faithfulness_low (FwStopItem *self);
double fw_stop_item_get_faithfulness_high (FwStopItem *self);

/* Original ÷ this, with its interval. */
double fw_stop_item_get_speedup (FwStopItem *self);
double fw_stop_item_get_speedup_low (FwStopItem *self);
double fw_stop_item_get_speedup_high (FwStopItem *self);
/* Median milliseconds for one sample. */
double fw_stop_item_get_latency (FwStopItem *self);
double fw_stop_item_get_original_latency (FwStopItem *self);

/* The share of right answers, where the samples have labels. */
double fw_stop_item_get_accuracy (FwStopItem *self);
double fw_stop_item_get_original_accuracy (FwStopItem *self);

/* Objects with code, message and hint; NULL for none. Borrowed, as are the next two. */
JsonArray *fw_stop_item_get_warnings (FwStopItem *self);
/* What rebuilds this version; NULL for the original. */
JsonNode *fw_stop_item_get_recipe (FwStopItem *self);
/* The event itself; NULL for the original. */
JsonObject *fw_stop_item_get_event (FwStopItem *self);

gboolean fw_stop_item_get_recommended (FwStopItem *self);
void fw_stop_item_set_recommended (FwStopItem *self, gboolean recommended);

G_END_DECLS
