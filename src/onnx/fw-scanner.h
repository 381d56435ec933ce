/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-scanner.h: a walk over the bytes of a model that protobuf-c has not seen yet.
 *
 * protobuf-c recurses as deep as a file says and takes memory for as many messages as it says. The
 * scanner walks the wire format by protobuf-c's own descriptors, in bounded stack and without
 * memory of its own but for the skeleton it leaves behind: the same message, in which the bytes of
 * each tensor (TensorProto.raw_data) are replaced by a reference into @data. protobuf-c then reads
 * the skeleton only, and finds nothing in it that it would refuse.
 */

#pragma once

#include <glib.h>

#include "onnx.pb-c.h"

G_BEGIN_DECLS

typedef enum
{
  FW_SCAN_TRUNCATED, /* something reaches beyond the end of what holds it */
  FW_SCAN_DAMAGED,   /* not a well-formed message of this kind */
  FW_SCAN_HOSTILE,   /* well-formed, but nested, repeated or inflated beyond all reason */
} FwScanFailureKind;

typedef struct
{
  FwScanFailureKind kind;
  gsize offset;       /* where it went wrong */
  gboolean saw_graph; /* whether a graph had begun before that: it was a model once */
} FwScanFailure;

/* What stands in the skeleton in place of a tensor's bytes. */
typedef struct
{
  guint64 offset;
  guint64 length;
} FwScanReference;

/* The skeleton of the ModelProto in @data, or NULL and @failure filled in. */
GByteArray *fw_scanner_scan (const guint8 *data, gsize length, FwScanFailure *failure);

G_END_DECLS
