/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-presets.h: the table of ways in which pictures' values are prepared. */

#pragma once

#include "fw-preprocess.h"

G_BEGIN_DECLS

typedef struct
{
  const char *name;
  FwChannels channels;
  gboolean invert;
  double divisor;
  double mean[3];
  double deviation[3];
  const char *range;  /* for people, to be translated */
  double doubt;       /* how unusual it is, in nats: what evidence for it must outweigh */
  double small_doubt; /* the same for models of pictures of at most FW_PRESET_SMALL_SIDE pixels */
} FwPreset;

#define FW_PRESET_SMALL_SIDE 64

extern const FwPreset fw_presets[];
extern const guint fw_n_presets;

/* NULL where there is none of that name. */
const FwPreset *fw_preset_find (const char *name);
/* The preset with the values of @preprocess, or NULL. */
const FwPreset *fw_preset_find_values (const FwPreprocess *preprocess);

G_END_DECLS
