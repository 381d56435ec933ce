/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-sample-set.h"

typedef struct
{
  char *folder;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("fw-set-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_file_remove_tree (fixture->folder);
  g_free (fixture->folder);
}

static char *
make_path (Fixture *fixture, const char *below)
{
  char *path = g_build_filename (fixture->folder, below, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  return path;
}

static void
put (Fixture *fixture, const char *below, const char *text)
{
  g_autofree char *path = make_path (fixture, below);

  /* GLib writes into an existing file without shortening it. */
  g_remove (path);
  g_assert_true (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
}

/* A bitmap of one pixel, different for each @number. */
static void
put_picture (Fixture *fixture, const char *below, guint number)
{
  guint8 bmp[58] = { 'B', 'M', 58, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40,
                     0,   0,   0,  1, 0, 0, 0, 1, 0, 0, 0,  1, 0, 24 };
  g_autofree char *path = make_path (fixture, below);

  bmp[54] = number;
  bmp[55] = number >> 8;
  g_assert_true (g_file_set_contents_full (path, (char *) bmp, sizeof bmp, G_FILE_SET_CONTENTS_NONE,
                                           0600, NULL));
}

static void
put_pictures (Fixture *fixture, const char *format, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *number = g_strdup_printf ("%03u", i);
      g_auto (GStrv) parts = g_strsplit (format, "#", 2);
      g_autofree char *below = g_strjoinv (number, parts);

      put_picture (fixture, below, i);
    }
}

static FwSampleSet *
open_set (Fixture *fixture, const char *labels, guint64 seed)
{
  const char *const paths[] = { fixture->folder, NULL };
  g_autofree char *path = labels != NULL ? make_path (fixture, labels) : NULL;
  g_autoptr (GError) error = NULL;
  FwSampleSet *set = fw_sample_set_new (paths, path, seed, NULL, NULL, &error);

  g_assert_no_error (error);
  g_assert_nonnull (set);
  return set;
}

static void
assert_error (Fixture *fixture, const char *labels, FwError code)
{
  const char *const paths[] = { fixture->folder, NULL };
  g_autofree char *path = labels != NULL ? make_path (fixture, labels) : NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_sample_set_new (paths, path, 0, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, (int) code);
}

static FwSample *
find (FwSampleSet *set, const char *name, gboolean *in_test)
{
  GPtrArray *halves[] = { fw_sample_set_get_calibration (set), fw_sample_set_get_test (set) };

  for (guint h = 0; h < 2; h++)
    for (guint i = 0; i < halves[h]->len; i++)
      {
        FwSample *sample = halves[h]->pdata[i];

        if (strcmp (sample->name, name) == 0)
          {
            if (in_test != NULL)
              *in_test = h == 1;
            return sample;
          }
      }
  return NULL;
}

static int
get_label (FwSampleSet *set, const char *name)
{
  FwSample *sample = find (set, name, NULL);

  g_assert_nonnull (sample);
  return sample->label;
}

static guint
count (FwSampleSet *set)
{
  return fw_sample_set_get_calibration (set)->len + fw_sample_set_get_test (set)->len;
}

/* Splitting ----------------------------------------------------------------------------------- */

static void
test_halves (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL, again = NULL, other = NULL;
  guint n_moved = 0;

  put_pictures (fixture, "#.bmp", 200);
  set = open_set (fixture, NULL, 1);
  again = open_set (fixture, NULL, 1);
  other = open_set (fixture, NULL, 2);
  g_assert_cmpuint (count (set), ==, 200);
  g_assert_cmpuint (fw_sample_set_get_test (set)->len, >, 70);
  g_assert_cmpuint (fw_sample_set_get_calibration (set)->len, >, 70);
  g_assert_cmpstr (fw_sample_set_get_sha256 (set), ==, fw_sample_set_get_sha256 (other));
  for (guint i = 0; i < fw_sample_set_get_test (set)->len; i++)
    {
      FwSample *sample = fw_sample_set_get_test (set)->pdata[i];
      FwSample *same = fw_sample_set_get_test (again)->pdata[i];
      gboolean in_test;

      g_assert_cmpstr (sample->name, ==, same->name);
      g_assert_nonnull (find (other, sample->name, &in_test));
      n_moved += !in_test;
      for (guint j = 0; j < fw_sample_set_get_calibration (set)->len; j++)
        g_assert_cmpstr (sample->sha256, !=,
                         ((FwSample *) fw_sample_set_get_calibration (set)->pdata[j])->sha256);
    }
  g_assert_cmpuint (n_moved, >, 20);
  g_assert_false (fw_sample_set_has_labels (set));
  g_assert_cmpuint (fw_sample_set_get_n_classes (set), ==, 0);
}

/* Neither its name nor its company moves a picture to the other half. */
static void
test_company (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) before = NULL, after = NULL;
  g_autofree char *old = NULL, *new = NULL;

  put_pictures (fixture, "#.bmp", 60);
  before = open_set (fixture, NULL, 7);
  for (guint i = 60; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("more/%u.bmp", i);

      put_picture (fixture, name, i);
    }
  old = make_path (fixture, "000.bmp");
  new = make_path (fixture, "zzz.bmp");
  g_assert_cmpint (g_rename (old, new), ==, 0);
  after = open_set (fixture, NULL, 7);
  for (guint i = 0; i < 60; i++)
    {
      g_autofree char *name = g_strdup_printf ("%03u.bmp", i);
      gboolean was_in_test, is_in_test;

      g_assert_nonnull (find (before, name, &was_in_test));
      g_assert_nonnull (find (after, i == 0 ? "zzz.bmp" : name, &is_in_test));
      g_assert_cmpint (was_in_test, ==, is_in_test);
    }
  g_assert_cmpstr (fw_sample_set_get_sha256 (before), !=, fw_sample_set_get_sha256 (after));
}

static void
test_tiny (Fixture *fixture, gconstpointer data)
{
  put_pictures (fixture, "#.bmp", 4);
  for (guint64 seed = 0; seed < 40; seed++)
    {
      g_autoptr (FwSampleSet) set = open_set (fixture, NULL, seed);

      g_assert_cmpuint (fw_sample_set_get_calibration (set)->len, ==, 2);
      g_assert_cmpuint (fw_sample_set_get_test (set)->len, ==, 2);
    }
}

static void
test_same_content (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  put_pictures (fixture, "a#.bmp", 5);
  put_pictures (fixture, "b#.bmp", 5);
  set = open_set (fixture, NULL, 0);
  g_assert_cmpuint (count (set), ==, 5);
  g_assert_nonnull (find (set, "a000.bmp", NULL));
}

static void
test_too_few (Fixture *fixture, gconstpointer data)
{
  const char *const nowhere[] = { "/nonexistent/pictures", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_sample_set_new (nowhere, NULL, 0, NULL, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);
  assert_error (fixture, NULL, FW_ERROR_NO_SAMPLES);
  put (fixture, "notes.txt", "no picture");
  put (fixture, "broken.jpg", "no picture either");
  assert_error (fixture, NULL, FW_ERROR_NO_SAMPLES);
  put_pictures (fixture, "#.bmp", 3);
  assert_error (fixture, NULL, FW_ERROR_TOO_FEW_SAMPLES);
}

static void
test_cancelled (Fixture *fixture, gconstpointer data)
{
  const char *const paths[] = { fixture->folder, NULL };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  put_pictures (fixture, "#.bmp", 5);
  g_cancellable_cancel (cancellable);
  g_assert_null (fw_sample_set_new (paths, NULL, 0, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* Finding ------------------------------------------------------------------------------------- */

static void
test_left_alone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autofree char *outside = g_dir_make_tmp ("fw-outside-XXXXXX", NULL);
  g_autofree char *secret = g_build_filename (outside, "secret.bmp", NULL);
  g_autofree char *link = NULL, *folder_link = NULL, *inside = NULL, *loop = NULL;
  g_autofree char *picture = NULL, *hidden = NULL, *dangling = NULL;
  Fixture other = { outside };
  GPtrArray *unreadable;

  put_pictures (fixture, "images/#.bmp", 6);
  put_picture (fixture, "masks/m.bmp", 1000);
  put_picture (fixture, "labels/l.bmp", 1001);
  put_picture (fixture, ".hidden.bmp", 1002);
  put_picture (fixture, ".git/annex.bmp", 1003);
  put_picture (&other, "secret.bmp", 1004);
  put (fixture, "images/zero.png", "");
  put (fixture, "images/page.JPEG", "<html>");
  link = make_path (fixture, "images/out.bmp");
  g_assert_cmpint (symlink (secret, link), ==, 0);
  folder_link = make_path (fixture, "out");
  g_assert_cmpint (symlink (outside, folder_link), ==, 0);
  loop = make_path (fixture, "images/loop");
  g_assert_cmpint (symlink ("..", loop), ==, 0);
  dangling = make_path (fixture, "images/gone.bmp");
  g_assert_cmpint (symlink ("nothing", dangling), ==, 0);
  hidden = make_path (fixture, ".git/annex.bmp");
  inside = make_path (fixture, "images/in.bmp");
  g_assert_cmpint (symlink ("../.git/annex.bmp", inside), ==, 0);

  set = open_set (fixture, NULL, 0);
  g_assert_cmpuint (count (set), ==, 7);
  g_assert_nonnull (find (set, "images/in.bmp", NULL));
  unreadable = fw_sample_set_get_unreadable (set);
  g_assert_cmpuint (unreadable->len, ==, 2);
  g_assert_cmpstr (unreadable->pdata[0], ==, "images/page.JPEG");
  g_assert_cmpstr (unreadable->pdata[1], ==, "images/zero.png");
  g_assert_false (fw_sample_set_has_labels (set));
  picture = make_path (fixture, "masks/m.bmp");
  fw_file_remove_tree (outside);
}

static void
test_odd_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  put_pictures (fixture, "#.bmp", 4);
  put_picture (fixture, "new\nline.bmp", 50);
  put_picture (fixture, "\xff\xfe.bmp", 51);
  put_picture (fixture, "wrong kind.txt", 52);
  put_picture (fixture, "turned \xe2\x80\xae gpj.bmp", 53);
  set = open_set (fixture, NULL, 0);
  g_assert_cmpuint (count (set), ==, 8);
  for (guint i = 0; i < fw_sample_set_get_test (set)->len; i++)
    {
      FwSample *sample = fw_sample_set_get_test (set)->pdata[i];

      g_assert_true (g_utf8_validate (sample->name, -1, NULL));
      g_assert_null (strchr (sample->name, '\n'));
      g_assert_true (g_file_test (sample->path, G_FILE_TEST_IS_REGULAR));
    }
  g_assert_nonnull (find (set, "new\xef\xbf\xbdline.bmp", NULL));
  g_assert_nonnull (find (set, "wrong kind.txt", NULL));
}

static void
test_deep (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GString) below = g_string_new (NULL);

  put_pictures (fixture, "#.bmp", 4);
  for (guint i = 1; i <= 20; i++)
    {
      g_autofree char *name = NULL;

      g_string_append (below, "d/");
      name = g_strconcat (below->str, "x.bmp", NULL);
      put_picture (fixture, name, 100 + i);
    }
  set = open_set (fixture, NULL, 0);
  g_assert_cmpuint (count (set), ==, 4 + 16);
}

static void
test_files_and_folders (Fixture *fixture, gconstpointer data)
{
  g_autofree char *a = make_path (fixture, "a"), *b = make_path (fixture, "b");
  g_autofree char *file = make_path (fixture, "b/x.bmp");
  const char *const paths[] = { a, b, file, NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (FwSampleSet) set = NULL;

  put_picture (fixture, "a/x.bmp", 1);
  put_picture (fixture, "a/y.bmp", 2);
  put_picture (fixture, "b/x.bmp", 3);
  put_picture (fixture, "b/y.bmp", 4);
  set = fw_sample_set_new (paths, NULL, 0, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count (set), ==, 4);
  g_assert_nonnull (find (set, "x.bmp", NULL));
  g_assert_nonnull (find (set, "b/x.bmp", NULL));
  g_assert_cmpint (get_label (set, "b/x.bmp"), ==, 1);
  g_assert_true (fw_sample_set_labels_are_guessed (set));
}

static void
test_reject (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) reason = g_error_new_literal (FW_ERROR, FW_ERROR_NOT_READABLE, "Broken.");
  FwSample *sample;
  guint n;

  put_pictures (fixture, "#.bmp", 10);
  set = open_set (fixture, NULL, 0);
  n = fw_sample_set_get_test (set)->len;
  sample = fw_sample_set_get_test (set)->pdata[0];
  fw_sample_set_reject (set, sample, reason);
  fw_sample_set_reject (set, sample, reason);
  g_assert_cmpuint (fw_sample_set_get_test (set)->len, ==, n - 1);
  g_assert_cmpuint (fw_sample_set_get_unreadable (set)->len, ==, 1);
  g_assert_cmpstr (fw_sample_set_get_unreadable (set)->pdata[0], ==, sample->name);
}

/* Labels -------------------------------------------------------------------------------------- */

typedef struct
{
  const char *text;
  int labels[4]; /* of 000.bmp to 003.bmp */
  gboolean guessed;
  const char *second; /* the name of class 1 */
} Table;

static const Table tables[] = {
  { "file,index,label\n000.bmp,0,cat\n001.bmp,1,dog\n002.bmp,1,dog\n003.bmp,0,cat\n",
    { 0, 1, 1, 0 },
    FALSE,
    "dog" },
  { "\xef\xbb\xbf"
    "File;Index;What\r\n\"000.bmp\";3;\"a \"\"cat\"\", old\"\r\n001.bmp;1;x;\r\n\r\n002.bmp;;\r\n"
    "003.bmp;0;y",
    { 3, 1, -1, 0 },
    FALSE,
    "x" },
  { "000.bmp\t7\n001.bmp\t1\n./002.bmp\t2\npictures\\003.bmp\t0\n", { 7, 1, 2, 0 }, FALSE, NULL },
  { "image,label\n000,zebra\n001,ant\n002,bee\n003,zebra\n", { 2, 0, 1, 2 }, TRUE, "bee" },
  { "image,synset,name\nelsewhere/000.bmp,n1,b\n001.bmp,n2,a\n9.bmp,n3,c\n003.bmp,n1,b\n",
    { 1, 0, -1, 1 },
    TRUE,
    "b" },
  { "000.bmp,4,four\n001.bmp,1,one\n002.bmp,2,two\n003.bmp,3,three\n",
    { 4, 1, 2, 3 },
    FALSE,
    "one" },
};

static void
test_tables (Fixture *fixture, gconstpointer data)
{
  put_pictures (fixture, "#.bmp", 4);
  for (guint i = 0; i < G_N_ELEMENTS (tables); i++)
    for (guint given = 0; given < 2; given++)
      {
        const Table *table = &tables[i];
        g_autoptr (FwSampleSet) set = NULL;

        put (fixture, "whatever.csv", table->text);
        set = open_set (fixture, given ? "whatever.csv" : NULL, 0);
        g_assert_true (fw_sample_set_has_labels (set));
        g_assert_cmpint (fw_sample_set_labels_are_guessed (set), ==, table->guessed);
        for (guint j = 0; j < 4; j++)
          {
            g_autofree char *name = g_strdup_printf ("%03u.bmp", j);

            g_assert_cmpint (get_label (set, name), ==, table->labels[j]);
          }
        g_assert_cmpstr (fw_sample_set_get_class_name (set, 1), ==, table->second);
        g_assert_null (fw_sample_set_get_class_name (set, -1));
        g_assert_null (fw_sample_set_get_class_name (set, 1000));
      }
}

static void
test_bad_tables (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {
    "",
    "\n\n",
    "file,index\nnothing.bmp,1\n",
    "000.bmp\n001.bmp\n",
    "file,index\n\"000.bmp,1\n",
    "file,index\n000.bmp,-1\n001.bmp,2\n",
    "file,index\n000.bmp,99999999999\n",
    "\xff\xfe\n",
  };

  put_pictures (fixture, "#.bmp", 4);
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (FwSampleSet) set = NULL;

      put (fixture, "bad.csv", texts[i]);
      assert_error (fixture, "bad.csv", FW_ERROR_BAD_LABELS);
      set = open_set (fixture, NULL, 0);
      g_assert_false (fw_sample_set_has_labels (set));
    }
  assert_error (fixture, "missing.csv", FW_ERROR_NO_SUCH_FILE);
}

static void
test_large_table (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = make_path (fixture, "huge.csv");

  put_pictures (fixture, "#.bmp", 4);
  put (fixture, "huge.csv", "file,index\n000.bmp,1\n");
  g_assert_cmpint (truncate (path, 1 << 30), ==, 0);
  assert_error (fixture, "huge.csv", FW_ERROR_BAD_LABELS);
}

static void
test_class_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  put_pictures (fixture, "#.bmp", 4);
  put (fixture, "a.csv", "file,name\n000.bmp,Guide Dog\n001.bmp,cat\n002.bmp,cat\n003.bmp,cat\n");
  put (fixture, "classes.txt", "bird\ncat\nfish\nguide_dog\n\n");
  set = open_set (fixture, NULL, 0);
  g_assert_cmpint (get_label (set, "000.bmp"), ==, 3);
  g_assert_cmpint (get_label (set, "001.bmp"), ==, 1);
  g_assert_false (fw_sample_set_labels_are_guessed (set));
  g_assert_cmpuint (fw_sample_set_get_n_classes (set), ==, 4);
  g_assert_cmpstr (fw_sample_set_get_class_name (set, 2), ==, "fish");
}

static void
test_folders (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL, listed = NULL;

  put_pictures (fixture, "train/cat/#.bmp", 4);
  for (guint i = 10; i < 14; i++)
    {
      g_autofree char *name = g_strdup_printf ("val/bee/%u.bmp", i);

      put_picture (fixture, name, i);
    }
  set = open_set (fixture, NULL, 0);
  g_assert_true (fw_sample_set_has_labels (set));
  g_assert_true (fw_sample_set_labels_are_guessed (set));
  g_assert_cmpint (get_label (set, "train/cat/000.bmp"), ==, 1);
  g_assert_cmpint (get_label (set, "val/bee/10.bmp"), ==, 0);
  g_assert_cmpstr (fw_sample_set_get_class_name (set, 0), ==, "bee");

  put (fixture, "labels.txt", "0 dog\n1 CAT\n2 bee\n");
  listed = open_set (fixture, NULL, 0);
  g_assert_false (fw_sample_set_labels_are_guessed (listed));
  g_assert_cmpint (get_label (listed, "val/bee/10.bmp"), ==, 2);
  g_assert_cmpint (get_label (listed, "train/cat/000.bmp"), ==, 1);
  g_assert_cmpuint (fw_sample_set_get_n_classes (listed), ==, 3);
  g_assert_cmpstr (fw_sample_set_get_class_name (listed, 0), ==, "dog");
}

static void
test_numbered_folders (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u/x.bmp", i);

      put_picture (fixture, name, i);
    }
  set = open_set (fixture, NULL, 0);
  g_assert_cmpint (get_label (set, "10/x.bmp"), ==, 10);
  g_assert_cmpint (get_label (set, "2/x.bmp"), ==, 2);
  g_assert_false (fw_sample_set_labels_are_guessed (set));
}

/* labels.csv comes before a table of something else about the same pictures. */
static void
test_two_tables (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  put_pictures (fixture, "cats/#.bmp", 4);
  put (fixture, "a.csv", "file,rating\n000.bmp,5\n001.bmp,5\n002.bmp,5\n003.bmp,5\n");
  put (fixture, "labels.csv", "file,index\n000.bmp,2\n001.bmp,2\n002.bmp,2\n003.bmp,2\n");
  put (fixture, "unrelated.csv", "a,b\n1,2\n3,4\n");
  set = open_set (fixture, NULL, 0);
  g_assert_cmpint (get_label (set, "cats/003.bmp"), ==, 2);
}

/* A table lies beside its pictures; the folder given is the one above. */
static void
test_table_below (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;

  put_pictures (fixture, "pictures/#.bmp", 4);
  put (fixture, "pictures/labels.csv", "file,index,name\n000.bmp,1,b\n003.bmp,0,a\n");
  set = open_set (fixture, NULL, 0);
  g_assert_cmpint (get_label (set, "pictures/000.bmp"), ==, 1);
  g_assert_cmpint (get_label (set, "pictures/001.bmp"), ==, -1);
}

static void
test_tensor (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (FwTensor) tensor = NULL;
  g_autoptr (GError) error = NULL;
  const FwPreprocess preprocess = { .channels = FW_CHANNELS_BGR,
                                    .resize = FW_RESIZE_STRETCH,
                                    .width = 2,
                                    .height = 2,
                                    .divisor = 1,
                                    .deviation = { 1, 1, 1 },
                                    .type = FW_ELEMENT_FLOAT };

  put_pictures (fixture, "#.bmp", 4);
  set = open_set (fixture, NULL, 0);
  tensor = fw_sample_to_tensor (find (set, "003.bmp", NULL), &preprocess, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fw_tensor_get_n_elements (tensor), ==, 12);
  g_assert_cmpfloat (((float *) fw_tensor_get_data (tensor))[0], ==, 3);
}

#define ADD(name, func) g_test_add ("/samples/set/" name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("halves", test_halves);
  ADD ("company", test_company);
  ADD ("tiny", test_tiny);
  ADD ("same-content", test_same_content);
  ADD ("too-few", test_too_few);
  ADD ("cancelled", test_cancelled);
  ADD ("left-alone", test_left_alone);
  ADD ("odd-names", test_odd_names);
  ADD ("deep", test_deep);
  ADD ("files-and-folders", test_files_and_folders);
  ADD ("reject", test_reject);
  ADD ("tables", test_tables);
  ADD ("bad-tables", test_bad_tables);
  ADD ("large-table", test_large_table);
  ADD ("class-names", test_class_names);
  ADD ("folders", test_folders);
  ADD ("numbered-folders", test_numbered_folders);
  ADD ("two-tables", test_two_tables);
  ADD ("table-below", test_table_below);
  ADD ("tensor", test_tensor);
  return g_test_run ();
}
