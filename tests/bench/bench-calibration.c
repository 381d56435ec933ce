/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What watching a model costs: the time of calibrating over that of bare runs, and memory.
 *
 * bench-calibration [MODEL [SAMPLES [THREADS]]]
 */

#include "config.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "fw-calibration.h"
#include "fw-file.h"
#include "fw-prepare.h"
#include "fw-random.h"
#include "fw-rewrite.h"

typedef struct
{
  FwSession *session;
  FwRandom random;
} Source;

static GPtrArray *
make_inputs (guint index, gpointer user_data, GError **error)
{
  Source *source = user_data;
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  for (guint i = 0; i < fw_session_get_n_inputs (source->session); i++)
    {
      const FwValueInfo *info = fw_session_get_input (source->session, i);
      gint64 dims[FW_TENSOR_MAX_RANK];
      FwTensor *tensor;

      for (guint j = 0; j < info->n_dims; j++)
        dims[j] = MAX (info->dims[j], 1);
      tensor = fw_tensor_new (info->type, dims, info->n_dims, error);
      if (tensor == NULL)
        return NULL;
      if (info->type == FW_ELEMENT_FLOAT)
        for (gsize j = 0; j < fw_tensor_get_n_elements (tensor); j++)
          ((float *) fw_tensor_get_data (tensor))[j]
              = (float) (4 * fw_random_double (&source->random) - 2);
      g_ptr_array_add (inputs, tensor);
    }
  return g_steal_pointer (&inputs);
}

static gboolean
run_bare (FwSession *session, Source *source, guint n, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GPtrArray) inputs = make_inputs (i, source, error);
      g_autoptr (GPtrArray) outputs = NULL;

      if (inputs == NULL)
        return FALSE;
      outputs = fw_session_run (session, NULL, (FwTensor *const *) inputs->pdata, inputs->len, NULL,
                                NULL, error);
      if (outputs == NULL)
        return FALSE;
    }
  return TRUE;
}

static glong
get_peak (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

/* Milliseconds of all threads: of use where other programs run, too. */
static double
get_cpu_time (void)
{
  struct rusage usage;

  getrusage (RUSAGE_SELF, &usage);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-3;
}

static gboolean
bench (const char *path, guint n, guint threads, GError **error)
{
  const FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autofree char *folder = g_dir_make_tmp ("bench-XXXXXX", NULL);
  g_autoptr (FwModel) original = fw_model_load (path, error);
  g_autoptr (FwModel) model
      = original != NULL ? fw_prepare_model (original, TRUE, folder, error) : NULL;
  g_autoptr (FwSession) session = model != NULL ? fw_session_new (path, &options, error) : NULL;
  g_autoptr (GPtrArray) units = NULL;
  g_autoptr (FwRewriter) rewriter = NULL;
  g_auto (GStrv) values = NULL;
  g_autoptr (FwCalibration) calibration = NULL;
  Source source = { session, { 1 } };
  const FwFeed feed = { n, make_inputs, &source };
  gint64 start, middle, end;
  double cpu_start, cpu_middle, cpu_end;

  fw_file_remove_tree (folder);
  if (session == NULL || !run_bare (session, &source, 5, error))
    return FALSE;

  units = fw_units_find (model);
  rewriter = fw_rewriter_new (model, units, threads);
  values = fw_rewriter_list_values (rewriter);
  start = g_get_monotonic_time ();
  cpu_start = get_cpu_time ();
  if (!run_bare (session, &source, n, error))
    return FALSE;
  middle = g_get_monotonic_time ();
  cpu_middle = get_cpu_time ();
  calibration
      = fw_calibration_run (model, (const char *const *) values, &feed, threads, NULL, NULL, error);
  if (calibration == NULL)
    return FALSE;

  end = g_get_monotonic_time ();
  cpu_end = get_cpu_time ();
  g_print ("%u samples, %u values, %ld MB at most\n", n, g_strv_length (values), get_peak () >> 10);
  g_print ("time: %.2f ms a bare run, %.2f ms a watched one, ratio %.2f\n",
           (middle - start) * 1e-3 / n, (end - middle) * 1e-3 / n,
           (double) (end - middle) / (middle - start));
  g_print ("processors: %.2f ms a bare run, %.2f ms a watched one, ratio %.2f\n",
           (cpu_middle - cpu_start) / n, (cpu_end - cpu_middle) / n,
           (cpu_end - cpu_middle) / (cpu_middle - cpu_start));
  return TRUE;
}

int
main (int argc, char *argv[])
{
  const char *real = g_getenv ("FW_REAL");
  g_autofree char *standard
      = g_build_filename (real != NULL ? real : "../shared/real",
                          "models/classification/squeezenet1.1_fp32.onnx", NULL);
  const char *path = argc > 1 ? argv[1] : standard;
  g_autoptr (GError) error = NULL;

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    {
      g_print ("no model to try: %s\n", path);
      return 77;
    }
  if (!bench (path, argc > 2 ? atoi (argv[2]) : 50, argc > 3 ? atoi (argv[3]) : 0, &error))
    {
      g_printerr ("%s\n", error->message);
      return 1;
    }
  return 0;
}
