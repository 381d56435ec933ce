# SPDX-License-Identifier: GPL-3.0-or-later
"""The way through all pages on dark ground, wide and narrow, for its screenshots."""

import journey


def every_page_opens_on_dark_ground(j):
    model, pictures = j.copy_sample()
    j.open(model, pictures, environment={"ADW_DEBUG_COLOR_SCHEME": "prefer-dark"})
    j.wait("push button", "Make It Smaller", "SENSITIVE")
    j.screenshots("samples")
    j.click("push button", "Make It Smaller")
    j.wait("status bar", "Recommended:", limit=journey.JOB_LIMIT)
    j.screenshots("versions")
    j.click("push button", "Compare")
    j.wait("slider", "Divider between the two versions")
    j.screenshots("compare")
    j.key("ctrl+e")
    j.wait("label", "Where Will It Be Used?")
    j.screenshots("export")
    j.key("ctrl+h")
    j.wait("list", "Versions, the newest first")
    j.screenshots("history")
    j.close()


journey.run("dark", every_page_opens_on_dark_ground)
