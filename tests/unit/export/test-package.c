/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fw-archive.h"
#include "fw-class-names.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-package.h"
#include "fw-template.h"
#include "small-network.h"
#include "tiny-model.h"

typedef struct
{
  char *folder;
  char *path;
  FwModel *model;
  FwSession *session;
  FwPreprocess *preprocess;
  FwGolden *golden;
  GPtrArray *labels;
  FwPackageInput input;
} Fixture;

static FwModel *
build (FwOption option)
{
  g_autoptr (FwModel) model = small_network_new (13);
  g_autoptr (GPtrArray) units = fw_units_find (model);
  g_autoptr (FwRewriter) rewriter = fw_rewriter_new (model, units, 1);
  g_autoptr (FwRecipe) recipe = small_network_calibrate (model, rewriter, 8);
  g_autoptr (GError) error = NULL;
  FwModel *built;

  for (guint i = 0; i < units->len; i++)
    fw_recipe_set_option (recipe, ((FwUnit *) g_ptr_array_index (units, i))->name, option);
  built = fw_rewriter_build (rewriter, recipe, &error);
  g_assert_no_error (error);
  return built;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  const FwTaskInfo task = { FW_TASK_CLASSIFY_PICTURES, 0, 0, 10 };
  g_autoptr (GPtrArray) candidates = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  g_autoptr (FwModel) made = NULL;
  g_autoptr (GError) error = NULL;

  if (!tiny_need_runtime ())
    return;
  f->folder = g_dir_make_tmp ("fw-package-XXXXXX", NULL);
  f->path = g_build_filename (f->folder, "my `model`.onnx", NULL);
  made = build (GPOINTER_TO_INT (data));
  g_assert_true (fw_model_save (made, f->path, NULL, &error));
  f->model = fw_model_load (f->path, &error);
  f->session = fw_session_new (f->path, NULL, &error);
  g_assert_no_error (error);
  candidates = fw_preprocess_candidates (fw_session_get_input (f->session, 0), &error);
  g_assert_no_error (error);
  f->preprocess = fw_preprocess_copy (g_ptr_array_index (candidates, 0));
  inputs = fw_golden_make_noise (f->preprocess, FW_GOLDEN_N, 1, &error);
  f->golden = fw_golden_new (f->session, &task, inputs, TRUE, NULL, &error);
  g_assert_no_error (error);
  f->labels = fw_class_names_new (NULL, 10);
  f->input = (FwPackageInput){
    .target = FW_TARGET_ANDROID,
    .model_path = f->path,
    .model = f->model,
    .preprocess = f->preprocess,
    .labels = f->labels,
    .golden = f->golden,
    .threads = 1,
  };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  if (f->folder == NULL)
    return;
  g_clear_pointer (&f->golden, fw_golden_free);
  g_ptr_array_unref (f->labels);
  fw_preprocess_free (f->preprocess);
  fw_session_free (f->session);
  fw_model_unref (f->model);
  fw_file_remove_tree (f->folder);
  g_free (f->folder);
  g_free (f->path);
}

static FwPackage *
pack (Fixture *f, const char *name, char **back)
{
  g_autofree char *folder = g_build_filename (f->folder, name, NULL);
  g_autoptr (GError) error = NULL;
  FwPackage *package;

  g_assert_cmpint (g_mkdir (folder, 0700), ==, 0);
  package = fw_package_new (&f->input, folder, NULL, NULL, &error);
  g_assert_no_error (error);
  *back = g_build_filename (folder, "again", NULL);
  g_assert_true (fw_archive_extract (package->path, *back, NULL, &error));
  g_assert_no_error (error);
  return package;
}

static char *
read_text (const char *folder, const char *name)
{
  g_autofree char *path = g_build_filename (folder, name, NULL);
  char *text;

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  return text;
}

static gboolean
has (FwPackage *package, const char *name)
{
  return g_ptr_array_find_with_equal_func (package->files, name, g_str_equal, NULL);
}

static void
test_phone (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPackage) package = NULL;
  g_autofree char *back = NULL;
  g_autofree char *model = NULL;
  g_autofree char *one = NULL;
  g_autofree char *other = NULL;
  static const char *const names[] = {
    "README.md",  "SHA256SUMS", "golden/1-input.npy", "golden/5-output.npy", "golden/answers.json",
    "labels.txt", "model.onnx", "model.ort",          "preprocessing.json",
  };

  if (f->folder == NULL)
    return;
  package = pack (f, "job", &back);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    g_assert_true (has (package, names[i]));
  g_assert_cmpuint (package->files->len, ==, 2 * FW_GOLDEN_N + 7);
  g_assert_true (package->has_ort);
  g_assert_null (package->why_no_ort);
  g_assert_cmpuint (package->comparison->n, ==, FW_GOLDEN_N);
  g_assert_true (fw_comparison_is_good (package->comparison));
  g_assert_cmpuint (package->golden_same, >=, FW_GOLDEN_N - 1);
  g_assert_true (fw_sums_check (back, NULL, NULL));

  /* The model is the very file. */
  model = g_build_filename (back, "model.onnx", NULL);
  one = fw_file_sha256 (f->path, NULL, NULL);
  other = fw_file_sha256 (model, NULL, NULL);
  g_assert_cmpstr (one, ==, other);
}

static void
test_same_twice (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPackage) one = NULL;
  g_autoptr (FwPackage) other = NULL;
  g_autofree char *one_back = NULL;
  g_autofree char *other_back = NULL;
  g_autofree char *one_hash = NULL;
  g_autofree char *other_hash = NULL;

  if (f->folder == NULL)
    return;
  one = pack (f, "one", &one_back);
  other = pack (f, "another-folder", &other_back);
  g_assert_cmpuint (one->files->len, ==, other->files->len);
  for (guint i = 0; i < one->files->len; i++)
    {
      const char *name = one->files->pdata[i];
      g_autofree char *a = g_build_filename (one_back, name, NULL);
      g_autofree char *b = g_build_filename (other_back, name, NULL);
      g_autofree char *a_hash = fw_file_sha256 (a, NULL, NULL);
      g_autofree char *b_hash = fw_file_sha256 (b, NULL, NULL);

      g_assert_cmpstr (name, ==, other->files->pdata[i]);
      /* ONNX Runtime does not always write a table in it in the same order. */
      if (strcmp (name, "model.ort") != 0 && strcmp (name, "SHA256SUMS") != 0)
        g_assert_cmpstr (a_hash, ==, b_hash);
    }
  one_hash = fw_file_sha256 (one->path, NULL, NULL);
  other_hash = fw_file_sha256 (other->path, NULL, NULL);
  if (!one->has_ort)
    g_assert_cmpstr (one_hash, ==, other_hash);
}

static void
test_storage_only (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPackage) package = NULL;
  g_autofree char *back = NULL;
  g_autofree char *readme = NULL;

  if (f->folder == NULL)
    return;
  package = pack (f, "job", &back);
  readme = read_text (back, "README.md");
  g_assert_false (package->has_ort);
  g_assert_false (has (package, "model.ort"));
  g_assert_nonnull (package->why_no_ort);
  g_assert_null (package->comparison);
  g_assert_null (strstr (readme, "model.ort"));
  g_assert_nonnull (strstr (readme, "open(\"model.onnx\")"));
}

static void
test_web (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPackage) package = NULL;
  g_autofree char *back = NULL;

  if (f->folder == NULL)
    return;
  f->input.target = FW_TARGET_WEB;
  package = pack (f, "job", &back);
  g_assert_false (has (package, "model.ort"));
  g_assert_null (package->why_no_ort);
}

/* Names from a stranger's files stay names. */
static void
test_hostile_names (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (FwPackage) package = NULL;
  g_autofree char *back = NULL;
  g_autofree char *labels = NULL;
  g_autofree char *readme = NULL;
  g_auto (GStrv) lines = NULL;

  if (f->folder == NULL)
    return;
  g_ptr_array_add (names, (char *) "one\ntwo\r\nthree");
  g_ptr_array_add (names, (char *) "\xff\xfe\x01");
  g_ptr_array_add (names, (char *) "@TITLE@ \"); rm -rf `x`");
  g_ptr_array_unref (f->labels);
  f->labels = f->input.labels = fw_class_names_new (names, 10);
  f->input.labels_known = TRUE;
  package = pack (f, "job", &back);
  labels = read_text (back, "labels.txt");
  lines = g_strsplit (labels, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 11);
  g_assert_true (g_utf8_validate (labels, -1, NULL));
  readme = read_text (back, "README.md");
  g_assert_nonnull (strstr (readme, "# my model"));
  g_assert_null (strstr (readme, "rm -rf"));
}

static guint
count (const char *text, char character)
{
  guint n = 0;

  for (const char *p = text; *p != '\0'; p++)
    n += *p == character;
  return n;
}

static void
assert_readme (const FwPackageInput *input, gboolean has_ort)
{
  g_autofree char *text = fw_package_write_readme (input, has_ort);

  g_assert_true (g_utf8_validate (text, -1, NULL));
  g_assert_true (fw_template_is_complete (text));
  g_assert_cmpuint (count (text, '{'), ==, count (text, '}'));
  g_assert_cmpuint (count (text, '('), ==, count (text, ')'));
  g_assert_cmpuint (count (text, '['), ==, count (text, ']'));
  g_assert_null (strstr (text, "\n\n\n"));
}

/* Every way of preparing pictures, for every kind of app. */
static void
test_readme (Fixture *f, gconstpointer data)
{
  static const FwElementType types[] = { FW_ELEMENT_FLOAT, FW_ELEMENT_FLOAT16, FW_ELEMENT_UINT8 };
  FwPreprocess *preprocess = f->preprocess;

  if (f->folder == NULL)
    return;
  for (guint i = 0; i < 3 * 2 * 3 * 3 * 2 * 3; i++)
    {
      f->input.target = FW_TARGET_ANDROID + i % 3;
      preprocess->layout = i / 3 % 2;
      preprocess->channels = i / 6 % 3;
      preprocess->resize = i / 18 % 3;
      preprocess->invert = i / 54 % 2;
      preprocess->type = types[i / 108];
      f->golden->are_noise = i % 5 == 0;
      f->golden->are_probabilities = i % 2 == 0;
      f->input.labels_known = i % 7 == 0;
      f->input.preprocess_known = i % 11 == 0;
      assert_readme (&f->input, i % 2 == 0);
    }
}

/* preprocessing.json can be given back to the program. */
static void
test_preprocess (Fixture *f, gconstpointer data)
{
  g_autoptr (JsonNode) node = NULL;
  g_autoptr (FwPreprocess) again = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;

  if (f->folder == NULL)
    return;
  text = fw_package_write_preprocess (&f->input);
  node = json_from_string (text, NULL);
  again = fw_preprocess_from_json (node, &error);
  g_assert_no_error (error);
  g_assert_true (fw_preprocess_equal (again, f->preprocess));
}

static void
test_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *zip = NULL;

  if (f->folder == NULL)
    return;
  zip = g_build_filename (f->folder, "package.zip", NULL);
  g_cancellable_cancel (cancellable);
  g_assert_null (fw_package_new (&f->input, f->folder, NULL, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (g_file_test (zip, G_FILE_TEST_EXISTS));
}

/* What was altered after it was written is noticed. */
static void
test_altered (Fixture *f, gconstpointer data)
{
  g_autoptr (FwPackage) package = NULL;
  g_autoptr (FwTensor) other = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *back = NULL;
  g_autofree char *path = NULL;
  g_autofree char *model = NULL;
  guint n_same;

  if (f->folder == NULL)
    return;
  package = pack (f, "job", &back);
  path = g_build_filename (back, "golden", "2-output.npy", NULL);
  model = g_build_filename (back, "model.onnx", NULL);
  g_assert_true (fw_golden_check (f->golden, back, model, 1, &n_same, NULL, &error));
  g_assert_cmpuint (n_same, ==, FW_GOLDEN_N);

  other = fw_tensor_new (FW_ELEMENT_FLOAT, (gint64[]){ 1, 10 }, 2, NULL);
  g_unlink (path);
  g_assert_true (fw_tensor_save_npy (other, path, NULL));
  g_assert_false (fw_golden_check (f->golden, back, model, 1, &n_same, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
  g_clear_error (&error);
  g_assert_false (fw_sums_check (back, NULL, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
}

/* @n_other of @n answers change, to one that was less likely by @margin. */
static void
assert_comparison (guint n, guint n_other, float margin, guint not_finite, gboolean good)
{
  g_autofree FwAnswer *original = g_new0 (FwAnswer, n + 1);
  g_autofree FwAnswer *other = g_new0 (FwAnswer, n + 1);
  g_autoptr (FwAgreement) agreement = NULL;
  FwComparison comparison = { .original = original, .other = other, .n = n };

  for (guint i = 0; i < n; i++)
    {
      gboolean changes = i < n_other;

      original[i] = (FwAnswer){ .n = 2,
                                .index = { 0, 1 },
                                .probability = { 0.5f + margin / 2, 0.5f - margin / 2 },
                                .finite = TRUE,
                                .n_classes = 2 };
      other[i] = original[i];
      other[i].index[0] = changes ? 1 : 0;
      other[i].index[1] = changes ? 0 : 1;
    }
  agreement = fw_agreement_new (original, other, NULL, n);
  agreement->new_not_finite = not_finite;
  comparison.agreement = agreement;
  g_assert_cmpint (fw_comparison_is_good (&comparison), ==, good);
}

static void
test_comparison (void)
{
  assert_comparison (100, 0, 0.5, 0, TRUE);
  assert_comparison (100, 2, 0.5, 0, TRUE);
  assert_comparison (100, 3, 0.5, 0, FALSE);
  /* Of many, an answer is the same or it is not. */
  assert_comparison (100, 3, 0.01, 0, FALSE);
  assert_comparison (50, 1, 0.5, 0, TRUE);
  assert_comparison (50, 2, 0.5, 0, FALSE);
  assert_comparison (5, 1, 0.5, 0, TRUE);
  assert_comparison (5, 2, 0.5, 0, FALSE);
  assert_comparison (5, 5, 0.01, 0, TRUE);
  assert_comparison (5, 0, 0.5, 1, FALSE);
  assert_comparison (0, 0, 0.5, 0, TRUE);
}

#define ADD(name, option, function)                                                                \
  g_test_add ("/package/" name, Fixture, GINT_TO_POINTER (option), set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("phone", FW_OPTION_INT8_COMPUTE, test_phone);
  ADD ("same-twice", FW_OPTION_INT8_COMPUTE, test_same_twice);
  ADD ("same-twice-storage", FW_OPTION_INT8_STORAGE, test_same_twice);
  ADD ("storage-only", FW_OPTION_INT8_STORAGE, test_storage_only);
  ADD ("web", FW_OPTION_INT8_COMPUTE, test_web);
  ADD ("hostile-names", FW_OPTION_INT8_COMPUTE, test_hostile_names);
  ADD ("readme", FW_OPTION_INT8_COMPUTE, test_readme);
  ADD ("preprocess", FW_OPTION_INT8_COMPUTE, test_preprocess);
  ADD ("cancelled", FW_OPTION_INT8_COMPUTE, test_cancelled);
  ADD ("altered", FW_OPTION_INT8_COMPUTE, test_altered);
  g_test_add_func ("/package/comparison", test_comparison);
  return g_test_run ();
}
