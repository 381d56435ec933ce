/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-project-private.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-event.h"
#include "fw-json.h"
#include "fw-surroundings.h"
#include "fw-worker-client.h"

typedef struct
{
  FwProject *project;
  GCancellable *cancellable;
} JobState;

static void
job_state_free (JobState *state)
{
  g_object_unref (state->project);
  g_object_unref (state->cancellable);
  g_free (state);
}

static FwProblem *
problem_of (FwWorkerClient *client, const GError *error)
{
  JsonObject *event = fw_worker_client_get_error_event (client);

  return event != NULL ? fw_problem_new_from_event (event) : fw_problem_new_from_error (error);
}

static void
on_event (FwWorkerClient *client, JsonObject *event, gpointer user_data)
{
  JobState *state = user_data;
  FwProject *self = state->project;
  const char *name = fw_json_get_string (event, "event", "");

  if (self->cancellable != state->cancellable)
    return;
  if (g_str_equal (name, "phase"))
    {
      const char *phase_name = fw_json_get_string (event, "phase", "");
      const char *title = self->phase;

      for (guint phase = 0; phase < FW_N_PHASES; phase++)
        if (g_str_equal (fw_phase_get_name (phase), phase_name))
          title = fw_phase_get_title (phase);
      fw_project_set_progress (self, title, CLAMP (fw_json_get_number (event, "overall", 0), 0, 1),
                               fw_json_get_number (event, "eta_s", -1));
    }
  else if (g_str_equal (name, "stop") && self->command == FW_COMMAND_SHRINK)
    {
      fw_project_add_stop (self, event);
    }
  else if (g_str_equal (name, "sample") && self->command == FW_COMMAND_SAMPLES)
    {
      g_autoptr (FwSampleItem) sample = fw_sample_item_new (event);

      g_list_store_append (self->samples, sample);
    }
  else if (g_str_equal (name, "warning"))
    {
      g_autoptr (FwProblem) problem = fw_problem_new_from_event (event);

      fw_project_say_warning (self, problem);
    }
}

static void
take_inspection (FwProject *self, JsonObject *result)
{
  fw_project_take_object (self, &self->inspection, json_object_ref (result), PROP_INSPECTION);
  fw_project_set_state (self, FW_PROJECT_MODEL);
  if (!fw_json_get_boolean (result, "can_shrink", TRUE))
    {
      const FwError code = FW_ERROR_NOTHING_TO_SHRINK;

      fw_project_take_problem (
          self, fw_problem_new (
                    fw_error_get_name (code),
                    fw_json_get_string (result, "reason", _ ("This model can’t be made smaller.")),
                    fw_error_get_hint (code)));
    }
  else if (self->sample_paths != NULL)
    {
      fw_project_read_samples (self);
    }
}

static void
take_result (FwProject *self, JsonObject *result)
{
  g_autoptr (FwStopItem) stop = NULL;

  fw_project_take_object (self, &self->result, json_object_ref (result), PROP_RESULT);
  fw_project_drop_stale_stops (self);
  if (fw_json_get_boolean (result, "recommended", FALSE))
    {
      stop = fw_project_find_nearest (self, fw_json_get_number (result, "position", 100));
      if (stop != NULL && !fw_stop_item_is_original (stop))
        {
          fw_project_set_recommended (self, stop);
          if (!self->user_selected)
            fw_project_select_stop (self, stop);
        }
    }
  if (self->selected == NULL)
    {
      g_autoptr (FwStopItem) original = fw_project_find_nearest (self, 100);

      fw_project_select_stop (self, original);
    }
  fw_project_set_state (self, FW_PROJECT_DONE);
  fw_project_say_finished (self);
}

FwProjectState
fw_project_get_state_after_failure (FwProject *self)
{
  switch (self->command)
    {
    case FW_COMMAND_INSPECT:
      return FW_PROJECT_EMPTY;
    case FW_COMMAND_SAMPLES:
      return FW_PROJECT_MODEL;
    default:
      return g_list_model_get_n_items (G_LIST_MODEL (self->stops)) > 1 ? FW_PROJECT_STOPPED
                                                                       : FW_PROJECT_READY;
    }
}

static void
job_finished (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  FwWorkerClient *client = FW_WORKER_CLIENT (source);
  JobState *state = user_data;
  FwProject *self = state->project;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = fw_worker_client_run_finish (client, async_result, &error);

  g_signal_handlers_disconnect_by_func (client, on_event, state);
  if (self->cancellable == state->cancellable)
    {
      g_clear_object (&self->cancellable);
      fw_project_notify (self, PROP_BUSY);
      if (result == NULL)
        {
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
            fw_project_take_problem (self, problem_of (client, error));
          fw_project_set_state (self, fw_project_get_state_after_failure (self));
        }
      else if (self->command == FW_COMMAND_INSPECT)
        {
          take_inspection (self, result);
        }
      else if (self->command == FW_COMMAND_SAMPLES)
        {
          fw_project_take_object (self, &self->understanding, json_object_ref (result),
                                  PROP_UNDERSTANDING);
          fw_project_set_state (self, FW_PROJECT_READY);
        }
      else
        {
          take_result (self, result);
        }
    }
  job_state_free (state);
}

FwJob *
fw_project_create_job (FwProject *self, FwCommand command)
{
  FwJob *job;

  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  job = fw_job_new (command);
  job->model = g_strdup (self->model);
  if (command != FW_COMMAND_INSPECT)
    {
      job->samples = g_strdupv (self->sample_paths);
      g_free (job->preprocess);
      job->preprocess = g_strdup (self->preprocess);
      job->prefer = self->prefer;
      job->care = self->extra_care ? FW_CARE_EXTRA : FW_CARE_NORMAL;
    }
  if (command == FW_COMMAND_SAMPLES || command == FW_COMMAND_COMPARE)
    {
      g_autofree char *name = g_strdup_printf ("%u", ++self->samples_read);

      job->previews = g_build_filename (fw_surroundings_get_preview_folder (), name, NULL);
      g_mkdir_with_parents (job->previews, 0700);
    }
  return job;
}

void
fw_project_end_job (FwProject *self)
{
  if (self->cancellable == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  fw_project_notify (self, PROP_BUSY);
}

void
fw_project_start_job (FwProject *self, FwCommand command)
{
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  g_autoptr (FwJob) job = NULL;
  JobState *state;

  fw_project_end_job (self);
  fw_project_take_problem (self, NULL);
  self->command = command;
  self->cancellable = g_cancellable_new ();
  job = fw_project_create_job (self, command);
  fw_project_set_progress (self, fw_phase_get_title (FW_PHASE_INSPECT), 0, -1);
  fw_project_notify (self, PROP_BUSY);

  state = g_new0 (JobState, 1);
  state->project = g_object_ref (self);
  state->cancellable = g_object_ref (self->cancellable);
  g_signal_connect (client, "event", G_CALLBACK (on_event), state);
  fw_worker_client_run_async (client, job, self->cancellable, job_finished, state);
}

void
fw_project_read_samples (FwProject *self)
{
  fw_project_forget_stops (self);
  fw_project_take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  fw_project_set_state (self, FW_PROJECT_READING);
  fw_project_start_job (self, FW_COMMAND_SAMPLES);
}
