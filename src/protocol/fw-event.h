/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-event.h: what the worker says: one JSON object a line, the last a result or an error.
 *
 * Every event is a JsonObject whose member "event" is one of phase, stop, sample, warning, result,
 * error. Emitting writes one line at once, whole or not at all.
 */

#pragma once

#include <json-glib/json-glib.h>

#include "fw-error.h"

G_BEGIN_DECLS

/* The phases of a job, in order, with the share of the whole that each is expected to take. */
typedef enum
{
  FW_PHASE_INSPECT,
  FW_PHASE_SAMPLES,
  FW_PHASE_PREPARE,
  FW_PHASE_CALIBRATE,
  FW_PHASE_RANK,
  FW_PHASE_PATH,
  FW_PHASE_MEASURE,
  FW_PHASE_KEEP,
  FW_N_PHASES
} FwPhase;

const char *fw_phase_get_name (FwPhase phase);
/* "Measuring the versions": translated, for people. */
const char *fw_phase_get_title (FwPhase phase);

typedef struct _FwEvents FwEvents;

/* Gets each event; the object is only lent. */
typedef void (*FwEventFunc) (JsonObject *event, gpointer user_data);

/* Takes part in one thread only. */
FwEvents *fw_events_new (FwEventFunc func, gpointer user_data);
/* Writes each event as a line to @fd. When nobody reads any more, falls silent; SIGPIPE is the
 * program's to ignore. */
FwEvents *fw_events_new_for_fd (int fd);
void fw_events_free (FwEvents *self);

/* Fraction within @phase; overall and the time left are worked out here. At most ten a second pass,
 * but for the first and the last of a phase. */
void fw_events_phase (FwEvents *self, FwPhase phase, double fraction);
/* @fields is taken; its "event" member is set to @name. */
void fw_events_emit (FwEvents *self, const char *name, JsonObject *fields);
void fw_events_warning (FwEvents *self, FwError code, const char *message);
void fw_events_error (FwEvents *self, const GError *error);

/* One line back into an event; NULL and USAGE for what is none. Lines above 64 MiB are refused. */
JsonObject *fw_event_parse (const char *line, gssize length, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (FwEvents, fw_events_free)

G_END_DECLS
