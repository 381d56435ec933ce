/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite-pad.h: channels rounded up to what integer kernels like.
 *
 * ONNX Runtime's direct integer convolutions need a multiple of 4 channels in, at least 16 and a
 * multiple of 8 out, and a multiple of 16 where each channel has a kernel of its own; all others go
 * a way that takes two to three times as long. So channels of zeros are added to values that stay
 * within integer arithmetic, where nobody sees them: their weights are 0, on both sides.
 */

#pragma once

#include "fw-rewrite-plan.h"

G_BEGIN_DECLS

/* Fills what @plan says of channels. */
void fw_rewrite_pad_plan (FwRewritePlan *plan, FwModel *model, FwGraphIndex *index);

/* What integer weights consist of: bytes of ONNX tensors, replaced where they get wider. */
typedef struct
{
  GBytes **codes;      /* int8, of the weight's dims */
  GBytes **scales;     /* float32 [channels] */
  GBytes **bias;       /* int32 [channels]; may hold NULL */
  GBytes **bias_scale; /* float32 [channels]; NULL where bias is */
} FwPaddedWeights;

/* Widens @weights, whose dims are @dims, as @plan says for the node @position, and updates @dims.
 * Where that would cost many bytes, codes and @dims stay, and TRUE with @pads[2 * n_dims], as of
 * the operator Pad, tells how they must be widened as the model loads. */
gboolean fw_rewrite_pad_weights (const FwRewritePlan *plan,
                                 guint position,
                                 const FwPaddedWeights *weights,
                                 gint64 *dims,
                                 gsize n_dims,
                                 gint64 *pads);

/* Takes the shapes of widened values out of what @model says of its values. */
void fw_rewrite_pad_forget_shapes (const FwRewritePlan *plan, FwModel *model);

G_END_DECLS
