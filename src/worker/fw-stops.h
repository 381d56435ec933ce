/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-stops.h: versions along the path, really built and really run.
 *
 * A stop is offered only if it loads, is smaller, and gives no NaN or Inf where the original gave
 * none. One that is slower here is offered with that said. A first, provisional one comes before
 * the path is known: all weights rounded to 8 bits, by the means of a few samples. It goes when
 * there are stops of the path.
 */

#pragma once

#include "fw-shrink-job.h"

G_BEGIN_DECLS

/* A stop whose median ratio is below this is slower. */
#define FW_STOP_LEAST_SPEEDUP 0.97

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
  FwAgreement *choosing; /* on the samples that are only for choosing; NULL where there are none */
  gboolean is_recommended;
  gboolean is_provisional;
} FwStop;

typedef struct
{
  FwShrinkJob *job;
  GPtrArray *stops;        /* FwStop, by falling position */
  FwStop *first;           /* the provisional one, or NULL */
  double first_seconds;    /* from the job's beginning until then */
  double decoding_seconds; /* what of it went into reading samples */
  guint n_planned;         /* for progress */
  guint n_done;
} FwStops;

FwStops *fw_stops_new (FwShrinkJob *job);
void fw_stops_free (FwStops *self);

/* Builds and measures the provisional stop, but for its speed. A stop that breaks the contract is
 * no error. */
gboolean fw_stops_add_first (FwStops *self, GError **error);

/* Builds @recipe into the job's folder, as "<name>.onnx", and measures it, unless the job says not
 * to. Roundings that its options call for are put into @recipe, which is taken. NULL without an
 * error where the stop breaks the contract and is not offered. The stop belongs to @self, which
 * says it in a "stop" event. */
FwStop *
fw_stops_add (FwStops *self, guint n_steps, FwRecipe *recipe, const char *name, GError **error);

/* The version after @n_steps of the path: measured now, or before. */
FwStop *fw_stops_add_prefix (FwStops *self, guint n_steps, GError **error);

/* Measures stops spread over the path, the first usable one early, then more of them where the
 * recommendation is decided. */
gboolean fw_stops_measure_path (FwStops *self, GError **error);

/* The recommended one, or NULL. */
FwStop *fw_stops_get_recommended (FwStops *self);

/* The members of "stop" events and of entries of "stops". */
JsonObject *fw_stop_to_json (FwStop *self, FwShrinkJob *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwStops, fw_stops_free)

G_END_DECLS
