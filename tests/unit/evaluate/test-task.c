/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-error.h"
#include "fw-task.h"
#include "tiny-model.h"

static const FwSessionOptions plain = { .threads = 1, .optimization = FW_OPTIMIZE_NONE };

typedef struct
{
  const char *path;
  int type;
  const char *input, *output;
  FwTask task;
  guint n_classes;
} TaskCase;

static const TaskCase task_cases[] = {
  { "nchw", FW_ELEMENT_FLOAT, "1 3 8 8", "1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "nhwc", FW_ELEMENT_FLOAT, "1 8 8 3", "1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "grey", FW_ELEMENT_FLOAT, "1 1 28 28", "1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "dynamic-batch", FW_ELEMENT_FLOAT, "-1 3 8 8", "-1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "dynamic-size", FW_ELEMENT_FLOAT, "1 3 -1 -1", "1 2", FW_TASK_CLASSIFY_PICTURES, 2 },
  { "spatial", FW_ELEMENT_FLOAT, "1 3 8 8", "1 10 1 1", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "spatial-nhwc", FW_ELEMENT_FLOAT, "1 8 8 3", "1 1 1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "flat", FW_ELEMENT_FLOAT, "1 3 8 8", "10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "open-classes", FW_ELEMENT_FLOAT, "1 3 8 8", "1 -1", FW_TASK_CLASSIFY_PICTURES, 0 },
  { "half", FW_ELEMENT_FLOAT16, "1 3 8 8", "1 10", FW_TASK_CLASSIFY_PICTURES, 10 },
  { "one-score", FW_ELEMENT_FLOAT, "1 3 8 8", "1 1", FW_TASK_GENERAL, 0 },
  { "mask", FW_ELEMENT_FLOAT, "1 3 8 8", "1 21 8 8", FW_TASK_GENERAL, 0 },
  { "several-answers", FW_ELEMENT_FLOAT, "1 3 8 8", "5 10", FW_TASK_GENERAL, 0 },
  { "whole-numbers", FW_ELEMENT_INT64, "1 3 8 8", "1 10", FW_TASK_GENERAL, 0 },
  { "four-channels", FW_ELEMENT_FLOAT, "1 4 8 8", "1 10", FW_TASK_CLASSIFY, 10 },
  { "table", FW_ELEMENT_FLOAT, "1 12", "1 10", FW_TASK_CLASSIFY, 10 },
  { "class", FW_ELEMENT_INT64, "-1 12", "-1", FW_TASK_CLASSIFY, 0 },
  { "class-column", FW_ELEMENT_INT32, "1 12", "1 1", FW_TASK_CLASSIFY, 0 },
  { "bytes", FW_ELEMENT_INT32, "-1 12", "1 7", FW_TASK_GENERAL, 0 },
  { "as-it-was", FW_ELEMENT_FLOAT, "-1 12", "-1 12", FW_TASK_GENERAL, 0 },
  { "sequence", FW_ELEMENT_FLOAT, "1 5 12", "1 5 10", FW_TASK_GENERAL, 0 },
};

static FwSession *
open_model (TinyModel *model)
{
  g_autoptr (GBytes) bytes = tiny_model_finish (model, 12);
  g_autoptr (GError) error = NULL;
  FwSession *session = fw_session_new_from_bytes (bytes, &plain, &error);

  g_assert_no_error (error);
  return session;
}

/* y is @input in a shape that only running would tell, so that what is declared is believed. */
static void
add_any_shape (TinyModel *model, const char *input)
{
  tiny_model_add_node (model, "Cast", "", input, "floats",
                       tiny_attribute_int (NULL, "to", FW_ELEMENT_FLOAT));
  tiny_model_add_node (model, "NonZero", "", "floats", "places", NULL);
  tiny_model_add_node (model, "Flatten", "", "places", "row", tiny_attribute_int (NULL, "axis", 0));
  tiny_model_add_node (model, "Squeeze", "", "row", "shape",
                       tiny_attribute_ints (NULL, "axes", "0"));
  tiny_model_add_node (model, "Reshape", "", "x shape", "y", NULL);
}

static void
test_guess (gconstpointer data)
{
  const TaskCase *self = data;
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *words = NULL;
  FwTaskInfo info;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", self->type, self->input);
  add_any_shape (&model, "x");
  tiny_model_add_output (&model, "y", self->type, self->output);
  session = open_model (&model);

  g_assert_true (fw_task_guess (session, &info, &error));
  g_assert_no_error (error);
  g_assert_cmpint (info.task, ==, self->task);
  g_assert_cmpuint (info.n_classes, ==, self->n_classes);
  words = fw_task_describe (&info);
  g_assert_nonnull (words);
}

static void
test_second_output (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  FwTaskInfo info;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "1 3 8 8");
  add_any_shape (&model, "x");
  tiny_model_add_node (&model, "Identity", "", "x", "features", NULL);
  tiny_model_add_output (&model, "features", FW_ELEMENT_FLOAT, "1 3 8 8");
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "1 7");
  session = open_model (&model);

  g_assert_true (fw_task_guess (session, &info, NULL));
  g_assert_cmpint (info.task, ==, FW_TASK_CLASSIFY_PICTURES);
  g_assert_cmpuint (info.output, ==, 1);
  g_assert_cmpuint (info.n_classes, ==, 7);
}

static void
check_refused (TinyModel *model, const char *words)
{
  g_autoptr (FwSession) session = open_model (model);
  g_autoptr (GError) error = NULL;
  FwTaskInfo info;

  g_assert_false (fw_task_guess (session, &info, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
  g_assert_nonnull (strstr (error->message, words));
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
test_two_inputs (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  FwTaskInfo info;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "left", FW_ELEMENT_FLOAT, "1 3 8 8");
  tiny_model_add_input (&model, "right", FW_ELEMENT_FLOAT, "1 3 8 8");
  tiny_model_add_node (&model, "Add", "", "left right", "sum", NULL);
  tiny_model_add_node (&model, "Neg", "", "sum", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "1 3 8 8");
  session = open_model (&model);

  g_assert_true (fw_task_guess (session, &info, NULL));
  g_assert_cmpint (info.task, ==, FW_TASK_GENERAL);
  g_assert_false (info.is_pictures);
}

/* The answers are there beside other outputs, and some inputs need nothing. */
static void
test_with_state (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwInputs) inputs = NULL;
  FwTaskInfo info;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "rate", FW_ELEMENT_INT64, "");
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "1 3 8 8");
  tiny_model_add_input (&model, "state", FW_ELEMENT_FLOAT, "2 4");
  add_any_shape (&model, "x");
  tiny_model_add_node (&model, "Neg", "", "state", "next", NULL);
  tiny_model_add_output (&model, "next", FW_ELEMENT_FLOAT, "2 4");
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "1 7");
  session = open_model (&model);

  g_assert_true (fw_task_guess (session, &info, NULL));
  g_assert_cmpint (info.task, ==, FW_TASK_CLASSIFY_PICTURES);
  g_assert_cmpuint (info.input, ==, 1);
  g_assert_cmpuint (info.output, ==, 1);
  inputs = fw_inputs_new (session, NULL);
  g_assert_true (inputs->can_be_zero[0]);
  g_assert_false (inputs->can_be_zero[1]);
  g_assert_true (inputs->can_be_zero[2]);
}

static void
test_no_input (void)
{
  const float values[] = { 1, 2 };
  TinyModel model;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_floats (&model, "c", "2", values, 2);
  tiny_model_add_node (&model, "Neg", "", "c", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "2");
  check_refused (&model, "no input");
}

static void
test_fixed_batch (void)
{
  TinyModel model;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "32 3 8 8");
  tiny_model_add_node (&model, "Neg", "", "x", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "32 3 8 8");
  check_refused (&model, "32");
}

static void
test_names (void)
{
  g_assert_cmpstr (fw_task_get_name (FW_TASK_CLASSIFY_PICTURES), ==, "classify-pictures");
  g_assert_cmpstr (fw_task_get_name (FW_TASK_CLASSIFY), ==, "classify");
  g_assert_cmpstr (fw_task_get_name (FW_TASK_GENERAL), ==, "general");
  g_assert_cmpstr (fw_task_get_name (FW_TASK_UNKNOWN), ==, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (task_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/evaluate/task/guess/", task_cases[i].path, NULL);

      g_test_add_data_func (path, &task_cases[i], test_guess);
    }
  g_test_add_func ("/evaluate/task/second-output", test_second_output);
  g_test_add_func ("/evaluate/task/two-inputs", test_two_inputs);
  g_test_add_func ("/evaluate/task/with-state", test_with_state);
  g_test_add_func ("/evaluate/task/no-input", test_no_input);
  g_test_add_func ("/evaluate/task/fixed-batch", test_fixed_batch);
  g_test_add_func ("/evaluate/task/names", test_names);

  return g_test_run ();
}
