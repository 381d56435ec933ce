/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-problem.h"

#include "fw-error.h"
#include "fw-json.h"

/* clang-format off */
G_DEFINE_BOXED_TYPE (FwProblem, fw_problem, fw_problem_copy, fw_problem_free)
/* clang-format on */

FwProblem *
fw_problem_new (const char *code, const char *message, const char *hint)
{
  FwProblem *self = g_new0 (FwProblem, 1);

  self->code = g_strdup (code);
  self->message = g_strdup (message);
  self->hint = g_strdup (hint);
  return self;
}

FwProblem *
fw_problem_new_from_event (JsonObject *event)
{
  return fw_problem_new (fw_json_get_string (event, "code", "internal"),
                         fw_json_get_string (event, "message", ""),
                         fw_json_get_string (event, "hint", NULL));
}

FwProblem *
fw_problem_new_from_error (const GError *error)
{
  const FwError code = fw_error_get_code (error);

  return fw_problem_new (fw_error_get_name (code), error->message, fw_error_get_hint (code));
}

FwProblem *
fw_problem_copy (const FwProblem *self)
{
  return fw_problem_new (self->code, self->message, self->hint);
}

void
fw_problem_free (FwProblem *self)
{
  if (self == NULL)
    return;
  g_free (self->code);
  g_free (self->message);
  g_free (self->hint);
  g_free (self);
}

char *
fw_problem_describe (const FwProblem *self, const char *model, const char *const *samples)
{
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "Featherweight %s\n%s: %s\n", PACKAGE_VERSION, self->code,
                          self->message);
  if (self->hint != NULL)
    g_string_append_printf (text, "%s\n", self->hint);
  if (model != NULL)
    g_string_append_printf (text, "model: %s\n", model);
  for (gsize i = 0; samples != NULL && samples[i] != NULL && i < 5; i++)
    g_string_append_printf (text, "samples: %s\n", samples[i]);
  return g_string_free (text, FALSE);
}
