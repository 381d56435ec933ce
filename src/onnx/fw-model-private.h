/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-model-private.h: what the files of this folder share. */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

struct _FwModel
{
  gatomicrefcount ref_count;
  Onnx__ModelProto *proto;
  GPtrArray *holders; /* GBytes: everything that raw_data of some tensor may point into */
  guint64 file_size;  /* 0 for a model made in memory */
};

typedef enum
{
  FW_TENSOR_INITIALIZER,
  FW_TENSOR_SPARSE,
  FW_TENSOR_ATTRIBUTE,
} FwTensorRole;

/* Called for each tensor; FALSE ends the visit. */
typedef gboolean (*FwTensorFunc) (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data);

/* All tensors below: initializers, sparse ones, attributes, in subgraphs, functions and training
 * information too. FALSE where @func ended the visit. */
gboolean fw_proto_visit_model (Onnx__ModelProto *model, FwTensorFunc func, gpointer user_data);
gboolean fw_proto_visit_node (Onnx__NodeProto *node, FwTensorFunc func, gpointer user_data);

/* Free messages whose tensors borrow their bytes. NULL is fine. */
void fw_proto_free_model (Onnx__ModelProto *model);
void fw_proto_free_tensor (Onnx__TensorProto *tensor);
void fw_proto_free_attribute (Onnx__AttributeProto *attribute);

/* A deep copy; only raw_data of tensors is shared. */
ProtobufCMessage *fw_proto_copy (const ProtobufCMessage *message);

/* A model around @proto (taken), which may borrow from @holders (copied; may be NULL). */
FwModel *fw_model_new_for_proto (Onnx__ModelProto *proto, GPtrArray *holders);

/* Whether names that everything else relies on are there. */
gboolean fw_proto_has_names (const Onnx__ModelProto *model);

/* Checks @tensor's shape and that the bytes behind it suffice. */
gboolean fw_tensor_proto_check (const Onnx__TensorProto *tensor);

/* The length in bytes of @tensor's elements as raw data; FALSE for types without a fixed size and
 * for impossible shapes. */
gboolean fw_tensor_proto_get_n_bytes (const Onnx__TensorProto *tensor, guint64 *n_bytes);

/* Gives each tensor with external data its bytes. @folder: see fw_model_load_bytes(). @total is
 * increased by the sizes of the files. */
gboolean fw_external_data_load (Onnx__ModelProto *proto,
                                const char *folder,
                                GPtrArray *holders,
                                guint64 *total,
                                GError **error);

/* A sentence on what else a file is that is not a model, for @name, or NULL where it does not show.
 * Free with g_free(). */
char *fw_file_kind_describe (const guint8 *data, gsize length, const char *name);

/* Entry @key of a list of entries, or NULL. */
const char *fw_proto_find_entry (Onnx__StringStringEntryProto *const *entries,
                                 gsize n_entries,
                                 const char *key);
Onnx__StringStringEntryProto *fw_proto_entry_new (const char *key, const char *value);

/* Says that @name is a tensor of the type and shape that @tensor has. */
Onnx__ValueInfoProto *fw_proto_value_info_new (const char *name, const Onnx__TensorProto *tensor);

/* Puts @item at the end of a repeated field. */
#define fw_proto_append(array, n, item)                                                            \
  G_STMT_START                                                                                     \
  {                                                                                                \
    (array) = g_realloc_n ((array), (n) + 1, sizeof *(array));                                     \
    (array)[(n)++] = (item);                                                                       \
  }                                                                                                \
  G_STMT_END

/* For tests: does as on a kernel without openat2(). */
void fw_external_data_avoid_openat2 (gboolean avoid);

/* For tests: from how many bytes on the tensors go to a second file; 0 for the usual 2 GB. */
void fw_model_set_save_limit (guint64 limit);

G_END_DECLS
