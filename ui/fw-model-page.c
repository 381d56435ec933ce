/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-model-page.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-json.h"
#include "fw-page-header.h"
#include "fw-problem-view.h"
#include "fw-thumbnail.h"
#include "fw-words.h"

#define THUMBNAIL_SIZE 72
#define MAX_NAMED 6

struct _FwModelPage
{
  AdwBin parent_instance;

  FwPageHeader *header;
  AdwActionRow *model_row;
  GtkSpinner *model_spinner;
  FwProblemView *problem_view;
  GtkWidget *samples_group;
  GtkWidget *samples_none;
  GtkWidget *samples_known;
  GtkFlowBox *thumbnails;
  AdwActionRow *count_row;
  AdwActionRow *labels_row;
  AdwExpanderRow *unreadable_row;
  AdwComboRow *preprocess_row;
  GtkWidget *progress_box;
  GtkProgressBar *progress_bar;
  GtkLabel *progress_label;
  GtkButton *shrink_button;

  FwProject *project;
  GPtrArray *unreadable_rows;
  GStrv presets; /* names of the preparations in the row, the first "auto" */
  gboolean updating;
};

G_DEFINE_FINAL_TYPE (FwModelPage, fw_model_page, ADW_TYPE_BIN)

static void
show_model (FwModelPage *self)
{
  JsonObject *inspection = fw_project_get_inspection (self->project);
  const char *title = fw_project_get_title (self->project);
  const gboolean looking = fw_project_get_state (self->project) == FW_PROJECT_INSPECTING;
  g_autofree char *subtitle = NULL;

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->model_row), title != NULL ? title : "");
  gtk_widget_set_visible (GTK_WIDGET (self->model_spinner), looking);
  gtk_spinner_set_spinning (self->model_spinner, looking);
  if (looking)
    {
      subtitle = g_strdup (_ ("Looking at the model…"));
    }
  else if (inspection != NULL)
    {
      const char *description = fw_json_get_string (inspection, "description", "");
      g_autofree char *size
          = fw_words_size ((guint64) fw_json_get_number (inspection, "size_bytes", 0));

      subtitle = g_strdup_printf ("%s\n%s", description, size);
    }
  adw_action_row_set_subtitle (self->model_row, subtitle != NULL ? subtitle : "");
}

/* Samples that are numbers need no preparation. */
static gboolean
are_pictures (JsonObject *understanding)
{
  return fw_json_get_object (understanding, "preprocess") != NULL;
}

static void
show_counts (FwModelPage *self, JsonObject *understanding)
{
  const guint count = (guint) fw_json_get_number (understanding, "samples", 0);
  g_autofree char *title
      = are_pictures (understanding)
            ? g_strdup_printf (ngettext ("%u picture", "%u pictures", count), count)
            : g_strdup_printf (ngettext ("%u sample", "%u samples", count), count);
  const char *subtitle = NULL;

  if (count < 20)
    subtitle = _ ("Enough to try it out. With 100 or more, the figures can be relied on.");
  else if (count < 100)
    subtitle = _ ("A good start. With 100 or more, the figures are more certain.");
  else
    subtitle = _ ("Half of them are kept apart, to measure with.");
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->count_row), title);
  adw_action_row_set_subtitle (self->count_row, subtitle);
}

/* “apple, bicycle, cactus and 9 more”. */
static char *
list_names (JsonArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const guint n = json_array_get_length (names);

  for (guint i = 0; i < MIN (n, MAX_NAMED); i++)
    {
      JsonNode *node = json_array_get_element (names, i);
      const char *name = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;

      if (name != NULL)
        g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", name);
    }
  if (n <= MAX_NAMED)
    return g_strdup (text->str);
  /* Translators: after a list of names. */
  return g_strdup_printf (ngettext ("%s and %u more", "%s and %u more", n - MAX_NAMED), text->str,
                          n - MAX_NAMED);
}

static void
show_labels (FwModelPage *self, JsonObject *understanding)
{
  const gboolean labelled = fw_json_get_boolean (understanding, "has_labels", FALSE);
  JsonArray *classes = fw_json_get_array (understanding, "classes");
  g_autofree char *names
      = classes != NULL && json_array_get_length (classes) > 0 ? list_names (classes) : NULL;

  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->labels_row),
                                 labelled ? _ ("The right answers are known")
                                          : _ ("The right answers are not known"));
  if (names != NULL)
    adw_action_row_set_subtitle (self->labels_row, names);
  else
    adw_action_row_set_subtitle (
        self->labels_row,
        labelled ? ""
        : !are_pictures (understanding)
            ? _ ("That is fine: what comes out is compared with what comes out of the original.")
            : _ (
                "That is fine: answers are compared with those of the original. To give them, sort the pictures into folders named after what they show."));
}

static void
show_unreadable (FwModelPage *self, JsonObject *understanding)
{
  JsonArray *names = fw_json_get_array (understanding, "unreadable_samples");
  const guint n = names != NULL ? json_array_get_length (names) : 0;
  g_autofree char *title = g_strdup_printf (
      ngettext ("%u sample could not be read", "%u samples could not be read", n), n);

  for (guint i = 0; i < self->unreadable_rows->len; i++)
    adw_expander_row_remove (self->unreadable_row, g_ptr_array_index (self->unreadable_rows, i));
  g_ptr_array_set_size (self->unreadable_rows, 0);
  for (guint i = 0; i < MIN (n, 20); i++)
    {
      JsonNode *node = json_array_get_element (names, i);
      const char *name = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_string (node) : NULL;
      GtkWidget *row;

      if (name == NULL)
        continue;
      row = adw_action_row_new ();
      adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
      adw_expander_row_add_row (self->unreadable_row, row);
      g_ptr_array_add (self->unreadable_rows, row);
    }
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (self->unreadable_row), title);
  gtk_widget_set_visible (GTK_WIDGET (self->unreadable_row), n > 0);
}

/* The ways that were tried, the most likely first, become the choices. Once one was chosen by hand
 * the worker tries none, and the choices stay. */
static void
fill_presets (FwModelPage *self, JsonObject *preprocess)
{
  JsonArray *candidates = fw_json_get_array (preprocess, "candidates");
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GtkStringList) list = gtk_string_list_new (NULL);

  if (candidates == NULL)
    return;
  g_strv_builder_add (names, "auto");
  gtk_string_list_append (list, _ ("Found out by itself"));
  for (guint i = 0; i < json_array_get_length (candidates); i++)
    {
      JsonNode *node = json_array_get_element (candidates, i);
      JsonObject *candidate = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      const char *name = candidate != NULL ? fw_json_get_string (candidate, "name", NULL) : NULL;

      if (name == NULL)
        continue;
      g_strv_builder_add (names, name);
      gtk_string_list_append (list, fw_json_get_string (candidate, "description", name));
    }
  g_strfreev (self->presets);
  self->presets = g_strv_builder_end (names);
  adw_combo_row_set_model (self->preprocess_row, G_LIST_MODEL (list));
}

static void
show_preprocess (FwModelPage *self, JsonObject *understanding)
{
  JsonObject *preprocess = fw_json_get_object (understanding, "preprocess");
  const char *chosen = fw_project_get_preprocess (self->project);
  const char *description;
  g_autofree char *subtitle = NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->preprocess_row), preprocess != NULL);
  if (preprocess == NULL)
    return;
  self->updating = TRUE;
  fill_presets (self, preprocess);
  for (guint i = 0; self->presets != NULL && self->presets[i] != NULL; i++)
    if (g_strcmp0 (self->presets[i], chosen) == 0)
      adw_combo_row_set_selected (self->preprocess_row, i);
  self->updating = FALSE;

  description = fw_json_get_string (preprocess, "description", "");
  if (fw_json_get_boolean (preprocess, "guessed", FALSE)
      && !fw_json_get_boolean (preprocess, "sure", TRUE))
    subtitle = g_strdup_printf (_ ("Probably %s. If answers make no sense later, try another way."),
                                description);
  else
    subtitle = g_strdup (description);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (self->preprocess_row), subtitle);
}

static void
show_samples (FwModelPage *self)
{
  JsonObject *understanding = fw_project_get_understanding (self->project);
  const FwProjectState state = fw_project_get_state (self->project);
  const gboolean reading = state == FW_PROJECT_READING;
  const gboolean known = understanding != NULL;

  gtk_widget_set_visible (self->samples_group, fw_project_get_inspection (self->project) != NULL);
  gtk_widget_set_visible (self->samples_none, !known && !reading);
  gtk_widget_set_visible (self->samples_known, known || reading);
  gtk_widget_set_visible (self->progress_box, reading);
  gtk_widget_set_visible (GTK_WIDGET (self->count_row), known);
  gtk_widget_set_visible (GTK_WIDGET (self->labels_row), known);
  gtk_widget_set_visible (GTK_WIDGET (self->shrink_button), known);
  if (!known)
    {
      gtk_widget_set_visible (GTK_WIDGET (self->unreadable_row), FALSE);
      gtk_widget_set_visible (GTK_WIDGET (self->preprocess_row), FALSE);
      return;
    }
  show_counts (self, understanding);
  show_labels (self, understanding);
  show_unreadable (self, understanding);
  show_preprocess (self, understanding);
  gtk_button_set_label (self->shrink_button, state >= FW_PROJECT_SHRINKING ? _ ("Show the Result")
                                                                           : _ ("Make It Smaller"));
}

static void
show_problem (FwModelPage *self)
{
  const FwProblem *problem = fw_project_get_problem (self->project);

  gtk_widget_set_visible (GTK_WIDGET (self->problem_view), problem != NULL);
  if (problem != NULL)
    fw_problem_view_set_problem (self->problem_view, problem, fw_project_get_model (self->project),
                                 fw_project_get_sample_paths (self->project));
}

static void
show_all (FwModelPage *self)
{
  show_model (self);
  show_samples (self);
  show_problem (self);
}

static void
show_progress (FwModelPage *self)
{
  g_autofree char *left = fw_words_time_left (fw_project_get_eta (self->project));
  const char *phase = fw_project_get_phase (self->project);
  g_autofree char *text
      = left != NULL ? g_strdup_printf ("%s · %s", phase, left) : g_strdup (phase);

  if (!gtk_widget_get_visible (self->progress_box))
    return;
  gtk_progress_bar_set_fraction (self->progress_bar, fw_project_get_fraction (self->project));
  gtk_label_set_label (self->progress_label, text != NULL ? text : "");
}

static void
on_preset_selected (FwModelPage *self)
{
  const guint selected = adw_combo_row_get_selected (self->preprocess_row);

  if (self->updating || self->presets == NULL || selected >= g_strv_length (self->presets))
    return;
  fw_project_set_preprocess (self->project, self->presets[selected]);
}

static void
on_model_changed (FwModelPage *self)
{
  g_clear_pointer (&self->presets, g_strfreev);
}

static GtkWidget *
create_thumbnail (gpointer item, gpointer user_data)
{
  GtkWidget *child = gtk_flow_box_child_new ();

  gtk_flow_box_child_set_child (GTK_FLOW_BOX_CHILD (child),
                                fw_thumbnail_new (item, THUMBNAIL_SIZE));
  /* They are looked at; there is nothing to do with them. */
  gtk_widget_set_focusable (child, FALSE);
  return child;
}

void
fw_model_page_set_project (FwModelPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_MODEL_PAGE (self));
  g_return_if_fail (self->project == NULL);

  self->project = g_object_ref (project);
  gtk_flow_box_bind_model (self->thumbnails, fw_project_get_samples (project), create_thumbnail,
                           NULL, NULL);
  g_signal_connect_object (project, "notify::model", G_CALLBACK (on_model_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::state", G_CALLBACK (show_all), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::understanding", G_CALLBACK (show_samples), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::problem", G_CALLBACK (show_problem), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::fraction", G_CALLBACK (show_progress), self,
                           G_CONNECT_SWAPPED);
  show_all (self);
}

static gboolean
fw_model_page_grab_focus (GtkWidget *widget)
{
  FwModelPage *self = FW_MODEL_PAGE (widget);

  if (gtk_widget_get_visible (GTK_WIDGET (self->shrink_button)))
    return gtk_widget_grab_focus (GTK_WIDGET (self->shrink_button));
  return gtk_widget_get_visible (self->samples_none)
         && gtk_widget_child_focus (self->samples_none, GTK_DIR_TAB_FORWARD);
}

static void
fw_model_page_dispose (GObject *object)
{
  FwModelPage *self = FW_MODEL_PAGE (object);

  g_clear_object (&self->project);
  g_clear_pointer (&self->unreadable_rows, g_ptr_array_unref);
  g_clear_pointer (&self->presets, g_strfreev);

  G_OBJECT_CLASS (fw_model_page_parent_class)->dispose (object);
}

static void
fw_model_page_class_init (FwModelPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_model_page_dispose;
  widget_class->grab_focus = fw_model_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  g_type_ensure (FW_TYPE_PROBLEM_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-model-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, header);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, model_row);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, model_spinner);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, problem_view);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, samples_group);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, samples_none);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, samples_known);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, thumbnails);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, count_row);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, labels_row);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, unreadable_row);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, preprocess_row);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, progress_box);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, progress_label);
  gtk_widget_class_bind_template_child (widget_class, FwModelPage, shrink_button);
  gtk_widget_class_bind_template_callback (widget_class, on_preset_selected);
}

static void
fw_model_page_init (FwModelPage *self)
{
  self->unreadable_rows = g_ptr_array_new ();
  gtk_widget_init_template (GTK_WIDGET (self));
}
