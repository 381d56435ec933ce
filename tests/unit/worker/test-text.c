/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The text face: tables, the bar and the sentences. */

#include "config.h"

#include <locale.h>
#include <math.h>
#include <string.h>

#include "fw-json.h"
#include "fw-report-text.h"
#include "fw-terminal.h"
#include "fw-text-table.h"

static void
test_width (void)
{
  g_autofree char *cut = fw_text_cut ("猫猫猫", 5);
  g_autofree char *whole = fw_text_cut ("four", 4);
  g_autofree char *none = fw_text_cut ("four", 0);
  g_autofree char *one = fw_text_cut ("four", 1);

  g_assert_cmpuint (fw_text_width (""), ==, 0);
  g_assert_cmpuint (fw_text_width ("été"), ==, 3);
  g_assert_cmpuint (fw_text_width ("e\xcc\x81"), ==, 1);
  g_assert_cmpuint (fw_text_width ("猫"), ==, 2);
  g_assert_cmpstr (cut, ==, "猫猫…");
  g_assert_cmpstr (whole, ==, "four");
  g_assert_cmpstr (none, ==, "");
  g_assert_cmpstr (one, ==, "…");
}

/* Names from models may hold what steers a terminal. */
static void
test_plain (void)
{
  g_autofree char *plain = fw_text_make_plain ("a\033[2Jb\rc\nd\xff"
                                               "e\xe2\x80\xae"
                                               "f");

  g_assert_null (strpbrk (plain, "\033\r\n\xff"));
  g_assert_null (strstr (plain, "\xe2\x80\xae"));
  g_assert_true (g_utf8_validate (plain, -1, NULL));
  g_assert_true (g_str_has_prefix (plain, "a"));
}

static void
test_table (void)
{
  const char *titles[] = { "Name", ">Size", "", NULL };
  const char *first[] = { "猫", "1", "x", NULL };
  const char *second[] = { "dog\n", "1000", "", NULL };
  g_autoptr (FwTextTable) table = fw_text_table_new (titles);
  g_autoptr (GString) text = g_string_new (NULL);

  fw_text_table_add (table, g_strdupv ((char **) first));
  fw_text_table_add (table, g_strdupv ((char **) second));
  g_assert_cmpuint (fw_text_table_get_n_rows (table), ==, 2);
  fw_text_table_append_to (table, text);
  g_assert_cmpstr (text->str, ==,
                   "Name  Size\n"
                   "猫       1  x\n"
                   "dog\xef\xbf\xbd  1000\n");
}

static void
test_bar (void)
{
  for (guint columns = 0; columns < 200; columns++)
    {
      g_autofree char *line
          = fw_terminal_format ("Measuring the versions", 0.43, 100, columns, columns % 2 == 0);

      g_assert_cmpuint (fw_text_width (line), <=, columns);
      if (columns >= 40)
        g_assert_nonnull (strstr (line, "43 %"));
      if (columns >= 80)
        g_assert_nonnull (strstr (line, "left"));
    }
  {
    g_autofree char *empty = fw_terminal_format ("x", NAN, NAN, 60, TRUE);
    g_autofree char *full = fw_terminal_format ("x", 7, -1, 60, TRUE);

    g_assert_nonnull (strstr (empty, "[---"));
    g_assert_nonnull (strstr (empty, "0 %"));
    g_assert_nonnull (strstr (full, "###]"));
    g_assert_nonnull (strstr (full, "100 %"));
  }
}

static void
test_time (void)
{
  static const struct
  {
    double seconds;
    const char *text;
  } cases[] = {
    { 0, "a few seconds left" },     { 4, "a few seconds left" },
    { 12, "about 15 seconds left" }, { 60, "about 1 minute left" },
    { 130, "about 2 minutes left" }, { 3600, "about 1 hour left" },
    { 9000, "about 3 hours left" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = fw_terminal_describe_time (cases[i].seconds);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
  g_assert_null (fw_terminal_describe_time (-1));
  g_assert_null (fw_terminal_describe_time (NAN));
  g_assert_null (fw_terminal_describe_time (INFINITY));
}

static char *
report (FwCommand command, const char *json)
{
  g_autoptr (FwJob) job = fw_job_new (command);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = fw_json_parse (json, -1, &error);

  g_assert_no_error (error);
  return fw_report_text_result (job, json_node_get_object (node), NULL);
}

#define FIGURES                                                                                    \
  "\"size_bytes\":1300000,\"original_size_bytes\":5000000,\"recommended\":true,\"position\":40,"   \
  "\"speedup\":{\"median\":1.9,\"low\":1.8,\"high\":2.0},"                                         \
  "\"same\":{\"same\":97,\"total\":100,\"fraction\":0.97,\"low\":0.9155,\"high\":0.9897}"

static void
test_shrink (void)
{
  g_autofree char *text = report (FW_COMMAND_SHRINK,
                                  "{" FIGURES ",\"path\":\"/out.onnx\",\"stops\":[{" FIGURES "}]}");

  g_assert_nonnull (strstr (text, "★"));
  g_assert_nonnull (strstr (text, "26 %"));
  g_assert_nonnull (strstr (text, "Recommended: 1.3\xc2\xa0MB instead of 5.0\xc2\xa0MB, "
                                  "1.9 times as fast, 97 of 100 answers the same (91–99 %)."));
  g_assert_nonnull (strstr (text, "Saved as /out.onnx"));
  g_assert_null (strstr (text, "Right answers"));
}

static void
test_slower (void)
{
  g_autofree char *text
      = report (FW_COMMAND_SHRINK, "{\"size_bytes\":1,\"speedup\":{\"median\":0.5},\"path\":null}");

  g_assert_nonnull (strstr (text, "slower: each answer takes 2.0 times as long"));
  g_assert_nonnull (strstr (text, "Chosen: "));
  g_assert_nonnull (strstr (text, "Nothing was saved."));
}

/* What was not measured is said to be not measured; and nothing crashes, whatever comes. */
static void
test_missing (void)
{
  static const char *const results[] = {
    "{}",
    "{\"size_bytes\":null,\"stops\":[{}],\"same\":null,\"peak_rss_bytes\":null}",
    "{\"size_bytes\":\"many\",\"stops\":[7,null,[],\"x\"],\"same\":[],\"speedup\":1,"
    "\"kept_float\":[1,{}],\"warnings\":[1,{}],\"accuracy\":{},\"original_accuracy\":{}}",
    "{\"size_bytes\":-1e300,\"original_size_bytes\":0,\"stops\":{},\"same\":{\"same\":1e300,"
    "\"total\":1},\"position\":1e300,\"layers\":[1,{\"bytes\":1e300}],\"inputs\":[1,{\"dims\":[{}]}],"
    "\"preprocess\":{\"description\":7}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    for (guint command = 0; command <= FW_COMMAND_COMPARE; command++)
      {
        g_autofree char *text = report ((FwCommand) command, results[i]);

        g_assert_true (g_utf8_validate (text, -1, NULL));
        g_assert_null (strstr (text, "nan"));
        g_assert_null (strstr (text, "inf "));
        if (i == 1 && command == FW_COMMAND_SHRINK)
          g_assert_nonnull (strstr (text, "not measured"));
      }
}

static void
test_message (void)
{
  g_autoptr (JsonNode) node
      = fw_json_parse ("{\"event\":\"error\",\"code\":\"damaged-model\","
                       "\"message\":\"It is \\u001b[1m cut.\",\"hint\":\"h\"}",
                       -1, NULL);
  g_autoptr (JsonNode) bare = fw_json_parse ("{\"event\":\"warning\",\"message\":\"w\"}", -1, NULL);
  g_autofree char *text = fw_report_text_message (json_node_get_object (node));
  g_autofree char *short_text = fw_report_text_message (json_node_get_object (bare));

  g_assert_true (g_str_has_prefix (text, "Error: It is "));
  g_assert_true (g_str_has_suffix (text, "\nHint: h\n"));
  g_assert_null (strchr (text, '\033'));
  g_assert_cmpstr (short_text, ==, "Warning: w\n");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/text/width", test_width);
  g_test_add_func ("/text/plain", test_plain);
  g_test_add_func ("/text/table", test_table);
  g_test_add_func ("/text/bar", test_bar);
  g_test_add_func ("/text/time", test_time);
  g_test_add_func ("/text/shrink", test_shrink);
  g_test_add_func ("/text/slower", test_slower);
  g_test_add_func ("/text/missing", test_missing);
  g_test_add_func ("/text/message", test_message);
  return g_test_run ();
}
