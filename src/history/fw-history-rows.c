/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include "fw-history-private.h"
#include "fw-json.h"

#define DEFINE_ROW(Type, type, function)                                                           \
  G_DEFINE_BOXED_TYPE (Type, type, type##_ref, type##_unref)                                       \
  Type *type##_new (void) { return g_atomic_rc_box_new0 (Type); }                                  \
  Type *type##_ref (Type *self) { return g_atomic_rc_box_acquire (self); }                         \
  void type##_unref (Type *self)                                                                   \
  {                                                                                                \
    if (self != NULL)                                                                              \
      g_atomic_rc_box_release_full (self, (GDestroyNotify) function);                              \
  }

static void
clear_original (FwHistoryOriginal *self)
{
  g_free (self->sha256);
  g_free (self->path);
  g_free (self->copy);
  g_free (self->name);
  g_free (self->task);
  g_free (self->saved_path);
  g_free (self->saved_sha256);
}

static void
clear_run (FwHistoryRun *self)
{
  g_clear_pointer (&self->job, json_object_unref);
  g_free (self->samples_sha256);
  g_free (self->task);
  g_clear_pointer (&self->preprocess, json_object_unref);
  g_free (self->program);
  g_free (self->runtime);
  g_free (self->cpu);
  g_clear_pointer (&self->result, json_object_unref);
  g_free (self->message);
}

static void
clear_stop (FwHistoryStop *self)
{
  g_free (self->sha256);
  g_clear_pointer (&self->details, json_object_unref);
  g_free (self->recipe);
}

static void
clear_version (FwHistoryVersion *self)
{
  g_free (self->sha256);
  g_free (self->note);
  g_clear_pointer (&self->thumbnail, g_bytes_unref);
  g_free (self->file);
  g_clear_pointer (&self->details, json_object_unref);
  g_free (self->recipe);
}

static void
clear_measurement (FwHistoryMeasurement *self)
{
  g_free (self->kind);
  g_free (self->samples_sha256);
  g_free (self->program);
  g_free (self->runtime);
  g_free (self->cpu);
  g_clear_pointer (&self->details, json_object_unref);
}

/* clang-format off */
DEFINE_ROW (FwHistoryOriginal, fw_history_original, clear_original)
DEFINE_ROW (FwHistoryRun, fw_history_run, clear_run)
DEFINE_ROW (FwHistoryStop, fw_history_stop, clear_stop)
DEFINE_ROW (FwHistoryVersion, fw_history_version, clear_version)
DEFINE_ROW (FwHistoryMeasurement, fw_history_measurement, clear_measurement)
/* clang-format on */

static const char *const state_names[] = { "running", "finished", "stopped", "failed" };

const char *
fw_history_run_state_get_name (FwHistoryRunState state)
{
  g_return_val_if_fail ((guint) state < G_N_ELEMENTS (state_names), state_names[0]);

  return state_names[state];
}

static double
get_figure (JsonObject *details, const char *group, const char *member)
{
  JsonObject *object = details != NULL ? fw_json_get_object (details, group) : NULL;

  return object != NULL ? fw_json_get_number (object, member, NAN) : NAN;
}

void
fw_history_figures_read (FwHistoryFigures *self, JsonObject *details)
{
  double total = get_figure (details, "same", "total");
  double size = details != NULL ? fw_json_get_number (details, "original_size_bytes", 0) : 0;

  self->same = get_figure (details, "same", "fraction");
  self->same_total = total > 0 && total < G_MAXINT ? (guint) total : 0;
  self->speedup = get_figure (details, "speedup", "median");
  self->latency_ms = get_figure (details, "latency_ms", "median");
  self->accuracy = get_figure (details, "accuracy", "top1");
  self->original_accuracy = get_figure (details, "original_accuracy", "top1");
  self->original_size = size > 0 && size < 0x1p63 ? (guint64) size : 0;
}
