/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-relay.h"

#include <string.h>

#include "fw-parallel.h"
#include "fw-pieces.h"
#include "fw-tensor-shelf.h"

/* Fewer samples than this are not worth the while. */
#define LEAST_SAMPLES 8
/* What a dimension of unknown size counts as. */
#define UNKNOWN_DIM 64

/* Some nodes of the model, and what comes in and goes out. */
typedef struct
{
  guint first, end;
  GPtrArray *inputs, *outputs; /* names */
} Part;

typedef struct
{
  char *value;
  int producer; /* node, or -1: an input of the model */
  Part *part;   /* the nodes up to the producer that no stop before has; NULL for none */
} Stop;

/* A value that waits. */
typedef struct
{
  guint last;              /* the last stop that needs it */
  FwTensorShelf *sides[2]; /* the second one NULL where both are the same */
} Held;

struct _FwRelay
{
  FwModel *model; /* with types */
  FwGraphIndex *index;
  GPtrArray *rows;
  guint n;
  guint threads;
  GPtrArray *stops; /* of Stop */
  const char **values;
  guint next;       /* stop */
  GHashTable *held; /* name -> Held */
  GHashTable *own;  /* name of a model input -> its place in rows, plus one */
  GMutex mutex;     /* of shelves */
};

static void
part_free (Part *self)
{
  g_ptr_array_unref (self->inputs);
  g_ptr_array_unref (self->outputs);
  g_free (self);
}

static void
stop_free (gpointer data)
{
  Stop *self = data;

  g_free (self->value);
  g_clear_pointer (&self->part, part_free);
  g_free (self);
}

static void
held_free (gpointer data)
{
  Held *self = data;

  for (guint i = 0; i < 2; i++)
    g_clear_pointer (&self->sides[i], fw_tensor_shelf_free);
  g_free (self);
}

void
fw_relay_free (FwRelay *self)
{
  g_clear_pointer (&self->held, g_hash_table_unref);
  g_clear_pointer (&self->own, g_hash_table_unref);
  g_clear_pointer (&self->stops, g_ptr_array_unref);
  g_clear_pointer (&self->index, fw_graph_index_free);
  g_clear_pointer (&self->model, fw_model_unref);
  g_ptr_array_unref (self->rows);
  g_mutex_clear (&self->mutex);
  g_free (self->values);
  g_free (self);
}

/* Parts --------------------------------------------------------------------------------------- */

static gboolean
is_used (FwRelay *self, const char *value, guint first, guint end)
{
  guint n;
  const guint *consumers = fw_graph_index_get_consumers (self->index, value, &n);

  for (guint i = 0; i < n; i++)
    if (consumers[i] >= first && consumers[i] < end)
      return TRUE;
  return FALSE;
}

static Part *
part_new (FwRelay *self, guint first, guint end)
{
  Onnx__GraphProto *graph = fw_model_get_graph (self->model);
  Part *part = g_new0 (Part, 1);

  part->first = first;
  part->end = end;
  part->inputs = g_ptr_array_new_with_free_func (g_free);
  part->outputs = g_ptr_array_new_with_free_func (g_free);
  for (gsize i = 0; i < graph->n_input; i++)
    if (is_used (self, graph->input[i]->name, first, end))
      g_ptr_array_add (part->inputs, g_strdup (graph->input[i]->name));
  for (guint i = 0; i < end; i++)
    for (gsize j = 0; j < graph->node[i]->n_output; j++)
      {
        const char *name = graph->node[i]->output[j];

        if (*name == '\0')
          continue;
        if (i < first && is_used (self, name, first, end))
          g_ptr_array_add (part->inputs, g_strdup (name));
        else if (i >= first
                 && (fw_graph_index_is_output (self->index, name)
                     || is_used (self, name, end, G_MAXUINT)))
          g_ptr_array_add (part->outputs, g_strdup (name));
      }
  return part;
}

static Onnx__ValueInfoProto **
list_infos (FwRelay *self, GPtrArray *names)
{
  Onnx__ValueInfoProto **infos = g_new0 (Onnx__ValueInfoProto *, names->len + 1);

  for (guint i = 0; i < names->len; i++)
    {
      const Onnx__ValueInfoProto *info = fw_graph_index_get_info (self->index, names->pdata[i]);
      gsize size = info != NULL ? onnx__value_info_proto__get_packed_size (info) : 0;
      g_autofree guint8 *packed = g_malloc (size + 1);

      if (info != NULL)
        {
          onnx__value_info_proto__pack (info, packed);
          infos[i] = onnx__value_info_proto__unpack (NULL, size, packed);
        }
      if (infos[i] == NULL)
        {
          infos[i] = g_new (Onnx__ValueInfoProto, 1);
          onnx__value_info_proto__init (infos[i]);
          infos[i]->name = g_strdup (names->pdata[i]);
        }
    }
  return infos;
}

static void
replace_infos (Onnx__ValueInfoProto ***infos, gsize *n, Onnx__ValueInfoProto **new, gsize n_new)
{
  for (gsize i = 0; i < *n; i++)
    onnx__value_info_proto__free_unpacked ((*infos)[i], NULL);
  g_free (*infos);
  *infos = new;
  *n = n_new;
}

/* The part as a model. */
static FwModel *
part_extract (FwRelay *self, const Part *part)
{
  FwModel *model = fw_model_copy (self->model);
  Onnx__GraphProto *graph = fw_model_get_graph (model);
  g_autoptr (GPtrArray) nodes = g_ptr_array_new ();

  for (guint i = part->first; i < part->end; i++)
    g_ptr_array_add (nodes, graph->node[i]);
  fw_model_set_nodes (model, g_steal_pointer (&nodes));
  replace_infos (&graph->input, &graph->n_input, list_infos (self, part->inputs),
                 part->inputs->len);
  replace_infos (&graph->output, &graph->n_output, list_infos (self, part->outputs),
                 part->outputs->len);
  replace_infos (&graph->value_info, &graph->n_value_info, NULL, 0);
  fw_model_drop_unused_initializers (model);
  return model;
}

/* Stops --------------------------------------------------------------------------------------- */

static int
compare_stops (gconstpointer a, gconstpointer b)
{
  const Stop *first = *(Stop *const *) a, *second = *(Stop *const *) b;

  return first->producer != second->producer ? (first->producer < second->producer ? -1 : 1)
                                             : strcmp (first->value, second->value);
}

static void
list_stops (FwRelay *self, const char *const *values)
{
  guint first = 0;

  for (guint i = 0; values[i] != NULL; i++)
    {
      Stop *stop = g_new0 (Stop, 1);

      stop->value = g_strdup (values[i]);
      stop->producer = fw_graph_index_get_producer (self->index, values[i]);
      g_ptr_array_add (self->stops, stop);
    }
  g_ptr_array_sort (self->stops, compare_stops);
  self->values = g_new0 (const char *, self->stops->len + 1);
  for (guint i = 0; i < self->stops->len; i++)
    {
      Stop *stop = self->stops->pdata[i];

      self->values[i] = stop->value;
      if (stop->producer < (int) first)
        continue;
      stop->part = part_new (self, first, (guint) stop->producer + 1);
      first = (guint) stop->producer + 1;
    }
}

/* The last stop that needs each value. */
static GHashTable *
find_last_uses (FwRelay *self)
{
  GHashTable *last = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->stops->len; i++)
    {
      const Stop *stop = self->stops->pdata[i];

      for (guint j = 0; stop->part != NULL && j < stop->part->inputs->len; j++)
        g_hash_table_insert (last, stop->part->inputs->pdata[j], GUINT_TO_POINTER (i + 1));
      g_hash_table_insert (last, stop->value, GUINT_TO_POINTER (i + 1));
    }
  return last;
}

static guint64
guess_bytes (FwRelay *self, const char *value)
{
  const Onnx__ValueInfoProto *info = fw_graph_index_get_info (self->index, value);
  const Onnx__TypeProto__Tensor *type = NULL;
  guint64 bytes = sizeof (float);

  if (info != NULL && info->type != NULL
      && info->type->value_case == ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE)
    type = info->type->tensor_type;
  for (gsize i = 0; type != NULL && type->shape != NULL && i < type->shape->n_dim; i++)
    {
      const Onnx__TensorShapeProto__Dimension *dim = type->shape->dim[i];
      gboolean is_known = dim->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE
                          && dim->dim_value > 0;

      if (!g_uint64_checked_mul (&bytes, bytes, is_known ? (guint64) dim->dim_value : UNKNOWN_DIM))
        return G_MAXUINT32;
    }
  return MIN (bytes, G_MAXUINT32);
}

/* So many samples that what waits of them at any stop, twice, has room. */
static void
limit_samples (FwRelay *self, guint64 max_bytes)
{
  g_autoptr (GHashTable) last = find_last_uses (self);
  g_autofree guint64 *change = g_new0 (guint64, self->stops->len + 2);
  guint64 waiting = 0, most = 1;

  for (guint i = 0; i < self->stops->len; i++)
    {
      const Stop *stop = self->stops->pdata[i];

      for (guint j = 0; stop->part != NULL && j < stop->part->outputs->len; j++)
        {
          const char *name = stop->part->outputs->pdata[j];
          guint until = GPOINTER_TO_UINT (g_hash_table_lookup (last, name));

          if (until == 0)
            continue;
          waiting += guess_bytes (self, name);
          change[until] += guess_bytes (self, name);
        }
      most = MAX (most, waiting);
      waiting -= change[i + 1];
    }
  self->n = (guint) MIN (self->rows->len, MAX (max_bytes / (2 * most), LEAST_SAMPLES));
}

FwRelay *
fw_relay_new (FwSwitchboard *board,
              const char *const *values,
              GPtrArray *rows,
              guint64 max_bytes,
              guint threads,
              GError **error)
{
  g_autoptr (FwRelay) self = g_new0 (FwRelay, 1);
  Onnx__GraphProto *graph;
  guint n_own = 0;

  g_mutex_init (&self->mutex);
  self->rows = g_ptr_array_ref (rows);
  self->threads = threads != 0 ? threads : g_get_num_processors ();
  self->stops = g_ptr_array_new_with_free_func (stop_free);
  self->held = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, held_free);
  self->own = g_hash_table_new (g_str_hash, g_str_equal);
  self->model = fw_session_find_types (fw_switchboard_get_model (board), error);
  if (self->model == NULL)
    return NULL;
  self->index = fw_graph_index_new (self->model);
  /* The model's own inputs come first. */
  graph = fw_model_get_graph (self->model);
  while (n_own < graph->n_input && rows->len > 0 && n_own < ((GPtrArray *) rows->pdata[0])->len)
    {
      g_hash_table_insert (self->own, graph->input[n_own]->name, GUINT_TO_POINTER (n_own + 1));
      n_own++;
    }
  list_stops (self, values);
  limit_samples (self, max_bytes);
  return g_steal_pointer (&self);
}

guint
fw_relay_get_n_samples (FwRelay *self)
{
  return self->n;
}

const char *const *
fw_relay_list_values (FwRelay *self)
{
  return self->values;
}

/* Running ------------------------------------------------------------------------------------- */

typedef struct
{
  FwRelay *self;
  const Part *part;
  GBytes *bytes;
  FwSwitches *settings[2];
  gboolean both;  /* whether the two differ here */
  Held **outputs; /* [part->outputs] */
  guint threads;
  GCancellable *cancellable;
  GError **errors; /* [threads] */
} Leg;

static FwTensor *
shelf_get (FwRelay *self, Held *held, guint sample, guint side, GError **error)
{
  FwTensor *tensor;

  g_mutex_lock (&self->mutex);
  tensor = fw_tensor_shelf_get (held->sides[held->sides[side] != NULL ? side : 0], sample, error);
  g_mutex_unlock (&self->mutex);
  return tensor;
}

/* NULL without an error where an earlier part made no tensor. */
static FwTensor *
find_tensor (const Leg *leg, const char *name, guint sample, guint side, GError **error)
{
  FwRelay *self = leg->self;
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (self->own, name));
  GPtrArray *row = self->rows->pdata[sample];
  FwTensor *set;
  Held *held;

  if (place > 0)
    return fw_tensor_ref (row->pdata[place - 1]);
  set = fw_switches_get_input (leg->settings[side], name);
  if (set != NULL)
    return fw_tensor_ref (set);
  held = g_hash_table_lookup (self->held, name);
  return held != NULL ? shelf_get (self, held, sample, side, error) : NULL;
}

static gboolean
put_outputs (const Leg *leg, guint sample, guint side, GPtrArray *outputs, GError **error)
{
  gboolean ok = TRUE;

  g_mutex_lock (&leg->self->mutex);
  for (guint i = 0; ok && i < outputs->len; i++)
    if (outputs->pdata[i] != NULL && leg->outputs[i] != NULL)
      ok = fw_tensor_shelf_put (leg->outputs[i]->sides[side], sample, outputs->pdata[i], error);
  g_mutex_unlock (&leg->self->mutex);
  return ok;
}

static gboolean
run_one (const Leg *leg, FwSession *session, guint sample, guint side, GError **error)
{
  const guint n = fw_session_get_n_inputs (session);
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  g_autoptr (GPtrArray) outputs = NULL;

  for (guint i = 0; i < leg->part->outputs->len; i++)
    g_ptr_array_add (names, leg->part->outputs->pdata[i]);
  g_ptr_array_add (names, NULL);
  for (guint i = 0; i < n; i++)
    {
      GError *local = NULL;
      FwTensor *tensor
          = find_tensor (leg, fw_session_get_input (session, i)->name, sample, side, &local);

      if (local != NULL)
        g_propagate_error (error, local);
      /* This sample comes no further. */
      if (tensor == NULL)
        return local == NULL;
      g_ptr_array_add (inputs, tensor);
    }
  outputs = fw_session_run (session, NULL, (FwTensor *const *) inputs->pdata, n,
                            (const char *const *) names->pdata, leg->cancellable, error);
  return outputs != NULL && put_outputs (leg, sample, side, outputs, error);
}

static void
run_some (guint index, gpointer user_data)
{
  const Leg *leg = user_data;
  const FwSessionOptions options = { .threads = 1, .optimization = FW_OPTIMIZE_ALL };
  g_autoptr (FwSession) session = fw_session_new_plain (leg->bytes, &options, &leg->errors[index]);

  for (guint i = index; session != NULL && i < leg->self->n; i += leg->threads)
    for (guint side = 0; side < (leg->both ? 2 : 1); side++)
      if (!run_one (leg, session, i, side, &leg->errors[index]))
        return;
}

/* Whether the settings or what comes in differ. */
static gboolean
do_sides_differ (const Leg *leg)
{
  for (guint i = 0; i < leg->part->inputs->len; i++)
    {
      const char *name = leg->part->inputs->pdata[i];
      const Held *held = g_hash_table_lookup (leg->self->held, name);

      if (held != NULL ? held->sides[1] != NULL
                       : fw_switches_get_input (leg->settings[0], name)
                             != fw_switches_get_input (leg->settings[1], name))
        return TRUE;
    }
  return FALSE;
}

static gboolean
make_shelves (Leg *leg, GHashTable *last, GError **error)
{
  FwRelay *self = leg->self;

  for (guint i = 0; i < leg->part->outputs->len; i++)
    {
      const char *name = leg->part->outputs->pdata[i];
      guint until = GPOINTER_TO_UINT (g_hash_table_lookup (last, name));
      Held *held;

      if (until == 0)
        continue;
      held = g_new0 (Held, 1);
      held->last = until - 1;
      g_hash_table_insert (self->held, g_strdup (name), held);
      leg->outputs[i] = held;
      for (guint side = 0; side < (leg->both ? 2 : 1); side++)
        {
          held->sides[side] = fw_tensor_shelf_new (self->n, error);
          if (held->sides[side] == NULL)
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
run_leg (Leg *leg, GError **error)
{
  FwRelay *self = leg->self;
  g_autoptr (GHashTable) last = find_last_uses (self);
  g_autoptr (FwModel) model = part_extract (self, leg->part);
  g_autoptr (GBytes) bytes = fw_model_to_bytes (model, error);
  g_autofree Held **outputs = g_new0 (Held *, leg->part->outputs->len + 1);
  g_autofree GError **errors = NULL;
  gboolean ok = TRUE;

  if (bytes == NULL)
    return FALSE;
  leg->bytes = bytes;
  leg->outputs = outputs;
  leg->both = do_sides_differ (leg);
  leg->threads = MIN (self->threads, MAX (self->n, 1));
  leg->errors = errors = g_new0 (GError *, leg->threads);
  if (!make_shelves (leg, last, error))
    return FALSE;
  fw_parallel_for (leg->threads, leg->threads, run_some, leg);
  for (guint i = 0; i < leg->threads; i++)
    {
      if (errors[i] == NULL)
        continue;
      if (ok)
        g_propagate_error (error, g_steal_pointer (&errors[i]));
      g_clear_error (&errors[i]);
      ok = FALSE;
    }
  return ok;
}

static gboolean
is_over (gpointer key, gpointer value, gpointer user_data)
{
  return ((Held *) value)->last < GPOINTER_TO_UINT (user_data);
}

gboolean
fw_relay_advance (FwRelay *self,
                  const char *value,
                  FwSwitches *original,
                  FwSwitches *current,
                  GCancellable *cancellable,
                  GError **error)
{
  for (gboolean there = FALSE; !there; self->next++)
    {
      const Stop *stop;
      Leg leg = { .self = self, .settings = { original, current }, .cancellable = cancellable };

      g_return_val_if_fail (self->next < self->stops->len, FALSE);

      stop = self->stops->pdata[self->next];
      g_hash_table_foreach_remove (self->held, is_over, GUINT_TO_POINTER (self->next));
      leg.part = stop->part;
      if (stop->part != NULL && !run_leg (&leg, error))
        return FALSE;
      there = strcmp (stop->value, value) == 0;
    }
  return TRUE;
}

FwTensor *
fw_relay_get (FwRelay *self, guint sample, gboolean current)
{
  const char *value = self->values[self->next - 1];
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (self->own, value));
  GPtrArray *row = self->rows->pdata[sample];
  Held *held = g_hash_table_lookup (self->held, value);

  if (place > 0)
    return fw_tensor_ref (row->pdata[place - 1]);
  return held != NULL ? shelf_get (self, held, sample, current ? 1 : 0, NULL) : NULL;
}
