/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-surroundings.h: where the window finds what belongs to it, installed or in the build folder.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* To be called before anything else of the program: lets it find its settings in the build folder,
 * if it runs from there. */
void fw_surroundings_prepare (void);

/* The program that does the jobs: $FEATHERWEIGHT_CLI, or beside this build, or installed, or on the
 * path. NULL where there is none. */
char *fw_surroundings_find_worker (void);

/* The folder of the sample project, with model.onnx and pictures/; NULL where there is none. */
char *fw_surroundings_find_sample (void);

/* A folder of this process for previews that the worker writes, made on first use and removed by
 * fw_surroundings_clean(). */
const char *fw_surroundings_get_preview_folder (void);
void fw_surroundings_clean (void);

G_END_DECLS
