/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Where int8 arithmetic pays on this computer: the latency for each place where it might begin, and
 * that of the best region, which can be kept as a file. Or that of the region FIRST to END.
 *
 * bench-regions [MODEL [THREADS [OUT.onnx [FIRST END]]]]
 */

#include "config.h"

#include <stdlib.h>

#include "fw-calibration.h"
#include "fw-file.h"
#include "fw-prepare.h"
#include "fw-random.h"
#include "fw-range.h"
#include "fw-region-time.h"

#define N_ROWS 4

static GPtrArray *
make_inputs (guint index, gpointer user_data, GError **error)
{
  FwSession *session = user_data;
  FwRandom random = { index };
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    {
      const FwValueInfo *info = fw_session_get_input (session, i);
      gint64 dims[FW_TENSOR_MAX_RANK];
      FwTensor *tensor;

      for (guint j = 0; j < info->n_dims; j++)
        dims[j] = MAX (info->dims[j], 1);
      tensor = fw_tensor_new (info->type, dims, info->n_dims, error);
      if (tensor == NULL)
        return NULL;
      if (info->type == FW_ELEMENT_FLOAT)
        for (gsize j = 0; j < fw_tensor_get_n_elements (tensor); j++)
          ((float *) fw_tensor_get_data (tensor))[j] = (float) (4 * fw_random_double (&random) - 2);
      g_ptr_array_add (inputs, tensor);
    }
  return g_steal_pointer (&inputs);
}

static FwRecipe *
calibrate (FwModel *model, FwRewriter *rewriter, FwSession *session, guint threads, GError **error)
{
  g_auto (GStrv) values = fw_rewriter_list_values (rewriter);
  const FwFeed feed = { N_ROWS, make_inputs, session };
  g_autoptr (FwCalibration) calibration
      = fw_calibration_run (model, (const char *const *) values, &feed, threads, NULL, NULL, error);
  FwRecipe *recipe;

  if (calibration == NULL)
    return NULL;
  recipe = fw_recipe_new ("", TRUE);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      FwRange range;

      if (statistics == NULL || statistics->histogram.n_not_finite > 0)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (recipe, values[i], &range);
    }
  return recipe;
}

static gboolean
save_region (const FwTrial *trial, guint first, guint end, const char *path, GError **error)
{
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (trial->recipe);
  g_autoptr (FwModel) model = NULL;

  for (guint i = 0; i < trial->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (trial->units, i);
      gboolean computes
          = i >= first && i < end
            && fw_rewriter_can (trial->rewriter, trial->recipe, i, FW_OPTION_INT8_COMPUTE);

      fw_recipe_set_option (recipe, unit->name,
                            computes ? FW_OPTION_INT8_COMPUTE : FW_OPTION_INT8_STORAGE);
    }
  model = fw_rewriter_build (trial->rewriter, recipe, error);
  return model != NULL && fw_model_save (model, path, NULL, error);
}

static gboolean
bench (FwModel *model, guint threads, const char *path, const char *const *region, GError **error)
{
  const FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) original = fw_session_new_for_model (model, &options, error);
  g_autoptr (GPtrArray) units = fw_units_find (model);
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (model, units, threads);
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  g_autoptr (FwRecipe) recipe = NULL;
  g_autofree double *share = g_new0 (double, units->len + 1);
  FwTrial trial = { .rewriter = rewriter, .units = units, .rows = rows, .threads = threads };
  gint64 start;
  guint end, best = units->len;

  if (original == NULL)
    return FALSE;
  trial.recipe = recipe = calibrate (model, rewriter, original, threads, error);
  if (recipe == NULL)
    return FALSE;
  for (guint i = 0; i < N_ROWS; i++)
    g_ptr_array_add (rows, make_inputs (i, original, NULL));

  if (region != NULL)
    return save_region (&trial, atoi (region[0]), atoi (region[1]), path, error);
  start = g_get_monotonic_time ();
  if (!fw_region_time_measure (&trial, original, 12, share, &end, NULL, NULL, error))
    return FALSE;
  g_print ("%u units, measured in %.2f s\n", units->len, (g_get_monotonic_time () - start) * 1e-6);
  for (guint i = units->len + 1; i-- > 0;)
    {
      g_print ("%4u %.3f\n", i, share[i]);
      if (share[i] < share[best])
        best = i;
    }
  g_print ("best: from %u to %u, %.3f of the latency\n", best, end, share[best]);
  return path == NULL || save_region (&trial, best, end, path, error);
}

int
main (int argc, char *argv[])
{
  const char *real = g_getenv ("FW_REAL");
  g_autofree char *standard
      = g_build_filename (real != NULL ? real : "../shared/real",
                          "models/classification/squeezenet1.1_fp32.onnx", NULL);
  const char *path = argc > 1 ? argv[1] : standard;
  g_autofree char *folder = NULL;
  g_autoptr (FwModel) original = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_print ("no model to try: %s\n", path);
      return 77;
    }
  folder = g_dir_make_tmp ("bench-XXXXXX", &error);
  original = folder != NULL ? fw_model_load (path, &error) : NULL;
  model = original != NULL ? fw_prepare_model (original, TRUE, folder, &error) : NULL;
  good = model != NULL
         && bench (model, argc > 2 ? atoi (argv[2]) : 1, argc > 3 ? argv[3] : NULL,
                   argc > 5 ? (const char *const *) argv + 4 : NULL, &error);
  if (folder != NULL)
    fw_file_remove_tree (folder);
  if (good)
    return 0;
  g_printerr ("%s\n", error->message);
  return 1;
}
