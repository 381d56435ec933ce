/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history-page-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-job.h"
#include "fw-version-file.h"
#include "fw-window.h"

/* What was asked for, for as long as it takes. */
typedef struct
{
  FwHistoryPage *page;
  gint64 version;
  char *title; /* of the version */
  char *text;  /* a note, or where it is saved */
  gboolean undo;

  /* Compare: both, the one with the smaller number first. */
  gint64 ids[2];
  char *titles[2];
  char *files[2];
  char **samples;
} Deed;

static void
deed_free (Deed *deed)
{
  g_object_unref (deed->page);
  g_free (deed->title);
  g_free (deed->text);
  for (guint i = 0; i < 2; i++)
    {
      g_free (deed->titles[i]);
      g_free (deed->files[i]);
    }
  g_strfreev (deed->samples);
  g_free (deed);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Deed, deed_free)

static Deed *
deed_new (FwHistoryPage *page, FwHistoryVersion *version)
{
  Deed *deed = g_new0 (Deed, 1);

  deed->page = g_object_ref (page);
  deed->version = version->id;
  deed->title = fw_history_row_title (version);
  return deed;
}

static FwWindow *
get_window (FwHistoryPage *self)
{
  GtkRoot *root = gtk_widget_get_root (GTK_WIDGET (self));

  return FW_IS_WINDOW (root) ? FW_WINDOW (root) : NULL;
}

/* Says it twice: in passing, and where it stays. Takes @undo, the deed that goes back. */
static void
say (FwHistoryPage *self, const char *text, GCallback on_undo, Deed *undo)
{
  FwWindow *window = get_window (self);
  g_autofree char *escaped = g_markup_escape_text (text, -1);
  AdwToast *toast;

  fw_history_page_report (self, text);
  if (window == NULL)
    {
      g_clear_pointer (&undo, deed_free);
      return;
    }
  /* Toasts wait for each other; an old one's Undo would go back from where we no longer are. */
  if (self->toast != NULL)
    adw_toast_dismiss (self->toast);
  toast = adw_toast_new (escaped);
  g_set_weak_pointer (&self->toast, toast);
  if (undo != NULL)
    {
      adw_toast_set_button_label (toast, _ ("_Undo"));
      g_signal_connect_data (toast, "button-clicked", on_undo, undo,
                             (GClosureNotify) (void (*) (void)) deed_free, 0);
    }
  fw_window_add_toast (window, toast);
}

/* Using. */

static void on_undo_use (AdwToast *toast, Deed *undo);

static char *
describe_use (Deed *deed, FwVersionUse *use)
{
  g_autofree char *name = NULL;

  if (use->rewritten != NULL)
    {
      name = g_filename_display_basename (use->rewritten);
      return g_strdup_printf (_ ("%s is in use. The file “%s” was rewritten with it."), deed->title,
                              name);
    }
  if (use->untouched != NULL && use->why != NULL)
    {
      name = g_filename_display_basename (use->untouched);
      return g_strdup_printf (_ ("%s is in use. The file “%s” was left as it is: %s"), deed->title,
                              name, use->why->message);
    }
  return g_strdup_printf (_ ("%s is in use."), deed->title);
}

static void
on_used (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  FwHistoryPage *self = deed->page;
  FwHistory *history = fw_library_get_history (self->library);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwVersionUse) use = fw_version_file_use_finish (FW_LIBRARY (source), result, &error);
  g_autoptr (FwHistoryVersion) previous = NULL;
  g_autofree char *text = NULL;

  if (use == NULL)
    {
      fw_history_page_fail (self, error);
      return;
    }
  text = describe_use (deed, use);
  if (!deed->undo && use->previous > 0 && use->previous != use->version)
    previous = fw_history_get_version (history, use->previous, NULL);
  say (self, text, G_CALLBACK (on_undo_use), previous != NULL ? deed_new (self, previous) : NULL);
}

static void
use_version (Deed *deed)
{
  fw_version_file_use_async (deed->page->library, deed->version, deed->page->cancellable, on_used,
                             deed);
}

static void
on_undo_use (AdwToast *toast, Deed *undo)
{
  Deed *deed = g_new0 (Deed, 1);

  deed->page = g_object_ref (undo->page);
  deed->version = undo->version;
  deed->title = g_strdup (undo->title);
  deed->undo = TRUE;
  use_version (deed);
}

/* What takes one call of the history. */

static gboolean
delete_in_thread (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;

  return deed->undo ? fw_history_undelete (history, deed->version, error)
                    : fw_history_delete (history, deed->version, error);
}

static void on_undo_delete (AdwToast *toast, Deed *undo);

static void
on_deleted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  Deed *undo = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    {
      fw_history_page_fail (deed->page, error);
      return;
    }
  if (deed->undo)
    {
      text = g_strdup_printf (_ ("%s is back."), deed->title);
    }
  else
    {
      text = g_strdup_printf (_ ("%s was deleted."), deed->title);
      undo = g_new0 (Deed, 1);
      undo->page = g_object_ref (deed->page);
      undo->version = deed->version;
      undo->title = g_strdup (deed->title);
    }
  say (deed->page, text, G_CALLBACK (on_undo_delete), undo);
}

static void
delete_version (Deed *deed)
{
  fw_library_do_async (deed->page->library, delete_in_thread, deed, NULL, NULL, on_deleted, deed);
}

static void
on_undo_delete (AdwToast *toast, Deed *undo)
{
  Deed *deed = g_new0 (Deed, 1);

  deed->page = g_object_ref (undo->page);
  deed->version = undo->version;
  deed->title = g_strdup (undo->title);
  deed->undo = TRUE;
  delete_version (deed);
}

static gboolean
note_in_thread (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;

  return fw_history_set_note (history, deed->version, deed->text, error);
}

static gboolean
keep_in_thread (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Deed *deed = data;

  return fw_history_keep_copy (history, deed->page->original, cancellable, error);
}

static void
on_noted (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  g_autoptr (GError) error = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    fw_history_page_fail (deed->page, error);
}

static void
on_kept (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  g_autoptr (GError) error = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    fw_history_page_fail (deed->page, error);
  else
    say (deed->page, _ ("A copy of the original is kept beside its versions."), NULL, NULL);
}

/* Saving. */

static void
on_saved (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  g_autofree char *text = NULL;

  if (!fw_version_file_save_finish (FW_LIBRARY (source), result, &error))
    {
      fw_history_page_fail (deed->page, error);
      return;
    }
  name = g_filename_display_basename (deed->text);
  text = g_strdup_printf (_ ("%s was saved as “%s”."), deed->title, name);
  say (deed->page, text, NULL, NULL);
}

static void
on_save_response (GtkNativeDialog *dialog, int response, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  FwHistoryPage *self = deed->page;
  g_autoptr (GFile) file = NULL;

  gtk_native_dialog_hide (dialog);
  if (response != GTK_RESPONSE_ACCEPT)
    return;
  file = gtk_file_chooser_get_file (GTK_FILE_CHOOSER (dialog));
  deed->text = file != NULL ? g_file_get_path (file) : NULL;
  if (deed->text == NULL)
    return;
  for (guint i = 0; i < self->originals->len; i++)
    {
      FwHistoryOriginal *original = g_ptr_array_index (self->originals, i);

      if (g_strcmp0 (original->path, deed->text) == 0)
        {
          say (self, _ ("The original stays as it is. Choose another name."), NULL, NULL);
          return;
        }
    }
  fw_version_file_save_async (self->library, deed->version, deed->text, self->cancellable, on_saved,
                              g_steal_pointer (&deed));
}

static char *
get_base_name (FwHistoryPage *self)
{
  for (guint i = 0; i < self->originals->len; i++)
    {
      FwHistoryOriginal *original = g_ptr_array_index (self->originals, i);

      if (original->id == self->original)
        {
          char *name = g_strdup (original->name);
          char *dot = strrchr (name, '.');

          if (dot != NULL && dot != name)
            *dot = '\0';
          return name;
        }
    }
  return g_strdup (_ ("model"));
}

static void
save_version (Deed *deed, FwHistoryVersion *version)
{
  FwHistoryPage *self = deed->page;
  g_autofree char *base = get_base_name (self);
  g_autofree char *name = NULL;
  GtkFileChooserNative *chooser;

  if (version->number == 0)
    /* Translators: the name of a file: a copy of the model. */
    name = g_strdup_printf (_ ("%s-original.onnx"), base);
  else
    /* Translators: the name of a file: that of the model, and which version it is. */
    name = g_strdup_printf (_ ("%s-version-%u.onnx"), base, version->number);
  chooser = gtk_file_chooser_native_new (_ ("Save This Version"), GTK_WINDOW (get_window (self)),
                                         GTK_FILE_CHOOSER_ACTION_SAVE, _ ("_Save"), NULL);
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (chooser), TRUE);
  gtk_file_chooser_set_current_name (GTK_FILE_CHOOSER (chooser), name);
  g_signal_connect (chooser, "response", G_CALLBACK (on_save_response), deed);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  self->chooser = GTK_NATIVE_DIALOG (chooser);
  gtk_native_dialog_show (self->chooser);
}

/* Comparing. */

/* Those of the project where it has the same model, else those of the version's own run. */
static char **
find_samples (FwHistoryPage *self, FwHistory *history, gint64 run_id)
{
  const char *model = fw_project_get_model (self->project);
  const char *const *paths = fw_project_get_sample_paths (self->project);
  g_autoptr (FwHistoryOriginal) original = fw_history_get_original (history, self->original, NULL);
  g_autoptr (FwHistoryRun) run = NULL;
  g_autoptr (FwJob) job = NULL;
  g_autoptr (JsonNode) node = NULL;

  if (paths != NULL && original != NULL && g_strcmp0 (original->path, model) == 0)
    return g_strdupv ((char **) paths);
  if (run_id > 0)
    run = fw_history_get_run (history, run_id, NULL);
  if (run == NULL || run->job == NULL)
    return NULL;
  node = json_node_alloc ();
  json_node_init_object (node, run->job);
  job = fw_job_from_json (node, NULL);
  return job != NULL ? g_strdupv (job->samples) : NULL;
}

static void
on_side_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  FwHistoryPage *self = deed->page;
  g_autoptr (GError) error = NULL;
  const guint side = deed->files[0] == NULL ? 0 : 1;

  deed->files[side] = fw_version_file_ensure_finish (FW_LIBRARY (source), result, &error);
  if (deed->files[side] == NULL)
    {
      fw_history_page_fail (self, error);
    }
  else if (side == 0)
    {
      fw_version_file_ensure_async (self->library, deed->ids[1], self->cancellable, on_side_ready,
                                    deed);
      deed = NULL;
    }
  else if (get_window (self) != NULL)
    {
      fw_window_compare (get_window (self),
                         fw_comparison_side_new (deed->titles[0], deed->files[0], NULL),
                         fw_comparison_side_new (deed->titles[1], deed->files[1], NULL),
                         (const char *const *) deed->samples);
    }
}

static void
compare_versions (Deed *deed, FwHistoryRow *row)
{
  FwHistoryPage *self = deed->page;
  FwHistory *history = fw_library_get_history (self->library);
  FwHistoryVersion *version = fw_history_row_get_version (row);
  g_autoptr (FwHistoryVersion) other
      = fw_history_get_version (history, fw_history_row_get_other (row), NULL);
  const guint mine = other != NULL && other->number < version->number ? 1 : 0;

  if (other == NULL)
    {
      deed_free (deed);
      return;
    }
  deed->ids[mine] = version->id;
  deed->titles[mine] = fw_history_row_title (version);
  deed->ids[1 - mine] = other->id;
  deed->titles[1 - mine] = fw_history_row_title (other);
  deed->samples = find_samples (self, history, version->run > 0 ? version->run : other->run);
  if (deed->samples == NULL || deed->samples[0] == NULL)
    {
      say (self, _ ("There are no samples to compare on. Open the model with its samples first."),
           NULL, NULL);
      deed_free (deed);
      return;
    }
  fw_version_file_ensure_async (self->library, deed->ids[0], self->cancellable, on_side_ready,
                                deed);
}

/* Exporting. */

static void
on_export_ready (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Deed) deed = user_data;
  FwHistoryPage *self = deed->page;
  g_autoptr (GError) error = NULL;
  g_autofree char *file = fw_version_file_ensure_finish (FW_LIBRARY (source), result, &error);
  g_autoptr (FwHistoryOriginal) original = NULL;

  if (file == NULL)
    {
      fw_history_page_fail (self, error);
      return;
    }
  original = fw_history_get_original (fw_library_get_history (self->library), self->original, NULL);
  if (original != NULL && get_window (self) != NULL)
    fw_window_export (get_window (self), deed->title, file, original->path,
                      (const char *const *) deed->samples);
}

static void
export_version (Deed *deed, FwHistoryVersion *version)
{
  FwHistoryPage *self = deed->page;

  deed->samples = find_samples (self, fw_library_get_history (self->library), version->run);
  fw_version_file_ensure_async (self->library, deed->version, self->cancellable, on_export_ready,
                                deed);
}

void
fw_history_page_act (FwHistoryPage *self, const char *name, FwHistoryRow *row)
{
  FwHistoryVersion *version = fw_history_row_get_version (row);
  Deed *deed = deed_new (self, version);

  if (g_str_equal (name, "use"))
    {
      use_version (deed);
    }
  else if (g_str_equal (name, "delete"))
    {
      delete_version (deed);
    }
  else if (g_str_equal (name, "note"))
    {
      deed->text = g_strdup (fw_history_row_get_note (row));
      fw_library_do_async (self->library, note_in_thread, deed, NULL, NULL, on_noted, deed);
    }
  else if (g_str_equal (name, "keep-copy"))
    {
      fw_library_do_async (self->library, keep_in_thread, deed, NULL, NULL, on_kept, deed);
    }
  else if (g_str_equal (name, "save"))
    {
      save_version (deed, version);
    }
  else if (g_str_equal (name, "compare"))
    {
      compare_versions (deed, row);
    }
  else if (g_str_equal (name, "export"))
    {
      export_version (deed, version);
    }
  else
    {
      deed_free (deed);
    }
}
