/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-inputs.h: the inputs of a model, and what each of them can be filled with.
 *
 * A sample gives one tensor for each input, in the order of the model: a row. Those of a picture
 * fill the one input that takes pictures; those of array files are found by the inputs' names. What
 * a sample does not give is zeros where that makes sense: for one number, and for the state that a
 * recurrent model hands from run to run.
 */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

typedef struct
{
  guint n;
  FwValueInfo *infos;    /* copies */
  gboolean *can_be_zero; /* per input: a sample need not give it */
  guint main;            /* the first input that a sample has to give; 0 where none has to */
  int picture;           /* the input that takes pictures, or -1 */
  /* Whether a batch dimension of unknown size is there for several samples, so that files of many
   * are cut. Else only where it is 1, or where there is but one file. */
  gboolean cut_batches;
  gboolean *was_zeroed; /* per input: a sample did not give it */
} FwInputs;

/* Errors: UNSUPPORTED_INPUTS for a model without inputs, with one that is no tensor of numbers, or
 * with one that takes several pictures at once. */
FwInputs *fw_inputs_new (FwSession *session, GError **error);
/* One input, that takes pictures: for samples alone, without a model. */
FwInputs *fw_inputs_new_for_picture (const FwValueInfo *info);
void fw_inputs_free (FwInputs *self);

/* The names, NULL-terminated, as fw_session_run() wants them; free with g_free(). */
const char **fw_inputs_get_names (const FwInputs *self);
/* One input's position, or -1. */
int fw_inputs_find (const FwInputs *self, const char *name);

/* Whether an input of that shape takes one picture: 4 dims, 1 or 3 channels in either layout. */
gboolean fw_inputs_is_picture (const FwValueInfo *info);

/* @tensor as input @index takes it: its kind of number, and the dims of a sample without its batch
 * dimension completed. @row: the part of a batch to take, or -1 for the whole. Errors:
 * UNSUPPORTED_INPUTS, with both shapes, where it can't be that input. */
FwTensor *
fw_inputs_fit (const FwInputs *self, guint index, FwTensor *tensor, gint64 row, GError **error);
/* How many samples @tensor holds for input @index: 1, or its first dimension where it can be cut;
 * 0 where it has no batch dimension at all and is the same for all samples. @is_only: there is no
 * other file. */
gint64 fw_inputs_count (const FwInputs *self, guint index, FwTensor *tensor, gboolean is_only);
/* What input @index gets where a sample does not give it: zeros, dims of unknown size 1. */
FwTensor *fw_inputs_make_zeros (FwInputs *self, guint index, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwInputs, fw_inputs_free)

G_END_DECLS
