/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-latency.h"
#include "tiny-model.h"

static FwSession *
open_matmuls (guint size, guint depth)
{
  const FwSessionOptions plain = { .threads = 1, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (GBytes) bytes = tiny_model_matmuls (size, depth);
  g_autoptr (GError) error = NULL;
  FwSession *session = fw_session_new_from_bytes (bytes, &plain, &error);

  g_assert_no_error (error);
  return session;
}

static GPtrArray *
make_rows (guint size, guint n)
{
  GPtrArray *rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);

  for (guint i = 0; i < n; i++)
    {
      GPtrArray *row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);

      g_ptr_array_add (row, fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 8, size }, 2, NULL));
      g_ptr_array_add (rows, row);
    }
  return rows;
}

static void
test_more_work (void)
{
  g_autoptr (FwSession) original = NULL;
  g_autoptr (FwSession) other = NULL;
  g_autoptr (GPtrArray) rows = make_rows (64, 3);
  g_autoptr (GError) error = NULL;
  FwLatencyComparison result;

  if (!tiny_need_runtime ())
    return;
  original = open_matmuls (64, 60);
  other = open_matmuls (64, 20);

  g_assert_true (fw_latency_compare (original, other, rows, 0.3, &result, NULL, &error));
  g_assert_no_error (error);
  g_test_message ("speedup %.3f (%.3f to %.3f), %.4f and %.4f ms, %u rounds", result.speedup,
                  result.interval.low, result.interval.high, result.original.median,
                  result.other.median, result.rounds);
  g_assert_cmpuint (result.rounds, >=, 15);
  g_assert_cmpfloat (result.original.median, >, 0);
  g_assert_cmpfloat (result.original.p95, >=, result.original.median);
  g_assert_cmpfloat (result.interval.low, <=, result.speedup);
  g_assert_cmpfloat (result.interval.high, >=, result.speedup);
  /* Three times the work; the bounds are for machines that are busy. */
  g_assert_cmpfloat (result.speedup, >, 1.5);
  g_assert_cmpfloat (result.speedup, <, 6);
}

static void
test_same_work (void)
{
  g_autoptr (FwSession) original = NULL;
  g_autoptr (FwSession) other = NULL;
  g_autoptr (GPtrArray) rows = make_rows (64, 1);
  FwLatencyComparison result;

  if (!tiny_need_runtime ())
    return;
  original = open_matmuls (64, 20);
  other = open_matmuls (64, 20);

  g_assert_true (fw_latency_compare (original, other, rows, 0.5, &result, NULL, NULL));
  g_test_message ("speedup %.3f (%.3f to %.3f), %.4f and %.4f ms, %u rounds", result.speedup,
                  result.interval.low, result.interval.high, result.original.median,
                  result.other.median, result.rounds);
  g_assert_cmpfloat (result.speedup, >, 0.8);
  g_assert_cmpfloat (result.speedup, <, 1.25);
}

static void
test_failing (void)
{
  g_autoptr (FwSession) original = NULL;
  g_autoptr (GPtrArray) rows = make_rows (63, 1);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  FwLatencyComparison result;

  if (!tiny_need_runtime ())
    return;
  original = open_matmuls (64, 2);
  g_assert_false (fw_latency_compare (original, original, rows, 9, &result, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
  g_clear_error (&error);

  g_cancellable_cancel (cancellable);
  g_assert_false (fw_latency_compare (original, original, rows, 9, &result, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Profiles ----------------------------------------------------------------------------------- */

static void
check_profile (const char *text, gssize length, gboolean is_good, const char *node, double seconds)
{
  g_autofree char *path = NULL;
  g_autoptr (GHashTable) times = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("fw-profile-XXXXXX", &path, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_close (fd, NULL));
  g_assert_true (g_file_set_contents (path, text, length, NULL));

  times = fw_profile_read (path, &error);
  if (is_good)
    {
      double *value;

      g_assert_no_error (error);
      value = node != NULL ? g_hash_table_lookup (times, node) : NULL;
      if (node != NULL)
        {
          g_assert_nonnull (value);
          g_assert_cmpfloat_with_epsilon (*value, seconds, 1e-12);
        }
      else
        g_assert_cmpuint (g_hash_table_size (times), ==, 0);
    }
  else
    {
      g_assert_null (times);
      g_assert_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED);
    }
  g_unlink (path);
}

#define KERNEL(name, us)                                                                           \
  "{\"name\":\"" name "_kernel_time\",\"dur\":" #us ",\"args\":{\"a\":\"}{\"}},"
#define RUN "{\"name\":\"model_run\",\"dur\":5},"

static void
test_profile (void)
{
  /* The first run is left out; what runs twice in one run is added up; the median is taken. */
  check_profile ("[" KERNEL ("a", 1000) RUN KERNEL ("a", 10) KERNEL ("a", 2) KERNEL ("b", 3)
                     RUN KERNEL ("a", 4) KERNEL ("a", 4) RUN KERNEL ("a", 40) RUN "]",
                 -1, TRUE, "a", 12e-6);
  check_profile ("[" KERNEL ("a", 1000) RUN "]", -1, TRUE, "a", 1e-3);
  check_profile ("[" KERNEL ("a \\\"}\\\\", 5) RUN "]", -1, TRUE, "a \"}\\", 5e-6);
  check_profile ("[]", -1, TRUE, NULL, 0);
  check_profile ("", -1, TRUE, NULL, 0);
  check_profile ("[{\"name\":3,\"dur\":5},{\"name\":\"x_kernel_time\"},{\"dur\":[]}]", -1, TRUE,
                 NULL, 0);
}

static void
test_bad_profile (void)
{
  g_autoptr (GString) deep = g_string_new ("[{\"name\":\"a_kernel_time\",\"args\":");
  g_autoptr (GString) large = g_string_new ("[{\"name\":\"");
  g_autoptr (GError) error = NULL;

  check_profile ("[{\"name\":\"a_kernel_ti", -1, FALSE, NULL, 0);
  check_profile ("[{name}]", -1, FALSE, NULL, 0);
  check_profile ("[{\"name\"]", -1, FALSE, NULL, 0);

  for (guint i = 0; i < 500000; i++)
    g_string_append_c (deep, '[');
  check_profile (deep->str, (gssize) deep->len, FALSE, NULL, 0);
  for (guint i = 0; i < 2000000; i++)
    g_string_append_c (large, 'a');
  check_profile (large->str, (gssize) large->len, FALSE, NULL, 0);

  g_assert_null (fw_profile_read ("/nonexistent/profile.json", &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
}

static void
test_real_profile (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-latency-XXXXXX", NULL);
  g_autofree char *prefix = g_build_filename (folder, "profile", NULL);
  const FwSessionOptions options
      = { .threads = 1, .optimization = FW_OPTIMIZE_NONE, .profile_prefix = prefix };
  g_autoptr (GBytes) bytes = tiny_model_matmuls (64, 2);
  g_autoptr (GPtrArray) rows = make_rows (64, 1);
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GHashTable) times = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;
  double *seconds;

  if (tiny_need_runtime ())
    {
      session = fw_session_new_from_bytes (bytes, &options, &error);
      g_assert_no_error (error);
      for (guint i = 0; i < 5; i++)
        {
          g_autoptr (GPtrArray) outputs = fw_session_run (
              session, NULL, (FwTensor *const *) ((GPtrArray *) rows->pdata[0])->pdata, 1, NULL,
              NULL, &error);

          g_assert_no_error (error);
        }
      path = fw_session_end_profiling (session, &error);
      g_assert_no_error (error);
      times = fw_profile_read (path, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_hash_table_size (times), ==, 2);
      seconds = g_hash_table_lookup (times, "MatMul_y");
      g_assert_nonnull (seconds);
      g_assert_cmpfloat (*seconds, >, 0);
      g_assert_cmpfloat (*seconds, <, 1);
      g_unlink (path);
    }
  g_assert_cmpint (g_rmdir (folder), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/evaluate/latency/more-work", test_more_work);
  g_test_add_func ("/evaluate/latency/same-work", test_same_work);
  g_test_add_func ("/evaluate/latency/failing", test_failing);
  g_test_add_func ("/evaluate/profile/read", test_profile);
  g_test_add_func ("/evaluate/profile/bad", test_bad_profile);
  g_test_add_func ("/evaluate/profile/real", test_real_profile);

  return g_test_run ();
}
