"""The letter to the village: written, answered by the station within its clock, rated."""

from django.utils.translation import gettext_lazy as _

from maplebridge.cases.kinds import Effect, Field, Guard, Kind, Move, State, Type, Who
from maplebridge.organisation.people import Role, Tier

RESIDENT = frozenset({Role.RESIDENT})
DESKS = frozenset({Role.STATION, Role.CLERK, Role.DISPATCHER})
ROOMS = frozenset({Role.CLERK, Role.DISPATCHER})
STAFF = DESKS | frozenset({Role.SUPERVISOR, Role.LEADER})
OPEN = ("unanswered", "need_info")
ENDED = ("answered", "archived")
GRADES = (
    ("5", _("Very satisfied")),
    ("4", _("Satisfied")),
    ("3", _("Fairly satisfied")),
    ("2", _("Dissatisfied")),
    ("1", _("Very dissatisfied")),
)
ROOM_KINDS = ("county_center", "town_room", "village_station")
NOTE = Field("note", Type.NOTE, _("Note"))
OPTIONAL_NOTE = Field("note", Type.NOTE, _("Note"), required=False)
REASON = Field("reason", Type.NOTE, _("Reason"))

STATES = (
    State(
        "unanswered",
        _("Waiting for an answer"),
        _("The village station reads your letter and answers it here."),
        clocks=("dispose",),
    ),
    State(
        "need_info",
        _("Waiting for more information"),
        _("We asked you a question; the clock stands still until you answer."),
        clocks=("answer",),
        pauses="dispose",
    ),
    State(
        "answered",
        _("Answered, waiting for your rating"),
        _("The answer stands below. If it does not help, you may write again within 7 days."),
        ended=True,
    ),
    State(
        "archived",
        _("Archived"),
        _("It is finished. If it is not solved, you may reopen it within 7 days of its closing."),
        ended=True,
    ),
    State(
        "declined",
        _("Not accepted"),
        _("The reason and the proper channel are below. You may object once."),
        ended=True,
    ),
)

MOVES = (
    Move(
        "ask_more", _("Ask the reporter"), ("unanswered",), "need_info", DESKS, Who.OWNER,
        needs=(Field("question", Type.NOTE, _("Question to the reporter"), most=1000),),
        guards=(Guard.ONCE_ASKED,), effects=(Effect.ASK,), public=True,
    ),
    Move(
        "supply", _("Answer the question"), ("need_info",), "unanswered", RESIDENT, Who.REPORTER,
        needs=(Field("answer", Type.NOTE, _("Your answer")),), public=True,
    ),
    Move(
        "note_answer", _("Note the reporter's answer"), ("need_info",), "unanswered", DESKS,
        Who.OWNER, needs=(Field("answer", Type.NOTE, _("What the reporter said")),),
    ),
    Move(
        "close", _("Answer and close"), ("unanswered",), "answered", DESKS, Who.OWNER,
        needs=(Field("reply", Type.NOTE, _("Answer to the reporter")),),
        guards=(Guard.APART, Guard.SHARES_DONE), effects=(Effect.CLOSE,), public=True,
    ),
    Move(
        "escalate", _("Pass up"), ("unanswered",), "unanswered", DESKS, Who.OWNER,
        needs=(REASON,), guards=(Guard.TIER_ABOVE,), effects=(Effect.ESCALATE,), public=True,
    ),
    Move(
        "delegate", _("Pass down"), ("unanswered",), "unanswered", ROOMS, Who.OWNER,
        tiers=(Tier.TOWN, Tier.COUNTY, Tier.CITY),
        needs=(Field("unit", Type.UNIT, _("Room below"), kinds=ROOM_KINDS), REASON),
        guards=(Guard.APART, Guard.BELOW), effects=(Effect.DELEGATE,), public=True,
    ),
    Move(
        "decline", _("Decline"), ("unanswered",), "declined", DESKS, Who.OWNER,
        needs=(REASON, Field("channel", Type.TEXT, _("The proper channel"), most=200)),
        guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    Move(
        "rate", _("Rate"), ("answered",), "archived", RESIDENT, Who.REPORTER,
        needs=(
            Field("rating", Type.CHOICE, _("How satisfied are you?"), choices=GRADES),
            Field("solved", Type.FLAG, _("Is it solved?")),
            Field("comment", Type.NOTE, _("Your words"), required=False, most=1000),
        ),
        guards=(Guard.UNRATED,), effects=(Effect.RATE,), public=True,
    ),
    Move(
        "reopen", _("Reopen: it is not solved"), ENDED, "unanswered", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.REOPEN_WINDOW,), effects=(Effect.REOPEN,), public=True,
    ),
    Move(
        "appeal", _("Object"), ("declined", *ENDED), "unanswered", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.ONE_APPEAL,), effects=(Effect.APPEAL,), public=True,
    ),
    # The station's page of letters publishes; the words that are shown stand in its own table.
    Move(
        "publish", _("Publish question and answer"), ENDED, None, DESKS, Who.AREA, public=True,
        plain=False,
    ),
    Move(
        "keep_private", _("Do not publish my letter"), ENDED, None, RESIDENT, Who.REPORTER,
        public=True,
    ),
    Move("log", _("Add a note"), OPEN, None, STAFF, Who.SEES, needs=(NOTE,)),
    Move(
        "urge", _("Urge"), ("unanswered",), None, ROOMS | frozenset({Role.SUPERVISOR}), Who.AREA,
        needs=(OPTIONAL_NOTE,),
    ),
)  # fmt: skip

LETTER = Kind(
    name="letter",
    version=1,
    label=_("Letter to the village"),
    initial="unanswered",
    states=STATES,
    moves=MOVES,
    opening="write",
    opened=_("Letter written"),
    intake=(Field("text", Type.NOTE, _("Your letter")),),
    ratings=(("solved", _("Solved")), ("satisfied", _("Satisfied"))),
)

KINDS = (LETTER,)
