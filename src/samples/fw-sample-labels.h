/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-sample-labels.h: what the pictures show, as far as the user's files say. */

#pragma once

#include "fw-sample-finder.h"

G_BEGIN_DECLS

typedef struct
{
  int *labels;      /* per picture: the index of its class, or -1 */
  GPtrArray *names; /* char *: by index; NULL where not known */
  guint n_classes;  /* 0: no labels */
  gboolean guessed; /* the indices are only an order of names */
} FwLabels;

/* @paths: what was given to the finder. @given: a CSV, or NULL to look for labels. Errors: NULL and
 * BAD_LABELS or NO_SUCH_FILE, for a @given CSV only. */
FwLabels *
fw_labels_find (const FwFound *found, const char *const *paths, const char *given, GError **error);
void fw_labels_free (FwLabels *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwLabels, fw_labels_free)

G_END_DECLS
