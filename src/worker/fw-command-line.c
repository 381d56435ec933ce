/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-command-line.h"

#include <glib/gi18n-lib.h>
#include <string.h>

#include "fw-care.h"
#include "fw-error.h"
#include "fw-json.h"
#include "fw-option.h"

#define MAX_THREADS 1024

/* Every option as it was typed; read into the job once all of them are there. */
typedef struct
{
  char **files;
  char *output;
  char *out_dir;
  char *position;
  char *max_size;
  char *min_same;
  char *prefer;
  char *labels;
  char *preprocess;
  char *threads;
  char *seed;
  char *save_inputs;
  char *uniform;
  char *memory;
  char *target;
  char *care;
  char *without;
  char *only;
  char *where;
  gboolean no_measure;
  gboolean json;
  gboolean help;
} Typed;

typedef struct
{
  const char *name;
  FwCommand command;
  const char *files; /* how the help names the files */
  guint n_models;
  gboolean has_samples;
  gboolean has_targets; /* can aim at one version */
  gboolean samples_optional;
  const char *summary;
} CommandEntry;

static const CommandEntry commands[] = {
  { "inspect", FW_COMMAND_INSPECT, N_ ("MODEL"), 1, FALSE, FALSE, FALSE,
    N_ ("Says what a model does, how large it is and whether it can be made smaller.") },
  { "shrink", FW_COMMAND_SHRINK, N_ ("MODEL SAMPLES…"), 1, TRUE, TRUE, FALSE,
    N_ ("Makes a model smaller and faster, and measures the result on your samples.") },
  { "path", FW_COMMAND_PATH, N_ ("MODEL SAMPLES…"), 1, TRUE, FALSE, FALSE,
    N_ ("Writes every version between the smallest and the original, and stops.json.") },
  { "compare", FW_COMMAND_COMPARE, N_ ("ORIGINAL OTHER SAMPLES…"), 2, TRUE, FALSE, FALSE,
    N_ ("Compares two models on your samples.") },
  { "export", FW_COMMAND_EXPORT, N_ ("VERSION|MODEL [SAMPLES…]"), 1, TRUE, FALSE, TRUE,
    N_ ("Takes a model, or a version by its number in the history, to a phone, to a web page or elsewhere.") },
};

static void
typed_clear (Typed *self)
{
  g_strfreev (self->files);
  g_free (self->output);
  g_free (self->out_dir);
  g_free (self->position);
  g_free (self->max_size);
  g_free (self->min_same);
  g_free (self->prefer);
  g_free (self->labels);
  g_free (self->preprocess);
  g_free (self->threads);
  g_free (self->seed);
  g_free (self->save_inputs);
  g_free (self->uniform);
  g_free (self->memory);
  g_free (self->target);
  g_free (self->care);
  g_free (self->without);
  g_free (self->only);
  g_free (self->where);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Typed, typed_clear)

void
fw_request_free (FwRequest *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->job, fw_job_free);
  g_clear_pointer (&self->history, fw_history_request_free);
  g_free (self->text);
  g_free (self);
}

static gboolean
wrong_value (const char *option, const char *value, GError **error)
{
  g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("“%s” can’t be the value of --%s."), value,
               option);
  return FALSE;
}

static gboolean
read_whole_number (const char *option,
                   const char *text,
                   guint64 highest,
                   guint64 *number,
                   GError **error)
{
  if (text == NULL)
    return TRUE;
  return g_ascii_string_to_unsigned (text, 10, 0, highest, number, NULL)
         || wrong_value (option, text, error);
}

/* "40", "12.5" or "40%"; the sign says nothing more. */
static gboolean
read_hundredths (const char *option,
                 const char *text,
                 gboolean zero,
                 double *number,
                 GError **error)
{
  g_autofree char *digits = NULL;
  gsize length;

  if (text == NULL)
    return TRUE;
  digits = g_strstrip (g_strdup (text));
  length = strlen (digits);
  if (length > 0 && digits[length - 1] == '%')
    digits[--length] = '\0';
  if (length == 0 || length > 20 || strspn (digits, "0123456789.") != length
      || strchr (digits, '.') != strrchr (digits, '.') || strcmp (digits, ".") == 0)
    return wrong_value (option, text, error);
  *number = g_ascii_strtod (digits, NULL);
  if (*number > 100 || (*number == 0 && !zero))
    return wrong_value (option, text, error);
  return TRUE;
}

static gboolean
read_size (const char *option, const char *text, guint64 *bytes, double *fraction, GError **error)
{
  return text == NULL || fw_job_parse_size (text, bytes, fraction, NULL)
         || wrong_value (option, text, error);
}

static gboolean
read_path (const char *typed, char **member, GError **error)
{
  g_autofree char *folder = NULL;

  if (typed == NULL)
    return TRUE;
  if (typed[0] == '\0')
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("The name of a file is empty."));
      return FALSE;
    }
  folder = g_get_current_dir ();
  /* Not by fw_json_to_path(): what is typed is a name, never a URI. */
  *member = g_path_is_absolute (typed) ? g_strdup (typed) : g_build_filename (folder, typed, NULL);
  return TRUE;
}

static gboolean
read_targets (FwJob *job, const Typed *typed, GError **error)
{
  guint n_targets
      = (typed->position != NULL) + (typed->max_size != NULL) + (typed->min_same != NULL);
  double percent = 0;

  if (n_targets > 1)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("Only one of --position, --max-size and --min-same can be given."));
      return FALSE;
    }
  if (!read_hundredths ("position", typed->position, TRUE, &job->position, error)
      || !read_size ("max-size", typed->max_size, &job->max_size, &job->max_fraction, error)
      || !read_hundredths ("min-same", typed->min_same, FALSE, &percent, error))
    return FALSE;
  job->min_same = percent / 100;
  return TRUE;
}

/* A file, where there is one of that name or it looks like one; otherwise a preparation's name. */
static gboolean
read_preprocess (FwJob *job, const char *typed, GError **error)
{
  if (typed == NULL)
    return TRUE;
  g_clear_pointer (&job->preprocess, g_free);
  if (strchr (typed, '/') != NULL || g_str_has_suffix (typed, ".json")
      || g_file_test (typed, G_FILE_TEST_IS_REGULAR))
    return read_path (typed, &job->preprocess, error);
  job->preprocess = g_strdup (typed);
  return TRUE;
}

static gboolean
read_care (FwJob *job, Typed *typed, GError **error)
{
  FwRepairFlags repairs;

  if (typed->target != NULL && !fw_device_from_name (typed->target, &job->device))
    return wrong_value ("target", typed->target, error);
  if (typed->care != NULL && !fw_care_from_name (typed->care, &job->care))
    return wrong_value ("care", typed->care, error);
  if (typed->without != NULL && typed->only != NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("Only one of --without and --only can be given."));
      return FALSE;
    }
  job->without = g_steal_pointer (&typed->without);
  job->only = g_steal_pointer (&typed->only);
  return fw_care_read_repairs (job, &repairs, error);
}

static gboolean
read_options (FwJob *job, Typed *typed, GError **error)
{
  FwOption option;
  guint64 threads = 0;

  if (!read_targets (job, typed, error) || !read_preprocess (job, typed->preprocess, error)
      || !read_path (typed->output, &job->output, error)
      || !read_path (typed->out_dir, &job->out_dir, error)
      || !read_path (typed->labels, &job->labels, error)
      || !read_path (typed->save_inputs, &job->save_inputs, error)
      || !read_whole_number ("threads", typed->threads, MAX_THREADS, &threads, error)
      || !read_whole_number ("seed", typed->seed, G_MAXINT64, &job->seed, error)
      || !read_size ("memory", typed->memory, &job->memory, NULL, error))
    return FALSE;
  if (typed->prefer != NULL && !fw_prefer_from_name (typed->prefer, &job->prefer))
    return wrong_value ("prefer", typed->prefer, error);
  if (typed->where != NULL && !fw_target_from_name (typed->where, &job->target))
    return wrong_value ("for", typed->where, error);
  if (typed->uniform != NULL && !fw_option_from_name (typed->uniform, &option))
    return wrong_value ("uniform", typed->uniform, error);
  job->threads = (guint) threads;
  job->uniform = g_steal_pointer (&typed->uniform);
  job->measure = !typed->no_measure;
  return read_care (job, typed, error);
}

/* A number that is no file's name. */
static gboolean
is_version (const char *typed, gint64 *version)
{
  guint64 number;

  if (g_file_test (typed, G_FILE_TEST_EXISTS)
      || !g_ascii_string_to_unsigned (typed, 10, 1, G_MAXINT64, &number, NULL))
    return FALSE;
  *version = (gint64) number;
  return TRUE;
}

static gboolean
read_files (FwJob *job, const CommandEntry *entry, const Typed *typed, GError **error)
{
  guint n = typed->files != NULL ? g_strv_length (typed->files) : 0;
  g_autoptr (GPtrArray) samples = g_ptr_array_new_with_free_func (g_free);

  if (n < entry->n_models + (entry->has_samples && !entry->samples_optional))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   n < entry->n_models ? _ ("“%s” needs a model: %s %s")
                                       : _ ("“%s” needs samples: %s %s"),
                   entry->name, entry->name, _ (entry->files));
      return FALSE;
    }
  if (!entry->has_samples && n > entry->n_models)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("“%s” is one name too many: %s %s"),
                   typed->files[entry->n_models], entry->name, _ (entry->files));
      return FALSE;
    }

  if (entry->command != FW_COMMAND_EXPORT || !is_version (typed->files[0], &job->version))
    if (!read_path (typed->files[0], &job->model, error))
      return FALSE;
  if (entry->n_models > 1 && !read_path (typed->files[1], &job->other, error))
    return FALSE;
  for (guint i = entry->n_models; i < n; i++)
    {
      char *path = NULL;

      if (!read_path (typed->files[i], &path, error))
        return FALSE;
      g_ptr_array_add (samples, path);
    }
  if (samples->len > 0)
    {
      g_ptr_array_add (samples, NULL);
      job->samples = (char **) g_ptr_array_free (g_steal_pointer (&samples), FALSE);
    }
  return TRUE;
}

static void
add_common_options (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "json", 0, 0, G_OPTION_ARG_NONE, &typed->json,
      N_ ("Say everything as JSON, an object a line"), NULL },
    { "memory", 0, 0, G_OPTION_ARG_STRING, &typed->memory,
      N_ ("The most memory to use, such as 4GB"), N_ ("SIZE") },
    { "threads", 0, 0, G_OPTION_ARG_STRING, &typed->threads,
      N_ ("How many threads to compute with"), N_ ("N") },
    { "help", 'h', 0, G_OPTION_ARG_NONE, &typed->help, N_ ("Show this help"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &typed->files, NULL, NULL },
    { NULL },
  };

  g_option_context_set_help_enabled (context, FALSE);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_sample_options (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "labels", 0, 0, G_OPTION_ARG_FILENAME, &typed->labels,
      N_ ("A CSV file with the right answers"), N_ ("FILE") },
    { "preprocess", 0, 0, G_OPTION_ARG_FILENAME, &typed->preprocess,
      N_ ("How pictures are prepared: auto, a name or a JSON file"), N_ ("NAME") },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &typed->seed, N_ ("Another split of the samples"),
      N_ ("N") },
    { "save-inputs", 0, 0, G_OPTION_ARG_FILENAME, &typed->save_inputs,
      N_ ("Write what the samples became, as .npy files"), N_ ("DIR") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_shrink_options (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "prefer", 0, 0, G_OPTION_ARG_STRING, &typed->prefer,
      N_ ("What matters more: size, speed or both"), N_ ("WHAT") },
    { "uniform", 0, 0, G_OPTION_ARG_STRING, &typed->uniform,
      N_ ("Treat every part alike: float16, int8-storage, int5-storage, int8-compute and so on"),
      N_ ("OPTION") },
    { "target", 0, 0, G_OPTION_ARG_STRING, &typed->target,
      N_ ("What it is to run on: this-computer, phone or older-computer"), N_ ("DEVICE") },
    { "care", 0, 0, G_OPTION_ARG_STRING, &typed->care,
      N_ ("normal, or extra for better answers in more time"), N_ ("HOW") },
    { "without", 0, 0, G_OPTION_ARG_STRING, &typed->without,
      N_ ("Leave out repairs: bias-correction, gptq, coordinate-descent, cross-term, "
          "clipping, smoothing, equalization"),
      N_ ("NAME,…") },
    { "only", 0, 0, G_OPTION_ARG_STRING, &typed->only,
      N_ ("Make these repairs and no others, or none"), N_ ("NAME,…") },
    { "no-measure", 0, 0, G_OPTION_ARG_NONE, &typed->no_measure, N_ ("Only build, measure nothing"),
      NULL },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_target_options (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &typed->output,
      N_ ("Where to write the smaller model; never overwrites"), N_ ("OUT.onnx") },
    { "position", 0, 0, G_OPTION_ARG_STRING, &typed->position,
      N_ ("From 0, the smallest, to 100, the original"), N_ ("N") },
    { "max-size", 0, 0, G_OPTION_ARG_STRING, &typed->max_size,
      N_ ("At most this large, such as 2MB or 30%"), N_ ("SIZE") },
    { "min-same", 0, 0, G_OPTION_ARG_STRING, &typed->min_same,
      N_ ("At least this share of the same answers"), N_ ("PERCENT") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_folder_option (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "out-dir", 'o', 0, G_OPTION_ARG_FILENAME, &typed->out_dir,
      N_ ("A new folder for the versions"), N_ ("DIR") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static void
add_export_options (GOptionContext *context, Typed *typed)
{
  const GOptionEntry entries[] = {
    { "for", 0, 0, G_OPTION_ARG_STRING, &typed->where, N_ ("Where to: android, ios, web or file"),
      N_ ("WHERE") },
    { "output", 'o', 0, G_OPTION_ARG_FILENAME, &typed->output,
      N_ ("Where to write it, a .zip or, for a file, an .onnx; never overwrites"), N_ ("OUT") },
    { "labels", 0, 0, G_OPTION_ARG_FILENAME, &typed->labels,
      N_ ("A text file with the name of each class, a line each; with samples, a CSV file with the "
          "right answers"),
      N_ ("FILE") },
    { "preprocess", 0, 0, G_OPTION_ARG_FILENAME, &typed->preprocess,
      N_ ("How pictures are prepared: auto, a name or a JSON file"), N_ ("NAME") },
    { "seed", 0, 0, G_OPTION_ARG_STRING, &typed->seed, N_ ("Another split of the samples"),
      N_ ("N") },
    { NULL },
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

static GOptionContext *
new_context (const CommandEntry *entry, Typed *typed)
{
  g_autofree char *usage = g_strdup_printf ("%s", _ (entry->files));
  GOptionContext *context = g_option_context_new (usage);

  g_option_context_set_summary (context, _ (entry->summary));
  if (entry->has_targets)
    add_target_options (context, typed);
  if (entry->command == FW_COMMAND_PATH)
    add_folder_option (context, typed);
  if (entry->command == FW_COMMAND_SHRINK || entry->command == FW_COMMAND_PATH)
    add_shrink_options (context, typed);
  if (entry->command == FW_COMMAND_EXPORT)
    add_export_options (context, typed);
  else if (entry->has_samples)
    add_sample_options (context, typed);
  add_common_options (context, typed);
  return context;
}

static FwJob *
read_job (const CommandEntry *entry, Typed *typed, GError **error)
{
  g_autoptr (FwJob) job = fw_job_new (entry->command);

  if (!read_files (job, entry, typed, error) || !read_options (job, typed, error))
    return NULL;
  if (entry->command == FW_COMMAND_PATH && job->out_dir == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("“path” needs --out-dir with a new folder."));
      return NULL;
    }
  if (entry->command == FW_COMMAND_EXPORT && (typed->where == NULL || job->output == NULL))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                   _ ("“export” needs --for with android, ios, web or file, and -o with a new "
                      "file."));
      return NULL;
    }
  return g_steal_pointer (&job);
}

static void
read_command (FwRequest *self,
              const CommandEntry *entry,
              const char *const *arguments,
              GError **error)
{
  g_auto (Typed) typed = { 0 };
  g_autoptr (GOptionContext) context = new_context (entry, &typed);
  g_autoptr (GError) parse_error = NULL;
  g_auto (GStrv) copy = g_strdupv ((char **) arguments);
  gboolean parsed = g_option_context_parse_strv (context, &copy, &parse_error);

  self->json = self->json || typed.json || g_strv_contains (arguments, "--json");
  if (!parsed)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_USAGE, parse_error->message);
      return;
    }
  if (typed.help)
    {
      g_autofree char *program = g_strconcat ("featherweight-cli ", entry->name, NULL);

      g_set_prgname (program);
      self->kind = FW_REQUEST_TEXT;
      self->text = g_option_context_get_help (context, TRUE, NULL);
      return;
    }
  self->kind = FW_REQUEST_JOB;
  self->job = read_job (entry, &typed, error);
}

static char *
general_help (void)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n\n%s\n",
                          _ ("Featherweight makes AI models smaller and faster."), _ ("Usage:"));
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_string_append_printf (text, "  featherweight-cli %s %s\n      %s\n", commands[i].name,
                            _ (commands[i].files), _ (commands[i].summary));
  g_string_append_printf (text, "  featherweight-cli history …\n      %s\n",
                          _ ("Lists, shows and takes back what was made before."));
  g_string_append_printf (
      text, "\n%s\n", _ ("Run “featherweight-cli COMMAND --help” for the options of a command."));
  return g_string_free (text, FALSE);
}

static const CommandEntry *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (strcmp (commands[i].name, name) == 0)
      return &commands[i];
  return NULL;
}

static void
no_command (const char *name, GError **error)
{
  if (name == NULL)
    g_set_error (error, FW_ERROR, FW_ERROR_USAGE,
                 _ ("Say what to do: inspect, shrink, path, compare or export."));
  else if (name[0] == '-')
    g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no option “%s” here."), name);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("There is no command “%s”."), name);
}

static void
read_history (FwRequest *self, const char *const *arguments, GError **error)
{
  gboolean json;

  self->history = fw_history_request_new (arguments, &json, &self->text, error);
  self->json = self->json || json;
  if (self->history != NULL)
    self->kind = FW_REQUEST_HISTORY;
}

FwRequest *
fw_request_new (const char *const *arguments, GError **error)
{
  FwRequest *self = g_new0 (FwRequest, 1);
  const CommandEntry *entry = NULL;
  const char *name;

  self->kind = FW_REQUEST_TEXT;
  if (arguments[0] != NULL)
    arguments++;
  while (arguments[0] != NULL && strcmp (arguments[0], "--json") == 0)
    {
      self->json = TRUE;
      arguments++;
    }

  name = arguments[0];
  if (name != NULL)
    entry = find_command (name);
  if (entry != NULL)
    read_command (self, entry, arguments, error);
  else if (g_strcmp0 (name, "history") == 0)
    read_history (self, arguments + 1, error);
  else if (g_strcmp0 (name, "worker") == 0)
    {
      self->kind = FW_REQUEST_WORKER;
      self->json = TRUE;
      if (arguments[1] != NULL && strcmp (arguments[1], "--json") != 0)
        no_command (arguments[1], error);
    }
  else if (g_strcmp0 (name, "--version") == 0)
    self->text = g_strdup ("featherweight-cli " PACKAGE_VERSION "\n");
  else if (g_strcmp0 (name, "--help") == 0 || g_strcmp0 (name, "-h") == 0
           || g_strcmp0 (name, "help") == 0)
    self->text = general_help ();
  else
    {
      self->json = self->json || (name != NULL && g_strv_contains (arguments, "--json"));
      no_command (name, error);
    }
  return self;
}
