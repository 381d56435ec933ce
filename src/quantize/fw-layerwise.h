/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-layerwise.h: harm of a model that is too large to be run as a whole.
 *
 * The model is cut into segments (fw-segments.h), and a few samples go through one after another.
 * In each segment its units are rounded one at a time, and the error at the segment's own end is
 * measured. What such an error does at the scores is found out by errors of known size: at the ends
 * of some segments what a rounded unit left there (or noise) travels on beside the clean samples.
 * The harm is the product.
 *
 * The file is gone through once; in memory are one segment's weights and one unit in its smaller
 * forms.
 */

#pragma once

#include "fw-sensitivity.h"

G_BEGIN_DECLS

/* Fills @harms[units]: storage at all widths that a unit can have, integer arithmetic +inf.
 * Segments have at most @piece_size bytes of stored numbers, or one node. @trial's repair and
 * predictor are not used. */
gboolean fw_layerwise_measure (const FwTrial *trial,
                               guint64 piece_size,
                               FwUnitHarm *harms,
                               FwProgress *progress,
                               GCancellable *cancellable,
                               GError **error);

G_END_DECLS
