/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-class-names.h"

#include <string.h>

#include "fw-text-file.h"

/* Characters of a name. */
#define MAX_LENGTH 200

char *
fw_class_name_clean (const char *name, guint index)
{
  g_autofree char *valid = g_utf8_make_valid (name != NULL ? name : "", -1);
  g_autoptr (GString) clean = g_string_new (NULL);
  guint n = 0;

  for (const char *p = valid; *p != '\0' && n < MAX_LENGTH; p = g_utf8_next_char (p), n++)
    {
      gunichar c = g_utf8_get_char (p);
      GUnicodeType type = g_unichar_type (c);

      /* Formatting characters would let a name look like another. */
      if (type == G_UNICODE_CONTROL || type == G_UNICODE_LINE_SEPARATOR
          || type == G_UNICODE_PARAGRAPH_SEPARATOR || type == G_UNICODE_SURROGATE)
        c = ' ';
      if (type != G_UNICODE_FORMAT)
        g_string_append_unichar (clean, c);
    }
  g_strstrip (clean->str);
  if (clean->str[0] == '\0')
    return g_strdup_printf ("%u", index);
  return g_strdup (clean->str);
}

GPtrArray *
fw_class_names_new (GPtrArray *names, guint n_classes)
{
  GPtrArray *clean = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < n_classes; i++)
    g_ptr_array_add (
        clean, fw_class_name_clean (names != NULL && i < names->len ? names->pdata[i] : NULL, i));
  return clean;
}

static GPtrArray *
read_names (const char *path, guint n_classes)
{
  g_autoptr (GPtrArray) lines = fw_text_file_read_lines (path, FW_MAX_CLASS_NAMES);

  /* Another number of lines belongs to another model. */
  if (lines == NULL || lines->len != n_classes)
    return NULL;
  return fw_class_names_new (lines, n_classes);
}

GPtrArray *
fw_class_names_find (const char *model, const char *given, guint n_classes)
{
  g_autofree char *folder = g_path_get_dirname (model);
  g_autofree char *labels = g_build_filename (folder, "labels.txt", NULL);
  g_autofree char *classes = g_build_filename (folder, "classes.txt", NULL);
  GPtrArray *names;

  if (given != NULL)
    return read_names (given, n_classes);
  names = read_names (labels, n_classes);
  return names != NULL ? names : read_names (classes, n_classes);
}

char *
fw_class_names_to_text (GPtrArray *names)
{
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; i < names->len; i++)
    g_string_append_printf (text, "%s\n", (const char *) names->pdata[i]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}
