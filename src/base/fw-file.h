/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-file.h: files that are either whole or not there. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The SHA-256 of a file, 64 lower-case hexadecimal digits. Reads in bounded pieces. */
char *fw_file_sha256 (const char *path, GCancellable *cancellable, GError **error);

/* Writes @bytes to @path: a nameless or hidden file beside it is written, synced and linked in
 * place. Unless @replace, an existing file is FW_ERROR_FILE_EXISTS and stays as it is. */
gboolean fw_file_write (const char *path, GBytes *bytes, gboolean replace, GError **error);

/* Moves @source to @target, across file systems too, with the same promises; @source is gone
 * afterwards. A cancelled or failed move leaves nothing at @target. */
gboolean fw_file_move (const char *source,
                       const char *target,
                       gboolean replace,
                       GCancellable *cancellable,
                       GError **error);

/* Copies @source to @target with the same promises; where the disk can, without taking room. */
gboolean fw_file_copy (const char *source,
                       const char *target,
                       gboolean replace,
                       GCancellable *cancellable,
                       GError **error);

/* Removes a folder and all in it, without following links. Errors are logged only. */
void fw_file_remove_tree (const char *path);

G_END_DECLS
