/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "conformance-data.h"
#include "fw-error.h"

#define DEFAULT_FOLDER "/usr/share/libonnx-testdata/data"
#define MAX_NAMES_PRINTED 400
#define MAX_DEPTH 8

/* Files -------------------------------------------------------------------------------------- */

const char *
conformance_get_folder (void)
{
  const char *folder = g_getenv ("FW_ONNX_TESTDATA");

  if (folder == NULL || *folder == '\0')
    folder = DEFAULT_FOLDER;
  return g_file_test (folder, G_FILE_TEST_IS_DIR) ? folder : NULL;
}

static void
model_free (gpointer data)
{
  ConformanceModel *self = data;

  g_free (self->name);
  g_free (self->folder);
  g_free (self->path);
  g_free (self);
}

static int
compare_models (gconstpointer a, gconstpointer b)
{
  const ConformanceModel *const *first = a, *const *second = b;

  return strcmp ((*first)->name, (*second)->name);
}

GPtrArray *
conformance_list_models (const char *kind)
{
  GPtrArray *models = g_ptr_array_new_with_free_func (model_free);
  g_autofree char *root = g_build_filename (conformance_get_folder (), kind, NULL);
  g_autoptr (GDir) dir = g_dir_open (root, 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      ConformanceModel *model = g_new0 (ConformanceModel, 1);

      model->name = g_strdup (name);
      model->folder = g_build_filename (root, name, NULL);
      model->path = g_build_filename (model->folder, "model.onnx", NULL);
      if (g_file_test (model->path, G_FILE_TEST_IS_REGULAR))
        g_ptr_array_add (models, model);
      else
        model_free (model);
    }
  g_ptr_array_sort (models, compare_models);
  return models;
}

GBytes *
conformance_read_file (const char *path, GError **error)
{
  char *data;
  gsize size;

  if (!g_file_get_contents (path, &data, &size, error))
    return NULL;
  return g_bytes_new_take (data, size);
}

static char *
data_set_folder (const ConformanceModel *self, guint data_set)
{
  g_autofree char *name = g_strdup_printf ("test_data_set_%u", data_set);

  return g_build_filename (self->folder, name, NULL);
}

guint
conformance_count_data_sets (const ConformanceModel *self)
{
  guint n = 0;

  for (;; n++)
    {
      g_autofree char *folder = data_set_folder (self, n);

      if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
        return n;
    }
}

/* Values ------------------------------------------------------------------------------------- */

/* SequenceProto and OptionalProto are not in the schema that libonnx installs. Their fields are
 * few: 3 tensors, 5 sequences, 7 optionals. */
enum
{
  FIELD_TENSOR = 3,
  FIELD_SEQUENCE = 5,
  FIELD_OPTIONAL = 7,
};

typedef struct
{
  const guint8 *at, *end;
} Reader;

static gboolean
read_varint (Reader *reader, guint64 *value)
{
  *value = 0;
  for (guint shift = 0; shift < 64 && reader->at < reader->end; shift += 7)
    {
      guint8 byte = *reader->at++;

      *value |= (guint64) (byte & 0x7f) << shift;
      if ((byte & 0x80) == 0)
        return TRUE;
    }
  return FALSE;
}

/* The next field that is a message; @part is empty at the end of all. */
static gboolean
read_message (Reader *reader, guint *field, Reader *part)
{
  *part = (Reader){ NULL, NULL };
  while (reader->at < reader->end)
    {
      guint64 tag, length;

      if (!read_varint (reader, &tag))
        return FALSE;
      if ((tag & 7) == 0)
        {
          if (!read_varint (reader, &length))
            return FALSE;
          continue;
        }
      if ((tag & 7) != 2 || !read_varint (reader, &length)
          || length > (guint64) (reader->end - reader->at))
        return FALSE;
      *field = (guint) (tag >> 3);
      *part = (Reader){ reader->at, reader->at + length };
      reader->at += length;
      if (*field == FIELD_TENSOR || *field == FIELD_SEQUENCE || *field == FIELD_OPTIONAL)
        return TRUE;
      *part = (Reader){ NULL, NULL };
    }
  return TRUE;
}

static FwValue *
fail_data (GError **error)
{
  g_set_error_literal (error, FW_ERROR, FW_ERROR_DAMAGED_MODEL, "The data set can't be read.");
  return NULL;
}

static FwValue *
parse_tensor (Reader reader, GError **error)
{
  Onnx__TensorProto *proto
      = onnx__tensor_proto__unpack (NULL, (gsize) (reader.end - reader.at), reader.at);
  g_autoptr (FwTensor) tensor = NULL;

  if (proto == NULL)
    return fail_data (error);
  tensor = fw_tensor_new_from_proto (proto, error);
  onnx__tensor_proto__free_unpacked (proto, NULL);
  return tensor != NULL ? fw_value_new_tensor (tensor) : NULL;
}

static FwValue *parse_part (guint field, Reader reader, guint depth, GError **error);

static FwValue *
parse_sequence (Reader reader, guint depth, GError **error)
{
  g_autoptr (FwValue) sequence = fw_value_new (FW_VALUE_SEQUENCE);
  Reader part;
  guint field;

  while (read_message (&reader, &field, &part))
    {
      FwValue *value;

      if (part.at == NULL)
        return g_steal_pointer (&sequence);
      value = parse_part (field, part, depth + 1, error);
      if (value == NULL)
        return NULL;
      fw_value_append (sequence, value);
    }
  return fail_data (error);
}

/* ONNX Runtime takes what an optional holds in the place of the optional. */
static FwValue *
parse_optional (Reader reader, guint depth, GError **error)
{
  Reader part;
  guint field;

  if (!read_message (&reader, &field, &part))
    return fail_data (error);
  if (part.at == NULL)
    return fw_value_new (FW_VALUE_NONE);
  return parse_part (field, part, depth + 1, error);
}

static FwValue *
parse_part (guint field, Reader reader, guint depth, GError **error)
{
  if (depth > MAX_DEPTH)
    return fail_data (error);
  if (field == FIELD_TENSOR)
    return parse_tensor (reader, error);
  if (field == FIELD_SEQUENCE)
    return parse_sequence (reader, depth, error);
  return parse_optional (reader, depth, error);
}

static FwValue *
parse_value (const Onnx__TypeProto *type, GBytes *bytes, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  Reader reader = { data, data + size };

  switch (type != NULL ? type->value_case : ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    {
    case ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE:
      return parse_tensor (reader, error);
    case ONNX__TYPE_PROTO__VALUE_SEQUENCE_TYPE:
      return parse_sequence (reader, 0, error);
    case ONNX__TYPE_PROTO__VALUE_OPTIONAL_TYPE:
      return parse_optional (reader, 0, error);
    default:
      return fail_data (error);
    }
}

static const Onnx__TypeProto *
find_input_type (FwModel *model, const char *name)
{
  const Onnx__GraphProto *graph = fw_model_get_graph (model);

  for (gsize i = 0; i < graph->n_input; i++)
    if (g_strcmp0 (graph->input[i]->name, name) == 0)
      return graph->input[i]->type;
  return NULL;
}

GPtrArray *
conformance_load_inputs (const ConformanceModel *self,
                         FwModel *model,
                         FwSession *session,
                         guint data_set,
                         GError **error)
{
  g_autoptr (GPtrArray) values = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_value_unref);
  g_autofree char *folder = data_set_folder (self, data_set);

  for (guint i = 0; i < fw_session_get_n_inputs (session); i++)
    {
      g_autofree char *name = g_strdup_printf ("input_%u.pb", i);
      g_autofree char *path = g_build_filename (folder, name, NULL);
      g_autoptr (GBytes) bytes = conformance_read_file (path, error);
      FwValue *value;

      if (bytes == NULL)
        return NULL;
      value = parse_value (find_input_type (model, fw_session_get_input (session, i)->name), bytes,
                           error);
      if (value == NULL)
        return NULL;
      g_ptr_array_add (values, value);
    }
  return g_steal_pointer (&values);
}

gboolean
conformance_equal (GPtrArray *values, GPtrArray *others)
{
  if (values->len != others->len)
    return FALSE;
  for (guint i = 0; i < values->len; i++)
    if (!fw_value_equal (g_ptr_array_index (values, i), g_ptr_array_index (others, i)))
      return FALSE;
  return TRUE;
}

/* Randomness --------------------------------------------------------------------------------- */

static const char *find_random_in_graph (const Onnx__GraphProto *graph);

static const char *
find_random_in_node (const Onnx__NodeProto *node)
{
  static const char *const random[] = { "RandomUniform",    "RandomNormal", "RandomUniformLike",
                                        "RandomNormalLike", "Bernoulli",    "Multinomial" };

  for (guint i = 0; i < G_N_ELEMENTS (random); i++)
    if (g_strcmp0 (node->op_type, random[i]) == 0)
      return random[i];
  /* In training mode, which is the third input. */
  if (g_strcmp0 (node->op_type, "Dropout") == 0 && node->n_input > 2)
    return "Dropout";

  for (gsize i = 0; i < node->n_attribute; i++)
    {
      const char *found = NULL;

      if (node->attribute[i]->g != NULL)
        found = find_random_in_graph (node->attribute[i]->g);
      for (gsize k = 0; k < node->attribute[i]->n_graphs && found == NULL; k++)
        found = find_random_in_graph (node->attribute[i]->graphs[k]);
      if (found != NULL)
        return found;
    }
  return NULL;
}

static const char *
find_random_in_nodes (Onnx__NodeProto *const *nodes, gsize n)
{
  for (gsize i = 0; i < n; i++)
    {
      const char *found = find_random_in_node (nodes[i]);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static const char *
find_random_in_graph (const Onnx__GraphProto *graph)
{
  return find_random_in_nodes (graph->node, graph->n_node);
}

const char *
conformance_find_random (FwModel *model)
{
  const Onnx__ModelProto *proto = fw_model_get_proto (model);
  const char *found = find_random_in_graph (fw_model_get_graph (model));

  for (gsize i = 0; i < proto->n_functions && found == NULL; i++)
    found = find_random_in_nodes (proto->functions[i]->node, proto->functions[i]->n_node);
  return found;
}

/* Groups ------------------------------------------------------------------------------------- */

struct _ConformanceGroups
{
  GHashTable *names; /* reason → GPtrArray of names */
  guint n;
};

ConformanceGroups *
conformance_groups_new (void)
{
  ConformanceGroups *self = g_new0 (ConformanceGroups, 1);

  self->names
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify) g_ptr_array_unref);
  return self;
}

void
conformance_groups_free (ConformanceGroups *self)
{
  g_hash_table_unref (self->names);
  g_free (self);
}

void
conformance_groups_add (ConformanceGroups *self, const char *reason, const char *name)
{
  GPtrArray *names = g_hash_table_lookup (self->names, reason);

  if (names == NULL)
    {
      names = g_ptr_array_new_with_free_func (g_free);
      g_hash_table_insert (self->names, g_strdup (reason), names);
    }
  g_ptr_array_add (names, g_strdup (name));
  self->n++;
}

guint
conformance_groups_count (ConformanceGroups *self)
{
  return self->n;
}

void
conformance_groups_print (ConformanceGroups *self, const char *title)
{
  g_autoptr (GList) reasons
      = g_list_sort (g_hash_table_get_keys (self->names), (GCompareFunc) strcmp);

  for (GList *at = reasons; at != NULL; at = at->next)
    {
      GPtrArray *names = g_hash_table_lookup (self->names, at->data);
      g_autoptr (GString) list = g_string_new (NULL);

      for (guint i = 0; i < names->len && list->len < MAX_NAMES_PRINTED; i++)
        g_string_append_printf (list, "%s%s", i > 0 ? ", " : "",
                                (const char *) g_ptr_array_index (names, i));
      if (list->len >= MAX_NAMES_PRINTED)
        g_string_append (list, ", …");
      g_test_message ("%s: %u: %s: %s", title, names->len, (const char *) at->data, list->str);
    }
}
