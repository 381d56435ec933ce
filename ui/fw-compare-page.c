/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-compare-page.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-answer-bars.h"
#include "fw-page-header.h"
#include "fw-sample-row.h"
#include "fw-split-picture.h"
#include "fw-verdict.h"

struct _FwComparePage
{
  AdwBin parent_instance;

  FwPageHeader *header;
  GtkStack *stack;
  AdwStatusPage *working_page;
  GtkProgressBar *progress;
  AdwStatusPage *problem_page;
  GtkWidget *again_button;
  AdwLeaflet *leaflet;
  GtkLabel *summary;
  GtkLabel *accuracy;
  GtkWidget *classes_expander;
  GtkLabel *classes;
  GtkToggleButton *all_button;
  GtkToggleButton *changed_button;
  GtkStack *list_stack;
  GtkListView *list;
  GtkWidget *list_button;
  GtkLabel *name;
  GtkLabel *place;
  GtkWidget *previous_button;
  GtkWidget *next_button;
  FwSplitPicture *picture;
  GtkLabel *verdict;
  FwAnswerBars *first_bars;
  FwAnswerBars *second_bars;

  FwProject *project;
  FwComparison *comparison;
  GtkCustomFilter *filter;
  GtkSingleSelection *selection;
  gboolean follows; /* the stop that is selected */
  gboolean wants_focus;
};

G_DEFINE_FINAL_TYPE (FwComparePage, fw_compare_page, ADW_TYPE_BIN)

/* The detail. */

static char *
caption_side (FwComparePage *self, gboolean second, JsonArray *answers)
{
  const char *title = fw_comparison_get_title (self->comparison, second);
  JsonNode *node;
  g_autofree char *name = NULL;

  if (answers == NULL || json_array_get_length (answers) == 0)
    return g_strdup (title);
  node = json_array_get_element (answers, 0);
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return g_strdup (title);
  name = fw_answer_bars_name_answer (json_node_get_object (node));
  /* Translators: whose answer, and what it is: "Original: owl". */
  return g_strdup_printf (_ ("%s: %s"), title, name);
}

static void
show_picture (FwComparePage *self, FwSampleItem *sample)
{
  const char *preview = fw_sample_item_get_preview (sample);
  g_autoptr (GdkTexture) texture = NULL;
  g_autofree char *first = caption_side (self, FALSE, fw_sample_item_get_original (sample));
  g_autofree char *second = caption_side (self, TRUE, fw_sample_item_get_other (sample));

  if (preview != NULL)
    texture = gdk_texture_new_from_filename (preview, NULL);
  gtk_widget_set_visible (GTK_WIDGET (self->picture), texture != NULL);
  fw_split_picture_set_pictures (self->picture, GDK_PAINTABLE (texture), GDK_PAINTABLE (texture));
  fw_split_picture_set_captions (self->picture, first, second);
}

static void
show_answers (FwComparePage *self, FwSampleItem *sample)
{
  const int label = fw_sample_item_get_label (sample);
  GHashTable *names = fw_comparison_get_class_names (self->comparison);
  const char *class_name = label >= 0 ? g_hash_table_lookup (names, GINT_TO_POINTER (label)) : NULL;
  g_autofree char *verdict = fw_verdict_describe_sample (sample, class_name);

  gtk_label_set_text (self->verdict, verdict);
  /* Where there are no answers by name, the verdict says all. */
  gtk_widget_set_visible (GTK_WIDGET (self->first_bars),
                          isnan (fw_sample_item_get_difference (sample)));
  gtk_widget_set_visible (GTK_WIDGET (self->second_bars),
                          isnan (fw_sample_item_get_difference (sample)));
  fw_answer_bars_set_title (self->first_bars, fw_comparison_get_title (self->comparison, FALSE));
  fw_answer_bars_set_title (self->second_bars, fw_comparison_get_title (self->comparison, TRUE));
  fw_answer_bars_set_answers (self->first_bars, fw_sample_item_get_original (sample),
                              fw_verdict_get_mark (sample, FALSE));
  fw_answer_bars_set_answers (self->second_bars, fw_sample_item_get_other (sample),
                              fw_verdict_get_mark (sample, TRUE));
}

/* Of numbers, what they are like stands in for a picture. */
static void
show_name (FwComparePage *self, FwSampleItem *sample)
{
  const char *figures = fw_sample_item_get_figures (sample);
  g_autofree char *text = NULL;

  if (figures != NULL)
    text = g_strdup_printf ("%s · %s", fw_sample_item_get_name (sample), figures);
  gtk_label_set_text (self->name, text != NULL ? text : fw_sample_item_get_name (sample));
}

static void
update_place (FwComparePage *self)
{
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));
  const guint here = gtk_single_selection_get_selected (self->selection);
  g_autofree char *text = NULL;

  if (here != GTK_INVALID_LIST_POSITION)
    /* Translators: which sample of how many. */
    text = g_strdup_printf (_ ("%u of %u"), here + 1, n);
  gtk_label_set_text (self->place, text != NULL ? text : "");
  gtk_widget_set_sensitive (self->previous_button, here != GTK_INVALID_LIST_POSITION && here > 0);
  gtk_widget_set_sensitive (self->next_button, here != GTK_INVALID_LIST_POSITION && here + 1 < n);
}

static void
on_selected_changed (FwComparePage *self)
{
  FwSampleItem *sample = gtk_single_selection_get_selected_item (self->selection);

  update_place (self);
  if (sample == NULL)
    return;
  show_name (self, sample);
  show_picture (self, sample);
  show_answers (self, sample);
}

static void
step (FwComparePage *self, int by)
{
  const guint here = gtk_single_selection_get_selected (self->selection);
  const guint n = g_list_model_get_n_items (G_LIST_MODEL (self->selection));

  if (here == GTK_INVALID_LIST_POSITION || (by < 0 && here == 0) || (by > 0 && here + 1 >= n))
    return;
  gtk_single_selection_set_selected (self->selection, here + by);
  gtk_widget_activate_action (GTK_WIDGET (self->list), "list.scroll-to-item", "u", here + by);
}

static void
on_previous (FwComparePage *self)
{
  step (self, -1);
}

static void
on_next (FwComparePage *self)
{
  step (self, 1);
}

static void
on_show_list (FwComparePage *self)
{
  adw_leaflet_set_visible_child_name (self->leaflet, "list");
  gtk_widget_grab_focus (GTK_WIDGET (self->list));
}

static void
on_activate (FwComparePage *self)
{
  if (!adw_leaflet_get_folded (self->leaflet))
    return;
  adw_leaflet_set_visible_child_name (self->leaflet, "detail");
  gtk_widget_grab_focus (GTK_WIDGET (self->picture));
}

static void
on_folded_changed (FwComparePage *self)
{
  const gboolean folded = adw_leaflet_get_folded (self->leaflet);

  gtk_widget_set_visible (self->list_button, folded);
  /* Such lists select what the pointer is over, which is only good where that is not shown. */
  gtk_list_view_set_single_click_activate (self->list, folded);
  gtk_widget_set_margin_start (GTK_WIDGET (self->name), folded ? 0 : 14);
}

/* The list. */

static gboolean
is_wanted (gpointer item, gpointer user_data)
{
  FwComparePage *self = user_data;

  return gtk_toggle_button_get_active (self->all_button)
         || fw_sample_item_get_changed (FW_SAMPLE_ITEM (item));
}

static void
update_list (FwComparePage *self)
{
  const gboolean empty = g_list_model_get_n_items (G_LIST_MODEL (self->selection)) == 0;

  gtk_stack_set_visible_child_name (self->list_stack, empty ? "none" : "list");
  update_place (self);
}

static void
on_filter_toggled (FwComparePage *self)
{
  gtk_filter_changed (GTK_FILTER (self->filter), GTK_FILTER_CHANGE_DIFFERENT);
  update_list (self);
}

static void
on_setup (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  gtk_list_item_set_child (item, fw_sample_row_new ());
}

static void
on_bind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  fw_sample_row_set_sample (FW_SAMPLE_ROW (gtk_list_item_get_child (item)),
                            gtk_list_item_get_item (item));
}

static void
on_unbind (GtkSignalListItemFactory *factory, GtkListItem *item)
{
  fw_sample_row_set_sample (FW_SAMPLE_ROW (gtk_list_item_get_child (item)), NULL);
}

static void
create_list (FwComparePage *self)
{
  GtkListItemFactory *factory = gtk_signal_list_item_factory_new ();
  GListModel *samples = fw_comparison_get_samples (self->comparison);
  GtkFilterListModel *filtered;

  self->filter = gtk_custom_filter_new (is_wanted, self, NULL);
  filtered = gtk_filter_list_model_new (g_object_ref (samples),
                                        g_object_ref (GTK_FILTER (self->filter)));
  self->selection = gtk_single_selection_new (G_LIST_MODEL (filtered));
  g_signal_connect_object (self->selection, "notify::selected-item",
                           G_CALLBACK (on_selected_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->selection, "items-changed", G_CALLBACK (update_list), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);

  g_signal_connect (factory, "setup", G_CALLBACK (on_setup), NULL);
  g_signal_connect (factory, "bind", G_CALLBACK (on_bind), NULL);
  g_signal_connect (factory, "unbind", G_CALLBACK (on_unbind), NULL);
  gtk_list_view_set_factory (self->list, factory);
  gtk_list_view_set_model (self->list, GTK_SELECTION_MODEL (self->selection));
  g_object_unref (factory);
}

/* What is shown. */

static void
update_counts (FwComparePage *self)
{
  GListModel *samples = fw_comparison_get_samples (self->comparison);
  const guint n = g_list_model_get_n_items (samples);
  guint changed = 0;
  g_autofree char *all_text = NULL;
  g_autofree char *changed_text = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwSampleItem) sample = g_list_model_get_item (samples, i);

      changed += fw_sample_item_get_changed (sample) ? 1 : 0;
    }
  /* Translators: samples in a list, and how many they are. */
  all_text = g_strdup_printf (_ ("All (%u)"), n);
  changed_text = g_strdup_printf (_ ("Changed (%u)"), changed);
  gtk_button_set_label (GTK_BUTTON (self->all_button), all_text);
  gtk_button_set_label (GTK_BUTTON (self->changed_button), changed_text);
}

static void
set_line (GtkLabel *label, const char *text)
{
  gtk_label_set_text (label, text != NULL ? text : "");
  gtk_widget_set_visible (GTK_WIDGET (label), text != NULL);
}

static void
on_result_changed (FwComparePage *self)
{
  JsonObject *result = fw_comparison_get_result (self->comparison);
  g_autofree char *summary = fw_verdict_describe_result (result);
  g_autofree char *accuracy = fw_verdict_describe_accuracy (result);
  g_auto (GStrv) classes
      = fw_verdict_list_classes (result, fw_comparison_get_class_names (self->comparison));
  g_autofree char *lines = classes != NULL ? g_strjoinv ("\n", classes) : NULL;

  set_line (self->summary, summary != NULL ? summary : _ ("Asking both versions…"));
  set_line (self->accuracy, accuracy);
  gtk_label_set_text (self->classes, lines != NULL ? lines : "");
  gtk_widget_set_visible (self->classes_expander, lines != NULL);
  update_counts (self);
  update_list (self);
  /* Titles of both sides may be others than before. */
  on_selected_changed (self);
}

static void
show_problem (FwComparePage *self)
{
  const FwProblem *problem = fw_comparison_get_problem (self->comparison);

  if (problem == NULL)
    return;
  adw_status_page_set_title (self->problem_page, _ ("The Comparison Did Not Work"));
  if (problem->hint != NULL)
    {
      g_autofree char *text = g_strdup_printf ("%s\n%s", problem->message, problem->hint);
      g_autofree char *escaped = g_markup_escape_text (text, -1);

      adw_status_page_set_description (self->problem_page, escaped);
    }
  else
    {
      g_autofree char *escaped = g_markup_escape_text (problem->message, -1);

      adw_status_page_set_description (self->problem_page, escaped);
    }
}

/* What is not there yet is focused once it is. */
static gboolean
fw_compare_page_grab_focus (GtkWidget *widget)
{
  FwComparePage *self = FW_COMPARE_PAGE (widget);

  self->wants_focus = !gtk_widget_get_mapped (GTK_WIDGET (self->list));
  return self->wants_focus || gtk_widget_grab_focus (GTK_WIDGET (self->list));
}

static void
update_state (FwComparePage *self)
{
  const gboolean has_samples
      = g_list_model_get_n_items (fw_comparison_get_samples (self->comparison)) > 0;

  switch (fw_comparison_get_state (self->comparison))
    {
    case FW_COMPARISON_WAITING:
      adw_status_page_set_title (self->working_page, _ ("Waiting for the Measurements"));
      adw_status_page_set_description (
          self->working_page,
          _ ("Versions are still being measured. Comparing starts as soon as that is done, so that it does not disturb the figures."));
      gtk_widget_set_visible (GTK_WIDGET (self->progress), FALSE);
      gtk_stack_set_visible_child_name (self->stack, "working");
      break;
    case FW_COMPARISON_WORKING:
      adw_status_page_set_title (self->working_page, _ ("Asking Both Versions…"));
      adw_status_page_set_description (self->working_page,
                                       _ ("Each of your test samples is shown to both."));
      gtk_widget_set_visible (GTK_WIDGET (self->progress), TRUE);
      gtk_stack_set_visible_child_name (self->stack, has_samples ? "samples" : "working");
      break;
    case FW_COMPARISON_FAILED:
      show_problem (self);
      gtk_stack_set_visible_child_name (self->stack, "problem");
      break;
    case FW_COMPARISON_DONE:
      gtk_stack_set_visible_child_name (self->stack, "samples");
      break;
    default:
      gtk_stack_set_visible_child_name (self->stack, has_samples ? "samples" : "nothing");
    }
  if (self->wants_focus && gtk_widget_get_mapped (GTK_WIDGET (self)))
    gtk_widget_grab_focus (GTK_WIDGET (self));
}

static void
on_fraction_changed (FwComparePage *self)
{
  gtk_progress_bar_set_fraction (self->progress, fw_comparison_get_fraction (self->comparison));
}

static void
on_samples_changed (FwComparePage *self)
{
  update_counts (self);
  update_state (self);
}

static void
show_selected (FwComparePage *self)
{
  FwStopItem *stop = fw_project_get_selected (self->project);

  if (self->follows && stop != NULL && !fw_stop_item_is_original (stop))
    fw_comparison_show_stop (self->comparison, stop);
  update_state (self);
}

static void
on_again (FwComparePage *self)
{
  show_selected (self);
}

static void
on_copy_details (FwComparePage *self)
{
  const FwProblem *problem = fw_comparison_get_problem (self->comparison);
  g_autofree char *text = NULL;

  if (problem == NULL)
    return;
  text = fw_problem_describe (problem, fw_project_get_model (self->project),
                              fw_project_get_sample_paths (self->project));
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), text);
}

FwComparison *
fw_compare_page_get_comparison (FwComparePage *self)
{
  g_return_val_if_fail (FW_IS_COMPARE_PAGE (self), NULL);

  return self->comparison;
}

void
fw_compare_page_set_follows_selection (FwComparePage *self, gboolean follows)
{
  g_return_if_fail (FW_IS_COMPARE_PAGE (self));

  self->follows = follows;
  gtk_widget_set_visible (self->again_button, follows);
}

void
fw_compare_page_set_project (FwComparePage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_COMPARE_PAGE (self));
  g_return_if_fail (self->project == NULL);

  self->project = g_object_ref (project);
  self->comparison = fw_comparison_new (project);
  create_list (self);
  g_signal_connect_object (self->comparison, "notify::state", G_CALLBACK (update_state), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (self->comparison, "notify::fraction", G_CALLBACK (on_fraction_changed),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->comparison, "notify::result", G_CALLBACK (on_result_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (fw_comparison_get_samples (self->comparison), "items-changed",
                           G_CALLBACK (on_samples_changed), self, G_CONNECT_SWAPPED);
  on_result_changed (self);
  update_state (self);
}

static gboolean
on_key (FwComparePage *self, guint key)
{
  double split;

  switch (key)
    {
    case GDK_KEY_1:
    case GDK_KEY_KP_1:
      split = 1;
      break;
    case GDK_KEY_2:
    case GDK_KEY_KP_2:
      split = 0.5;
      break;
    case GDK_KEY_3:
    case GDK_KEY_KP_3:
      split = 0;
      break;
    default:
      return GDK_EVENT_PROPAGATE;
    }
  fw_split_picture_set_split (self->picture, split);
  return GDK_EVENT_STOP;
}

static void
fw_compare_page_map (GtkWidget *widget)
{
  FwComparePage *self = FW_COMPARE_PAGE (widget);

  GTK_WIDGET_CLASS (fw_compare_page_parent_class)->map (widget);

  adw_leaflet_set_visible_child_name (self->leaflet, "list");
  if (self->project != NULL)
    {
      fw_page_header_set_subtitle (self->header, fw_project_get_title (self->project));
      show_selected (self);
    }
}

static void
fw_compare_page_unmap (GtkWidget *widget)
{
  GTK_WIDGET_CLASS (fw_compare_page_parent_class)->unmap (widget);

  fw_compare_page_set_follows_selection (FW_COMPARE_PAGE (widget), TRUE);
}

static void
fw_compare_page_dispose (GObject *object)
{
  FwComparePage *self = FW_COMPARE_PAGE (object);

  if (self->comparison != NULL)
    fw_comparison_cancel (self->comparison);
  if (self->list != NULL)
    gtk_list_view_set_model (self->list, NULL);
  g_clear_object (&self->selection);
  g_clear_object (&self->filter);
  g_clear_object (&self->comparison);
  g_clear_object (&self->project);

  G_OBJECT_CLASS (fw_compare_page_parent_class)->dispose (object);
}

static void
bind_children (GtkWidgetClass *widget_class)
{
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, header);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, stack);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, working_page);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, progress);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, problem_page);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, again_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, leaflet);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, summary);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, accuracy);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, classes_expander);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, classes);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, all_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, changed_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, list_stack);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, list);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, list_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, name);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, place);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, previous_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, next_button);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, picture);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, verdict);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, first_bars);
  gtk_widget_class_bind_template_child (widget_class, FwComparePage, second_bars);
}

static void
fw_compare_page_class_init (FwComparePageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_compare_page_dispose;
  widget_class->map = fw_compare_page_map;
  widget_class->unmap = fw_compare_page_unmap;
  widget_class->grab_focus = fw_compare_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  g_type_ensure (FW_TYPE_SPLIT_PICTURE);
  g_type_ensure (FW_TYPE_ANSWER_BARS);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-compare-page.ui");
  bind_children (widget_class);
  gtk_widget_class_bind_template_callback (widget_class, on_again);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_details);
  gtk_widget_class_bind_template_callback (widget_class, on_filter_toggled);
  gtk_widget_class_bind_template_callback (widget_class, on_activate);
  gtk_widget_class_bind_template_callback (widget_class, on_show_list);
  gtk_widget_class_bind_template_callback (widget_class, on_previous);
  gtk_widget_class_bind_template_callback (widget_class, on_next);
}

static void
fw_compare_page_init (FwComparePage *self)
{
  GtkEventController *keys = gtk_event_controller_key_new ();

  self->follows = TRUE;
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_swapped (self->leaflet, "notify::folded", G_CALLBACK (on_folded_changed), self);
  on_folded_changed (self);

  gtk_event_controller_set_propagation_phase (keys, GTK_PHASE_CAPTURE);
  g_signal_connect_swapped (keys, "key-pressed", G_CALLBACK (on_key), self);
  gtk_widget_add_controller (GTK_WIDGET (self), keys);
}
