/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-application.h"

#include <glib-unix.h>
#include <glib/gi18n-lib.h>

#include "fw-surroundings.h"
#include "fw-window.h"

struct _FwApplication
{
  AdwApplication parent_instance;

  gboolean sample;
};

G_DEFINE_FINAL_TYPE (FwApplication, fw_application, ADW_TYPE_APPLICATION)

static FwWindow *
get_window (FwApplication *self)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (self));

  return FW_IS_WINDOW (window) ? FW_WINDOW (window) : fw_window_new (self);
}

static void
on_about (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  FwApplication *self = user_data;

  adw_show_about_window (
      gtk_application_get_active_window (GTK_APPLICATION (self)), "application-name",
      _ ("Featherweight"), "application-icon", FW_APPLICATION_ID, "developer-name",
      _ ("The Featherweight developers"), "version", PACKAGE_VERSION, "comments",
      _ ("Makes AI models smaller and faster, measured on your own samples and on your own computer. Nothing leaves it."),
      "license-type", GTK_LICENSE_GPL_3_0,
      /* Translators: your names, one a line. */
      "translator-credits", _ ("translator-credits"), NULL);
}

static void
on_quit (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  GList *windows;

  while ((windows = gtk_application_get_windows (user_data)) != NULL)
    gtk_window_destroy (windows->data);
  g_application_quit (user_data);
}

/* Asked to end from outside: jobs stop and previews go, as when the window is closed. */
static gboolean
on_terminated (gpointer user_data)
{
  on_quit (NULL, NULL, user_data);
  return G_SOURCE_REMOVE;
}

static void
on_show_result (GSimpleAction *action, GVariant *parameter, gpointer user_data)
{
  gtk_window_present (GTK_WINDOW (get_window (user_data)));
}

static const GActionEntry actions[] = {
  { "about", on_about },
  { "quit", on_quit },
  { "show-result", on_show_result },
};

static void
fw_application_startup (GApplication *application)
{
  static const struct
  {
    const char *action;
    const char *accels[3];
  } shortcuts[] = {
    { "app.quit", { "<Control>q" } },        { "window.close", { "<Control>w" } },
    { "win.open-model", { "<Control>o" } },  { "win.open-samples", { "<Control><Shift>o" } },
    { "win.back", { "<Alt>Left" } },         { "win.shrink", { "<Control>Return" } },
    { "win.compare", { "<Control>d" } },     { "win.save", { "<Control>s" } },
    { "win.export", { "<Control>e" } },      { "win.history", { "<Control>h" } },
    { "win.cancel", { "<Control>period" } }, { "win.show-help-overlay", { "<Control>question" } },
  };

  G_APPLICATION_CLASS (fw_application_parent_class)->startup (application);

  if (g_strcmp0 (g_getenv ("FEATHERWEIGHT_RTL"), "1") == 0)
    gtk_widget_set_default_direction (GTK_TEXT_DIR_RTL);
  g_unix_signal_add (SIGTERM, on_terminated, application);
  g_unix_signal_add (SIGINT, on_terminated, application);
  gtk_window_set_default_icon_name (FW_APPLICATION_ID);
  g_action_map_add_action_entries (G_ACTION_MAP (application), actions, G_N_ELEMENTS (actions),
                                   application);
  for (gsize i = 0; i < G_N_ELEMENTS (shortcuts); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), shortcuts[i].action,
                                           shortcuts[i].accels);
}

static void
fw_application_activate (GApplication *application)
{
  FwApplication *self = FW_APPLICATION (application);
  FwWindow *window = get_window (self);

  gtk_window_present (GTK_WINDOW (window));
  if (self->sample)
    fw_window_try_sample (window);
  self->sample = FALSE;
}

static void
fw_application_open (GApplication *application, GFile **files, int n_files, const char *hint)
{
  FwWindow *window = get_window (FW_APPLICATION (application));
  GSList *list = NULL;

  for (int i = n_files - 1; i >= 0; i--)
    list = g_slist_prepend (list, files[i]);
  gtk_window_present (GTK_WINDOW (window));
  fw_window_take_files (window, list);
  g_slist_free (list);
}

static int
fw_application_handle_local_options (GApplication *application, GVariantDict *options)
{
  if (g_variant_dict_contains (options, "version"))
    {
      g_print ("featherweight %s\n", PACKAGE_VERSION);
      return 0;
    }
  if (g_variant_dict_contains (options, "sample"))
    FW_APPLICATION (application)->sample = TRUE;
  return -1;
}

static void
fw_application_shutdown (GApplication *application)
{
  G_APPLICATION_CLASS (fw_application_parent_class)->shutdown (application);

  fw_surroundings_clean ();
}

static void
fw_application_class_init (FwApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  application_class->startup = fw_application_startup;
  application_class->activate = fw_application_activate;
  application_class->open = fw_application_open;
  application_class->handle_local_options = fw_application_handle_local_options;
  application_class->shutdown = fw_application_shutdown;
}

static void
fw_application_init (FwApplication *self)
{
  static const GOptionEntry entries[] = {
    { "sample", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Open the sample project"), NULL },
    { "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_ ("Print the version"), NULL },
    { NULL },
  };

  g_application_add_main_option_entries (G_APPLICATION (self), entries);
}

FwApplication *
fw_application_new (void)
{
  return g_object_new (FW_TYPE_APPLICATION, "application-id", FW_APPLICATION_ID, "flags",
                       G_APPLICATION_HANDLES_OPEN, "resource-base-path", FW_RESOURCES, NULL);
}
