/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "bad-models.h"

#include <string.h>

#include "fw-random.h"

/* Protocol buffers by hand: what is to be wrong should be wrong by intent, not mended by a library
 * that is under test itself. */

static void
put_varint (GByteArray *bytes, guint64 value)
{
  do
    {
      guint8 byte = (guint8) ((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

      g_byte_array_append (bytes, &byte, 1);
      value >>= 7;
    }
  while (value > 0);
}

static void
put_number (GByteArray *bytes, guint field, guint64 value)
{
  put_varint (bytes, field << 3);
  put_varint (bytes, value);
}

static void
put_data (GByteArray *bytes, guint field, gconstpointer data, gsize length)
{
  put_varint (bytes, field << 3 | 2);
  put_varint (bytes, length);
  g_byte_array_append (bytes, data, (guint) length);
}

static void
put_text (GByteArray *bytes, guint field, const char *text)
{
  put_data (bytes, field, text, strlen (text));
}

/* Takes @message. */
static void
put_message (GByteArray *bytes, guint field, GByteArray *message)
{
  put_data (bytes, field, message->data, message->len);
  g_byte_array_unref (message);
}

/* TensorProto */
static GByteArray *
make_tensor (const char *name, const gint64 *dims, guint n_dims, const char *location)
{
  GByteArray *tensor = g_byte_array_new ();
  FwRandom random = { 7 };
  gsize n = 1;

  for (guint i = 0; i < n_dims; i++)
    {
      put_number (tensor, 1, (guint64) dims[i]);
      n *= (gsize) dims[i];
    }
  put_number (tensor, 2, 1);
  put_text (tensor, 8, name);
  if (location != NULL)
    {
      GByteArray *entry = g_byte_array_new ();

      put_text (entry, 1, "location");
      put_text (entry, 2, location);
      put_message (tensor, 13, entry);
      put_number (tensor, 14, 1);
    }
  else
    {
      g_autofree float *values = g_new (float, n);

      for (gsize i = 0; i < n; i++)
        values[i] = (float) (fw_random_double (&random) - 0.5);
      put_data (tensor, 9, values, n * sizeof *values);
    }
  return tensor;
}

/* ValueInfoProto of floats */
static GByteArray *
make_value (const char *name, const gint64 *dims, guint n_dims)
{
  GByteArray *value = g_byte_array_new ();
  GByteArray *type = g_byte_array_new ();
  GByteArray *tensor = g_byte_array_new ();
  GByteArray *shape = g_byte_array_new ();

  for (guint i = 0; i < n_dims; i++)
    {
      GByteArray *dim = g_byte_array_new ();

      put_number (dim, 1, (guint64) dims[i]);
      put_message (shape, 1, dim);
    }
  put_number (tensor, 1, 1);
  put_message (tensor, 2, shape);
  put_message (type, 1, tensor);
  put_text (value, 1, name);
  put_message (value, 2, type);
  return value;
}

/* NodeProto; the last of @names is the output */
static GByteArray *
make_node (const char *op_type, const char *const *names)
{
  GByteArray *node = g_byte_array_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      put_text (node, names[i + 1] != NULL ? 1 : 2, names[i]);
      if (names[i + 1] == NULL)
        put_text (node, 3, names[i]);
    }
  put_text (node, 4, op_type);
  return node;
}

static const char *
get_location (ModelKind kind)
{
  switch (kind)
    {
    case MODEL_EXTERNAL_MISSING:
      return "weights.bin";
    case MODEL_EXTERNAL_PARENT:
      return "../weights.bin";
    case MODEL_EXTERNAL_ABSOLUTE:
      return "/etc/passwd";
    default:
      return NULL;
    }
}

static GByteArray *
make_graph (ModelKind kind)
{
  static const gint64 picture[] = { 1, 3, 8, 8 }, filters[] = { 4, 3, 3, 3 };
  static const gint64 row[] = { 1, 4 };
  const char *conv[] = { "x", "w", "a", NULL };
  const char *add[] = { "x", "x2", "a", NULL };
  const char *act[] = { "a", "b", NULL };
  const char *pool[] = { "b", "c", NULL };
  const char *flat[] = { "c", "y", NULL };
  GByteArray *graph = g_byte_array_new ();
  gboolean plain = kind == MODEL_TWO_INPUTS || kind == MODEL_NO_WEIGHTS;

  if (plain)
    put_message (graph, 1,
                 kind == MODEL_TWO_INPUTS ? make_node ("Add", add)
                                          : make_node ("Tanh", (const char *[]){ "x", "a", NULL }));
  else
    put_message (graph, 1, make_node ("Conv", conv));
  put_message (graph, 1, make_node (kind == MODEL_UNKNOWN_OPERATOR ? "Frobnicate" : "Relu", act));
  put_message (graph, 1, make_node ("GlobalAveragePool", pool));
  put_message (graph, 1, make_node ("Flatten", flat));
  put_text (graph, 2, "small");
  if (!plain)
    put_message (graph, 5, make_tensor ("w", filters, 4, get_location (kind)));
  put_message (graph, 11, make_value ("x", picture, 4));
  if (kind == MODEL_TWO_INPUTS)
    put_message (graph, 11, make_value ("x2", picture, 4));
  put_message (graph, 12,
               plain ? make_value ("y", (gint64[]){ 1, 3 }, 2) : make_value ("y", row, 2));
  return graph;
}

/* Numbers of numbers, with a state that goes in and out. */
static GByteArray *
make_stream_graph (void)
{
  static const gint64 steps[] = { 1, 8, 64 }, state[] = { 1, 64 };
  static const gint64 wide[] = { 64, 256 }, narrow[] = { 256, 64 };
  GByteArray *graph = g_byte_array_new ();

  put_message (graph, 1, make_node ("MatMul", (const char *[]){ "x", "w", "a", NULL }));
  put_message (graph, 1, make_node ("Relu", (const char *[]){ "a", "b", NULL }));
  put_message (graph, 1, make_node ("MatMul", (const char *[]){ "b", "v", "c", NULL }));
  put_message (graph, 1, make_node ("Add", (const char *[]){ "c", "state", "y", NULL }));
  put_message (graph, 1, make_node ("Tanh", (const char *[]){ "state", "next", NULL }));
  put_text (graph, 2, "stream");
  put_message (graph, 5, make_tensor ("w", wide, 2, NULL));
  put_message (graph, 5, make_tensor ("v", narrow, 2, NULL));
  put_message (graph, 11, make_value ("x", steps, 3));
  put_message (graph, 11, make_value ("state", state, 2));
  put_message (graph, 12, make_value ("y", steps, 3));
  put_message (graph, 12, make_value ("next", state, 2));
  return graph;
}

void
write_model (const char *path, ModelKind kind)
{
  g_autoptr (GByteArray) model = g_byte_array_new ();
  GByteArray *opset = g_byte_array_new ();

  put_number (model, 1, 7);
  put_text (model, 2, "featherweight-test");
  put_message (model, 7, kind == MODEL_STREAM ? make_stream_graph () : make_graph (kind));
  put_text (opset, 1, "");
  put_number (opset, 2, 13);
  put_message (model, 8, opset);
  g_assert_true (g_file_set_contents (path, (const char *) model->data, model->len, NULL));
}
