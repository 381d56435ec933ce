/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-option.h: the ways in which a unit's weights can be kept and its arithmetic done. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* In the order of the path: each is smaller or faster than the one before. */
typedef enum
{
  FW_OPTION_FLOAT32,
  FW_OPTION_FLOAT16,      /* weights stored as float16, widened when the model loads */
  FW_OPTION_INT8_STORAGE, /* weights stored as int8 per channel, widened when the model loads */
  FW_OPTION_INT8_COMPUTE, /* int8 weights, uint8 activations, int8 arithmetic */
  FW_N_OPTIONS
} FwOption;

/* "float32", "float16", "int8-storage", "int8-compute". Static; recipes and programs rely on it. */
const char *fw_option_get_name (FwOption option);
gboolean fw_option_from_name (const char *name, FwOption *option);
/* "8-bit weights and arithmetic": translated. */
const char *fw_option_get_title (FwOption option);

G_END_DECLS
