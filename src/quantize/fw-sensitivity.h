/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sensitivity.h: what each option of each unit does, measured.
 *
 * One unit at a time is changed and the harm at the scores measured (fw-trial.h): at 4 bits as they
 * would be rounded, and at 8 too where 4 do much; the other widths follow by how much more or less
 * rounding to them does at the unit's own output. Integer arithmetic is measured by rounding the
 * activations alone. All of it takes a few hundred runs of the model: the more units there are, the
 * fewer samples each is tried on, and of very many the smallest are tried in groups.
 *
 * Harms are cut to a few digits, so that their order is not that of chance.
 */

#pragma once

#include "fw-predictor.h"

G_BEGIN_DECLS

typedef struct
{
  double storage[FW_N_WIDTHS];         /* of fw_widths: 0 for 32 bits */
  double arithmetic[FW_N_ARITHMETICS]; /* on top of that: 0 for float */
} FwUnitHarm;

/* The harm of @option, the sum of both; +inf where the unit can't. */
double fw_unit_harm_get (const FwUnitHarm *self, FwOption option);

/* Fills @harms[units]. Integer arithmetic is left at +inf where it is not asked for. */
gboolean fw_sensitivity_measure (const FwTrial *trial,
                                 gboolean arithmetic,
                                 FwUnitHarm *harms,
                                 FwProgress *progress,
                                 GCancellable *cancellable,
                                 GError **error);

G_END_DECLS
