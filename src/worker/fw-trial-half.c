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

/* Samples that take part in latency, in turn. */
#define N_LATENCY_ROWS 4
/* Scores are kept of so many samples for the signal-to-noise ratio. */
#define N_SCORED 256
/* Outputs kept of the original; where they take more, fewer samples are compared. */
#define MAX_OUTPUT_BYTES (G_GUINT64_CONSTANT (1) << 30)
#define LEAST_COMPARED 8

/* Answering ------------------------------------------------------------------------------------ */

static GPtrArray *
run_first (FwTrialHalf *self, GCancellable *cancellable, GError **error)
{
  GPtrArray *row = g_ptr_array_index (self->latency_rows, 0);

  return fw_session_run (self->original, self->input_names, (FwTensor *const *) row->pdata,
                         row->len, self->output_names, cancellable, error);
}

/* All outputs of one sample, when they are complete. */
typedef gboolean (*TakeFunc) (guint index, GPtrArray *outputs, gpointer user_data, GError **error);

/* A way of the samples through a session, which may give the outputs of several samples in turn. */
typedef struct
{
  FwTrialHalf *half;
  GHashTable *pending; /* index -> GPtrArray, NULL for what has not come yet */
  GHashTable *missing; /* index -> how many have not */
  TakeFunc take;
  gpointer user_data;
} Answering;

static GPtrArray *
feed_row (guint index, gpointer user_data, GError **error)
{
  Answering *self = user_data;

  return fw_tensor_store_get (self->half->rows, index, error);
}

static void
unref_if_any (gpointer tensor)
{
  if (tensor != NULL)
    fw_tensor_unref (tensor);
}

static gboolean
collect_output (guint index, guint output, FwTensor *tensor, gpointer user_data, GError **error)
{
  Answering *self = user_data;
  gpointer key = GUINT_TO_POINTER (index);
  GPtrArray *outputs = g_hash_table_lookup (self->pending, key);
  guint n_missing;
  gboolean ok;

  if (outputs == NULL)
    {
      outputs = g_ptr_array_new_with_free_func (unref_if_any);
      g_ptr_array_set_size (outputs, (int) self->half->n_outputs);
      g_hash_table_insert (self->pending, key, outputs);
      g_hash_table_insert (self->missing, key, GUINT_TO_POINTER (self->half->n_outputs));
    }
  outputs->pdata[output] = tensor != NULL ? fw_tensor_ref (tensor) : NULL;
  n_missing = GPOINTER_TO_UINT (g_hash_table_lookup (self->missing, key)) - 1;
  g_hash_table_insert (self->missing, key, GUINT_TO_POINTER (n_missing));
  if (n_missing > 0)
    return TRUE;
  ok = self->take (index, outputs, self->user_data, error);
  g_hash_table_remove (self->pending, key);
  return ok;
}

static gboolean
run_all (FwTrialHalf *self,
         FwSession *session,
         TakeFunc take,
         gpointer user_data,
         FwProgress *progress,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (GHashTable) pending
      = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) g_ptr_array_unref);
  g_autoptr (GHashTable) missing = g_hash_table_new (NULL, NULL);
  Answering answering = { self, pending, missing, take, user_data };
  const FwSessionBatch batch = { self->samples->len, self->input_names, self->output_names,
                                 feed_row,           collect_output,    &answering };

  return fw_session_run_many (session, &batch, progress, cancellable, error);
}

/* What one model made of the samples. */
typedef struct
{
  FwTrialHalf *half;
  FwAnswer *answers;
  FwOutputError *errors;
  double *output_errors;
  GArray *scores;
} Outcome;

static void
outcome_clear (Outcome *self)
{
  g_free (self->answers);
  g_free (self->errors);
  g_free (self->output_errors);
  g_clear_pointer (&self->scores, g_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Outcome, outcome_clear)

static gboolean
take_answer (guint index, GPtrArray *outputs, gpointer user_data, GError **error)
{
  Outcome *outcome = user_data;
  FwTensor *output = g_ptr_array_index (outputs, 0);

  if (!fw_answer_read (&outcome->answers[index], output, error))
    return FALSE;
  if (index < N_SCORED && outcome->answers[index].n_classes > 0)
    {
      g_autofree float *values = fw_tensor_to_floats (output);

      g_array_append_vals (outcome->scores, values, fw_tensor_get_n_elements (output));
    }
  return TRUE;
}

static gboolean
take_errors (guint index, GPtrArray *outputs, gpointer user_data, GError **error)
{
  Outcome *outcome = user_data;
  FwTrialHalf *self = outcome->half;
  g_autoptr (GPtrArray) original = fw_tensor_store_get (self->outputs, self->places[index], error);
  g_autofree double *errors = g_new0 (double, self->n_outputs);

  if (original == NULL)
    return FALSE;
  outcome->errors[index] = fw_output_scale_compare (self->scale, original, outputs, errors);
  for (guint i = 0; i < self->n_outputs && index >= self->n_choosing; i++)
    outcome->output_errors[i] += errors[i] / (self->samples->len - self->n_choosing);
  return TRUE;
}

/* Runs @session on each sample. */
static gboolean
run_samples (FwTrialHalf *self,
             FwSession *session,
             Outcome *outcome,
             FwProgress *progress,
             GCancellable *cancellable,
             GError **error)
{
  const guint n = self->samples->len;
  const gboolean is_classifier = fw_task_is_classification (&self->task);

  outcome->half = self;
  if (is_classifier)
    outcome->answers = g_new0 (FwAnswer, n);
  else
    {
      outcome->errors = g_new0 (FwOutputError, n);
      outcome->output_errors = g_new0 (double, self->n_outputs);
    }
  outcome->scores = g_array_new (FALSE, FALSE, sizeof (float));
  return run_all (self, session, is_classifier ? take_answer : take_errors, outcome, progress,
                  cancellable, error);
}

/* Making --------------------------------------------------------------------------------------- */

static gboolean
read_samples (FwTrialHalf *self,
              FwSampleSet *set,
              const FwPreprocess *preprocess,
              guint most,
              FwProgress *progress,
              GCancellable *cancellable,
              GError **error)
{
  /* Setting one aside takes it out of the set's own list. */
  g_autoptr (GPtrArray) all = g_ptr_array_copy (fw_sample_set_get_test (set), NULL, NULL);
  g_autoptr (GError) first = NULL;

  for (guint i = 0; i < all->len && self->samples->len < most; i++)
    {
      FwSample *sample = g_ptr_array_index (all, i);
      g_autoptr (GError) local = NULL;
      g_autoptr (GPtrArray) row = NULL;

      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      row = fw_sample_to_row (sample, self->inputs, preprocess, &local);
      if (row != NULL)
        {
          if (!fw_tensor_store_add (self->rows, row, error))
            return FALSE;
          g_ptr_array_add (self->samples, sample);
          if (self->latency_rows->len < N_LATENCY_ROWS)
            g_ptr_array_add (self->latency_rows, g_steal_pointer (&row));
        }
      fw_progress_report (progress, (i + 1.0) / all->len);
      if (local != NULL)
        fw_sample_set_reject (set, sample, local);
      if (local != NULL && first == NULL)
        first = g_steal_pointer (&local);
    }
  if (self->samples->len >= 2)
    return TRUE;
  if (first != NULL && !fw_sample_set_are_pictures (set))
    g_propagate_error (error, g_steal_pointer (&first));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                 _ ("Too few of the samples could be read."));
  return FALSE;
}

static void
choose_outputs (FwTrialHalf *self)
{
  const guint n = fw_session_get_n_outputs (self->original);

  g_free (self->output_names);
  self->output_names = g_new0 (const char *, n + 1);
  self->n_outputs = 0;
  for (guint i = 0; i < n; i++)
    {
      const FwValueInfo *info = fw_session_get_output (self->original, i);
      const gboolean counts = fw_task_is_classification (&self->task)
                                  ? i == self->task.output
                                  : info->is_tensor && info->type != FW_ELEMENT_STRING;

      if (counts)
        self->output_names[self->n_outputs++] = info->name;
    }
}

/* Looks at what the original makes of one sample. A shape that is not known before running may turn
 * out to be another than that of answers; and outputs may be so large that not all can be kept. */
static gboolean
check_task (FwTrialHalf *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) outputs = NULL;
  FwAnswer answer;
  guint64 size = 0;

  choose_outputs (self);
  outputs = run_first (self, cancellable, error);
  if (outputs == NULL)
    return FALSE;
  if (fw_task_is_classification (&self->task))
    {
      if (fw_answer_read (&answer, g_ptr_array_index (outputs, 0), NULL))
        return TRUE;
      self->task.task = FW_TASK_GENERAL;
      self->task.n_classes = 0;
      choose_outputs (self);
    }
  for (guint i = 0; i < outputs->len; i++)
    if (outputs->pdata[i] != NULL)
      size += fw_tensor_get_size (outputs->pdata[i]);
  if (size > 0 && MAX_OUTPUT_BYTES / size < self->samples->len)
    g_ptr_array_set_size (self->samples, (int) MIN (self->samples->len,
                                                    MAX (MAX_OUTPUT_BYTES / size, LEAST_COMPARED)));
  return TRUE;
}

/* Keeps what the original makes of one sample. */
static gboolean
keep_outputs (guint index, GPtrArray *outputs, gpointer user_data, GError **error)
{
  FwTrialHalf *self = user_data;

  self->places[index] = fw_tensor_store_get_n (self->outputs);
  if (!fw_tensor_store_add (self->outputs, outputs, error))
    return FALSE;
  fw_output_scale_learn (self->scale, outputs);
  return TRUE;
}

static gboolean
keep_all_outputs (FwTrialHalf *self,
                  FwProgress *progress,
                  GCancellable *cancellable,
                  GError **error)
{
  self->scale = fw_output_scale_new (self->n_outputs);
  self->places = g_new0 (guint, self->samples->len);
  self->outputs = fw_tensor_store_new (self->folder, error);
  return self->outputs != NULL
         && run_all (self, self->original, keep_outputs, self, progress, cancellable, error);
}

static gboolean
ask_original (FwTrialHalf *self, FwProgress *progress, GCancellable *cancellable, GError **error)
{
  g_auto (Outcome) outcome = { 0 };

  if (!check_task (self, cancellable, error))
    return FALSE;
  if (!fw_task_is_classification (&self->task))
    return keep_all_outputs (self, progress, cancellable, error);
  if (!run_samples (self, self->original, &outcome, progress, cancellable, error))
    return FALSE;
  self->answers = g_steal_pointer (&outcome.answers);
  self->scores = g_steal_pointer (&outcome.scores);
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
  if (self->answers == NULL || !fw_sample_set_has_labels (set)
      || !are_labels_believable (self, set))
    return;
  self->labels = g_new (int, self->samples->len);
  for (guint i = 0; i < self->samples->len; i++)
    self->labels[i] = ((FwSample *) g_ptr_array_index (self->samples, i))->label;
}

FwTrialHalf *
fw_trial_half_new (FwSession *original,
                   const FwTaskInfo *task,
                   FwInputs *inputs,
                   FwSampleSet *set,
                   const FwPreprocess *preprocess,
                   guint most,
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
  self->inputs = inputs;
  self->input_names = fw_inputs_get_names (inputs);
  self->threads = threads;
  self->folder = g_strdup (folder);
  self->samples = g_ptr_array_new ();
  self->latency_rows = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  self->rows = fw_tensor_store_new (folder, error);
  if (self->rows == NULL || !read_samples (self, set, preprocess, most, reading, cancellable, error)
      || !ask_original (self, running, cancellable, error))
    return NULL;
  read_labels (self, set);
  return g_steal_pointer (&self);
}

void
fw_trial_half_free (FwTrialHalf *self)
{
  g_clear_pointer (&self->original, fw_session_free);
  g_clear_pointer (&self->rows, fw_tensor_store_free);
  g_clear_pointer (&self->outputs, fw_tensor_store_free);
  g_clear_pointer (&self->scale, fw_output_scale_free);
  g_clear_pointer (&self->scores, g_array_unref);
  g_ptr_array_unref (self->samples);
  g_ptr_array_unref (self->latency_rows);
  g_free (self->input_names);
  g_free (self->output_names);
  g_free (self->places);
  g_free (self->folder);
  g_free (self->labels);
  g_free (self->answers);
  g_free (self);
}

/* Measuring ------------------------------------------------------------------------------------ */

static double
compare_scores (FwTrialHalf *self, GArray *scores)
{
  if (self->scores->len == 0)
    return NAN;
  if (scores->len != self->scores->len)
    return -INFINITY;
  return fw_sqnr ((const float *) (gpointer) self->scores->data,
                  (const float *) (gpointer) scores->data, scores->len);
}

FwAgreement *
fw_trial_half_agree (FwTrialHalf *self, const FwMeasurement *measurement, guint first, guint n)
{
  const int *labels = self->labels != NULL ? self->labels + first : NULL;

  if (measurement->errors != NULL)
    return fw_agreement_new_from_errors (measurement->errors + first, n);
  return fw_agreement_new (self->answers + first, measurement->answers + first, labels, n);
}

/* Of the samples whose figures are shown. */
static void
judge_outputs (FwTrialHalf *self, FwMeasurement *result)
{
  double sum = 0;

  result->worst = self->n_choosing;
  for (guint i = self->n_choosing; i < self->samples->len; i++)
    {
      sum += result->errors[i].error;
      if (result->errors[i].error > result->errors[result->worst].error)
        result->worst = i;
    }
  result->sqnr = fw_error_to_decibels (sum / (self->samples->len - self->n_choosing));
}

static gboolean
measure_answers (FwTrialHalf *self,
                 FwMeasurement *result,
                 FwSession *session,
                 FwProgress *progress,
                 GCancellable *cancellable,
                 GError **error)
{
  g_auto (Outcome) outcome = { 0 };

  if (!run_samples (self, session, &outcome, progress, cancellable, error))
    return FALSE;
  result->answers = g_steal_pointer (&outcome.answers);
  result->errors = g_steal_pointer (&outcome.errors);
  result->output_errors = g_steal_pointer (&outcome.output_errors);
  result->agreement = fw_trial_half_agree (self, result, 0, self->samples->len);
  if (result->errors != NULL)
    judge_outputs (self, result);
  else
    result->sqnr = compare_scores (self, outcome.scores);
  return TRUE;
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

  if (session == NULL || !measure_answers (self, result, session, answering, cancellable, error))
    return NULL;
  /* Going through the file piece by piece takes a time that no app would need. */
  if (seconds > 0 && !fw_session_is_piecewise (session))
    {
      if (!fw_latency_compare (self->original, session, self->latency_rows, seconds,
                               &result->latency, cancellable, error))
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
  g_free (self->errors);
  g_free (self->output_errors);
  g_free (self);
}

/* Saving --------------------------------------------------------------------------------------- */

/* The tensors of one sample as files; their names go to @object. */
static gboolean
save_row (FwTrialHalf *self, guint index, const char *folder, JsonObject *object, GError **error)
{
  g_autoptr (GPtrArray) row = fw_tensor_store_get (self->rows, index, error);
  JsonObject *files = json_object_new ();

  json_object_set_object_member (object, "files", files);
  if (row == NULL)
    return FALSE;
  for (guint k = 0; k < row->len; k++)
    {
      g_autofree char *file = row->len == 1 ? g_strdup_printf ("%05u.npy", index)
                                            : g_strdup_printf ("%05u-%u.npy", index, k);
      g_autofree char *path = g_build_filename (folder, file, NULL);
      g_autofree char *name = g_utf8_make_valid (self->input_names[k], -1);

      if (k == self->task.input)
        json_object_set_string_member (object, "file", file);
      json_object_set_string_member (files, name, file);
      if (!fw_tensor_save_npy (row->pdata[k], path, error))
        return FALSE;
    }
  return TRUE;
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
      JsonObject *object = json_object_new ();

      json_array_add_object_element (array, object);
      json_object_set_string_member (object, "name", sample->name);
      json_object_set_int_member (object, "label", sample->label);
      if (self->answers != NULL)
        json_object_set_int_member (object, "original", self->answers[i].index[0]);
      if (other != NULL && other->answers != NULL)
        json_object_set_int_member (object, "other", other->answers[i].index[0]);
      if (!save_row (self, i, folder, object, error))
        return FALSE;
    }
  text = json_to_string (root, TRUE);
  bytes = g_bytes_new_take (text, strlen (text));
  return fw_file_write (list, bytes, FALSE, error);
}
