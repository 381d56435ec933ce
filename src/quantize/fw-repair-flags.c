/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-repair-flags.h"

#include <string.h>

static const struct
{
  FwRepairFlags flag;
  const char *name;
} table[] = {
  { FW_REPAIR_BIAS, "bias-correction" },
  { FW_REPAIR_GPTQ, "gptq" },
  { FW_REPAIR_DESCENT, "coordinate-descent" },
  { FW_REPAIR_CROSS, "cross-term" },
  { FW_REPAIR_CLIP, "clipping" },
  { FW_REPAIR_SMOOTH, "smoothing" },
  { FW_REPAIR_EQUALIZE, "equalization" },
};

gboolean
fw_repair_from_name (const char *name, FwRepairFlags *flag)
{
  for (guint i = 0; i < G_N_ELEMENTS (table); i++)
    if (strcmp (table[i].name, name) == 0)
      {
        *flag = table[i].flag;
        return TRUE;
      }
  return FALSE;
}
