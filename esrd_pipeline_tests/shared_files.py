"""Where the real CMS files are looked for, and the markers of tests that need them."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
CMS_PUBLIC = SHARED / "cms_public"

needs_cms_public = pytest.mark.skipif(
    not CMS_PUBLIC.is_dir(),
    reason="needs the published CMS files in ../shared/cms_public beside the repository",
)
