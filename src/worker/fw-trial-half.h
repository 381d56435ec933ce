/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-trial-half.h: the test half of the samples, and how versions of a model do on it.
 *
 * Nothing here was ever calibrated on. The original answers once; every other version is run on the
 * same tensors and held against those answers.
 */

#pragma once

#include "fw-answers.h"
#include "fw-latency.h"
#include "fw-sample-set.h"
#include "fw-task.h"
#include "fw-tensor-store.h"

G_BEGIN_DECLS

typedef struct
{
  FwSession *original; /* owned */
  FwTaskInfo task;
  GPtrArray *samples; /* FwSample of those that could be read; borrowed from the set */
  FwTensorStore *tensors;
  GPtrArray *latency_inputs; /* a few FwTensors */
  int *labels;               /* or NULL */
  FwAnswer *answers;         /* the original's */
  GArray *scores;            /* the original's outputs on the first samples, for the decibels */
  guint threads;
  guint n_choosing; /* the first samples are only for choosing by; their figures are not shown */
} FwTrialHalf;

/* What was measured of one version. */
typedef struct
{
  FwAgreement *agreement;
  FwAnswer *answers;
  double sqnr; /* decibels of the outputs; +inf where they are the same */
  gboolean has_latency;
  FwLatencyComparison latency;
} FwMeasurement;

/* Takes @original, even on failure. @folder: for scratch. Samples that can't be read are set aside
 * in @set. Errors: TOO_FEW_SAMPLES where fewer than 2 are left. */
FwTrialHalf *fw_trial_half_new (FwSession *original,
                                const FwTaskInfo *task,
                                FwSampleSet *set,
                                const FwPreprocess *preprocess,
                                guint threads,
                                const char *folder,
                                FwProgress *progress,
                                GCancellable *cancellable,
                                GError **error);
void fw_trial_half_free (FwTrialHalf *self);

const char *fw_trial_half_get_input_name (FwTrialHalf *self);

/* Runs the model at @path. @seconds of latency rounds; 0 for none. */
FwMeasurement *fw_trial_half_measure (FwTrialHalf *self,
                                      const char *path,
                                      double seconds,
                                      FwProgress *progress,
                                      GCancellable *cancellable,
                                      GError **error);
void fw_measurement_free (FwMeasurement *self);

/* Files <nnnn>.npy and inputs.json in @folder: the tensors whose figures are shown, and the top
 * answers of the original and of @other (or NULL). */
gboolean fw_trial_half_save_inputs (FwTrialHalf *self,
                                    const FwMeasurement *other,
                                    const char *folder,
                                    GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTrialHalf, fw_trial_half_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwMeasurement, fw_measurement_free)

G_END_DECLS
