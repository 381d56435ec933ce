/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "random-network.h"

#include <math.h>
#include <string.h>

#include "tiny-model.h"

#define MAX_RANK 4
#define MAX_ELEMENTS 4096

typedef struct
{
  char name[16];
  guint rank;
  gint64 dims[MAX_RANK];
  guint n_uses;
} Value;

typedef struct
{
  FwRandom random;
  TinyModel tiny;
  GArray *values;  /* of Value */
  GArray *weights; /* of Value: initializers */
  guint n_names, n_inputs;
} Maker;

static guint
pick (Maker *m, guint n)
{
  return fw_random_next (&m->random) % n;
}

static gboolean
chance (Maker *m, guint percent)
{
  return pick (m, 100) < percent;
}

static char *
dims_to_string (const gint64 *dims, guint rank)
{
  GString *string = g_string_new (NULL);

  for (guint i = 0; i < rank; i++)
    g_string_append_printf (string, "%s%" G_GINT64_FORMAT, i > 0 ? " " : "", dims[i]);
  return g_string_free (string, FALSE);
}

static gsize
count (const gint64 *dims, guint rank)
{
  gsize n = 1;

  for (guint i = 0; i < rank; i++)
    n *= dims[i];
  return n;
}

/* Now and then a name such as the rewriter itself gives. */
static void
make_name (Maker *m, char *name)
{
  guint n = m->n_names++;

  if (chance (m, 20))
    g_snprintf (name, 16, n < 26 ? "%c" : "%c%c", 'a' + n % 26, 'a' + (n / 26 - 1) % 26);
  else
    g_snprintf (name, 16, "v%u", n);
}

/* An initializer of the shape; sometimes one that others use already. */
static const char *
get_weight (Maker *m, const gint64 *dims, guint rank, double size)
{
  g_autofree char *text = dims_to_string (dims, rank);
  gsize n = count (dims, rank);
  g_autofree float *values = g_new (float, n);
  Value weight = { .rank = rank };

  for (guint i = 0; i < m->weights->len; i++)
    {
      Value *old = &g_array_index (m->weights, Value, i);

      if (old->rank == rank && memcmp (old->dims, dims, rank * sizeof *dims) == 0 && chance (m, 30))
        return g_intern_string (old->name);
    }
  for (gsize i = 0; i < n; i++)
    values[i] = (fw_random_double (&m->random) * 2 - 1) * size;
  memcpy (weight.dims, dims, rank * sizeof *dims);
  make_name (m, weight.name);
  tiny_model_add_floats (&m->tiny, weight.name, text, values, n);
  g_array_append_val (m->weights, weight);
  return g_intern_string (weight.name);
}

static void
add_shape (Maker *m, const char *name, const gint64 *dims, guint rank)
{
  GByteArray *tensor = g_byte_array_new ();

  tiny_add_int (tensor, 1, rank);
  tiny_add_int (tensor, 2, FW_ELEMENT_INT64);
  tiny_add_string (tensor, 8, name);
  tiny_add_bytes (tensor, 9, dims, rank * sizeof *dims);
  tiny_add_message (m->tiny.graph, 5, tensor);
}

static GByteArray *
attribute_float (GByteArray *list, const char *name, float value)
{
  static const guint8 tag = 2 << 3 | 5;
  GByteArray *attribute = g_byte_array_new ();

  if (list == NULL)
    list = g_byte_array_new ();
  tiny_add_string (attribute, 1, name);
  g_byte_array_append (attribute, &tag, 1);
  g_byte_array_append (attribute, (const guint8 *) &value, 4);
  tiny_add_int (attribute, 20, 1);
  tiny_add_message (list, 5, attribute);
  return list;
}

static GByteArray *
attribute_string (GByteArray *list, const char *name, const char *value)
{
  GByteArray *attribute = g_byte_array_new ();

  tiny_add_string (attribute, 1, name);
  tiny_add_string (attribute, 4, value);
  tiny_add_int (attribute, 20, 3);
  tiny_add_message (list, 5, attribute);
  return list;
}

/* Adds a node that makes a value of the shape. @a, @b and @c: its inputs, NULL for no more. */
static void
add (Maker *m,
     const char *op_type,
     const char *a,
     const char *b,
     const char *c,
     GByteArray *attributes,
     const gint64 *dims,
     guint rank)
{
  Value value = { .rank = rank };
  g_autofree char *inputs = g_strjoin (" ", a, b, c, NULL);

  make_name (m, value.name);
  memcpy (value.dims, dims, rank * sizeof *dims);
  tiny_model_add_node (&m->tiny, op_type, "", inputs, value.name, attributes);
  g_array_append_val (m->values, value);
  for (guint i = 0; i < m->values->len; i++)
    {
      Value *used = &g_array_index (m->values, Value, i);

      if (g_strcmp0 (used->name, a) == 0 || g_strcmp0 (used->name, b) == 0)
        used->n_uses++;
    }
}

/* Operators ----------------------------------------------------------------------------------- */

static void
add_conv (Maker *m, Value in)
{
  guint spatial = in.rank - 2;
  gint64 group = 1, kernel[2], stride[2], weight[4], out[4], pads[4];
  g_autofree char *pads_text = NULL;
  g_autofree char *strides_text = NULL;
  GByteArray *attributes;
  const char *bias = NULL, *weights;

  if (chance (m, 40))
    group = in.dims[1];
  else if (in.dims[1] % 2 == 0 && chance (m, 30))
    group = 2;
  out[0] = in.dims[0];
  out[1] = weight[0] = group * (1 + pick (m, group > 2 ? 2 : 6));
  weight[1] = in.dims[1] / group;
  for (guint i = 0; i < spatial; i++)
    {
      kernel[i] = 1 + pick (m, 3);
      stride[i] = 1 + pick (m, 2);
      pads[i] = pads[spatial + i] = pick (m, kernel[i]);
      if (in.dims[2 + i] + 2 * pads[i] < kernel[i])
        return;
      weight[2 + i] = kernel[i];
      out[2 + i] = (in.dims[2 + i] + 2 * pads[i] - kernel[i]) / stride[i] + 1;
    }
  pads_text = dims_to_string (pads, 2 * spatial);
  strides_text = dims_to_string (stride, spatial);
  attributes = tiny_attribute_ints (NULL, "pads", pads_text);
  attributes = tiny_attribute_ints (attributes, "strides", strides_text);
  attributes = tiny_attribute_int (attributes, "group", group);
  weights = get_weight (m, weight, in.rank, 1.5 / sqrt (count (weight + 1, in.rank - 1)));
  if (chance (m, 70))
    bias = get_weight (m, weight, 1, 0.3);
  add (m, "Conv", in.name, weights, bias, attributes, out, in.rank);
}

static void
add_conv_transpose (Maker *m, Value in)
{
  gint64 weight[4] = { in.dims[1], 1 + pick (m, 4), 2, 2 };
  gint64 out[4] = { in.dims[0], weight[1], in.dims[2] + 1, in.dims[3] + 1 };

  add (m, "ConvTranspose", in.name, get_weight (m, weight, 4, 0.5), NULL, NULL, out, 4);
}

/* @in: [rows, columns], or [columns, rows] if it is to be transposed. */
static void
add_gemm (Maker *m, Value in)
{
  gboolean trans_a = chance (m, 25), trans_b = chance (m, 50);
  gint64 rows = in.dims[trans_a ? 1 : 0], inner = in.dims[trans_a ? 0 : 1], n = 2 + pick (m, 9);
  gint64 weight[2] = { trans_b ? n : inner, trans_b ? inner : n };
  gint64 biases[][2] = { { n, 0 }, { 1, n }, { 1, 1 }, { rows, n } };
  gint64 out[2] = { rows, n };
  const char *bias = NULL, *weights = get_weight (m, weight, 2, 1.5 / sqrt (inner));
  GByteArray *attributes = tiny_attribute_int (NULL, "transA", trans_a);
  guint kind = pick (m, 6);

  attributes = tiny_attribute_int (attributes, "transB", trans_b);
  if (chance (m, 20))
    attributes = attribute_float (attributes, "alpha", 0.5f);
  if (chance (m, 20))
    attributes = attribute_float (attributes, "beta", 2);
  if (kind < G_N_ELEMENTS (biases))
    bias = get_weight (m, biases[kind], kind == 0 ? 1 : 2, 0.3);
  add (m, "Gemm", in.name, weights, bias, attributes, out, 2);
}

static void
add_matmul (Maker *m, Value in)
{
  gboolean is_left = chance (m, 30);
  gint64 inner = in.dims[in.rank - (is_left ? 2 : 1)], n = 2 + pick (m, 9);
  gint64 weight[2] = { is_left ? n : inner, is_left ? inner : n };
  gint64 out[4];
  const char *weights = get_weight (m, weight, 2, 1.5 / sqrt (inner));

  memcpy (out, in.dims, sizeof out);
  out[in.rank - (is_left ? 2 : 1)] = n;
  if (is_left)
    add (m, "MatMul", weights, in.name, NULL, NULL, out, in.rank);
  else
    add (m, "MatMul", in.name, weights, NULL, NULL, out, in.rank);
}

/* [steps, batch, inputs] */
static void
add_recurrent (Maker *m, Value in)
{
  gboolean is_lstm = chance (m, 50), both = chance (m, 30);
  gint64 dirs = both ? 2 : 1, hidden = 2 + pick (m, 6), gates = (is_lstm ? 4 : 3) * hidden;
  gint64 first[3] = { dirs, gates, in.dims[2] }, second[3] = { dirs, gates, hidden };
  gint64 biases[2] = { dirs, 2 * gates };
  gint64 out[4] = { in.dims[0], dirs, in.dims[1], hidden };
  g_autofree char *weights = NULL;
  GByteArray *attributes = tiny_attribute_int (NULL, "hidden_size", hidden);

  if (both)
    attributes = attribute_string (attributes, "direction", "bidirectional");
  weights = g_strjoin (" ", get_weight (m, first, 3, 1 / sqrt (in.dims[2])),
                       get_weight (m, second, 3, 1 / sqrt (hidden)),
                       chance (m, 50) ? get_weight (m, biases, 2, 0.2) : NULL, NULL);
  add (m, is_lstm ? "LSTM" : "GRU", in.name, weights, NULL, attributes, out, 4);
}

/* A row of a table for each place where an input of the network is largest: not of other values,
 * where a small error would choose another row. */
static void
add_lookup (Maker *m, Value in)
{
  gint64 table[2] = { in.dims[in.rank - 1], 8 + pick (m, 20) }, out[4];
  gboolean is_input = FALSE;
  char name[16];

  for (guint i = 0; i < m->n_inputs; i++)
    is_input |= strcmp (g_array_index (m->values, Value, i).name, in.name) == 0;
  if (in.rank > 3 || !is_input)
    return;
  memcpy (out, in.dims, sizeof out);
  out[in.rank - 1] = table[1];
  make_name (m, name);
  tiny_model_add_node (
      &m->tiny, "ArgMax", "", in.name, name,
      tiny_attribute_int (tiny_attribute_int (NULL, "axis", in.rank - 1), "keepdims", 0));
  add (m, "Gather", get_weight (m, table, 2, 1), name, NULL, NULL, out, in.rank);
}

static void
add_clip (Maker *m, Value in)
{
  static const float bounds[][2] = { { 0, 6 }, { 0, 0.3f }, { -0.4f, 0.4f }, { 0.1f, 2 } };
  const float *bound = bounds[pick (m, G_N_ELEMENTS (bounds))];
  char low[16] = "", high[16];

  if (chance (m, 80))
    {
      make_name (m, low);
      tiny_model_add_floats (&m->tiny, low, "", &bound[0], 1);
    }
  make_name (m, high);
  tiny_model_add_floats (&m->tiny, high, "", &bound[1], 1);
  add (m, "Clip", in.name, low, high, NULL, in.dims, in.rank);
}

static void
add_pool (Maker *m, Value in)
{
  static const char *const kernels[] = { "2", "2 2" };
  gboolean is_max = chance (m, 50);
  GByteArray *attributes;

  for (guint i = 2; i < in.rank; i++)
    {
      if (in.dims[i] < 2)
        return;
      in.dims[i] = (in.dims[i] - 2) / 2 + 1;
    }
  attributes = tiny_attribute_ints (NULL, "kernel_shape", kernels[in.rank - 3]);
  attributes = tiny_attribute_ints (attributes, "strides", kernels[in.rank - 3]);
  add (m, is_max ? "MaxPool" : "AveragePool", in.name, NULL, NULL, attributes, in.dims, in.rank);
}

static void
add_global_pool (Maker *m, Value in)
{
  for (guint i = 2; i < in.rank; i++)
    in.dims[i] = 1;
  add (m, "GlobalAveragePool", in.name, NULL, NULL, NULL, in.dims, in.rank);
}

static void
add_flatten (Maker *m, Value in)
{
  gint64 out[2] = { in.dims[0], count (in.dims + 1, in.rank - 1) };

  add (m, "Flatten", in.name, NULL, NULL, NULL, out, 2);
}

static void
add_reshape (Maker *m, Value in)
{
  gint64 n = count (in.dims, in.rank), first = 1 + pick (m, 6);
  gint64 out[4] = { 1, first, n / first, 1 };
  guint rank = 2 + pick (m, 3);
  char name[16];

  if (n % first != 0)
    return;
  if (rank == 2)
    {
      out[0] = first;
      out[1] = n / first;
    }
  make_name (m, name);
  add_shape (m, name, out, rank);
  add (m, "Reshape", in.name, name, NULL, NULL, out, rank);
}

static void
add_transpose (Maker *m, Value in)
{
  gint64 perm[4], out[4];
  g_autofree char *text = NULL;

  for (guint i = 0; i < in.rank; i++)
    perm[i] = i;
  for (guint i = in.rank - 1; i > (in.rank > 2 ? 1 : 0); i--)
    {
      guint other = in.rank > 2 ? 1 + pick (m, i) : pick (m, i + 1);
      gint64 kept = perm[i];

      perm[i] = perm[other];
      perm[other] = kept;
    }
  for (guint i = 0; i < in.rank; i++)
    out[i] = in.dims[perm[i]];
  text = dims_to_string (perm, in.rank);
  add (m, "Transpose", in.name, NULL, NULL, tiny_attribute_ints (NULL, "perm", text), out, in.rank);
}

/* With another value of the shape, a stored one, or itself. */
static void
add_sum (Maker *m, Value in)
{
  guint start = pick (m, m->values->len);
  const char *op_type = chance (m, 85) ? "Add" : "Mul";

  for (guint i = 0; i < m->values->len; i++)
    {
      Value *other = &g_array_index (m->values, Value, (start + i) % m->values->len);

      if (other->rank == in.rank && memcmp (other->dims, in.dims, in.rank * sizeof (gint64)) == 0)
        {
          char name[16];

          memcpy (name, other->name, sizeof name);
          add (m, op_type, in.name, name, NULL, NULL, in.dims, in.rank);
          return;
        }
    }
  add (m, op_type, in.name, get_weight (m, in.dims, in.rank, 1), NULL, NULL, in.dims, in.rank);
}

static void
add_concat (Maker *m, Value in)
{
  guint start = pick (m, m->values->len);

  for (guint i = 0; i < m->values->len; i++)
    {
      Value other = g_array_index (m->values, Value, (start + i) % m->values->len);

      if (other.rank == in.rank && other.dims[0] == in.dims[0]
          && memcmp (other.dims + 2, in.dims + 2, (in.rank - 2) * sizeof (gint64)) == 0)
        {
          in.dims[1] += other.dims[1];
          add (m, "Concat", in.name, other.name, NULL, tiny_attribute_int (NULL, "axis", 1),
               in.dims, in.rank);
          return;
        }
    }
}

static void
add_plain (Maker *m, Value in)
{
  static const char *const names[] = { "Relu", "Relu", "Relu", "Relu", "Sigmoid", "Tanh", "Abs" };

  add (m, names[pick (m, G_N_ELEMENTS (names))], in.name, NULL, NULL, NULL, in.dims, in.rank);
}

typedef struct
{
  void (*function) (Maker *m, Value in);
  guint least_rank, most_rank;
  guint weight;
} Kind;

static const Kind kinds[] = {
  { add_conv, 3, 4, 10 },       { add_conv_transpose, 4, 4, 1 },
  { add_gemm, 2, 2, 8 },        { add_matmul, 2, 4, 3 },
  { add_clip, 2, 4, 3 },        { add_pool, 3, 4, 3 },
  { add_global_pool, 3, 4, 1 }, { add_flatten, 2, 4, 1 },
  { add_reshape, 2, 4, 1 },     { add_transpose, 2, 4, 1 },
  { add_sum, 2, 4, 4 },         { add_concat, 2, 4, 2 },
  { add_plain, 2, 4, 6 },       { add_recurrent, 3, 3, 3 },
  { add_lookup, 2, 3, 1 },
};

static void
add_something (Maker *m)
{
  guint n = m->values->len, place = chance (m, 75) ? n - 1 : pick (m, n);
  Value in = g_array_index (m->values, Value, place);
  guint sum = 0, picked;

  if (count (in.dims, in.rank) > MAX_ELEMENTS)
    return;
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (in.rank >= kinds[i].least_rank && in.rank <= kinds[i].most_rank)
      sum += kinds[i].weight;
  picked = pick (m, sum);
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (in.rank >= kinds[i].least_rank && in.rank <= kinds[i].most_rank)
      {
        if (picked < kinds[i].weight)
          {
            kinds[i].function (m, in);
            return;
          }
        picked -= kinds[i].weight;
      }
}

/* The whole ----------------------------------------------------------------------------------- */

static void
add_inputs (Maker *m, RandomNetwork *self)
{
  self->n_inputs = m->n_inputs = 1 + chance (m, 25);
  for (guint i = 0; i < self->n_inputs; i++)
    {
      Value value = { .rank = 2 + pick (m, 3) };
      g_autofree char *text = NULL;

      value.dims[0] = value.rank == 2 ? 1 + pick (m, 3) : 1;
      for (guint d = 1; d < value.rank; d++)
        value.dims[d] = d == 1 ? 1 + pick (m, 6) : 3 + pick (m, 8);
      make_name (m, value.name);
      self->rank[i] = value.rank;
      memcpy (self->dims[i], value.dims, sizeof value.dims);
      text = dims_to_string (value.dims, value.rank);
      tiny_model_add_input (&m->tiny, value.name, FW_ELEMENT_FLOAT, text);
      g_array_append_val (m->values, value);
    }
}

static void
add_outputs (Maker *m, guint n_inputs)
{
  for (guint i = n_inputs; i < m->values->len; i++)
    {
      Value *value = &g_array_index (m->values, Value, i);
      g_autofree char *text = dims_to_string (value->dims, value->rank);

      if (value->n_uses == 0 || chance (m, 10))
        tiny_model_add_output (&m->tiny, value->name, FW_ELEMENT_FLOAT, text);
    }
  if (m->weights->len > 0 && chance (m, 5))
    {
      Value *weight = &g_array_index (m->weights, Value, pick (m, m->weights->len));
      g_autofree char *text = dims_to_string (weight->dims, weight->rank);

      tiny_model_add_output (&m->tiny, weight->name, FW_ELEMENT_FLOAT, text);
    }
}

RandomNetwork *
random_network_new (guint64 seed)
{
  static const int opsets[] = { 11, 13, 13, 13, 17 };
  RandomNetwork *self = g_new0 (RandomNetwork, 1);
  Maker m = { .random = { seed } };
  guint n;

  m.values = g_array_new (FALSE, FALSE, sizeof (Value));
  m.weights = g_array_new (FALSE, FALSE, sizeof (Value));
  tiny_model_init (&m.tiny);
  add_inputs (&m, self);
  n = 3 + pick (&m, 14);
  for (guint i = 0; i < n || m.values->len == self->n_inputs; i++)
    add_something (&m);
  add_outputs (&m, self->n_inputs);
  self->bytes = tiny_model_finish (&m.tiny, opsets[pick (&m, G_N_ELEMENTS (opsets))]);
  g_array_unref (m.values);
  g_array_unref (m.weights);
  return self;
}

void
random_network_free (RandomNetwork *self)
{
  g_bytes_unref (self->bytes);
  g_free (self);
}

GPtrArray *
random_network_make_inputs (RandomNetwork *self, guint64 seed)
{
  GPtrArray *inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  FwRandom random = { seed };

  for (guint i = 0; i < self->n_inputs; i++)
    {
      FwTensor *tensor = fw_tensor_new (FW_ELEMENT_FLOAT, self->dims[i], self->rank[i], NULL);
      float *values = fw_tensor_get_data (tensor);

      for (gsize j = 0; j < fw_tensor_get_n_elements (tensor); j++)
        values[j] = fw_random_double (&random) * 2 - 1;
      g_ptr_array_add (inputs, tensor);
    }
  return inputs;
}
