/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-test-wire.h: messages written by hand, well-formed or not. */

#pragma once

#include <glib.h>
#include <string.h>

static inline void
wire_raw_varint (GByteArray *out, guint64 value)
{
  do
    {
      guint8 byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);

      g_byte_array_append (out, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

static inline void
wire_varint (GByteArray *out, guint field, guint64 value)
{
  wire_raw_varint (out, field << 3);
  wire_raw_varint (out, value);
}

static inline void
wire_bytes (GByteArray *out, guint field, gconstpointer data, gsize length)
{
  wire_raw_varint (out, field << 3 | 2);
  wire_raw_varint (out, length);
  g_byte_array_append (out, data, length);
}

static inline void
wire_string (GByteArray *out, guint field, const char *string)
{
  wire_bytes (out, field, string, strlen (string));
}

/* Takes @message. */
static inline void
wire_message (GByteArray *out, guint field, GByteArray *message)
{
  wire_bytes (out, field, message->data, message->len);
  g_byte_array_unref (message);
}

static inline GByteArray *
wire_entry (const char *key, const char *value)
{
  GByteArray *entry = g_byte_array_new ();

  wire_string (entry, 1, key);
  wire_string (entry, 2, value);
  return entry;
}

/* A tensor without bytes yet. */
static inline GByteArray *
wire_tensor (const char *name, guint type, const gint64 *dims, gsize n_dims)
{
  GByteArray *tensor = g_byte_array_new ();

  for (gsize i = 0; i < n_dims; i++)
    wire_varint (tensor, 1, dims[i]);
  wire_varint (tensor, 2, type);
  wire_string (tensor, 8, name);
  return tensor;
}

/* An input or output: float32 of two dims. */
static inline GByteArray *
wire_value (const char *name, guint64 rows, guint64 columns)
{
  GByteArray *value = g_byte_array_new ();
  GByteArray *type = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new ();
  GByteArray *shape = g_byte_array_new ();
  guint64 dims[] = { rows, columns };

  for (guint i = 0; i < 2; i++)
    {
      GByteArray *dim = g_byte_array_new ();

      wire_varint (dim, 1, dims[i]);
      wire_message (shape, 1, dim);
    }
  wire_varint (tensor, 1, 1);
  wire_message (tensor, 2, shape);
  wire_message (type, 1, tensor);
  wire_string (value, 1, name);
  wire_message (value, 2, type);
  return value;
}

/* @inputs and @outputs: names with commas between. */
static inline GByteArray *
wire_node (const char *op_type, const char *name, const char *inputs, const char *outputs)
{
  GByteArray *node = g_byte_array_new ();
  g_auto (GStrv) input = g_strsplit (inputs, ",", -1);
  g_auto (GStrv) output = g_strsplit (outputs, ",", -1);

  for (guint i = 0; input[i] != NULL; i++)
    wire_string (node, 1, input[i]);
  for (guint i = 0; output[i] != NULL; i++)
    wire_string (node, 2, output[i]);
  wire_string (node, 3, name);
  wire_string (node, 4, op_type);
  return node;
}

static inline GByteArray *
wire_int_attribute (const char *name, gint64 value)
{
  GByteArray *attribute = g_byte_array_new ();

  wire_string (attribute, 1, name);
  wire_varint (attribute, 3, value);
  wire_varint (attribute, 20, 2);
  return attribute;
}

/* A model of opset 13 around @graph (taken). */
static inline GBytes *
wire_model (GByteArray *graph)
{
  GByteArray *model = g_byte_array_new ();
  GByteArray *opset = g_byte_array_new ();

  wire_varint (model, 1, 8);
  wire_string (model, 2, "by hand");
  wire_message (model, 7, graph);
  wire_string (opset, 1, "");
  wire_varint (opset, 2, 13);
  wire_message (model, 8, opset);
  wire_message (model, 14, wire_entry ("author", "nobody"));
  return g_byte_array_free_to_bytes (model);
}

/* A graph that only has @tensor (taken) for an initializer. */
static inline GByteArray *
wire_graph_of_tensor (GByteArray *tensor)
{
  GByteArray *graph = g_byte_array_new ();

  wire_message (graph, 1, wire_node ("Identity", "", "x", "y"));
  wire_string (graph, 2, "main");
  wire_message (graph, 5, tensor);
  wire_message (graph, 11, wire_value ("x", 1, 2));
  wire_message (graph, 12, wire_value ("y", 1, 2));
  return graph;
}

static const float wire_weights[] = { 1.0f, -2.0f, 0.5f, 3.0f };

/* z = Relu (x * weights + bias), in which the bias comes out of an If: with raw and typed tensors,
 * subgraphs, and fields that no schema knows at several levels. */
static inline GBytes *
wire_sample_model (void)
{
  const gint64 dims[] = { 2, 2 };
  const float bias[] = { 0.25f, -0.25f };
  GByteArray *graph = g_byte_array_new ();
  GByteArray *tensor, *node, *relu;

  wire_message (graph, 1, wire_node ("MatMul", "multiply", "x,weights", "product"));

  node = wire_node ("If", "choose", "flag", "chosen");
  for (guint branch = 0; branch < 2; branch++)
    {
      GByteArray *attribute = g_byte_array_new ();
      GByteArray *subgraph = g_byte_array_new ();

      wire_message (subgraph, 1,
                    wire_node ("Identity", "inner", branch == 0 ? "bias" : "other", "inside"));
      wire_string (subgraph, 2, "branch");
      tensor = wire_tensor ("unused_inside", 1, dims + 1, 1);
      wire_bytes (tensor, 9, bias, sizeof bias);
      wire_message (subgraph, 5, tensor);
      wire_message (subgraph, 12, wire_value ("inside", 1, 2));
      wire_string (attribute, 1, branch == 0 ? "then_branch" : "else_branch");
      wire_message (attribute, 6, subgraph);
      wire_varint (attribute, 20, 5);
      wire_message (node, 5, attribute);
    }
  wire_message (graph, 1, node);

  wire_message (graph, 1, wire_node ("Add", "add", "product,chosen", "sum"));
  relu = wire_node ("Relu", "activate", "sum", "z");
  wire_string (relu, 999, "from the future");
  wire_varint (relu, 1000, 77);
  wire_message (graph, 1, relu);

  wire_string (graph, 2, "main");
  tensor = wire_tensor ("weights", 1, dims, 2);
  wire_bytes (tensor, 9, wire_weights, sizeof wire_weights);
  wire_string (tensor, 500, "unknown to tensors");
  wire_message (graph, 5, tensor);
  tensor = wire_tensor ("bias", 1, dims + 1, 1);
  wire_bytes (tensor, 4, bias, sizeof bias);
  wire_message (graph, 5, tensor);
  tensor = wire_tensor ("other", 1, dims + 1, 1);
  wire_bytes (tensor, 9, bias, sizeof bias);
  wire_message (graph, 5, tensor);
  tensor = wire_tensor ("flag", 9, dims, 0);
  wire_bytes (tensor, 5, "\1", 1);
  wire_message (graph, 5, tensor);
  wire_message (graph, 11, wire_value ("x", 1, 2));
  wire_message (graph, 12, wire_value ("z", 1, 2));
  wire_message (graph, 13, wire_value ("product", 1, 2));
  wire_string (graph, 600, "unknown to graphs");
  return wire_model (graph);
}
