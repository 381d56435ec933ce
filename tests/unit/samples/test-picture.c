/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-picture.h"

typedef struct
{
  char *folder, *path;
} Fixture;

static const guint8 webp_red[]
    = { /* 3x2, lossless */
        0x52, 0x49, 0x46, 0x46, 0x1c, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50,
        0x56, 0x50, 0x38, 0x4c, 0x0f, 0x00, 0x00, 0x00, 0x2f, 0x02, 0x40, 0x00,
        0x00, 0x07, 0x10, 0xfd, 0x8f, 0xfe, 0x07, 0x22, 0xa2, 0xff, 0x01, 0x00
      };
static const guint8 webp_lossy[]
    = { /* 3x2, red */
        0x52, 0x49, 0x46, 0x46, 0x3a, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50,
        0x38, 0x20, 0x2e, 0x00, 0x00, 0x00, 0xd0, 0x01, 0x00, 0x9d, 0x01, 0x2a, 0x03, 0x00,
        0x02, 0x00, 0x02, 0x80, 0x42, 0x25, 0xa0, 0x02, 0x74, 0xba, 0x01, 0xf8, 0x00, 0x03,
        0xb0, 0x00, 0xfe, 0xef, 0x76, 0xd7, 0xfe, 0x15, 0x6e, 0x18, 0x86, 0x6a, 0xbf, 0xfb,
        0xd8, 0x2f, 0xbb, 0x05, 0xf7, 0x60, 0xbf, 0xd6, 0xc0, 0x00
      };
static const guint8 webp_turned[]
    = { /* 3x2, transparent blue, EXIF orientation 6 */
        0x52, 0x49, 0x46, 0x46, 0x4e, 0x00, 0x00, 0x00, 0x57, 0x45, 0x42, 0x50, 0x56, 0x50, 0x38,
        0x58, 0x0a, 0x00, 0x00, 0x00, 0x18, 0x00, 0x00, 0x00, 0x02, 0x00, 0x00, 0x01, 0x00, 0x00,
        0x56, 0x50, 0x38, 0x4c, 0x0e, 0x00, 0x00, 0x00, 0x2f, 0x02, 0x40, 0x00, 0x10, 0x07, 0x10,
        0xd1, 0xff, 0x08, 0x44, 0x44, 0xff, 0x03, 0x45, 0x58, 0x49, 0x46, 0x1a, 0x00, 0x00, 0x00,
        0x4d, 0x4d, 0x00, 0x2a, 0x00, 0x00, 0x00, 0x08, 0x00, 0x01, 0x01, 0x12, 0x00, 0x03, 0x00,
        0x00, 0x00, 0x01, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
      };
static const guint8 gif_two_frames[]
    = { /* 2x2, green, then red */
        0x47, 0x49, 0x46, 0x38, 0x39, 0x61, 0x02, 0x00, 0x02, 0x00, 0x81, 0x00, 0x00, 0x00,
        0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x21, 0xf9, 0x04,
        0x00, 0x0a, 0x00, 0x00, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x02, 0x00,
        0x00, 0x08, 0x06, 0x00, 0x01, 0x08, 0x04, 0x10, 0x10, 0x00, 0x21, 0xf9, 0x04, 0x01,
        0x0a, 0x00, 0x01, 0x00, 0x2c, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00, 0x02, 0x00, 0x81,
        0xff, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x08, 0x06,
        0x00, 0x01, 0x08, 0x04, 0x10, 0x10, 0x00, 0x3b
      };

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->folder = g_dir_make_tmp ("fw-picture-XXXXXX", NULL);
  g_assert_nonnull (fixture->folder);
  fixture->path = g_build_filename (fixture->folder, "picture", NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  fw_file_remove_tree (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static void
put (Fixture *fixture, gconstpointer bytes, gsize size)
{
  g_autoptr (GError) error = NULL;

  /* GLib writes into an existing file without shortening it. */
  g_remove (fixture->path);
  g_file_set_contents_full (fixture->path, bytes, size, G_FILE_SET_CONTENTS_NONE, 0600, &error);
  g_assert_no_error (error);
}

static void
assert_bad (Fixture *fixture, const char *phrase)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwPicture) picture = fw_picture_load (fixture->path, &error);

  g_assert_null (picture);
  g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
  g_assert_nonnull (strstr (error->message, phrase));
}

static FwPicture *
load (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  FwPicture *picture = fw_picture_load (fixture->path, &error);

  g_assert_no_error (error);
  g_assert_nonnull (picture);
  return picture;
}

static void
assert_pixel (FwPicture *picture, int x, int y, int red, int green, int blue, int tolerance)
{
  const guint8 *pixel = picture->pixels + (y * picture->width + x) * 3;

  g_assert_cmpint (ABS (pixel[0] - red), <=, tolerance);
  g_assert_cmpint (ABS (pixel[1] - green), <=, tolerance);
  g_assert_cmpint (ABS (pixel[2] - blue), <=, tolerance);
}

/* 32x16: the left half red, the right half blue. */
static GdkPixbuf *
make_pixbuf (gboolean alpha)
{
  GdkPixbuf *pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, alpha, 8, 32, 16);
  g_autoptr (GdkPixbuf) right = gdk_pixbuf_new_subpixbuf (pixbuf, 16, 0, 16, 16);

  gdk_pixbuf_fill (pixbuf, 0xff0000ff);
  gdk_pixbuf_fill (right, 0x0000ff00 | (alpha ? 0 : 0xff));
  return pixbuf;
}

static void
save (Fixture *fixture, GdkPixbuf *pixbuf, const char *kind)
{
  g_autoptr (GError) error = NULL;

  gdk_pixbuf_save (pixbuf, fixture->path, kind, &error, NULL);
  g_assert_no_error (error);
}

static void
test_kinds (Fixture *fixture, gconstpointer data)
{
  static const char *const kinds[] = { "png", "bmp", "jpeg" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GdkPixbuf) pixbuf = make_pixbuf (FALSE);
      g_autoptr (FwPicture) picture = NULL;

      save (fixture, pixbuf, kinds[i]);
      picture = load (fixture);
      g_assert_cmpint (picture->width, ==, 32);
      g_assert_cmpint (picture->height, ==, 16);
      assert_pixel (picture, 2, 8, 255, 0, 0, 3);
      assert_pixel (picture, 29, 8, 0, 0, 255, 3);
    }
}

static void
test_transparent (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GdkPixbuf) pixbuf = make_pixbuf (TRUE);
  g_autoptr (FwPicture) picture = NULL;

  save (fixture, pixbuf, "png");
  picture = load (fixture);
  assert_pixel (picture, 0, 0, 255, 0, 0, 0);
  assert_pixel (picture, 31, 0, 255, 255, 255, 0);
}

static void
test_webp (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwPicture) lossless = NULL, lossy = NULL, turned = NULL;

  put (fixture, webp_red, sizeof webp_red);
  lossless = load (fixture);
  g_assert_cmpint (lossless->width, ==, 3);
  g_assert_cmpint (lossless->height, ==, 2);
  assert_pixel (lossless, 2, 1, 255, 0, 0, 0);

  put (fixture, webp_lossy, sizeof webp_lossy);
  lossy = load (fixture);
  assert_pixel (lossy, 1, 1, 255, 0, 0, 8);

  put (fixture, webp_turned, sizeof webp_turned);
  turned = load (fixture);
  g_assert_cmpint (turned->width, ==, 2);
  g_assert_cmpint (turned->height, ==, 3);
  assert_pixel (turned, 1, 2, 255, 255, 255, 0);

  put (fixture, webp_lossy, sizeof webp_lossy - 10);
  assert_bad (fixture, "breaks off");
}

static void
test_gif (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwPicture) picture = NULL;

  put (fixture, gif_two_frames, sizeof gif_two_frames);
  picture = load (fixture);
  g_assert_cmpint (picture->width, ==, 2);
  assert_pixel (picture, 1, 1, 0, 255, 0, 0);

  /* What follows the first frame is not looked at. */
  g_clear_pointer (&picture, fw_picture_free);
  put (fixture, gif_two_frames, 60);
  picture = load (fixture);
  assert_pixel (picture, 0, 0, 0, 255, 0, 0);

  put (fixture, gif_two_frames, 48);
  assert_bad (fixture, "breaks off");
}

/* A JPEG of 32x16 with an EXIF block that says how it is turned. */
static void
put_turned_jpeg (Fixture *fixture, int orientation)
{
  guint8 exif[]
      = { 0xff, 0xe1, 0x00, 0x22, 'E', 'x', 'i', 'f', 0, 0, 'I', 'I', '*', 0, 8, 0, 0, 0,
          1,    0,    0x12, 1,    3,   0,   1,   0,   0, 0, 0,   0,   0,   0, 0, 0, 0, 0 };
  g_autoptr (GdkPixbuf) pixbuf = make_pixbuf (FALSE);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree char *jpeg = NULL;
  gsize size;

  exif[28] = orientation;
  g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &jpeg, &size, "jpeg", NULL, NULL));
  g_byte_array_append (bytes, (guint8 *) jpeg, 2);
  g_byte_array_append (bytes, exif, sizeof exif);
  g_byte_array_append (bytes, (guint8 *) jpeg + 2, size - 2);
  put (fixture, bytes->data, bytes->len);
}

static void
test_orientation (Fixture *fixture, gconstpointer data)
{
  for (int orientation = 0; orientation <= 9; orientation++)
    {
      g_autoptr (FwPicture) picture = NULL;
      const gboolean turned = orientation >= 5 && orientation <= 8;
      const gboolean swapped
          = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;

      put_turned_jpeg (fixture, orientation);
      picture = load (fixture);
      g_assert_cmpint (picture->width, ==, turned ? 16 : 32);
      g_assert_cmpint (picture->height, ==, turned ? 32 : 16);
      assert_pixel (picture, 2, 2, swapped ? 0 : 255, 0, swapped ? 255 : 0, 3);
      assert_pixel (picture, picture->width - 3, picture->height - 3, swapped ? 255 : 0, 0,
                    swapped ? 0 : 255, 3);
    }
}

/* A corner alone tells whether a turn is right. */
static void
test_corner (Fixture *fixture, gconstpointer data)
{
  static const int corners[9][2] = { { 0, 0 }, { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 },
                                     { 0, 0 }, { 1, 0 }, { 1, 1 }, { 0, 1 } };

  for (int orientation = 1; orientation <= 8; orientation++)
    {
      g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 4, 2);
      g_autoptr (GdkPixbuf) corner = gdk_pixbuf_new_subpixbuf (pixbuf, 0, 0, 1, 1);
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (FwPicture) picture = NULL;
      g_autofree char *png = NULL;
      guint8 chunk[]
          = { 0,    0, 0, 26, 'e', 'X', 'I', 'f', 'M', 'M', 0, '*', 0, 0, 0, 8, 0, 1, 1,
              0x12, 0, 3, 0,  0,   0,   1,   0,   0,   0,   0, 0,   0, 0, 0, 0, 0, 0, 0 };
      gsize size;
      int x, y;

      gdk_pixbuf_fill (pixbuf, 0x000000ff);
      gdk_pixbuf_fill (corner, 0xffffffff);
      g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &png, &size, "png", NULL, NULL));
      chunk[27] = orientation;
      /* Between the header and the pixels; its check sum is nobody's concern. */
      g_byte_array_append (bytes, (guint8 *) png, 33);
      g_byte_array_append (bytes, chunk, sizeof chunk);
      g_byte_array_append (bytes, (guint8 *) png + 33, size - 33);
      put (fixture, bytes->data, bytes->len);
      picture = load (fixture);
      x = corners[orientation][0] * (picture->width - 1);
      y = corners[orientation][1] * (picture->height - 1);
      assert_pixel (picture, x, y, 255, 255, 255, 0);
    }
}

static void
test_cut_off (Fixture *fixture, gconstpointer data)
{
  static const char *const kinds[] = { "png", "bmp", "jpeg" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GdkPixbuf) pixbuf = gdk_pixbuf_new (GDK_COLORSPACE_RGB, FALSE, 8, 64, 64);
      g_autofree char *bytes = NULL;
      gsize size;

      for (int j = 0; j < gdk_pixbuf_get_height (pixbuf) * gdk_pixbuf_get_rowstride (pixbuf); j++)
        gdk_pixbuf_get_pixels (pixbuf)[j] = (guint) j * j * 31 >> 4;
      g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &bytes, &size, kinds[i], NULL, NULL));
      for (gsize length = 1; length < size - 20; length += length < 700 ? 1 : size / 50)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (FwPicture) picture = NULL;

          put (fixture, bytes, length);
          picture = fw_picture_load (fixture->path, &error);
          g_assert_null (picture);
          g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
        }
    }
}

static void
test_not_pictures (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (fw_picture_load (fixture->path, &error));
  g_assert_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE);

  put (fixture, "", 0);
  assert_bad (fixture, "empty");
  put (fixture, "BM is not enough to be a picture", 32);
  assert_bad (fixture, "not a JPEG");
  put (fixture, "<svg xmlns='http://www.w3.org/2000/svg'/>", 41);
  assert_bad (fixture, "not a JPEG");
  g_assert_cmpint (g_remove (fixture->path), ==, 0);
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  assert_bad (fixture, "not a file");
  g_assert_cmpint (g_remove (fixture->path), ==, 0);
  g_assert_cmpint (g_mkdir (fixture->path, 0700), ==, 0);
  assert_bad (fixture, "not a file");
}

/* Says in its header that it has far more pixels than it can have. */
static void
test_huge (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GdkPixbuf) pixbuf = make_pixbuf (FALSE);
  guint8 gif[sizeof gif_two_frames];
  g_autofree char *png = NULL, *bmp = NULL;
  gsize png_size, bmp_size;

  g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &png, &png_size, "png", NULL, NULL));
  memcpy (png + 16, "\0\0\xea\x60\0\0\xea\x60", 8);
  put (fixture, png, png_size);
  assert_bad (fixture, "100 million");
  memcpy (png + 16, "\xff\xff\xff\xff\0\0\0\1", 8);
  put (fixture, png, png_size);
  assert_bad (fixture, "100 million");
  memset (png + 16, 0, 8);
  put (fixture, png, png_size);
  assert_bad (fixture, "damaged");

  g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &bmp, &bmp_size, "bmp", NULL, NULL));
  memcpy (bmp + 18, "\x60\xea\0\0\xa0\x15\xff\xff", 8);
  put (fixture, bmp, bmp_size);
  assert_bad (fixture, "100 million");

  memcpy (gif, gif_two_frames, sizeof gif);
  memcpy (gif + 6, "\xff\xff\xff\xff", 4);
  put (fixture, gif, sizeof gif);
  assert_bad (fixture, "100 million");
  memcpy (gif, gif_two_frames, sizeof gif);
  memcpy (gif + 38, "\xff\xff\xff\xff", 4);
  put (fixture, gif, sizeof gif);
  assert_bad (fixture, "100 million");
}

static void
test_large_file (Fixture *fixture, gconstpointer data)
{
  put (fixture, gif_two_frames, sizeof gif_two_frames);
  g_assert_cmpint (truncate (fixture->path, 300 * 1024 * 1024), ==, 0);
  assert_bad (fixture, "256 MB");
}

/* Flips bytes everywhere: whatever comes of it, it is a picture of the right size or an error. */
static void
test_damaged (Fixture *fixture, gconstpointer data)
{
  static const char *const kinds[] = { "png", "bmp", "jpeg", "webp", "gif" };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      g_autoptr (GdkPixbuf) pixbuf = make_pixbuf (FALSE);
      g_autofree char *bytes = NULL;
      gsize size;

      if (i < 3)
        g_assert_true (gdk_pixbuf_save_to_buffer (pixbuf, &bytes, &size, kinds[i], NULL, NULL));
      else
        {
          size = i == 3 ? sizeof webp_turned : sizeof gif_two_frames;
          bytes = g_memdup2 (i == 3 ? webp_turned : gif_two_frames, size);
        }
      for (gsize at = 0; at < MIN (size, 700); at++)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (FwPicture) picture = NULL;

          bytes[at] ^= 0x80 | at;
          put (fixture, bytes, size);
          bytes[at] ^= 0x80 | at;
          picture = fw_picture_load (fixture->path, &error);
          if (picture == NULL)
            g_assert_error (error, FW_ERROR, FW_ERROR_NOT_READABLE);
          else
            g_assert_cmpint (picture->width, >, 0);
        }
    }
}

static void
test_preview (Fixture *fixture, gconstpointer data)
{
  g_autoptr (FwPicture) picture = fw_picture_new (300, 100);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) small = NULL, same = NULL;
  g_autoptr (FwPicture) back = NULL;

  memset (picture->pixels, 77, 300 * 100 * 3);
  small = fw_picture_to_png (picture, 64, &error);
  g_assert_no_error (error);
  put (fixture, g_bytes_get_data (small, NULL), g_bytes_get_size (small));
  back = load (fixture);
  g_assert_cmpint (back->width, ==, 64);
  g_assert_cmpint (back->height, ==, 21);
  assert_pixel (back, 63, 20, 77, 77, 77, 0);

  same = fw_picture_to_png (picture, 1000, &error);
  g_assert_no_error (error);
  g_clear_pointer (&back, fw_picture_free);
  put (fixture, g_bytes_get_data (same, NULL), g_bytes_get_size (same));
  back = load (fixture);
  g_assert_cmpint (back->width, ==, 300);
}

#define ADD(name, func) g_test_add (name, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/samples/picture/kinds", test_kinds);
  ADD ("/samples/picture/transparent", test_transparent);
  ADD ("/samples/picture/webp", test_webp);
  ADD ("/samples/picture/gif", test_gif);
  ADD ("/samples/picture/orientation", test_orientation);
  ADD ("/samples/picture/corner", test_corner);
  ADD ("/samples/picture/cut-off", test_cut_off);
  ADD ("/samples/picture/not-pictures", test_not_pictures);
  ADD ("/samples/picture/huge", test_huge);
  ADD ("/samples/picture/large-file", test_large_file);
  ADD ("/samples/picture/damaged", test_damaged);
  ADD ("/samples/picture/preview", test_preview);
  return g_test_run ();
}
