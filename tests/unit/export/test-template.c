/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-template.h"

static GHashTable *
values_new (const char *name, const char *value)
{
  GHashTable *values = g_hash_table_new (g_str_hash, g_str_equal);

  g_hash_table_insert (values, (char *) name, (char *) value);
  return values;
}

static void
test_fill (void)
{
  static const struct
  {
    const char *text, *expected;
    gboolean complete;
  } cases[] = {
    { "", "", TRUE },
    { "a @NAME@ b\n", "a value b\n", TRUE },
    { "@NAME@@NAME@\n", "valuevalue\n", TRUE },
    { "@OTHER@\n", "@OTHER@\n", FALSE },
    { "me@NAME.org, @, @@, @name@\n", "me@NAME.org, @, @@, @name@\n", TRUE },
    { "a\n%% if NAME\nb\n%% end\nc\n", "a\nb\nc\n", TRUE },
    { "a\n%% if OTHER\nb\n%% end\nc\n", "a\nc\n", TRUE },
    { "a\n%% if NAME\n@NAME@\n%% end\n%% if OTHER\nb\n%% end\n", "a\nvalue\n", TRUE },
    { "100 %% sure\n", "100 %% sure\n", FALSE },
  };
  g_autoptr (GHashTable) values = values_new ("NAME", "value");

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *filled = fw_template_fill (cases[i].text, values);

      g_assert_cmpstr (filled, ==, cases[i].expected);
      g_assert_cmpint (fw_template_is_complete (filled), ==, cases[i].complete);
    }
}

/* What a value says is not filled again. */
static void
test_once (void)
{
  g_autoptr (GHashTable) values = values_new ("NAME", "@NAME@");
  g_autofree char *filled = fw_template_fill ("@NAME@", values);

  g_assert_cmpstr (filled, ==, "@NAME@\n");
}

static void
test_escape (void)
{
  static const struct
  {
    const char *text, *swift, *other;
  } cases[] = {
    { "input_1:0", "input_1:0", "input_1:0" },
    { "a\"b", "a\\u{0022}b", "a\\u0022b" },
    { "$x\\", "\\u{0024}x\\u{005c}", "\\u0024x\\u005c" },
    { "@NAME@", "\\u{0040}NAME\\u{0040}", "\\u0040NAME\\u0040" },
    { "a\nb`'", "a\\u{000a}b\\u{0060}\\u{0027}", "a\\u000ab\\u0060\\u0027" },
    { "ü", "\\u{00fc}", "\\u00fc" },
    { "😀", "\\u{1f600}", "\\ud83d\\ude00" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *swift = fw_template_escape (cases[i].text, "\\u{", "}");
      g_autofree char *other = fw_template_escape (cases[i].text, "\\u", "");

      g_assert_cmpstr (swift, ==, cases[i].swift);
      g_assert_cmpstr (other, ==, cases[i].other);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/template/fill", test_fill);
  g_test_add_func ("/template/once", test_once);
  g_test_add_func ("/template/escape", test_escape);
  return g_test_run ();
}
