/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-line-reader.h: lines out of a descriptor, of bounded length. */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  FW_LINE_AGAIN, /* no whole line yet */
  FW_LINE_READ,
  FW_LINE_END, /* end of file or a failed read; a last line without its end is dropped */
  FW_LINE_TOO_LONG,
} FwLineStatus;

typedef struct _FwLineReader FwLineReader;

/* Does not own @fd. */
FwLineReader *fw_line_reader_new (int fd, gsize max_length);
void fw_line_reader_free (FwLineReader *self);

/* The next line that is already here, without its end. Borrowed until the next call. */
FwLineStatus fw_line_reader_take (FwLineReader *self, const char **line, gsize *length);
/* Reads once from the descriptor, waiting if it is one that waits. READ where anything came. */
FwLineStatus fw_line_reader_fill (FwLineReader *self);
/* Waits for a whole line. */
FwLineStatus fw_line_reader_wait (FwLineReader *self, const char **line, gsize *length);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwLineReader, fw_line_reader_free)

G_END_DECLS
