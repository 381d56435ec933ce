/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-preprocess-private.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-presets.h"

#define DEFAULT_SIDE 224
#define MAX_SIDE 8192
/* Below this side training pipelines stretch; from it on they cut out the middle. */
#define CROP_SIDE 112

static const char *const resize_names[] = { "crop", "stretch", "letterbox" };

FwPreprocess *
fw_preprocess_copy (const FwPreprocess *self)
{
  FwPreprocess *copy = g_memdup2 (self, sizeof (FwPreprocess));

  copy->name = g_strdup (self->name);
  return copy;
}

void
fw_preprocess_free (FwPreprocess *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self);
}

/* The channels of a grey picture share one mean and deviation. */
static guint
get_n_channels (FwChannels channels)
{
  return channels == FW_CHANNELS_GREY ? 1 : 3;
}

gboolean
fw_preprocess_equal (const FwPreprocess *a, const FwPreprocess *b)
{
  if (a->layout != b->layout || a->channels != b->channels || a->resize != b->resize
      || a->width != b->width || a->height != b->height || a->type != b->type
      || !a->invert != !b->invert || a->divisor != b->divisor)
    return FALSE;
  if (a->resize == FW_RESIZE_CROP && a->crop_from != b->crop_from)
    return FALSE;
  for (guint c = 0; c < get_n_channels (a->channels); c++)
    if (a->mean[c] != b->mean[c] || a->deviation[c] != b->deviation[c])
      return FALSE;
  return TRUE;
}

static FwResize
get_usual_resize (int width, int height)
{
  return MIN (width, height) >= CROP_SIDE ? FW_RESIZE_CROP : FW_RESIZE_STRETCH;
}

/* A preset's name says its values, and how it is resized only where that is not the usual way. */
static char *
make_name (const FwPreset *preset, FwResize resize, int width, int height)
{
  if (resize == get_usual_resize (width, height))
    return g_strdup (preset->name);
  return g_strdup_printf ("%s-%s", preset->name, resize_names[resize]);
}

static int
get_usual_crop_from (int width, int height)
{
  return (int) rint (MIN (width, height) * 256.0 / 224.0);
}

static FwPreprocess *
new_from_preset (const FwPreset *preset, FwResize resize, const FwPreprocess *shape)
{
  FwPreprocess *self = g_memdup2 (shape, sizeof (FwPreprocess));

  self->name = make_name (preset, resize, shape->width, shape->height);
  self->channels = preset->channels;
  self->resize = resize;
  self->crop_from
      = resize == FW_RESIZE_CROP ? get_usual_crop_from (shape->width, shape->height) : 0;
  self->invert = preset->invert;
  self->divisor = preset->divisor;
  memcpy (self->mean, preset->mean, sizeof self->mean);
  memcpy (self->deviation, preset->deviation, sizeof self->deviation);
  return self;
}

char *
fw_preprocess_describe (const FwPreprocess *self)
{
  static const char *const channels[] = { N_ ("RGB"), N_ ("BGR"), N_ ("grey") };
  const FwPreset *preset = fw_preset_find_values (self);
  g_autofree char *resize = NULL;

  switch (self->resize)
    {
    case FW_RESIZE_CROP:
      resize = g_strdup_printf (_ ("shorter side %d, middle %d×%d"), self->crop_from, self->width,
                                self->height);
      break;
    case FW_RESIZE_LETTERBOX:
      resize = g_strdup_printf (_ ("fitted into %d×%d"), self->width, self->height);
      break;
    case FW_RESIZE_STRETCH:
    default:
      resize = g_strdup_printf (_ ("stretched to %d×%d"), self->width, self->height);
      break;
    }
  /* Translators: the order of colours, the range of values, how it is resized. */
  return g_strdup_printf (self->invert ? _ ("%s, inverted, %s, %s") : _ ("%s, %s, %s"),
                          _ (channels[self->channels]),
                          preset != NULL ? _ (preset->range) : _ ("own values"), resize);
}

/* Candidates ---------------------------------------------------------------------------------- */

static gboolean
is_channels (gint64 dim)
{
  return dim == 1 || dim == 3;
}

static gboolean
is_side (gint64 dim)
{
  return dim == -1 || (dim >= 1 && dim <= MAX_SIDE);
}

/* Fills size and type; FALSE where @info in that layout can't take pictures. @channels: 1, 3 or,
 * for a dynamic dimension, 3. */
static gboolean
read_shape (const FwValueInfo *info, FwLayout layout, FwPreprocess *shape, int *channels)
{
  const gboolean planar = layout == FW_LAYOUT_NCHW;
  const gint64 depth = info->dims[planar ? 1 : 3];
  const gint64 height = info->dims[planar ? 2 : 1];
  const gint64 width = info->dims[planar ? 3 : 2];

  if (info->dims[0] != -1 && info->dims[0] != 1)
    return FALSE;
  if ((depth != -1 && !is_channels (depth)) || !is_side (height) || !is_side (width))
    return FALSE;
  *shape = (FwPreprocess){ .layout = layout, .type = info->type };
  shape->height = height == -1 ? (width == -1 ? DEFAULT_SIDE : width) : height;
  shape->width = width == -1 ? shape->height : width;
  *channels = depth == -1 ? 3 : depth;
  return TRUE;
}

static gboolean
preset_fits (const FwPreset *preset, const FwPreprocess *shape, int channels)
{
  if (get_n_channels (preset->channels) != (guint) channels)
    return FALSE;
  /* Bytes can only be the pixels themselves. */
  if (shape->type == FW_ELEMENT_UINT8 && (preset->divisor != 1 || preset->mean[0] != 0))
    return FALSE;
  return g_strcmp0 (preset->name, "rgb-cifar") != 0
         || MIN (shape->width, shape->height) <= FW_PRESET_SMALL_SIDE;
}

static void
add_candidates (GPtrArray *candidates, const FwPreprocess *shape, int channels)
{
  const FwResize usual = get_usual_resize (shape->width, shape->height);
  const FwResize other = usual == FW_RESIZE_CROP ? FW_RESIZE_STRETCH : FW_RESIZE_CROP;
  const FwResize order[] = { usual, other };

  for (guint r = 0; r < G_N_ELEMENTS (order); r++)
    for (guint i = 0; i < fw_n_presets; i++)
      if (preset_fits (&fw_presets[i], shape, channels))
        g_ptr_array_add (candidates, new_from_preset (&fw_presets[i], order[r], shape));
}

/* Which layouts @info leaves open: where the 1 or 3 stands decides. */
static void
find_layouts (const FwValueInfo *info, gboolean *planar, gboolean *packed)
{
  *planar = is_channels (info->dims[1]);
  *packed = is_channels (info->dims[3]);
  if (!*planar && !*packed)
    {
      *planar = info->dims[1] == -1;
      *packed = info->dims[3] == -1;
    }
}

GPtrArray *
fw_preprocess_candidates (const FwValueInfo *info, GError **error)
{
  g_autoptr (GPtrArray) candidates
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_preprocess_free);
  gboolean open[2] = { FALSE, FALSE };

  if (info->is_tensor && info->n_dims == 4
      && (info->type == FW_ELEMENT_FLOAT || info->type == FW_ELEMENT_FLOAT16
          || info->type == FW_ELEMENT_UINT8))
    {
      find_layouts (info, &open[FW_LAYOUT_NCHW], &open[FW_LAYOUT_NHWC]);
      for (guint layout = 0; layout < G_N_ELEMENTS (open); layout++)
        {
          FwPreprocess shape;
          int channels;

          if (open[layout] && read_shape (info, layout, &shape, &channels))
            add_candidates (candidates, &shape, channels);
        }
    }
  if (candidates->len == 0)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("This model does not take pictures one at a time, which is all that "
                              "can be fed to it so far."));
      return NULL;
    }
  return g_steal_pointer (&candidates);
}

/* Finding by name ----------------------------------------------------------------------------- */

static void
set_unknown (GError **error, const char *name, GPtrArray *candidates)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < candidates->len; i++)
    {
      FwPreprocess *candidate = candidates->pdata[i];

      if (candidate->resize == get_usual_resize (candidate->width, candidate->height)
          && strstr (names->str, candidate->name) == NULL)
        g_string_append_printf (names, "%s%s", names->len > 0 ? ", " : "", candidate->name);
    }
  g_set_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
               _ ("There is no preparation called “%s” for this model. There are: %s; each also "
                  "with -crop, -stretch or -letterbox after it."),
               name, names->str);
}

/* Cuts "-crop" and the like off @name. */
static gboolean
split_resize (const char *name, char **base, FwResize *resize)
{
  for (guint i = 0; i < G_N_ELEMENTS (resize_names); i++)
    {
      g_autofree char *suffix = g_strconcat ("-", resize_names[i], NULL);

      if (g_str_has_suffix (name, suffix))
        {
          *base = g_strndup (name, strlen (name) - strlen (suffix));
          *resize = i;
          return TRUE;
        }
    }
  *base = g_strdup (name);
  return FALSE;
}

static FwPreprocess *
find_by_name (const char *name, const FwValueInfo *info, GError **error)
{
  g_autoptr (GPtrArray) candidates = fw_preprocess_candidates (info, error);
  g_autofree char *base = NULL;
  FwResize resize;
  gboolean given;

  if (candidates == NULL)
    return NULL;
  given = split_resize (name, &base, &resize);
  for (guint i = 0; i < candidates->len; i++)
    {
      FwPreprocess *candidate = candidates->pdata[i];

      if (g_strcmp0 (candidate->name, base) == 0)
        {
          if (!given)
            return fw_preprocess_copy (candidate);
          return new_from_preset (fw_preset_find (base), resize, candidate);
        }
    }
  set_unknown (error, name, candidates);
  return NULL;
}

/* Whether @self can feed @info; dynamic dimensions take anything. */
static gboolean
fits_input (const FwPreprocess *self, const FwValueInfo *info)
{
  const gint64 channels = get_n_channels (self->channels);
  const gint64 nchw[] = { 1, channels, self->height, self->width };
  const gint64 nhwc[] = { 1, self->height, self->width, channels };
  const gint64 *dims = self->layout == FW_LAYOUT_NCHW ? nchw : nhwc;

  if (!info->is_tensor || info->n_dims != 4 || info->type != self->type)
    return FALSE;
  for (guint i = 0; i < 4; i++)
    if (info->dims[i] != -1 && info->dims[i] != dims[i])
      return FALSE;
  return TRUE;
}

static FwPreprocess *
find_in_file (const char *path, const FwValueInfo *info, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (FwPreprocess) self = NULL;
  g_autoptr (GError) local = NULL;

  if (!json_parser_load_from_file (parser, path, &local))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
                   _ ("The preparation in “%s” can't be read: %s"), path, local->message);
      return NULL;
    }
  self = fw_preprocess_from_json (json_parser_get_root (parser), error);
  if (self == NULL)
    return NULL;
  if (!fits_input (self, info))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_BAD_PREPROCESS,
                   _ ("The preparation in “%s” makes pictures of another size or kind than this "
                      "model takes."),
                   path);
      return NULL;
    }
  return g_steal_pointer (&self);
}

FwPreprocess *
fw_preprocess_find (const char *name, const FwValueInfo *info, GError **error)
{
  g_return_val_if_fail (name != NULL && info != NULL, NULL);

  if (strchr (name, '/') != NULL || g_str_has_suffix (name, ".json"))
    return find_in_file (name, info, error);
  return find_by_name (name, info, error);
}

char *
fw_preprocess_make_name (const FwPreprocess *self)
{
  const FwPreset *preset = fw_preset_find_values (self);

  if (preset == NULL
      || (self->resize == FW_RESIZE_CROP
          && self->crop_from != get_usual_crop_from (self->width, self->height)))
    return g_strdup ("custom");
  return make_name (preset, self->resize, self->width, self->height);
}
