/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-rewrite-private.h: one rewriting, and the pieces that it is put together from. */

#pragma once

#include "fw-rewrite-plan.h"
#include "fw-rewrite-weights.h"
#include "fw-rewrite.h"

G_BEGIN_DECLS

struct _FwRewriter
{
  FwModel *prepared;
  FwGraphIndex *index;
  GPtrArray *units;
  guint threads;
  FwUnitWeights **weights; /* of each unit, made on first use */
  GHashTable *names;       /* set of all names in the prepared model */
};

typedef struct
{
  FwRewriter *self;
  FwRecipe *recipe;
  FwModel *model;
  FwRewritePlan *plan;
  GPtrArray *first; /* nodes that unpack codes, before all others */
  GPtrArray *head;  /* then those that make stored weights of them */
  GPtrArray *nodes;
  GHashTable *products;  /* node -> 1 + unit: those of fw_rewriting_emit_product () */
  GHashTable *constants; /* names of small tensors made so far */
  GPtrArray *packed;     /* codes that wait for fw_rewriting_emit_packed () */
  guint n_names;
} FwRewriting;

/* What is called "to make" gives back the name of a value; free with g_free (). */

FwUnitWeights *fw_rewriter_get_weights (FwRewriter *self, guint unit);

/* A short name for each number. */
char *fw_rewriting_number_to_name (guint number);
char *fw_rewriting_make_name (FwRewriting *self);
char *fw_rewriting_make_tensor (FwRewriting *self,
                                FwElementType type,
                                const gint64 *dims,
                                gsize n_dims,
                                GBytes *bytes);
char *fw_rewriting_make_list (FwRewriting *self, FwElementType type, gsize n, GBytes *bytes);
/* One tensor for all that are the same; the name belongs to @self. */
const char *fw_rewriting_get_constant (FwRewriting *self,
                                       FwElementType type,
                                       const gint64 *dims,
                                       gsize n_dims,
                                       const void *value,
                                       gsize size);
const char *fw_rewriting_get_scalar (FwRewriting *self, FwElementType type, const void *value);
const char *fw_rewriting_get_ints (FwRewriting *self, const gint64 *values, gsize n);
const char *fw_rewriting_get_int32s (FwRewriting *self, const gint32 *values, gsize n);

/* @a, @b, @c: inputs; NULL for fewer. */
Onnx__NodeProto *fw_rewriting_new_node (const char *op_type,
                                        const char *output,
                                        const char *a,
                                        const char *b,
                                        const char *c);
/* Adds a node with a new value as its output and makes that. */
char *fw_rewriting_make_node (FwRewriting *self,
                              GPtrArray *nodes,
                              const char *op_type,
                              const char *a,
                              const char *b);
char *
fw_rewriting_make_cast (FwRewriting *self, GPtrArray *nodes, const char *from, FwElementType type);
char *fw_rewriting_make_reshape (FwRewriting *self,
                                 GPtrArray *nodes,
                                 const char *from,
                                 const gint64 *dims,
                                 gsize n_dims);
/* Adds zeros behind the @n_dims dims of @from, as the operator Pad does. */
char *fw_rewriting_make_pad (FwRewriting *self,
                             GPtrArray *nodes,
                             const char *from,
                             const gint64 *pads,
                             gsize n_dims);

/* Stored codes of @bits (8 to 2) and @dims: a value of @type (FLOAT or INT8). */
char *fw_rewriting_make_codes (FwRewriting *self,
                               guint bits,
                               GBytes *codes,
                               const gint64 *dims,
                               gsize n_dims,
                               FwElementType type);
/* Adds what the packed codes made so far need. Call once, at the end. */
void fw_rewriting_emit_packed (FwRewriting *self);

/* float32 numbers, stored as float16 where that changes none and is smaller. */
char *fw_rewriting_make_floats (FwRewriting *self,
                                GPtrArray *nodes,
                                GBytes *floats,
                                const gint64 *dims,
                                gsize n_dims);

/* fw-rewrite-storage.c: units whose weights become floats when the model loads. */
gboolean fw_rewriting_store (FwRewriting *self, guint unit, GError **error);
/* Puts a corrected bias in the place of @unit's; NULL leaves it. */
void fw_rewriting_replace_bias (FwRewriting *self, const FwUnit *unit, GBytes *bias);

/* fw-rewrite-dynamic.c: adds what replaces @node, the product of unit @unit, whose option is
 * dynamic int8 arithmetic or blocks. */
gboolean fw_rewriting_emit_product (FwRewriting *self,
                                    guint unit,
                                    const Onnx__NodeProto *node,
                                    GError **error);

/* fw-rewrite-compute.c: static int8 arithmetic, and all nodes that stay as they are. */
void fw_rewriting_name_entries (FwRewriting *self);
gboolean fw_rewriting_emit_nodes (FwRewriting *self, GError **error);

G_END_DECLS
