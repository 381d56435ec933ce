/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-model-private.h"

/* Visiting tensors. The depth of a tree is bounded by the scanner, so recursion is fine. */

static gboolean visit_graph (Onnx__GraphProto *graph, FwTensorFunc func, gpointer user_data);

static gboolean
visit_sparse (Onnx__SparseTensorProto *sparse, FwTensorFunc func, gpointer user_data)
{
  if (sparse->values != NULL && !func (sparse->values, FW_TENSOR_SPARSE, user_data))
    return FALSE;
  if (sparse->indices != NULL && !func (sparse->indices, FW_TENSOR_SPARSE, user_data))
    return FALSE;
  return TRUE;
}

static gboolean
visit_attribute (Onnx__AttributeProto *attribute, FwTensorFunc func, gpointer user_data)
{
  if (attribute->t != NULL && !func (attribute->t, FW_TENSOR_ATTRIBUTE, user_data))
    return FALSE;
  for (gsize i = 0; i < attribute->n_tensors; i++)
    if (!func (attribute->tensors[i], FW_TENSOR_ATTRIBUTE, user_data))
      return FALSE;

  if (attribute->sparse_tensor != NULL && !visit_sparse (attribute->sparse_tensor, func, user_data))
    return FALSE;
  for (gsize i = 0; i < attribute->n_sparse_tensors; i++)
    if (!visit_sparse (attribute->sparse_tensors[i], func, user_data))
      return FALSE;

  if (attribute->g != NULL && !visit_graph (attribute->g, func, user_data))
    return FALSE;
  for (gsize i = 0; i < attribute->n_graphs; i++)
    if (!visit_graph (attribute->graphs[i], func, user_data))
      return FALSE;

  return TRUE;
}

gboolean
fw_proto_visit_node (Onnx__NodeProto *node, FwTensorFunc func, gpointer user_data)
{
  for (gsize i = 0; i < node->n_attribute; i++)
    if (!visit_attribute (node->attribute[i], func, user_data))
      return FALSE;
  return TRUE;
}

static gboolean
visit_graph (Onnx__GraphProto *graph, FwTensorFunc func, gpointer user_data)
{
  for (gsize i = 0; i < graph->n_initializer; i++)
    if (!func (graph->initializer[i], FW_TENSOR_INITIALIZER, user_data))
      return FALSE;
  for (gsize i = 0; i < graph->n_sparse_initializer; i++)
    if (!visit_sparse (graph->sparse_initializer[i], func, user_data))
      return FALSE;
  for (gsize i = 0; i < graph->n_node; i++)
    if (!fw_proto_visit_node (graph->node[i], func, user_data))
      return FALSE;
  return TRUE;
}

gboolean
fw_proto_visit_model (Onnx__ModelProto *model, FwTensorFunc func, gpointer user_data)
{
  if (model->graph != NULL && !visit_graph (model->graph, func, user_data))
    return FALSE;

  for (gsize i = 0; i < model->n_training_info; i++)
    {
      Onnx__TrainingInfoProto *training = model->training_info[i];

      if (training->initialization != NULL
          && !visit_graph (training->initialization, func, user_data))
        return FALSE;
      if (training->algorithm != NULL && !visit_graph (training->algorithm, func, user_data))
        return FALSE;
    }

  for (gsize i = 0; i < model->n_functions; i++)
    for (gsize j = 0; j < model->functions[i]->n_node; j++)
      if (!fw_proto_visit_node (model->functions[i]->node[j], func, user_data))
        return FALSE;

  return TRUE;
}

/* Freeing ------------------------------------------------------------------------------------ */

static gboolean
forget_raw_data (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  tensor->raw_data.data = NULL;
  tensor->raw_data.len = 0;
  return TRUE;
}

void
fw_proto_free_model (Onnx__ModelProto *model)
{
  if (model == NULL)
    return;

  fw_proto_visit_model (model, forget_raw_data, NULL);
  onnx__model_proto__free_unpacked (model, NULL);
}

void
fw_proto_free_tensor (Onnx__TensorProto *tensor)
{
  if (tensor == NULL)
    return;

  forget_raw_data (tensor, FW_TENSOR_INITIALIZER, NULL);
  onnx__tensor_proto__free_unpacked (tensor, NULL);
}

void
fw_proto_free_attribute (Onnx__AttributeProto *attribute)
{
  if (attribute == NULL)
    return;

  visit_attribute (attribute, forget_raw_data, NULL);
  onnx__attribute_proto__free_unpacked (attribute, NULL);
}

void
fw_node_free (Onnx__NodeProto *node)
{
  if (node == NULL)
    return;

  fw_proto_visit_node (node, forget_raw_data, NULL);
  onnx__node_proto__free_unpacked (node, NULL);
}

/* Copying ------------------------------------------------------------------------------------ */

static gsize
get_element_size (ProtobufCType type)
{
  switch (type)
    {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_ENUM:
      return 4;
    case PROTOBUF_C_TYPE_BOOL:
      return sizeof (protobuf_c_boolean);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
      return sizeof (gpointer);
    case PROTOBUF_C_TYPE_BYTES:
      return sizeof (ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
    default:
      return 8;
    }
}

/* Makes what @value points to, copied bit by bit, a copy of its own. */
static void
copy_value (ProtobufCType type, gpointer value)
{
  if (type == PROTOBUF_C_TYPE_STRING)
    {
      char **string = value;

      *string = g_strdup (*string);
    }
  else if (type == PROTOBUF_C_TYPE_BYTES)
    {
      ProtobufCBinaryData *bytes = value;

      bytes->data = g_memdup2 (bytes->data, bytes->len);
    }
  else if (type == PROTOBUF_C_TYPE_MESSAGE)
    {
      ProtobufCMessage **message = value;

      if (*message != NULL)
        *message = fw_proto_copy (*message);
    }
}

static void
copy_field (ProtobufCMessage *copy, const ProtobufCFieldDescriptor *field)
{
  char *base = (char *) copy;

  if (field->label == PROTOBUF_C_LABEL_REPEATED)
    {
      gsize n = *(size_t *) (base + field->quantifier_offset);
      gsize size = get_element_size (field->type);
      gpointer *array = (gpointer *) (base + field->offset);

      *array = n > 0 ? g_memdup2 (*array, n * size) : NULL;
      for (gsize i = 0; i < n; i++)
        copy_value (field->type, (char *) *array + i * size);
      return;
    }

  if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
      && *(uint32_t *) (base + field->quantifier_offset) != field->id)
    return;

  copy_value (field->type, base + field->offset);
}

ProtobufCMessage *
fw_proto_copy (const ProtobufCMessage *message)
{
  const ProtobufCMessageDescriptor *descriptor = message->descriptor;
  ProtobufCMessage *copy = g_memdup2 (message, descriptor->sizeof_message);

  for (guint i = 0; i < descriptor->n_fields; i++)
    {
      const ProtobufCFieldDescriptor *field = &descriptor->fields[i];

      if (descriptor == &onnx__tensor_proto__descriptor
          && field->offset == G_STRUCT_OFFSET (Onnx__TensorProto, raw_data))
        continue;
      copy_field (copy, field);
    }

  copy->unknown_fields = NULL;
  if (message->n_unknown_fields > 0)
    copy->unknown_fields = g_memdup2 (
        message->unknown_fields, message->n_unknown_fields * sizeof (ProtobufCMessageUnknownField));
  for (guint i = 0; i < copy->n_unknown_fields; i++)
    {
      ProtobufCMessageUnknownField *unknown = &copy->unknown_fields[i];

      unknown->data = g_memdup2 (unknown->data, unknown->len);
    }

  return copy;
}

/* Names -------------------------------------------------------------------------------------- */

static gboolean graph_has_names (const Onnx__GraphProto *graph);

static gboolean
node_has_names (const Onnx__NodeProto *node)
{
  if (node->op_type == NULL)
    return FALSE;

  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const Onnx__AttributeProto *attribute = node->attribute[i];

      if (attribute->name == NULL || (attribute->g != NULL && !graph_has_names (attribute->g)))
        return FALSE;
      for (gsize j = 0; j < attribute->n_graphs; j++)
        if (!graph_has_names (attribute->graphs[j]))
          return FALSE;
    }
  return TRUE;
}

static gboolean
values_have_names (Onnx__ValueInfoProto *const *values, gsize n_values)
{
  for (gsize i = 0; i < n_values; i++)
    if (values[i]->name == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
graph_has_names (const Onnx__GraphProto *graph)
{
  if (!values_have_names (graph->input, graph->n_input)
      || !values_have_names (graph->output, graph->n_output)
      || !values_have_names (graph->value_info, graph->n_value_info))
    return FALSE;

  for (gsize i = 0; i < graph->n_initializer; i++)
    if (graph->initializer[i]->name == NULL)
      return FALSE;
  for (gsize i = 0; i < graph->n_sparse_initializer; i++)
    if (graph->sparse_initializer[i]->values == NULL
        || graph->sparse_initializer[i]->indices == NULL
        || graph->sparse_initializer[i]->values->name == NULL)
      return FALSE;
  for (gsize i = 0; i < graph->n_node; i++)
    if (!node_has_names (graph->node[i]))
      return FALSE;
  return TRUE;
}

gboolean
fw_proto_has_names (const Onnx__ModelProto *model)
{
  if (!graph_has_names (model->graph))
    return FALSE;

  for (gsize i = 0; i < model->n_functions; i++)
    {
      if (model->functions[i]->name == NULL)
        return FALSE;
      for (gsize j = 0; j < model->functions[i]->n_node; j++)
        if (!node_has_names (model->functions[i]->node[j]))
          return FALSE;
    }
  return TRUE;
}

/* Entries ------------------------------------------------------------------------------------ */

const char *
fw_proto_find_entry (Onnx__StringStringEntryProto *const *entries, gsize n_entries, const char *key)
{
  for (gsize i = 0; i < n_entries; i++)
    if (g_strcmp0 (entries[i]->key, key) == 0)
      return entries[i]->value;
  return NULL;
}

Onnx__StringStringEntryProto *
fw_proto_entry_new (const char *key, const char *value)
{
  Onnx__StringStringEntryProto *entry = g_new (Onnx__StringStringEntryProto, 1);

  onnx__string_string_entry_proto__init (entry);
  entry->key = g_strdup (key);
  entry->value = g_strdup (value);
  return entry;
}

Onnx__ValueInfoProto *
fw_proto_value_info_new (const char *name, const Onnx__TensorProto *tensor)
{
  Onnx__ValueInfoProto *info = g_new (Onnx__ValueInfoProto, 1);
  Onnx__TypeProto__Tensor *type = g_new (Onnx__TypeProto__Tensor, 1);

  onnx__value_info_proto__init (info);
  info->name = g_strdup (name);
  info->type = g_new (Onnx__TypeProto, 1);
  onnx__type_proto__init (info->type);
  info->type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  info->type->tensor_type = type;

  onnx__type_proto__tensor__init (type);
  type->has_elem_type = TRUE;
  type->elem_type = tensor->data_type;
  type->shape = g_new (Onnx__TensorShapeProto, 1);
  onnx__tensor_shape_proto__init (type->shape);
  for (gsize i = 0; i < tensor->n_dims; i++)
    {
      Onnx__TensorShapeProto__Dimension *dim = g_new (Onnx__TensorShapeProto__Dimension, 1);

      onnx__tensor_shape_proto__dimension__init (dim);
      dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
      dim->dim_value = tensor->dims[i];
      fw_proto_append (type->shape->dim, type->shape->n_dim, dim);
    }
  return info;
}
