"""The resident's door: report, follow, rate; no account needed."""
