/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-project.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-error.h"
#include "fw-event.h"
#include "fw-json.h"
#include "fw-surroundings.h"
#include "fw-worker-client.h"

/* Until the worker has recommended one, the smallest version that keeps this share of the answers
 * and is about as fast is shown. */
#define ENOUGH_SAME 0.96
#define ENOUGH_SPEED 0.97
/* Positions closer than this are the same stop. */
#define SAME_POSITION 1e-6

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
};

G_DEFINE_FINAL_TYPE (FwProject, fw_project, G_TYPE_OBJECT)

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
  PROP_RESULT,
  PROP_SELECTED,
  PROP_RECOMMENDED,
  PROP_PHASE,
  PROP_FRACTION,
  PROP_ETA,
  PROP_PROBLEM,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

enum
{
  WARNING,
  FINISHED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

GType
fw_project_state_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { FW_PROJECT_EMPTY, "FW_PROJECT_EMPTY", "empty" },
    { FW_PROJECT_INSPECTING, "FW_PROJECT_INSPECTING", "inspecting" },
    { FW_PROJECT_MODEL, "FW_PROJECT_MODEL", "model" },
    { FW_PROJECT_READING, "FW_PROJECT_READING", "reading" },
    { FW_PROJECT_READY, "FW_PROJECT_READY", "ready" },
    { FW_PROJECT_SHRINKING, "FW_PROJECT_SHRINKING", "shrinking" },
    { FW_PROJECT_DONE, "FW_PROJECT_DONE", "done" },
    { FW_PROJECT_STOPPED, "FW_PROJECT_STOPPED", "stopped" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("FwProjectState", values));
  return type;
}

static void
notify (FwProject *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_state (FwProject *self, FwProjectState state)
{
  if (self->state == state)
    return;
  self->state = state;
  notify (self, PROP_STATE);
}

static void
set_progress (FwProject *self, const char *phase, double fraction, double eta)
{
  if (g_strcmp0 (self->phase, phase) != 0)
    {
      g_free (self->phase);
      self->phase = g_strdup (phase);
      notify (self, PROP_PHASE);
    }
  self->fraction = fraction;
  notify (self, PROP_FRACTION);
  self->eta = eta;
  notify (self, PROP_ETA);
}

static void
take_problem (FwProject *self, FwProblem *problem)
{
  if (self->problem == NULL && problem == NULL)
    return;
  g_clear_pointer (&self->problem, fw_problem_free);
  self->problem = problem;
  notify (self, PROP_PROBLEM);
}

static void
take_object (FwProject *self, JsonObject **place, JsonObject *object, guint property)
{
  if (*place == NULL && object == NULL)
    return;
  g_clear_pointer (place, json_object_unref);
  *place = object;
  notify (self, property);
}

/* Stops. */

static void
select_stop (FwProject *self, FwStopItem *stop)
{
  if (g_set_object (&self->selected, stop))
    notify (self, PROP_SELECTED);
}

static void
set_recommended (FwProject *self, FwStopItem *stop)
{
  if (self->recommended == stop)
    return;
  if (self->recommended != NULL)
    fw_stop_item_set_recommended (self->recommended, FALSE);
  g_set_object (&self->recommended, stop);
  if (stop != NULL)
    fw_stop_item_set_recommended (stop, TRUE);
  notify (self, PROP_RECOMMENDED);
}

static FwStopItem *
find_nearest (FwProject *self, double position)
{
  g_autoptr (FwStopItem) best = NULL;
  double distance = INFINITY;

  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (self->stops)); i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (G_LIST_MODEL (self->stops), i);
      const double here = fabs (fw_stop_item_get_position (stop) - position);

      if (here < distance)
        {
          distance = here;
          g_set_object (&best, stop);
        }
    }
  return g_steal_pointer (&best);
}

static int
compare_positions (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const double left = fw_stop_item_get_position ((FwStopItem *) a);
  const double right = fw_stop_item_get_position ((FwStopItem *) b);

  return (left > right) - (left < right);
}

static void
select_best_so_far (FwProject *self)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->stops));

  if (self->user_selected)
    return;
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (G_LIST_MODEL (self->stops), i);

      if (fw_stop_item_get_faithfulness (stop) >= ENOUGH_SAME
          && !(fw_stop_item_get_speedup (stop) < ENOUGH_SPEED))
        {
          select_stop (self, stop);
          return;
        }
    }
}

static void
add_stop (FwProject *self, JsonObject *event)
{
  g_autoptr (FwStopItem) stop = fw_stop_item_new (event);
  g_autoptr (FwStopItem) nearest = find_nearest (self, fw_stop_item_get_position (stop));
  guint index;

  /* Measured once more: the newer figures count. */
  if (nearest != NULL && !fw_stop_item_is_original (nearest)
      && fabs (fw_stop_item_get_position (nearest) - fw_stop_item_get_position (stop))
             < SAME_POSITION
      && g_list_store_find (self->stops, nearest, &index))
    {
      const gboolean selected = self->selected == nearest;

      g_list_store_splice (self->stops, index, 1, (gpointer *) &stop, 1);
      if (selected)
        select_stop (self, stop);
    }
  else
    {
      g_list_store_insert_sorted (self->stops, stop, compare_positions, NULL);
    }
  select_best_so_far (self);
}

static void
forget_stops (FwProject *self)
{
  set_recommended (self, NULL);
  select_stop (self, NULL);
  self->user_selected = FALSE;
  take_object (self, &self->result, NULL, PROP_RESULT);
  g_list_store_remove_all (self->stops);
}

static void
add_original (FwProject *self)
{
  const double size = fw_json_get_number (self->inspection, "size_bytes", 0);
  g_autoptr (FwStopItem) original = fw_stop_item_new_original (size > 0 ? (guint64) size : 0);

  g_list_store_append (self->stops, original);
  select_stop (self, original);
}

/* Jobs. */

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
      set_progress (self, title, CLAMP (fw_json_get_number (event, "overall", 0), 0, 1),
                    fw_json_get_number (event, "eta_s", -1));
    }
  else if (g_str_equal (name, "stop") && self->command == FW_COMMAND_SHRINK)
    {
      add_stop (self, event);
    }
  else if (g_str_equal (name, "sample") && self->command == FW_COMMAND_SAMPLES)
    {
      g_autoptr (FwSampleItem) sample = fw_sample_item_new (event);

      g_list_store_append (self->samples, sample);
    }
  else if (g_str_equal (name, "warning"))
    {
      g_autoptr (FwProblem) problem = fw_problem_new_from_event (event);

      g_signal_emit (self, signals[WARNING], 0, problem);
    }
}

static void start_job (FwProject *self, FwCommand command);
static void read_samples (FwProject *self);

static void
take_inspection (FwProject *self, JsonObject *result)
{
  take_object (self, &self->inspection, json_object_ref (result), PROP_INSPECTION);
  set_state (self, FW_PROJECT_MODEL);
  if (!fw_json_get_boolean (result, "can_shrink", TRUE))
    {
      const FwError code = FW_ERROR_NOTHING_TO_SHRINK;

      take_problem (self,
                    fw_problem_new (fw_error_get_name (code),
                                    fw_json_get_string (result, "reason",
                                                        _ ("This model can’t be made smaller.")),
                                    fw_error_get_hint (code)));
    }
  else if (self->sample_paths != NULL)
    {
      read_samples (self);
    }
}

static void
take_result (FwProject *self, JsonObject *result)
{
  g_autoptr (FwStopItem) stop = NULL;

  take_object (self, &self->result, json_object_ref (result), PROP_RESULT);
  if (fw_json_get_boolean (result, "recommended", FALSE))
    {
      stop = find_nearest (self, fw_json_get_number (result, "position", 100));
      if (stop != NULL && !fw_stop_item_is_original (stop))
        {
          set_recommended (self, stop);
          if (!self->user_selected)
            select_stop (self, stop);
        }
    }
  set_state (self, FW_PROJECT_DONE);
  g_signal_emit (self, signals[FINISHED], 0);
}

/* Where the project stands once a job has ended without a result. */
static FwProjectState
get_state_after_failure (FwProject *self)
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
      notify (self, PROP_BUSY);
      if (result == NULL)
        {
          if (!g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
            take_problem (self, problem_of (client, error));
          set_state (self, get_state_after_failure (self));
        }
      else if (self->command == FW_COMMAND_INSPECT)
        {
          take_inspection (self, result);
        }
      else if (self->command == FW_COMMAND_SAMPLES)
        {
          take_object (self, &self->understanding, json_object_ref (result), PROP_UNDERSTANDING);
          set_state (self, FW_PROJECT_READY);
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
    }
  if (command == FW_COMMAND_SAMPLES || command == FW_COMMAND_COMPARE)
    {
      g_autofree char *name = g_strdup_printf ("%u", ++self->samples_read);

      job->previews = g_build_filename (fw_surroundings_get_preview_folder (), name, NULL);
      g_mkdir_with_parents (job->previews, 0700);
    }
  return job;
}

/* Whatever runs is asked to stop, and what it still says is not listened to. */
static void
end_job (FwProject *self)
{
  if (self->cancellable == NULL)
    return;
  g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  notify (self, PROP_BUSY);
}

static void
start_job (FwProject *self, FwCommand command)
{
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  g_autoptr (FwJob) job = NULL;
  JobState *state;

  end_job (self);
  take_problem (self, NULL);
  self->command = command;
  self->cancellable = g_cancellable_new ();
  job = fw_project_create_job (self, command);
  set_progress (self, fw_phase_get_title (FW_PHASE_INSPECT), 0, -1);
  notify (self, PROP_BUSY);

  state = g_new0 (JobState, 1);
  state->project = g_object_ref (self);
  state->cancellable = g_object_ref (self->cancellable);
  g_signal_connect (client, "event", G_CALLBACK (on_event), state);
  fw_worker_client_run_async (client, job, self->cancellable, job_finished, state);
}

static void
read_samples (FwProject *self)
{
  forget_stops (self);
  take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  set_state (self, FW_PROJECT_READING);
  start_job (self, FW_COMMAND_SAMPLES);
}

FwProject *
fw_project_new (void)
{
  return g_object_new (FW_TYPE_PROJECT, NULL);
}

void
fw_project_open_model (FwProject *self, const char *path)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (path != NULL);

  forget_stops (self);
  take_object (self, &self->inspection, NULL, PROP_INSPECTION);
  take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  g_free (self->model);
  self->model = g_strdup (path);
  g_free (self->title);
  self->title = g_filename_display_basename (path);
  g_free (self->preprocess);
  self->preprocess = g_strdup ("auto");
  notify (self, PROP_MODEL);
  notify (self, PROP_TITLE);
  notify (self, PROP_PREPROCESS);
  set_state (self, FW_PROJECT_INSPECTING);
  start_job (self, FW_COMMAND_INSPECT);
}

void
fw_project_set_samples (FwProject *self, const char *const *paths)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (paths != NULL && paths[0] != NULL);

  g_strfreev (self->sample_paths);
  self->sample_paths = g_strdupv ((char **) paths);
  notify (self, PROP_SAMPLE_PATHS);
  if (self->inspection != NULL)
    read_samples (self);
}

void
fw_project_set_preprocess (FwProject *self, const char *preprocess)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (preprocess != NULL);

  if (g_strcmp0 (self->preprocess, preprocess) == 0)
    return;
  g_free (self->preprocess);
  self->preprocess = g_strdup (preprocess);
  notify (self, PROP_PREPROCESS);
  if (self->inspection != NULL && self->sample_paths != NULL)
    read_samples (self);
}

void
fw_project_set_prefer (FwProject *self, FwPrefer prefer)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  if (self->prefer == prefer)
    return;
  self->prefer = prefer;
  notify (self, PROP_PREFER);
  if (self->state >= FW_PROJECT_SHRINKING)
    fw_project_shrink (self);
}

void
fw_project_shrink (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (self->inspection != NULL && self->sample_paths != NULL);

  forget_stops (self);
  add_original (self);
  start_job (self, FW_COMMAND_SHRINK);
  set_state (self, FW_PROJECT_SHRINKING);
}

void
fw_project_cancel (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  if (self->cancellable == NULL)
    return;
  end_job (self);
  set_state (self, get_state_after_failure (self));
}

void
fw_project_clear (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  end_job (self);
  forget_stops (self);
  take_object (self, &self->inspection, NULL, PROP_INSPECTION);
  take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->sample_paths, g_strfreev);
  notify (self, PROP_MODEL);
  notify (self, PROP_TITLE);
  notify (self, PROP_SAMPLE_PATHS);
  take_problem (self, NULL);
  set_state (self, FW_PROJECT_EMPTY);
}

FwProjectState
fw_project_get_state (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), FW_PROJECT_EMPTY);

  return self->state;
}

gboolean
fw_project_get_busy (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), FALSE);

  return self->cancellable != NULL;
}

const char *
fw_project_get_model (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->model;
}

const char *
fw_project_get_title (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->title;
}

JsonObject *
fw_project_get_inspection (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->inspection;
}

const char *const *
fw_project_get_sample_paths (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return (const char *const *) self->sample_paths;
}

JsonObject *
fw_project_get_understanding (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->understanding;
}

const char *
fw_project_get_preprocess (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->preprocess;
}

FwPrefer
fw_project_get_prefer (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), FW_PREFER_BOTH);

  return self->prefer;
}

JsonObject *
fw_project_get_result (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->result;
}

GListModel *
fw_project_get_samples (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return G_LIST_MODEL (self->samples);
}

GListModel *
fw_project_get_stops (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return G_LIST_MODEL (self->stops);
}

FwStopItem *
fw_project_get_selected (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->selected;
}

void
fw_project_set_selected (FwProject *self, FwStopItem *stop)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (stop == NULL || FW_IS_STOP_ITEM (stop));

  self->user_selected = stop != NULL;
  select_stop (self, stop);
}

void
fw_project_select_position (FwProject *self, double position)
{
  g_autoptr (FwStopItem) stop = NULL;

  g_return_if_fail (FW_IS_PROJECT (self));

  stop = find_nearest (self, position);
  if (stop != NULL)
    fw_project_set_selected (self, stop);
}

FwStopItem *
fw_project_get_recommended (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->recommended;
}

const char *
fw_project_get_phase (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->phase;
}

double
fw_project_get_fraction (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), 0);

  return self->fraction;
}

double
fw_project_get_eta (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), -1);

  return self->eta;
}

const FwProblem *
fw_project_get_problem (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), NULL);

  return self->problem;
}

void
fw_project_dismiss_problem (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  take_problem (self, NULL);
}

static void
fw_project_dispose (GObject *object)
{
  FwProject *self = FW_PROJECT (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
  g_clear_object (&self->selected);
  g_clear_object (&self->recommended);
  g_clear_object (&self->samples);
  g_clear_object (&self->stops);

  G_OBJECT_CLASS (fw_project_parent_class)->dispose (object);
}

static void
fw_project_finalize (GObject *object)
{
  FwProject *self = FW_PROJECT (object);

  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->sample_paths, g_strfreev);
  g_clear_pointer (&self->preprocess, g_free);
  g_clear_pointer (&self->phase, g_free);
  g_clear_pointer (&self->inspection, json_object_unref);
  g_clear_pointer (&self->understanding, json_object_unref);
  g_clear_pointer (&self->result, json_object_unref);
  g_clear_pointer (&self->problem, fw_problem_free);

  G_OBJECT_CLASS (fw_project_parent_class)->finalize (object);
}

static void
fw_project_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  FwProject *self = FW_PROJECT (object);

  switch (prop_id)
    {
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_BUSY:
      g_value_set_boolean (value, self->cancellable != NULL);
      break;
    case PROP_MODEL:
      g_value_set_string (value, self->model);
      break;
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_INSPECTION:
      g_value_set_boxed (value, self->inspection);
      break;
    case PROP_SAMPLE_PATHS:
      g_value_set_boxed (value, self->sample_paths);
      break;
    case PROP_UNDERSTANDING:
      g_value_set_boxed (value, self->understanding);
      break;
    case PROP_PREPROCESS:
      g_value_set_string (value, self->preprocess);
      break;
    case PROP_PREFER:
      g_value_set_int (value, self->prefer);
      break;
    case PROP_RESULT:
      g_value_set_boxed (value, self->result);
      break;
    case PROP_SELECTED:
      g_value_set_object (value, self->selected);
      break;
    case PROP_RECOMMENDED:
      g_value_set_object (value, self->recommended);
      break;
    case PROP_PHASE:
      g_value_set_string (value, self->phase);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_ETA:
      g_value_set_double (value, self->eta);
      break;
    case PROP_PROBLEM:
      g_value_set_boxed (value, self->problem);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_project_class_init (FwProjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = fw_project_dispose;
  object_class->finalize = fw_project_finalize;
  object_class->get_property = fw_project_get_property;

  properties[PROP_STATE]
      = g_param_spec_enum ("state", NULL, NULL, FW_TYPE_PROJECT_STATE, FW_PROJECT_EMPTY, flags);
  properties[PROP_BUSY] = g_param_spec_boolean ("busy", NULL, NULL, FALSE, flags);
  properties[PROP_MODEL] = g_param_spec_string ("model", NULL, NULL, NULL, flags);
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_INSPECTION]
      = g_param_spec_boxed ("inspection", NULL, NULL, JSON_TYPE_OBJECT, flags);
  properties[PROP_SAMPLE_PATHS]
      = g_param_spec_boxed ("sample-paths", NULL, NULL, G_TYPE_STRV, flags);
  properties[PROP_UNDERSTANDING]
      = g_param_spec_boxed ("understanding", NULL, NULL, JSON_TYPE_OBJECT, flags);
  properties[PROP_PREPROCESS] = g_param_spec_string ("preprocess", NULL, NULL, "auto", flags);
  properties[PROP_PREFER] = g_param_spec_int ("prefer", NULL, NULL, FW_PREFER_BOTH, FW_PREFER_SPEED,
                                              FW_PREFER_BOTH, flags);
  properties[PROP_RESULT] = g_param_spec_boxed ("result", NULL, NULL, JSON_TYPE_OBJECT, flags);
  properties[PROP_SELECTED]
      = g_param_spec_object ("selected", NULL, NULL, FW_TYPE_STOP_ITEM, flags);
  properties[PROP_RECOMMENDED]
      = g_param_spec_object ("recommended", NULL, NULL, FW_TYPE_STOP_ITEM, flags);
  properties[PROP_PHASE] = g_param_spec_string ("phase", NULL, NULL, NULL, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_ETA] = g_param_spec_double ("eta", NULL, NULL, -1, G_MAXDOUBLE, -1, flags);
  properties[PROP_PROBLEM] = g_param_spec_boxed ("problem", NULL, NULL, FW_TYPE_PROBLEM, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  signals[WARNING] = g_signal_new ("warning", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, FW_TYPE_PROBLEM);
  signals[FINISHED] = g_signal_new ("finished", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0,
                                    NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
fw_project_init (FwProject *self)
{
  self->preprocess = g_strdup ("auto");
  self->samples = g_list_store_new (FW_TYPE_SAMPLE_ITEM);
  self->stops = g_list_store_new (FW_TYPE_STOP_ITEM);
  self->eta = -1;
}
