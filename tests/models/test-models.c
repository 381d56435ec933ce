/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Real classifiers on real photos, where they are at hand: beside the project in ../shared/real, or
 * at FW_REAL.
 */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "cli.h"

typedef struct
{
  const char *name;
  const char *model, *samples, *labels; /* below the collection */
  const char *preprocess;               /* what the preset's name begins with */
  double top1;                          /* of the original, on all labelled samples */
  double largest;                       /* the recommended stop's share of the bytes */
  double largest_storage, largest_compute;
} RealModel;

static const RealModel models[] = {
  { "squeezenet", "squeezenet1.1_fp32.onnx", "imagenet", NULL, "bgr-caffe", 0.625, 0.30, 0.27,
    0.285 },
  { "mobilenet", "mobilenet_v1_0.25_128_imagenet.onnx", "imagenet", NULL, "rgb-symmetric", 0.545,
    0.55, 0.27, 0.285 },
  { "resnet8", "cifar10_resnet8_mlperf_tiny.onnx", "cifar10", NULL, "rgb-raw", 0.747, 0.30, 0.32,
    0.32 },
  { "cifar-cnn", "cifar10_cnn_pytorch_tutorial.onnx", "cifar10", NULL, "rgb-symmetric", 0.633, 0.30,
    0.32, 0.32 },
  { "mnist", "mnist_cntk.onnx", "mnist", NULL, "grey-raw", 0.99, 1, 1, 1 },
  { "person", "person_vww96_mobilenet.onnx", "coco", "coco/person_labels.csv", "rgb-unit", 0.828,
    0.55, 0.32, 0.32 },
};

static char *
get_collection (void)
{
  const char *given = g_getenv ("FW_REAL");

  if (given != NULL)
    return g_strdup (given);
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "..", "..", "shared", "real", NULL);
}

static char *
get_file (const char *kind, const char *name)
{
  g_autofree char *collection = get_collection ();

  return name != NULL ? g_build_filename (collection, kind, name, NULL) : NULL;
}

static gboolean
need (const RealModel *real)
{
  g_autofree char *model = get_file ("models/classification", real->model);

  if (g_file_test (model, G_FILE_TEST_EXISTS))
    return TRUE;
  g_test_skip ("The collection of real models is not here.");
  return FALSE;
}

static double
get_double (JsonObject *object, const char *member, const char *inner)
{
  return json_object_get_double_member (json_object_get_object_member (object, member), inner);
}

static CliRun *
shrink (const RealModel *real,
        const char *samples,
        const char *output,
        const char *option,
        const char *value)
{
  g_autofree char *model = get_file ("models/classification", real->model);
  g_autofree char *labels = get_file ("data", real->labels);
  const char *arguments[16] = { "shrink", model, samples, "--json", "-o", output };
  guint n = 6;

  if (labels != NULL)
    {
      arguments[n++] = "--labels";
      arguments[n++] = labels;
    }
  if (option != NULL)
    {
      arguments[n++] = option;
      arguments[n++] = value;
    }
  return cli_run_array (arguments, NULL);
}

static void
check_stops (JsonObject *result)
{
  JsonArray *stops = json_object_get_array_member (result, "stops");
  gint64 size = 0;

  /* By rising position: never smaller than the one before. */
  for (guint i = 0; i < json_array_get_length (stops); i++)
    {
      JsonObject *stop = json_array_get_object_element (stops, i);

      g_assert_cmpint (json_object_get_int_member (stop, "size_bytes"), >=, size);
      size = json_object_get_int_member (stop, "size_bytes");
    }
  g_assert_cmpint (size, <, json_object_get_int_member (result, "original_size_bytes"));
}

static void
test_shrink (gconstpointer data)
{
  const RealModel *real = data;
  g_autofree char *samples = get_file ("data", real->samples);
  g_autofree char *output = cli_path ("shrunk.onnx");
  g_autofree char *inputs = cli_path ("inputs");
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;
  JsonObject *preprocess, *accuracy;
  const char *name;

  if (!need (real))
    return;
  run = shrink (real, samples, output, "--save-inputs", inputs);
  result = cli_assert_result (run);
  check_stops (result);
  preprocess = json_object_get_object_member (result, "preprocess");
  name = json_object_get_string_member (preprocess, "name");
  g_test_message ("%s: %s, %.1f %% of the bytes, same %.1f %%, speed %.2f", real->name, name,
                  100 * json_object_get_double_member (result, "fraction"),
                  100 * get_double (result, "same", "fraction"),
                  get_double (result, "speedup", "median"));

  g_assert_true (g_str_has_prefix (name, real->preprocess));
  accuracy = json_object_get_object_member (result, "original_accuracy");
  g_assert_cmpfloat (json_object_get_double_member (accuracy, "low"), <, real->top1 + 0.02);
  g_assert_cmpfloat (json_object_get_double_member (accuracy, "high"), >, real->top1 - 0.02);
  g_assert_true (json_object_get_boolean_member (result, "recommended"));
  g_assert_cmpfloat (json_object_get_double_member (result, "fraction"), <=, real->largest);
  g_assert_cmpfloat (get_double (result, "same", "fraction"), >=, 0.95);
  g_assert_true (g_file_test (output, G_FILE_TEST_IS_REGULAR));
}

/* The recommended version goes to a phone, and the form for ARM answers as it does here. */
static void
test_export (gconstpointer data)
{
  const RealModel *real = data;
  g_autofree char *samples = get_file ("data", real->samples);
  g_autofree char *labels = get_file ("data", real->labels);
  g_autofree char *model = cli_path ("shrunk.onnx");

  if (!need (real))
    return;
  if (!g_file_test (model, G_FILE_TEST_EXISTS))
    {
      g_autoptr (CliRun) run = shrink (real, samples, model, NULL, NULL);
      g_autoptr (JsonObject) result = cli_assert_result (run);
    }
  for (guint i = 0; i < 2; i++)
    {
      const char *target = i == 0 ? "android" : "ios";
      g_autofree char *name = g_strconcat (target, ".zip", NULL);
      g_autofree char *output = cli_path (name);
      const char *arguments[] = { "export", model,    samples,
                                  "--for",  target,   "-o",
                                  output,   "--json", labels != NULL ? "--labels" : NULL,
                                  labels,   NULL };
      g_autoptr (CliRun) run = cli_run_array (arguments, NULL);
      g_autoptr (JsonObject) result = cli_assert_result (run);
      gboolean has_ort = json_object_get_boolean_member (result, "has_ort");
      JsonObject *ort;

      g_assert_true (g_file_test (output, G_FILE_TEST_IS_REGULAR));
      if (json_object_get_null_member (result, "ort"))
        {
          g_test_message ("%s: stored small only, no .ort", real->name);
          continue;
        }
      ort = json_object_get_object_member (result, "ort");
      g_test_message ("%s for %s: same %.1f %% as .ort, %d of the golden ones", real->name, target,
                      100 * get_double (ort, "same", "fraction"),
                      (int) json_object_get_int_member (ort, "golden_same"));
      g_assert_true (has_ort);
      g_assert_cmpfloat (get_double (ort, "same", "fraction"), >=, 0.98);
      g_assert_cmpint (json_object_get_int_member (ort, "golden_same"), >=, 4);
    }
}

/* A folder of the pictures alone. */
static char *
copy_pictures (const char *from)
{
  char *to = cli_path ("pictures");
  g_autofree char *images = g_build_filename (from, "images", NULL);
  gboolean has_images = g_file_test (images, G_FILE_TEST_IS_DIR);
  const char *folder = has_images ? images : from;
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *name;

  g_assert_nonnull (dir);
  g_assert_cmpint (g_mkdir (to, 0700), ==, 0);
  while ((name = g_dir_read_name (dir)) != NULL)
    if (g_str_has_suffix (name, ".jpg") || g_str_has_suffix (name, ".png"))
      {
        g_autofree char *source = g_build_filename (folder, name, NULL);
        g_autofree char *target = g_build_filename (to, name, NULL);
        g_autoptr (GFile) a = g_file_new_for_path (source);
        g_autoptr (GFile) b = g_file_new_for_path (target);

        g_assert_true (g_file_copy (a, b, G_FILE_COPY_NONE, NULL, NULL, NULL, NULL));
      }
  return to;
}

/* The right preparation is found without labels too. */
static void
test_without_labels (gconstpointer data)
{
  const RealModel *real = data;
  RealModel unlabelled = *real;
  g_autofree char *from = get_file ("data", real->samples);
  g_autofree char *samples = NULL;
  g_autofree char *output = cli_path ("unlabelled.onnx");
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;
  const char *name;

  if (!need (real))
    return;
  samples = copy_pictures (from);
  unlabelled.labels = NULL;
  run = shrink (&unlabelled, samples, output, "--uniform", "float16");
  result = cli_assert_result (run);
  g_assert_true (json_object_get_null_member (result, "accuracy"));
  name = json_object_get_string_member (json_object_get_object_member (result, "preprocess"),
                                        "name");
  g_test_message ("%s: %s", real->name, name);
  g_assert_true (g_str_has_prefix (name, real->preprocess));
}

static double
get_uniform_fraction (const RealModel *real, const char *option)
{
  g_autofree char *samples = get_file ("data", real->samples);
  g_autofree char *name = g_strdup_printf ("%s.onnx", option);
  g_autofree char *output = cli_path (name);
  g_autoptr (CliRun) run = shrink (real, samples, output, "--uniform", option);
  g_autoptr (JsonObject) result = cli_assert_result (run);

  g_test_message ("%s, all %s: %.2f %% of the bytes, same %.1f %%", real->name, option,
                  100 * json_object_get_double_member (result, "fraction"),
                  100 * get_double (result, "same", "fraction"));
  return json_object_get_double_member (result, "fraction");
}

static void
test_uniform (gconstpointer data)
{
  const RealModel *real = data;

  if (!need (real))
    return;
  g_assert_cmpfloat (get_uniform_fraction (real, "int8-storage"), <=, real->largest_storage);
  g_assert_cmpfloat (get_uniform_fraction (real, "int8-compute"), <=, real->largest_compute);
}

/* Without times in it, the same recipe comes out of two runs, and of it the same file. */
static void
test_same_twice (gconstpointer data)
{
  const RealModel *real = data;
  g_autofree char *samples = get_file ("data", real->samples);
  g_autofree char *first = NULL;

  if (!need (real))
    return;
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *name = g_strdup_printf ("twice-%u.onnx", i);
      g_autofree char *output = cli_path (name);
      g_autoptr (CliRun) run = shrink (real, samples, output, "--prefer", "size");
      g_autoptr (JsonObject) result = cli_assert_result (run);
      const char *sha256 = json_object_get_string_member (result, "sha256");

      if (first == NULL)
        first = g_strdup (sha256);
      g_assert_cmpstr (sha256, ==, first);
    }
}

static void
add (const char *what, const RealModel *real, GTestDataFunc func)
{
  g_autofree char *path = g_strdup_printf ("/models/%s/%s", real->name, what);

  g_test_add_data_func (path, real, func);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    if (argc < 2 || strcmp (argv[1], models[i].name) == 0)
      {
        add ("shrink", &models[i], test_shrink);
        add ("export", &models[i], test_export);
        add ("without-labels", &models[i], test_without_labels);
        add ("uniform", &models[i], test_uniform);
      }
  if (argc < 2 || strcmp (argv[1], "cifar-cnn") == 0)
    add ("same-twice", &models[3], test_same_twice);
  return cli_finish ();
}
