/* SPDX-License-Identifier: GPL-3.0-or-later */

/* small-network.h: a picture classifier of five weighted layers, with all that is typical: a
 * depthwise Conv, Relu and Clip, a residual sum, pooling, Gemm and Softmax. x [1, 3, 16, 16] → y
 * [1, 10]. Weights come from a seed.
 */

#pragma once

#include "fw-calibration.h"
#include "fw-rewrite.h"

G_BEGIN_DECLS

/* Ready for the quantizer: names are "c1", "depthwise", "c2", "c3", "gemm". */
FwModel *small_network_new (int opset);

/* Feeds @n samples of noise, different for each index. */
FwFeed small_network_feed (guint n);
FwTensor *small_network_sample (guint index);

/* A recipe with all ranges and means of the network, calibrated on @n samples. */
FwRecipe *small_network_calibrate (FwModel *model, FwRewriter *rewriter, guint n);

/* y for sample @index; fails the test where it can't be had. */
float *small_network_run (FwModel *model, guint index);

G_END_DECLS
