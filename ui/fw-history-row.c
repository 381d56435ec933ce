/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-history-row.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-application.h"
#include "fw-stop-item.h"
#include "fw-unseen.h"
#include "fw-when.h"
#include "fw-words.h"

struct _FwHistoryRow
{
  GtkListBoxRow parent_instance;

  GtkWidget *icon;
  GtkPicture *picture;
  GtkLabel *title;
  GtkWidget *star;
  GtkWidget *in_use;
  GtkLabel *facts;
  GtkLabel *date;
  GtkLabel *note;
  GtkImage *arrow;
  GtkRevealer *revealer;
  GtkEntry *note_entry;
  GtkWidget *use_button;
  GtkMenuButton *compare_button;
  GtkMenuButton *menu_button;

  FwHistoryVersion *version;
  gint64 other;
  gboolean is_edited; /* the note differs from what was passed on */
  gboolean filling;
};

G_DEFINE_FINAL_TYPE (FwHistoryRow, fw_history_row, GTK_TYPE_LIST_BOX_ROW)

enum
{
  ACT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

char *
fw_history_row_title (FwHistoryVersion *version)
{
  if (version->number == 0)
    return g_strdup (_ ("Original"));
  return g_strdup_printf (_ ("Version %u"), version->number);
}

/* The figures as the other pages say them. */
static FwStopItem *
create_stop (FwHistoryVersion *version)
{
  g_autoptr (JsonObject) event = json_object_new ();

  if (version->details != NULL)
    {
      JsonObjectIter iter;
      const char *name;
      JsonNode *node;

      json_object_iter_init (&iter, version->details);
      while (json_object_iter_next (&iter, &name, &node))
        json_object_set_member (event, name, json_node_copy (node));
    }
  json_object_set_double_member (event, "position", version->position);
  json_object_set_int_member (event, "size_bytes", (gint64) version->size);
  json_object_set_int_member (event, "original_size_bytes",
                              (gint64) version->figures.original_size);
  return fw_stop_item_new (event);
}

static char *
describe_facts (FwHistoryVersion *version)
{
  g_autofree char *size = fw_words_size (version->size);
  g_autoptr (FwStopItem) stop = NULL;
  g_autofree char *saved = NULL;
  g_autoptr (GString) text = g_string_new (size);

  if (version->number == 0)
    return g_strdup_printf (_ ("%s · as it came"), size);
  stop = create_stop (version);
  saved = fw_words_saved (stop);
  g_string_append_printf (text, " · %s", saved);
  if (version->figures.speedup > 0)
    {
      g_autofree char *speed = fw_words_speed (stop);

      g_string_append_printf (text, " · %s", speed);
    }
  if (fw_stop_item_get_total (stop) > 0)
    {
      g_autofree char *same = fw_words_same (stop);

      g_string_append_printf (text, " · %s", same);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
show_picture (FwHistoryRow *self)
{
  g_autoptr (GdkTexture) texture = NULL;

  if (self->version->thumbnail != NULL)
    texture = gdk_texture_new_from_bytes (self->version->thumbnail, NULL);
  gtk_picture_set_paintable (self->picture, GDK_PAINTABLE (texture));
  /* It keeps the room for the picture above it. */
  gtk_widget_set_opacity (self->icon, texture != NULL ? 0 : 1);
}

static GMenuModel *
create_compare_menu (FwHistoryRow *self, GPtrArray *all)
{
  GMenu *menu = g_menu_new ();

  for (guint i = 0; i < all->len; i++)
    {
      FwHistoryVersion *other = g_ptr_array_index (all, i);
      g_autofree char *title = fw_history_row_title (other);
      /* Translators: another version of the model: "With Version 2". */
      g_autofree char *label = g_strdup_printf (_ ("With %s"), title);
      g_autoptr (GMenuItem) item = NULL;

      if (other->id == self->version->id)
        continue;
      item = g_menu_item_new (label, NULL);
      g_menu_item_set_action_and_target (item, "version.compare", "x", other->id);
      g_menu_append_item (menu, item);
    }
  return G_MENU_MODEL (menu);
}

static GMenuModel *
create_menu (FwHistoryRow *self)
{
  GMenu *menu = g_menu_new ();

  g_menu_append (menu, _ ("_Save…"), "version.save");
  g_menu_append (menu, _ ("_Export…"), "version.export");
  if (self->version->number == 0)
    g_menu_append (menu, _ ("_Keep a Copy"), "version.keep-copy");
  else
    g_menu_append (menu, _ ("_Delete"), "version.delete");
  return G_MENU_MODEL (menu);
}

static void
describe_row (FwHistoryRow *self, const char *title)
{
  g_autofree char *name
      = g_strdup_printf ("%s. %s%s. %s", title, self->version->is_in_use ? _ ("In Use. ") : "",
                         gtk_label_get_text (self->facts), gtk_label_get_text (self->date));

  gtk_accessible_update_property (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_PROPERTY_LABEL, name, -1);
}

void
fw_history_row_set_version (FwHistoryRow *self, FwHistoryVersion *version, GPtrArray *all)
{
  GtkWidget *widget = GTK_WIDGET (self);
  g_autofree char *title = NULL;
  g_autofree char *facts = NULL;
  g_autofree char *date = NULL;
  g_autoptr (GMenuModel) compare_menu = NULL;
  g_autoptr (GMenuModel) menu = NULL;

  g_return_if_fail (FW_IS_HISTORY_ROW (self));

  fw_history_version_ref (version);
  g_clear_pointer (&self->version, fw_history_version_unref);
  self->version = version;
  title = fw_history_row_title (version);
  facts = describe_facts (version);
  date = fw_when_describe (version->created, g_get_real_time () / G_USEC_PER_SEC);
  gtk_label_set_text (self->title, title);
  gtk_label_set_text (self->facts, facts);
  gtk_label_set_text (self->date, date);
  gtk_label_set_text (self->note, version->note != NULL ? version->note : "");
  gtk_widget_set_visible (GTK_WIDGET (self->note), version->note != NULL);
  self->filling = TRUE;
  gtk_editable_set_text (GTK_EDITABLE (self->note_entry),
                         version->note != NULL ? version->note : "");
  self->filling = FALSE;
  self->is_edited = FALSE;
  gtk_widget_set_visible (self->star, version->is_recommended);
  gtk_widget_set_visible (self->in_use, version->is_in_use);
  gtk_widget_set_visible (self->use_button, !version->is_in_use);
  show_picture (self);

  compare_menu = create_compare_menu (self, all);
  menu = create_menu (self);
  gtk_menu_button_set_menu_model (self->compare_button, compare_menu);
  gtk_widget_set_visible (GTK_WIDGET (self->compare_button), all->len > 1);
  gtk_menu_button_set_menu_model (self->menu_button, menu);
  gtk_widget_action_set_enabled (widget, "version.use", !version->is_in_use);
  gtk_widget_action_set_enabled (widget, "version.delete",
                                 version->number > 0 && !version->is_in_use);
  describe_row (self, title);
}

FwHistoryVersion *
fw_history_row_get_version (FwHistoryRow *self)
{
  g_return_val_if_fail (FW_IS_HISTORY_ROW (self), NULL);

  return self->version;
}

gint64
fw_history_row_get_other (FwHistoryRow *self)
{
  g_return_val_if_fail (FW_IS_HISTORY_ROW (self), 0);

  return self->other;
}

const char *
fw_history_row_get_note (FwHistoryRow *self)
{
  g_return_val_if_fail (FW_IS_HISTORY_ROW (self), "");

  return gtk_editable_get_text (GTK_EDITABLE (self->note_entry));
}

gboolean
fw_history_row_get_open (FwHistoryRow *self)
{
  g_return_val_if_fail (FW_IS_HISTORY_ROW (self), FALSE);

  return gtk_revealer_get_reveal_child (self->revealer);
}

void
fw_history_row_set_open (FwHistoryRow *self, gboolean open)
{
  g_return_if_fail (FW_IS_HISTORY_ROW (self));

  gtk_revealer_set_reveal_child (self->revealer, open);
  gtk_widget_set_visible (GTK_WIDGET (self->note),
                          self->version != NULL && self->version->note != NULL && !open);
  gtk_image_set_from_icon_name (self->arrow, open ? "pan-up-symbolic" : "pan-down-symbolic");
  gtk_accessible_update_state (GTK_ACCESSIBLE (self), GTK_ACCESSIBLE_STATE_EXPANDED, open, -1);
}

gboolean
fw_history_row_is_edited (FwHistoryRow *self)
{
  g_return_val_if_fail (FW_IS_HISTORY_ROW (self), FALSE);

  return self->is_edited;
}

/* What the user wants. */

static void
on_note_done (FwHistoryRow *self)
{
  if (self->version == NULL || !self->is_edited)
    return;
  self->is_edited = FALSE;
  g_signal_emit (self, signals[ACT], 0, "note");
}

static void
on_note_changed (FwHistoryRow *self)
{
  self->is_edited = !self->filling;
}

static void
on_action (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwHistoryRow *self = FW_HISTORY_ROW (widget);

  if (parameter != NULL)
    self->other = g_variant_get_int64 (parameter);
  g_signal_emit (self, signals[ACT], 0, action + strlen ("version."));
}

static void
on_toggle (GtkWidget *widget, const char *action, GVariant *parameter)
{
  FwHistoryRow *self = FW_HISTORY_ROW (widget);

  fw_history_row_set_open (self, !fw_history_row_get_open (self));
}

/* Dragging out. */

static GdkContentProvider *
on_prepare (FwHistoryRow *self)
{
  g_autoptr (GFile) file = NULL;
  GdkFileList *list;
  GdkContentProvider *content;
  GFile *files[1];

  if (self->version == NULL || self->version->file == NULL)
    return NULL;
  file = g_file_new_for_path (self->version->file);
  files[0] = file;
  list = gdk_file_list_new_from_array (files, 1);
  content = gdk_content_provider_new_typed (GDK_TYPE_FILE_LIST, list);
  g_boxed_free (GDK_TYPE_FILE_LIST, list);
  return content;
}

static void
on_drag_begin (FwHistoryRow *self, GdkDrag *drag, GtkDragSource *source)
{
  GtkIconTheme *theme = gtk_icon_theme_get_for_display (gtk_widget_get_display (GTK_WIDGET (self)));
  g_autoptr (GtkIconPaintable) icon = gtk_icon_theme_lookup_icon (
      theme, "package-x-generic", NULL, 48, gtk_widget_get_scale_factor (GTK_WIDGET (self)),
      gtk_widget_get_direction (GTK_WIDGET (self)), 0);

  gtk_drag_source_set_icon (source, GDK_PAINTABLE (icon), 0, 0);
}

static void
fw_history_row_dispose (GObject *object)
{
  FwHistoryRow *self = FW_HISTORY_ROW (object);

  g_clear_pointer (&self->version, fw_history_version_unref);

  G_OBJECT_CLASS (fw_history_row_parent_class)->dispose (object);
}

static void
fw_history_row_class_init (FwHistoryRowClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->dispose = fw_history_row_dispose;

  signals[ACT] = g_signal_new ("act", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                               NULL, G_TYPE_NONE, 1, G_TYPE_STRING);

  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-history-row.ui");
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, icon);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, picture);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, title);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, star);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, in_use);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, facts);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, date);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, note);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, arrow);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, revealer);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, note_entry);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, use_button);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, compare_button);
  gtk_widget_class_bind_template_child (widget_class, FwHistoryRow, menu_button);
  gtk_widget_class_bind_template_callback (widget_class, on_note_done);
  gtk_widget_class_bind_template_callback (widget_class, on_note_changed);
  gtk_widget_class_install_action (widget_class, "version.use", NULL, on_action);
  gtk_widget_class_install_action (widget_class, "version.save", NULL, on_action);
  gtk_widget_class_install_action (widget_class, "version.export", NULL, on_action);
  gtk_widget_class_install_action (widget_class, "version.keep-copy", NULL, on_action);
  gtk_widget_class_install_action (widget_class, "version.delete", NULL, on_action);
  gtk_widget_class_install_action (widget_class, "version.compare", "x", on_action);
  gtk_widget_class_install_action (widget_class, "version.toggle", NULL, on_toggle);
  gtk_widget_class_add_binding_action (widget_class, GDK_KEY_Delete, 0, "version.delete", NULL);
}

static void
fw_history_row_init (FwHistoryRow *self)
{
  GtkDragSource *drag = gtk_drag_source_new ();
  GtkEventController *focus = gtk_event_controller_focus_new ();

  gtk_widget_init_template (GTK_WIDGET (self));
  fw_history_row_set_open (self, FALSE);
  fw_unseen_hide (GTK_WIDGET (self));

  g_signal_connect_swapped (drag, "prepare", G_CALLBACK (on_prepare), self);
  g_signal_connect_swapped (drag, "drag-begin", G_CALLBACK (on_drag_begin), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (drag));
  g_signal_connect_swapped (focus, "leave", G_CALLBACK (on_note_done), self);
  gtk_widget_add_controller (GTK_WIDGET (self->note_entry), focus);
}

GtkWidget *
fw_history_row_new (void)
{
  return g_object_new (FW_TYPE_HISTORY_ROW, NULL);
}
