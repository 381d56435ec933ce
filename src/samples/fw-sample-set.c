/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-set.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-array-samples.h"
#include "fw-error.h"
#include "fw-file.h"
#include "fw-sample-finder.h"
#include "fw-sample-labels.h"

#define MIN_SAMPLES 4
#define MIN_HALF 2
#define MAX_NAMED 4
#define MAX_PICTURE_SIZE (256 * 1024 * 1024)

struct _FwSampleSet
{
  gatomicrefcount references;
  GPtrArray *samples; /* all, rejected ones too */
  GPtrArray *calibration;
  GPtrArray *test;
  GPtrArray *unreadable;
  FwLabels *labels;
  gboolean has_labels;
  gboolean are_pictures;
  char *sha256;
};

static void
sample_free (gpointer data)
{
  FwSample *self = data;

  g_free (self->path);
  g_free (self->name);
  g_strfreev (self->parts);
  fw_arrays_unref (self->arrays);
  g_free (self);
}

FwSampleSet *
fw_sample_set_ref (FwSampleSet *self)
{
  g_atomic_ref_count_inc (&self->references);
  return self;
}

void
fw_sample_set_unref (FwSampleSet *self)
{
  if (self == NULL || !g_atomic_ref_count_dec (&self->references))
    return;
  g_clear_pointer (&self->calibration, g_ptr_array_unref);
  g_clear_pointer (&self->test, g_ptr_array_unref);
  g_clear_pointer (&self->samples, g_ptr_array_unref);
  g_clear_pointer (&self->unreadable, g_ptr_array_unref);
  g_clear_pointer (&self->labels, fw_labels_free);
  g_free (self->sha256);
  g_free (self);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Reading ------------------------------------------------------------------------------------- */

/* A name that no other sample has: the path below the folder, then the folder's name before it,
 * then a number. */
static char *
make_unique_name (const FwFoundFile *file, const char *const *paths, GHashTable *names)
{
  g_autofree char *name = fw_sample_finder_make_name (file->below);
  g_autofree char *longer = NULL;

  if (g_hash_table_add (names, g_strdup (name)))
    return g_steal_pointer (&name);
  if (g_file_test (paths[file->root], G_FILE_TEST_IS_DIR))
    {
      g_autofree char *full = g_canonicalize_filename (paths[file->root], NULL);
      g_autofree char *base = g_path_get_basename (full);
      g_autofree char *raw = g_build_filename (base, file->below, NULL);

      longer = fw_sample_finder_make_name (raw);
      if (g_hash_table_add (names, g_strdup (longer)))
        return g_steal_pointer (&longer);
    }
  for (guint i = 2;; i++)
    {
      g_autofree char *numbered = g_strdup_printf ("%s (%u)", name, i);

      if (g_hash_table_add (names, g_strdup (numbered)))
        return g_steal_pointer (&numbered);
    }
}

/* Adds one sample, unless its content is there already: then its label fills in a missing one.
 * NULL where it is not new. */
static FwSample *
add_sample (FwSampleSet *self,
            const FwFoundFile *file,
            const char *sha256,
            int label,
            GHashTable *by_hash)
{
  FwSample *sample = g_hash_table_lookup (by_hash, sha256);

  if (sample != NULL)
    {
      if (sample->label < 0)
        sample->label = label;
      return NULL;
    }
  sample = g_new0 (FwSample, 1);
  sample->path = g_strdup (file->path);
  sample->label = label;
  sample->row = -1;
  g_strlcpy (sample->sha256, sha256, sizeof sample->sha256);
  g_ptr_array_add (self->samples, sample);
  g_hash_table_insert (by_hash, sample->sha256, sample);
  return sample;
}

/* The hash of the file at @path; NULL without an error where it can't be read. */
static char *
hash_file (const char *path, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;
  char *sha256 = fw_file_sha256 (path, cancellable, &local);

  if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    g_propagate_error (error, g_steal_pointer (&local));
  return sha256;
}

static gboolean
is_too_large (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                  G_FILE_QUERY_INFO_NONE, NULL, NULL);

  return info == NULL || g_file_info_get_size (info) > MAX_PICTURE_SIZE;
}

static gboolean
add_pictures (FwSampleSet *self,
              const FwFound *found,
              const char *const *paths,
              FwProgress *progress,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GHashTable) by_hash = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < found->pictures->len; i++)
    {
      const FwFoundFile *file = found->pictures->pdata[i];
      g_autoptr (GError) local = NULL;
      g_autofree char *sha256
          = is_too_large (file->path) ? NULL : hash_file (file->path, cancellable, &local);
      FwSample *sample = NULL;

      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (sha256 == NULL)
        g_ptr_array_add (self->unreadable, fw_sample_finder_make_name (file->below));
      else
        sample = add_sample (self, file, sha256, self->labels->labels[i], by_hash);
      if (sample != NULL)
        {
          sample->name = make_unique_name (file, paths, names);
          sample->is_picture = TRUE;
        }
      fw_progress_report (progress, (i + 1.0) / found->pictures->len);
    }
  return TRUE;
}

static char *
hash_array_sample (const FwArraySample *from, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) all = g_string_new (NULL);

  if (from->arrays != NULL)
    return fw_array_sample_hash_row (from->arrays, from->row);
  if (from->parts == NULL)
    return hash_file (from->file->path, cancellable, error);
  for (guint i = 0; from->parts[i] != NULL; i++)
    {
      g_autofree char *one = *from->parts[i] != '\0'
                                 ? hash_file (from->parts[i], cancellable, error)
                                 : g_strdup ("");

      if (one == NULL)
        return NULL;
      g_string_append_printf (all, "%s;", one);
    }
  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, all->str, (gssize) all->len);
}

static gboolean
add_arrays (FwSampleSet *self,
            GPtrArray *sources,
            const char *const *paths,
            FwProgress *progress,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GHashTable) by_hash = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < sources->len; i++)
    {
      FwArraySample *from = sources->pdata[i];
      g_autoptr (GError) local = NULL;
      g_autofree char *sha256 = hash_array_sample (from, cancellable, &local);
      const int label = self->labels->labels[i] >= 0 ? self->labels->labels[i] : from->label;
      FwSample *sample;

      if (local != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      if (sha256 == NULL)
        g_ptr_array_add (self->unreadable, fw_sample_finder_make_name (from->file->below));
      else if ((sample = add_sample (self, from->file, sha256, label, by_hash)) != NULL)
        {
          sample->name = make_unique_name (from->file, paths, names);
          sample->parts = g_steal_pointer (&from->parts);
          sample->arrays = g_steal_pointer (&from->arrays);
          sample->row = from->row;
        }
      fw_progress_report (progress, (i + 1.0) / sources->len);
    }
  return TRUE;
}

/* Splitting ----------------------------------------------------------------------------------- */

typedef struct
{
  FwSample *sample;
  char *mixed; /* hash of the seed and the content's hash */
} Ticket;

static int
compare_tickets (gconstpointer a, gconstpointer b)
{
  return strcmp (((const Ticket *) a)->mixed, ((const Ticket *) b)->mixed);
}

static char *
mix (const FwSample *sample, guint64 seed)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT ":%s", seed, sample->sha256);

  return g_compute_checksum_for_string (G_CHECKSUM_SHA256, text, -1);
}

/* A sample's half is one bit of its own mixed hash, so it is the same in every company. Only where
 * that leaves a half of a tiny set without samples, those nearest the border change sides. */
static void
split (FwSampleSet *self, guint64 seed)
{
  const guint n = self->samples->len;
  g_autofree Ticket *tickets = g_new (Ticket, n);
  guint border = 0;

  for (guint i = 0; i < n; i++)
    tickets[i] = (Ticket){ self->samples->pdata[i], mix (self->samples->pdata[i], seed) };
  qsort (tickets, n, sizeof *tickets, compare_tickets);
  while (border < n && tickets[border].mixed[0] < '8')
    border++;
  border = CLAMP (border, MIN_HALF, n - MIN_HALF);
  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (i < border ? self->calibration : self->test, tickets[i].sample);
      g_free (tickets[i].mixed);
    }
}

static char *
hash_all (GPtrArray *samples)
{
  g_autoptr (GPtrArray) hashes = g_ptr_array_new ();
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < samples->len; i++)
    g_ptr_array_add (hashes, ((FwSample *) samples->pdata[i])->sha256);
  g_ptr_array_sort (hashes, compare_strings);
  for (guint i = 0; i < hashes->len; i++)
    g_checksum_update (checksum, hashes->pdata[i], 64);
  return g_strdup (g_checksum_get_string (checksum));
}

static gboolean
check_count (FwSampleSet *self, GError **error)
{
  const guint n = self->samples->len;

  if (n == 0 && self->unreadable->len == 0)
    g_set_error_literal (error, FW_ERROR, FW_ERROR_NO_SAMPLES, _ ("There are no pictures there."));
  else if (n == 0)
    g_set_error (error, FW_ERROR, FW_ERROR_NO_SAMPLES,
                 _ ("None of the pictures there can be read, “%s” among them."),
                 (char *) self->unreadable->pdata[0]);
  else if (n < MIN_SAMPLES && self->are_pictures)
    g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                 g_dngettext (GETTEXT_PACKAGE,
                              "There is only %u different picture; at least %u are needed.",
                              "There are only %u different pictures; at least %u are needed.", n),
                 n, (guint) MIN_SAMPLES);
  else if (n < MIN_SAMPLES)
    g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                 g_dngettext (GETTEXT_PACKAGE,
                              "There is only %u different sample; at least %u are needed.",
                              "There are only %u different samples; at least %u are needed.", n),
                 n, (guint) MIN_SAMPLES);
  else
    return TRUE;
  return FALSE;
}

static void
take_names (GPtrArray *to, GPtrArray *from)
{
  for (guint i = 0; i < from->len; i++)
    g_ptr_array_add (to, g_strdup (from->pdata[i]));
}

static gboolean
read_pictures (FwSampleSet *self,
               const FwFound *found,
               const char *const *paths,
               const char *labels,
               FwProgress *progress,
               GCancellable *cancellable,
               GError **error)
{
  self->are_pictures = TRUE;
  take_names (self->unreadable, found->unreadable);
  if (found->pictures->len == 0)
    return check_count (self, error);
  self->labels = fw_labels_find (found, paths, labels, error);
  return self->labels != NULL && add_pictures (self, found, paths, progress, cancellable, error);
}

/* For a model that wants something else than the pictures that are there: says what. */
static void
fail_kind (const FwInputs *inputs, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  guint n = 0;

  for (guint i = 0; i < inputs->n && n < MAX_NAMED; i++)
    if (!inputs->can_be_zero[i])
      {
        g_autofree char *name = fw_sample_finder_make_name (inputs->infos[i].name);

        g_string_append_printf (names, "%s“%s”", n++ > 0 ? ", " : "", name);
      }
  g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
               g_dngettext (GETTEXT_PACKAGE,
                            "The model’s input %s does not take pictures, and there is nothing "
                            "else.",
                            "The model’s inputs %s do not take pictures alone, and there is "
                            "nothing else.",
                            n),
               names->str);
}

/* The label column of a table whose labels are names. */
static void
take_classes (FwLabels *labels, GPtrArray *sources)
{
  const FwArraySample *first = sources->pdata[0];
  GPtrArray *classes = first->arrays != NULL ? first->arrays->classes : NULL;
  int highest = -1;

  for (guint i = 0; i < sources->len; i++)
    {
      const FwArraySample *source = sources->pdata[i];

      highest = MAX (highest, source->label);
      /* Names of several tables need not stand for the same numbers. */
      if (source->arrays != first->arrays)
        classes = NULL;
    }
  if (labels->n_classes > 0 || highest < 0)
    return;
  labels->n_classes = (guint) highest + 1;
  for (guint i = 0; classes != NULL && i < classes->len; i++)
    g_ptr_array_add (labels->names, g_strdup (classes->pdata[i]));
  labels->guessed = classes != NULL;
}

static gboolean
read_arrays (FwSampleSet *self,
             FwFound *found,
             const char *const *paths,
             const char *labels,
             const FwInputs *inputs,
             FwProgress *progress,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GPtrArray) sources = NULL;
  g_autoptr (GError) local = NULL;

  take_names (self->unreadable, found->damaged);
  sources = fw_array_samples_find (found, inputs, self->unreadable, cancellable, &local);
  if (sources == NULL)
    {
      if (found->pictures->len > 0 && found->arrays->len == 0
          && !g_cancellable_is_cancelled (cancellable))
        fail_kind (inputs, error);
      else
        g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  /* To labels they are what pictures are. */
  g_ptr_array_unref (found->pictures);
  found->pictures = g_ptr_array_new ();
  for (guint i = 0; i < sources->len; i++)
    g_ptr_array_add (found->pictures, ((FwArraySample *) sources->pdata[i])->file);
  self->labels = fw_labels_find (found, paths, labels, error);
  if (self->labels == NULL)
    return FALSE;
  take_classes (self->labels, sources);
  return add_arrays (self, sources, paths, progress, cancellable, error);
}

/* Pictures only for a model that takes them, and not where most of what is there is numbers. */
static gboolean
wants_pictures (const FwFound *found, const FwInputs *inputs)
{
  if (inputs == NULL)
    return TRUE;
  if (inputs->picture < 0)
    return FALSE;
  return found->arrays->len <= found->pictures->len || found->arrays->len == 0;
}

FwSampleSet *
fw_sample_set_new_for_inputs (const char *const *paths,
                              const char *labels,
                              guint64 seed,
                              const FwInputs *inputs,
                              FwProgress *progress,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (FwSampleSet) self = g_new0 (FwSampleSet, 1);
  g_autoptr (FwFound) found = NULL;
  gboolean ok;

  g_return_val_if_fail (paths != NULL, NULL);

  g_atomic_ref_count_init (&self->references);
  self->samples = g_ptr_array_new_with_free_func (sample_free);
  self->calibration = g_ptr_array_new ();
  self->test = g_ptr_array_new ();
  self->unreadable = g_ptr_array_new_with_free_func (g_free);

  found = fw_sample_finder_run (paths, cancellable, error);
  if (found == NULL)
    return NULL;
  ok = wants_pictures (found, inputs)
           ? read_pictures (self, found, paths, labels, progress, cancellable, error)
           : read_arrays (self, found, paths, labels, inputs, progress, cancellable, error);
  if (!ok || !check_count (self, error))
    return NULL;
  g_ptr_array_sort (self->unreadable, compare_strings);
  self->has_labels = self->labels->n_classes > 0;
  self->sha256 = hash_all (self->samples);
  split (self, seed);
  return g_steal_pointer (&self);
}

FwSampleSet *
fw_sample_set_new (const char *const *paths,
                   const char *labels,
                   guint64 seed,
                   FwProgress *progress,
                   GCancellable *cancellable,
                   GError **error)
{
  return fw_sample_set_new_for_inputs (paths, labels, seed, NULL, progress, cancellable, error);
}

/* Using --------------------------------------------------------------------------------------- */

GPtrArray *
fw_sample_set_get_calibration (FwSampleSet *self)
{
  return self->calibration;
}

GPtrArray *
fw_sample_set_get_test (FwSampleSet *self)
{
  return self->test;
}

void
fw_sample_set_reject (FwSampleSet *self, FwSample *sample, const GError *reason)
{
  if (!g_ptr_array_remove (self->calibration, sample) && !g_ptr_array_remove (self->test, sample))
    return;
  g_debug ("%s: %s", sample->name, reason != NULL ? reason->message : "set aside");
  g_ptr_array_add (self->unreadable, g_strdup (sample->name));
  g_ptr_array_sort (self->unreadable, compare_strings);
}

GPtrArray *
fw_sample_set_get_unreadable (FwSampleSet *self)
{
  return self->unreadable;
}

guint
fw_sample_set_get_n_classes (FwSampleSet *self)
{
  return self->labels->n_classes;
}

const char *
fw_sample_set_get_class_name (FwSampleSet *self, int label)
{
  if (label < 0 || (guint) label >= self->labels->names->len)
    return NULL;
  return self->labels->names->pdata[label];
}

gboolean
fw_sample_set_are_pictures (FwSampleSet *self)
{
  return self->are_pictures;
}

gboolean
fw_sample_set_has_labels (FwSampleSet *self)
{
  return self->has_labels;
}

gboolean
fw_sample_set_labels_are_guessed (FwSampleSet *self)
{
  return self->labels->guessed;
}

const char *
fw_sample_set_get_sha256 (FwSampleSet *self)
{
  return self->sha256;
}

FwTensor *
fw_sample_to_tensor (const FwSample *self, const FwPreprocess *preprocess, GError **error)
{
  g_autoptr (FwPicture) picture = fw_picture_load (self->path, error);

  return picture != NULL ? fw_picture_to_tensor (picture, preprocess, error) : NULL;
}

GPtrArray *
fw_sample_to_row (const FwSample *self,
                  FwInputs *inputs,
                  const FwPreprocess *preprocess,
                  GError **error)
{
  g_autoptr (GPtrArray) row = NULL;

  if (!self->is_picture)
    return fw_array_sample_read (self, inputs, error);
  row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  for (guint i = 0; i < inputs->n; i++)
    {
      FwTensor *tensor = (int) i == inputs->picture ? fw_sample_to_tensor (self, preprocess, error)
                                                    : fw_inputs_make_zeros (inputs, i, error);

      if (tensor == NULL)
        return NULL;
      g_ptr_array_add (row, tensor);
    }
  return g_steal_pointer (&row);
}
