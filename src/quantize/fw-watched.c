/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-watched.h"

#include <math.h>
#include <string.h>

FwWatched *
fw_watched_new (char *name, guint64 size)
{
  FwWatched *self = g_new0 (FwWatched, 1);

  self->name = name;
  self->input = -1;
  self->size = size;
  fw_histogram_init (&self->statistics.histogram);
  return self;
}

void
fw_watched_free (FwWatched *self)
{
  g_free (self->name);
  g_free (self->counts);
  g_free (self->sums);
  g_free (self->statistics.mean);
  g_free (self);
}

static gsize
get_channels (FwTensor *tensor)
{
  guint n_dims = fw_tensor_get_n_dims (tensor);
  const gint64 *dims = fw_tensor_get_dims (tensor);

  if (n_dims == 0)
    return 1;
  return (gsize) dims[n_dims >= 3 ? 1 : n_dims - 1];
}

/* Values [outer, channels, inner] that are not all finite. */
static void
add_rare_means (FwWatched *self, const float *values, gsize outer, gsize inner)
{
  for (gsize o = 0; o < outer; o++)
    for (gsize c = 0; c < self->statistics.channels; c++)
      for (gsize i = 0; i < inner; i++, values++)
        if (isfinite (*values))
          {
            self->statistics.mean[c] += (double) *values;
            self->counts[c]++;
          }
}

static void
begin (FwWatched *self, gsize channels)
{
  self->seen = TRUE;
  self->statistics.is_float = TRUE;
  self->statistics.channels = MIN (channels, FW_CALIBRATION_MAX_CHANNELS);
  self->statistics.mean = g_new0 (double, self->statistics.channels);
  self->counts = g_new0 (guint64, self->statistics.channels);
  self->sums = g_new (double, self->statistics.channels);
}

void
fw_watched_add (FwWatched *self, FwTensor *tensor)
{
  FwHistogram *histogram = &self->statistics.histogram;
  const float *values = fw_tensor_get_data (tensor);
  const gsize n = fw_tensor_get_n_elements (tensor);
  const gsize channels = get_channels (tensor);
  gsize inner = 1, outer;

  if (!self->seen)
    begin (self, channels);
  if (channels != self->statistics.channels)
    self->ragged = TRUE;
  if (n == 0)
    return;
  if (self->ragged)
    {
      fw_histogram_add (histogram, values, n);
      return;
    }

  for (guint i = 2; i < fw_tensor_get_n_dims (tensor); i++)
    inner *= (gsize) fw_tensor_get_dims (tensor)[i];
  outer = n / (channels * inner);
  memset (self->sums, 0, channels * sizeof (double));
  if (!fw_histogram_add_channels (histogram, values, outer, channels, inner, self->sums))
    {
      add_rare_means (self, values, outer, inner);
      return;
    }
  for (gsize c = 0; c < channels; c++)
    {
      self->statistics.mean[c] += self->sums[c];
      self->counts[c] += outer * inner;
    }
}

void
fw_watched_finish (FwWatched *self)
{
  if (self->ragged)
    {
      g_clear_pointer (&self->statistics.mean, g_free);
      self->statistics.channels = 0;
    }
  for (gsize c = 0; c < self->statistics.channels; c++)
    if (self->counts[c] > 0)
      self->statistics.mean[c] /= (double) self->counts[c];
  g_clear_pointer (&self->counts, g_free);
  g_clear_pointer (&self->sums, g_free);
}
