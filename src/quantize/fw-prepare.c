/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-prepare.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-graph-index.h"
#include "fw-onnx-check.h"
#include "fw-withhold.h"

/* The format's version that has initializers apart from inputs. */
#define IR_VERSION_FREE_INITIALIZERS 4
/* The format's version that came with operator set 13. */
#define IR_VERSION_OPSET_13 7
/* Stored numbers of a large model that ONNX Runtime is shown, the smallest ones. */
#define SHOWN_BYTES ((guint64) 64 << 20)

static gboolean
is_quantized_operator (const char *op_type)
{
  static const char *const names[] = {
    "DequantizeLinear",     "QuantizeLinear", "DynamicQuantizeLinear", "ConvInteger",
    "MatMulInteger",        "MatMulNBits",    "DynamicQuantizeMatMul", "MatMulIntegerToFloat",
    "GatherBlockQuantized", "QAttention",     "DynamicQuantizeLSTM",   NULL,
  };

  return g_strv_contains (names, op_type) || g_str_has_prefix (op_type, "QLinear");
}

static gboolean
check_not_quantized (FwModel *model, GError **error)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_node; i++)
    if (graph->node[i]->op_type != NULL && is_quantized_operator (graph->node[i]->op_type))
      {
        g_set_error (error, FW_ERROR, FW_ERROR_ALREADY_SMALL,
                     _ ("This model has already been made smaller: it calculates with 8-bit "
                        "numbers."));
        return FALSE;
      }
  return TRUE;
}

static guint64
count_stored_weights (FwModel *model, FwElementType type)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  guint64 n = 0;

  for (gsize i = 0; i < graph->n_initializer; i++)
    if (graph->initializer[i]->data_type == (gint32) type)
      n += fw_tensor_proto_get_n_elements (graph->initializer[i]);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__AttributeProto *value = fw_node_find_attribute (graph->node[i], "value");

      if (value != NULL && value->t != NULL && value->t->data_type == (gint32) type)
        n += fw_tensor_proto_get_n_elements (value->t);
    }
  return n;
}

/* Until format version 3 every initializer had to be listed as an input, which makes it no constant
 * to ONNX Runtime: nothing would be folded or fused. */
static void
free_initializers_from_inputs (FwModel *model)
{
  Onnx__ModelProto *proto = fw_model_get_proto (model);
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  gsize kept = 0;

  for (gsize i = 0; i < graph->n_initializer; i++)
    if (graph->initializer[i]->name != NULL)
      g_hash_table_add (names, graph->initializer[i]->name);

  for (gsize i = 0; i < graph->n_input; i++)
    if (graph->input[i]->name != NULL && g_hash_table_contains (names, graph->input[i]->name))
      protobuf_c_message_free_unpacked (&graph->input[i]->base, NULL);
    else
      graph->input[kept++] = graph->input[i];
  graph->n_input = kept;

  if (proto->ir_version < IR_VERSION_FREE_INITIALIZERS)
    {
      proto->ir_version = IR_VERSION_FREE_INITIALIZERS;
      proto->has_ir_version = TRUE;
    }
}

static FwModel *
raise_opset (FwModel *model)
{
  gint64 opset = fw_model_get_opset (model, "");
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) converted = NULL;
  Onnx__ModelProto *proto;

  if (opset == 0 || opset >= FW_OPSET_PER_CHANNEL)
    return fw_model_ref (model);

  converted = fw_onnx_convert (model, FW_OPSET_PER_CHANNEL, &error);
  if (converted == NULL)
    {
      g_message ("The operator set stays at %" G_GINT64_FORMAT ": %s", opset, error->message);
      return fw_model_ref (model);
    }

  proto = fw_model_get_proto (converted);
  proto->ir_version = MAX (proto->ir_version, IR_VERSION_OPSET_13);
  proto->has_ir_version = TRUE;
  return g_steal_pointer (&converted);
}

static FwModel *
optimize_basic (FwModel *model, const char *folder, GError **error)
{
  g_autofree char *before = g_build_filename (folder, "prepare-XXXXXX", NULL);
  g_autofree char *input = NULL;
  g_autofree char *output = NULL;
  g_autoptr (FwSession) session = NULL;
  FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_BASIC };

  if (g_mkdtemp (before) == NULL)
    {
      fw_error_set_from_errno (error, errno, TRUE, folder);
      return NULL;
    }
  input = g_build_filename (before, "in.onnx", NULL);
  output = g_build_filename (before, "out.onnx", NULL);
  options.save_optimized = output;

  if (!fw_model_save (model, input, NULL, error))
    return NULL;
  session = fw_session_new (input, &options, error);
  if (session == NULL)
    return NULL;
  return fw_model_load (output, error);
}

/* ONNX Runtime copies all that it is shown several times. Of a model that is too large for that it
 * sees the graph and what is small; BatchNorm is folded into small layers only. */
static FwModel *
optimize_large (FwModel *model, const char *folder, GError **error)
{
  g_autoptr (FwModel) light = fw_model_withhold (model, SHOWN_BYTES);
  FwModel *optimized = optimize_basic (light, folder, error);

  if (optimized != NULL)
    fw_model_give_back (optimized, model);
  return optimized;
}

static char *
make_node_name (const Onnx__NodeProto *node, gsize position, GHashTable *seen)
{
  g_autofree char *op_type = g_utf8_make_valid (node->op_type, -1);
  char *name = g_strdup_printf ("%s#%" G_GSIZE_FORMAT, op_type, position);

  /* Somebody may have thought of the very same name. */
  while (g_hash_table_contains (seen, name))
    {
      char *longer = g_strconcat (name, "#", NULL);

      g_free (name);
      name = longer;
    }
  return name;
}

/* Names are what recipes know units by. */
static void
name_nodes (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      Onnx__NodeProto *node = graph->node[i];

      if (node->name == NULL || *node->name == '\0' || !g_utf8_validate (node->name, -1, NULL)
          || g_hash_table_contains (seen, node->name))
        {
          if (node->name != NULL && node->name != protobuf_c_empty_string)
            free (node->name);
          node->name = make_node_name (node, i, seen);
        }
      g_hash_table_add (seen, node->name);
    }
}

static void
set_nothing_stored (FwModel *original, GError **error)
{
  if (count_stored_weights (original, FW_ELEMENT_FLOAT16) > 0)
    g_set_error (error, FW_ERROR, FW_ERROR_ALREADY_SMALL,
                 _ ("This model has already been made smaller: its numbers are stored at half "
                    "precision."));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_NOTHING_TO_SHRINK,
                 _ ("There are no stored numbers in this model that could be made smaller."));
}

FwModel *
fw_prepare_model (FwModel *original, gboolean convert, const char *folder, GError **error)
{
  g_autoptr (FwModel) copy = NULL;
  g_autoptr (FwModel) raised = NULL;
  g_autoptr (FwModel) prepared = NULL;

  g_return_val_if_fail (original != NULL, NULL);

  if (!check_not_quantized (original, error))
    return NULL;

  copy = fw_model_copy (original);
  free_initializers_from_inputs (copy);
  raised = convert ? raise_opset (copy) : fw_model_ref (copy);
  prepared = fw_session_get_piece_size () > 0 ? optimize_large (raised, folder, error)
                                              : optimize_basic (raised, folder, error);
  if (prepared == NULL)
    return NULL;
  fw_model_sort_initializers (prepared);

  /* Weights that a small file makes while loading would only grow if they were stored. */
  if (count_stored_weights (original, FW_ELEMENT_FLOAT) == 0
      || fw_model_get_size (prepared) > 2 * fw_model_get_size (original) + 65536)
    {
      set_nothing_stored (original, error);
      return NULL;
    }

  name_nodes (prepared);
  return g_steal_pointer (&prepared);
}

static gboolean
keeps_order_of_scores (const char *op_type)
{
  static const char *const names[] = { "Softmax", "LogSoftmax", "Sigmoid", "Identity", "Flatten",
                                       "Reshape", "Squeeze",    "ArgMax",  NULL };

  return g_strv_contains (names, op_type);
}

/* The place of the input of @node that goes on to the scores. A class that is only named where it
 * is sure enough comes through a Where. */
static gsize
find_input (FwGraphIndex *index, Onnx__GraphProto *graph, const Onnx__NodeProto *node)
{
  for (gsize i = 1; i < node->n_input && strcmp (node->op_type, "Where") == 0; i++)
    {
      const int producer = fw_graph_index_get_producer (index, node->input[i]);

      if (producer >= 0 && strcmp (graph->node[producer]->op_type, "ArgMax") == 0)
        return i;
    }
  return 0;
}

const char *
fw_prepare_find_scores (FwModel *prepared, const char *output)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (prepared);
  Onnx__GraphProto *graph = fw_model_get_graph (prepared);
  const char *value = output;

  for (;;)
    {
      int producer = fw_graph_index_get_producer (index, value);
      Onnx__NodeProto *node;
      gsize input;

      if (producer < 0)
        return value;
      node = graph->node[producer];
      input = find_input (index, graph, node);
      if (node->n_input == 0 || (input == 0 && !keeps_order_of_scores (node->op_type))
          || fw_graph_index_get_producer (index, node->input[input]) < 0)
        return value;
      value = node->input[input];
    }
}
