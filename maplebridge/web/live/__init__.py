"""The live door: tells open pages which cases moved."""
