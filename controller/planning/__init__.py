"""From rows to signed plans: only for the speakers that a change touches, only when the content changed."""
