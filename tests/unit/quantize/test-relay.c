/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-relay.h"
#include "small-network.h"
#include "tiny-model.h"

#define N_ROWS 11

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe;
  GPtrArray *rows;
  FwSwitchboard *board;
} Fixture;

/* What follows the input, a branch, the sum of both, and the pool; in no order. */
static const char *const values[] = { "v10", "x", "v4", "v8", "v6", NULL };

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  if (!tiny_need_runtime ())
    return;
  for (guint i = 0; i < N_ROWS; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

      g_ptr_array_add (row, small_network_sample (i));
      g_ptr_array_add (f->rows, row);
    }
  f->model = small_network_new (13);
  f->units = fw_units_find (f->model);
  f->rewriter = fw_rewriter_new (f->model, f->units, 1);
  f->recipe = small_network_calibrate (f->model, f->rewriter, N_ROWS);
  f->board = fw_switchboard_new (f->rewriter, f->units, f->recipe, values, data != NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->board, fw_switchboard_unref);
  g_clear_pointer (&f->recipe, fw_recipe_free);
  g_clear_pointer (&f->rewriter, fw_rewriter_free);
  g_clear_pointer (&f->units, g_ptr_array_unref);
  g_clear_pointer (&f->model, fw_model_unref);
  g_ptr_array_unref (f->rows);
}

static FwSwitches *
make_current (Fixture *f, gboolean gates)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (f->recipe);
  g_autoptr (GError) error = NULL;
  FwSwitches *switches = fw_switches_new (f->board);

  for (guint i = 0; i < f->units->len; i++)
    fw_recipe_set_option (recipe, ((const FwUnit *) f->units->pdata[i])->name,
                          gates ? FW_OPTION_INT8_COMPUTE : FW_OPTION_INT4_STORAGE);
  g_assert_true (fw_switches_set_recipe (switches, recipe, &error));
  g_assert_no_error (error);
  return switches;
}

static void
check_value (Fixture *f, FwRelay *relay, FwSwitches *switches, const char *value, gboolean current)
{
  const char *wanted[] = { value, NULL };

  for (guint i = 0; i < fw_relay_get_n_samples (relay); i++)
    {
      g_autoptr (FwTensor) tensor = fw_relay_get (relay, i, current);
      g_autoptr (GPtrArray) whole = NULL;
      g_autoptr (GError) error = NULL;
      FwTensor *expected = g_ptr_array_index ((GPtrArray *) f->rows->pdata[i], 0);

      if (strcmp (value, "x") != 0)
        {
          whole = fw_switches_run (switches, f->rows->pdata[i], wanted, NULL, &error);
          g_assert_no_error (error);
          expected = whole->pdata[0];
        }
      g_assert_cmpuint (fw_tensor_get_n_elements (tensor), ==, fw_tensor_get_n_elements (expected));
      for (gsize j = 0; j < fw_tensor_get_n_elements (tensor); j++)
        g_assert_cmpfloat_with_epsilon (((float *) fw_tensor_get_data (tensor))[j],
                                        ((float *) fw_tensor_get_data (expected))[j], 1e-4);
    }
}

static void
check_relay (Fixture *f, guint threads, guint64 max_bytes, gboolean gates)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSwitches) original = fw_switches_new (f->board);
  g_autoptr (FwSwitches) current = make_current (f, gates);
  g_autoptr (FwRelay) relay = fw_relay_new (f->board, values, f->rows, max_bytes, threads, &error);
  const char *const *order;

  g_assert_no_error (error);
  g_assert_cmpuint (fw_relay_get_n_samples (relay), ==, max_bytes > 1000 ? N_ROWS : 8);
  order = fw_relay_list_values (relay);
  g_assert_cmpuint (g_strv_length ((char **) order), ==, G_N_ELEMENTS (values) - 1);
  g_assert_cmpstr (order[0], ==, "x");
  for (guint i = 0; order[i] != NULL; i++)
    {
      g_assert_true (fw_relay_advance (relay, order[i], original, current, NULL, &error));
      g_assert_no_error (error);
      check_value (f, relay, original, order[i], FALSE);
      check_value (f, relay, current, order[i], TRUE);
    }
}

static void
test_values (Fixture *f, gconstpointer data)
{
  if (f->model == NULL)
    return;
  check_relay (f, 1, 1 << 30, data != NULL);
  check_relay (f, 3, 1 << 30, data != NULL);
  check_relay (f, 40, 1000, data != NULL);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (FwSwitches) original = NULL;
  g_autoptr (FwRelay) relay = NULL;
  g_autoptr (GError) error = NULL;

  if (f->model == NULL)
    return;
  original = fw_switches_new (f->board);
  relay = fw_relay_new (f->board, values, f->rows, 1 << 30, 2, &error);
  g_assert_no_error (error);
  g_cancellable_cancel (cancellable);
  g_assert_false (fw_relay_advance (relay, "v10", original, original, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/relay/values", Fixture, NULL, set_up, test_values, tear_down);
  g_test_add ("/relay/gates", Fixture, "gates", set_up, test_values, tear_down);
  g_test_add ("/relay/cancelled", Fixture, NULL, set_up, test_cancelled, tear_down);
  return g_test_run ();
}
