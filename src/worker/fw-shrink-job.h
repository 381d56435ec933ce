/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-shrink-job.h: from a model and samples to measured smaller versions.
 *
 * The phases of a job in order, each a function that fills in its part of the state:
 * inspect, samples, prepare, calibrate, rank and path (fw-shrink-path.c), then measure
 * (fw-stops.h).
 */

#pragma once

#include "fw-calibration.h"
#include "fw-detective.h"
#include "fw-event.h"
#include "fw-path.h"
#include "fw-repair.h"
#include "fw-trial-half.h"

G_BEGIN_DECLS

typedef struct
{
  const FwJob *job;
  const char *folder; /* the job's own, for all it writes */
  FwEvents *events;
  GCancellable *cancellable;
  FwPhase phase;
  gint64 begun;    /* monotonic time */
  gint64 decoding; /* microseconds that went into reading samples */

  FwModel *original;
  char *original_sha256;
  guint64 original_size; /* bytes, external data included */
  FwSession *session;    /* of the original; handed to @trial */
  FwTaskInfo task;
  FwInputs *inputs;

  FwSampleSet *samples;
  FwVerdict *verdict;       /* NULL where the preparation was given */
  FwPreprocess *preprocess; /* NULL where samples are numbers */
  FwTrialHalf *trial;

  FwModel *prepared;
  gboolean converted;
  char **scores; /* the values that harm is measured at, NULL-terminated */
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRepairFlags repairs;
  FwRepair *repair; /* what calibration has seen, for roundings; NULL where none are made */

  GPtrArray *few;  /* rows of FwTensors: some calibration samples, for quick measurements */
  GPtrArray *rows; /* as many of them as extra care wants and memory holds */
  guint n_calibration;
  FwRecipe *recipe;   /* ranges and means, all units at float32 */
  FwRecipe *scalings; /* those of the prepared model, and nothing else; NULL for none */

  FwUnitHarm *harms;
  double *dynamic_saved; /* NULL where no dynamic int8 arithmetic is worth while */
  double *time_share;    /* NULL where no int8 arithmetic is considered */
  FwSizes *sizes;
  FwPathInput input;
  FwPath *path;
} FwShrinkJob;

FwShrinkJob *fw_shrink_job_new (const FwJob *job,
                                const char *folder,
                                FwEvents *events,
                                GCancellable *cancellable);
void fw_shrink_job_free (FwShrinkJob *self);

/* Opens the original and tells what it does. Errors: those of models and sessions. */
gboolean fw_shrink_job_inspect (FwShrinkJob *self, GError **error);
/* What the text @name says of how pictures are prepared: a preset's name, a file's, or the very
 * JSON that a result holds. Errors: BAD_PREPROCESS. */
FwPreprocess *
fw_shrink_job_read_preprocess (const char *name, const FwValueInfo *info, GError **error);
/* Finds the samples and, for pictures, how the model wants them. */
gboolean fw_shrink_job_find_preprocess (FwShrinkJob *self, FwProgress *progress, GError **error);
/* The same, and lets the original answer the test half. */
gboolean fw_shrink_job_find_samples (FwShrinkJob *self, GError **error);
/* Makes the model ready, and finds its units. */
gboolean fw_shrink_job_prepare (FwShrinkJob *self, GError **error);
/* All weights in 8 bits, their biases corrected by the means of a few samples. */
FwRecipe *fw_shrink_job_make_first_recipe (FwShrinkJob *self, GError **error);
/* One pass over the calibration half: enough for any recipe. */
gboolean fw_shrink_job_calibrate (FwShrinkJob *self, GError **error);
/* Ranks units and options and lays out the path. */
gboolean fw_shrink_job_find_path (FwShrinkJob *self, GError **error);

/* Bytes that second moments, or samples kept for care, may take. */
guint64 fw_shrink_job_get_memory_limit (void);
/* Shows how far @phase is as long as it lives. */
FwProgress *fw_shrink_job_begin_phase (FwShrinkJob *self, FwPhase phase);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwShrinkJob, fw_shrink_job_free)

G_END_DECLS
