/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-prepare.h: a model made ready for the quantizer.
 *
 * Weights that are also listed as inputs are taken off the inputs, the operator set is raised to 13
 * where libonnx can (per-channel scales need it), and ONNX Runtime's basic level folds constants
 * and BatchNorm and drops what does nothing. Only stock operators come out. Each node has a name of
 * its own. The same model and ONNX Runtime always give the same result.
 */

#pragma once

#include "fw-model.h"
#include "fw-session.h"

G_BEGIN_DECLS

/* The operator set that DequantizeLinear needs for one scale per channel. */
#define FW_OPSET_PER_CHANNEL 13

/* @convert: whether to raise the operator set. @folder: for scratch files, which the result maps.
 * Errors: ALREADY_SMALL, NOTHING_TO_SHRINK (no weights in the file), those of sessions. */
FwModel *fw_prepare_model (FwModel *original, gboolean convert, const char *folder, GError **error);

/* The value whose distance between two versions tells the harm: @output itself, or what a final
 * Softmax, Sigmoid or the like makes it of. The name lives as long as @prepared. */
const char *fw_prepare_find_scores (FwModel *prepared, const char *output);

G_END_DECLS
