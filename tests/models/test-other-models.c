/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Real models that are no classifiers of pictures, on real samples, where they are at hand: beside
 * the project in ../shared/real, or at FW_REAL. Each has to lose little with all its weights in 8
 * bits.
 */

#include "config.h"

#include <math.h>
#include <string.h>

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>

#include "array-files.h"
#include "cli.h"

#define N_SAMPLES 40

static char *
get_file (const char *kind, const char *name)
{
  const char *given = g_getenv ("FW_REAL");

  if (given != NULL)
    return g_build_filename (given, kind, name, NULL);
  return g_build_filename (g_getenv ("G_TEST_SRCDIR"), "..", "..", "shared", "real", kind, name,
                           NULL);
}

/* Samples ------------------------------------------------------------------------------------- */

/* Writes the files of a model's samples into @folder. */
typedef void (*MakeFunc) (const char *folder);

static GByteArray *
make_floats (const char *shape, const float *values, gsize n)
{
  return array_file_npy ("<f4", "False", shape, values, n * sizeof *values);
}

static void
put_one (const char *folder, guint index, GByteArray *content)
{
  g_autofree char *path = g_strdup_printf ("%s/%03u.npy", folder, index);

  array_file_put (path, content);
}

/* 16-bit sound as numbers from -1 to 1. */
static float *
read_sound (const char *name, gsize *n)
{
  g_autofree char *path = get_file ("data/audio", name);
  g_autofree char *content = NULL;
  const gint16 *samples;
  gsize size;
  float *values;

  g_assert_true (g_file_get_contents (path, &content, &size, NULL));
  /* Those of the collection have a header of 44 bytes or a little more. */
  *n = (size - 44) / sizeof (gint16);
  samples = (const gint16 *) (gconstpointer) (content + 44);
  values = g_new (float, *n);
  for (gsize i = 0; i < *n; i++)
    values[i] = samples[i] / 32768.0f;
  return values;
}

static void
make_voice (const char *folder)
{
  const gint64 rate = 16000;
  gsize n;
  g_autofree float *sound = read_sound ("speech_silero_20s.wav", &n);

  for (guint i = 0; i < N_SAMPLES; i++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%03u.npz", folder, i);
      ArrayZip *zip = array_zip_new (path);

      array_zip_add (zip, "input.npy",
                     make_floats ("(1, 576)", sound + (n - 576) / N_SAMPLES * i, 576));
      array_zip_add (zip, "sr.npy", array_file_npy ("<i8", "False", "()", &rate, sizeof rate));
      array_zip_close (zip);
    }
}

/* How strong each frequency of 512 numbers is. */
static void
find_spectrum (const float *sound, float *spectrum)
{
  for (guint k = 0; k < 257; k++)
    {
      double real = 0, imaginary = 0;

      for (guint i = 0; i < 512; i++)
        {
          real += sound[i] * cos (2 * G_PI * k * i / 512);
          imaginary -= sound[i] * sin (2 * G_PI * k * i / 512);
        }
      spectrum[k] = (float) hypot (real, imaginary);
    }
}

static void
make_spectra (const char *folder)
{
  gsize n;
  g_autofree float *sound = read_sound ("speech_librispeech.wav", &n);

  for (guint i = 0; i < N_SAMPLES; i++)
    {
      float spectrum[257];

      find_spectrum (sound + (n - 512) / N_SAMPLES * i, spectrum);
      put_one (folder, i, make_floats ("(1, 1, 257)", spectrum, 257));
    }
}

static void
make_blocks (const char *folder)
{
  gsize n;
  g_autofree float *sound = read_sound ("speech_librispeech.wav", &n);

  for (guint i = 0; i < N_SAMPLES; i++)
    put_one (folder, i, make_floats ("(1, 1, 512)", sound + (n - 512) / N_SAMPLES * i, 512));
}

static void
make_music (const char *folder)
{
  gsize n;
  g_autofree float *sound = read_sound ("singing_vocadito_10.wav", &n);

  for (gsize i = 0; i < n / 2; i++)
    sound[i] = (sound[2 * i] + sound[2 * i + 1]) / 2;
  n /= 2;
  for (guint i = 0; i < 12; i++)
    put_one (folder, i, make_floats ("(1, 43844, 1)", sound + (n - 43844) / 12 * i, 43844));
}

static void
make_words (const char *folder)
{
  static const char *const words[]
      = { "afternoon", "banana",   "carpenter", "don't",    "elephant", "february",
          "garden",    "hospital", "island",    "journey",  "kitchen",  "language",
          "mountain",  "november", "octopus",   "president" };

  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    {
      float values[18 * 28] = { 0 };

      for (guint k = 0; words[i][k] != '\0' && k < 18; k++)
        values[k * 28 + (words[i][k] == '\'' ? 0 : words[i][k] - 'a' + 2)] = 1;
      put_one (folder, i, make_floats ("(1, 18, 28)", values, 18 * 28));
    }
}

static gboolean
is_space (guint8 byte)
{
  return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* The first 1024 and the last 1024 bytes of a file, 256 where there are none. */
static void
put_bytes (const char *folder, guint index, const guint8 *content, gsize size)
{
  g_autofree gint32 *values = g_new (gint32, 2048);
  gsize first = 0, end = size;

  for (guint i = 0; i < 2048; i++)
    values[i] = 256;
  while (first < size && is_space (content[first]))
    first++;
  while (end > 0 && is_space (content[end - 1]))
    end--;
  for (gsize i = 0; i < 1024 && first + i < size; i++)
    values[i] = content[first + i];
  for (gsize i = 0; i < 1024 && i < end; i++)
    values[2047 - i] = content[end - 1 - i];
  put_one (folder, index, array_file_npy ("<i4", "False", "(2048,)", values, 2048 * 4));
}

static void
make_files (const char *folder)
{
  g_autofree char *root = get_file ("data/text", "magika_files");
  g_autoptr (GDir) kinds = g_dir_open (root, 0, NULL);
  const char *kind;
  guint n = 0;

  while ((kind = g_dir_read_name (kinds)) != NULL)
    {
      g_autofree char *path = g_build_filename (root, kind, NULL);
      g_autoptr (GDir) files = g_dir_open (path, 0, NULL);
      const char *name = files != NULL ? g_dir_read_name (files) : NULL;
      g_autofree char *file = name != NULL ? g_build_filename (path, name, NULL) : NULL;
      g_autofree char *content = NULL;
      gsize size;

      if (file != NULL && g_file_get_contents (file, &content, &size, NULL) && size > 64)
        put_bytes (folder, n++, (const guint8 *) content, size);
    }
}

/* Pieces of the one picture of text that is large enough. */
static void
make_crops (const char *folder)
{
  g_autofree char *path = get_file ("data/ocr", "sample.jpg");
  g_autoptr (GdkPixbuf) whole = gdk_pixbuf_new_from_file (path, NULL);
  const int side = MIN (gdk_pixbuf_get_width (whole), gdk_pixbuf_get_height (whole)) / 2;

  for (int i = 0; i < 24; i++)
    {
      g_autofree char *file = g_strdup_printf ("%s/%03d.png", folder, i);
      g_autoptr (GdkPixbuf) crop = gdk_pixbuf_new_subpixbuf (
          whole, (gdk_pixbuf_get_width (whole) - side) * (i % 6) / 5,
          (gdk_pixbuf_get_height (whole) - side) * (i / 6) / 3, side, side);

      g_assert_true (gdk_pixbuf_save (crop, file, "png", NULL, NULL));
    }
}

/* Models -------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name, *model;
  const char *samples; /* below data/, or NULL: made by */
  MakeFunc make;
  const char *preprocess; /* of pictures, or NULL */
  const char *task;
  double least; /* decibels; 0: only the answers count, -1: nothing to be made smaller */
} OtherModel;

static const OtherModel models[] = {
  { "yolox", "detection/yolox_nano_416", "coco/images", NULL, "bgr-raw", "general", 20 },
  { "fastestdet", "detection/fastestdet_352", "coco/images", NULL, "bgr-unit", "general", 20 },
  { "ultraface", "detection/ultraface_rfb320", "coco/images", NULL, "rgb-symmetric", "general",
    30 },
  { "deeplab", "segmentation/deeplabv3_mnv2_257", "coco/images", NULL, "rgb-symmetric", "general",
    30 },
  { "super-resolution", "image2image/super_resolution_x3_224", "coco/images", NULL, "grey-unit",
    "general", 30 },
  { "lowlight", "image2image/lowlight_tbefn_240x320", "coco/images", NULL, "rgb-unit", "general",
    30 },
  { "ocr-det", "ocr/ppocr_mobile_v2_det", NULL, make_crops, "bgr-paddle", "general", 20 },
  { "ocr-cls", "ocr/ppocr_mobile_v2_cls", NULL, make_crops, "bgr-symmetric", "classify-pictures",
    25 },
  { "keypoints", "landmarks/hand_keypoint_mlp", "tabular/hand_keypoint.csv", NULL, NULL, "classify",
    0 },
  { "history", "landmarks/hand_history_lstm", "tabular/hand_history.csv", NULL, NULL, "classify",
    0 },
  { "magika", "text/magika_v3_3", NULL, make_files, NULL, "classify", 30 },
  { "syllables", "text/syllable_gru", NULL, make_words, NULL, "general", 30 },
  { "voice", "audio/silero_vad", NULL, make_voice, NULL, "general", -1 },
  { "dtln-1", "audio/dtln_model_1", NULL, make_spectra, NULL, "general", 30 },
  { "dtln-2", "audio/dtln_model_2", NULL, make_blocks, NULL, "general", 25 },
  { "pitch", "audio/basic_pitch_nmp", NULL, make_music, NULL, "general", 20 },
  { "toycar", "audio/toycar_autoencoder", "audio/toycar_640.f32", NULL, NULL, "general", 30 },
  { "iris", "tabular/iris_mlp_pytorch", "tabular/iris.csv", NULL, NULL, "classify", 30 },
  { "forest", "tabular/sklearn_random_forest_iris", "tabular/iris.csv", NULL, NULL, "classify",
    -1 },
};

/* A folder with some of the pictures there are, so that the slower models have an end. */
static char *
link_some (const OtherModel *other)
{
  char *folder = cli_path (other->name);
  g_autofree char *source = get_file ("data", "coco/images");
  g_autoptr (GDir) dir = g_dir_open (source, 0, NULL);
  const char *name;

  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  for (guint i = 0; i < 24 && (name = g_dir_read_name (dir)) != NULL; i++)
    {
      g_autofree char *from = g_build_filename (source, name, NULL);
      g_autofree char *to = g_build_filename (folder, name, NULL);
      g_autofree char *content = NULL;
      gsize size;

      g_assert_true (g_file_get_contents (from, &content, &size, NULL));
      g_assert_true (g_file_set_contents (to, content, (gssize) size, NULL));
    }
  return folder;
}

static char *
get_samples (const OtherModel *other)
{
  char *folder;

  if (other->samples != NULL && other->preprocess != NULL)
    return link_some (other);
  if (other->samples != NULL)
    return get_file ("data", other->samples);
  folder = cli_path (other->name);
  g_assert_cmpint (g_mkdir (folder, 0755), ==, 0);
  other->make (folder);
  return folder;
}

static void
check_result (const OtherModel *other, JsonObject *result)
{
  JsonObject *same = json_object_get_object_member (result, "same");
  const double fraction = json_object_get_double_member (same, "fraction");

  g_test_message ("%s: %.1f %% of the bytes, same %.1f %%", other->name,
                  100 * json_object_get_double_member (result, "fraction"), 100 * fraction);
  g_assert_cmpstr (json_object_get_string_member (result, "task"), ==, other->task);
  g_assert_cmpfloat (json_object_get_double_member (result, "fraction"), <, 1);
  if (other->least == 0)
    g_assert_cmpfloat (fraction, >=, 0.99);
  else if (!json_object_get_null_member (result, "sqnr_db"))
    g_assert_cmpfloat (json_object_get_double_member (result, "sqnr_db"), >=, other->least);
}

static void
test_uniform (gconstpointer data)
{
  const OtherModel *other = data;
  g_autofree char *name = g_strconcat (other->model, ".onnx", NULL);
  g_autofree char *model = get_file ("models", name);
  g_autofree char *samples = NULL;
  const char *arguments[16] = { "shrink", model, NULL, "--json", "--uniform", "int8-storage" };
  g_autoptr (CliRun) run = NULL;
  g_autoptr (JsonObject) result = NULL;

  if (!g_file_test (model, G_FILE_TEST_EXISTS))
    {
      g_test_skip ("The collection of real models is not here.");
      return;
    }
  arguments[2] = samples = get_samples (other);
  if (other->preprocess != NULL)
    {
      arguments[6] = "--preprocess";
      arguments[7] = other->preprocess;
    }
  run = cli_run_array (arguments, NULL);
  if (other->least < 0)
    {
      cli_assert_error (run, "nothing-to-shrink");
      return;
    }
  result = cli_assert_result (run);
  check_result (other, result);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  cli_init ();
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    {
      g_autofree char *path = g_strdup_printf ("/other-models/%s", models[i].name);

      if (argc < 2 || strcmp (argv[1], models[i].name) == 0)
        g_test_add_data_func (path, &models[i], test_uniform);
    }
  return cli_finish ();
}
