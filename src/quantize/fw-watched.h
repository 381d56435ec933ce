/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-watched.h: one value that a calibration watches. */

#pragma once

#include "fw-calibration.h"

G_BEGIN_DECLS

typedef struct
{
  char *name;
  int input;    /* its index, where it is an input of the model; else -1 */
  guint64 size; /* bytes, the most seen so far; 0 where not known */
  guint next;   /* the turn whose tensor is added next */
  gboolean seen;
  gboolean ragged; /* the channel axis changed its size or is too long */
  guint64 *counts; /* [channels]; mean holds sums until the end */
  double *sums;    /* [channels], of one tensor */
  FwTensorStatistics statistics;
} FwWatched;

/* Takes @name. */
FwWatched *fw_watched_new (char *name, guint64 size);
void fw_watched_free (FwWatched *self);

/* Adds a tensor of floats. Order counts, in the last bits of the means. */
void fw_watched_add (FwWatched *self, FwTensor *tensor);
/* Makes means of sums. */
void fw_watched_finish (FwWatched *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwWatched, fw_watched_free)

G_END_DECLS
