/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-picture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gdk-pixbuf/gdk-pixbuf.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "fw-error.h"
#include "fw-picture-header.h"

#define MAX_FILE_SIZE (256 * 1024 * 1024)
#define MAX_PIXELS 100000000
#define MAX_SIDE 65535
#define PIECE (64 * 1024)

FwPicture *
fw_picture_new (int width, int height)
{
  FwPicture *self;

  g_return_val_if_fail (width > 0 && width <= MAX_SIDE, NULL);
  g_return_val_if_fail (height > 0 && height <= MAX_SIDE, NULL);

  self = g_new0 (FwPicture, 1);
  self->width = width;
  self->height = height;
  self->pixels = g_malloc0_n ((gsize) width * height, 3);
  return self;
}

void
fw_picture_free (FwPicture *self)
{
  if (self == NULL)
    return;
  g_free (self->pixels);
  g_free (self);
}

static gboolean
set_bad (GError **error, const char *path, const char *what)
{
  g_autofree char *name = g_filename_display_basename (path);

  /* Translators: a file name, then a phrase such as "It breaks off too early." */
  g_set_error (error, FW_ERROR, FW_ERROR_NOT_READABLE, _ ("The picture “%s” can't be read. %s"),
               name, what);
  return FALSE;
}

/* The whole file. A pipe or a device under a picture's name is not waited for. */
static guint8 *
read_file (const char *path, gsize *size, GError **error)
{
  g_autofree guint8 *data = NULL;
  struct stat info;
  gsize done = 0;
  int fd = g_open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);

  if (fd < 0)
    {
      fw_error_set_from_errno (error, errno, FALSE, path);
      return NULL;
    }
  if (fstat (fd, &info) != 0 || !S_ISREG (info.st_mode))
    set_bad (error, path, _ ("It is not a file."));
  else if (info.st_size == 0)
    set_bad (error, path, _ ("It is empty."));
  else if (info.st_size > MAX_FILE_SIZE)
    set_bad (error, path, _ ("It is larger than 256 MB."));
  else if ((data = g_try_malloc (info.st_size)) == NULL)
    fw_error_set_from_errno (error, ENOMEM, FALSE, path);
  else
    {
      while (done < (gsize) info.st_size)
        {
          gssize n = read (fd, data + done, info.st_size - done);

          if (n < 0 && errno == EINTR)
            continue;
          if (n < 0)
            {
              fw_error_set_from_errno (error, errno, FALSE, path);
              g_clear_pointer (&data, g_free);
              break;
            }
          if (n == 0)
            break;
          done += n;
        }
    }
  close (fd);
  *size = done;
  return g_steal_pointer (&data);
}

static gboolean
check_header (const guint8 *data,
              gsize size,
              const char *path,
              FwPictureHeader *header,
              GError **error)
{
  gboolean known = fw_picture_header_read (data, size, header);

  if (header->kind == FW_PICTURE_UNKNOWN)
    return set_bad (error, path, _ ("It is not a JPEG, PNG, WebP, BMP or GIF picture."));
  if (!known || header->width == 0 || header->height == 0)
    return set_bad (error, path, _ ("It is damaged."));
  if (header->width > MAX_SIDE || header->height > MAX_SIDE
      || header->width * header->height > MAX_PIXELS)
    return set_bad (error, path, _ ("It has more than 100 million pixels, or a side above 65535."));
  if (!header->ended)
    return set_bad (error, path, _ ("It breaks off too early."));
  return TRUE;
}

/* What a decoder has said so far. */
typedef struct
{
  const FwPictureHeader *header;
  gboolean lied;   /* the decoder sees another size than the header's */
  int top, bottom; /* the rows delivered; a BMP begins at the bottom */
} Decoding;

static void
on_size_prepared (GdkPixbufLoader *loader, int width, int height, gpointer user_data)
{
  Decoding *self = user_data;

  if (width < 1 || height < 1 || (guint64) width > self->header->width
      || (guint64) height > self->header->height)
    {
      self->lied = TRUE;
      gdk_pixbuf_loader_set_size (loader, 1, 1);
    }
}

static void
on_area_updated (GdkPixbufLoader *loader, int x, int y, int width, int height, gpointer user_data)
{
  Decoding *self = user_data;

  self->top = MIN (self->top, y);
  self->bottom = MAX (self->bottom, y + height);
}

static gboolean
feed (GdkPixbufLoader *loader,
      const guint8 *data,
      gsize size,
      const Decoding *decoding,
      GError **error)
{
  for (gsize at = 0; at < size && !decoding->lied; at += PIECE)
    if (!gdk_pixbuf_loader_write (loader, data + at, MIN (PIECE, size - at), error))
      {
        gdk_pixbuf_loader_close (loader, NULL);
        return FALSE;
      }
  /* The mark of a GIF's end, in place of the frames after the first. */
  if (decoding->header->kind == FW_PICTURE_GIF)
    gdk_pixbuf_loader_write (loader, (const guint8 *) ";", 1, NULL);
  return gdk_pixbuf_loader_close (loader, error);
}

static GdkPixbuf *
decode (const guint8 *data, const FwPictureHeader *header, const char *path, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GdkPixbufLoader) loader = NULL;
  Decoding decoding = { .header = header, .top = G_MAXINT };
  GdkPixbuf *pixbuf;

  loader = gdk_pixbuf_loader_new_with_type (fw_picture_kind_get_name (header->kind), &local);
  if (loader == NULL)
    {
      set_bad (error, path, _ ("Support for this kind of picture is not installed."));
      return NULL;
    }
  g_signal_connect (loader, "size-prepared", G_CALLBACK (on_size_prepared), &decoding);
  g_signal_connect (loader, "area-updated", G_CALLBACK (on_area_updated), &decoding);
  if (!feed (loader, data, header->used, &decoding, &local) || decoding.lied)
    {
      g_debug ("%s: %s", path, local != NULL ? local->message : "another size than declared");
      set_bad (error, path, _ ("It is damaged."));
      return NULL;
    }
  pixbuf = gdk_pixbuf_loader_get_pixbuf (loader);
  if (pixbuf == NULL || gdk_pixbuf_get_bits_per_sample (pixbuf) != 8
      || gdk_pixbuf_get_n_channels (pixbuf) < 3)
    {
      set_bad (error, path, _ ("It is damaged."));
      return NULL;
    }
  /* Animations are not delivered row by row; that they are whole is known already. */
  if (header->kind != FW_PICTURE_GIF && header->kind != FW_PICTURE_WEBP
      && (decoding.top > 0 || decoding.bottom < gdk_pixbuf_get_height (pixbuf)))
    {
      set_bad (error, path, _ ("It breaks off too early."));
      return NULL;
    }
  return g_object_ref (pixbuf);
}

/* One pixel over white. */
static void
copy_pixel (guint8 *target, const guint8 *source, gboolean has_alpha)
{
  guint alpha = has_alpha ? source[3] : 255;

  for (guint c = 0; c < 3; c++)
    target[c] = (source[c] * alpha + 255 * (255 - alpha) + 127) / 255;
}

/* The pixels of @pixbuf, turned upright. */
static FwPicture *
make_upright (GdkPixbuf *pixbuf, int orientation)
{
  const int width = gdk_pixbuf_get_width (pixbuf);
  const int height = gdk_pixbuf_get_height (pixbuf);
  const gsize stride = gdk_pixbuf_get_rowstride (pixbuf);
  const gsize channels = gdk_pixbuf_get_n_channels (pixbuf);
  const gboolean has_alpha = gdk_pixbuf_get_has_alpha (pixbuf);
  const guint8 *source = gdk_pixbuf_read_pixels (pixbuf);
  const gboolean turned = orientation >= 5;
  const gboolean from_right = orientation == 2 || orientation == 3 || orientation >= 7;
  const gboolean from_bottom
      = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  FwPicture *self = fw_picture_new (turned ? height : width, turned ? width : height);
  guint8 *target = self->pixels;

  for (int y = 0; y < self->height; y++)
    for (int x = 0; x < self->width; x++, target += 3)
      {
        int column = turned ? y : x;
        int row = turned ? x : y;

        if (from_right)
          column = width - 1 - column;
        if (from_bottom)
          row = height - 1 - row;
        copy_pixel (target, source + row * stride + column * channels, has_alpha);
      }
  return self;
}

FwPicture *
fw_picture_load (const char *path, GError **error)
{
  g_autofree guint8 *data = NULL;
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  FwPictureHeader header;
  gsize size;

  g_return_val_if_fail (path != NULL, NULL);

  data = read_file (path, &size, error);
  if (data == NULL || !check_header (data, size, path, &header, error))
    return NULL;
  pixbuf = decode (data, &header, path, error);
  if (pixbuf == NULL)
    return NULL;
  g_clear_pointer (&data, g_free);
  return make_upright (pixbuf, header.orientation);
}

GBytes *
fw_picture_to_png (const FwPicture *self, int side, GError **error)
{
  const int longest = MAX (self->width, self->height);
  g_autoptr (FwPicture) small = NULL;
  g_autoptr (GdkPixbuf) pixbuf = NULL;
  g_autoptr (GError) local = NULL;
  char *buffer;
  gsize size;

  g_return_val_if_fail (side > 0, NULL);

  if (longest > side)
    {
      small = fw_picture_resize (self, MAX (1, (gint64) self->width * side / longest),
                                 MAX (1, (gint64) self->height * side / longest));
      self = small;
    }
  pixbuf = gdk_pixbuf_new_from_data (self->pixels, GDK_COLORSPACE_RGB, FALSE, 8, self->width,
                                     self->height, self->width * 3, NULL, NULL);
  if (!gdk_pixbuf_save_to_buffer (pixbuf, &buffer, &size, "png", &local, NULL))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_INTERNAL, _ ("A preview could not be made: %s"),
                   local->message);
      return NULL;
    }
  return g_bytes_new_take (buffer, size);
}
