/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-csv.h"

#include <string.h>

#define MAX_ROWS 1000000
#define MAX_FIELDS 1000
#define MAX_TOTAL 4000000

/* Of the separators in use the one that comes first in the first line; the others may be part of
 * what a field says. */
static char
guess_separator (const char *at, const char *end)
{
  gboolean quoted = FALSE;

  for (; at < end && (quoted || (*at != '\n' && *at != '\r')); at++)
    {
      if (*at == '"')
        quoted = !quoted;
      else if (!quoted && (*at == ',' || *at == ';' || *at == '\t'))
        return *at;
    }
  return ',';
}

/* Reads a quoted field from after its first quote to after its last. */
static const char *
read_quoted (const char *at, const char *end, GString *field)
{
  while (at < end)
    {
      if (*at != '"')
        g_string_append_c (field, *at++);
      else if (at + 1 < end && at[1] == '"')
        {
          g_string_append_c (field, '"');
          at += 2;
        }
      else
        return at + 1;
    }
  return NULL;
}

static const char *
read_field (const char *at, const char *end, char separator, GString *field)
{
  g_string_truncate (field, 0);
  if (at < end && *at == '"')
    {
      at = read_quoted (at + 1, end, field);
      if (at == NULL)
        return NULL;
    }
  while (at < end && *at != separator && *at != '\n' && *at != '\r')
    g_string_append_c (field, *at++);
  return at;
}

static gboolean
row_is_empty (GPtrArray *row)
{
  return row->len == 1 && *(const char *) row->pdata[0] == '\0';
}

GPtrArray *
fw_csv_parse (const char *text, gsize size)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  g_autoptr (GString) field = g_string_new (NULL);
  const char *at = text, *end = text + size;
  char separator;
  guint total = 0;

  if (!g_utf8_validate (text, size, NULL))
    return NULL;
  if (size >= 3 && memcmp (at, "\xef\xbb\xbf", 3) == 0)
    at += 3;
  separator = guess_separator (at, end);

  while (at < end)
    {
      g_autoptr (GPtrArray) row = g_ptr_array_new_with_free_func (g_free);

      for (;;)
        {
          at = read_field (at, end, separator, field);
          if (at == NULL || row->len >= MAX_FIELDS || ++total > MAX_TOTAL)
            return NULL;
          g_ptr_array_add (row, g_strstrip (g_strdup (field->str)));
          if (at >= end || *at != separator)
            break;
          at++;
        }
      if (at < end && *at == '\r')
        at++;
      if (at < end && *at == '\n')
        at++;
      if (row_is_empty (row))
        continue;
      if (rows->len >= MAX_ROWS)
        return NULL;
      g_ptr_array_add (row, NULL);
      g_ptr_array_add (rows, g_strdupv ((char **) row->pdata));
    }
  return g_steal_pointer (&rows);
}
