"""Maplebridge (枫桥): a command platform for community governance over five tiers."""

__version__ = "0.1.0"
