/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-error.h"
#include "fw-graph-index.h"
#include "fw-onnx-check.h"
#include "fw-test-wire.h"

#define ROWS 2000

/* y = Relu (x * large + constant): with a large initializer and a large constant, at @opset. */
static FwModel *
load_large (gint64 opset)
{
  const gint64 dims[] = { 2, ROWS };
  g_autofree float *content = g_new0 (float, 2 * ROWS);
  GByteArray *graph = g_byte_array_new ();
  GByteArray *attribute = g_byte_array_new ();
  GByteArray *tensor = wire_tensor ("large", FW_ELEMENT_FLOAT, dims, 2);
  GByteArray *constant = wire_tensor ("", FW_ELEMENT_FLOAT, dims + 1, 1);
  GByteArray *node = wire_node ("Constant", "keep", "", "constant");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  FwModel *model;

  for (guint i = 0; i < 2 * ROWS; i++)
    content[i] = i;
  wire_bytes (tensor, 9, content, 2 * ROWS * sizeof (float));
  wire_bytes (constant, 9, content, ROWS * sizeof (float));

  /* wire_node() makes one input of an empty list; a Constant has none. */
  g_byte_array_unref (node);
  node = g_byte_array_new ();
  wire_string (node, 2, "constant");
  wire_string (node, 4, "Constant");
  wire_string (attribute, 1, "value");
  wire_message (attribute, 5, constant);
  wire_varint (attribute, 20, 4);
  wire_message (node, 5, attribute);

  wire_message (graph, 1, node);
  wire_message (graph, 1, wire_node ("MatMul", "multiply", "x,large", "product"));
  wire_message (graph, 1, wire_node ("Add", "add", "product,constant", "sum"));
  wire_message (graph, 1, wire_node ("Relu", "activate", "sum", "y"));
  wire_string (graph, 2, "main");
  wire_message (graph, 5, tensor);
  wire_message (graph, 11, wire_value ("x", 3, 2));
  wire_message (graph, 12, wire_value ("y", 3, ROWS));
  bytes = wire_model (graph);
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  fw_model_get_proto (model)->opset_import[0]->version = opset;
  return model;
}

static void
assert_weights (FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autofree float *values = fw_tensor_proto_to_floats (fw_model_find_initializer (model, "large"));
  gboolean found = FALSE;

  g_assert_nonnull (values);
  g_assert_cmpfloat (values[2 * ROWS - 1], ==, 2 * ROWS - 1);
  g_assert_cmpuint (graph->n_initializer, ==, 1);
  g_assert_cmpuint (graph->n_input, ==, 1);
  g_assert_cmpstr (graph->input[0]->name, ==, "x");
  g_assert_cmpuint (graph->n_output, ==, 1);
  g_assert_cmpstr (graph->output[0]->name, ==, "y");

  for (gsize i = 0; i < graph->n_node; i++)
    if (g_strcmp0 (graph->node[i]->op_type, "Constant") == 0)
      {
        g_autofree float *constant = fw_tensor_proto_to_floats (graph->node[i]->attribute[0]->t);

        g_assert_cmpfloat (constant[ROWS - 1], ==, ROWS - 1);
        found = TRUE;
      }
  g_assert_true (found);
}

static void
test_check (void)
{
  g_autoptr (FwModel) model = load_large (13);
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_onnx_check (model, &error));
  g_assert_no_error (error);
  assert_weights (model);

  fw_node_set_input (fw_model_get_graph (model)->node[3], 0, "nowhere");
  g_assert_false (fw_onnx_check (model, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_infer (void)
{
  g_autoptr (FwModel) model = load_large (13);
  g_autoptr (FwModel) inferred = NULL;
  g_autoptr (FwGraphIndex) index = NULL;
  g_autoptr (GError) error = NULL;
  const Onnx__ValueInfoProto *info;
  const Onnx__TensorShapeProto *shape;

  inferred = fw_onnx_infer_shapes (model, &error);
  g_assert_no_error (error);
  assert_weights (inferred);
  g_assert_cmpuint (fw_model_get_graph (model)->n_value_info, ==, 0);

  index = fw_graph_index_new (inferred);
  info = fw_graph_index_get_info (index, "sum");
  g_assert_nonnull (info);
  shape = info->type->tensor_type->shape;
  g_assert_cmpuint (shape->n_dim, ==, 2);
  g_assert_cmpint (shape->dim[0]->dim_value, ==, 3);
  g_assert_cmpint (shape->dim[1]->dim_value, ==, ROWS);
  /* The value of the constant that was left out is known too. */
  g_assert_nonnull (fw_graph_index_get_info (index, "constant"));
}

static void
test_convert (void)
{
  g_autoptr (FwModel) model = load_large (9);
  g_autoptr (FwModel) converted = NULL;
  g_autoptr (GError) error = NULL;

  fw_model_set_metadata (model, "kept", "yes");
  converted = fw_onnx_convert (model, 13, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fw_model_get_opset (converted, ""), ==, 13);
  g_assert_cmpint (fw_model_get_opset (model, ""), ==, 9);
  g_assert_cmpstr (fw_model_get_metadata (converted, "kept"), ==, "yes");
  g_assert_cmpuint (fw_model_get_graph (converted)->n_node, ==, 4);
  assert_weights (converted);
}

/* Up to opset 10, Resize had no choice of coordinates; conversion must make it. */
static void
test_convert_resize (void)
{
  GByteArray *graph = g_byte_array_new ();
  GByteArray *node = wire_node ("Upsample", "", "x,scales", "y");
  GByteArray *attribute = g_byte_array_new ();
  const gint64 dims[] = { 2 };
  const float scales[] = { 1, 2 };
  GByteArray *tensor = wire_tensor ("scales", FW_ELEMENT_FLOAT, dims, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) converted = NULL;
  g_autoptr (GError) error = NULL;
  gboolean found = FALSE;

  wire_string (attribute, 1, "mode");
  wire_string (attribute, 4, "linear");
  wire_varint (attribute, 20, 3);
  wire_message (node, 5, attribute);
  wire_message (graph, 1, node);
  wire_string (graph, 2, "main");
  wire_bytes (tensor, 9, scales, sizeof scales);
  wire_message (graph, 5, tensor);
  wire_message (graph, 11, wire_value ("x", 1, 2));
  wire_message (graph, 12, wire_value ("y", 1, 4));
  bytes = wire_model (graph);
  model = fw_model_load_bytes (bytes, NULL, NULL);
  fw_model_get_proto (model)->opset_import[0]->version = 9;

  converted = fw_onnx_convert (model, 13, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < fw_model_get_graph (converted)->n_node; i++)
    {
      if (g_strcmp0 (fw_model_get_graph (converted)->node[i]->op_type, "Resize") == 0)
        {
          found = TRUE;
          g_assert_true (fw_node_has_string (fw_model_get_graph (converted)->node[i],
                                             "coordinate_transformation_mode", "asymmetric"));
        }
    }
  g_assert_true (found);
}

/* The Softmax at the end of many models, behind a shape that can't be followed: what it puts out
 * says how many dims there are. */
static void
test_convert_softmax (void)
{
  GByteArray *graph = g_byte_array_new ();
  GByteArray *cast = wire_node ("Cast", "", "q", "shape");
  GByteArray *softmax = wire_node ("Softmax", "", "reshaped", "y");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) converted = NULL;
  g_autoptr (GError) error = NULL;

  wire_message (cast, 5, wire_int_attribute ("to", FW_ELEMENT_INT64));
  wire_message (softmax, 5, wire_int_attribute ("axis", 1));
  wire_message (graph, 1, cast);
  wire_message (graph, 1, wire_node ("Reshape", "", "x,shape", "reshaped"));
  wire_message (graph, 1, softmax);
  wire_string (graph, 2, "main");
  wire_message (graph, 11, wire_value ("x", 3, 2));
  wire_message (graph, 11, wire_value ("q", 1, 2));
  wire_message (graph, 12, wire_value ("y", 2, 3));
  bytes = wire_model (graph);
  model = fw_model_load_bytes (bytes, NULL, NULL);
  fw_model_get_proto (model)->opset_import[0]->version = 9;

  converted = fw_onnx_convert (model, 13, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fw_model_get_opset (converted, ""), ==, 13);
}

static void
test_convert_refused (void)
{
  g_autoptr (GBytes) bytes = wire_sample_model ();
  g_autoptr (FwModel) with_subgraphs = fw_model_load_bytes (bytes, NULL, NULL);
  g_autoptr (FwModel) unknown = load_large (9);
  g_autoptr (FwModel) same = NULL;
  g_autoptr (GError) error = NULL;
  Onnx__NodeProto *node = fw_model_get_graph (unknown)->node[3];

  g_assert_null (fw_onnx_convert (with_subgraphs, 17, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
  g_clear_error (&error);
  same = fw_onnx_convert (with_subgraphs, 13, &error);
  g_assert_no_error (error);

  g_assert_null (fw_onnx_convert (unknown, 9999, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
  g_clear_error (&error);
  g_assert_null (fw_onnx_convert (unknown, -5, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
  g_clear_error (&error);

  g_free (node->op_type);
  node->op_type = g_strdup ("NoSuchOperator");
  g_assert_null (fw_onnx_convert (unknown, 13, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

/* libonnx divides by what the file says. */
static void
test_zero_stride (void)
{
  g_autoptr (FwModel) model = load_large (13);
  g_autoptr (GError) error = NULL;
  const gint64 strides[] = { 0, 0 };

  fw_node_set_ints (fw_model_get_graph (model)->node[1], "strides", strides, 2);
  g_assert_null (fw_onnx_infer_shapes (model, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

static void
test_newest (void)
{
  g_assert_cmpint (fw_onnx_get_newest_opset (), >=, 17);
  g_assert_cmpint (fw_onnx_get_newest_opset (), <, 1000);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/onnx-check/check", test_check);
  g_test_add_func ("/onnx-check/infer", test_infer);
  g_test_add_func ("/onnx-check/convert", test_convert);
  g_test_add_func ("/onnx-check/convert-resize", test_convert_resize);
  g_test_add_func ("/onnx-check/convert-softmax", test_convert_softmax);
  g_test_add_func ("/onnx-check/convert-refused", test_convert_refused);
  g_test_add_func ("/onnx-check/zero-stride", test_zero_stride);
  g_test_add_func ("/onnx-check/newest", test_newest);

  return g_test_run ();
}
