/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sample-item.h: one of the user's samples, as the worker showed it. */

#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

#define FW_TYPE_SAMPLE_ITEM (fw_sample_item_get_type ())

G_DECLARE_FINAL_TYPE (FwSampleItem, fw_sample_item, FW, SAMPLE_ITEM, GObject)

/* A "sample" event. */
FwSampleItem *fw_sample_item_new (JsonObject *event);

/* The file's name, valid UTF-8. Borrowed, as is all below. */
const char *fw_sample_item_get_name (FwSampleItem *self);
/* A PNG that the worker wrote, or NULL. */
const char *fw_sample_item_get_preview (FwSampleItem *self);
/* Answers of both models, best first: objects with index, name and probability. NULL for none. */
JsonArray *fw_sample_item_get_original (FwSampleItem *self);
JsonArray *fw_sample_item_get_other (FwSampleItem *self);
/* Whether the two models disagree. */
gboolean fw_sample_item_get_changed (FwSampleItem *self);
/* The index of the right answer, or -1. */
int fw_sample_item_get_label (FwSampleItem *self);
/* Of a sample of numbers what it looks like: "1 × 640 numbers from -2.1 to 3.4"; else NULL. */
const char *fw_sample_item_get_figures (FwSampleItem *self);
/* Of a model without answers by name how far the outputs are apart, as a share: 0.01 for 1 %; NAN
 * where the answers say it. */
double fw_sample_item_get_difference (FwSampleItem *self);

G_END_DECLS
