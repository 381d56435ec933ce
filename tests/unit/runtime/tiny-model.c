/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-error.h"
#include "tiny-model.h"

static void
add_varint (GByteArray *message, guint64 value)
{
  do
    {
      guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);

      g_byte_array_append (message, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

void
tiny_add_int (GByteArray *message, guint field, guint64 value)
{
  add_varint (message, field << 3);
  add_varint (message, value);
}

void
tiny_add_bytes (GByteArray *message, guint field, gconstpointer data, gsize size)
{
  add_varint (message, field << 3 | 2);
  add_varint (message, size);
  g_byte_array_append (message, data, (guint) size);
}

void
tiny_add_string (GByteArray *message, guint field, const char *string)
{
  tiny_add_bytes (message, field, string, strlen (string));
}

void
tiny_add_message (GByteArray *message, guint field, GByteArray *part)
{
  tiny_add_bytes (message, field, part->data, part->len);
  g_byte_array_unref (part);
}

void
tiny_model_init (TinyModel *self)
{
  self->graph = g_byte_array_new ();
  tiny_add_string (self->graph, 2, "graph");
}

static void
add_value_info (GByteArray *graph, guint field, const char *name, int type, const char *dims)
{
  GByteArray *info = g_byte_array_new ();
  GByteArray *type_proto = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new ();
  GByteArray *shape = g_byte_array_new ();
  g_auto (GStrv) list = g_strsplit (dims, " ", -1);

  for (guint i = 0; list[i] != NULL && *dims != '\0'; i++)
    {
      GByteArray *dim = g_byte_array_new ();

      if (*list[i] == '-')
        tiny_add_string (dim, 2, "N");
      else
        tiny_add_int (dim, 1, g_ascii_strtoull (list[i], NULL, 10));
      tiny_add_message (shape, 1, dim);
    }
  tiny_add_int (tensor, 1, type);
  tiny_add_message (tensor, 2, shape);
  tiny_add_message (type_proto, 1, tensor);
  tiny_add_string (info, 1, name);
  tiny_add_message (info, 2, type_proto);
  tiny_add_message (graph, field, info);
}

void
tiny_model_add_input (TinyModel *self, const char *name, int type, const char *dims)
{
  add_value_info (self->graph, 11, name, type, dims);
}

void
tiny_model_add_output (TinyModel *self, const char *name, int type, const char *dims)
{
  add_value_info (self->graph, 12, name, type, dims);
}

static void
add_words (GByteArray *message, guint field, const char *words)
{
  g_auto (GStrv) list = g_strsplit (words, " ", -1);

  for (guint i = 0; list[i] != NULL && *words != '\0'; i++)
    tiny_add_string (message, field, list[i]);
}

void
tiny_model_add_node (TinyModel *self,
                     const char *op_type,
                     const char *domain,
                     const char *inputs,
                     const char *outputs,
                     GByteArray *attributes)
{
  GByteArray *node = g_byte_array_new ();
  g_autofree char *name = g_strdup_printf ("%s_%s", op_type, outputs);

  add_words (node, 1, inputs);
  add_words (node, 2, outputs);
  tiny_add_string (node, 3, name);
  tiny_add_string (node, 4, op_type);
  if (attributes != NULL)
    {
      g_byte_array_append (node, attributes->data, attributes->len);
      g_byte_array_unref (attributes);
    }
  tiny_add_string (node, 7, domain);
  tiny_add_message (self->graph, 1, node);
}

void
tiny_model_add_floats (TinyModel *self,
                       const char *name,
                       const char *dims,
                       const float *values,
                       gsize n)
{
  GByteArray *tensor = g_byte_array_new ();
  g_auto (GStrv) list = g_strsplit (dims, " ", -1);

  for (guint i = 0; list[i] != NULL && *dims != '\0'; i++)
    tiny_add_int (tensor, 1, g_ascii_strtoull (list[i], NULL, 10));
  tiny_add_int (tensor, 2, FW_ELEMENT_FLOAT);
  tiny_add_string (tensor, 8, name);
  tiny_add_bytes (tensor, 9, values, n * sizeof *values);
  tiny_add_message (self->graph, 5, tensor);
}

GBytes *
tiny_model_finish (TinyModel *self, int opset)
{
  GByteArray *model = g_byte_array_new ();
  GByteArray *import = g_byte_array_new ();

  tiny_add_int (model, 1, 8);
  tiny_add_message (model, 7, self->graph);
  tiny_add_string (import, 1, "");
  tiny_add_int (import, 2, opset);
  tiny_add_message (model, 8, import);
  self->graph = NULL;
  return g_byte_array_free_to_bytes (model);
}

GByteArray *
tiny_attribute_int (GByteArray *list, const char *name, gint64 value)
{
  GByteArray *attribute = g_byte_array_new ();

  if (list == NULL)
    list = g_byte_array_new ();
  tiny_add_string (attribute, 1, name);
  tiny_add_int (attribute, 3, (guint64) value);
  tiny_add_int (attribute, 20, 2);
  tiny_add_message (list, 5, attribute);
  return list;
}

GByteArray *
tiny_attribute_ints (GByteArray *list, const char *name, const char *values)
{
  GByteArray *attribute = g_byte_array_new ();
  g_auto (GStrv) words = g_strsplit (values, " ", -1);

  if (list == NULL)
    list = g_byte_array_new ();
  tiny_add_string (attribute, 1, name);
  for (guint i = 0; words[i] != NULL; i++)
    tiny_add_int (attribute, 8, (guint64) g_ascii_strtoll (words[i], NULL, 10));
  tiny_add_int (attribute, 20, 7);
  tiny_add_message (list, 5, attribute);
  return list;
}

GBytes *
tiny_model_matmuls (guint size, guint depth)
{
  TinyModel model;
  g_autofree float *weight = g_new0 (float, size *size);
  g_autofree char *dims = g_strdup_printf ("%u %u", size, size);
  g_autofree char *open_dims = g_strdup_printf ("-1 %u", size);
  g_autofree char *name = g_strdup ("x");

  for (guint i = 0; i < size; i++)
    weight[i * size + (i + 1) % size] = 1;

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, open_dims);
  tiny_model_add_floats (&model, "weight", dims, weight, (gsize) size * size);
  for (guint i = 0; i < depth; i++)
    {
      g_autofree char *inputs = g_strdup_printf ("%s weight", name);

      g_free (name);
      name = i + 1 < depth ? g_strdup_printf ("t%u", i) : g_strdup ("y");
      tiny_model_add_node (&model, "MatMul", "", inputs, name, NULL);
    }
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, open_dims);
  return tiny_model_finish (&model, 13);
}

GBytes *
tiny_model_classifier (void)
{
  static const float weight[] = { 4, 0, 0, 0, 4, 0, 0, 0, 4 };
  TinyModel model;

  tiny_model_init (&model);
  tiny_model_add_input (&model, "x", FW_ELEMENT_FLOAT, "1 3 8 8");
  tiny_model_add_floats (&model, "weight", "3 3", weight, 9);
  tiny_model_add_node (&model, "GlobalAveragePool", "", "x", "pooled", NULL);
  tiny_model_add_node (&model, "Flatten", "", "pooled", "flat", NULL);
  tiny_model_add_node (&model, "MatMul", "", "flat weight", "scores", NULL);
  tiny_model_add_node (&model, "Softmax", "", "scores", "y", NULL);
  tiny_model_add_output (&model, "y", FW_ELEMENT_FLOAT, "1 3");
  return tiny_model_finish (&model, 13);
}

gboolean
tiny_need_runtime (void)
{
  g_autoptr (GError) error = NULL;

  if (fw_runtime_load (&error))
    return TRUE;
  if (g_error_matches (error, FW_ERROR, FW_ERROR_RUNTIME_MISSING))
    g_test_skip (error->message);
  else
    g_test_fail_printf ("%s", error->message);
  return FALSE;
}
