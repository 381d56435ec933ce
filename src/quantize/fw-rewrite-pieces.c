/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-rewrite-private.h"

#define LETTERS 26
#define SYMBOLS 36
/* Fewer bytes of floats are not made fewer by a Cast. */
#define WORTH_A_CAST 64

/* Small models count every byte: names are as short as can be. */
char *
fw_rewriting_number_to_name (guint number)
{
  static const char symbols[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  char name[16];
  guint length = 0;

  name[length++] = symbols[number % LETTERS];
  for (number /= LETTERS; number > 0; number = (number - 1) / SYMBOLS)
    name[length++] = symbols[(number - 1) % SYMBOLS];
  return g_strndup (name, length);
}

char *
fw_rewriting_make_name (FwRewriting *self)
{
  char *name = NULL;

  do
    {
      g_free (name);
      name = fw_rewriting_number_to_name (self->n_names++);
    }
  while (g_hash_table_contains (self->self->names, name));
  return name;
}

char *
fw_rewriting_make_tensor (FwRewriting *self,
                          FwElementType type,
                          const gint64 *dims,
                          gsize n_dims,
                          GBytes *bytes)
{
  char *name = fw_rewriting_make_name (self);

  fw_model_add_initializer (self->model,
                            fw_model_new_tensor (self->model, name, type, dims, n_dims, bytes));
  return name;
}

char *
fw_rewriting_make_list (FwRewriting *self, FwElementType type, gsize n, GBytes *bytes)
{
  return fw_rewriting_make_tensor (self, type, (gint64[]){ n }, 1, bytes);
}

const char *
fw_rewriting_get_constant (FwRewriting *self,
                           FwElementType type,
                           const gint64 *dims,
                           gsize n_dims,
                           const void *value,
                           gsize size)
{
  g_autofree char *text = g_base64_encode (value, size);
  g_autoptr (GString) key = g_string_new (NULL);
  g_autoptr (GBytes) bytes = NULL;
  char *name;

  g_string_printf (key, "%d:", type);
  for (gsize i = 0; i < n_dims; i++)
    g_string_append_printf (key, "%" G_GINT64_FORMAT ",", dims[i]);
  g_string_append_printf (key, ":%s", text);
  name = g_hash_table_lookup (self->constants, key->str);
  if (name == NULL)
    {
      bytes = g_bytes_new (value, size);
      name = fw_rewriting_make_tensor (self, type, dims, n_dims, bytes);
      g_hash_table_insert (self->constants, g_strdup (key->str), name);
    }
  return name;
}

const char *
fw_rewriting_get_scalar (FwRewriting *self, FwElementType type, const void *value)
{
  return fw_rewriting_get_constant (self, type, NULL, 0, value,
                                    fw_element_type_get_bits (type) / 8);
}

const char *
fw_rewriting_get_ints (FwRewriting *self, const gint64 *values, gsize n)
{
  return fw_rewriting_get_constant (self, FW_ELEMENT_INT64, (gint64[]){ n }, 1, values,
                                    n * sizeof *values);
}

const char *
fw_rewriting_get_int32s (FwRewriting *self, const gint32 *values, gsize n)
{
  return fw_rewriting_get_constant (self, FW_ELEMENT_INT32, (gint64[]){ n }, 1, values,
                                    n * sizeof *values);
}

Onnx__NodeProto *
fw_rewriting_new_node (const char *op_type,
                       const char *output,
                       const char *a,
                       const char *b,
                       const char *c)
{
  return fw_node_new (op_type, NULL, (const char *[]){ a, b, c, NULL },
                      (const char *[]){ output, NULL });
}

char *
fw_rewriting_make_node (FwRewriting *self,
                        GPtrArray *nodes,
                        const char *op_type,
                        const char *a,
                        const char *b)
{
  char *to = fw_rewriting_make_name (self);

  g_ptr_array_add (nodes, fw_rewriting_new_node (op_type, to, a, b, NULL));
  return to;
}

char *
fw_rewriting_make_cast (FwRewriting *self, GPtrArray *nodes, const char *from, FwElementType type)
{
  char *to = fw_rewriting_make_node (self, nodes, "Cast", from, NULL);

  fw_node_set_int (g_ptr_array_index (nodes, nodes->len - 1), "to", type);
  return to;
}

char *
fw_rewriting_make_reshape (FwRewriting *self,
                           GPtrArray *nodes,
                           const char *from,
                           const gint64 *dims,
                           gsize n_dims)
{
  return fw_rewriting_make_node (self, nodes, "Reshape", from,
                                 fw_rewriting_get_ints (self, dims, n_dims));
}

char *
fw_rewriting_make_pad (FwRewriting *self,
                       GPtrArray *nodes,
                       const char *from,
                       const gint64 *pads,
                       gsize n_dims)
{
  return fw_rewriting_make_node (self, nodes, "Pad", from,
                                 fw_rewriting_get_ints (self, pads, 2 * n_dims));
}

/* The same numbers as float16, or NULL where those would be others. */
static GBytes *
find_halves (GBytes *floats)
{
  gsize n = g_bytes_get_size (floats) / sizeof (float);
  const float *values = g_bytes_get_data (floats, NULL);
  g_autofree guint16 *halves = g_new (guint16, n);

  fw_float16_from_floats (values, n, halves);
  for (gsize i = 0; i < n; i++)
    if (fw_float16_to_float (halves[i]) != values[i])
      return NULL;
  return g_bytes_new_take (g_steal_pointer (&halves), n * sizeof *halves);
}

char *
fw_rewriting_make_floats (FwRewriting *self,
                          GPtrArray *nodes,
                          GBytes *floats,
                          const gint64 *dims,
                          gsize n_dims)
{
  g_autoptr (GBytes) halves = NULL;
  g_autofree char *stored = NULL;

  if (g_bytes_get_size (floats) >= WORTH_A_CAST)
    halves = find_halves (floats);
  if (halves == NULL)
    return fw_rewriting_make_tensor (self, FW_ELEMENT_FLOAT, dims, n_dims, floats);
  stored = fw_rewriting_make_tensor (self, FW_ELEMENT_FLOAT16, dims, n_dims, halves);
  return fw_rewriting_make_cast (self, nodes, stored, FW_ELEMENT_FLOAT);
}
