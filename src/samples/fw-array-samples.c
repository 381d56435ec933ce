/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-array-samples.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"

/* So many files at most are looked into for whether they hold many samples. */
#define MAX_BATCHES 16
/* Samples taken from one file, spread over it. */
#define MAX_ROWS 20000
#define MAX_NAMED 4

void
fw_array_sample_free (FwArraySample *self)
{
  g_free (self->file->path);
  g_free (self->file->below);
  g_free (self->file);
  g_strfreev (self->parts);
  fw_arrays_unref (self->arrays);
  g_free (self);
}

static FwArraySample *
add_sample (GPtrArray *samples, const FwFoundFile *file)
{
  FwArraySample *self = g_new0 (FwArraySample, 1);

  self->file = g_new0 (FwFoundFile, 1);
  self->file->path = g_strdup (file->path);
  self->file->below = g_strdup (file->below);
  self->file->root = file->root;
  self->row = -1;
  self->label = -1;
  g_ptr_array_add (samples, self);
  return self;
}

/* Which array is for which input -------------------------------------------------------------- */

/* The tensor for input @index, or NULL. A file of one array is for the main input whatever it is
 * called; so are those that NumPy numbers by itself, in order. */
static FwTensor *
find_tensor (const FwArrays *arrays, const FwInputs *inputs, guint index)
{
  FwTensor *tensor = fw_arrays_find (arrays, inputs->infos[index].name);
  g_autofree char *numbered = g_strdup_printf ("arr_%u", index);

  if (tensor != NULL)
    return tensor;
  if (arrays->tensors->len == 1 && index == inputs->main
      && fw_inputs_find (inputs, arrays->names->pdata[0]) < 0)
    return arrays->tensors->pdata[0];
  return arrays->tensors->len == inputs->n ? fw_arrays_find (arrays, numbered) : NULL;
}

static gboolean
fail_missing (const FwArrays *arrays, const FwValueInfo *info, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);
  g_autofree char *wanted = fw_sample_finder_make_name (info->name);
  g_autofree char *there = NULL;

  for (guint i = 0; i < MIN (arrays->names->len, MAX_NAMED); i++)
    g_string_append_printf (names, "%s“%s”", i > 0 ? ", " : "", (char *) arrays->names->pdata[i]);
  there = fw_sample_finder_make_name (names->str);
  if (arrays->names->len == 1 && *(char *) arrays->names->pdata[0] == '\0')
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                 _ ("The model also takes “%s”, which a file of one array does not give."), wanted);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                 _ ("The sample has no array “%s” for the model’s input of that name; it has %s."),
                 wanted, there);
  return FALSE;
}

static gboolean
fill_row (GPtrArray *row, const FwArrays *arrays, gint64 index, FwInputs *inputs, GError **error)
{
  for (guint i = 0; i < inputs->n; i++)
    {
      FwTensor *found = find_tensor (arrays, inputs, i), *tensor;

      if (found == NULL && !inputs->can_be_zero[i])
        return fail_missing (arrays, &inputs->infos[i], error);
      if (found == NULL)
        tensor = fw_inputs_make_zeros (inputs, i, error);
      else
        tensor = fw_inputs_fit (
            inputs, i, found,
            index >= 0 && fw_inputs_count (inputs, i, found, TRUE) > 1 ? index : -1, error);
      if (tensor == NULL)
        return FALSE;
      g_ptr_array_add (row, tensor);
    }
  return TRUE;
}

/* Many in one file ---------------------------------------------------------------------------- */

/* How many samples @arrays hold: 0 where the arrays are at odds. */
static gint64
count_rows (const FwArrays *arrays, const FwInputs *inputs, gboolean is_only)
{
  gint64 n = 1;

  for (guint i = 0; i < inputs->n; i++)
    {
      FwTensor *tensor = find_tensor (arrays, inputs, i);
      const gint64 here = tensor != NULL ? fw_inputs_count (inputs, i, tensor, is_only) : 0;

      if (here > 1 && n > 1 && here != n)
        return 0;
      n = MAX (n, here);
    }
  return n;
}

static void
add_rows (GPtrArray *samples, const FwFoundFile *file, FwArrays *arrays, gint64 n)
{
  const gint64 n_taken = MIN (n, MAX_ROWS);

  for (gint64 i = 0; i < n_taken; i++)
    {
      FwArraySample *sample = add_sample (samples, file);

      sample->row = n_taken == n ? i : i * n / n_taken;
      sample->arrays = fw_arrays_ref (arrays);
      if (arrays->labels != NULL)
        sample->label = arrays->labels[sample->row];
      g_free (sample->file->below);
      sample->file->below = g_strdup_printf ("%s:%" G_GINT64_FORMAT, file->below, sample->row + 1);
    }
}

static gsize
get_row_size (FwTensor *tensor)
{
  const gint64 *dims = fw_tensor_get_dims (tensor);

  return fw_tensor_get_n_dims (tensor) > 0 && dims[0] > 0
             ? fw_tensor_get_size (tensor) / (gsize) dims[0]
             : fw_tensor_get_size (tensor);
}

char *
fw_array_sample_hash_row (const FwArrays *arrays, gint64 row)
{
  g_autoptr (GChecksum) checksum = g_checksum_new (G_CHECKSUM_SHA256);

  for (guint i = 0; i < arrays->tensors->len; i++)
    {
      FwTensor *tensor = arrays->tensors->pdata[i];
      const gsize size = get_row_size (tensor);
      const guint8 *data = fw_tensor_get_data (tensor);

      if (((gsize) row + 1) * size > fw_tensor_get_size (tensor))
        continue;
      g_checksum_update (checksum, data + row * size, (gssize) size);
    }
  return g_strdup (g_checksum_get_string (checksum));
}

/* Arrays -------------------------------------------------------------------------------------- */

static void
find_in_file (GPtrArray *samples,
              const FwFoundFile *file,
              const FwInputs *inputs,
              gboolean is_only,
              GPtrArray *unreadable,
              GError **error)
{
  g_autofree const char **names = fw_inputs_get_names (inputs);
  g_autoptr (FwArrays) arrays = fw_arrays_load (file->path, names, error);
  const gint64 n = arrays != NULL ? count_rows (arrays, inputs, is_only) : -1;

  if (n == 1)
    add_sample (samples, file);
  else if (n > 1)
    add_rows (samples, file, arrays, n);
  else
    g_ptr_array_add (unreadable, fw_sample_finder_make_name (file->below));
  if (n == 0)
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                 _ ("The arrays of “%s” do not hold the same number of samples."), file->below);
}

/* The input that the folder @file lies in is named after, or -1. */
static int
find_folder_input (const FwFoundFile *file, const FwInputs *inputs)
{
  g_autofree char *folder = g_path_get_dirname (file->path);

  for (guint i = 0; i < inputs->n; i++)
    {
      const char *name = inputs->infos[i].name;
      const gsize length = strlen (name), whole = strlen (folder);

      if (length > 0 && whole > length && strcmp (folder + whole - length, name) == 0
          && folder[whole - length - 1] == '/')
        return (int) i;
    }
  return -1;
}

/* Where every file lies in a folder of the name of an input, those of the same name belong
 * together. */
static gboolean
find_by_folders (GPtrArray *samples, const FwFound *found, const FwInputs *inputs)
{
  g_autoptr (GHashTable) by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  guint n_inputs_seen = 0;
  g_autofree gboolean *seen = g_new0 (gboolean, inputs->n);

  for (guint i = 0; i < found->arrays->len; i++)
    {
      const int input = find_folder_input (found->arrays->pdata[i], inputs);

      if (input < 0)
        return FALSE;
      n_inputs_seen += !seen[input];
      seen[input] = TRUE;
    }
  if (n_inputs_seen < 2)
    return FALSE;
  for (guint i = 0; i < found->arrays->len; i++)
    {
      const FwFoundFile *file = found->arrays->pdata[i];
      const int input = find_folder_input (file, inputs);
      g_autofree char *name = g_path_get_basename (file->below);
      FwArraySample *sample = g_hash_table_lookup (by_name, name);

      if (sample == NULL)
        {
          sample = add_sample (samples, file);
          g_free (sample->file->below);
          sample->file->below = g_strdup (name);
          sample->parts = g_new0 (char *, inputs->n + 1);
          for (guint k = 0; k < inputs->n; k++)
            sample->parts[k] = g_strdup ("");
          g_hash_table_insert (by_name, g_steal_pointer (&name), sample);
        }
      g_free (sample->parts[input]);
      sample->parts[input] = g_strdup (file->path);
    }
  return TRUE;
}

/* Tables -------------------------------------------------------------------------------------- */

/* The numbers that one sample of the main input has; 0 where that is not known. */
static gsize
get_width (const FwInputs *inputs)
{
  const FwValueInfo *info = &inputs->infos[inputs->main];
  gsize width = 1;

  if (info->n_dims == 0 || (info->dims[0] != 1 && info->dims[0] != -1))
    return 0;
  for (guint i = 1; i < info->n_dims; i++)
    {
      if (info->dims[i] < 1 || (gsize) info->dims[i] > (1u << 24) / width)
        return 0;
      width *= (gsize) info->dims[i];
    }
  return width;
}

/* Rows of numbers as the main input has them. */
static gboolean
shape_rows (FwArrays *arrays, const FwInputs *inputs, GError **error)
{
  const FwValueInfo *info = &inputs->infos[inputs->main];
  FwTensor *flat = arrays->tensors->pdata[0], *shaped;
  gint64 dims[FW_TENSOR_MAX_RANK];

  memcpy (dims, info->dims, sizeof dims);
  dims[0] = fw_tensor_get_dims (flat)[0];
  shaped = fw_tensor_new (fw_tensor_get_element_type (flat), dims, info->n_dims, error);
  if (shaped == NULL)
    return FALSE;
  memcpy (fw_tensor_get_data (shaped), fw_tensor_get_data (flat), fw_tensor_get_size (flat));
  arrays->tensors->pdata[0] = shaped;
  fw_tensor_unref (flat);
  return TRUE;
}

static void
find_in_table (GPtrArray *samples,
               const FwFoundFile *file,
               const FwInputs *inputs,
               gboolean is_csv,
               GPtrArray *unreadable,
               GError **error)
{
  const gsize width = get_width (inputs);
  g_autoptr (FwArrays) arrays = is_csv ? fw_arrays_load_csv (file->path, width, error)
                                       : fw_arrays_load_f32 (file->path, width, error);

  if (arrays != NULL && shape_rows (arrays, inputs, error))
    add_rows (samples, file, arrays, fw_tensor_get_dims (arrays->tensors->pdata[0])[0]);
  else if (!is_csv)
    g_ptr_array_add (unreadable, fw_sample_finder_make_name (file->below));
}

/* Finding ------------------------------------------------------------------------------------- */

static gboolean
is_raw (const FwFoundFile *file)
{
  return g_str_has_suffix (file->path, ".f32") || g_str_has_suffix (file->path, ".F32");
}

static void
find_in_files (GPtrArray *samples,
               const FwFound *found,
               const FwInputs *inputs,
               GPtrArray *unreadable,
               GCancellable *cancellable,
               GError **reason)
{
  const guint n = found->arrays->len;

  for (guint i = 0; i < n && !g_cancellable_is_cancelled (cancellable); i++)
    {
      const FwFoundFile *file = found->arrays->pdata[i];
      g_autoptr (GError) local = NULL;

      if (is_raw (file))
        find_in_table (samples, file, inputs, FALSE, unreadable, &local);
      else if (n <= MAX_BATCHES)
        find_in_file (samples, file, inputs, n == 1, unreadable, &local);
      else
        add_sample (samples, file);
      if (local != NULL && *reason == NULL)
        *reason = g_steal_pointer (&local);
    }
}

GPtrArray *
fw_array_samples_find (const FwFound *found,
                       const FwInputs *inputs,
                       GPtrArray *unreadable,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GPtrArray) samples
      = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_array_sample_free);
  g_autoptr (GError) reason = NULL;

  if (found->arrays->len > 0 && !find_by_folders (samples, found, inputs))
    find_in_files (samples, found, inputs, unreadable, cancellable, &reason);
  for (guint i = 0; i < found->tables->len && found->arrays->len == 0 && get_width (inputs) > 0;
       i++)
    {
      g_autoptr (GError) local = NULL;

      find_in_table (samples, found->tables->pdata[i], inputs, TRUE, unreadable, &local);
      if (local != NULL && reason == NULL)
        reason = g_steal_pointer (&local);
    }
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return NULL;
  if (samples->len > 0)
    return g_steal_pointer (&samples);
  if (reason != NULL)
    g_propagate_error (error, g_steal_pointer (&reason));
  else
    g_set_error_literal (error, FW_ERROR, FW_ERROR_NO_SAMPLES,
                         _ ("There are no samples there that this model could be given."));
  return NULL;
}

/* Reading ------------------------------------------------------------------------------------- */

static gboolean
read_parts (GPtrArray *row, const FwSample *sample, FwInputs *inputs, GError **error)
{
  for (guint i = 0; i < inputs->n; i++)
    {
      g_autoptr (FwArrays) arrays = NULL;
      const char *path = sample->parts[i];
      FwTensor *tensor;

      if (path[0] != '\0')
        {
          arrays = fw_arrays_load (path, NULL, error);
          if (arrays == NULL)
            return FALSE;
          tensor = fw_inputs_fit (inputs, i, arrays->tensors->pdata[0], -1, error);
        }
      else if (inputs->can_be_zero[i])
        tensor = fw_inputs_make_zeros (inputs, i, error);
      else
        {
          g_autofree char *name = fw_sample_finder_make_name (inputs->infos[i].name);

          g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_INPUTS,
                       _ ("The sample has no file in the folder “%s”."), name);
          return FALSE;
        }
      if (tensor == NULL)
        return FALSE;
      g_ptr_array_add (row, tensor);
    }
  return TRUE;
}

GPtrArray *
fw_array_sample_read (const FwSample *sample, FwInputs *inputs, GError **error)
{
  g_autoptr (GPtrArray) row = g_ptr_array_new_with_free_func ((GDestroyNotify) fw_tensor_unref);
  g_autoptr (FwArrays) arrays = NULL;

  if (sample->parts != NULL)
    return read_parts (row, sample, inputs, error) ? g_steal_pointer (&row) : NULL;
  if (sample->arrays != NULL)
    arrays = fw_arrays_ref (sample->arrays);
  else
    {
      g_autofree const char **names = fw_inputs_get_names (inputs);

      arrays = fw_arrays_load (sample->path, names, error);
    }
  if (arrays == NULL || !fill_row (row, arrays, sample->row, inputs, error))
    return NULL;
  return g_steal_pointer (&row);
}
