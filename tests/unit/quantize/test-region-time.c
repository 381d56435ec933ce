/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-region-time.h"
#include "small-network.h"
#include "tiny-model.h"

#define N_ROWS 2

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  GPtrArray *rows;
  FwRecipe *recipe;
  FwSession *original;
  FwTrial trial;
  double *share;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->model = small_network_new (GPOINTER_TO_INT (data));
  f->units = fw_units_find (f->model);
  f->rewriter = fw_rewriter_new (f->model, f->units, 1);
  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  f->share = g_new0 (double, f->units->len + 1);
  if (!tiny_need_runtime ())
    return;
  f->recipe = small_network_calibrate (f->model, f->rewriter, 4);
  f->original = fw_trial_load (f->model, NULL, 1, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

      g_ptr_array_add (row, small_network_sample (i));
      g_ptr_array_add (f->rows, row);
    }
  f->trial = (FwTrial){
    .rewriter = f->rewriter, .units = f->units, .recipe = f->recipe, .rows = f->rows, .threads = 1
  };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->recipe, fw_recipe_free);
  g_clear_pointer (&f->original, fw_session_free);
  g_free (f->share);
  g_ptr_array_unref (f->rows);
  fw_rewriter_free (f->rewriter);
  g_ptr_array_unref (f->units);
  fw_model_unref (f->model);
}

static void
note_fraction (double fraction, gpointer user_data)
{
  double *last = user_data;

  g_assert_cmpfloat (fraction, >=, *last);
  *last = fraction;
}

/* With few places and with more than there are. */
static void
test_measure (Fixture *f, gconstpointer data)
{
  const guint n = f->units->len;

  if (f->recipe == NULL)
    return;
  for (guint max_cuts = 2; max_cuts <= 12; max_cuts += 10)
    {
      double last = 0;
      g_autoptr (FwProgress) progress = fw_progress_new (note_fraction, &last);
      g_autoptr (GError) error = NULL;
      guint end = 0;

      for (guint i = 0; i <= n; i++)
        f->share[i] = NAN;
      g_assert_true (fw_region_time_measure (&f->trial, f->original, max_cuts, f->share, &end,
                                             progress, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (end, >=, 1);
      g_assert_cmpuint (end, <=, n);
      g_assert_cmpfloat (last, ==, 1);
      for (guint i = 0; i <= n; i++)
        {
          g_assert_true (isfinite (f->share[i]));
          g_assert_cmpfloat (f->share[i], >, 0);
          g_assert_cmpfloat (f->share[i], <, 100);
          if (i >= end)
            g_assert_cmpfloat (f->share[i], ==, 1);
        }
    }
}

/* In operator set 12 no unit can compute in int8. */
static void
test_impossible (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint end = 0;

  if (f->recipe == NULL)
    return;
  g_assert_true (
      fw_region_time_measure (&f->trial, f->original, 12, f->share, &end, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (end, ==, f->units->len);
  for (guint i = 0; i <= f->units->len; i++)
    g_assert_cmpfloat (f->share[i], ==, 1);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  guint end;

  if (f->recipe == NULL)
    return;
  g_cancellable_cancel (cancellable);
  g_assert_false (fw_region_time_measure (&f->trial, f->original, 12, f->share, &end, NULL,
                                          cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

#define ADD(name, opset, function)                                                                 \
  g_test_add ("/region-time/" name, Fixture, GINT_TO_POINTER (opset), set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("measure", 13, test_measure);
  ADD ("impossible", 12, test_impossible);
  ADD ("cancelled", 13, test_cancelled);
  return g_test_run ();
}
