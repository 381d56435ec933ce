/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-pieces.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-segments.h"
#include "fw-tensor-shelf.h"

/* What samples hand on between two pieces may take so much room on disk, unless a few already take
 * more. */
#define BYTES_ON_DISK ((guint64) 1 << 30)
#define LEAST_BLOCK 8

struct _FwPieces
{
  FwModel *model; /* with the types of all values */
  GPtrArray *segments;
  GHashTable *last_use; /* value: the last segment that needs it, plus 1 */
  FwSessionOptions options;
};

/* One block of samples on its way. */
typedef struct
{
  FwPieces *pieces;
  const FwSessionBatch *batch;
  guint first, n;      /* samples of this block */
  gboolean *is_there;  /* [n]: FALSE for those left out */
  GHashTable *shelves; /* value: FwTensorShelf */
  GHashTable *wanted;  /* value: its place among the output names, plus 1 */
  guint n_segments;    /* as many as are needed for what is wanted */
  FwProgress *progress;
  GCancellable *cancellable;
} Block;

/* Types ---------------------------------------------------------------------------------------- */

static Onnx__TypeProto *
make_type (const FwValueInfo *info)
{
  Onnx__TypeProto *type = g_new (Onnx__TypeProto, 1);
  Onnx__TypeProto__Tensor *tensor = g_new (Onnx__TypeProto__Tensor, 1);

  onnx__type_proto__init (type);
  onnx__type_proto__tensor__init (tensor);
  type->value_case = ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE;
  type->tensor_type = tensor;
  tensor->has_elem_type = TRUE;
  tensor->elem_type = info->type;
  /* ONNX Runtime tells a scalar and an unknown shape alike; the latter is the safe one. */
  if (info->n_dims == 0)
    return type;
  tensor->shape = g_new (Onnx__TensorShapeProto, 1);
  onnx__tensor_shape_proto__init (tensor->shape);
  tensor->shape->n_dim = info->n_dims;
  tensor->shape->dim = g_new (Onnx__TensorShapeProto__Dimension *, info->n_dims);
  for (guint i = 0; i < info->n_dims; i++)
    {
      Onnx__TensorShapeProto__Dimension *dim = g_new (Onnx__TensorShapeProto__Dimension, 1);

      onnx__tensor_shape_proto__dimension__init (dim);
      if (info->dims[i] >= 0)
        {
          dim->value_case = ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE;
          dim->dim_value = info->dims[i];
        }
      tensor->shape->dim[i] = dim;
    }
  return type;
}

static void
clear_value_infos (Onnx__GraphProto *graph)
{
  for (gsize i = 0; i < graph->n_value_info; i++)
    onnx__value_info_proto__free_unpacked (graph->value_info[i], NULL);
  g_clear_pointer (&graph->value_info, g_free);
  graph->n_value_info = 0;
}

static void
set_type (Onnx__ValueInfoProto *info, const FwValueInfo *found)
{
  if (info->type != NULL)
    onnx__type_proto__free_unpacked (info->type, NULL);
  info->type = found->is_tensor ? make_type (found) : NULL;
}

/* Writes the types of all of @session's outputs into @model. */
static void
fill_types (FwModel *model, FwSession *session)
{
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GHashTable) outputs = g_hash_table_new (g_str_hash, g_str_equal);
  guint n = fw_session_get_n_outputs (session);

  clear_value_infos (graph);
  for (gsize i = 0; i < graph->n_output; i++)
    g_hash_table_insert (outputs, graph->output[i]->name, graph->output[i]);
  graph->value_info = g_new0 (Onnx__ValueInfoProto *, n + 1);
  for (guint i = 0; i < n; i++)
    {
      const FwValueInfo *found = fw_session_get_output (session, i);
      Onnx__ValueInfoProto *info = g_hash_table_lookup (outputs, found->name);

      if (info == NULL)
        {
          info = g_new (Onnx__ValueInfoProto, 1);
          onnx__value_info_proto__init (info);
          info->name = g_strdup (found->name);
          graph->value_info[graph->n_value_info++] = info;
        }
      set_type (info, found);
    }
}

static void
append_info (GArray *array, const FwValueInfo *info)
{
  FwValueInfo copy = *info;

  copy.name = g_strdup (info->name);
  g_array_append_val (array, copy);
}

static FwSession *
load_light (FwModel *model, const FwSegment *whole, GError **error)
{
  const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_NONE };
  g_autoptr (FwModel) light = fw_segment_extract (whole, model, TRUE);
  g_autoptr (GBytes) bytes = fw_model_to_bytes (light, error);

  return bytes != NULL ? fw_session_new_plain (bytes, &options, error) : NULL;
}

/* Lets ONNX Runtime look at the whole model without its weights. A few operators want to see codes
 * even so. */
static gboolean
find_types (FwModel *model, GArray *inputs, GArray *outputs, GError **error)
{
  g_autoptr (FwSegment) whole = fw_segment_new_whole (model, FW_HAND_ALL);
  g_autoptr (FwSession) session = load_light (model, whole, NULL);

  if (session == NULL)
    {
      g_clear_pointer (&whole, fw_segment_free);
      whole = fw_segment_new_whole (model, FW_HAND_FLOATS);
      session = load_light (model, whole, error);
    }
  if (session == NULL)
    return FALSE;
  for (guint i = 0; inputs != NULL && i < whole->inputs->len; i++)
    append_info (inputs, fw_session_get_input (session, i));
  for (guint i = 0; outputs != NULL && i < whole->outputs->len; i++)
    append_info (outputs, fw_session_get_output (session, i));
  fill_types (model, session);
  return TRUE;
}

FwModel *
fw_session_find_types (FwModel *model, GError **error)
{
  g_autoptr (FwModel) copy = fw_model_copy (model);

  return find_types (copy, NULL, NULL, error) ? g_steal_pointer (&copy) : NULL;
}

FwPieces *
fw_pieces_new (FwModel *model,
               const FwSessionOptions *options,
               guint64 limit,
               GArray *inputs,
               GArray *outputs,
               GError **error)
{
  g_autoptr (FwPieces) self = g_new0 (FwPieces, 1);

  self->options = *options;
  self->options.frugal = TRUE;
  self->model = fw_model_copy (model);
  self->last_use = g_hash_table_new (g_str_hash, g_str_equal);
  if (!find_types (self->model, inputs, outputs, error))
    return NULL;
  self->segments = fw_segments_cut (self->model, limit);
  for (guint i = 0; i < self->segments->len; i++)
    {
      FwSegment *segment = self->segments->pdata[i];

      for (guint j = 0; j < segment->inputs->len; j++)
        g_hash_table_insert (self->last_use, segment->inputs->pdata[j], GUINT_TO_POINTER (i + 1));
    }
  return g_steal_pointer (&self);
}

void
fw_pieces_free (FwPieces *self)
{
  g_clear_pointer (&self->last_use, g_hash_table_unref);
  g_clear_pointer (&self->segments, g_ptr_array_unref);
  g_clear_pointer (&self->model, fw_model_unref);
  g_free (self);
}

/* Running -------------------------------------------------------------------------------------- */

static gboolean
is_needed_after (Block *block, const char *value, guint segment)
{
  guint last = GPOINTER_TO_UINT (g_hash_table_lookup (block->pieces->last_use, value));

  return last > segment + 1;
}

static gboolean
shelve (Block *block, const char *value, guint i, FwTensor *tensor, GError **error)
{
  FwTensorShelf *shelf = g_hash_table_lookup (block->shelves, value);

  if (shelf == NULL)
    {
      shelf = fw_tensor_shelf_new (block->n, error);
      if (shelf == NULL)
        return FALSE;
      g_hash_table_insert (block->shelves, (gpointer) value, shelf);
    }
  return fw_tensor_shelf_put (shelf, i, tensor, error);
}

static gboolean
take (Block *block, const char *value, guint i, FwTensor *tensor, GError **error)
{
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (block->wanted, value));

  return place == 0
         || block->batch->take (block->first + i, place - 1, tensor, block->batch->user_data,
                                error);
}

static gboolean
feed_one (Block *block, guint i, GError **error)
{
  const char *const *names = block->batch->input_names;
  g_autoptr (GError) local = NULL;
  g_autoptr (GPtrArray) inputs
      = block->batch->feed (block->first + i, block->batch->user_data, &local);

  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  block->is_there[i] = inputs != NULL;
  for (guint j = 0; inputs != NULL && j < inputs->len && names[j] != NULL; j++)
    if (!shelve (block, names[j], i, inputs->pdata[j], error)
        || !take (block, names[j], i, inputs->pdata[j], error))
      return FALSE;
  return TRUE;
}

/* A view of stored numbers. A file may have put them where no float can be read. */
static FwTensor *
view_weight (Onnx__TensorProto *tensor, GError **error)
{
  gsize size = fw_element_type_get_bits (tensor->data_type) / 8;

  if ((guintptr) tensor->raw_data.data % size == 0)
    return fw_tensor_new_view (tensor->data_type, tensor->dims, tensor->n_dims,
                               tensor->raw_data.data, error);
  return fw_tensor_new_from_proto (tensor, error);
}

/* A piece, loaded. */
typedef struct
{
  guint position;
  FwSegment *segment;
  FwSession *session;
  GPtrArray *names;   /* of its inputs: those handed on, then weights; NULL-terminated */
  GPtrArray *weights; /* FwTensor */
  GPtrArray *outputs; /* names of those that are needed; NULL-terminated */
} Piece;

static void
piece_clear (Piece *self)
{
  g_clear_pointer (&self->session, fw_session_free);
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->weights, g_ptr_array_unref);
  g_clear_pointer (&self->outputs, g_ptr_array_unref);
}

static void
advise_weights (const FwSegment *segment, void (*advise) (gconstpointer, gsize))
{
  for (guint i = 0; i < segment->weights->len; i++)
    {
      const Onnx__TensorProto *tensor = segment->weights->pdata[i];

      advise (tensor->raw_data.data, tensor->raw_data.len);
    }
}

/* Loads nodes of @model. @names and @weights (both with what the segment takes beside what is
 * handed on) get its large stored numbers. */
static FwSession *
load_nodes (Block *block,
            FwModel *model,
            const FwSegment *segment,
            GPtrArray *names,
            GPtrArray *weights,
            GError **error)
{
  g_autoptr (FwModel) part = fw_segment_extract (segment, model, FALSE);
  g_autoptr (GBytes) bytes = fw_model_to_bytes (part, error);

  if (bytes == NULL)
    return NULL;
  for (guint i = 0; i < segment->weights->len; i++)
    {
      Onnx__TensorProto *tensor = segment->weights->pdata[i];
      FwTensor *view = view_weight (tensor, error);

      if (view == NULL)
        return NULL;
      g_ptr_array_add (weights, view);
      g_ptr_array_add (names, g_strdup (tensor->name));
    }
  return fw_session_new_plain (bytes, &block->pieces->options, error);
}

/* Works out once what depends on stored numbers alone, such as weights from their codes. ONNX
 * Runtime would do so when it loads the piece, with many copies. */
static gboolean
make_constants (Piece *self, Block *block, FwModel *model, guint first, guint end, GError **error)
{
  g_autoptr (FwSegment) segment = fw_segment_new_range (model, first, end, first, FW_HAND_ALL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GPtrArray) weights = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_autoptr (FwSession) session = NULL;
  g_autoptr (GPtrArray) results = NULL;

  g_ptr_array_add (segment->outputs, NULL);
  g_ptr_array_set_size (segment->outputs, segment->outputs->len - 1);
  session = load_nodes (block, model, segment, names, weights, error);
  if (session == NULL)
    return FALSE;
  g_ptr_array_add (names, NULL);
  results = fw_session_run (
      session, (const char *const *) names->pdata, (FwTensor *const *) weights->pdata, weights->len,
      (const char *const *) segment->outputs->pdata, block->cancellable, error);
  if (results == NULL)
    return FALSE;
  for (guint i = 0; i < results->len; i++)
    {
      FwTensor *tensor = results->pdata[i];

      if (tensor == NULL)
        continue;
      fw_segment_set_type (model, segment->outputs->pdata[i], fw_tensor_get_element_type (tensor),
                           fw_tensor_get_dims (tensor), fw_tensor_get_n_dims (tensor));
      g_ptr_array_add (self->weights, fw_tensor_ref (tensor));
      g_ptr_array_add (self->names, g_strdup (segment->outputs->pdata[i]));
    }
  advise_weights (segment, fw_mapping_let_go);
  return TRUE;
}

static gboolean
piece_load (Piece *self, Block *block, GError **error)
{
  g_autoptr (FwSegment) nodes = fw_segment_new_range (
      block->pieces->model, self->segment->first, self->segment->end, G_MAXUINT, FW_HAND_NOTHING);
  g_autoptr (FwModel) model = fw_segment_extract (nodes, block->pieces->model, FALSE);
  g_autoptr (FwSegment) rest = NULL;
  guint first = 0, end = 0;

  self->names = g_ptr_array_new_with_free_func (g_free);
  self->weights = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  for (guint i = 0; i < self->segment->inputs->len; i++)
    g_ptr_array_add (self->names, g_strdup (self->segment->inputs->pdata[i]));
  if (fw_segment_sort_constants (model, &first, &end)
      && !make_constants (self, block, model, first, end, error))
    return FALSE;
  rest = fw_segment_new_range (model, end, fw_model_get_graph (model)->n_node, first,
                               FW_HAND_FLOATS);
  self->session = load_nodes (block, model, rest, self->names, self->weights, error);
  g_ptr_array_add (self->names, NULL);
  return self->session != NULL;
}

static gboolean
piece_run (Piece *self, Block *block, guint i, GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_autoptr (GPtrArray) results = NULL;

  for (guint j = 0; j < self->segment->inputs->len; j++)
    {
      FwTensorShelf *shelf = g_hash_table_lookup (block->shelves, self->segment->inputs->pdata[j]);
      FwTensor *tensor = shelf != NULL ? fw_tensor_shelf_get (shelf, i, error) : NULL;

      if (tensor == NULL)
        {
          if (error != NULL && *error == NULL)
            g_set_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED,
                         _ ("A part of the model gave nothing for the next one to work with."));
          return FALSE;
        }
      g_ptr_array_add (inputs, tensor);
    }
  for (guint j = 0; j < self->weights->len; j++)
    g_ptr_array_add (inputs, fw_tensor_ref (self->weights->pdata[j]));

  results = fw_session_run (self->session, (const char *const *) self->names->pdata,
                            (FwTensor *const *) inputs->pdata, inputs->len,
                            (const char *const *) self->outputs->pdata, block->cancellable, error);
  for (guint j = 0; results != NULL && j < results->len; j++)
    {
      const char *name = self->outputs->pdata[j];
      FwTensor *tensor = results->pdata[j];

      if (!take (block, name, i, tensor, error)
          || (tensor != NULL && is_needed_after (block, name, self->position)
              && !shelve (block, name, i, tensor, error)))
        return FALSE;
    }
  return results != NULL;
}

static GPtrArray *
list_needed_outputs (Block *block, const FwSegment *segment, guint position)
{
  GPtrArray *names = g_ptr_array_new ();

  for (guint i = 0; i < segment->outputs->len; i++)
    {
      char *name = segment->outputs->pdata[i];

      if (g_hash_table_contains (block->wanted, name) || is_needed_after (block, name, position))
        g_ptr_array_add (names, name);
    }
  g_ptr_array_add (names, NULL);
  return names;
}

static gboolean
is_done_with (gpointer key, gpointer value, gpointer user_data)
{
  const Piece *piece = user_data;
  const char *name = key;

  for (guint i = 0; i < piece->segment->inputs->len; i++)
    if (strcmp (piece->segment->inputs->pdata[i], name) == 0)
      return TRUE;
  return FALSE;
}

static void
drop_shelves (Block *block, Piece *piece)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, block->shelves);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (is_done_with (name, NULL, piece) && !is_needed_after (block, name, piece->position))
      g_hash_table_iter_remove (&iter);
}

static gboolean
run_piece (Block *block, guint position, GError **error)
{
  GPtrArray *segments = block->pieces->segments;
  Piece piece = { .position = position, .segment = segments->pdata[position] };
  double total = block->batch->n;
  gboolean ok = TRUE;

  piece.outputs = list_needed_outputs (block, piece.segment, position);
  if (piece.outputs->len > 1)
    {
      if (position + 1 < block->n_segments)
        advise_weights (segments->pdata[position + 1], fw_mapping_expect);
      ok = piece_load (&piece, block, error);
      for (guint i = 0; ok && i < block->n; i++)
        {
          double done = position + (i + 1.0) / block->n;

          ok = !block->is_there[i] || piece_run (&piece, block, i, error);
          fw_progress_report (block->progress,
                              (block->first + block->n * done / block->n_segments) / total);
        }
      advise_weights (piece.segment, fw_mapping_let_go);
    }
  drop_shelves (block, &piece);
  piece_clear (&piece);
  return ok;
}

/* What is wanted and is stored in the file rather than made. */
static gboolean
take_stored (Block *block, GError **error)
{
  for (guint k = 0; block->batch->output_names[k] != NULL; k++)
    {
      const char *name = block->batch->output_names[k];
      Onnx__TensorProto *tensor = fw_model_find_initializer (block->pieces->model, name);
      g_autoptr (FwTensor) value = NULL;

      if (tensor == NULL)
        continue;
      value = fw_tensor_new_from_proto (tensor, error);
      if (value == NULL)
        return FALSE;
      for (guint i = 0; i < block->n; i++)
        if (block->is_there[i] && !take (block, name, i, value, error))
          return FALSE;
    }
  return TRUE;
}

static void
find_wanted (Block *block)
{
  const char *const *names = block->batch->output_names;

  block->wanted = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; names[i] != NULL; i++)
    g_hash_table_insert (block->wanted, (gpointer) names[i], GUINT_TO_POINTER (i + 1));
  for (guint i = 0; i < block->pieces->segments->len; i++)
    {
      const FwSegment *segment = block->pieces->segments->pdata[i];

      for (guint j = 0; j < segment->outputs->len; j++)
        if (g_hash_table_contains (block->wanted, segment->outputs->pdata[j]))
          block->n_segments = i + 1;
    }
}

static gboolean
run_block (Block *block, GError **error)
{
  gboolean ok = TRUE;

  block->is_there = g_new0 (gboolean, block->n);
  block->shelves = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                          (GDestroyNotify) fw_tensor_shelf_free);
  for (guint i = 0; ok && i < block->n; i++)
    ok = !g_cancellable_set_error_if_cancelled (block->cancellable, error)
         && feed_one (block, i, error);
  ok = ok && take_stored (block, error);
  for (guint i = 0; ok && i < block->n_segments; i++)
    ok = !g_cancellable_set_error_if_cancelled (block->cancellable, error)
         && run_piece (block, i, error);
  g_clear_pointer (&block->shelves, g_hash_table_unref);
  g_clear_pointer (&block->is_there, g_free);
  return ok;
}

static guint
choose_block (FwPieces *self, guint n)
{
  guint64 most = 1;

  for (guint i = 0; i + 1 < self->segments->len; i++)
    most = MAX (most, ((FwSegment *) self->segments->pdata[i])->handed_bytes);
  return MIN (n, MAX (BYTES_ON_DISK / most, LEAST_BLOCK));
}

gboolean
fw_pieces_run (FwPieces *self,
               const FwSessionBatch *batch,
               FwProgress *progress,
               GCancellable *cancellable,
               GError **error)
{
  Block block
      = { .pieces = self, .batch = batch, .progress = progress, .cancellable = cancellable };
  guint size = choose_block (self, batch->n);
  gboolean ok = TRUE;

  find_wanted (&block);
  for (; ok && block.first < batch->n; block.first += block.n)
    {
      block.n = MIN (size, batch->n - block.first);
      ok = run_block (&block, error);
    }
  g_hash_table_unref (block.wanted);
  return ok;
}
