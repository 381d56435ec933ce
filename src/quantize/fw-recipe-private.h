/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-recipe-private.h: what a recipe is made of, for reading and writing it. */

#pragma once

#include "fw-recipe.h"

G_BEGIN_DECLS

/* How the weights of a unit are rounded for one width and block. */
typedef struct
{
  guint bits, block;
  GBytes *scales;  /* float32 */
  GBytes *offsets; /* gint8 */
} FwRecipeRounding;

struct _FwRecipe
{
  char *original;
  char *runtime; /* of a recipe that was read; NULL for "the one loaded now" */
  char *program;
  gboolean converted;
  GHashTable *options;   /* name -> FwOption */
  GHashTable *shifts;    /* name -> GBytes of little-endian float32 */
  GHashTable *ranges;    /* value -> FwRange; this and what follows is shared by copies */
  GHashTable *means;     /* value -> GBytes of little-endian float32 */
  GHashTable *scalings;  /* value -> GBytes of gint8 */
  GHashTable *roundings; /* name -> GPtrArray of FwRecipeRounding */
};

G_END_DECLS
