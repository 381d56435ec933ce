/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-comparison.h: two versions of a model, held against each other on the user's samples.
 *
 * Waits while the project measures, since both at once would spoil its figures; makes versions that
 * have no file of their recipe; then has the worker run both.
 */

#pragma once

#include "fw-project.h"

G_BEGIN_DECLS

typedef enum
{
  FW_COMPARISON_IDLE,
  FW_COMPARISON_WAITING, /* for the project's job */
  FW_COMPARISON_WORKING,
  FW_COMPARISON_DONE,
  FW_COMPARISON_FAILED,
} FwComparisonState;

#define FW_TYPE_COMPARISON_STATE (fw_comparison_state_get_type ())
GType fw_comparison_state_get_type (void);

/* One of the two. */
typedef struct
{
  char *title;      /* "Original", "Version 2" */
  char *file;       /* or NULL, where it is made of */
  JsonNode *recipe; /* this */
} FwComparisonSide;

FwComparisonSide *fw_comparison_side_new (const char *title, const char *file, JsonNode *recipe);
void fw_comparison_side_free (FwComparisonSide *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwComparisonSide, fw_comparison_side_free)

#define FW_TYPE_COMPARISON (fw_comparison_get_type ())

G_DECLARE_FINAL_TYPE (FwComparison, fw_comparison, FW, COMPARISON, GObject)

FwComparison *fw_comparison_new (FwProject *project);

/* Compares the original of the project with one of its stops; does nothing where that is what it
 * did or does. */
void fw_comparison_show_stop (FwComparison *self, FwStopItem *stop);
/* Compares any two; takes both sides. @original: the model that recipes are for. @samples: NULL for
 * those of the project. */
void fw_comparison_show (FwComparison *self,
                         FwComparisonSide *first,
                         FwComparisonSide *second,
                         const char *original,
                         const char *const *samples);
/* Ends the work; the samples that are there stay. */
void fw_comparison_cancel (FwComparison *self);

FwComparisonState fw_comparison_get_state (FwComparison *self);
/* 0 to 1. */
double fw_comparison_get_fraction (FwComparison *self);
/* FwSampleItems, the most changed first. */
GListModel *fw_comparison_get_samples (FwComparison *self);
/* The "result" of compare, or NULL. Borrowed, as is what follows. */
JsonObject *fw_comparison_get_result (FwComparison *self);
/* What ended the work, or NULL. */
const FwProblem *fw_comparison_get_problem (FwComparison *self);
/* The titles of both sides, or NULL. */
const char *fw_comparison_get_title (FwComparison *self, gboolean second);
/* Names of answers by index, as far as the samples tell. */
GHashTable *fw_comparison_get_class_names (FwComparison *self);

G_END_DECLS
