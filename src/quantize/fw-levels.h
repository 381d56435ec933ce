/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-levels.h: the codes that a weight of few bits may have.
 *
 * A weight is scale × code, and a code is an int8. Of b bits, 2^b - 1 codes are in use: 0 and as
 * many above as below it, numbered by their index, -(2^(b - 1) - 1) to 2^(b - 1) - 1. With 8 and 7
 * bits the code is the index. With 3 to 6 bits codes lie closer together near 0, where most weights
 * are: those of least squared error for a normal distribution (S. Lloyd 1982, J. Max 1960), on
 * whole numbers. Against equal distances that saves 1 to 2 dB.
 *
 * No code of fewer than 8 bits is beyond ±63: two products with 8-bit activations then fit 16 bits,
 * and the kernels of processors that add them in pairs never saturate.
 */

#pragma once

#include "fw-kernels-linear.h"

G_BEGIN_DECLS

/* The largest index: 2^(bits - 1) - 1. @bits: 2 to 8, here and below. */
int fw_levels_get_largest (guint bits);

/* The code of @index. */
gint8 fw_levels_get_code (guint bits, int index);
/* The index of @code, or of the code nearest to it. */
int fw_levels_get_index (guint bits, int code);
/* The index of the code nearest to @quotient, a weight divided by its scale; 0 for NaN. */
int fw_levels_find (guint bits, float quotient);

/* For the kernels that round. */
const FwGrid *fw_levels_get_grid (guint bits);

G_END_DECLS
