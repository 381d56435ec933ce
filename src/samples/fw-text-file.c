/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-text-file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#define MAX_SIZE (16 * 1024 * 1024)
#define MAX_LINE 1000

char *
fw_text_file_read (const char *path, gsize *size)
{
  g_autofree char *text = NULL;
  struct stat info;
  gsize done = 0;
  gssize n = 0;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

  if (fd < 0)
    return NULL;
  if (fstat (fd, &info) == 0 && S_ISREG (info.st_mode) && info.st_size <= MAX_SIZE)
    {
      text = g_malloc (info.st_size + 1);
      while (done < (gsize) info.st_size && (n = read (fd, text + done, info.st_size - done)) > 0)
        done += n;
      text[done] = '\0';
    }
  close (fd);
  *size = done;
  return n < 0 ? NULL : g_steal_pointer (&text);
}

/* Whether line @index begins with "@index " or "@index: "; where the rest begins. */
static gboolean
starts_with_number (const char *line, guint index, const char **rest)
{
  char *end;
  guint64 number = g_ascii_strtoull (line, &end, 10);

  if (!g_ascii_isdigit (line[0]) || number != index || strchr (" \t:,;", end[0]) == NULL
      || end[0] == '\0')
    return FALSE;
  *rest = end + strspn (end, " \t:,;");
  return **rest != '\0';
}

static void
cut_numbers (GPtrArray *lines)
{
  const char *rest;

  for (guint i = 0; i < lines->len; i++)
    if (!starts_with_number (lines->pdata[i], i, &rest))
      return;
  for (guint i = 0; i < lines->len; i++)
    {
      char *line = lines->pdata[i];

      starts_with_number (line, i, &rest);
      lines->pdata[i] = g_strdup (rest);
      g_free (line);
    }
}

GPtrArray *
fw_text_file_read_lines (const char *path, guint max_lines)
{
  gsize size;
  g_autofree char *text = fw_text_file_read (path, &size);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);
  const char *start;

  if (text == NULL || !g_utf8_validate (text, size, NULL))
    return NULL;
  start = g_str_has_prefix (text, "\xef\xbb\xbf") ? text + 3 : text;
  while (*start != '\0')
    {
      gsize length = strcspn (start, "\n");

      if (length > MAX_LINE || lines->len >= max_lines)
        return NULL;
      g_ptr_array_add (lines, g_strstrip (g_strndup (start, length)));
      start += length + (start[length] == '\n');
    }
  while (lines->len > 0 && *(char *) lines->pdata[lines->len - 1] == '\0')
    g_ptr_array_set_size (lines, lines->len - 1);
  if (lines->len == 0)
    return NULL;
  cut_numbers (lines);
  return g_steal_pointer (&lines);
}
