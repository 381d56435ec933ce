/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-loop-watch.h"

#include <glib-unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static gint64 turn_began, wall_began;
static gint64 busiest, longest;

static gint64
get_cpu_time (void)
{
  struct timespec now;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * G_GINT64_CONSTANT (1000000) + now.tv_nsec / 1000;
}

/* What is between two polls is a turn: nothing else can happen meanwhile. */
static int
watched_poll (GPollFD *fds, guint n_fds, int timeout)
{
  int n;

  busiest = MAX (busiest, get_cpu_time () - turn_began);
  longest = MAX (longest, g_get_monotonic_time () - wall_began);
  n = g_poll (fds, n_fds, timeout);
  turn_began = get_cpu_time ();
  wall_began = g_get_monotonic_time ();
  return n;
}

static void
report (void)
{
  g_message ("busiest turn: %.1f ms, longest: %.1f ms", busiest / 1000.0, longest / 1000.0);
  busiest = longest = 0;
}

static gboolean
on_asked (gpointer user_data)
{
  report ();
  return G_SOURCE_CONTINUE;
}

void
fw_loop_watch_start (void)
{
  if (g_strcmp0 (g_getenv ("FEATHERWEIGHT_WATCH_LOOP"), "1") != 0)
    return;
  turn_began = get_cpu_time ();
  wall_began = g_get_monotonic_time ();
  g_main_context_set_poll_func (NULL, watched_poll);
  g_unix_signal_add (SIGUSR1, on_asked, NULL);
  atexit (report);
}
