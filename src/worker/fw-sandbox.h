/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sandbox.h: shuts the calling process in, for good.
 *
 * Landlock (reads what is named, writes what is named, no network), seccomp (no sockets, no new
 * programs or processes, nothing that reaches for the system) and limits of memory. A kernel
 * without Landlock gives the rest only; fw_sandbox_get_landlock_version() tells.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The version of Landlock that the kernel offers; 0 for none. */
int fw_sandbox_get_landlock_version (void);

/* Confines this process: files and folders of @readable may be read, folders of @writable changed
 * too, and nothing else be opened. What is not there is left out. To be called once, before any
 * thread starts: Landlock holds for the calling thread and what it starts. Errors: INTERNAL, and
 * then the process must not go on. */
gboolean
fw_sandbox_enter (const char *const *readable, const char *const *writable, GError **error);

/* Limits the memory that this process may take; 0: three quarters of the machine's. No core files.
 * Under AddressSanitizer, which takes address space by the terabyte, there is no limit. Errors:
 * OUT_OF_MEMORY where hardly more is allowed than this process has already: libraries crash then,
 * where they should say so. */
gboolean fw_sandbox_limit_memory (guint64 bytes, GError **error);

/* Folders and files that any program needs: libraries, loaders, MIME data, /proc and the CPU's
 * description. Static. */
const char *const *fw_sandbox_get_system_paths (void);

G_END_DECLS
