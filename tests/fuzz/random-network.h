/* SPDX-License-Identifier: GPL-3.0-or-later */

/* random-network.h: small graphs of many kinds of operators, the same for the same seed. */

#pragma once

#include "fw-model.h"
#include "fw-random.h"
#include "fw-tensor.h"

G_BEGIN_DECLS

#define RANDOM_NETWORK_MAX_INPUTS 2

typedef struct
{
  GBytes *bytes; /* an ONNX file */
  guint n_inputs;
  guint rank[RANDOM_NETWORK_MAX_INPUTS];
  gint64 dims[RANDOM_NETWORK_MAX_INPUTS][4];
} RandomNetwork;

RandomNetwork *random_network_new (guint64 seed);
void random_network_free (RandomNetwork *self);

/* Values for all inputs, in order. */
GPtrArray *random_network_make_inputs (RandomNetwork *self, guint64 seed);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (RandomNetwork, random_network_free)

G_END_DECLS
