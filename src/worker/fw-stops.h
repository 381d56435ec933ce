/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-stops.h: versions along the path, really built and really run.
 *
 * A stop is offered only if it loads, is smaller, and gives no NaN or Inf where the original gave
 * none. One that is slower here is offered with that said. The recommended stop is the cheapest
 * that is not slower and keeps at least 96 % of the answers on the test half, and, with labels,
 * shows no loss of accuracy beyond chance.
 */

#pragma once

#include "fw-shrink-job.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_steps;   /* of the path; 0 for a version that is not on it */
  double position; /* 0 the smallest, 100 the original */
  double cost;
  FwRecipe *recipe;
  char *path;
  char *sha256;
  guint64 size;               /* bytes, external data included */
  FwMeasurement *measurement; /* NULL where nothing was measured */
  gboolean is_recommended;
} FwStop;

typedef struct
{
  FwShrinkJob *job;
  GPtrArray *stops; /* FwStop, by falling position */
  guint n_planned;  /* for progress */
  guint n_done;
} FwStops;

FwStops *fw_stops_new (FwShrinkJob *job);
void fw_stops_free (FwStops *self);

/* Builds @recipe into the job's folder, as "<name>.onnx", and measures it, unless the job says not
 * to. NULL without an error where the stop breaks the contract and is not offered. The stop belongs
 * to @self, which says it in a "stop" event. */
FwStop *
fw_stops_add (FwStops *self, guint n_steps, FwRecipe *recipe, const char *name, GError **error);

/* The version after @n_steps of the path: measured now, or before. */
FwStop *fw_stops_add_prefix (FwStops *self, guint n_steps, GError **error);

/* Measures stops spread over the path, the first usable one early, then more of them where the
 * recommendation is decided. */
gboolean fw_stops_measure_path (FwStops *self, GError **error);

/* The cheapest stop that keeps at least @fraction of the answers, or NULL. */
FwStop *fw_stops_find_same (FwStops *self, double fraction);
/* The recommended one, or NULL. */
FwStop *fw_stops_get_recommended (FwStops *self);

/* The members of "stop" events and of entries of "stops". */
JsonObject *fw_stop_to_json (FwStop *self, FwShrinkJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwStops, fw_stops_free)

G_END_DECLS
