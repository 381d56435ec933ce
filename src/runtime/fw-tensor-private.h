/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tensor-private.h: tensors whose memory is somebody else's. */

#pragma once

#include "fw-tensor.h"

G_BEGIN_DECLS

/* The bytes that a tensor of this shape takes; for strings, of the array of pointers. */
gboolean fw_tensor_measure (FwElementType type,
                            const gint64 *dims,
                            guint n_dims,
                            gsize *n_elements,
                            gsize *size,
                            GError **error);

/* A tensor over @data, which is 64-byte aligned and lives until @destroy (@owner) is called. */
FwTensor *fw_tensor_new_foreign (FwElementType type,
                                 const gint64 *dims,
                                 guint n_dims,
                                 gpointer data,
                                 GDestroyNotify destroy,
                                 gpointer owner,
                                 GError **error);

G_END_DECLS
