/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-task.h"

#define MAX_NAMED 4

static gboolean
is_channels (gint64 dim)
{
  return dim == 1 || dim == 3;
}

static gboolean
is_picture (const FwValueInfo *info)
{
  if (!info->is_tensor || info->n_dims != 4)
    return FALSE;
  if (info->type != FW_ELEMENT_FLOAT && info->type != FW_ELEMENT_FLOAT16
      && info->type != FW_ELEMENT_UINT8)
    return FALSE;
  return is_channels (info->dims[1]) || is_channels (info->dims[3]);
}

/* One score for each of some classes: every dimension but the first and one other is 1. A lone
 * dimension has to say its size, as it may as well be a list of pictures. */
static gboolean
is_scores (const FwValueInfo *info, guint *n_classes)
{
  gint64 classes = 1;
  guint n_open = 0;

  if (!info->is_tensor
      || (info->type != FW_ELEMENT_FLOAT && info->type != FW_ELEMENT_FLOAT16
          && info->type != FW_ELEMENT_DOUBLE))
    return FALSE;

  for (guint i = 0; i < info->n_dims; i++)
    {
      gint64 dim = info->dims[i];

      if (i == 0 && info->n_dims > 1)
        {
          if (dim != 1 && dim != -1)
            return FALSE;
          continue;
        }
      if (dim == 1)
        continue;
      n_open++;
      classes = dim;
    }

  /* A rank of 0 is also how an unknown shape looks. */
  if (info->n_dims == 0)
    classes = -1;
  else if (n_open != 1 || (info->n_dims == 1 && classes == -1))
    return FALSE;
  if (classes == 0 || classes > G_MAXINT)
    return FALSE;

  *n_classes = classes > 0 ? (guint) classes : 0;
  return TRUE;
}

static gboolean
find_scores (FwSession *session, FwTaskInfo *info)
{
  gboolean has_shapeless = FALSE;

  for (guint i = 0; i < fw_session_get_n_outputs (session); i++)
    {
      const FwValueInfo *output = fw_session_get_output (session, i);
      guint n_classes;

      if (!is_scores (output, &n_classes))
        continue;
      if (output->n_dims > 0)
        {
          info->output = i;
          info->n_classes = n_classes;
          return TRUE;
        }
      if (!has_shapeless)
        info->output = i;
      has_shapeless = TRUE;
    }
  return has_shapeless;
}

static void
fail_several_inputs (FwSession *session, GError **error)
{
  guint n = fw_session_get_n_inputs (session);
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < MIN (n, MAX_NAMED); i++)
    g_string_append_printf (names, "%s“%.40s”", i > 0 ? ", " : "",
                            fw_session_get_input (session, i)->name);
  if (n > MAX_NAMED)
    g_string_append (names, ", …");
  {
    /* A name may have been cut in the middle of a character. */
    g_autofree char *valid = g_utf8_make_valid (names->str, -1);

    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                 _ ("The model takes %u inputs (%s), and samples can fill only one."), n, valid);
  }
}

gboolean
fw_task_guess (FwSession *session, FwTaskInfo *info, GError **error)
{
  const FwValueInfo *input;

  *info = (FwTaskInfo){ .task = FW_TASK_UNKNOWN };

  if (fw_session_get_n_inputs (session) == 0)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("The model takes no input, so there is nothing to try it with."));
      return FALSE;
    }
  if (fw_session_get_n_inputs (session) > 1)
    {
      fail_several_inputs (session, error);
      return FALSE;
    }

  input = fw_session_get_input (session, 0);
  if (!is_picture (input))
    return TRUE;
  if (input->dims[0] != 1 && input->dims[0] != -1)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                   _ ("The model takes exactly %" G_GINT64_FORMAT " pictures at once."),
                   input->dims[0]);
      return FALSE;
    }
  if (find_scores (session, info))
    info->task = FW_TASK_CLASSIFY_PICTURES;
  return TRUE;
}

const char *
fw_task_get_name (FwTask task)
{
  switch (task)
    {
    case FW_TASK_CLASSIFY_PICTURES:
      return "classify-pictures";
    default:
      return "unknown";
    }
}

char *
fw_task_describe (const FwTaskInfo *info)
{
  if (info->task != FW_TASK_CLASSIFY_PICTURES)
    return g_strdup (_ ("What this model does could not be told from its inputs and outputs."));
  if (info->n_classes == 0)
    return g_strdup (_ ("Recognizes what a picture shows."));
  return g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "Recognizes whether a picture shows %u thing.",
                   "Recognizes which of %u things a picture shows.", info->n_classes),
      info->n_classes);
}
