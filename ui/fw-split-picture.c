/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-split-picture.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#define MIN_WIDTH 200
#define NATURAL_WIDTH 480
#define MAX_HEIGHT 380
/* Room at either side for half of the scale's handle. */
#define INSET 14
#define RADIUS 12
#define CAPTION_MARGIN 10

struct _FwSplitPicture
{
  GtkWidget parent_instance;

  GtkWidget *scale;
  GtkWidget *captions[2];
  GdkPaintable *pictures[2];
  graphene_rect_t area; /* of the picture */
  double drag_start;
};

G_DEFINE_FINAL_TYPE (FwSplitPicture, fw_split_picture, GTK_TYPE_WIDGET)

enum
{
  PROP_0,
  PROP_SPLIT,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static gboolean
is_rtl (FwSplitPicture *self)
{
  return gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;
}

static double
get_ratio (FwSplitPicture *self)
{
  double ratio = 0;

  if (self->pictures[0] != NULL)
    ratio = gdk_paintable_get_intrinsic_aspect_ratio (self->pictures[0]);
  return ratio > 0 ? ratio : 4.0 / 3.0;
}

/* Where the divider is, in the widget's coordinates. */
static float
get_divider (FwSplitPicture *self)
{
  const double split = fw_split_picture_get_split (self);

  return self->area.origin.x + self->area.size.width * (is_rtl (self) ? 1 - split : split);
}

static void
move_divider_to (FwSplitPicture *self, double x)
{
  double split;

  if (self->area.size.width <= 0)
    return;
  split = (x - self->area.origin.x) / self->area.size.width;
  fw_split_picture_set_split (self, is_rtl (self) ? 1 - split : split);
}

static void
on_drag_begin (FwSplitPicture *self, double x, double y, GtkGesture *gesture)
{
  const graphene_point_t point = { x, y };

  if (!graphene_rect_contains_point (&self->area, &point))
    {
      gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_DENIED);
      return;
    }
  gtk_gesture_set_state (gesture, GTK_EVENT_SEQUENCE_CLAIMED);
  gtk_widget_grab_focus (self->scale);
  self->drag_start = x;
  move_divider_to (self, x);
}

static void
on_drag_update (FwSplitPicture *self, double dx, double dy)
{
  move_divider_to (self, self->drag_start + dx);
}

static void
say_split (FwSplitPicture *self)
{
  const int first = (int) lround (100 * fw_split_picture_get_split (self));
  g_autofree char *text = NULL;

  if (first >= 100)
    text = g_strdup (_ ("Only the first one"));
  else if (first <= 0)
    text = g_strdup (_ ("Only the second one"));
  else if (first == 50)
    text = g_strdup (_ ("Half and half"));
  else
    /* Translators: how two versions of a picture share the room. */
    text = g_strdup_printf (_ ("%d%% first, %d%% second"), first, 100 - first);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->scale), GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                  text, -1);
}

static void
on_value_changed (FwSplitPicture *self)
{
  say_split (self);
  gtk_widget_queue_allocate (GTK_WIDGET (self));
  gtk_widget_queue_draw (GTK_WIDGET (self));
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_SPLIT]);
}

double
fw_split_picture_get_split (FwSplitPicture *self)
{
  g_return_val_if_fail (FW_IS_SPLIT_PICTURE (self), 0.5);

  return gtk_range_get_value (GTK_RANGE (self->scale)) / 100;
}

void
fw_split_picture_set_split (FwSplitPicture *self, double split)
{
  g_return_if_fail (FW_IS_SPLIT_PICTURE (self));

  gtk_range_set_value (GTK_RANGE (self->scale), 100 * CLAMP (split, 0, 1));
}

void
fw_split_picture_set_pictures (FwSplitPicture *self, GdkPaintable *first, GdkPaintable *second)
{
  g_return_if_fail (FW_IS_SPLIT_PICTURE (self));

  g_set_object (&self->pictures[0], first);
  g_set_object (&self->pictures[1], second);
  gtk_widget_queue_resize (GTK_WIDGET (self));
}

void
fw_split_picture_set_captions (FwSplitPicture *self, const char *first, const char *second)
{
  const char *texts[2] = { first, second };

  g_return_if_fail (FW_IS_SPLIT_PICTURE (self));

  for (guint i = 0; i < 2; i++)
    {
      gtk_label_set_text (GTK_LABEL (self->captions[i]), texts[i] != NULL ? texts[i] : "");
      gtk_widget_set_visible (self->captions[i], texts[i] != NULL && *texts[i] != '\0');
    }
}

static GtkSizeRequestMode
fw_split_picture_get_request_mode (GtkWidget *widget)
{
  return GTK_SIZE_REQUEST_HEIGHT_FOR_WIDTH;
}

static void
fw_split_picture_measure (GtkWidget *widget,
                          GtkOrientation orientation,
                          int for_size,
                          int *minimum,
                          int *natural,
                          int *minimum_baseline,
                          int *natural_baseline)
{
  FwSplitPicture *self = FW_SPLIT_PICTURE (widget);
  const int width = for_size > 0 ? for_size : NATURAL_WIDTH;

  if (orientation == GTK_ORIENTATION_HORIZONTAL)
    {
      *minimum = MIN_WIDTH;
      *natural = NATURAL_WIDTH;
      return;
    }
  *natural = (int) CLAMP ((width - 2 * INSET) / get_ratio (self), 120, MAX_HEIGHT);
  *minimum = *natural;
}

static void
place_caption (FwSplitPicture *self, guint i)
{
  GtkWidget *caption = self->captions[i];
  const gboolean on_left = (i == 0) != is_rtl (self);
  const float divider = get_divider (self);
  const float left = on_left ? self->area.origin.x : divider;
  const float right = on_left ? divider : self->area.origin.x + self->area.size.width;
  const int room = (int) (right - left) - 2 * CAPTION_MARGIN;
  int minimum, natural, height;
  GtkAllocation place;

  if (!gtk_widget_should_layout (caption))
    return;
  gtk_widget_measure (caption, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
  gtk_widget_measure (caption, GTK_ORIENTATION_VERTICAL, -1, NULL, &height, NULL, NULL);
  gtk_widget_set_child_visible (caption, room >= MAX (minimum, MIN (natural, 72)));
  if (!gtk_widget_get_child_visible (caption))
    return;
  place.width = MAX (minimum, MIN (natural, room));
  place.height = height;
  place.x = (int) (on_left ? left + CAPTION_MARGIN : right - CAPTION_MARGIN - place.width);
  place.y = (int) self->area.origin.y + CAPTION_MARGIN;
  gtk_widget_size_allocate (caption, &place, -1);
}

static void
fw_split_picture_size_allocate (GtkWidget *widget, int width, int height, int baseline)
{
  FwSplitPicture *self = FW_SPLIT_PICTURE (widget);
  const double ratio = get_ratio (self);
  const double room = MAX (1, width - 2 * INSET);
  const double picture_width = MIN (room, height * ratio);
  const double picture_height = picture_width / ratio;
  GtkAllocation place;
  int natural;

  graphene_rect_init (&self->area, (float) floor ((width - picture_width) / 2),
                      (float) floor ((height - picture_height) / 2), (float) picture_width,
                      (float) picture_height);

  gtk_widget_measure (self->scale, GTK_ORIENTATION_VERTICAL, -1, NULL, &natural, NULL, NULL);
  place.x = (int) self->area.origin.x - INSET;
  place.width = (int) self->area.size.width + 2 * INSET;
  place.height = MIN (natural, height);
  place.y = (height - place.height) / 2;
  gtk_widget_size_allocate (self->scale, &place, -1);
  for (guint i = 0; i < 2; i++)
    place_caption (self, i);
}

static void
draw_half (FwSplitPicture *self, GtkSnapshot *snapshot, guint i, float left, float right)
{
  if (self->pictures[i] == NULL || right <= left)
    return;
  gtk_snapshot_push_clip (snapshot, &GRAPHENE_RECT_INIT (left, self->area.origin.y, right - left,
                                                         self->area.size.height));
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &self->area.origin);
  gdk_paintable_snapshot (self->pictures[i], snapshot, self->area.size.width,
                          self->area.size.height);
  gtk_snapshot_restore (snapshot);
  gtk_snapshot_pop (snapshot);
}

static void
draw_divider (FwSplitPicture *self, GtkSnapshot *snapshot, float x)
{
  const GdkRGBA shade = { 0, 0, 0, 0.35 };
  const GdkRGBA line = { 1, 1, 1, 1 };
  const float y = self->area.origin.y;
  const float height = self->area.size.height;

  /* Dark about white: to be seen on any picture. */
  gtk_snapshot_append_color (snapshot, &shade, &GRAPHENE_RECT_INIT (x - 2, y, 4, height));
  gtk_snapshot_append_color (snapshot, &line, &GRAPHENE_RECT_INIT (x - 1, y, 2, height));
}

static void
fw_split_picture_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FwSplitPicture *self = FW_SPLIT_PICTURE (widget);
  const float divider = get_divider (self);
  const float left = self->area.origin.x;
  const float right = left + self->area.size.width;
  const guint first = is_rtl (self) ? 1 : 0;
  GskRoundedRect frame;

  gsk_rounded_rect_init_from_rect (&frame, &self->area, RADIUS);
  gtk_snapshot_push_rounded_clip (snapshot, &frame);
  draw_half (self, snapshot, first, left, divider);
  draw_half (self, snapshot, 1 - first, divider, right);
  if (self->pictures[0] != NULL)
    draw_divider (self, snapshot, divider);
  gtk_snapshot_pop (snapshot);

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    gtk_widget_snapshot_child (widget, child, snapshot);
}

static gboolean
fw_split_picture_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (FW_SPLIT_PICTURE (widget)->scale);
}

static void
fw_split_picture_dispose (GObject *object)
{
  FwSplitPicture *self = FW_SPLIT_PICTURE (object);
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self))) != NULL)
    gtk_widget_unparent (child);
  g_clear_object (&self->pictures[0]);
  g_clear_object (&self->pictures[1]);

  G_OBJECT_CLASS (fw_split_picture_parent_class)->dispose (object);
}

static void
fw_split_picture_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_SPLIT:
      g_value_set_double (value, fw_split_picture_get_split (FW_SPLIT_PICTURE (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_split_picture_set_property (GObject *object,
                               guint prop_id,
                               const GValue *value,
                               GParamSpec *pspec)
{
  switch (prop_id)
    {
    case PROP_SPLIT:
      fw_split_picture_set_split (FW_SPLIT_PICTURE (object), g_value_get_double (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
fw_split_picture_class_init (FwSplitPictureClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_split_picture_dispose;
  object_class->get_property = fw_split_picture_get_property;
  object_class->set_property = fw_split_picture_set_property;
  widget_class->get_request_mode = fw_split_picture_get_request_mode;
  widget_class->measure = fw_split_picture_measure;
  widget_class->size_allocate = fw_split_picture_size_allocate;
  widget_class->snapshot = fw_split_picture_snapshot;
  widget_class->grab_focus = fw_split_picture_grab_focus;

  properties[PROP_SPLIT]
      = g_param_spec_double ("split", NULL, NULL, 0, 1, 0.5,
                             G_PARAM_READWRITE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, properties);

  gtk_widget_class_set_css_name (widget_class, "splitpicture");
}

static void
fw_split_picture_init (FwSplitPicture *self)
{
  GtkGesture *drag = gtk_gesture_drag_new ();

  for (guint i = 0; i < 2; i++)
    {
      self->captions[i] = gtk_label_new (NULL);
      gtk_label_set_ellipsize (GTK_LABEL (self->captions[i]), PANGO_ELLIPSIZE_END);
      gtk_widget_add_css_class (self->captions[i], "osd");
      gtk_widget_add_css_class (self->captions[i], "caption-heading");
      gtk_widget_set_can_target (self->captions[i], FALSE);
      gtk_widget_set_visible (self->captions[i], FALSE);
      gtk_widget_set_parent (self->captions[i], GTK_WIDGET (self));
    }

  self->scale = gtk_scale_new_with_range (GTK_ORIENTATION_HORIZONTAL, 0, 100, 1);
  gtk_scale_set_draw_value (GTK_SCALE (self->scale), FALSE);
  gtk_range_set_value (GTK_RANGE (self->scale), 50);
  gtk_adjustment_set_page_increment (gtk_range_get_adjustment (GTK_RANGE (self->scale)), 10);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->scale), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("Divider between the two versions"), -1);
  gtk_widget_set_parent (self->scale, GTK_WIDGET (self));
  g_signal_connect_swapped (self->scale, "value-changed", G_CALLBACK (on_value_changed), self);
  say_split (self);

  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  g_signal_connect_swapped (drag, "drag-update", G_CALLBACK (on_drag_update), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
  gtk_widget_set_cursor_from_name (GTK_WIDGET (self), "ew-resize");
}

GtkWidget *
fw_split_picture_new (void)
{
  return g_object_new (FW_TYPE_SPLIT_PICTURE, NULL);
}
