/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-scaling.h: channels made larger or smaller on their way from one layer to the next.
 *
 * Where a value is made by a layer or a normalization, with nothing but a Relu or LeakyRelu in
 * between, and used by layers with stored weights alone, each of its channels can be divided by a
 * number if the weights that meet it are multiplied by that. Numbers are powers of two, so that the
 * answers stay what they were, to the bit. What changes is what rounding does: one scale for all
 * channels of an activation, or for all inputs of a weight, then fits them better (equalization: M.
 * Nagel et al. 2019; smoothing: G. Xiao et al. 2023).
 */

#pragma once

#include "fw-recipe.h"
#include "fw-model.h"

G_BEGIN_DECLS

typedef struct
{
  char *value;
  gsize n_channels;
  gboolean is_last;       /* channels are the last axis; else the second one */
  gboolean is_normalized; /* made by a normalization */
  float *largest;         /* [n_channels]: of the weights that meet the channel, by size */
} FwScalable;

/* All values of a prepared model that can be scaled, in order of their first use. */
GPtrArray *fw_scaling_find (FwModel *prepared);

/* @prepared with the scalings of @recipe, or itself where there are none. Errors: BAD_RECIPE where
 * they don't fit. */
FwModel *fw_scaling_apply (FwModel *prepared, FwRecipe *recipe, GError **error);

G_END_DECLS
