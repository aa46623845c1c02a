"""A page for people to read and to print: one HTML file that loads nothing."""

from html import escape

STYLE = """
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; font: 18px/1.5 system-ui, sans-serif }
body { color: #16191d; background: #fff }
table { border-collapse: collapse }
td, th { border-bottom: 1px solid #c9ced5; padding: 0.5rem 0.8rem 0.5rem 0; text-align: left; vertical-align: top }
a { color: #00427f }
pre { background: #f2f4f7; padding: 0.6rem 0.8rem; font-size: 15px; white-space: pre-wrap }
pre, code, a { overflow-wrap: anywhere }
h2, h3 { break-after: avoid }
"""


def page(title, body):
    """``body``, HTML, as a whole page called ``title``."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}</style></head><body><main>{body}</main></body></html>\n"
    )
