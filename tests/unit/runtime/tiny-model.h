/* SPDX-License-Identifier: GPL-3.0-or-later */

/* tiny-model.h: models of a few nodes, written out byte by byte.
 *
 * A message under construction is a GByteArray; the functions append fields to it.
 */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

void tiny_add_int (GByteArray *message, guint field, guint64 value);
void tiny_add_bytes (GByteArray *message, guint field, gconstpointer data, gsize size);
void tiny_add_string (GByteArray *message, guint field, const char *string);
/* Takes @part. */
void tiny_add_message (GByteArray *message, guint field, GByteArray *part);

/* A graph: nodes, values and initializers are added, then it becomes a model. */
typedef struct
{
  GByteArray *graph;
} TinyModel;

void tiny_model_init (TinyModel *self);
/* @dims: -1 for a dynamic one. */
void tiny_model_add_input (TinyModel *self, const char *name, int type, const char *dims);
void tiny_model_add_output (TinyModel *self, const char *name, int type, const char *dims);
/* @inputs and @outputs: names between spaces. @attributes: AttributeProtos, or NULL; taken. */
void tiny_model_add_node (TinyModel *self,
                          const char *op_type,
                          const char *domain,
                          const char *inputs,
                          const char *outputs,
                          GByteArray *attributes);
void tiny_model_add_floats (TinyModel *self,
                            const char *name,
                            const char *dims,
                            const float *values,
                            gsize n);
/* The model as a file's bytes, of IR 8 and @opset. */
GBytes *tiny_model_finish (TinyModel *self, int opset);

/* NodeProto attributes for tiny_model_add_node(), to be chained; @list may be NULL. */
GByteArray *tiny_attribute_int (GByteArray *list, const char *name, gint64 value);
GByteArray *tiny_attribute_ints (GByteArray *list, const char *name, const char *values);

/* y = x × x over [N, size] repeated @depth times by MatMul with a [size, size] weight. */
GBytes *tiny_model_matmuls (guint size, guint depth);
/* A classifier of pictures: x [1, 3, 8, 8] → global average pool → [1, 3] × weight → softmax. */
GBytes *tiny_model_classifier (void);

/* Skips the test where ONNX Runtime is not to be found. */
gboolean tiny_need_runtime (void);

G_END_DECLS
