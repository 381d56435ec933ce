/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gstdio.h>
#include <string.h>

#include "fw-class-names.h"
#include "fw-file.h"

static void
test_clean (void)
{
  static const struct
  {
    const char *name, *expected;
  } cases[] = {
    { "tabby cat", "tabby cat" },
    { "Käse", "Käse" },
    { NULL, "7" },
    { "", "7" },
    { "  \t ", "7" },
    { "one\ntwo", "one two" },
    { "a\rb\033[31m", "a b [31m" },
    { "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
    { "line\xe2\x80\xa8here", "line here" },
    { "evil\xe2\x80\xaetxt", "eviltxt" },
  };
  g_autofree char *longest = g_strnfill (100000, 'x');
  g_autofree char *bounded = fw_class_name_clean (longest, 0);

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *name = fw_class_name_clean (cases[i].name, 7);

      g_assert_cmpstr (name, ==, cases[i].expected);
    }
  g_assert_cmpuint (strlen (bounded), <=, 200);
}

/* A line for each class, whatever the names are. */
static void
test_lines (void)
{
  g_autoptr (GPtrArray) given = g_ptr_array_new ();
  g_autoptr (GPtrArray) names = NULL;
  g_autofree char *text = NULL;

  g_ptr_array_add (given, (char *) "a\nb\nc");
  g_ptr_array_add (given, NULL);
  names = fw_class_names_new (given, 4);
  text = fw_class_names_to_text (names);
  g_assert_cmpstr (text, ==, "a b c\n1\n2\n3\n");
}

static void
test_find (void)
{
  g_autofree char *folder = g_dir_make_tmp ("fw-names-XXXXXX", NULL);
  g_autofree char *model = g_build_filename (folder, "model.onnx", NULL);
  g_autofree char *labels = g_build_filename (folder, "labels.txt", NULL);
  g_autofree char *other = g_build_filename (folder, "names.txt", NULL);
  g_autoptr (GPtrArray) found = NULL;
  g_autoptr (GPtrArray) given = NULL;

  g_assert_null (fw_class_names_find (model, NULL, 2));
  g_assert_true (g_file_set_contents (labels, "cat\ndog\n", -1, NULL));
  g_assert_true (g_file_set_contents (other, "Katze\nHund\n", -1, NULL));
  found = fw_class_names_find (model, NULL, 2);
  g_assert_nonnull (found);
  g_assert_cmpstr (found->pdata[1], ==, "dog");
  given = fw_class_names_find (model, other, 2);
  g_assert_cmpstr (given->pdata[1], ==, "Hund");

  /* Of another model. */
  g_assert_null (fw_class_names_find (model, NULL, 3));
  g_assert_true (g_file_set_contents (labels, "\0\1\2", 3, NULL));
  g_assert_null (fw_class_names_find (model, NULL, 1));
  fw_file_remove_tree (folder);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/class-names/clean", test_clean);
  g_test_add_func ("/class-names/lines", test_lines);
  g_test_add_func ("/class-names/find", test_find);
  return g_test_run ();
}
