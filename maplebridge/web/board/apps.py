"""The app that carries the templates of the board."""

from django.apps import AppConfig


class BoardConfig(AppConfig):
    """The live board of a linkage centre."""

    name = "maplebridge.web.board"

    def ready(self) -> None:
        """Tells the live stream how a board is drawn."""
        from maplebridge.web.board import shown
        from maplebridge.web.parts.painted import Painter, painters

        painters["board"] = Painter(shown.area_of, shown.paint)
