/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-inspect-job.h"

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-onnx-check.h"
#include "fw-prepare.h"
#include "fw-task.h"
#include "fw-unit.h"

static JsonObject *
describe_value (const FwValueInfo *info)
{
  JsonObject *object = json_object_new ();
  JsonArray *dims = json_array_new ();

  json_object_set_string_member (object, "name", info->name);
  json_object_set_string_member (
      object, "type", info->is_tensor ? fw_element_type_get_name (info->type) : "not a tensor");
  for (guint i = 0; i < info->n_dims; i++)
    json_array_add_int_element (dims, info->dims[i]);
  json_object_set_array_member (object, "dims", dims);
  return object;
}

static guint64
get_tensor_bytes (const Onnx__TensorProto *tensor)
{
  return (fw_tensor_proto_get_n_elements (tensor) * fw_element_type_get_bits (tensor->data_type)
          + 7)
         / 8;
}

/* Adds what @tensor stores to the layer of the node that uses it. */
static void
add_stored (FwModel *model,
            const Onnx__NodeProto *node,
            JsonArray *layers,
            GHashTable *seen,
            guint64 *parameters)
{
  guint64 bytes = 0, n = 0;
  JsonObject *layer;

  for (gsize i = 0; i < node->n_input; i++)
    {
      const Onnx__TensorProto *tensor = fw_model_find_initializer (model, node->input[i]);

      if (tensor == NULL || !g_hash_table_add (seen, tensor->name))
        continue;
      bytes += get_tensor_bytes (tensor);
      n += fw_tensor_proto_get_n_elements (tensor);
    }
  for (gsize i = 0; i < node->n_attribute; i++)
    if (node->attribute[i]->t != NULL)
      {
        bytes += get_tensor_bytes (node->attribute[i]->t);
        n += fw_tensor_proto_get_n_elements (node->attribute[i]->t);
      }
  if (n == 0)
    return;
  *parameters += n;
  layer = json_object_new ();
  json_object_set_string_member (layer, "name", node->name != NULL ? node->name : "");
  json_object_set_string_member (layer, "op", node->op_type);
  json_object_set_int_member (layer, "bytes", bytes);
  json_object_set_int_member (layer, "parameters", n);
  json_array_add_object_element (layers, layer);
}

static void
add_layers (JsonObject *result, FwModel *model)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  JsonArray *layers = json_array_new ();
  guint64 parameters = 0;

  for (gsize i = 0; i < graph->n_node; i++)
    add_stored (model, graph->node[i], layers, seen, &parameters);
  json_object_set_int_member (result, "parameters", parameters);
  json_object_set_array_member (result, "layers", layers);
}

static void
add_values (JsonObject *result, FwSession *session)
{
  JsonArray *inputs = json_array_new ();
  JsonArray *outputs = json_array_new ();

  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    json_array_add_object_element (inputs, describe_value (fw_session_get_input (session, i)));
  for (guint i = 0; i < fw_session_get_n_outputs (session); i++)
    json_array_add_object_element (outputs, describe_value (fw_session_get_output (session, i)));
  json_object_set_array_member (result, "inputs", inputs);
  json_object_set_array_member (result, "outputs", outputs);
}

/* Tries what a job would: the reason is what it would fail with. */
static char *
find_reason_against (FwModel *model,
                     const FwTaskInfo *task,
                     const GError *task_error,
                     const char *folder)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (FwModel) prepared = NULL;
  g_autoptr (GPtrArray) units = NULL;

  if (task_error != NULL)
    return g_strdup (task_error->message);
  if (task->task == FW_TASK_UNKNOWN)
    return g_strdup (_ ("The model gives nothing that could be compared: none of its outputs is "
                        "numbers."));
  prepared = fw_prepare_model (model, FALSE, folder, &error);
  if (prepared == NULL)
    return g_strdup (error->message);
  units = fw_units_find (prepared);
  if (units->len == 0)
    return g_strdup (_ ("None of this model's layers is of a kind that can be made smaller."));
  return NULL;
}

static void
add_file_members (JsonObject *result, FwModel *model)
{
  Onnx__ModelProto *proto = fw_model_get_proto (model);
  g_autoptr (GError) error = NULL;

  json_object_set_int_member (result, "size_bytes", fw_model_get_size (model));
  json_object_set_int_member (result, "opset", fw_model_get_opset (model, ""));
  json_object_set_int_member (result, "ir_version", proto->ir_version);
  json_object_set_string_member (result, "producer",
                                 proto->producer_name != NULL ? proto->producer_name : "");
  /* Only a remark: ONNX Runtime, which has run the model by now, has the last word. */
  if (fw_onnx_check (model, &error))
    json_object_set_null_member (result, "remark");
  else
    json_object_set_string_member (result, "remark", error->message);
}

JsonObject *
fw_inspect_job_run (const FwJob *job,
                    const char *folder,
                    FwEvents *events,
                    GCancellable *cancellable,
                    GError **error)
{
  FwSessionOptions options = { .threads = job->threads, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (JsonObject) result = json_object_new ();
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GError) task_error = NULL;
  g_autofree char *sha256 = NULL;
  g_autofree char *description = NULL;
  g_autofree char *reason = NULL;
  FwTaskInfo task = { 0 };

  fw_events_phase (events, FW_PHASE_INSPECT, 0);
  model = fw_model_load (job->model, error);
  if (model == NULL)
    return NULL;
  sha256 = fw_file_sha256 (job->model, cancellable, error);
  if (sha256 == NULL)
    return NULL;
  session = fw_session_new (job->model, &options, error);
  if (session == NULL)
    return NULL;

  fw_task_guess (session, &task, &task_error);
  description = fw_task_describe (&task);
  json_object_set_string_member (result, "task", fw_task_get_name (task.task));
  json_object_set_string_member (result, "description", description);
  json_object_set_string_member (result, "sha256", sha256);
  add_file_members (result, model);
  add_values (result, session);
  add_layers (result, model);
  reason = find_reason_against (model, &task, task_error, folder);
  json_object_set_boolean_member (result, "can_shrink", reason == NULL);
  if (reason != NULL)
    json_object_set_string_member (result, "reason", reason);
  else
    json_object_set_null_member (result, "reason");
  fw_events_phase (events, FW_PHASE_INSPECT, 1);
  return g_steal_pointer (&result);
}
