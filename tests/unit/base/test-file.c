/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fw-error.h"
#include "fw-file.h"

typedef struct
{
  char *folder;
  char *a, *b;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("fw-file-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->a = g_build_filename (fixture->folder, "a", NULL);
  fixture->b = g_build_filename (fixture->folder, "b", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_file_remove_tree (fixture->folder);
  g_assert_false (g_file_test (fixture->folder, G_FILE_TEST_EXISTS));
  g_free (fixture->folder);
  g_free (fixture->a);
  g_free (fixture->b);
}

static void
put (const char *path, const char *text)
{
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
assert_text (const char *path, const char *expected)
{
  g_autofree char *text = NULL;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, expected);
}

static guint
count_entries (const char *folder)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  guint n = 0;

  g_assert_nonnull (dir);
  while (g_dir_read_name (dir))
    n++;
  return n;
}

static gboolean
write_text (const char *path, const char *text, gboolean replace, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));

  return fw_file_write (path, bytes, replace, error);
}

static void
test_sha256 (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *empty = NULL;
  g_autofree char *abc = NULL;

  put (fixture->a, "");
  empty = fw_file_sha256 (fixture->a, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (empty, ==, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  put (fixture->a, "abc");
  abc = fw_file_sha256 (fixture->a, NULL, &error);
  g_assert_cmpstr (abc, ==, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* More than one piece, and not a whole number of them. */
static void
test_sha256_large (Fixture *fixture, gconstpointer data)
{
  gsize size = 3 * 1024 * 1024 + 17;
  g_autofree char *large = g_malloc (size);
  g_autofree char *sum = NULL;
  g_autofree char *expected = NULL;

  memset (large, 'x', size);
  expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256, (guchar *) large, size);
  g_assert_true (g_file_set_contents (fixture->a, large, size, NULL));
  sum = fw_file_sha256 (fixture->a, NULL, NULL);
  g_assert_cmpstr (sum, ==, expected);
}

static void
test_sha256_failures (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_file_sha256 (fixture->a, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  g_assert_null (fw_file_sha256 (fixture->folder, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_clear_error (&error);

  /* A pipe that nobody writes to must not be waited for. */
  g_assert_cmpint (mkfifo (fixture->b, 0600), ==, 0);
  g_assert_null (fw_file_sha256 (fixture->b, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_clear_error (&error);

  put (fixture->a, "abc");
  g_cancellable_cancel (cancellable);
  g_assert_null (fw_file_sha256 (fixture->a, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_write (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (write_text (fixture->a, "first", FALSE, &error));
  g_assert_no_error (error);
  assert_text (fixture->a, "first");

  g_assert_false (write_text (fixture->a, "second", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_text (fixture->a, "first");

  g_assert_true (write_text (fixture->a, "third", TRUE, &error));
  g_assert_no_error (error);
  assert_text (fixture->a, "third");
  g_assert_true (write_text (fixture->b, "", TRUE, &error));
  assert_text (fixture->b, "");
  g_assert_cmpuint (count_entries (fixture->folder), ==, 2);
}

static void
test_write_mode (Fixture *fixture, gconstpointer data)
{
  mode_t mask = umask (022);
  struct stat status;

  g_assert_true (write_text (fixture->a, "text", FALSE, NULL));
  umask (mask);
  g_assert_cmpint (stat (fixture->a, &status), ==, 0);
  g_assert_cmpint (status.st_mode & 0777, ==, 0644);
}

static void
test_write_failures (Fixture *fixture, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (fixture->folder, "none", "a", NULL);
  g_autofree char *below_file = g_build_filename (fixture->a, "a", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (write_text (nowhere, "text", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  put (fixture->a, "a file");
  g_assert_false (write_text (below_file, "text", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  g_assert_cmpint (g_mkdir (fixture->b, 0700), ==, 0);
  g_assert_false (write_text (fixture->b, "text", TRUE, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_false (write_text (fixture->b, "text", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_assert_true (g_file_test (fixture->b, G_FILE_TEST_IS_DIR));
  g_assert_cmpuint (count_entries (fixture->folder), ==, 2);
}

static void
test_write_not_allowed (Fixture *fixture, gconstpointer data)
{
  g_autofree char *locked = g_build_filename (fixture->folder, "locked", NULL);
  g_autofree char *target = g_build_filename (locked, "a", NULL);
  g_autoptr (GError) error = NULL;

  if (geteuid () == 0)
    {
      g_test_skip ("Root may write everywhere");
      return;
    }
  g_assert_cmpint (g_mkdir (locked, 0500), ==, 0);
  g_assert_false (write_text (target, "text", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_WRITABLE);
}

static void
test_move (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  put (fixture->a, "new");
  put (fixture->b, "old");
  g_assert_false (fw_file_move (fixture->a, fixture->b, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_text (fixture->a, "new");
  assert_text (fixture->b, "old");

  g_assert_true (fw_file_move (fixture->a, fixture->b, TRUE, NULL, &error));
  g_assert_no_error (error);
  assert_text (fixture->b, "new");
  g_assert_true (fw_file_move (fixture->b, fixture->a, FALSE, NULL, &error));
  assert_text (fixture->a, "new");
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
}

static void
test_copy (Fixture *fixture, gconstpointer data)
{
  g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (fw_file_copy (fixture->a, fixture->b, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  put (fixture->a, "new");
  put (fixture->b, "old");
  g_assert_false (fw_file_copy (fixture->a, fixture->b, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_text (fixture->b, "old");

  g_assert_true (fw_file_copy (fixture->a, fixture->b, TRUE, NULL, &error));
  g_assert_no_error (error);
  assert_text (fixture->a, "new");
  assert_text (fixture->b, "new");
  put (fixture->b, "changed");
  assert_text (fixture->a, "new");

  /* What a link leads to is copied, not the link. */
  g_assert_cmpint (symlink (fixture->a, link), ==, 0);
  g_assert_true (fw_file_copy (link, fixture->b, TRUE, NULL, &error));
  g_assert_false (g_file_test (fixture->b, G_FILE_TEST_IS_SYMLINK));
  assert_text (fixture->b, "new");
  g_assert_cmpuint (count_entries (fixture->folder), ==, 3);
}

static void
test_move_failures (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autofree char *link = g_build_filename (fixture->folder, "link", NULL);
  g_autoptr (GError) error = NULL;

  g_assert_false (fw_file_move (fixture->a, fixture->b, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  g_clear_error (&error);

  put (fixture->a, "text");
  g_cancellable_cancel (cancellable);
  g_assert_false (fw_file_move (fixture->a, fixture->b, FALSE, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);
  g_assert_false (g_file_test (fixture->b, G_FILE_TEST_EXISTS));
  assert_text (fixture->a, "text");

  /* A link could lead anywhere. */
  g_assert_cmpint (symlink (fixture->a, link), ==, 0);
  g_assert_false (fw_file_move (link, fixture->b, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_assert_false (g_file_test (fixture->b, G_FILE_TEST_EXISTS));
}

/* A folder on another file system than @folder, or NULL. */
static char *
make_folder_elsewhere (const char *folder)
{
  g_autofree char *elsewhere = g_strdup ("/dev/shm/fw-file-XXXXXX");
  struct stat here, there;

  if (!g_mkdtemp (elsewhere))
    return NULL;
  g_assert_cmpint (stat (folder, &here), ==, 0);
  g_assert_cmpint (stat (elsewhere, &there), ==, 0);
  if (here.st_dev == there.st_dev)
    {
      fw_file_remove_tree (elsewhere);
      return NULL;
    }
  return g_steal_pointer (&elsewhere);
}

static void
test_move_across (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = make_folder_elsewhere (fixture->folder);
  g_autofree char *target = NULL;
  g_autofree char *before = NULL;
  g_autofree char *after = NULL;
  g_autofree char *large = NULL;
  g_autoptr (GError) error = NULL;
  gsize size = 2 * 1024 * 1024 + 5;

  if (!elsewhere)
    {
      g_test_skip ("There is no second file system here");
      return;
    }
  target = g_build_filename (elsewhere, "target", NULL);
  large = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    large[i] = i * 31 + i / 4096;
  g_assert_true (g_file_set_contents (fixture->a, large, size, NULL));
  before = fw_file_sha256 (fixture->a, NULL, NULL);

  put (target, "old");
  g_assert_false (fw_file_move (fixture->a, target, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_text (target, "old");
  g_assert_true (g_file_test (fixture->a, G_FILE_TEST_EXISTS));

  g_assert_true (fw_file_move (fixture->a, target, TRUE, NULL, &error));
  g_assert_no_error (error);
  g_assert_false (g_file_test (fixture->a, G_FILE_TEST_EXISTS));
  after = fw_file_sha256 (target, NULL, NULL);
  g_assert_cmpstr (after, ==, before);
  g_assert_cmpuint (count_entries (elsewhere), ==, 1);
  fw_file_remove_tree (elsewhere);
}

static gpointer
cancel_soon (gpointer data)
{
  g_usleep (3000);
  g_cancellable_cancel (data);
  return NULL;
}

static void
test_move_across_cancelled (Fixture *fixture, gconstpointer data)
{
  g_autofree char *elsewhere = make_folder_elsewhere (fixture->folder);
  g_autofree char *target = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  GThread *canceller;

  if (!elsewhere)
    {
      g_test_skip ("There is no second file system here");
      return;
    }
  /* 512 MB that take no room: long enough to be cancelled in the midst of them. The way is from
   * memory to here, so that nothing large is ever held. */
  target = g_build_filename (elsewhere, "source", NULL);
  put (target, "");
  g_assert_cmpint (truncate (target, 512 * 1024 * 1024), ==, 0);
  canceller = g_thread_new ("cancel", cancel_soon, cancellable);
  g_assert_false (fw_file_move (target, fixture->b, FALSE, cancellable, &error));
  g_thread_join (canceller);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_true (g_file_test (target, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (count_entries (fixture->folder), ==, 0);
  fw_file_remove_tree (elsewhere);
}

static void
test_remove_tree (Fixture *fixture, gconstpointer data)
{
  g_autofree char *tree = g_build_filename (fixture->folder, "tree", NULL);
  g_autofree char *deep = g_build_filename (tree, "1", "2", "3", "4", NULL);
  g_autofree char *file = g_build_filename (deep, "file", NULL);
  g_autofree char *link = g_build_filename (tree, "1", "link", NULL);
  g_autofree char *locked = g_build_filename (tree, "1", "locked", NULL);
  g_autofree char *inside = g_build_filename (locked, "inside", NULL);
  g_autofree char *kept = g_build_filename (fixture->b, "kept", NULL);

  g_assert_cmpint (g_mkdir (fixture->b, 0700), ==, 0);
  put (kept, "outside");
  g_assert_cmpint (g_mkdir_with_parents (deep, 0700), ==, 0);
  put (file, "text");
  g_assert_cmpint (symlink (fixture->b, link), ==, 0);
  g_assert_cmpint (g_mkdir (locked, 0700), ==, 0);
  put (inside, "text");
  g_assert_cmpint (g_chmod (locked, 0), ==, 0);

  fw_file_remove_tree (tree);
  g_assert_false (g_file_test (tree, G_FILE_TEST_EXISTS));
  assert_text (kept, "outside");
}

/* Deeper than a stack or a table of open files would bear. */
static void
test_remove_deep_tree (Fixture *fixture, gconstpointer data)
{
  g_autofree char *tree = g_build_filename (fixture->folder, "tree", NULL);
  g_autofree char *cwd = g_get_current_dir ();

  g_assert_cmpint (g_mkdir (tree, 0700), ==, 0);
  g_assert_cmpint (g_chdir (tree), ==, 0);
  for (guint i = 0; i < 1500; i++)
    {
      g_assert_cmpint (g_mkdir ("d", 0700), ==, 0);
      g_assert_cmpint (g_chdir ("d"), ==, 0);
    }
  g_assert_cmpint (g_chdir (cwd), ==, 0);
  fw_file_remove_tree (tree);
  g_assert_false (g_file_test (tree, G_FILE_TEST_EXISTS));
}

static void
test_remove_tree_failures (Fixture *fixture, gconstpointer data)
{
  put (fixture->b, "text");
  g_assert_cmpint (symlink (fixture->folder, fixture->a), ==, 0);

  g_test_expect_message ("fw-base", G_LOG_LEVEL_WARNING, "Could not remove*");
  fw_file_remove_tree (fixture->a);
  g_test_assert_expected_messages ();
  assert_text (fixture->b, "text");

  g_test_expect_message ("fw-base", G_LOG_LEVEL_WARNING, "Could not remove*");
  fw_file_remove_tree ("/nonexistent/folder");
  g_test_assert_expected_messages ();
}

/* Where a subprocess leaves word that it was not allowed to do its work. */
#define SKIPPED "FW_TEST_SKIPPED"

/* In a user namespace of its own, a process has no user until it is told who that is. */
static gboolean
enter_namespaces (void)
{
  g_autofree char *users = g_strdup_printf ("0 %d 1", geteuid ());
  g_autofree char *groups = g_strdup_printf ("0 %d 1", getegid ());

  if (geteuid () == 0)
    return unshare (CLONE_NEWNS) == 0;
  if (unshare (CLONE_NEWNS | CLONE_NEWUSER) != 0)
    return FALSE;
  return g_file_set_contents_full ("/proc/self/setgroups", "deny", -1, G_FILE_SET_CONTENTS_NONE, 0,
                                   NULL)
         && g_file_set_contents_full ("/proc/self/uid_map", users, -1, G_FILE_SET_CONTENTS_NONE, 0,
                                      NULL)
         && g_file_set_contents_full ("/proc/self/gid_map", groups, -1, G_FILE_SET_CONTENTS_NONE, 0,
                                      NULL);
}

/* Puts an empty file system of @size over @folder, seen by this subprocess only. */
static gboolean
mount_small (const char *folder, const char *size)
{
  put (g_getenv (SKIPPED), "");
  if (!enter_namespaces () || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0
      || mount ("tmpfs", folder, "tmpfs", 0, size) != 0)
    return FALSE;
  g_assert_cmpint (g_unlink (g_getenv (SKIPPED)), ==, 0);
  return TRUE;
}

static void
run_in_subprocess (Fixture *fixture)
{
  g_setenv (SKIPPED, fixture->a, TRUE);
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_passed ();
  if (g_file_test (fixture->a, G_FILE_TEST_EXISTS))
    g_test_skip ("File systems may not be mounted here");
}

static void
test_disk_full (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *target = g_build_filename (fixture->b, "target", NULL);

  if (!g_test_subprocess ())
    {
      run_in_subprocess (fixture);
      return;
    }
  g_assert_cmpint (g_mkdir (fixture->b, 0700), ==, 0);
  if (!mount_small (fixture->b, "size=65536"))
    return;
  bytes = g_bytes_new_take (g_malloc0 (1024 * 1024), 1024 * 1024);
  g_assert_false (fw_file_write (target, bytes, FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
  g_clear_error (&error);
  g_assert_cmpuint (count_entries (fixture->b), ==, 0);

  g_assert_true (fw_file_write (fixture->a, bytes, FALSE, NULL));
  g_assert_false (fw_file_move (fixture->a, target, FALSE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
  g_clear_error (&error);
  g_assert_cmpuint (count_entries (fixture->b), ==, 0);
  g_assert_true (g_file_test (fixture->a, G_FILE_TEST_EXISTS));

  /* What is there stays when its successor does not fit. */
  g_assert_true (write_text (target, "old", FALSE, NULL));
  g_assert_false (fw_file_move (fixture->a, target, TRUE, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DISK_FULL);
  assert_text (target, "old");
  g_assert_cmpuint (count_entries (fixture->b), ==, 1);
  umount (fixture->b);
}

/* Nameless files get their names through /proc; without it, hidden ones must do. */
static void
test_without_proc (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

#ifdef __SANITIZE_ADDRESS__
  g_test_skip ("The leak check at the end needs /proc");
  return;
#endif
  if (!g_test_subprocess ())
    {
      run_in_subprocess (fixture);
      return;
    }
  if (!mount_small ("/proc", "size=4096"))
    return;
  g_assert_true (write_text (fixture->a, "first", FALSE, &error));
  g_assert_no_error (error);
  g_assert_false (write_text (fixture->a, "second", FALSE, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  g_clear_error (&error);
  assert_text (fixture->a, "first");
  g_assert_true (write_text (fixture->a, "third", TRUE, &error));
  g_assert_no_error (error);
  assert_text (fixture->a, "third");
  g_assert_cmpuint (count_entries (fixture->folder), ==, 1);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/file/sha256", test_sha256);
  ADD ("/file/sha256-large", test_sha256_large);
  ADD ("/file/sha256-failures", test_sha256_failures);
  ADD ("/file/write", test_write);
  ADD ("/file/write-mode", test_write_mode);
  ADD ("/file/write-failures", test_write_failures);
  ADD ("/file/write-not-allowed", test_write_not_allowed);
  ADD ("/file/disk-full", test_disk_full);
  ADD ("/file/without-proc", test_without_proc);
  ADD ("/file/move", test_move);
  ADD ("/file/copy", test_copy);
  ADD ("/file/move-failures", test_move_failures);
  ADD ("/file/move-across", test_move_across);
  ADD ("/file/move-across-cancelled", test_move_across_cancelled);
  ADD ("/file/remove-tree", test_remove_tree);
  ADD ("/file/remove-deep-tree", test_remove_deep_tree);
  ADD ("/file/remove-tree-failures", test_remove_tree_failures);
  return g_test_run ();
}
