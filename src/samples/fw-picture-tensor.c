/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-picture.h"

#include <math.h>
#include <string.h>

#include "fw-resample.h"

#define PADDING 114

/* The middle of @self after its shorter side (by what the target needs) became @crop_from. */
static FwPicture *
crop_middle (const FwPicture *self, const FwPreprocess *preprocess)
{
  const gint64 shorter = MIN (preprocess->width, preprocess->height);
  const gint64 from = MAX (preprocess->crop_from, shorter);
  gint64 width, height;
  FwWindow window = { .width = preprocess->width, .height = preprocess->height };

  /* The longer side is cut to whole pixels, the offset rounded, half to even: what training
   * pipelines do. */
  if ((gint64) preprocess->width * self->height >= (gint64) preprocess->height * self->width)
    {
      width = MAX (preprocess->width * from / shorter, preprocess->width);
      height = MAX (width * self->height / self->width, preprocess->height);
    }
  else
    {
      height = MAX (preprocess->height * from / shorter, preprocess->height);
      width = MAX (height * self->width / self->height, preprocess->width);
    }
  window.x = (gint64) rint ((width - window.width) / 2.0);
  window.y = (gint64) rint ((height - window.height) / 2.0);
  return fw_picture_resize_window (self, width, height, &window);
}

/* All of @self in the upper left corner, the rest grey. */
static FwPicture *
letterbox (const FwPicture *self, const FwPreprocess *preprocess)
{
  const double ratio
      = MIN ((double) preprocess->width / self->width, (double) preprocess->height / self->height);
  const int width = CLAMP ((int) (self->width * ratio), 1, preprocess->width);
  const int height = CLAMP ((int) (self->height * ratio), 1, preprocess->height);
  g_autoptr (FwPicture) small = fw_picture_resize (self, width, height);
  FwPicture *result = fw_picture_new (preprocess->width, preprocess->height);

  memset (result->pixels, PADDING, (gsize) result->width * result->height * 3);
  for (int y = 0; y < height; y++)
    memcpy (result->pixels + (gsize) y * result->width * 3, small->pixels + (gsize) y * width * 3,
            (gsize) width * 3);
  return result;
}

FwPicture *
fw_picture_fit (const FwPicture *self, const FwPreprocess *preprocess)
{
  switch (preprocess->resize)
    {
    case FW_RESIZE_CROP:
      return crop_middle (self, preprocess);
    case FW_RESIZE_LETTERBOX:
      return letterbox (self, preprocess);
    case FW_RESIZE_STRETCH:
    default:
      return fw_picture_resize (self, preprocess->width, preprocess->height);
    }
}

/* What each of the 256 values of a channel becomes. */
typedef union
{
  float floats[256];
  guint16 halves[256];
  guint8 bytes[256];
} Table;

static void
fill_table (Table *table, const FwPreprocess *preprocess, int channel)
{
  for (int i = 0; i < 256; i++)
    {
      const double pixel = preprocess->invert ? 255 - i : i;
      const double value = (pixel / preprocess->divisor - preprocess->mean[channel])
                           / preprocess->deviation[channel];

      if (preprocess->type == FW_ELEMENT_FLOAT16)
        table->halves[i] = fw_float_to_half (value);
      else if (preprocess->type == FW_ELEMENT_UINT8)
        table->bytes[i] = (guint8) CLAMP (rint (value), 0, 255);
      else
        table->floats[i] = value;
    }
}

static void
put (gpointer target, gsize index, const Table *table, guint8 pixel, FwElementType type)
{
  if (type == FW_ELEMENT_FLOAT16)
    ((guint16 *) target)[index] = table->halves[pixel];
  else if (type == FW_ELEMENT_UINT8)
    ((guint8 *) target)[index] = table->bytes[pixel];
  else
    ((float *) target)[index] = table->floats[pixel];
}

/* The brightness of a pixel, by the weights of ITU-R 601 in 16-bit fixed point. */
static guint8
get_grey (const guint8 *pixel)
{
  return (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16;
}

FwTensor *
fw_picture_fill_tensor (const FwPicture *fitted, const FwPreprocess *preprocess, GError **error)
{
  const int channels = preprocess->channels == FW_CHANNELS_GREY ? 1 : 3;
  const gsize n = (gsize) fitted->width * fitted->height;
  const gboolean planar = preprocess->layout == FW_LAYOUT_NCHW;
  const gint64 nchw[] = { 1, channels, fitted->height, fitted->width };
  const gint64 nhwc[] = { 1, fitted->height, fitted->width, channels };
  FwTensor *tensor = fw_tensor_new (preprocess->type, planar ? nchw : nhwc, 4, error);
  gpointer target;

  if (tensor == NULL)
    return NULL;
  target = fw_tensor_get_data (tensor);
  for (int c = 0; c < channels; c++)
    {
      const int from = preprocess->channels == FW_CHANNELS_BGR ? 2 - c : c;
      const gsize step = planar ? 1 : channels;
      gsize at = planar ? c * n : c;
      Table table;

      fill_table (&table, preprocess, c);
      for (gsize i = 0; i < n; i++, at += step)
        {
          const guint8 *pixel = fitted->pixels + i * 3;

          put (target, at, &table, channels == 1 ? get_grey (pixel) : pixel[from],
               preprocess->type);
        }
    }
  return tensor;
}

FwTensor *
fw_picture_to_tensor (const FwPicture *self, const FwPreprocess *preprocess, GError **error)
{
  g_autoptr (FwPicture) fitted = fw_picture_fit (self, preprocess);

  return fw_picture_fill_tensor (fitted, preprocess, error);
}
