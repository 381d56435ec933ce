/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-model-private.h"
#include "fw-test-wire.h"

typedef struct
{
  char *folder;
  char *path;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("fw-model-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->path = g_build_filename (fixture->folder, "model.onnx", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GDir) dir = g_dir_open (fixture->folder, 0, NULL);
  const char *name;

  fw_model_set_save_limit (0);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (fixture->folder, name, NULL);

      g_remove (path);
    }
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static FwModel *
load_sample (void)
{
  g_autoptr (GBytes) bytes = wire_sample_model ();
  g_autoptr (GError) error = NULL;
  FwModel *model = fw_model_load_bytes (bytes, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (model);
  return model;
}

static void
assert_same (FwModel *a, FwModel *b)
{
  g_autoptr (GBytes) bytes_a = fw_model_to_bytes (a, NULL);
  g_autoptr (GBytes) bytes_b = fw_model_to_bytes (b, NULL);

  g_assert_cmpmem (g_bytes_get_data (bytes_a, NULL), g_bytes_get_size (bytes_a),
                   g_bytes_get_data (bytes_b, NULL), g_bytes_get_size (bytes_b));
}

static gboolean
contains (FwModel *model, const char *text)
{
  g_autoptr (GBytes) bytes = fw_model_to_bytes (model, NULL);

  return memmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text))
         != NULL;
}

static void
test_read (void)
{
  g_autoptr (FwModel) model = load_sample ();
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  Onnx__TensorProto *weights = fw_model_find_initializer (model, "weights");
  g_autofree float *values = fw_tensor_proto_to_floats (weights);
  g_autofree float *bias = fw_tensor_proto_to_floats (fw_model_find_initializer (model, "bias"));

  g_assert_cmpuint (graph->n_node, ==, 4);
  g_assert_cmpstr (graph->node[3]->op_type, ==, "Relu");
  g_assert_cmpint (fw_model_get_opset (model, ""), ==, 13);
  g_assert_cmpint (fw_model_get_opset (model, "ai.onnx"), ==, 13);
  g_assert_cmpint (fw_model_get_opset (model, "com.example"), ==, 0);
  g_assert_cmpmem (values, sizeof wire_weights, wire_weights, sizeof wire_weights);
  g_assert_cmpfloat (bias[0], ==, 0.25f);
  g_assert_cmpfloat (bias[1], ==, -0.25f);
  g_assert_null (fw_model_find_initializer (model, "nothing"));
}

static void
test_round_trip (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GError) error = NULL;
  GStatBuf status;

  g_assert_true (fw_model_save (model, fixture->path, NULL, &error));
  g_assert_no_error (error);
  again = fw_model_load (fixture->path, &error);
  g_assert_no_error (error);
  assert_same (model, again);
  g_assert_cmpint (g_stat (fixture->path, &status), ==, 0);
  g_assert_cmpuint (fw_model_get_size (again), ==, status.st_size);
  g_assert_true (contains (again, "from the future"));
  g_assert_true (contains (again, "unknown to tensors"));
  g_assert_true (contains (again, "unknown to graphs"));
}

static void
test_copy (void)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (FwModel) untouched = load_sample ();
  FwModel *copy = fw_model_copy (model);
  Onnx__TensorProto *weights = fw_model_find_initializer (model, "weights");

  assert_same (model, copy);
  g_assert_true (contains (copy, "from the future"));
  /* The bytes of tensors are shared. */
  g_assert_true (fw_model_find_initializer (copy, "weights")->raw_data.data
                 == weights->raw_data.data);

  fw_node_set_input (fw_model_get_graph (copy)->node[0], 0, "elsewhere");
  fw_model_remove_initializer (copy, "weights");
  fw_model_set_metadata (copy, "author", "somebody");
  assert_same (model, untouched);
  fw_model_unref (copy);
  assert_same (model, untouched);
}

static void
test_copy_outlives (void)
{
  FwModel *model = load_sample ();
  g_autoptr (FwModel) copy = fw_model_copy (model);
  g_autofree float *values = NULL;

  fw_model_unref (model);
  values = fw_tensor_proto_to_floats (fw_model_find_initializer (copy, "weights"));
  g_assert_cmpmem (values, sizeof wire_weights, wire_weights, sizeof wire_weights);
}

static void
test_metadata (void)
{
  g_autoptr (FwModel) model = load_sample ();

  g_assert_cmpstr (fw_model_get_metadata (model, "author"), ==, "nobody");
  g_assert_null (fw_model_get_metadata (model, "missing"));
  fw_model_set_metadata (model, "author", "somebody");
  fw_model_set_metadata (model, "new", "entry");
  /* An entry may be set to itself. */
  fw_model_set_metadata (model, "new", fw_model_get_metadata (model, "new"));
  g_assert_cmpstr (fw_model_get_metadata (model, "author"), ==, "somebody");
  g_assert_cmpstr (fw_model_get_metadata (model, "new"), ==, "entry");
  g_assert_cmpuint (fw_model_get_proto (model)->n_metadata_props, ==, 2);
}

static void
test_edit (void)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GBytes) bytes = g_bytes_new_static ("\1\2\3\4", 4);
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (GError) error = NULL;
  const char *inputs[] = { "product", "small", NULL };
  const char *outputs[] = { "z", NULL };
  const gint64 dims[] = { 4 };
  const gint64 axes[] = { 0, -1 };
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  GPtrArray *nodes = g_ptr_array_new ();
  Onnx__NodeProto *node = fw_node_new ("Mul", "scale", inputs, outputs);
  g_autofree gint64 *values = NULL;

  fw_model_add_initializer (model,
                            fw_model_new_tensor (model, "small", FW_ELEMENT_INT8, dims, 1, bytes));
  fw_node_set_int (node, "axis", 3);
  fw_node_set_int (node, "axis", 4);
  fw_node_set_float (node, "alpha", 0.5f);
  fw_node_set_ints (node, "axes", axes, 2);
  fw_node_set_string (node, "mode", "linear");
  fw_node_set_output (node, 0, "z");
  g_ptr_array_add (nodes, graph->node[0]);
  g_ptr_array_add (nodes, node);
  fw_model_set_nodes (model, nodes);
  fw_model_drop_unused_initializers (model);

  saved = fw_model_to_bytes (model, &error);
  again = fw_model_load_bytes (saved, NULL, &error);
  g_assert_no_error (error);
  graph = fw_model_get_graph (again);
  g_assert_cmpuint (graph->n_node, ==, 2);
  g_assert_cmpuint (graph->n_initializer, ==, 2);
  g_assert_nonnull (fw_model_find_initializer (again, "weights"));
  values = fw_tensor_proto_to_ints (fw_model_find_initializer (again, "small"));
  g_assert_cmpint (values[3], ==, 4);
  node = graph->node[1];
  g_assert_cmpuint (node->n_attribute, ==, 4);
  g_assert_cmpint (fw_node_get_int (node, "axis", 0), ==, 4);
  g_assert_cmpint (fw_node_get_int (node, "none", 9), ==, 9);
  g_assert_cmpfloat (fw_node_get_float (node, "alpha", 0), ==, 0.5f);
  g_assert_true (fw_node_has_string (node, "mode", "linear"));
  g_assert_false (fw_node_has_string (node, "mode", "linea"));
  g_assert_cmpint (fw_node_find_attribute (node, "axes")->ints[1], ==, -1);
}

/* Up to IR 3 initializers are listed among the inputs. */
static void
test_remove_listed_initializer (void)
{
  g_autoptr (FwModel) model = load_sample ();
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  Onnx__ValueInfoProto *input;

  input = (Onnx__ValueInfoProto *) fw_proto_copy (&graph->input[0]->base);
  g_free (input->name);
  input->name = g_strdup ("weights");
  fw_proto_append (graph->input, graph->n_input, input);

  fw_model_remove_initializer (model, fw_model_find_initializer (model, "weights")->name);
  g_assert_cmpuint (graph->n_initializer, ==, 3);
  g_assert_cmpuint (graph->n_input, ==, 1);
  g_assert_cmpstr (graph->input[0]->name, ==, "x");
  fw_model_remove_initializer (model, "not there");
  g_assert_cmpuint (graph->n_initializer, ==, 3);
}

/* What a subgraph uses is used. */
static void
test_drop_unused (void)
{
  g_autoptr (FwModel) model = load_sample ();

  fw_model_drop_unused_initializers (model);
  g_assert_cmpuint (fw_model_get_graph (model)->n_initializer, ==, 4);
}

static void
test_save_never_overwrites (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (GError) error = NULL;
  g_autofree char *content = NULL;

  g_assert_true (g_file_set_contents (fixture->path, "precious", -1, NULL));
  g_assert_false (fw_model_save (model, fixture->path, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_assert_true (g_file_get_contents (fixture->path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "precious");
}

static void
test_save_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (fw_model_save (model, fixture->path, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

static void
test_save_elsewhere (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_build_filename (fixture->folder, "no", "such.onnx", NULL);

  g_assert_false (fw_model_save (model, path, NULL, &error));
  g_assert_cmpint (fw_error_get_code (error), ==, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  if (g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    {
      /* O_EXCL stands in the way of writing to the device itself. */
      g_assert_false (fw_model_save (model, "/dev/full", NULL, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
    }
}

/* A disk that takes no more leaves nothing behind. */
static void
test_save_breaks_off (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (GError) error = NULL;
  struct rlimit old, small;

  g_assert_cmpint (getrlimit (RLIMIT_FSIZE, &old), ==, 0);
  small = old;
  small.rlim_cur = 100;
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &small), ==, 0);
  g_assert_false (fw_model_save (model, fixture->path, NULL, &error));
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &old), ==, 0);
  signal (SIGXFSZ, SIG_DFL);

  g_assert_nonnull (error);
  g_assert_true (error->domain == FW_ERROR);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
}

/* A large model, made by a low limit: its tensors go to a second file and come back. */
static void
test_save_with_data (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (FwModel) before = NULL;
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *data_path = g_strconcat (fixture->path, ".data", NULL);
  g_autofree guint8 *content = g_malloc (10000);
  g_autoptr (GBytes) bytes = NULL;
  const gint64 dims[] = { 10, 1000 };
  GStatBuf status, data_status;

  for (guint i = 0; i < 10000; i++)
    content[i] = i % 251;
  bytes = g_bytes_new (content, 10000);
  for (guint i = 0; i < 2; i++)
    fw_model_add_initializer (model, fw_model_new_tensor (model, i == 0 ? "large" : "larger",
                                                          FW_ELEMENT_UINT8, dims, 2, bytes));
  before = fw_model_copy (model);
  fw_model_set_save_limit (5000);

  g_assert_true (fw_model_save (model, fixture->path, NULL, &error));
  g_assert_no_error (error);
  assert_same (model, before);

  g_assert_cmpint (g_stat (fixture->path, &status), ==, 0);
  g_assert_cmpint (g_stat (data_path, &data_status), ==, 0);
  g_assert_cmpint (status.st_size, <, 5000);
  g_assert_cmpint (data_status.st_size, ==, 3 * 4096 + 10000);

  again = fw_model_load (fixture->path, &error);
  g_assert_no_error (error);
  assert_same (model, again);
  g_assert_cmpuint (fw_model_get_size (again), ==, status.st_size + data_status.st_size);
}

/* Neither file may be there, and a failure leaves neither behind. */
static void
test_save_with_data_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwModel) model = load_sample ();
  g_autoptr (GError) error = NULL;
  g_autofree char *data_path = g_strconcat (fixture->path, ".data", NULL);
  g_autofree char *content = NULL;

  fw_model_set_save_limit (10);
  g_assert_true (g_file_set_contents (data_path, "precious", -1, NULL));
  g_assert_false (fw_model_save (model, fixture->path, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_get_contents (data_path, &content, NULL, NULL));
  g_assert_cmpstr (content, ==, "precious");
}

static void
assert_load_fails (Fixture *fixture, gconstpointer content, gsize length, FwError code)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (fixture->path, content, length, NULL));
  model = fw_model_load (fixture->path, &error);
  g_assert_null (model);
  g_assert_error (error, FW_ERROR, (gint) code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_nonnull (strstr (error->message, "model.onnx"));
}

static void
test_wrong_files (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *content;
    gsize length;
  } others[] = {
    { "\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16 },
    { "\xff\xd8\xff\xe0\0\x10JFIF", 10 },
    { "PK\3\4\x14\0\0\0\x08\0", 10 },
    { "<!DOCTYPE html><html><body>Not found</body></html>", 50 },
    { "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n", 64 },
    { "{\"hello\": \"world\"}", 18 },
    { "\x1c\0\0\0TFL3\x14\0", 10 },
    { "\x89HDF\r\n\x1a\n\0", 9 },
    { "GGUF\3\0\0\0\0", 9 },
    { "\x40\0\0\0\0\0\0\0{\"__metadata__\":{}}", 26 },
    { "\0\0\0\0\0\0\0\0\0\0", 10 },
    { "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 11 },
  };
  g_autoptr (GByteArray) no_graph = g_byte_array_new ();

  for (guint i = 0; i < G_N_ELEMENTS (others); i++)
    assert_load_fails (fixture, others[i].content, others[i].length, FW_ERROR_NOT_A_MODEL);
  assert_load_fails (fixture, "", 0, FW_ERROR_EMPTY_FILE);

  wire_varint (no_graph, 1, 8);
  wire_string (no_graph, 2, "a model without a graph");
  assert_load_fails (fixture, no_graph->data, no_graph->len, FW_ERROR_NOT_A_MODEL);
}

static void
test_not_files (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_model_load (fixture->path, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  g_assert_null (fw_model_load (fixture->folder, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL);
  g_clear_error (&error);

  /* A pipe that nobody writes to must not block. */
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  g_assert_null (fw_model_load (fixture->path, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_A_MODEL);
  g_clear_error (&error);
  g_unlink (fixture->path);

  if (geteuid () != 0)
    {
      g_assert_true (g_file_set_contents (fixture->path, "secret", -1, NULL));
      g_assert_cmpint (g_chmod (fixture->path, 0), ==, 0);
      g_assert_null (fw_model_load (fixture->path, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
    }
}

/* What others rely on is never NULL. */
static void
test_missing_names (void)
{
  for (guint missing = 0; missing < 4; missing++)
    {
      GByteArray *graph = g_byte_array_new ();
      GByteArray *part = g_byte_array_new ();
      g_autoptr (GBytes) bytes = NULL;
      g_autoptr (GError) error = NULL;

      wire_string (graph, 2, "main");
      if (missing == 3)
        {
          /* An attribute without a name. */
          GByteArray *node = wire_node ("Relu", "", "x", "y");

          wire_message (node, 5, part);
          wire_message (graph, 1, node);
        }
      else
        {
          static const guint fields[] = { 1, 5, 11 };

          wire_message (graph, fields[missing], part);
        }

      bytes = wire_model (graph);
      g_assert_null (fw_model_load_bytes (bytes, NULL, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, func) g_test_add ("/model/" path, Fixture, NULL, set_up, func, tear_down)
  g_test_add_func ("/model/read", test_read);
  ADD ("round-trip", test_round_trip);
  g_test_add_func ("/model/copy", test_copy);
  g_test_add_func ("/model/copy-outlives", test_copy_outlives);
  g_test_add_func ("/model/metadata", test_metadata);
  g_test_add_func ("/model/edit", test_edit);
  g_test_add_func ("/model/remove-listed-initializer", test_remove_listed_initializer);
  g_test_add_func ("/model/drop-unused", test_drop_unused);
  ADD ("save-never-overwrites", test_save_never_overwrites);
  ADD ("save-cancelled", test_save_cancelled);
  ADD ("save-elsewhere", test_save_elsewhere);
  ADD ("save-breaks-off", test_save_breaks_off);
  ADD ("save-with-data", test_save_with_data);
  ADD ("save-with-data-fails", test_save_with_data_fails);
  ADD ("wrong-files", test_wrong_files);
  ADD ("not-files", test_not_files);
  g_test_add_func ("/model/missing-names", test_missing_names);
#undef ADD

  return g_test_run ();
}
