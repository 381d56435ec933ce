/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-window-private.h"

#include <glib/gi18n-lib.h>

static gboolean
is_model (const char *path)
{
  g_autofree char *lower = g_ascii_strdown (path, -1);

  return g_str_has_suffix (lower, ".onnx") || g_str_has_suffix (lower, ".ort");
}

static gboolean
take_samples (FwWindow *self, GPtrArray *samples)
{
  if (samples->len == 0)
    return FALSE;
  g_ptr_array_add (samples, NULL);
  fw_project_set_samples (self->project, (const char *const *) samples->pdata);
  if (fw_project_get_model (self->project) == NULL)
    fw_window_say (self, _ ("Your samples are noted. Now choose the model that they are for."));
  else
    fw_window_show_page (self, "model");
  return TRUE;
}

void
fw_window_take_files (FwWindow *self, GSList *files)
{
  g_autoptr (GPtrArray) samples = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *model = NULL;
  guint n_models = 0;
  gboolean elsewhere = FALSE;

  g_return_if_fail (FW_IS_WINDOW (self));

  for (GSList *item = files; item != NULL; item = item->next)
    {
      g_autofree char *path = g_file_get_path (item->data);

      if (path == NULL)
        elsewhere = TRUE;
      else if (!is_model (path) || g_file_test (path, G_FILE_TEST_IS_DIR))
        g_ptr_array_add (samples, g_steal_pointer (&path));
      else if (n_models++ == 0)
        model = g_steal_pointer (&path);
    }

  if (n_models > 1)
    {
      fw_window_say (self, _ ("That was more than one model. Drop one at a time."));
      return;
    }
  if (model == NULL && samples->len == 0)
    {
      if (elsewhere)
        fw_window_say (self, _ ("That file is not on this computer. Copy it here first."));
      return;
    }
  self->shrink_when_ready = FALSE;
  /* Together they are for each other: the samples go first, and are read with the model. */
  if (model != NULL)
    fw_project_open_model (self->project, model);
  take_samples (self, samples);
}

static gboolean
on_drop (FwWindow *self, const GValue *value)
{
  if (!G_VALUE_HOLDS (value, GDK_TYPE_FILE_LIST))
    return FALSE;
  gtk_revealer_set_reveal_child (self->drop_hint, FALSE);
  fw_window_take_files (self, g_value_get_boxed (value));
  return TRUE;
}

static GdkDragAction
on_enter (FwWindow *self, double x, double y)
{
  gtk_revealer_set_reveal_child (self->drop_hint, TRUE);
  return GDK_ACTION_COPY;
}

static void
on_leave (FwWindow *self)
{
  gtk_revealer_set_reveal_child (self->drop_hint, FALSE);
}

void
fw_window_init_drop_target (FwWindow *self)
{
  GtkDropTarget *target = gtk_drop_target_new (GDK_TYPE_FILE_LIST, GDK_ACTION_COPY);

  g_signal_connect_swapped (target, "drop", G_CALLBACK (on_drop), self);
  g_signal_connect_swapped (target, "enter", G_CALLBACK (on_enter), self);
  g_signal_connect_swapped (target, "leave", G_CALLBACK (on_leave), self);
  gtk_widget_add_controller (GTK_WIDGET (self), GTK_EVENT_CONTROLLER (target));
}
