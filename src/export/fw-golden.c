/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-golden.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-random.h"

GPtrArray *
fw_golden_make_noise (const FwPreprocess *preprocess, guint n, guint64 seed, GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  FwRandom random = { seed + 1 };

  for (guint i = 0; i < n; i++)
    {
      g_autoptr (FwPicture) picture = fw_picture_new (preprocess->width, preprocess->height);
      gsize size = (gsize) picture->width * picture->height * 3;
      FwTensor *tensor;

      for (gsize k = 0; k < size; k++)
        picture->pixels[k] = (guint8) (fw_random_next (&random) >> 56);
      tensor = fw_picture_to_tensor (picture, preprocess, error);
      if (tensor == NULL)
        return NULL;
      g_ptr_array_add (inputs, tensor);
    }
  return g_steal_pointer (&inputs);
}

static FwTensor *
run_one (FwSession *session,
         const char *input_name,
         const char *output_name,
         FwTensor *input,
         GCancellable *cancellable,
         GError **error)
{
  const char *const inputs[] = { input_name, NULL };
  const char *const outputs[] = { output_name, NULL };
  g_autoptr (GPtrArray) results
      = fw_session_run (session, inputs, &input, 1, outputs, cancellable, error);

  return results != NULL ? fw_tensor_ref (g_ptr_array_index (results, 0)) : NULL;
}

static gboolean
is_distribution (FwTensor *output)
{
  g_autofree float *values = fw_tensor_to_floats (output);
  gsize n = fw_tensor_get_n_elements (output);
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      if (!(values[i] >= 0))
        return FALSE;
      sum += values[i];
    }
  return fabs (sum - 1) < 1e-2;
}

FwGolden *
fw_golden_new (FwSession *session,
               const FwTaskInfo *task,
               GPtrArray *inputs,
               gboolean are_noise,
               GCancellable *cancellable,
               GError **error)
{
  g_autoptr (FwGolden) self = g_new0 (FwGolden, 1);

  self->inputs = g_ptr_array_ref (inputs);
  self->outputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  self->answers = g_new0 (FwAnswer, inputs->len + 1);
  self->n = inputs->len;
  self->input_name = g_strdup (fw_session_get_input (session, task->input)->name);
  self->output_name = g_strdup (fw_session_get_output (session, task->output)->name);
  self->are_noise = are_noise;
  self->are_probabilities = TRUE;
  for (guint i = 0; i < self->n; i++)
    {
      FwTensor *output = run_one (session, self->input_name, self->output_name,
                                  g_ptr_array_index (inputs, i), cancellable, error);

      if (output == NULL)
        return NULL;
      g_ptr_array_add (self->outputs, output);
      if (!fw_answer_read (&self->answers[i], output, error))
        return NULL;
      if (self->answers[i].n == 0 || !self->answers[i].finite)
        {
          g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                       _ ("The model’s answers are no numbers."));
          return NULL;
        }
      self->are_probabilities = self->are_probabilities && is_distribution (output);
    }
  return g_steal_pointer (&self);
}

void
fw_golden_free (FwGolden *self)
{
  g_clear_pointer (&self->inputs, g_ptr_array_unref);
  g_clear_pointer (&self->outputs, g_ptr_array_unref);
  g_free (self->answers);
  g_free (self->input_name);
  g_free (self->output_name);
  g_free (self);
}

/* Files -------------------------------------------------------------------------------------- */

static char *
get_path (const char *folder, guint index, const char *what)
{
  g_autofree char *name = g_strdup_printf ("%u-%s.npy", index + 1, what);

  return g_build_filename (folder, "golden", name, NULL);
}

static JsonArray *
list_answer (const FwAnswer *answer, GPtrArray *labels)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < answer->n; i++)
    {
      JsonObject *entry = json_object_new ();

      json_object_set_int_member (entry, "index", answer->index[i]);
      if (answer->index[i] < labels->len)
        json_object_set_string_member (entry, "label", labels->pdata[answer->index[i]]);
      json_object_set_double_member (entry, "probability", answer->probability[i]);
      json_array_add_object_element (array, entry);
    }
  return array;
}

static gboolean
save_list (FwGolden *self, GPtrArray *labels, const char *folder, GError **error)
{
  g_autofree char *path = g_build_filename (folder, "golden", "answers.json", NULL);
  g_autoptr (JsonNode) root = json_node_new (JSON_NODE_OBJECT);
  g_autoptr (GBytes) bytes = NULL;
  g_autofree char *input_name = g_utf8_make_valid (self->input_name, -1);
  g_autofree char *output_name = g_utf8_make_valid (self->output_name, -1);
  g_autofree char *text = NULL;
  JsonObject *object = json_object_new ();
  JsonArray *samples = json_array_new ();

  json_node_take_object (root, object);
  json_object_set_string_member (object, "input", input_name);
  json_object_set_string_member (object, "output", output_name);
  json_object_set_boolean_member (object, "noise", self->are_noise);
  json_object_set_array_member (object, "samples", samples);
  for (guint i = 0; i < self->n; i++)
    {
      JsonObject *entry = json_object_new ();
      g_autofree char *input = g_strdup_printf ("%u-input.npy", i + 1);
      g_autofree char *output = g_strdup_printf ("%u-output.npy", i + 1);

      json_object_set_string_member (entry, "input", input);
      json_object_set_string_member (entry, "output", output);
      json_object_set_array_member (entry, "top", list_answer (&self->answers[i], labels));
      json_array_add_object_element (samples, entry);
    }
  text = json_to_string (root, TRUE);
  bytes = g_bytes_new (text, strlen (text));
  return fw_file_write (path, bytes, FALSE, error);
}

gboolean
fw_golden_save (FwGolden *self, GPtrArray *labels, const char *folder, GError **error)
{
  g_autofree char *golden = g_build_filename (folder, "golden", NULL);

  if (g_mkdir_with_parents (golden, 0700) != 0)
    {
      fw_error_set_from_errno (error, errno, TRUE, golden);
      return FALSE;
    }
  for (guint i = 0; i < self->n; i++)
    {
      g_autofree char *input = get_path (folder, i, "input");
      g_autofree char *output = get_path (folder, i, "output");

      if (!fw_tensor_save_npy (g_ptr_array_index (self->inputs, i), input, error)
          || !fw_tensor_save_npy (g_ptr_array_index (self->outputs, i), output, error))
        return FALSE;
    }
  return save_list (self, labels, folder, error);
}

/* Reading back ------------------------------------------------------------------------------- */

static FwTensor *
load_same (const char *folder, guint index, const char *what, FwTensor *saved, GError **error)
{
  g_autofree char *path = get_path (folder, index, what);
  g_autoptr (FwTensor) tensor = fw_tensor_load_npy (path, error);

  if (tensor == NULL)
    return NULL;
  if (fw_tensor_get_element_type (tensor) != fw_tensor_get_element_type (saved)
      || fw_tensor_get_size (tensor) != fw_tensor_get_size (saved)
      || memcmp (fw_tensor_get_data (tensor), fw_tensor_get_data (saved),
                 fw_tensor_get_size (saved))
             != 0)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL,
                   _ ("What was written is not what can be read."));
      return NULL;
    }
  return g_steal_pointer (&tensor);
}

static gboolean
check_one (FwGolden *self,
           FwSession *session,
           const char *folder,
           guint index,
           gboolean *is_same,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (FwTensor) expected
      = load_same (folder, index, "output", g_ptr_array_index (self->outputs, index), error);
  g_autoptr (FwTensor) input = NULL;
  g_autoptr (FwTensor) output = NULL;
  FwAnswer answer;

  if (expected == NULL)
    return FALSE;
  input = load_same (folder, index, "input", g_ptr_array_index (self->inputs, index), error);
  if (input == NULL)
    return FALSE;
  output = run_one (session, self->input_name, self->output_name, input, cancellable, error);
  if (output == NULL || !fw_answer_read (&answer, output, error))
    return FALSE;
  *is_same = answer.finite && answer.n > 0 && answer.index[0] == self->answers[index].index[0];
  return TRUE;
}

gboolean
fw_golden_check (FwGolden *self,
                 const char *folder,
                 const char *path,
                 guint threads,
                 guint *n_same,
                 GCancellable *cancellable,
                 GError **error)
{
  const FwSessionOptions options
      = { .threads = threads, .optimization = FW_OPTIMIZE_ALL, .signed_activations = TRUE };
  g_autoptr (FwSession) session = fw_session_new (path, &options, error);

  *n_same = 0;
  if (session == NULL)
    return FALSE;
  for (guint i = 0; i < self->n; i++)
    {
      gboolean is_same;

      if (!check_one (self, session, folder, i, &is_same, cancellable, error))
        return FALSE;
      *n_same += is_same;
    }
  return TRUE;
}
