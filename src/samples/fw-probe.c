/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-probe.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-graph-index.h"

/* The first layers tell most, later ones repeat it. */
#define MAX_NORMS 4
#define MAX_CHANNELS 65536
#define MAX_CLASSES 1000000

struct _FwProbe
{
  FwSession *session;
  GPtrArray
      *names; /* of outputs: the answer, if there is one, then those of @norms; NULL at the end */
  gboolean has_answers;
  GArray *norms; /* of FwNorm */
};

static void
norm_clear (gpointer data)
{
  FwNorm *self = data;

  g_free (self->mean);
  g_free (self->variance);
}

void
fw_probe_free (FwProbe *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->session, fw_session_free);
  g_ptr_array_unref (self->names);
  g_array_unref (self->norms);
  g_free (self);
}

const FwValueInfo *
fw_probe_get_input (FwProbe *self)
{
  return fw_session_get_input (self->session, 0);
}

gboolean
fw_probe_has_answers (FwProbe *self)
{
  return self->has_answers;
}

guint
fw_probe_get_n_norms (FwProbe *self)
{
  return self->norms->len;
}

const FwNorm *
fw_probe_get_norm (FwProbe *self, guint index)
{
  return &g_array_index (self->norms, FwNorm, index);
}

/* Making ------------------------------------------------------------------------------------- */

static double *
read_channels (FwGraphIndex *index, const char *name, guint64 *n)
{
  const Onnx__TensorProto *tensor = fw_graph_index_get_initializer (index, name);
  g_autofree float *floats = NULL;
  double *values;

  if (tensor == NULL)
    return NULL;
  *n = fw_tensor_proto_get_n_elements (tensor);
  if (*n == 0 || *n > MAX_CHANNELS || (floats = fw_tensor_proto_to_floats (tensor)) == NULL)
    return NULL;
  values = g_new (double, *n);
  for (guint i = 0; i < *n; i++)
    values[i] = floats[i];
  return values;
}

static gboolean
read_norm (FwNorm *self, FwGraphIndex *index, const Onnx__NodeProto *node)
{
  guint64 n_means = 0, n_variances = 0;

  *self = (FwNorm){ 0 };
  if (strcmp (node->op_type, "BatchNormalization") != 0 || node->n_input < 5)
    return FALSE;
  self->mean = read_channels (index, node->input[3], &n_means);
  self->variance = read_channels (index, node->input[4], &n_variances);
  if (self->mean == NULL || self->variance == NULL || n_means != n_variances)
    {
      norm_clear (self);
      return FALSE;
    }
  self->n = n_means;
  return TRUE;
}

/* Lets the inputs of the first BatchNorm layers of @copy out. */
static void
watch_norms (FwProbe *self, FwModel *copy)
{
  Onnx__GraphProto *graph = fw_model_get_graph (copy);
  FwGraphIndex *index = fw_graph_index_new (copy);
  g_autoptr (GPtrArray) values = g_ptr_array_new ();

  for (gsize i = 0; i < graph->n_node && self->norms->len < MAX_NORMS; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      FwNorm norm;

      if (!read_norm (&norm, index, node))
        continue;
      if (fw_graph_index_get_producer (index, node->input[0]) < 0
          || fw_graph_index_is_output (index, node->input[0])
          || g_ptr_array_find_with_equal_func (values, node->input[0], g_str_equal, NULL))
        {
          norm_clear (&norm);
          continue;
        }
      g_array_append_val (self->norms, norm);
      g_ptr_array_add (values, node->input[0]);
    }
  for (guint i = 0; i < values->len; i++)
    {
      fw_model_add_output (copy, values->pdata[i]);
      g_ptr_array_add (self->names, g_strdup (values->pdata[i]));
    }
  fw_graph_index_free (index);
}

static gboolean
is_list_of_scores (const FwValueInfo *info)
{
  guint n_long = 0;

  if (!info->is_tensor || info->n_dims == 0
      || (info->type != FW_ELEMENT_FLOAT && info->type != FW_ELEMENT_FLOAT16
          && info->type != FW_ELEMENT_DOUBLE))
    return FALSE;
  for (guint i = 0; i < info->n_dims; i++)
    if (info->dims[i] != 1 && (i > 0 || info->dims[i] != -1))
      n_long++;
  return n_long <= 1;
}

static void
find_answers (FwProbe *self, guint n_outputs)
{
  for (guint i = 0; i < MIN (n_outputs, fw_session_get_n_outputs (self->session)); i++)
    {
      const FwValueInfo *info = fw_session_get_output (self->session, i);

      if (is_list_of_scores (info))
        {
          self->has_answers = TRUE;
          g_ptr_array_insert (self->names, 0, g_strdup (info->name));
          return;
        }
    }
}

FwProbe *
fw_probe_new (FwModel *model, guint threads, GError **error)
{
  const FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwProbe) self = g_new0 (FwProbe, 1);
  g_autoptr (FwModel) copy = fw_model_copy (model);
  const guint n_outputs = fw_model_get_graph (copy)->n_output;

  self->names = g_ptr_array_new_with_free_func (g_free);
  self->norms = g_array_new (FALSE, FALSE, sizeof (FwNorm));
  g_array_set_clear_func (self->norms, norm_clear);
  watch_norms (self, copy);
  self->session = fw_session_new_for_model (copy, &options, error);
  if (self->session == NULL)
    return NULL;
  if (fw_session_get_n_inputs (self->session) != 1)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                           _ ("This model needs more than one input, or none, so pictures alone "
                              "can't be fed to it."));
      return NULL;
    }
  find_answers (self, n_outputs);
  g_ptr_array_add (self->names, NULL);
  return g_steal_pointer (&self);
}

/* Asking -------------------------------------------------------------------------------------- */

static gboolean
are_probabilities (const float *values, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      if (values[i] < -1e-6 || values[i] > 1 + 1e-3)
        return FALSE;
      sum += values[i];
    }
  return fabs (sum - 1) < 0.02;
}

static void
softmax (const float *values, gsize n, GArray *probabilities)
{
  double highest = values[0], sum = 0;

  for (gsize i = 1; i < n; i++)
    highest = MAX (highest, values[i]);
  g_array_set_size (probabilities, n);
  for (gsize i = 0; i < n; i++)
    {
      const double value = exp (values[i] - highest);

      g_array_index (probabilities, double, i) = value;
      sum += value;
    }
  for (gsize i = 0; i < n; i++)
    g_array_index (probabilities, double, i) /= sum;
}

/* One score is a yes or a no. */
static void
read_single (float value, GArray *probabilities)
{
  const double yes = value >= 0 && value <= 1 ? value : 1 / (1 + exp (-(double) value));
  const double both[] = { 1 - yes, yes };

  g_array_append_vals (probabilities, both, 2);
}

static void
read_answer (FwTensor *tensor, GArray *probabilities)
{
  const gsize n = tensor != NULL ? fw_tensor_get_n_elements (tensor) : 0;
  g_autofree float *values = NULL;

  g_array_set_size (probabilities, 0);
  if (n == 0 || n > MAX_CLASSES || (values = fw_tensor_to_floats (tensor)) == NULL)
    return;
  for (gsize i = 0; i < n; i++)
    if (!isfinite (values[i]))
      return;
  if (n == 1)
    read_single (values[0], probabilities);
  else if (are_probabilities (values, n))
    for (gsize i = 0; i < n; i++)
      {
        const double value = MAX (values[i], 0);

        g_array_append_val (probabilities, value);
      }
  else
    softmax (values, n, probabilities);
}

static void
add_moments (FwTensor *tensor, const FwNorm *norm, double *sums, double *squares)
{
  const gint64 *dims = tensor != NULL ? fw_tensor_get_dims (tensor) : NULL;
  g_autofree float *values = NULL;
  gsize n, plane;

  if (dims == NULL || fw_tensor_get_n_dims (tensor) < 2 || dims[1] != norm->n)
    return;
  n = fw_tensor_get_n_elements (tensor);
  plane = n / norm->n / MAX (dims[0], 1);
  values = fw_tensor_to_floats (tensor);
  if (values == NULL || plane == 0 || dims[0] != 1)
    return;
  for (guint c = 0; c < norm->n; c++)
    {
      double sum = 0, square = 0;

      for (gsize i = 0; i < plane; i++)
        {
          const double value = values[c * plane + i];

          sum += value;
          square += value * value;
        }
      sums[c] += sum / plane;
      squares[c] += square / plane;
    }
}

gboolean
fw_probe_ask (FwProbe *self,
              FwTensor *tensor,
              GArray *probabilities,
              double *const *sums,
              double *const *squares,
              GCancellable *cancellable,
              GError **error)
{
  const guint first = self->has_answers ? 1 : 0;
  const char *answer[] = { self->names->pdata[0], NULL };
  const gboolean watch = sums != NULL && self->norms->len > 0;
  g_autoptr (GPtrArray) outputs = NULL;

  g_array_set_size (probabilities, 0);
  if (!watch && !self->has_answers)
    return TRUE;
  outputs = fw_session_run (self->session, NULL, &tensor, 1,
                            watch ? (const char *const *) self->names->pdata : answer, cancellable,
                            error);
  if (outputs == NULL)
    return FALSE;
  if (self->has_answers)
    read_answer (outputs->pdata[0], probabilities);
  for (guint i = 0; watch && i < self->norms->len; i++)
    add_moments (outputs->pdata[first + i], fw_probe_get_norm (self, i), sums[i], squares[i]);
  return TRUE;
}
