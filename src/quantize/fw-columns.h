/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-columns.h: how an operator sees its input as rows.
 *
 * At each position of its output an operator multiplies every output channel's weights with the
 * same row of its input: of a matrix product a row of the input, of a convolution the values under
 * the kernel (im2col). Rows are laid out as one output channel's weights are (FwWeightShape: outer,
 * then inner). With groups, each group has rows of its own.
 *
 * Known are Conv and ConvTranspose of one to three dimensions, Gemm, MatMul with one stored matrix,
 * what LSTM, GRU and RNN do with their inputs, and Attention. Attributes and shapes may be hostile:
 * what does not fit together has no rows.
 */

#pragma once

#include "fw-unit.h"

G_BEGIN_DECLS

#define FW_COLUMNS_MAX_DIMS 3
/* Longer rows, and more groups, are not looked at. */
#define FW_COLUMNS_MAX_LENGTH (1 << 20)
/* Nor are larger kernels. */
#define FW_COLUMNS_MAX_KERNEL (1 << 16)

typedef enum
{
  FW_COLUMNS_CONV,
  FW_COLUMNS_CONV_TRANSPOSE,
  FW_COLUMNS_ROWS,    /* the last axis of the input is the row */
  FW_COLUMNS_COLUMNS, /* the last but one is */
} FwColumnsKind;

typedef enum
{
  FW_COLUMNS_PAD_GIVEN,
  FW_COLUMNS_PAD_SAME_UPPER,
  FW_COLUMNS_PAD_SAME_LOWER,
} FwColumnsPadding;

typedef struct
{
  FwColumnsKind kind;
  guint input; /* of the node: the one that the rows are taken from */
  gsize groups;
  gsize length; /* of a row of one group: outer * inner of the weights */
  /* Of convolutions. */
  guint n_dims;
  gint64 kernel[FW_COLUMNS_MAX_DIMS], stride[FW_COLUMNS_MAX_DIMS], dilation[FW_COLUMNS_MAX_DIMS];
  gint64 begin[FW_COLUMNS_MAX_DIMS], end[FW_COLUMNS_MAX_DIMS]; /* padding */
  FwColumnsPadding padding;
} FwColumns;

/* Whether @node, whose input @weight_input is a stored tensor of @dims, sees another input of its
 * as rows: FALSE where it doesn't, or where that is not known. */
gboolean fw_columns_init (FwColumns *self,
                          const Onnx__NodeProto *node,
                          guint weight_input,
                          const gint64 *dims,
                          gsize n_dims);

/* The same for @unit's first operator: its weights' shape then fits the rows, which are taken from
 * the unit's input. */
gboolean fw_columns_init_for_unit (FwColumns *self, FwModel *prepared, const FwUnit *unit);

/* Some positions of one sample's tensor. */
typedef struct
{
  const FwColumns *columns;
  gint64 input[FW_COLUMNS_MAX_DIMS]; /* of convolutions: the size of the map */
  gint64 begin[FW_COLUMNS_MAX_DIMS]; /* and of its padding */
  gsize kernel;                      /* elements */
  gsize stride; /* between a channel's values, or a row's, and the next one's */
  gsize n;
  gsize *offsets; /* [n]: where the batch item, or the row, begins */
  gint64 *places; /* [n, kernel], of convolutions: where in a channel's map, -1 for padding */
} FwColumnsPositions;

/* Chooses up to @most positions of a tensor of @dims, spread evenly and shifted by chance; the same
 * for the same @seed. FALSE where the shape doesn't fit or is empty. */
gboolean fw_columns_choose (const FwColumns *self,
                            const gint64 *dims,
                            gsize n_dims,
                            gsize most,
                            guint64 seed,
                            FwColumnsPositions *positions);
void fw_columns_positions_clear (FwColumnsPositions *self);

/* Writes positions @first to @first + @n - 1 as rows of @stride floats, of which the columns'
 * length are set. @values: the tensor. */
void fw_columns_write (const FwColumnsPositions *self,
                       const float *values,
                       gsize group,
                       gsize first,
                       gsize n,
                       float *rows,
                       gsize stride);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (FwColumnsPositions, fw_columns_positions_clear)

G_END_DECLS
