/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-event.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "fw-eta.h"
#include "fw-json.h"

#define MIN_INTERVAL (G_USEC_PER_SEC / 10)

struct _FwEvents
{
  FwEventFunc func;
  gpointer user_data;
  int fd;
  gboolean broken; /* nobody reads any more */
  FwEta eta;
  FwPhase phase;
  gboolean has_phase;
  gboolean phase_done;
  gint64 last_time;
};

static const struct
{
  const char *name;
  const char *title;
} phases[FW_N_PHASES] = {
  [FW_PHASE_INSPECT] = { "inspect", N_ ("Looking at the model") },
  [FW_PHASE_SAMPLES] = { "samples", N_ ("Reading the samples") },
  [FW_PHASE_PREPARE] = { "prepare", N_ ("Preparing the model") },
  [FW_PHASE_CALIBRATE] = { "calibrate", N_ ("Watching the model at work") },
  [FW_PHASE_RANK] = { "rank", N_ ("Finding out what each part needs") },
  [FW_PHASE_PATH] = { "path", N_ ("Planning the versions") },
  [FW_PHASE_MEASURE] = { "measure", N_ ("Measuring the versions") },
  [FW_PHASE_KEEP] = { "keep", N_ ("Saving the result") },
};

static const char *const event_names[]
    = { "phase", "stop", "sample", "warning", "result", "error", NULL };

const char *
fw_phase_get_name (FwPhase phase)
{
  g_return_val_if_fail (phase < FW_N_PHASES, "");

  return phases[phase].name;
}

const char *
fw_phase_get_title (FwPhase phase)
{
  g_return_val_if_fail (phase < FW_N_PHASES, "");

  return _ (phases[phase].title);
}

FwEvents *
fw_events_new (FwEventFunc func, gpointer user_data)
{
  FwEvents *self = g_new0 (FwEvents, 1);

  self->func = func;
  self->user_data = user_data;
  self->fd = -1;
  return self;
}

FwEvents *
fw_events_new_for_fd (int fd)
{
  FwEvents *self = fw_events_new (NULL, NULL);

  self->fd = fd;
  return self;
}

void
fw_events_free (FwEvents *self)
{
  g_free (self);
}

static void
write_line (FwEvents *self, const char *line, gsize length)
{
  while (length > 0 && !self->broken)
    {
      gssize n = write (self->fd, line, length);

      if (n >= 0)
        {
          line += n;
          length -= (gsize) n;
        }
      else if (errno == EAGAIN)
        {
          struct pollfd wait = { .fd = self->fd, .events = POLLOUT };

          (void) poll (&wait, 1, -1);
        }
      else if (errno != EINTR)
        {
          g_debug ("Nobody reads the events: %s", g_strerror (errno));
          self->broken = TRUE;
        }
    }
}

static void
add_member (JsonObject *fields, const char *name, JsonNode *node, gpointer user_data)
{
  if (strcmp (name, "event") != 0)
    json_object_set_member (user_data, name, fw_json_copy_valid (node));
}

void
fw_events_emit (FwEvents *self, const char *name, JsonObject *fields)
{
  g_autoptr (JsonObject) event = NULL;

  g_return_if_fail (self != NULL);
  g_return_if_fail (name != NULL && g_strv_contains (event_names, name));

  /* "event" comes first, for people who read along. */
  event = json_object_new ();
  json_object_set_string_member (event, "event", name);
  if (fields != NULL)
    {
      json_object_foreach_member (fields, add_member, event);
      json_object_unref (fields);
    }

  if (self->func != NULL)
    self->func (event, self->user_data);
  if (self->fd >= 0)
    {
      g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), event);
      g_autofree char *text = json_to_string (node, FALSE);
      g_autofree char *line = g_strconcat (text, "\n", NULL);

      write_line (self, line, strlen (line));
    }
}

void
fw_events_phase (FwEvents *self, FwPhase phase, double fraction)
{
  gint64 now = g_get_monotonic_time ();
  gboolean first, last;
  JsonObject *fields;
  double eta;

  g_return_if_fail (self != NULL);
  g_return_if_fail (phase < FW_N_PHASES);

  fraction = isnan (fraction) ? 0 : CLAMP (fraction, 0, 1);
  fw_eta_update (&self->eta, phase, fraction, now);

  first = !self->has_phase || phase != self->phase;
  if (first)
    self->phase_done = FALSE;
  last = fraction >= 1 && !self->phase_done;
  if (!first && !last && (self->phase_done || now - self->last_time < MIN_INTERVAL))
    return;

  self->has_phase = TRUE;
  self->phase = phase;
  self->phase_done = fraction >= 1;
  self->last_time = now;

  fields = json_object_new ();
  json_object_set_string_member (fields, "phase", fw_phase_get_name (phase));
  json_object_set_double_member (fields, "fraction", fraction);
  json_object_set_double_member (fields, "overall", self->eta.overall);
  eta = fw_eta_get_seconds (&self->eta, now);
  if (eta >= 0)
    json_object_set_double_member (fields, "eta_s", round (eta * 10) / 10);
  else
    json_object_set_null_member (fields, "eta_s");
  fw_events_emit (self, "phase", fields);
}

static void
emit_message (FwEvents *self, const char *name, FwError code, const char *message)
{
  JsonObject *fields = json_object_new ();
  const char *hint = fw_error_get_hint (code);

  json_object_set_string_member (fields, "code", fw_error_get_name (code));
  json_object_set_string_member (fields, "message", message != NULL ? message : "");
  if (hint != NULL)
    json_object_set_string_member (fields, "hint", hint);
  else
    json_object_set_null_member (fields, "hint");
  fw_events_emit (self, name, fields);
}

void
fw_events_warning (FwEvents *self, FwError code, const char *message)
{
  emit_message (self, "warning", code, message);
}

void
fw_events_error (FwEvents *self, const GError *error)
{
  g_return_if_fail (error != NULL);

  emit_message (self, "error", fw_error_get_code (error), error->message);
}

JsonObject *
fw_event_parse (const char *line, gssize length, GError **error)
{
  g_autoptr (JsonNode) node = fw_json_parse (line, length, error);
  JsonNode *name = NULL;

  if (node == NULL)
    return NULL;
  if (JSON_NODE_HOLDS_OBJECT (node))
    name = json_object_get_member (json_node_get_object (node), "event");
  if (name == NULL || !JSON_NODE_HOLDS_VALUE (name)
      || json_node_get_value_type (name) != G_TYPE_STRING
      || !g_strv_contains (event_names, json_node_get_string (name)))
    {
      g_set_error (error, FW_ERROR, FW_ERROR_USAGE, _ ("This line is not an event."));
      return NULL;
    }
  return json_node_dup_object (node);
}
