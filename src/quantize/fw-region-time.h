/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-region-time.h: how much faster int8 arithmetic is on this computer, measured.
 *
 * Time is that of the model with the last units in int8 arithmetic, for several places to begin:
 * regions, not single layers, since the way in and out of int8 costs too.
 */

#pragma once

#include "fw-sensitivity.h"

G_BEGIN_DECLS

/* Fills @share[units + 1]: the latency with units k, k + 1, ... in int8 arithmetic (those that
 * can), as a share of @original's; share[units] is 1. Measured at about @max_cuts places and linear
 * between. */
gboolean fw_region_time_measure (const FwTrial *trial,
                                 FwSession *original,
                                 guint max_cuts,
                                 double *share,
                                 FwProgress *progress,
                                 GCancellable *cancellable,
                                 GError **error);

G_END_DECLS
