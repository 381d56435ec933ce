/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "fw-option.h"

static const struct
{
  const char *name;
  const char *title;
} options[FW_N_OPTIONS] = {
  [FW_OPTION_FLOAT32] = { "float32", N_ ("As it was") },
  [FW_OPTION_FLOAT16] = { "float16", N_ ("16-bit weights") },
  [FW_OPTION_INT8_STORAGE] = { "int8-storage", N_ ("8-bit weights") },
  [FW_OPTION_INT8_COMPUTE] = { "int8-compute", N_ ("8-bit weights and arithmetic") },
};

const char *
fw_option_get_name (FwOption option)
{
  g_return_val_if_fail ((guint) option < FW_N_OPTIONS, NULL);

  return options[option].name;
}

gboolean
fw_option_from_name (const char *name, FwOption *option)
{
  g_return_val_if_fail (option != NULL, FALSE);

  for (guint i = 0; i < FW_N_OPTIONS; i++)
    if (g_strcmp0 (name, options[i].name) == 0)
      {
        *option = i;
        return TRUE;
      }
  return FALSE;
}

const char *
fw_option_get_title (FwOption option)
{
  g_return_val_if_fail ((guint) option < FW_N_OPTIONS, NULL);

  return _ (options[option].title);
}
