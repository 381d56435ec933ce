/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-window-private.h"

#include <glib/gi18n-lib.h>

#include "fw-model-page.h"
#include "fw-problem-dialog.h"
#include "fw-start-page.h"
#include "fw-surroundings.h"
#include "fw-tradeoff-page.h"
#include "fw-unseen.h"

G_DEFINE_FINAL_TYPE (FwWindow, fw_window, ADW_TYPE_APPLICATION_WINDOW)

enum
{
  PROP_0,
  PROP_PROJECT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

FwWindow *
fw_window_new (FwApplication *application)
{
  return g_object_new (FW_TYPE_WINDOW, "application", application, NULL);
}

FwProject *
fw_window_get_project (FwWindow *self)
{
  g_return_val_if_fail (FW_IS_WINDOW (self), NULL);

  return self->project;
}

static gboolean
is_on (FwWindow *self, const char *name)
{
  return g_strcmp0 (adw_leaflet_get_visible_child_name (self->leaflet), name) == 0;
}

void
fw_window_show_page (FwWindow *self, const char *name)
{
  const char *here;

  g_return_if_fail (FW_IS_WINDOW (self));
  g_return_if_fail (name != NULL);

  here = adw_leaflet_get_visible_child_name (self->leaflet);
  if (g_strcmp0 (here, name) == 0)
    return;
  /* Whoever comes by a page again goes back past it. */
  while (g_queue_find_custom (self->trail, name, (GCompareFunc) g_strcmp0) != NULL)
    g_free (g_queue_pop_head (self->trail));
  if (g_strcmp0 (name, "start") == 0)
    g_queue_clear_full (self->trail, g_free);
  else if (here != NULL)
    g_queue_push_head (self->trail, g_strdup (here));
  adw_leaflet_set_visible_child_name (self->leaflet, name);
  fw_window_update_actions (self);
  fw_window_focus_page (self);
}

void
fw_window_focus_page (FwWindow *self)
{
  GtkWidget *page = adw_leaflet_get_visible_child (self->leaflet);

  if (page != NULL && !gtk_widget_grab_focus (page))
    gtk_widget_child_focus (page, GTK_DIR_TAB_FORWARD);
}

void
fw_window_say (FwWindow *self, const char *text)
{
  AdwToast *toast;
  GtkWidget *label;

  g_return_if_fail (FW_IS_WINDOW (self));
  g_return_if_fail (text != NULL);

  /* A toast's own title would be cut off in a narrow window. */
  label = gtk_label_new (text);
  gtk_label_set_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 28);
  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_widget_add_css_class (label, "heading");
  toast = adw_toast_new ("");
  adw_toast_set_custom_title (toast, label);
  adw_toast_set_timeout (toast, 8);
  adw_toast_overlay_add_toast (self->toast_overlay, toast);
}

void
fw_window_add_toast (FwWindow *self, AdwToast *toast)
{
  g_return_if_fail (FW_IS_WINDOW (self));

  adw_toast_overlay_add_toast (self->toast_overlay, toast);
}

void
fw_window_show_problem (FwWindow *self, const FwProblem *problem)
{
  g_return_if_fail (FW_IS_WINDOW (self));
  g_return_if_fail (problem != NULL);

  fw_problem_dialog_present (GTK_WINDOW (self), problem, fw_project_get_model (self->project),
                             fw_project_get_sample_paths (self->project));
}

void
fw_window_try_sample (FwWindow *self)
{
  g_autofree char *folder = fw_surroundings_find_sample ();
  g_autofree char *model = NULL;
  g_autofree char *pictures = NULL;
  const char *paths[] = { NULL, NULL };

  g_return_if_fail (FW_IS_WINDOW (self));

  if (folder == NULL)
    {
      fw_window_say (self, _ ("The sample is not installed on this computer."));
      return;
    }
  model = g_build_filename (folder, "model.onnx", NULL);
  pictures = g_build_filename (folder, "pictures", NULL);
  paths[0] = pictures;
  fw_project_clear (self->project);
  self->shrink_when_ready = TRUE;
  fw_project_open_model (self->project, model);
  fw_project_set_samples (self->project, paths);
  fw_window_show_page (self, "model");
}

static void
remember_model (FwWindow *self)
{
  g_autoptr (GFile) file = g_file_new_for_path (fw_project_get_model (self->project));
  g_autofree char *uri = g_file_get_uri (file);
  g_autofree char *sample = fw_surroundings_find_sample ();
  g_autofree char *path = g_file_get_path (file);
  char *groups[] = { (char *) "Featherweight", NULL };
  GtkRecentData data = { 0 };

  if (sample != NULL && g_str_has_prefix (path, sample))
    return;
  data.mime_type = (char *) "application/x-onnx";
  data.app_name = (char *) "featherweight";
  data.app_exec = (char *) "featherweight %u";
  data.groups = groups;
  gtk_recent_manager_add_full (gtk_recent_manager_get_default (), uri, &data);
}

/* A computer that falls asleep spoils what is being measured. */
static void
keep_awake (FwWindow *self, gboolean awake)
{
  GtkApplication *application = GTK_APPLICATION (g_application_get_default ());

  if (awake && self->inhibition == 0)
    {
      self->inhibition = gtk_application_inhibit (
          application, GTK_WINDOW (self), GTK_APPLICATION_INHIBIT_SUSPEND,
          _ ("Smaller versions of a model are being measured"));
    }
  else if (!awake && self->inhibition != 0)
    {
      gtk_application_uninhibit (application, self->inhibition);
      self->inhibition = 0;
    }
}

static void
on_state_changed (FwWindow *self)
{
  /* First, as a button whose action is not enabled can't have the focus. */
  fw_window_update_actions (self);
  switch (fw_project_get_state (self->project))
    {
    case FW_PROJECT_MODEL:
      remember_model (self);
      break;
    case FW_PROJECT_READY:
      if (self->shrink_when_ready)
        {
          self->shrink_when_ready = FALSE;
          fw_window_show_page (self, "tradeoff");
          fw_project_shrink (self->project);
        }
      else if (is_on (self, "model")
               && g_strcmp0 (fw_project_get_preprocess (self->project), "auto") == 0)
        {
          fw_window_focus_page (self);
        }
      break;
    case FW_PROJECT_SHRINKING:
      g_application_withdraw_notification (g_application_get_default (), "finished");
      break;
    default:
      break;
    }
  keep_awake (self, fw_project_get_state (self->project) == FW_PROJECT_SHRINKING);
}

static void
on_warning (FwWindow *self, const FwProblem *problem)
{
  fw_window_say (self, problem->message);
}

static void
on_finished (FwWindow *self)
{
  g_autoptr (GNotification) notification = NULL;

  if (gtk_window_is_active (GTK_WINDOW (self)))
    return;
  notification = g_notification_new (_ ("Smaller versions are ready"));
  g_notification_set_body (notification, fw_project_get_title (self->project));
  g_notification_set_default_action (notification, "app.show-result");
  g_notification_add_button (notification, _ ("Show Result"), "app.show-result");
  g_application_send_notification (g_application_get_default (), "finished", notification);
}

static void
on_active_changed (FwWindow *self)
{
  if (gtk_window_is_active (GTK_WINDOW (self)) && g_application_get_default () != NULL)
    g_application_withdraw_notification (g_application_get_default (), "finished");
}

static void
on_problem_changed (FwWindow *self)
{
  const FwProblem *problem = fw_project_get_problem (self->project);

  if (problem == NULL)
    return;
  self->shrink_when_ready = FALSE;
  /* These pages have room for it; elsewhere it is said in front of all. */
  if (!is_on (self, "model") && !is_on (self, "tradeoff"))
    fw_window_show_problem (self, problem);
}

static void
on_model_changed (FwWindow *self)
{
  if (fw_project_get_model (self->project) != NULL)
    fw_window_show_page (self, "model");
}

static void
on_prefer_changed (FwWindow *self)
{
  g_settings_set_string (self->settings, "prefer",
                         fw_prefer_get_name (fw_project_get_prefer (self->project)));
}

static void
on_care_changed (FwWindow *self)
{
  g_settings_set_boolean (self->settings, "extra-care", fw_project_get_extra_care (self->project));
}

static void
restore_settings (FwWindow *self)
{
  g_autofree char *prefer_name = g_settings_get_string (self->settings, "prefer");
  GSettings *settings = self->settings;
  FwPrefer prefer;

  if (fw_prefer_from_name (prefer_name, &prefer))
    fw_project_set_prefer (self->project, prefer);
  g_signal_connect_swapped (self->project, "notify::prefer", G_CALLBACK (on_prefer_changed), self);
  fw_project_set_extra_care (self->project, g_settings_get_boolean (settings, "extra-care"));
  g_signal_connect_swapped (self->project, "notify::extra-care", G_CALLBACK (on_care_changed),
                            self);
  g_settings_bind (settings, "window-width", self, "default-width", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-height", self, "default-height", G_SETTINGS_BIND_DEFAULT);
  g_settings_bind (settings, "window-maximized", self, "maximized", G_SETTINGS_BIND_DEFAULT);
}

static void
fw_window_dispose (GObject *object)
{
  FwWindow *self = FW_WINDOW (object);

  if (self->project != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->project, self);
      fw_project_cancel (self->project);
    }
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  g_clear_object (&self->project);
  g_clear_object (&self->settings);

  G_OBJECT_CLASS (fw_window_parent_class)->dispose (object);
}

static void
fw_window_finalize (GObject *object)
{
  FwWindow *self = FW_WINDOW (object);

  g_queue_free_full (self->trail, g_free);

  G_OBJECT_CLASS (fw_window_parent_class)->finalize (object);
}

static void
fw_window_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_PROJECT:
      g_value_set_object (value, FW_WINDOW (object)->project);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_window_class_init (FwWindowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_window_dispose;
  object_class->finalize = fw_window_finalize;
  object_class->get_property = fw_window_get_property;

  properties[PROP_PROJECT] = g_param_spec_object ("project", NULL, NULL, FW_TYPE_PROJECT,
                                                  G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  g_type_ensure (FW_TYPE_START_PAGE);
  g_type_ensure (FW_TYPE_MODEL_PAGE);
  g_type_ensure (FW_TYPE_TRADEOFF_PAGE);
  fw_window_ensure_pages ();
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-window.ui");
  gtk_widget_class_bind_template_child (widget_class, FwWindow, toast_overlay);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, leaflet);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, drop_hint);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, start_page);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, model_page);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, tradeoff_page);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, compare_page);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, history_page);
  gtk_widget_class_bind_template_child (widget_class, FwWindow, export_page);
  fw_window_class_install_actions (klass);
}

static void
fw_window_init (FwWindow *self)
{
  self->project = fw_project_new ();
  self->settings = g_settings_new (FW_APPLICATION_ID);
  self->trail = g_queue_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  fw_start_page_set_project (FW_START_PAGE (self->start_page), self->project);
  fw_model_page_set_project (FW_MODEL_PAGE (self->model_page), self->project);
  fw_tradeoff_page_set_project (FW_TRADEOFF_PAGE (self->tradeoff_page), self->project);
  fw_window_init_pages (self);
  fw_window_init_drop_target (self);
  fw_unseen_hide (GTK_WIDGET (self));
  restore_settings (self);

  g_signal_connect_swapped (self->project, "notify::state", G_CALLBACK (on_state_changed), self);
  g_signal_connect_swapped (self->project, "notify::busy", G_CALLBACK (fw_window_update_actions),
                            self);
  g_signal_connect_swapped (self->project, "notify::selected",
                            G_CALLBACK (fw_window_update_actions), self);
  g_signal_connect_swapped (self->project, "notify::model", G_CALLBACK (on_model_changed), self);
  g_signal_connect_swapped (self->project, "notify::problem", G_CALLBACK (on_problem_changed),
                            self);
  g_signal_connect_swapped (self->project, "warning", G_CALLBACK (on_warning), self);
  g_signal_connect_swapped (self->project, "finished", G_CALLBACK (on_finished), self);
  g_signal_connect (self, "notify::is-active", G_CALLBACK (on_active_changed), NULL);
  fw_window_update_actions (self);
}
