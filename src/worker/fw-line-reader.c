/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-line-reader.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define CHUNK 65536

struct _FwLineReader
{
  int fd;
  gsize max_length;
  GByteArray *buffer;
  gsize used;     /* bytes of the lines that were taken */
  gsize searched; /* bytes in which there is no further end of line */
};

FwLineReader *
fw_line_reader_new (int fd, gsize max_length)
{
  FwLineReader *self = g_new0 (FwLineReader, 1);

  self->fd = fd;
  self->max_length = max_length;
  self->buffer = g_byte_array_new ();
  return self;
}

void
fw_line_reader_free (FwLineReader *self)
{
  if (self == NULL)
    return;
  g_byte_array_unref (self->buffer);
  g_free (self);
}

FwLineStatus
fw_line_reader_take (FwLineReader *self, const char **line, gsize *length)
{
  guint8 *start = self->buffer->data + self->used;
  guint8 *end = NULL;

  if (self->buffer->len > self->searched)
    end = memchr (self->buffer->data + self->searched, '\n', self->buffer->len - self->searched);
  if (end == NULL)
    {
      self->searched = self->buffer->len;
      return self->buffer->len - self->used > self->max_length ? FW_LINE_TOO_LONG : FW_LINE_AGAIN;
    }
  if ((gsize) (end - start) > self->max_length)
    return FW_LINE_TOO_LONG;

  *end = '\0';
  *line = (const char *) start;
  *length = (gsize) (end - start);
  self->used += *length + 1;
  self->searched = self->used;
  return FW_LINE_READ;
}

FwLineStatus
fw_line_reader_fill (FwLineReader *self)
{
  guint8 chunk[CHUNK];
  gssize n;

  do
    n = read (self->fd, chunk, sizeof chunk);
  while (n < 0 && errno == EINTR);
  if (n < 0 && errno == EAGAIN)
    return FW_LINE_AGAIN;
  if (n <= 0)
    return FW_LINE_END;

  if (self->used > 0)
    {
      g_byte_array_remove_range (self->buffer, 0, (guint) self->used);
      self->searched -= self->used;
      self->used = 0;
    }
  g_byte_array_append (self->buffer, chunk, (guint) n);
  return FW_LINE_READ;
}

FwLineStatus
fw_line_reader_wait (FwLineReader *self, const char **line, gsize *length)
{
  FwLineStatus status;

  while ((status = fw_line_reader_take (self, line, length)) == FW_LINE_AGAIN)
    {
      status = fw_line_reader_fill (self);
      if (status == FW_LINE_END)
        return status;
      if (status == FW_LINE_AGAIN)
        g_usleep (1000);
    }
  return status;
}
