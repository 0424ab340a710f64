"""A form that could not be taken: signed out, another post, too old; nothing typed is lost."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from maplebridge.web.parts.limits import TooMany

# Which post a page was drawn under, and that the reader wants to go on under it.
UNDER = "under"
SWITCH = "under_switch"
TOKEN = "csrfmiddlewaretoken"  # noqa: S105  the name of a field
# Never shown nor sent again.
SECRET = ("password", "proof_password", "oldpassword", "password1", "password2", "code")
# Carried along, but no words of the reader's.
TECHNICAL = (UNDER, SWITCH, "key", "expected_sequence", "kept", "next", "lon", "lat")
LONGEST_SHOWN = 40


def kept_of(request: HttpRequest, without: Collection[str] = ()) -> dict[str, Any]:
    """What a form held, to be carried on in a page: `fields`, the `words` among them, `lost` files.

    Photos of somebody signed in are kept as at any other second try.
    """
    left_out = {TOKEN, SWITCH, *SECRET, *without}
    fields = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in left_out
        for value in values
    ]
    words = [
        value.strip()
        for name, value in fields
        if name not in TECHNICAL and isinstance(value, str) and value.strip()
    ]
    files: list[UploadedFile[Any]] = [
        one for name in request.FILES for one in request.FILES.getlist(name)
    ]
    lost = bool(files)
    if files and set(request.FILES) == {"photos"} and request.user.is_authenticated:
        from maplebridge.web.parts.photos import read_photos

        read = read_photos(request.FILES.getlist("photos"), ())
        fields += [("kept", token) for token in read.tokens]
        lost = bool(read.problem)
    return {"fields": fields, "words": words[:LONGEST_SHOWN], "lost": lost}


def signed_out(request: HttpRequest) -> HttpResponse:
    """Asks a visitor to sign in; a form that was sent comes back whole."""
    if request.method in ("GET", "HEAD"):
        return redirect_to_login(request.get_full_path())
    if request.method != "POST" or not of_our_own(request):
        return HttpResponseRedirect(settings.LOGIN_URL)
    return _page(
        request,
        401,
        _("You are signed out"),
        _(
            "Your session has ended, and nothing was sent. What you typed is still here: "
            "sign in in a new window, come back to this one and send it again."
        ),
        sign_in=True,
    )


def drawn_elsewhere(
    request: HttpRequest, drawn: str, now: str, *, may_switch: bool
) -> HttpResponse:
    """409: the page was drawn under another post than the one of this session now.

    drawn, now: both posts in words. may_switch: the same account holds the other one.
    """
    if may_switch:
        said = _(
            "This page was opened as %(drawn)s; in another window you have meanwhile changed to "
            "%(now)s. Nothing was sent. Choose under which post to go on."
        )
    else:
        said = _(
            "This page was opened by another account or post; you are now signed in as %(now)s. "
            "Nothing was sent, and what you typed is still here to be copied."
        )
    return _page(
        request,
        409,
        _("Under which post?"),
        said % {"drawn": drawn, "now": now},
        switch=drawn if may_switch else "",
        closed=not may_switch,
    )


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403 for a form whose token does not fit: too old, or somebody signed in meanwhile.

    Only a form that our own page sent is offered again; one from elsewhere never is, so that
    nobody can be led to confirm what another site made up.
    """
    if not of_our_own(request):
        return render(request, "403_csrf.html", status=403)
    return _page(
        request,
        403,
        _("This page was open too long"),
        _(
            "For your safety the form has expired, and nothing was sent. What you typed is still "
            "here: please look at it and send it again."
        ),
    )


def wait(request: HttpRequest, full: TooMany) -> HttpResponse:
    """429 for a budget that is used up, with the time to wait; a form that was sent comes back."""
    from maplebridge.web.parts.limits import FOLLOW_WAITS, sentence

    answer = _page(
        request,
        429,
        _("Please wait a little"),
        sentence(FOLLOW_WAITS, full),
        closed=request.method != "POST",
    )
    answer["Retry-After"] = str(full.seconds)
    return answer


def of_our_own(request: HttpRequest) -> bool:
    """Whether the browser says that the form came from a page of this very host."""
    site = request.headers.get("Sec-Fetch-Site", "")
    if site:
        return site == "same-origin"
    origin = request.headers.get("Origin", "")
    return bool(origin) and urlsplit(origin).netloc == request.get_host()


def _page(request: HttpRequest, status: int, title: str, said: str, **more: Any) -> HttpResponse:
    shown = {"kept": kept_of(request), "title": title, "said": said, **more}
    return render(request, "parts/kept.html", shown, status=status)
