/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-unseen.h"

#include <adwaita.h>

static void
update (GtkWidget *page)
{
  gtk_accessible_update_state (GTK_ACCESSIBLE (page), GTK_ACCESSIBLE_STATE_HIDDEN,
                               !gtk_widget_get_mapped (page), -1);
}

static gboolean
holds_pages (GtkWidget *widget)
{
  return ADW_IS_LEAFLET (widget) || GTK_IS_STACK (widget) || GTK_IS_REVEALER (widget);
}

void
fw_unseen_hide (GtkWidget *widget)
{
  g_return_if_fail (GTK_IS_WIDGET (widget));

  for (GtkWidget *child = gtk_widget_get_first_child (widget); child != NULL;
       child = gtk_widget_get_next_sibling (child))
    {
      if (holds_pages (widget))
        {
          g_signal_connect_after (child, "map", G_CALLBACK (update), NULL);
          g_signal_connect_after (child, "unmap", G_CALLBACK (update), NULL);
          update (child);
        }
      fw_unseen_hide (child);
    }
}
