/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-pieces.h: a model that is run piece by piece, for sessions of models that are too large to be
 * loaded as one.
 *
 * A piece (fw-segments.h) is loaded when its turn comes and let go afterwards. Its large stored
 * floats are not loaded at all: ONNX Runtime looks at them in the mapped file. Many samples go
 * through one piece before the next is loaded; what pieces hand on waits on disk.
 */

#pragma once

#include "fw-session.h"

G_BEGIN_DECLS

typedef struct _FwPieces FwPieces;

/* @limit: of each piece's stored bytes. Fills @inputs and @outputs (FwValueInfo) with the model's.
 * Errors: those of sessions. */
FwPieces *fw_pieces_new (FwModel *model,
                         const FwSessionOptions *options,
                         guint64 limit,
                         GArray *inputs,
                         GArray *outputs,
                         GError **error);
void fw_pieces_free (FwPieces *self);

/* A session of @bytes in one piece, whatever is set. */
FwSession *fw_session_new_plain (GBytes *bytes, const FwSessionOptions *options, GError **error);

/* As fw_session_run_many(); names are all given, NULL-terminated. */
gboolean fw_pieces_run (FwPieces *self,
                        const FwSessionBatch *batch,
                        FwProgress *progress,
                        GCancellable *cancellable,
                        GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPieces, fw_pieces_free)

G_END_DECLS
