/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-set.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-file.h"
#include "fw-sample-finder.h"
#include "fw-sample-labels.h"

#define MIN_SAMPLES 4
#define MIN_HALF 2
#define MAX_FILE_SIZE (256 * 1024 * 1024)

struct _FwSampleSet
{
  gatomicrefcount references;
  GPtrArray *samples; /* all, rejected ones too */
  GPtrArray *calibration;
  GPtrArray *test;
  GPtrArray *unreadable;
  FwLabels *labels;
  gboolean has_labels;
  char *sha256;
};

static void
sample_free (gpointer data)
{
  FwSample *self = data;

  g_free (self->path);
  g_free (self->name);
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

/* Adds one file, unless its content is there already: then its label fills in a missing one. */
static gboolean
add_sample (FwSampleSet *self,
            const FwFoundFile *file,
            int label,
            GHashTable *by_hash,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autofree char *sha256 = fw_file_sha256 (file->path, cancellable, &local);
  FwSample *sample;

  if (sha256 == NULL)
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        {
          g_propagate_error (error, g_steal_pointer (&local));
          return FALSE;
        }
      g_ptr_array_add (self->unreadable, fw_sample_finder_make_name (file->below));
      return TRUE;
    }
  sample = g_hash_table_lookup (by_hash, sha256);
  if (sample != NULL)
    {
      if (sample->label < 0)
        sample->label = label;
      return TRUE;
    }
  sample = g_new0 (FwSample, 1);
  sample->path = g_strdup (file->path);
  sample->label = label;
  g_strlcpy (sample->sha256, sha256, sizeof sample->sha256);
  g_ptr_array_add (self->samples, sample);
  g_hash_table_insert (by_hash, sample->sha256, sample);
  return TRUE;
}

static gboolean
is_too_large (const char *path)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInfo) info = g_file_query_info (file, G_FILE_ATTRIBUTE_STANDARD_SIZE,
                                                  G_FILE_QUERY_INFO_NONE, NULL, NULL);

  return info == NULL || g_file_info_get_size (info) > MAX_FILE_SIZE;
}

static gboolean
add_samples (FwSampleSet *self,
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
      const guint n_before = self->samples->len;

      if (is_too_large (file->path))
        g_ptr_array_add (self->unreadable, fw_sample_finder_make_name (file->below));
      else if (!add_sample (self, file, self->labels->labels[i], by_hash, cancellable, error))
        return FALSE;
      if (self->samples->len > n_before)
        ((FwSample *) self->samples->pdata[n_before])->name = make_unique_name (file, paths, names);
      fw_progress_report (progress, (i + 1.0) / found->pictures->len);
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
  else if (n < MIN_SAMPLES)
    g_set_error (error, FW_ERROR, FW_ERROR_TOO_FEW_SAMPLES,
                 g_dngettext (GETTEXT_PACKAGE,
                              "There is only %u different picture; at least %u are needed.",
                              "There are only %u different pictures; at least %u are needed.", n),
                 n, (guint) MIN_SAMPLES);
  else
    return TRUE;
  return FALSE;
}

FwSampleSet *
fw_sample_set_new (const char *const *paths,
                   const char *labels,
                   guint64 seed,
                   FwProgress *progress,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (FwSampleSet) self = g_new0 (FwSampleSet, 1);
  g_autoptr (FwFound) found = NULL;

  g_return_val_if_fail (paths != NULL, NULL);

  g_atomic_ref_count_init (&self->references);
  self->samples = g_ptr_array_new_with_free_func (sample_free);
  self->calibration = g_ptr_array_new ();
  self->test = g_ptr_array_new ();
  self->unreadable = g_ptr_array_new_with_free_func (g_free);

  found = fw_sample_finder_run (paths, cancellable, error);
  if (found == NULL)
    return NULL;
  for (guint i = 0; i < found->unreadable->len; i++)
    g_ptr_array_add (self->unreadable, g_strdup (found->unreadable->pdata[i]));
  if (found->pictures->len == 0)
    {
      check_count (self, error);
      return NULL;
    }
  self->labels = fw_labels_find (found, paths, labels, error);
  if (self->labels == NULL || !add_samples (self, found, paths, progress, cancellable, error)
      || !check_count (self, error))
    return NULL;
  g_ptr_array_sort (self->unreadable, compare_strings);
  self->has_labels = self->labels->n_classes > 0;
  self->sha256 = hash_all (self->samples);
  split (self, seed);
  return g_steal_pointer (&self);
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
