/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-report-json.h: measurements as members of events. Infinite figures become null. */

#pragma once

#include <json-glib/json-glib.h>

#include "fw-error.h"
#include "fw-recipe.h"
#include "fw-trial-half.h"
#include "fw-unit.h"

G_BEGIN_DECLS

/* Adds same, accuracy, original_accuracy, speedup, latency_ms, original_latency_ms, sqnr_db,
 * classes; for general tasks also output_error ([{"name", "error", "sqnr_db"}]) and worst_sample
 * ({"name", "error", "sqnr_db"}). An error is that of fw-output-error.h. */
void fw_report_add_measurement (JsonObject *object,
                                const FwMeasurement *measurement,
                                const FwTrialHalf *trial);

/* Adds "kept_float" (layers left precise, and why) and "options" (how many units have which). */
void fw_report_add_options (JsonObject *object, GPtrArray *units, FwRecipe *recipe);

/* A double member, or null where it is not finite. */
void fw_report_add_number (JsonObject *object, const char *member, double value);

/* One entry for a promise that is not kept: code, message, hint. */
void fw_report_add_warning (JsonArray *warnings, FwError code, const char *message);

/* Scores of one answer: [{"index", "name", "probability"}]. Names are those of the samples' labels,
 * else of @names (char *, by class; or NULL). */
JsonArray *fw_report_answer (const FwAnswer *answer, FwSampleSet *set, GPtrArray *names);

G_END_DECLS
