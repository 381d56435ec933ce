/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include <dlfcn.h>
#include <string.h>

#include <glib/gi18n-lib.h>

#include "fw-error.h"
#include "fw-runtime-private.h"

#define LIBRARY "libonnxruntime.so.1"
#define MAX_DETAIL 400

static GMutex load_mutex;
static FwRuntime runtime; /* api is NULL until all is loaded */
static char *runtime_path;
static const char *runtime_version;

/* Log ---------------------------------------------------------------------------------------- */

/* What ONNX Runtime warns of is for developers: users get errors, as sentences. */
static void
on_log (void *param,
        int severity,
        const char *category,
        const char *log_id,
        const char *code_location,
        const char *message)
{
  g_autofree char *text = g_utf8_make_valid (message, -1);

  g_log ("onnxruntime", severity >= ORT_LOG_ERROR ? G_LOG_LEVEL_INFO : G_LOG_LEVEL_DEBUG, "%s (%s)",
         text, code_location);
}

/* Errors ------------------------------------------------------------------------------------- */

/* @message without the path of the model and without the places in ONNX Runtime's own source that
 * it may name: a file, a line and a function with its parameters. */
static char *
cut_source (const char *message)
{
  const char *source = strstr (message, "/onnxruntime_src/");
  const char *reason = strstr (message, " failed:");
  guint depth = 0;

  /* The model's path is known to whoever asked for it. */
  if (g_str_has_prefix (message, "Load model from ") && reason != NULL)
    return cut_source (reason + strlen (" failed:"));

  for (const char *at = source; at != NULL && *at != '\0'; at++)
    {
      if (*at == '(')
        depth++;
      else if (*at == ')' && depth > 0 && --depth == 0)
        {
          g_autofree char *start = g_strndup (message, (gsize) (source - message));
          const char *end = at + 1;

          if (g_str_has_prefix (end, " const"))
            end += strlen (" const");
          if (g_str_has_prefix (end, "::"))
            end += strcspn (end, " ");
          if (g_str_has_prefix (end, " [with ") && strchr (end, ']') != NULL)
            end = strchr (end, ']') + 1;
          return g_strconcat (start, end, NULL);
        }
    }
  return g_strdup (message);
}

/* One line that is fit to be shown. */
static char *
clean_message (const char *message)
{
  g_autofree char *cut = cut_source (message);
  g_autofree char *valid = g_utf8_make_valid (cut, -1);
  g_autoptr (GString) text = g_string_new (NULL);
  gboolean is_after_space = TRUE;
  guint n = 0;

  for (const char *at = valid; *at != '\0' && n < MAX_DETAIL; at = g_utf8_next_char (at))
    {
      gunichar c = g_utf8_get_char (at);

      if (!g_unichar_isprint (c) || g_unichar_isspace (c))
        c = ' ';
      if (c == ' ' && is_after_space)
        continue;
      is_after_space = c == ' ';
      g_string_append_unichar (text, c);
      n++;
    }
  if (n == MAX_DETAIL)
    g_string_append (text, "…");
  return g_strchomp (g_string_free (g_steal_pointer (&text), FALSE));
}

static char *
take_word (const char *start)
{
  gsize length = strspn (start, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_.:");

  return length > 0 ? g_strndup (start, length) : NULL;
}

/* The operator of which @message says that there is no such thing, or NULL. */
static char *
find_unknown_operator (const char *message)
{
  static const char *const before[] = { "No Op registered for ", "No opset import for domain '" };
  const char *at = strstr (message, " is not a registered function/op");

  if (at != NULL)
    {
      const char *start = at;

      while (start > message && start[-1] != ' ')
        start--;
      return take_word (start);
    }
  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      at = strstr (message, before[i]);
      if (at != NULL)
        return take_word (at + strlen (before[i]));
    }
  return NULL;
}

/* The operator that is known, but not in this version or for these types of elements, or NULL. */
static char *
find_unfit_operator (const char *message)
{
  static const char *const before[]
      = { "Could not find an implementation for ", "Failed to find kernel for " };

  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      const char *at = strstr (message, before[i]);

      if (at != NULL)
        return take_word (at + strlen (before[i]));
    }
  return NULL;
}

static gboolean
is_about_memory (const char *message)
{
  return strstr (message, "bad_alloc") != NULL || strstr (message, "bad allocation") != NULL
         || strstr (message, "Failed to allocate memory") != NULL
         || strstr (message, "Cannot allocate memory") != NULL;
}

static void
set_out_of_memory (GError **error)
{
  g_set_error_literal (error, FW_ERROR, FW_ERROR_OUT_OF_MEMORY,
                       _ ("There is not enough memory to run this model."));
}

gboolean
fw_runtime_fail_load (OrtStatus *status, GError **error)
{
  const char *raw = runtime.api->GetErrorMessage (status);
  g_autofree char *message = clean_message (raw);
  g_autofree char *name = find_unknown_operator (message);
  g_autofree char *unfit = find_unfit_operator (message);

  if (is_about_memory (message))
    set_out_of_memory (error);
  else if (name != NULL)
    g_set_error (error, FW_ERROR, FW_ERROR_UNKNOWN_OPERATOR,
                 _ ("The model needs the operation “%s”, which ONNX Runtime does not have."), name);
  else if (unfit != NULL)
    g_set_error (error, FW_ERROR, FW_ERROR_UNKNOWN_OPERATOR,
                 _ ("ONNX Runtime does not have the operation “%s” in the form that this model "
                    "needs."),
                 unfit);
  else if (runtime.api->GetErrorCode (status) == ORT_NOT_IMPLEMENTED)
    g_set_error (error, FW_ERROR, FW_ERROR_UNKNOWN_OPERATOR,
                 _ ("The model needs an operation that ONNX Runtime does not have: %s"), message);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_UNSUPPORTED_MODEL,
                 _ ("ONNX Runtime can't run this model. It says: %s"), message);

  runtime.api->ReleaseStatus (status);
  return FALSE;
}

gboolean
fw_runtime_fail_run (OrtStatus *status, GError **error)
{
  g_autofree char *message = clean_message (runtime.api->GetErrorMessage (status));

  if (is_about_memory (message))
    set_out_of_memory (error);
  else
    g_set_error (error, FW_ERROR, FW_ERROR_RUNTIME_FAILED,
                 _ ("The model failed while it ran. ONNX Runtime says: %s"), message);

  runtime.api->ReleaseStatus (status);
  return FALSE;
}

/* Loading ------------------------------------------------------------------------------------ */

#ifndef FW_SYSTEM_RUNTIME
/* An installed program has no business in the folder it was built in, which others may write to. */
static gboolean
runs_from_build (void)
{
  g_autofree char *program = g_file_read_link ("/proc/self/exe", NULL);

  return program != NULL && g_str_has_prefix (program, FW_BUILD_DIR "/");
}
#endif

/* Files in the order of search; after them the plain names are left to the dynamic loader. */
static GPtrArray *
list_candidates (void)
{
  GPtrArray *candidates = g_ptr_array_new_with_free_func (g_free);
  const char *named = g_getenv ("FW_ONNXRUNTIME");

  /* Whoever names a library wants that one and no other. */
  if (named != NULL && *named != '\0')
    {
      g_ptr_array_add (candidates, g_strdup (named));
      return candidates;
    }
#ifndef FW_SYSTEM_RUNTIME
  if (runs_from_build ())
    g_ptr_array_add (candidates, g_build_filename (FW_BUILD_DIR, "onnxruntime", LIBRARY, NULL));
  g_ptr_array_add (candidates, g_build_filename (FW_PKGLIB_DIR, LIBRARY, NULL));
#endif
  g_ptr_array_add (candidates, g_strdup (LIBRARY));
  g_ptr_array_add (candidates, g_strdup ("libonnxruntime.so"));
  return candidates;
}

static gpointer
open_library (GError **error)
{
  g_autoptr (GPtrArray) candidates = list_candidates ();

  for (guint i = 0; i < candidates->len; i++)
    {
      const char *candidate = g_ptr_array_index (candidates, i);
      gpointer library;

      if (strchr (candidate, '/') != NULL && !g_file_test (candidate, G_FILE_TEST_EXISTS))
        continue;
      library = dlopen (candidate, RTLD_NOW | RTLD_LOCAL);
      if (library != NULL)
        return library;
      g_debug ("%s", dlerror ());
    }
  g_set_error_literal (error, FW_ERROR, FW_ERROR_RUNTIME_MISSING,
                       _ ("ONNX Runtime, which runs the models, was not found."));
  return NULL;
}

static char *
find_loaded_path (gpointer symbol)
{
  Dl_info info;

  if (dladdr (symbol, &info) == 0 || info.dli_fname == NULL)
    return NULL;
  return g_canonicalize_filename (info.dli_fname, NULL);
}

static gboolean
start_library (FwRuntime *loaded, GError **error)
{
  const OrtApi *api = loaded->api;
  OrtStatus *status;

  status = api->CreateEnvWithCustomLogger (on_log, NULL, ORT_LOG_WARNING, "featherweight",
                                           &loaded->env);
  if (status == NULL)
    status = api->DisableTelemetryEvents (loaded->env);
  if (status == NULL)
    status = api->CreateCpuMemoryInfo (ORT_ARENA_ALLOCATOR, 0, &loaded->memory_info);
  if (status == NULL)
    status = api->GetAllocatorWithDefaultOptions (&loaded->allocator);
  if (status == NULL)
    return TRUE;

  g_set_error (error, FW_ERROR, FW_ERROR_RUNTIME_MISSING,
               _ ("ONNX Runtime, which runs the models, could not start: %s"),
               api->GetErrorMessage (status));
  api->ReleaseStatus (status);
  return FALSE;
}

static gboolean
load_locked (GError **error)
{
  const OrtApiBase *(*get_base) (void);
  const OrtApiBase *base;
  FwRuntime loaded = { 0 };
  gpointer library;

  /* Released builds collect usage data from CreateEnv() on, before DisableTelemetryEvents() can be
   * called: they start a thread, read the machine's id and write below the user's cache folder and
   * /tmp. Only the environment keeps them from it, and it has to be set first. */
  g_setenv ("ORT_DISABLE_TELEMETRY", "1", TRUE);

  library = open_library (error);
  if (library == NULL)
    return FALSE;

  /* POSIX lets a symbol be a function; ISO C has no cast for it. */
  *(gpointer *) &get_base = dlsym (library, "OrtGetApiBase");
  base = get_base != NULL ? get_base () : NULL;
  if (base == NULL)
    {
      g_set_error_literal (error, FW_ERROR, FW_ERROR_RUNTIME_MISSING,
                           _ ("What was found in the place of ONNX Runtime is something else."));
      dlclose (library);
      return FALSE;
    }

  loaded.api = base->GetApi (FW_ORT_API_VERSION);
  if (loaded.api == NULL)
    {
      g_set_error (error, FW_ERROR, FW_ERROR_RUNTIME_TOO_OLD,
                   _ ("ONNX Runtime %s is too old; version 1.18 or later is needed."),
                   base->GetVersionString ());
      dlclose (library);
      return FALSE;
    }
  /* From here on the library stays: it can't be unloaded once it has started. */
  if (!start_library (&loaded, error))
    return FALSE;

  runtime_path = find_loaded_path (*(gpointer *) &get_base);
  runtime_version = base->GetVersionString ();
  runtime = loaded;
  return TRUE;
}

const FwRuntime *
fw_runtime_get (GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&load_mutex);

  if (runtime.api == NULL && !load_locked (error))
    return NULL;
  return &runtime;
}

gboolean
fw_runtime_load (GError **error)
{
  return fw_runtime_get (error) != NULL;
}

const char *
fw_runtime_get_version (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&load_mutex);

  return runtime_version;
}

const char *
fw_runtime_get_path (void)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&load_mutex);
  g_autoptr (GPtrArray) candidates = NULL;

  if (runtime_path != NULL)
    return runtime_path;

  candidates = list_candidates ();
  for (guint i = 0; i < candidates->len; i++)
    {
      const char *candidate = g_ptr_array_index (candidates, i);

      if (strchr (candidate, '/') != NULL && g_file_test (candidate, G_FILE_TEST_EXISTS))
        return g_intern_string (candidate);
    }
  return NULL;
}
