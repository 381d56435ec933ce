/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-repair.h: roundings that answer like the original, for the options of a recipe.
 *
 * What the calibration pass sees of each unit's input is kept as second moments. From them come the
 * roundings (fw-rounding.h) that a recipe's options call for, worked out once for each unit, width
 * and block, and put into the recipe.
 */

#pragma once

#include "fw-progress.h"
#include "fw-repair-flags.h"
#include "fw-rewrite.h"
#include "fw-tensor.h"

G_BEGIN_DECLS

typedef struct _FwRepair FwRepair;

/* @units: of fw_units_find() on @prepared. At most @max_bytes of second moments are kept: units for
 * which there is no room, or whose operator has no columns, are rounded without them. */
FwRepair *fw_repair_new (FwModel *prepared,
                         GPtrArray *units,
                         FwRepairFlags flags,
                         guint64 max_bytes,
                         guint threads);
void fw_repair_free (FwRepair *self);

/* Takes in the @value of sample @sample, an activation that some unit reads; others are ignored.
 * Different values may be observed by several threads at once, one value by one at a time and in
 * order of samples. */
void fw_repair_observe (FwRepair *self, const char *value, FwTensor *tensor, guint sample);

/* Puts into @recipe the roundings that its options call for and that it has not. */
gboolean fw_repair_fill (FwRepair *self,
                         FwRecipe *recipe,
                         FwProgress *progress,
                         GCancellable *cancellable,
                         GError **error);

/* What rounding unit @unit to @bits (8 to 2) does at its own output, as a share of what rounding it
 * to 4 does; by second moments where there are some, else by the weights alone. For carrying a
 * harm that was measured at one width over to the others. */
double fw_repair_get_ratio (FwRepair *self, guint unit, guint bits);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRepair, fw_repair_free)

G_END_DECLS
