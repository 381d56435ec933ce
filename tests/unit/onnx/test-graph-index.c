/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-graph-index.h"
#include "fw-test-wire.h"

static FwModel *
load (GBytes *bytes)
{
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_model_load_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  return model;
}

static void
test_sample (void)
{
  g_autoptr (GBytes) bytes = wire_sample_model ();
  g_autoptr (FwModel) model = load (bytes);
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);
  const guint *consumers;
  guint n;

  g_assert_cmpint (fw_graph_index_get_producer (index, "product"), ==, 0);
  g_assert_cmpint (fw_graph_index_get_producer (index, "z"), ==, 3);
  g_assert_cmpint (fw_graph_index_get_producer (index, "x"), ==, -1);
  g_assert_cmpint (fw_graph_index_get_producer (index, "weights"), ==, -1);
  g_assert_cmpint (fw_graph_index_get_producer (index, "nothing"), ==, -1);
  g_assert_cmpint (fw_graph_index_get_producer (index, NULL), ==, -1);

  consumers = fw_graph_index_get_consumers (index, "product", &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (consumers[0], ==, 2);
  /* Used inside a subgraph of the If only. */
  consumers = fw_graph_index_get_consumers (index, "bias", &n);
  g_assert_cmpuint (n, ==, 1);
  g_assert_cmpuint (consumers[0], ==, 1);
  fw_graph_index_get_consumers (index, "z", &n);
  g_assert_cmpuint (n, ==, 0);
  fw_graph_index_get_consumers (index, "nothing", &n);
  g_assert_cmpuint (n, ==, 0);

  g_assert_true (fw_graph_index_get_initializer (index, "weights")
                 == fw_model_find_initializer (model, "weights"));
  g_assert_null (fw_graph_index_get_initializer (index, "x"));
  g_assert_true (fw_graph_index_is_input (index, "x"));
  g_assert_false (fw_graph_index_is_input (index, "weights"));
  g_assert_true (fw_graph_index_is_output (index, "z"));
  g_assert_false (fw_graph_index_is_output (index, "x"));
  g_assert_cmpstr (fw_graph_index_get_info (index, "product")->name, ==, "product");
  g_assert_cmpstr (fw_graph_index_get_info (index, "x")->name, ==, "x");
  g_assert_null (fw_graph_index_get_info (index, "sum"));
}

/* One node that uses a value twice, left-out inputs, a value made twice, a cycle. */
static void
test_odd (void)
{
  const gint64 dims[] = { 1 };
  GByteArray *graph = g_byte_array_new ();
  GByteArray *tensor = wire_tensor ("listed", 2, dims, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwGraphIndex) index = NULL;
  const guint *consumers;
  guint n;

  wire_message (graph, 1, wire_node ("Mul", "", "x,x", "y"));
  wire_message (graph, 1, wire_node ("Clip", "", "y,,listed", "y"));
  wire_message (graph, 1, wire_node ("Add", "", "x,x", "z"));
  wire_message (graph, 1, wire_node ("Add", "", "q,x", "q"));
  wire_bytes (tensor, 9, "x", 1);
  wire_message (graph, 5, tensor);
  wire_message (graph, 11, wire_value ("x", 1, 1));
  wire_message (graph, 11, wire_value ("listed", 1, 1));
  bytes = wire_model (graph);
  model = load (bytes);
  index = fw_graph_index_new (model);

  consumers = fw_graph_index_get_consumers (index, "x", &n);
  g_assert_cmpuint (n, ==, 3);
  g_assert_cmpuint (consumers[0], ==, 0);
  g_assert_cmpuint (consumers[1], ==, 2);
  g_assert_cmpuint (consumers[2], ==, 3);
  fw_graph_index_get_consumers (index, "", &n);
  g_assert_cmpuint (n, ==, 0);
  g_assert_cmpint (fw_graph_index_get_producer (index, ""), ==, -1);
  g_assert_cmpint (fw_graph_index_get_producer (index, "y"), ==, 0);
  g_assert_cmpint (fw_graph_index_get_producer (index, "q"), ==, 3);
  /* An initializer that may be overridden is no input to fill. */
  g_assert_false (fw_graph_index_is_input (index, "listed"));
  g_assert_nonnull (fw_graph_index_get_initializer (index, "listed"));
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/graph-index/sample", test_sample);
  g_test_add_func ("/graph-index/odd", test_odd);

  return g_test_run ();
}
