/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-row.h"

#include <glib/gi18n-lib.h>

#include "fw-verdict.h"

#define THUMBNAIL_SIZE 48

struct _FwSampleRow
{
  GtkBox parent_instance;

  GtkWidget *picture;
  GtkWidget *answer;
  GtkWidget *name;
  GtkWidget *changed;
};

G_DEFINE_FINAL_TYPE (FwSampleRow, fw_sample_row, GTK_TYPE_BOX)

void
fw_sample_row_set_sample (FwSampleRow *self, FwSampleItem *sample)
{
  g_autofree char *summary = NULL;

  g_return_if_fail (FW_IS_SAMPLE_ROW (self));

  if (sample == NULL)
    {
      gtk_picture_set_paintable (GTK_PICTURE (self->picture), NULL);
      return;
    }
  summary = fw_verdict_summarize_sample (sample);
  gtk_label_set_text (GTK_LABEL (self->answer), summary);
  gtk_label_set_text (GTK_LABEL (self->name), fw_sample_item_get_name (sample));
  gtk_widget_set_visible (self->changed, fw_sample_item_get_changed (sample));
  if (fw_sample_item_get_changed (sample))
    gtk_widget_add_css_class (self->answer, "heading");
  else
    gtk_widget_remove_css_class (self->answer, "heading");
  gtk_picture_set_filename (GTK_PICTURE (self->picture), fw_sample_item_get_preview (sample));
}

static GtkWidget *
create_label (void)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  return label;
}

static void
fw_sample_row_class_init (FwSampleRowClass *klass)
{
}

static void
fw_sample_row_init (FwSampleRow *self)
{
  GtkWidget *words = gtk_box_new (GTK_ORIENTATION_VERTICAL, 1);

  gtk_box_set_spacing (GTK_BOX (self), 12);
  gtk_widget_add_css_class (GTK_WIDGET (self), "sample-row");

  self->picture = gtk_picture_new ();
  gtk_picture_set_content_fit (GTK_PICTURE (self->picture), GTK_CONTENT_FIT_COVER);
  gtk_widget_set_size_request (self->picture, THUMBNAIL_SIZE, THUMBNAIL_SIZE);
  gtk_widget_set_overflow (self->picture, GTK_OVERFLOW_HIDDEN);
  gtk_widget_set_valign (self->picture, GTK_ALIGN_CENTER);
  gtk_widget_add_css_class (self->picture, "thumbnail");
  gtk_box_append (GTK_BOX (self), self->picture);

  self->answer = create_label ();
  self->name = create_label ();
  gtk_widget_add_css_class (self->name, "caption");
  gtk_widget_add_css_class (self->name, "dim-label");
  gtk_box_append (GTK_BOX (words), self->answer);
  gtk_box_append (GTK_BOX (words), self->name);
  gtk_widget_set_hexpand (words, TRUE);
  gtk_widget_set_valign (words, GTK_ALIGN_CENTER);
  gtk_box_append (GTK_BOX (self), words);

  self->changed = gtk_image_new_from_icon_name ("media-playlist-shuffle-symbolic");
  gtk_widget_set_tooltip_text (self->changed, _ ("The answer changed"));
  gtk_accessible_update_property (GTK_ACCESSIBLE (self->changed), GTK_ACCESSIBLE_PROPERTY_LABEL,
                                  _ ("The answer changed"), -1);
  gtk_box_append (GTK_BOX (self), self->changed);
}

GtkWidget *
fw_sample_row_new (void)
{
  return g_object_new (FW_TYPE_SAMPLE_ROW, NULL);
}
