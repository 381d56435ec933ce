/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Every model of libonnx-testdata is read and written; wherever ONNX Runtime runs the original, it
 * runs ours, and the outputs are the same bit for bit. */

#include "config.h"

#include <string.h>

#include <glib/gstdio.h>

#include "conformance-data.h"
#include "fw-error.h"
#include "fw-file.h"

static const FwSessionOptions plain = { .threads = 1, .optimization = FW_OPTIMIZE_BASIC };

typedef struct
{
  const char *kind;
  char *folder; /* for what is written */
  guint n_read, n_written, n_stable, n_loaded, n_run, n_identical;
  ConformanceGroups *failures;     /* of ours: there should be none */
  ConformanceGroups *not_runnable; /* by ONNX Runtime, as they came */
  ConformanceGroups *random;       /* run, but with other outputs each time */
  ConformanceGroups *random_same;  /* random, and nevertheless identical */
} Counts;

/* What ONNX Runtime says differs by names and shapes; its beginning tells the kind. */
static char *
reason_of (const char *when, const GError *error)
{
  const char *detail = strstr (error->message, "“");
  const char *colon = strstr (error->message, "says: ");

  if (g_error_matches (error, FW_ERROR, FW_ERROR_UNKNOWN_OPERATOR) && detail != NULL)
    return g_strdup_printf ("%s: unknown operator %s", when, detail);
  return g_strdup_printf ("%s: %.60s", when, colon != NULL ? colon + 6 : error->message);
}

static void
add_failure (Counts *counts, const ConformanceModel *model, const char *when, const GError *error)
{
  g_autofree char *reason
      = error != NULL ? g_strdup_printf ("%s: %s", when, error->message) : g_strdup (when);

  conformance_groups_add (counts->failures, reason, model->name);
}

/* Reads, writes, reads again. The bytes of the file written, or NULL. */
static GBytes *
rewrite (Counts *counts, const ConformanceModel *model, FwModel **read)
{
  g_autofree char *name = g_strconcat (model->name, ".onnx", NULL);
  g_autofree char *path = g_build_filename (counts->folder, name, NULL);
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GBytes) written = NULL;
  g_autoptr (GBytes) rewritten = NULL;
  g_autoptr (GError) error = NULL;

  *read = fw_model_load (model->path, &error);
  if (*read == NULL)
    {
      add_failure (counts, model, "not read", error);
      return NULL;
    }
  counts->n_read++;

  if (!fw_model_save (*read, path, NULL, &error)
      || (written = conformance_read_file (path, &error)) == NULL)
    {
      add_failure (counts, model, "not written", error);
      return NULL;
    }
  counts->n_written++;

  again = fw_model_load (path, &error);
  rewritten = again != NULL ? fw_model_to_bytes (again, &error) : NULL;
  if (rewritten == NULL)
    add_failure (counts, model, "not read again", error);
  else if (!g_bytes_equal (written, rewritten))
    add_failure (counts, model, "written differently the second time", NULL);
  else
    counts->n_stable++;
  g_unlink (path);
  return g_steal_pointer (&written);
}

/* Runs both on one data set. FALSE where the original can't be run or ours differs. */
static gboolean
compare_data_set (Counts *counts,
                  const ConformanceModel *model,
                  FwModel *read,
                  FwSession *original,
                  FwSession *ours,
                  guint data_set)
{
  g_autoptr (GPtrArray) inputs = NULL;
  g_autoptr (GPtrArray) expected = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GError) error = NULL;
  const char *random;

  inputs = conformance_load_inputs (model, read, original, data_set, &error);
  if (inputs != NULL)
    expected = fw_session_run_values (original, NULL, (FwValue *const *) inputs->pdata, inputs->len,
                                      NULL, NULL, &error);
  if (expected == NULL)
    {
      g_autofree char *reason = reason_of (inputs == NULL ? "inputs" : "run", error);

      conformance_groups_add (counts->not_runnable, reason, model->name);
      return FALSE;
    }
  if (data_set == 0)
    counts->n_run++;

  outputs = fw_session_run_values (ours, NULL, (FwValue *const *) inputs->pdata, inputs->len, NULL,
                                   NULL, &error);
  if (outputs == NULL)
    {
      add_failure (counts, model, "ours does not run", error);
      return FALSE;
    }
  random = conformance_find_random (read);
  if (conformance_equal (expected, outputs))
    {
      if (random != NULL)
        conformance_groups_add (counts->random_same, random, model->name);
      return TRUE;
    }
  if (random != NULL)
    conformance_groups_add (counts->random, random, model->name);
  else
    add_failure (counts, model, "ours gives other outputs", NULL);
  return FALSE;
}

static void
check_model (Counts *counts, const ConformanceModel *model)
{
  g_autoptr (FwModel) read = NULL;
  g_autoptr (GBytes) written = rewrite (counts, model, &read);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwSession) original = NULL;
  g_autoptr (FwSession) ours = NULL;
  g_autoptr (GError) error = NULL;
  guint n_data_sets = conformance_count_data_sets (model);
  gboolean is_identical = TRUE;

  if (written == NULL)
    return;

  bytes = conformance_read_file (model->path, &error);
  g_assert_no_error (error);
  original = fw_session_new_from_bytes (bytes, &plain, &error);
  if (original == NULL)
    {
      g_autofree char *reason = reason_of ("load", error);

      conformance_groups_add (counts->not_runnable, reason, model->name);
      return;
    }
  counts->n_loaded++;

  ours = fw_session_new_from_bytes (written, &plain, &error);
  if (ours == NULL)
    {
      add_failure (counts, model, "ours does not load", error);
      return;
    }
  if (n_data_sets == 0)
    {
      conformance_groups_add (counts->not_runnable, "inputs: no data set", model->name);
      return;
    }
  for (guint i = 0; i < n_data_sets && is_identical; i++)
    is_identical = compare_data_set (counts, model, read, original, ours, i);
  counts->n_identical += is_identical;
}

static void
test_kind (gconstpointer data)
{
  Counts counts = { .kind = data };
  g_autoptr (ConformanceGroups) failures = NULL;
  g_autoptr (ConformanceGroups) not_runnable = NULL;
  g_autoptr (ConformanceGroups) random = NULL;
  g_autoptr (ConformanceGroups) random_same = NULL;
  g_autoptr (GPtrArray) models = NULL;
  g_autoptr (GError) error = NULL;

  if (conformance_get_folder () == NULL)
    {
      g_test_skip ("libonnx-testdata is not installed");
      return;
    }
  if (!fw_runtime_load (&error))
    {
      g_test_skip (error->message);
      return;
    }

  counts.failures = failures = conformance_groups_new ();
  counts.not_runnable = not_runnable = conformance_groups_new ();
  counts.random = random = conformance_groups_new ();
  counts.random_same = random_same = conformance_groups_new ();
  counts.folder = g_dir_make_tmp ("fw-conformance-XXXXXX", &error);
  g_assert_no_error (error);

  models = conformance_list_models (counts.kind);
  for (guint i = 0; i < models->len; i++)
    check_model (&counts, g_ptr_array_index (models, i));
  fw_file_remove_tree (counts.folder);
  g_free (counts.folder);

  conformance_groups_print (not_runnable, "not runnable by ONNX Runtime");
  conformance_groups_print (random, "random, not compared");
  conformance_groups_print (random_same, "random, and identical all the same");
  conformance_groups_print (failures, "FAILED");
  g_test_message ("%s: %u models, %u read, %u written, %u the same when written again, "
                  "%u loaded by ONNX Runtime, %u run, %u identical, %u random, %u not runnable, "
                  "%u failed",
                  counts.kind, models->len, counts.n_read, counts.n_written, counts.n_stable,
                  counts.n_loaded, counts.n_run, counts.n_identical,
                  conformance_groups_count (random), conformance_groups_count (not_runnable),
                  conformance_groups_count (failures));

  g_assert_cmpuint (models->len, >, 0);
  g_assert_cmpuint (counts.n_run, >, 0);
  g_assert_cmpuint (conformance_groups_count (failures), ==, 0);
  /* Nothing is lost on the way: each model is in one of these. */
  g_assert_cmpuint (counts.n_identical + conformance_groups_count (random)
                        + conformance_groups_count (not_runnable),
                    ==, models->len);
}

static void
ignore_log (const char *domain, GLogLevelFlags level, const char *message, gpointer user_data)
{
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  /* Old and odd models are what this is about; what is said of each would fill pages. */
  g_log_set_handler ("onnxruntime", G_LOG_LEVEL_MASK, ignore_log, NULL);

  g_test_add_data_func ("/conformance/node", "node", test_kind);
  g_test_add_data_func ("/conformance/pytorch-converted", "pytorch-converted", test_kind);
  g_test_add_data_func ("/conformance/pytorch-operator", "pytorch-operator", test_kind);
  g_test_add_data_func ("/conformance/simple", "simple", test_kind);

  return g_test_run ();
}
