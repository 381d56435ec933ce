/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "running.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fw-session.h"

char *
list_running (FwModel *model)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-rewrite-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "running.onnx", NULL);
  g_autoptr (GBytes) bytes = fw_model_to_bytes (model, NULL);
  FwSessionOptions options
      = { .threads = 1, .optimization = FW_OPTIMIZE_EXTENDED, .save_optimized = path };
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSession) session = fw_session_new_from_bytes (bytes, &options, &error);
  g_autoptr (FwModel) running = NULL;
  GString *names = g_string_new (" ");

  g_assert_no_error (error);
  running = fw_model_load (path, &error);
  g_assert_no_error (error);
  for (gsize i = 0; i < fw_model_get_graph (running)->n_node; i++)
    g_string_append_printf (names, "%s ", fw_model_get_graph (running)->node[i]->op_type);
  g_unlink (path);
  g_rmdir (folder);
  return g_string_free (names, FALSE);
}

guint
count_word (const char *text, const char *word)
{
  g_autofree char *spaced = g_strdup_printf (" %s ", word);
  guint n = 0;

  for (const char *at = text; (at = strstr (at, spaced)) != NULL; at++)
    n++;
  return n;
}
