/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-export-job.h: takes a model to where it is to be used: as the file itself, or with all that an
 * app needs, for a phone or a web page. */

#pragma once

#include "fw-event.h"
#include "fw-job.h"

G_BEGIN_DECLS

/* The model is the version to export. "other", where given, is the original that it was made of: it
 * lends its name, and the labels that lie beside it. Without samples the package's inputs are
 * noise, and "labels" is a text file with a name a line. The result: "for", "path" (see
 * fw-job-runner.h), "size_bytes", "model_sha256", and for a package "files", "has_ort",
 * "ort_reason", "ort" ("same", "changed", "golden_same"), "golden", "golden_noise", "labels_known",
 * "preprocess". */
JsonObject *fw_export_job_run (const FwJob *job,
                               const char *folder,
                               FwEvents *events,
                               GCancellable *cancellable,
                               GError **error);

G_END_DECLS
