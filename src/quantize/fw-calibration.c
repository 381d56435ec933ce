/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-calibration.h"

#include "fw-graph-index.h"
#include "fw-parallel.h"
#include "fw-watched.h"

/* Values of so many bytes at most are asked of one run; for more, a sample is run again. */
#define BYTES_PER_RUN ((guint64) 256 << 20)
/* Values whose size nobody knows yet are asked for so many at a time. */
#define UNKNOWN_PER_RUN 16
/* Values of so many bytes at most are held at a time, by all samples that are on their way. */
#define BYTES_IN_FLIGHT ((guint64) 512 << 20)
/* From this size on a model gets all threads for one sample. */
#define LARGE_MODEL ((guint64) 512 << 20)

struct _FwCalibration
{
  GPtrArray *watched;  /* of FwWatched */
  GHashTable *by_name; /* the same */
  guint n_samples;
};

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
  FwWatched *watched = g_hash_table_lookup (self->by_name, value);

  return watched != NULL && watched->seen ? &watched->statistics : NULL;
}

guint
fw_calibration_get_n_samples (FwCalibration *self)
{
  return self->n_samples;
}

/* The second thread --------------------------------------------------------------------------- */

/* The values of one run: while the next one runs, these are counted. There are never more than two:
 * one that is counted and one that is made. */
typedef struct
{
  const FwFeed *feed;
  guint sample;
  GPtrArray *watched; /* of FwWatched, not owned */
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
  FwWatched *watched = batch->watched->pdata[index];
  FwTensor *tensor = batch->tensors->pdata[index];

  if (tensor == NULL || fw_tensor_get_element_type (tensor) != FW_ELEMENT_FLOAT)
    return;
  fw_watched_add (watched, tensor);
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

  self->watched = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_watched_free);
  self->by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (; *values != NULL; values++)
    {
      FwWatched *watched;

      if (g_hash_table_contains (self->by_name, *values)
          || (fw_graph_index_get_producer (index, *values) < 0
              && !fw_graph_index_is_input (index, *values)))
        continue;

      watched = fw_watched_new (g_strdup (*values),
                                guess_size (fw_graph_index_get_info (index, *values)));
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
      FwWatched *watched = self->watched->pdata[i];

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
      FwWatched *watched
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
  GPtrArray *made; /* of FwWatched: what is asked of a session that runs piece by piece */
  Counter counter;
  guint n_workers; /* samples at a time */
  GCancellable *cancellable;
  GMutex mutex; /* of what workers share */
  GCond changed;
  GMutex feeding;
  FwProgress *progress;
  guint next_sample, next_turn;
  guint n_done, n_working;
  GError *error; /* of the first worker that failed */
} Work;

/* The watched values from @first on that one run may give. */
static GPtrArray *
choose_group (FwCalibration *self, guint n_workers, guint *first)
{
  GPtrArray *group = g_ptr_array_new ();
  guint64 bytes = 0;
  guint unknown = 0;

  for (; *first < self->watched->len; (*first)++)
    {
      FwWatched *watched = self->watched->pdata[*first];

      if (watched->input >= 0)
        continue;
      if (watched->size == 0)
        unknown++;
      bytes += watched->size;
      if (group->len > 0
          && (bytes > BYTES_PER_RUN / MAX (n_workers, 1) || unknown > UNKNOWN_PER_RUN))
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
    names[i] = ((FwWatched *) group->pdata[i])->name;
  outputs = fw_session_run (work->session, NULL, (FwTensor *const *) inputs->pdata, inputs->len,
                            names, work->cancellable, error);
  if (outputs == NULL)
    return FALSE;

  for (guint i = 0; i < group->len; i++)
    {
      FwWatched *watched = group->pdata[i];
      FwTensor *tensor = outputs->pdata[i];

      if (tensor != NULL)
        {
          g_mutex_lock (&work->mutex);
          watched->size = MAX (watched->size, MAX (fw_tensor_get_size (tensor), 1));
          g_mutex_unlock (&work->mutex);
        }
      g_ptr_array_add (tensors, tensor != NULL ? fw_tensor_ref (tensor) : NULL);
    }
  return TRUE;
}

static void
add_inputs (FwCalibration *self, GPtrArray *group, GPtrArray *inputs, GPtrArray *tensors)
{
  for (guint i = 0; i < self->watched->len; i++)
    {
      FwWatched *watched = self->watched->pdata[i];

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
      g_autoptr (GPtrArray) group = choose_group (self, 1, &next);
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
      FwWatched *watched = self->watched->pdata[i];

      if (watched->input >= 0)
        continue;
      names[made->len] = watched->name;
      g_ptr_array_add (made, watched);
    }
  work->made = made;
  return fw_session_run_many (work->session, &batch, progress, work->cancellable, error);
}

/* One after another, each with all threads; a second thread counts. */
static gboolean
run_in_turn (Work *work, GError **error)
{
  const FwFeed *feed = work->feed;

  for (guint i = work->next_sample; i < feed->n; i++)
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
      fw_progress_report (work->progress, (i + 1.0) / feed->n);
    }
  return TRUE;
}

/* Several samples at a time ---------------------------------------------------------------------
 */

/* The inputs of the next sample, or NULL where there is none or something failed. Samples are fed
 * in order; those that are not skipped get a turn. */
static GPtrArray *
take_sample (Work *work, guint *sample, guint *turn, GError **error)
{
  GPtrArray *inputs = NULL;
  GError *local = NULL;

  g_mutex_lock (&work->feeding);
  while (inputs == NULL && local == NULL && work->next_sample < work->feed->n)
    {
      if (g_cancellable_set_error_if_cancelled (work->cancellable, &local))
        break;
      *sample = work->next_sample++;
      inputs = work->feed->func (*sample, work->feed->user_data, &local);
    }
  if (inputs != NULL)
    *turn = work->next_turn++;
  g_mutex_unlock (&work->feeding);
  if (local != NULL)
    g_propagate_error (error, local);
  return inputs;
}

/* Waits until the samples before have added theirs. FALSE where another worker failed. */
static gboolean
wait_for_turn (Work *work, FwWatched *watched, guint turn)
{
  gboolean good;

  g_mutex_lock (&work->mutex);
  while (watched->next != turn && work->error == NULL)
    g_cond_wait (&work->changed, &work->mutex);
  good = work->error == NULL;
  g_mutex_unlock (&work->mutex);
  return good;
}

static gboolean
count_in_turn (Work *work, guint sample, guint turn, GPtrArray *group, GPtrArray *tensors)
{
  Batch batch = { work->feed, sample, group, tensors };

  for (guint i = 0; i < group->len; i++)
    {
      FwWatched *watched = group->pdata[i];
      FwTensor *tensor = tensors->pdata[i];

      if (!wait_for_turn (work, watched, turn))
        return FALSE;
      count_tensor (i, &batch);
      tensors->pdata[i] = NULL;
      g_clear_pointer (&tensor, fw_tensor_unref);

      g_mutex_lock (&work->mutex);
      watched->next++;
      g_cond_broadcast (&work->changed);
      g_mutex_unlock (&work->mutex);
    }
  return TRUE;
}

/* FALSE with @error not set where another worker failed. */
static gboolean
work_on_sample (Work *work, guint sample, guint turn, GPtrArray *inputs, GError **error)
{
  FwCalibration *self = work->calibration;
  guint next = 0;

  do
    {
      g_autoptr (GPtrArray) group = NULL;
      g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (unref_tensor);

      g_mutex_lock (&work->mutex);
      group = choose_group (self, work->n_workers, &next);
      g_mutex_unlock (&work->mutex);
      if (group->len > 0 && !run_group (work, group, inputs, tensors, error))
        return FALSE;
      if (next == self->watched->len)
        add_inputs (self, group, inputs, tensors);
      if (!count_in_turn (work, sample, turn, group, tensors))
        return FALSE;
    }
  while (next < self->watched->len);
  return TRUE;
}

static void
work_on_samples (Work *work, guint n)
{
  GError *error = NULL;

  for (guint i = 0; i < n; i++)
    {
      guint sample, turn;
      g_autoptr (GPtrArray) inputs = take_sample (work, &sample, &turn, &error);

      if (inputs == NULL || !work_on_sample (work, sample, turn, inputs, &error))
        break;
      g_mutex_lock (&work->mutex);
      work->n_done++;
      g_cond_broadcast (&work->changed);
      g_mutex_unlock (&work->mutex);
    }

  g_mutex_lock (&work->mutex);
  if (work->error == NULL)
    work->error = g_steal_pointer (&error);
  g_mutex_unlock (&work->mutex);
  g_clear_error (&error);
}

static gpointer
worker_run (gpointer data)
{
  Work *work = data;

  work_on_samples (work, work->feed->n);
  g_mutex_lock (&work->mutex);
  work->n_working--;
  g_cond_broadcast (&work->changed);
  g_mutex_unlock (&work->mutex);
  return NULL;
}

/* Progress is reported by the thread that asked for all this. */
static void
watch_workers (Work *work)
{
  guint reported = 0;

  g_mutex_lock (&work->mutex);
  while (work->n_working > 0)
    {
      guint done = work->n_done;

      if (done > reported)
        {
          g_mutex_unlock (&work->mutex);
          fw_progress_report (work->progress, (double) done / work->feed->n);
          reported = done;
          g_mutex_lock (&work->mutex);
          continue;
        }
      g_cond_wait (&work->changed, &work->mutex);
    }
  g_mutex_unlock (&work->mutex);
}

static gboolean
run_workers (Work *work, GError **error)
{
  g_autofree GThread **threads = g_new0 (GThread *, work->n_workers);

  work->n_working = work->n_workers;
  for (guint i = 0; i < work->n_workers; i++)
    threads[i] = g_thread_new ("calibration", worker_run, work);
  watch_workers (work);
  for (guint i = 0; i < work->n_workers; i++)
    g_thread_join (threads[i]);
  work->calibration->n_samples = work->next_turn;
  if (work->error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&work->error));
      return FALSE;
    }
  fw_progress_report (work->progress, 1);
  return TRUE;
}

/* How many samples can be on their way at a time. */
static guint
choose_n_workers (FwCalibration *self, FwModel *model, guint n, guint threads)
{
  guint64 bytes = 1;

  if (threads == 0)
    threads = g_get_num_processors ();
  for (guint i = 0; i < self->watched->len; i++)
    bytes += ((FwWatched *) self->watched->pdata[i])->size;
  if (fw_model_get_size (model) > LARGE_MODEL)
    return 1;
  return CLAMP (BYTES_IN_FLIGHT / bytes, 1, MAX (MIN (threads, n), 1));
}

/* Samples in parallel are faster than samples whose operators are: nothing waits for anything. */
static gboolean
run_all (Work *work, FwModel *model, guint threads, GError **error)
{
  FwCalibration *self = work->calibration;
  guint wanted = choose_n_workers (self, model, work->feed->n, threads);
  gboolean good;

  work->session = load_watched (self, model, wanted > 1 ? 1 : threads, error);
  if (work->session == NULL)
    return FALSE;
  if (wanted > 1 && !fw_session_is_piecewise (work->session))
    {
      /* The first one shows how large the values are whose size nobody knew. */
      work->n_workers = 1;
      work_on_samples (work, 1);
      if (work->error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&work->error));
          return FALSE;
        }
      work->n_workers = choose_n_workers (self, model, work->feed->n, threads);
      if (work->n_workers > 1)
        return run_workers (work, error);
      self->n_samples = work->next_turn;
    }
  if (wanted > 1)
    {
      fw_session_free (work->session);
      work->session = load_watched (self, model, threads, error);
      if (work->session == NULL)
        return FALSE;
    }

  counter_start (&work->counter, threads);
  good = fw_session_is_piecewise (work->session) ? run_pieces (work, work->progress, error)
                                                 : run_in_turn (work, error);
  counter_stop (&work->counter);
  return good;
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
  Work work
      = { .calibration = self, .feed = feed, .progress = progress, .cancellable = cancellable };
  gboolean good;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;

  g_mutex_init (&work.mutex);
  g_mutex_init (&work.feeding);
  g_cond_init (&work.changed);
  good = run_all (&work, model, threads, error);
  g_clear_pointer (&work.session, fw_session_free);
  g_mutex_clear (&work.mutex);
  g_mutex_clear (&work.feeding);
  g_cond_clear (&work.changed);
  if (!good)
    return NULL;

  for (guint i = 0; i < self->watched->len; i++)
    fw_watched_finish (self->watched->pdata[i]);
  return g_steal_pointer (&self);
}
