/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <string.h>

#include "fw-error.h"
#include "fw-history-command.h"
#include "fw-json.h"

static FwHistoryRequest *
read_request (const char *first, ...)
{
  g_autoptr (GPtrArray) arguments = g_ptr_array_new ();
  g_autofree char *help = NULL;
  g_autoptr (GError) error = NULL;
  FwHistoryRequest *request;
  gboolean json;
  va_list rest;

  va_start (rest, first);
  for (const char *word = first; word != NULL; word = va_arg (rest, const char *))
    g_ptr_array_add (arguments, (char *) word);
  va_end (rest);
  g_ptr_array_add (arguments, NULL);
  request = fw_history_request_new ((const char *const *) arguments->pdata, &json, &help, &error);
  g_assert_no_error (error);
  g_assert_null (help);
  g_assert_false (json);
  return request;
}

static void
test_right (void)
{
  g_autoptr (FwHistoryRequest) list = read_request ("list", "--all", NULL);
  g_autoptr (FwHistoryRequest) use
      = read_request ("use", "12", "-o", "a.onnx", "--position", "33.5", NULL);
  g_autoptr (FwHistoryRequest) note = read_request ("note", "3", "two words", NULL);
  g_autoptr (FwHistoryRequest) no_note = read_request ("note", "3", NULL);
  g_autofree char *output = g_canonicalize_filename ("a.onnx", NULL);

  g_assert_cmpint (list->verb, ==, FW_HISTORY_VERB_LIST);
  g_assert_true (list->all);
  g_assert_cmpint (use->verb, ==, FW_HISTORY_VERB_USE);
  g_assert_cmpint (use->version, ==, 12);
  g_assert_cmpstr (use->output, ==, output);
  g_assert_cmpfloat (use->position, ==, 33.5);
  g_assert_cmpstr (note->note, ==, "two words");
  g_assert_cmpfloat (note->position, ==, -1);
  g_assert_null (no_note->note);
}

static void
test_wrong (void)
{
  const char *const cases[][5] = {
    { NULL },
    { "", NULL },
    { "purge", "1", NULL },
    { "show", NULL },
    { "show", "1.5", NULL },
    { "show", " 1", NULL },
    { "show", "9223372036854775808", NULL },
    { "note", "1", "two", "words", NULL },
    { "delete", "--all", "1", NULL },
    { "use", "1", "--position", "" },
    { "use", "1", "--position", "1e1000" },
    { "use", "1", "--position", "nan" },
    { "list", "-o", "x", NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (FwHistoryRequest) request = NULL;
      g_autofree char *help = NULL;
      g_autoptr (GError) error = NULL;
      gboolean json;

      request = fw_history_request_new (cases[i], &json, &help, &error);
      if (request != NULL)
        g_test_message ("case %u", i);
      g_assert_null (request);
      g_assert_error (error, FW_ERROR, FW_ERROR_USAGE);
    }
}

static void
test_help_and_json (void)
{
  const char *const verb_help[] = { "use", "--help", NULL };
  const char *const help[] = { "-h", NULL };
  const char *const json_first[] = { "--json", "list", NULL };
  const char *const *const cases[] = { verb_help, help };
  g_autoptr (FwHistoryRequest) list = NULL;
  g_autofree char *none = NULL;
  gboolean json;

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;

      g_assert_null (fw_history_request_new (cases[i], &json, &text, &error));
      g_assert_no_error (error);
      g_assert_nonnull (strstr (text, "VERSION"));
    }
  list = fw_history_request_new (json_first, &json, &none, NULL);
  g_assert_nonnull (list);
  g_assert_true (json);
}

/* Names and notes may hold anything, and anything may be missing. */
static void
test_text (void)
{
  static const char *const results[] = {
    "{}",
    "{\"versions\":[]}",
    "{\"versions\":[{}]}",
    "{\"versions\":[{\"id\":1,\"number\":2,\"model\":\"\\u001b[31mred\\n\",\"note\":\"\\u0007\","
    "\"size_bytes\":1e300,\"created\":\"never\",\"same\":{\"fraction\":null}}]}",
    "{\"version\":{\"id\":1,\"number\":0,\"note\":\"\\u001b]0;x\"},\"original\":{\"path\":"
    "\"/\\u001b\"},\"run\":{},\"stops\":[{},{\"version\":3}],\"path\":\"\\u001b\"}",
    "{\"version\":{},\"original\":{}}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (results); i++)
    {
      g_autoptr (JsonNode) node = fw_json_parse (results[i], -1, NULL);
      JsonObject *result = json_node_get_object (node);
      gboolean is_list = json_object_has_member (result, "versions") || i == 0;

      for (int verb = is_list ? FW_HISTORY_VERB_LIST : FW_HISTORY_VERB_SHOW;
           verb <= (is_list ? FW_HISTORY_VERB_LIST : FW_HISTORY_VERB_UNDELETE); verb++)
        {
          FwHistoryRequest request = { .verb = (FwHistoryVerb) verb };
          g_autofree char *text = fw_history_request_text (&request, result);

          g_assert_null (strchr (text, '\033'));
          g_assert_null (strchr (text, '\a'));
          g_assert_null (strstr (text, "nan"));
          g_assert_true (g_str_has_suffix (text, "\n"));
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/history-request/right", test_right);
  g_test_add_func ("/history-request/wrong", test_wrong);
  g_test_add_func ("/history-request/help-and-json", test_help_and_json);
  g_test_add_func ("/history-request/text", test_text);
  return g_test_run ();
}
