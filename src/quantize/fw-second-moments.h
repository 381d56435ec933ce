/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-second-moments.h: what must be known of a layer's inputs to round its weights well.
 *
 * Over rows x (see fw-columns.h), for each group: the mean of x and the sum of (x - a)(x - a)ᵀ,
 * where a is near the mean, so that nothing is lost where inputs are far from 0. Long rows are cut
 * into blocks of which only the squares on the diagonal are kept: memory is bounded. For inputs
 * that come from layers that are quantized already there is the second input x̂ of the same rows,
 * the moments of x̂ and the cross moments of x and x̂.
 *
 * Rows with a NaN or Inf are left out. One object is fed by one thread at a time and always gives
 * the same bits for the same rows in the same order.
 */

#pragma once

#include "fw-columns.h"

G_BEGIN_DECLS

/* The longest block that is kept whole. */
#define FW_SECOND_MOMENTS_BLOCK 1024

typedef struct _FwSecondMoments FwSecondMoments;

/* The bytes that fw_second_moments_new () would take, G_MAXUINT64 for too many. */
guint64 fw_second_moments_get_size (const FwColumns *columns, gboolean cross);

FwSecondMoments *fw_second_moments_new (const FwColumns *columns, gboolean cross);
void fw_second_moments_free (FwSecondMoments *self);

/* How many rows of one sample to take, so that about @n_values are looked at: 8 to 64. */
gsize fw_second_moments_get_rows (const FwColumns *columns, gsize n_values);

/* Adds up to @most positions of a sample's tensor, and of the same positions of @quantized, which
 * is NULL unless the object has cross moments. Returns how many positions were used. */
gsize fw_second_moments_add (FwSecondMoments *self,
                             const float *values,
                             const float *quantized,
                             const gint64 *dims,
                             gsize n_dims,
                             gsize most,
                             guint64 seed);

const FwColumns *fw_second_moments_get_columns (FwSecondMoments *self);
gboolean fw_second_moments_has_cross (FwSecondMoments *self);
/* Rows of @group that were added. */
guint64 fw_second_moments_get_n (FwSecondMoments *self, gsize group);

/* Blocks of a row; block b is [start, start of b + 1). */
gsize fw_second_moments_get_n_blocks (FwSecondMoments *self);
gsize fw_second_moments_get_start (FwSecondMoments *self, gsize block);
/* Floats from one row of a block's matrix to the next. */
gsize fw_second_moments_get_stride (FwSecondMoments *self);

/* The mean of x (or of x̂) over @group's rows: [length]. Zeros before the first row. */
void
fw_second_moments_get_mean (FwSecondMoments *self, gsize group, gboolean quantized, float *mean);

/* Fills @matrix [size of the block, stride] with the mean of x xᵀ (of x̂ x̂ᵀ where there is a
 * quantized input), about the mean if @centred. Columns beyond the block's size are 0. Zeros before
 * the first row. */
void fw_second_moments_get_block (FwSecondMoments *self,
                                  gsize group,
                                  gsize block,
                                  gboolean centred,
                                  float *matrix);
/* The same of x x̂ᵀ: a row for each element of x. Only where there are cross moments. */
void fw_second_moments_get_cross (FwSecondMoments *self,
                                  gsize group,
                                  gsize block,
                                  gboolean centred,
                                  float *matrix);

/* Takes 0.7 K / (K + n) of what lies beside the diagonal of @matrix (of either function above): n
 * rows say little about how K inputs go together, and a rounding that trusts them does worse on
 * other samples (O. Ledoit and M. Wolf 2004, with the share found by trial). */
void fw_second_moments_shrink (FwSecondMoments *self, gsize group, gsize block, float *matrix);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSecondMoments, fw_second_moments_free)

G_END_DECLS
