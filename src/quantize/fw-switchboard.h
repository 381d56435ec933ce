/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-switchboard.h: every version of a model in one loaded session.
 *
 * The prepared model with each unit's weights and bias as inputs, and a gate in the way of each
 * activation that int8 arithmetic may round: open it lets the activation through, shut it rounds it
 * as QuantizeLinear and DequantizeLinear do. Scales and zero points are inputs too. So a version is
 * a set of inputs, and nothing is built or loaded to try it. Runs take 1.3 to 2 times as long as
 * the original's, about as long as those of a freshly loaded float model.
 *
 * The answers are those of the rewritten file but for the order of sums and what integer kernels
 * round on the way: far less than what is rounded on purpose.
 *
 * A setting belongs to one thread at a time; a switchboard may be used by several.
 */

#pragma once

#include "fw-rewrite.h"
#include "fw-session.h"

G_BEGIN_DECLS

typedef struct _FwSwitchboard FwSwitchboard;
typedef struct _FwSwitches FwSwitches;

/* @recipe: the ranges known, all units at float32. @values: NULL-terminated, what runs may be asked
 * for. @gates: whether activations are rounded at all; without gates runs are quicker and options
 * of integer arithmetic can't be set. Errors: UNSUPPORTED_MODEL, OUT_OF_MEMORY (too large, try
 * building files), those of sessions. */
FwSwitchboard *fw_switchboard_new (FwRewriter *rewriter,
                                   GPtrArray *units,
                                   FwRecipe *recipe,
                                   const char *const *values,
                                   gboolean gates,
                                   GError **error);
FwSwitchboard *fw_switchboard_ref (FwSwitchboard *self);
void fw_switchboard_unref (FwSwitchboard *self);

/* What runs, for running parts of it: besides the model's own it has the inputs that
 * fw_switches_get_input () knows. */
FwModel *fw_switchboard_get_model (FwSwitchboard *self);

/* The original: all weights as they were, all gates open. */
FwSwitches *fw_switches_new (FwSwitchboard *board);
/* Tensors are shared. */
FwSwitches *fw_switches_copy (FwSwitches *self);
void fw_switches_free (FwSwitches *self);
void fw_switches_reset (FwSwitches *self);

/* Weights in the initializer's order and the bias [channels]; NULL for what stays as it is. A bias
 * is left out where the unit's operator can't have one. Copied. */
void
fw_switches_set_weights (FwSwitches *self, guint unit, const float *weights, const float *bias);

/* Unit @unit as the rewriter stores it for @option, with the roundings, ranges and means of
 * @recipe, whose options don't count. Gates stay. Remembered by the switchboard while memory lasts,
 * unless the recipe has a rounding or shift of its own for the unit. Not for several threads at
 * once: the rewriter works. */
gboolean fw_switches_set_option (FwSwitches *self,
                                 FwRecipe *recipe,
                                 guint unit,
                                 FwOption option,
                                 GError **error);

/* Everything as @recipe says: weights, biases, ranges, and the gates that its plan
 * (fw-rewrite-plan.h) calls for. Not for several threads at once. Errors: BAD_RECIPE;
 * UNSUPPORTED_MODEL where the plan rounds a value that has no gate. */
gboolean fw_switches_set_recipe (FwSwitches *self, FwRecipe *recipe, GError **error);
/* The gates alone: weights are not touched. */
gboolean fw_switches_set_gates (FwSwitches *self, FwRecipe *recipe, GError **error);

/* What shut gates of @value round to. FALSE where it has no gate. */
gboolean fw_switches_set_range (FwSwitches *self, const char *value, const FwRange *range);

/* What the input @name of the board's model is set to; NULL for the model's own and for others. */
FwTensor *fw_switches_get_input (FwSwitches *self, const char *name);

/* @row: a tensor for each of the model's inputs, in order. @values: NULL-terminated, some of those
 * of fw_switchboard_new (). Returns FwTensors in order, NULL for what is not a tensor. One core is
 * used; several settings may run at once. */
GPtrArray *fw_switches_run (FwSwitches *self,
                            GPtrArray *row,
                            const char *const *values,
                            GCancellable *cancellable,
                            GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSwitchboard, fw_switchboard_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSwitches, fw_switches_free)

G_END_DECLS
