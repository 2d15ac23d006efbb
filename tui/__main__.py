"""`python -m tui` is `miniai-tui`."""

import sys

from tui.cli import main

sys.exit(main())
