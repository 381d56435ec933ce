/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-parallel.h"

#define N 10000

static void
count (guint index, gpointer user_data)
{
  int *counts = user_data;

  g_atomic_int_inc (&counts[index]);
}

static void
test_each_once (gconstpointer data)
{
  guint threads = GPOINTER_TO_UINT (data);
  g_autofree int *counts = g_new0 (int, N);

  fw_parallel_for (N, threads, count, counts);
  for (guint i = 0; i < N; i++)
    g_assert_cmpint (counts[i], ==, 1);
}

static void
fail (guint index, gpointer user_data)
{
  g_assert_not_reached ();
}

static void
test_none (void)
{
  fw_parallel_for (0, 0, fail, NULL);
  fw_parallel_for (0, 8, fail, NULL);
}

static void
remember_thread (guint index, gpointer user_data)
{
  GThread **threads = user_data;

  threads[index] = g_thread_self ();
  g_usleep (1000);
}

static void
test_one_thread_is_the_caller (void)
{
  GThread *threads[20] = { NULL };

  fw_parallel_for (G_N_ELEMENTS (threads), 1, remember_thread, threads);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_assert_true (threads[i] == g_thread_self ());
}

static void
test_several_threads (void)
{
  GThread *threads[64] = { NULL };
  guint others = 0;

  fw_parallel_for (G_N_ELEMENTS (threads), 2, remember_thread, threads);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    if (threads[i] != g_thread_self ())
      others++;
  g_assert_cmpuint (others, >, 0);
}

static void
inner (guint index, gpointer user_data)
{
  fw_parallel_for (16, 2, count, (int *) user_data + index * 16);
}

static void
test_nested (void)
{
  int counts[16 * 16] = { 0 };

  fw_parallel_for (16, 3, inner, counts);
  for (guint i = 0; i < G_N_ELEMENTS (counts); i++)
    g_assert_cmpint (counts[i], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/parallel/each-once/all-cores", GUINT_TO_POINTER (0), test_each_once);
  g_test_add_data_func ("/parallel/each-once/1", GUINT_TO_POINTER (1), test_each_once);
  g_test_add_data_func ("/parallel/each-once/7", GUINT_TO_POINTER (7), test_each_once);
  g_test_add_func ("/parallel/none", test_none);
  g_test_add_func ("/parallel/one-thread-is-the-caller", test_one_thread_is_the_caller);
  g_test_add_func ("/parallel/several-threads", test_several_threads);
  g_test_add_func ("/parallel/nested", test_nested);
  return g_test_run ();
}
