"""The life of a hazard: found, noticed, mended, looked at again by another unit, written off.

Source: Work Safety Law (安全生产法) of 2021, articles 41, 65, 70 and 118; domain guide, 4.8.
"""

from django.utils.translation import gettext_lazy as _

from maplebridge.cases.kinds import Effect, Field, Guard, Kind, Move, State, Type, Who
from maplebridge.organisation.people import Role, Tier

RESIDENT = frozenset({Role.RESIDENT})
ROOMS = frozenset({Role.CLERK, Role.DISPATCHER})
UNITS = frozenset({Role.OFFICER, Role.STATION})
FIELD = frozenset({Role.GRID_WORKER, Role.STATION})
STAFF = ROOMS | UNITS | FIELD | frozenset({Role.SUPERVISOR, Role.LEADER})
TOWN_UP = (Tier.TOWN, Tier.COUNTY, Tier.CITY)
COUNTY_UP = (Tier.COUNTY, Tier.CITY)

BEING_MENDED = ("noticed", "stopped")
OPEN = ("found", "assigned", *BEING_MENDED, "mended", "checked")
ENDED = ("written_off", "archived")

HANDLING_KINDS = ("department", "utility", "platform", "village_station")
WEIGHTS = (("general", _("General hazard")), ("major", _("Major hazard")))
EXTENTS = (("part", _("Part of the premises")), ("whole", _("The whole premises")))
GRADES = (
    ("5", _("Very satisfied")),
    ("4", _("Satisfied")),
    ("3", _("Fairly satisfied")),
    ("2", _("Dissatisfied")),
    ("1", _("Very dissatisfied")),
)
NOTE = Field("note", Type.NOTE, _("Note"))
OPTIONAL_NOTE = Field("note", Type.NOTE, _("Note"), required=False)
REASON = Field("reason", Type.NOTE, _("Reason"))
PHOTOS = Field("photos", Type.PHOTOS, _("Photos"), required=False)
EVIDENCE = Field("evidence", Type.NOTE, _("What was seen on the spot"))

STATES = (
    State(
        "found",
        _("Found, waiting for a unit"),
        _("The room looks at it and gives it to the unit that supervises such premises."),
        clocks=("accept",),
    ),
    State(
        "assigned",
        _("With the unit, waiting for the notice"),
        _("The unit looks at it and tells the premises in writing what to mend until when."),
        clocks=("sign",),
    ),
    State(
        "noticed",
        _("Notice served, being mended"),
        _("The premises mend it until the day that the notice says."),
        clocks=("dispose",),
    ),
    State(
        "stopped",
        _("Work stopped, being mended"),
        _("Nobody works there until a room above has allowed it again."),
        clocks=("review",),
        pauses="dispose",
    ),
    State(
        "mended",
        _("Mended, waiting to be looked at again"),
        _("Somebody of another unit goes there and looks whether it is really mended."),
        clocks=("verify",),
    ),
    State(
        "checked",
        _("Looked at again, waiting to be written off"),
        _("The room writes it off and sends you the answer."),
        clocks=("close",),
    ),
    State(
        "written_off",
        _("Written off, waiting for your rating"),
        _("Please rate it. If it is not solved, you may reopen it within 7 days."),
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
        "assign", _("Give to the supervising unit"), ("found",), "assigned", ROOMS, Who.OWNER,
        tiers=TOWN_UP,
        needs=(
            Field("unit", Type.UNIT, _("Supervising unit"), kinds=HANDLING_KINDS),
            Field("category", Type.CATEGORY, _("Category")),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART, Guard.PLACED, Guard.IN_REACH),
        effects=(Effect.TRIAGE, Effect.FILE, Effect.ASSIGN_LEAD), public=True,
    ),
    Move(
        "decline", _("Decline"), ("found",), "declined", ROOMS, Who.OWNER, tiers=TOWN_UP,
        needs=(REASON, Field("channel", Type.TEXT, _("The proper channel"), most=200)),
        guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    # 五落实: measures, who answers for it, money, deadline, plan; the deadline is the clock.
    Move(
        "notice", _("Serve a notice of correction"), ("assigned",), "noticed", UNITS, Who.LEAD,
        needs=(
            Field("weight", Type.CHOICE, _("How grave it is"), choices=WEIGHTS),
            Field("measures", Type.NOTE, _("Measures")),
            Field("responsible", Type.TEXT, _("Who answers for it at the premises"), most=100),
            Field("money_yuan", Type.NUMBER, _("Money for it, in yuan"), most=1_000_000_000),
            Field("dispose_on", Type.DATE, _("To be mended by")),
            Field("plan", Type.NOTE, _("Plan for an emergency until then")),
            PHOTOS,
        ),
        guards=(Guard.APART,), effects=(Effect.SIGN,), public=True,
    ),
    Move(
        "list_publicly", _("Put under listed supervision"), BEING_MENDED, None, ROOMS, Who.ABOVE,
        tiers=COUNTY_UP,
        needs=(Field("published_on", Type.DATE, _("Published on")), REASON),
        guards=(Guard.APART,), public=True,
    ),
    Move(
        "delist", _("End the listed supervision"), ("checked",), None, ROOMS, Who.AREA,
        tiers=COUNTY_UP, needs=(REASON,), guards=(Guard.APART,), public=True,
    ),
    Move(
        "stop_work", _("Stop the work"), ("noticed",), "stopped", UNITS, Who.LEAD,
        needs=(
            Field("extent", Type.CHOICE, _("How much of it"), choices=EXTENTS),
            Field("review_on", Type.DATE, _("Look at it again on")),
            REASON,
        ),
        guards=(Guard.APART, Guard.REVIEW_WITHIN_30_DAYS), public=True,
    ),
    # 恢复: never by the unit that stopped it.
    Move(
        "resume_work", _("Let them work again"), ("stopped",), "noticed", ROOMS, Who.ABOVE,
        tiers=TOWN_UP, needs=(EVIDENCE, PHOTOS), guards=(Guard.APART,), public=True,
    ),
    Move(
        "call_enforcement", _("Call in law enforcement"), BEING_MENDED, None, UNITS, Who.LEAD,
        needs=(
            Field("units", Type.UNITS, _("Enforcing units"), kinds=("department", "platform")),
            REASON,
        ),
        guards=(Guard.APART,), effects=(Effect.SEND_COPY,), public=True,
    ),
    Move(
        "mend", _("Report it mended"), ("noticed",), "mended", UNITS, Who.LEAD,
        needs=(Field("result", Type.NOTE, _("What was done")), PHOTOS),
        guards=(Guard.APART, Guard.ASSISTS_DONE), effects=(Effect.FINISH_LEAD,), public=True,
    ),
    # 复查: the engine lets neither the person nor the unit that reported it mended do it.
    Move(
        "reinspect_pass", _("Looked at again: mended"), ("mended",), "checked", FIELD | ROOMS,
        Who.OTHER, needs=(EVIDENCE, PHOTOS), guards=(Guard.APART,),
        effects=(Effect.BACK_TO_FILER,), public=True,
    ),
    Move(
        "reinspect_fail", _("Looked at again: not mended"), ("mended",), "noticed", FIELD | ROOMS,
        Who.OTHER, needs=(EVIDENCE, PHOTOS), guards=(Guard.APART,), effects=(Effect.REWORK,),
        public=True,
    ),
    Move(
        "write_off", _("Write off and answer"), ("checked",), "written_off", ROOMS, Who.FILER,
        tiers=TOWN_UP, needs=(Field("reply", Type.NOTE, _("Answer to the reporter")),),
        guards=(Guard.APART, Guard.SHARES_DONE), effects=(Effect.CLOSE,), public=True,
    ),
    Move(
        "rate", _("Rate"), ("written_off",), "archived", RESIDENT, Who.REPORTER,
        needs=(
            Field("rating", Type.CHOICE, _("How satisfied are you?"), choices=GRADES),
            Field("solved", Type.FLAG, _("Is it solved?")),
            Field("comment", Type.NOTE, _("Your words"), required=False, most=1000),
        ),
        guards=(Guard.UNRATED,), effects=(Effect.RATE,), public=True,
    ),
    Move(
        "reopen", _("Reopen: it is not solved"), ENDED, "found", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.REOPEN_WINDOW,), effects=(Effect.REOPEN,), public=True,
    ),
    Move(
        "appeal", _("Object"), ("declined",), "found", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.ONE_APPEAL,), effects=(Effect.APPEAL,), public=True,
    ),
    Move("log", _("Add a note"), OPEN, None, STAFF, Who.SEES, needs=(NOTE, PHOTOS)),
    Move(
        "urge", _("Urge"), OPEN, None, ROOMS | frozenset({Role.SUPERVISOR}), Who.AREA,
        needs=(OPTIONAL_NOTE,),
    ),
)  # fmt: skip

HAZARD = Kind(
    name="hazard",
    version=1,
    label=_("Hazard"),
    initial="found",
    states=STATES,
    moves=MOVES,
    intake=(Field("text", Type.NOTE, _("What is unsafe, and where")),),
    ratings=(("solved", _("Solved")), ("satisfied", _("Satisfied"))),
)

KINDS = (HAZARD,)
