/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>
#include <string.h>

#include "fw-calibration.h"
#include "fw-graph-index.h"
#include "fw-kernels.h"
#include "fw-parallel.h"

/* Values of so many bytes at most are asked of one run; for more, a sample is run again. */
#define BYTES_PER_RUN ((guint64) 256 << 20)
/* Values whose size nobody knows yet are asked for so many at a time. */
#define UNKNOWN_PER_RUN 16

typedef struct
{
  char *name;
  int input;    /* its index, where it is an input of the model; else -1 */
  guint64 size; /* bytes, the most seen so far; 0 where not known */
  gboolean seen;
  gboolean ragged; /* the channel axis changed its size or is too long */
  guint64 *counts; /* [channels]; mean holds sums until the end */
  FwTensorStatistics statistics;
} Watched;

struct _FwCalibration
{
  GPtrArray *watched;  /* of Watched */
  GHashTable *by_name; /* the same */
  guint n_samples;
};

static void
watched_free (gpointer data)
{
  Watched *self = data;

  g_free (self->name);
  g_free (self->counts);
  g_free (self->statistics.mean);
  g_free (self);
}

void
fw_calibration_free (FwCalibration *self)
{
  g_hash_table_unref (self->by_name);
  g_ptr_array_unref (self->watched);
  g_free (self);
}

const FwTensorStatistics *
fw_calibration_get (FwCalibration *self, const char *value)
{
  Watched *watched = g_hash_table_lookup (self->by_name, value);

  return watched != NULL && watched->seen ? &watched->statistics : NULL;
}

guint
fw_calibration_get_n_samples (FwCalibration *self)
{
  return self->n_samples;
}

/* Statistics of one tensor -------------------------------------------------------------------- */

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
add_rare_means (Watched *self, const float *values, gsize outer, gsize inner)
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

static double
sum_values (const float *values, gsize n)
{
  double lanes[FW_KERNEL_LANES] = { 0 };

  for (gsize i = 0; i < n; i += FW_KERNEL_BLOCK)
    fw_kernel_sum (values + i, MIN (n - i, FW_KERNEL_BLOCK), lanes);
  return fw_kernel_sum_lanes (lanes);
}

static void
add_means (Watched *self, const float *values, gsize n, gsize inner, gboolean finite)
{
  const gsize channels = self->statistics.channels;
  const gsize outer = n / (channels * inner);

  if (!finite)
    {
      add_rare_means (self, values, outer, inner);
      return;
    }

  for (gsize o = 0; o < outer; o++, values += channels * inner)
    if (inner == 1)
      fw_kernel_add (values, channels, self->statistics.mean);
    else
      for (gsize c = 0; c < channels; c++)
        self->statistics.mean[c] += sum_values (values + c * inner, inner);
  for (gsize c = 0; c < channels; c++)
    self->counts[c] += outer * inner;
}

static void
watched_add (Watched *self, FwTensor *tensor)
{
  FwHistogram *histogram = &self->statistics.histogram;
  const float *values = fw_tensor_get_data (tensor);
  const gsize n = fw_tensor_get_n_elements (tensor);
  const gsize channels = get_channels (tensor);
  const guint64 not_finite = histogram->n_not_finite;
  gsize inner = 1;

  if (!self->seen)
    {
      self->seen = TRUE;
      self->statistics.is_float = TRUE;
      self->statistics.channels = MIN (channels, FW_CALIBRATION_MAX_CHANNELS);
      self->statistics.mean = g_new0 (double, self->statistics.channels);
      self->counts = g_new0 (guint64, self->statistics.channels);
    }
  if (channels != self->statistics.channels)
    self->ragged = TRUE;
  if (n == 0)
    return;

  fw_histogram_add (histogram, values, n);
  if (self->ragged)
    return;

  for (guint i = 2; i < fw_tensor_get_n_dims (tensor); i++)
    inner *= (gsize) fw_tensor_get_dims (tensor)[i];
  add_means (self, values, n, inner, histogram->n_not_finite == not_finite);
}

static void
watched_finish (Watched *self)
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
}

/* The second thread --------------------------------------------------------------------------- */

/* The values of one run: while the next one runs, these are counted. There are never more than two:
 * one that is counted and one that is made. */
typedef struct
{
  const FwFeed *feed;
  guint sample;
  GPtrArray *watched; /* of Watched, not owned */
  GPtrArray *tensors; /* of FwTensor or NULL */
} Batch;

typedef struct
{
  guint threads;
  GThread *thread;
  GMutex mutex;
  GCond changed;
  Batch *batch; /* handed over and not done */
  gboolean finished;
} Counter;

static void
batch_free (Batch *self)
{
  g_ptr_array_unref (self->watched);
  g_ptr_array_unref (self->tensors);
  g_free (self);
}

static void
count_tensor (guint index, gpointer user_data)
{
  Batch *batch = user_data;
  Watched *watched = batch->watched->pdata[index];
  FwTensor *tensor = batch->tensors->pdata[index];

  if (tensor == NULL || fw_tensor_get_element_type (tensor) != FW_ELEMENT_FLOAT)
    return;
  watched_add (watched, tensor);
  if (batch->feed->observe != NULL)
    batch->feed->observe (watched->name, tensor, batch->sample, batch->feed->observer);
}

static gpointer
counter_run (gpointer data)
{
  Counter *self = data;

  g_mutex_lock (&self->mutex);
  while (TRUE)
    {
      Batch *batch;

      while (self->batch == NULL && !self->finished)
        g_cond_wait (&self->changed, &self->mutex);
      if (self->batch == NULL)
        break;

      batch = self->batch;
      g_mutex_unlock (&self->mutex);
      fw_parallel_for (batch->tensors->len, self->threads, count_tensor, batch);
      g_mutex_lock (&self->mutex);
      g_clear_pointer (&self->batch, batch_free);
      g_cond_broadcast (&self->changed);
    }
  g_mutex_unlock (&self->mutex);
  return NULL;
}

static void
counter_start (Counter *self, guint threads)
{
  self->threads = threads;
  g_mutex_init (&self->mutex);
  g_cond_init (&self->changed);
  self->thread = g_thread_new ("calibration", counter_run, self);
}

/* Takes @watched and @tensors. Waits for the batch before. */
static void
counter_push (Counter *self,
              const FwFeed *feed,
              guint sample,
              GPtrArray *watched,
              GPtrArray *tensors)
{
  Batch *batch = g_new (Batch, 1);

  batch->feed = feed;
  batch->sample = sample;
  batch->watched = watched;
  batch->tensors = tensors;
  g_mutex_lock (&self->mutex);
  while (self->batch != NULL)
    g_cond_wait (&self->changed, &self->mutex);
  self->batch = batch;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
}

static void
counter_stop (Counter *self)
{
  g_mutex_lock (&self->mutex);
  self->finished = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->mutex);
  g_thread_join (self->thread);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->changed);
}

/* The model ----------------------------------------------------------------------------------- */

static guint64
guess_size (const Onnx__ValueInfoProto *info)
{
  const Onnx__TypeProto__Tensor *type;
  guint64 size = sizeof (float);

  if (info == NULL || info->type == NULL
      || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    return 0;

  type = info->type->tensor_type;
  if (type == NULL || type->shape == NULL)
    return 0;
  for (gsize i = 0; i < type->shape->n_dim; i++)
    {
      const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];

      if (dim->value_case != ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
          || dim->dim_value <= 0 || !g_uint64_checked_mul (&size, size, (guint64) dim->dim_value))
        return 0;
    }
  return size;
}

/* What of @values the model has: its inputs and what its nodes make. */
static FwCalibration *
calibration_new (FwModel *model, const char *const *values)
{
  FwCalibration *self = g_new0 (FwCalibration, 1);
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);

  self->watched = g_ptr_array_new_with_free_func (watched_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (; *values != NULL; values++)
    {
      Watched *watched;

      if (g_hash_table_contains (self->by_name, *values)
          || (fw_graph_index_get_producer (index, *values) < 0
              && !fw_graph_index_is_input (index, *values)))
        continue;

      watched = g_new0 (Watched, 1);
      watched->name = g_strdup (*values);
      watched->input = -1;
      watched->size = guess_size (fw_graph_index_get_info (index, *values));
      fw_histogram_init (&watched->statistics.histogram);
      g_ptr_array_add (self->watched, watched);
      g_hash_table_insert (self->by_name, watched->name, watched);
    }
  return self;
}

static FwModel *
make_watched_model (FwCalibration *self, FwModel *model)
{
  g_autoptr (FwModel) copy = fw_model_copy (model);
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);

  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (fw_graph_index_get_producer (index, watched->name) >= 0)
        fw_model_add_output (copy, watched->name);
    }
  return g_steal_pointer (&copy);
}

static FwSession *
load_watched (FwCalibration *self, FwModel *model, guint threads, GError **error)
{
  const FwSessionOptions options = { .threads = threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwModel) copy = make_watched_model (self, model);
  g_autoptr (FwSession) session = fw_session_new_for_model (copy, &options, error);

  if (session == NULL)
    return NULL;

  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    {
      Watched *watched
          = g_hash_table_lookup (self->by_name, fw_session_get_input (session, i)->name);

      if (watched != NULL)
        watched->input = i;
    }
  return g_steal_pointer (&session);
}

/* Runs ---------------------------------------------------------------------------------------- */

typedef struct
{
  FwCalibration *calibration;
  const FwFeed *feed;
  FwSession *session;
  GPtrArray *made; /* of Watched: what is asked of a session that runs piece by piece */
  Counter counter;
  GCancellable *cancellable;
} Work;

/* The watched values from @first on that one run may give. */
static GPtrArray *
choose_group (FwCalibration *self, guint *first)
{
  GPtrArray *group = g_ptr_array_new ();
  guint64 bytes = 0;
  guint unknown = 0;

  for (; *first < self->watched->len; (*first)++)
    {
      Watched *watched = self->watched->pdata[*first];

      if (watched->input >= 0)
        continue;
      if (watched->size == 0)
        unknown++;
      bytes += watched->size;
      if (group->len > 0 && (bytes > BYTES_PER_RUN || unknown > UNKNOWN_PER_RUN))
        break;
      g_ptr_array_add (group, watched);
    }
  return group;
}

/* Runs the model for @group. Appends what became of it to @tensors. */
static gboolean
run_group (Work *work, GPtrArray *group, GPtrArray *inputs, GPtrArray *tensors, GError **error)
{
  g_autofree const char **names = g_new0 (const char *, group->len + 1);
  g_autoptr (GPtrArray) outputs = NULL;

  for (guint i = 0; i < group->len; i++)
    names[i] = ((Watched *) group->pdata[i])->name;
  outputs = fw_session_run (work->session, NULL, (FwTensor *const *) inputs->pdata, inputs->len,
                            names, work->cancellable, error);
  if (outputs == NULL)
    return FALSE;

  for (guint i = 0; i < group->len; i++)
    {
      Watched *watched = group->pdata[i];
      FwTensor *tensor = outputs->pdata[i];

      if (tensor != NULL)
        watched->size = MAX (watched->size, MAX (fw_tensor_get_size (tensor), 1));
      g_ptr_array_add (tensors, tensor != NULL ? fw_tensor_ref (tensor) : NULL);
    }
  return TRUE;
}

static void
add_inputs (FwCalibration *self, GPtrArray *group, GPtrArray *inputs, GPtrArray *tensors)
{
  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (watched->input < 0 || watched->input >= (int) inputs->len)
        continue;
      g_ptr_array_add (group, watched);
      g_ptr_array_add (tensors, fw_tensor_ref (inputs->pdata[watched->input]));
    }
}

static void
unref_tensor (gpointer tensor)
{
  g_clear_pointer ((FwTensor **) &tensor, fw_tensor_unref);
}

static gboolean
run_sample (Work *work, guint sample, GPtrArray *inputs, GError **error)
{
  FwCalibration *self = work->calibration;
  guint next = 0;

  do
    {
      g_autoptr (GPtrArray) group = choose_group (self, &next);
      g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (unref_tensor);

      if (group->len > 0 && !run_group (work, group, inputs, tensors, error))
        return FALSE;
      if (next == self->watched->len)
        add_inputs (self, group, inputs, tensors);
      if (group->len > 0)
        counter_push (&work->counter, work->feed, sample, g_steal_pointer (&group),
                      g_steal_pointer (&tensors));
    }
  while (next < self->watched->len);
  return TRUE;
}

static GPtrArray *
feed_pieces (guint index, gpointer user_data, GError **error)
{
  Work *work = user_data;
  g_autoptr (GPtrArray) group = g_ptr_array_new ();
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (unref_tensor);
  GPtrArray *inputs = work->feed->func (index, work->feed->user_data, error);

  if (inputs == NULL)
    return NULL;
  work->calibration->n_samples++;
  add_inputs (work->calibration, group, inputs, tensors);
  if (group->len > 0)
    counter_push (&work->counter, work->feed, index, g_steal_pointer (&group),
                  g_steal_pointer (&tensors));
  return inputs;
}

static gboolean
take_piece (guint index, guint output, FwTensor *tensor, gpointer user_data, GError **error)
{
  Work *work = user_data;
  GPtrArray *group, *tensors;

  if (tensor == NULL)
    return TRUE;
  group = g_ptr_array_new ();
  tensors = g_ptr_array_new_with_free_func (unref_tensor);
  g_ptr_array_add (group, work->made->pdata[output]);
  g_ptr_array_add (tensors, fw_tensor_ref (tensor));
  counter_push (&work->counter, work->feed, index, group, tensors);
  return TRUE;
}

/* Piece by piece: what a piece makes of all samples is seen before the next one is loaded. */
static gboolean
run_pieces (Work *work, FwProgress *progress, GError **error)
{
  FwCalibration *self = work->calibration;
  g_autoptr (GPtrArray) made = g_ptr_array_new ();
  g_autofree const char **names = g_new0 (const char *, self->watched->len + 1);
  const FwSessionBatch batch = { work->feed->n, NULL, names, feed_pieces, take_piece, work };

  for (guint i = 0; i < self->watched->len; i++)
    {
      Watched *watched = self->watched->pdata[i];

      if (watched->input >= 0)
        continue;
      names[made->len] = watched->name;
      g_ptr_array_add (made, watched);
    }
  work->made = made;
  return fw_session_run_many (work->session, &batch, progress, work->cancellable, error);
}

static gboolean
run_all (Work *work, FwProgress *progress, GError **error)
{
  const FwFeed *feed = work->feed;

  if (fw_session_is_piecewise (work->session))
    return run_pieces (work, progress, error);

  for (guint i = 0; i < feed->n; i++)
    {
      g_autoptr (GPtrArray) inputs = NULL;
      g_autoptr (GError) local = NULL;

      if (g_cancellable_set_error_if_cancelled (work->cancellable, error))
        return FALSE;

      inputs = feed->func (i, feed->user_data, &local);
      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (inputs != NULL)
        {
          if (!run_sample (work, i, inputs, error))
            return FALSE;
          work->calibration->n_samples++;
        }
      fw_progress_report (progress, (i + 1.0) / feed->n);
    }
  return TRUE;
}

FwCalibration *
fw_calibration_run (FwModel *model,
                    const char *const *values,
                    const FwFeed *feed,
                    guint threads,
                    FwProgress *progress,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (FwCalibration) self = calibration_new (model, values);
  g_autoptr (FwSession) session = NULL;
  Work work = { .calibration = self, .feed = feed, .cancellable = cancellable };
  gboolean ok;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  session = load_watched (self, model, threads, error);
  if (session == NULL)
    return NULL;

  work.session = session;
  counter_start (&work.counter, threads);
  ok = run_all (&work, progress, error);
  counter_stop (&work.counter);
  if (!ok)
    return NULL;

  for (guint i = 0; i < self->watched->len; i++)
    watched_finish (self->watched->pdata[i]);
  return g_steal_pointer (&self);
}
