/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <stdlib.h>
#include <string.h>

#include "fw-option.h"

const guint fw_widths[FW_N_WIDTHS] = { 32, 16, 8, 7, 6, 5, 4, 3, 2 };

static const char *const suffixes[FW_N_ARITHMETICS] = {
  [FW_ARITHMETIC_FLOAT] = "storage",
  [FW_ARITHMETIC_INT8] = "compute",
  [FW_ARITHMETIC_INT8_DYNAMIC] = "dynamic",
  [FW_ARITHMETIC_BLOCKS] = "blocks",
};

guint
fw_width_find (guint bits)
{
  guint i = 0;

  while (i < FW_N_WIDTHS && fw_widths[i] != bits)
    i++;
  return i;
}

gboolean
fw_option_is_valid (FwOption option)
{
  guint bits = fw_option_get_bits (option), block = fw_option_get_block (option);
  FwArithmetic arithmetic = fw_option_get_arithmetic (option);

  if (fw_width_find (bits) == FW_N_WIDTHS || arithmetic >= FW_N_ARITHMETICS)
    return FALSE;
  if (block != 0 && (block < 16 || block > 256 || (block & (block - 1)) != 0))
    return FALSE;
  if (bits > 8)
    return arithmetic == FW_ARITHMETIC_FLOAT && block == 0;
  switch (arithmetic)
    {
    case FW_ARITHMETIC_INT8:
    case FW_ARITHMETIC_INT8_DYNAMIC:
      return block == 0;
    case FW_ARITHMETIC_BLOCKS:
      return block != 0 && (bits == 4 || bits == 8);
    case FW_ARITHMETIC_FLOAT:
    case FW_N_ARITHMETICS:
      break;
    }
  return TRUE;
}

const char *
fw_option_get_name (FwOption option)
{
  guint bits = fw_option_get_bits (option), block = fw_option_get_block (option);
  const char *suffix;
  g_autofree char *name = NULL;

  g_return_val_if_fail (fw_option_is_valid (option), NULL);

  if (bits > 8)
    return bits == 32 ? "float32" : "float16";
  suffix = suffixes[fw_option_get_arithmetic (option)];
  name = block == 0 ? g_strdup_printf ("int%u-%s", bits, suffix)
                    : g_strdup_printf ("int%u-%s/%u", bits, suffix, block);
  return g_intern_string (name);
}

static gboolean
read_number (const char **text, guint *number)
{
  char *end;

  if (!g_ascii_isdigit (**text) || **text == '0')
    return FALSE;
  *number = MIN (strtoul (*text, &end, 10), G_MAXUINT16);
  *text = end;
  return TRUE;
}

gboolean
fw_option_from_name (const char *name, FwOption *option)
{
  guint bits, block = 0;

  g_return_val_if_fail (option != NULL, FALSE);

  if (g_strcmp0 (name, "float32") == 0 || g_strcmp0 (name, "float16") == 0)
    {
      *option = name[5] == '3' ? FW_OPTION_FLOAT32 : FW_OPTION_FLOAT16;
      return TRUE;
    }
  if (name == NULL || !g_str_has_prefix (name, "int"))
    return FALSE;
  name += strlen ("int");
  if (!read_number (&name, &bits) || bits > 8 || *name++ != '-')
    return FALSE;
  for (guint i = 0; i < FW_N_ARITHMETICS; i++)
    {
      const char *rest = name + strlen (suffixes[i]);

      if (!g_str_has_prefix (name, suffixes[i]))
        continue;
      if (*rest == '/' && (rest++, !read_number (&rest, &block)))
        return FALSE;
      if (*rest != '\0' || !fw_option_is_valid (FW_OPTION (bits, i, block)))
        return FALSE;
      *option = FW_OPTION (bits, i, block);
      return TRUE;
    }
  return FALSE;
}

const char *
fw_option_get_title (FwOption option)
{
  guint bits = fw_option_get_bits (option);
  g_autofree char *title = NULL;

  g_return_val_if_fail (fw_option_is_valid (option), NULL);

  if (bits == 32)
    return _ ("As it was");
  switch (fw_option_get_arithmetic (option))
    {
    case FW_ARITHMETIC_INT8:
      if (bits == 8)
        return _ ("8-bit weights and arithmetic");
      /* Translators: %u is a number of bits below 8. */
      title = g_strdup_printf (_ ("%u-bit weights, 8-bit arithmetic"), bits);
      break;
    case FW_ARITHMETIC_INT8_DYNAMIC:
      title = g_strdup_printf (_ ("%u-bit weights, 8-bit arithmetic that adapts"), bits);
      break;
    case FW_ARITHMETIC_BLOCKS:
      title = g_strdup_printf (_ ("%u-bit weights in blocks, in memory too"), bits);
      break;
    case FW_ARITHMETIC_FLOAT:
    case FW_N_ARITHMETICS:
      title = g_strdup_printf (_ ("%u-bit weights"), bits);
      break;
    }
  return g_intern_string (title);
}
