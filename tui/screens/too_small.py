"""What a terminal sees that is too small for a pane."""

from __future__ import annotations

from textual.strip import Strip
from textual.widget import Widget

from tui.colors import palette, style
from tui.panes.lines import blank, center
from tui.text import cut

__all__ = ["MIN_HEIGHT", "MIN_WIDTH", "TooSmall"]

MIN_WIDTH, MIN_HEIGHT = 60, 15


class TooSmall(Widget):
    """Says the size that is needed; goes away by itself when there is room."""

    def render_line(self, y: int) -> Strip:
        """One line of the message, in the middle."""
        width, height = self.size
        colors = palette(self.app.theme, self.app.console.color_system)
        base, here = style(bg=colors.background), self.app.size
        texts = [
            ("the terminal is too small", style(colors.foreground, bold=True)),
            (f"{here.width}x{here.height} now, {MIN_WIDTH}x{MIN_HEIGHT} needed", style(colors.muted)),
            ("nothing is lost", style(colors.muted)),
        ]
        at = y - max((height - len(texts)) // 2, 0)
        if not 0 <= at < len(texts):
            return blank(width).apply_style(base)
        text, look = texts[at]
        return center([(cut(text, width), look)], width).apply_style(base)
