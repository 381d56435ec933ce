/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Which operators run in int8, with which ranges and how many channels. */

#include "config.h"

#include <string.h>

#include "fw-random.h"
#include "fw-rewrite-plan.h"
#include "fw-rewrite.h"
#include "fw-trial.h"
#include "tiny-model.h"

typedef struct
{
  TinyModel tiny;
  FwModel *model;
  FwGraphIndex *index;
  GPtrArray *units;
  FwRecipe *recipe;
  FwRewritePlan *plan;
  guint size; /* of x, on both sides */
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *dims = NULL;

  tiny_model_init (&f->tiny);
  f->size = GPOINTER_TO_INT (data);
  dims = g_strdup_printf ("1 3 %u %u", f->size, f->size);
  tiny_model_add_input (&f->tiny, "x", FW_ELEMENT_FLOAT, dims);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->plan, fw_rewrite_plan_free);
  fw_recipe_free (f->recipe);
  g_ptr_array_unref (f->units);
  fw_graph_index_free (f->index);
  fw_model_unref (f->model);
}

/* Conv @input → @output with a kernel of 3 and @n_in → @n_out channels; @group of them. */
static void
add_conv (Fixture *f, const char *input, const char *output, guint n_in, guint n_out, guint group)
{
  const guint n = n_out * (n_in / group) * 9;
  g_autofree char *weight = g_strdup_printf ("w_%s", output);
  g_autofree char *bias = g_strdup_printf ("b_%s", output);
  g_autofree char *dims = g_strdup_printf ("%u %u 3 3", n_out, n_in / group);
  g_autofree char *bias_dims = g_strdup_printf ("%u", n_out);
  g_autofree char *inputs = g_strdup_printf ("%s %s %s", input, weight, bias);
  g_autofree float *values = g_new (float, n);
  FwRandom random = { n };

  for (guint i = 0; i < n; i++)
    values[i] = fw_random_double (&random) * 2 - 1;
  tiny_model_add_floats (&f->tiny, weight, dims, values, n);
  tiny_model_add_floats (&f->tiny, bias, bias_dims, values, n_out);
  tiny_model_add_node (
      &f->tiny, "Conv", "", inputs, output,
      tiny_attribute_int (tiny_attribute_ints (NULL, "pads", "1 1 1 1"), "group", group));
}

static void
add_range (Fixture *f, const char *value, float scale, guint8 zero_point)
{
  const FwRange range = { .scale = scale, .zero_point = zero_point };

  fw_recipe_set_range (f->recipe, value, &range);
}

/* All values get the range of signed noise; more is up to the test. */
static void
finish (Fixture *f)
{
  g_autoptr (GBytes) bytes = tiny_model_finish (&f->tiny, 13);
  g_autoptr (GError) error = NULL;
  Onnx__GraphProto *graph;

  f->model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  graph = fw_model_get_graph (f->model);
  for (gsize i = 0; i < graph->n_node; i++)
    {
      g_free (graph->node[i]->name);
      graph->node[i]->name = g_strdup_printf ("node_%s", graph->node[i]->output[0]);
    }
  f->index = fw_graph_index_new (f->model);
  f->units = fw_units_find (f->model);
  f->recipe = fw_recipe_new ("0123", FALSE);
  add_range (f, "x", 0.02f, 128);
}

static void
make_plan (Fixture *f)
{
  f->plan = fw_rewrite_plan_new (f->model, f->index, f->units, f->recipe);
}

static const char *
get_like (Fixture *f, const char *value)
{
  return g_hash_table_lookup (f->plan->inside, value);
}

static guint
get_node (Fixture *f, const char *value)
{
  return fw_graph_index_get_producer (f->index, value);
}

/* x → a, x → b; Relu of both; Concat c → d. */
static void
add_fire_module (Fixture *f, const char *concat_inputs)
{
  add_conv (f, "x", "a", 3, 16, 1);
  add_conv (f, "x", "b", 3, 16, 1);
  tiny_model_add_node (&f->tiny, "Relu", "", "a", "ra", NULL);
  tiny_model_add_node (&f->tiny, "Relu", "", "b", "rb", NULL);
  tiny_model_add_node (&f->tiny, "Concat", "", concat_inputs, "c",
                       tiny_attribute_int (NULL, "axis", 1));
}

static void
test_concat (Fixture *f, gconstpointer data)
{
  add_fire_module (f, "ra rb");
  add_conv (f, "c", "d", 32, 16, 1);
  tiny_model_add_output (&f->tiny, "d", FW_ELEMENT_FLOAT, "1 16 8 8");
  finish (f);
  add_range (f, "ra", 0.01f, 0);
  add_range (f, "rb", 0.2f, 0);
  add_range (f, "c", 0.2f, 0);
  add_range (f, "d", 0.5f, 128);
  make_plan (f);
  g_assert_true (f->plan->is_int8[get_node (f, "c")]);
  g_assert_cmpstr (get_like (f, "ra"), ==, "c");
  g_assert_cmpstr (get_like (f, "rb"), ==, "c");
  g_assert_cmpstr (get_like (f, "c"), ==, "c");
  g_assert_true (f->plan->is_dropped[get_node (f, "ra")]);
}

/* The parts' own ranges are never needed, and so never watched. */
static void
test_concat_unwatched (Fixture *f, gconstpointer data)
{
  static const char *const expected[] = { "c", "d" };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  g_autoptr (FwRewriter) rewriter = NULL;

  add_fire_module (f, "ra rb");
  add_conv (f, "c", "d", 32, 16, 1);
  tiny_model_add_output (&f->tiny, "d", FW_ELEMENT_FLOAT, "1 16 8 8");
  finish (f);
  fw_rewrite_plan_list_values (f->model, f->index, seen, values);
  g_assert_cmpuint (values->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < values->len; i++)
    g_assert_cmpstr (g_ptr_array_index (values, i), ==, expected[i]);

  add_range (f, "c", 0.2f, 0);
  add_range (f, "d", 0.5f, 128);
  make_plan (f);
  g_assert_cmpstr (get_like (f, "ra"), ==, "c");
  g_assert_cmpstr (fw_rewrite_plan_find_range (f->model, f->index, f->recipe, "a"), ==, "c");
  rewriter = fw_rewriter_new (f->model, f->units, 1);
  g_assert_true (fw_rewriter_can (rewriter, f->recipe, 0, FW_OPTION_INT8_COMPUTE));
}

/* Who else uses a part would lose too much by a range that is much wider. */
static void
test_concat_refused (Fixture *f, gconstpointer data)
{
  add_fire_module (f, "ra rb");
  add_conv (f, "c", "d", 32, 16, 1);
  add_conv (f, "ra", "e", 16, 16, 1);
  tiny_model_add_node (&f->tiny, "Add", "", "d e", "y", NULL);
  tiny_model_add_output (&f->tiny, "y", FW_ELEMENT_FLOAT, "1 16 8 8");
  finish (f);
  add_range (f, "ra", 0.01f, 0);
  add_range (f, "rb", 0.19f, 0);
  add_range (f, "c", 0.2f, 0);
  add_range (f, "d", 0.5f, 128);
  add_range (f, "e", 0.5f, 128);
  make_plan (f);
  g_assert_cmpstr (get_like (f, "ra"), ==, "ra");
  g_assert_cmpstr (get_like (f, "rb"), ==, "c");
}

/* A Relu that the whole's range does not do the work of goes on having its own. */
static void
test_concat_signed (Fixture *f, gconstpointer data)
{
  add_fire_module (f, "ra b");
  add_conv (f, "c", "d", 32, 16, 1);
  tiny_model_add_output (&f->tiny, "d", FW_ELEMENT_FLOAT, "1 16 8 8");
  tiny_model_add_output (&f->tiny, "rb", FW_ELEMENT_FLOAT, "1 16 8 8");
  finish (f);
  add_range (f, "ra", 0.1f, 0);
  add_range (f, "b", 0.2f, 128);
  add_range (f, "c", 0.2f, 128);
  add_range (f, "d", 0.5f, 128);
  make_plan (f);
  g_assert_cmpstr (get_like (f, "ra"), ==, "ra");
  g_assert_true (f->plan->is_dropped[get_node (f, "ra")]);
  g_assert_true (f->plan->is_int8[get_node (f, "c")]);
}

static FwModel *
build (Fixture *f)
{
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (f->model, f->units, 1);
  g_autoptr (GError) error = NULL;
  FwModel *model;

  for (guint i = 0; i < f->units->len; i++)
    fw_recipe_set_option (f->recipe, ((FwUnit *) g_ptr_array_index (f->units, i))->name,
                          FW_OPTION_INT8_COMPUTE);
  model = fw_rewriter_build (rewriter, f->recipe, &error);
  g_assert_no_error (error);
  return model;
}

static float *
run (FwModel *model, guint size, gsize *n)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSession) session = fw_trial_load (model, NULL, 1, &error);
  g_autoptr (FwTensor) input
      = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 1, 3, size, size }, 4, NULL);
  g_autoptr (GPtrArray) outputs = NULL;
  FwRandom random = { 3 };

  g_assert_no_error (error);
  for (guint i = 0; i < 3 * size * size; i++)
    ((float *) fw_tensor_get_data (input))[i] = fw_random_double (&random) * 4 - 2;
  outputs = fw_session_run (session, NULL, &input, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  *n = fw_tensor_get_n_elements (g_ptr_array_index (outputs, 0));
  return fw_tensor_to_floats (g_ptr_array_index (outputs, 0));
}

/* Within what steps of @step for the last result and finer ones before can add up to. */
static void
check_near (Fixture *f, float step)
{
  g_autoptr (FwModel) model = NULL;
  g_autofree float *expected = NULL;
  g_autofree float *got = NULL;
  gsize n, n_got;
  double sum = 0, error = 0;

  if (!tiny_need_runtime ())
    return;
  model = build (f);
  expected = run (f->model, f->size, &n);
  got = run (model, f->size, &n_got);
  g_assert_cmpuint (n, ==, n_got);
  for (gsize i = 0; i < n; i++)
    {
      float bounded = CLAMP (expected[i], -128 * step, 127 * step);

      sum += bounded * bounded;
      error += (got[i] - bounded) * (got[i] - bounded);
    }
  g_assert_cmpfloat (error, <, 0.01 * sum);
}

/* 3 channels in become 4, 12 become 16 on both sides; the last ones are seen from outside. */
static void
test_padding (Fixture *f, gconstpointer data)
{
  guint a, b, c;

  add_conv (f, "x", "a", 3, 12, 1);
  add_conv (f, "a", "b", 12, 36, 1);
  add_conv (f, "b", "c", 36, 12, 1);
  tiny_model_add_output (&f->tiny, "c", FW_ELEMENT_FLOAT, "1 12 8 8");
  finish (f);
  add_range (f, "a", 0.15f, 128);
  add_range (f, "b", 0.8f, 128);
  add_range (f, "c", 6, 128);
  make_plan (f);
  a = get_node (f, "a");
  b = get_node (f, "b");
  c = get_node (f, "c");
  g_assert_cmpint (f->plan->channels_in[a], ==, 4);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (f->plan->widened_entries, "x")), ==, 1);
  g_assert_cmpint (f->plan->channels_out[a], ==, 16);
  g_assert_cmpint (f->plan->channels_in[b], ==, 16);
  g_assert_cmpint (f->plan->channels_out[b], ==, 40);
  g_assert_cmpint (f->plan->channels_in[c], ==, 40);
  g_assert_cmpint (f->plan->channels_out[c], ==, 0);
  g_assert_true (g_hash_table_contains (f->plan->widened, "a"));
  g_assert_false (g_hash_table_contains (f->plan->widened, "c"));
  check_near (f, 6);
}

/* Where each channel has its own kernel 16 is the measure, and pools and sums hand it on. */
static void
test_padding_depthwise (Fixture *f, gconstpointer data)
{
  add_conv (f, "x", "a", 3, 8, 1);
  add_conv (f, "a", "b", 8, 8, 8);
  tiny_model_add_node (&f->tiny, "Add", "", "a b", "s", NULL);
  tiny_model_add_node (&f->tiny, "MaxPool", "", "s", "p",
                       tiny_attribute_ints (NULL, "kernel_shape", "2 2"));
  add_conv (f, "p", "c", 8, 16, 1);
  tiny_model_add_output (&f->tiny, "c", FW_ELEMENT_FLOAT, "1 16 7 7");
  finish (f);
  add_range (f, "a", 0.15f, 128);
  add_range (f, "b", 0.2f, 128);
  add_range (f, "s", 0.3f, 128);
  add_range (f, "c", 1.5f, 128);
  make_plan (f);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "a")], ==, 16);
  g_assert_cmpint (f->plan->channels_in[get_node (f, "b")], ==, 16);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "b")], ==, 16);
  g_assert_cmpint (f->plan->channels_in[get_node (f, "c")], ==, 16);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "c")], ==, 0);
  g_assert_true (g_hash_table_contains (f->plan->widened, "p"));
  check_near (f, 1.5f);
}

/* Anybody else who sees a value sees its channels. */
static void
test_padding_refused (Fixture *f, gconstpointer data)
{
  add_conv (f, "x", "a", 3, 12, 1);
  add_conv (f, "a", "b", 12, 12, 1);
  tiny_model_add_node (&f->tiny, "Sigmoid", "", "b", "g", NULL);
  add_conv (f, "b", "c", 12, 16, 1);
  tiny_model_add_output (&f->tiny, "a", FW_ELEMENT_FLOAT, "1 12 8 8");
  tiny_model_add_output (&f->tiny, "g", FW_ELEMENT_FLOAT, "1 12 8 8");
  tiny_model_add_output (&f->tiny, "c", FW_ELEMENT_FLOAT, "1 16 8 8");
  finish (f);
  add_range (f, "a", 0.15f, 128);
  add_range (f, "b", 0.8f, 128);
  add_range (f, "c", 4, 128);
  make_plan (f);
  for (guint i = 0; i < f->plan->n_nodes; i++)
    {
      g_assert_cmpint (f->plan->channels_in[i], ==, 0);
      g_assert_cmpint (f->plan->channels_out[i], ==, 0);
    }
  g_assert_cmpuint (g_hash_table_size (f->plan->widened), ==, 0);
  g_assert_cmpuint (g_hash_table_size (f->plan->widened_entries), ==, 0);
  g_assert_cmpuint (g_hash_table_size (f->plan->sliced), ==, 0);
  check_near (f, 0.15f);
}

/* Where there are many places, what others see is cut from what convolutions see. */
static void
test_slices (Fixture *f, gconstpointer data)
{
  add_conv (f, "x", "a", 3, 12, 1);
  add_conv (f, "a", "b", 12, 12, 1);
  tiny_model_add_node (&f->tiny, "Sigmoid", "", "b", "g", NULL);
  add_conv (f, "b", "c", 12, 3, 1);
  tiny_model_add_output (&f->tiny, "c", FW_ELEMENT_FLOAT, "1 3 32 32");
  tiny_model_add_output (&f->tiny, "g", FW_ELEMENT_FLOAT, "1 12 32 32");
  finish (f);
  add_range (f, "a", 0.15f, 128);
  add_range (f, "b", 0.8f, 128);
  add_range (f, "c", 4, 128);
  make_plan (f);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "a")], ==, 16);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "b")], ==, 16);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (f->plan->sliced, "b")), ==, 12);
  g_assert_cmpint (f->plan->channels_in[get_node (f, "c")], ==, 16);
  g_assert_cmpint (f->plan->channels_out[get_node (f, "c")], ==, 16);
  g_assert_cmpint (GPOINTER_TO_INT (g_hash_table_lookup (f->plan->sliced, "c")), ==, 3);
  g_assert_false (g_hash_table_contains (f->plan->sliced, "a"));
  check_near (f, 4);
}

/* Rounding must not move above a float pool. */
static void
test_pool_at_entry (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) last = g_ptr_array_new ();
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_autoptr (GError) error = NULL;
  guint n_shields = 0;

  add_conv (f, "x", "a", 3, 16, 1);
  tiny_model_add_node (&f->tiny, "MaxPool", "", "a", "p",
                       tiny_attribute_ints (NULL, "kernel_shape", "2 2"));
  add_conv (f, "p", "b", 16, 16, 1);
  tiny_model_add_output (&f->tiny, "b", FW_ELEMENT_FLOAT, "1 16 7 7");
  finish (f);
  add_range (f, "a", 0.15f, 128);
  add_range (f, "p", 0.15f, 128);
  add_range (f, "b", 1, 128);
  make_plan (f);
  g_assert_true (f->plan->is_int8[get_node (f, "p")]);
  g_assert_false (f->plan->is_sandwiched[get_node (f, "p")]);
  g_clear_pointer (&f->plan, fw_rewrite_plan_free);

  g_ptr_array_add (last, g_ptr_array_index (f->units, 1));
  f->plan = fw_rewrite_plan_new (f->model, f->index, last, f->recipe);
  g_assert_false (f->plan->is_int8[get_node (f, "p")]);
  g_assert_true (f->plan->is_sandwiched[get_node (f, "p")]);

  rewriter = fw_rewriter_new (f->model, f->units, 1);
  fw_recipe_set_option (f->recipe, ((FwUnit *) last->pdata[0])->name, FW_OPTION_INT8_COMPUTE);
  model = fw_rewriter_build (rewriter, f->recipe, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < fw_model_get_graph (model)->n_node; i++)
    if (strcmp (fw_model_get_graph (model)->node[i]->op_type, "LeakyRelu") == 0)
      n_shields++;
  g_assert_cmpuint (n_shields, ==, 1);
}

#define ADD(name, size, function)                                                                  \
  g_test_add ("/plan/" name, Fixture, GINT_TO_POINTER (size), set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("concat", 8, test_concat);
  ADD ("concat-unwatched", 8, test_concat_unwatched);
  ADD ("concat-refused", 8, test_concat_refused);
  ADD ("concat-signed", 8, test_concat_signed);
  ADD ("padding", 8, test_padding);
  ADD ("padding-depthwise", 8, test_padding_depthwise);
  ADD ("padding-refused", 8, test_padding_refused);
  ADD ("slices", 32, test_slices);
  ADD ("pool-at-entry", 8, test_pool_at_entry);
  return g_test_run ();
}
