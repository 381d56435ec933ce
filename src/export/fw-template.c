/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-template.h"

#include <string.h>

#define IF "%% if "
#define END "%% end"

static gboolean
is_name_character (char c)
{
  return g_ascii_isupper (c) || g_ascii_isdigit (c) || c == '_';
}

/* The length of a gap at @text, "@NAME@", or 0. */
static gsize
get_gap (const char *text)
{
  gsize n = 1;

  if (text[0] != '@')
    return 0;
  while (is_name_character (text[n]))
    n++;
  return n > 1 && text[n] == '@' ? n + 1 : 0;
}

static void
fill_line (GString *filled, const char *line, GHashTable *values)
{
  for (const char *p = line; *p != '\0';)
    {
      gsize n = get_gap (p);
      g_autofree char *name = n > 0 ? g_strndup (p + 1, n - 2) : NULL;
      const char *value = name != NULL ? g_hash_table_lookup (values, name) : NULL;

      if (value != NULL)
        {
          g_string_append (filled, value);
          p += n;
        }
      else
        g_string_append_c (filled, *p++);
    }
  g_string_append_c (filled, '\n');
}

char *
fw_template_fill (const char *text, GHashTable *values)
{
  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  g_autoptr (GString) filled = g_string_new (NULL);
  gboolean shown = TRUE;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      if (lines[i + 1] == NULL && lines[i][0] == '\0')
        break;
      if (g_str_has_prefix (lines[i], IF))
        shown = g_hash_table_contains (values, lines[i] + strlen (IF));
      else if (strcmp (lines[i], END) == 0)
        shown = TRUE;
      else if (shown)
        fill_line (filled, lines[i], values);
    }
  return g_string_free (g_steal_pointer (&filled), FALSE);
}

gboolean
fw_template_is_complete (const char *filled)
{
  for (const char *p = filled; *p != '\0'; p++)
    if (get_gap (p) > 0)
      return FALSE;
  return strstr (filled, "%% ") == NULL;
}

char *
fw_template_escape (const char *text, const char *before, const char *after)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);
  g_autoptr (GString) escaped = g_string_new (NULL);

  for (const char *p = valid; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);

      if (c < 128 && (g_ascii_isalnum ((char) c) || strchr (" _-./:", (char) c) != NULL))
        g_string_append_c (escaped, (char) c);
      else if (c < 0x10000)
        g_string_append_printf (escaped, "%s%04x%s", before, c, after);
      else
        {
          /* Two halves where the language knows no longer number. */
          if (after[0] != '\0')
            g_string_append_printf (escaped, "%s%x%s", before, c, after);
          else
            g_string_append_printf (escaped, "%s%04x%s%04x", before, 0xd7c0 + (c >> 10), before,
                                    0xdc00 + (c & 0x3ff));
        }
    }
  return g_string_free (g_steal_pointer (&escaped), FALSE);
}
