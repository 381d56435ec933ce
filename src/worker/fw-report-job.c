/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-report-job.h"

#include <glib/gi18n-lib.h>
#include <math.h>

#include "fw-file.h"
#include "fw-report-json.h"

/* Pixels a side of the pictures shown. */
#define PREVIEW_SIDE 256

static JsonObject *
describe_suspect (const FwSuspect *suspect)
{
  JsonObject *object = json_object_new ();
  g_autofree char *text = fw_preprocess_describe (suspect->preprocess);

  json_object_set_string_member (object, "name", suspect->preprocess->name);
  json_object_set_string_member (object, "description", text);
  fw_report_add_number (object, "score", suspect->score);
  if (suspect->accuracy >= 0)
    fw_report_add_number (object, "accuracy", suspect->accuracy);
  else
    json_object_set_null_member (object, "accuracy");
  return object;
}

static JsonObject *
describe_preprocess (FwShrinkJob *job)
{
  g_autoptr (JsonNode) node = fw_preprocess_to_json (job->preprocess);
  JsonObject *object = json_node_dup_object (node);
  g_autofree char *text = fw_preprocess_describe (job->preprocess);

  json_object_set_string_member (object, "description", text);
  json_object_set_boolean_member (object, "guessed", job->verdict != NULL);
  if (job->verdict != NULL)
    {
      JsonArray *candidates = json_array_new ();

      json_object_set_boolean_member (object, "sure", job->verdict->sure);
      json_object_set_string_member (object, "reason", job->verdict->reason);
      for (guint i = 0; i < job->verdict->suspects->len; i++)
        json_array_add_object_element (
            candidates, describe_suspect (g_ptr_array_index (job->verdict->suspects, i)));
      json_object_set_array_member (object, "candidates", candidates);
    }
  return object;
}

void
fw_report_add_preprocess (JsonObject *result, FwShrinkJob *job)
{
  if (job->preprocess != NULL)
    json_object_set_object_member (result, "preprocess", describe_preprocess (job));
  else
    json_object_set_null_member (result, "preprocess");
}

static JsonArray *
list_unreadable (FwSampleSet *samples)
{
  GPtrArray *names = fw_sample_set_get_unreadable (samples);
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < names->len; i++)
    json_array_add_string_element (array, g_ptr_array_index (names, i));
  return array;
}

static JsonArray *
list_classes (FwSampleSet *samples)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < fw_sample_set_get_n_classes (samples); i++)
    {
      const char *name = fw_sample_set_get_class_name (samples, i);

      if (name != NULL)
        json_array_add_string_element (array, name);
      else
        json_array_add_null_element (array);
    }
  return array;
}

void
fw_report_add_samples (JsonObject *result, FwShrinkJob *job)
{
  guint n_test = fw_sample_set_get_test (job->samples)->len;
  guint n_calibration = fw_sample_set_get_calibration (job->samples)->len;

  json_object_set_string_member (result, "samples_sha256", fw_sample_set_get_sha256 (job->samples));
  json_object_set_int_member (result, "samples", n_test + n_calibration);
  json_object_set_boolean_member (result, "has_labels", fw_sample_set_has_labels (job->samples));
  json_object_set_array_member (result, "classes", list_classes (job->samples));
  json_object_set_array_member (result, "unreadable_samples", list_unreadable (job->samples));
  fw_report_add_preprocess (result, job);
}

void
fw_report_add_job (JsonObject *result, FwShrinkJob *job)
{
  g_autofree char *description = fw_task_describe (&job->task);

  fw_report_add_samples (result, job);
  json_object_set_string_member (result, "task", fw_task_get_name (job->task.task));
  json_object_set_string_member (result, "description", description);
  json_object_set_string_member (result, "original_sha256", job->original_sha256);
  json_object_set_int_member (result, "original_size_bytes", job->original_size);
  json_object_set_int_member (result, "calibration_samples", job->n_calibration);
  json_object_set_int_member (result, "choosing_samples", job->trial->n_choosing);
  json_object_set_int_member (result, "test_samples",
                              job->trial->samples->len - job->trial->n_choosing);
  json_object_set_string_member (result, "prefer", fw_prefer_get_name (job->job->prefer));
  json_object_set_string_member (result, "runtime", fw_runtime_get_version ());
  json_object_set_null_member (result, "peak_rss_bytes");
}

char *
fw_report_write_preview (const FwSample *sample, const char *folder, guint index)
{
  g_autofree char *name = g_strdup_printf ("preview-%05u.png", index);
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr (FwPicture) picture = sample->is_picture ? fw_picture_load (sample->path, NULL) : NULL;
  g_autoptr (GBytes) png = NULL;

  if (picture == NULL)
    return NULL;
  png = fw_picture_to_png (picture, PREVIEW_SIDE, NULL);
  if (png == NULL || !fw_file_write (path, png, FALSE, NULL))
    return NULL;
  return g_steal_pointer (&path);
}

static char *
describe_tensor (FwTensor *tensor)
{
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree float *values = fw_tensor_to_floats (tensor);
  double least = INFINITY, most = -INFINITY;

  for (guint i = 0; i < fw_tensor_get_n_dims (tensor); i++)
    g_string_append_printf (text, "%s%" G_GINT64_FORMAT, i > 0 ? " × " : "",
                            fw_tensor_get_dims (tensor)[i]);
  for (gsize i = 0; values != NULL && i < fw_tensor_get_n_elements (tensor); i++)
    if (isfinite (values[i]))
      {
        least = MIN (least, values[i]);
        most = MAX (most, values[i]);
      }
  if (least > most)
    return g_string_free (g_steal_pointer (&text), FALSE);
  if (text->len == 0)
    return g_strdup_printf ("%.4g", least);
  /* Translators: “1 × 640 numbers from -2.1 to 3.4” */
  return g_strdup_printf (_ ("%s numbers from %.4g to %.4g"), text->str, least, most);
}

void
fw_report_add_look (JsonObject *event, FwShrinkJob *job, const FwSample *sample, guint index)
{
  g_autofree char *preview = fw_report_write_preview (sample, job->folder, index);
  g_autoptr (GPtrArray) row = NULL;
  g_autofree char *figures = NULL;

  if (preview != NULL)
    json_object_set_string_member (event, "preview", preview);
  else
    json_object_set_null_member (event, "preview");
  if (sample->is_picture || (row = fw_sample_to_row (sample, job->inputs, NULL, NULL)) == NULL)
    return;
  figures = describe_tensor (row->pdata[job->inputs->main]);
  json_object_set_string_member (event, "figures", figures);
}
