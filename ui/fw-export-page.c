/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-export-page.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "fw-file.h"
#include "fw-json.h"
#include "fw-page-header.h"
#include "fw-problem-view.h"
#include "fw-surroundings.h"
#include "fw-words.h"
#include "fw-worker-client.h"

struct _FwExportPage
{
  AdwBin parent_instance;

  GtkStack *stack;
  GtkLabel *source;
  GtkWidget *android_row;
  GtkWidget *ios_row;
  GtkWidget *web_row;
  GtkWidget *file_row;
  GtkProgressBar *progress;
  GtkWidget *cancel_button;
  GtkLabel *outcome;
  GtkWidget *folder_button;
  FwProblemView *problem_view;

  FwProject *project;
  /* The version of the history, or nothing for the selected stop. */
  char *title;
  char *file;
  char *original;
  char **samples;

  FwTarget target;
  GtkNativeDialog *chooser;
  GCancellable *cancellable; /* of the running export */
  char *output;              /* where the user wants it */
};

G_DEFINE_FINAL_TYPE (FwExportPage, fw_export_page, ADW_TYPE_BIN)

/* One export, from the version's file to the package. */
typedef struct
{
  FwExportPage *page;
  GCancellable *cancellable;
  FwJob *job;
  char *made;   /* the version's file, made of its recipe, or NULL */
  char *staged; /* the worker never overwrites, so it writes beside a file that is to be replaced */
} Export;

static void
export_free (Export *export)
{
  if (export->made != NULL)
    unlink (export->made);
  g_object_unref (export->page);
  g_object_unref (export->cancellable);
  fw_job_free (export->job);
  g_free (export->made);
  g_free (export->staged);
  g_free (export);
}

static void
show (FwExportPage *self, const char *name)
{
  gtk_stack_set_visible_child_name (self->stack, name);
}

static void
describe_source (FwExportPage *self)
{
  FwStopItem *stop = fw_project_get_selected (self->project);
  g_autofree char *text = NULL;
  g_autofree char *size = NULL;
  g_autofree char *name = NULL;

  if (self->file != NULL)
    {
      name = g_filename_display_basename (self->original);
      /* Translators: which version, of which model: "Version 2 of flowers.onnx". */
      text = g_strdup_printf (_ ("%s of %s"), self->title, name);
    }
  else if (stop != NULL)
    {
      size = fw_words_size (fw_stop_item_get_size (stop));
      text = g_strdup_printf (_ ("The smaller version of %s, %s"),
                              fw_project_get_title (self->project), size);
    }
  gtk_label_set_text (self->source, text != NULL ? text : "");
}

/* What came of it. */

static void
show_problem (FwExportPage *self, FwWorkerClient *client, const GError *error)
{
  JsonObject *event = client != NULL ? fw_worker_client_get_error_event (client) : NULL;
  g_autoptr (FwProblem) problem
      = event != NULL && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
            ? fw_problem_new_from_event (event)
            : fw_problem_new_from_error (error);

  fw_problem_view_set_problem (
      self->problem_view, problem,
      self->original != NULL ? self->original : fw_project_get_model (self->project), NULL);
  show (self, "problem");
}

static char *
describe_result (FwExportPage *self, JsonObject *result)
{
  g_autofree char *name = g_filename_display_basename (self->output);
  g_autofree char *size
      = fw_words_size ((guint64) MAX (0, fw_json_get_number (result, "size_bytes", 0)));
  const int golden = (int) fw_json_get_number (result, "golden", 0);

  if (self->target == FW_TARGET_FILE || golden <= 0)
    return g_strdup_printf (_ ("“%s”, %s. It was read back after writing."), name, size);
  return g_strdup_printf (
      ngettext ("“%s”, %s. It was opened again and run on %d example: the answer is right.",
                "“%s”, %s. It was opened again and run on %d examples: the answers are right.",
                golden),
      name, size, golden);
}

static void
on_exported (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  Export *export = user_data;
  FwExportPage *self = export->page;
  FwWorkerClient *client = FW_WORKER_CLIENT (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = fw_worker_client_run_finish (client, async_result, &error);
  const gboolean current = self->cancellable == export->cancellable;

  g_signal_handlers_disconnect_by_data (client, export);
  if (result != NULL && export->staged != NULL
      && !fw_file_move (export->staged, self->output, TRUE, NULL, &error))
    g_clear_pointer (&result, json_object_unref);
  if (result == NULL && export->staged != NULL)
    unlink (export->staged);
  if (current)
    {
      g_clear_object (&self->cancellable);
      if (result != NULL)
        {
          g_autofree char *text = describe_result (self, result);

          gtk_label_set_text (self->outcome, text);
          show (self, "done");
          gtk_widget_grab_focus (self->folder_button);
        }
      else if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          show (self, "choose");
        }
      else
        {
          show_problem (self, client, error);
        }
    }
  export_free (export);
}

/* The work. */

static void
on_event (FwWorkerClient *client, JsonObject *event, gpointer user_data)
{
  Export *export = user_data;

  if (export->page->cancellable == export->cancellable
      && g_str_equal (fw_json_get_string (event, "event", ""), "phase"))
    gtk_progress_bar_set_fraction (export->page->progress,
                                   CLAMP (fw_json_get_number (event, "overall", 0), 0, 1));
}

static void
run_export (Export *export)
{
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();

  g_signal_connect (client, "event", G_CALLBACK (on_event), export);
  fw_worker_client_run_async (client, export->job, export->cancellable, on_exported, export);
}

static void
on_made (GObject *source, GAsyncResult *async_result, gpointer user_data)
{
  Export *export = user_data;
  FwWorkerClient *client = FW_WORKER_CLIENT (source);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) result = fw_worker_client_run_finish (client, async_result, &error);

  if (result != NULL)
    {
      run_export (export);
      return;
    }
  if (export->page->cancellable == export->cancellable)
    {
      g_clear_object (&export->page->cancellable);
      if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        show (export->page, "choose");
      else
        show_problem (export->page, client, error);
    }
  export_free (export);
}

static void
make_file (Export *export, FwStopItem *stop)
{
  FwExportPage *self = export->page;
  g_autoptr (FwWorkerClient) client = fw_worker_client_new ();
  g_autoptr (FwJob) job = fw_project_create_job (self->project, FW_COMMAND_REBUILD);
  g_autofree char *name = g_strdup_printf ("exported-%08x.onnx", g_random_int ());

  export->made = g_build_filename (fw_surroundings_get_preview_folder (), name, NULL);
  export->job->model = g_strdup (export->made);
  job->recipe = json_node_copy (fw_stop_item_get_recipe (stop));
  job->output = g_strdup (export->made);
  fw_worker_client_run_async (client, job, export->cancellable, on_made, export);
}

/* The preparation that was found once is not to be guessed anew. */
static void
set_preprocess (FwExportPage *self, FwJob *job)
{
  JsonObject *result = fw_project_get_result (self->project);
  JsonObject *preprocess = result != NULL ? fw_json_get_object (result, "preprocess") : NULL;
  g_autoptr (JsonNode) node = NULL;

  if (preprocess == NULL || g_strcmp0 (job->other, fw_project_get_model (self->project)) != 0)
    return;
  node = json_node_alloc ();
  json_node_init_object (node, preprocess);
  g_free (job->preprocess);
  job->preprocess = json_to_string (node, FALSE);
}

static FwJob *
create_job (FwExportPage *self)
{
  const gboolean is_version = self->file != NULL;
  FwJob *job = fw_job_new (FW_COMMAND_EXPORT);

  job->target = self->target;
  job->model = g_strdup (self->file);
  job->other = g_strdup (is_version ? self->original : fw_project_get_model (self->project));
  job->samples = is_version ? g_strdupv (self->samples)
                            : g_strdupv ((char **) fw_project_get_sample_paths (self->project));
  set_preprocess (self, job);
  return job;
}

static void
start (FwExportPage *self)
{
  FwStopItem *stop = fw_project_get_selected (self->project);
  Export *export;

  if (self->file == NULL && (stop == NULL || fw_stop_item_get_recipe (stop) == NULL))
    return;
  g_clear_object (&self->cancellable);
  self->cancellable = g_cancellable_new ();
  export = g_new0 (Export, 1);
  export->page = g_object_ref (self);
  export->cancellable = g_object_ref (self->cancellable);
  export->job = create_job (self);
  if (g_file_test (self->output, G_FILE_TEST_EXISTS))
    {
      g_autofree char *folder = g_path_get_dirname (self->output);
      g_autofree char *name = g_strdup_printf (".featherweight-%08x", g_random_int ());

      export->staged = g_build_filename (folder, name, NULL);
    }
  export->job->output = g_strdup (export->staged != NULL ? export->staged : self->output);

  gtk_progress_bar_set_fraction (self->progress, 0);
  show (self, "working");
  gtk_widget_grab_focus (self->cancel_button);
  if (self->file == NULL)
    make_file (export, stop);
  else
    run_export (export);
}

/* Where to. */

static void
on_response (FwExportPage *self, int response, GtkNativeDialog *dialog)
{
  g_autoptr (GFile) file = NULL;

  gtk_native_dialog_hide (dialog);
  if (response == GTK_RESPONSE_ACCEPT)
    file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  if (file == NULL)
    return;
  g_free (self->output);
  self->output = g_file_get_path (file);
  if (self->output != NULL)
    start (self);
}

static char *
suggest_name (FwExportPage *self)
{
  static const char *const endings[] = {
    [FW_TARGET_FILE] = "-smaller.onnx",
    [FW_TARGET_ANDROID] = "-android.zip",
    [FW_TARGET_IOS] = "-ios.zip",
    [FW_TARGET_WEB] = "-web.zip",
  };
  g_autofree char *base = self->original != NULL ? g_filename_display_basename (self->original)
                                                 : g_strdup (fw_project_get_title (self->project));
  char *dot = base != NULL ? strrchr (base, '.') : NULL;

  if (dot != NULL && dot != base)
    *dot = '\0';
  return g_strconcat (base != NULL ? base : "model", endings[self->target], NULL);
}

static void
on_target_activated (FwExportPage *self, GtkWidget *row)
{
  g_autofree char *name = NULL;
  GtkFileChooserNative *chooser;

  self->target = row == self->android_row ? FW_TARGET_ANDROID
                 : row == self->ios_row   ? FW_TARGET_IOS
                 : row == self->web_row   ? FW_TARGET_WEB
                                          : FW_TARGET_FILE;
  name = suggest_name (self);
  chooser = gtk_file_chooser_native_new (_ ("Export"),
                                         GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))),
                                         GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Export"), NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (chooser), name);
  g_signal_connect_swapped (chooser, "response", G_CALLBACK (on_response), self);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  self->chooser = GTK_NATIVE_DIALOG (chooser);
  gtk_native_dialog_show (self->chooser);
}

static void
stop_working (FwExportPage *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  g_clear_object (&self->cancellable);
}

static void
on_cancel (FwExportPage *self)
{
  stop_working (self);
  show (self, "choose");
}

static void
on_again (FwExportPage *self)
{
  show (self, "choose");
}

static void
on_open_folder (FwExportPage *self)
{
  g_autofree char *folder = g_path_get_dirname (self->output);
  g_autofree char *uri = g_filename_to_uri (folder, NULL, NULL);

  if (uri != NULL)
    gtk_show_uri (GTK_WINDOW (gtk_widget_get_root (GTK_WIDGET (self))), uri, GDK_CURRENT_TIME);
}

static void
forget_version (FwExportPage *self)
{
  g_clear_pointer (&self->title, g_free);
  g_clear_pointer (&self->file, g_free);
  g_clear_pointer (&self->original, g_free);
  g_clear_pointer (&self->samples, g_strfreev);
}

void
fw_export_page_set_version (FwExportPage *self,
                            const char *title,
                            const char *file,
                            const char *original,
                            const char *const *samples)
{
  g_return_if_fail (FW_IS_EXPORT_PAGE (self));

  forget_version (self);
  self->title = g_strdup (title);
  self->file = g_strdup (file);
  self->original = g_strdup (original);
  self->samples = g_strdupv ((char **) samples);
  describe_source (self);
}

void
fw_export_page_set_project (FwExportPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_EXPORT_PAGE (self));

  g_set_object (&self->project, project);
}

static void
fw_export_page_map (GtkWidget *widget)
{
  FwExportPage *self = FW_EXPORT_PAGE (widget);

  GTK_WIDGET_CLASS (fw_export_page_parent_class)->map (widget);

  if (self->project != NULL)
    describe_source (self);
}

static void
fw_export_page_unmap (GtkWidget *widget)
{
  FwExportPage *self = FW_EXPORT_PAGE (widget);

  GTK_WIDGET_CLASS (fw_export_page_parent_class)->unmap (widget);

  stop_working (self);
  forget_version (self);
  show (self, "choose");
}

static gboolean
fw_export_page_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (FW_EXPORT_PAGE (widget)->android_row);
}

static void
fw_export_page_dispose (GObject *object)
{
  FwExportPage *self = FW_EXPORT_PAGE (object);

  stop_working (self);
  forget_version (self);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  g_clear_object (&self->project);
  g_clear_pointer (&self->output, g_free);

  G_OBJECT_CLASS (fw_export_page_parent_class)->dispose (object);
}

static void
fw_export_page_class_init (FwExportPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_export_page_dispose;
  widget_class->map = fw_export_page_map;
  widget_class->unmap = fw_export_page_unmap;
  widget_class->grab_focus = fw_export_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  g_type_ensure (FW_TYPE_PROBLEM_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-export-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, stack);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, source);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, android_row);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, ios_row);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, web_row);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, file_row);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, progress);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, cancel_button);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, outcome);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, folder_button);
  gtk_widget_class_bind_template_child (widget_class, FwExportPage, problem_view);
  gtk_widget_class_bind_template_callback (widget_class, on_target_activated);
  gtk_widget_class_bind_template_callback (widget_class, on_cancel);
  gtk_widget_class_bind_template_callback (widget_class, on_again);
  gtk_widget_class_bind_template_callback (widget_class, on_open_folder);
}

static void
fw_export_page_init (FwExportPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
