/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-golden.h: inputs with the answers that belong to them, so that an app can see whether it does
 * the same.
 */

#pragma once

#include "fw-answers.h"
#include "fw-picture.h"
#include "fw-task.h"

G_BEGIN_DECLS

/* How many go into a package. */
#define FW_GOLDEN_N 5

typedef struct
{
  GPtrArray *inputs;  /* FwTensor */
  GPtrArray *outputs; /* FwTensor */
  FwAnswer *answers;
  guint n;
  char *input_name;
  char *output_name;
  gboolean are_noise;         /* seeded noise, no samples */
  gboolean are_probabilities; /* outputs sum to 1 as they are */
} FwGolden;

/* @n prepared pictures of noise. */
GPtrArray *
fw_golden_make_noise (const FwPreprocess *preprocess, guint n, guint64 seed, GError **error);

/* Runs @session on @inputs (FwTensor, 1 or more). Errors: those of sessions and answers,
 * UNSUPPORTED_MODEL for answers that are NaN or Inf throughout. */
FwGolden *fw_golden_new (FwSession *session,
                         const FwTaskInfo *task,
                         GPtrArray *inputs,
                         gboolean are_noise,
                         GCancellable *cancellable,
                         GError **error);
void fw_golden_free (FwGolden *self);

/* Writes golden/ in @folder: <n>-input.npy, <n>-output.npy, and answers.json with the names of the
 * tensors and the top answers, named by @labels (char *, by class). */
gboolean fw_golden_save (FwGolden *self, GPtrArray *labels, const char *folder, GError **error);

/* Reads golden/ in @folder back and runs the model at @path on it. @n_same: how many top answers
 * are those that were saved. Errors: DAMAGED_MODEL where the files are not those that were saved,
 * those of sessions. */
gboolean fw_golden_check (FwGolden *self,
                          const char *folder,
                          const char *path,
                          guint threads,
                          guint *n_same,
                          GCancellable *cancellable,
                          GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwGolden, fw_golden_free)

G_END_DECLS
