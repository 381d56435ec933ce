/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-error.h"
#include "fw-model-private.h"
#include "fw-scanner.h"
#include "fw-test-wire.h"

static void
assert_fails (GBytes *bytes, FwError code)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_null (model);
  g_assert_error (error, FW_ERROR, (gint) code);
}

/* A model whose graph has only these bytes. */
static GBytes *
model_of_bytes (const char *data, gsize length)
{
  GByteArray *graph = g_byte_array_new ();

  g_byte_array_append (graph, (const guint8 *) data, length);
  return wire_model (graph);
}

static void
test_skeleton (void)
{
  const gint64 dims[] = { 1000 };
  GByteArray *tensor = wire_tensor ("t", FW_ELEMENT_FLOAT, dims, 1);
  g_autofree guint8 *content = g_malloc0 (4000);
  g_autoptr (GByteArray) skeleton = NULL;
  g_autoptr (GBytes) bytes = NULL;
  FwScanFailure failure;
  gconstpointer data;
  gsize length;

  wire_bytes (tensor, 9, content, 4000);
  bytes = wire_model (wire_graph_of_tensor (tensor));
  data = g_bytes_get_data (bytes, &length);
  skeleton = fw_scanner_scan (data, length, &failure);
  g_assert_nonnull (skeleton);
  /* The weights are not in it. */
  g_assert_cmpuint (skeleton->len, <, 300);
}

/* Cut off anywhere, a model is refused, or is one that lacks something at its end. */
static void
test_truncated (void)
{
  g_autoptr (GBytes) bytes = wire_sample_model ();
  gsize length = g_bytes_get_size (bytes);

  for (gsize i = 0; i < length; i++)
    {
      /* A copy of exactly that length, so that a sanitizer sees each byte read too many. */
      g_autofree guint8 *copy = g_memdup2 (g_bytes_get_data (bytes, NULL), i);
      g_autoptr (GBytes) cut = g_bytes_new_static (copy, i);
      g_autoptr (FwModel) model = NULL;
      g_autoptr (GError) error = NULL;

      model = fw_model_load_bytes (cut, NULL, &error);
      if (model == NULL)
        {
          g_assert_true (error->domain == FW_ERROR);
          g_assert_true (error->code == FW_ERROR_DAMAGED_MODEL
                         || error->code == FW_ERROR_NOT_A_MODEL
                         || error->code == FW_ERROR_EMPTY_FILE);
        }
      /* The graph makes up most of it, and can't be cut. */
      if (i > 20 && i < length - 40)
        g_assert_error (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL);
    }
}

static void
test_malformed (void)
{
  static const struct
  {
    const char *data;
    gsize length;
  } cases[] = {
    { "\x0a\xff\x01", 3 },                                      /* length beyond the end */
    { "\x0a\xff\xff\xff\xff\x0f", 6 },                          /* 4 GB long */
    { "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },     /* too long a length */
    { "\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 }, /* overlong number */
    { "\x50\xff", 2 },                                          /* number without an end */
    { "\xd0", 1 },                                              /* tag without an end */
    { "\x02\0", 2 },                                            /* field 0 */
    { "\xff\xff\xff\xff\xff\x01\0", 7 },                        /* tag of six bytes */
    { "\xfa\xff\xff\xff\x7f\0", 6 },                            /* field beyond 2^29 */
    { "\x0b\x0c", 2 },                                          /* groups */
    { "\x0e", 1 },                                              /* wire type 6 */
    { "\x0f", 1 },                                              /* wire type 7 */
    { "\x08\x01", 2 },                                          /* a number for a node */
    { "\x10\x01", 2 },                                          /* a number for a name */
    { "\x15\0\0\0\0", 5 },                                      /* 4 bytes for a name */
    { "\x0a\x05\x0a\x03\x61\0\x62", 7 },                        /* a zero inside a name */
    { "\xb9\x25\0\0\0", 5 },                                    /* 8 bytes cut off */
    { "\x2a\x05\x22\x03\0\0\0", 7 },                            /* 3 bytes of floats */
    { "\x2a\x05\x52\x03\0\0\0", 7 },                            /* 3 bytes of doubles */
    { "\x2a\x04\x2a\x02\x01\x80", 6 },                          /* packed number without end */
    { "\x2a\x0e\x3a\x0c\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0", 16 }, /* overlong in it */
    { "\x5a\x06\x12\x00\x12\x00\x0a\0", 8 },                                  /* one type twice */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GBytes) bytes = model_of_bytes (cases[i].data, cases[i].length);

      g_test_message ("case %u", i);
      assert_fails (bytes, FW_ERROR_DAMAGED_MODEL);
    }
}

/* Text for people may have a zero inside. */
static void
test_zero_in_text (void)
{
  g_autoptr (GBytes) bytes = model_of_bytes ("\x52\x03\x61\0\x62\x12\x03\x63\0\x64", 10);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fw_model_get_graph (model)->doc_string, ==, "a");
  g_assert_cmpstr (fw_model_get_graph (model)->name, ==, "c");
}

/* Numbers may be written longer than they need be. */
static void
test_padded (void)
{
  g_autoptr (GBytes) bytes = model_of_bytes ("\x92\x80\x80\x80\0\x84\x80\x80\x80\0main", 14);
  g_autoptr (FwModel) model = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (bytes, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (fw_model_get_graph (model)->name, ==, "main");
}

/* A graph in an attribute in a node in a graph, and so on. */
static GByteArray *
nest_graphs (guint depth)
{
  GByteArray *graph = g_byte_array_new ();

  for (guint i = 0; i < depth; i++)
    {
      GByteArray *attribute = g_byte_array_new ();
      GByteArray *node = wire_node ("If", "", "a", "b");
      GByteArray *outer = g_byte_array_new ();

      wire_string (attribute, 1, "g");
      wire_message (attribute, 6, graph);
      wire_message (node, 5, attribute);
      wire_message (outer, 1, node);
      graph = outer;
    }
  return graph;
}

static void
test_deep_graphs (void)
{
  g_autoptr (GBytes) fine = wire_model (nest_graphs (30));
  g_autoptr (GBytes) deep = wire_model (nest_graphs (40));
  g_autoptr (GBytes) bomb = wire_model (nest_graphs (5000));
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) copy = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (fine, NULL, &error);
  g_assert_no_error (error);
  copy = fw_model_copy (model);
  g_assert_nonnull (copy);
  assert_fails (deep, FW_ERROR_HOSTILE_MODEL);
  assert_fails (bomb, FW_ERROR_HOSTILE_MODEL);
}

/* A sequence of sequences of sequences. */
static void
test_deep_types (void)
{
  GByteArray *type = g_byte_array_new ();
  GByteArray *value = g_byte_array_new ();
  GByteArray *graph = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < 100000; i++)
    {
      /* From the inside out would be quadratic; lengths that are too long will do here. */
      static const guint8 header[] = { 0x22, 0xff, 0xff, 0x7f, 0x0a, 0xff, 0xff, 0x7f };

      g_byte_array_append (type, header, sizeof header);
    }
  wire_string (value, 1, "x");
  wire_message (value, 2, type);
  wire_message (graph, 11, value);
  bytes = wire_model (graph);
  /* Each length is cut short by what holds it. */
  assert_fails (bytes, FW_ERROR_DAMAGED_MODEL);

  type = g_byte_array_new ();
  for (guint i = 0; i < 200; i++)
    {
      GByteArray *sequence = g_byte_array_new ();
      GByteArray *outer = g_byte_array_new ();

      wire_message (sequence, 1, type);
      wire_message (outer, 4, sequence);
      type = outer;
    }
  value = g_byte_array_new ();
  graph = g_byte_array_new ();
  wire_string (value, 1, "x");
  wire_message (value, 2, type);
  wire_message (graph, 11, value);
  g_clear_pointer (&bytes, g_bytes_unref);
  bytes = wire_model (graph);
  assert_fails (bytes, FW_ERROR_HOSTILE_MODEL);
}

/* Two bytes in the file, hundreds in memory. */
static void
test_many_empty (void)
{
  static const guint8 pairs[][2] = {
    { 0x0a, 0 }, /* nodes */
    { 0x2a, 0 }, /* initializers */
    { 0x5a, 0 }, /* inputs */
    { 0x72, 0 }, /* annotations */
  };

  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      GByteArray *graph = g_byte_array_new ();
      g_autoptr (GBytes) bytes = NULL;

      for (guint j = 0; j < 2000000; j++)
        g_byte_array_append (graph, pairs[i], 2);
      bytes = wire_model (graph);
      assert_fails (bytes, FW_ERROR_HOSTILE_MODEL);
    }
}

/* The same inside of one node. */
static void
test_many_empty_attributes (void)
{
  GByteArray *graph = g_byte_array_new ();
  GByteArray *node = wire_node ("Relu", "", "x", "y");
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < 2000000; i++)
    g_byte_array_append (node, (const guint8 *) "\x2a\0", 2);
  wire_message (graph, 1, node);
  bytes = wire_model (graph);
  assert_fails (bytes, FW_ERROR_HOSTILE_MODEL);
}

/* Merging one message a thousand times takes a million steps. */
static void
test_repeated_graph (void)
{
  g_autoptr (GBytes) sample = wire_sample_model ();
  GByteArray *twice = g_byte_array_new ();
  g_autoptr (GBytes) bytes = NULL;

  for (guint i = 0; i < 2; i++)
    g_byte_array_append (twice, g_bytes_get_data (sample, NULL), g_bytes_get_size (sample));
  bytes = g_byte_array_free_to_bytes (twice);
  assert_fails (bytes, FW_ERROR_DAMAGED_MODEL);
}

/* Names that are not UTF-8 come through as they are. */
static void
test_invalid_utf8 (void)
{
  const char *name = "caf\xe9 \xff\xfe";
  const gint64 dims[] = { 1 };
  GByteArray *tensor = wire_tensor (name, FW_ELEMENT_UINT8, dims, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (GBytes) saved = NULL;
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) again = NULL;

  wire_bytes (tensor, 9, "x", 1);
  bytes = wire_model (wire_graph_of_tensor (tensor));
  model = fw_model_load_bytes (bytes, NULL, NULL);
  g_assert_nonnull (model);
  saved = fw_model_to_bytes (model, NULL);
  again = fw_model_load_bytes (saved, NULL, NULL);
  g_assert_nonnull (fw_model_find_initializer (again, name));
}

/* Where raw_data comes twice, the last one counts, as for all readers. */
static void
test_raw_data_twice (void)
{
  const gint64 dims[] = { 3 };
  GByteArray *tensor = wire_tensor ("t", FW_ELEMENT_UINT8, dims, 1);
  g_autoptr (GBytes) bytes = NULL;
  g_autoptr (FwModel) model = NULL;

  wire_bytes (tensor, 9, "first", 5);
  wire_bytes (tensor, 9, "abc", 3);
  bytes = wire_model (wire_graph_of_tensor (tensor));
  model = fw_model_load_bytes (bytes, NULL, NULL);
  g_assert_nonnull (model);
  g_assert_cmpmem (fw_model_find_initializer (model, "t")->raw_data.data,
                   fw_model_find_initializer (model, "t")->raw_data.len, "abc", 3);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/scanner/skeleton", test_skeleton);
  g_test_add_func ("/scanner/truncated", test_truncated);
  g_test_add_func ("/scanner/malformed", test_malformed);
  g_test_add_func ("/scanner/zero-in-text", test_zero_in_text);
  g_test_add_func ("/scanner/padded", test_padded);
  g_test_add_func ("/scanner/deep-graphs", test_deep_graphs);
  g_test_add_func ("/scanner/deep-types", test_deep_types);
  g_test_add_func ("/scanner/many-empty", test_many_empty);
  g_test_add_func ("/scanner/many-empty-attributes", test_many_empty_attributes);
  g_test_add_func ("/scanner/repeated-graph", test_repeated_graph);
  g_test_add_func ("/scanner/invalid-utf8", test_invalid_utf8);
  g_test_add_func ("/scanner/raw-data-twice", test_raw_data_twice);

  return g_test_run ();
}
