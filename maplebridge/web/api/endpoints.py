"""The JSON interface, first version: report a matter, follow it by its query code."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import Field, NinjaAPI, Schema, Status
from ninja.errors import ValidationError

from maplebridge.journey.intake import Report, ReportRefused, take_in
from maplebridge.lib.keyring import KeyringError
from maplebridge.organisation.units import directory
from maplebridge.web.parts import limits
from maplebridge.web.parts.words import tells_only_its_state

api = NinjaAPI(
    title="Maplebridge",
    version="1",
    description="Report matters of a city and follow them.",
    docs_url=None,
    urls_namespace="api",
)
PROBLEM = "application/problem+json"
RETRY_SECONDS = "20"


class ReportIn(Schema):
    """A matter. key: drawn at random by the sender; the same key is the same report, always.

    about: name or code of the office it complains about; that office never sees it.
    """

    text: str
    key: Annotated[str, Field(min_length=16, max_length=100, pattern=r"^[!-~]+$")]
    title: str = ""
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    datum: str = "WGS84"
    accuracy_metres: float | None = None
    name: str = ""
    phone: str = ""
    anonymous: bool = False
    about: str = ""


class ReceiptOut(Schema):
    """The receipt of a report."""

    number: str
    query_code: str
    fresh: bool


class FollowedOut(Schema):
    """Where a matter stands, as its reporter may know it."""

    number: str
    state: str
    state_name: str
    next: str
    unit: str
    due_at: str | None
    ended: bool


@api.post("/v1/reports", response={201: ReceiptOut, 200: ReceiptOut})
def report(request: HttpRequest, said: ReportIn) -> Status[dict[str, Any]]:
    """Takes a report; 201 for a new one, 200 for one whose key was seen before; 429 with
    Retry-After when very many came from one network."""
    limits.spend_report(request, None)
    receipt = take_in(
        Report(
            channel="api",
            account=request.META.get("REMOTE_ADDR", ""),
            key=said.key,
            text=said.text,
            title=said.title,
            place=said.place,
            lon=said.lon,
            lat=said.lat,
            datum=said.datum,
            accuracy_metres=said.accuracy_metres,
            name=said.name,
            phone=said.phone,
            anonymous=said.anonymous,
            about=said.about,
        )
    )
    return Status(
        201 if receipt.fresh else 200,
        {
            "number": receipt.number,
            "query_code": receipt.query_code,
            "fresh": receipt.fresh,
        },
    )


@api.get("/v1/reports/{query_code}", response=FollowedOut)
def followed(request: HttpRequest, query_code: str) -> dict[str, Any] | HttpResponse:
    """Where the matter behind a query code stands; 404 for a code that finds nothing."""
    found = limits.followed(limits.follower(request), query_code)
    if found is None:
        said = _("No report has this query code. Please compare it with your receipt.")
        return problem(404, said)
    case = found.shown
    units = directory()
    unit = units.unit(case.unit_code).name if case.unit_code in units else case.unit_code
    is_secret = tells_only_its_state(found.own, case)
    return {
        "number": found.own.number,
        "state": case.state,
        "state_name": str(case.now.label),
        "next": str(case.now.next),
        "unit": "" if is_secret else unit,
        "due_at": case.due_at.isoformat() if case.due_at and not is_secret else None,
        "ended": case.ended,
    }


def problem(status: int, detail: str, **more: Any) -> HttpResponse:
    """An error as RFC 9457 asks for it."""
    body = {"type": "about:blank", "status": status, "detail": detail, **more}
    answer = api.create_response(None, body, status=status)  # type: ignore[arg-type]
    answer["Content-Type"] = PROBLEM
    if status == 503:
        answer["Retry-After"] = RETRY_SECONDS
    return answer


@api.exception_handler(limits.TooMany)
def too_many(request: HttpRequest, full: limits.TooMany) -> HttpResponse:
    """429 with the seconds to wait; the same key may be sent again."""
    waits = limits.REPORT_WAITS if request.method == "POST" else limits.FOLLOW_WAITS
    answer = problem(429, limits.sentence(waits, full))
    answer["Retry-After"] = str(full.seconds)
    return answer


@api.exception_handler(ReportRefused)
def refused(request: HttpRequest, wrong: ReportRefused) -> HttpResponse:
    """422 with a sentence for each field."""
    return problem(422, str(wrong), problems=wrong.problems)


@api.exception_handler(ValidationError)
def invalid(request: HttpRequest, wrong: ValidationError) -> HttpResponse:
    """422 for a body that is not of the described form."""
    fields = {".".join(map(str, e["loc"][1:])) or "body": str(e["msg"]) for e in wrong.errors}
    for name in fields.keys() & {"key", "said.key"}:
        fields[name] = _("A key has 16 to 100 visible characters and no space; draw it at random.")
    return problem(422, _("The report is not of the described form."), problems=fields)


@api.exception_handler(OperationalError)
@api.exception_handler(InterfaceError)
@api.exception_handler(KeyringError)
def database_away(request: HttpRequest, wrong: Exception) -> HttpResponse:
    """503: the same key may be sent again; nothing is kept twice."""
    return problem(503, _("The database does not answer. Send the report again with the same key."))
