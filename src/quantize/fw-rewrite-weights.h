/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite-weights.h: one unit's weights and bias in their smaller forms, worked out once. */

#pragma once

#include "fw-recipe.h"
#include "fw-unit.h"

G_BEGIN_DECLS

/* What int8 weights leave behind. Bytes are those of ONNX tensors. */
typedef struct
{
  GBytes *weights;  /* int8, in the shape of the original */
  GBytes *scales;   /* float32 [channels] */
  GBytes *bias;     /* float32 [channels], corrected; NULL where there is none and none is added */
  GBytes *bias_int; /* int32 [channels], for int8 compute; NULL where bias is */
  GBytes *bias_scale; /* float32 [channels], of bias_int */
} FwInt8Weights;

typedef struct _FwUnitWeights FwUnitWeights;

/* @model must hold the unit's initializers and outlive it. */
FwUnitWeights *fw_unit_weights_new (FwModel *model, const FwUnit *unit, guint threads);
void fw_unit_weights_free (FwUnitWeights *self);

GBytes *fw_unit_weights_get_float16 (FwUnitWeights *self);

/* For storage. @mean: of each channel of the unit's input, or NULL for no correction. */
FwInt8Weights *fw_unit_weights_get_storage (FwUnitWeights *self, const float *mean, gsize channels);

/* For int8 arithmetic on an input of @input_scale: scales are raised where the int32 bias would
 * overflow. */
FwInt8Weights *fw_unit_weights_get_compute (FwUnitWeights *self,
                                            float input_scale,
                                            const float *mean,
                                            gsize channels);

void fw_int8_weights_free (FwInt8Weights *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwInt8Weights, fw_int8_weights_free)

G_END_DECLS
