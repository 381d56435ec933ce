/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite.h: the prepared model, rewritten as a recipe says.
 *
 * float16: the initializer is replaced by a half-precision one and a Cast. 8 bits: by int8, Cast
 * and Mul by a scale for each channel or block. 7 to 2 bits: by bytes that Cast, Gather and Add
 * make codes of (fw-packed.h), one list for all units of a width. ONNX Runtime does all of it when
 * it loads the model, which then runs as fast as the original.
 *
 * Static int8 arithmetic: DequantizeLinear on weights (int8 from any number of bits, per channel,
 * zero point 0), bias (int32) and input (uint8), and QuantizeLinear on the output, with the
 * operators between such layers in the same dress, which ONNX Runtime fuses into integer kernels.
 * Dynamic: DynamicQuantizeLinear, MatMulInteger, Cast and Mul, which it fuses too. Blocks:
 * com.microsoft.MatMulNBits.
 *
 * What ONNX Runtime's level 1 would do by itself is kept from happening: it quantizes the weights
 * of a float Conv or Gemm that stands between a DequantizeLinear and a QuantizeLinear, with one
 * scale for all channels. A LeakyRelu of slope 1 behind such an operator (which fuses into it and
 * changes nothing) keeps it as it is.
 */

#pragma once

#include "fw-recipe.h"
#include "fw-unit.h"

G_BEGIN_DECLS

typedef struct _FwRewriter FwRewriter;

/* Holds on to @prepared and @units (of fw_units_find()), and remembers what it has worked out, so
 * that the next recipe is quicker. */
FwRewriter *fw_rewriter_new (FwModel *prepared, GPtrArray *units, guint threads);
void fw_rewriter_free (FwRewriter *self);
FwModel *fw_rewriter_get_prepared (FwRewriter *self);

/* Errors: BAD_RECIPE where a unit can't have its option or a range is missing. */
FwModel *fw_rewriter_build (FwRewriter *self, FwRecipe *recipe, GError **error);

/* The same as it is to be saved: small models lose the names of what is inside, and all else that
 * they don't need to be run. */
FwModel *fw_rewriter_build_file (FwRewriter *self, FwRecipe *recipe, GError **error);

/* Whether unit @unit can have @option with what @recipe knows: a value that was not a number on
 * some sample has no range, and int8 arithmetic needs one. */
gboolean fw_rewriter_can (FwRewriter *self, FwRecipe *recipe, guint unit, FwOption option);

/* Unit @unit's weights (in the initializer's order) and corrected bias (NULL where there is none
 * and none is added) as floats, just as the file rewritten with @option will calculate with them.
 * The unit's option in @recipe does not count. Free both with g_free (); @bias may be NULL. Errors:
 * BAD_RECIPE. */
gboolean fw_rewriter_simulate (FwRewriter *self,
                               FwRecipe *recipe,
                               guint unit,
                               FwOption option,
                               float **weights,
                               float **bias,
                               GError **error);

/* The same where the unit's input is rounded to another range than its own, as behind a Concat
 * whose range all its inputs share. */
gboolean fw_rewriter_simulate_on (FwRewriter *self,
                                  FwRecipe *recipe,
                                  guint unit,
                                  FwOption option,
                                  const FwRange *input,
                                  float **weights,
                                  float **bias,
                                  GError **error);

/* The values whose ranges and the inputs whose means a recipe may need: a NULL-terminated set. */
char **fw_rewriter_list_values (FwRewriter *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwRewriter, fw_rewriter_free)

G_END_DECLS
