/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "small-network.h"

#include <math.h>
#include <string.h>

#include "fw-random.h"
#include "fw-sensitivity.h"
#include "tiny-model.h"

#define N_VALUES (3 * 16 * 16)

static void
add_weights (TinyModel *tiny, const char *name, const char *dims, guint n, float size, guint64 seed)
{
  g_autofree float *values = g_new (float, n);
  FwRandom random = { seed };

  for (guint i = 0; i < n; i++)
    values[i] = (fw_random_double (&random) * 2 - 1) * size;
  tiny_model_add_floats (tiny, name, dims, values, n);
}

FwModel *
small_network_new (int opset)
{
  static const float bounds[] = { 0, 6 };
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  static const char *const names[] = { "c1",  "r1", "depthwise", "clip", "c2",   "r2",     "c3",
                                       "add", "r3", "pool",      "flat", "gemm", "softmax" };
  GByteArray *same = tiny_attribute_ints (NULL, "pads", "1 1 1 1");
  GByteArray *grouped
      = tiny_attribute_int (tiny_attribute_ints (NULL, "pads", "1 1 1 1"), "group", 32);
  TinyModel tiny;
  FwModel *model;

  tiny_model_init (&tiny);
  tiny_model_add_input (&tiny, "x", FW_ELEMENT_FLOAT, "1 3 16 16");
  add_weights (&tiny, "w1", "32 3 3 3", 864, 0.5f, 1);
  add_weights (&tiny, "b1", "32", 32, 0.2f, 2);
  add_weights (&tiny, "wd", "32 1 3 3", 288, 0.6f, 3);
  add_weights (&tiny, "w2", "64 32 1 1", 2048, 0.3f, 4);
  add_weights (&tiny, "b2", "64", 64, 0.2f, 5);
  add_weights (&tiny, "w3", "64 64 1 1", 4096, 0.2f, 6);
  add_weights (&tiny, "b3", "64", 64, 0.2f, 7);
  add_weights (&tiny, "wg", "64 10", 640, 0.5f, 8);
  add_weights (&tiny, "bg", "10", 10, 0.2f, 9);
  tiny_model_add_floats (&tiny, "low", "", &bounds[0], 1);
  tiny_model_add_floats (&tiny, "high", "", &bounds[1], 1);
  tiny_model_add_node (&tiny, "Conv", "", "x w1 b1", "v1", same);
  tiny_model_add_node (&tiny, "Relu", "", "v1", "v2", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v2 wd", "v3", grouped);
  tiny_model_add_node (&tiny, "Clip", "", "v3 low high", "v4", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v4 w2 b2", "v5", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v5", "v6", NULL);
  tiny_model_add_node (&tiny, "Conv", "", "v6 w3 b3", "v7", NULL);
  tiny_model_add_node (&tiny, "Add", "", "v7 v6", "v8", NULL);
  tiny_model_add_node (&tiny, "Relu", "", "v8", "v9", NULL);
  tiny_model_add_node (&tiny, "GlobalAveragePool", "", "v9", "v10", NULL);
  tiny_model_add_node (&tiny, "Flatten", "", "v10", "v11", NULL);
  tiny_model_add_node (&tiny, "Gemm", "", "v11 wg bg", "v12", NULL);
  tiny_model_add_node (&tiny, "Softmax", "", "v12", "y", NULL);
  tiny_model_add_output (&tiny, "y", FW_ELEMENT_FLOAT, "1 10");
  bytes = tiny_model_finish (&tiny, opset);
  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_free (fw_model_get_graph (model)->node[i]->name);
      fw_model_get_graph (model)->node[i]->name = g_strdup (names[i]);
    }
  return model;
}

FwTensor *
small_network_sample (guint index)
{
  static const gint64 dims[] = { 1, 3, 16, 16 };
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, 4, NULL);
  FwRandom random = { index * 7919 + 1 };
  float *values = fw_tensor_get_data (tensor);
  float brightness = fw_random_double (&random);

  for (guint i = 0; i < N_VALUES; i++)
    values[i] = fw_random_double (&random) + brightness - 0.5f;
  return tensor;
}

static GPtrArray *
make_inputs (guint index, gpointer user_data, GError **error)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  g_ptr_array_add (inputs, small_network_sample (index));
  return inputs;
}

FwFeed
small_network_feed (guint n)
{
  return (FwFeed){ n, make_inputs, NULL };
}

FwRecipe *
small_network_calibrate (FwModel *model, FwRewriter *rewriter, guint n)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) values = fw_rewriter_list_values (rewriter);
  const FwFeed feed = small_network_feed (n);
  g_autoptr (FwCalibration) calibration
      = fw_calibration_run (model, (const char *const *) values, &feed, 1, NULL, NULL, &error);
  FwRecipe *recipe = fw_recipe_new ("0123", FALSE);

  g_assert_no_error (error);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      g_autofree float *mean = g_new (float, statistics->channels);
      FwRange range;

      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (recipe, values[i], &range);
      for (gsize c = 0; c < statistics->channels; c++)
        mean[c] = statistics->mean[c];
      fw_recipe_set_mean (recipe, values[i], mean, statistics->channels);
    }
  return recipe;
}

float *
small_network_run (FwModel *model, guint index)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSession) session = fw_trial_load (model, NULL, 1, &error);
  g_autoptr (FwTensor) input = small_network_sample (index);
  g_autoptr (GPtrArray) outputs = NULL;

  g_assert_no_error (error);
  outputs = fw_session_run (session, NULL, &input, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  return fw_tensor_to_floats (g_ptr_array_index (outputs, 0));
}
