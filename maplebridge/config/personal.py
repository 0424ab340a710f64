"""The register of personal data: each column is tagged, with purpose, basis and how long it stays.

A column without a tag fails the tests, so nobody adds personal data without saying why.
Source: PIPL, articles 5, 6, 13, 19, 34, 55; GB/T 35273-2020, 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps


@dataclass(frozen=True)
class Tag:
    """Why a column holds personal data. whose: reporter, anybody named, or staff."""

    whose: str
    purpose: str
    basis: str
    retention: str


CASE = "the table of terms (retention), by category, after the end; earlier on request"
WORK = "as long as the account, then three years"
LOGS = "at least six months, at most three years"
DUTY = "PIPL art. 13 (3), 34: statutory duties of public bodies"
STAFF = "PIPL art. 13 (2): personnel management; GB/T 22239-2019, 8.1.4"
LOGGING = "Cybersecurity Law art. 21 (3); GB/T 22239-2019, 8.1.4.3"

SAID = Tag("anybody named", "to find and end the matter that was reported", DUTY, CASE)
PLACE = Tag("anybody there", "where the matter is; never where somebody is", DUTY, CASE)
CONTACT = Tag("reporter", "to ask back and to tell what became of it", DUTY, CASE)
JUDGED = Tag("reporter", "how the reporter rates what was done", DUTY, CASE)
WHO_ACTED = Tag("staff", "under whose post something was done", LOGGING, CASE)
WHO_LOOKED = Tag("staff", "who read a file that is not public, and why", LOGGING, LOGS)
ACCOUNT = Tag("staff", "signing in and acting under a post", STAFF, WORK)
SESSION = Tag("staff", "keeping somebody signed in", STAFF, "until it ends, at most 12 hours")
PHONE = Tag("staff", "which phones may keep work without a net, to wipe a lost one", STAFF, WORK)
PUBLISHED = Tag(
    "anybody named", "what a village has to publish, or what a writer allowed to be shown",
    "Organic Law of the Villagers Committees, village affairs made public [unchecked]",
    "as long as the village shows it; after a withdrawal only who wrote it sees it",
)  # fmt: skip
WHY = Tag("anybody named", "the reason of a decision about a file", LOGGING, CASE)

# By model and column. "Payload.content" is told apart by its part.
PERSONAL: dict[str, Tag] = {
    "cases.Payload.content": SAID,
    "cases.Payload.content:reporter": CONTACT,
    "cases.Payload.content:lead": SAID,
    "cases.Payload.content:sealed": SAID,
    "cases.Seal.wrapped": CONTACT,
    "cases.Seal.blind": CONTACT,
    "cases.Case.query_code": CONTACT,
    "cases.Case.lon": PLACE,
    "cases.Case.lat": PLACE,
    "cases.Case.accuracy_metres": PLACE,
    "cases.Case.rating": JUDGED,
    "cases.Case.solved": JUDGED,
    "cases.Case.handler_id": WHO_ACTED,
    "cases.Event.account_id": WHO_ACTED,
    "cases.Event.key": WHO_ACTED,
    "cases.Attachment.sha256": SAID,
    "cases.FeedFailure.said": WHO_ACTED,
    "cases.Look.account_id": WHO_LOOKED,
    "cases.Look.reason": WHO_LOOKED,
    "cases.Grant.account_id": WHO_LOOKED,
    "cases.Grant.reason": WHY,
    "cases.Grant.ruling": WHY,
    "cases.Grant.ruled_by": WHO_LOOKED,
    "cases.Grant.revoked_by": WHO_LOOKED,
    "cases.Hold.reason": WHY,
    "cases.Hold.account_id": WHO_ACTED,
    "cases.Hold.lifted_by": WHO_ACTED,
    "cases.Hold.lifted_why": WHY,
    "cases.LeftNote.text": SAID,
    "cases.LeftNote.account_id": WHO_ACTED,
    "cases.LeftNote.key": WHO_ACTED,
    "cases.Request.wish": CONTACT,
    "cases.Request.key": CONTACT,
    "cases.Request.answer": CONTACT,
    "cases.Destruction.made_by": WHO_ACTED,
    "cases.Destruction.agreed_by": WHO_ACTED,
    "cases.Destruction.note": WHY,
    "journey.DecisionRecord.reason": SAID,
    "journey.DecisionRecord.evidence": SAID,
    "journey.Fingerprint.lon": PLACE,
    "journey.Fingerprint.lat": PLACE,
    "journey.Fingerprint.marks": SAID,
    "journey.PushSubscription.endpoint": CONTACT,
    "journey.PushSubscription.mark": CONTACT,
    "journey.PushSubscription.p256dh": CONTACT,
    "journey.PushSubscription.auth": CONTACT,
    "journey.PushSubscription.language": CONTACT,
    "organisation.Account.username": ACCOUNT,
    "organisation.Account.display_name": ACCOUNT,
    "organisation.Account.password": ACCOUNT,
    "organisation.Account.last_login": ACCOUNT,
    "organisation.Account.language": ACCOUNT,
    "organisation.Holding.account": ACCOUNT,
    "organisation.Holding.given_by": ACCOUNT,
    "organisation.Holding.agreed_by": ACCOUNT,
    "organisation.Act.account_id": Tag("staff", "who did what, and who signed in", LOGGING, LOGS),
    "organisation.Act.on": Tag("staff", "to which account it was done", LOGGING, LOGS),
    "organisation.Edition.account_id": WHO_ACTED,
    "organisation.Edition.note": WHY,
    "organisation.Shift.made_by": WHO_ACTED,
    "organisation.Shift.taken_back_by": WHO_ACTED,
    "organisation.ShiftNote.words": SAID,
    "organisation.ShiftNote.written_by": WHO_ACTED,
    "organisation.ShiftNote.taken_by": WHO_ACTED,
    "parts.Session.session_key": SESSION,
    "parts.Session.session_data": SESSION,
    "parts.Session.account_id": SESSION,
    "parts.Session.seen_at": SESSION,
    "parts.Session.device": SESSION,
    "parts.Spent.key": Tag(
        "anybody", "how many tries came from a device or network, as a keyed mark",
        LOGGING, "until the tries have grown back, at most an hour",
    ),
    **dict.fromkeys(
        ("command.SavedFilter.account_id", "command.SavedFilter.query"),
        Tag("staff", "lists that somebody comes back to", STAFF, WORK),
    ),
    "parts.Draft.account_id": WHO_ACTED,
    "parts.Draft.said": Tag(
        "anybody named", "what a desk typed into a case and has not sent", DUTY,
        "seven days, or until it is sent",
    ),
    **dict.fromkeys(
        ("parts.OpenPage.account_id", "parts.OpenPage.seen_at"),
        Tag("staff", "that two do not write into one case unawares", STAFF, "a minute"),
    ),
    "village.Notice.title": PUBLISHED,
    "village.LedgerEntry.title": PUBLISHED,
    "village.CovenantVersion.title": PUBLISHED,
    "village.Activity.title": PUBLISHED,
    "village.Activity.place": PUBLISHED,
    "village.AnsweredLetter.title": PUBLISHED,
    "village.AnsweredLetter.mark": PUBLISHED,
    "village.Notice.text": PUBLISHED,
    "village.LedgerEntry.text": PUBLISHED,
    "village.LedgerEntry.document": PUBLISHED,
    "village.CovenantVersion.text": PUBLISHED,
    "village.Activity.text": PUBLISHED,
    "village.AnsweredLetter.text": PUBLISHED,
    "village.AnsweredLetter.answer": PUBLISHED,
    "village.Writing.content": PUBLISHED,
    "village.Writing.why": PUBLISHED,
    "village.Writing.account_id": WHO_ACTED,
    "village.Writing.key": WHO_ACTED,
    "mediation.Campaign.account_id": WHO_ACTED,
    "mediation.Campaign.key": WHO_ACTED,
    "mediation.Screening.account_id": WHO_ACTED,
    **dict.fromkeys(
        ("safety.Premises.duty_holder", "safety.Premises.duty_post", "safety.Premises.duty_phone"),
        Tag("anybody named", "who answers for the safety of premises, at work",
            "Work Safety Law (2021), articles 5 and 21", "as long as they hold that post"),
    ),
    "safety.Inspection.account_id": WHO_ACTED,
    "safety.Inspection.notes": SAID,
    "safety.Accident.account_id": WHO_ACTED,
    "safety.Accident.note": SAID,
    "safety.Accident.key": WHO_ACTED,
    "safety.Drive.account_id": WHO_ACTED,
    "safety.Drive.key": WHO_ACTED,
    "worker.Device.account_id": PHONE,
    "worker.Device.mark": PHONE,
    "account.EmailAddress.user": ACCOUNT,
    "account.EmailAddress.email": ACCOUNT,
    "account.EmailConfirmation.email_address": ACCOUNT,
    "mfa.Authenticator.user": ACCOUNT,
    "mfa.Authenticator.data": ACCOUNT,
    "mfa.Authenticator.last_used_at": ACCOUNT,
    "socialaccount.SocialAccount.user": ACCOUNT,
    "socialaccount.SocialAccount.uid": ACCOUNT,
    "socialaccount.SocialAccount.extra_data": ACCOUNT,
    "socialaccount.SocialAccount.last_login": ACCOUNT,
    "socialaccount.SocialToken.account": ACCOUNT,
    "socialaccount.SocialToken.token": ACCOUNT,
    "socialaccount.SocialToken.token_secret": ACCOUNT,
}  # fmt: skip

# Tables about places, units, rules and counts: nothing in them is of a person.
PLAIN_TABLES = frozenset(
    {
        "auth.Permission", "auth.Group", "auth.Group_permissions", "contenttypes.ContentType",
        "connectors.Station", "connectors.Observation",
        "organisation.Area", "organisation.Unit", "organisation.Post", "cases.FeedCursor",
        "cases.Duration", "cases.Timer", "cases.Alarm", "cases.Digest", "cases.Feed",
        "cases.Assignment", "cases.Doomed", "cases.Lease",
        "journey.Category", "journey.Responsibility",
        "journey.LearnedHandlers", "journey.LearnedLabels",
        "insight.Rollup", "insight.Counted", "socialaccount.SocialApp",
        "village.Covenant", "safety.CheckItem", "emergency.Resource", "emergency.Stock",
        "emergency.StockEntry", "emergency.Callout",
    }
)  # fmt: skip
# Columns of the other tables that hold codes, times, counts, marks and switches.
PLAIN_COLUMNS = frozenset(
    """
    id number sequence case_id look_id grant_id hold_id request_id list_id area_code unit_code
    lent_to lent_until note_id joined role at on_the_spot part way confidentiality kind kind_version
    state ended last_hash channel
    anonymous opened_at changed_at filer_code category line nature sla_class suggested_unit asks
    datum level scale urgency supervision supervision_tier legacy handed_to question_count
    return_count ruled rework_count extension reopen_count appeal_count handler_unit closed_at
    merged_into due_at due_clock late due_provisional synthetic about_unit move from_state to_state
    facts commitments previous_hash hash salt erased_at media_type size reader tries key_id
    blind_key_id made_at destroyed_at asked_at hours given ruled_at begins_at ends_at revoked_at
    lifted_at done_at until count agreed_at refused_at step value confidence version by_person
    micros is_active secret_until post begins ends agreed ending deed done name columns rows sha256
    expire_date began_at verified primary created sent type created_at provider date_joined app
    expires_at wanted told next_try shift desk_phone taken_back_at matters written_at taken_at
    corrections withdrawn_at topic ledger flow amount covenant adopted_by changes paper_id sort
    """.split()  # noqa: SIM905  a list of a hundred words is read more easily so
)
# Names of something else elsewhere: a key of a mail, never sent; the day of what is shown.
OTHERWISE_PLAIN = frozenset(
    {
        "account.EmailConfirmation.key", "village.Notice.on", "village.LedgerEntry.on",
        "village.CovenantVersion.on", "village.Activity.on", "village.AnsweredLetter.on",
        "mediation.Campaign.title", "mediation.Screening.campaign", "safety.Drive.title",
        *(f"safety.Premises.{name}" for name in ("code", "trade", "risk", "address", "lon", "lat",
                                                "lines", "last_visit")),
        *(f"safety.Inspection.{name}" for name in ("premises", "plan", "planned_on", "lines",
                                                  "reason", "findings")),
        *(f"safety.Accident.{name}" for name in ("day", "trade", "premises", "deaths", "injured",
                                                "loss_yuan", "grade", "corrects")),
        "safety.Drive.trade", "safety.Drive.aim",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """One column, and its tag when it holds personal data."""

    name: str
    tag: Tag | None


def columns() -> Iterator[Column]:
    """Every column of every table with its tag; parts of a payload stand apart.

    Raises KeyError with the name of a column that nobody has tagged.
    """
    for model in apps.get_models(include_auto_created=True):
        label = model._meta.label
        for field in model._meta.concrete_fields:
            name = f"{label}.{field.name}"
            if name in PERSONAL:
                yield Column(name, PERSONAL[name])
                for part in (key for key in PERSONAL if key.startswith(f"{name}:")):
                    yield Column(part, PERSONAL[part])
            elif label in PLAIN_TABLES or field.name in PLAIN_COLUMNS or name in OTHERWISE_PLAIN:
                yield Column(name, None)
            else:
                raise KeyError(name)
