"""Counts, indicators and comparisons over many cases; reads cases, never changes one."""
