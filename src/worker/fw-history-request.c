/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-error.h"
#include "fw-history-command.h"

typedef struct
{
  const char *name;
  const char *arguments;
  guint least, most; /* arguments */
  const char *summary;
} VerbEntry;

static const VerbEntry verbs[] = {
  [FW_HISTORY_VERB_LIST]
  = { "list", "", 0, 0, N_ ("Lists all versions of all models, newest first.") },
  [FW_HISTORY_VERB_SHOW]
  = { "show", N_ ("VERSION"), 1, 1, N_ ("Says how a version came to be and what was measured.") },
  [FW_HISTORY_VERB_USE]
  = { "use", N_ ("VERSION"), 1, 1,
      N_ ("Takes a version into use: saves it, or puts it in place of the file last saved.") },
  [FW_HISTORY_VERB_NOTE]
  = { "note", N_ ("VERSION [TEXT]"), 1, 2, N_ ("Writes a note beside a version.") },
  [FW_HISTORY_VERB_DELETE]
  = { "delete", N_ ("VERSION"), 1, 1, N_ ("Deletes a version; for a week, it can be undone.") },
  [FW_HISTORY_VERB_UNDELETE]
  = { "undelete", N_ ("VERSION"), 1, 1, N_ ("Brings a deleted version back.") },
};

typedef struct
{
  char **words;
  char *output;
  char *position;
  gboolean all;
  gboolean json;
  gboolean help;
} Typed;

static void
typed_clear (Typed *self)
{
  g_strfreev (self->words);
  g_free (self->output);
  g_free (self->position);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Typed, typed_clear)

void
fw_history_request_free (FwHistoryRequest *self)
{
  if (self == NULL)
    return;
  g_free (self->note);
  g_free (self->output);
  g_free (self);
}

static char *
general_help (void)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n\n%s\n", _ ("Every version of every model is kept."),
                          _ ("Usage:"));
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      const char *arguments = verbs[i].arguments[0] != '\0' ? _ (verbs[i].arguments) : "";

      g_string_append_printf (text, "  featherweight-cli history %s %s\n      %s\n", verbs[i].name,
                              arguments, _ (verbs[i].summary));
    }
  return g_string_free (text, FALSE);
}

static GOptionContext *
new_context (const VerbEntry *verb, Typed *typed)
{
  const GOptionEntry list_entries[] = {
    { "all", 'a', 0, G_OPTION_ARG_NONE, &typed->all, N_ ("Deleted versions too"), NULL },
    { NULL },
  };
  const GOptionEntry use_entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &typed->output,
      N_ ("Where to save the version; never overwrites"), N_ ("OUT.onnx") },
    { "position", 0, 0, G_OPTION_ARG_STRING, &typed->position,
      N_ ("Another version that the same run measured, from 0 to 100"), N_ ("N") },
    { NULL },
  };
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &typed->json, N_ ("Answer with one JSON object a line"),
      NULL },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &typed->help, N_ ("Show this help"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &typed->words, NULL, NULL },
    { NULL },
  };
  GOptionContext *context
      = g_option_context_new (verb->arguments[0] != '\0' ? _ (verb->arguments) : NULL);

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_set_summary (context, _ (verb->summary));
  if (verb == &verbs[FW_HISTORY_VERB_LIST])
    g_option_context_add_main_entries (context, list_entries, GETTEXT_PACKAGE);
  if (verb == &verbs[FW_HISTORY_VERB_USE])
    g_option_context_add_main_entries (context, use_entries, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  return context;
}

static gboolean
read_position (FwHistoryRequest *self, const char *text, GError **error)
{
  char *end = NULL;

  if (text == NULL)
    return TRUE;
  self->position = g_ascii_strtod (text, &end);
  if (g_ascii_isdigit (text[0]) && *end == '\0' && self->position >= 0 && self->position <= 100)
    return TRUE;
  g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("“%s” can’t be the value of --%s."), text,
               "position");
  return FALSE;
}

static gboolean
read_words (FwHistoryRequest *self, const VerbEntry *verb, Typed *typed, GError **error)
{
  guint n = typed->words != NULL ? g_strv_length (typed->words) : 0;
  guint64 version;

  if (n < verb->least || n > verb->most)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("“history %s” is used so: history %s %s"),
                   verb->name, verb->name, verb->arguments[0] != '\0' ? _ (verb->arguments) : "");
      return FALSE;
    }
  if (n > 0 && !g_ascii_string_to_unsigned (typed->words[0], 10, 1, G_MAXINT64, &version, NULL))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("“%s” is no version: use the number that “history list” shows."),
                   typed->words[0]);
      return FALSE;
    }
  self->version = n > 0 ? (gint64) version : 0;
  self->note = n > 1 ? g_strdup (typed->words[1]) : NULL;
  return TRUE;
}

static FwHistoryRequest *
read_verb (const VerbEntry *verb,
           const char *const *arguments,
           gboolean *json,
           char **help,
           GError **error)
{
  g_auto (Typed) typed = { 0 };
  g_autoptr (GOptionContext) context = new_context (verb, &typed);
  g_autoptr (GError) parse_error = NULL;
  g_auto (GStrv) copy = g_strdupv ((char **) arguments);
  g_autoptr (FwHistoryRequest) self = g_new0 (FwHistoryRequest, 1);

  if (!g_option_context_parse_strv (context, &copy, &parse_error))
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_USAGE, parse_error->message);
      return NULL;
    }
  *json = *json || typed.json;
  if (typed.help)
    {
      g_autofree char *program = g_strconcat ("featherweight-cli history ", verb->name, NULL);

      g_set_prgname (program);
      *help = g_option_context_get_help (context, TRUE, NULL);
      return NULL;
    }
  self->verb = (FwHistoryVerb) (verb - verbs);
  self->position = -1;
  self->all = typed.all;
  self->output = typed.output != NULL ? g_canonicalize_filename (typed.output, NULL) : NULL;
  if (!read_words (self, verb, &typed, error) || !read_position (self, typed.position, error))
    return NULL;
  return g_steal_pointer (&self);
}

FwHistoryRequest *
fw_history_request_new (const char *const *arguments, gboolean *json, char **help, GError **error)
{
  const char *name;

  *help = NULL;
  *json = g_strv_contains (arguments, "--json");
  while (g_strcmp0 (arguments[0], "--json") == 0)
    arguments++;
  name = arguments[0];
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_strcmp0 (name, verbs[i].name) == 0)
      return read_verb (&verbs[i], arguments, json, help, error);
  if (g_strcmp0 (name, "--help") == 0 || g_strcmp0 (name, "-h") == 0)
    *help = general_help ();
  else if (name == NULL)
    g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                 _ ("Say what to do: history list, show, use, note, delete or undelete."));
  else
    g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no command “history %s”."), name);
  return NULL;
}
