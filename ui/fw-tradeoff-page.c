/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-tradeoff-page.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-fact.h"
#include "fw-json.h"
#include "fw-page-header.h"
#include "fw-problem-view.h"
#include "fw-tradeoff-chart.h"
#include "fw-words.h"

/* How far the slider's ends reach beyond its first and last position. */
#define SCALE_OVERHANG 2

struct _FwTradeoffPage
{
  AdwBin parent_instance;

  FwPageHeader *header;
  FwProblemView *problem_view;
  GtkLabel *headline;
  GtkImage *headline_star;
  GtkLabel *status_label;
  FwTradeoffChart *chart;
  GtkScale *scale;
  GtkAdjustment *adjustment;
  FwFact *size_fact;
  FwFact *speed_fact;
  FwFact *same_fact;
  GtkListBox *warnings_list;
  AdwComboRow *prefer_row;
  GtkSwitch *care_switch;
  GtkSpinButton *fit_button;
  GtkAdjustment *fit_adjustment;
  GtkLabel *fit_label;
  GtkWidget *progress_box;
  GtkProgressBar *progress_bar;
  GtkLabel *progress_label;
  GtkButton *continue_button;

  FwProject *project;
  gboolean updating; /* what changes now was not the user */
};

G_DEFINE_FINAL_TYPE (FwTradeoffPage, fw_tradeoff_page, ADW_TYPE_BIN)

static const FwPrefer prefers[] = { FW_PREFER_BOTH, FW_PREFER_SIZE, FW_PREFER_SPEED };

static GListModel *
get_stops (FwTradeoffPage *self)
{
  return fw_project_get_stops (self->project);
}

/* How many versions there are, without the original. */
static guint
count_versions (FwTradeoffPage *self)
{
  const guint n = g_list_model_get_n_items (get_stops (self));

  return n > 0 ? n - 1 : 0;
}

static void
show_facts (FwTradeoffPage *self)
{
  FwStopItem *stop = fw_project_get_selected (self->project);
  g_autofree char *size = NULL, *saved = NULL, *before = NULL, *was = NULL;
  g_autofree char *speed = NULL, *latency = NULL;
  g_autofree char *percent = NULL, *same = NULL, *accuracy = NULL;

  if (stop == NULL)
    {
      fw_fact_set (self->size_fact, NULL, NULL, NULL);
      fw_fact_set (self->speed_fact, NULL, NULL, NULL);
      fw_fact_set (self->same_fact, NULL, NULL, NULL);
      return;
    }
  size = fw_words_size (fw_stop_item_get_size (stop));
  saved = fw_words_saved (stop);
  before = fw_words_size (fw_stop_item_get_original_size (stop));
  if (!fw_stop_item_is_original (stop))
    was = g_strdup_printf (_ ("The original has %s"), before);
  fw_fact_set (self->size_fact, saved, size, was);

  speed = fw_words_speed (stop);
  latency = fw_words_latency (stop);
  fw_fact_set (self->speed_fact, speed, latency,
               latency != NULL ? _ ("Measured on this computer") : NULL);

  percent = fw_words_percent (fw_stop_item_get_faithfulness (stop), fw_stop_item_get_total (stop));
  same = fw_words_same (stop);
  accuracy = fw_words_accuracy (stop);
  fw_fact_set (self->same_fact, percent, same, accuracy);
}

static void
show_warnings (FwTradeoffPage *self)
{
  FwStopItem *stop = fw_project_get_selected (self->project);
  JsonArray *warnings = stop != NULL ? fw_stop_item_get_warnings (stop) : NULL;
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->warnings_list))) != NULL)
    gtk_list_box_remove (self->warnings_list, child);
  for (guint i = 0; warnings != NULL && i < json_array_get_length (warnings); i++)
    {
      JsonNode *node = json_array_get_element (warnings, i);
      JsonObject *warning = JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
      GtkWidget *row;

      if (warning == NULL)
        continue;
      row = adw_action_row_new ();
      adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
      adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row),
                                     fw_json_get_string (warning, "message", ""));
      adw_action_row_set_subtitle (ADW_ACTION_ROW (row), fw_json_get_string (warning, "hint", ""));
      adw_action_row_add_prefix (ADW_ACTION_ROW (row),
                                 gtk_image_new_from_icon_name ("dialog-warning-symbolic"));
      gtk_list_box_append (self->warnings_list, row);
    }
  gtk_widget_set_visible (GTK_WIDGET (self->warnings_list), warnings != NULL);
}

/* What the page comes to, in one sentence. */
static char *
describe_outcome (FwTradeoffPage *self)
{
  FwStopItem *recommended = fw_project_get_recommended (self->project);
  FwStopItem *selected = fw_project_get_selected (self->project);
  FwStopItem *stop = selected != NULL ? selected : recommended;
  g_autofree char *saved = NULL, *speed = NULL;

  if (stop == NULL)
    return g_strdup (_ ("No version yet"));
  if (fw_stop_item_is_original (stop))
    return g_strdup (count_versions (self) == 0
                             && fw_project_get_state (self->project) == FW_PROJECT_SHRINKING
                         ? _ ("Looking for smaller versions…")
                         : _ ("The original, unchanged"));
  saved = fw_words_saved (stop);
  speed = fw_words_speed (stop);
  return g_strdup_printf ("%s · %s", saved, speed);
}

static char *
describe_state (FwTradeoffPage *self)
{
  FwStopItem *selected = fw_project_get_selected (self->project);
  FwStopItem *recommended = fw_project_get_recommended (self->project);
  const guint n = count_versions (self);

  switch (fw_project_get_state (self->project))
    {
    case FW_PROJECT_SHRINKING:
      return g_strdup (_ ("Move the slider at any time. More versions are still being measured."));
    case FW_PROJECT_STOPPED:
      return g_strdup_printf (
          ngettext ("Stopped after %u version was measured. It can be used.",
                    "Stopped after %u versions were measured. They can be used.", n),
          n);
    case FW_PROJECT_DONE:
      if (recommended == NULL)
        return g_strdup (
            _ ("No version is good enough to recommend. Look at the figures before you choose."));
      if (selected == recommended)
        return g_strdup (
            _ ("Recommended: the smallest version that is fast and keeps its answers."));
      return g_strdup (_ ("The star marks the version that is recommended."));
    default:
      return g_strdup ("");
    }
}

static void
show_headline (FwTradeoffPage *self)
{
  FwStopItem *selected = fw_project_get_selected (self->project);
  g_autofree char *outcome = describe_outcome (self);
  g_autofree char *state = describe_state (self);

  gtk_label_set_label (self->headline, outcome);
  gtk_label_set_label (self->status_label, state);
  gtk_widget_set_visible (GTK_WIDGET (self->headline_star),
                          selected != NULL && fw_stop_item_get_recommended (selected));
}

static void
show_scale (FwTradeoffPage *self)
{
  FwStopItem *selected = fw_project_get_selected (self->project);
  g_autofree char *words = selected != NULL ? fw_words_stop (selected) : NULL;

  self->updating = TRUE;
  if (selected != NULL)
    gtk_adjustment_set_value (self->adjustment, fw_stop_item_get_position (selected));
  self->updating = FALSE;
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->scale), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                  words != NULL ? words : "", -1);
}

static void
show_selected (FwTradeoffPage *self)
{
  show_scale (self);
  show_facts (self);
  show_warnings (self);
  show_headline (self);
}

static void
show_marks (FwTradeoffPage *self)
{
  const guint n = g_list_model_get_n_items (get_stops (self));

  gtk_scale_clear_marks (self->scale);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (get_stops (self), i);

      gtk_scale_add_mark (self->scale, fw_stop_item_get_position (stop), GTK_POS_TOP, NULL);
    }
}

static void
show_state (FwTradeoffPage *self)
{
  const FwProjectState state = fw_project_get_state (self->project);
  JsonObject *inspection = fw_project_get_inspection (self->project);

  fw_page_header_set_subtitle (self->header, fw_project_get_title (self->project));
  gtk_widget_set_visible (self->progress_box, state == FW_PROJECT_SHRINKING);
  gtk_widget_set_visible (GTK_WIDGET (self->continue_button),
                          state == FW_PROJECT_STOPPED || state == FW_PROJECT_READY);
  gtk_button_set_label (self->continue_button,
                        state == FW_PROJECT_STOPPED ? _ ("Co_ntinue") : _ ("_Make It Smaller"));
  if (inspection != NULL)
    {
      const double megabytes = fw_json_get_number (inspection, "size_bytes", 0) / 1e6;

      const double most = ceil (megabytes * 10) / 10;

      /* Nothing is asked for yet: the original fits. */
      self->updating = TRUE;
      if (gtk_adjustment_get_upper (self->fit_adjustment) != most)
        gtk_adjustment_configure (self->fit_adjustment, most, 0, most, 0.1, 1, 0);
      self->updating = FALSE;
    }
  show_headline (self);
}

static void
show_problem (FwTradeoffPage *self)
{
  const FwProblem *problem = fw_project_get_problem (self->project);

  gtk_widget_set_visible (GTK_WIDGET (self->problem_view), problem != NULL);
  if (problem != NULL)
    fw_problem_view_set_problem (self->problem_view, problem, fw_project_get_model (self->project),
                                 fw_project_get_sample_paths (self->project));
}

static void
show_progress (FwTradeoffPage *self)
{
  g_autofree char *left = NULL;
  g_autofree char *text = NULL;
  const char *phase = fw_project_get_phase (self->project);

  if (!gtk_widget_get_visible (self->progress_box) || phase == NULL)
    return;
  left = fw_words_time_left (fw_project_get_eta (self->project));
  text = left != NULL ? g_strdup_printf ("%s · %s", phase, left) : g_strdup (phase);
  gtk_progress_bar_set_fraction (self->progress_bar, fw_project_get_fraction (self->project));
  gtk_label_set_label (self->progress_label, text);
}

/* The version @steps away, which is negative towards the smallest. */
static void
select_neighbour (FwTradeoffPage *self, int steps)
{
  FwStopItem *selected = fw_project_get_selected (self->project);
  const int n = (int) g_list_model_get_n_items (get_stops (self));
  int index = 0;

  for (int i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (get_stops (self), i);

      if (stop == selected)
        index = i;
    }
  if (n > 0)
    {
      g_autoptr (FwStopItem) stop
          = g_list_model_get_item (get_stops (self), CLAMP (index + steps, 0, n - 1));

      fw_project_set_selected (self->project, stop);
    }
}

/* Keys go from version to version, whatever lies between; the pointer takes the nearest. */
static gboolean
on_change_value (FwTradeoffPage *self, GtkScrollType scroll, double value)
{
  switch (scroll)
    {
    case GTK_SCROLL_STEP_BACKWARD:
      select_neighbour (self, -1);
      break;
    case GTK_SCROLL_STEP_FORWARD:
      select_neighbour (self, 1);
      break;
    case GTK_SCROLL_PAGE_BACKWARD:
      select_neighbour (self, -3);
      break;
    case GTK_SCROLL_PAGE_FORWARD:
      select_neighbour (self, 3);
      break;
    default:
      fw_project_select_position (self->project, CLAMP (value, 0, 100));
      show_scale (self);
    }
  return TRUE;
}

/* Set from elsewhere, as assistive technologies do. */
static void
on_value_changed (FwTradeoffPage *self)
{
  if (self->updating)
    return;
  fw_project_select_position (self->project, gtk_adjustment_get_value (self->adjustment));
  show_scale (self);
}

static void
on_prefer_selected (FwTradeoffPage *self)
{
  const guint selected = adw_combo_row_get_selected (self->prefer_row);

  if (self->updating || selected >= G_N_ELEMENTS (prefers))
    return;
  fw_project_set_prefer (self->project, prefers[selected]);
}

static void
show_prefer (FwTradeoffPage *self)
{
  self->updating = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (prefers); i++)
    if (prefers[i] == fw_project_get_prefer (self->project))
      adw_combo_row_set_selected (self->prefer_row, i);
  self->updating = FALSE;
}

static void
on_care_switched (FwTradeoffPage *self)
{
  if (!self->updating)
    fw_project_set_extra_care (self->project, gtk_switch_get_active (self->care_switch));
}

static void
show_care (FwTradeoffPage *self)
{
  self->updating = TRUE;
  gtk_switch_set_active (self->care_switch, fw_project_get_extra_care (self->project));
  self->updating = FALSE;
}

/* The most faithful version that is not larger. */
static void
on_fit_changed (FwTradeoffPage *self)
{
  const double megabytes = gtk_adjustment_get_value (self->fit_adjustment);
  const guint64 most = (guint64) floor (megabytes * 1e6 + 0.5);
  const guint n = g_list_model_get_n_items (get_stops (self));
  g_autofree char *text = NULL;

  if (self->updating || most == 0 || n == 0)
    return;
  for (guint i = n; i > 0; i--)
    {
      g_autoptr (FwStopItem) stop = g_list_model_get_item (get_stops (self), i - 1);

      if (fw_stop_item_get_size (stop) <= most)
        {
          fw_project_set_selected (self->project, stop);
          text = g_strdup (fw_stop_item_is_original (stop)
                               ? _ ("The original already fits")
                               : _ ("The most faithful version that fits is chosen"));
          break;
        }
      if (i == 1)
        {
          g_autofree char *smallest = fw_words_size (fw_stop_item_get_size (stop));

          text = g_strdup_printf (_ ("None is that small. The smallest has %s."), smallest);
        }
    }
  gtk_label_set_label (self->fit_label, text);
  gtk_widget_set_visible (GTK_WIDGET (self->fit_label), TRUE);
}

static void
on_stops_changed (FwTradeoffPage *self)
{
  show_marks (self);
  show_headline (self);
  gtk_widget_set_visible (GTK_WIDGET (self->fit_label), FALSE);
}

/* The slider's knob stands right below the point that it is at. */
static void
align_scale (FwTradeoffPage *self)
{
  const int margin = fw_tradeoff_chart_get_margin (self->chart) - SCALE_OVERHANG;

  gtk_widget_set_margin_start (GTK_WIDGET (self->scale), margin);
  gtk_widget_set_margin_end (GTK_WIDGET (self->scale), margin);
}

static void
connect_project (FwTradeoffPage *self)
{
  static const struct
  {
    const char *signal;
    void (*function) (FwTradeoffPage *self);
  } signals[] = {
    { "notify::state", show_state },       { "notify::title", show_state },
    { "notify::selected", show_selected }, { "notify::recommended", show_selected },
    { "notify::fraction", show_progress }, { "notify::prefer", show_prefer },
    { "notify::problem", show_problem },   { "notify::extra-care", show_care },
  };

  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    g_signal_connect_object (self->project, signals[i].signal, G_CALLBACK (signals[i].function),
                             self, G_CONNECT_SWAPPED);
  g_signal_connect_object (get_stops (self), "items-changed", G_CALLBACK (on_stops_changed), self,
                           G_CONNECT_SWAPPED);
}

void
fw_tradeoff_page_set_project (FwTradeoffPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_TRADEOFF_PAGE (self));
  g_return_if_fail (self->project == NULL);

  self->project = g_object_ref (project);
  fw_tradeoff_chart_set_project (self->chart, project);
  connect_project (self);
  show_marks (self);
  show_prefer (self);
  show_care (self);
  show_state (self);
  show_selected (self);
}

static gboolean
fw_tradeoff_page_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (GTK_WIDGET (FW_TRADEOFF_PAGE (widget)->scale));
}

static void
fw_tradeoff_page_dispose (GObject *object)
{
  FwTradeoffPage *self = FW_TRADEOFF_PAGE (object);

  g_clear_object (&self->project);

  G_OBJECT_CLASS (fw_tradeoff_page_parent_class)->dispose (object);
}

static void
fw_tradeoff_page_class_init (FwTradeoffPageClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_tradeoff_page_dispose;
  widget_class->grab_focus = fw_tradeoff_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  g_type_ensure (FW_TYPE_TRADEOFF_CHART);
  g_type_ensure (FW_TYPE_FACT);
  g_type_ensure (FW_TYPE_PROBLEM_VIEW);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-tradeoff-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, header);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, problem_view);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, headline);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, headline_star);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, status_label);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, chart);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, scale);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, adjustment);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, size_fact);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, speed_fact);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, same_fact);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, warnings_list);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, prefer_row);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, care_switch);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, fit_button);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, fit_adjustment);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, fit_label);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, progress_box);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, progress_bar);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, progress_label);
  gtk_widget_class_bind_template_child (widget_class, FwTradeoffPage, continue_button);
  gtk_widget_class_bind_template_callback (widget_class, on_change_value);
  gtk_widget_class_bind_template_callback (widget_class, on_value_changed);
  gtk_widget_class_bind_template_callback (widget_class, on_prefer_selected);
  gtk_widget_class_bind_template_callback (widget_class, on_care_switched);
  gtk_widget_class_bind_template_callback (widget_class, on_fit_changed);
}

static void
fw_tradeoff_page_init (FwTradeoffPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_swapped (self->chart, "notify::margin", G_CALLBACK (align_scale), self);
  align_scale (self);
}
