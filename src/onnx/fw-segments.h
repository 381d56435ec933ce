/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-segments.h: a model cut into pieces that run one after another.
 *
 * A segment is a run of the main graph's nodes, and what it needs from before and hands on. It can
 * be made a model of its own, in which large stored numbers are inputs: what runs it gives it a
 * view of the file that they lie in, so that a piece takes hardly any memory to load.
 */

#pragma once

#include "fw-model.h"

G_BEGIN_DECLS

/* Stored numbers of so many bytes are handed to a segment, fewer are part of it. */
#define FW_SEGMENT_LARGE ((gsize) 16 << 10)

typedef enum
{
  FW_HAND_FLOATS, /* integers are part of it: ONNX Runtime has to see shapes and codes */
  FW_HAND_ALL,
  FW_HAND_NOTHING,
} FwHand;

typedef struct
{
  guint first, end;     /* its nodes in the main graph: first, ... end - 1 */
  GPtrArray *inputs;    /* names of values made before or given; none that is stored */
  GPtrArray *outputs;   /* names of values made here that are used later, or are outputs of all */
  GPtrArray *weights;   /* Onnx__TensorProto: large stored numbers used here; the model's */
  guint64 weight_bytes; /* of all stored numbers used here */
  guint64 handed_bytes; /* of what is alive at its end, as far as that can be told */
  FwHand hand;
  guint made_from; /* nodes from here on are never repeated: what they make is handed on */
} FwSegment;

/* Cuts @model, of which value_info has to tell the types, into as few segments as may be that use
 * at most @limit bytes of stored numbers each (or, with more, are a single node), at places where
 * little is handed on. Codes of weights count as the floats that are made of them. What can be
 * worked out from stored numbers alone belongs to every segment that needs it. Only tensors of
 * known type are ever handed on: at worst the whole is one segment. The same model always gives the
 * same segments. */
GPtrArray *fw_segments_cut (FwModel *model, guint64 limit);

/* The one segment that is all of @model. */
FwSegment *fw_segment_new_whole (FwModel *model, FwHand hand);
/* Nodes @first to @end - 1 of @model; nodes before @made_from are repeated where they are needed.
 */
FwSegment *
fw_segment_new_range (FwModel *model, guint first, guint end, guint made_from, FwHand hand);
void fw_segment_free (FwSegment *self);

/* The segment as a model, its weights inputs. All of the main graph's values are outputs if
 * @show_all. */
FwModel *fw_segment_extract (const FwSegment *self, FwModel *model, gboolean show_all);

/* Sorts the nodes of @model, a segment: first what makes numbers out of large stored ones alone,
 * from node @first on, then, from @end on, all else. FALSE where there is nothing of the first
 * kind. */
gboolean fw_segment_sort_constants (FwModel *model, guint *first, guint *end);

/* Says that @name is a tensor of this type and shape, for nodes that use it. */
void fw_segment_set_type (FwModel *model,
                          const char *name,
                          FwElementType type,
                          const gint64 *dims,
                          gsize n_dims);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwSegment, fw_segment_free)

G_END_DECLS
