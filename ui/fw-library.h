/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-library.h: the history as the window uses it: opened when it is first needed, worked on in
 * threads, and watched for what other programs do to it.
 *
 * The signal "changed" says that lists are to be read again.
 */

#pragma once

#include <gio/gio.h>

#include "fw-history.h"

G_BEGIN_DECLS

#define FW_TYPE_LIBRARY (fw_library_get_type ())

G_DECLARE_FINAL_TYPE (FwLibrary, fw_library, FW, LIBRARY, GObject)

/* The one of this process, made on first use; borrowed. */
FwLibrary *fw_library_get_default (void);

/* Work on the history; runs in a thread. */
typedef gboolean (*FwLibraryFunc) (FwHistory *history,
                                   gpointer data,
                                   GCancellable *cancellable,
                                   GError **error);

/* Opens the history if need be, then calls @func with it. @data is freed with @free_data in the
 * main context after @callback. */
void fw_library_do_async (FwLibrary *self,
                          FwLibraryFunc func,
                          gpointer data,
                          GDestroyNotify free_data,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
/* @data, or NULL: gets what was given to fw_library_do_async(); valid until the callback returns.
 */
gboolean
fw_library_do_finish (FwLibrary *self, GAsyncResult *result, gpointer *data, GError **error);

/* NULL until it was opened. Borrowed. */
FwHistory *fw_library_get_history (FwLibrary *self);

/* Between these "changed" is also emitted for changes of others. Calls nest. */
void fw_library_watch (FwLibrary *self);
void fw_library_unwatch (FwLibrary *self);

G_END_DECLS
