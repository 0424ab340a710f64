"""Machines we do not own: databases, storage, maps, messages."""
