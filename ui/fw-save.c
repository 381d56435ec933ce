/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-save.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-json.h"
#include "fw-version-file.h"
#include "fw-worker-client.h"

/* From the question where to, to the file being there. */
typedef struct
{
  FwWindow *window;
  GtkFileChooserNative *chooser;
  FwStopItem *stop;
  FwJob *job;
  char *target;
  char *staged; /* the worker never overwrites, so it writes beside a file that is to be replaced */
} Save;

static void
save_free (Save *save)
{
  g_clear_object (&save->window);
  g_clear_object (&save->chooser);
  g_clear_object (&save->stop);
  g_clear_pointer (&save->job, fw_job_free);
  g_free (save->target);
  g_free (save->staged);
  g_free (save);
}

static void
show_folder (GtkWidget *widget, const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFile) folder = g_file_get_parent (file);
  g_autofree char *uri = g_file_get_uri (folder);

  gtk_show_uri (GTK_WINDOW (gtk_widget_get_root (widget)), uri, GDK_CURRENT_TIME);
}

static void
on_show_folder (AdwToast *toast, Save *save)
{
  show_folder (GTK_WIDGET (save->window), save->target);
}

static void
say_saved (Save *save)
{
  g_autofree char *name = g_filename_display_basename (save->target);
  g_autofree char *text = g_strdup_printf (_ ("Saved as “%s”"), name);
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  AdwToast *toast = adw_toast_new (escaped);
  FwWindow *window = save->window;

  adw_toast_set_button_label (toast, _ ("Show _Folder"));
  /* The toast keeps what it needs for as long as it is there. */
  g_signal_connect_data (toast, "button-clicked", G_CALLBACK (on_show_folder), save,
                         (GClosureNotify) (void (*) (void)) save_free, 0);
  fw_window_add_toast (window, toast);
}

/* So that using another version later rewrites this file. */
static void
tell_history (Save *save, JsonObject *result)
{
  JsonNode *recipe = fw_stop_item_get_recipe (save->stop);
  const char *sha256 = fw_json_get_string (result, "sha256", NULL);
  const char *original = NULL;

  if (JSON_NODE_HOLDS_OBJECT (recipe))
    original = fw_json_get_string (json_node_get_object (recipe), "original", NULL);
  if (original != NULL && sha256 != NULL)
    fw_version_file_note_saved (fw_library_get_default (), original, sha256, save->target);
}

static void
on_rebuilt (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Save *save = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) event
      = fw_worker_client_run_finish (FW_WORKER_CLIENT (source), result, &error);

  if (event != NULL && save->staged != NULL)
    fw_file_move (save->staged, save->target, TRUE, NULL, &error);
  if (error != NULL)
    {
      g_autoptr (FwProblem) problem = fw_problem_new_from_error (error);

      if (save->staged != NULL)
        unlink (save->staged);
      if (gtk_widget_get_mapped (GTK_WIDGET (save->window)))
        fw_window_show_problem (save->window, problem);
      save_free (save);
      return;
    }
  tell_history (save, event);
  say_saved (save);
}

static void
rebuild (Save *save)
{
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  JsonNode *recipe = fw_stop_item_get_recipe (save->stop);

  save->job = fw_project_create_job (fw_window_get_project (save->window), FW_COMMAND_REBUILD);
  save->job->recipe = json_node_copy (recipe);
  if (g_file_test (save->target, G_FILE_TEST_EXISTS))
    {
      g_autofree char *folder = g_path_get_dirname (save->target);
      g_autofree char *name = g_strdup_printf (".featherweight-%08x.onnx", g_random_int ());

      save->staged = g_build_filename (folder, name, NULL);
    }
  save->job->output = g_strdup (save->staged != NULL ? save->staged : save->target);
  fw_worker_client_run_async (client, save->job, NULL, on_rebuilt, save);
}

static void
on_response (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  Save *save = user_data;
  g_autoptr (GFile) file = NULL;
  const char *original = fw_project_get_model (fw_window_get_project (save->window));

  gtk_native_dialog_hide (dialog);
  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  save->target = file != NULL ? g_file_get_path (file) : NULL;
  if (save->target == NULL)
    {
      save_free (save);
      return;
    }
  if (g_strcmp0 (save->target, original) == 0)
    {
      fw_window_say (save->window, _ ("The original stays as it is. Choose another name."));
      save_free (save);
      return;
    }
  rebuild (save);
}

static char *
suggest_name (FwProject *project)
{
  g_autofree char *base = g_strdup (fw_project_get_title (project));
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot != base)
    *dot = '\0';
  /* Translators: the name of a file: that of the model, made smaller. */
  return g_strdup_printf (_ ("%s-smaller.onnx"), base);
}

void
fw_save_selected (FwWindow *window)
{
  FwProject *project;
  FwStopItem *stop;
  Save *save;
  g_autofree char *name = NULL;

  g_return_if_fail (FW_IS_WINDOW (window));

  project = fw_window_get_project (window);
  stop = fw_project_get_selected (project);
  if (stop == NULL || fw_stop_item_get_recipe (stop) == NULL)
    return;
  name = suggest_name (project);
  save = g_new0 (Save, 1);
  save->window = g_object_ref (window);
  save->stop = g_object_ref (stop);
  save->chooser = gtk_file_chooser_native_new (_ ("Save the Smaller Model"), GTK_WINDOW (window),
                                               GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (save->chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (save->chooser), name);
  g_signal_connect (save->chooser, "response", G_CALLBACK (on_response), save);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (save->chooser));
}
