/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-project-private.h"

G_DEFINE_FINAL_TYPE (FwProject, fw_project, G_TYPE_OBJECT)

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

void
fw_project_notify (FwProject *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

void
fw_project_set_state (FwProject *self, FwProjectState state)
{
  if (self->state == state)
    return;
  self->state = state;
  fw_project_notify (self, PROP_STATE);
}

void
fw_project_set_progress (FwProject *self, const char *phase, double fraction, double eta)
{
  if (g_strcmp0 (self->phase, phase) != 0)
    {
      g_free (self->phase);
      self->phase = g_strdup (phase);
      fw_project_notify (self, PROP_PHASE);
    }
  self->fraction = fraction;
  fw_project_notify (self, PROP_FRACTION);
  self->eta = eta;
  fw_project_notify (self, PROP_ETA);
}

void
fw_project_take_problem (FwProject *self, FwProblem *problem)
{
  if (self->problem == NULL && problem == NULL)
    return;
  g_clear_pointer (&self->problem, fw_problem_free);
  self->problem = problem;
  fw_project_notify (self, PROP_PROBLEM);
}

void
fw_project_take_object (FwProject *self, JsonObject **place, JsonObject *object, guint property)
{
  if (*place == NULL && object == NULL)
    return;
  g_clear_pointer (place, json_object_unref);
  *place = object;
  fw_project_notify (self, property);
}

void
fw_project_say_warning (FwProject *self, const FwProblem *problem)
{
  g_signal_emit (self, signals[WARNING], 0, problem);
}

void
fw_project_say_finished (FwProject *self)
{
  g_signal_emit (self, signals[FINISHED], 0);
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

  fw_project_forget_stops (self);
  fw_project_take_object (self, &self->inspection, NULL, PROP_INSPECTION);
  fw_project_take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  g_free (self->model);
  self->model = g_strdup (path);
  g_free (self->title);
  self->title = g_filename_display_basename (path);
  g_free (self->preprocess);
  self->preprocess = g_strdup ("auto");
  fw_project_notify (self, PROP_MODEL);
  fw_project_notify (self, PROP_TITLE);
  fw_project_notify (self, PROP_PREPROCESS);
  fw_project_set_state (self, FW_PROJECT_INSPECTING);
  fw_project_start_job (self, FW_COMMAND_INSPECT);
}

void
fw_project_set_samples (FwProject *self, const char *const *paths)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (paths != NULL && paths[0] != NULL);

  g_strfreev (self->sample_paths);
  self->sample_paths = g_strdupv ((char **) paths);
  fw_project_notify (self, PROP_SAMPLE_PATHS);
  if (self->inspection != NULL)
    fw_project_read_samples (self);
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
  fw_project_notify (self, PROP_PREPROCESS);
  if (self->inspection != NULL && self->sample_paths != NULL)
    fw_project_read_samples (self);
}

static void
measure_anew (FwProject *self)
{
  if (self->state < FW_PROJECT_SHRINKING)
    return;
  /* The versions before were for something else. */
  fw_project_set_state (self, FW_PROJECT_READY);
  fw_project_shrink (self);
}

void
fw_project_set_prefer (FwProject *self, FwPrefer prefer)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  if (self->prefer == prefer)
    return;
  self->prefer = prefer;
  fw_project_notify (self, PROP_PREFER);
  measure_anew (self);
}

void
fw_project_set_extra_care (FwProject *self, gboolean extra_care)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  extra_care = !!extra_care;
  if (self->extra_care == extra_care)
    return;
  self->extra_care = extra_care;
  fw_project_notify (self, PROP_EXTRA_CARE);
  measure_anew (self);
}

void
fw_project_shrink (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));
  g_return_if_fail (self->inspection != NULL && self->sample_paths != NULL);

  if (self->state == FW_PROJECT_STOPPED)
    {
      fw_project_keep_stops (self);
    }
  else
    {
      fw_project_forget_stops (self);
      fw_project_add_original (self);
    }
  fw_project_start_job (self, FW_COMMAND_SHRINK);
  fw_project_set_state (self, FW_PROJECT_SHRINKING);
}

void
fw_project_cancel (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  if (self->cancellable == NULL)
    return;
  fw_project_end_job (self);
  fw_project_set_state (self, fw_project_get_state_after_failure (self));
}

void
fw_project_clear (FwProject *self)
{
  g_return_if_fail (FW_IS_PROJECT (self));

  fw_project_end_job (self);
  fw_project_forget_stops (self);
  fw_project_take_object (self, &self->inspection, NULL, PROP_INSPECTION);
  fw_project_take_object (self, &self->understanding, NULL, PROP_UNDERSTANDING);
  g_list_store_remove_all (self->samples);
  g_clear_pointer (&self->model, g_free);
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->sample_paths, g_strfreev);
  fw_project_notify (self, PROP_MODEL);
  fw_project_notify (self, PROP_TITLE);
  fw_project_notify (self, PROP_SAMPLE_PATHS);
  fw_project_take_problem (self, NULL);
  fw_project_set_state (self, FW_PROJECT_EMPTY);
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

gboolean
fw_project_get_extra_care (FwProject *self)
{
  g_return_val_if_fail (FW_IS_PROJECT (self), FALSE);

  return self->extra_care;
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
  fw_project_select_stop (self, stop);
}

void
fw_project_select_position (FwProject *self, double position)
{
  g_autoptr (FwStopItem) stop = NULL;

  g_return_if_fail (FW_IS_PROJECT (self));

  stop = fw_project_find_nearest (self, position);
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

  fw_project_take_problem (self, NULL);
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
  g_clear_pointer (&self->stale, g_ptr_array_unref);

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
    case PROP_EXTRA_CARE:
      g_value_set_boolean (value, self->extra_care);
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
  properties[PROP_EXTRA_CARE] = g_param_spec_boolean ("extra-care", NULL, NULL, FALSE, flags);
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
  self->stale = g_ptr_array_new_with_free_func (g_object_unref);
  self->eta = -1;
}
