/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-progress.h"

struct _FwProgress
{
  gatomicrefcount references;

  /* A slice has a parent, the whole has a function. */
  FwProgress *parent;
  double from;
  double to;

  FwProgressFunc func;
  gpointer user_data;
  double last;
};

FwProgress *
fw_progress_new (FwProgressFunc func, gpointer user_data)
{
  FwProgress *self = g_new0 (FwProgress, 1);

  g_atomic_ref_count_init (&self->references);
  self->func = func;
  self->user_data = user_data;
  self->last = -1;
  return self;
}

FwProgress *
fw_progress_ref (FwProgress *self)
{
  if (self)
    g_atomic_ref_count_inc (&self->references);
  return self;
}

void
fw_progress_unref (FwProgress *self)
{
  if (!self || !g_atomic_ref_count_dec (&self->references))
    return;
  fw_progress_unref (self->parent);
  g_free (self);
}

FwProgress *
fw_progress_slice (FwProgress *parent, double from, double to)
{
  FwProgress *self;

  if (!parent)
    return NULL;
  self = fw_progress_new (NULL, NULL);
  self->parent = fw_progress_ref (parent);
  self->from = CLAMP (from, 0, 1);
  self->to = CLAMP (to, self->from, 1);
  return self;
}

void
fw_progress_report (FwProgress *self, double fraction)
{
  /* A work of no steps divides by nothing; that is no news. */
  if (!self || fraction != fraction)
    return;
  fraction = CLAMP (fraction, 0, 1);
  for (; self->parent; self = self->parent)
    fraction = self->from + fraction * (self->to - self->from);
  if (fraction <= self->last)
    return;
  self->last = fraction;
  if (self->func)
    self->func (fraction, self->user_data);
}
