/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-ort-value.h"
#include "fw-pieces.h"
#include "fw-runtime-private.h"
#include "fw-session.h"

struct _FwSession
{
  const FwRuntime *runtime;
  OrtSession *session; /* NULL for one that runs piece by piece */
  FwPieces *pieces;
  GBytes *bytes;
  GArray *inputs; /* FwValueInfo */
  GArray *outputs;
};

static guint64 piece_size;

void
fw_session_set_piece_size (guint64 bytes)
{
  piece_size = bytes;
}

guint64
fw_session_get_piece_size (void)
{
  return piece_size;
}

gboolean
fw_session_is_piecewise (FwSession *self)
{
  return self->pieces != NULL;
}

/* Loading ------------------------------------------------------------------------------------ */

static OrtStatus *
fill_portable_options (const OrtApi *api, OrtSessionOptions *ort, const FwSessionOptions *options)
{
  OrtStatus *status = NULL;

  if (options->save_ort)
    status = api->AddSessionConfigEntry (ort, "session.save_model_format", "ORT");
  if (status == NULL && options->portable)
    status = api->AddSessionConfigEntry (ort, "optimization.disable_specified_optimizers",
                                         "NchwcTransformer");
  if (status == NULL && options->signed_activations)
    status = api->AddSessionConfigEntry (ort, "session.qdqisint8allowed", "1");
  return status;
}

static OrtStatus *
fill_options (const OrtApi *api, OrtSessionOptions *ort, const FwSessionOptions *options)
{
  guint threads = options->threads > 0 ? options->threads : g_get_num_processors ();
  OrtStatus *status;

  status = api->SetIntraOpNumThreads (ort, (int) MIN (threads, 1024));
  if (status == NULL)
    status = api->SetInterOpNumThreads (ort, 1);
  if (status == NULL)
    status = api->SetSessionGraphOptimizationLevel (ort, options->optimization);
  /* Threads that wait for work would otherwise spin. */
  if (status == NULL)
    status = api->AddSessionConfigEntry (ort, "session.intra_op.allow_spinning", "0");
  if (status == NULL && options->frugal)
    status = api->DisableCpuMemArena (ort);
  if (status == NULL && options->frugal)
    status = api->DisableMemPattern (ort);
  if (status == NULL && options->save_optimized != NULL)
    status = api->SetOptimizedModelFilePath (ort, options->save_optimized);
  if (status == NULL && options->profile_prefix != NULL)
    status = api->EnableProfiling (ort, options->profile_prefix);
  if (status == NULL)
    status = fill_portable_options (api, ort, options);
  return status;
}

static OrtStatus *
describe_tensor (const OrtApi *api, const OrtTypeInfo *type_info, FwValueInfo *info)
{
  const OrtTensorTypeAndShapeInfo *tensor_info;
  OrtStatus *status;
  size_t n_dims = 0;
  int type = FW_ELEMENT_UNDEFINED;

  status = api->CastTypeInfoToTensorInfo (type_info, &tensor_info);
  if (status == NULL)
    status = api->GetTensorElementType (tensor_info, &type);
  if (status == NULL)
    status = api->GetDimensionsCount (tensor_info, &n_dims);
  if (status != NULL)
    return status;

  /* A rank beyond ours can't be filled or read: it is treated as something else than a tensor. */
  if (n_dims > FW_TENSOR_MAX_RANK)
    return NULL;
  status = api->GetDimensions (tensor_info, info->dims, n_dims);
  if (status != NULL)
    return status;

  for (guint i = 0; i < n_dims; i++)
    info->dims[i] = MAX (info->dims[i], -1);
  info->is_tensor = TRUE;
  info->type = type;
  info->n_dims = (guint) n_dims;
  return NULL;
}

static OrtStatus *
describe_value (FwSession *self, gsize index, gboolean is_input, FwValueInfo *info)
{
  const OrtApi *api = self->runtime->api;
  OrtAllocator *allocator = self->runtime->allocator;
  OrtTypeInfo *type_info = NULL;
  OrtStatus *status;
  char *name = NULL;
  int kind = ORT_KIND_UNKNOWN;

  status = is_input ? api->SessionGetInputName (self->session, index, allocator, &name)
                    : api->SessionGetOutputName (self->session, index, allocator, &name);
  if (status != NULL)
    return status;
  info->name = g_strdup (name);
  status = api->AllocatorFree (allocator, name);
  if (status != NULL)
    return status;

  status = is_input ? api->SessionGetInputTypeInfo (self->session, index, &type_info)
                    : api->SessionGetOutputTypeInfo (self->session, index, &type_info);
  if (status == NULL)
    status = api->GetOnnxTypeFromTypeInfo (type_info, &kind);
  if (status == NULL && kind == ORT_KIND_TENSOR)
    status = describe_tensor (api, type_info, info);
  if (type_info != NULL)
    api->ReleaseTypeInfo (type_info);
  return status;
}

static OrtStatus *
describe_values (FwSession *self, gboolean is_input)
{
  const OrtApi *api = self->runtime->api;
  GArray *values = is_input ? self->inputs : self->outputs;
  OrtStatus *status;
  size_t n = 0;

  status = is_input ? api->SessionGetInputCount (self->session, &n)
                    : api->SessionGetOutputCount (self->session, &n);
  for (gsize i = 0; i < n && status == NULL; i++)
    {
      FwValueInfo info = { 0 };

      status = describe_value (self, i, is_input, &info);
      g_array_append_val (values, info);
    }
  return status;
}

static void
value_info_clear (gpointer data)
{
  g_free (((FwValueInfo *) data)->name);
}

static FwSession *
session_new_empty (GError **error)
{
  const FwRuntime *runtime = fw_runtime_get (error);
  FwSession *self;

  if (runtime == NULL)
    return NULL;

  self = g_new0 (FwSession, 1);
  self->runtime = runtime;
  self->inputs = g_array_new (FALSE, TRUE, sizeof (FwValueInfo));
  self->outputs = g_array_new (FALSE, TRUE, sizeof (FwValueInfo));
  g_array_set_clear_func (self->inputs, value_info_clear);
  g_array_set_clear_func (self->outputs, value_info_clear);
  return self;
}

static FwSession *
session_new (const char *path, GBytes *bytes, const FwSessionOptions *options, GError **error)
{
  g_autoptr (FwSession) self = session_new_empty (error);
  OrtSessionOptions *ort_options = NULL;
  const FwRuntime *runtime;
  OrtStatus *status;

  if (self == NULL)
    return NULL;

  runtime = self->runtime;
  self->bytes = bytes != NULL ? g_bytes_ref (bytes) : NULL;
  status = runtime->api->CreateSessionOptions (&ort_options);
  if (status == NULL)
    status = fill_options (runtime->api, ort_options, options);
  if (status == NULL && path != NULL)
    status = runtime->api->CreateSession (runtime->env, path, ort_options, &self->session);
  else if (status == NULL)
    status = runtime->api->CreateSessionFromArray (runtime->env, g_bytes_get_data (bytes, NULL),
                                                   g_bytes_get_size (bytes), ort_options,
                                                   &self->session);
  if (ort_options != NULL)
    runtime->api->ReleaseSessionOptions (ort_options);
  if (status == NULL)
    status = describe_values (self, TRUE);
  if (status == NULL)
    status = describe_values (self, FALSE);

  if (status != NULL)
    {
      fw_runtime_fail_load (status, error);
      return NULL;
    }
  return g_steal_pointer (&self);
}

static const FwSessionOptions default_options = { .optimization = FW_OPTIMIZE_ALL };

/* What is loaded to be written again, or to be timed operator by operator, is wanted whole. */
static gboolean
may_be_piecewise (const FwSessionOptions *options)
{
  return piece_size > 0 && !options->whole && options->save_optimized == NULL
         && options->profile_prefix == NULL;
}

static FwSession *
session_new_piecewise (FwModel *model,
                       const FwSessionOptions *options,
                       guint64 limit,
                       GError **error)
{
  g_autoptr (FwSession) self = session_new_empty (error);

  if (self == NULL)
    return NULL;
  self->pieces = fw_pieces_new (model, options, limit, self->inputs, self->outputs, error);
  return self->pieces != NULL ? g_steal_pointer (&self) : NULL;
}

FwSession *
fw_session_new (const char *path, const FwSessionOptions *options, GError **error)
{
  g_autoptr (FwModel) model = NULL;

  g_return_val_if_fail (path != NULL, NULL);

  if (options == NULL)
    options = &default_options;
  if (!may_be_piecewise (options) || g_str_has_suffix (path, ".ort"))
    return session_new (path, NULL, options, error);
  model = fw_model_load (path, error);
  return model != NULL ? session_new_piecewise (model, options, piece_size, error) : NULL;
}

FwSession *
fw_session_new_plain (GBytes *bytes, const FwSessionOptions *options, GError **error)
{
  return session_new (NULL, bytes, options, error);
}

FwSession *
fw_session_new_from_bytes (GBytes *bytes, const FwSessionOptions *options, GError **error)
{
  g_autoptr (FwModel) model = NULL;

  g_return_val_if_fail (bytes != NULL, NULL);

  if (options == NULL)
    options = &default_options;
  if (!may_be_piecewise (options))
    return session_new (NULL, bytes, options, error);
  model = fw_model_load_bytes (bytes, NULL, error);
  return model != NULL ? session_new_piecewise (model, options, piece_size, error) : NULL;
}

/* Pieces of this size where a model can't be handed over as one message and nobody said more. */
#define USUAL_PIECE_SIZE ((guint64) 256 << 20)

FwSession *
fw_session_new_for_model (FwModel *model, const FwSessionOptions *options, GError **error)
{
  g_autoptr (GBytes) bytes = NULL;

  if (options == NULL)
    options = &default_options;
  if (!may_be_piecewise (options))
    bytes = fw_model_to_bytes (model, NULL);
  if (bytes != NULL)
    return session_new (NULL, bytes, options, error);
  return session_new_piecewise (model, options, piece_size > 0 ? piece_size : USUAL_PIECE_SIZE,
                                error);
}

void
fw_session_free (FwSession *self)
{
  if (self == NULL)
    return;
  if (self->session != NULL)
    self->runtime->api->ReleaseSession (self->session);
  g_clear_pointer (&self->pieces, fw_pieces_free);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_array_unref (self->inputs);
  g_array_unref (self->outputs);
  g_free (self);
}

guint
fw_session_get_n_inputs (FwSession *self)
{
  return self->inputs->len;
}

const FwValueInfo *
fw_session_get_input (FwSession *self, guint index)
{
  g_return_val_if_fail (index < self->inputs->len, NULL);

  return &g_array_index (self->inputs, FwValueInfo, index);
}

guint
fw_session_get_n_outputs (FwSession *self)
{
  return self->outputs->len;
}

const FwValueInfo *
fw_session_get_output (FwSession *self, guint index)
{
  g_return_val_if_fail (index < self->outputs->len, NULL);

  return &g_array_index (self->outputs, FwValueInfo, index);
}

/* Running ------------------------------------------------------------------------------------ */

static void
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  OrtRunOptions *options = user_data;
  OrtStatus *status;

  /* Reached only while a run is under way, so the library is loaded. */
  const OrtApi *api = fw_runtime_get (NULL)->api;

  status = api->RunOptionsSetTerminate (options);
  if (status != NULL)
    api->ReleaseStatus (status);
}

static gsize
count_names (const char *const *names)
{
  gsize n = 0;

  while (names != NULL && names[n] != NULL)
    n++;
  return n;
}

/* The names of a run: those given, or those of all values. NULL-terminated; nothing is copied. */
static const char **
list_names (GArray *values, const char *const *names, gsize n_names)
{
  gsize n = names != NULL ? n_names : values->len;
  const char **list = g_new0 (const char *, n + 1);

  for (gsize i = 0; i < n; i++)
    list[i] = names != NULL ? names[i] : g_array_index (values, FwValueInfo, i).name;
  return list;
}

static gboolean
check_inputs (FwSession *self, const char *const *names, guint n, GError **error)
{
  if (names != NULL || n == self->inputs->len)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
               _ ("The model takes %u inputs, and %u were given."), self->inputs->len, n);
  return FALSE;
}

/* The one place where a model runs. @outputs: NULLs, as many as @output_names; on failure they are
 * NULLs again. */
static gboolean
run (FwSession *self,
     const char *const *input_names,
     OrtValue **inputs,
     gsize n_inputs,
     const char *const *output_names,
     OrtValue **outputs,
     GCancellable *cancellable,
     GError **error)
{
  const OrtApi *api = self->runtime->api;
  OrtRunOptions *options = NULL;
  OrtStatus *status = NULL;
  gulong handler = 0;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  if (cancellable != NULL)
    {
      status = api->CreateRunOptions (&options);
      if (status == NULL)
        handler = g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), options, NULL);
    }
  if (status == NULL)
    status = api->Run (self->session, options, input_names, (const OrtValue *const *) inputs,
                       n_inputs, output_names, count_names (output_names), outputs);
  g_cancellable_disconnect (cancellable, handler);
  if (options != NULL)
    api->ReleaseRunOptions (options);

  if (status == NULL)
    return TRUE;
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    {
      api->ReleaseStatus (status);
      return FALSE;
    }
  return fw_runtime_fail_run (status, error);
}

static void
release_values (FwSession *self, OrtValue **values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (values[i] != NULL)
      self->runtime->api->ReleaseValue (values[i]);
  g_free (values);
}

/* The outputs asked for, @n_outputs of them, or NULL and an error. */
static OrtValue **
run_named (FwSession *self,
           const char *const *input_names,
           OrtValue **inputs,
           guint n_inputs,
           const char *const *output_names,
           gsize *n_outputs,
           GCancellable *cancellable,
           GError **error)
{
  g_autofree const char **in = list_names (self->inputs, input_names, n_inputs);
  g_autofree const char **out
      = list_names (self->outputs, output_names, count_names (output_names));
  OrtValue **outputs;

  *n_outputs = count_names (out);
  outputs = g_new0 (OrtValue *, *n_outputs + 1);
  if (run (self, in, inputs, n_inputs, out, outputs, cancellable, error))
    return outputs;
  release_values (self, outputs, *n_outputs);
  *n_outputs = 0;
  return NULL;
}

static void
unref_tensor (gpointer data)
{
  if (data != NULL)
    fw_tensor_unref (data);
}

/* A single run, and what came of it. */
typedef struct
{
  GPtrArray *inputs;
  GPtrArray *outputs;
} Single;

static GPtrArray *
feed_single (guint index, gpointer user_data, GError **error)
{
  return g_ptr_array_ref (((Single *) user_data)->inputs);
}

static gboolean
take_single (guint index, guint output, FwTensor *tensor, gpointer user_data, GError **error)
{
  ((Single *) user_data)->outputs->pdata[output] = tensor != NULL ? fw_tensor_ref (tensor) : NULL;
  return TRUE;
}

static GPtrArray *
run_pieces_once (FwSession *self,
                 const char *const *input_names,
                 FwTensor *const *inputs,
                 guint n_inputs,
                 const char *const *output_names,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autofree const char **in = list_names (self->inputs, input_names, n_inputs);
  g_autofree const char **out
      = list_names (self->outputs, output_names, count_names (output_names));
  g_autoptr (GPtrArray) given = g_ptr_array_new ();
  g_autoptr (GPtrArray) outputs = g_ptr_array_new_with_free_func (unref_tensor);
  Single single = { given, outputs };
  const FwSessionBatch batch = { 1, in, out, feed_single, take_single, &single };

  for (guint i = 0; i < n_inputs; i++)
    g_ptr_array_add (given, inputs[i]);
  g_ptr_array_set_size (outputs, count_names (out));
  return fw_pieces_run (self->pieces, &batch, NULL, cancellable, error) ? g_steal_pointer (&outputs)
                                                                        : NULL;
}

GPtrArray *
fw_session_run (FwSession *self,
                const char *const *input_names,
                FwTensor *const *inputs,
                guint n_inputs,
                const char *const *output_names,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GPtrArray) tensors = g_ptr_array_new_with_free_func (unref_tensor);
  OrtValue **ort_inputs = NULL;
  OrtValue **ort_outputs = NULL;
  gsize n_outputs = 0;
  gboolean is_good = check_inputs (self, input_names, n_inputs, error);

  if (self->pieces != NULL)
    return is_good ? run_pieces_once (self, input_names, inputs, n_inputs, output_names,
                                      cancellable, error)
                   : NULL;

  ort_inputs = g_new0 (OrtValue *, n_inputs + 1);
  for (guint i = 0; i < n_inputs && is_good; i++)
    {
      ort_inputs[i] = fw_ort_value_new_tensor (self->runtime, inputs[i], error);
      is_good = ort_inputs[i] != NULL;
    }
  if (is_good)
    {
      ort_outputs = run_named (self, input_names, ort_inputs, n_inputs, output_names, &n_outputs,
                               cancellable, error);
      is_good = ort_outputs != NULL;
    }
  for (gsize i = 0; i < n_outputs && is_good; i++)
    {
      FwTensor *tensor;

      is_good = fw_ort_value_take_tensor (self->runtime, g_steal_pointer (&ort_outputs[i]), inputs,
                                          n_inputs, &tensor, error);
      g_ptr_array_add (tensors, tensor);
    }

  release_values (self, ort_inputs, n_inputs);
  release_values (self, ort_outputs, n_outputs);
  return is_good ? g_steal_pointer (&tensors) : NULL;
}

GPtrArray *
fw_session_run_values (FwSession *self,
                       const char *const *input_names,
                       FwValue *const *inputs,
                       guint n_inputs,
                       const char *const *output_names,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_value_unref);
  OrtValue **ort_inputs = NULL;
  OrtValue **ort_outputs = NULL;
  gsize n_outputs = 0;
  gboolean is_good = check_inputs (self, input_names, n_inputs, error);

  if (self->pieces != NULL)
    {
      if (is_good)
        g_set_error_literal (
            error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
            _ ("A model of this size can only work with plain tables of numbers."));
      return NULL;
    }

  ort_inputs = g_new0 (OrtValue *, n_inputs + 1);
  for (guint i = 0; i < n_inputs && is_good; i++)
    {
      ort_inputs[i] = fw_ort_value_new (self->runtime, inputs[i], error);
      is_good = ort_inputs[i] != NULL;
    }
  if (is_good)
    {
      ort_outputs = run_named (self, input_names, ort_inputs, n_inputs, output_names, &n_outputs,
                               cancellable, error);
      is_good = ort_outputs != NULL;
    }
  for (gsize i = 0; i < n_outputs && is_good; i++)
    {
      FwValue *value = fw_ort_value_take (self->runtime, g_steal_pointer (&ort_outputs[i]), error);

      is_good = value != NULL;
      if (is_good)
        g_ptr_array_add (values, value);
    }

  release_values (self, ort_inputs, n_inputs);
  release_values (self, ort_outputs, n_outputs);
  return is_good ? g_steal_pointer (&values) : NULL;
}

static gboolean
run_batch_item (FwSession *self,
                const FwSessionBatch *batch,
                guint index,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GPtrArray) inputs = NULL;
  g_autoptr (GPtrArray) outputs = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  inputs = batch->feed (index, batch->user_data, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  if (inputs == NULL)
    return TRUE;
  outputs = fw_session_run (self, batch->input_names, (FwTensor *const *) inputs->pdata,
                            inputs->len, batch->output_names, cancellable, error);
  for (guint i = 0; outputs != NULL && i < outputs->len; i++)
    if (!batch->take (index, i, outputs->pdata[i], batch->user_data, error))
      return FALSE;
  return outputs != NULL;
}

gboolean
fw_session_run_many (FwSession *self,
                     const FwSessionBatch *batch,
                     FwProgress *progress,
                     GCancellable *cancellable,
                     GError **error)
{
  gboolean ok = TRUE;

  if (self->pieces != NULL)
    {
      g_autofree const char **in
          = list_names (self->inputs, batch->input_names, count_names (batch->input_names));
      g_autofree const char **out
          = list_names (self->outputs, batch->output_names, count_names (batch->output_names));
      FwSessionBatch named = *batch;

      named.input_names = in;
      named.output_names = out;
      return fw_pieces_run (self->pieces, &named, progress, cancellable, error);
    }
  for (guint i = 0; ok && i < batch->n; i++)
    {
      ok = run_batch_item (self, batch, i, cancellable, error);
      fw_progress_report (progress, (i + 1.0) / batch->n);
    }
  return ok;
}

char *
fw_session_end_profiling (FwSession *self, GError **error)
{
  const OrtApi *api = self->runtime->api;
  OrtAllocator *allocator = self->runtime->allocator;
  char *path = NULL;
  char *copy;
  OrtStatus *status = api->SessionEndProfiling (self->session, allocator, &path);

  if (status == NULL)
    {
      copy = g_strdup (path);
      status = api->AllocatorFree (allocator, path);
      if (status == NULL)
        return copy;
      g_free (copy);
    }
  fw_runtime_fail_run (status, error);
  return NULL;
}
