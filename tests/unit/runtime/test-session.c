/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-session.h"
#include "fw-value.h"
#include "tiny-model.h"

static const FwSessionOptions plain = { .threads = 1, .optimization = FW_OPTIMIZE_BASIC };

static FwTensor *
new_floats (const gint64 *dims, guint n_dims, float first, float step)
{
  FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, dims, n_dims, NULL);
  float *values;

  g_assert_nonnull (tensor);
  values = fw_tensor_get_data (tensor);
  for (gsize i = 0; i < fw_tensor_get_n_elements (tensor); i++)
    values[i] = first + step * i;
  return tensor;
}

static FwSession *
open_tiny (GBytes *bytes, const FwSessionOptions *options)
{
  g_autoptr (GBytes) taken = bytes;
  g_autoptr (GError) error = NULL;
  FwSession *session = fw_session_new_from_bytes (taken, options, &error);

  g_assert_no_error (error);
  return session;
}

static void
test_info (void)
{
  g_autoptr (FwSession) session = NULL;
  const FwValueInfo *info;

  if (!tiny_need_runtime ())
    return;
  g_assert_nonnull (fw_runtime_get_version ());
  g_assert_true (g_file_test (fw_runtime_get_path (), G_FILE_TEST_EXISTS));

  session = open_tiny (tiny_model_matmuls (4, 1), &plain);
  g_assert_cmpuint (fw_session_get_n_inputs (session), ==, 1);
  g_assert_cmpuint (fw_session_get_n_outputs (session), ==, 1);

  info = fw_session_get_input (session, 0);
  g_assert_cmpstr (info->name, ==, "x");
  g_assert_true (info->is_tensor);
  g_assert_cmpint (info->type, ==, FW_ELEMENT_FLOAT);
  g_assert_cmpuint (info->n_dims, ==, 2);
  g_assert_cmpint (info->dims[0], ==, -1);
  g_assert_cmpint (info->dims[1], ==, 4);
  g_assert_cmpstr (fw_session_get_output (session, 0)->name, ==, "y");
}

static void
test_run (void)
{
  const char *names[] = { "y", NULL };
  const char *in[] = { "x" };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) x = new_floats ((gint64[]){ 2, 4 }, 2, 0, 1);
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GPtrArray) again = NULL;
  g_autoptr (FwTensor) y = NULL;
  g_autoptr (GError) error = NULL;
  const float *values;

  if (!tiny_need_runtime ())
    return;
  session = open_tiny (tiny_model_matmuls (4, 1), &plain);

  outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (outputs->len, ==, 1);
  y = fw_tensor_ref (g_ptr_array_index (outputs, 0));
  g_assert_cmpuint (fw_tensor_get_n_dims (y), ==, 2);
  g_assert_cmpint (fw_tensor_get_dims (y)[0], ==, 2);
  g_assert_true ((guintptr) fw_tensor_get_data (y) % 64 == 0);

  again = fw_session_run (session, in, &x, 1, names, NULL, &error);
  g_assert_no_error (error);

  /* What a run gave lives on without the session, and is not overwritten by the next run. */
  g_clear_pointer (&session, fw_session_free);
  values = fw_tensor_get_data (y);
  for (guint i = 0; i < 8; i++)
    g_assert_cmpfloat (values[i], ==, i / 4 * 4 + (i + 3) % 4);
}

static void
test_passed_through (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GError) error = NULL;
  FwTensor *x;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "4");
  tiny_model_add_node (&model, "Identity", "", "x", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "4");
  tiny_model_add_output (&model, "x", FW_ELEMENT_FLOAT, "4");
  session = open_tiny (tiny_model_finish (&model, 13), &plain);

  x = new_floats ((gint64[]){ 4 }, 1, 1, 1);
  outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  memset (fw_tensor_get_data (x), 0, 16);
  fw_tensor_unref (x);

  for (guint i = 0; i < 2; i++)
    g_assert_cmpfloat (((float *) fw_tensor_get_data (g_ptr_array_index (outputs, i)))[3], ==, 4);
}

static void
test_scalar (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (FwTensor) x = new_floats (NULL, 0, 3, 0);
  g_autoptr (GError) error = NULL;
  FwTensor *y;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "");
  tiny_model_add_node (&model, "Neg", "", "x", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "");
  session = open_tiny (tiny_model_finish (&model, 13), &plain);
  g_assert_cmpuint (fw_session_get_input (session, 0)->n_dims, ==, 0);

  outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  y = g_ptr_array_index (outputs, 0);
  g_assert_cmpuint (fw_tensor_get_n_dims (y), ==, 0);
  g_assert_cmpuint (fw_tensor_get_n_elements (y), ==, 1);
  g_assert_cmpfloat (*(float *) fw_tensor_get_data (y), ==, -3);
}

static void
test_strings (void)
{
  const char *words[] = { "one", "", "zwölf" };
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (FwTensor) x = fw_tensor_new_strings (words, (gint64[]){ 3 }, 1, NULL);
  g_autoptr (GError) error = NULL;
  char **strings;

  if (!tiny_need_runtime ())
    return;
  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_STRING, "-1");
  tiny_model_add_node (&model, "Identity", "", "x", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_STRING, "-1");
  session = open_tiny (tiny_model_finish (&model, 13), &plain);

  outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  strings = fw_tensor_get_data (g_ptr_array_index (outputs, 0));
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    g_assert_cmpstr (strings[i], ==, words[i]);
}

static void
test_sequences (void)
{
  TinyModel model;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GPtrArray) values = NULL;
  g_autoptr (FwTensor) x = new_floats ((gint64[]){ 3 }, 1, 1, 1);
  g_autoptr (FwValue) value = fw_value_new_tensor (x);
  g_autoptr (FwValue) expected = fw_value_new (FW_VALUE_SEQUENCE);
  g_autoptr (GError) error = NULL;
  GByteArray *sequence = g_byte_array_new ();
  GByteArray *elem = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new ();
  GByteArray *info = g_byte_array_new ();

  fw_value_append (expected, fw_value_new_tensor (x));
  fw_value_append (expected, fw_value_new_tensor (x));

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "3");
  tiny_model_add_node (&model, "SequenceConstruct", "", "x x", "y", NULL);
  tiny_add_int (tensor, 1, FW_ELEMENT_FLOAT);
  tiny_add_message (elem, 1, tensor);
  tiny_add_message (sequence, 1, elem);
  elem = g_byte_array_new ();
  tiny_add_message (elem, 4, sequence);
  tiny_add_string (info, 1, "y");
  tiny_add_message (info, 2, elem);
  tiny_add_message (model.graph, 12, info);
  {
    g_autoptr (GBytes) bytes = tiny_model_finish (&model, 13);

    if (!tiny_need_runtime ())
      return;
    session = fw_session_new_from_bytes (bytes, &plain, &error);
  }
  g_assert_no_error (error);
  g_assert_false (fw_session_get_output (session, 0)->is_tensor);

  outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (outputs->len, ==, 1);
  g_assert_null (g_ptr_array_index (outputs, 0));

  values = fw_session_run_values (session, NULL, &value, 1, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (fw_value_equal (g_ptr_array_index (values, 0), expected));
  g_assert_false (fw_value_equal (g_ptr_array_index (values, 0), value));
}

/* Bad models and bad runs -------------------------------------------------------------------- */

static void
check_not_loaded (GBytes *bytes, FwError code, const char *words)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_session_new_from_bytes (bytes, &plain, &error));
  g_assert_error (error, FW_ERROR, (int) code);
  g_test_message ("%s", error->message);
  if (words != NULL)
    g_assert_nonnull (strstr (error->message, words));
  g_assert_null (strchr (error->message, '\n'));
  g_bytes_unref (bytes);
}

static GBytes *
one_node_model (const char *op_type, const char *domain, int opset)
{
  TinyModel model;

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "4");
  tiny_model_add_node (&model, op_type, domain, "x", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "4");
  return tiny_model_finish (&model, opset);
}

static void
test_bad_models (void)
{
  g_autoptr (GBytes) good = NULL;

  if (!tiny_need_runtime ())
    return;
  check_not_loaded (one_node_model ("Frobnicate", "", 13), FW_ERROR_UNKNOWN_OPERATOR, "Frobnicate");
  check_not_loaded (one_node_model ("Frobnicate", "com.example", 13), FW_ERROR_UNKNOWN_OPERATOR,
                    "com.example");
  check_not_loaded (one_node_model ("Add", "", 13), FW_ERROR_UNSUPPORTED_MODEL, NULL);
  check_not_loaded (one_node_model ("Neg", "", 9999), FW_ERROR_UNSUPPORTED_MODEL, NULL);
  check_not_loaded (g_bytes_new_static ("not a model at all", 18), FW_ERROR_UNSUPPORTED_MODEL,
                    NULL);
  check_not_loaded (g_bytes_new_static ("", 0), FW_ERROR_UNSUPPORTED_MODEL, NULL);

  good = tiny_model_matmuls (16, 2);
  for (gsize size = 1; size < g_bytes_get_size (good); size += 97)
    {
      g_autoptr (GBytes) cut = g_bytes_new_from_bytes (good, 0, size);
      g_autoptr (GError) error = NULL;
      g_autoptr (FwSession) session = fw_session_new_from_bytes (cut, &plain, &error);

      g_assert_true ((session == NULL) == (error != NULL));
    }
}

static void
test_no_file (void)
{
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  g_assert_null (fw_session_new ("/nonexistent/model.onnx", &plain, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL);
}

static void
test_bad_inputs (void)
{
  const char *in[] = { "nothing" };
  const char *out[] = { "nothing", NULL };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) narrow = new_floats ((gint64[]){ 1, 3 }, 2, 0, 1);
  g_autoptr (FwTensor) good = new_floats ((gint64[]){ 1, 4 }, 2, 0, 1);
  g_autoptr (FwTensor) bytes = fw_tensor_new (FW_ELEMENT_UINT8, (gint64[]){ 1, 4 }, 2, NULL);
  FwTensor *two[2] = { good, good };
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  session = open_tiny (tiny_model_matmuls (4, 1), &plain);

  g_assert_null (fw_session_run (session, NULL, &narrow, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
  g_clear_error (&error);
  g_assert_null (fw_session_run (session, NULL, &bytes, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
  g_clear_error (&error);
  g_assert_null (fw_session_run (session, NULL, two, 2, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
  g_clear_error (&error);
  g_assert_null (fw_session_run (session, in, &good, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
  g_clear_error (&error);
  g_assert_null (fw_session_run (session, NULL, &good, 1, out, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
}

static GBytes *
huge_model (void)
{
  TinyModel model;
  const float scale[] = { 1, 1, 1048576, 1024 };

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "1 1 1 1");
  tiny_model_add_floats (&model, "scale", "4", scale, 4);
  tiny_model_add_floats (&model, "region", "0", NULL, 0);
  tiny_model_add_node (&model, "Resize", "", "x region scale", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "1 1 1048576 1024");
  return tiny_model_finish (&model, 11);
}

/* A model of a few bytes whose output takes 4 GiB. */
static void
test_out_of_memory (void)
{
  const gint64 ones[] = { 1, 1, 1, 1 };
  const struct rlimit limit = { G_GUINT64_CONSTANT (3) << 30, G_GUINT64_CONSTANT (3) << 30 };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) x = NULL;
  g_autoptr (GError) error = NULL;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("AddressSanitizer needs more room than any limit leaves");
  return;
#endif
  if (!g_test_subprocess ())
    {
      if (!tiny_need_runtime ())
        return;
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }

  g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
  session = open_tiny (huge_model (), &plain);
  x = new_floats (ones, 4, 1, 0);
  g_assert_null (fw_session_run (session, NULL, &x, 1, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY);
}

/* Cancelling, idling ------------------------------------------------------------------------- */

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (100 * 1000);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_cancel (void)
{
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) x = new_floats ((gint64[]){ 256, 256 }, 2, 0, 1e-6f);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;
  gint64 start;

  if (!tiny_need_runtime ())
    return;
  /* Some 300 gigaflops: seconds, if nobody stopped it. */
  session = open_tiny (tiny_model_matmuls (256, 10000), &plain);

  start = g_get_monotonic_time ();
  thread = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_null (fw_session_run (session, NULL, &x, 1, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (g_get_monotonic_time () - start, <, 1000 * 1000);
  g_thread_join (thread);

  /* Cancelled beforehand: it does not even start. */
  g_clear_error (&error);
  g_assert_null (fw_session_run (session, NULL, &x, 1, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static double
cpu_seconds (void)
{
  struct rusage usage;

  g_assert_cmpint (getrusage (RUSAGE_SELF, &usage), ==, 0);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec
         + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void
test_idle (void)
{
  const FwSessionOptions options = { .threads = 4, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwTensor) x = new_floats ((gint64[]){ 128, 128 }, 2, 0, 1e-6f);
  g_autoptr (GError) error = NULL;
  double before;

  if (!tiny_need_runtime ())
    return;
  session = open_tiny (tiny_model_matmuls (128, 20), &options);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (GPtrArray) outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);

      g_assert_no_error (error);
    }

  before = cpu_seconds ();
  g_usleep (500 * 1000);
  g_assert_cmpfloat (cpu_seconds () - before, <, 0.02);
}

static guint
count_threads (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/task", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

/* A sandbox closes over the thread that asks for it, so loading must not start others. */
static void
test_load_starts_no_thread (void)
{
  if (!g_test_subprocess ())
    {
      if (!tiny_need_runtime ())
        return;
      g_test_trap_subprocess (NULL, 0, 0);
      g_test_trap_assert_passed ();
      return;
    }
  {
    guint before = count_threads ();

    g_assert_true (fw_runtime_load (NULL));
    g_assert_cmpuint (count_threads (), ==, before);
  }
}

/* Nothing leaves the computer, so nothing is collected for it either. */
static void
test_load_leaves_no_trace (void)
{
  g_autofree char *folder = NULL;

  if (g_test_subprocess ())
    {
      g_assert_true (fw_runtime_load (NULL));
      return;
    }
  if (!tiny_need_runtime ())
    return;
  folder = g_dir_make_tmp ("fw-trace-XXXXXX", NULL);
  g_setenv ("HOME", folder, TRUE);
  g_setenv ("XDG_CACHE_HOME", folder, TRUE);
  g_setenv ("TMPDIR", folder, TRUE);
  g_unsetenv ("ORT_DISABLE_TELEMETRY");
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  /* Fails where anything was left in it. */
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* Files that ONNX Runtime writes -------------------------------------------------------------- */

static void
test_profile_and_optimized (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-session-XXXXXX", NULL);
  g_autofree char *prefix = g_build_filename (folder, "profile", NULL);
  g_autofree char *optimized = g_build_filename (folder, "optimized.onnx", NULL);
  const FwSessionOptions options = { .threads = 1,
                                     .optimization = FW_OPTIMIZE_BASIC,
                                     .save_optimized = optimized,
                                     .profile_prefix = prefix };
  g_autoptr (FwSession) session = NULL;
  g_autoptr (FwSession) saved = NULL;
  g_autoptr (FwTensor) x = new_floats ((gint64[]){ 1, 4 }, 2, 0, 1);
  g_autoptr (GPtrArray) outputs = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  g_autofree char *text = NULL;

  if (tiny_need_runtime ())
    {
      session = open_tiny (tiny_model_matmuls (4, 2), &options);
      outputs = fw_session_run (session, NULL, &x, 1, NULL, NULL, &error);
      g_assert_no_error (error);

      path = fw_session_end_profiling (session, &error);
      g_assert_no_error (error);
      g_assert_true (g_str_has_prefix (path, prefix));
      g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
      g_assert_nonnull (strstr (text, "_kernel_time"));

      saved = fw_session_new (optimized, &plain, &error);
      g_assert_no_error (error);
      g_unlink (path);
      g_unlink (optimized);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

/* The library itself -------------------------------------------------------------------------- */

static void
check_library (const char *path, FwError code)
{
  if (g_test_subprocess ())
    {
      g_autoptr (GError) error = NULL;

      g_setenv ("FW_ONNXRUNTIME", path, TRUE);
      g_assert_false (fw_runtime_load (&error));
      g_assert_error (error, FW_ERROR, (int) code);
      g_assert_null (fw_runtime_get_version ());
      /* Asking again gives the same answer. */
      g_assert_null (fw_session_new ("x.onnx", NULL, NULL));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
}

static void
test_missing (void)
{
  check_library ("/nonexistent/libonnxruntime.so.1", FW_ERROR_RUNTIME_MISSING);
}

static void
test_other_library (void)
{
  check_library ("libm.so.6", FW_ERROR_RUNTIME_MISSING);
}

static void
test_not_a_library (void)
{
  check_library ("/proc/self/cmdline", FW_ERROR_RUNTIME_MISSING);
}

static void
test_too_old (void)
{
  g_autofree char *path
      = g_test_build_filename (G_TEST_BUILT, "unit", "runtime", "libold-runtime.so", NULL);

  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  check_library (path, FW_ERROR_RUNTIME_TOO_OLD);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/runtime/session/info", test_info);
  g_test_add_func ("/runtime/session/run", test_run);
  g_test_add_func ("/runtime/session/passed-through", test_passed_through);
  g_test_add_func ("/runtime/session/scalar", test_scalar);
  g_test_add_func ("/runtime/session/strings", test_strings);
  g_test_add_func ("/runtime/session/sequences", test_sequences);
  g_test_add_func ("/runtime/session/bad-models", test_bad_models);
  g_test_add_func ("/runtime/session/no-file", test_no_file);
  g_test_add_func ("/runtime/session/bad-inputs", test_bad_inputs);
  g_test_add_func ("/runtime/session/out-of-memory", test_out_of_memory);
  g_test_add_func ("/runtime/session/cancel", test_cancel);
  g_test_add_func ("/runtime/session/idle", test_idle);
  g_test_add_func ("/runtime/session/load-starts-no-thread", test_load_starts_no_thread);
  g_test_add_func ("/runtime/session/load-leaves-no-trace", test_load_leaves_no_trace);
  g_test_add_func ("/runtime/session/profile-and-optimized", test_profile_and_optimized);
  g_test_add_func ("/runtime/library/missing", test_missing);
  g_test_add_func ("/runtime/library/other-library", test_other_library);
  g_test_add_func ("/runtime/library/not-a-library", test_not_a_library);
  g_test_add_func ("/runtime/library/too-old", test_too_old);

  return g_test_run ();
}
