/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-eta.h"

#include <math.h>

/* Before this much time and work, an estimate would only jump. */
#define MIN_SECONDS 0.5
#define MIN_OVERALL 0.01
/* How far one report moves the estimate of the end. */
#define SMOOTHING 0.3

static const double shares[FW_N_PHASES] = {
  [FW_PHASE_INSPECT] = 0.02,   [FW_PHASE_SAMPLES] = 0.08, [FW_PHASE_PREPARE] = 0.03,
  [FW_PHASE_CALIBRATE] = 0.12, [FW_PHASE_RANK] = 0.25,    [FW_PHASE_PATH] = 0.03,
  [FW_PHASE_MEASURE] = 0.45,   [FW_PHASE_KEEP] = 0.02,
};

double
fw_eta_get_share (FwPhase phase)
{
  g_return_val_if_fail (phase < FW_N_PHASES, 0);

  return shares[phase];
}

static double
shares_before (FwPhase phase)
{
  double sum = 0;

  for (guint i = 0; i < phase; i++)
    sum += shares[i];
  return sum;
}

/* The time that the rest takes if the phases to come cost as much per share as this job has cost
 * so far, the phase that runs taken at its own pace. */
static double
estimate_rest (const FwEta *self, double fraction, gint64 now)
{
  double done = shares_before (self->phase);
  double share = shares[self->phase];
  double before = (self->phase_start - self->start) / 1e6;
  double inside = (now - self->phase_start) / 1e6;
  double pace, whole_phase;

  /* At the start of a phase its own pace says nothing yet: begin with the job's and go over. */
  pace = (before + inside) / MAX (done + share * fraction, 1e-9);
  whole_phase = share * pace;
  if (fraction > 0)
    {
      double trust = MIN (1.0, fraction * 4);

      whole_phase = trust * inside / fraction + (1 - trust) * whole_phase;
    }
  pace = (before + whole_phase) / (done + share);
  return MAX (0, whole_phase * (1 - fraction)) + pace * (1 - done - share);
}

void
fw_eta_update (FwEta *self, FwPhase phase, double fraction, gint64 now)
{
  double overall, end;

  g_return_if_fail (phase < FW_N_PHASES);

  fraction = isnan (fraction) ? 0 : CLAMP (fraction, 0, 1);
  if (!self->started)
    {
      self->started = TRUE;
      self->start = now;
      self->phase_start = now;
      self->phase = phase;
    }
  if (phase < self->phase)
    return;
  if (phase > self->phase)
    {
      self->phase = phase;
      self->phase_start = now;
    }

  overall = shares_before (phase) + shares[phase] * fraction;
  self->overall = CLAMP (overall, self->overall, 1);
  if (now - self->start < MIN_SECONDS * G_USEC_PER_SEC || self->overall < MIN_OVERALL)
    return;

  end = now / 1e6 + estimate_rest (self, fraction, now);
  self->end = self->end > 0 ? self->end + SMOOTHING * (end - self->end) : end;
}

double
fw_eta_get_seconds (const FwEta *self, gint64 now)
{
  if (self->end <= 0)
    return -1;
  return MAX (0, self->end - now / 1e6);
}
