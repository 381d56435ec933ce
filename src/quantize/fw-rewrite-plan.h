/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite-plan.h: which operators of a model run in int8 when some units do.
 *
 * Values made by an int8 operator leave it quantized ("inside"); values that a float operator makes
 * and an int8 one uses are quantized on the way ("entry"). Operators between int8 units come along
 * where all they need is inside already and an int8 unit waits behind them. A Relu or Clip behind
 * an int8 operator is swallowed where the range of its result does its work. What a Concat puts
 * together gets the range of the whole, so that putting together is copying.
 */

#pragma once

#include "fw-recipe.h"
#include "fw-unit.h"

G_BEGIN_DECLS

typedef struct
{
  guint n_nodes;
  FwUnit **unit;           /* of each node: the unit that computes in int8 there, or NULL */
  gboolean *is_int8;       /* units and the operators that come along */
  gboolean *is_dropped;    /* a Relu or Clip whose work its neighbour's range does */
  gboolean *is_sandwiched; /* a float Conv, Gemm or MaxPool that must be shielded */
  char **result;      /* of each int8 node: the value that leaves it quantized, or NULL; borrowed */
  GHashTable *inside; /* value -> the value whose range it has; both borrowed */
  GHashTable *entries; /* set of values; borrowed */
  /* Channels of zeros that make integer kernels faster (see fw-rewrite-pad.h). */
  gint64 *channels_in, *channels_out; /* of each node: of input and result, with them; 0: as is */
  GHashTable *widened;                /* set of values inside whose shape has changed; borrowed */
  GHashTable *widened_entries;        /* value -> channels to add to the quantized copy */
  /* Values inside that are made with more channels, value -> the number it has: integer
   * convolutions (those with channels_in) read the wide one, all others what is cut from it. */
  GHashTable *sliced;
  GHashTable *wide_names; /* of those: value -> the rewriter's name for the wide one; owned */
} FwRewritePlan;

/* @units: those that compute in int8, by position of their node; the strings of @model are
 * borrowed. */
FwRewritePlan *
fw_rewrite_plan_new (FwModel *model, FwGraphIndex *index, GPtrArray *units, FwRecipe *recipe);
void fw_rewrite_plan_free (FwRewritePlan *self);

/* The value whose range in @recipe is to be taken for @value: its own, or where that was not
 * watched (fw_rewrite_plan_list_values ()) that of what it goes into; NULL where none is known. */
const char *fw_rewrite_plan_find_range (FwModel *model,
                                        FwGraphIndex *index,
                                        FwRecipe *recipe,
                                        const char *value);

/* Appends the values whose ranges a plan may need to @values, in the order of the graph. What an
 * activation or a Concat alone reads is left out: to watch it would cost a run over the memory, and
 * keep ONNX Runtime from fusing the activation. @seen: the set of those that are in @values. */
void fw_rewrite_plan_list_values (FwModel *model,
                                  FwGraphIndex *index,
                                  GHashTable *seen,
                                  GPtrArray *values);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRewritePlan, fw_rewrite_plan_free)

G_END_DECLS
