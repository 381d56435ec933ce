/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-recipe.h: all that is needed to make the same smaller file again.
 *
 * A JSON object: the original's hash, the versions of the program and of ONNX Runtime, the option
 * of each unit, how its weights are rounded, the ranges of the activations, and the means that bias
 * correction works with. No dates, no paths. The same recipe with the same original and the same
 * versions gives the same bytes.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "fw-option.h"
#include "fw-range.h"

G_BEGIN_DECLS

typedef struct _FwRecipe FwRecipe;

/* @original_sha256: of the original's file. @converted: whether the operator set is to be raised.
 */
FwRecipe *fw_recipe_new (const char *original_sha256, gboolean converted);
/* A copy whose options, roundings and shifts can be set apart; ranges and means are shared. */
FwRecipe *fw_recipe_copy (FwRecipe *self);
void fw_recipe_free (FwRecipe *self);

const char *fw_recipe_get_original (FwRecipe *self);
gboolean fw_recipe_get_converted (FwRecipe *self);

/* FLOAT32 for units that were never set. */
void fw_recipe_set_option (FwRecipe *self, const char *unit, FwOption option);
FwOption fw_recipe_get_option (FwRecipe *self, const char *unit);

void fw_recipe_set_range (FwRecipe *self, const char *value, const FwRange *range);
/* NULL where @value was never seen. */
const FwRange *fw_recipe_get_range (FwRecipe *self, const char *value);

/* The mean of each channel of a value; copied. */
void fw_recipe_set_mean (FwRecipe *self, const char *value, const float *mean, gsize channels);
const float *fw_recipe_get_mean (FwRecipe *self, const char *value, gsize *channels);

/* How unit @unit's weights are rounded where they are stored in @bits (8 to 2) with a scale for
 * each
 * @block weights of a channel (0: all). @scales: float32 [channels, blocks of a channel]. @offsets:
 * gint8, as the weights lie, of FwRounding. Units without are rounded plainly. */
void fw_recipe_set_rounding (FwRecipe *self,
                             const char *unit,
                             guint bits,
                             guint block,
                             GBytes *scales,
                             GBytes *offsets);
/* FALSE where there is none; what is returned belongs to the recipe. */
gboolean fw_recipe_get_rounding (FwRecipe *self,
                                 const char *unit,
                                 guint bits,
                                 guint block,
                                 GBytes **scales,
                                 GBytes **offsets);

/* What is added to the unit's bias after the analytic correction; copied. NULL takes it back. */
void fw_recipe_set_shift (FwRecipe *self, const char *unit, const float *shift, gsize channels);
const float *fw_recipe_get_shift (FwRecipe *self, const char *unit, gsize *channels);

#define FW_RECIPE_MOST_SCALING 8

/* By which power of two each channel of a value is divided before anything is rounded (see
 * fw-scaling.h): 2^-FW_RECIPE_MOST_SCALING to 2^FW_RECIPE_MOST_SCALING; copied. All copies of a
 * recipe share them. */
void
fw_recipe_set_scaling (FwRecipe *self, const char *value, const gint8 *exponents, gsize channels);
/* NULL where @value is as it was. */
const gint8 *fw_recipe_get_scaling (FwRecipe *self, const char *value, gsize *channels);
guint fw_recipe_get_n_scalings (FwRecipe *self);
/* From now on both have those of @other. */
void fw_recipe_share_scalings (FwRecipe *self, FwRecipe *other);

/* Only what the units' options need. */
JsonNode *fw_recipe_to_json (FwRecipe *self);
/* Errors: BAD_RECIPE. Everything is checked: nothing in a recipe can make the rewriter misbehave.
 */
FwRecipe *fw_recipe_from_json (JsonNode *node, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRecipe, fw_recipe_free)

G_END_DECLS
