/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-withhold.h: large tensors kept back from a model while something else rewrites it.
 *
 * In their place the model gets inputs of their names, types and shapes. Whoever rewrites it can
 * fold and fuse what does not depend on them.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

/* A copy of @model without its largest stored floats, as many of them as it takes for the others
 * to have at most @limit bytes. */
FwModel *fw_model_withhold (FwModel *model, guint64 limit);

/* Puts what fw_model_withhold() took from @model into @rewritten, in the place of its inputs. */
void fw_model_give_back (FwModel *rewritten, FwModel *model);

/* Puts stored numbers in the order in which nodes use them, whatever order they were in. */
void fw_model_sort_initializers (FwModel *self);

G_END_DECLS
