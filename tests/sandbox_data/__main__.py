"""Write docs/clinical/sandbox-data.md anew: `python -m tests.sandbox_data`."""

import sys

from tests.sandbox_data.page import page
from tests.sandbox_data.place import IS_HERE, PAGE, WHY_NOT

if __name__ == "__main__":
    if not IS_HERE:
        sys.exit(WHY_NOT)
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
