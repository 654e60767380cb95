"""The Textual app: screens, bindings, themes.

Textual reads these when it is imported, so they are set here, before anything imports it:
no animation (each frame is traffic on a slow link), and no enhanced keyboard protocol, which a
dropped session would leave switched on in the engineer's terminal.
"""

import os

os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
os.environ.setdefault("TEXTUAL_DISABLE_KITTY_KEY", "1")
