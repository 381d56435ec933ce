/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-project.h: one model, its samples and what became of them: all that the pages show.
 *
 * Pages bind to its properties and call its functions; it alone talks to the worker. One job runs
 * at a time, and a new one ends the one before.
 *
 * Signals: "warning" (FwProblem *) for what the user should know though the work goes on;
 * "finished" when all versions are measured.
 */

#pragma once

#include <gio/gio.h>

#include "fw-job.h"
#include "fw-problem.h"
#include "fw-sample-item.h"
#include "fw-stop-item.h"

G_BEGIN_DECLS

typedef enum
{
  FW_PROJECT_EMPTY,      /* no model yet */
  FW_PROJECT_INSPECTING, /* the model is being looked at */
  FW_PROJECT_MODEL,      /* the model is known, there are no samples */
  FW_PROJECT_READING,    /* the samples are being looked at */
  FW_PROJECT_READY,      /* model and samples are known */
  FW_PROJECT_SHRINKING,  /* versions are being measured */
  FW_PROJECT_DONE,       /* all are */
  FW_PROJECT_STOPPED,    /* the user ended it; what was measured remains */
} FwProjectState;

#define FW_TYPE_PROJECT_STATE (fw_project_state_get_type ())
GType fw_project_state_get_type (void);

#define FW_TYPE_PROJECT (fw_project_get_type ())

G_DECLARE_FINAL_TYPE (FwProject, fw_project, FW, PROJECT, GObject)

FwProject *fw_project_new (void);

/* Looks at the model; forgets the versions of another one, and keeps the samples. */
void fw_project_open_model (FwProject *self, const char *path);
/* Files and folders in place of those before; read as soon as there is a model. */
void fw_project_set_samples (FwProject *self, const char *const *paths);
/* "auto" or a preset's name; reads the samples anew. */
void fw_project_set_preprocess (FwProject *self, const char *preprocess);
/* What smaller versions should gain; starts anew if there are versions already. */
void fw_project_set_prefer (FwProject *self, FwPrefer prefer);
/* Whether more time is taken for better answers; starts anew like fw_project_set_prefer (). */
void fw_project_set_extra_care (FwProject *self, gboolean extra_care);
/* Makes and measures the versions. */
void fw_project_shrink (FwProject *self);
/* Ends the job; the worker's part takes up to a second to end. */
void fw_project_cancel (FwProject *self);
/* Forgets all. */
void fw_project_clear (FwProject *self);

FwProjectState fw_project_get_state (FwProject *self);
/* Whether a job runs. */
gboolean fw_project_get_busy (FwProject *self);

/* Borrowed, and NULL where there is none yet; the same for all that follow. */
const char *fw_project_get_model (FwProject *self);
/* The model's file name, valid UTF-8. */
const char *fw_project_get_title (FwProject *self);
/* The "result" of inspect. */
JsonObject *fw_project_get_inspection (FwProject *self);
const char *const *fw_project_get_sample_paths (FwProject *self);
/* The "result" of samples. */
JsonObject *fw_project_get_understanding (FwProject *self);
const char *fw_project_get_preprocess (FwProject *self);
FwPrefer fw_project_get_prefer (FwProject *self);
gboolean fw_project_get_extra_care (FwProject *self);
/* The "result" of shrink, the recommended version. */
JsonObject *fw_project_get_result (FwProject *self);

/* FwSampleItems with thumbnails. */
GListModel *fw_project_get_samples (FwProject *self);
/* FwStopItems by position; the last is the original. */
GListModel *fw_project_get_stops (FwProject *self);

/* The version that the slider is at. */
FwStopItem *fw_project_get_selected (FwProject *self);
void fw_project_set_selected (FwProject *self, FwStopItem *stop);
/* Selects the nearest version. */
void fw_project_select_position (FwProject *self, double position);
FwStopItem *fw_project_get_recommended (FwProject *self);

/* Of the running job: "Measuring the versions"; 0 to 1; seconds, below 0 where it is not known. */
const char *fw_project_get_phase (FwProject *self);
double fw_project_get_fraction (FwProject *self);
double fw_project_get_eta (FwProject *self);

/* What ended the last job, or NULL. */
const FwProblem *fw_project_get_problem (FwProject *self);
void fw_project_dismiss_problem (FwProject *self);

/* A job on this model and these samples, for pages that need one of their own. */
FwJob *fw_project_create_job (FwProject *self, FwCommand command);

G_END_DECLS
