/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Models with something wrong at a random place: each is either refused with a sentence, or is a
 * model that can be walked, copied, written and read again. The same on every run;
 * FW_FUZZ_SECONDS makes it go on for longer, with other mutations each round. */

#include "config.h"

#include "fw-error.h"
#include "fw-graph-index.h"
#include "fw-model-private.h"
#include "fw-random.h"
#include "fw-test-wire.h"

#define ROUNDS 200000
/* Slow machines and sanitizers end earlier. */
#define SECONDS 15

/* One call in an expression: the order of two would be the compiler's choice. */
static guint
pick (FwRandom *random, guint n)
{
  return n > 0 ? fw_random_next (random) % n : 0;
}

static void
flip_bits (FwRandom *random, GByteArray *model)
{
  for (guint i = 1 + pick (random, 4); i > 0 && model->len > 0; i--)
    {
      guint position = pick (random, model->len);

      model->data[position] ^= 1u << pick (random, 8);
    }
}

/* Values that sit at the edge of what lengths and numbers may be. */
static void
set_bytes (FwRandom *random, GByteArray *model)
{
  static const guint8 values[] = { 0, 1, 0x7f, 0x80, 0xff, 0x0a, 0x12, 0x2a, 0x3a, 0x4a };

  for (guint i = 1 + pick (random, 6); i > 0 && model->len > 0; i--)
    {
      guint position = pick (random, model->len);

      model->data[position] = values[pick (random, G_N_ELEMENTS (values))];
    }
}

static void
cut (FwRandom *random, GByteArray *model)
{
  if (pick (random, 2) == 0)
    {
      g_byte_array_set_size (model, pick (random, model->len + 1));
    }
  else if (model->len > 0)
    {
      guint start = pick (random, model->len);
      guint length = 1 + pick (random, MIN (16, model->len - start));

      g_byte_array_remove_range (model, start, MIN (length, model->len - start));
    }
}

static void
insert (GByteArray *model, guint position, const guint8 *data, guint length)
{
  guint old = model->len;

  g_byte_array_set_size (model, old + length);
  memmove (model->data + position + length, model->data + position, old - position);
  memcpy (model->data + position, data, length);
}

static void
insert_varint (FwRandom *random, GByteArray *model)
{
  guint8 bytes[11];
  guint length = 1 + pick (random, sizeof bytes);

  memset (bytes, 0xff, sizeof bytes);
  if (pick (random, 4) > 0)
    bytes[length - 1] = pick (random, 0x80);
  insert (model, pick (random, model->len + 1), bytes, length);
}

static void
repeat_chunk (FwRandom *random, GByteArray *model)
{
  guint start = pick (random, model->len);
  guint wanted = 1 + pick (random, 64);
  guint length = MIN (wanted, model->len - start);
  g_autofree guint8 *chunk = g_memdup2 (model->data + start, length);

  for (guint i = 1 + pick (random, 8); i > 0 && length > 0; i--)
    insert (model, pick (random, model->len + 1), chunk, length);
}

/* A message that is well-formed and may make no sense: a field anywhere, of any kind. Lengths
 * around it do not grow with it, so something else is pushed out. */
static void
insert_field (FwRandom *random, GByteArray *model)
{
  g_autoptr (GByteArray) field = g_byte_array_new ();
  guint number = 1 + pick (random, 26);
  guint64 value = fw_random_next (random);

  if (pick (random, 2) == 0)
    wire_varint (field, number, value >> pick (random, 64));
  else
    wire_bytes (field, number, "\x08\x01\x10\x02", pick (random, 5));
  insert (model, pick (random, model->len + 1), field->data, field->len);
}

static GBytes *
mutate (FwRandom *random, GBytes *seed)
{
  static void (*const mutations[]) (FwRandom *, GByteArray *)
      = { flip_bits, set_bytes, cut, insert_varint, repeat_chunk, insert_field };
  GByteArray *model = g_byte_array_new ();
  guint8 *exact;
  gsize length;

  g_byte_array_append (model, g_bytes_get_data (seed, NULL), g_bytes_get_size (seed));
  for (guint i = pick (random, 4) == 0 ? 3 : 1; i > 0; i--)
    mutations[pick (random, G_N_ELEMENTS (mutations))](random, model);

  /* In a block of its own size, so that a sanitizer sees what is read beyond. */
  exact = g_memdup2 (model->data, model->len);
  length = model->len;
  g_byte_array_unref (model);
  return g_bytes_new_take (exact, length);
}

static void
assert_good_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == FW_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpint (strlen (error->message), >, 10);

  switch (error->code)
    {
    case FW_ERROR_EMPTY_FILE:
    case FW_ERROR_NOT_A_MODEL:
    case FW_ERROR_DAMAGED_MODEL:
    case FW_ERROR_HOSTILE_MODEL:
    case FW_ERROR_EXTERNAL_DATA_MISSING:
    case FW_ERROR_EXTERNAL_DATA_OUTSIDE:
      break;
    default:
      /* OUT_OF_MEMORY too: it would be something the scanner lets through and protobuf-c not. */
      g_error ("unexpected error: %s", error->message);
    }
}

static gboolean
look_at_tensor (Onnx__TensorProto *tensor, FwTensorRole role, gpointer user_data)
{
  g_autofree float *floats = fw_tensor_proto_to_floats (tensor);
  g_autofree gint64 *ints = fw_tensor_proto_to_ints (tensor);
  double *sum = user_data;

  if (floats != NULL && fw_tensor_proto_get_n_elements (tensor) > 0)
    *sum += floats[fw_tensor_proto_get_n_elements (tensor) - 1];
  if (tensor->has_raw_data && tensor->raw_data.len > 0)
    *sum += tensor->raw_data.data[tensor->raw_data.len - 1];
  return TRUE;
}

static void
look_at_model (FwModel *model)
{
  g_autoptr (FwGraphIndex) index = fw_graph_index_new (model);
  const Onnx__GraphProto *graph = fw_model_get_graph (model);
  double sum = 0;

  fw_proto_visit_model (fw_model_get_proto (model), look_at_tensor, &sum);
  for (gsize i = 0; i < graph->n_node; i++)
    for (gsize j = 0; j < graph->node[i]->n_input; j++)
      g_assert_cmpint (fw_graph_index_get_producer (index, graph->node[i]->input[j]), <,
                       (int) graph->n_node);
}

/* Whether it was a model. */
static gboolean
try_model (GBytes *bytes)
{
  g_autoptr (FwModel) model = NULL;
  g_autoptr (FwModel) copy = NULL;
  g_autoptr (FwModel) again = NULL;
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;
  g_autoptr (GBytes) third = NULL;
  g_autoptr (GError) error = NULL;

  model = fw_model_load_bytes (bytes, NULL, &error);
  if (model == NULL)
    {
      assert_good_error (error);
      return FALSE;
    }

  look_at_model (model);
  first = fw_model_to_bytes (model, &error);
  g_assert_no_error (error);
  copy = fw_model_copy (model);
  second = fw_model_to_bytes (copy, &error);
  g_assert_true (g_bytes_equal (first, second));
  again = fw_model_load_bytes (first, NULL, &error);
  g_assert_no_error (error);
  third = fw_model_to_bytes (again, &error);
  g_assert_true (g_bytes_equal (first, third));

  fw_model_set_metadata (copy, "key", "value");
  fw_model_drop_unused_initializers (copy);
  return TRUE;
}

/* All kinds of tensors and types in one model. */
static GBytes *
make_tensor_model (void)
{
  const gint64 dims[] = { 2, 3 };
  static const guint8 content[96];
  GByteArray *graph = g_byte_array_new ();
  GByteArray *node = wire_node ("Constant", "c", "a", "b");
  GByteArray *attribute = g_byte_array_new ();
  GByteArray *sparse = g_byte_array_new ();

  for (guint type = 0; type < 25; type++)
    {
      GByteArray *tensor = wire_tensor ("t", type, dims, 2);

      if (type == FW_ELEMENT_STRING)
        for (guint i = 0; i < 6; i++)
          wire_string (tensor, 6, "text");
      else
        wire_bytes (tensor, 9, content, type == FW_ELEMENT_COMPLEX128 ? 96 : 48);
      wire_message (graph, 5, tensor);
    }
  for (guint field = 4; field <= 11; field++)
    if (field == 5 || field == 7 || field == 11)
      {
        GByteArray *tensor = wire_tensor ("typed", field == 5 ? 6 : field == 7 ? 7 : 13, dims, 2);

        wire_bytes (tensor, field, "\1\2\3\4\5\6", 6);
        wire_message (graph, 5, tensor);
      }

  wire_message (sparse, 1, wire_tensor ("values", 1000, dims, 0));
  wire_message (sparse, 2, wire_tensor ("indices", 1000, dims, 0));
  wire_string (attribute, 1, "value");
  wire_message (attribute, 5, wire_tensor ("inner", 999, dims, 2));
  wire_message (attribute, 22, sparse);
  wire_message (node, 5, attribute);
  wire_message (node, 5, wire_int_attribute ("axis", -1));
  wire_message (graph, 1, node);
  wire_message (graph, 11, wire_value ("a", 1, 2));
  wire_message (graph, 12, wire_value ("b", 1, 2));
  return wire_model (graph);
}

static void
test_seeds (void)
{
  g_autoptr (GBytes) sample = wire_sample_model ();
  g_autoptr (GBytes) tensors = make_tensor_model ();

  g_assert_true (try_model (sample));
  g_assert_true (try_model (tensors));
}

static void
test_mutations (gconstpointer data)
{
  g_autoptr (GBytes) seed = ((GBytes * (*) (void) ) data) ();
  const char *longer = g_getenv ("FW_FUZZ_SECONDS");
  guint seconds = longer != NULL ? g_ascii_strtoull (longer, NULL, 10) : SECONDS;
  guint rounds = longer != NULL ? G_MAXUINT : ROUNDS;
  gint64 end = g_get_monotonic_time () + seconds * G_USEC_PER_SEC;
  guint n_models = 0;
  guint i;

  for (i = 0; i < rounds && g_get_monotonic_time () < end; i++)
    {
      FwRandom random = { i };
      g_autoptr (GBytes) bytes = mutate (&random, seed);

      n_models += try_model (bytes);
    }

  g_test_message ("%u rounds, %u were models", i, n_models);
  /* Otherwise only the refusing is tested. */
  g_assert_cmpuint (n_models, >, i / 100);
  g_assert_cmpuint (n_models, <, i);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/fuzz-model/seeds", test_seeds);
  g_test_add_data_func ("/fuzz-model/graph", (gconstpointer) wire_sample_model, test_mutations);
  g_test_add_data_func ("/fuzz-model/tensors", (gconstpointer) make_tensor_model, test_mutations);

  return g_test_run ();
}
