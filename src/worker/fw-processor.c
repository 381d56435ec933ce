/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-processor.h"

gboolean
fw_processor_saturates (void)
{
#if defined(__x86_64__) || defined(__i386__)
  return !__builtin_cpu_supports ("avx512vnni") && !__builtin_cpu_supports ("avxvnni");
#else
  return FALSE;
#endif
}

guint
fw_processor_get_compute_bits (FwDevice device)
{
  switch (device)
    {
    case FW_DEVICE_OLDER_COMPUTER:
      return FW_PROCESSOR_SAFE_BITS;
    case FW_DEVICE_PHONE:
      return 8;
    case FW_DEVICE_THIS_COMPUTER:
    default:
      return fw_processor_saturates () ? FW_PROCESSOR_SAFE_BITS : 8;
    }
}

gboolean
fw_processor_is_here (FwDevice device)
{
  return device == FW_DEVICE_THIS_COMPUTER;
}
