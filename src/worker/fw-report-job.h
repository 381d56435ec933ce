/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-report-job.h: what a result says of the whole job: samples, preparation, original. */

#pragma once

#include "fw-shrink-job.h"

G_BEGIN_DECLS

/* The preparation, with the candidates and their scores where it was guessed. */
JsonObject *fw_report_preprocess (FwShrinkJob *job);

/* Adds what the samples are: how many, with which labels, which could not be read. */
void fw_report_add_samples (JsonObject *result, FwShrinkJob *job);

/* Adds all of this, and what the original is and does. */
void fw_report_add_job (JsonObject *result, FwShrinkJob *job);

/* A picture at most 256 pixels a side as a PNG in the job's folder: its path, or NULL where there
 * is none to be had. */
char *fw_report_write_preview (const FwSample *sample, const char *folder, guint index);

G_END_DECLS
