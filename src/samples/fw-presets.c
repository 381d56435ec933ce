/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-presets.h"

#include <glib/gi18n-lib.h>

#define PLAIN                                                                                      \
  { 0, 0, 0 }, { 1, 1, 1 }
#define SYMMETRIC                                                                                  \
  { 0.5, 0.5, 0.5 }, { 0.5, 0.5, 0.5 }
#define CENTRED                                                                                    \
  { 127, 127, 127 }, { 128, 128, 128 }
#define IMAGENET                                                                                   \
  { 0.485, 0.456, 0.406 }, { 0.229, 0.224, 0.225 }
#define TURNED_IMAGENET                                                                            \
  { 0.406, 0.456, 0.485 }, { 0.225, 0.224, 0.229 }
#define CIFAR                                                                                      \
  { 0.4914, 0.4822, 0.4465 }, { 0.2470, 0.2435, 0.2616 }
#define MNIST                                                                                      \
  { 0.1307, 0.1307, 0.1307 }, { 0.3081, 0.3081, 0.3081 }

#define RGB FW_CHANNELS_RGB, FALSE
#define BGR FW_CHANNELS_BGR, FALSE
#define GREY FW_CHANNELS_GREY, FALSE
#define INVERTED FW_CHANNELS_GREY, TRUE

static const char from_0_to_1[] = N_ ("0 to 1");
static const char from_minus_1_to_1[] = N_ ("−1 to 1");
static const char from_0_to_255[] = N_ ("0 to 255");
static const char less_mean[] = N_ ("0 to 255 less the mean colour");
static const char less_127[] = N_ ("less 127, by 128");
static const char imagenet[] = N_ ("ImageNet mean and deviation");
static const char imagenet_rgb[] = N_ ("ImageNet mean and deviation in RGB order");
static const char cifar[] = N_ ("CIFAR mean and deviation");
static const char mnist[] = N_ ("MNIST mean and deviation");

/* The usual first. */
/* clang-format off */
const FwPreset fw_presets[] = {
  { "rgb-imagenet",            RGB,      255, IMAGENET,        imagenet,          0.00, 0.20 },
  { "rgb-symmetric",           RGB,      255, SYMMETRIC,       from_minus_1_to_1, 0.00, 0.00 },
  { "rgb-unit",                RGB,      255, PLAIN,           from_0_to_1,       0.00, 0.00 },
  { "rgb-raw",                 RGB,      1,   PLAIN,           from_0_to_255,     0.05, 0.00 },
  { "bgr-caffe",               BGR,      1,   { 104, 117, 123 }, { 1, 1, 1 },
                                                               less_mean,         0.05, 0.15 },
  { "bgr-raw",                 BGR,      1,   PLAIN,           from_0_to_255,     0.10, 0.10 },
  { "bgr-unit",                BGR,      255, PLAIN,           from_0_to_1,       0.10, 0.10 },
  { "bgr-symmetric",           BGR,      255, SYMMETRIC,       from_minus_1_to_1, 0.10, 0.10 },
  { "rgb-caffe",               RGB,      1,   { 123, 117, 104 }, { 1, 1, 1 },
                                                               less_mean,         0.15, 0.15 },
  { "rgb-centred",             RGB,      1,   CENTRED,         less_127,          0.15, 0.15 },
  { "bgr-imagenet",            BGR,      255, TURNED_IMAGENET, imagenet,          0.15, 0.25 },
  { "bgr-paddle",              BGR,      255, IMAGENET,        imagenet_rgb,      0.15, 0.25 },
  { "bgr-centred",             BGR,      1,   CENTRED,         less_127,          0.20, 0.20 },
  { "rgb-cifar",               RGB,      255, CIFAR,           cifar,             0.30, 0.15 },
  { "grey-raw",                GREY,     1,   PLAIN,           from_0_to_255,     0.00, 0.00 },
  { "grey-unit",               GREY,     255, PLAIN,           from_0_to_1,       0.50, 0.50 },
  { "grey-mnist",              GREY,     255, MNIST,           mnist,             0.55, 0.55 },
  { "grey-symmetric",          GREY,     255, SYMMETRIC,       from_minus_1_to_1, 0.60, 0.60 },
  { "grey-inverted-raw",       INVERTED, 1,   PLAIN,           from_0_to_255,     0.70, 0.70 },
  { "grey-inverted-unit",      INVERTED, 255, PLAIN,           from_0_to_1,       0.75, 0.75 },
  { "grey-inverted-mnist",     INVERTED, 255, MNIST,           mnist,             0.80, 0.80 },
  { "grey-inverted-symmetric", INVERTED, 255, SYMMETRIC,       from_minus_1_to_1, 0.85, 0.85 },
};
/* clang-format on */
const guint fw_n_presets = G_N_ELEMENTS (fw_presets);

const FwPreset *
fw_preset_find (const char *name)
{
  for (guint i = 0; i < fw_n_presets; i++)
    if (g_strcmp0 (fw_presets[i].name, name) == 0)
      return &fw_presets[i];
  return NULL;
}

static gboolean
has_values (const FwPreprocess *preprocess, const FwPreset *preset)
{
  const guint n = preset->channels == FW_CHANNELS_GREY ? 1 : 3;

  if (preprocess->channels != preset->channels || !preprocess->invert != !preset->invert
      || preprocess->divisor != preset->divisor)
    return FALSE;
  for (guint c = 0; c < n; c++)
    if (preprocess->mean[c] != preset->mean[c] || preprocess->deviation[c] != preset->deviation[c])
      return FALSE;
  return TRUE;
}

const FwPreset *
fw_preset_find_values (const FwPreprocess *preprocess)
{
  for (guint i = 0; i < fw_n_presets; i++)
    if (has_values (preprocess, &fw_presets[i]))
      return &fw_presets[i];
  return NULL;
}
