"""Hazards of work safety and fire, found, mended, looked at again and written off (安全生产)."""
