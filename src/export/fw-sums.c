/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-archive.h"
#include "fw-error.h"
#include "fw-file.h"

#define SUMS_NAME "SHA256SUMS"

/* What the file should say, in the format of sha256sum. */
static char *
make_sums (const char *folder, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) names = fw_archive_list_folder (folder, error);
  g_autoptr (GString) text = g_string_new (NULL);

  if (names == NULL)
    return NULL;
  for (guint i = 0; i < names->len; i++)
    {
      const char *name = g_ptr_array_index (names, i);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autofree char *sha256 = NULL;

      if (strcmp (name, SUMS_NAME) == 0)
        continue;
      sha256 = fw_file_sha256 (path, cancellable, error);
      if (sha256 == NULL)
        return NULL;
      g_string_append_printf (text, "%s  %s\n", sha256, name);
    }
  return g_string_free (g_steal_pointer (&text), FALSE);
}

gboolean
fw_sums_write (const char *folder, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (folder, SUMS_NAME, NULL);
  char *text = make_sums (folder, cancellable, error);
  g_autoptr (GBytes) bytes = NULL;

  if (text == NULL)
    return FALSE;
  bytes = g_bytes_new_take (text, strlen (text));
  return fw_file_write (path, bytes, FALSE, error);
}

gboolean
fw_sums_check (const char *folder, GCancellable *cancellable, GError **error)
{
  g_autofree char *path = g_build_filename (folder, SUMS_NAME, NULL);
  g_autofree char *expected = make_sums (folder, cancellable, error);
  g_autofree char *found = NULL;

  if (expected == NULL)
    return FALSE;
  if (!g_file_get_contents (path, &found, NULL, NULL) || strcmp (found, expected) != 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                   _ ("The package’s checksums are wrong."));
      return FALSE;
    }
  return TRUE;
}
