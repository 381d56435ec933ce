/* SPDX-License-Identifier: GPL-3.0-or-later */

/* bad-models.h: small models, most with something wrong about them. */

#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

typedef enum
{
  MODEL_GOOD, /* a picture of 3 × 8 × 8 numbers in, 4 out */
  MODEL_UNKNOWN_OPERATOR,
  MODEL_TWO_INPUTS,
  MODEL_STREAM, /* x of 8 × 64 numbers and a state of 64 in, y of 8 × 64 and the next state out */
  MODEL_NO_WEIGHTS,
  MODEL_EXTERNAL_MISSING, /* weights in a file that is not there */
  MODEL_EXTERNAL_PARENT,  /* weights in ../ */
  MODEL_EXTERNAL_ABSOLUTE,
} ModelKind;

void write_model (const char *path, ModelKind kind);

G_END_DECLS
