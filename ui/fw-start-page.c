/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-start-page.h"

#include <glib/gi18n-lib.h>

#include "fw-page-header.h"

#define MAX_RECENT 5

struct _FwStartPage
{
  AdwBin parent_instance;

  GtkWidget *open_button;
  GtkButton *resume_button;
  GtkWidget *recent_group;
  GtkListBox *recent_list;
};

G_DEFINE_FINAL_TYPE (FwStartPage, fw_start_page, ADW_TYPE_BIN)

static GtkWidget *
create_row (const char *uri, const char *path)
{
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *folder = g_path_get_dirname (path);
  g_autofree char *shown = g_filename_display_name (folder);
  GtkWidget *row = adw_action_row_new ();
  const char *home = g_get_home_dir ();

  if (g_str_has_prefix (shown, home) && shown[strlen (home)] == '/')
    {
      g_autofree char *absolute = g_steal_pointer (&shown);

      shown = g_strconcat ("~", absolute + strlen (home), NULL);
    }
  adw_preferences_row_set_use_markup (ADW_PREFERENCES_ROW (row), FALSE);
  adw_preferences_row_set_title (ADW_PREFERENCES_ROW (row), name);
  adw_action_row_set_subtitle (ADW_ACTION_ROW (row), shown);
  adw_action_row_set_subtitle_lines (ADW_ACTION_ROW (row), 1);
  adw_action_row_add_suffix (ADW_ACTION_ROW (row),
                             gtk_image_new_from_icon_name ("go-next-symbolic"));
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), TRUE);
  gtk_actionable_set_action_name (GTK_ACTIONABLE (row), "win.open-recent");
  gtk_actionable_set_action_target (GTK_ACTIONABLE (row), "s", uri);
  return row;
}

static int
compare_visits (gconstpointer a, gconstpointer b)
{
  return g_date_time_compare (gtk_recent_info_get_visited ((GtkRecentInfo *) b),
                              gtk_recent_info_get_visited ((GtkRecentInfo *) a));
}

static void
fill_recent (FwStartPage *self)
{
  g_autolist (GtkRecentInfo) items
      = gtk_recent_manager_get_items (gtk_recent_manager_get_default ());
  GtkWidget *child;
  guint n = 0;

  while ((child = gtk_widget_get_first_child (GTK_WIDGET (self->recent_list))) != NULL)
    gtk_list_box_remove (self->recent_list, child);

  items = g_list_sort (items, compare_visits);
  for (GList *item = items; item != NULL && n < MAX_RECENT; item = item->next)
    {
      GtkRecentInfo *info = item->data;
      g_autofree char *path = NULL;

      if (!gtk_recent_info_has_group (info, "Featherweight"))
        continue;
      path = g_filename_from_uri (gtk_recent_info_get_uri (info), NULL, NULL);
      if (path == NULL || !g_file_test (path, G_FILE_TEST_EXISTS))
        continue;
      gtk_list_box_append (self->recent_list, create_row (gtk_recent_info_get_uri (info), path));
      n++;
    }
  gtk_widget_set_visible (self->recent_group, n > 0);
}

static void
fw_start_page_map (GtkWidget *widget)
{
  /* Files may have come and gone since the page was last seen. */
  fill_recent (FW_START_PAGE (widget));

  GTK_WIDGET_CLASS (fw_start_page_parent_class)->map (widget);
}

/* Whoever comes back here has not lost what was begun. */
static void
show_project (FwStartPage *self, GParamSpec *pspec, FwProject *project)
{
  const char *title = fw_project_get_title (project);
  g_autofree char *label = title != NULL ? g_strdup_printf (_ ("Back to “%s”"), title) : NULL;

  gtk_widget_set_visible (GTK_WIDGET (self->resume_button), title != NULL);
  if (label == NULL)
    return;
  gtk_button_set_label (self->resume_button, label);
  gtk_label_set_ellipsize (GTK_LABEL (gtk_button_get_child (self->resume_button)),
                           PANGO_ELLIPSIZE_MIDDLE);
}

void
fw_start_page_set_project (FwStartPage *self, FwProject *project)
{
  g_return_if_fail (FW_IS_START_PAGE (self));

  g_signal_connect_object (project, "notify::title", G_CALLBACK (show_project), self,
                           G_CONNECT_SWAPPED);
  show_project (self, NULL, project);
}

static gboolean
fw_start_page_grab_focus (GtkWidget *widget)
{
  return gtk_widget_grab_focus (FW_START_PAGE (widget)->open_button);
}

static void
fw_start_page_class_init (FwStartPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->map = fw_start_page_map;
  widget_class->grab_focus = fw_start_page_grab_focus;

  g_type_ensure (FW_TYPE_PAGE_HEADER);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-start-page.ui");
  gtk_widget_class_bind_template_child (widget_class, FwStartPage, open_button);
  gtk_widget_class_bind_template_child (widget_class, FwStartPage, resume_button);
  gtk_widget_class_bind_template_child (widget_class, FwStartPage, recent_group);
  gtk_widget_class_bind_template_child (widget_class, FwStartPage, recent_list);
}

static void
fw_start_page_init (FwStartPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_signal_connect_object (gtk_recent_manager_get_default (), "changed", G_CALLBACK (fill_recent),
                           self, G_CONNECT_SWAPPED);
}
