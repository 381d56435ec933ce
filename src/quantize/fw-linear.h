/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-linear.h: symmetric matrices taken apart.
 *
 * A matrix of size n lies in rows of "stride" floats; what is beyond the n-th is 0 or ignored.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A stride for size @n: a multiple of FW_LINEAR_WIDTH that keeps rows from falling on the same
 * lines of the cache. */
gsize fw_linear_get_stride (gsize n);

typedef struct
{
  gsize n, stride;
  float *upper;    /* U: ones on the diagonal */
  float *lower;    /* its transpose */
  float *diagonal; /* D, all > 0 */
} FwFactor;

/* H = U D Uᵀ. @matrix: symmetric, only its lower half is read; @stride: a multiple of
 * FW_LINEAR_WIDTH. A pivot at or below @least (> 0), as of a matrix that is not positive definite,
 * becomes @least and its column of U is 0. */
void fw_factor_init (FwFactor *self, const float *matrix, gsize n, gsize stride, float least);
void fw_factor_clear (FwFactor *self);

/* Solves H X = B in place: @values is B and becomes X, n rows of @width floats, a multiple of
 * FW_LINEAR_WIDTH. */
void fw_factor_solve (const FwFactor *self, float *values, gsize width);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FwFactor, fw_factor_clear)

G_END_DECLS
