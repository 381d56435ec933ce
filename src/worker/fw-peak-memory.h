/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-peak-memory.h: how much memory a model needs, seen in a process that does nothing else. */

#pragma once

#include <json-glib/json-glib.h>
#include <gio/gio.h>

G_BEGIN_DECLS

/* The file of the tensor for the model's input @index: @probe itself for the first. */
char *fw_peak_memory_get_probe (const char *probe, guint index);

/* Loads @model as an app would, runs it on the tensors of @probe (.npy) a few times, and returns
 * {"peak_rss_bytes": N}, the most resident memory that this process ever had. Errors: of
 * fw_session_new(), fw_session_run() and fw_tensor_load_npy(). */
JsonObject *fw_peak_memory_run (const char *model,
                                const char *probe,
                                guint threads,
                                GCancellable *cancellable,
                                GError **error);

/* The most resident memory that this process ever had, in bytes; 0 where the kernel won't tell. */
guint64 fw_peak_memory_of_self (void);

G_END_DECLS
