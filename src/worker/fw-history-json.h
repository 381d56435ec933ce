/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-history-json.h: rows of the history as the command line tells them. */

#pragma once

#include "fw-history.h"

G_BEGIN_DECLS

/* "2024-05-01T12:00:00Z" */
char *fw_history_json_time (gint64 seconds);
void fw_history_json_set_path (JsonObject *object, const char *member, const char *path);

JsonObject *fw_history_json_original (FwHistoryOriginal *original);
/* @original: of this version, or NULL. The figures are as in a "stop" event. */
JsonObject *fw_history_json_version (FwHistoryVersion *version, FwHistoryOriginal *original);
JsonObject *fw_history_json_run (FwHistoryRun *run);
JsonObject *fw_history_json_stop (FwHistoryStop *stop);
JsonObject *fw_history_json_measurement (FwHistoryMeasurement *measurement);

G_END_DECLS
