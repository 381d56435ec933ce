/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-loop-watch.h: how long the window's main loop is kept from answering. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Only if the environment asks for it with FEATHERWEIGHT_WATCH_LOOP=1. From then on each SIGUSR1,
 * and the end of the program, print the most CPU time in milliseconds that one turn of the loop has
 * used since the last time, as "busiest turn: 12.3 ms", to stderr. A turn runs one callback or
 * more, so that no callback has used more than that. */
void fw_loop_watch_start (void);

G_END_DECLS
