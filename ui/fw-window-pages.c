/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "config.h"

#include "fw-window-private.h"

#include "fw-compare-page.h"
#include "fw-export-page.h"
#include "fw-history-page.h"

void
fw_window_ensure_pages (void)
{
  g_type_ensure (FW_TYPE_COMPARE_PAGE);
  g_type_ensure (FW_TYPE_HISTORY_PAGE);
  g_type_ensure (FW_TYPE_EXPORT_PAGE);
}

void
fw_window_init_pages (FwWindow *self)
{
  fw_compare_page_set_project (FW_COMPARE_PAGE (self->compare_page), self->project);
  fw_history_page_set_project (FW_HISTORY_PAGE (self->history_page), self->project);
  fw_export_page_set_project (FW_EXPORT_PAGE (self->export_page), self->project);
}

void
fw_window_compare (FwWindow *self,
                   FwComparisonSide *first,
                   FwComparisonSide *second,
                   const char *const *samples)
{
  FwComparePage *page;

  g_return_if_fail (FW_IS_WINDOW (self));

  page = FW_COMPARE_PAGE (self->compare_page);
  fw_compare_page_set_follows_selection (page, FALSE);
  fw_comparison_show (fw_compare_page_get_comparison (page), first, second, NULL, samples);
  fw_window_show_page (self, "compare");
}

void
fw_window_export (FwWindow *self,
                  const char *title,
                  const char *file,
                  const char *original,
                  const char *const *samples)
{
  g_return_if_fail (FW_IS_WINDOW (self));

  fw_export_page_set_version (FW_EXPORT_PAGE (self->export_page), title, file, original, samples);
  fw_window_show_page (self, "export");
}
