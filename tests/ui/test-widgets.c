/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-answer-bars.h"
#include "fw-history-private.h"
#include "fw-history-row.h"
#include "fw-split-picture.h"

static GtkWidget *
find (GtkWidget *widget, GType type)
{
  if (G_TYPE_CHECK_INSTANCE_TYPE (widget, type))
    return widget;
  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      GtkWidget *found = find (child, type);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static guint
count (GtkWidget *widget, GType type)
{
  guint n = G_TYPE_CHECK_INSTANCE_TYPE (widget, type) ? 1 : 0;

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    n += count (child, type);
  return n;
}

static void
test_divider (void)
{
  g_autoptr (GtkWidget) widget = g_object_ref_sink (fw_split_picture_new ());
  FwSplitPicture *picture = FW_SPLIT_PICTURE (widget);
  GtkWidget *scale = find (widget, GTK_TYPE_SCALE);

  g_assert_nonnull (scale);
  gtk_test_accessible_assert_role (scale, GTK_ACCESSIBLE_ROLE_SLIDER);
  gtk_test_accessible_assert_property (scale, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT, "Half and half");

  fw_split_picture_set_split (picture, 1);
  g_assert_cmpfloat (gtk_range_get_value (GTK_RANGE (scale)), ==, 100);
  gtk_test_accessible_assert_property (scale, GTK_ACCESSIBLE_PROPERTY_VALUE_TEXT,
                                       "Only the first one");
  gtk_range_set_value (GTK_RANGE (scale), 30);
  g_assert_cmpfloat_with_epsilon (fw_split_picture_get_split (picture), 0.3, 1e-9);
  fw_split_picture_set_split (picture, -4);
  g_assert_cmpfloat (fw_split_picture_get_split (picture), ==, 0);
}

static void
test_picture_room (void)
{
  g_autoptr (GtkWidget) widget = g_object_ref_sink (fw_split_picture_new ());
  g_autoptr (GdkPaintable) flat = gdk_paintable_new_empty (1000, 1);
  g_autoptr (GdkPaintable) tall = gdk_paintable_new_empty (1, 1000);
  int minimum, natural;

  /* Neither a sliver nor a tower asks for more than the page has. */
  fw_split_picture_set_pictures (FW_SPLIT_PICTURE (widget), flat, flat);
  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, 400, &minimum, &natural, NULL, NULL);
  g_assert_cmpint (natural, >=, 100);
  fw_split_picture_set_pictures (FW_SPLIT_PICTURE (widget), tall, NULL);
  gtk_widget_measure (widget, GTK_ORIENTATION_VERTICAL, 400, &minimum, &natural, NULL, NULL);
  g_assert_cmpint (natural, <=, 400);
  gtk_widget_measure (widget, GTK_ORIENTATION_HORIZONTAL, -1, &minimum, &natural, NULL, NULL);
  g_assert_cmpint (minimum, <=, 300);
}

static void
test_bars (void)
{
  g_autoptr (GtkWidget) widget = g_object_ref_sink (fw_answer_bars_new ());
  g_autoptr (JsonNode) answers = json_from_string (
      "[{\"index\":1,\"name\":\"owl\",\"probability\":0.5},{\"index\":2,\"probability\":7},\"no\","
      "{},{},{},{},{},{}]",
      NULL);
  GtkWidget *bar;

  fw_answer_bars_set_title (FW_ANSWER_BARS (widget), "Original");
  fw_answer_bars_set_answers (FW_ANSWER_BARS (widget), json_node_get_array (answers),
                              FW_ANSWER_MARK_CHANGED);
  g_assert_cmpuint (count (widget, GTK_TYPE_LEVEL_BAR), ==, 5);
  bar = find (widget, GTK_TYPE_LEVEL_BAR);
  g_assert_cmpfloat (gtk_level_bar_get_value (GTK_LEVEL_BAR (bar)), ==, 0.5);
  gtk_test_accessible_assert_property (bar, GTK_ACCESSIBLE_PROPERTY_LABEL, "owl");
  g_assert_true (gtk_widget_get_visible (gtk_widget_get_parent (find (widget, GTK_TYPE_IMAGE))));

  fw_answer_bars_set_answers (FW_ANSWER_BARS (widget), NULL, FW_ANSWER_MARK_NONE);
  g_assert_cmpuint (count (widget, GTK_TYPE_LEVEL_BAR), ==, 0);
  g_assert_false (gtk_widget_get_visible (gtk_widget_get_parent (find (widget, GTK_TYPE_IMAGE))));
}

static void
on_act (FwHistoryRow *row, const char *deed, char **place)
{
  g_free (*place);
  *place = g_strdup (deed);
}

static void
test_history_row (void)
{
  g_autoptr (GtkWidget) widget = g_object_ref_sink (fw_history_row_new ());
  FwHistoryRow *row = FW_HISTORY_ROW (widget);
  g_autoptr (FwHistoryVersion) version = fw_history_version_new ();
  g_autoptr (GPtrArray) all = g_ptr_array_new ();
  g_autofree char *deed = NULL;
  g_autofree char *title = NULL;
  GtkWidget *entry = find (widget, GTK_TYPE_ENTRY);

  version->id = 5;
  version->number = 3;
  version->size = 1000;
  version->created = 1;
  title = fw_history_row_title (version);
  g_assert_cmpstr (title, ==, "Version 3");
  g_signal_connect (row, "act", G_CALLBACK (on_act), &deed);
  g_assert_false (fw_history_row_get_open (row));
  fw_history_row_set_open (row, TRUE);
  g_assert_true (fw_history_row_get_open (row));

  fw_history_row_set_version (row, version, all);
  g_assert_false (fw_history_row_is_edited (row));
  gtk_editable_set_text (GTK_EDITABLE (entry), "for Ana");
  g_assert_true (fw_history_row_is_edited (row));
  g_signal_emit_by_name (entry, "activate");
  g_assert_cmpstr (deed, ==, "note");
  g_assert_cmpstr (fw_history_row_get_note (row), ==, "for Ana");
  g_assert_false (fw_history_row_is_edited (row));
}

int
main (int argc, char **argv)
{
  gtk_test_init (&argc, &argv, NULL);
  adw_init ();

  g_test_add_func ("/widgets/divider", test_divider);
  g_test_add_func ("/widgets/picture-room", test_picture_room);
  g_test_add_func ("/widgets/bars", test_bars);
  g_test_add_func ("/widgets/history-row", test_history_row);

  return g_test_run ();
}
