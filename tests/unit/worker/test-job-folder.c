/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-job-folder.h"

static char *cache;

static char *
jobs_path (void)
{
  return g_build_filename (cache, "featherweight", "jobs", NULL);
}

static guint
count_jobs (void)
{
  g_autofree char *jobs = jobs_path ();
  g_autoptr (GDir) dir = g_dir_open (jobs, 0, NULL);
  const char *name;
  guint n = 0;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    n += name[0] != '.';
  return n;
}

static void
test_life (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwJobFolder) folder = fw_job_folder_new (&error);
  g_autofree char *path = NULL;
  g_autofree char *file = NULL;
  GStatBuf status;

  g_assert_no_error (error);
  path = g_strdup (fw_job_folder_get_path (folder));
  g_assert_true (g_path_is_absolute (path));
  g_assert_cmpint (g_stat (path, &status), ==, 0);
  g_assert_cmpuint (status.st_mode & 07777, ==, 0700);
  file = g_build_filename (path, "file", NULL);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_clear_pointer (&folder, fw_job_folder_free);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_jobs (), ==, 0);
}

/* Folders whose process lives stay; all others go. */
static void
test_stale (void)
{
  g_autofree char *jobs = jobs_path ();
  g_autofree char *stale = g_build_filename (jobs, "abcdef", NULL);
  g_autofree char *lock = g_build_filename (stale, "lock", NULL);
  g_autofree char *work = g_build_filename (stale, "work", NULL);
  g_autofree char *lockless = g_build_filename (jobs, "ghijkl", "work", NULL);
  g_autoptr (FwJobFolder) living = fw_job_folder_new (NULL);
  g_autoptr (FwJobFolder) next = NULL;

  g_assert_cmpint (g_mkdir_with_parents (work, 0700), ==, 0);
  g_assert_true (g_file_set_contents (lock, "", 0, NULL));
  g_assert_cmpint (g_mkdir_with_parents (lockless, 0700), ==, 0);
  next = fw_job_folder_new (NULL);
  g_assert_nonnull (next);
  g_assert_true (g_file_test (fw_job_folder_get_path (living), G_FILE_TEST_IS_DIR));
  g_assert_false (g_file_test (stale, G_FILE_TEST_EXISTS));
  g_assert_false (g_file_test (lockless, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_jobs (), ==, 2);
}

static void
test_holds (void)
{
  g_autoptr (FwJobFolder) folder = fw_job_folder_new (NULL);
  const char *path = fw_job_folder_get_path (folder);
  g_autofree char *file = g_build_filename (path, "file", NULL);
  g_autofree char *link_path = g_build_filename (path, "link", NULL);
  g_autofree char *out = g_build_filename (path, "out", NULL);
  g_autofree char *through = g_build_filename (out, "hosts", NULL);
  g_autofree char *lock = g_build_filename (path, "..", "lock", NULL);
  g_autofree char *round_about = g_build_filename (path, "..", "work", "file", NULL);
  g_autofree char *beside = g_strconcat (path, "-more", NULL);
  g_autofree char *beside_file = g_build_filename (beside, "file", NULL);

  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink ("/etc/hosts", link_path), ==, 0);
  g_assert_cmpint (symlink ("/etc", out), ==, 0);
  g_assert_cmpint (g_mkdir (beside, 0700), ==, 0);
  g_assert_true (g_file_set_contents (beside_file, "x", 1, NULL));

  g_assert_true (fw_job_folder_holds (folder, file));
  g_assert_true (fw_job_folder_holds (folder, round_about));
  g_assert_false (fw_job_folder_holds (folder, path));
  g_assert_false (fw_job_folder_holds (folder, link_path));
  g_assert_false (fw_job_folder_holds (folder, through));
  g_assert_false (fw_job_folder_holds (folder, lock));
  g_assert_false (fw_job_folder_holds (folder, beside_file));
  g_assert_false (fw_job_folder_holds (folder, "file"));
  g_assert_false (fw_job_folder_holds (folder, "/etc/hosts"));
  g_assert_false (fw_job_folder_holds (folder, ""));
  g_assert_false (fw_job_folder_holds (folder, NULL));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  cache = g_dir_make_tmp ("job-folder-XXXXXX", NULL);
  g_setenv ("XDG_CACHE_HOME", cache, TRUE);
  g_test_add_func ("/job-folder/life", test_life);
  g_test_add_func ("/job-folder/stale", test_stale);
  g_test_add_func ("/job-folder/holds", test_holds);
  status = g_test_run ();
  fw_file_remove_tree (cache);
  g_free (cache);
  return status;
}
