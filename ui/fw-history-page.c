/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history-page-private.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-json.h"
#include "fw-page-header.h"
#include "fw-words.h"

G_DEFINE_FINAL_TYPE (FwHistoryPage, fw_history_page, ADW_TYPE_BIN)

void
fw_history_page_report (FwHistoryPage *self, const char *text)
{
  gtk_label_set_text (self->outcome, text != NULL ? text : "");
  gtk_widget_set_visible (self->outcome_box, text != NULL);
}

void
fw_history_page_fail (FwHistoryPage *self, const GError *error)
{
  const char *hint;
  g_autofree char *text = NULL;

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;
  hint = fw_error_get_hint (fw_error_get_code (error));
  text = hint != NULL ? g_strdup_printf ("%s %s", error->message, hint) : g_strdup (error->message);
  fw_history_page_report (self, text);
}

static void
show_problem (FwHistoryPage *self, const GError *error)
{
  const char *hint = fw_error_get_hint (fw_error_get_code (error));
  g_autofree char *text = g_strdup_printf ("%s\n%s", error->message, hint != NULL ? hint : "");
  g_autofree char *escaped = g_markup_escape_text (g_strstrip (text), -1);

  adw_status_page_set_description (self->problem_page, escaped);
  gtk_stack_set_visible_child_name (self->stack, "problem");
}

/* The model. */

static FwHistoryOriginal *
find_original (FwHistoryPage *self, gint64 id)
{
  for (guint i = 0; self->originals != NULL && i < self->originals->len; i++)
    {
      FwHistoryOriginal *original = g_ptr_array_index (self->originals, i);

      if (original->id == id)
        return original;
    }
  return NULL;
}

/* The project's model, if it was ever made smaller; else the one that was last. */
static gint64
get_first_choice (FwHistoryPage *self)
{
  const char *model = fw_project_get_model (self->project);

  for (guint i = 0; model != NULL && i < self->originals->len; i++)
    {
      FwHistoryOriginal *original = g_ptr_array_index (self->originals, i);

      if (g_strcmp0 (original->path, model) == 0)
        return original->id;
    }
  return ((FwHistoryOriginal *) g_ptr_array_index (self->originals, 0))->id;
}

static void
fill_models (FwHistoryPage *self)
{
  g_autoptr (GtkStringList) names = gtk_string_list_new (NULL);
  guint selected = 0;

  for (guint i = 0; i < self->originals->len; i++)
    {
      FwHistoryOriginal *original = g_ptr_array_index (self->originals, i);

      gtk_string_list_append (names, original->name);
      if (original->id == self->original)
        selected = i;
    }
  self->filling = TRUE;
  gtk_drop_down_set_model (self->models, G_LIST_MODEL (names));
  gtk_drop_down_set_selected (self->models, selected);
  self->filling = FALSE;
  gtk_widget_set_visible (self->models_box, self->originals->len > 1);
}

/* The versions. */

static void
on_act (FwHistoryPage *self, const char *deed, FwHistoryRow *row)
{
  fw_history_page_act (self, deed, row);
}

static gboolean
holds (GPtrArray *versions, gint64 id)
{
  for (guint i = 0; i < versions->len; i++)
    if (((FwHistoryVersion *) g_ptr_array_index (versions, i))->id == id)
      return TRUE;
  return FALSE;
}

static void
remove_rows (FwHistoryPage *self, GPtrArray *versions)
{
  GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->list));

  while (row != NULL)
    {
      GtkWidget *next = gtk_widget_get_next_sibling (row);

      if (!holds (versions, fw_history_row_get_version (FW_HISTORY_ROW (row))->id))
        gtk_list_box_remove (self->list, row);
      row = next;
    }
}

/* Rows that are there already stay, and with them the focus, what is open and what is being
 * written. */
static void
fill_rows (FwHistoryPage *self, GPtrArray *versions, gboolean fresh)
{
  remove_rows (self, versions);
  for (guint i = 0; i < versions->len; i++)
    {
      FwHistoryVersion *version = g_ptr_array_index (versions, i);
      GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->list, (int) i);

      if (row == NULL || fw_history_row_get_version (FW_HISTORY_ROW (row))->id != version->id)
        {
          row = GTK_LIST_BOX_ROW (fw_history_row_new ());
          g_signal_connect_swapped (row, "act", G_CALLBACK (on_act), self);
          gtk_list_box_insert (self->list, GTK_WIDGET (row), (int) i);
        }
      fw_history_row_set_version (FW_HISTORY_ROW (row), version, versions);
      fw_history_row_set_open (FW_HISTORY_ROW (row),
                               fresh ? i == 0 : fw_history_row_get_open (FW_HISTORY_ROW (row)));
    }
}

static void
describe (FwHistoryPage *self, GPtrArray *versions)
{
  FwHistoryOriginal *original = find_original (self, self->original);
  guint64 bytes = 0;
  guint n = 0;
  g_autofree char *size = NULL;
  g_autofree char *text = NULL;

  for (guint i = 0; i < versions->len; i++)
    {
      FwHistoryVersion *version = g_ptr_array_index (versions, i);

      if (version->number == 0)
        continue;
      bytes += version->size;
      n++;
    }
  size = fw_words_size (bytes);
  if (n == 0)
    text = g_strdup_printf (_ ("No smaller versions of “%s” are kept."), original->name);
  else
    text = g_strdup_printf (ngettext ("%u smaller version of “%s” is kept, %s in all.",
                                      "%u smaller versions of “%s” are kept, %s in all.", n),
                            n, original->name, size);
  gtk_label_set_text (self->summary, text);
}

static gboolean
is_being_edited (FwHistoryPage *self)
{
  for (GtkWidget *row = gtk_widget_get_first_child (GTK_WIDGET (self->list)); row != NULL;
       row = gtk_widget_get_next_sibling (row))
    if (fw_history_row_is_edited (FW_HISTORY_ROW (row)))
      return TRUE;
  return FALSE;
}

static void
show_versions (FwHistoryPage *self, gboolean fresh)
{
  FwHistory *history = fw_library_get_history (self->library);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) versions
      = fw_history_list_versions (history, self->original, FALSE, &error);

  if (versions == NULL)
    {
      show_problem (self, error);
      return;
    }
  fill_rows (self, versions, fresh);
  describe (self, versions);
  gtk_stack_set_visible_child_name (self->stack, "versions");
  if (self->wants_focus)
    gtk_widget_grab_focus (GTK_WIDGET (self));
}

static void
refresh (FwHistoryPage *self)
{
  FwHistory *history = fw_library_get_history (self->library);
  g_autoptr (GError) error = NULL;
  gboolean fresh = FALSE;

  if (history == NULL || !gtk_widget_get_mapped (GTK_WIDGET (self)) || is_being_edited (self))
    return;
  g_clear_pointer (&self->originals, g_ptr_array_unref);
  self->originals = fw_history_list_originals (history, &error);
  if (self->originals == NULL)
    {
      show_problem (self, error);
      return;
    }
  if (self->originals->len == 0)
    {
      gtk_stack_set_visible_child_name (self->stack, "empty");
      return;
    }
  if (find_original (self, self->original) == NULL)
    {
      self->original = get_first_choice (self);
      fresh = TRUE;
    }
  fill_models (self);
  show_versions (self, fresh);
}

static void
on_model_selected (FwHistoryPage *self)
{
  const guint selected = gtk_drop_down_get_selected (self->models);
  FwHistoryOriginal *original;

  if (self->filling || self->originals == NULL || selected >= self->originals->len)
    return;
  original = g_ptr_array_index (self->originals, selected);
  self->original = original->id;
  fw_history_page_report (self, NULL);
  show_versions (self, TRUE);
}

static void
on_row_activated (FwHistoryPage *self, GtkListBoxRow *row)
{
  fw_history_row_set_open (FW_HISTORY_ROW (row), !fw_history_row_get_open (FW_HISTORY_ROW (row)));
}

/* Opening. */

static gboolean
open_only (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  return TRUE;
}

static void
on_opened (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (FwHistoryPage) self = user_data;
  g_autoptr (GError) error = NULL;
  const GError *warning;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    {
      show_problem (self, error);
      return;
    }
  refresh (self);
  warning = fw_history_get_warning (fw_library_get_history (self->library));
  if (warning != NULL)
    fw_history_page_report (self, warning->message);
}

static void
open_history (FwHistoryPage *self)
{
  if (fw_library_get_history (self->library) != NULL)
    {
      refresh (self);
      return;
    }
  gtk_stack_set_visible_child_name (self->stack, "opening");
  fw_library_do_async (self->library, open_only, NULL, NULL, NULL, on_opened, g_object_ref (self));
}

static void
on_again (FwHistoryPage *self)
{
  open_history (self);
}

/* A picture of the samples goes with a version that was just made. */

typedef struct
{
  gint64 version;
  char *preview;
} Picture;

static void
picture_free (Picture *picture)
{
  g_free (picture->preview);
  g_free (picture);
}

static gboolean
set_picture (FwHistory *history, gpointer data, GCancellable *cancellable, GError **error)
{
  Picture *picture = data;
  g_autoptr (GFile) file = g_file_new_for_path (picture->preview);
  g_autoptr (GBytes) png = g_file_load_bytes (file, cancellable, NULL, error);

  return png != NULL && fw_history_set_thumbnail (history, picture->version, png, error);
}

static void
on_picture_set (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  if (!fw_library_do_finish (FW_LIBRARY (source), result, NULL, &error))
    g_info ("A version goes without a picture: %s", error->message);
}

static void
on_finished (FwHistoryPage *self)
{
  JsonObject *result = fw_project_get_result (self->project);
  const double version = result != NULL ? fw_json_get_number (result, "version", 0) : 0;
  g_autoptr (FwSampleItem) sample
      = g_list_model_get_item (fw_project_get_samples (self->project), 0);
  Picture *picture;

  if (version < 1 || sample == NULL || fw_sample_item_get_preview (sample) == NULL)
    return;
  picture = g_new0 (Picture, 1);
  picture->version = (gint64) version;
  picture->preview = g_strdup (fw_sample_item_get_preview (sample));
  fw_library_do_async (self->library, set_picture, picture, (GDestroyNotify) picture_free, NULL,
                       on_picture_set, NULL);
}

/* Another model is another history. */
static void
on_model_changed (FwHistoryPage *self)
{
  self->original = 0;
}

void
fw_history_page_set_project (FwHistoryPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_HISTORY_PAGE (self));
  g_return_if_fail (self->project == NULL);

  self->project = g_object_ref (project);
  g_signal_connect_object (project, "finished", G_CALLBACK (on_finished), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::model", G_CALLBACK (on_model_changed), self,
                           G_CONNECT_SWAPPED);
}

static void
fw_history_page_map (GtkWidget *widget)
{
  FwHistoryPage *self = FW_HISTORY_PAGE (widget);

  GTK_WIDGET_CLASS (fw_history_page_parent_class)->map (widget);

  fw_history_page_report (self, NULL);
  fw_library_watch (self->library);
  open_history (self);
}

static void
fw_history_page_unmap (GtkWidget *widget)
{
  fw_library_unwatch (FW_HISTORY_PAGE (widget)->library);

  GTK_WIDGET_CLASS (fw_history_page_parent_class)->unmap (widget);
}

/* What is not there yet is focused once it is. */
static gboolean
fw_history_page_grab_focus (GtkWidget *widget)
{
  FwHistoryPage *self = FW_HISTORY_PAGE (widget);
  GtkListBoxRow *row = gtk_list_box_get_row_at_index (self->list, 0);

  self->wants_focus = row == NULL || !gtk_widget_get_mapped (GTK_WIDGET (row));
  return self->wants_focus || gtk_widget_grab_focus (GTK_WIDGET (row));
}

static void
fw_history_page_dispose (GObject *object)
{
  FwHistoryPage *self = FW_HISTORY_PAGE (object);

  g_cancellable_cancel (self->cancellable);
  g_clear_weak_pointer (&self->toast);
  if (self->chooser != NULL)
    gtk_native_dialog_destroy (self->chooser);
  g_clear_object (&self->chooser);
  g_clear_object (&self->project);
  g_clear_pointer (&self->originals, g_ptr_array_unref);

  G_OBJECT_CLASS (fw_history_page_parent_class)->dispose (object);
}

static void
fw_history_page_finalize (GObject *object)
{
  FwHistoryPage *self = FW_HISTORY_PAGE (object);

  g_clear_object (&self->cancellable);

  G_OBJECT_CLASS (fw_history_page_parent_class)->finalize (object);
}

static void
fw_history_page_class_init (FwHistoryPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_history_page_dispose;
  object_class->finalize = fw_history_page_finalize;
  widget_class->map = fw_history_page_map;
  widget_class->unmap = fw_history_page_unmap;
  widget_class->grab_focus = fw_history_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-history-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, stack);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, problem_page);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, models_box);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, models);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, summary);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, outcome_box);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, outcome);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryPage, list);
  gtk_widget_class_bind_template_callback (widget_class, on_again);
  gtk_widget_class_bind_template_callback (widget_class, on_model_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_row_activated);
}

static void
fw_history_page_init (FwHistoryPage *self)
{
  self->library = fw_library_get_default ();
  self->cancellable = g_cancellable_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (self->library, "changed", G_CALLBACK (refresh), self, G_CONNECT_SWAPPED);
}
