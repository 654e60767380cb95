"""What eyes need of a page: texts that stand out from what lies behind them, and none cut off."""

from __future__ import annotations

from typing import Any

from tests.browser.chromium import Page

_MEASURE = """(() => {
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4
  const light = c => [.2126, .7152, .0722].reduce((sum, part, i) => sum + part * linear(c[i]), 0)
  const parsed = text => text.match(/[\\d.]+/g).map(Number)
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parsed(getComputedStyle(e).backgroundColor)
      if (c.length < 4 || c[3] > 0) return c.slice(0, 3)
    }
    return [255, 255, 255]
  }
  const found = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), e = walk.currentNode.parentElement
    if (!text) continue
    const style = getComputedStyle(e), ink = e instanceof SVGElement ? style.fill : style.color
    const [a, b] = [light(parsed(ink)), light(behind(e))].sort((x, y) => y - x)
    const range = document.createRange()
    range.selectNodeContents(walk.currentNode)
    const boxes = [...range.getClientRects()]
    if (!boxes.length) continue
    found.push({
      text, contrast: (a + .05) / (b + .05), size: parseFloat(style.fontSize),
      left: Math.min(...boxes.map(r => r.left)), right: Math.max(...boxes.map(r => r.right)),
    })
  }
  return { texts: found, wide: document.documentElement.scrollWidth, seen: innerWidth }
})()"""


def seen_well(
    page: Page, frame: str | None = None, *, smallest: float = 14, scrolls: bool = False
) -> dict[str, Any]:
    """What is on the page, once it is readable: nothing beyond the edge, faint or tiny.

    With ``scrolls`` a table may go on beyond the edge, in a frame of its own. The contrast is
    that of WCAG 2 (1.4.3): 4.5 to 1 at least, of the colours that are drawn.
    """
    seen: dict[str, Any] = page.evaluate(_MEASURE, frame=frame)
    assert seen["texts"]
    assert seen["wide"] <= seen["seen"], "it has to be scrolled sideways"
    for text in seen["texts"]:
        assert text["contrast"] >= 4.5, text
        assert text["size"] >= smallest, text
        assert text["left"] >= 0, text
        assert scrolls or text["right"] <= seen["seen"], text
    return seen
