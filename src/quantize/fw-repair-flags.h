/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-repair-flags.h: what is done so that stored weights answer like the original's. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FW_REPAIR_BIAS = 1 << 0,     /* analytic bias correction */
  FW_REPAIR_GPTQ = 1 << 1,     /* rounding errors made good in later columns */
  FW_REPAIR_DESCENT = 1 << 2,  /* coordinate descent on the rounding */
  FW_REPAIR_CROSS = 1 << 3,    /* weights refitted to inputs that are quantized already */
  FW_REPAIR_CLIP = 1 << 4,     /* the largest weights clipped where that is better */
  FW_REPAIR_SMOOTH = 1 << 5,   /* outliers of activations moved into weights */
  FW_REPAIR_EQUALIZE = 1 << 6, /* channels made alike across layers */
} FwRepairFlags;

#define FW_REPAIR_NONE ((FwRepairFlags) 0)
#define FW_REPAIR_ALL ((FwRepairFlags) 0x7f)

/* "bias-correction", "gptq", "coordinate-descent", "cross-term", "clipping", "smoothing",
 * "equalization": programs rely on them. FALSE for other names. */
gboolean fw_repair_from_name (const char *name, FwRepairFlags *flag);

G_END_DECLS
