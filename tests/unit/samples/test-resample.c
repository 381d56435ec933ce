/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-picture.h"
#include "fw-resample.h"

typedef struct
{
  int width, height;
  const guint8 *expected;
} Reference;

/* What Pillow makes of the pattern below with BILINEAR, first to the width, then to the height. */
static const guint8 to_3x2[]
    = { 108, 136, 143, 135, 132, 140, 131, 130, 131, 117, 145, 117, 127, 124, 113, 106, 134, 120 };
static const guint8 to_4x9[]
    = { 19,  72,  125, 77,  130, 183, 145, 198, 200, 203, 122, 65,  51,  104, 153, 115, 144, 153,
        128, 157, 176, 168, 132, 111, 105, 158, 201, 178, 167, 102, 101, 90,  137, 110, 148, 189,
        154, 158, 145, 151, 141, 120, 123, 113, 107, 106, 110, 157, 201, 144, 63,  100, 102, 155,
        157, 159, 79,  115, 58,  99,  119, 123, 110, 135, 125, 104, 129, 120, 113, 131, 135, 108,
        63,  116, 146, 153, 142, 71,  108, 97,  135, 134, 187, 119, 110, 163, 139, 102, 131, 105,
        114, 143, 108, 83,  136, 136, 138, 191, 135, 72,  125, 126, 118, 171, 91,  52,  105, 146 };
static const guint8 to_7x2[]
    = { 79,  132, 127, 127, 122, 175, 117, 170, 107, 165, 102, 155, 97,  150,
        145, 145, 140, 111, 135, 106, 148, 87,  140, 135, 157, 152, 123, 87,
        140, 77,  157, 94,  147, 111, 164, 77,  99,  94,  147, 111, 164, 112 };
static const guint8 to_10x3[]
    = { 39,  92,  145, 62,  115, 168, 91,  144, 170, 120, 173, 122, 149, 131, 146, 140, 122, 175,
        98,  151, 197, 128, 181, 124, 157, 144, 117, 180, 86,  139, 125, 178, 89,  157, 132, 121,
        164, 110, 134, 105, 151, 96,  139, 118, 131, 141, 120, 123, 108, 154, 72,  149, 96,  113,
        127, 102, 129, 81,  134, 130, 69,  122, 175, 111, 164, 136, 128, 181, 97,  79,  132, 73,
        125, 107, 122, 140, 121, 123, 114, 167, 81,  66,  119, 135, 82,  135, 139, 124, 177, 121 };
static const Reference references[]
    = { { 3, 2, to_3x2 }, { 4, 9, to_4x9 }, { 7, 2, to_7x2 }, { 10, 3, to_10x3 } };

static FwPicture *
make_pattern (void)
{
  FwPicture *picture = fw_picture_new (7, 5);

  for (int y = 0; y < 5; y++)
    for (int x = 0; x < 7; x++)
      for (int c = 0; c < 3; c++)
        picture->pixels[(y * 7 + x) * 3 + c] = (x * 37 + y * 91 + c * 53 + x * y * 11) % 256;
  return picture;
}

static void
test_references (void)
{
  g_autoptr (FwPicture) pattern = make_pattern ();

  for (guint i = 0; i < G_N_ELEMENTS (references); i++)
    {
      const Reference *reference = &references[i];
      g_autoptr (FwPicture) result
          = fw_picture_resize (pattern, reference->width, reference->height);

      g_assert_cmpint (result->width, ==, reference->width);
      g_assert_cmpint (result->height, ==, reference->height);
      g_assert_cmpmem (result->pixels, result->width * result->height * 3, reference->expected,
                       reference->width * reference->height * 3);
    }
}

static void
test_line (void)
{
  static const guint8 expected[] = { 121, 136, 136, 135, 143, 129 };
  g_autoptr (FwPicture) line = fw_picture_new (100, 1);
  g_autoptr (FwPicture) result = NULL;

  for (int i = 0; i < 100; i++)
    memset (line->pixels + i * 3, (i * i * 7 + 13) % 256, 3);
  result = fw_picture_resize (line, 6, 1);
  for (guint i = 0; i < 6; i++)
    for (guint c = 0; c < 3; c++)
      g_assert_cmpuint (result->pixels[i * 3 + c], ==, expected[i]);
}

static void
test_same_size (void)
{
  g_autoptr (FwPicture) pattern = make_pattern ();
  g_autoptr (FwPicture) result = fw_picture_resize (pattern, 7, 5);

  g_assert_cmpmem (result->pixels, 105, pattern->pixels, 105);
}

static void
test_flat (void)
{
  static const int sides[] = { 1, 2, 5, 31, 255 };
  g_autoptr (FwPicture) white = fw_picture_new (13, 29);

  memset (white->pixels, 255, 13 * 29 * 3);
  for (guint i = 0; i < G_N_ELEMENTS (sides); i++)
    {
      g_autoptr (FwPicture) result = fw_picture_resize (white, sides[i], sides[4 - i]);

      for (int j = 0; j < result->width * result->height * 3; j++)
        g_assert_cmpuint (result->pixels[j], ==, 255);
    }
}

static void
test_window (void)
{
  g_autoptr (FwPicture) pattern = make_pattern ();
  g_autoptr (FwPicture) whole = fw_picture_resize (pattern, 40, 23);
  const FwWindow window = { .x = 11, .y = 4, .width = 9, .height = 15 };
  g_autoptr (FwPicture) part = fw_picture_resize_window (pattern, 40, 23, &window);

  for (int y = 0; y < window.height; y++)
    g_assert_cmpmem (part->pixels + y * 9 * 3, 9 * 3,
                     whole->pixels + ((y + window.y) * 40 + window.x) * 3, 9 * 3);
}

/* A thin picture would be hundreds of gigabytes large before its middle is cut out. */
static void
test_thin (void)
{
  g_autoptr (FwPicture) thin = fw_picture_new (1, 65535);
  g_autoptr (FwPicture) part = NULL;
  const FwPreprocess preprocess = { .resize = FW_RESIZE_CROP,
                                    .width = 224,
                                    .height = 224,
                                    .crop_from = 256,
                                    .divisor = 1,
                                    .deviation = { 1, 1, 1 },
                                    .type = FW_ELEMENT_FLOAT };

  memset (thin->pixels + 65535 / 2 * 3, 200, 3);
  part = fw_picture_fit (thin, &preprocess);
  g_assert_cmpint (part->width, ==, 224);
  g_assert_cmpint (part->height, ==, 224);
  g_assert_cmpuint (part->pixels[(112 * 224 + 112) * 3], >, 150);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/samples/resample/references", test_references);
  g_test_add_func ("/samples/resample/line", test_line);
  g_test_add_func ("/samples/resample/same-size", test_same_size);
  g_test_add_func ("/samples/resample/flat", test_flat);
  g_test_add_func ("/samples/resample/window", test_window);
  g_test_add_func ("/samples/resample/thin", test_thin);
  return g_test_run ();
}
