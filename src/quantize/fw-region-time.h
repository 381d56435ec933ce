/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-region-time.h: how much faster int8 arithmetic is on this computer, measured.
 *
 * Single layers say little, since the way in and out of int8 costs too: what is measured are
 * versions of the whole model with a region of units in int8, in short turns with the original. The
 * region's beginning is looked for first, coarsely and then around the best; then its end, as small
 * last layers are often better off in float. A place that is clearly slower than the best so far is
 * given up after a few turns.
 */

#pragma once

#include "fw-sensitivity.h"

G_BEGIN_DECLS

/* Fills @share[units + 1]: the latency with units k, k + 1, ... in int8 arithmetic (those that
 * can, and are before *@end), as a share of @original's; 1 from *@end on. *@end is the number of
 * units where the last ones had better compute in int8, too. Measured at about @max_cuts places and
 * linear between; +inf where the version does not run. */
gboolean fw_region_time_measure (const FwTrial *trial,
                                 FwSession *original,
                                 guint max_cuts,
                                 double *share,
                                 guint *end,
                                 FwProgress *progress,
                                 GCancellable *cancellable,
                                 GError **error);

G_END_DECLS
