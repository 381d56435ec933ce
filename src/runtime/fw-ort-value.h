/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-ort-value.h: our tensors and values as ONNX Runtime's, and back. */

#pragma once

#include "fw-runtime-private.h"
#include "fw-value.h"

G_BEGIN_DECLS

/* Views of @tensor or @value, which must outlive what is returned. NULL on failure. */
OrtValue *fw_ort_value_new_tensor (const FwRuntime *runtime, FwTensor *tensor, GError **error);
OrtValue *fw_ort_value_new (const FwRuntime *runtime, FwValue *value, GError **error);

/* Take @ort, which the result keeps alive where it can. Data that lies within one of the @inputs
 * of the run is copied: an output may be an input that was passed through. The tensor is NULL
 * without an error for what is not a tensor. */
gboolean fw_ort_value_take_tensor (const FwRuntime *runtime,
                                   OrtValue *ort,
                                   FwTensor *const *inputs,
                                   guint n_inputs,
                                   FwTensor **tensor,
                                   GError **error);
FwValue *fw_ort_value_take (const FwRuntime *runtime, OrtValue *ort, GError **error);

G_END_DECLS
