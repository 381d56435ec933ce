/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-picture.h"

static FwValueInfo
make_info (FwElementType type, gint64 a, gint64 b, gint64 c, gint64 d)
{
  return (FwValueInfo){ .is_tensor = TRUE, .type = type, .n_dims = 4, .dims = { a, b, c, d } };
}

static FwPreprocess *
find (const char *name, const FwValueInfo *info)
{
  g_autoptr (GError) error = NULL;
  FwPreprocess *preprocess = fw_preprocess_find (name, info, &error);

  g_assert_no_error (error);
  return preprocess;
}

static JsonNode *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonNode *node = json_from_string (text, &error);

  g_assert_no_error (error);
  return node;
}

static void
test_candidates (void)
{
  static const FwElementType types[] = { FW_ELEMENT_FLOAT, FW_ELEMENT_FLOAT16, FW_ELEMENT_UINT8 };

  for (guint t = 0; t < G_N_ELEMENTS (types); t++)
    {
      FwValueInfo info = make_info (types[t], 1, 3, 128, 160);
      g_autoptr (GPtrArray) candidates = fw_preprocess_candidates (&info, NULL);

      g_assert_nonnull (candidates);
      g_assert_cmpuint (candidates->len, ==, types[t] == FW_ELEMENT_UINT8 ? 4 : 26);
      for (guint i = 0; i < candidates->len; i++)
        {
          FwPreprocess *candidate = candidates->pdata[i];

          g_assert_cmpint (candidate->layout, ==, FW_LAYOUT_NCHW);
          g_assert_cmpint (candidate->type, ==, types[t]);
          g_assert_cmpint (candidate->width, ==, 160);
          g_assert_cmpint (candidate->height, ==, 128);
          if (candidate->resize == FW_RESIZE_CROP)
            g_assert_cmpint (candidate->crop_from, ==, 146);
          for (guint j = 0; j < i; j++)
            {
              g_assert_false (fw_preprocess_equal (candidate, candidates->pdata[j]));
              g_assert_cmpstr (candidate->name, !=, ((FwPreprocess *) candidates->pdata[j])->name);
            }
        }
    }
}

static void
test_shapes (void)
{
  static const struct
  {
    gint64 dims[4];
    int layout, channels, width, height; /* layout -1: refused */
  } shapes[] = {
    { { 1, 3, 224, 224 }, FW_LAYOUT_NCHW, 3, 224, 224 },
    { { -1, 3, -1, -1 }, FW_LAYOUT_NCHW, 3, 224, 224 },
    { { -1, -1, -1, 3 }, FW_LAYOUT_NHWC, 3, 224, 224 },
    { { 1, 257, 200, 3 }, FW_LAYOUT_NHWC, 3, 200, 257 },
    { { 1, 1, 28, 28 }, FW_LAYOUT_NCHW, 1, 28, 28 },
    { { -1, 28, 28, 1 }, FW_LAYOUT_NHWC, 1, 28, 28 },
    { { -1, -1, -1, -1 }, FW_LAYOUT_NCHW, 3, 224, 224 },
    { { 1, 3, 96, -1 }, FW_LAYOUT_NCHW, 3, 96, 96 },
    { { 1, 4, 96, 96 }, -1 },
    { { 1, 2, 96, 96 }, -1 },
    { { 8, 3, 96, 96 }, -1 },
    { { 1, 3, 0, 96 }, -1 },
    { { 1, 3, -7, 96 }, -1 },
    { { 1, 3, 100000, 100000 }, -1 },
    { { 1, 3, G_MAXINT64, 224 }, -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (shapes); i++)
    {
      FwValueInfo info = make_info (FW_ELEMENT_FLOAT, shapes[i].dims[0], shapes[i].dims[1],
                                    shapes[i].dims[2], shapes[i].dims[3]);
      g_autoptr (GError) error = NULL;
      g_autoptr (GPtrArray) candidates = fw_preprocess_candidates (&info, &error);
      FwPreprocess *first;

      if (shapes[i].layout < 0)
        {
          g_assert_null (candidates);
          g_assert_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS);
          continue;
        }
      g_assert_no_error (error);
      first = candidates->pdata[0];
      g_assert_cmpint (first->layout, ==, shapes[i].layout);
      g_assert_cmpint (first->channels == FW_CHANNELS_GREY ? 1 : 3, ==, shapes[i].channels);
      g_assert_cmpint (first->width, ==, shapes[i].width);
      g_assert_cmpint (first->height, ==, shapes[i].height);
    }
}

static void
test_other_inputs (void)
{
  FwValueInfo info = make_info (FW_ELEMENT_INT64, 1, 3, 224, 224);

  g_assert_null (fw_preprocess_candidates (&info, NULL));
  info.type = FW_ELEMENT_FLOAT;
  info.n_dims = 3;
  g_assert_null (fw_preprocess_candidates (&info, NULL));
  info.n_dims = 4;
  info.is_tensor = FALSE;
  g_assert_null (fw_preprocess_candidates (&info, NULL));
}

static void
test_find (void)
{
  FwValueInfo info = make_info (FW_ELEMENT_FLOAT, 1, 3, 224, 224);
  g_autoptr (FwPreprocess) usual = find ("bgr-caffe", &info);
  g_autoptr (FwPreprocess) stretched = find ("bgr-caffe-stretch", &info);
  g_autoptr (FwPreprocess) boxed = find ("rgb-unit-letterbox", &info);
  g_autoptr (FwPreprocess) spelled = find ("bgr-caffe-crop", &info);
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (usual->resize, ==, FW_RESIZE_CROP);
  g_assert_cmpint (usual->crop_from, ==, 256);
  g_assert_cmpfloat (usual->mean[0], ==, 104);
  g_assert_cmpint (usual->channels, ==, FW_CHANNELS_BGR);
  g_assert_cmpint (stretched->resize, ==, FW_RESIZE_STRETCH);
  g_assert_cmpint (boxed->resize, ==, FW_RESIZE_LETTERBOX);
  g_assert_true (fw_preprocess_equal (usual, spelled));
  g_assert_cmpstr (spelled->name, ==, "bgr-caffe");

  g_assert_null (fw_preprocess_find ("rgb", &info, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS);
  g_assert_nonnull (strstr (error->message, "rgb-imagenet"));
  g_assert_null (strstr (error->message, "grey"));
  g_clear_error (&error);
  g_assert_null (fw_preprocess_find ("grey-unit", &info, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS);
}

static void
test_round_trip (void)
{
  FwValueInfo infos[]
      = { make_info (FW_ELEMENT_FLOAT, 1, 3, 224, 224),
          make_info (FW_ELEMENT_FLOAT16, -1, 32, 32, 3), make_info (FW_ELEMENT_FLOAT, 1, 1, 28, 28),
          make_info (FW_ELEMENT_UINT8, 1, 96, 96, 3) };

  for (guint i = 0; i < G_N_ELEMENTS (infos); i++)
    {
      g_autoptr (GPtrArray) candidates = fw_preprocess_candidates (&infos[i], NULL);

      for (guint j = 0; j < candidates->len; j++)
        {
          FwPreprocess *candidate = candidates->pdata[j];
          g_autoptr (JsonNode) node = fw_preprocess_to_json (candidate);
          g_autofree char *text = json_to_string (node, FALSE);
          g_autoptr (JsonNode) again = parse (text);
          g_autoptr (GError) error = NULL;
          g_autoptr (FwPreprocess) back = fw_preprocess_from_json (again, &error);
          g_autoptr (FwPreprocess) named = find (candidate->name, &infos[i]);
          g_autofree char *words = fw_preprocess_describe (back);

          g_assert_no_error (error);
          g_assert_true (fw_preprocess_equal (candidate, back));
          g_assert_true (fw_preprocess_equal (candidate, named));
          g_assert_cmpstr (candidate->name, ==, back->name);
          g_assert_true (g_utf8_validate (words, -1, NULL));
          g_assert_null (strstr (words, "own values"));
        }
    }
}

#define GOOD                                                                                       \
  "\"layout\":\"nchw\",\"channels\":\"rgb\",\"resize\":\"stretch\",\"width\":8,\"height\":4,"      \
  "\"divisor\":1,\"mean\":[1,2,3],\"deviation\":[1,1,2.5],\"type\":\"float32\""

static void
test_custom (void)
{
  g_autoptr (JsonNode) node = parse ("{" GOOD "}");
  g_autoptr (GError) error = NULL;
  g_autoptr (FwPreprocess) custom = fw_preprocess_from_json (node, &error);
  g_autoptr (FwPreprocess) copy = NULL;

  g_assert_no_error (error);
  g_assert_cmpstr (custom->name, ==, "custom");
  g_assert_cmpfloat (custom->deviation[2], ==, 2.5);
  copy = fw_preprocess_copy (custom);
  g_assert_true (fw_preprocess_equal (copy, custom));
  copy->mean[1] = 7;
  g_assert_false (fw_preprocess_equal (copy, custom));
}

static void
test_bad_json (void)
{
  static const char *const texts[] = {
    "[]",
    "1",
    "{}",
    "{" GOOD ",\"extra\":1}",
    "{\"layout\":\"nchw\"}",
    "{" GOOD ",\"layout\":\"chw\"}",
    "{" GOOD ",\"layout\":1}",
    "{" GOOD ",\"width\":0}",
    "{" GOOD ",\"width\":-4}",
    "{" GOOD ",\"width\":1e99}",
    "{" GOOD ",\"width\":8.5}",
    "{" GOOD ",\"width\":\"8\"}",
    "{" GOOD ",\"height\":100000}",
    "{" GOOD ",\"divisor\":0}",
    "{" GOOD ",\"divisor\":128}",
    "{" GOOD ",\"mean\":[1,2]}",
    "{" GOOD ",\"mean\":[1,2,null]}",
    "{" GOOD ",\"mean\":[1,2,3,4]}",
    "{" GOOD ",\"mean\":{}}",
    "{" GOOD ",\"deviation\":[1,0,1]}",
    "{" GOOD ",\"deviation\":[1,-1,1]}",
    "{" GOOD ",\"deviation\":[1,1e300,1]}",
    "{" GOOD ",\"type\":\"int64\"}",
    "{" GOOD ",\"invert\":1}",
    "{" GOOD ",\"resize\":\"crop\"}",
    "{" GOOD ",\"resize\":\"crop\",\"crop_from\":3}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (JsonNode) node = parse (texts[i]);
      g_autoptr (GError) error = NULL;

      g_assert_null (fw_preprocess_from_json (node, &error));
      g_assert_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS);
    }
  g_assert_null (fw_preprocess_from_json (NULL, NULL));
}

static void
test_file (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-preprocess-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (folder, "own", NULL);
  FwValueInfo info = make_info (FW_ELEMENT_FLOAT, -1, 3, 4, 8);
  FwValueInfo other = make_info (FW_ELEMENT_FLOAT, -1, 3, 8, 8);
  g_autoptr (FwPreprocess) preprocess = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_preprocess_find (path, &info, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS);
  g_clear_error (&error);
  g_assert_true (g_file_set_contents (path, "{" GOOD "}", -1, NULL));
  preprocess = find (path, &info);
  g_assert_cmpint (preprocess->width, ==, 8);
  g_assert_null (fw_preprocess_find (path, &other, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS);
  fw_file_remove_tree (folder);
}

/* 2x1: one pixel of known colours, one white. */
static FwPicture *
make_picture (void)
{
  FwPicture *picture = fw_picture_new (2, 1);

  memcpy (picture->pixels, "\x0a\x64\xc8\xff\xff\xff", 6);
  return picture;
}

static void
check_values (const char *name, FwValueInfo info, const double *expected, guint n)
{
  g_autoptr (FwPicture) picture = make_picture ();
  g_autoptr (FwPreprocess) preprocess = find (name, &info);
  g_autoptr (GError) error = NULL;
  g_autoptr (FwTensor) tensor = fw_picture_to_tensor (picture, preprocess, &error);
  g_autofree float *values = NULL;

  g_assert_no_error (error);
  g_assert_cmpint (fw_tensor_get_element_type (tensor), ==, info.type);
  g_assert_cmpuint (fw_tensor_get_n_elements (tensor), ==, n);
  values = fw_tensor_to_floats (tensor);
  for (guint i = 0; i < n; i++)
    g_assert_cmpfloat_with_epsilon (values[i], expected[i],
                                    info.type == FW_ELEMENT_FLOAT16 ? 1e-3 : 1e-6);
}

static void
test_values (void)
{
  const double raw[] = { 10, 255, 100, 255, 200, 255 };
  const double packed[] = { 200, 100, 10, 255, 255, 255 };
  const double caffe[] = { 96, 151, -17, 138, -113, 132 };
  const double symmetric[] = { 10 / 127.5 - 1, 1, 100 / 127.5 - 1, 1, 200 / 127.5 - 1, 1 };
  const double imagenet[] = { (10 / 255.0 - 0.485) / 0.229,  (1 - 0.485) / 0.229,
                              (100 / 255.0 - 0.456) / 0.224, (1 - 0.456) / 0.224,
                              (200 / 255.0 - 0.406) / 0.225, (1 - 0.406) / 0.225 };
  const double grey[] = { 84 / 255.0, 1 };
  const double inverted[] = { 171, 0 };

  check_values ("rgb-raw", make_info (FW_ELEMENT_FLOAT, 1, 3, 1, 2), raw, 6);
  check_values ("rgb-raw", make_info (FW_ELEMENT_UINT8, 1, 3, 1, 2), raw, 6);
  check_values ("bgr-raw", make_info (FW_ELEMENT_FLOAT, 1, 1, 2, 3), packed, 6);
  check_values ("bgr-caffe", make_info (FW_ELEMENT_FLOAT16, 1, 3, 1, 2), caffe, 6);
  check_values ("rgb-symmetric", make_info (FW_ELEMENT_FLOAT, 1, 3, 1, 2), symmetric, 6);
  check_values ("rgb-symmetric", make_info (FW_ELEMENT_FLOAT16, 1, 3, 1, 2), symmetric, 6);
  check_values ("rgb-imagenet", make_info (FW_ELEMENT_FLOAT, 1, 3, 1, 2), imagenet, 6);
  check_values ("rgb-imagenet", make_info (FW_ELEMENT_FLOAT16, 1, 3, 1, 2), imagenet, 6);
  check_values ("grey-unit", make_info (FW_ELEMENT_FLOAT, 1, 1, 1, 2), grey, 2);
  check_values ("grey-inverted-raw", make_info (FW_ELEMENT_FLOAT, 1, 1, 1, 2), inverted, 2);
}

static void
test_letterbox (void)
{
  g_autoptr (FwPicture) picture = fw_picture_new (40, 20);
  FwValueInfo info = make_info (FW_ELEMENT_UINT8, 1, 3, 16, 16);
  g_autoptr (FwPreprocess) preprocess = find ("rgb-raw-letterbox", &info);
  g_autoptr (FwTensor) tensor = NULL;
  const guint8 *values;

  memset (picture->pixels, 9, 40 * 20 * 3);
  tensor = fw_picture_to_tensor (picture, preprocess, NULL);
  values = fw_tensor_get_data (tensor);
  g_assert_cmpuint (values[0], ==, 9);
  g_assert_cmpuint (values[7 * 16 + 15], ==, 9);
  g_assert_cmpuint (values[8 * 16], ==, 114);
  g_assert_cmpuint (values[16 * 16 * 3 - 1], ==, 114);
}

/* The middle is cut out of pictures of any shape. */
static void
test_crop (void)
{
  static const int sides[][2] = { { 300, 200 }, { 200, 300 }, { 1, 500 }, { 500, 1 }, { 7, 9 } };
  FwValueInfo info = make_info (FW_ELEMENT_UINT8, 1, 3, 128, 224);
  g_autoptr (FwPreprocess) preprocess = find ("rgb-raw-crop", &info);

  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      g_autoptr (FwPicture) picture = fw_picture_new (sides[i][0], sides[i][1]);
      g_autoptr (FwTensor) tensor = NULL;

      memset (picture->pixels, 50, sides[i][0] * sides[i][1] * 3);
      tensor = fw_picture_to_tensor (picture, preprocess, NULL);
      g_assert_cmpuint (fw_tensor_get_n_elements (tensor), ==, 3 * 128 * 224);
      for (guint j = 0; j < 3 * 128 * 224; j++)
        g_assert_cmpuint (((guint8 *) fw_tensor_get_data (tensor))[j], ==, 50);
    }
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/samples/preprocess/candidates", test_candidates);
  g_test_add_func ("/samples/preprocess/shapes", test_shapes);
  g_test_add_func ("/samples/preprocess/other-inputs", test_other_inputs);
  g_test_add_func ("/samples/preprocess/find", test_find);
  g_test_add_func ("/samples/preprocess/round-trip", test_round_trip);
  g_test_add_func ("/samples/preprocess/custom", test_custom);
  g_test_add_func ("/samples/preprocess/bad-json", test_bad_json);
  g_test_add_func ("/samples/preprocess/file", test_file);
  g_test_add_func ("/samples/preprocess/values", test_values);
  g_test_add_func ("/samples/preprocess/letterbox", test_letterbox);
  g_test_add_func ("/samples/preprocess/crop", test_crop);
  return g_test_run ();
}
