/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-output-error.h: how far the outputs of a version are from the original's, for models whose
 * answers are not one list of scores.
 *
 * The error of a float output is the power of the difference over the power of the original, both
 * means over numbers: 0.001 is a signal-to-noise ratio of 30 dB. Where an output has 3 or more dims
 * and its last one is 2 to 1024, it holds things of different kinds side by side, such as positions
 * in pixels and scores from 0 to 1; then it is taken apart, so that they do not drown one another:
 * columns that hold nothing but values from 0 to 1 are scores and make one group; each other column
 * is measured by its own power, and the mean of these is the other group; the worse group counts.
 * The original's power is that over all samples, so that a sample on which nothing happens is not
 * held to a stricter measure. The error of a sample is that of its worst output.
 *
 * A sample counts as the same where its error is at most that of 30 dB, and of the numbers of each
 * output of whole numbers at least 99 % are equal. That is nearly the same, and said so: in a
 * picture, 30 dB can be seen by who looks for it. A number that is not finite where the original's
 * is makes the error infinite.
 */

#pragma once

#include "fw-answers.h"

G_BEGIN_DECLS

#define FW_SAME_ERROR 0.001
#define FW_SAME_EQUAL 0.99

typedef struct _FwOutputScale FwOutputScale;

/* For models of @n outputs. */
FwOutputScale *fw_output_scale_new (guint n);
void fw_output_scale_free (FwOutputScale *self);

/* Learns from what the original gave for a sample; all are to be seen before any is compared.
 * @outputs: FwTensors, NULL for what is no tensor, which counts for nothing. */
void fw_output_scale_learn (FwOutputScale *self, GPtrArray *outputs);

typedef struct
{
  double error; /* of the worst output; +inf where shapes differ */
  gboolean is_same;
  gboolean new_not_finite;
} FwOutputError;

/* @errors: [n], or NULL: the error of each output; of one of whole numbers, the share that is not
 * equal. */
FwOutputError fw_output_scale_compare (FwOutputScale *self,
                                       GPtrArray *original,
                                       GPtrArray *other,
                                       double *errors);

/* An agreement over @n samples, without labels. */
FwAgreement *fw_agreement_new_from_errors (const FwOutputError *errors, guint n);

/* Decibels of a relative error: +inf for 0, -inf for infinity. */
double fw_error_to_decibels (double error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwOutputScale, fw_output_scale_free)

G_END_DECLS
