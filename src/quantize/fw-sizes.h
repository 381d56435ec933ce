/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sizes.h: how large versions are, without building them.
 *
 * What an option's codes and scales take is counted; what nodes, names and tables take beside them
 * is measured once for each option, by building the model with a few small units changed. Right
 * within a few bytes a unit.
 */

#pragma once

#include "fw-rewrite.h"

G_BEGIN_DECLS

typedef struct _FwSizes FwSizes;

/* @recipe: ranges and means, all units at float32. Holds on to all three. */
FwSizes *fw_sizes_new (FwRewriter *rewriter, GPtrArray *units, FwRecipe *recipe, GError **error);
void fw_sizes_free (FwSizes *self);

/* Bytes of the model with all units at float32. */
guint64 fw_sizes_get_base (FwSizes *self);

/* Bytes that unit @unit takes with @option, all that comes with it included but for static integer
 * arithmetic, which depends on the neighbours. */
double fw_sizes_get (FwSizes *self, guint unit, FwOption option);

/* Fills @overhead[n + 1]: the bytes that come on top where the first 0, 1 ... @n units of @chain
 * compute in static integer arithmetic, with weights of at most @bits. Built for some places, and
 * linear between. */
void
fw_sizes_measure_chain (FwSizes *self, const guint *chain, guint n, guint bits, double *overhead);

/* Bytes that all of @options[units] have in common, such as tables. */
double fw_sizes_get_shared (FwSizes *self, const FwOption *options);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSizes, fw_sizes_free)

G_END_DECLS
