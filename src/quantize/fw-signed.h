/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-signed.h: the same integer arithmetic with signed activations, for ARM.
 *
 * ONNX Runtime's kernels for x64 want unsigned activations, those for ARM signed ones. Both stand
 * for the same numbers: a value q with zero point z and a value q − 128 with zero point z − 128 are
 * the same multiple of the scale.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

/* Whether the model rounds activations to 8 bits anywhere; if not, there is nothing to sign. */
gboolean fw_signed_has_activations (FwModel *model);

/* A copy in which every activation that was uint8 is int8. Scales, weights and answers stay, the
 * answers within rounding. Errors: UNSUPPORTED_MODEL where an 8-bit value goes anywhere but into a
 * DequantizeLinear, or where its zero point is not a constant. */
FwModel *fw_signed_new (FwModel *model, GError **error);

G_END_DECLS
