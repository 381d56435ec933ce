/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tensor-store.h: prepared samples, kept on disk until the job is over.
 *
 * Every version is run on the same samples; decoding them each time would take longer than running
 * them, and keeping them in memory would grow with their number. All tensors have one shape. The
 * file has no name and vanishes with the store.
 */

#pragma once

#include "fw-tensor.h"

G_BEGIN_DECLS

typedef struct _FwTensorStore FwTensorStore;

FwTensorStore *fw_tensor_store_new (const char *folder, GError **error);
void fw_tensor_store_free (FwTensorStore *self);

/* Errors: DISK_FULL and other errors of files; INTERNAL where the shape differs from the first's.
 */
gboolean fw_tensor_store_add (FwTensorStore *self, FwTensor *tensor, GError **error);
guint fw_tensor_store_get_n (FwTensorStore *self);
/* A new tensor, read back. */
FwTensor *fw_tensor_store_get (FwTensorStore *self, guint index, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTensorStore, fw_tensor_store_free)

G_END_DECLS
