/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-trial-half.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-file.h"

/* Pictures that take part in latency, in turn. */
#define N_LATENCY_INPUTS 4
/* Samples whose outputs are kept for the signal-to-noise ratio. */
#define N_SCORED 256

const char *
fw_trial_half_get_input_name (FwTrialHalf *self)
{
  return fw_session_get_input (self->original, self->task.input)->name;
}

/* A way of the samples through a session. */
typedef struct
{
  FwTrialHalf *half;
  FwAnswer *answers;
  GArray *scores; /* where the first outputs go, or NULL */
} Answering;

static GPtrArray *
feed_sample (guint index, gpointer user_data, GError **error)
{
  Answering *answering = user_data;
  FwTensor *input = fw_tensor_store_get (answering->half->tensors, index, error);
  GPtrArray *inputs;

  if (input == NULL)
    return NULL;
  inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_ptr_array_add (inputs, input);
  return inputs;
}

static gboolean
take_answer (guint index, guint output, FwTensor *tensor, gpointer user_data, GError **error)
{
  Answering *answering = user_data;

  if (!fw_answer_read (&answering->answers[index], tensor, error))
    return FALSE;
  if (answering->scores != NULL && index < N_SCORED)
    {
      g_autofree float *values = fw_tensor_to_floats (tensor);

      g_array_append_vals (answering->scores, values, fw_tensor_get_n_elements (tensor));
    }
  return TRUE;
}

/* Runs @session on each sample. @scores: where the first outputs go, or NULL. */
static FwAnswer *
run_answers (FwTrialHalf *self,
             FwSession *session,
             GArray *scores,
             FwProgress *progress,
             GCancellable *cancellable,
             GError **error)
{
  guint n = fw_tensor_store_get_n (self->tensors);
  g_autofree FwAnswer *answers = g_new0 (FwAnswer, n);
  const char *const inputs[] = { fw_trial_half_get_input_name (self), NULL };
  const char *const outputs[]
      = { fw_session_get_output (self->original, self->task.output)->name, NULL };
  Answering answering = { self, answers, scores };
  const FwSessionBatch batch = { n, inputs, outputs, feed_sample, take_answer, &answering };

  if (!fw_session_run_many (session, &batch, progress, cancellable, error))
    return NULL;
  return g_steal_pointer (&answers);
}

static gboolean
read_samples (FwTrialHalf *self,
              FwSampleSet *set,
              const FwPreprocess *preprocess,
              FwProgress *progress,
              GCancellable *cancellable,
              GError **error)
{
  /* Setting one aside takes it out of the set's own list. */
  g_autoptr (GPtrArray) all = g_ptr_array_copy (fw_sample_set_get_test (set), NULL, NULL);

  for (guint i = 0; i < all->len; i++)
    {
      FwSample *sample = g_ptr_array_index (all, i);
      g_autoptr (GError) local = NULL;
      g_autoptr (FwTensor) tensor = NULL;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      tensor = fw_sample_to_tensor (sample, preprocess, &local);
      if (tensor != NULL)
        {
          if (!fw_tensor_store_add (self->tensors, tensor, error))
            return FALSE;
          g_ptr_array_add (self->samples, sample);
          if (self->latency_inputs->len < N_LATENCY_INPUTS)
            g_ptr_array_add (self->latency_inputs, g_steal_pointer (&tensor));
        }
      fw_progress_report (progress, (i + 1.0) / all->len);
      if (local != NULL)
        fw_sample_set_reject (set, sample, local);
    }
  if (self->samples->len < 2)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                   _ ("Too few of the pictures could be read."));
      return FALSE;
    }
  return TRUE;
}

static gboolean
are_labels_believable (FwTrialHalf *self, FwSampleSet *set)
{
  guint n_labelled = 0, n_right = 0;

  for (guint i = 0; i < self->samples->len; i++)
    {
      FwSample *sample = g_ptr_array_index (self->samples, i);

      if (sample->label < 0)
        continue;
      n_labelled++;
      if (self->answers[i].n > 0 && (int) self->answers[i].index[0] == sample->label)
        n_right++;
    }
  /* An order of folder names need not be the model's: only agreement far above chance shows it. */
  return n_labelled > 0 && (!fw_sample_set_labels_are_guessed (set) || n_right * 2 >= n_labelled);
}

static void
read_labels (FwTrialHalf *self, FwSampleSet *set)
{
  if (!fw_sample_set_has_labels (set) || !are_labels_believable (self, set))
    return;
  self->labels = g_new (int, self->samples->len);
  for (guint i = 0; i < self->samples->len; i++)
    self->labels[i] = ((FwSample *) g_ptr_array_index (self->samples, i))->label;
}

FwTrialHalf *
fw_trial_half_new (FwSession *original,
                   const FwTaskInfo *task,
                   FwSampleSet *set,
                   const FwPreprocess *preprocess,
                   guint threads,
                   const char *folder,
                   FwProgress *progress,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (FwTrialHalf) self = g_new0 (FwTrialHalf, 1);
  g_autoptr (FwProgress) reading = fw_progress_slice (progress, 0, 0.5);
  g_autoptr (FwProgress) running = fw_progress_slice (progress, 0.5, 1);

  self->original = original;
  self->task = *task;
  self->threads = threads;
  self->samples = g_ptr_array_new ();
  self->latency_inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  self->scores = g_array_new (FALSE, FALSE, sizeof (float));
  self->tensors = fw_tensor_store_new (folder, error);
  if (self->tensors == NULL || !read_samples (self, set, preprocess, reading, cancellable, error))
    return NULL;
  self->answers = run_answers (self, original, self->scores, running, cancellable, error);
  if (self->answers == NULL)
    return NULL;
  read_labels (self, set);
  return g_steal_pointer (&self);
}

void
fw_trial_half_free (FwTrialHalf *self)
{
  g_clear_pointer (&self->original, fw_session_free);
  g_clear_pointer (&self->tensors, fw_tensor_store_free);
  g_ptr_array_unref (self->samples);
  g_ptr_array_unref (self->latency_inputs);
  g_array_unref (self->scores);
  g_free (self->labels);
  g_free (self->answers);
  g_free (self);
}

static double
compare_scores (FwTrialHalf *self, GArray *scores)
{
  if (scores->len != self->scores->len)
    return -INFINITY;
  return fw_sqnr ((const float *) (gpointer) self->scores->data,
                  (const float *) (gpointer) scores->data, scores->len);
}

FwMeasurement *
fw_trial_half_measure (FwTrialHalf *self,
                       const char *path,
                       double seconds,
                       FwProgress *progress,
                       GCancellable *cancellable,
                       GError **error)
{
  FwSessionOptions options = { .threads = self->threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwMeasurement) result = g_new0 (FwMeasurement, 1);
  g_autoptr (FwProgress) answering = fw_progress_slice (progress, 0, 0.7);
  g_autoptr (FwSession) session = fw_session_new (path, &options, error);
  g_autoptr (GArray) scores = g_array_new (FALSE, FALSE, sizeof (float));

  if (session == NULL)
    return NULL;
  result->answers = run_answers (self, session, scores, answering, cancellable, error);
  if (result->answers == NULL)
    return NULL;
  result->agreement
      = fw_agreement_new (self->answers, result->answers, self->labels, self->samples->len);
  result->sqnr = compare_scores (self, scores);
  /* Going through the file piece by piece takes a time that no app would need. */
  if (seconds > 0 && !fw_session_is_piecewise (session))
    {
      if (!fw_latency_compare (self->original, session, fw_trial_half_get_input_name (self),
                               self->latency_inputs, seconds, &result->latency, cancellable, error))
        return NULL;
      result->has_latency = TRUE;
    }
  fw_progress_report (progress, 1);
  return g_steal_pointer (&result);
}

void
fw_measurement_free (FwMeasurement *self)
{
  g_clear_pointer (&self->agreement, fw_agreement_free);
  g_free (self->answers);
  g_free (self);
}

gboolean
fw_trial_half_save_inputs (FwTrialHalf *self,
                           const FwMeasurement *other,
                           const char *folder,
                           GError **error)
{
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_ARRAY);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *list = g_build_filename (folder, "inputs.json", NULL);
  JsonArray *array = json_array_new ();
  char *text;

  json_node_take_array (root, array);
  if (g_mkdir_with_parents (folder, 0700) != 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, folder);
      return FALSE;
    }
  for (guint i = self->n_choosing; i < self->samples->len; i++)
    {
      FwSample *sample = g_ptr_array_index (self->samples, i);
      g_autoptr (FwTensor) tensor = fw_tensor_store_get (self->tensors, i, error);
      g_autofree char *name = g_strdup_printf ("%05u.npy", i);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      JsonObject *object = json_object_new ();

      json_array_add_object_element (array, object);
      json_object_set_string_member (object, "file", name);
      json_object_set_string_member (object, "name", sample->name);
      json_object_set_int_member (object, "label", sample->label);
      json_object_set_int_member (object, "original", self->answers[i].index[0]);
      if (other != NULL)
        json_object_set_int_member (object, "other", other->answers[i].index[0]);
      if (tensor == NULL || !fw_tensor_save_npy (tensor, path, error))
        return FALSE;
    }
  text = json_to_string (root, TRUE);
  bytes = g_bytes_new_take (text, strlen (text));
  return fw_file_write (list, bytes, FALSE, error);
}
