/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-surroundings.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "fw-file.h"

static char *preview_folder;

/* The program that is running lies in the build folder. */
static gboolean
runs_from_build (void)
{
  g_autofree char *self = g_file_read_link ("/proc/self/exe", NULL);

  return self != NULL && g_str_has_prefix (self, FW_BUILD_DIR "/");
}

void
fw_surroundings_prepare (void)
{
  if (runs_from_build () && g_getenv ("GSETTINGS_SCHEMA_DIR") == NULL)
    g_setenv ("GSETTINGS_SCHEMA_DIR", FW_BUILD_DIR "/data", FALSE);
}

char *
fw_surroundings_find_worker (void)
{
  const char *chosen = g_getenv ("FEATHERWEIGHT_CLI");
  const char *beside = FW_BUILD_DIR "/src/worker/featherweight-cli";
  const char *installed = FW_BIN_DIR "/featherweight-cli";

  if (chosen != NULL && *chosen != '\0')
    return g_strdup (chosen);
  if (runs_from_build () && g_file_test (beside, G_FILE_TEST_IS_EXECUTABLE))
    return g_strdup (beside);
  if (g_file_test (installed, G_FILE_TEST_IS_EXECUTABLE))
    return g_strdup (installed);
  return g_find_program_in_path ("featherweight-cli");
}

char *
fw_surroundings_find_sample (void)
{
  const char *folder = runs_from_build () ? FW_SOURCE_DIR "/data/sample" : FW_PKGDATA_DIR "/sample";
  g_autofree char *model = g_build_filename (folder, "model.onnx", NULL);

  return g_file_test (model, G_FILE_TEST_EXISTS) ? g_strdup (folder) : NULL;
}

/* Folders of windows that were killed stay behind; the next window removes them. */
static void
remove_abandoned (const char *parent)
{
  g_autoptr (GDir) dir = g_dir_open (parent, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      const gint64 pid = g_ascii_strtoll (name, NULL, 10);

      if (pid > 0 && kill ((pid_t) pid, 0) != 0 && errno == ESRCH)
        {
          g_autofree char *path = g_build_filename (parent, name, NULL);

          fw_file_remove_tree (path);
        }
    }
}

const char *
fw_surroundings_get_preview_folder (void)
{
  g_autofree char *parent = NULL;
  g_autofree char *name = NULL;

  if (preview_folder != NULL)
    return preview_folder;
  parent = g_build_filename (g_get_user_cache_dir (), "featherweight", "previews", NULL);
  name = g_strdup_printf ("%ld", (long) getpid ());
  preview_folder = g_build_filename (parent, name, NULL);
  if (g_mkdir_with_parents (preview_folder, 0700) != 0)
    g_warning ("Making %s failed: %s", preview_folder, g_strerror (errno));
  remove_abandoned (parent);
  return preview_folder;
}

void
fw_surroundings_clean (void)
{
  if (preview_folder != NULL)
    fw_file_remove_tree (preview_folder);
  g_clear_pointer (&preview_folder, g_free);
}
