/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rounding-chunk.h: a few output channels rounded side by side, for fw-rounding.c.
 *
 * Arrays are [length, FW_LINEAR_LANES]: a lane is an output channel.
 */

#pragma once

#include "fw-kernels-linear.h"
#include "fw-linear.h"
#include "fw-rounding.h"

G_BEGIN_DECLS

#define FW_ROUNDING_FEW_BITS 4

/* Scales that are looked at, in hundredths of the one that reaches the largest weight. Where codes
 * lie closer together near 0 it may be better if the largest weight is far from the last code. */
static inline int
fw_rounding_get_most_percent (const FwGrid *grid)
{
  return grid->nearest != NULL ? 160 : 100;
}

static inline int
fw_rounding_get_least_percent (guint bits)
{
  return bits <= FW_ROUNDING_FEW_BITS ? 40 : 50;
}

/* What one block of a group's moments gives, before any channel is looked at. */
typedef struct
{
  gsize start, size, stride;
  float *moments;  /* damped; as the columns lie */
  float *right;    /* with cross moments: (C - H)ᵀ, so that ΔWᵀ = (H + μI)⁻¹ right Wᵀ */
  guint *order;    /* of the columns: falling diagonal */
  FwFactor factor; /* of the moments in that order */
  FwFactor refit;  /* of H + μI, with cross moments */
  float damping;
} FwRoundingBlock;

void fw_rounding_block_init (FwRoundingBlock *self,
                             FwSecondMoments *moments,
                             gsize group,
                             gsize index,
                             const FwRoundingOptions *options);
void fw_rounding_block_clear (FwRoundingBlock *self);

typedef struct
{
  gsize length;
  guint bits;
  const FwGrid *grid;
  gsize block; /* columns that share a scale, never 0 */
  gsize n_scales;
  FwRepairFlags repairs;
  const FwRoundingBlock *blocks;
  gsize n_blocks;
  const float *importance; /* [length] */
} FwRoundingJob;

typedef struct
{
  const FwRoundingJob *job;
  guint n;       /* lanes in use */
  float *target; /* the weights, refitted where that is asked for */
  float *codes;
  float *scales;                  /* [n_scales, lanes] */
  double errors[FW_LINEAR_LANES]; /* δ H δᵀ */
} FwRoundingChunk;

void fw_rounding_chunk_init (FwRoundingChunk *self, const FwRoundingJob *job, guint n);
void fw_rounding_chunk_clear (FwRoundingChunk *self);

/* Fills codes, scales and errors from the target, which holds the weights. */
void fw_rounding_chunk_run (FwRoundingChunk *self);

G_END_DECLS
