/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-eta.h: how much of the whole is done, and how long the rest will take.
 *
 * Each phase has an expected share of the whole. The overall fraction follows the shares; the time
 * left learns this job's pace from the phases that are over and from the one that runs.
 */

#pragma once

#include "fw-event.h"

G_BEGIN_DECLS

typedef struct
{
  FwPhase phase;
  gboolean started;
  gint64 start; /* of the job, in microseconds */
  gint64 phase_start;
  double overall; /* 0 to 1, never falls */
  double end;     /* smoothed estimate of when the job ends, or 0 */
} FwEta;

/* The share of the whole that a phase is expected to take; all shares add up to 1. */
double fw_eta_get_share (FwPhase phase);

/* Notes that @phase has come to @fraction at @now (monotonic microseconds). A phase before the
 * current one changes nothing. */
void fw_eta_update (FwEta *self, FwPhase phase, double fraction, gint64 now);

/* Seconds left, or -1 while too little is known. */
double fw_eta_get_seconds (const FwEta *self, gint64 now);

G_END_DECLS
