/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-onnx-check.h: the three services of libonnx, for C.
 *
 * Each works on a copy of the model without its large tensors (they become typed inputs for as long
 * as libonnx looks), so that a large model costs no memory here; they are put back afterwards.
 * Models newer than the installed libonnx knows fail here and may still be fine: ONNX Runtime has
 * the last word. No C++ exception leaves this file.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

/* libonnx's checker. Errors: UNSUPPORTED_MODEL with libonnx's words. */
gboolean fw_onnx_check (FwModel *model, GError **error);

/* A copy of @model with value_info filled in as far as libonnx can tell. */
FwModel *fw_onnx_infer_shapes (FwModel *model, GError **error);

/* A copy of @model converted to @opset of ONNX's own operator set. Inputs, outputs and initializers
 * keep their names; some nodes and the values between them do not. UNSUPPORTED_MODEL where libonnx
 * can't, and for models with subgraphs or sparse initializers, which it would get wrong. */
FwModel *fw_onnx_convert (FwModel *model, gint64 opset, GError **error);

/* The newest opset of ONNX's own domain that the installed libonnx knows. */
gint64 fw_onnx_get_newest_opset (void);

G_END_DECLS
