/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "array-files.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-sample-set.h"

typedef struct
{
  char *folder;
  FwInputs inputs;
  FwValueInfo infos[2];
  gboolean can_be_zero[2];
  gboolean was_zeroed[2];
} Fixture;

static FwValueInfo
make_info (const char *name, FwElementType type, guint n_dims, gint64 a, gint64 b)
{
  return (FwValueInfo){
    .name = (char *) name, .is_tensor = TRUE, .type = type, .n_dims = n_dims, .dims = { a, b }
  };
}

/* A model of x: float32[?, 3] and rate: int64[], which need not be given. */
static void
set_up (Fixture *self, gconstpointer data)
{
  self->folder = g_dir_make_tmp ("fw-array-samples-XXXXXX", NULL);
  self->infos[0] = make_info ("x", FW_ELEMENT_FLOAT, 2, -1, 3);
  self->infos[1] = make_info ("rate", FW_ELEMENT_INT64, 0, 0, 0);
  self->can_be_zero[1] = TRUE;
  self->inputs = (FwInputs){ .n = 2,
                             .infos = self->infos,
                             .can_be_zero = self->can_be_zero,
                             .was_zeroed = self->was_zeroed,
                             .picture = -1 };
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  fw_file_remove_tree (self->folder);
  g_free (self->folder);
}

static char *
make_path (Fixture *self, const char *below)
{
  char *path = g_build_filename (self->folder, below, NULL);
  g_autofree char *folder = g_path_get_dirname (path);

  g_assert_cmpint (g_mkdir_with_parents (folder, 0700), ==, 0);
  return path;
}

static void
put_npy (Fixture *self, const char *below, const char *shape, guint n, float first)
{
  g_autofree char *path = make_path (self, below);

  array_file_put (path, array_file_floats (shape, n, first));
}

static FwSampleSet *
open_set (Fixture *self, GError **error)
{
  const char *const paths[] = { self->folder, NULL };

  return fw_sample_set_new_for_inputs (paths, NULL, 1, &self->inputs, NULL, NULL, error);
}

static FwSample *
get_sample (FwSampleSet *set, guint index)
{
  GPtrArray *calibration = fw_sample_set_get_calibration (set);
  GPtrArray *test = fw_sample_set_get_test (set);

  return index < calibration->len ? calibration->pdata[index]
                                  : test->pdata[index - calibration->len];
}

static guint
count (FwSampleSet *set)
{
  return fw_sample_set_get_calibration (set)->len + fw_sample_set_get_test (set)->len;
}

/* Every sample is a row of [1, 3] whose numbers follow each other, and a rate. */
static void
check_rows (Fixture *self, FwSampleSet *set, guint n, gint64 rate)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (NULL, NULL);

  g_assert_false (fw_sample_set_are_pictures (set));
  g_assert_cmpuint (count (set), ==, n);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) row
          = fw_sample_to_row (get_sample (set, i), &self->inputs, NULL, &error);
      const float *values;

      g_assert_no_error (error);
      g_assert_cmpuint (row->len, ==, 2);
      values = fw_tensor_get_data (row->pdata[0]);
      g_assert_cmpuint (fw_tensor_get_n_dims (row->pdata[0]), ==, 2);
      g_assert_cmpint (fw_tensor_get_dims (row->pdata[0])[0], ==, 1);
      g_assert_cmpfloat (values[1], ==, values[0] + 1);
      g_assert_cmpfloat (values[2], ==, values[0] + 2);
      g_assert_cmpint (*(gint64 *) fw_tensor_get_data (row->pdata[1]), ==, rate);
      g_hash_table_add (seen, GINT_TO_POINTER ((int) values[0] + 1));
    }
  g_assert_cmpuint (g_hash_table_size (seen), ==, n);
  g_assert_cmpint (self->was_zeroed[1], ==, rate == 0);
}

static void
test_files (Fixture *self, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s/%u.npy", i % 2 ? "b" : "a", i);

      /* With or without its batch dimension. */
      put_npy (self, name, i % 3 ? "(1, 3)" : "(3,)", 3, i * 10);
    }
  put_npy (self, "copy.npy", "(1, 3)", 3, 10);
  set = open_set (self, &error);
  g_assert_no_error (error);
  check_rows (self, set, 20, 0);
  g_assert_true (fw_sample_set_has_labels (set));
  g_assert_cmpuint (fw_sample_set_get_n_classes (set), ==, 2);
}

static void
test_one_file (Fixture *self, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  put_npy (self, "all.npy", "(6, 3)", 18, 0);
  set = open_set (self, &error);
  g_assert_no_error (error);
  check_rows (self, set, 6, 0);
  g_assert_cmpstr (strchr (get_sample (set, 0)->name, ':'), !=, NULL);
}

static void
test_npz (Fixture *self, gconstpointer data)
{
  const gint32 rate = 8000;
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.npz", i);
      g_autofree char *path = make_path (self, name);
      ArrayZip *zip = array_zip_new (path);

      array_zip_add (zip, "rate.npy", array_file_npy ("<i4", "False", "(1,)", &rate, 4));
      array_zip_add (zip, "x.npy", array_file_floats ("(1, 3)", 3, i * 10));
      array_zip_close (zip);
    }
  set = open_set (self, &error);
  g_assert_no_error (error);
  check_rows (self, set, 5, 8000);
}

static void
test_npz_names (Fixture *self, gconstpointer data)
{
  g_autofree char *path = make_path (self, "0.npz");
  ArrayZip *zip = array_zip_new (path);
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  array_zip_add (zip, "y.npy", array_file_floats ("(6, 3)", 18, 0));
  array_zip_add (zip, "z.npy", array_file_floats ("(6, 3)", 18, 0));
  array_zip_close (zip);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *name = g_strdup_printf ("%u.npy", i);

      put_npy (self, name, "(1, 3)", 3, i);
    }
  set = open_set (self, &error);
  g_assert_no_error (error);
  /* What has not even the right names is found out when it is read. */
  for (guint i = 0; i < count (set); i++)
    if (g_str_has_suffix (get_sample (set, i)->name, ".npz"))
      {
        g_assert_null (fw_sample_to_row (get_sample (set, i), &self->inputs, NULL, &error));
        g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
        g_assert_nonnull (strstr (error->message, "“x”"));
        g_assert_nonnull (strstr (error->message, "“y”"));
        return;
      }
  g_assert_not_reached ();
}

static void
test_folders (Fixture *self, gconstpointer data)
{
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *x = g_strdup_printf ("x/%u.npy", i);
      g_autofree char *rate = g_strdup_printf ("rate/%u.npy", i);

      put_npy (self, x, "(1, 3)", 3, i * 10);
      put_npy (self, rate, "()", 1, 44100);
    }
  set = open_set (self, &error);
  g_assert_no_error (error);
  check_rows (self, set, 5, 44100);
}

static void
test_table (Fixture *self, gconstpointer data)
{
  g_autofree char *path = make_path (self, "rows.csv");
  g_autoptr (FwSampleSet) set = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (
      path, "a,b,c,class\n1,2,3,0\n11,12,13,2\n21,22,23,1\n31,32,33,1\n41,42,43,0\n", -1, NULL));
  set = open_set (self, &error);
  g_assert_no_error (error);
  check_rows (self, set, 5, 0);
  g_assert_cmpuint (fw_sample_set_get_n_classes (set), ==, 3);
  g_assert_false (fw_sample_set_labels_are_guessed (set));
  for (guint i = 0; i < 5; i++)
    if (g_str_has_suffix (get_sample (set, i)->name, ":2"))
      g_assert_cmpint (get_sample (set, i)->label, ==, 2);
}

static void
test_wrong_table (Fixture *self, gconstpointer data)
{
  g_autofree char *path = make_path (self, "rows.csv");
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (path, "1,2\n3,4\n", -1, NULL));
  g_assert_null (open_set (self, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
  g_assert_nonnull (strstr (error->message, "rows.csv"));
}

static void
test_nothing (Fixture *self, gconstpointer data)
{
  g_autofree char *damaged = make_path (self, "damaged.npy");
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (damaged, "no array", -1, NULL));
  g_assert_null (open_set (self, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SAMPLES);
}

static void
test_few (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  put_npy (self, "a.npy", "(3, 3)", 9, 0);
  g_assert_null (open_set (self, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES);
}

/* Fitting ------------------------------------------------------------------------------------- */

/* @tensor as one input of @type and two dims. */
static FwTensor *
fit (FwElementType type, gint64 a, gint64 b, FwTensor *tensor)
{
  FwValueInfo info
      = make_info ("ein sehr langer Name: ööööööööööööööööööööööööööööööööööööö", type, 2, a, b);
  g_autoptr (FwInputs) inputs = fw_inputs_new_for_picture (&info);
  g_autoptr (GError) error = NULL;
  FwTensor *result = fw_inputs_fit (inputs, 0, tensor, -1, &error);

  if (result == NULL)
    {
      g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
    }
  return result;
}

static void
check_fit (FwElementType type, gint64 a, gint64 b, FwTensor *tensor, gboolean is_good)
{
  g_autoptr (FwTensor) result = fit (type, a, b, tensor);

  g_assert_cmpint (result != NULL, ==, is_good);
}

static void
test_fit_shapes (void)
{
  g_autoptr (FwTensor) pair = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 2, 3 }, 2, NULL);
  g_autoptr (FwTensor) list = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 3 }, 1, NULL);
  g_autoptr (FwTensor) none = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 0, 3 }, 2, NULL);

  check_fit (FW_ELEMENT_FLOAT, 2, 3, pair, TRUE);
  check_fit (FW_ELEMENT_FLOAT, -1, -1, pair, TRUE);
  check_fit (FW_ELEMENT_FLOAT, 3, 2, pair, FALSE);
  check_fit (FW_ELEMENT_FLOAT, 1, 3, pair, FALSE);
  check_fit (FW_ELEMENT_FLOAT, 1, 3, list, TRUE);
  check_fit (FW_ELEMENT_FLOAT, -1, -1, list, TRUE);
  check_fit (FW_ELEMENT_FLOAT, 3, 1, list, FALSE);
  check_fit (FW_ELEMENT_FLOAT, -1, 3, none, FALSE);
}

static void
test_fit_numbers (void)
{
  g_autoptr (FwTensor) floats = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 1, 3 }, 2, NULL);
  g_autoptr (FwTensor) doubles = fw_tensor_new (FW_ELEMENT_DOUBLE, (gint64[]){ 1, 3 }, 2, NULL);
  g_autoptr (FwTensor) whole = fw_tensor_new (FW_ELEMENT_INT64, (gint64[]){ 1, 3 }, 2, NULL);
  g_autoptr (FwTensor) halves = NULL;
  g_autoptr (FwTensor) back = NULL;
  float *f = fw_tensor_get_data (floats);
  double *d = fw_tensor_get_data (doubles);
  gint64 *w = fw_tensor_get_data (whole);

  memcpy (f, (float[]){ 1, -2, 300 }, 3 * sizeof *f);
  memcpy (d, (double[]){ 0.5, 1, 2 }, 3 * sizeof *d);
  memcpy (w, (gint64[]){ 0, 255, 256 }, 3 * sizeof *w);
  check_fit (FW_ELEMENT_INT64, 1, 3, floats, TRUE);
  check_fit (FW_ELEMENT_INT8, 1, 3, floats, FALSE);
  check_fit (FW_ELEMENT_UINT16, 1, 3, floats, FALSE);
  check_fit (FW_ELEMENT_INT32, 1, 3, doubles, FALSE);
  check_fit (FW_ELEMENT_FLOAT, 1, 3, doubles, TRUE);
  check_fit (FW_ELEMENT_UINT8, 1, 3, whole, FALSE);
  check_fit (FW_ELEMENT_INT32, 1, 3, whole, TRUE);
  w[2] = G_MAXINT64;
  check_fit (FW_ELEMENT_INT32, 1, 3, whole, FALSE);
  f[0] = NAN;
  check_fit (FW_ELEMENT_INT64, 1, 3, floats, FALSE);
  check_fit (FW_ELEMENT_DOUBLE, 1, 3, floats, TRUE);

  halves = fit (FW_ELEMENT_FLOAT16, 1, 3, doubles);
  back = fit (FW_ELEMENT_FLOAT, 1, 3, halves);
  g_assert_cmpfloat (((float *) fw_tensor_get_data (back))[0], ==, 0.5f);
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/array-samples/files", test_files);
  ADD ("/array-samples/one-file", test_one_file);
  ADD ("/array-samples/npz", test_npz);
  ADD ("/array-samples/npz/names", test_npz_names);
  ADD ("/array-samples/folders", test_folders);
  ADD ("/array-samples/table", test_table);
  ADD ("/array-samples/table/wrong", test_wrong_table);
  ADD ("/array-samples/nothing", test_nothing);
  ADD ("/array-samples/few", test_few);
  g_test_add_func ("/array-samples/fit/shapes", test_fit_shapes);
  g_test_add_func ("/array-samples/fit/numbers", test_fit_numbers);
  return g_test_run ();
}
