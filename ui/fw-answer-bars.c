/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-answer-bars.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-json.h"

/* The worker says no more; a guard for what is not from there. */
#define MAX_ANSWERS 5

struct _FwAnswerBars
{
  GtkWidget parent_instance;

  GtkWidget *title;
  GtkWidget *mark;
  GtkWidget *mark_icon;
  GtkWidget *mark_label;
  GtkWidget *rows; /* a box of boxes */
};

G_DEFINE_FINAL_TYPE (FwAnswerBars, fw_answer_bars, GTK_TYPE_WIDGET)

char *
fw_answer_bars_format_share (double share)
{
  if (!isfinite (share))
    return g_strdup (_ ("not a number"));
  /* Rounding must not turn nearly certain into certain, nor little into nothing. */
  if (share > 0 && share < 0.005)
    return g_strdup (_ ("< 1%"));
  if (share > 0.995 && share < 1)
    return g_strdup (_ ("> 99%"));
  /* Translators: a percentage. */
  return g_strdup_printf (_ ("%.0f%%"), 100 * share);
}

char *
fw_answer_bars_name_answer (JsonObject *answer)
{
  const char *name = fw_json_get_string (answer, "name", NULL);
  const double index = fw_json_get_number (answer, "index", 0);

  if (name != NULL && *name != '\0')
    return g_strdup (name);
  /* Translators: an answer of a model that has a number but no name. */
  return g_strdup_printf (_ ("Answer %d"), (int) CLAMP (index, 0, G_MAXINT));
}

static GtkWidget *
create_bar (const char *name, double share)
{
  GtkWidget *bar = gtk_level_bar_new ();

  /* The usual marks paint low values as bad ones. */
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_LOW);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_HIGH);
  gtk_level_bar_remove_offset_value (GTK_LEVEL_BAR (bar), GTK_LEVEL_BAR_OFFSET_FULL);
  gtk_level_bar_set_value (GTK_LEVEL_BAR (bar), isfinite (share) ? CLAMP (share, 0, 1) : 0);
  gtk_accessible_update_property (GTK_ACCESSIBLE (bar), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
  return bar;
}

static GtkWidget *
create_row (JsonObject *answer, gboolean first)
{
  const double share = fw_json_get_number (answer, "probability", NAN);
  g_autofree char *name = fw_answer_bars_name_answer (answer);
  g_autofree char *figure = fw_answer_bars_format_share (share);
  GtkWidget *row = gtk_box_new (GTK_ORIENTATION_VERTICAL, 3);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);
  GtkWidget *name_label = gtk_label_new (name);
  GtkWidget *figure_label = gtk_label_new (figure);

  gtk_label_set_xalign (GTK_LABEL (name_label), 0);
  gtk_label_set_ellipsize (GTK_LABEL (name_label), PANGO_ELLIPSIZE_END);
  gtk_widget_set_tooltip_text (name_label, name);
  gtk_widget_set_hexpand (name_label, TRUE);
  gtk_widget_add_css_class (figure_label, "numeric");
  if (first)
    {
      gtk_widget_add_css_class (name_label, "heading");
      gtk_widget_add_css_class (figure_label, "heading");
    }
  else
    {
      gtk_widget_add_css_class (row, "further");
      gtk_widget_add_css_class (figure_label, "dim-label");
    }
  gtk_box_append (GTK_BOX (line), name_label);
  gtk_box_append (GTK_BOX (line), figure_label);
  gtk_box_append (GTK_BOX (row), line);
  gtk_box_append (GTK_BOX (row), create_bar (name, share));
  return row;
}

static void
set_mark (FwAnswerBars *self, FwAnswerMark mark)
{
  static const struct
  {
    const char *icon;
    const char *word;
    const char *style;
  } marks[] = {
    [FW_ANSWER_MARK_NONE] = { NULL, "", NULL },
    /* Translators: the answer to a sample is another one than before. */
    [FW_ANSWER_MARK_CHANGED] = { "media-playlist-shuffle-symbolic", N_ ("Changed"), "changed" },
    /* Translators: the answer to a sample is the right one. */
    [FW_ANSWER_MARK_RIGHT] = { "object-select-symbolic", N_ ("Right"), "right" },
    /* Translators: the answer to a sample is not the right one. */
    [FW_ANSWER_MARK_WRONG] = { "window-close-symbolic", N_ ("Wrong"), "wrong" },
  };

  for (guint i = FW_ANSWER_MARK_CHANGED; i < G_N_ELEMENTS (marks); i++)
    gtk_widget_remove_css_class (self->mark, marks[i].style);
  gtk_widget_set_visible (self->mark, mark != FW_ANSWER_MARK_NONE);
  if (mark == FW_ANSWER_MARK_NONE)
    return;
  gtk_image_set_from_icon_name (GTK_IMAGE (self->mark_icon), marks[mark].icon);
  gtk_label_set_text (GTK_LABEL (self->mark_label), _ (marks[mark].word));
  gtk_widget_add_css_class (self->mark, marks[mark].style);
}

void
fw_answer_bars_set_title (FwAnswerBars *self, const char *title)
{
  g_return_if_fail (FW_IS_ANSWER_BARS (self));

  gtk_label_set_text (GTK_LABEL (self->title), title != NULL ? title : "");
}

void
fw_answer_bars_set_answers (FwAnswerBars *self, JsonArray *answers, FwAnswerMark mark)
{
  GtkWidget *child;
  guint n = 0;

  g_return_if_fail (FW_IS_ANSWER_BARS (self));

  while ((child = gtk_widget_get_first_child (self->rows)) != NULL)
    gtk_box_remove (GTK_BOX (self->rows), child);
  set_mark (self, mark);

  for (guint i = 0; answers != NULL && i < json_array_get_length (answers) && n < MAX_ANSWERS; i++)
    {
      JsonNode *node = json_array_get_element (answers, i);

      if (JSON_NODE_HOLDS_OBJECT (node))
        gtk_box_append (GTK_BOX (self->rows), create_row (json_node_get_object (node), n++ == 0));
    }
  if (n == 0)
    {
      GtkWidget *none = gtk_label_new (_ ("No answer"));

      gtk_label_set_xalign (GTK_LABEL (none), 0);
      gtk_widget_add_css_class (none, "dim-label");
      gtk_box_append (GTK_BOX (self->rows), none);
    }
}

static void
fw_answer_bars_dispose (GObject *object)
{
  GtkWidget *child;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (object))) != NULL)
    gtk_widget_unparent (child);

  G_OBJECT_CLASS (fw_answer_bars_parent_class)->dispose (object);
}

static void
fw_answer_bars_class_init (FwAnswerBarsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_answer_bars_dispose;

  gtk_widget_class_set_css_name (widget_class, "answerbars");
  gtk_widget_class_set_layout_manager_type (widget_class, GTK_TYPE_BOX_LAYOUT);
  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_GROUP);
}

static void
fw_answer_bars_init (FwAnswerBars *self)
{
  GtkLayoutManager *layout = gtk_widget_get_layout_manager (GTK_WIDGET (self));
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (layout), GTK_ORIENTATION_VERTICAL);
  gtk_box_layout_set_spacing (GTK_BOX_LAYOUT (layout), 9);

  self->title = gtk_label_new (NULL);
  gtk_label_set_xalign (GTK_LABEL (self->title), 0);
  gtk_label_set_ellipsize (GTK_LABEL (self->title), PANGO_ELLIPSIZE_END);
  gtk_widget_set_hexpand (self->title, TRUE);
  gtk_widget_add_css_class (self->title, "dim-label");
  gtk_widget_add_css_class (self->title, "caption-heading");
  gtk_box_append (GTK_BOX (line), self->title);

  self->mark = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 4);
  gtk_widget_add_css_class (self->mark, "mark");
  self->mark_icon = gtk_image_new ();
  self->mark_label = gtk_label_new (NULL);
  gtk_widget_add_css_class (self->mark_label, "caption-heading");
  gtk_box_append (GTK_BOX (self->mark), self->mark_icon);
  gtk_box_append (GTK_BOX (self->mark), self->mark_label);
  gtk_widget_set_visible (self->mark, FALSE);
  gtk_box_append (GTK_BOX (line), self->mark);
  gtk_widget_set_parent (line, GTK_WIDGET (self));

  self->rows = gtk_box_new (GTK_ORIENTATION_VERTICAL, 9);
  gtk_widget_set_parent (self->rows, GTK_WIDGET (self));
}

GtkWidget *
fw_answer_bars_new (void)
{
  return g_object_new (FW_TYPE_ANSWER_BARS, NULL);
}
