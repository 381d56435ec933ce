/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-unit.h: the parts of a model that are decided on one by one.
 *
 * A unit is a stored tensor of floats and the operators of the main graph that use it, whatever
 * they do: it can be stored in fewer bits where it is only numbers to them. Where ONNX Runtime has
 * a kernel, the operator can calculate with fewer bits, too. A tensor that several operators share
 * is one unit. Order: that of the first operator in the graph.
 *
 * Left alone are: biases, which take up what rounding does elsewhere; short lists of numbers;
 * tensors that are a graph's output or are used inside control flow, by operators of other domains
 * or by model-local functions; and what belongs to numbers that are quantized already.
 */

#pragma once

#include "fw-graph-index.h"
#include "fw-option.h"
#include "fw-weights.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;    /* of the first operator, or made from it; unique in the model */
  char *op_type; /* of the first operator: "Conv", "MatMul", "Gather" ... */
  char *weight;  /* the initializer */
  char *bias;    /* the initializer [channels], or NULL */
  char *input;   /* the activation that is multiplied with the weight; "" where there is none */
  guint node;    /* position of the first operator in the prepared graph */
  guint n_nodes; /* operators that share the weight */
  guint weight_input; /* of the first operator: the input that the weight is */
  guint bias_node;    /* whose input the bias is, or would be: the operator, or an Add behind it */
  guint bias_input;
  guint channel_axis;   /* of the weight's dims: one scale for each index on it */
  guint n_channel_axes; /* 1; or how many axes, up to that one, channels run over; 0: one channel */
  FwWeightShape shape;
  gsize groups; /* of a Conv; 1 for others */
  guint64 n_weights;
  gboolean is_depthwise;
  gboolean can_correct; /* the bias can take a correction (or one can be added) */
  gboolean can[FW_N_ARITHMETICS];
  const char *why_not; /* why not int8 arithmetic, a translated phrase; NULL where it can */
} FwUnit;

/* Whether the unit's weights can be stored, and its operators run, as @option says. */
gboolean fw_unit_can (const FwUnit *self, FwOption option);

/* The units of a prepared model; empty where there are none. */
GPtrArray *fw_units_find (FwModel *prepared);

/* Fewer weights are not looked at: there is nothing in them to save. */
#define FW_UNIT_MIN_WEIGHTS 4 /* of layers */
#define FW_UNIT_MIN_OTHERS 64 /* of other operators */
#define FW_UNIT_MIN_LIST 4096 /* of those, where all are along one axis */

G_END_DECLS
