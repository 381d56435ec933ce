/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include <glib/gstdio.h>

#include "array-files.h"
#include "fw-arrays.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-random.h"

typedef struct
{
  char *folder;
  char *path; /* of the file that a test writes */
} Fixture;

static void
set_up (Fixture *self, gconstpointer name)
{
  self->folder = g_dir_make_tmp ("fw-arrays-XXXXXX", NULL);
  self->path = g_build_filename (self->folder, name, NULL);
}

static void
tear_down (Fixture *self, gconstpointer name)
{
  fw_file_remove_tree (self->folder);
  g_free (self->folder);
  g_free (self->path);
}

static void
put_text (Fixture *self, const char *text)
{
  g_assert_true (g_file_set_contents (self->path, text, -1, NULL));
}

static void
assert_refused (Fixture *self, FwError code)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_arrays_load (self->path, NULL, &error));
  g_assert_error (error, FW_ERROR, (int) code);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

/* .npz ---------------------------------------------------------------------------------------- */

static void
test_npz (Fixture *self, gconstpointer name)
{
  const char *const wanted[] = { "x", "rate", NULL };
  const gint64 rate = 16000;
  ArrayZip *zip = array_zip_new (self->path);
  g_autoptr (FwArrays) all = NULL;
  g_autoptr (FwArrays) some = NULL;
  g_autoptr (GError) error = NULL;

  array_zip_add (zip, "x.npy", array_file_floats ("(2, 3)", 6, 1));
  array_zip_add (zip, "a/b:0.npy", array_file_floats ("(4,)", 4, 0));
  array_zip_add (zip, "rate.npy", array_file_npy ("<i8", "False", "()", &rate, sizeof rate));
  array_zip_add (zip, "readme.txt", array_file_floats ("(1,)", 1, 0));
  array_zip_close (zip);

  all = fw_arrays_load (self->path, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (all->tensors->len, ==, 3);
  g_assert_nonnull (fw_arrays_find (all, "a/b:0"));
  g_assert_null (fw_arrays_find (all, "readme"));
  g_assert_cmpfloat (((float *) fw_tensor_get_data (fw_arrays_find (all, "x")))[5], ==, 6);

  some = fw_arrays_load (self->path, wanted, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (some->tensors->len, ==, 2);
  g_assert_cmpint (*(gint64 *) fw_tensor_get_data (fw_arrays_find (some, "rate")), ==, 16000);
}

static void
test_npz_cut (Fixture *self, gconstpointer name)
{
  ArrayZip *zip = array_zip_new (self->path);
  g_autofree char *content = NULL;
  gsize size;

  array_zip_add (zip, "x.npy", array_file_floats ("(2, 3)", 6, 1));
  array_zip_close (zip);
  g_assert_true (g_file_get_contents (self->path, &content, &size, NULL));
  /* The directory at the end is for those who seek. What is before it must be whole. */
  for (gsize cut = 0; cut < size / 2; cut += 7)
    {
      /* GLib writes into an existing file without shortening it. */
      g_remove (self->path);
      g_assert_true (g_file_set_contents_full (self->path, content, (gssize) cut,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      assert_refused (self, FW_ERROR_NOT_READABLE);
    }
}

static void
test_npz_nothing (Fixture *self, gconstpointer name)
{
  ArrayZip *zip = array_zip_new (self->path);

  array_zip_add (zip, "readme.txt", array_file_floats ("(1,)", 1, 0));
  array_zip_close (zip);
  assert_refused (self, FW_ERROR_NOT_READABLE);
}

static void
test_npz_objects (Fixture *self, gconstpointer name)
{
  ArrayZip *zip = array_zip_new (self->path);

  array_zip_add (zip, "x.npy", array_file_npy ("|O", "False", "(1,)", "pickle\0\0", 8));
  array_zip_close (zip);
  assert_refused (self, FW_ERROR_NOT_READABLE);
}

/* Little that unpacks to much more than it says, or says more than there is, or than can be. */
static void
test_npz_bombs (Fixture *self, gconstpointer name)
{
  g_autofree guint8 *zeros = g_malloc0 (64 << 20);
  const char *const shapes[] = { "(4,)", "(1000000000,)", "(1099511627776,)", "(1 << 40,)" };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      ArrayZip *zip = array_zip_new (self->path);

      array_zip_add (zip, "x.npy",
                     array_file_npy ("<f4", "False", shapes[i], zeros, i == 0 ? 64 << 20 : 64));
      array_zip_close (zip);
      assert_refused (self, FW_ERROR_NOT_READABLE);
    }
}

/* Whatever is changed, it is read or refused. */
static void
test_mutated (Fixture *self, gconstpointer name)
{
  ArrayZip *zip = array_zip_new (self->path);
  FwRandom random = { 11 };
  g_autofree char *content = NULL;
  gsize size;

  array_zip_add (zip, "x.npy", array_file_floats ("(2, 3)", 6, 1));
  array_zip_add (zip, "y.npy", array_file_npy (">i8", "True", "(1, 2)", "0123456789abcdef", 16));
  array_zip_close (zip);
  g_assert_true (g_file_get_contents (self->path, &content, &size, NULL));
  for (guint i = 0; i < 2000; i++)
    {
      g_autofree char *other = g_memdup2 (content, size);
      g_autoptr (FwArrays) arrays = NULL;
      g_autoptr (GError) error = NULL;

      for (guint k = 0; k <= i % 4; k++)
        other[fw_random_next (&random) % size] = (char) (fw_random_next (&random) >> 56);
      /* GLib writes into an existing file without shortening it. */
      g_remove (self->path);
      g_assert_true (g_file_set_contents_full (self->path, other, (gssize) size,
                                               G_FILE_SET_CONTENTS_NONE, 0600, NULL));
      arrays = fw_arrays_load (self->path, NULL, &error);
      g_assert_true ((arrays == NULL) == (error != NULL));
    }
}

static void
test_npz_many (Fixture *self, gconstpointer name)
{
  ArrayZip *zip = array_zip_new (self->path);

  for (guint i = 0; i < 5000; i++)
    {
      g_autofree char *member = g_strdup_printf ("%u.txt", i);

      array_zip_add (zip, member, g_byte_array_new ());
    }
  array_zip_close (zip);
  assert_refused (self, FW_ERROR_NOT_READABLE);
}

static void
test_others (Fixture *self, gconstpointer name)
{
  put_text (self, "");
  assert_refused (self, FW_ERROR_NOT_READABLE);
  put_text (self, "PK\3\4 not a zip file at all");
  assert_refused (self, FW_ERROR_NOT_READABLE);
  put_text (self, "some words");
  assert_refused (self, FW_ERROR_NOT_READABLE);
  g_free (self->path);
  self->path = g_strdup (self->folder);
  assert_refused (self, FW_ERROR_NOT_READABLE);
  g_free (self->path);
  self->path = g_strdup ("/nowhere/x.npy");
  assert_refused (self, FW_ERROR_NO_SUCH_FILE);
}

static void
test_sniff (void)
{
  const guint8 npy[] = { 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0 };
  const guint8 zip[] = { 'P', 'K', 3, 4 };

  g_assert_cmpint (fw_arrays_sniff (npy, sizeof npy, "a"), ==, FW_ARRAY_NPY);
  g_assert_cmpint (fw_arrays_sniff (npy, 5, "a.npy"), ==, FW_ARRAY_NONE);
  g_assert_cmpint (fw_arrays_sniff (zip, sizeof zip, "a.NPZ"), ==, FW_ARRAY_NPZ);
  g_assert_cmpint (fw_arrays_sniff (zip, sizeof zip, "a.docx"), ==, FW_ARRAY_NONE);
  g_assert_cmpint (fw_arrays_sniff (zip, sizeof zip, "a.f32"), ==, FW_ARRAY_F32);
  g_assert_cmpint (fw_arrays_sniff (zip, 3, "a.f32"), ==, FW_ARRAY_NONE);
}

/* Raw and CSV --------------------------------------------------------------------------------- */

static void
test_f32 (Fixture *self, gconstpointer name)
{
  const float values[] = { 1, 2, 3, 4, 5, 6 };
  g_autoptr (FwArrays) arrays = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (self->path, (const char *) values, sizeof values, NULL));
  arrays = fw_arrays_load_f32 (self->path, 3, &error);
  g_assert_no_error (error);
  g_assert_cmpint (fw_tensor_get_dims (arrays->tensors->pdata[0])[0], ==, 2);
  g_assert_null (fw_arrays_load_f32 (self->path, 4, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
  g_assert_null (fw_arrays_load_f32 (self->path, 0, NULL));
  put_text (self, "");
  g_assert_null (fw_arrays_load_f32 (self->path, 1, NULL));
}

/* Rows of 2 numbers; @labels: as digits, or NULL for none, or "" for a table that is refused. */
static void
check_csv (Fixture *self, const char *text, guint n, const char *labels)
{
  g_autoptr (FwArrays) arrays = NULL;
  g_autoptr (GError) error = NULL;

  put_text (self, text);
  arrays = fw_arrays_load_csv (self->path, 2, &error);
  if (labels != NULL && *labels == '\0')
    {
      g_assert_null (arrays);
      g_assert_nonnull (error);
      g_assert_true (error->domain == FW_ERROR);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpint (fw_tensor_get_dims (arrays->tensors->pdata[0])[0], ==, n);
  g_assert_cmpint (fw_tensor_get_dims (arrays->tensors->pdata[0])[1], ==, 2);
  g_assert_cmpfloat (((double *) fw_tensor_get_data (arrays->tensors->pdata[0]))[0], ==, 0.5);
  g_assert_true ((arrays->labels != NULL) == (labels != NULL));
  for (guint i = 0; labels != NULL && i < n; i++)
    g_assert_cmpint (arrays->labels[i], ==, labels[i] - '0');
}

static void
test_csv (Fixture *self, gconstpointer name)
{
  check_csv (self, "0.5,2\n3,4\n", 2, NULL);
  check_csv (self,
             "\xef\xbb\xbf"
             "a;b\r\n0.5;2\r\n3;4",
             2, NULL);
  check_csv (self, "0,0.5,2\n2,3,4\n1,5,6\n", 3, "021");
  check_csv (self, "a,b,class\n0.5,2,1\n3,4,0\n", 2, "10");
  check_csv (self, "id,a,b\n1,0.5,2\n2,3,4\n3,3,4\n", 3, NULL);
  check_csv (self, "id,a,b,kind\n1,0.5,2,owl\n2,3,4,cat\n3,3,4,owl\n", 3, "101");
  check_csv (self, "owl,0.5,2\ncat,3,4\n", 2, "10");

  check_csv (self, "", 0, "");
  check_csv (self, "a,b\n", 0, "");
  check_csv (self, "0.5\n3\n", 0, "");
  check_csv (self, "0.5,2\n3\n", 0, "");
  check_csv (self, "0.5,2\n3,x\n", 0, "");
  check_csv (self, "0.5,2\n3,nan\n", 0, "");
  check_csv (self, "0.5,2\n3,inf\n", 0, "");
  check_csv (self, "0.5,2.5,1.5\n3,4.5,1\n", 0, "");
  check_csv (self, "0.5,2,3,4,5\n3,4,5,6,7\n", 0, "");
  check_csv (self, "0.5,2\n\"3,4\n", 0, "");
  check_csv (self, "0.5,2\n3,\xff\n", 0, "");
}

static void
test_csv_names (Fixture *self, gconstpointer name)
{
  g_autoptr (FwArrays) arrays = NULL;

  put_text (self, "1,2,owl\n3,4,cat\n5,6,owl\n");
  arrays = fw_arrays_load_csv (self->path, 2, NULL);
  g_assert_cmpuint (arrays->classes->len, ==, 2);
  g_assert_cmpstr (arrays->classes->pdata[0], ==, "cat");
  g_assert_cmpstr (arrays->classes->pdata[1], ==, "owl");
}

#define ADD(path, name, func) g_test_add (path, Fixture, name, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/arrays/npz", "x.npz", test_npz);
  ADD ("/arrays/npz/cut", "x.npz", test_npz_cut);
  ADD ("/arrays/npz/nothing", "x.npz", test_npz_nothing);
  ADD ("/arrays/npz/objects", "x.npz", test_npz_objects);
  ADD ("/arrays/npz/bombs", "x.npz", test_npz_bombs);
  ADD ("/arrays/npz/mutated", "x.npz", test_mutated);
  ADD ("/arrays/npz/many", "x.npz", test_npz_many);
  ADD ("/arrays/others", "x.npz", test_others);
  g_test_add_func ("/arrays/sniff", test_sniff);
  ADD ("/arrays/f32", "x.f32", test_f32);
  ADD ("/arrays/csv", "x.csv", test_csv);
  ADD ("/arrays/csv/names", "x.csv", test_csv_names);
  return g_test_run ();
}
