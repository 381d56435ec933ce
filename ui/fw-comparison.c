/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-comparison.h"

#include <glib/gi18n-lib.h>
#include <unistd.h>

#include "fw-json.h"
#include "fw-surroundings.h"
#include "fw-worker-client.h"

struct _FwComparison
{
  GObject parent_instance;

  FwProject *project;
  FwComparisonState state;
  FwComparisonSide *sides[2];
  char *original;
  char **paths; /* the samples, or NULL for the project's */
  FwStopItem *stop;

  char *made[2]; /* files made of recipes, ours to remove */
  GListStore *samples;
  GHashTable *class_names;
  JsonObject *result;
  FwProblem *problem;
  double fraction;
  GCancellable *cancellable;
};

G_DEFINE_FINAL_TYPE (FwComparison, fw_comparison, G_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_STATE,
  PROP_FRACTION,
  PROP_RESULT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void begin (FwComparison *self);

GType
fw_comparison_state_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { FW_COMPARISON_IDLE, "FW_COMPARISON_IDLE", "idle" },
    { FW_COMPARISON_WAITING, "FW_COMPARISON_WAITING", "waiting" },
    { FW_COMPARISON_WORKING, "FW_COMPARISON_WORKING", "working" },
    { FW_COMPARISON_DONE, "FW_COMPARISON_DONE", "done" },
    { FW_COMPARISON_FAILED, "FW_COMPARISON_FAILED", "failed" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("FwComparisonState", values));
  return type;
}

FwComparisonSide *
fw_comparison_side_new (const char *title, const char *file, JsonNode *recipe)
{
  FwComparisonSide *self = g_new0 (FwComparisonSide, 1);

  self->title = g_strdup (title);
  self->file = g_strdup (file);
  self->recipe = recipe != NULL ? json_node_copy (recipe) : NULL;
  return self;
}

void
fw_comparison_side_free (FwComparisonSide *self)
{
  if (self == NULL)
    return;
  g_free (self->title);
  g_free (self->file);
  g_clear_pointer (&self->recipe, json_node_unref);
  g_free (self);
}

static void
notify (FwComparison *self, guint property)
{
  g_object_notify_by_pspec (G_OBJECT (self), properties[property]);
}

static void
set_state (FwComparison *self, FwComparisonState state)
{
  if (self->state == state)
    return;
  self->state = state;
  notify (self, PROP_STATE);
}

static void
set_fraction (FwComparison *self, double fraction)
{
  self->fraction = CLAMP (fraction, 0, 1);
  notify (self, PROP_FRACTION);
}

/* Whatever runs is asked to stop, and not listened to any more. */
static void
stop_working (FwComparison *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
forget_made (FwComparison *self)
{
  for (guint i = 0; i < 2; i++)
    {
      if (self->made[i] != NULL)
        unlink (self->made[i]);
      g_clear_pointer (&self->made[i], g_free);
    }
}

static void
forget (FwComparison *self)
{
  stop_working (self);
  forget_made (self);
  g_list_store_remove_all (self->samples);
  g_hash_table_remove_all (self->class_names);
  g_clear_pointer (&self->problem, fw_problem_free);
  if (self->result != NULL)
    {
      g_clear_pointer (&self->result, json_object_unref);
      notify (self, PROP_RESULT);
    }
  self->fraction = 0;
}

/* One call of the worker; what comes of a comparison that was given up meanwhile is dropped. */
typedef struct
{
  FwComparison *comparison;
  GCancellable *cancellable;
  guint side; /* the one that is made, or 2 for the comparison itself */
} Step;

static void
step_free (Step *step)
{
  g_object_unref (step->comparison);
  g_object_unref (step->cancellable);
  g_free (step);
}

static void
learn_names (FwComparison *self, JsonArray *answers)
{
  for (guint i = 0; answers != NULL && i < json_array_get_length (answers); i++)
    {
      JsonNode *node = json_array_get_element (answers, i);
      JsonObject *answer = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *name = answer != NULL ? fw_json_get_string (answer, "name", NULL) : NULL;

      if (name != NULL)
        g_hash_table_insert (self->class_names,
                             GINT_TO_POINTER ((int) fw_json_get_number (answer, "index", -1)),
                             g_strdup (name));
    }
}

static void
on_event (FwWorkerClient *client, JsonObject *event, gpointer user_data)
{
  Step *step = user_data;
  FwComparison *self = step->comparison;
  const char *name = fw_json_get_string (event, "event", "");

  if (self->cancellable != step->cancellable || step->side < 2)
    return;
  if (g_str_equal (name, "phase"))
    {
      set_fraction (self, fw_json_get_number (event, "overall", 0));
    }
  else if (g_str_equal (name, "sample"))
    {
      g_autoptr (FwSampleItem) sample = fw_sample_item_new (event);

      learn_names (self, fw_sample_item_get_original (sample));
      learn_names (self, fw_sample_item_get_other (sample));
      g_list_store_append (self->samples, sample);
    }
}

static void
fail (FwComparison *self, FwWorkerClient *client, const GError *error)
{
  JsonObject *event = fw_worker_client_get_error_event (client);

  g_clear_object (&self->cancellable);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      set_state (self, FW_COMPARISON_IDLE);
      return;
    }
  g_clear_pointer (&self->problem, fw_problem_free);
  self->problem
      = event != NULL ? fw_problem_new_from_event (event) : fw_problem_new_from_error (error);
  set_state (self, FW_COMPARISON_FAILED);
}

static void
step_finished (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  FwWorkerClient *client = FW_WORKER_CLIENT (source);
  Step *step = user_data;
  FwComparison *self = step->comparison;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = fw_worker_client_run_finish (client, async_result, &error);

  g_signal_handlers_disconnect_by_data (client, step);
  if (self->cancellable == step->cancellable)
    {
      if (result == NULL)
        {
          fail (self, client, error);
        }
      else if (step->side < 2)
        {
          begin (self);
        }
      else
        {
          self->result = json_object_ref (result);
          g_clear_object (&self->cancellable);
          notify (self, PROP_RESULT);
          set_fraction (self, 1);
          set_state (self, FW_COMPARISON_DONE);
        }
    }
  step_free (step);
}

static void
run (FwComparison *self, FwJob *job, guint side)
{
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  Step *step = g_new0 (Step, 1);

  step->comparison = g_object_ref (self);
  step->cancellable = g_object_ref (self->cancellable);
  step->side = side;
  g_signal_connect (client, "event", G_CALLBACK (on_event), step);
  fw_worker_client_run_async (client, job, self->cancellable, step_finished, step);
}

static const char *
get_file (FwComparison *self, guint i)
{
  return self->made[i] != NULL ? self->made[i] : self->sides[i]->file;
}

static void
make_side (FwComparison *self, guint i)
{
  g_autoptr (FwJob) job = fw_project_create_job (self->project, FW_COMMAND_REBUILD);
  g_autofree char *name = g_strdup_printf ("compared-%08x.onnx", g_random_int ());

  g_free (job->model);
  job->model = g_strdup (self->original);
  job->recipe = json_node_copy (self->sides[i]->recipe);
  self->made[i] = g_build_filename (fw_surroundings_get_preview_folder (), name, NULL);
  job->output = g_strdup (self->made[i]);
  run (self, job, i);
}

static void
compare (FwComparison *self)
{
  g_autoptr (FwJob) job = fw_project_create_job (self->project, FW_COMMAND_COMPARE);

  g_free (job->model);
  job->model = g_strdup (get_file (self, 0));
  job->other = g_strdup (get_file (self, 1));
  if (self->paths != NULL)
    {
      g_strfreev (job->samples);
      job->samples = g_strdupv (self->paths);
    }
  run (self, job, 2);
}

/* The next step. */
static void
begin (FwComparison *self)
{
  if (fw_project_get_busy (self->project))
    {
      set_state (self, FW_COMPARISON_WAITING);
      return;
    }
  if (self->cancellable == NULL)
    self->cancellable = g_cancellable_new ();
  set_state (self, FW_COMPARISON_WORKING);
  for (guint i = 0; i < 2; i++)
    if (get_file (self, i) == NULL)
      {
        make_side (self, i);
        return;
      }
  compare (self);
}

static void
on_busy_changed (FwComparison *self)
{
  if (self->state == FW_COMPARISON_WAITING && !fw_project_get_busy (self->project))
    {
      begin (self);
    }
  else if (self->state == FW_COMPARISON_WORKING && fw_project_get_busy (self->project))
    {
      forget (self);
      set_state (self, FW_COMPARISON_WAITING);
    }
}

static void
on_model_changed (FwComparison *self)
{
  fw_comparison_cancel (self);
  forget (self);
  g_clear_object (&self->stop);
  set_state (self, FW_COMPARISON_IDLE);
}

void
fw_comparison_show (FwComparison *self,
                    FwComparisonSide *first,
                    FwComparisonSide *second,
                    const char *original,
                    const char *const *samples)
{
  g_return_if_fail (FW_IS_COMPARISON (self));
  g_return_if_fail (first != NULL && second != NULL);

  forget (self);
  g_clear_object (&self->stop);
  for (guint i = 0; i < 2; i++)
    {
      g_clear_pointer (&self->sides[i], fw_comparison_side_free);
      self->sides[i] = i == 0 ? first : second;
    }
  g_free (self->original);
  self->original = g_strdup (original);
  g_strfreev (self->paths);
  self->paths = g_strdupv ((char **) samples);
  /* Even from working to working: whoever shows it starts over. */
  self->state = FW_COMPARISON_IDLE;
  begin (self);
}

void
fw_comparison_show_stop (FwComparison *self, FwStopItem *stop)
{
  const char *model;

  g_return_if_fail (FW_IS_COMPARISON (self));
  g_return_if_fail (FW_IS_STOP_ITEM (stop));

  model = fw_project_get_model (self->project);
  if (self->stop == stop && self->state != FW_COMPARISON_IDLE
      && self->state != FW_COMPARISON_FAILED)
    return;
  if (model == NULL || fw_stop_item_get_recipe (stop) == NULL)
    return;
  fw_comparison_show (self, fw_comparison_side_new (_ ("Original"), model, NULL),
                      fw_comparison_side_new (_ ("Smaller"), NULL, fw_stop_item_get_recipe (stop)),
                      model, NULL);
  g_set_object (&self->stop, stop);
}

void
fw_comparison_cancel (FwComparison *self)
{
  g_return_if_fail (FW_IS_COMPARISON (self));

  stop_working (self);
  if (self->state == FW_COMPARISON_WORKING || self->state == FW_COMPARISON_WAITING)
    set_state (self, FW_COMPARISON_IDLE);
}

FwComparisonState
fw_comparison_get_state (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), FW_COMPARISON_IDLE);

  return self->state;
}

double
fw_comparison_get_fraction (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), 0);

  return self->fraction;
}

GListModel *
fw_comparison_get_samples (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), NULL);

  return G_LIST_MODEL (self->samples);
}

JsonObject *
fw_comparison_get_result (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), NULL);

  return self->result;
}

const FwProblem *
fw_comparison_get_problem (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), NULL);

  return self->problem;
}

const char *
fw_comparison_get_title (FwComparison *self, gboolean second)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), NULL);

  return self->sides[second ? 1 : 0] != NULL ? self->sides[second ? 1 : 0]->title : NULL;
}

GHashTable *
fw_comparison_get_class_names (FwComparison *self)
{
  g_return_val_if_fail (FW_IS_COMPARISON (self), NULL);

  return self->class_names;
}

static void
fw_comparison_dispose (GObject *object)
{
  FwComparison *self = FW_COMPARISON (object);

  stop_working (self);
  forget_made (self);
  if (self->project != NULL)
    g_signal_handlers_disconnect_by_data (self->project, self);
  g_clear_object (&self->project);
  g_clear_object (&self->stop);

  G_OBJECT_CLASS (fw_comparison_parent_class)->dispose (object);
}

static void
fw_comparison_finalize (GObject *object)
{
  FwComparison *self = FW_COMPARISON (object);

  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&self->sides[i], fw_comparison_side_free);
  g_clear_pointer (&self->original, g_free);
  g_clear_pointer (&self->paths, g_strfreev);
  g_clear_object (&self->samples);
  g_clear_pointer (&self->class_names, g_hash_table_unref);
  g_clear_pointer (&self->result, json_object_unref);
  g_clear_pointer (&self->problem, fw_problem_free);

  G_OBJECT_CLASS (fw_comparison_parent_class)->finalize (object);
}

static void
fw_comparison_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  FwComparison *self = FW_COMPARISON (object);

  switch (prop_id)
    {
    case PROP_STATE:
      g_value_set_enum (value, self->state);
      break;
    case PROP_FRACTION:
      g_value_set_double (value, self->fraction);
      break;
    case PROP_RESULT:
      g_value_set_boxed (value, self->result);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_comparison_class_init (FwComparisonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;

  object_class->dispose = fw_comparison_dispose;
  object_class->finalize = fw_comparison_finalize;
  object_class->get_property = fw_comparison_get_property;

  properties[PROP_STATE] = g_param_spec_enum ("state", NULL, NULL, FW_TYPE_COMPARISON_STATE,
                                              FW_COMPARISON_IDLE, flags);
  properties[PROP_FRACTION] = g_param_spec_double ("fraction", NULL, NULL, 0, 1, 0, flags);
  properties[PROP_RESULT] = g_param_spec_boxed ("result", NULL, NULL, JSON_TYPE_OBJECT, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
fw_comparison_init (FwComparison *self)
{
  self->samples = g_list_store_new (FW_TYPE_SAMPLE_ITEM);
  self->class_names = g_hash_table_new_full (NULL, NULL, NULL, g_free);
}

FwComparison *
fw_comparison_new (FwProject *project)
{
  FwComparison *self = g_object_new (FW_TYPE_COMPARISON, NULL);

  self->project = g_object_ref (project);
  g_signal_connect_swapped (project, "notify::busy", G_CALLBACK (on_busy_changed), self);
  g_signal_connect_swapped (project, "notify::model", G_CALLBACK (on_model_changed), self);
  return self;
}
