"""What the worker's script says by itself, in the reader's language; the pages carry it as data."""

from __future__ import annotations

from django.utils.translation import gettext as _

from maplebridge.cases.kinds import registry
from maplebridge.web.worker.shown import FITS_A_PHONE


def sentences() -> dict[str, str]:
    """Sentences by name; blanks stand in braces and are filled by the script."""
    moves = {move.name: str(move.label) for move in registry.latest("matter").moves}
    return {
        **{f"move_{name}": moves[name] for name in FITS_A_PHONE if name in moves},
        # The clocks of what is kept go on without a net.
        "left": _("%(time)s left") % {"time": "{time}"},
        "overdue": _("Overdue by %(time)s") % {"time": "{time}"},
        "minutes": _("{n} min"),
        "hours": _("{n} h"),
        "days": _("{n} d"),
        # The net.
        "offline": _("No network. You see what was kept at {at}; what you send waits here."),
        "offline_empty": _(
            "No network, and this page is not kept on this phone. All you send waits in the outbox."
        ),
        "offline_now": _("No network. All you send waits in the outbox."),
        "offline_box": _("No network. What you send goes by itself when there is one again."),
        "kept_until": _("Kept since {at}, until {until} at the latest."),
        "old": _(
            "What was kept here is older than {hours} hours and was removed. Connect once to see "
            "your tasks again; the outbox is untouched."
        ),
        "signed_out": _(
            "You are signed out. Nothing is lost: sign in again and the outbox goes on by itself."
        ),
        "away": _(
            "The server does not answer. You see what was kept at {at}; what you send waits here."
        ),
        "back": _("Connected again."),
        "revoked": _(
            "This phone was signed off by its owner. What it kept has been wiped. Whoever finds it "
            "can read nothing."
        ),
        "plain": _(
            "This connection is not safe enough to keep anything on the phone, so these pages need "
            "the network."
        ),
        # What the phone refuses.
        "full": _(
            "The phone's storage is full; this could not be kept yet. Everything you entered is "
            "still here. Make some room, or send without a photo."
        ),
        "unkept": _(
            "The phone would not keep this. Everything you entered is still here; please try again."
        ),
        "no_place": _(
            "The phone gave no position. It goes without one; the place stands there in words."
        ),
        "photo_large": _("{name} cannot be read as a photo and was left out."),
        "photos_most": _("At most {most} photos; the others were left out."),
        "no_camera": _(
            "The camera was not allowed or is in use. You can paste the text from the other phone."
        ),
        "few_words": _("Please say in a few words what is the matter, or tap what you see."),
        # Why an entry is not sent yet: the codes of the outbox.
        "code_offline": _("No network. It goes by itself when there is one."),
        "code_away": _("The server does not answer. It is tried again by itself."),
        "code_sign_in": _("You are signed out. Sign in again, then it goes on."),
        "code_wait": _("Very much is being sent just now. It is tried again by itself."),
        "code_other_post": _("It was entered under another post. Change to that post to send it."),
        "code_refused": _("The server did not take it. Please change it and send it again."),
        "code_before": _("It waits for an earlier entry about the same matter."),
        "code_stale": _(
            "Somebody moved this matter meanwhile. Look at it; “Send again” sends yours all the "
            "same."
        ),
        "code_photo_large": _("The photo {name} is too large. Send it again with another one."),
        "code_broken": _("This entry cannot be opened any more. Please enter it again."),
        "code_earlier": _(
            "An earlier version arrived under number {number}. Add what you changed as a note "
            "there, then remove this."
        ),
        "code_photos_missing": _(
            "It arrived under number {number}, but {n} photos did not. Add them there, then remove "
            "this."
        ),
        "code_photos_left": _("{n} photos stayed on the other phone; they did not fit."),
        "photos_left": _("{n} photos do not fit into the code and stay on this phone."),
        # The outbox.
        "kept": _("Kept on this phone. It is sent as soon as there is a network."),
        "report": _("Report on the spot"),
        "parts": _("Part {n} of {all}"),
        "read_parts": _("{n} of {all} parts are read."),
        "taken_over": _("Taken over. It is sent from this phone now; remove it on the other one."),
        "not_taken": _("These parts do not fit together. Please begin again on the other phone."),
        "sure_remove": _(
            "Remove this for good? It was not sent, and there is no other copy of it."
        ),
        "unsent_out": _(
            "{n} entries have not been sent. Signing out wipes this phone, and they would be lost. "
            "Send, export or hand them over first. Sign out all the same?"
        ),
        "unsent_wipe": _(
            "{n} entries have not been sent and would be lost. Wipe this phone all the same?"
        ),
        "wiped": _("This phone keeps nothing any more."),
        "field_text": _("What is the matter?"),
        "field_place": _("Place in words"),
        "field_note": _("Note"),
        "field_result": _("What was done"),
        "field_reason": _("Reason"),
        "remove": _("Remove"),
        "photo": _("Photo"),
    }
