"""Write docs/clinical/sandbox-data.md and qi-core.md anew: `python -m tests.sandbox_data`."""

import sys

from tests.sandbox_data import page, qicore_page
from tests.sandbox_data.place import IS_HERE, PAGE, QICORE_PAGE, WHY_NOT

if __name__ == "__main__":
    if not IS_HERE:
        sys.exit(WHY_NOT)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page.page(), encoding="utf-8")
    QICORE_PAGE.write_text(qicore_page.page(), encoding="utf-8")
