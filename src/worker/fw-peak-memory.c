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

JsonObject *
fw_peak_memory_run (const char *model,
                    const char *probe,
                    guint threads,
                    GCancellable *cancellable,
                    GError **error)
{
  FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) tensor = NULL;
  const char *input_names[1];
  JsonObject *result;

  if (probe == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("There is nothing to run the model on."));
      return NULL;
    }
  session = fw_session_new (model, &options, error);
  if (session == NULL)
    return NULL;
  tensor = fw_tensor_load_npy (probe, error);
  if (tensor == NULL)
    return NULL;
  input_names[0] = fw_session_get_input (session, 0)->name;

  for (guint i = 0; i < RUNS; i++)
    {
      g_autoptr (GPtrArray) outputs
          = fw_session_run (session, input_names, &tensor, 1, NULL, cancellable, error);

      if (outputs == NULL)
        return NULL;
    }

  result = json_object_new ();
  json_object_set_int_member (result, "peak_rss_bytes", (gint64) fw_peak_memory_of_self ());
  return result;
}
