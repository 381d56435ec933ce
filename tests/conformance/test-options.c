/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Each option of the quantizer on every model of libonnx-testdata that has weights to keep smaller:
 * with ranges from the model's own data it gives a model that loads and runs and has no new NaN, or
 * a clear reason why not. Weights that the tests hand in as inputs are stored in the model first.
 */

#include "config.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "conformance-data.h"
#include "fw-calibration.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-prepare.h"
#include "fw-rewrite.h"
#include "fw-sensitivity.h"

static const FwOption tried[] = {
  FW_OPTION_FLOAT16,
  FW_OPTION_INT8_STORAGE,
  FW_OPTION (5, FW_ARITHMETIC_FLOAT, 0),
  FW_OPTION (3, FW_ARITHMETIC_FLOAT, 32),
  FW_OPTION_INT8_COMPUTE,
  FW_OPTION (6, FW_ARITHMETIC_INT8, 0),
  FW_OPTION_INT8_DYNAMIC,
  FW_OPTION_INT4_BLOCKS,
  FW_OPTION (8, FW_ARITHMETIC_BLOCKS, 64),
};
#define N_OPTIONS G_N_ELEMENTS (tried)

typedef struct
{
  const char *kind;
  char *folder;
  guint n_models, n_with_units;
  guint n_run[N_OPTIONS], n_can[N_OPTIONS];
  ConformanceGroups *none;     /* why a model has no units */
  ConformanceGroups *kept;     /* why a unit can't have an option */
  ConformanceGroups *failures; /* there should be none */
} Counts;

/* One model with its data, ready for the quantizer. */
typedef struct
{
  FwModel *prepared;
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe;
  GPtrArray *names;   /* of the inputs that are left */
  GPtrArray *tensors; /* for them */
} Case;

static void
case_clear (Case *self)
{
  g_clear_pointer (&self->recipe, fw_recipe_free);
  g_clear_pointer (&self->rewriter, fw_rewriter_free);
  g_clear_pointer (&self->units, g_ptr_array_unref);
  g_clear_pointer (&self->prepared, fw_model_unref);
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->tensors, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Case, case_clear)

static gboolean
is_weight (FwModel *model, const char *name)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_node; i++)
    {
      static const char *const weighted[]
          = { "Conv", "ConvTranspose", "GRU", "Gemm", "LSTM", "MatMul", "RNN", NULL };
      Onnx__NodeProto *node = graph->node[i];

      if (g_strv_contains (weighted, node->op_type))
        for (gsize k = 1; k < node->n_input; k++)
          if (strcmp (node->input[k], name) == 0)
            return TRUE;
    }
  return FALSE;
}

/* Stores the inputs that are weights, and remembers the others. FALSE where there are values that
 * are no tensors. */
static gboolean
store_weights (Case *self, FwModel *model, FwSession *session, GPtrArray *values)
{
  for (guint i = 0; i < values->len; i++)
    {
      const char *name = fw_session_get_input (session, i)->name;
      FwTensor *tensor = fw_value_get_tensor (g_ptr_array_index (values, i));
      g_autoptr (GBytes) bytes = NULL;

      if (tensor == NULL)
        return FALSE;
      if (!is_weight (model, name) || fw_tensor_get_element_type (tensor) != FW_ELEMENT_FLOAT)
        {
          g_ptr_array_add (self->names, g_strdup (name));
          g_ptr_array_add (self->tensors, fw_tensor_ref (tensor));
          continue;
        }
      bytes = g_bytes_new (fw_tensor_get_data (tensor), fw_tensor_get_size (tensor));
      fw_model_add_initializer (model, fw_model_new_tensor (model, name, FW_ELEMENT_FLOAT,
                                                            fw_tensor_get_dims (tensor),
                                                            fw_tensor_get_n_dims (tensor), bytes));
    }
  return TRUE;
}

static GPtrArray *
feed (guint index, gpointer user_data, GError **error)
{
  Case *self = user_data;
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

  for (guint i = 0; i < self->tensors->len; i++)
    g_ptr_array_add (inputs, fw_tensor_ref (g_ptr_array_index (self->tensors, i)));
  return inputs;
}

static gboolean
calibrate (Case *self, GError **error)
{
  g_auto (GStrv) values = fw_rewriter_list_values (self->rewriter);
  const FwFeed source = { 1, feed, self };
  g_autoptr (FwCalibration) calibration = fw_calibration_run (
      self->prepared, (const char *const *) values, &source, 1, NULL, NULL, error);

  if (calibration == NULL)
    return FALSE;
  self->recipe = fw_recipe_new ("", TRUE);
  for (guint i = 0; values[i] != NULL; i++)
    {
      const FwTensorStatistics *statistics = fw_calibration_get (calibration, values[i]);
      FwRange range;

      if (statistics == NULL || !statistics->is_float)
        continue;
      fw_range_choose (&range, &statistics->histogram, FW_RANGE_AUTO);
      fw_recipe_set_range (self->recipe, values[i], &range);
    }
  return TRUE;
}

static gboolean
open_case (Case *self, const ConformanceModel *model, const char *folder, GError **error)
{
  FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_BASIC };
  g_autoptr (FwModel) original = fw_model_load (model->path, error);
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) values = NULL;

  self->names = g_ptr_array_new_with_free_func (g_free);
  self->tensors = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  session = original != NULL ? fw_session_new (model->path, &options, error) : NULL;
  if (session == NULL)
    return FALSE;
  values = conformance_load_inputs (model, original, session, 0, error);
  if (values == NULL)
    return FALSE;
  if (!store_weights (self, original, session, values))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS, "Inputs are no tensors.");
      return FALSE;
    }
  self->prepared = fw_prepare_model (original, TRUE, folder, error);
  if (self->prepared == NULL)
    return FALSE;
  self->units = fw_units_find (self->prepared);
  self->rewriter = fw_rewriter_new (self->prepared, self->units, 1);
  return calibrate (self, error);
}

/* The outputs, or NULL. */
static GPtrArray *
run (Case *self, FwModel *model, GError **error)
{
  g_autoptr (FwSession) session = fw_trial_load (model, NULL, 1, error);

  if (session == NULL)
    return NULL;
  return fw_session_run (session, (const char *const *) self->names->pdata,
                         (FwTensor *const *) self->tensors->pdata, self->tensors->len, NULL, NULL,
                         error);
}

static gboolean
is_finite (GPtrArray *outputs)
{
  for (guint i = 0; i < outputs->len; i++)
    {
      FwTensor *tensor = g_ptr_array_index (outputs, i);
      g_autofree float *values = tensor != NULL ? fw_tensor_to_floats (tensor) : NULL;

      for (gsize k = 0; values != NULL && k < fw_tensor_get_n_elements (tensor); k++)
        if (!isfinite (values[k]))
          return FALSE;
    }
  return TRUE;
}

static void
try_option (Counts *counts, const ConformanceModel *model, Case *self, guint which)
{
  FwOption option = tried[which];
  g_autoptr (FwRecipe) recipe = fw_recipe_copy (self->recipe);
  g_autoptr (FwModel) plain = NULL;
  g_autoptr (FwModel) built = NULL;
  g_autoptr (GPtrArray) expected = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GError) error = NULL;
  gboolean any = FALSE;

  plain = fw_rewriter_build (self->rewriter, recipe, NULL);
  for (guint i = 0; i < self->units->len; i++)
    {
      FwUnit *unit = g_ptr_array_index (self->units, i);

      if (fw_unit_can (unit, option))
        fw_recipe_set_option (recipe, unit->name, option);
      else
        conformance_groups_add (counts->kept,
                                unit->why_not != NULL ? unit->why_not : "no other arithmetic",
                                model->name);
      any |= fw_unit_can (unit, option);
    }
  if (!any)
    return;
  counts->n_can[which]++;
  built = fw_rewriter_build_file (self->rewriter, recipe, &error);
  outputs = built != NULL ? run (self, built, &error) : NULL;
  expected = run (self, plain, NULL);
  if (outputs != NULL && expected != NULL && is_finite (outputs) >= is_finite (expected))
    counts->n_run[which]++;
  else
    {
      g_autofree char *reason
          = g_strdup_printf ("%s: %s", fw_option_get_name (option),
                             error != NULL ? error->message : "NaN or Inf where there was none");

      conformance_groups_add (counts->failures, reason, model->name);
    }
}

static void
try_model (Counts *counts, const ConformanceModel *model)
{
  g_auto (Case) self = { 0 };
  g_autoptr (GError) error = NULL;

  counts->n_models++;
  if (conformance_count_data_sets (model) == 0)
    return;
  if (!open_case (&self, model, counts->folder, &error))
    {
      g_autofree char *reason = g_strdup_printf ("%.70s", error->message);

      conformance_groups_add (counts->none, reason, model->name);
      return;
    }
  if (self.units->len == 0)
    {
      conformance_groups_add (counts->none, "no units", model->name);
      return;
    }
  counts->n_with_units++;
  for (guint i = 0; i < N_OPTIONS; i++)
    try_option (counts, model, &self, i);
}

static void
test_kind (gconstpointer data)
{
  g_autoptr (GPtrArray) models = NULL;
  g_autoptr (ConformanceGroups) none = conformance_groups_new ();
  g_autoptr (ConformanceGroups) kept = conformance_groups_new ();
  g_autoptr (ConformanceGroups) failures = conformance_groups_new ();
  Counts counts = { .kind = data, .none = none, .kept = kept, .failures = failures };

  if (conformance_get_folder () == NULL)
    {
      g_test_skip ("The ONNX test data is not installed.");
      return;
    }
  if (!fw_runtime_load (NULL))
    {
      g_test_skip ("ONNX Runtime is not here.");
      return;
    }
  counts.folder = g_dir_make_tmp ("fw-options-XXXXXX", NULL);
  models = conformance_list_models (data);
  for (guint i = 0; i < models->len; i++)
    try_model (&counts, g_ptr_array_index (models, i));
  fw_file_remove_tree (counts.folder);
  g_free (counts.folder);

  g_test_message ("%s: %u models, %u with units", counts.kind, counts.n_models,
                  counts.n_with_units);
  for (guint i = 0; i < N_OPTIONS; i++)
    g_test_message ("%s: %s: %u can, %u load and run", counts.kind, fw_option_get_name (tried[i]),
                    counts.n_can[i], counts.n_run[i]);
  conformance_groups_print (none, "nothing to try");
  conformance_groups_print (kept, "an option that a unit can't have");
  conformance_groups_print (failures, "FAILED");
  g_assert_cmpuint (conformance_groups_count (failures), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/options/node", "node", test_kind);
  g_test_add_data_func ("/options/pytorch-converted", "pytorch-converted", test_kind);
  g_test_add_data_func ("/options/pytorch-operator", "pytorch-operator", test_kind);
  g_test_add_data_func ("/options/simple", "simple", test_kind);
  return g_test_run ();
}
