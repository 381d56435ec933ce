/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-peak-memory.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-session.h"

#define RUNS 3

guint64
fw_peak_memory_of_self (void)
{
  g_autofree char *text = NULL;
  const char *line;

  /* Not getrusage(): its maximum is inherited from the process that started this one. */
  if (!g_file_get_contents ("/proc/self/status", &text, NULL, NULL))
    return 0;
  line = strstr (text, "\nVmHWM:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nVmHWM:"), NULL, 10) * 1024 : 0;
}

char *
fw_peak_memory_get_probe (const char *probe, guint index)
{
  return index == 0 ? g_strdup (probe) : g_strdup_printf ("%s.%u", probe, index);
}

/* One tensor for each input of @session. */
static GPtrArray *
load_probe (FwSession *session, const char *probe, GError **error)
{
  g_autoptr (GPtrArray) row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    {
      g_autofree char *path = fw_peak_memory_get_probe (probe, i);
      FwTensor *tensor = fw_tensor_load_npy (path, error);

      if (tensor == NULL)
        return NULL;
      g_ptr_array_add (row, tensor);
    }
  return g_steal_pointer (&row);
}

JsonObject *
fw_peak_memory_run (const char *model,
                    const char *probe,
                    guint threads,
                    GCancellable *cancellable,
                    GError **error)
{
  FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) row = NULL;
  JsonObject *result;

  if (probe == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("There is nothing to run the model on."));
      return NULL;
    }
  session = fw_session_new (model, &options, error);
  if (session == NULL)
    return NULL;
  row = load_probe (session, probe, error);
  if (row == NULL)
    return NULL;

  for (guint i = 0; i < RUNS; i++)
    {
      g_autoptr (GPtrArray) outputs = fw_session_run (session, NULL, (FwTensor *const *) row->pdata,
                                                      row->len, NULL, cancellable, error);

      if (outputs == NULL)
        return NULL;
    }

  result = json_object_new ();
  json_object_set_int_member (result, "peak_rss_bytes", (gint64) fw_peak_memory_of_self ());
  return result;
}
