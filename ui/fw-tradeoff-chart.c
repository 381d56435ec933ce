/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-tradeoff-chart.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-words.h"

#define MIN_MARGIN 52
#define TOP 14
#define BOTTOM 34
#define HEIGHT 250
#define RADIUS 5.5
#define CATCH 22 /* how near to a point a click is meant for it */

struct _FwTradeoffChart
{
  GtkWidget parent_instance;

  FwProject *project;
  double floor; /* what the bottom of the plot stands for */
  int margin;   /* grows with the text */
};

G_DEFINE_FINAL_TYPE (FwTradeoffChart, fw_tradeoff_chart, GTK_TYPE_WIDGET)

typedef struct
{
  cairo_t *cr;
  FwTradeoffChart *chart;
  GdkRGBA text;
  GdkRGBA accent;
  double left, right, top, bottom;
  gboolean mirrored;
} Plot;

enum
{
  PROP_0,
  PROP_MARGIN,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

int
fw_tradeoff_chart_get_margin (FwTradeoffChart *self)
{
  g_return_val_if_fail (FW_IS_TRADEOFF_CHART (self), 0);

  return self->margin;
}

static PangoLayout *
create_layout (FwTradeoffChart *self, const char *text, gboolean bold)
{
  PangoLayout *layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), text);
  g_autoptr (PangoAttrList) attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
  pango_attr_list_insert (attributes, pango_attr_font_features_new ("tnum"));
  if (bold)
    pango_attr_list_insert (attributes, pango_attr_weight_new (PANGO_WEIGHT_BOLD));
  pango_layout_set_attributes (layout, attributes);
  return layout;
}

static int
measure_text (FwTradeoffChart *self, const char *text, gboolean bold)
{
  g_autoptr (PangoLayout) layout = create_layout (self, text, bold);
  int width;

  pango_layout_get_pixel_size (layout, &width, NULL);
  return width;
}

static void
update_margin (FwTradeoffChart *self)
{
  const int margin = MAX (MIN_MARGIN, measure_text (self, "100%", FALSE) + 24);

  if (self->margin == margin)
    return;
  self->margin = margin;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MARGIN]);
}

static guint
get_n_stops (FwTradeoffChart *self)
{
  return self->project != NULL ? g_list_model_get_n_items (fw_project_get_stops (self->project))
                               : 0;
}

static FwStopItem *
get_stop (FwTradeoffChart *self, guint index)
{
  return g_list_model_get_item (fw_project_get_stops (self->project), index);
}

/* The highest of a few round figures that all points are above: a difference of one answer in a
 * hundred shows, and does not look like a fall from all to nothing. */
static double
find_floor (FwTradeoffChart *self)
{
  static const double floors[] = { 0.9, 0.8, 0.5, 0 };
  double lowest = 1;

  for (guint i = 0; i < get_n_stops (self); i++)
    {
      g_autoptr (FwStopItem) stop = get_stop (self, i);
      const double here = fw_stop_item_get_faithfulness (stop);

      if (here < lowest)
        lowest = here;
    }
  for (guint i = 0; i < G_N_ELEMENTS (floors); i++)
    if (lowest >= floors[i])
      return floors[i];
  return 0;
}

static double
x_of_position (FwTradeoffChart *self, double position, double width, gboolean mirrored)
{
  const double share = position / 100;

  return self->margin + (mirrored ? 1 - share : share) * (width - 2 * self->margin);
}

static double
x_of_stop (const Plot *plot, FwStopItem *stop)
{
  const double share = fw_stop_item_get_position (stop) / 100;

  return plot->left + (plot->mirrored ? 1 - share : share) * (plot->right - plot->left);
}

static double
y_of_share (const Plot *plot, double share)
{
  const double low = plot->chart->floor;
  const double inside = CLAMP ((share - low) / (1 - low), 0, 1);

  return plot->bottom - inside * (plot->bottom - plot->top);
}

static void
set_colour (const Plot *plot, const GdkRGBA *colour, double alpha)
{
  cairo_set_source_rgba (plot->cr, colour->red, colour->green, colour->blue, colour->alpha * alpha);
}

/* @anchor_x: 0 puts the text right of @x, 1 left of it. */
static void
draw_text (const Plot *plot, const char *text, double x, double y, double anchor_x, gboolean bold)
{
  g_autoptr (PangoLayout) layout = create_layout (plot->chart, text, bold);
  int width, height;

  pango_layout_get_pixel_size (layout, &width, &height);
  cairo_move_to (plot->cr, x - width * anchor_x, y - height / 2.0);
  pango_cairo_show_layout (plot->cr, layout);
}

static void
draw_grid (const Plot *plot)
{
  const int n = 2;

  cairo_set_line_width (plot->cr, 1);
  for (int i = 0; i <= n; i++)
    {
      const double share = plot->chart->floor + (1 - plot->chart->floor) * i / n;
      const double y = floor (y_of_share (plot, share)) + 0.5;
      g_autofree char *text = g_strdup_printf ("%.0f%%", share * 100);

      set_colour (plot, &plot->text, i == 0 ? 0.3 : 0.12);
      cairo_move_to (plot->cr, plot->left - 8, y);
      cairo_line_to (plot->cr, plot->right + 8, y);
      cairo_stroke (plot->cr);
      set_colour (plot, &plot->text, 0.7);
      draw_text (plot, text, plot->mirrored ? plot->right + 14 : plot->left - 14, y,
                 plot->mirrored ? 0 : 1, FALSE);
    }
}

/* The line through all points, and the ground below it. */
static void
draw_line (const Plot *plot)
{
  const guint n = get_n_stops (plot->chart);
  cairo_pattern_t *fade;
  double first_x = 0, last_x = 0;
  gboolean started = FALSE;

  cairo_new_path (plot->cr);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = get_stop (plot->chart, i);
      const double share = fw_stop_item_get_faithfulness (stop);

      if (isnan (share))
        continue;
      last_x = x_of_stop (plot, stop);
      if (!started)
        first_x = last_x;
      cairo_line_to (plot->cr, last_x, y_of_share (plot, share));
      started = TRUE;
    }
  if (!started || first_x == last_x)
    {
      cairo_new_path (plot->cr);
      return;
    }
  set_colour (plot, &plot->accent, 0.9);
  cairo_set_line_width (plot->cr, 2);
  cairo_set_line_join (plot->cr, CAIRO_LINE_JOIN_ROUND);
  cairo_stroke_preserve (plot->cr);
  cairo_line_to (plot->cr, last_x, plot->bottom);
  cairo_line_to (plot->cr, first_x, plot->bottom);
  cairo_close_path (plot->cr);
  fade = cairo_pattern_create_linear (0, plot->top, 0, plot->bottom);
  cairo_pattern_add_color_stop_rgba (fade, 0, plot->accent.red, plot->accent.green,
                                     plot->accent.blue, 0.22);
  cairo_pattern_add_color_stop_rgba (fade, 1, plot->accent.red, plot->accent.green,
                                     plot->accent.blue, 0.04);
  cairo_set_source (plot->cr, fade);
  cairo_fill (plot->cr);
  cairo_pattern_destroy (fade);
}

static void
trace_star (cairo_t *cr, double x, double y, double radius)
{
  for (int i = 0; i < 10; i++)
    {
      const double angle = G_PI * (i / 5.0 - 0.5);
      const double r = i % 2 == 0 ? radius : radius * 0.45;

      cairo_line_to (cr, x + r * cos (angle), y + r * sin (angle));
    }
  cairo_close_path (cr);
}

/* The shapes tell what colours also do: a star is recommended, a square is the original, a hollow
 * point has a warning. */
static void
trace_shape (const Plot *plot, FwStopItem *stop, double x, double y, double radius)
{
  cairo_new_path (plot->cr);
  if (fw_stop_item_get_recommended (stop))
    trace_star (plot->cr, x, y, radius * 1.9);
  else if (fw_stop_item_is_original (stop))
    cairo_rectangle (plot->cr, x - radius * 0.9, y - radius * 0.9, radius * 1.8, radius * 1.8);
  else
    cairo_arc (plot->cr, x, y, radius, 0, 2 * G_PI);
}

static void
draw_selection (const Plot *plot, FwStopItem *stop)
{
  const double x = x_of_stop (plot, stop);
  const double low = fw_stop_item_get_faithfulness_low (stop);
  const double high = fw_stop_item_get_faithfulness_high (stop);
  const double dashes[] = { 3, 3 };

  set_colour (plot, &plot->text, 0.45);
  cairo_set_line_width (plot->cr, 1);
  cairo_set_dash (plot->cr, dashes, 2, 0);
  cairo_move_to (plot->cr, floor (x) + 0.5,
                 y_of_share (plot, fw_stop_item_get_faithfulness (stop)));
  cairo_line_to (plot->cr, floor (x) + 0.5, plot->bottom + 6);
  cairo_stroke (plot->cr);
  cairo_set_dash (plot->cr, NULL, 0, 0);

  /* How sure the figure is. */
  if (!isnan (low) && high > low)
    {
      set_colour (plot, &plot->accent, 0.35);
      cairo_set_line_width (plot->cr, 6);
      cairo_set_line_cap (plot->cr, CAIRO_LINE_CAP_ROUND);
      cairo_move_to (plot->cr, x, y_of_share (plot, low));
      cairo_line_to (plot->cr, x, y_of_share (plot, high));
      cairo_stroke (plot->cr);
      cairo_set_line_cap (plot->cr, CAIRO_LINE_CAP_BUTT);
    }
}

/* What the chart stands on: a card may let the window's colour through. */
static GdkRGBA
get_ground (const Plot *plot)
{
  GtkStyleContext *style = gtk_widget_get_style_context (GTK_WIDGET (plot->chart));
  GdkRGBA window = { 1, 1, 1, 1 };
  GdkRGBA card = { 1, 1, 1, 1 };

  gtk_style_context_lookup_color (style, "window_bg_color", &window);
  gtk_style_context_lookup_color (style, "card_bg_color", &card);
  return (GdkRGBA){
    .red = window.red + (card.red - window.red) * card.alpha,
    .green = window.green + (card.green - window.green) * card.alpha,
    .blue = window.blue + (card.blue - window.blue) * card.alpha,
    .alpha = 1,
  };
}

static void
draw_point (const Plot *plot, FwStopItem *stop, gboolean selected)
{
  const double x = x_of_stop (plot, stop);
  const double y = y_of_share (plot, fw_stop_item_get_faithfulness (stop));
  const double radius = selected ? RADIUS + 1.5 : RADIUS;
  const GdkRGBA ground = get_ground (plot);

  trace_shape (plot, stop, x, y, radius + 2);
  set_colour (plot, &ground, 1);
  cairo_fill (plot->cr);

  trace_shape (plot, stop, x, y, radius);
  if (fw_stop_item_get_warnings (stop) != NULL && !fw_stop_item_get_recommended (stop))
    set_colour (plot, &ground, 1);
  else if (fw_stop_item_is_original (stop))
    set_colour (plot, &plot->text, 0.75);
  else
    set_colour (plot, &plot->accent, 1);
  cairo_fill_preserve (plot->cr);
  set_colour (plot, fw_stop_item_is_original (stop) ? &plot->text : &plot->accent, 1);
  cairo_set_line_width (plot->cr, 1.5);
  cairo_stroke (plot->cr);
  if (selected)
    {
      cairo_arc (plot->cr, x, y, RADIUS * 2 + (fw_stop_item_get_recommended (stop) ? 4 : 1), 0,
                 2 * G_PI);
      set_colour (plot, &plot->text, 0.85);
      cairo_set_line_width (plot->cr, 2);
      cairo_stroke (plot->cr);
    }
}

typedef struct
{
  double from, to;
} Span;

static gboolean
is_free (GArray *taken, Span span)
{
  for (guint i = 0; i < taken->len; i++)
    {
      const Span other = g_array_index (taken, Span, i);

      if (span.from < other.to + 8 && other.from < span.to + 8)
        return FALSE;
    }
  return TRUE;
}

/* Sizes below the points, as many as there is room for: the selected one's first, then the ends,
 * then the others. */
static void
draw_sizes (const Plot *plot, FwStopItem *selected)
{
  const guint n = get_n_stops (plot->chart);
  g_autoptr (GArray) taken = g_array_new (FALSE, FALSE, sizeof (Span));

  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < n; i++)
      {
        g_autoptr (FwStopItem) stop = get_stop (plot->chart, i);
        const gboolean is_end = i == 0 || i == n - 1;
        const guint own_round = stop == selected ? 0 : is_end ? 1 : 2;
        g_autofree char *text = fw_words_size (fw_stop_item_get_size (stop));
        const double x = x_of_stop (plot, stop);
        const double width = measure_text (plot->chart, text, stop == selected);
        const Span span = { x - width / 2, x + width / 2 };

        if (own_round != round || !is_free (taken, span))
          continue;
        set_colour (plot, &plot->text, stop == selected ? 1 : 0.7);
        draw_text (plot, text, x, plot->bottom + 20, 0.5, stop == selected);
        g_array_append_val (taken, span);
      }
}

static void
draw_placeholder (const Plot *plot)
{
  set_colour (plot, &plot->text, 0.7);
  draw_text (plot, _ ("Versions appear here as they are measured"), (plot->left + plot->right) / 2,
             plot->top + (plot->bottom - plot->top) * 0.7, 0.5, FALSE);
}

static void
fw_tradeoff_chart_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FwTradeoffChart *self = FW_TRADEOFF_CHART (widget);
  GtkStyleContext *style = gtk_widget_get_style_context (widget);
  const int width = gtk_widget_get_width (widget);
  const int height = gtk_widget_get_height (widget);
  const guint n = get_n_stops (self);
  FwStopItem *selected;
  Plot plot = { .chart = self, .left = self->margin, .top = TOP };

  if (self->project == NULL || width <= 2 * self->margin || height <= TOP + BOTTOM)
    return;
  selected = fw_project_get_selected (self->project);
  self->floor = find_floor (self);
  plot.right = width - self->margin;
  plot.bottom = height - BOTTOM;
  plot.mirrored = gtk_widget_get_direction (widget) == GTK_TEXT_DIR_RTL;
  gtk_style_context_get_color (style, &plot.text);
  if (!gtk_style_context_lookup_color (style, "accent_color", &plot.accent))
    plot.accent = plot.text;
  plot.cr = gtk_snapshot_append_cairo (snapshot, &GRAPHENE_RECT_INIT (0, 0, width, height));

  draw_grid (&plot);
  draw_line (&plot);
  if (n <= 1)
    draw_placeholder (&plot);
  if (selected != NULL && !fw_stop_item_is_original (selected))
    draw_selection (&plot, selected);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwStopItem) stop = get_stop (self, i);

      if (stop != selected)
        draw_point (&plot, stop, FALSE);
    }
  if (selected != NULL)
    draw_point (&plot, selected, TRUE);
  draw_sizes (&plot, selected);
  cairo_destroy (plot.cr);
}

static void
fw_tradeoff_chart_measure (GtkWidget *widget,
                           GtkOrientation orientation,
                           int for_size,
                           int *minimum,
                           int *natural,
                           int *minimum_baseline,
                           int *natural_baseline)
{
  *minimum = orientation == GTK_ORIENTATION_HORIZONTAL ? 240 : HEIGHT;
  *natural = orientation == GTK_ORIENTATION_HORIZONTAL ? 600 : HEIGHT;
}

static FwStopItem *
find_near (FwTradeoffChart *self, double x)
{
  const gboolean mirrored = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
  const double width = gtk_widget_get_width (GTK_WIDGET (self));
  g_autoptr (FwStopItem) best = NULL;
  double distance = CATCH;

  for (guint i = 0; i < get_n_stops (self); i++)
    {
      g_autoptr (FwStopItem) stop = get_stop (self, i);
      const double here
          = fabs (x_of_position (self, fw_stop_item_get_position (stop), width, mirrored) - x);

      if (here < distance)
        {
          distance = here;
          g_set_object (&best, stop);
        }
    }
  return g_steal_pointer (&best);
}

static void
on_pressed (FwTradeoffChart *self, int n_press, double x, double y)
{
  g_autoptr (FwStopItem) stop = find_near (self, x);

  if (stop != NULL)
    fw_project_set_selected (self->project, stop);
}

static gboolean
fw_tradeoff_chart_query_tooltip (GtkWidget *widget,
                                 int x,
                                 int y,
                                 gboolean keyboard,
                                 GtkTooltip *tooltip)
{
  FwTradeoffChart *self = FW_TRADEOFF_CHART (widget);
  g_autoptr (FwStopItem) stop = keyboard ? NULL : find_near (self, x);
  g_autofree char *text = NULL;

  if (stop == NULL)
    return FALSE;
  text = fw_words_stop (stop);
  gtk_tooltip_set_text (tooltip, text);
  return TRUE;
}

/* All versions as text, for whoever can't see them. */
static void
describe (FwTradeoffChart *self)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < get_n_stops (self); i++)
    {
      g_autoptr (FwStopItem) stop = get_stop (self, i);
      g_autofree char *words = fw_words_stop (stop);

      g_string_append_printf (text, "%s%s", i > 0 ? "\n" : "", words);
    }
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
                                  text->str, -1);
}

static void
on_changed (FwTradeoffChart *self)
{
  describe (self);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
fw_tradeoff_chart_set_project (FwTradeoffChart *self, FwProject *project)
{
  g_return_if_fail (FW_IS_TRADEOFF_CHART (self));
  g_return_if_fail (self->project == NULL);

  self->project = g_object_ref (project);
  g_signal_connect_object (fw_project_get_stops (project), "items-changed", G_CALLBACK (on_changed),
                           self, G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::selected", G_CALLBACK (gtk_widget_queue_draw), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (project, "notify::recommended", G_CALLBACK (on_changed), self,
                           G_CONNECT_SWAPPED);
  on_changed (self);
}

static void
fw_tradeoff_chart_dispose (GObject *object)
{
  FwTradeoffChart *self = FW_TRADEOFF_CHART (object);

  g_clear_object (&self->project);

  G_OBJECT_CLASS (fw_tradeoff_chart_parent_class)->dispose (object);
}

static void
fw_tradeoff_chart_css_changed (GtkWidget *widget, GtkCssStyleChange *change)
{
  GTK_WIDGET_CLASS (fw_tradeoff_chart_parent_class)->css_changed (widget, change);

  update_margin (FW_TRADEOFF_CHART (widget));
}

static void
fw_tradeoff_chart_system_setting_changed (GtkWidget *widget, GtkSystemSetting setting)
{
  GTK_WIDGET_CLASS (fw_tradeoff_chart_parent_class)->system_setting_changed (widget, setting);

  update_margin (FW_TRADEOFF_CHART (widget));
}

static void
fw_tradeoff_chart_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_MARGIN:
      g_value_set_int (value, FW_TRADEOFF_CHART (object)->margin);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_tradeoff_chart_class_init (FwTradeoffChartClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_tradeoff_chart_dispose;
  object_class->get_property = fw_tradeoff_chart_get_property;
  widget_class->css_changed = fw_tradeoff_chart_css_changed;
  widget_class->system_setting_changed = fw_tradeoff_chart_system_setting_changed;
  widget_class->measure = fw_tradeoff_chart_measure;
  widget_class->snapshot = fw_tradeoff_chart_snapshot;
  widget_class->query_tooltip = fw_tradeoff_chart_query_tooltip;

  properties[PROP_MARGIN] = g_param_spec_int ("margin", NULL, NULL, 0, G_MAXINT, MIN_MARGIN,
                                              G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "chart");
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
fw_tradeoff_chart_init (FwTradeoffChart *self)
{
  GtkGesture *click = gtk_gesture_click_new ();

  self->margin = MIN_MARGIN;
  g_signal_connect_swapped (click, "pressed", G_CALLBACK (on_pressed), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (click));
  gtk_widget_set_has_tooltip (GTK_WIDGET (self), TRUE);
}
