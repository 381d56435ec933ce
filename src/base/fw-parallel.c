/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-parallel.h"

typedef struct
{
  guint n;
  guint next; /* atomic */
  FwParallelFunc func;
  gpointer user_data;
} Loop;

static gpointer
loop_run (gpointer data)
{
  Loop *loop = data;

  for (;;)
    {
      guint index = (guint) g_atomic_int_add ((gint *) &loop->next, 1);

      if (index >= loop->n)
        return NULL;
      loop->func (index, loop->user_data);
    }
}

void
fw_parallel_for (guint n, guint threads, FwParallelFunc func, gpointer user_data)
{
  Loop loop = { n, 0, func, user_data };
  g_autoptr (GPtrArray) helpers = NULL;

  g_return_if_fail (func);
  g_return_if_fail (n <= G_MAXINT);

  if (threads == 0)
    threads = g_get_num_processors ();
  threads = MIN (threads, n);

  /* The calling thread works too, so a helper that can't be had only costs time. */
  helpers = g_ptr_array_new ();
  for (guint i = 1; i < threads; i++)
    {
      GThread *helper = g_thread_try_new ("fw-parallel", loop_run, &loop, NULL);

      if (!helper)
        break;
      g_ptr_array_add (helpers, helper);
    }
  loop_run (&loop);
  for (guint i = 0; i < helpers->len; i++)
    g_thread_join (g_ptr_array_index (helpers, i));
}
