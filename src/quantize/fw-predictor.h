/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-predictor.h: what a recipe will do to the answers, without building its file.
 *
 * All units together are switched as the recipe says (fw-switchboard.h) and the harm (fw-trial.h)
 * is measured on the trial's rows. Where a model can't be switched, files are built and loaded
 * instead, which takes longer and gives the same. Results do not depend on the number of threads.
 */

#pragma once

#include "fw-switchboard.h"
#include "fw-trial.h"

G_BEGIN_DECLS

/* @trial and what it holds must outlive the predictor. Runs the original on all rows. */
FwPredictor *fw_predictor_new (const FwTrial *trial, GCancellable *cancellable, GError **error);
void fw_predictor_free (FwPredictor *self);

/* The harm of each of @recipes at the scores, over the first @n_rows rows (0: all); +inf for what
 * does not load or run. Roundings that are not in a recipe are nearest ones: fw_repair_fill ()
 * before. FALSE only for cancelling, lack of memory and recipes that can't be built. */
gboolean fw_predictor_predict (FwPredictor *self,
                               FwRecipe *const *recipes,
                               guint n_recipes,
                               guint n_rows,
                               double *harms,
                               FwProgress *progress,
                               GCancellable *cancellable,
                               GError **error);

/* What integer arithmetic alone does, with all weights left as they were. Where the model can't be
 * switched the weights' share is in it. */
gboolean fw_predictor_predict_activations (FwPredictor *self,
                                           FwRecipe *const *recipes,
                                           guint n_recipes,
                                           guint n_rows,
                                           double *harms,
                                           FwProgress *progress,
                                           GCancellable *cancellable,
                                           GError **error);

/* NULL where the model can't be switched. */
FwSwitchboard *fw_predictor_get_switchboard (FwPredictor *self);

/* Runs of the model so far, for reports. */
guint fw_predictor_get_n_runs (FwPredictor *self);

/* The same with the trial's predictor, or one made for the while. */
gboolean fw_trial_predict (const FwTrial *trial,
                           FwRecipe *recipe,
                           double *harm,
                           GCancellable *cancellable,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPredictor, fw_predictor_free)

G_END_DECLS
