/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-trial-half.h: the test half of the samples, and how versions of a model do on it.
 *
 * Nothing here was ever calibrated on. The original answers once; every other version is run on the
 * same rows and held against those answers: class by class for a classifier, by the error of the
 * outputs for anything else (fw-output-error.h).
 */

#pragma once

#include "fw-answers.h"
#include "fw-latency.h"
#include "fw-output-error.h"
#include "fw-sample-set.h"
#include "fw-task.h"
#include "fw-tensor-store.h"

G_BEGIN_DECLS

typedef struct
{
  FwSession *original; /* owned */
  FwTaskInfo task;     /* general where the answers turned out not to be those of a classifier */
  FwInputs *inputs;    /* borrowed */
  const char **input_names;  /* NULL-terminated */
  const char **output_names; /* those compared: the answers, or all that are tensors of numbers */
  guint n_outputs;
  GPtrArray *samples; /* FwSample of those that could be read; borrowed from the set */
  FwTensorStore *rows;
  GPtrArray *latency_rows; /* a few rows: arrays of FwTensors */
  int *labels;             /* or NULL */
  FwAnswer *answers;       /* the original's; NULL for a general task */
  GArray *scores;          /* the original's scores on the first samples, for the decibels */
  FwOutputScale *scale;    /* for a general task, with the original's outputs: */
  FwTensorStore *outputs;
  guint *places; /* of each sample in @outputs */
  guint threads;
  char *folder;
  guint n_choosing; /* the first samples are only for choosing by; their figures are not shown */
} FwTrialHalf;

/* What was measured of one version. */
typedef struct
{
  FwAgreement *agreement;
  FwAnswer *answers;     /* of a classifier */
  FwOutputError *errors; /* of any other: per sample */
  double *output_errors; /* ... per output, means over samples */
  guint worst;           /* ... the sample with the largest error */
  double sqnr; /* decibels of the scores or outputs; +inf where they are the same, NaN where there
                  are none */
  gboolean has_latency;
  FwLatencyComparison latency;
} FwMeasurement;

/* Takes @original, even on failure. @preprocess: for pictures, or NULL. @most: samples at most.
 * @folder: for scratch. Samples that can't be read are set aside in @set. Errors: TOO_FEW_SAMPLES
 * where fewer than 2 are left, with what is wrong with the first. */
FwTrialHalf *fw_trial_half_new (FwSession *original,
                                const FwTaskInfo *task,
                                FwInputs *inputs,
                                FwSampleSet *set,
                                const FwPreprocess *preprocess,
                                guint most,
                                guint threads,
                                const char *folder,
                                FwProgress *progress,
                                GCancellable *cancellable,
                                GError **error);
void fw_trial_half_free (FwTrialHalf *self);

/* Runs the model at @path. @seconds of latency rounds; 0 for none. */
FwMeasurement *fw_trial_half_measure (FwTrialHalf *self,
                                      const char *path,
                                      double seconds,
                                      FwProgress *progress,
                                      GCancellable *cancellable,
                                      GError **error);
void fw_measurement_free (FwMeasurement *self);
/* The agreement of samples @first to @first + @n - 1 alone. */
FwAgreement *
fw_trial_half_agree (FwTrialHalf *self, const FwMeasurement *measurement, guint first, guint n);

/* Files <nnnnn>.npy (of several inputs <nnnnn>-<k>.npy) and inputs.json in @folder: the tensors
 * whose figures are shown, and the top answers of the original and of @other (or NULL). */
gboolean fw_trial_half_save_inputs (FwTrialHalf *self,
                                    const FwMeasurement *other,
                                    const char *folder,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTrialHalf, fw_trial_half_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwMeasurement, fw_measurement_free)

G_END_DECLS
