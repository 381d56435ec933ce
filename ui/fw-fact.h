/* SPDX-License-Identifier: GPL-3.0-or-later */

/* fw-fact.h: a tile that says one thing about a version: a title, the fact in words or a figure,
 * and what it means. */

#pragma once

#include <adwaita.h>

G_BEGIN_DECLS

#define FW_TYPE_FACT (fw_fact_get_type ())

G_DECLARE_FINAL_TYPE (FwFact, fw_fact, FW, FACT, AdwBin)

/* @first and @second are smaller lines below @value; NULL for none. */
void fw_fact_set (FwFact *self, const char *value, const char *first, const char *second);

G_END_DECLS
