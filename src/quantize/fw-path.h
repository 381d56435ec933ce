/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-path.h: the nested trade-off path from the original to the smallest version.
 *
 * A list of steps; a prefix of it is a version. For each unit the lower convex hull of its options
 * in (cost, harm), all segments of all hulls in order of harm per cost saved: each step buys the
 * most for the least, and each version contains the one before. Units in int8 arithmetic join from
 * the last one forwards, as one hull, so that int8 is one region with one way in.
 *
 * Cost is bytes and time, as shares of the original's. Along the path cost falls strictly, size
 * never rises, predicted harm never falls.
 */

#pragma once

#include "fw-job.h"
#include "fw-sensitivity.h"

G_BEGIN_DECLS

typedef struct
{
  guint unit;
  FwOption option;
} FwChange;

typedef struct
{
  GArray *changes; /* FwChange */
  guint64 size;    /* bytes of the version that ends with this step */
  double time;     /* predicted latency as a share of the original's */
  double cost;     /* 1 for the original */
  double harm;     /* predicted: the sum of the units' harms */
} FwStep;

typedef struct
{
  GPtrArray *steps;    /* FwStep */
  guint first_compute; /* units from here on end in int8 arithmetic; the number of units for none */
} FwPath;

typedef struct
{
  FwRewriter *rewriter;
  GPtrArray *units;
  FwRecipe *recipe;         /* ranges and means, all units at float32 */
  const FwUnitHarm *harms;  /* [units] */
  const double *time_share; /* [units + 1], of fw_region_time_measure(); NULL: no int8 arithmetic */
  FwPrefer prefer;
  guint64 original_size;
} FwPathInput;

/* May have no steps, where nothing makes the model smaller. */
FwPath *fw_path_new (const FwPathInput *input, GError **error);
void fw_path_free (FwPath *self);

/* The recipe of the version after the first @n_steps steps. */
FwRecipe *fw_path_make_recipe (FwPath *self, const FwPathInput *input, guint n_steps);

/* Where that version stands between the smallest (0) and the original (100). */
double fw_path_get_position (FwPath *self, guint n_steps);
/* The longest prefix whose cost has fallen by at most 100 - @position per cent of the whole fall.
 */
guint fw_path_find (FwPath *self, double position);

/* At most @n numbers of steps to measure, spread over cost and harm, the whole path among them. */
GArray *fw_path_choose_stops (FwPath *self, guint n);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPath, fw_path_free)

G_END_DECLS
