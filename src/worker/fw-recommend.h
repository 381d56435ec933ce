/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-recommend.h: which of the measured versions to take.
 *
 * Answers on few samples wobble, while versions along the path only get worse: the share of the
 * same answers is pooled over neighbours until it falls steadily (pool adjacent violators, R. E.
 * Barlow et al. 1972). Where there are enough samples, versions are chosen by samples of their own,
 * so that the figures shown were never chosen by.
 */

#pragma once

#include "fw-stops.h"

G_BEGIN_DECLS

/* How many of @n_test samples are set apart for choosing: a third, or 0 where there are too few. */
guint fw_recommend_count_samples (guint n_test);

/* Steadily falling @shares[n] of @same[n] in @total[n]. */
void fw_recommend_smooth (const guint *same, const guint *total, guint n, double *shares);

/* The cheapest by the job's preference of the versions that are not slower, keep @least_same of the
 * answers (0: the usual 96 %) and, with labels, show no loss of accuracy. NULL where none does. */
FwStop *fw_recommend_find (FwStops *stops, double least_same);

/* The number of steps of the path to try next, to find a cheaper one; 0 for none. */
guint fw_recommend_find_next (FwStops *stops, double least_same);

G_END_DECLS
