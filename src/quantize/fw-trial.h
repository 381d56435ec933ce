/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-trial.h: what is compared when versions are tried on a few samples.
 *
 * Harm is the normalized mean squared error at the scores: for each score the mean over its columns
 * (of the last axis, where the score has three dims or more and up to FW_TRIAL_MAX_COLUMNS columns;
 * else the whole score is one), then the mean over scores. So a head that puts coordinates and
 * confidences side by side counts both. It ranks layers like the whole data set would, where the
 * size of the rounding error does not.
 */

#pragma once

#include "fw-repair.h"
#include "fw-rewrite.h"
#include "fw-session.h"

G_BEGIN_DECLS

#define FW_TRIAL_MAX_COLUMNS 1024

typedef struct _FwPredictor FwPredictor;

typedef struct
{
  FwRewriter *rewriter;
  GPtrArray *units;
  FwRecipe *recipe;          /* ranges and means, all units at float32 */
  const char *const *scores; /* the values compared, NULL-terminated (fw_prepare_find_scores()) */
  GPtrArray *rows;           /* of GPtrArray of FwTensor: one for each model input, in order */
  guint threads;
  FwRepair *repair;       /* of the roundings that are tried, or NULL */
  FwPredictor *predictor; /* fw-predictor.h; or NULL: one is made for the while */
} FwTrial;

/* A session of @model as an app would load it. @extra_output: one more value to give out, or NULL.
 */
FwSession *fw_trial_load (FwModel *model, const char *extra_output, guint threads, GError **error);

/* The scores of the original on all rows, and how far others are from them. */
typedef struct _FwTrialReference FwTrialReference;

/* @answers: of each row the scores in order, NULL for what is not a tensor of numbers. */
FwTrialReference *fw_trial_reference_new (GPtrArray *const *answers, guint n_rows);
void fw_trial_reference_free (FwTrialReference *self);

/* Where the numbers that fw_trial_reference_compare () makes of one row go. */
guint fw_trial_reference_get_n_sums (FwTrialReference *self);
/* Fills @sums[n_sums] with the squared errors of row @row. Safe to call from several threads. */
void
fw_trial_reference_compare (FwTrialReference *self, guint row, GPtrArray *answer, double *sums);
/* The harm over the first @n_rows rows of @sums[rows, n_sums]; +inf where a number became none.
 * What is no number in the reference (scores of -inf are common) is left out, and a row that comes
 * with another number of answers has lost them all. */
double fw_trial_reference_get_harm (FwTrialReference *self, const double *sums, guint n_rows);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTrialReference, fw_trial_reference_free)

G_END_DECLS
