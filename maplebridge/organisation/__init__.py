"""Five tiers, their areas, units, posts, people and working hours."""
