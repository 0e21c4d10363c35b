# SPDX-License-Identifier: Apache-2.0
"""The seam report on a video's page: the stored verdict in plain words of both languages, and the join's picture."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.acceptance.conftest import SAMPLE_ID
from tests.browser.conftest import Visitor
from tests.browser.test_studio import extended, until

pytestmark = pytest.mark.chromium


def test_the_page_tells_how_the_join_came_out_and_shows_it(visitor: Visitor):
    server, page = visitor.server, visitor.page
    made = extended(server, SAMPLE_ID, at=3, seconds=1)
    task = server.request("GET", f"/v1/tasks/{made}").json
    seam = task["metadata"]["seam"]
    assert (seam["verdict"], seam["faults"]) == ("unseen", [])
    content = server.request("GET", f"/v1/videos/{made}/content?variant=seam")
    assert (content.status, content.headers["content-type"]) == (200, "image/jpeg")
    visitor.go(f"/videos/{made}")
    expect(page.locator("#verdict")).to_contain_text("The join cannot be told from the motion around it")
    picture = page.get_by_role("img", name="Three frames before the join")
    picture.scroll_into_view_if_needed()
    until(picture, "image => image.complete && image.naturalWidth > 1000")
    visitor.picture("seam")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.go(f"/videos/{made}?lang=zh")
    page.set_viewport_size({"width": 380, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "the strip scrolls, not the page"
    assert server.request("DELETE", f"/v1/videos/{made}").status == 200
    assert server.request("GET", f"/v1/videos/{made}/content?variant=seam").status == 404
