/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-parallel.h: one loop over all cores. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef void (*FwParallelFunc) (guint index, gpointer user_data);

/* Calls @func once for each index below @n, on up to @threads threads (0: all cores), and returns
 * when all are done. The order is not defined, so @func (index) must not depend on other indices:
 * results are then the same for any number of threads. */
void fw_parallel_for (guint n, guint threads, FwParallelFunc func, gpointer user_data);

G_END_DECLS
