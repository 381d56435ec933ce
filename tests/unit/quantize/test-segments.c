/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Cutting a graph into pieces, and keeping tensors back. */

#include "config.h"

#include <string.h>

#include "fw-graph-index.h"
#include "fw-layerwise.h"
#include "fw-prepare.h"
#include "fw-segments.h"
#include "fw-withhold.h"
#include "small-network.h"
#include "tiny-model.h"

static FwModel *
typed_network (void)
{
  g_autoptr (FwModel) model = small_network_new (13);
  g_autoptr (GError) error = NULL;
  FwModel *typed = fw_session_find_types (model, &error);

  g_assert_no_error (error);
  return typed;
}

static gboolean
contains (GPtrArray *names, const char *name)
{
  for (guint i = 0; i < names->len; i++)
    if (strcmp (names->pdata[i], name) == 0)
      return TRUE;
  return FALSE;
}

/* All nodes once and in order; what a segment takes was given or made before. */
static void
assert_sound (FwModel *model, GPtrArray *segments)
{
  g_autoptr (GPtrArray) made = g_ptr_array_new ();
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  guint at = 0;

  for (gsize i = 0; i < graph->n_input; i++)
    g_ptr_array_add (made, graph->input[i]->name);
  for (guint i = 0; i < segments->len; i++)
    {
      const FwSegment *segment = segments->pdata[i];

      g_assert_cmpuint (segment->first, ==, at);
      g_assert_cmpuint (segment->end, >, at);
      at = segment->end;
      for (guint j = 0; j < segment->inputs->len; j++)
        g_assert_true (contains (made, segment->inputs->pdata[j]));
      for (guint j = 0; j < segment->outputs->len; j++)
        g_ptr_array_add (made, segment->outputs->pdata[j]);
    }
  g_assert_cmpuint (at, ==, graph->n_node);
  for (gsize i = 0; i < graph->n_output; i++)
    g_assert_true (contains (made, graph->output[i]->name));
}

static void
test_cut (void)
{
  g_autoptr (FwModel) model = NULL;
  guint before = G_MAXUINT;

  if (!tiny_need_runtime ())
    return;
  model = typed_network ();
  for (guint64 limit = 1; limit < 1 << 20; limit *= 8)
    {
      g_autoptr (GPtrArray) segments = fw_segments_cut (model, limit);
      g_autoptr (GPtrArray) again = fw_segments_cut (model, limit);

      assert_sound (model, segments);
      g_assert_cmpuint (segments->len, <=, before);
      g_assert_cmpuint (segments->len, ==, again->len);
      before = segments->len;
    }
  g_assert_cmpuint (before, ==, 1);
}

/* A value whose type is not known is not handed on. */
static void
test_unknown_types (void)
{
  g_autoptr (FwModel) model = small_network_new (13);
  g_autoptr (GPtrArray) segments = fw_segments_cut (model, 1);

  g_assert_cmpuint (segments->len, ==, 1);
  assert_sound (model, segments);
}

/* Numbers made of stored ones come along with those who need them, in every segment. */
static void
test_constants (void)
{
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) typed = NULL;
  g_autoptr (GPtrArray) segments = NULL;
  g_autoptr (FwSegment) whole = NULL;
  g_autoptr (GError) error = NULL;
  guint first, end, n_kept = 0;
  Onnx__GraphProto *graph;
  Onnx__NodeProto *node;

  if (!tiny_need_runtime ())
    return;
  model = small_network_new (13);
  graph = fw_model_get_graph (model);
  /* As the rewriter does: all of them before all else. */
  for (gsize i = 0; i < graph->n_node; i++)
    if (strcmp (graph->node[i]->op_type, "Conv") == 0)
      {
        g_autofree char *made = g_strdup_printf ("made%u", (guint) i);

        node = fw_node_new ("Neg", NULL, (const char *[]){ graph->node[i]->input[1], NULL },
                            (const char *[]){ made, NULL });
        g_ptr_array_add (nodes, node);
        fw_node_set_input (graph->node[i], 1, made);
      }
  n_kept = nodes->len;
  for (gsize i = 0; i < graph->n_node; i++)
    g_ptr_array_add (nodes, graph->node[i]);
  fw_model_set_nodes (model, g_steal_pointer (&nodes));
  typed = fw_session_find_types (model, &error);
  g_assert_no_error (error);

  segments = fw_segments_cut (typed, 1);
  assert_sound (typed, segments);
  for (guint i = 0; i < segments->len; i++)
    {
      const FwSegment *segment = segments->pdata[i];
      g_autoptr (FwModel) part = fw_segment_extract (segment, typed, FALSE);

      for (guint j = 0; j < segment->inputs->len; j++)
        g_assert_false (g_str_has_prefix (segment->inputs->pdata[j], "made"));
      for (gsize j = 0; j < fw_model_get_graph (part)->n_node; j++)
        if (strcmp (fw_model_get_graph (part)->node[j]->op_type, "Conv") == 0)
          {
            g_assert_cmpstr (fw_model_get_graph (part)->node[0]->op_type, ==, "Neg");
            n_kept--;
          }
    }
  g_assert_cmpuint (n_kept, ==, 0);

  /* What is made of large ones can be worked out before all else. */
  graph = fw_model_get_graph (typed);
  g_assert_true (fw_segment_sort_constants (typed, &first, &end));
  for (guint i = 0; i < graph->n_node; i++)
    if (i >= first && i < end)
      g_assert_cmpstr (graph->node[i]->op_type, ==, "Neg");
  whole = fw_segment_new_range (typed, first, end, first, FW_HAND_ALL);
  g_assert_cmpuint (whole->inputs->len, ==, 0);
  g_assert_cmpuint (whole->outputs->len, ==, end - first);
  g_assert_cmpuint (whole->weights->len, ==, end - first);
}

/* A tower of constants must not become a tower of calls. */
static void
test_deep_constants (void)
{
  g_autoptr (FwModel) model = small_network_new (13);
  GPtrArray *nodes = g_ptr_array_new ();
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autofree char *at = g_strdup (graph->initializer[0]->name);
  g_autoptr (GPtrArray) segments = NULL;
  gsize n = 0;

  for (guint i = 0; i < 20000; i++)
    {
      g_autofree char *made = g_strdup_printf ("made%u", i);

      g_ptr_array_add (nodes, fw_node_new ("Neg", NULL, (const char *[]){ at, NULL },
                                           (const char *[]){ made, NULL }));
      g_free (at);
      at = g_strdup (made);
    }
  for (gsize i = 0; i < graph->n_node; i++)
    g_ptr_array_add (nodes, graph->node[i]);
  fw_model_set_nodes (model, nodes);
  fw_model_add_output (model, at);
  segments = fw_segments_cut (model, 1);
  assert_sound (model, segments);
  for (guint i = 0; i < segments->len; i++)
    {
      g_autoptr (FwModel) part = fw_segment_extract (segments->pdata[i], model, FALSE);

      n += fw_model_get_graph (part)->n_node;
    }
  g_assert_cmpuint (n, >=, 20000);
}

static void
test_withhold (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) light = NULL;
  g_autoptr (GBytes) bytes = tiny_model_matmuls (96, 3);
  g_autoptr (GBytes) before = NULL;
  g_autoptr (GBytes) after = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  light = fw_model_withhold (model, 0);
  g_assert_null (fw_model_find_initializer (light, "weight"));
  g_assert_cmpuint (fw_model_get_graph (light)->n_input, ==, 2);
  g_assert_cmpstr (fw_model_get_graph (light)->input[1]->name, ==, "weight");
  fw_model_give_back (light, model);
  g_assert_cmpuint (fw_model_get_graph (light)->n_input, ==, 1);
  before = fw_model_to_bytes (model, &error);
  after = fw_model_to_bytes (light, &error);
  g_assert_no_error (error);
  g_assert_true (g_bytes_equal (before, after));

  g_clear_pointer (&light, fw_model_unref);
  light = fw_model_withhold (model, 1 << 20);
  g_assert_nonnull (fw_model_find_initializer (light, "weight"));
}

/* Harm ------------------------------------------------------------------------------------------
 */

static FwUnitHarm *
measure (FwRewriter *rewriter, GPtrArray *units, FwRecipe *recipe, guint64 size, guint threads)
{
  const char *const scores[] = { "y", NULL };
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  const FwTrial trial = { .rewriter = rewriter,
                          .units = units,
                          .recipe = recipe,
                          .scores = scores,
                          .rows = rows,
                          .threads = threads };
  FwUnitHarm *harms = g_new0 (FwUnitHarm, units->len);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 4; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

      g_ptr_array_add (row, small_network_sample (i));
      g_ptr_array_add (rows, row);
    }
  g_assert_true (fw_layerwise_measure (&trial, size, harms, NULL, NULL, &error));
  g_assert_no_error (error);
  return harms;
}

static void
test_layerwise (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (FwRecipe) recipe = NULL;
  g_autofree FwUnitHarm *one = NULL;
  g_autofree FwUnitHarm *two = NULL;
  g_autofree FwUnitHarm *whole = NULL;

  if (!tiny_need_runtime ())
    return;
  model = small_network_new (13);
  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, 1);
  recipe = small_network_calibrate (model, rewriter, 4);
  one = measure (rewriter, units, recipe, 1, 1);
  two = measure (rewriter, units, recipe, 1, 2);
  whole = measure (rewriter, units, recipe, 1 << 20, 1);
  for (guint i = 0; i < units->len; i++)
    {
      double harm_8 = fw_unit_harm_get (&one[i], FW_OPTION_INT8_STORAGE);
      double harm_4 = fw_unit_harm_get (&one[i], FW_OPTION_INT4_STORAGE);
      double direct = fw_unit_harm_get (&whole[i], FW_OPTION_INT8_STORAGE);

      g_assert_cmpfloat (fw_unit_harm_get (&one[i], FW_OPTION_FLOAT32), ==, 0);
      g_assert_cmpfloat (harm_8, >, 0);
      g_assert_cmpfloat (harm_4, >, 10 * harm_8);
      g_assert_cmpfloat (fw_unit_harm_get (&one[i], FW_OPTION_FLOAT16), <, harm_8);
      g_assert_true (!(fw_unit_harm_get (&one[i], FW_OPTION_INT8_COMPUTE) < 1e30));
      /* By the detour over noise it is the same within a few times. */
      g_assert_cmpfloat (harm_8, <, 30 * direct);
      g_assert_cmpfloat (direct, <, 30 * harm_8);
      for (guint k = 0; k < FW_N_WIDTHS; k++)
        g_assert_cmpfloat (one[i].storage[k], ==, two[i].storage[k]);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/segments/cut", test_cut);
  g_test_add_func ("/segments/unknown-types", test_unknown_types);
  g_test_add_func ("/segments/constants", test_constants);
  g_test_add_func ("/segments/deep-constants", test_deep_constants);
  g_test_add_func ("/segments/withhold", test_withhold);
  g_test_add_func ("/segments/layerwise", test_layerwise);
  return g_test_run ();
}
