/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-processor.h: what integer arithmetic is like on the processor that a version is for.
 *
 * x86 processors without VNNI multiply unsigned 8-bit activations with signed 8-bit weights and add
 * two such products in 16 bits, which saturate: 255 × 127 × 2 is beyond 32767. With weights of 7
 * bits (-63 to 63) nothing ever saturates, and answers are the same on every processor.
 */

#pragma once

#include "fw-job.h"

G_BEGIN_DECLS

#define FW_PROCESSOR_SAFE_BITS 7

/* Whether the processor of this computer may saturate. */
gboolean fw_processor_saturates (void);

/* Bits of weights in integer arithmetic for @device, at most. */
guint fw_processor_get_compute_bits (FwDevice device);

/* Whether what is timed here says something about @device. */
gboolean fw_processor_is_here (FwDevice device);

G_END_DECLS
