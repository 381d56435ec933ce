/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-graph-index.h: who makes and who uses each value of a model's main graph.
 *
 * A snapshot: it does not follow later edits. The model must outlive it. Uses inside subgraphs
 * count as uses by the node that holds the subgraph.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

typedef struct _FwGraphIndex FwGraphIndex;

FwGraphIndex *fw_graph_index_new (FwModel *model);
void fw_graph_index_free (FwGraphIndex *self);

/* The position in graph->node of the producer of @value, or -1 (inputs, initializers). */
int fw_graph_index_get_producer (FwGraphIndex *self, const char *value);

/* The positions of the nodes that use @value, in order, each once; @n is their count. */
const guint *fw_graph_index_get_consumers (FwGraphIndex *self, const char *value, guint *n);

/* NULL where @value is not an initializer. */
Onnx__TensorProto *fw_graph_index_get_initializer (FwGraphIndex *self, const char *value);
gboolean fw_graph_index_is_output (FwGraphIndex *self, const char *value);
/* A graph input that is not also an initializer. */
gboolean fw_graph_index_is_input (FwGraphIndex *self, const char *value);
/* The type and shape known for @value (inputs, outputs, value_info), or NULL. */
const Onnx__ValueInfoProto *fw_graph_index_get_info (FwGraphIndex *self, const char *value);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwGraphIndex, fw_graph_index_free)

G_END_DECLS
