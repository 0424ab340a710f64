"""The doors: pages and interfaces through which people and machines come in."""
