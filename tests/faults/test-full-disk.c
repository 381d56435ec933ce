/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Disks without room and disks that can't be written, as small file systems in memory that this
 * process alone sees. Skipped where the system does not allow such. */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cli.h"

static gboolean may_mount;

static gboolean
write_text (const char *path, const char *text)
{
  return g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, NULL);
}

/* A view of the file systems of our own; as another user than root, one's own users as well. */
static gboolean
enter_namespace (void)
{
  g_autofree char *uids = g_strdup_printf ("%u %u 1", geteuid (), geteuid ());
  g_autofree char *gids = g_strdup_printf ("%u %u 1", getegid (), getegid ());

  if (geteuid () == 0 && unshare (CLONE_NEWNS) == 0)
    return mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
  if (unshare (CLONE_NEWUSER | CLONE_NEWNS) != 0)
    return FALSE;
  write_text ("/proc/self/setgroups", "deny");
  return write_text ("/proc/self/uid_map", uids) && write_text ("/proc/self/gid_map", gids)
         && mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static char *
mount_disk (const char *name, const char *options, unsigned long flags)
{
  char *path = cli_path (name);

  g_assert_cmpint (g_mkdir (path, 0755), ==, 0);
  if (may_mount && mount ("none", path, "tmpfs", flags, options) == 0)
    return path;
  g_free (path);
  g_test_skip ("No file systems can be mounted here");
  return NULL;
}

static void
unmount (const char *path)
{
  umount2 (path, MNT_DETACH);
}

static guint
count_files (const char *path)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  guint n = 0;

  while (dir != NULL && g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
test_target_full (void)
{
  g_autofree char *disk = mount_disk ("small-target", "size=64k", 0);
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = disk != NULL ? g_build_filename (disk, "out.onnx", NULL) : NULL;
  g_autofree char *dir = disk != NULL ? g_build_filename (disk, "dir", NULL) : NULL;
  g_autoptr (CliRun) shrink = NULL;
  g_autoptr (CliRun) path = NULL;

  if (disk == NULL)
    return;
  shrink = cli_run ("shrink", model, pictures, "-o", out, "--json", NULL);
  path = cli_run ("path", model, pictures, "--out-dir", dir, "--json", NULL);
  cli_assert_error (shrink, "disk-full");
  cli_assert_error (path, "disk-full");
  g_assert_cmpuint (count_files (disk), ==, 0);
  unmount (disk);
}

/* No room for work: seen before it starts, and where it fills up on the way. */
static void
run_with_cache (const char *name, const char *options)
{
  g_autofree char *disk = mount_disk (name, options, 0);
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = cli_path ("never.onnx");
  g_autofree char *before = g_strdup (g_getenv ("XDG_CACHE_HOME"));
  g_autoptr (CliRun) run = NULL;

  if (disk == NULL)
    return;
  g_setenv ("XDG_CACHE_HOME", disk, TRUE);
  run = cli_run ("shrink", model, pictures, "-o", out, "--json", NULL);
  cli_assert_error (run, "disk-full");
  g_setenv ("XDG_CACHE_HOME", before, TRUE);
  g_assert_false (g_file_test (out, G_FILE_TEST_EXISTS));
  unmount (disk);
}

static void
test_cache_full (void)
{
  run_with_cache ("small-cache", "size=64k");
}

static void
test_cache_without_inodes (void)
{
  run_with_cache ("no-inodes", "size=64m,nr_inodes=2");
}

/* Pieces of a large model put what they make there. */
static void
test_large_cache_full (void)
{
  g_setenv ("FEATHERWEIGHT_LARGE", "200000", TRUE);
  run_with_cache ("small-large-cache", "size=4m");
  run_with_cache ("no-inodes-large", "size=64m,nr_inodes=8");
  g_unsetenv ("FEATHERWEIGHT_LARGE");
}

static void
test_read_only (void)
{
  g_autofree char *disk = mount_disk ("read-only", "size=16m", MS_RDONLY);
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_sample ("pictures");
  g_autofree char *out = disk != NULL ? g_build_filename (disk, "out.onnx", NULL) : NULL;
  g_autofree char *dir = disk != NULL ? g_build_filename (disk, "dir", NULL) : NULL;
  g_autofree char *inputs = disk != NULL ? g_build_filename (disk, "inputs", NULL) : NULL;
  g_autoptr (CliRun) shrink = NULL;
  g_autoptr (CliRun) path = NULL;
  g_autoptr (CliRun) save = NULL;

  if (disk == NULL)
    return;
  shrink = cli_run ("shrink", model, pictures, "-o", out, "--json", NULL);
  path = cli_run ("path", model, pictures, "--out-dir", dir, "--json", NULL);
  save = cli_run ("shrink", model, pictures, "--save-inputs", inputs, "--json", NULL);
  cli_assert_error (shrink, "not-writable");
  cli_assert_error (path, "not-writable");
  cli_assert_error (save, "not-writable");
  unmount (disk);
}

/* The target is on another disk than the work: moved whole all the same. */
static void
test_other_disk (void)
{
  g_autofree char *disk = mount_disk ("other-disk", "size=64m", 0);
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-other-disk", 12);
  g_autofree char *out = disk != NULL ? g_build_filename (disk, "out.onnx", NULL) : NULL;
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;

  if (disk == NULL)
    return;
  run = cli_run ("shrink", model, pictures, "-o", out, "--uniform", "int8-storage", "--no-measure",
                 "--json", NULL);
  result = cli_assert_result (run);
  g_assert_cmpuint (count_files (disk), ==, 1);
  g_assert_true (g_file_test (out, G_FILE_TEST_IS_REGULAR));
  unmount (disk);
}

/* A quick run that keeps 1.4 MB. */
static CliRun *
shrink_to_history (const char *out)
{
  g_autofree char *model = cli_sample ("model.onnx");
  g_autofree char *pictures = cli_some_pictures ("for-history", 8);

  return out == NULL ? cli_run ("shrink", model, pictures, "--uniform", "float16", "--no-measure",
                                "--json", NULL)
                     : cli_run ("shrink", model, pictures, "--uniform", "float16", "--no-measure",
                                "--json", "-o", out, NULL);
}

static guint
count_versions (void)
{
  g_autoptr (CliRun) run = cli_run ("history", "list", "--json", NULL);
  g_autoptr (JsonObject) list = cli_assert_result (run);

  return json_array_get_length (json_object_get_array_member (list, "versions"));
}

/* No room to keep it: an error where the file has no other place, else a warning. */
static void
test_history_full (void)
{
  g_autofree char *disk = mount_disk ("small-history", "size=1m", 0);
  g_autofree char *before = g_strdup (g_getenv ("XDG_DATA_HOME"));
  g_autofree char *out = cli_path ("beside-full-history.onnx");
  g_autoptr (CliRun) without = NULL;
  g_autoptr (CliRun) with = NULL;
  g_autoptr (JsonObject) result = NULL;

  if (disk == NULL)
    return;
  g_setenv ("XDG_DATA_HOME", disk, TRUE);
  without = shrink_to_history (NULL);
  cli_assert_error (without, "disk-full");
  g_assert_cmpuint (count_versions (), <=, 1);
  with = shrink_to_history (out);
  result = cli_assert_result (with);
  g_assert_true (cli_has_warning (with->out, "disk-full"));
  g_assert_true (g_file_test (out, G_FILE_TEST_IS_REGULAR));
  g_assert_cmpuint (count_versions (), <=, 1);
  g_setenv ("XDG_DATA_HOME", before, TRUE);
  unmount (disk);
}

static void
test_history_read_only (void)
{
  g_autofree char *disk = mount_disk ("read-only-history", "size=16m", 0);
  g_autofree char *before = g_strdup (g_getenv ("XDG_DATA_HOME"));
  g_autofree char *out = cli_path ("beside-read-only-history.onnx");
  g_autoptr (CliRun) first = NULL;
  g_autoptr (CliRun) without = NULL;
  g_autoptr (CliRun) with = NULL;
  g_autoptr (CliRun) use = NULL;
  g_autoptr (JsonObject) result = NULL;

  if (disk == NULL)
    return;
  g_setenv ("XDG_DATA_HOME", disk, TRUE);
  first = shrink_to_history (NULL);
  g_assert_cmpint (first->status, ==, 0);
  g_assert_cmpint (mount (NULL, disk, NULL, MS_REMOUNT | MS_RDONLY, NULL), ==, 0);
  g_assert_cmpuint (count_versions (), ==, 2);
  use = cli_run ("history", "use", "2", "--json", NULL);
  cli_assert_error (use, "not-writable");
  without = shrink_to_history (NULL);
  cli_assert_error (without, "not-writable");
  with = shrink_to_history (out);
  result = cli_assert_result (with);
  g_assert_true (cli_has_warning (with->out, "not-writable"));
  g_assert_true (g_file_test (out, G_FILE_TEST_IS_REGULAR));
  g_setenv ("XDG_DATA_HOME", before, TRUE);
  unmount (disk);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  may_mount = enter_namespace ();
  cli_init ();
  g_test_add_func ("/full-disk/target", test_target_full);
  g_test_add_func ("/full-disk/cache", test_cache_full);
  g_test_add_func ("/full-disk/cache-without-inodes", test_cache_without_inodes);
  g_test_add_func ("/full-disk/large-cache-full", test_large_cache_full);
  g_test_add_func ("/full-disk/read-only", test_read_only);
  g_test_add_func ("/full-disk/other-disk", test_other_disk);
  g_test_add_func ("/full-disk/history-full", test_history_full);
  g_test_add_func ("/full-disk/history-read-only", test_history_read_only);
  return cli_finish ();
}
