"""Apps on Hugging Face: found by name, waited for, duplicated, and called for visitors.

All that is asked of the Hub goes through `huggingface_hub`, which is imported when it is
needed and not before.
"""

from __future__ import annotations

__all__ = ["Space", "SpaceState", "authorization", "duplicate", "space_named", "visitor_headers"]

from .duplicates import duplicate
from .hub import authorization
from .space import Space, SpaceState, space_named
from .visitors import visitor_headers
