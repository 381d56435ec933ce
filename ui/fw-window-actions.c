/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-window-private.h"

#include <glib/gi18n-lib.h>

#include "fw-save.h"

static void
show_chooser (FwWindow *self, GtkFileChooserNative *chooser, GCallback on_response)
{
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  self->chooser = GTK_NATIVE_DIALOG (chooser);
  gtk_native_dialog_set_modal (self->chooser, TRUE);
  g_signal_connect_swapped (chooser, "response", on_response, self);
  gtk_native_dialog_show (self->chooser);
}

static void
on_files_chosen (FwWindow *self, int response)
{
  g_autoptr (GListModel) files = NULL;
  GSList *list = NULL;

  if (response == GTK_RESPONSE_ACCEPT)
    {
      files = gtk_file_chooser_get_files (GTK_FILE_CHOOSER (self->chooser));
      for (guint i = g_list_model_get_n_items (files); i > 0; i--)
        list = g_slist_prepend (list, g_list_model_get_item (files, i - 1));
    }
  gtk_native_dialog_hide (self->chooser);
  if (list != NULL)
    fw_window_take_files (self, list);
  g_slist_free_full (list, g_object_unref);
}

static void
on_open_model (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);
  GtkFileChooserNative *chooser = gtk_file_chooser_native_new (
      _ ("Open a Model"), GTK_WINDOW (self), GTK_FILE_CHOOSER_ACTION_OPEN, _ ("_Open"), NULL);
  g_autoptr (GtkFileFilter) models = gtk_file_filter_new ();
  g_autoptr (GtkFileFilter) all = gtk_file_filter_new ();

  gtk_file_filter_set_name (models, _ ("AI models (ONNX)"));
  gtk_file_filter_add_suffix (models, "onnx");
  gtk_file_filter_set_name (all, _ ("All files"));
  gtk_file_filter_add_pattern (all, "*");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (chooser), models);
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (chooser), all);
  show_chooser (self, chooser, G_CALLBACK (on_files_chosen));
}

static void
choose_samples (FwWindow *self, GtkFileChooserAction action, const char *title)
{
  GtkFileChooserNative *chooser
      = gtk_file_chooser_native_new (title, GTK_WINDOW (self), action, _ ("_Use"), NULL);

  gtk_file_chooser_set_select_multiple (GTK_FILE_CHOOSER (chooser), TRUE);
  show_chooser (self, chooser, G_CALLBACK (on_files_chosen));
}

static void
on_open_samples (GtkWidget *widget, const char *action, GVariant *parameter)
{
  choose_samples (FW_WINDOW (widget), GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER,
                  _ ("Choose a Folder of Samples"));
}

static void
on_open_sample_files (GtkWidget *widget, const char *action, GVariant *parameter)
{
  choose_samples (FW_WINDOW (widget), GTK_FILE_CHOOSER_ACTION_OPEN, _ ("Choose Samples"));
}

static void
on_try_sample (GtkWidget *widget, const char *action, GVariant *parameter)
{
  fw_window_try_sample (FW_WINDOW (widget));
}

static void
on_open_recent (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);
  g_autoptr (GFile) file = g_file_new_for_uri (g_variant_get_string (parameter, NULL));
  g_autofree char *path = g_file_get_path (file);

  if (path == NULL)
    return;
  /* The samples were for the model before. */
  fw_project_clear (self->project);
  fw_project_open_model (self->project, path);
}

static void
on_back (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);
  g_autofree char *name = g_queue_pop_head (self->trail);

  adw_leaflet_set_visible_child_name (self->leaflet, name != NULL ? name : "start");
  fw_window_update_actions (self);
  fw_window_focus_page (self);
}

static void
on_shrink (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);

  if (fw_project_get_state (self->project) == FW_PROJECT_READY
      || fw_project_get_state (self->project) == FW_PROJECT_STOPPED)
    fw_project_shrink (self->project);
  fw_window_show_page (self, "tradeoff");
}

static void
on_cancel (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);

  self->shrink_when_ready = FALSE;
  fw_project_cancel (self->project);
}

static void
on_save (GtkWidget *widget, const char *action, GVariant *parameter)
{
  fw_save_selected (FW_WINDOW (widget));
}

static void
on_page (GtkWidget *widget, const char *action, GVariant *parameter)
{
  /* "win.compare" shows the page "compare". */
  fw_window_show_page (FW_WINDOW (widget), action + strlen ("win."));
}

static void
on_resume (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwWindow *self = FW_WINDOW (widget);

  fw_window_show_page (self, "model");
  if (fw_project_get_state (self->project) >= FW_PROJECT_SHRINKING)
    fw_window_show_page (self, "tradeoff");
}

static void
on_start (GtkWidget *widget, const char *action, GVariant *parameter)
{
  fw_window_show_page (FW_WINDOW (widget), "start");
}

void
fw_window_class_install_actions (FwWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  gtk_widget_class_install_action (widget_class, "win.open-model", NULL, on_open_model);
  gtk_widget_class_install_action (widget_class, "win.open-samples", NULL, on_open_samples);
  gtk_widget_class_install_action (widget_class, "win.open-sample-files", NULL,
                                   on_open_sample_files);
  gtk_widget_class_install_action (widget_class, "win.try-sample", NULL, on_try_sample);
  gtk_widget_class_install_action (widget_class, "win.open-recent", "s", on_open_recent);
  gtk_widget_class_install_action (widget_class, "win.back", NULL, on_back);
  gtk_widget_class_install_action (widget_class, "win.start", NULL, on_start);
  gtk_widget_class_install_action (widget_class, "win.resume", NULL, on_resume);
  gtk_widget_class_install_action (widget_class, "win.shrink", NULL, on_shrink);
  gtk_widget_class_install_action (widget_class, "win.cancel", NULL, on_cancel);
  gtk_widget_class_install_action (widget_class, "win.save", NULL, on_save);
  gtk_widget_class_install_action (widget_class, "win.compare", NULL, on_page);
  gtk_widget_class_install_action (widget_class, "win.history", NULL, on_page);
  gtk_widget_class_install_action (widget_class, "win.export", NULL, on_page);
}

void
fw_window_update_actions (FwWindow *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  const FwProjectState state = fw_project_get_state (self->project);
  FwStopItem *selected = fw_project_get_selected (self->project);
  const gboolean has_version = selected != NULL && !fw_stop_item_is_original (selected);

  gtk_widget_action_set_enabled (widget, "win.shrink", state >= FW_PROJECT_READY);
  gtk_widget_action_set_enabled (widget, "win.cancel", fw_project_get_busy (self->project));
  gtk_widget_action_set_enabled (widget, "win.save", has_version);
  gtk_widget_action_set_enabled (widget, "win.compare", has_version);
  gtk_widget_action_set_enabled (widget, "win.export", has_version);
  gtk_widget_action_set_enabled (widget, "win.back", !g_queue_is_empty (self->trail));
}
