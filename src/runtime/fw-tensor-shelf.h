/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tensor-shelf.h: one value of many samples, put aside until the next piece of a model needs it.
 *
 * Tensors of any shape and type. They lie in a nameless file in the scratch folder (fw-mapping.h);
 * where there is none, and for strings, in memory.
 */

#pragma once

#include "fw-tensor.h"

G_BEGIN_DECLS

typedef struct _FwTensorShelf FwTensorShelf;

/* For @n samples. */
FwTensorShelf *fw_tensor_shelf_new (guint n, GError **error);
void fw_tensor_shelf_free (FwTensorShelf *self);

/* Errors: DISK_FULL and other errors of files. */
gboolean fw_tensor_shelf_put (FwTensorShelf *self, guint index, FwTensor *tensor, GError **error);
/* NULL without an error where nothing was put. */
FwTensor *fw_tensor_shelf_get (FwTensorShelf *self, guint index, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTensorShelf, fw_tensor_shelf_free)

G_END_DECLS
