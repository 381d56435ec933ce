/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-preprocess.h: how a picture becomes a model's input.
 *
 * A plain description that can be shown, corrected, written as JSON and read back. Applied in this
 * order: orientation, grey or alpha to RGB, resize (antialiased triangle), crop or pad, channel
 * order, value = (pixel / divisor - mean[c]) / deviation[c], layout, element type.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "fw-session.h"

G_BEGIN_DECLS

typedef enum
{
  FW_LAYOUT_NCHW,
  FW_LAYOUT_NHWC,
} FwLayout;

typedef enum
{
  FW_CHANNELS_RGB,
  FW_CHANNELS_BGR,
  FW_CHANNELS_GREY,
} FwChannels;

typedef enum
{
  FW_RESIZE_CROP, /* short side to crop_from, then the middle */
  FW_RESIZE_STRETCH,
  FW_RESIZE_LETTERBOX, /* long side to fit, the rest padded with 114 at right and bottom */
} FwResize;

typedef struct
{
  char *name; /* "rgb-unit", "bgr-caffe", ... or "custom"; part of the table of presets */
  FwLayout layout;
  FwChannels channels;
  FwResize resize;
  int width, height; /* of the model's input, pixels */
  int crop_from;     /* FW_RESIZE_CROP: the short side before the crop */
  gboolean invert;   /* 255 - pixel first: dark on light for light on dark */
  double divisor;    /* 1 or 255 */
  double mean[3];    /* in the order of the model's channels, after the division */
  double deviation[3];
  FwElementType type; /* float32, float16 or uint8 */
} FwPreprocess;

FwPreprocess *fw_preprocess_copy (const FwPreprocess *self);
void fw_preprocess_free (FwPreprocess *self);
gboolean fw_preprocess_equal (const FwPreprocess *a, const FwPreprocess *b);

JsonNode *fw_preprocess_to_json (const FwPreprocess *self);
/* A member "description" is for people and is passed over. Errors: BAD_PREPROCESS. */
FwPreprocess *fw_preprocess_from_json (JsonNode *node, GError **error);

/* "RGB, 0 to 1, shorter side 256, middle 224×224": a translated phrase for people. */
char *fw_preprocess_describe (const FwPreprocess *self);

/* The preparations that make sense for a model's picture input @info (4 dims, 1 or 3 channels in
 * either layout; dynamic sizes get 224): an array of FwPreprocess, the usual first. Errors:
 * UNSUPPORTED_INPUTS where @info can't take pictures. */
GPtrArray *fw_preprocess_candidates (const FwValueInfo *info, GError **error);

/* The candidate of that preset name for @info, or the JSON file at @name if it has a '/' or ends
 * in ".json". Errors: BAD_PREPROCESS (names the presets). */
FwPreprocess *fw_preprocess_find (const char *name, const FwValueInfo *info, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwPreprocess, fw_preprocess_free)

G_END_DECLS
