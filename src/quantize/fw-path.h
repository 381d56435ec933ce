/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-path.h: the nested trade-off path from the original to the smallest version.
 *
 * A list of steps; a prefix of it is a version. Each step buys the most cost for the least harm:
 * for each unit the next segment of the lower convex hull of its widths in (cost, harm); and int8
 * arithmetic as one chain, which units join from the last one forwards, so that int8 is one region
 * with one way in. A unit that computes in int8 needs 8 bits or fewer, and may go on to fewer.
 *
 * Cost is bytes and time, as shares of the original's. Along the path cost falls strictly, size
 * never rises, predicted harm never falls.
 */

#pragma once

#include "fw-job.h"
#include "fw-sensitivity.h"
#include "fw-sizes.h"

G_BEGIN_DECLS

typedef struct
{
  guint unit;
  FwOption option;
} FwChange;

typedef struct
{
  GArray *changes; /* FwChange */
  guint64 size;    /* bytes of the version that ends with this step, within a few a unit */
  double time;     /* predicted latency as a share of the original's */
  double cost;     /* 1 for the original */
  double harm;     /* predicted */
} FwStep;

typedef struct
{
  GPtrArray *steps;    /* FwStep */
  guint first_compute; /* units from here on may compute in int8; the number of units for none */
} FwPath;

typedef struct
{
  GPtrArray *units;
  FwRewriter *rewriter;
  FwRecipe *recipe; /* ranges and means, all units at float32 */
  FwSizes *sizes;
  const FwUnitHarm *harms;     /* [units] */
  const double *time_share;    /* [units + 1]: the latency with the units from k on in int8
                                  arithmetic, as a share; NULL: none */
  const double *dynamic_saved; /* [units]: the share of the latency that dynamic int8 saves;
                                  NULL: none */
  FwPrefer prefer;
  guint64 original_size;
  guint compute_bits; /* of weights in integer arithmetic, at most: 8 or 7 */
  double max_harm;    /* where the path ends; 0: nowhere */
} FwPathInput;

/* May have no steps, where nothing makes the model smaller. */
FwPath *fw_path_new (const FwPathInput *input);
void fw_path_free (FwPath *self);

/* The recipe of the version after the first @n_steps steps. */
FwRecipe *fw_path_make_recipe (FwPath *self, const FwPathInput *input, guint n_steps);

/* The cost after @n_steps; 1 for the original. */
double fw_path_get_cost (FwPath *self, guint n_steps);
/* The harm predicted after @n_steps; 0 for the original. */
double fw_path_get_harm (FwPath *self, guint n_steps);

/* What was measured of a few versions at once sets the predictions of all right: @at[n], rising
 * numbers of steps, have @harms. In between the sums are scaled. */
void fw_path_correct_harms (FwPath *self, const guint *at, const double *harms, guint n);

/* Ends the path after @n_steps. */
void fw_path_truncate (FwPath *self, guint n_steps);

/* Where that version stands between the smallest (0) and the original (100). */
double fw_path_get_position (FwPath *self, guint n_steps);
/* The position of a version that is not on the path. */
double fw_path_place (FwPath *self, double cost);
/* The longest prefix whose cost has fallen by at most 100 - @position per cent of the whole fall.
 */
guint fw_path_find (FwPath *self, double position);

/* At most @n numbers of steps to measure: spread over cost, and over the harm between none that
 * can be noticed and too much, the whole path among them. */
GArray *fw_path_choose_stops (FwPath *self, guint n);

/* Bytes and time as one number, 1 for the original. */
double fw_path_weigh (FwPrefer prefer, double bytes, double time);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPath, fw_path_free)

G_END_DECLS
