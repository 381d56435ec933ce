/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-detective.h"

#include <math.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-parallel.h"
#include "fw-presets.h"
#include "fw-resample.h"
#include "fw-witness.h"

/* The pictures held for all candidates together, in bytes. */
#define MAX_HELD (256 * 1024 * 1024)
/* How far the less usual way to resize must be ahead, in nats: the two differ little, which of them
 * the model was tested with is a matter of custom, and few labels can't tell. */
#define RESIZE_MARGIN 0.5
#define RESIZE_MARGIN_LABELS 1.0
/* Pictures that are all as large as the model's input were made for it: nothing is cut off them
 * without need. */
#define RESIZE_MARGIN_EXACT -0.5
#define SURE_MARGIN 0.1
#define SURE_AGREEMENT 0.95

/* A contest in rounds: after so many pictures only so many candidates go on, and none that is so
 * far behind. */
static const struct
{
  guint n_pictures, n_left;
  double margin;
} rounds[] = { { 8, 6, 2.0 }, { 24, 3, 0.5 }, { G_MAXUINT, 1, 0 } };

typedef enum
{
  VIEW_PLAIN,
  VIEW_SHIFTED,
  VIEW_DIMMED,
  VIEW_MIRRORED, /* last: digits and letters have no mirror images */
  N_VIEWS,
} View;

/* A way to resize, and what it made of each sample: NULL for those not readable. */
typedef struct
{
  FwPreprocess *shape; /* only its resizing counts */
  FwPicture **pictures;
} Format;

typedef struct
{
  FwProbe *probe;
  GPtrArray *samples;
  guint n;            /* of them looked at, and readable: moved to the front of @order */
  guint *order;       /* positions in @samples */
  GPtrArray *formats; /* of Format */
  guint n_held;
  GError **errors;  /* per sample */
  int n_other_size; /* pictures that are not as large as the input; counted on any thread */
  GArray *answer;   /* of double */
  FwProgress *progress;
  guint n_runs, n_runs_expected;
  GCancellable *cancellable;
} Case;

static void
suspect_free (gpointer data)
{
  FwSuspect *self = data;

  fw_preprocess_free (self->preprocess);
  g_free (self);
}

void
fw_verdict_free (FwVerdict *self)
{
  if (self == NULL)
    return;
  g_ptr_array_unref (self->suspects);
  g_free (self->reason);
  g_free (self);
}

/* Pictures ------------------------------------------------------------------------------------ */

static gboolean
same_format (const FwPreprocess *a, const FwPreprocess *b)
{
  return a->resize == b->resize && a->width == b->width && a->height == b->height
         && a->crop_from == b->crop_from;
}

static Format *
find_format (Case *self, const FwPreprocess *preprocess)
{
  for (guint i = 0; i < self->formats->len; i++)
    if (same_format (((Format *) self->formats->pdata[i])->shape, preprocess))
      return self->formats->pdata[i];
  return NULL;
}

/* Decodes one sample, once for all formats. Runs on any thread. */
static void
decode_sample (guint index, gpointer user_data)
{
  Case *self = user_data;
  const FwSample *sample = self->samples->pdata[index];
  g_autoptr (FwPicture) picture = NULL;

  if (g_cancellable_is_cancelled (self->cancellable))
    return;
  picture = fw_picture_load (sample->path, &self->errors[index]);
  for (guint i = 0; picture != NULL && i < self->formats->len; i++)
    {
      Format *format = self->formats->pdata[i];

      if (picture->width != format->shape->width || picture->height != format->shape->height)
        g_atomic_int_inc (&self->n_other_size);

      format->pictures[index] = fw_picture_fit (picture, format->shape);
    }
}

static void
add_format (Case *self, const FwPreprocess *preprocess)
{
  Format *format;

  if (find_format (self, preprocess) != NULL)
    return;
  format = g_new0 (Format, 1);
  format->shape = fw_preprocess_copy (preprocess);
  g_ptr_array_add (self->formats, format);
}

static gboolean
decode_samples (Case *self, GPtrArray *candidates, guint max_samples, guint threads, GError **error)
{
  gsize bytes = 1;
  guint first_bad = G_MAXUINT;

  for (guint i = 0; i < candidates->len; i++)
    add_format (self, candidates->pdata[i]);
  for (guint i = 0; i < self->formats->len; i++)
    {
      const FwPreprocess *shape = ((Format *) self->formats->pdata[i])->shape;

      bytes += (gsize) shape->width * shape->height * 3;
    }
  self->n_held = MIN (max_samples, self->samples->len);
  self->n_held = MIN (self->n_held, MAX (MAX_HELD / bytes, 4));
  self->errors = g_new0 (GError *, MAX (self->n_held, 1));
  self->order = g_new0 (guint, MAX (self->n_held, 1));
  for (guint i = 0; i < self->formats->len; i++)
    ((Format *) self->formats->pdata[i])->pictures = g_new0 (FwPicture *, MAX (self->n_held, 1));

  fw_parallel_for (self->n_held, threads, decode_sample, self);
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  for (guint i = 0; i < self->n_held; i++)
    if (self->errors[i] == NULL)
      self->order[self->n++] = i;
    else
      first_bad = MIN (first_bad, i);
  if (self->n > 0)
    return TRUE;
  if (first_bad != G_MAXUINT)
    g_propagate_error (error, g_steal_pointer (&self->errors[first_bad]));
  else
    g_set_error_literal (error, FW_ERROR, FW_ERROR_NO_SAMPLES, _ ("There are no pictures there."));
  return FALSE;
}

static void
case_clear (Case *self)
{
  for (guint i = 0; i < self->formats->len; i++)
    {
      Format *format = self->formats->pdata[i];

      for (guint j = 0; format->pictures != NULL && j < self->n_held; j++)
        fw_picture_free (format->pictures[j]);
      g_free (format->pictures);
      fw_preprocess_free (format->shape);
      g_free (format);
    }
  for (guint i = 0; self->errors != NULL && i < self->n_held; i++)
    g_clear_error (&self->errors[i]);
  g_free (self->errors);
  g_free (self->order);
  g_ptr_array_unref (self->formats);
  g_array_unref (self->answer);
  g_clear_pointer (&self->probe, fw_probe_free);
}

/* @picture moved a little to the lower right; its edges fill the gap. */
static void
shift (const FwPicture *picture, FwPicture *view)
{
  const int step = MAX ((int) rint (picture->width * 0.06), 1);

  for (int y = 0; y < view->height; y++)
    for (int x = 0; x < view->width; x++)
      memcpy (view->pixels + ((gsize) y * view->width + x) * 3,
              picture->pixels
                  + ((gsize) MAX (y - step, 0) * picture->width + MAX (x - step, 0)) * 3,
              3);
}

static void
mirror (const FwPicture *picture, FwPicture *view)
{
  for (int y = 0; y < view->height; y++)
    for (int x = 0; x < view->width; x++)
      memcpy (view->pixels + ((gsize) y * view->width + x) * 3,
              picture->pixels + ((gsize) y * picture->width + picture->width - 1 - x) * 3, 3);
}

static void
dim (const FwPicture *picture, FwPicture *view)
{
  const gsize n = (gsize) picture->width * picture->height * 3;

  for (gsize i = 0; i < n; i++)
    view->pixels[i] = (picture->pixels[i] * 3 + 2) / 4;
}

static FwPicture *
make_view (const FwPicture *picture, View kind)
{
  FwPicture *view = fw_picture_new (picture->width, picture->height);

  if (kind == VIEW_SHIFTED)
    shift (picture, view);
  else if (kind == VIEW_MIRRORED)
    mirror (picture, view);
  else
    dim (picture, view);
  return view;
}

/* Questioning --------------------------------------------------------------------------------- */

static guint
count_views (const FwPreprocess *preprocess)
{
  return preprocess->channels == FW_CHANNELS_GREY ? VIEW_MIRRORED : N_VIEWS;
}

static void
count_run (Case *self)
{
  self->n_runs++;
  fw_progress_report (self->progress, MIN ((double) self->n_runs / self->n_runs_expected, 1.0));
}

/* Shows one view of a picture to the model. FALSE only when cancelled or out of memory; a model
 * that can't run with this preparation makes the witness fail. */
static gboolean
show (Case *self, FwWitness *witness, const FwPicture *picture, gboolean plain, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (FwTensor) tensor = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  count_run (self);
  tensor = fw_picture_fill_tensor (picture, witness->preprocess, &local);
  if (tensor != NULL
      && fw_probe_ask (self->probe, tensor, self->answer, plain ? witness->sums : NULL,
                       plain ? witness->squares : NULL, self->cancellable, &local))
    return TRUE;
  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (local, FW_ERROR, FW_ERROR_OUT_OF_MEMORY))
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  g_debug ("%s: %s", witness->preprocess->name, local->message);
  witness->failed = TRUE;
  return TRUE;
}

/* Shows one picture to the model in all views. */
static gboolean
question (Case *self, FwWitness *witness, guint index, GError **error)
{
  const guint n_views = count_views (witness->preprocess);
  const Format *format = find_format (self, witness->preprocess);
  const FwSample *sample = self->samples->pdata[self->order[index]];
  const FwPicture *picture = format->pictures[self->order[index]];

  if (!show (self, witness, picture, TRUE, error))
    return FALSE;
  if (witness->failed)
    return TRUE;
  if (fw_probe_has_answers (self->probe) && self->answer->len == 0)
    {
      witness->failed = TRUE;
      return TRUE;
    }
  fw_witness_hear (witness, self->answer, sample->label);
  if (!fw_probe_has_answers (self->probe))
    return TRUE;
  for (guint kind = VIEW_SHIFTED; kind < n_views; kind++)
    {
      g_autoptr (FwPicture) view = make_view (picture, kind);

      if (!show (self, witness, view, FALSE, error))
        return FALSE;
      fw_witness_hear_again (witness, self->answer, n_views - 1);
    }
  return TRUE;
}

static gboolean
question_all (Case *self, GPtrArray *witnesses, guint n, guint from, guint to, GError **error)
{
  for (guint i = from; i < to; i++)
    for (guint j = 0; j < n; j++)
      {
        FwWitness *witness = witnesses->pdata[j];

        if (!witness->failed && !question (self, witness, i, error))
          return FALSE;
      }
  return TRUE;
}

/* Judging ------------------------------------------------------------------------------------- */

/* The share of labelled samples that belong to the most frequent class. */
static double
get_largest_class (Case *self, guint n)
{
  g_autoptr (GHashTable) counts = g_hash_table_new (NULL, NULL);
  guint largest = 0, total = 0;

  for (guint i = 0; i < n; i++)
    {
      const FwSample *sample = self->samples->pdata[self->order[i]];
      guint count;

      if (sample->label < 0)
        continue;
      count = GPOINTER_TO_UINT (g_hash_table_lookup (counts, GINT_TO_POINTER (sample->label))) + 1;
      g_hash_table_insert (counts, GINT_TO_POINTER (sample->label), GUINT_TO_POINTER (count));
      largest = MAX (largest, count);
      total++;
    }
  return total > 0 ? (double) largest / total : 1;
}

/* Whether the labels and the model's classes have to do with each other: some candidate is right
 * far more often than one that always names the most frequent class. Indices that are only an order
 * of names, or counted from another class, are not. */
static gboolean
labels_count (Case *self, GPtrArray *witnesses, guint n)
{
  const double base = get_largest_class (self, n);
  double best = 0;
  guint n_labelled = 0;

  for (guint i = 0; i < witnesses->len; i++)
    {
      const FwWitness *witness = witnesses->pdata[i];

      if (witness->failed || witness->n_labelled * 2 < n || witness->n < n)
        continue;
      n_labelled = witness->n_labelled;
      best = MAX (best, (double) witness->n_right / n_labelled);
    }
  return n_labelled >= 4 && base < 1 && best - base > 0.1
         && (best - base) / sqrt (base * (1 - base) / n_labelled) > 3;
}

typedef struct
{
  FwProbe *probe;
  gboolean use_labels;
} Ranking;

static double
rank_score (const FwWitness *witness, const Ranking *ranking)
{
  return witness->failed ? -G_MAXDOUBLE
                         : fw_witness_get_score (witness, ranking->probe, ranking->use_labels);
}

static int
compare_witnesses (gconstpointer a, gconstpointer b, gpointer user_data)
{
  const FwWitness *first = *(FwWitness *const *) a, *second = *(FwWitness *const *) b;
  const double one = rank_score (first, user_data), other = rank_score (second, user_data);

  if (first->failed != second->failed)
    return first->failed ? 1 : -1;
  if (first->stage != second->stage)
    return first->stage > second->stage ? -1 : 1;
  return one > other ? -1 : one < other;
}

/* How many of the first @n go on after round @round; they are sorted. */
static guint
count_left (GPtrArray *witnesses, guint n, guint round, const Ranking *ranking)
{
  const double best = rank_score (witnesses->pdata[0], ranking);
  guint left = 1;

  while (left < MIN (n, rounds[round].n_left)
         && best - rank_score (witnesses->pdata[left], ranking) < rounds[round].margin)
    left++;
  return left;
}

/* Lets the candidates compete; the best comes first in @witnesses. */
static gboolean
hold_contest (Case *self, GPtrArray *witnesses, gboolean *use_labels, GError **error)
{
  guint from = 0, n = witnesses->len;

  for (guint r = 0; r < G_N_ELEMENTS (rounds) && from < self->n && (r == 0 || n > 1); r++)
    {
      const guint to = MIN (rounds[r].n_pictures, self->n);
      Ranking ranking = { .probe = self->probe };

      if (!question_all (self, witnesses, n, from, to, error))
        return FALSE;
      for (guint i = 0; i < n; i++)
        ((FwWitness *) witnesses->pdata[i])->stage = r + 1;
      *use_labels = labels_count (self, witnesses, to);
      ranking.use_labels = *use_labels;
      g_ptr_array_sort_with_data (witnesses, compare_witnesses, &ranking);
      from = to;
      n = count_left (witnesses, n, r, &ranking);
    }
  return TRUE;
}

static gboolean
same_but_resize (const FwPreprocess *a, const FwPreprocess *b)
{
  g_autoptr (FwPreprocess) other = fw_preprocess_copy (b);

  other->resize = a->resize;
  other->crop_from = a->crop_from;
  return fw_preprocess_equal (a, other);
}

static double
get_resize_margin (Case *self, const FwPreprocess *preprocess, gboolean use_labels)
{
  if (self->n_other_size == 0 && preprocess->resize == FW_RESIZE_STRETCH)
    return RESIZE_MARGIN_EXACT;
  return use_labels ? RESIZE_MARGIN_LABELS : RESIZE_MARGIN;
}

/* Tries the winner's values with the other ways to resize; the one in place is left only for one
 * that is far better. */
static gboolean
try_resizes (Case *self,
             GPtrArray *witnesses,
             GPtrArray *candidates,
             gboolean use_labels,
             GError **error)
{
  const Ranking ranking = { .probe = self->probe, .use_labels = use_labels };
  FwWitness *winner = witnesses->pdata[0];

  for (guint i = 0; i < candidates->len; i++)
    {
      const FwPreprocess *candidate = candidates->pdata[i];
      g_autoptr (GPtrArray) one = g_ptr_array_new ();
      FwWitness *witness;

      if (candidate->resize == winner->preprocess->resize
          || !same_but_resize (winner->preprocess, candidate))
        continue;
      witness = fw_witness_new (fw_preprocess_copy (candidate), winner->doubt, self->probe);
      witness->stage = winner->stage;
      g_ptr_array_add (one, witness);
      /* The same pictures that the winner was asked about. */
      if (!question_all (self, one, 1, 0, winner->n, error))
        {
          fw_witness_free (witness);
          return FALSE;
        }
      witness->doubt += get_resize_margin (self, witness->preprocess, use_labels);
      g_ptr_array_insert (witnesses,
                          rank_score (witness, &ranking) > rank_score (winner, &ranking) ? 0 : 1,
                          witness);
      break;
    }
  return TRUE;
}

/* Whether the winner is clearly ahead of all that would change answers. */
static gboolean
is_sure (Case *self, GPtrArray *witnesses, gboolean use_labels)
{
  const Ranking ranking = { .probe = self->probe, .use_labels = use_labels };
  const FwWitness *winner = witnesses->pdata[0];
  const guint n_classes = winner->total->len;

  if (!fw_probe_has_answers (self->probe) && fw_probe_get_n_norms (self->probe) == 0)
    return FALSE;
  /* The same answer to everything is no evidence. */
  if (fw_probe_get_n_norms (self->probe) == 0 && !use_labels
      && fw_witness_get_information (winner) < 0.1 * log (MAX (MIN (n_classes, self->n), 2)))
    return FALSE;
  for (guint i = 1; i < witnesses->len; i++)
    {
      const FwWitness *other = witnesses->pdata[i];

      if (other->failed || other->stage < winner->stage
          || same_but_resize (winner->preprocess, other->preprocess))
        continue;
      if (rank_score (winner, &ranking) - rank_score (other, &ranking) < SURE_MARGIN
          && (!fw_probe_has_answers (self->probe)
              || fw_witness_get_agreement (winner, other) < SURE_AGREEMENT))
        return FALSE;
    }
  return TRUE;
}

static char *
make_reason (Case *self, gboolean use_labels)
{
  if (use_labels)
    return g_strdup (_ ("with it the model agrees best with your labels"));
  if (fw_probe_get_n_norms (self->probe) > 0 && fw_probe_has_answers (self->probe))
    return g_strdup (_ ("your pictures then look to the model most like those it learned from, "
                        "and its answers are the surest and steadiest"));
  if (fw_probe_get_n_norms (self->probe) > 0)
    return g_strdup (_ ("your pictures then look to the model most like those it learned from"));
  if (fw_probe_has_answers (self->probe))
    return g_strdup (_ ("the model's answers are then the surest, most varied and steadiest"));
  return g_strdup (_ ("it is the most usual one for models of this size"));
}

static FwVerdict *
make_verdict (Case *self, GPtrArray *witnesses, gboolean use_labels)
{
  const Ranking ranking = { .probe = self->probe, .use_labels = use_labels };
  FwVerdict *verdict = g_new0 (FwVerdict, 1);
  double worst = G_MAXDOUBLE;

  verdict->suspects = g_ptr_array_new_with_free_func (suspect_free);
  verdict->sure = is_sure (self, witnesses, use_labels);
  verdict->reason = make_reason (self, use_labels);
  for (guint i = 0; i < witnesses->len; i++)
    {
      const FwWitness *witness = witnesses->pdata[i];
      FwSuspect *suspect;

      if (witness->failed)
        continue;
      suspect = g_new0 (FwSuspect, 1);
      suspect->preprocess = fw_preprocess_copy (witness->preprocess);
      /* Who left early saw other pictures than who stayed. */
      worst = MIN (worst, rank_score (witness, &ranking));
      suspect->score = worst;
      suspect->accuracy
          = witness->n_labelled > 0 ? (double) witness->n_right / witness->n_labelled : -1;
      g_ptr_array_add (verdict->suspects, suspect);
    }
  return verdict;
}

/* Candidates that are resized the usual way, which comes first. */
static GPtrArray *
make_witnesses (Case *self, GPtrArray *candidates)
{
  GPtrArray *witnesses = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_witness_free);

  for (guint i = 0; i < candidates->len; i++)
    {
      const FwPreprocess *candidate = candidates->pdata[i];
      const FwPreset *preset = fw_preset_find (candidate->name);
      const gboolean small = MIN (candidate->width, candidate->height) <= FW_PRESET_SMALL_SIDE;

      if (preset != NULL)
        g_ptr_array_add (witnesses,
                         fw_witness_new (fw_preprocess_copy (candidate),
                                         small ? preset->small_doubt : preset->doubt, self->probe));
    }
  return witnesses;
}

static void
expect_runs (Case *self, guint n_witnesses, guint n_views)
{
  guint from = 0, n = n_witnesses;

  for (guint r = 0; r < G_N_ELEMENTS (rounds); r++)
    {
      const guint to = MIN (rounds[r].n_pictures, self->n);

      self->n_runs_expected += n * (to - from) * n_views;
      from = to;
      n = MIN (n, rounds[r].n_left);
    }
  self->n_runs_expected += self->n * n_views;
}

static FwVerdict *
investigate (Case *self, GPtrArray *candidates, GError **error)
{
  g_autoptr (GPtrArray) witnesses = make_witnesses (self, candidates);
  gboolean use_labels = FALSE;

  expect_runs (self, witnesses->len, count_views (candidates->pdata[0]));
  if (!hold_contest (self, witnesses, &use_labels, error))
    return NULL;
  if (((FwWitness *) witnesses->pdata[0])->failed)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED,
                           _ ("The model could not be run on any of the pictures, however they "
                              "were prepared."));
      return NULL;
    }
  if (!try_resizes (self, witnesses, candidates, use_labels, error))
    return NULL;
  fw_progress_report (self->progress, 1.0);
  return make_verdict (self, witnesses, use_labels);
}

FwVerdict *
fw_detective_run (FwModel *model,
                  GPtrArray *samples,
                  guint max_samples,
                  guint threads,
                  FwProgress *progress,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GPtrArray) candidates = NULL;
  FwVerdict *verdict = NULL;
  Case self = { .samples = samples, .progress = progress, .cancellable = cancellable };

  self.formats = g_ptr_array_new ();
  self.answer = g_array_new (FALSE, FALSE, sizeof (double));
  self.probe = fw_probe_new (model, threads, error);
  if (self.probe != NULL)
    candidates = fw_preprocess_candidates (fw_probe_get_input (self.probe), error);
  if (candidates != NULL && decode_samples (&self, candidates, max_samples, threads, error))
    verdict = investigate (&self, candidates, error);
  case_clear (&self);
  return verdict;
}
