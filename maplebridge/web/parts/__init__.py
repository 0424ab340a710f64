"""Shared templates, tags, styles and small scripts of the pages."""
