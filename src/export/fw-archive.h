/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-archive.h: a folder as one .zip, and back.
 *
 * The same files always give the same bytes: entries are sorted by name, and there are no times,
 * owners or paths of this computer in it.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* What may come out of an archive: more is HOSTILE_MODEL. */
#define FW_ARCHIVE_MAX_FILES 1000
#define FW_ARCHIVE_MAX_BYTES (G_GUINT64_CONSTANT (8) << 30)

/* The names of all plain files below @folder, with '/' between folders, sorted by bytes. */
GPtrArray *fw_archive_list_folder (const char *folder, GError **error);

/* Packs all plain files below @folder into the new file @path. Errors: FILE_EXISTS, those of files,
 * cancelled; nothing is left at @path then. */
gboolean
fw_archive_write (const char *path, const char *folder, GCancellable *cancellable, GError **error);

/* Unpacks into @folder, which is made. Names with "..", absolute ones, and whatever is no plain
 * file are refused. Errors: DAMAGED_MODEL, HOSTILE_MODEL, those of files, cancelled. */
gboolean fw_archive_extract (const char *path,
                             const char *folder,
                             GCancellable *cancellable,
                             GError **error);

/* Writes @folder/SHA256SUMS over all other files there, as sha256sum would. */
gboolean fw_sums_write (const char *folder, GCancellable *cancellable, GError **error);
/* Whether @folder/SHA256SUMS names exactly the other files there, and rightly. DAMAGED_MODEL. */
gboolean fw_sums_check (const char *folder, GCancellable *cancellable, GError **error);

G_END_DECLS
