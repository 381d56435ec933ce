/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-problem-view.h"

#include "fw-application.h"

struct _FwProblemView
{
  AdwBin parent_instance;

  GtkLabel *message_label;
  GtkLabel *hint_label;
  GtkWidget *copied_label;
  char *details;
};

G_DEFINE_FINAL_TYPE (FwProblemView, fw_problem_view, ADW_TYPE_BIN)

void
fw_problem_view_set_problem (FwProblemView *self,
                             const FwProblem *problem,
                             const char *model,
                             const char *const *samples)
{
  g_return_if_fail (FW_IS_PROBLEM_VIEW (self));
  g_return_if_fail (problem != NULL);

  g_free (self->details);
  self->details = fw_problem_describe (problem, model, samples);
  gtk_label_set_label (self->message_label, problem->message);
  gtk_label_set_label (self->hint_label, problem->hint != NULL ? problem->hint : "");
  gtk_widget_set_visible (GTK_WIDGET (self->hint_label), problem->hint != NULL);
  gtk_widget_set_visible (self->copied_label, FALSE);
}

static void
on_copy_clicked (FwProblemView *self)
{
  gdk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self)), self->details);
  gtk_widget_set_visible (self->copied_label, TRUE);
}

static void
fw_problem_view_finalize (GObject *object)
{
  FwProblemView *self = FW_PROBLEM_VIEW (object);

  g_clear_pointer (&self->details, g_free);

  G_OBJECT_CLASS (fw_problem_view_parent_class)->finalize (object);
}

static void
fw_problem_view_class_init (FwProblemViewClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  object_class->finalize = fw_problem_view_finalize;

  gtk_widget_class_set_accessible_role (widget_class, GTK_ACCESSIBLE_ROLE_ALERT);
  gtk_widget_class_set_template_from_resource (widget_class, FW_RESOURCES "/fw-problem-view.ui");
  gtk_widget_class_bind_template_child (widget_class, FwProblemView, message_label);
  gtk_widget_class_bind_template_child (widget_class, FwProblemView, hint_label);
  gtk_widget_class_bind_template_child (widget_class, FwProblemView, copied_label);
  gtk_widget_class_bind_template_callback (widget_class, on_copy_clicked);
}

static void
fw_problem_view_init (FwProblemView *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
}
