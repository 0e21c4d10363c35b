# SPDX-License-Identifier: Apache-2.0
"""Documents that cannot rot: generated parts are up to date, everything is named, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import msgspec

from longtake.accounts import read_accounts
from longtake.settings import Settings, check_settings, read_settings

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def text_of(name: str) -> str:
    """A page's text."""
    return (ROOT / name).read_text(encoding="utf-8")


def test_generated_parts_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "render_docs.py"), "--check"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"run python scripts/render_docs.py: {done.stdout}{done.stderr}"


def test_every_setting_is_documented() -> None:
    page = text_of("docs/reference/settings.md")
    names = [f"LONGTAKE_{field.name.upper()}" for field in msgspec.structs.fields(Settings)]
    assert [name for name in [*names, "LONGTAKE_URL", "LONGTAKE_API_KEY", "LONGTAKE_CONFIG"] if name not in page] == []


def test_every_error_code_is_documented() -> None:
    page = text_of("docs/reference/errors.md")
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "src" / "longtake").rglob("*.py")]
    patterns = (
        r"^    code(?:: ClassVar\[str\])? = \"(\w+)\"",
        r"(?:Fault|Failed)\(\s*code=\"(\w+)\"",
        r"^(?:\w+_CODE|ENGINE_CRASHED) = \"(\w+)\"",
    )
    codes = {code for text in sources for pattern in patterns for code in re.findall(pattern, text, re.MULTILINE)}
    assert len(codes) > 25
    assert sorted(code for code in codes - {"fenced_off", "configuration_error"} if f"`{code}`" not in page) == []


def test_links_lead_to_files() -> None:
    targets = [
        (page, target)
        for page in PAGES
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not target.startswith(("http://", "https://"))
    ]
    broken = [f"{page.relative_to(ROOT)}: {target}" for page, target in targets if not (page.parent / target).exists()]
    assert broken == []


def test_blocks_are_of_languages_that_are_checked() -> None:
    wrong = [
        f"{page.relative_to(ROOT)}: {language!r}"
        for page in PAGES
        for language, _ in BLOCK.findall(page.read_text(encoding="utf-8"))
        # tests/acceptance/test_openai_node.py runs the one page with JavaScript.
        if language not in {"bash", "python", "text", "json", "toml"}
        and (language, page.name) != ("javascript", "openai.md")
    ]
    assert wrong == []


def test_settings_examples_are_settings(tmp_path: Path) -> None:
    examples = [
        body for page in PAGES for language, body in BLOCK.findall(page.read_text("utf-8")) if language == "toml"
    ]
    assert examples
    for example in examples:
        (tmp_path / "longtake.toml").write_text(example, encoding="utf-8")
        settings = read_settings({"home": tmp_path}, {})
        check_settings(settings)
        assert settings != Settings(home=tmp_path) or read_accounts(settings, {})


def test_the_chinese_readme_says_the_same() -> None:
    def shape(name: str) -> list[tuple[str, str]]:
        return [(language, re.sub(r'--prompt "[^"]*"', "", body)) for language, body in BLOCK.findall(text_of(name))]

    assert shape("README.md") == shape("README.zh-CN.md")
    targets = [set(re.findall(r"\]\(([^)]+)\)", text_of(name))) for name in ("README.md", "README.zh-CN.md")]
    assert targets[0] ^ targets[1] == {"README.md", "README.zh-CN.md"}


def test_the_first_screen_is_short() -> None:
    first = text_of("README.md").split("\n## ")[0].splitlines()
    assert len(first) <= 30
    picture = re.search(r"!\[.+\]\((docs/.+)\)", "\n".join(first))
    assert picture is not None
    assert (ROOT / picture[1]).stat().st_size <= 1_500_000
