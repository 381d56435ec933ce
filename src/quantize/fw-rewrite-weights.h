/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite-weights.h: one unit's weights and bias in their smaller forms. */

#pragma once

#include "fw-recipe.h"
#include "fw-unit.h"

G_BEGIN_DECLS

/* What weights of 8 bits and fewer leave behind. Bytes are those of ONNX tensors. */
typedef struct
{
  guint bits, block;
  gsize n_blocks;   /* of a channel */
  GBytes *codes;    /* int8, in the order of the original */
  GBytes *scales;   /* float32 [channels, n_blocks]: a weight is its code times its scale; float16
                     * is enough for them unless they are very small */
  GBytes *bias;     /* float32 [channels], corrected; NULL where there is none and none is added */
  GBytes *bias_int; /* int32 [channels], for static int8 arithmetic; NULL where bias is */
  GBytes *bias_scale; /* float32 [channels], of bias_int */
} FwCodedWeights;

typedef struct _FwUnitWeights FwUnitWeights;

/* @model must hold the unit's initializers and outlive it. */
FwUnitWeights *fw_unit_weights_new (FwModel *model, const FwUnit *unit, guint threads);
void fw_unit_weights_free (FwUnitWeights *self);

GBytes *fw_unit_weights_get_float16 (FwUnitWeights *self);

/* The weights in the bits and blocks of @option, rounded as @recipe says, or plainly where it says
 * nothing. @input_scale: of the rounded activation, for static int8 arithmetic (scales are raised
 * where the int32 bias would overflow); 0 for all else. Errors: BAD_RECIPE where a rounding is not
 * one of these weights. */
FwCodedWeights *fw_unit_weights_get_coded (FwUnitWeights *self,
                                           FwRecipe *recipe,
                                           FwOption option,
                                           float input_scale,
                                           GError **error);
void fw_coded_weights_free (FwCodedWeights *self);

/* The weights as floats, in the order of the original. */
float *fw_unit_weights_widen (FwUnitWeights *self, const FwCodedWeights *coded);
float *fw_unit_weights_widen_float16 (FwUnitWeights *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwCodedWeights, fw_coded_weights_free)

G_END_DECLS
