/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "fw-task.h"

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
is_shaped_like (const FwValueInfo *output, const FwValueInfo *input)
{
  if (output->n_dims != input->n_dims)
    return FALSE;
  for (guint i = 1; i < output->n_dims; i++)
    if (output->dims[i] != input->dims[i])
      return FALSE;
  return TRUE;
}

/* What comes out as it went in, such as a cleaner sound or a state, is no list of scores. */
static gboolean
is_like_an_input (const FwValueInfo *output, FwSession *session)
{
  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    if (is_shaped_like (output, fw_session_get_input (session, i)))
      return TRUE;
  return FALSE;
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
          if (is_like_an_input (output, session))
            continue;
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

/* The number of a class by itself, with nothing beside it but what is no tensor. */
static gboolean
find_class (FwSession *session, FwTaskInfo *info)
{
  guint n_tensors = 0;
  gboolean found = FALSE;

  for (guint i = 0; i < fw_session_get_n_outputs (session); i++)
    {
      const FwValueInfo *output = fw_session_get_output (session, i);

      if (!output->is_tensor)
        continue;
      n_tensors++;
      if ((output->type != FW_ELEMENT_INT64 && output->type != FW_ELEMENT_INT32)
          || output->n_dims == 0 || output->n_dims > 2
          || (output->dims[0] != 1 && output->dims[0] != -1)
          || (output->n_dims == 2 && output->dims[1] != 1))
        continue;
      info->output = i;
      found = TRUE;
    }
  return found && n_tensors == 1;
}

static gboolean
find_numbers (FwSession *session, FwTaskInfo *info)
{
  for (guint i = 0; i < fw_session_get_n_outputs (session); i++)
    {
      const FwValueInfo *output = fw_session_get_output (session, i);

      if (!output->is_tensor || output->type == FW_ELEMENT_STRING)
        continue;
      info->output = i;
      return TRUE;
    }
  return FALSE;
}

gboolean
fw_task_guess (FwSession *session, FwTaskInfo *info, GError **error)
{
  g_autoptr (FwInputs) inputs = fw_inputs_new (session, error);

  *info = (FwTaskInfo){ .task = FW_TASK_UNKNOWN };
  if (inputs == NULL)
    return FALSE;
  info->input = inputs->main;
  info->is_pictures = inputs->picture >= 0;
  if (find_scores (session, info) || find_class (session, info))
    info->task = info->is_pictures ? FW_TASK_CLASSIFY_PICTURES : FW_TASK_CLASSIFY;
  else if (find_numbers (session, info))
    info->task = FW_TASK_GENERAL;
  return TRUE;
}

gboolean
fw_task_is_classification (const FwTaskInfo *info)
{
  return info->task == FW_TASK_CLASSIFY_PICTURES || info->task == FW_TASK_CLASSIFY;
}

const char *
fw_task_get_name (FwTask task)
{
  switch (task)
    {
    case FW_TASK_CLASSIFY_PICTURES:
      return "classify-pictures";
    case FW_TASK_CLASSIFY:
      return "classify";
    case FW_TASK_GENERAL:
      return "general";
    case FW_TASK_UNKNOWN:
    default:
      return "unknown";
    }
}

static char *
describe_classes (const FwTaskInfo *info)
{
  if (info->task == FW_TASK_CLASSIFY_PICTURES && info->n_classes == 0)
    return g_strdup (_ ("Recognizes what a picture shows."));
  if (info->task == FW_TASK_CLASSIFY_PICTURES)
    return g_strdup_printf (
        g_dngettext (GETTEXT_PACKAGE, "Recognizes whether a picture shows %u thing.",
                     "Recognizes which of %u things a picture shows.", info->n_classes),
        info->n_classes);
  if (info->n_classes == 0)
    return g_strdup (_ ("Recognizes of which kind something is."));
  return g_strdup_printf (
      g_dngettext (GETTEXT_PACKAGE, "Recognizes whether something is of %u kind.",
                   "Recognizes of which of %u kinds something is.", info->n_classes),
      info->n_classes);
}

char *
fw_task_describe (const FwTaskInfo *info)
{
  if (fw_task_is_classification (info))
    return describe_classes (info);
  if (info->task != FW_TASK_GENERAL)
    return g_strdup (_ ("What this model does could not be told from its inputs and outputs."));
  if (info->is_pictures)
    return g_strdup (_ ("Makes something of a picture, such as another picture, regions or the "
                        "places of things."));
  return g_strdup (_ ("Makes numbers of numbers, such as values of a measurement, sound or text."));
}
