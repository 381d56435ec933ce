/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <locale.h>

#include "fw-json.h"
#include "fw-words.h"

static FwStopItem *
create_stop (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = fw_json_parse (text, -1, &error);

  g_assert_no_error (error);
  return fw_stop_item_new (json_node_get_object (node));
}

#define ASSERT_WORDS(call, expected)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *words = call;                                                                 \
    g_assert_cmpstr (words, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END

static void
test_percent (void)
{
  ASSERT_WORDS (fw_words_percent (1, 127), "100%");
  ASSERT_WORDS (fw_words_percent (126.0 / 127, 127), "99.2%");
  /* All but one of very many is not all. */
  ASSERT_WORDS (fw_words_percent (99999.0 / 100000, 100000), "99.99%");
  ASSERT_WORDS (fw_words_percent (0, 4), "0%");
}

static void
test_measured (void)
{
  g_autoptr (FwStopItem) stop
      = create_stop ("{\"position\":0,\"size_bytes\":270,\"original_size_bytes\":1000,"
                     "\"same\":{\"same\":9,\"total\":10,\"fraction\":0.9},"
                     "\"speedup\":{\"median\":1.66},"
                     "\"latency_ms\":{\"median\":0.361},\"original_latency_ms\":{\"median\":12}}");

  ASSERT_WORDS (fw_words_saved (stop), "73% smaller");
  ASSERT_WORDS (fw_words_speed (stop), "1.7 times as fast");
  ASSERT_WORDS (fw_words_same (stop), "9 of 10 answers stayed the same");
  ASSERT_WORDS (fw_words_latency (stop), "0.36 ms instead of 12 ms for one answer");
  ASSERT_WORDS (fw_words_accuracy (stop), NULL);
}

static void
test_not_measured (void)
{
  g_autoptr (FwStopItem) stop = create_stop ("{\"size_bytes\":\"much\",\"speedup\":null,"
                                             "\"same\":7,\"warnings\":{},\"recipe\":3}");

  ASSERT_WORDS (fw_words_saved (stop), "Not smaller");
  ASSERT_WORDS (fw_words_speed (stop), "Not measured");
  ASSERT_WORDS (fw_words_same (stop), "Not measured");
  ASSERT_WORDS (fw_words_latency (stop), NULL);
  g_assert_null (fw_stop_item_get_warnings (stop));
  g_assert_null (fw_stop_item_get_recipe (stop));
}

static void
test_slower (void)
{
  g_autoptr (FwStopItem) slower = create_stop ("{\"speedup\":{\"median\":0.5}}");
  g_autoptr (FwStopItem) same = create_stop ("{\"speedup\":{\"median\":0.98}}");

  ASSERT_WORDS (fw_words_speed (slower), "Slower: takes 2.0 times as long");
  ASSERT_WORDS (fw_words_speed (same), "As fast as the original");
}

static void
test_time_left (void)
{
  ASSERT_WORDS (fw_words_time_left (-1), NULL);
  ASSERT_WORDS (fw_words_time_left (2), "a few seconds left");
  ASSERT_WORDS (fw_words_time_left (12), "about 20 seconds left");
  ASSERT_WORDS (fw_words_time_left (90), "about 2 minutes left");
  ASSERT_WORDS (fw_words_time_left (7200), "about 2 hours left");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/words/percent", test_percent);
  g_test_add_func ("/words/measured", test_measured);
  g_test_add_func ("/words/not-measured", test_not_measured);
  g_test_add_func ("/words/slower", test_slower);
  g_test_add_func ("/words/time-left", test_time_left);
  return g_test_run ();
}
