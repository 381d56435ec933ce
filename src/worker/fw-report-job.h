/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-report-job.h: what a result says of the whole job: samples, preparation, original. */

#pragma once

#include "fw-shrink-job.h"

G_BEGIN_DECLS

/* Adds "preprocess": how pictures are prepared, with the candidates and their scores where it was
 * guessed; null where the samples are numbers. */
void fw_report_add_preprocess (JsonObject *result, FwShrinkJob *job);

/* Adds what the samples are: how many, with which labels, which could not be read. */
void fw_report_add_samples (JsonObject *result, FwShrinkJob *job);

/* Adds all of this, and what the original is and does. */
void fw_report_add_job (JsonObject *result, FwShrinkJob *job);

/* A picture at most 256 pixels a side as a PNG in the job's folder: its path, or NULL where there
 * is none to be had. */
char *fw_report_write_preview (const FwSample *sample, const char *folder, guint index);

/* Adds to an event of a sample its "preview", or null, and for numbers "figures": "1 × 640 numbers
 * from -2.1 to 3.4". */
void fw_report_add_look (JsonObject *event, FwShrinkJob *job, const FwSample *sample, guint index);

G_END_DECLS
