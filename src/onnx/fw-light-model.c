/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-light-model.h"
#include "fw-model-private.h"

/* Shapes, axes, scales and the like, which libonnx has to see, are smaller than this. */
#define LARGE_ELEMENTS 1024

struct _FwLightModel
{
  FwModel *model; /* borrowed */
  FwModel *light;
  GHashTable *tensors;       /* names of initializers left out; the strings are the model's */
  GHashTable *constants;     /* names of constants' outputs; likewise */
  GPtrArray *constant_nodes; /* the nodes left out, the model's */
  GHashTable *inputs;        /* names of inputs that are not the model's */
};

static void
set_unsupported (GError **error)
{
  g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                       _ ("The model can’t be converted to a newer version of ONNX."));
}

/* Making ------------------------------------------------------------------------------------- */

static gboolean
is_large (const Onnx__TensorProto *tensor)
{
  return tensor->data_type != FW_ELEMENT_STRING
         && fw_tensor_proto_get_n_elements (tensor) > LARGE_ELEMENTS;
}

/* The tensor of a node that holds nothing else, or NULL. */
static const Onnx__TensorProto *
get_constant (const Onnx__NodeProto *node)
{
  if (strcmp (node->op_type, "Constant") != 0 || (node->domain != NULL && *node->domain != '\0')
      || node->n_attribute != 1 || node->n_input > 0 || node->n_output != 1
      || *node->output[0] == '\0')
    return NULL;
  return strcmp (node->attribute[0]->name, "value") == 0 ? node->attribute[0]->t : NULL;
}

static gboolean
contains_value (Onnx__ValueInfoProto *const *values, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (g_strcmp0 (values[i]->name, name) == 0)
      return TRUE;
  return FALSE;
}

static void
add_input (FwLightModel *self, const char *name, const Onnx__TensorProto *tensor)
{
  Onnx__GraphProto *graph = self->light->proto->graph;

  if (contains_value (self->model->proto->graph->input, self->model->proto->graph->n_input, name)
      || !g_hash_table_add (self->inputs, (char *) name))
    return;
  fw_proto_append (graph->input, graph->n_input, fw_proto_value_info_new (name, tensor));
}

static void
leave_out_initializers (FwLightModel *self)
{
  const Onnx__GraphProto *original = self->model->proto->graph;
  Onnx__GraphProto *graph = self->light->proto->graph;
  gsize n = 0;

  for (gsize i = 0; i < original->n_initializer; i++)
    {
      const Onnx__TensorProto *tensor = original->initializer[i];

      if (is_large (tensor) && g_hash_table_add (self->tensors, tensor->name))
        {
          add_input (self, tensor->name, tensor);
          fw_proto_free_tensor (graph->initializer[i]);
        }
      else
        {
          graph->initializer[n++] = graph->initializer[i];
        }
    }
  graph->n_initializer = n;
}

static void
leave_out_constants (FwLightModel *self)
{
  const Onnx__GraphProto *original = self->model->proto->graph;
  Onnx__GraphProto *graph = self->light->proto->graph;
  gsize n = 0;

  for (gsize i = 0; i < original->n_node; i++)
    {
      Onnx__NodeProto *node = original->node[i];
      const Onnx__TensorProto *tensor = get_constant (node);

      if (tensor != NULL && is_large (tensor)
          && !contains_value (original->output, original->n_output, node->output[0])
          && !g_hash_table_contains (self->tensors, node->output[0])
          && g_hash_table_add (self->constants, node->output[0]))
        {
          add_input (self, node->output[0], tensor);
          g_ptr_array_add (self->constant_nodes, node);
          fw_node_free (graph->node[i]);
        }
      else
        {
          graph->node[n++] = graph->node[i];
        }
    }
  graph->n_node = n;
}

/* Functions are not needed here, and one that calls itself sends libonnx into endless recursion. */
static void
leave_out_functions (FwLightModel *self)
{
  Onnx__ModelProto *proto = self->light->proto;

  for (gsize i = 0; i < proto->n_functions; i++)
    {
      Onnx__FunctionProto *function = proto->functions[i];

      for (gsize j = 0; j < function->n_node; j++)
        fw_node_free (function->node[j]);
      function->n_node = 0;
      onnx__function_proto__free_unpacked (function, NULL);
    }
  proto->n_functions = 0;
}

static const Onnx__ValueInfoProto *
find_shape (Onnx__ValueInfoProto *const *values, gsize n, const char *name)
{
  for (gsize i = 0; i < n; i++)
    if (strcmp (values[i]->name, name) == 0)
      return values[i]->type != NULL
                     && values[i]->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
                     && values[i]->type->tensor_type->shape != NULL
                 ? values[i]
                 : NULL;
  return NULL;
}

/* Softmax got another meaning at opset 13, and libonnx converts it only where it knows the number
 * of dims. It often loses track before the end of a model, whose outputs say their shapes: what
 * comes out of a Softmax is shaped as what went in. */
static void
add_shapes_before_softmax (FwLightModel *self)
{
  static const char *const types[] = { "Softmax", "LogSoftmax", "Hardmax", NULL };
  Onnx__GraphProto *graph = self->light->proto->graph;

  for (gsize i = 0; i < graph->n_node; i++)
    {
      const Onnx__NodeProto *node = graph->node[i];
      const Onnx__ValueInfoProto *output;
      Onnx__ValueInfoProto *input;

      if (!g_strv_contains (types, node->op_type) || node->n_input != 1 || node->n_output != 1
          || contains_value (graph->value_info, graph->n_value_info, node->input[0])
          || contains_value (graph->input, graph->n_input, node->input[0])
          || contains_value (graph->output, graph->n_output, node->input[0]))
        continue;

      output = find_shape (graph->output, graph->n_output, node->output[0]);
      if (output == NULL)
        continue;
      input = (Onnx__ValueInfoProto *) fw_proto_copy (&output->base);
      g_free (input->name);
      input->name = g_strdup (node->input[0]);
      fw_proto_append (graph->value_info, graph->n_value_info, input);
    }
}

FwLightModel *
fw_light_model_new (FwModel *model)
{
  FwLightModel *self = g_new0 (FwLightModel, 1);

  self->model = model;
  self->light = fw_model_copy (model);
  self->tensors = g_hash_table_new (g_str_hash, g_str_equal);
  self->constants = g_hash_table_new (g_str_hash, g_str_equal);
  self->constant_nodes = g_ptr_array_new ();
  self->inputs = g_hash_table_new (g_str_hash, g_str_equal);
  leave_out_initializers (self);
  leave_out_constants (self);
  leave_out_functions (self);
  add_shapes_before_softmax (self);
  return self;
}

void
fw_light_model_free (FwLightModel *self)
{
  if (self == NULL)
    return;

  fw_model_unref (self->light);
  g_hash_table_unref (self->tensors);
  g_hash_table_unref (self->constants);
  g_ptr_array_unref (self->constant_nodes);
  g_hash_table_unref (self->inputs);
  g_free (self);
}

/* Numbers that libonnx divides by without looking. */
static gboolean
has_zero_divisor (const Onnx__AttributeProto *attribute)
{
  static const char *const names[] = { "strides", "group", "blocksize", "scales", NULL };

  if (!g_strv_contains (names, attribute->name))
    return FALSE;
  for (gsize i = 0; i < attribute->n_ints; i++)
    if (attribute->ints[i] <= 0)
      return TRUE;
  return attribute->has_i && attribute->i <= 0;
}

static gboolean
graph_is_safe (const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_attribute; j++)
      {
        const Onnx__AttributeProto *attribute = graph->node[i]->attribute[j];

        if (has_zero_divisor (attribute) || (attribute->g != NULL && !graph_is_safe (attribute->g)))
          return FALSE;
        for (gsize k = 0; k < attribute->n_graphs; k++)
          if (!graph_is_safe (attribute->graphs[k]))
            return FALSE;
      }
  return TRUE;
}

GBytes *
fw_light_model_to_bytes (FwLightModel *self, GError **error)
{
  if (!graph_is_safe (self->light->proto->graph))
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                           _ ("The model has operators with impossible settings."));
      return NULL;
    }
  return fw_model_to_bytes (self->light, error);
}

static gboolean
has_subgraphs (const Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_attribute; j++)
      if (graph->node[i]->attribute[j]->g != NULL || graph->node[i]->attribute[j]->n_graphs > 0)
        return TRUE;
  return FALSE;
}

/* Whether each value is made once, and each that is spoken of is there. libonnx crashes where this
 * is not so, and may break it: it makes up numbers for names, which may be taken. */
static gboolean
is_sound (const Onnx__GraphProto *graph)
{
  g_autoptr (GHashTable) known = g_hash_table_new (g_str_hash, g_str_equal);

  /* Up to IR 3, initializers are inputs too. */
  for (gsize i = 0; i < graph->n_input; i++)
    g_hash_table_add (known, graph->input[i]->name);
  for (gsize i = 0; i < graph->n_initializer; i++)
    g_hash_table_add (known, graph->initializer[i]->name);
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_output; j++)
      if (*graph->node[i]->output[j] != '\0'
          && !g_hash_table_add (known, graph->node[i]->output[j]))
        return FALSE;

  g_hash_table_add (known, (char *) "");
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_input; j++)
      if (!g_hash_table_contains (known, graph->node[i]->input[j]))
        return FALSE;
  for (gsize i = 0; i < graph->n_output; i++)
    if (!g_hash_table_contains (known, graph->output[i]->name))
      return FALSE;
  for (gsize i = 0; i < graph->n_value_info; i++)
    if (!g_hash_table_contains (known, graph->value_info[i]->name))
      return FALSE;
  return TRUE;
}

/* libonnx would leave subgraphs at the old version under the new number, and forgets sparse
 * initializers. */
gboolean
fw_light_model_is_convertible (FwLightModel *self)
{
  const Onnx__GraphProto *graph = self->light->proto->graph;

  return !has_subgraphs (graph) && graph->n_sparse_initializer == 0 && is_sound (graph);
}

/* Restoring ---------------------------------------------------------------------------------- */

static void
free_values (Onnx__ValueInfoProto **values, gsize n)
{
  for (gsize i = 0; i < n; i++)
    onnx__value_info_proto__free_unpacked (values[i], NULL);
  g_free (values);
}

static gboolean
have_same_names (Onnx__ValueInfoProto *const *a,
                 gsize n_a,
                 Onnx__ValueInfoProto *const *b,
                 gsize n_b)
{
  if (n_a != n_b)
    return FALSE;
  for (gsize i = 0; i < n_a; i++)
    if (g_strcmp0 (a[i]->name, b[i]->name) != 0)
      return FALSE;
  return TRUE;
}

FwModel *
fw_light_model_restore_shapes (FwLightModel *self, GBytes *bytes, GError **error)
{
  g_autoptr (FwModel) inferred = fw_model_load_bytes (bytes, NULL, error);
  g_autoptr (FwModel) result = NULL;
  Onnx__GraphProto *source, *target;

  if (inferred == NULL)
    return NULL;

  result = fw_model_copy (self->model);
  source = inferred->proto->graph;
  target = result->proto->graph;

  free_values (target->value_info, target->n_value_info);
  target->value_info = g_steal_pointer (&source->value_info);
  target->n_value_info = source->n_value_info;
  source->n_value_info = 0;

  /* The inputs that stood for constants say their types and shapes. */
  for (gsize i = 0; i < source->n_input; i++)
    if (g_hash_table_contains (self->constants, source->input[i]->name))
      fw_proto_append (target->value_info, target->n_value_info,
                       (Onnx__ValueInfoProto *) fw_proto_copy (&source->input[i]->base));

  if (have_same_names (source->output, source->n_output, target->output, target->n_output))
    {
      Onnx__ValueInfoProto **outputs = target->output;

      target->output = source->output;
      source->output = outputs;
    }
  return g_steal_pointer (&result);
}

static void
drop_added_inputs (FwLightModel *self, Onnx__GraphProto *graph)
{
  gsize n = 0;

  for (gsize i = 0; i < graph->n_input; i++)
    if (g_hash_table_contains (self->inputs, graph->input[i]->name))
      onnx__value_info_proto__free_unpacked (graph->input[i], NULL);
    else
      graph->input[n++] = graph->input[i];
  graph->n_input = n;
}

/* Puts the large tensors back, and all in the order of the original; new ones come last. FALSE if
 * there is one already where a large one belongs. */
static gboolean
restore_initializers (FwLightModel *self, Onnx__GraphProto *graph)
{
  const Onnx__GraphProto *original = self->model->proto->graph;
  g_autoptr (GHashTable) found = g_hash_table_new (g_str_hash, g_str_equal);
  GPtrArray *all = g_ptr_array_new ();
  gboolean complete = TRUE;

  for (gsize i = 0; i < graph->n_initializer; i++)
    {
      const char *name = graph->initializer[i]->name;

      if (g_hash_table_contains (self->tensors, name)
          || !g_hash_table_insert (found, (char *) name, graph->initializer[i]))
        complete = FALSE;
    }

  for (gsize i = 0; complete && i < original->n_initializer; i++)
    {
      Onnx__TensorProto *tensor = original->initializer[i];
      gpointer converted = NULL;

      if (g_hash_table_contains (self->tensors, tensor->name))
        g_ptr_array_add (all, fw_proto_copy (&tensor->base));
      else if (g_hash_table_steal_extended (found, tensor->name, NULL, &converted))
        g_ptr_array_add (all, converted);
    }
  for (gsize i = 0; i < graph->n_initializer; i++)
    if (!complete || g_hash_table_contains (found, graph->initializer[i]->name))
      g_ptr_array_add (all, graph->initializer[i]);

  g_free (graph->initializer);
  graph->initializer = (Onnx__TensorProto **) g_ptr_array_steal (all, &graph->n_initializer);
  g_ptr_array_unref (all);
  return complete;
}

static void
restore_constants (FwLightModel *self, Onnx__GraphProto *graph)
{
  gsize n = self->constant_nodes->len;

  graph->node = g_realloc_n (graph->node, n + graph->n_node, sizeof *graph->node);
  memmove (graph->node + n, graph->node, graph->n_node * sizeof *graph->node);
  for (gsize i = 0; i < n; i++)
    {
      Onnx__NodeProto *node = g_ptr_array_index (self->constant_nodes, i);

      graph->node[i] = (Onnx__NodeProto *) fw_proto_copy (&node->base);
    }
  graph->n_node += n;
}

/* Opset 11 gave Resize a choice of coordinates, and another default than what was done before;
 * libonnx 1.12 forgets to say that it is to stay as it was. Which pixel was the nearest when
 * shrinking was never written down: such models stay at their version. */
static gboolean
keep_resize (FwModel *original, FwModel *converted)
{
  Onnx__GraphProto *graph = converted->proto->graph;

  if (fw_model_get_opset (original, "") >= 11 || fw_model_get_opset (converted, "") < 11)
    return TRUE;

  for (gsize i = 0; i < original->proto->graph->n_node; i++)
    {
      const Onnx__NodeProto *node = original->proto->graph->node[i];

      if (strcmp (node->op_type, "Resize") == 0 && !fw_node_has_string (node, "mode", "linear"))
        return FALSE;
    }

  for (gsize i = 0; i < graph->n_node; i++)
    if (strcmp (graph->node[i]->op_type, "Resize") == 0)
      {
        fw_node_set_string (graph->node[i], "coordinate_transformation_mode", "asymmetric");
        fw_node_set_string (graph->node[i], "nearest_mode", "floor");
      }
  return TRUE;
}

FwModel *
fw_light_model_restore_graph (FwLightModel *self, GBytes *bytes, GError **error)
{
  g_autoptr (FwModel) converted = fw_model_load_bytes (bytes, NULL, error);
  g_autoptr (FwModel) result = NULL;
  const Onnx__GraphProto *original = self->model->proto->graph;
  Onnx__GraphProto *graph;
  Onnx__ModelProto swapped;
  gboolean complete;

  if (converted == NULL)
    return NULL;

  /* Swap the graphs and opsets, so that all else of the model stays as it is. */
  result = fw_model_copy (self->model);
  swapped = *result->proto;
  result->proto->graph = graph = converted->proto->graph;
  result->proto->opset_import = converted->proto->opset_import;
  result->proto->n_opset_import = converted->proto->n_opset_import;
  converted->proto->graph = swapped.graph;
  converted->proto->opset_import = swapped.opset_import;
  converted->proto->n_opset_import = swapped.n_opset_import;
  for (guint i = 0; i < converted->holders->len; i++)
    g_ptr_array_add (result->holders, g_bytes_ref (g_ptr_array_index (converted->holders, i)));

  drop_added_inputs (self, graph);
  complete = restore_initializers (self, graph);
  restore_constants (self, graph);

  if (!complete
      || !have_same_names (graph->input, graph->n_input, original->input, original->n_input)
      || !have_same_names (graph->output, graph->n_output, original->output, original->n_output)
      || !is_sound (graph) || !keep_resize (self->model, result))
    {
      set_unsupported (error);
      return NULL;
    }
  return g_steal_pointer (&result);
}
