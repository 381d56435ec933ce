/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-recommend.h: which of the measured versions to take.
 *
 * Of few samples, a count of changed answers says little about one version. But an answer changes
 * where the noise of rounding is larger than what the best answer is ahead by, and small leads are
 * all about as common: so the share of changed answers goes with the noise, and one factor for all
 * versions, from all their counts, tells more about each than its own count does.
 *
 * Where there are enough samples, versions are chosen by samples of their own, so that the figures
 * shown bring no version forward; one that they speak against is passed over.
 */

#pragma once

#include "fw-stops.h"

G_BEGIN_DECLS

/* How many of @n_test samples are set apart for choosing: a third, or 0 where there are too few. */
guint fw_recommend_count_samples (guint n_test);

/* What versions of predicted @harms[n], @changed[n] of whose @total[n] answers changed, change on
 * average: shares, 0 to 1. */
void fw_recommend_estimate (const double *harms,
                            const guint *changed,
                            const guint *total,
                            guint n,
                            double *shares);

/* The cheapest by the job's preference of the versions that are not slower, keep @least_same of the
 * answers (0: the usual 96 %) and, with labels, show no loss of accuracy. NULL where none does. */
FwStop *fw_recommend_find (FwStops *stops, double least_same);

/* The number of steps of the path to try next, to find a cheaper one; 0 for none. */
guint fw_recommend_find_next (FwStops *stops, double least_same);

G_END_DECLS
