/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Sessions that run a model piece by piece. */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-mapping.h"
#include "fw-segments.h"
#include "fw-session.h"
#include "tiny-model.h"

#define SIZE 96
#define N_SAMPLES 5

static const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_ALL };

static char *folder;

static void
fill (float *values, gsize n, guint seed)
{
  for (gsize i = 0; i < n; i++)
    values[i] = (float) ((i * 7919 + seed * 104729) % 2003) / 1001.5f - 1;
}

/* x → a chain of products with sums around them, so that two values are alive in places; y is its
 * end, "middle" a value on the way. */
static FwModel *
new_chain (guint depth)
{
  g_autofree float *weights = g_new (float, SIZE *SIZE);
  g_autofree char *dims = g_strdup_printf ("%d %d", SIZE, SIZE);
  g_autofree char *open_dims = g_strdup_printf ("-1 %d", SIZE);
  g_autofree char *at = g_strdup ("x");
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  FwModel *result;
  TinyModel model;

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, open_dims);
  for (guint i = 0; i < depth; i++)
    {
      g_autofree char *weight = g_strdup_printf ("w%u", i);
      g_autofree char *product = g_strdup_printf ("p%u", i);
      g_autofree char *bent = g_strdup_printf ("b%u", i);
      g_autofree char *sum = i + 1 < depth ? g_strdup_printf ("s%u", i) : g_strdup ("y");
      g_autofree char *to_product = g_strdup_printf ("%s %s", at, weight);
      g_autofree char *to_sum = g_strdup_printf ("%s %s", at, bent);

      fill (weights, SIZE * SIZE, i + 1);
      for (guint k = 0; k < SIZE * SIZE; k++)
        weights[k] /= 8;
      tiny_model_add_floats (&model, weight, dims, weights, SIZE * SIZE);
      tiny_model_add_node (&model, "MatMul", "", to_product, product, NULL);
      tiny_model_add_node (&model, "Tanh", "", product, bent, NULL);
      tiny_model_add_node (&model, "Add", "", to_sum, sum, NULL);
      g_free (at);
      at = g_strdup (sum);
    }
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, open_dims);
  bytes = tiny_model_finish (&model, 13);
  result = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  return result;
}

static FwTensor *
new_input (guint seed)
{
  const gint64 dims[] = { 1 + seed % 3, SIZE };
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, 2, NULL);

  fill (fw_tensor_get_data (tensor), fw_tensor_get_n_elements (tensor), seed);
  return tensor;
}

static FwSession *
open_session (FwModel *model, guint64 piece_size)
{
  g_autoptr (GError) error = NULL;
  FwSession *session;

  fw_session_set_piece_size (piece_size);
  session = fw_session_new_for_model (model, &options, &error);
  fw_session_set_piece_size (0);
  g_assert_no_error (error);
  g_assert_cmpint (fw_session_is_piecewise (session), ==, piece_size > 0);
  return session;
}

static void
assert_close (FwTensor *a, FwTensor *b)
{
  const float *x = fw_tensor_get_data (a), *y = fw_tensor_get_data (b);

  g_assert_cmpuint (fw_tensor_get_n_elements (a), ==, fw_tensor_get_n_elements (b));
  for (gsize i = 0; i < fw_tensor_get_n_elements (a); i++)
    g_assert_cmpfloat_with_epsilon (x[i], y[i], 1e-4);
}

static void
test_same_answers (void)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwSession) whole = NULL;

  if (!tiny_need_runtime ())
    return;
  model = new_chain (7);
  fw_model_add_output (model, "s2");
  whole = open_session (model, 0);
  for (guint64 size = 1; size < 400000; size = size * 4 + 10000)
    {
      g_autoptr (FwSession) pieces = open_session (model, size);

      g_assert_cmpuint (fw_session_get_n_inputs (pieces), ==, 1);
      g_assert_cmpuint (fw_session_get_n_outputs (pieces), ==, 2);
      g_assert_cmpstr (fw_session_get_output (pieces, 1)->name, ==, "s2");
      g_assert_cmpint (fw_session_get_input (pieces, 0)->dims[0], ==, -1);
      for (guint i = 0; i < N_SAMPLES; i++)
        {
          g_autoptr (FwTensor) input = new_input (i);
          g_autoptr (GError) error = NULL;
          g_autoptr (GPtrArray) a = fw_session_run (whole, NULL, &input, 1, NULL, NULL, &error);
          g_autoptr (GPtrArray) b = fw_session_run (pieces, NULL, &input, 1, NULL, NULL, &error);

          g_assert_no_error (error);
          assert_close (a->pdata[0], b->pdata[0]);
          assert_close (a->pdata[1], b->pdata[1]);
        }
    }
}

/* Batches -------------------------------------------------------------------------------------- */

typedef struct
{
  guint n_fed;
  guint n_taken[2];
  GPtrArray *results; /* of output 0 */
  GCancellable *cancellable;
  gboolean fails;
} Batch;

static GPtrArray *
feed (guint index, gpointer user_data, GError **error)
{
  Batch *batch = user_data;
  GPtrArray *inputs;

  g_assert_cmpuint (index, ==, batch->n_fed);
  batch->n_fed++;
  if (index == 2)
    return NULL;
  if (index == 3 && batch->fails)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, "No");
      return NULL;
    }
  inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_ptr_array_add (inputs, new_input (index));
  return inputs;
}

static gboolean
take (guint index, guint output, FwTensor *tensor, gpointer user_data, GError **error)
{
  Batch *batch = user_data;

  g_assert_cmpuint (index, !=, 2);
  batch->n_taken[output]++;
  if (output == 0)
    batch->results->pdata[index] = fw_tensor_ref (tensor);
  if (batch->cancellable != NULL)
    g_cancellable_cancel (batch->cancellable);
  return TRUE;
}

static void
unref_tensor (gpointer data)
{
  if (data != NULL)
    fw_tensor_unref (data);
}

static Batch
run_batch (FwSession *session, gboolean cancels, gboolean fails, GError **error)
{
  const char *const outputs[] = { "y", "s2", NULL };
  Batch batch = { .fails = fails };
  const FwSessionBatch job = { N_SAMPLES, NULL, outputs, feed, take, &batch };

  batch.results = g_ptr_array_new_with_free_func (unref_tensor);
  g_ptr_array_set_size (batch.results, N_SAMPLES);
  batch.cancellable = cancels ? g_cancellable_new () : NULL;
  g_assert_cmpint (fw_session_run_many (session, &job, NULL, batch.cancellable, error), ==,
                   !cancels && !fails);
  g_clear_object (&batch.cancellable);
  return batch;
}

static guint
count_files (void)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_many (void)
{
  g_autoptr (FwModel) model = NULL;

  if (!tiny_need_runtime ())
    return;
  model = new_chain (7);
  fw_model_add_output (model, "s2");
  for (guint on_disk = 0; on_disk < 2; on_disk++)
    {
      g_autoptr (FwSession) whole = open_session (model, 0);
      g_autoptr (FwSession) pieces = open_session (model, 1);
      g_autoptr (GError) error = NULL;
      Batch a, b;

      fw_mapping_set_scratch (on_disk ? folder : NULL);
      a = run_batch (whole, FALSE, FALSE, &error);
      b = run_batch (pieces, FALSE, FALSE, &error);
      g_assert_no_error (error);
      for (guint k = 0; k < 2; k++)
        {
          g_assert_cmpuint (a.n_taken[k], ==, N_SAMPLES - 1);
          g_assert_cmpuint (b.n_taken[k], ==, N_SAMPLES - 1);
        }
      for (guint i = 0; i < N_SAMPLES; i++)
        if (i != 2)
          assert_close (a.results->pdata[i], b.results->pdata[i]);
      g_ptr_array_unref (a.results);
      g_ptr_array_unref (b.results);

      b = run_batch (pieces, TRUE, FALSE, &error);
      g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
      g_clear_error (&error);
      g_ptr_array_unref (b.results);
      b = run_batch (pieces, FALSE, TRUE, &error);
      g_assert_error (error, FW_ERROR, FW_ERROR_INTERNAL);
      g_ptr_array_unref (b.results);
      g_assert_cmpuint (count_files (), ==, 0);
    }
  fw_mapping_set_scratch (NULL);
}

/* A scratch folder that is gone is an error, not a crash. */
static void
test_no_scratch (void)
{
  g_autofree char *missing = g_build_filename (folder, "missing", NULL);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwSession) pieces = NULL;
  g_autoptr (GError) error = NULL;
  Batch batch;

  if (!tiny_need_runtime ())
    return;
  model = new_chain (3);
  fw_model_add_output (model, "s1");
  pieces = open_session (model, 1);
  fw_mapping_set_scratch (missing);
  batch = run_batch (pieces, FALSE, TRUE, &error);
  g_assert_nonnull (error);
  g_assert_false (g_error_matches (error, FW_ERROR, FW_ERROR_INTERNAL));
  g_ptr_array_unref (batch.results);
  fw_mapping_set_scratch (NULL);
}

/* A file whose numbers lie at an odd place, dropped from memory and read again. */
static void
test_mapped (void)
{
  g_autofree char *path = g_build_filename (folder, "model.onnx", NULL);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) mapped = NULL;
  g_autoptr (GError) error = NULL;
  Onnx__TensorProto *weight;

  if (!tiny_need_runtime ())
    return;
  model = new_chain (5);
  for (guint shift = 0; shift < 4; shift++)
    {
      g_autofree char *text = g_strnfill (shift, 'x');
      g_autoptr (FwSession) whole = open_session (model, 0);
      g_autoptr (FwSession) pieces = NULL;
      g_autoptr (FwTensor) input = new_input (1);
      g_autoptr (GPtrArray) a = NULL;
      g_autoptr (GPtrArray) b = NULL;

      fw_model_set_metadata (model, "text", text);
      /* Metadata comes after the graph in the file; the graph's name before its numbers. */
      g_free (fw_model_get_graph (model)->name);
      fw_model_get_graph (model)->name = g_strnfill (shift + 1, 'x');
      g_assert_true (fw_model_save (model, path, NULL, &error));
      g_assert_no_error (error);
      fw_mapping_set_scratch (folder);
      g_clear_pointer (&mapped, fw_model_unref);
      mapped = fw_model_load (path, &error);
      g_assert_no_error (error);
      weight = fw_model_find_initializer (mapped, "w3");
      g_assert_true (fw_mapping_holds (weight->raw_data.data, weight->raw_data.len));
      pieces = open_session (mapped, 1);
      a = fw_session_run (whole, NULL, &input, 1, NULL, NULL, &error);
      for (guint i = 0; i < 2; i++)
        {
          g_clear_pointer (&b, g_ptr_array_unref);
          b = fw_session_run (pieces, NULL, &input, 1, NULL, NULL, &error);
          g_assert_no_error (error);
          assert_close (a->pdata[0], b->pdata[0]);
        }
      fw_mapping_set_scratch (NULL);
      g_assert_cmpint (g_unlink (path), ==, 0);
    }
}

/* Memory that is not a file's must keep what is in it. */
static void
test_let_go_of_heap (void)
{
  gsize size = 1 << 20;
  g_autofree guint8 *bytes = g_malloc (size);
  g_autoptr (GBytes) kept = NULL;

  memset (bytes, 7, size);
  fw_mapping_set_scratch (folder);
  fw_mapping_let_go (bytes, size);
  g_assert_cmpint (bytes[size / 2], ==, 7);
  g_assert_false (fw_mapping_holds (bytes, size));

  kept = fw_mapping_keep (g_bytes_new (bytes, size));
  g_assert_true (fw_mapping_holds (g_bytes_get_data (kept, NULL), size));
  fw_mapping_let_go (g_bytes_get_data (kept, NULL), size);
  g_assert_cmpmem (g_bytes_get_data (kept, NULL), size, bytes, size);
  g_assert_false (fw_mapping_holds (g_bytes_get_data (kept, NULL), size + 1));
  g_assert_cmpuint (count_files (), ==, 0);
  fw_mapping_set_scratch (NULL);
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  folder = g_dir_make_tmp ("featherweight-pieces-XXXXXX", NULL);
  g_assert_nonnull (folder);
  g_test_add_func ("/pieces/same-answers", test_same_answers);
  g_test_add_func ("/pieces/many", test_many);
  g_test_add_func ("/pieces/no-scratch", test_no_scratch);
  g_test_add_func ("/pieces/mapped", test_mapped);
  g_test_add_func ("/pieces/let-go-of-heap", test_let_go_of_heap);
  status = g_test_run ();
  fw_file_remove_tree (folder);
  g_free (folder);
  return status;
}
