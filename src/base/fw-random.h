/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-random.h: numbers that are the same on every machine for one seed (splitmix64). */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint64 state;
} FwRandom;

static inline guint64
fw_random_next (FwRandom *self)
{
  guint64 z = (self->state += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15));

  z = (z ^ (z >> 30)) * G_GUINT64_CONSTANT (0xbf58476d1ce4e5b9);
  z = (z ^ (z >> 27)) * G_GUINT64_CONSTANT (0x94d049bb133111eb);
  return z ^ (z >> 31);
}

/* Uniform in [0, 1). */
static inline double
fw_random_double (FwRandom *self)
{
  return (fw_random_next (self) >> 11) * 0x1.0p-53;
}

G_END_DECLS
