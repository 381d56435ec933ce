/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-problem-dialog.h"

#include <glib/gi18n-lib.h>

static void
on_response (AdwMessageDialog *dialog, const char *response, gpointer user_data)
{
  const char *details = g_object_get_data (G_OBJECT (dialog), "details");

  if (g_str_equal (response, "copy"))
    gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (dialog)), details);
}

void
fw_problem_dialog_present (GtkWindow *parent,
                           const FwProblem *problem,
                           const char *model,
                           const char *const *samples)
{
  GtkWidget *dialog = adw_message_dialog_new (parent, problem->message, problem->hint);

  adw_message_dialog_add_responses (ADW_MESSAGE_DIALOG (dialog), "copy", _ ("_Copy Details"),
                                    "close", _ ("C_lose"), NULL);
  adw_message_dialog_set_default_response (ADW_MESSAGE_DIALOG (dialog), "close");
  adw_message_dialog_set_close_response (ADW_MESSAGE_DIALOG (dialog), "close");
  g_object_set_data_full (G_OBJECT (dialog), "details",
                          fw_problem_describe (problem, model, samples), g_free);
  g_signal_connect (dialog, "response", G_CALLBACK (on_response), NULL);
  gtk_window_present (GTK_WINDOW (dialog));
}
