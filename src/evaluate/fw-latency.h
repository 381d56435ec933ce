/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-latency.h: how long two versions of a model take, measured in turns.
 *
 * Runs of both models alternate in short rounds in an order that changes, after a warm-up, so that
 * whatever else the machine does falls on both alike. The speedup is the median of the ratios of
 * paired rounds, original ÷ other, with a bootstrap interval; the fastest run stands for a round,
 * as other programs can only add to a run. Median and 95th percentile are of all runs.
 */

#pragma once

#include "fw-session.h"
#include "fw-statistics.h"

G_BEGIN_DECLS

typedef struct
{
  double median, p95; /* milliseconds a run */
} FwLatency;

typedef struct
{
  FwLatency original, other;
  double speedup;      /* median of original ÷ other */
  FwInterval interval; /* of the speedup */
  guint rounds;
} FwLatencyComparison;

/* TRUE where the computer was so busy that the medians tell another story than the speedup, or the
 * interval spans more than a third: the figures hold, but roughly. */
gboolean fw_latency_is_rough (const FwLatencyComparison *self);

/* @rows: arrays of FwTensors taken in turn, one tensor for each of @original's inputs in order.
 * Runs for about @seconds of wall time, at least 15 rounds of at least one run each (a round lasts
 * 2 ms or more). */
gboolean fw_latency_compare (FwSession *original,
                             FwSession *other,
                             GPtrArray *rows,
                             double seconds,
                             FwLatencyComparison *result,
                             GCancellable *cancellable,
                             GError **error);

/* Seconds of ONNX Runtime's own profile @path (a JSON file), by name of node: median over runs,
 * the first run left out. Values are double * in seconds. */
GHashTable *fw_profile_read (const char *path, GError **error);

G_END_DECLS
