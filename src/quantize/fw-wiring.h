/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-wiring.h: the model of a switchboard, and what its inputs are for. Private to it. */

#pragma once

#include "fw-rewrite-plan.h"
#include "fw-rewrite.h"
#include "fw-tensor.h"

G_BEGIN_DECLS

typedef struct
{
  const char *value; /* what it rounds */
  int node;          /* the one operator that it does so for, or -1: for all */
  guint shut;        /* places of its inputs: bool; float; uint8 */
  guint scale;
  guint zero_point;
  int dynamic; /* bool: the range is taken at each run; -1 where that is no option */
} FwGate;

typedef struct
{
  GPtrArray *names;    /* of all inputs; the model's own come first */
  GPtrArray *defaults; /* FwTensors of the others */
  guint n_own;
  int *weight; /* of each unit: the place of the input; -1 where there is none */
  int *bias;
  GArray *gates;
  GHashTable *by_value; /* value -> GArray of positions in gates */
  FwModel *prepared;    /* holds the strings of gates */
  FwModel *model;
  guint n_names;
  char *prefix;
} FwWiring;

/* See fw_switchboard_new (). */
FwWiring *fw_wiring_new (FwModel *prepared,
                         FwRewriter *rewriter,
                         GPtrArray *units,
                         FwRecipe *recipe,
                         const char *const *values,
                         gboolean gates,
                         GError **error);
void fw_wiring_free (FwWiring *self);

/* The gate that rounds @value for @node (-1: for all), or NULL. */
const FwGate *fw_wiring_find_gate (FwWiring *self, const char *value, int node);

/* What leaves a node rounded only because what went in was. */
gboolean fw_wiring_only_moves (const Onnx__NodeProto *node);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwWiring, fw_wiring_free)

G_END_DECLS
