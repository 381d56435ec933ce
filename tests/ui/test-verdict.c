/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-verdict.h"

static JsonObject *
parse (const char *text)
{
  g_autoptr (JsonNode) node = json_from_string (text, NULL);

  g_assert_nonnull (node);
  return json_node_dup_object (node);
}

static FwSampleItem *
sample (const char *text)
{
  g_autoptr (JsonObject) event = parse (text);

  return fw_sample_item_new (event);
}

#define OWL "[{\"index\":7,\"name\":\"owl\",\"probability\":0.9}]"
#define CAT "[{\"index\":2,\"name\":\"cat\",\"probability\":0.6}]"

static void
check_sample (const char *text, const char *class_name, const char *sentence, const char *summary)
{
  g_autoptr (FwSampleItem) item = sample (text);
  g_autofree char *said = fw_verdict_describe_sample (item, class_name);
  g_autofree char *short_form = fw_verdict_summarize_sample (item);

  g_assert_cmpstr (said, ==, sentence);
  g_assert_cmpstr (short_form, ==, summary);
}

static void
test_sample (void)
{
  check_sample ("{\"original\":" OWL ",\"other\":" OWL ",\"changed\":false}", NULL,
                "The same answer: “owl”.", "owl");
  check_sample ("{\"original\":" OWL ",\"other\":" CAT ",\"changed\":true}", NULL,
                "The answer changed from “owl” to “cat”.", "owl → cat");
  check_sample ("{\"original\":" OWL ",\"other\":" CAT ",\"changed\":true,\"label\":7}", "owl",
                "The answer changed from “owl” to “cat”. The first one was right.", "owl → cat");
  check_sample ("{\"original\":" OWL ",\"other\":" CAT ",\"changed\":true,\"label\":2}", "cat",
                "The answer changed from “owl” to “cat”. It is right.", "owl → cat");
  check_sample ("{\"original\":" OWL ",\"other\":" OWL ",\"changed\":false,\"label\":2}", "cat",
                "The same answer: “owl”. Right would be “cat”.", "owl");
  check_sample ("{\"original\":" OWL ",\"other\":" OWL ",\"changed\":false,\"label\":2}", NULL,
                "The same answer: “owl”. It is wrong.", "owl");
}

/* Where answers have no names, how far the output is off. */
static void
test_differences (void)
{
  check_sample ("{\"original\":[],\"other\":[],\"changed\":false,\"error\":0}", NULL,
                "Exactly the same comes out.", "off by 0.0%");
  check_sample ("{\"original\":[],\"other\":[],\"changed\":false,\"error\":0.0004}", NULL,
                "Nearly the same comes out: off by 2.0%.", "off by 2.0%");
  check_sample ("{\"original\":[],\"other\":[],\"changed\":true,\"error\":0.04}", NULL,
                "What comes out is off by 20.0%: too much to count as the same.", "off by 20.0%");
  check_sample ("{\"original\":[],\"other\":[],\"changed\":true,\"error\":null}", NULL,
                "Something altogether different comes out.", "another shape");
}

static void
test_odd_samples (void)
{
  check_sample ("{}", NULL, "The same answer: “no answer”.", "no answer");
  check_sample ("{\"original\":[7],\"other\":{},\"label\":-3}", NULL,
                "The same answer: “no answer”.", "no answer");
  check_sample ("{\"original\":[{\"index\":4}],\"other\":[{\"index\":5}],\"changed\":true}", NULL,
                "The answer changed from “Answer 4” to “Answer 5”.", "Answer 4 → Answer 5");
}

static void
test_marks (void)
{
  g_autoptr (FwSampleItem) plain
      = sample ("{\"original\":" OWL ",\"other\":" CAT ",\"changed\":true}");
  g_autoptr (FwSampleItem) labelled
      = sample ("{\"original\":" OWL ",\"other\":" CAT ",\"changed\":true,\"label\":7}");

  g_assert_cmpint (fw_verdict_get_mark (plain, FALSE), ==, FW_ANSWER_MARK_NONE);
  g_assert_cmpint (fw_verdict_get_mark (plain, TRUE), ==, FW_ANSWER_MARK_CHANGED);
  g_assert_cmpint (fw_verdict_get_mark (labelled, FALSE), ==, FW_ANSWER_MARK_RIGHT);
  g_assert_cmpint (fw_verdict_get_mark (labelled, TRUE), ==, FW_ANSWER_MARK_WRONG);
}

static void
check_result (const char *text, const char *expected)
{
  g_autoptr (JsonObject) result = parse (text);
  g_autofree char *said = fw_verdict_describe_result (result);

  g_assert_cmpstr (said, ==, expected);
}

static void
test_result (void)
{
  check_result ("{\"same\":{\"same\":98,\"total\":104}}",
                "98 of 104 answers stayed the same. Look at the 6 that changed.");
  check_result ("{\"same\":{\"same\":103,\"total\":104}}",
                "103 of 104 answers stayed the same. Look at the one that changed.");
  check_result ("{\"same\":{\"same\":104,\"total\":104}}", "All 104 answers stayed the same.");
  check_result ("{\"task\":\"general\",\"same\":{\"same\":9,\"total\":10}}",
                "What comes out of 9 of 10 samples is nearly the same.");
  check_result ("{\"task\":\"general\",\"same\":{\"same\":10,\"total\":10}}",
                "What comes out of all 10 samples is nearly the same.");
  check_result ("{}", NULL);
  check_result ("{\"same\":{\"same\":5,\"total\":4}}", NULL);
  check_result ("{\"same\":{\"same\":0,\"total\":1e300}}", NULL);
  check_result ("{\"same\":[]}", NULL);
}

static void
test_classes (void)
{
  g_autoptr (JsonObject) result
      = parse ("{\"classes\":[{\"label\":0,\"total\":9,\"original_right\":9,\"right\":9},"
               "{\"label\":1,\"total\":13,\"original_right\":13,\"right\":12},7,"
               "{\"label\":2,\"total\":5,\"original_right\":2,\"right\":4},"
               "{\"label\":3,\"total\":8,\"original_right\":8,\"right\":3}]}");
  g_autoptr (GHashTable) names = g_hash_table_new (NULL, NULL);
  g_auto (GStrv) lines = NULL;

  g_hash_table_insert (names, GINT_TO_POINTER (3), (gpointer) "owl");
  lines = fw_verdict_list_classes (result, names);
  g_assert_cmpuint (g_strv_length (lines), ==, 3);
  g_assert_cmpstr (lines[0], ==, "owl: 3 of 8 right, before 8");
  g_assert_cmpstr (lines[1], ==, "Answer 1: 12 of 13 right, before 13");
  g_assert_cmpstr (lines[2], ==, "Answer 2: 4 of 5 right, before 2");
  g_assert_null (fw_verdict_list_classes (NULL, NULL));
}

static void
test_shares (void)
{
  static const struct
  {
    double share;
    const char *text;
  } cases[] = {
    { 0, "0%" },         { 0.001, "< 1%" }, { 0.494, "49%" },
    { 0.9990, "> 99%" }, { 1, "100%" },     { G_MAXDOUBLE * 10, "not a number" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = fw_answer_bars_format_share (cases[i].share);

      g_assert_cmpstr (text, ==, cases[i].text);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/verdict/sample", test_sample);
  g_test_add_func ("/verdict/differences", test_differences);
  g_test_add_func ("/verdict/odd-samples", test_odd_samples);
  g_test_add_func ("/verdict/marks", test_marks);
  g_test_add_func ("/verdict/result", test_result);
  g_test_add_func ("/verdict/classes", test_classes);
  g_test_add_func ("/verdict/shares", test_shares);

  return g_test_run ();
}
