/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-layerwise.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "fw-error.h"
#include "fw-mapping.h"
#include "fw-random.h"
#include "fw-segments.h"
#include "fw-tensor-shelf.h"

/* Samples that units are tried on, and those that noise is added to. */
#define MAX_ROWS 4
#define NOISE_ROWS 2
/* Places where noise is added, and how much: the share of a value's variance. */
#define MAX_NOISES 8
#define NOISE 1e-3
#define LEAST_NOISE 1e-6
/* What noise does at the scores is believed within these. */
#define LEAST_GAIN 1e-4
#define MOST_GAIN 1e4
/* Half precision keeps 11 bits of each weight, where 8 bits are shared by a channel. */
#define HALF_OF_INT8 1e-3
/* This share of a value's mean square is always part of its variance. */
#define LEAST_OF_SQUARE 1e-4
#define DIGITS 3

typedef struct
{
  const FwTrial *trial;
  FwModel *model; /* prepared, with types and the scores as outputs */
  GPtrArray *segments;
  FwUnitHarm *harms;
  GCancellable *cancellable;

  GHashTable *last_use; /* value: the last segment that needs it, plus 1 */
  GHashTable *scores;   /* value: its place, plus 1 */
  guint n_scores;
  guint n_rows, n_noises;
  guint *noise_at;     /* [n_noises]: segments */
  double *noise_size;  /* [n_noises]: as a share of the variance */
  guint n_slots;       /* clean rows, then NOISE_ROWS for each noise */
  guint n_live;        /* of slots */
  GHashTable *shelves; /* value: FwTensorShelf */
  GPtrArray **answers; /* [n_slots]: the scores */
  double *at_8, *at_4; /* [units]: error at the segment's end, times its gain later */
  guint *segment_of;   /* [units] */
} Layerwise;

/* A segment, loaded. */
typedef struct
{
  guint position;
  FwSegment *segment;
  FwSession *session;
  GPtrArray *names;   /* of inputs: handed on, then weights; NULL-terminated */
  GPtrArray *weights; /* FwTensor */
  GPtrArray *outputs; /* names; NULL-terminated */
  GPtrArray *clean;   /* of each row: what came out, of GPtrArray */
  GPtrArray *rounded; /* the same of the first rows with a unit at 4 bits, or empty */
  double rounded_error;
} Loaded;

static FwUnit *
get_unit (Layerwise *self, guint i)
{
  return g_ptr_array_index (self->trial->units, i);
}

static gboolean
is_needed_after (Layerwise *self, const char *value, guint segment)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->last_use, value)) > segment + 1;
}

static void
unref_tensor (gpointer data)
{
  if (data != NULL)
    fw_tensor_unref (data);
}

/* Loading a segment ---------------------------------------------------------------------------- */

static gboolean
has_weight (const FwSegment *segment, const char *name)
{
  for (guint i = 0; i < segment->weights->len; i++)
    if (strcmp (((Onnx__TensorProto *) segment->weights->pdata[i])->name, name) == 0)
      return TRUE;
  return FALSE;
}

static void
hand_over (Layerwise *self, FwSegment *segment, const char *name)
{
  Onnx__TensorProto *tensor = name != NULL && !has_weight (segment, name)
                                  ? fw_model_find_initializer (self->model, name)
                                  : NULL;

  if (tensor != NULL && tensor->has_raw_data && tensor->data_type == FW_ELEMENT_FLOAT)
    g_ptr_array_add (segment->weights, tensor);
}

/* What units keep is an input of the segment, however small it is. */
static void
hand_over_units (Layerwise *self, FwSegment *segment)
{
  for (guint i = 0; i < self->trial->units->len; i++)
    {
      const FwUnit *unit = get_unit (self, i);

      if (unit->node < segment->first || unit->node >= segment->end)
        continue;
      hand_over (self, segment, unit->weight);
      hand_over (self, segment, unit->bias);
    }
}

static FwTensor *
view_weight (Onnx__TensorProto *tensor, GError **error)
{
  if ((guintptr) tensor->raw_data.data % (fw_element_type_get_bits (tensor->data_type) / 8) == 0)
    return fw_tensor_new_view (tensor->data_type, tensor->dims, tensor->n_dims,
                               tensor->raw_data.data, error);
  return fw_tensor_new_from_proto (tensor, error);
}

static void
loaded_clear (Loaded *self)
{
  for (guint i = 0; i < self->segment->weights->len; i++)
    {
      const Onnx__TensorProto *tensor = self->segment->weights->pdata[i];

      fw_mapping_let_go (tensor->raw_data.data, tensor->raw_data.len);
    }
  g_clear_pointer (&self->session, fw_session_free);
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->weights, g_ptr_array_unref);
  g_clear_pointer (&self->outputs, g_ptr_array_unref);
  g_clear_pointer (&self->clean, g_ptr_array_unref);
  g_clear_pointer (&self->rounded, g_ptr_array_unref);
}

static gboolean
load_segment (Layerwise *self, Loaded *loaded, GError **error)
{
  const FwSessionOptions options = {
    .threads = self->trial->threads, .optimization = FW_OPTIMIZE_ALL, .frugal = TRUE, .whole = TRUE
  };
  FwSegment *segment = loaded->segment;
  g_autoptr (FwModel) model = NULL;

  hand_over_units (self, segment);
  loaded->names = g_ptr_array_new ();
  loaded->weights = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  loaded->outputs = g_ptr_array_new ();
  loaded->clean = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  loaded->rounded = g_ptr_array_new_with_free_func ((GDestroyNotify) g_ptr_array_unref);
  for (guint i = 0; i < segment->inputs->len; i++)
    g_ptr_array_add (loaded->names, segment->inputs->pdata[i]);
  for (guint i = 0; i < segment->weights->len; i++)
    {
      Onnx__TensorProto *tensor = segment->weights->pdata[i];
      FwTensor *view = view_weight (tensor, error);

      if (view == NULL)
        return FALSE;
      g_ptr_array_add (loaded->weights, view);
      g_ptr_array_add (loaded->names, tensor->name);
    }
  for (guint i = 0; i < segment->outputs->len; i++)
    {
      char *name = segment->outputs->pdata[i];

      if (is_needed_after (self, name, loaded->position)
          || g_hash_table_contains (self->scores, name))
        g_ptr_array_add (loaded->outputs, name);
    }
  g_ptr_array_add (loaded->names, NULL);
  g_ptr_array_add (loaded->outputs, NULL);

  model = fw_segment_extract (segment, self->model, FALSE);
  loaded->session = fw_session_new_for_model (model, &options, error);
  return loaded->session != NULL;
}

/* Running -------------------------------------------------------------------------------------- */

static gboolean
shelve (Layerwise *self, const char *value, guint slot, FwTensor *tensor, GError **error)
{
  FwTensorShelf *shelf = g_hash_table_lookup (self->shelves, value);

  if (shelf == NULL)
    {
      shelf = fw_tensor_shelf_new (self->n_slots, error);
      if (shelf == NULL)
        return FALSE;
      g_hash_table_insert (self->shelves, (gpointer) value, shelf);
    }
  return fw_tensor_shelf_put (shelf, slot, tensor, error);
}

/* Runs the segment for @slot, with @changed[n] in the places @places[n] of the weights. */
static GPtrArray *
run_slot (Layerwise *self,
          Loaded *loaded,
          guint slot,
          FwTensor *const *changed,
          const guint *places,
          guint n_changed,
          GError **error)
{
  g_autoptr (GPtrArray) inputs = g_ptr_array_new_with_free_func (unref_tensor);

  for (guint i = 0; i < loaded->segment->inputs->len; i++)
    {
      FwTensorShelf *shelf = g_hash_table_lookup (self->shelves, loaded->segment->inputs->pdata[i]);
      FwTensor *tensor = shelf != NULL ? fw_tensor_shelf_get (shelf, slot, error) : NULL;

      if (tensor == NULL)
        {
          if (error != NULL && *error == NULL)
            g_set_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED,
                         _ ("A part of the model gave nothing for the next one to work with."));
          return NULL;
        }
      g_ptr_array_add (inputs, tensor);
    }
  for (guint i = 0; i < loaded->weights->len; i++)
    {
      FwTensor *tensor = loaded->weights->pdata[i];

      for (guint k = 0; k < n_changed; k++)
        if (places[k] == i)
          tensor = changed[k];
      g_ptr_array_add (inputs, fw_tensor_ref (tensor));
    }
  return fw_session_run (loaded->session, (const char *const *) loaded->names->pdata,
                         (FwTensor *const *) inputs->pdata, inputs->len,
                         (const char *const *) loaded->outputs->pdata, self->cancellable, error);
}

static gboolean
hand_on (Layerwise *self, Loaded *loaded, guint slot, GPtrArray *results, GError **error)
{
  for (guint i = 0; i < results->len; i++)
    {
      const char *name = loaded->outputs->pdata[i];
      FwTensor *tensor = results->pdata[i];
      guint score = GPOINTER_TO_UINT (g_hash_table_lookup (self->scores, name));

      if (tensor == NULL)
        continue;
      if (score > 0)
        {
          unref_tensor (self->answers[slot]->pdata[score - 1]);
          self->answers[slot]->pdata[score - 1] = fw_tensor_ref (tensor);
        }
      if (is_needed_after (self, name, loaded->position)
          && !shelve (self, name, slot, tensor, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
run_all (Layerwise *self, Loaded *loaded, GError **error)
{
  for (guint slot = 0; slot < self->n_live; slot++)
    {
      g_autoptr (GPtrArray) results = run_slot (self, loaded, slot, NULL, NULL, 0, error);

      if (results == NULL || !hand_on (self, loaded, slot, results, error))
        return FALSE;
      if (slot < self->n_rows)
        g_ptr_array_add (loaded->clean, g_steal_pointer (&results));
    }
  return TRUE;
}

/* Errors --------------------------------------------------------------------------------------- */

/* As harm at the scores is measured: what hardly changes does not count for more than its noise. */
static double
get_variance (const float *values, gsize n, gsize *n_finite)
{
  double sum = 0, squares = 0;

  *n_finite = 0;
  for (gsize i = 0; i < n; i++)
    if (isfinite (values[i]))
      {
        sum += values[i];
        squares += (double) values[i] * values[i];
        ++*n_finite;
      }
  if (*n_finite == 0)
    return 0;
  sum /= *n_finite;
  squares /= *n_finite;
  return MAX (squares - sum * sum, 0) + LEAST_OF_SQUARE * squares;
}

/* Adds what @other differs from @clean, and what there is to differ from. */
static void
add_error (FwTensor *clean, FwTensor *other, double *error, double *scale)
{
  const float *x, *y;
  gsize n, n_finite;

  if (clean == NULL || fw_tensor_get_element_type (clean) != FW_ELEMENT_FLOAT)
    return;
  n = fw_tensor_get_n_elements (clean);
  x = fw_tensor_get_data (clean);
  *scale += get_variance (x, n, &n_finite) * n_finite;
  if (other == NULL || fw_tensor_get_element_type (other) != FW_ELEMENT_FLOAT
      || fw_tensor_get_n_elements (other) != n)
    {
      *error = INFINITY;
      return;
    }
  y = fw_tensor_get_data (other);
  for (gsize i = 0; i < n; i++)
    if (isfinite (x[i]))
      *error += isfinite (y[i]) ? ((double) x[i] - y[i]) * ((double) x[i] - y[i]) : INFINITY;
}

/* The mean over what the segment hands on of the error's share of the variance. */
static double
get_mean_error (const double *errors, const double *scales, guint n)
{
  double sum = 0;
  guint n_used = 0;

  for (guint i = 0; i < n; i++)
    if (scales[i] > 0)
      {
        sum += errors[i] / scales[i];
        n_used++;
      }
  return n_used > 0 ? sum / n_used : 0;
}

static int
find_place (const FwSegment *segment, const char *name)
{
  for (guint i = 0; name != NULL && i < segment->weights->len; i++)
    if (strcmp (((Onnx__TensorProto *) segment->weights->pdata[i])->name, name) == 0)
      return i;
  return -1;
}

/* One unit in another form, as inputs of its segment. */
typedef struct
{
  float *weights, *bias;
  FwTensor *tensors[2];
  guint places[2];
  guint n;
} Changed;

static gboolean
changed_add (Changed *self, Loaded *loaded, const char *name, const float *values, GError **error)
{
  int place = find_place (loaded->segment, name);
  const Onnx__TensorProto *tensor;

  if (place < 0 || values == NULL)
    return TRUE;
  tensor = loaded->segment->weights->pdata[place];
  self->tensors[self->n]
      = fw_tensor_new_view (FW_ELEMENT_FLOAT, tensor->dims, tensor->n_dims, values, error);
  self->places[self->n] = place;
  return self->tensors[self->n] != NULL && ++self->n > 0;
}

static void
changed_clear (Changed *self)
{
  for (guint i = 0; i < self->n; i++)
    fw_tensor_unref (self->tensors[i]);
  g_free (self->weights);
  g_free (self->bias);
}

static gboolean
measure_changed (Layerwise *self, Loaded *loaded, Changed *changed, double *harm, GError **error)
{
  guint n = loaded->outputs->len - 1;
  g_autofree double *errors = g_new0 (double, n + 1);
  g_autofree double *scales = g_new0 (double, n + 1);

  g_ptr_array_set_size (loaded->rounded, 0);
  for (guint row = 0; row < self->n_rows; row++)
    {
      GPtrArray *clean = loaded->clean->pdata[row];
      g_autoptr (GPtrArray) results
          = run_slot (self, loaded, row, changed->tensors, changed->places, changed->n, error);

      if (results == NULL)
        return FALSE;
      for (guint i = 0; i < n; i++)
        add_error (clean->pdata[i], results->pdata[i], &errors[i], &scales[i]);
      if (row < NOISE_ROWS)
        g_ptr_array_add (loaded->rounded, g_steal_pointer (&results));
    }
  *harm = loaded->rounded_error = get_mean_error (errors, scales, n);
  return TRUE;
}

/* @harm: of unit @unit with @bits at the end of its segment. */
static gboolean
try_unit (Layerwise *self, Loaded *loaded, guint unit, guint bits, double *harm, GError **error)
{
  const FwUnit *entry = get_unit (self, unit);
  FwOption option = FW_OPTION (bits, FW_ARITHMETIC_FLOAT, 0);
  Changed changed = { 0 };
  gboolean ok;

  *harm = INFINITY;
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  if (!fw_rewriter_can (self->trial->rewriter, self->trial->recipe, unit, option)
      || find_place (loaded->segment, entry->weight) < 0)
    return TRUE;

  ok = fw_rewriter_simulate (self->trial->rewriter, self->trial->recipe, unit, option,
                             &changed.weights, &changed.bias, error)
       && changed_add (&changed, loaded, entry->weight, changed.weights, error)
       && changed_add (&changed, loaded, entry->bias, changed.bias, error)
       && measure_changed (self, loaded, &changed, harm, error);
  changed_clear (&changed);
  return ok;
}

static gboolean
try_units (Layerwise *self, Loaded *loaded, GError **error)
{
  for (guint i = 0; i < self->trial->units->len; i++)
    {
      const FwUnit *unit = get_unit (self, i);

      if (unit->node < loaded->segment->first || unit->node >= loaded->segment->end)
        continue;
      self->segment_of[i] = loaded->position;
      if (!try_unit (self, loaded, i, 8, &self->at_8[i], error)
          || !try_unit (self, loaded, i, 4, &self->at_4[i], error))
        return FALSE;
    }
  return TRUE;
}

/* Noise ---------------------------------------------------------------------------------------- */

static FwTensor *
add_noise (FwTensor *clean, guint64 seed, GError **error)
{
  FwTensor *noisy = fw_tensor_new (FW_ELEMENT_FLOAT, fw_tensor_get_dims (clean),
                                   fw_tensor_get_n_dims (clean), error);
  const float *from = fw_tensor_get_data (clean);
  FwRandom random = { seed };
  gsize n = fw_tensor_get_n_elements (clean), n_finite;
  double width = sqrt (12 * NOISE * get_variance (from, n, &n_finite));
  float *to;

  if (noisy == NULL)
    return NULL;
  to = fw_tensor_get_data (noisy);
  for (gsize i = 0; i < n; i++)
    {
      double uniform = (fw_random_next (&random) >> 11) * 0x1p-53;

      to[i] = from[i] + (float) (width * (uniform - 0.5));
    }
  return noisy;
}

static gboolean
begin_noise (Layerwise *self, Loaded *loaded, guint noise, GError **error)
{
  /* The error of a rounded unit is no white noise: averages don't take it away. */
  gboolean is_rounded = loaded->rounded->len >= MIN (NOISE_ROWS, self->n_rows)
                        && loaded->rounded_error > LEAST_NOISE && isfinite (loaded->rounded_error);

  self->noise_size[noise] = is_rounded ? loaded->rounded_error : NOISE;
  for (guint row = 0; row < NOISE_ROWS; row++)
    {
      guint slot = self->n_rows + noise * NOISE_ROWS + row, from = row % self->n_rows;
      GPtrArray *clean = loaded->clean->pdata[from];
      GHashTableIter iter;
      gpointer name, shelf;

      /* What passes by this segment goes on as it is. */
      g_hash_table_iter_init (&iter, self->shelves);
      while (g_hash_table_iter_next (&iter, &name, &shelf))
        {
          g_autoptr (FwTensor) tensor = fw_tensor_shelf_get (shelf, from, NULL);

          if (tensor != NULL && !fw_tensor_shelf_put (shelf, slot, tensor, error))
            return FALSE;
        }
      for (guint i = 0; i < self->n_scores; i++)
        if (self->answers[from]->pdata[i] != NULL)
          self->answers[slot]->pdata[i] = fw_tensor_ref (self->answers[from]->pdata[i]);
      for (guint i = 0; i < clean->len; i++)
        {
          const char *value = loaded->outputs->pdata[i];
          g_autoptr (FwTensor) noisy = NULL;

          if (clean->pdata[i] == NULL || !is_needed_after (self, value, loaded->position)
              || fw_tensor_get_element_type (clean->pdata[i]) != FW_ELEMENT_FLOAT)
            continue;
          noisy = is_rounded
                      ? fw_tensor_ref (((GPtrArray *) loaded->rounded->pdata[from])->pdata[i])
                      : add_noise (clean->pdata[i], slot + 1, error);
          if (noisy == NULL || !shelve (self, value, slot, noisy, error))
            return FALSE;
        }
      self->n_live = slot + 1;
    }
  return TRUE;
}

/* How much of noise at the end of each segment arrives at the scores: as measured where it was
 * added, in between by the logarithm, and all of it at the end. */
static double *
find_gains (Layerwise *self)
{
  g_autoptr (FwTrialReference) reference
      = fw_trial_reference_new (self->answers, MIN (NOISE_ROWS, self->n_rows));
  guint n_sums = fw_trial_reference_get_n_sums (reference), n_rows = MIN (NOISE_ROWS, self->n_rows);
  g_autofree double *sums = g_new0 (double, (gsize) NOISE_ROWS *n_sums + 1);
  double *gains = g_new (double, self->segments->len + 1);
  guint end = self->segments->len - 1;
  double after = 0;

  gains[end] = 1;
  for (guint k = self->n_noises; k-- > 0;)
    {
      guint first = self->n_rows + k * NOISE_ROWS, at = self->noise_at[k];
      double gain;

      for (guint row = 0; row < n_rows; row++)
        fw_trial_reference_compare (reference, row, self->answers[first + row],
                                    sums + (gsize) row * n_sums);
      gain = fw_trial_reference_get_harm (reference, sums, n_rows) / self->noise_size[k];
      if (!(gain > LEAST_GAIN))
        gain = LEAST_GAIN;
      gain = log (MIN (gain, MOST_GAIN));
      for (guint i = at; i < end; i++)
        gains[i] = exp (gain + (after - gain) * (i - at) / (end - at));
      g_debug ("of noise after segment %u, %.3g arrive", at, exp (gain));
      after = gain;
      end = at;
    }
  for (guint i = 0; i < end; i++)
    gains[i] = exp (after);
  return gains;
}

/* The whole ------------------------------------------------------------------------------------ */

static double
round_digits (double value)
{
  g_autofree char *text = NULL;

  if (!isfinite (value) || value <= 0)
    return value;
  text = g_strdup_printf ("%.*e", DIGITS - 1, value);
  return g_ascii_strtod (text, NULL);
}

/* From 8 to 4 bits the logarithm rises by so much for each bit; further down it goes on. */
static double
get_harm (double at_8, double at_4, guint bits)
{
  if (bits == 32)
    return 0;
  if (bits == 16)
    return at_8 * HALF_OF_INT8;
  if (!isfinite (at_8) || !isfinite (at_4) || at_8 <= 0 || at_4 <= at_8)
    return bits == 8 ? at_8 : MAX (at_8, at_4) * pow (4, MAX (4.0 - bits, 0));
  return at_8 * pow (at_4 / at_8, (8.0 - bits) / 4);
}

static void
fill_harms (Layerwise *self)
{
  g_autofree double *gains = find_gains (self);

  for (guint i = 0; i < self->trial->units->len; i++)
    {
      double gain = gains[self->segment_of[i]];

      for (guint k = 0; k < FW_N_WIDTHS; k++)
        {
          FwOption option = FW_OPTION (fw_widths[k], FW_ARITHMETIC_FLOAT, 0);

          self->harms[i].storage[k]
              = fw_rewriter_can (self->trial->rewriter, self->trial->recipe, i, option)
                    ? round_digits (gain * get_harm (self->at_8[i], self->at_4[i], fw_widths[k]))
                    : INFINITY;
        }
      for (guint k = 0; k < FW_N_ARITHMETICS; k++)
        self->harms[i].arithmetic[k] = k == FW_ARITHMETIC_FLOAT ? 0 : INFINITY;
    }
}

static gboolean
run_segment (Layerwise *self, guint position, guint *noise, GError **error)
{
  Loaded loaded = { .position = position, .segment = self->segments->pdata[position] };
  gboolean ok;

  ok = load_segment (self, &loaded, error) && run_all (self, &loaded, error)
       && try_units (self, &loaded, error);
  if (ok && *noise < self->n_noises && self->noise_at[*noise] == position)
    ok = begin_noise (self, &loaded, (*noise)++, error);
  for (guint i = 0; i < loaded.segment->inputs->len; i++)
    if (!is_needed_after (self, loaded.segment->inputs->pdata[i], position))
      g_hash_table_remove (self->shelves, loaded.segment->inputs->pdata[i]);
  loaded_clear (&loaded);
  return ok;
}

static gboolean
shelve_rows (Layerwise *self, GError **error)
{
  g_autoptr (FwSegment) whole = fw_segment_new_whole (self->model, FW_HAND_FLOATS);
  GPtrArray *first = self->trial->rows->pdata[0];

  for (guint i = 0; i < whole->inputs->len && i < first->len; i++)
    {
      gpointer name;

      /* The name has to last as long as the shelf. */
      if (!g_hash_table_lookup_extended (self->last_use, whole->inputs->pdata[i], &name, NULL))
        continue;
      for (guint row = 0; row < self->n_rows; row++)
        {
          GPtrArray *tensors = self->trial->rows->pdata[row];

          if (!shelve (self, name, row, tensors->pdata[i], error))
            return FALSE;
        }
    }
  return TRUE;
}

static gboolean
cut (Layerwise *self, guint64 piece_size, GError **error)
{
  const char *const *scores = self->trial->scores;
  g_autoptr (FwModel) copy = fw_model_copy (fw_rewriter_get_prepared (self->trial->rewriter));

  for (guint i = 0; scores[i] != NULL; i++)
    fw_model_add_output (copy, scores[i]);
  self->model = fw_session_find_types (copy, error);
  if (self->model == NULL)
    return FALSE;
  self->segments = fw_segments_cut (self->model, piece_size);
  for (; scores[self->n_scores] != NULL; self->n_scores++)
    g_hash_table_insert (self->scores, (gpointer) scores[self->n_scores],
                         GUINT_TO_POINTER (self->n_scores + 1));
  for (guint i = 0; i < self->segments->len; i++)
    {
      const FwSegment *segment = self->segments->pdata[i];

      for (guint j = 0; j < segment->inputs->len; j++)
        g_hash_table_insert (self->last_use, segment->inputs->pdata[j], GUINT_TO_POINTER (i + 1));
    }
  return TRUE;
}

static gboolean
has_units (Layerwise *self, const FwSegment *segment)
{
  for (guint i = 0; i < self->trial->units->len; i++)
    if (get_unit (self, i)->node >= segment->first && get_unit (self, i)->node < segment->end)
      return TRUE;
  return FALSE;
}

static void
plan_noise (Layerwise *self)
{
  g_autoptr (GArray) places = g_array_new (FALSE, FALSE, sizeof (guint));

  for (guint i = 0; i + 1 < self->segments->len; i++)
    if (has_units (self, self->segments->pdata[i]))
      g_array_append_val (places, i);
  self->n_noises = MIN (places->len, MAX_NOISES);
  self->noise_at = g_new0 (guint, self->n_noises + 1);
  self->noise_size = g_new0 (double, self->n_noises + 1);
  for (guint k = 0; k < self->n_noises; k++)
    self->noise_at[k] = g_array_index (places, guint, k * places->len / self->n_noises);
  self->n_rows = MIN (self->trial->rows->len, MAX_ROWS);
  self->n_slots = self->n_rows + self->n_noises * NOISE_ROWS;
  self->n_live = self->n_rows;
  self->answers = g_new0 (GPtrArray *, self->n_slots + 1);
  for (guint i = 0; i < self->n_slots; i++)
    {
      self->answers[i] = g_ptr_array_new_with_free_func (unref_tensor);
      g_ptr_array_set_size (self->answers[i], self->n_scores);
    }
}

static void
layerwise_clear (Layerwise *self)
{
  g_hash_table_unref (self->shelves);
  g_hash_table_unref (self->last_use);
  g_hash_table_unref (self->scores);
  for (guint i = 0; i < self->n_slots; i++)
    g_ptr_array_unref (self->answers[i]);
  g_free (self->answers);
  g_free (self->noise_at);
  g_free (self->noise_size);
  g_free (self->at_8);
  g_free (self->at_4);
  g_free (self->segment_of);
  g_clear_pointer (&self->segments, g_ptr_array_unref);
  g_clear_pointer (&self->model, fw_model_unref);
}

gboolean
fw_layerwise_measure (const FwTrial *trial,
                      guint64 piece_size,
                      FwUnitHarm *harms,
                      FwProgress *progress,
                      GCancellable *cancellable,
                      GError **error)
{
  Layerwise self = { .trial = trial, .harms = harms, .cancellable = cancellable };
  guint noise = 0;
  gboolean ok;

  g_return_val_if_fail (trial->rows->len > 0, FALSE);

  self.last_use = g_hash_table_new (g_str_hash, g_str_equal);
  self.scores = g_hash_table_new (g_str_hash, g_str_equal);
  self.shelves = g_hash_table_new_full (g_str_hash, g_str_equal, NULL,
                                        (GDestroyNotify) fw_tensor_shelf_free);
  self.at_8 = g_new0 (double, trial->units->len + 1);
  self.at_4 = g_new0 (double, trial->units->len + 1);
  self.segment_of = g_new0 (guint, trial->units->len + 1);
  ok = cut (&self, piece_size, error);
  if (ok)
    {
      plan_noise (&self);
      ok = shelve_rows (&self, error);
    }
  for (guint i = 0; ok && i < self.segments->len; i++)
    {
      ok = !g_cancellable_set_error_if_cancelled (cancellable, error)
           && run_segment (&self, i, &noise, error);
      fw_progress_report (progress, (i + 1.0) / self.segments->len);
    }
  if (ok)
    fill_harms (&self);
  layerwise_clear (&self);
  return ok;
}
