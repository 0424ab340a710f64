"""Time, geometry, text and identifiers; knows nothing of the city."""
