/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tensor-store.h: prepared samples, kept on disk until the job is over.
 *
 * Every version is run on the same samples; decoding them each time would take longer than running
 * them, and keeping them in memory would grow with their number. What is kept is rows: a sample's
 * tensors, one for each input, or what a model made of them. The file has no name and vanishes with
 * the store.
 */

#pragma once

#include "fw-tensor.h"

G_BEGIN_DECLS

typedef struct _FwTensorStore FwTensorStore;

FwTensorStore *fw_tensor_store_new (const char *folder, GError **error);
void fw_tensor_store_free (FwTensorStore *self);

/* @row: FwTensors, no strings; NULL among them stays NULL. Errors: DISK_FULL and other errors of
 * files. */
gboolean fw_tensor_store_add (FwTensorStore *self, GPtrArray *row, GError **error);
/* Rows. */
guint fw_tensor_store_get_n (FwTensorStore *self);
/* Bytes that all of them take. */
guint64 fw_tensor_store_get_size (FwTensorStore *self);
/* New tensors, read back. */
GPtrArray *fw_tensor_store_get (FwTensorStore *self, guint index, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTensorStore, fw_tensor_store_free)

G_END_DECLS
