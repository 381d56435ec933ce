/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <archive.h>
#include <archive_entry.h>
#include <glib/gstdio.h>
#include <string.h>
#include <time.h>
#include <utime.h>

#include "fw-archive.h"
#include "fw-error.h"
#include "fw-file.h"

static char *
make_folder (void)
{
  g_autoptr (GError) error = NULL;
  char *folder = g_dir_make_tmp ("fw-archive-XXXXXX", &error);

  g_assert_no_error (error);
  return folder;
}

static char *
write_file (const char *folder, const char *name, const char *text)
{
  char *path = g_build_filename (folder, name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (parent, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
  return path;
}

static char *
make_stage (const char *folder, const char *name)
{
  char *stage = g_build_filename (folder, name, NULL);
  g_autofree char *long_text = g_strnfill (300000, 'a');
  g_autofree char *a = write_file (stage, "b.txt", "two");
  g_autofree char *b = write_file (stage, "a.txt", "one");
  g_autofree char *c = write_file (stage, "golden/1.npy", long_text);
  g_autofree char *d = write_file (stage, "empty", "");

  return stage;
}

static void
test_there_and_back (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *stage = make_stage (folder, "stage");
  g_autofree char *zip = g_build_filename (folder, "out.zip", NULL);
  g_autofree char *back = g_build_filename (folder, "back", NULL);
  g_autofree char *link = g_build_filename (stage, "link", NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) names = NULL;
  static const char *const expected[] = { "SHA256SUMS", "a.txt", "b.txt", "empty", "golden/1.npy" };

  /* What a link points to has no place in a package. */
  g_assert_cmpint (symlink ("/etc/passwd", link), ==, 0);
  g_assert_true (fw_sums_write (stage, NULL, &error));
  g_assert_true (fw_archive_write (zip, stage, NULL, &error));
  g_assert_true (fw_archive_extract (zip, back, NULL, &error));
  g_assert_no_error (error);
  names = fw_archive_list_folder (back, &error);
  g_assert_cmpuint (names->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *one = g_build_filename (stage, names->pdata[i], NULL);
      g_autofree char *other = g_build_filename (back, names->pdata[i], NULL);
      g_autofree char *first = fw_file_sha256 (one, NULL, NULL);
      g_autofree char *second = fw_file_sha256 (other, NULL, NULL);

      g_assert_cmpstr (names->pdata[i], ==, expected[i]);
      g_assert_cmpstr (first, ==, second);
    }
  g_assert_true (fw_sums_check (back, NULL, &error));
  g_assert_false (fw_archive_write (zip, stage, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_FILE_EXISTS);
  fw_file_remove_tree (folder);
}

/* The same bytes whenever and wherever it is packed. */
static void
test_same_bytes (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *first = NULL;
  const struct utimbuf then = { 86400, 86400 };

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("stage-%u", i);
      g_autofree char *zip_name = g_strdup_printf ("%u.zip", i);
      g_autofree char *stage = make_stage (folder, name);
      g_autofree char *file = g_build_filename (stage, "a.txt", NULL);
      g_autofree char *zip = g_build_filename (folder, zip_name, NULL);
      g_autofree char *sha256 = NULL;
      g_autoptr (GError) error = NULL;

      if (i == 1)
        {
          g_assert_cmpint (utime (file, &then), ==, 0);
          g_assert_cmpint (g_chmod (file, 0600), ==, 0);
          g_setenv ("TZ", "Pacific/Kiritimati", TRUE);
          tzset ();
        }
      g_assert_true (fw_archive_write (zip, stage, NULL, &error));
      g_assert_no_error (error);
      sha256 = fw_file_sha256 (zip, NULL, NULL);
      if (first == NULL)
        first = g_strdup (sha256);
      g_assert_cmpstr (sha256, ==, first);
    }
  fw_file_remove_tree (folder);
}

static void
test_wrong_sums (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *stage = make_stage (folder, "stage");
  g_autofree char *more = NULL;
  g_autoptr (GError) missing = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (fw_sums_check (stage, NULL, &missing));
  g_assert_error (missing, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
  g_assert_true (fw_sums_write (stage, NULL, NULL));
  g_assert_true (fw_sums_check (stage, NULL, NULL));
  more = write_file (stage, "more", "not in the list");
  g_assert_false (fw_sums_check (stage, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
  fw_file_remove_tree (folder);
}

/* An archive with one entry of any name and kind. */
static char *
make_hostile (const char *folder, const char *name, guint type, const char *link)
{
  char *path = g_build_filename (folder, "hostile.zip", NULL);
  struct archive *archive = archive_write_new ();
  struct archive_entry *entry = archive_entry_new ();

  archive_write_set_format_zip (archive);
  g_assert_cmpint (archive_write_open_filename (archive, path), ==, ARCHIVE_OK);
  archive_entry_set_pathname (entry, name);
  archive_entry_set_filetype (entry, type);
  archive_entry_set_perm (entry, 0644);
  archive_entry_set_size (entry, type == AE_IFREG ? 2 : 0);
  if (link != NULL)
    archive_entry_set_symlink (entry, link);
  g_assert_cmpint (archive_write_header (archive, entry), ==, ARCHIVE_OK);
  if (type == AE_IFREG)
    g_assert_cmpint (archive_write_data (archive, "hi", 2), ==, 2);
  archive_write_close (archive);
  archive_entry_free (entry);
  archive_write_free (archive);
  return path;
}

static void
test_hostile (void)
{
  static const struct
  {
    const char *name;
    guint type;
    const char *link;
  } cases[] = {
    { "../outside", AE_IFREG, NULL },
    { "/tmp/outside", AE_IFREG, NULL },
    { "a/../../outside", AE_IFREG, NULL },
    { "./a", AE_IFREG, NULL },
    { "a//b", AE_IFREG, NULL },
    { "link", AE_IFLNK, "/etc/passwd" },
    { "folder/", AE_IFDIR, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *folder = make_folder ();
      g_autofree char *zip = make_hostile (folder, cases[i].name, cases[i].type, cases[i].link);
      g_autofree char *back = g_build_filename (folder, "in", "back", NULL);
      g_autofree char *outside = g_build_filename (folder, "in", "outside", NULL);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", cases[i].name);
      g_assert_false (fw_archive_extract (zip, back, NULL, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_HOSTILE_MODEL);
      g_assert_false (g_file_test (outside, G_FILE_TEST_EXISTS));
      fw_file_remove_tree (folder);
    }
}

static void
test_damaged (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *stage = make_stage (folder, "stage");
  g_autofree char *zip = g_build_filename (folder, "out.zip", NULL);
  g_autofree char *contents = NULL;
  gsize length;

  g_assert_true (fw_archive_write (zip, stage, NULL, NULL));
  g_assert_true (g_file_get_contents (zip, &contents, &length, NULL));
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *back = g_strdup_printf ("%s/back-%u", folder, i);
      g_autofree char *cut = g_build_filename (folder, "cut.zip", NULL);
      g_autoptr (GError) error = NULL;
      const gsize kept[] = { 0, 20, length / 2 };

      g_assert_true (g_file_set_contents (cut, contents, kept[i], NULL));
      if (fw_archive_extract (cut, back, NULL, &error))
        {
          /* Empty: nothing in it, which the checksums show. */
          g_assert_false (fw_sums_check (back, NULL, &error));
        }
      g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
    }
  fw_file_remove_tree (folder);
}

static void
test_cancelled (void)
{
  g_autofree char *folder = make_folder ();
  g_autofree char *stage = make_stage (folder, "stage");
  g_autofree char *zip = g_build_filename (folder, "out.zip", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancellable);
  g_assert_false (fw_archive_write (zip, stage, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_test (zip, G_FILE_TEST_EXISTS));
  fw_file_remove_tree (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/archive/there-and-back", test_there_and_back);
  g_test_add_func ("/archive/same-bytes", test_same_bytes);
  g_test_add_func ("/archive/wrong-sums", test_wrong_sums);
  g_test_add_func ("/archive/hostile", test_hostile);
  g_test_add_func ("/archive/damaged", test_damaged);
  g_test_add_func ("/archive/cancelled", test_cancelled);
  return g_test_run ();
}
