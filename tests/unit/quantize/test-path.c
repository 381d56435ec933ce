/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-path.h"
#include "small-network.h"
#include "tiny-model.h"

typedef struct
{
  FwModel *model;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe;
  FwSizes *sizes;
  FwUnitHarm harms[5];
  double time[6];
  FwPathInput input;
} Fixture;

/* Ranges that cover everything: the path needs none that are good. */
static void
fill_recipe (Fixture *f)
{
  g_auto (GStrv) values = fw_rewriter_list_values (f->rewriter);
  const FwRange range = { .scale = 0.05f };

  for (guint i = 0; values[i] != NULL; i++)
    fw_recipe_set_range (f->recipe, values[i], &range);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->model = small_network_new (13);
  f->units = fw_units_find (f->model);
  f->rewriter = fw_rewriter_new (f->model, f->units, 1);
  f->recipe = fw_recipe_new ("0123", FALSE);
  fill_recipe (f);
  for (guint i = 0; i < 5; i++)
    {
      f->harms[i].storage[1] = 1e-8;
      for (guint k = 2; k < FW_N_WIDTHS; k++)
        f->harms[i].storage[k] = 1e-5 * (i + 1) * pow (4, k - 2);
      f->harms[i].arithmetic[FW_ARITHMETIC_INT8] = 9e-5 * (i + 1);
      f->harms[i].arithmetic[FW_ARITHMETIC_INT8_DYNAMIC] = INFINITY;
      f->harms[i].arithmetic[FW_ARITHMETIC_BLOCKS] = INFINITY;
      f->time[i] = 0.4 + 0.1 * i;
    }
  f->time[5] = 1;
  f->sizes = fw_sizes_new (f->rewriter, f->units, f->recipe, &error);
  g_assert_no_error (error);
  f->input = (FwPathInput){ .units = f->units,
                            .rewriter = f->rewriter,
                            .recipe = f->recipe,
                            .sizes = f->sizes,
                            .harms = f->harms,
                            .original_size = fw_model_get_size (f->model),
                            .compute_bits = 8 };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  fw_sizes_free (f->sizes);
  fw_recipe_free (f->recipe);
  fw_rewriter_free (f->rewriter);
  g_ptr_array_unref (f->units);
  fw_model_unref (f->model);
}

static FwPath *
find_path (Fixture *f, FwPrefer prefer, const double *time)
{
  f->input.prefer = prefer;
  f->input.time_share = time;
  return fw_path_new (&f->input);
}

static void
assert_promises (FwPath *path)
{
  double cost = 1, harm = 0;
  guint64 size = G_MAXUINT64;

  g_assert_cmpuint (path->steps->len, >, 0);
  for (guint i = 0; i < path->steps->len; i++)
    {
      FwStep *step = g_ptr_array_index (path->steps, i);

      g_assert_cmpfloat (step->cost, <, cost);
      g_assert_cmpuint (step->size, <=, size);
      g_assert_cmpfloat (step->harm, >=, harm);
      cost = step->cost;
      size = step->size;
      harm = step->harm;
    }
}

static void
test_promises (Fixture *f, gconstpointer data)
{
  static const FwPrefer prefers[] = { FW_PREFER_BOTH, FW_PREFER_SIZE, FW_PREFER_SPEED };

  for (guint i = 0; i < G_N_ELEMENTS (prefers); i++)
    {
      g_autoptr (FwPath) path = find_path (f, prefers[i], f->time);

      assert_promises (path);
      g_assert_cmpfloat (fw_path_get_position (path, 0), ==, 100);
      g_assert_cmpfloat (fw_path_get_position (path, path->steps->len), ==, 0);
    }
}

/* A later stop only ever goes further on each unit: fewer bits, float to int8. */
static void
test_nested (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_BOTH, f->time);
  FwOption before[5] = { 0 };

  for (guint n = 0; n <= path->steps->len; n++)
    {
      g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, n);

      for (guint i = 0; i < 5; i++)
        {
          FwUnit *unit = g_ptr_array_index (f->units, i);
          FwOption option = fw_recipe_get_option (recipe, unit->name);

          g_assert_cmpuint (fw_option_get_bits (option), <=, fw_option_get_bits (before[i]));
          g_assert_cmpint (fw_option_get_arithmetic (option), >=,
                           fw_option_get_arithmetic (before[i]));
          before[i] = option;
        }
    }
  /* From the last layer forwards. */
  g_assert_cmpint (fw_option_get_arithmetic (before[4]), ==, FW_ARITHMETIC_INT8);
  g_assert_cmpint (fw_option_get_arithmetic (before[3]), ==, FW_ARITHMETIC_INT8);
}

static void
test_size_knows_no_time (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_SIZE, f->time);
  g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, path->steps->len);

  g_assert_cmpuint (path->first_compute, ==, 5);
  for (guint i = 0; i < 5; i++)
    {
      FwUnit *unit = g_ptr_array_index (f->units, i);

      g_assert_cmpint (fw_option_get_arithmetic (fw_recipe_get_option (recipe, unit->name)), ==,
                       FW_ARITHMETIC_FLOAT);
    }
}

/* int8 arithmetic begins where it is fastest, and nowhere where it saves no time. */
static void
test_first_compute (Fixture *f, gconstpointer data)
{
  const double slow_start[] = { 0.9, 0.8, 0.5, 0.7, 0.9, 1 };
  const double slow[] = { 1.5, 1.4, 1.1, 0.99, 1.2, 1 };
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_SPEED, slow_start);
  g_autoptr (FwPath) none = find_path (f, FW_PREFER_BOTH, slow);

  g_assert_cmpuint (path->first_compute, ==, 2);
  assert_promises (path);
  g_assert_cmpuint (none->first_compute, ==, 5);
  assert_promises (none);
}

/* Nobody stops where int8 arithmetic begins at a place that is slower than a later one. */
static void
test_detour (Fixture *f, gconstpointer data)
{
  const double time[] = { 0.3, 0.6, 0.6, 1.2, 0.8, 1 };
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_SPEED, time);

  assert_promises (path);
  g_assert_cmpuint (path->first_compute, ==, 0);
  for (guint n = 1; n <= path->steps->len; n++)
    {
      g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, n);
      guint first = 0;

      while (first < 5
             && fw_option_get_arithmetic (fw_recipe_get_option (
                    recipe, ((FwUnit *) g_ptr_array_index (f->units, first))->name))
                    == FW_ARITHMETIC_FLOAT)
        first++;
      g_assert_cmpuint (first, !=, 3);
    }
}

static void
test_positions (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_BOTH, f->time);
  guint before = path->steps->len;

  g_assert_cmpuint (fw_path_find (path, 0), ==, path->steps->len);
  g_assert_cmpuint (fw_path_find (path, 100), ==, 0);
  for (guint position = 0; position <= 100; position++)
    {
      guint n = fw_path_find (path, position);

      g_assert_cmpuint (n, <=, before);
      g_assert_cmpfloat (fw_path_get_position (path, n), >=, position - 1e-6);
      if (n < path->steps->len)
        g_assert_cmpfloat (fw_path_get_position (path, n + 1), <, position);
      before = n;
    }
}

static void
test_stops (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_BOTH, f->time);

  for (guint n = 1; n < 30; n++)
    {
      g_autoptr (GArray) stops = fw_path_choose_stops (path, n);

      g_assert_cmpuint (stops->len, ==, MIN (n, path->steps->len));
      g_assert_cmpuint (g_array_index (stops, guint, stops->len - 1), ==, path->steps->len);
      for (guint i = 1; i < stops->len; i++)
        g_assert_cmpuint (g_array_index (stops, guint, i), >, g_array_index (stops, guint, i - 1));
    }
}

/* An option that does not load has infinite harm, and no path leads there. */
static void
test_impossible (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = NULL;
  g_autoptr (FwRecipe) recipe = NULL;

  for (guint i = 0; i < 5; i++)
    f->harms[i].arithmetic[FW_ARITHMETIC_INT8] = INFINITY;
  for (guint k = 2; k < FW_N_WIDTHS; k++)
    f->harms[2].storage[k] = INFINITY;
  path = find_path (f, FW_PREFER_BOTH, f->time);
  assert_promises (path);
  recipe = fw_path_make_recipe (path, &f->input, path->steps->len);
  g_assert_cmpint (fw_recipe_get_option (recipe, "c2"), ==, FW_OPTION_FLOAT16);
  g_assert_cmpuint (fw_option_get_bits (fw_recipe_get_option (recipe, "c3")), <=, 8);
}

/* A unit that computes may be stored in fewer bits, and for some processors has to be. */
static void
test_compute_bits (Fixture *f, gconstpointer data)
{
  f->input.compute_bits = 7;
  for (guint bits = 7; bits <= 8; bits++)
    {
      g_autoptr (FwPath) path = NULL;

      f->input.compute_bits = bits;
      path = find_path (f, FW_PREFER_SPEED, f->time);
      assert_promises (path);
      for (guint n = 0; n <= path->steps->len; n++)
        {
          g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, n);

          for (guint i = 0; i < 5; i++)
            {
              FwUnit *unit = g_ptr_array_index (f->units, i);
              FwOption option = fw_recipe_get_option (recipe, unit->name);

              if (fw_option_get_arithmetic (option) == FW_ARITHMETIC_INT8)
                g_assert_cmpuint (fw_option_get_bits (option), <=, bits);
            }
        }
    }
}

/* The path ends where there is too much harm; what is measured moves that end. */
static void
test_most_harm (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) whole = find_path (f, FW_PREFER_SIZE, NULL);
  g_autoptr (FwPath) part = NULL;
  double most = fw_path_get_harm (whole, whole->steps->len);

  f->input.max_harm = most / 2;
  part = find_path (f, FW_PREFER_SIZE, NULL);
  g_assert_cmpuint (part->steps->len, <, whole->steps->len);
  g_assert_cmpuint (part->steps->len, >, 0);
  g_assert_cmpfloat (fw_path_get_harm (part, part->steps->len), <=, most / 2);
  f->input.max_harm = 1e-12;
  g_clear_pointer (&part, fw_path_free);
  part = find_path (f, FW_PREFER_SIZE, NULL);
  g_assert_cmpuint (part->steps->len, ==, 1);
}

static void
test_correct_harms (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = find_path (f, FW_PREFER_SIZE, NULL);
  guint n = path->steps->len;
  const guint at[] = { n / 2, n };
  const double harms[] = { 3 * fw_path_get_harm (path, n / 2), 0.25 };
  double first = fw_path_get_harm (path, 1);

  g_assert_cmpuint (n, >=, 4);
  fw_path_correct_harms (path, at, harms, 2);
  assert_promises (path);
  g_assert_cmpfloat_with_epsilon (fw_path_get_harm (path, n / 2), harms[0], 1e-9);
  g_assert_cmpfloat_with_epsilon (fw_path_get_harm (path, n), 0.25, 1e-9);
  g_assert_cmpfloat (fw_path_get_harm (path, 1), >, 2 * first);
  fw_path_truncate (path, n - 1);
  g_assert_cmpfloat (fw_path_get_position (path, n - 1), ==, 0);
}

/* Versions are as large as the path says, within a few bytes a unit. */
static void
assert_sizes (Fixture *f, FwPath *path)
{
  for (guint n = 1; n <= path->steps->len; n++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, n);
      g_autoptr (FwModel) model = fw_rewriter_build (f->rewriter, recipe, &error);
      FwStep *step = g_ptr_array_index (path->steps, n - 1);

      g_assert_no_error (error);
      if (g_test_verbose ())
        g_test_message ("%u: %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT, n, step->size,
                        fw_model_get_size (model));
      g_assert_cmpint (ABS ((gint64) (step->size - fw_model_get_size (model))), <=, 150);
    }
}

static void
test_sizes (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) stored = find_path (f, FW_PREFER_SIZE, NULL);
  g_autoptr (FwPath) computed = find_path (f, FW_PREFER_SPEED, f->time);

  assert_sizes (f, stored);
  assert_sizes (f, computed);
}

/* Dynamic int8 goes unit by unit, where it saves time. */
static void
test_dynamic (Fixture *f, gconstpointer data)
{
  const double saved[5] = { 0, 0.1, 0, 0.2, 0 };
  g_autoptr (FwPath) path = NULL;

  f->input.dynamic_saved = saved;
  for (guint i = 0; i < 5; i++)
    f->harms[i].arithmetic[FW_ARITHMETIC_INT8_DYNAMIC] = 1e-5;
  path = find_path (f, FW_PREFER_SPEED, NULL);
  assert_promises (path);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (FwRecipe) recipe = fw_path_make_recipe (path, &f->input, path->steps->len);
      FwUnit *unit = g_ptr_array_index (f->units, i);
      FwOption option = fw_recipe_get_option (recipe, unit->name);
      gboolean is_dynamic
          = saved[i] > 0 && fw_rewriter_can (f->rewriter, f->recipe, i, FW_OPTION_INT8_DYNAMIC);

      g_assert_cmpint (fw_option_get_arithmetic (option), ==,
                       is_dynamic ? FW_ARITHMETIC_INT8_DYNAMIC : FW_ARITHMETIC_FLOAT);
    }
}

/* Time alone does not pay for a file that is larger than the original. */
static void
test_never_larger (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPath) path = NULL;

  f->input.original_size = 12000;
  path = find_path (f, FW_PREFER_SPEED, f->time);
  for (guint i = 0; i < path->steps->len; i++)
    g_assert_cmpuint (((FwStep *) g_ptr_array_index (path->steps, i))->size, <, 12000);
}

#define ADD(name, function) g_test_add ("/path/" name, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("promises", test_promises);
  ADD ("nested", test_nested);
  ADD ("size-knows-no-time", test_size_knows_no_time);
  ADD ("first-compute", test_first_compute);
  ADD ("detour", test_detour);
  ADD ("positions", test_positions);
  ADD ("stops", test_stops);
  ADD ("impossible", test_impossible);
  ADD ("never-larger", test_never_larger);
  ADD ("compute-bits", test_compute_bits);
  ADD ("most-harm", test_most_harm);
  ADD ("correct-harms", test_correct_harms);
  ADD ("sizes", test_sizes);
  ADD ("dynamic", test_dynamic);
  return g_test_run ();
}
