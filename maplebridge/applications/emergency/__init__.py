"""Emergency response: a gauge over its mark, a commander, help that comes, reports with sources."""
