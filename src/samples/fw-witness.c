/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-witness.h"

#include <math.h>

/* Added to probabilities before the logarithm, so that one picture can't outvote all others. */
#define VIEW_FLOOR 0.01
#define LABEL_FLOOR 0.02
/* A distance between statistics that says nothing: samples are few, and other than in training. */
#define USUAL_DISTANCE 0.02
#define MAX_DISTANCE 50.0
/* With labels to go by, the other evidence is only there to decide between equals. */
#define EVIDENCE_WEIGHT 0.25

FwWitness *
fw_witness_new (FwPreprocess *preprocess, double doubt, FwProbe *probe)
{
  FwWitness *self = g_new0 (FwWitness, 1);

  self->preprocess = preprocess;
  self->doubt = doubt;
  self->total = g_array_new (FALSE, TRUE, sizeof (double));
  self->last = g_array_new (FALSE, TRUE, sizeof (double));
  self->answers = g_array_new (FALSE, TRUE, sizeof (guint));
  self->n_norms = fw_probe_get_n_norms (probe);
  self->sums = g_new0 (double *, MAX (self->n_norms, 1));
  self->squares = g_new0 (double *, MAX (self->n_norms, 1));
  for (guint i = 0; i < self->n_norms; i++)
    {
      self->sums[i] = g_new0 (double, fw_probe_get_norm (probe, i)->n);
      self->squares[i] = g_new0 (double, fw_probe_get_norm (probe, i)->n);
    }
  return self;
}

void
fw_witness_free (FwWitness *self)
{
  if (self == NULL)
    return;
  fw_preprocess_free (self->preprocess);
  g_array_unref (self->total);
  g_array_unref (self->last);
  g_array_unref (self->answers);
  for (guint i = 0; i < self->n_norms; i++)
    {
      g_free (self->sums[i]);
      g_free (self->squares[i]);
    }
  g_free (self->sums);
  g_free (self->squares);
  g_free (self);
}

void
fw_witness_hear (FwWitness *self, const GArray *probabilities, int label)
{
  const double *values = (const double *) probabilities->data;
  guint best = 0;

  self->n++;
  if (probabilities->len == 0 || (self->total->len > 0 && self->total->len != probabilities->len))
    {
      g_array_set_size (self->last, 0);
      return;
    }
  g_array_set_size (self->total, probabilities->len);
  g_array_set_size (self->last, 0);
  g_array_append_vals (self->last, values, probabilities->len);
  for (guint i = 0; i < probabilities->len; i++)
    {
      g_array_index (self->total, double, i) += values[i];
      if (values[i] > values[best])
        best = i;
    }
  g_array_append_val (self->answers, best);
  if (label >= 0)
    {
      const double value = (guint) label < probabilities->len ? values[label] : 0;

      self->n_labelled++;
      self->n_right += (guint) label == best;
      self->likelihood += log (LABEL_FLOOR + (1 - LABEL_FLOOR) * value);
    }
}

void
fw_witness_hear_again (FwWitness *self, const GArray *probabilities, guint n_views)
{
  const double *values = (const double *) probabilities->data;
  const double whole = 1 + VIEW_FLOOR * probabilities->len;
  double sum = 0;

  if (probabilities->len == 0 || probabilities->len != self->last->len)
    return;
  for (guint i = 0; i < probabilities->len; i++)
    {
      const double before = g_array_index (self->last, double, i);

      if (before > 0)
        sum += before * log ((values[i] + VIEW_FLOOR) / whole);
    }
  self->steadiness += sum / n_views;
}

double
fw_witness_get_information (const FwWitness *self)
{
  const guint n = self->answers->len;
  double entropy = 0;

  if (n == 0)
    return 0;
  for (guint i = 0; i < self->total->len; i++)
    {
      const double share = g_array_index (self->total, double, i) / n;

      if (share > 0)
        entropy -= share * log (share);
    }
  return entropy + self->steadiness / n;
}

/* The mean over channels of the divergence between the normal distributions seen and stored. */
static double
get_distance (const double *sums, const double *squares, guint n, const FwNorm *norm)
{
  double usual = 0, distance = 0;

  for (guint c = 0; c < norm->n; c++)
    usual += MAX (norm->variance[c], 0) / norm->n;
  /* A channel that hardly ever moved in training would drown all others. */
  usual = MAX (usual * 1e-3, 1e-12);
  for (guint c = 0; c < norm->n; c++)
    {
      const double mean = sums[c] / n;
      const double variance = MAX (squares[c] / n - mean * mean, 0) + usual;
      const double stored = MAX (norm->variance[c], 0) + usual;
      const double shift = mean - norm->mean[c];
      const double one = 0.5 * (log (stored / variance) + (variance + shift * shift) / stored - 1);

      distance += isfinite (one) ? CLAMP (one, 0, MAX_DISTANCE) : MAX_DISTANCE;
    }
  return distance / norm->n;
}

double
fw_witness_get_strangeness (const FwWitness *self, FwProbe *probe)
{
  double first = 0, all = 0;

  if (self->n == 0 || self->n_norms == 0)
    return 0;
  for (guint i = 0; i < self->n_norms; i++)
    {
      const double distance
          = get_distance (self->sums[i], self->squares[i], self->n, fw_probe_get_norm (probe, i));

      if (i == 0)
        first = distance;
      all += distance / self->n_norms;
    }
  /* The first layer sees the colours as such; the others see whether it could make sense of them.
   */
  return 0.5 * (log1p (first / USUAL_DISTANCE) + log1p (all / USUAL_DISTANCE));
}

double
fw_witness_get_score (const FwWitness *self, FwProbe *probe, gboolean use_labels)
{
  const double evidence
      = fw_witness_get_information (self) - fw_witness_get_strangeness (self, probe);

  if (use_labels && self->n_labelled > 0)
    return EVIDENCE_WEIGHT * evidence + self->likelihood / self->n_labelled - self->doubt;
  return evidence - self->doubt;
}

double
fw_witness_get_agreement (const FwWitness *self, const FwWitness *other)
{
  const guint n = MIN (self->answers->len, other->answers->len);
  guint same = 0;

  for (guint i = 0; i < n; i++)
    same += g_array_index (self->answers, guint, i) == g_array_index (other->answers, guint, i);
  return n > 0 ? (double) same / n : 1;
}
