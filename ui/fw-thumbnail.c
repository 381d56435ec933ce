/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-thumbnail.h"

struct _FwThumbnail
{
  GtkWidget parent_instance;

  GdkPaintable *paintable;
  int size;
};

G_DEFINE_FINAL_TYPE (FwThumbnail, fw_thumbnail, GTK_TYPE_WIDGET)

static GdkPaintable *
load (GtkWidget *widget, FwSampleItem *sample, int size)
{
  const char *preview = fw_sample_item_get_preview (sample);
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (widget));
  GdkTexture *texture = preview != NULL ? gdk_texture_new_from_filename (preview, NULL) : NULL;
  const char *icon = fw_sample_item_get_figures (sample) != NULL ? "x-office-spreadsheet-symbolic"
                                                                 : "image-missing-symbolic";

  if (texture != NULL)
    return GDK_PAINTABLE (texture);
  return GDK_PAINTABLE (
      gtk_icon_theme_lookup_icon (theme, icon, NULL, size, 1, GTK_TEXT_DIR_NONE, 0));
}

GtkWidget *
fw_thumbnail_new (FwSampleItem *sample, int size)
{
  FwThumbnail *self = g_object_new (FW_TYPE_THUMBNAIL, NULL);
  const char *name = fw_sample_item_get_name (sample);

  self->size = size;
  self->paintable = load (GTK_WIDGET (self), sample, size);
  gtk_widget_set_tooltip_text (GTK_WIDGET (self), name);
  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return GTK_WIDGET (self);
}

static void
fw_thumbnail_measure (GtkWidget *widget,
                      GtkOrientation orientation,
                      int for_size,
                      int *minimum,
                      int *natural,
                      int *minimum_baseline,
                      int *natural_baseline)
{
  *minimum = *natural = FW_THUMBNAIL (widget)->size;
}

static void
fw_thumbnail_snapshot (GtkWidget *widget, GtkSnapshot *snapshot)
{
  FwThumbnail *self = FW_THUMBNAIL (widget);
  const double width = gtk_widget_get_width (widget);
  const double height = gtk_widget_get_height (widget);
  const double own_width = gdk_paintable_get_intrinsic_width (self->paintable);
  const double own_height = gdk_paintable_get_intrinsic_height (self->paintable);
  double scale;

  if (own_width <= 0 || own_height <= 0)
    return;
  scale = MAX (width / own_width, height / own_height);
  gtk_snapshot_save (snapshot);
  gtk_snapshot_translate (snapshot, &GRAPHENE_POINT_INIT ((width - own_width * scale) / 2,
                                                          (height - own_height * scale) / 2));
  gdk_paintable_snapshot (self->paintable, GDK_SNAPSHOT (snapshot), own_width * scale,
                          own_height * scale);
  gtk_snapshot_restore (snapshot);
}

static void
fw_thumbnail_finalize (GObject *object)
{
  FwThumbnail *self = FW_THUMBNAIL (object);

  g_clear_object (&self->paintable);

  G_OBJECT_CLASS (fw_thumbnail_parent_class)->finalize (object);
}

static void
fw_thumbnail_class_init (FwThumbnailClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = fw_thumbnail_finalize;
  widget_class->measure = fw_thumbnail_measure;
  widget_class->snapshot = fw_thumbnail_snapshot;
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_IMG);
}

static void
fw_thumbnail_init (FwThumbnail *self)
{
  gtk_widget_set_overflow (GTK_WIDGET (self), GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_halign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_widget_set_valign (GTK_WIDGET (self), GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (GTK_WIDGET (self), "thumbnail");
}
