/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-model.h: an ONNX file in memory.
 *
 * The message tree is protobuf-c's, compiled from the schema that libonnx ships, and may be read
 * and edited directly; whatever is put into it must come from malloc() or GLib's allocators, which
 * are the same. One thing differs: the bytes of a tensor (raw_data) are never the tree's own.
 * They point into a mapping of the file, or into a GBytes that the model holds, so that a model of
 * a gigabyte is neither read nor copied before someone looks at its weights.
 *
 * After loading, tensors with external data look like all others: raw_data points into a mapping
 * of the second file. Only fw_model_save() decides how bytes are laid out in files.
 *
 * A file is scanned before protobuf-c sees it (fw-scanner.h); every length, depth and count is
 * checked there. Tensor shapes are checked against the bytes behind them, so that for every
 * tensor of a loaded model fw_tensor_proto_get_n_elements() elements are really there (types of
 * which the element size is not known excepted). raw_data lies anywhere in a file: it is not
 * aligned.
 *
 * What a model is held together by is never NULL after loading: the op_type of nodes and the names
 * of attributes, initializers, inputs, outputs and value_info. All other strings may be NULL, and
 * no string need be valid UTF-8. A string attribute (AttributeProto.s) has a length and no
 * terminating zero. The dims of inputs and value_info are as the file says: unchecked.
 *
 * A model is used by one thread at a time; different models, copies too, are independent.
 */

#pragma once

#include <gio/gio.h>

#include "onnx.pb-c.h"

G_BEGIN_DECLS

/* Element types: the numbers of TensorProto.DataType, which are ONNX Runtime's too. */
typedef enum
{
  FW_ELEMENT_UNDEFINED = 0,
  FW_ELEMENT_FLOAT = 1,
  FW_ELEMENT_UINT8 = 2,
  FW_ELEMENT_INT8 = 3,
  FW_ELEMENT_UINT16 = 4,
  FW_ELEMENT_INT16 = 5,
  FW_ELEMENT_INT32 = 6,
  FW_ELEMENT_INT64 = 7,
  FW_ELEMENT_STRING = 8,
  FW_ELEMENT_BOOL = 9,
  FW_ELEMENT_FLOAT16 = 10,
  FW_ELEMENT_DOUBLE = 11,
  FW_ELEMENT_UINT32 = 12,
  FW_ELEMENT_UINT64 = 13,
  FW_ELEMENT_COMPLEX64 = 14,
  FW_ELEMENT_COMPLEX128 = 15,
  FW_ELEMENT_BFLOAT16 = 16,
  FW_ELEMENT_FLOAT8E4M3FN = 17,
  FW_ELEMENT_FLOAT8E5M2FNUZ = 20,
  FW_ELEMENT_UINT4 = 21,
  FW_ELEMENT_INT4 = 22,
} FwElementType;

/* Bits of one element; 0 for strings and unknown types. */
guint fw_element_type_get_bits (FwElementType type);
/* "float32", "int8", ...; "unknown" for unknown numbers. Static. */
const char *fw_element_type_get_name (FwElementType type);

typedef struct _FwModel FwModel;

/* Reads a model. Errors: NO_SUCH_FILE, NOT_READABLE, EMPTY_FILE, NOT_A_MODEL, DAMAGED_MODEL,
 * HOSTILE_MODEL, EXTERNAL_DATA_MISSING, EXTERNAL_DATA_OUTSIDE. */
FwModel *fw_model_load (const char *path, GError **error);

/* Reads a model from memory. @folder: where its external data lies, or NULL for "it has none". */
FwModel *fw_model_load_bytes (GBytes *bytes, const char *folder, GError **error);

/* A copy to edit: the tree is copied, the tensors' bytes are shared. */
FwModel *fw_model_copy (FwModel *self);
FwModel *fw_model_ref (FwModel *self);
void fw_model_unref (FwModel *self);

/* Writes the model to a new file (an existing one is FILE_EXISTS), synced. Above 2 GB the tensors'
 * bytes go to "<name>.data" beside it. Does not copy the bytes in memory. The same model always
 * gives the same bytes. */
gboolean fw_model_save (FwModel *self, const char *path, GCancellable *cancellable, GError **error);

/* The model as one message, for handing to libraries; NULL and an error above 2 GB. */
GBytes *fw_model_to_bytes (FwModel *self, GError **error);

Onnx__ModelProto *fw_model_get_proto (FwModel *self);
/* Never NULL. */
Onnx__GraphProto *fw_model_get_graph (FwModel *self);

/* The version of the operator set of @domain ("" for ONNX's own); 0 where it is not imported. */
gint64 fw_model_get_opset (FwModel *self, const char *domain);

/* Bytes on disk: of the file and of all external data. For a model made in memory, of the message.
 */
guint64 fw_model_get_size (FwModel *self);

/* Sets one entry of metadata_props, in place of one of that key. */
void fw_model_set_metadata (FwModel *self, const char *key, const char *value);
const char *fw_model_get_metadata (FwModel *self, const char *key);

/* Tensors ------------------------------------------------------------------------------------ */

/* The product of the dims, checked when loaded; 1 for a scalar. */
guint64 fw_tensor_proto_get_n_elements (const Onnx__TensorProto *tensor);

/* The values of a tensor of any real number type as floats, from raw or typed data; NULL for types
 * that have none (strings, complex, 4-bit). Free with g_free(). */
float *fw_tensor_proto_to_floats (const Onnx__TensorProto *tensor);
/* The same for integers (all integer types and bool). */
gint64 *fw_tensor_proto_to_ints (const Onnx__TensorProto *tensor);

/* A tensor whose bytes the model holds: shape @dims[@n_dims], little-endian elements in @bytes. */
Onnx__TensorProto *fw_model_new_tensor (FwModel *self,
                                        const char *name,
                                        FwElementType type,
                                        const gint64 *dims,
                                        gsize n_dims,
                                        GBytes *bytes);

/* Graph -------------------------------------------------------------------------------------- */

/* Adds an initializer to the main graph (takes @tensor). */
void fw_model_add_initializer (FwModel *self, Onnx__TensorProto *tensor);
/* NULL where there is none of that name in the main graph. */
Onnx__TensorProto *fw_model_find_initializer (FwModel *self, const char *name);
/* Removes it from the initializers, and from the graph's inputs if it is listed there. */
void fw_model_remove_initializer (FwModel *self, const char *name);

/* Makes a value one of the main graph's outputs, unless it is one. Its type is left to find out:
 * ONNX Runtime does. */
void fw_model_add_output (FwModel *self, const char *value);

/* A new node, not yet in a graph. @inputs and @outputs: NULL-terminated. */
Onnx__NodeProto *fw_node_new (const char *op_type,
                              const char *name,
                              const char *const *inputs,
                              const char *const *outputs);
void fw_node_free (Onnx__NodeProto *node);
void fw_node_set_int (Onnx__NodeProto *node, const char *attribute, gint64 value);
void fw_node_set_float (Onnx__NodeProto *node, const char *attribute, float value);
void fw_node_set_ints (Onnx__NodeProto *node, const char *attribute, const gint64 *values, gsize n);
void fw_node_set_string (Onnx__NodeProto *node, const char *attribute, const char *value);
const Onnx__AttributeProto *fw_node_find_attribute (const Onnx__NodeProto *node, const char *name);
gint64 fw_node_get_int (const Onnx__NodeProto *node, const char *attribute, gint64 fallback);
float fw_node_get_float (const Onnx__NodeProto *node, const char *attribute, float fallback);
/* Whether @attribute is the string @value. */
gboolean fw_node_has_string (const Onnx__NodeProto *node, const char *attribute, const char *value);
/* Replaces one input's name, or adds one more input where @index is their number. */
void fw_node_set_input (Onnx__NodeProto *node, gsize index, const char *name);
void fw_node_set_output (Onnx__NodeProto *node, gsize index, const char *name);

/* Replaces the main graph's list of nodes. Takes the array and nodes; frees the old nodes that are
 * not in it. */
void fw_model_set_nodes (FwModel *self, GPtrArray *nodes);

/* Drops initializers of the main graph that no node (subgraphs included) and no output uses. */
void fw_model_drop_unused_initializers (FwModel *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwModel, fw_model_unref)

G_END_DECLS
