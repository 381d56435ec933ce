/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-text-table.h"

#include <string.h>

/* No cell is wider: the names of layers can be endless. */
#define MAX_COLUMNS 44
#define GAP 2

struct _FwTextTable
{
  GPtrArray *rows; /* of char **; the first holds the titles */
  gboolean *right;
  guint n_columns;
};

static guint
char_width (gunichar c)
{
  if (g_unichar_iszerowidth (c))
    return 0;
  return g_unichar_iswide (c) ? 2 : 1;
}

guint
fw_text_width (const char *text)
{
  guint width = 0;

  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    width += char_width (g_utf8_get_char (p));
  return width;
}

char *
fw_text_cut (const char *text, guint columns)
{
  const char *p = text;
  guint width = 0;

  if (fw_text_width (text) <= columns)
    return g_strdup (text);
  if (columns == 0)
    return g_strdup ("");
  while (width + char_width (g_utf8_get_char (p)) + 1 <= columns)
    {
      width += char_width (g_utf8_get_char (p));
      p = g_utf8_next_char (p);
    }
  return g_strdup_printf ("%.*s…", (int) (p - text), text);
}

char *
fw_text_make_plain (const char *text)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  GString *plain = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      switch (g_unichar_type (c))
        {
        case G_UNICODE_CONTROL:
        case G_UNICODE_FORMAT:
        case G_UNICODE_LINE_SEPARATOR:
        case G_UNICODE_PARAGRAPH_SEPARATOR:
        case G_UNICODE_SURROGATE:
        case G_UNICODE_UNASSIGNED:
          g_string_append (plain, "\xef\xbf\xbd");
          break;
        default:
          g_string_append_unichar (plain, c);
        }
    }
  return g_string_free (plain, FALSE);
}

FwTextTable *
fw_text_table_new (const char *const *titles)
{
  FwTextTable *self = g_new0 (FwTextTable, 1);
  char **row;

  self->n_columns = g_strv_length ((char **) titles);
  self->right = g_new0 (gboolean, self->n_columns);
  self->rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_strfreev);
  row = g_new0 (char *, self->n_columns + 1);
  for (guint i = 0; i < self->n_columns; i++)
    {
      self->right[i] = titles[i][0] == '>';
      row[i] = g_strdup (titles[i] + self->right[i]);
    }
  g_ptr_array_add (self->rows, row);
  return self;
}

void
fw_text_table_free (FwTextTable *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->rows);
  g_free (self->right);
  g_free (self);
}

void
fw_text_table_add (FwTextTable *self, char **cells)
{
  g_return_if_fail (g_strv_length (cells) == self->n_columns);

  for (guint i = 0; i < self->n_columns; i++)
    {
      g_autofree char *given = cells[i];
      g_autofree char *plain = fw_text_make_plain (given);

      cells[i] = fw_text_cut (plain, MAX_COLUMNS);
    }
  g_ptr_array_add (self->rows, cells);
}

guint
fw_text_table_get_n_rows (FwTextTable *self)
{
  return self->rows->len - 1;
}

static void
append_spaces (GString *text, guint n)
{
  for (guint i = 0; i < n; i++)
    g_string_append_c (text, ' ');
}

void
fw_text_table_append_to (FwTextTable *self, GString *text)
{
  g_autofree guint *widths = g_new0 (guint, self->n_columns);

  for (guint i = 0; i < self->rows->len; i++)
    for (guint j = 0; j < self->n_columns; j++)
      widths[j] = MAX (widths[j], fw_text_width (((char **) self->rows->pdata[i])[j]));

  for (guint i = 0; i < self->rows->len; i++)
    {
      char **row = self->rows->pdata[i];

      for (guint j = 0; j < self->n_columns; j++)
        {
          guint space = widths[j] - fw_text_width (row[j]);

          if (self->right[j])
            append_spaces (text, space);
          g_string_append (text, row[j]);
          if (j + 1 < self->n_columns)
            append_spaces (text, GAP + (self->right[j] ? 0 : space));
        }
      while (text->len > 0 && text->str[text->len - 1] == ' ')
        g_string_truncate (text, text->len - 1);
      g_string_append_c (text, '\n');
    }
}
