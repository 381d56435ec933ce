/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-extra-care.h"
#include "fw-repair.h"
#include "small-network.h"
#include "tiny-model.h"

#define N_ROWS 40
#define N_OTHERS 30
#define N_CLASSES 10

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe;
  GPtrArray *rows;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
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
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->recipe, fw_recipe_free);
  g_clear_pointer (&f->rewriter, fw_rewriter_free);
  g_clear_pointer (&f->units, g_ptr_array_unref);
  g_clear_pointer (&f->model, fw_model_unref);
  g_ptr_array_unref (f->rows);
}

static FwRecipe *
make_recipe (Fixture *f, FwOption option)
{
  FwRecipe *recipe = fw_recipe_copy (f->recipe);

  for (guint i = 0; i < f->units->len; i++)
    {
      const FwUnit *unit = f->units->pdata[i];

      if (fw_rewriter_can (f->rewriter, recipe, i, option))
        fw_recipe_set_option (recipe, unit->name, option);
    }
  return recipe;
}

/* Mean squared error of the answers to samples that were not looked at, as the file gives them. */
static double
measure (Fixture *f, FwRecipe *recipe)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) built = fw_rewriter_build (f->rewriter, recipe, &error);
  double sum = 0;

  g_assert_no_error (error);
  for (guint i = N_ROWS; i < N_ROWS + N_OTHERS; i++)
    {
      g_autofree float *expected = small_network_run (f->model, i);
      g_autofree float *answer = small_network_run (built, i);

      for (guint c = 0; c < N_CLASSES; c++)
        sum += ((double) answer[c] - expected[c]) * ((double) answer[c] - expected[c]);
    }
  return sum / N_OTHERS;
}

static void
observe (const char *value, FwTensor *tensor, guint sample, gpointer user_data)
{
  fw_repair_observe (user_data, value, tensor, sample);
}

static GPtrArray *
feed_row (guint index, gpointer user_data, GError **error)
{
  return g_ptr_array_ref (((Fixture *) user_data)->rows->pdata[index]);
}

/* What calibration does: second moments of all inputs, and roundings from them. */
static FwRepair *
make_repair (Fixture *f, guint64 max_bytes, guint threads)
{
  FwRepair *repair = fw_repair_new (f->model, f->units, FW_REPAIR_ALL, max_bytes, threads);
  const FwFeed feed = { N_ROWS, feed_row, f, observe, repair };
  g_auto (GStrv) values = fw_rewriter_list_values (f->rewriter);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwCalibration) calibration = fw_calibration_run (
      f->model, (const char *const *) values, &feed, threads, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (calibration);
  return repair;
}

static void
improve (Fixture *f, FwRecipe *recipe, FwRepairFlags repairs, guint threads)
{
  const FwExtraCare care = { f->rewriter, f->units, f->rows, repairs, 1 << 30, threads };
  g_autoptr (GError) error = NULL;

  g_assert_true (fw_extra_care_improve (&care, recipe, NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
check_gain (Fixture *f, FwOption option, double filled_share, double improved_share)
{
  g_autoptr (FwRecipe) recipe = make_recipe (f, option);
  g_autoptr (FwRepair) repair = make_repair (f, 1 << 30, 2);
  g_autoptr (GError) error = NULL;
  double plain = measure (f, recipe), filled, improved;

  g_assert_true (fw_repair_fill (repair, recipe, NULL, NULL, &error));
  g_assert_no_error (error);
  filled = measure (f, recipe);
  improve (f, recipe, FW_REPAIR_ALL, 2);
  improved = measure (f, recipe);
  g_test_message ("%s: plain %g, filled %g, improved %g", fw_option_get_name (option), plain,
                  filled, improved);
  g_assert_cmpfloat (filled, <, plain * filled_share);
  g_assert_cmpfloat (improved, <, filled * improved_share);
}

static void
test_gains (Fixture *f, gconstpointer data)
{
  if (f->model == NULL)
    return;
  check_gain (f, FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0), 0.8, 0.9);
  check_gain (f, FW_OPTION (4, FW_ARITHMETIC_FLOAT, 32), 0.8, 1.0);
  check_gain (f, FW_OPTION (6, FW_ARITHMETIC_FLOAT, 0), 0.9, 0.9);
  check_gain (f, FW_OPTION (5, FW_ARITHMETIC_INT8, 0), 1.0, 1.0);
}

static void
assert_same (FwRecipe *a, FwRecipe *b)
{
  g_autoptr (JsonNode) first = fw_recipe_to_json (a);
  g_autoptr (JsonNode) second = fw_recipe_to_json (b);

  g_assert_true (json_node_equal (first, second));
}

static void
test_threads (Fixture *f, gconstpointer data)
{
  const FwOption option = FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0);
  g_autoptr (FwRecipe) one = NULL;
  g_autoptr (FwRecipe) many = NULL;
  g_autoptr (FwRepair) repair = NULL;
  g_autoptr (FwRepair) other = NULL;

  if (f->model == NULL)
    return;
  one = make_recipe (f, option);
  many = make_recipe (f, option);
  repair = make_repair (f, 1 << 30, 1);
  other = make_repair (f, 1 << 30, 3);
  g_assert_true (fw_repair_fill (repair, one, NULL, NULL, NULL));
  g_assert_true (fw_repair_fill (other, many, NULL, NULL, NULL));
  assert_same (one, many);
  improve (f, one, FW_REPAIR_ALL, 1);
  improve (f, many, FW_REPAIR_ALL, 3);
  assert_same (one, many);
}

static void
test_nothing_to_do (Fixture *f, gconstpointer data)
{
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwRecipe) before = NULL;
  g_autoptr (FwRecipe) plain = NULL;
  g_autoptr (FwRecipe) other = NULL;
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  FwExtraCare care;

  if (f->model == NULL)
    return;
  recipe = make_recipe (f, FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0));
  before = fw_recipe_copy (recipe);
  improve (f, recipe, FW_REPAIR_ALL & ~FW_REPAIR_CROSS, 1);
  assert_same (recipe, before);
  care = (FwExtraCare){ f->rewriter, f->units, none, FW_REPAIR_ALL, 1 << 30, 1 };
  g_assert_true (fw_extra_care_improve (&care, recipe, NULL, NULL, NULL));
  assert_same (recipe, before);
  /* No room for moments. */
  care = (FwExtraCare){ f->rewriter, f->units, f->rows, FW_REPAIR_ALL, 100, 1 };
  g_assert_true (fw_extra_care_improve (&care, recipe, NULL, NULL, NULL));
  assert_same (recipe, before);

  plain = fw_recipe_copy (f->recipe);
  other = fw_recipe_copy (f->recipe);
  improve (f, plain, FW_REPAIR_ALL, 1);
  assert_same (plain, other);
}

static void
test_held_back (Fixture *f, gconstpointer data)
{
  static const char *const scores[] = { "v12", NULL };
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwRecipe) before = NULL;
  g_autoptr (FwRecipe) again = NULL;
  g_autoptr (GError) error = NULL;
  FwExtraCare care;

  if (f->model == NULL)
    return;
  recipe = make_recipe (f, FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0));
  before = fw_recipe_copy (recipe);
  care
      = (FwExtraCare){ f->rewriter, f->units, f->rows, FW_REPAIR_ALL, 1 << 30, 2, f->rows, scores };
  g_assert_true (fw_extra_care_improve (&care, recipe, NULL, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpfloat (measure (f, recipe), <, measure (f, before));

  /* Looking at one sample leads astray: what it gives is no better than what many gave. */
  again = fw_recipe_copy (recipe);
  care.rows = g_ptr_array_new ();
  g_ptr_array_add (care.rows, f->rows->pdata[0]);
  g_assert_true (fw_extra_care_improve (&care, again, NULL, NULL, &error));
  g_assert_no_error (error);
  assert_same (recipe, again);
  g_ptr_array_unref (care.rows);
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (FwRecipe) recipe = NULL;
  g_autoptr (FwRecipe) before = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  FwExtraCare care;

  if (f->model == NULL)
    return;
  recipe = make_recipe (f, FW_OPTION (4, FW_ARITHMETIC_FLOAT, 0));
  before = fw_recipe_copy (recipe);
  care = (FwExtraCare){ f->rewriter, f->units, f->rows, FW_REPAIR_ALL, 1 << 30, 1 };
  g_cancellable_cancel (cancellable);
  g_assert_false (fw_extra_care_improve (&care, recipe, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  assert_same (recipe, before);
}

static void
test_repair_ratio (Fixture *f, gconstpointer data)
{
  if (f->model == NULL)
    return;
  for (guint room = 0; room < 2; room++)
    {
      g_autoptr (FwRepair) repair = make_repair (f, room << 30, 1);

      for (guint i = 0; i < f->units->len; i++)
        {
          g_assert_cmpfloat (fw_repair_get_ratio (repair, i, 4), ==, 1);
          for (guint bits = 3; bits <= 8; bits++)
            {
              double share = fw_repair_get_ratio (repair, i, bits)
                             / fw_repair_get_ratio (repair, i, bits - 1);

              /* About 6 dB a bit, and what the codes of few bits make of it. */
              g_assert_cmpfloat (share, >, 0.1);
              g_assert_cmpfloat (share, <, 0.8);
            }
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/extra-care/gains", Fixture, NULL, set_up, test_gains, tear_down);
  g_test_add ("/extra-care/threads", Fixture, NULL, set_up, test_threads, tear_down);
  g_test_add ("/extra-care/nothing-to-do", Fixture, NULL, set_up, test_nothing_to_do, tear_down);
  g_test_add ("/extra-care/held-back", Fixture, NULL, set_up, test_held_back, tear_down);
  g_test_add ("/extra-care/cancelled", Fixture, NULL, set_up, test_cancelled, tear_down);
  g_test_add ("/extra-care/ratio", Fixture, NULL, set_up, test_repair_ratio, tear_down);
  return g_test_run ();
}
