/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-tensor.h: a dense array on its way into or out of a model. Immutable once shared. */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

#define FW_TENSOR_MAX_RANK 16

typedef struct _FwTensor FwTensor;

/* Zeroed elements of @type; not for strings. NULL with OUT_OF_MEMORY or UNSUPPORTED_INPUTS where
 * the product of @dims is negative, overflows or is above 4 GiB. */
FwTensor *fw_tensor_new (FwElementType type, const gint64 *dims, guint n_dims, GError **error);
/* A tensor of strings, copied. */
FwTensor *fw_tensor_new_strings (const char *const *strings,
                                 const gint64 *dims,
                                 guint n_dims,
                                 GError **error);
/* From a message (raw or typed data). */
FwTensor *fw_tensor_new_from_proto (const Onnx__TensorProto *proto, GError **error);
/* Over @data, which outlives it and need only be aligned for its elements: to be given to a session
 * and nothing else. */
FwTensor *fw_tensor_new_view (FwElementType type,
                              const gint64 *dims,
                              gsize n_dims,
                              gconstpointer data,
                              GError **error);
FwTensor *fw_tensor_ref (FwTensor *self);
void fw_tensor_unref (FwTensor *self);

FwElementType fw_tensor_get_element_type (const FwTensor *self);
guint fw_tensor_get_n_dims (const FwTensor *self);
const gint64 *fw_tensor_get_dims (const FwTensor *self);
gsize fw_tensor_get_n_elements (const FwTensor *self);
/* Bytes. */
gsize fw_tensor_get_size (const FwTensor *self);
/* Elements in C order, aligned to 64 bytes. Strings: an array of char *. */
gpointer fw_tensor_get_data (FwTensor *self);
/* The elements as new floats (float32, float16, double, integers, bool); NULL for other types. */
float *fw_tensor_to_floats (const FwTensor *self);
/* The nearest float16, halves to even. */
guint16 fw_float_to_half (float value);

/* NumPy's .npy format. Written as version 1.0; read in all versions, in either order of bytes and
 * of indices. Errors: NOT_READABLE for what is none, is cut off, or holds anything but numbers;
 * UNSUPPORTED_INPUTS for more than 4 GiB. */
gboolean fw_tensor_save_npy (FwTensor *self, const char *path, GError **error);
FwTensor *fw_tensor_load_npy (const char *path, GError **error);
/* The same from memory. @name: of the file, for the message. */
FwTensor *fw_tensor_new_from_npy (const void *data, gsize size, const char *name, GError **error);
/* How many bytes a file has that begins with @data, by its header; 0 where that is none. 64 KiB and
 * a bit are enough to tell. */
guint64 fw_tensor_get_npy_size (const void *data, gsize size);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwTensor, fw_tensor_unref)

G_END_DECLS
