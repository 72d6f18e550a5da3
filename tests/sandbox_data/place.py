"""Where the public sandbox data is, if it is here at all; the project does without it."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/clinical/sandbox-data.md"
QICORE_PAGE = ROOT / "docs/clinical/qi-core.md"
DATA = Path(os.environ.get("SANDBOX_DATA") or ROOT.parent / "shared" / "sandbox-data")
IS_HERE = (DATA / "manifest.json").is_file()
WHY_NOT = f"no sandbox data at {DATA.name}/ beside the checkout, and SANDBOX_DATA names none"
