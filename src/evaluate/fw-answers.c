/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <math.h>

#include <glib/gi18n-lib.h>

#include "fw-answers.h"
#include "fw-error.h"

/* How far a sum of float32 probabilities may be from 1: float16 weights and many classes round. */
#define SUM_TOLERANCE 5e-3

/* One answer --------------------------------------------------------------------------------- */

static gboolean
is_one_list (FwTensor *output)
{
  const gint64 *dims = fw_tensor_get_dims (output);
  gint64 n = (gint64) fw_tensor_get_n_elements (output);

  if (n < 2)
    return FALSE;
  for (guint i = 0; i < fw_tensor_get_n_dims (output); i++)
    if (dims[i] != 1 && dims[i] != n)
      return FALSE;
  return TRUE;
}

/* NaN is worse than anything. */
static gboolean
is_better (float value, float other)
{
  return value > other || (isnan (other) && !isnan (value));
}

static void
find_top (FwAnswer *self, const float *scores)
{
  for (guint i = 0; i < self->n_classes; i++)
    {
      guint at;

      if (self->n == FW_ANSWER_TOP && !is_better (scores[i], scores[self->index[self->n - 1]]))
        continue;
      if (self->n < FW_ANSWER_TOP)
        self->n++;
      for (at = self->n - 1; at > 0 && is_better (scores[i], scores[self->index[at - 1]]); at--)
        self->index[at] = self->index[at - 1];
      self->index[at] = i;
    }
}

static gboolean
are_probabilities (const float *scores, gsize n)
{
  double sum = 0;

  for (gsize i = 0; i < n; i++)
    {
      if (scores[i] < 0 || scores[i] > 1 + SUM_TOLERANCE)
        return FALSE;
      sum += scores[i];
    }
  return fabs (sum - 1) <= SUM_TOLERANCE;
}

static void
find_probabilities (FwAnswer *self, const float *scores)
{
  double sum = 0;

  if (!self->finite)
    return;
  if (are_probabilities (scores, self->n_classes))
    {
      for (guint i = 0; i < self->n; i++)
        self->probability[i] = MIN (scores[self->index[i]], 1);
      return;
    }
  for (guint i = 0; i < self->n_classes; i++)
    sum += exp ((double) scores[i] - scores[self->index[0]]);
  for (guint i = 0; i < self->n; i++)
    self->probability[i]
        = (float) (exp ((double) scores[self->index[i]] - scores[self->index[0]]) / sum);
}

/* The number of a class by itself. */
static gboolean
read_class (FwAnswer *self, FwTensor *output)
{
  const FwElementType type = fw_tensor_get_element_type (output);
  gint64 value;

  if (fw_tensor_get_n_elements (output) != 1
      || (type != FW_ELEMENT_INT64 && type != FW_ELEMENT_INT32))
    return FALSE;
  value = type == FW_ELEMENT_INT64 ? *(gint64 *) fw_tensor_get_data (output)
                                   : *(gint32 *) fw_tensor_get_data (output);
  self->n = 1;
  self->index[0] = (guint) value;
  self->probability[0] = 1;
  return TRUE;
}

gboolean
fw_answer_read (FwAnswer *self, FwTensor *output, GError **error)
{
  g_autofree float *scores = NULL;

  *self = (FwAnswer){ .finite = TRUE };
  if (output != NULL && read_class (self, output))
    return TRUE;
  if (output != NULL && is_one_list (output))
    scores = fw_tensor_to_floats (output);
  if (scores == NULL || fw_tensor_get_n_elements (output) > G_MAXINT)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                           _ ("The model does not answer with one score for each name."));
      return FALSE;
    }

  self->n_classes = (guint) fw_tensor_get_n_elements (output);
  for (guint i = 0; i < self->n_classes && self->finite; i++)
    self->finite = isfinite (scores[i]);
  find_top (self, scores);
  find_probabilities (self, scores);
  return TRUE;
}

/* Many answers ------------------------------------------------------------------------------- */

static gboolean
is_same (const FwAnswer *original, const FwAnswer *other)
{
  /* The top of scores that are not numbers is no answer. */
  if (original->finite && !other->finite)
    return FALSE;
  return original->n > 0 && other->n > 0 && original->index[0] == other->index[0];
}

/* The place of @label among the answers, or FW_ANSWER_TOP. */
static guint
find_label (const FwAnswer *answer, int label)
{
  if (!answer->finite)
    return FW_ANSWER_TOP;
  for (guint i = 0; i < answer->n; i++)
    if (answer->index[i] == (guint) label)
      return i;
  return FW_ANSWER_TOP;
}

static void
count_label (FwAccuracy *accuracy, guint place)
{
  accuracy->total++;
  accuracy->n_top1 += place == 0;
  accuracy->n_top5 += place < FW_ANSWER_TOP;
}

static void
finish_accuracy (FwAccuracy *accuracy)
{
  if (accuracy->total > 0)
    {
      accuracy->top1 = (double) accuracy->n_top1 / accuracy->total;
      accuracy->top5 = (double) accuracy->n_top5 / accuracy->total;
    }
  accuracy->interval = fw_wilson_interval (accuracy->n_top1, accuracy->total);
}

static void
count_class (GHashTable *by_label, int label, gboolean original_right, gboolean other_right)
{
  FwClassAccuracy *class = g_hash_table_lookup (by_label, GINT_TO_POINTER (label));

  if (class == NULL)
    {
      class = g_new0 (FwClassAccuracy, 1);
      class->label = label;
      g_hash_table_insert (by_label, GINT_TO_POINTER (label), class);
    }
  class->total++;
  class->original_right += original_right;
  class->other_right += other_right;
}

static int
compare_classes (gconstpointer a, gconstpointer b)
{
  const FwClassAccuracy *first = a, *second = b;

  return first->label < second->label ? -1 : first->label > second->label;
}

static GArray *
list_classes (GHashTable *by_label)
{
  GArray *classes = g_array_new (FALSE, FALSE, sizeof (FwClassAccuracy));
  GHashTableIter iter;
  gpointer class;

  g_hash_table_iter_init (&iter, by_label);
  while (g_hash_table_iter_next (&iter, NULL, &class))
    g_array_append_vals (classes, class, 1);
  g_array_sort (classes, compare_classes);
  return classes;
}

FwAgreement *
fw_agreement_new (const FwAnswer *original, const FwAnswer *other, const int *labels, guint n)
{
  FwAgreement *self = g_new0 (FwAgreement, 1);
  g_autoptr (GHashTable) by_label = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  guint only_original = 0, only_other = 0;

  for (guint i = 0; i < n; i++)
    {
      guint original_place, other_place;

      self->same.total++;
      self->same.same += is_same (&original[i], &other[i]);
      self->new_not_finite += original[i].finite && !other[i].finite;
      if (labels == NULL || labels[i] < 0)
        continue;

      original_place = find_label (&original[i], labels[i]);
      other_place = find_label (&other[i], labels[i]);
      count_label (&self->original_accuracy, original_place);
      count_label (&self->accuracy, other_place);
      count_class (by_label, labels[i], original_place == 0, other_place == 0);
      only_original += original_place == 0 && other_place != 0;
      only_other += original_place != 0 && other_place == 0;
    }

  self->same.interval = fw_wilson_interval (self->same.same, self->same.total);
  self->has_labels = self->accuracy.total > 0;
  finish_accuracy (&self->original_accuracy);
  finish_accuracy (&self->accuracy);
  self->mcnemar = fw_mcnemar (only_original, only_other);
  self->classes = list_classes (by_label);
  return self;
}

void
fw_agreement_free (FwAgreement *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->classes);
  g_free (self);
}

double
fw_sqnr (const float *original, const float *other, gsize n)
{
  double signal = 0, noise = 0;

  for (gsize i = 0; i < n; i++)
    {
      double difference = (double) original[i] - other[i];

      /* The same infinity or NaN in both is no difference. */
      if (original[i] == other[i] || (isnan (original[i]) && isnan (other[i])))
        difference = 0;
      if (isfinite (original[i]))
        signal += (double) original[i] * original[i];
      noise += difference * difference;
    }
  if (noise == 0)
    return INFINITY;
  if (!isfinite (noise) || signal == 0)
    return -INFINITY;
  return 10 * log10 (signal / noise);
}
