/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-mapping.h: files seen as memory, of which parts can be let go again.
 *
 * A mapped page counts as memory of the process from its first use on, until somebody says that it
 * is not needed for a while; then the next use reads it anew. A model of gigabytes can so be walked
 * through in the memory that its largest part takes.
 */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* The whole of an open file, read-only; @fd may be closed afterwards. NULL where it can't be
 * mapped. */
GBytes *fw_mapping_new (int fd);

/* Lets the pages go that lie wholly within @data[@length]; they stay readable. Does nothing to
 * memory that is not of fw_mapping_new(), and nothing where there is no scratch folder: then
 * memory is plenty. */
void fw_mapping_let_go (gconstpointer data, gsize length);
/* Says that @data[@length] will be needed soon: the kernel may begin to read it. */
void fw_mapping_expect (gconstpointer data, gsize length);
gboolean fw_mapping_holds (gconstpointer data, gsize length);

/* Where fw_mapping_keep() puts things; NULL, which it is at first, for nowhere. One setting for the
 * whole program: to be made before models are worked on. */
void fw_mapping_set_scratch (const char *folder);

/* A new nameless file in the scratch folder; -1 with an error where there can't be one. */
int fw_mapping_open_scratch (GError **error);
gboolean fw_mapping_has_scratch (void);

/* The same bytes (@bytes is taken), moved to a nameless file in the scratch folder and mapped
 * again, so that they can be let go. Bytes stay where they are if they are few, if there is no
 * scratch folder, or if it is full. */
GBytes *fw_mapping_keep (GBytes *bytes);

G_END_DECLS
