/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-project-private.h: what the project's own files share. */

#pragma once

#include "fw-project.h"

G_BEGIN_DECLS

struct _FwProject
{
  GObject parent_instance;

  FwProjectState state;
  char *model;
  char *title;
  char **sample_paths;
  char *preprocess;
  FwPrefer prefer;

  JsonObject *inspection;
  JsonObject *understanding;
  JsonObject *result;
  GListStore *samples;
  GListStore *stops;
  GPtrArray *stale; /* stops of a job that was ended, until this one has measured its own */
  FwStopItem *selected;
  FwStopItem *recommended;
  FwProblem *problem;

  GCancellable *cancellable; /* of the running job */
  FwCommand command;
  char *phase;
  double fraction;
  double eta;
  guint samples_read; /* counts jobs, so that their previews don't get mixed up */
  gboolean user_selected : 1;
  gboolean extra_care : 1;
};

enum
{
  PROP_0,
  PROP_STATE,
  PROP_BUSY,
  PROP_MODEL,
  PROP_TITLE,
  PROP_INSPECTION,
  PROP_SAMPLE_PATHS,
  PROP_UNDERSTANDING,
  PROP_PREPROCESS,
  PROP_PREFER,
  PROP_EXTRA_CARE,
  PROP_RESULT,
  PROP_SELECTED,
  PROP_RECOMMENDED,
  PROP_PHASE,
  PROP_FRACTION,
  PROP_ETA,
  PROP_PROBLEM,
  N_PROPS
};

/* fw-project.c */
void fw_project_notify (FwProject *self, guint property);
void fw_project_set_state (FwProject *self, FwProjectState state);
void fw_project_set_progress (FwProject *self, const char *phase, double fraction, double eta);
/* Takes @problem, which may be NULL. */
void fw_project_take_problem (FwProject *self, FwProblem *problem);
/* Takes @object, which may be NULL. */
void
fw_project_take_object (FwProject *self, JsonObject **place, JsonObject *object, guint property);
void fw_project_say_warning (FwProject *self, const FwProblem *problem);
void fw_project_say_finished (FwProject *self);

/* fw-project-stops.c */
void fw_project_select_stop (FwProject *self, FwStopItem *stop);
void fw_project_set_recommended (FwProject *self, FwStopItem *stop);
/* To be unreferenced; NULL where there are no stops. */
FwStopItem *fw_project_find_nearest (FwProject *self, double position);
void fw_project_add_stop (FwProject *self, JsonObject *event);
void fw_project_add_original (FwProject *self);
void fw_project_forget_stops (FwProject *self);
/* What was measured before a job was ended stays in use until it is measured again. */
void fw_project_keep_stops (FwProject *self);
void fw_project_drop_stale_stops (FwProject *self);

/* fw-project-job.c */
void fw_project_start_job (FwProject *self, FwCommand command);
/* Whatever runs is asked to stop, and what it still says is not listened to. */
void fw_project_end_job (FwProject *self);
void fw_project_read_samples (FwProject *self);
/* Where the project stands once a job has ended without a result. */
FwProjectState fw_project_get_state_after_failure (FwProject *self);

G_END_DECLS
