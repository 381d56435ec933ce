/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-portable.h: a model in ONNX Runtime's own format, for phones.
 *
 * With signed activations, as ARM's integer kernels want them, optimized once and for all, and with
 * nothing in it that belongs to this computer: no memory layout of its processor, no path.
 */

#pragma once

#include "fw-answers.h"
#include "fw-calibration.h"
#include "fw-model.h"

G_BEGIN_DECLS

/* Writes @ort_path, and @signed_path: the same arithmetic as plain ONNX, to be checked on a
 * reference path. Errors: UNSUPPORTED_MODEL where signed activations can't be had, INTERNAL where
 * something of this computer got into the file, those of sessions and files. */
gboolean fw_portable_write (FwModel *model,
                            const char *ort_path,
                            const char *signed_path,
                            GCancellable *cancellable,
                            GError **error);

/* How answers on another path compare. */
typedef struct
{
  FwAgreement *agreement;
  FwAnswer *original; /* of @n samples */
  FwAnswer *other;
  guint n;
} FwComparison;

/* Runs the model at @path operator by operator, no integer kernel and nothing fused, on all samples
 * of @feed, and holds its answers against @original, those of the model on this computer.
 * @output: the output that holds the answers. */
FwComparison *fw_portable_compare (const char *path,
                                   const FwAnswer *original,
                                   const FwFeed *feed,
                                   guint output,
                                   guint threads,
                                   FwProgress *progress,
                                   GCancellable *cancellable,
                                   GError **error);
void fw_comparison_free (FwComparison *self);

/* At least 98 % the same; of fewer than 50, all but one, where an answer that was about as likely
 * before counts as the same: noise often has no clear answer. */
gboolean fw_comparison_is_good (FwComparison *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwComparison, fw_comparison_free)

G_END_DECLS
