/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-care.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"

static gboolean
read_names (const char *names, FwRepairFlags *flags, GError **error)
{
  g_auto (GStrv) list = g_strsplit (names, ",", -1);

  *flags = FW_REPAIR_NONE;
  for (guint i = 0; list[i] != NULL; i++)
    {
      const char *name = g_strstrip (list[i]);
      FwRepairFlags flag;

      if (!fw_repair_from_name (name, &flag))
        {
          g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no repair “%s”."), name);
          return FALSE;
        }
      *flags |= flag;
    }
  return TRUE;
}

gboolean
fw_care_read_repairs (const FwJob *job, FwRepairFlags *flags, GError **error)
{
  FwRepairFlags named = FW_REPAIR_NONE;

  if (job->only != NULL)
    {
      *flags = FW_REPAIR_NONE;
      return strcmp (job->only, "none") == 0 || read_names (job->only, flags, error);
    }
  if (job->without != NULL && !read_names (job->without, &named, error))
    return FALSE;
  *flags = FW_REPAIR_ALL & ~named;
  return TRUE;
}
