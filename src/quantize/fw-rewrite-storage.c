/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-rewrite-private.h"

/* Gemm learned to go without a bias, and so to be given one, in this operator set. */
#define OPSET_GEMM_BIAS 11

static void
store_float16 (FwRewriting *r, guint position)
{
  FwUnit *unit = g_ptr_array_index (r->self->units, position);
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  g_autoptr (GBytes) halves
      = fw_unit_weights_get_float16 (fw_rewriter_get_weights (r->self, position));
  g_autofree char *stored
      = fw_rewriting_make_tensor (r, FW_ELEMENT_FLOAT16, weight->dims, weight->n_dims, halves);
  Onnx__NodeProto *cast = fw_rewriting_new_node ("Cast", unit->weight, stored, NULL, NULL);

  fw_node_set_int (cast, "to", FW_ELEMENT_FLOAT);
  g_ptr_array_add (r->head, cast);
}

void
fw_rewriting_replace_bias (FwRewriting *self, const FwUnit *unit, GBytes *bias)
{
  Onnx__NodeProto *node = fw_model_get_graph (self->model)->node[unit->bias_node];
  Onnx__TensorProto *old
      = unit->bias != NULL ? fw_model_find_initializer (self->self->prepared, unit->bias) : NULL;
  gint64 n = unit->shape.channels;
  g_autofree char *name = NULL;

  if (bias == NULL)
    return;
  if (old == NULL && strcmp (unit->op_type, "Gemm") == 0 && node->n_input < 3
      && fw_model_get_opset (self->model, "") < OPSET_GEMM_BIAS)
    return;
  name = old != NULL
             ? fw_rewriting_make_tensor (self, FW_ELEMENT_FLOAT, old->dims, old->n_dims, bias)
             : fw_rewriting_make_tensor (self, FW_ELEMENT_FLOAT, &n, 1, bias);
  fw_node_set_input (node, unit->bias_input, name);
}

/* One scale for each channel, or for all. */
static void
store_channels (FwRewriting *r, const FwUnit *unit, const FwCodedWeights *coded)
{
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  g_autofree gint64 *dims = g_new (gint64, weight->n_dims + 1);
  g_autofree char *codes = NULL;
  g_autofree char *scales = NULL;
  gsize first = unit->channel_axis + 1 - unit->n_channel_axes;

  codes = fw_rewriting_make_codes (r, coded->bits, coded->codes, weight->dims, weight->n_dims,
                                   FW_ELEMENT_FLOAT);
  /* Leading dims of 1 are not needed: the scale is broadcast from the right. */
  for (gsize i = 0; i < weight->n_dims; i++)
    dims[i] = i >= first && i <= unit->channel_axis ? weight->dims[i] : 1;
  if (unit->n_channel_axes == 0)
    first = weight->n_dims;
  scales
      = fw_rewriting_make_floats (r, r->head, coded->scales, dims + first, weight->n_dims - first);
  g_ptr_array_add (r->head, fw_rewriting_new_node ("Mul", unit->weight, codes, scales, NULL));
}

/* Blocks ---------------------------------------------------------------------------------------
 */

/* Codes as [channels, blocks, block], with zeros where the last block is not full. */
static GBytes *
arrange_codes (const FwUnit *unit, const FwCodedWeights *coded)
{
  const FwWeightShape *shape = &unit->shape;
  gsize row = coded->n_blocks * coded->block, i = 0;
  const gint8 *codes = g_bytes_get_data (coded->codes, NULL);
  gint8 *arranged = g_new0 (gint8, shape->channels * row);

  for (gsize o = 0; o < shape->outer; o++)
    for (gsize c = 0; c < shape->channels; c++, i += shape->inner)
      memcpy (arranged + c * row + o * shape->inner, codes + i, shape->inner);
  return g_bytes_new_take (arranged, shape->channels * row);
}

/* Takes the zeros at the end of each of @channels away again. */
static char *
make_slice (FwRewriting *r, const char *from, gint64 row)
{
  const gint64 zero = 0, axis = 1;
  char *to = fw_rewriting_make_name (r);
  Onnx__NodeProto *node;

  if (fw_model_get_opset (r->model, "") >= 10)
    node = fw_node_new ("Slice", NULL,
                        (const char *[]){ from, fw_rewriting_get_ints (r, &zero, 1),
                                          fw_rewriting_get_ints (r, &row, 1),
                                          fw_rewriting_get_ints (r, &axis, 1), NULL },
                        (const char *[]){ to, NULL });
  else
    {
      node = fw_rewriting_new_node ("Slice", to, from, NULL, NULL);
      fw_node_set_ints (node, "starts", &zero, 1);
      fw_node_set_ints (node, "ends", &row, 1);
      fw_node_set_ints (node, "axes", &axis, 1);
    }
  g_ptr_array_add (r->head, node);
  return to;
}

static void
store_blocks (FwRewriting *r, const FwUnit *unit, const FwCodedWeights *coded)
{
  Onnx__TensorProto *weight = fw_model_find_initializer (r->self->prepared, unit->weight);
  const FwWeightShape *shape = &unit->shape;
  gint64 row = shape->outer * shape->inner, padded = coded->n_blocks * coded->block;
  const gint64 dims[] = { shape->channels, coded->n_blocks, coded->block };
  const gint64 scale_dims[] = { shape->channels, coded->n_blocks, 1 };
  const gint64 flat[] = { shape->channels, padded };
  const gint64 deep[] = { shape->channels, shape->outer, shape->inner };
  const gint64 turn[] = { 1, 0, 2 };
  g_autoptr (GBytes) arranged = arrange_codes (unit, coded);
  g_autofree char *codes
      = fw_rewriting_make_codes (r, coded->bits, arranged, dims, 3, FW_ELEMENT_FLOAT);
  g_autofree char *scales = fw_rewriting_make_floats (r, r->head, coded->scales, scale_dims, 3);
  g_autofree char *value = fw_rewriting_make_node (r, r->head, "Mul", codes, scales);

  if (padded != row)
    {
      g_autofree char *block = value;
      g_autofree char *rows = fw_rewriting_make_reshape (r, r->head, block, flat, 2);

      value = make_slice (r, rows, row);
    }
  if (shape->outer > 1)
    {
      g_autofree char *block = value;
      g_autofree char *rows = fw_rewriting_make_reshape (r, r->head, block, deep, 3);

      value = fw_rewriting_make_node (r, r->head, "Transpose", rows, NULL);
      fw_node_set_ints (g_ptr_array_index (r->head, r->head->len - 1), "perm", turn, 3);
    }
  g_ptr_array_add (r->head, fw_rewriting_new_node (
                                "Reshape", unit->weight, value,
                                fw_rewriting_get_ints (r, weight->dims, weight->n_dims), NULL));
}

gboolean
fw_rewriting_store (FwRewriting *self, guint position, GError **error)
{
  FwUnit *unit = g_ptr_array_index (self->self->units, position);
  FwOption option = fw_recipe_get_option (self->recipe, unit->name);
  g_autoptr (FwCodedWeights) coded = NULL;

  if (option == FW_OPTION_FLOAT16)
    store_float16 (self, position);
  else
    {
      coded = fw_unit_weights_get_coded (fw_rewriter_get_weights (self->self, position),
                                         self->recipe, option, 0, error);
      if (coded == NULL)
        return FALSE;
      if (coded->block == 0)
        store_channels (self, unit, coded);
      else
        store_blocks (self, unit, coded);
      fw_rewriting_replace_bias (self, unit, coded->bias);
    }
  fw_model_remove_initializer (self->model, unit->weight);
  return TRUE;
}
