/* SPDX-License-Identifier: GPL-3.0-or-later */

#pragma once

#include "fw-application.h"
#include "fw-project.h"

G_BEGIN_DECLS

#define FW_TYPE_MODEL_PAGE (fw_model_page_get_type ())

G_DECLARE_FINAL_TYPE (FwModelPage, fw_model_page, FW, MODEL_PAGE, AdwBin)

void fw_model_page_set_project (FwModelPage *self, FwProject *project);

G_END_DECLS
