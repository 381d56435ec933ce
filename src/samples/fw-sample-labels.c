/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-sample-labels.h"

#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-csv.h"
#include "fw-error.h"
#include "fw-text-file.h"

#define MAX_CLASSES 100000
#define AMBIGUOUS GINT_TO_POINTER (-1)

static const char *const index_columns[]
    = { "index", "class_index", "label_index", "class_id", "label_id", NULL };
static const char *const split_names[]
    = { "train", "training", "val", "valid", "validation", "test", "testing", "eval", NULL };

static FwLabels *
labels_new (guint n)
{
  FwLabels *self = g_new0 (FwLabels, 1);

  self->labels = g_new (int, MAX (n, 1));
  for (guint i = 0; i < n; i++)
    self->labels[i] = -1;
  self->names = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
fw_labels_free (FwLabels *self)
{
  if (self == NULL)
    return;
  g_free (self->labels);
  g_ptr_array_unref (self->names);
  g_free (self);
}

/* A class index written in digits; -1 for anything else. */
static int
parse_index (const char *text)
{
  guint64 value;

  if (!g_ascii_string_to_unsigned (text, 10, 0, MAX_CLASSES - 1, &value, NULL))
    return -1;
  return (int) value;
}

/* The same word in another writing is the same class. */
static char *
fold_name (const char *name)
{
  g_autofree char *folded = g_utf8_casefold (name, -1);

  return g_strstrip (g_strdelimit (g_steal_pointer (&folded), "_-", ' '));
}

static void
set_name (FwLabels *self, int index, const char *name)
{
  if ((guint) index >= self->names->len)
    g_ptr_array_set_size (self->names, index + 1);
  if (self->names->pdata[index] == NULL && name[0] != '\0')
    self->names->pdata[index] = g_strdup (name);
}

/* Counts the classes; FALSE where there is no label at all. */
static gboolean
count_classes (FwLabels *self, guint n)
{
  int highest = -1;

  for (guint i = 0; i < n; i++)
    highest = MAX (highest, self->labels[i]);
  self->n_classes = highest < 0 ? 0 : MAX ((guint) highest + 1, self->names->len);
  return highest >= 0;
}

/* Class names --------------------------------------------------------------------------------- */

static void
find_classes_in (const char *folder, GPtrArray **classes)
{
  static const char *const names[] = { "classes.txt", "labels.txt" };

  for (guint i = 0; i < G_N_ELEMENTS (names) && *classes == NULL; i++)
    {
      g_autofree char *path = g_build_filename (folder, names[i], NULL);

      *classes = fw_text_file_read_lines (path, MAX_CLASSES);
    }
}

/* The names by index that a classes.txt or labels.txt gives, or NULL. */
static GPtrArray *
find_classes (const char *const *paths, const char *given)
{
  GPtrArray *classes = NULL;

  for (guint i = 0; paths[i] != NULL && classes == NULL; i++)
    if (g_file_test (paths[i], G_FILE_TEST_IS_DIR))
      find_classes_in (paths[i], &classes);
  if (classes == NULL && given != NULL)
    {
      g_autofree char *folder = g_path_get_dirname (given);

      find_classes_in (folder, &classes);
    }
  return classes;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

/* Whether @names, sorted, are the numbers from 0 without a gap (@whole), or at least numbers. */
static gboolean
names_are_numbers (GPtrArray *names, gboolean *whole)
{
  int highest = -1;

  for (guint i = 0; i < names->len; i++)
    {
      int index = parse_index (names->pdata[i]);

      if (index < 0)
        return FALSE;
      highest = MAX (highest, index);
    }
  *whole = (guint) highest + 1 == names->len;
  return TRUE;
}

static GHashTable *
index_classes (GPtrArray *classes)
{
  GHashTable *table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < classes->len; i++)
    {
      g_autofree char *name = fold_name (classes->pdata[i]);

      if (!g_hash_table_contains (table, name))
        g_hash_table_insert (table, g_steal_pointer (&name), GINT_TO_POINTER (i + 1));
    }
  return table;
}

/* Labels from @values, one class name or NULL per picture. */
static void
label_by_names (FwLabels *self, const char *const *values, guint n, GPtrArray *classes)
{
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  g_autoptr (GHashTable) table = NULL;
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  gboolean whole = FALSE, numbers, listed;

  for (guint i = 0; i < n; i++)
    if (values[i] != NULL && g_hash_table_add (seen, (gpointer) values[i]))
      g_ptr_array_add (names, (gpointer) values[i]);
  g_ptr_array_sort (names, compare_strings);

  listed = classes != NULL && names->len > 0;
  if (listed)
    table = index_classes (classes);
  for (guint i = 0; i < names->len && listed; i++)
    {
      g_autofree char *name = fold_name (names->pdata[i]);

      listed = g_hash_table_contains (table, name);
    }
  numbers = !listed && names_are_numbers (names, &whole);
  self->guessed = !listed && !(numbers && whole);

  g_hash_table_remove_all (seen);
  for (guint i = 0; listed && i < classes->len; i++)
    set_name (self, i, classes->pdata[i]);
  for (guint i = 0; i < names->len; i++)
    {
      g_autofree char *name = fold_name (names->pdata[i]);
      int index = listed    ? GPOINTER_TO_INT (g_hash_table_lookup (table, name)) - 1
                  : numbers ? parse_index (names->pdata[i])
                            : (int) i;

      g_hash_table_insert (seen, names->pdata[i], GINT_TO_POINTER (index));
      set_name (self, index, names->pdata[i]);
    }
  for (guint i = 0; i < n; i++)
    if (values[i] != NULL)
      self->labels[i] = GPOINTER_TO_INT (g_hash_table_lookup (seen, values[i]));
}

/* Pictures by name ---------------------------------------------------------------------------- */

typedef struct
{
  GHashTable *below, *base, *stem; /* name -> position + 1, or AMBIGUOUS */
} Index;

static void
index_add (GHashTable *table, char *name, guint position)
{
  gpointer value = g_hash_table_contains (table, name) ? AMBIGUOUS : GINT_TO_POINTER (position + 1);

  g_hash_table_replace (table, name, value);
}

static void
index_init (Index *self, const FwFound *found)
{
  self->below = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->base = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->stem = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < found->pictures->len; i++)
    {
      const FwFoundFile *file = found->pictures->pdata[i];
      char *base = g_path_get_basename (file->below);
      const char *dot = strrchr (base, '.');

      index_add (self->below, g_strdup (file->below), i);
      index_add (self->stem, g_strndup (base, dot != NULL ? dot - base : (gssize) strlen (base)),
                 i);
      index_add (self->base, base, i);
    }
}

static void
index_clear (Index *self)
{
  g_hash_table_unref (self->below);
  g_hash_table_unref (self->base);
  g_hash_table_unref (self->stem);
}

/* The picture that a table calls @name, or -1. The longest part of a path that fits counts. */
static int
index_find (const Index *self, const char *name)
{
  g_autofree char *path = g_strdelimit (g_strdup (name), "\\", '/');
  const char *at = path, *slash;
  int position = 0;

  while (g_str_has_prefix (at, "./"))
    at += 2;
  for (;;)
    {
      position = GPOINTER_TO_INT (g_hash_table_lookup (self->below, at));
      slash = strchr (at, '/');
      if (position != 0 || slash == NULL)
        break;
      at = slash + 1;
    }
  if (position == 0)
    position = GPOINTER_TO_INT (g_hash_table_lookup (self->base, at));
  if (position == 0)
    position = GPOINTER_TO_INT (g_hash_table_lookup (self->stem, at));
  return position > 0 ? position - 1 : -1;
}

/* Tables -------------------------------------------------------------------------------------- */

typedef struct
{
  GPtrArray *rows;
  int *pictures; /* per row: its picture, or -1 */
  guint first;   /* 1 after a header */
  guint n_matched;
  int index_column; /* or -1 */
  int name_column;  /* or -1 */
} Table;

static void
table_clear (Table *self)
{
  g_clear_pointer (&self->rows, g_ptr_array_unref);
  g_clear_pointer (&self->pictures, g_free);
}

static const char *
table_get (const Table *self, guint row, int column)
{
  char **fields = self->rows->pdata[row];

  return column >= 0 && (guint) column < g_strv_length (fields) ? fields[column] : "";
}

/* Whether every row about a picture has a class index in @column. */
static gboolean
column_is_index (const Table *self, int column)
{
  for (guint i = self->first; i < self->rows->len; i++)
    if (self->pictures[i] >= 0 && parse_index (table_get (self, i, column)) < 0)
      return FALSE;
  return self->n_matched > 0;
}

static void
find_columns (Table *self)
{
  char **fields = self->rows->pdata[0];
  int n = g_strv_length (fields);

  self->index_column = -1;
  for (int i = 1; i < n && self->first == 1 && self->index_column < 0; i++)
    {
      g_autofree char *name = g_ascii_strdown (fields[i], -1);

      if (g_strv_contains (index_columns, name))
        self->index_column = i;
    }
  self->name_column = n - 1;
  if (self->index_column < 0 && column_is_index (self, n - 1))
    self->index_column = n - 1;
  if (self->index_column < 0 && self->first == 0 && n > 2 && column_is_index (self, 1))
    self->index_column = 1;
  if (self->index_column == n - 1)
    self->name_column = n > 2 ? n - 2 : -1;
}

/* Reads the table at @path; FALSE where its first column names none of the pictures. */
static gboolean
table_read (Table *self, const char *path, const Index *index)
{
  gsize size;
  g_autofree char *text = fw_text_file_read (path, &size);

  *self = (Table){ 0 };
  if (text == NULL)
    return FALSE;
  self->rows = fw_csv_parse (text, size);
  if (self->rows == NULL || self->rows->len == 0 || g_strv_length (self->rows->pdata[0]) < 2)
    return FALSE;

  self->pictures = g_new (int, self->rows->len);
  for (guint i = 0; i < self->rows->len; i++)
    {
      self->pictures[i] = index_find (index, table_get (self, i, 0));
      if (self->pictures[i] >= 0)
        self->n_matched++;
    }
  self->first = self->pictures[0] < 0 ? 1 : 0;
  find_columns (self);
  return self->n_matched > 0;
}

static gboolean
label_by_index (FwLabels *self, const Table *table, GPtrArray *classes)
{
  for (guint i = table->first; i < table->rows->len; i++)
    {
      const char *value = table_get (table, i, table->index_column);
      int index = parse_index (value);

      if (table->pictures[i] < 0 || value[0] == '\0')
        continue;
      if (index < 0)
        return FALSE;
      self->labels[table->pictures[i]] = index;
      if (classes == NULL)
        set_name (self, index, table_get (table, i, table->name_column));
    }
  for (guint i = 0; classes != NULL && i < classes->len; i++)
    set_name (self, i, classes->pdata[i]);
  return TRUE;
}

static FwLabels *
labels_from_table (const Table *table, const FwFound *found, GPtrArray *classes)
{
  const guint n = found->pictures->len;
  g_autoptr (FwLabels) self = labels_new (n);

  if (table->index_column >= 0)
    {
      if (!label_by_index (self, table, classes))
        return NULL;
    }
  else
    {
      g_autofree const char **values = g_new0 (const char *, n);

      for (guint i = table->first; i < table->rows->len; i++)
        {
          const char *value = table_get (table, i, table->name_column);

          if (table->pictures[i] >= 0 && value[0] != '\0')
            values[table->pictures[i]] = value;
        }
      label_by_names (self, values, n, classes);
    }
  return count_classes (self, n) ? g_steal_pointer (&self) : NULL;
}

static FwLabels *
labels_from_given (const FwFound *found,
                   const Index *index,
                   const char *given,
                   GPtrArray *classes,
                   GError **error)
{
  g_autofree char *name = fw_sample_finder_make_name (given);
  FwLabels *self = NULL;
  Table table;

  if (!g_file_test (given, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_NO_SUCH_FILE, _ ("There is no file “%s”."), name);
      return NULL;
    }
  if (table_read (&table, given, index))
    self = labels_from_table (&table, found, classes);
  if (self == NULL)
    g_set_error (error, FW_ERROR, FW_ERROR_BAD_LABELS,
                 table.n_matched > 0 ? _ ("“%s” does not say which class the pictures belong to.")
                                     : _ ("“%s” names none of the pictures in its first column."),
                 name);
  table_clear (&table);
  return self;
}

/* Of the tables in the folders, the one about the most pictures; labels.csv before others. */
static FwLabels *
labels_from_tables (const FwFound *found, const Index *index, GPtrArray *classes)
{
  FwLabels *best = NULL;
  guint best_score = 0;

  for (guint i = 0; i < found->tables->len; i++)
    {
      const FwFoundFile *file = found->tables->pdata[i];
      Table table;

      if (table_read (&table, file->path, index)
          && (table.n_matched * 2 >= table.rows->len - table.first
              || table.n_matched * 2 >= found->pictures->len))
        {
          g_autofree char *name = g_path_get_basename (file->below);
          guint score = table.n_matched * 2 + g_str_equal (name, "labels.csv");
          FwLabels *labels = score > best_score ? labels_from_table (&table, found, classes) : NULL;

          if (labels != NULL)
            {
              fw_labels_free (best);
              best = labels;
              best_score = score;
            }
        }
      table_clear (&table);
    }
  return best;
}

/* Folders ------------------------------------------------------------------------------------- */

/* The folders on the way to a picture; where several folders were given, their own names first. */
static char **
get_folders (const FwFoundFile *file, const char *const *paths)
{
  g_autoptr (GPtrArray) folders = g_ptr_array_new ();
  g_auto (GStrv) parts = g_strsplit (file->below, "/", -1);
  const gboolean is_folder = g_file_test (paths[file->root], G_FILE_TEST_IS_DIR);

  if (paths[1] != NULL && is_folder)
    {
      g_autofree char *full = g_canonicalize_filename (paths[file->root], NULL);

      g_ptr_array_add (folders, g_path_get_basename (full));
    }
  for (guint i = 0; parts[i] != NULL && parts[i + 1] != NULL; i++)
    g_ptr_array_add (folders, g_strdup (parts[i]));
  g_ptr_array_add (folders, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&folders), FALSE);
}

/* How many folders all pictures have in common. */
static guint
count_shared (char ***folders, guint n)
{
  for (guint depth = 0;; depth++)
    for (guint i = 0; i < n; i++)
      {
        if (g_strv_length (folders[i]) <= depth)
          return depth;
        if (!g_str_equal (folders[i][depth], folders[0][depth]))
          return depth;
      }
}

/* Whether the folders at @depth are nothing but "train", "test" and the like. */
static gboolean
are_splits (char ***folders, guint n, guint depth)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = NULL;

      if (g_strv_length (folders[i]) <= depth + 1)
        return FALSE;
      name = g_ascii_strdown (folders[i][depth], -1);
      if (!g_strv_contains (split_names, name))
        return FALSE;
    }
  return TRUE;
}

static FwLabels *
labels_from_folders (const FwFound *found, const char *const *paths, GPtrArray *classes)
{
  const guint n = found->pictures->len;
  g_autofree char ***folders = g_new0 (char **, n + 1);
  g_autofree const char **values = g_new0 (const char *, n + 1);
  g_autoptr (FwLabels) self = labels_new (n);
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);
  guint depth, n_labelled = 0;
  gboolean several;

  for (guint i = 0; i < n; i++)
    folders[i] = get_folders (found->pictures->pdata[i], paths);
  depth = n > 0 ? count_shared (folders, n) : 0;
  if (are_splits (folders, n, depth))
    depth++;
  for (guint i = 0; i < n; i++)
    if (g_strv_length (folders[i]) > depth)
      {
        values[i] = folders[i][depth];
        g_hash_table_add (seen, folders[i][depth]);
        n_labelled++;
      }
  several = g_hash_table_size (seen) >= 2 && n_labelled * 2 >= n;
  if (several)
    label_by_names (self, values, n, classes);
  for (guint i = 0; i < n; i++)
    g_strfreev (folders[i]);
  return several && count_classes (self, n) ? g_steal_pointer (&self) : NULL;
}

FwLabels *
fw_labels_find (const FwFound *found, const char *const *paths, const char *given, GError **error)
{
  g_autoptr (GPtrArray) classes = find_classes (paths, given);
  FwLabels *self;
  Index index;

  index_init (&index, found);
  if (given != NULL)
    self = labels_from_given (found, &index, given, classes, error);
  else
    {
      self = labels_from_tables (found, &index, classes);
      if (self == NULL)
        self = labels_from_folders (found, paths, classes);
      if (self == NULL)
        self = labels_new (found->pictures->len);
    }
  index_clear (&index);
  return self;
}
