/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-samples-job.h"

#include "fw-report-job.h"

/* Samples that are shown. */
#define MAX_SHOWN 48

static void
report_samples (double fraction, gpointer user_data)
{
  fw_events_phase (user_data, FW_PHASE_SAMPLES, fraction);
}

static void
say_sample (FwShrinkJob *state, FwSample *sample, guint index)
{
  JsonObject *event = json_object_new ();
  const char *name = fw_sample_set_get_class_name (state->samples, sample->label);

  json_object_set_string_member (event, "name", sample->name);
  fw_report_add_look (event, state, sample, index);
  if (sample->label >= 0)
    json_object_set_int_member (event, "label", sample->label);
  if (sample->label >= 0 && name != NULL)
    json_object_set_string_member (event, "label_name", name);
  fw_events_emit (state->events, "sample", event);
}

/* From both halves in turn, so that what is shown is a mixture. */
static gboolean
say_samples (FwShrinkJob *state, GError **error)
{
  GPtrArray *halves[]
      = { fw_sample_set_get_test (state->samples), fw_sample_set_get_calibration (state->samples) };

  for (guint i = 0; i < MAX_SHOWN; i++)
    {
      GPtrArray *half = halves[i % 2];

      if (g_cancellable_set_error_if_cancelled (state->cancellable, error))
        return FALSE;
      if (i / 2 < half->len)
        say_sample (state, g_ptr_array_index (half, i / 2), i);
    }
  return TRUE;
}

JsonObject *
fw_samples_job_run (const FwJob *job,
                    const char *folder,
                    FwEvents *events,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (FwShrinkJob) state = fw_shrink_job_new (job, folder, events, cancellable);
  g_autoptr (FwProgress) progress = fw_progress_new (report_samples, events);
  g_autoptr (JsonObject) result = NULL;

  if (!fw_shrink_job_inspect (state, error)
      || !fw_shrink_job_find_preprocess (state, progress, error) || !say_samples (state, error))
    return NULL;
  result = json_object_new ();
  fw_report_add_samples (result, state);
  return g_steal_pointer (&result);
}
