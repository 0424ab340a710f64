"""Applications: one folder each, declared by a manifest; none knows another."""
