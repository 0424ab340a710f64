"""An emergency: proposed by the system, declared and ended by a commander, learnt from."""

from django.utils.translation import gettext_lazy as _

from maplebridge.cases.kinds import Effect, Field, Guard, Kind, Move, State, Type, Who
from maplebridge.organisation.people import Role

COMMAND = frozenset({Role.DISPATCHER, Role.LEADER})
ROOMS = frozenset({Role.CLERK, Role.DISPATCHER})
DESKS = ROOMS | frozenset({Role.STATION})
STAFF = DESKS | COMMAND | frozenset({Role.OFFICER})
RESPONDING = ("responding",)
LEVELS = (("1", "I"), ("2", "II"), ("3", "III"), ("4", "IV"))
HELPERS = (
    ("armed_police", _("Armed police")),
    ("fire", _("Fire and rescue")),
    ("militia", _("Militia of the township")),
    ("neighbour", _("A neighbouring area")),
    ("above", _("The tier above")),
)
GROUPS = (
    ("watch", _("Watching and warning")),
    ("evacuation", _("Moving people out")),
    ("repair", _("Repair and rescue")),
    ("supply", _("Supply")),
)
PARTS = tuple((part, part) for part in ("1/4", "1/3", "1/2", "2/3", "3/4", "1/1"))
STAGES = (
    ("first", _("First report")),
    ("follow_up", _("Follow-up report")),
    ("final", _("Final report")),
)
REASON = Field("reason", Type.NOTE, _("Reason"))
OPTIONAL_NOTE = Field("note", Type.NOTE, _("Note"), required=False)
LEVEL = Field("level", Type.CHOICE, _("Response level"), choices=LEVELS)
CORRECTS = Field(
    "corrects", Type.NUMBER, _("Number of the entry it corrects"), required=False, most=100000
)
PEOPLE = Field("people", Type.NUMBER, _("How many people"), most=100000)
RESOURCE = Field("resource", Type.TEXT, _("Resource"))
WAYS = (("in", _("Came in")), ("out", _("Went out")))
CALL = Field("call", Type.NUMBER, _("Which call"), most=100000)
RUNGS = (
    ("app", _("Notice in the platform")),
    ("sms", _("Short message")),
    ("voice", _("Voice call")),
    ("leader", _("Deputy or leader on duty")),
)
HELPER = Field("helper", Type.CHOICE, _("Who helps"), choices=HELPERS)

STATES = (
    State(
        "proposed",
        _("Proposed, waiting for a commander"),
        _("A commander looks at the proposal and declares a response level, or none."),
        clocks=("accept",),
    ),
    State(
        "responding",
        _("Response under way"),
        _("A situation report is due every hour until the response ends."),
        clocks=("progress",),
    ),
    State(
        "stood_down",
        _("Response ended"),
        _("What is left is done, and the case is closed."),
        clocks=("close",),
    ),
    State("closed", _("Closed"), _("What was learnt is written down."), ended=True),
    State("archived", _("Archived"), _("It is finished."), ended=True),
    State("dropped", _("No response needed"), _("A commander has seen it."), ended=True),
)

MOVES = (
    # Whether somebody else commands is asked of the log, so these are made by `acts` alone.
    Move(
        "take_command", _("Take command and declare the level"), ("proposed",), "responding",
        COMMAND, Who.SEES, needs=(LEVEL, REASON), renews=("progress",), plain=False,
    ),
    Move(
        "set_level", _("Raise or lower the level"), RESPONDING, None, COMMAND, Who.SEES,
        needs=(LEVEL, REASON), plain=False,
    ),
    Move(
        "hand_command", _("Hand over command"), RESPONDING, None, COMMAND, Who.SEES,
        needs=(Field("to", Type.CODE, _("To whom")), REASON), plain=False,
    ),
    Move(
        "stand_down", _("End the response"), RESPONDING, "stood_down", COMMAND, Who.SEES,
        needs=(REASON,), guards=(Guard.SHARES_DONE,), plain=False,
    ),
    Move(
        "report_situation", _("Situation report"), ("responding", "stood_down"), None, STAFF,
        Who.SEES,
        needs=(Field("stage", Type.CHOICE, _("Stage"), choices=STAGES), CORRECTS, OPTIONAL_NOTE),
        renews=("progress",), plain=False,
    ),
    Move(
        "drop", _("No response needed"), ("proposed",), "dropped", COMMAND, Who.SEES,
        needs=(REASON,),
    ),
    Move("take_up", _("Take it up again"), ("dropped",), "proposed", COMMAND, Who.SEES,
         needs=(REASON,)),
    Move(
        "note_breach", _("Note a breach"), RESPONDING, None, STAFF, Who.SEES,
        needs=(
            Field("metres", Type.NUMBER, _("Width in metres"), most=1000),
            Field("spot", Type.TEXT, _("Where")), CORRECTS,
        ),
    ),
    Move(
        "note_filling", _("Note how far the breach is filled"), RESPONDING, None, STAFF, Who.SEES,
        needs=(Field("filled", Type.CHOICE, _("Filled part"), choices=PARTS), CORRECTS),
    ),
    Move(
        "ask_help", _("Ask for help"), RESPONDING, None, STAFF, Who.SEES,
        needs=(HELPER, Field("what", Type.NOTE, _("What is needed"))),
    ),
    Move(
        "answer_help", _("Note the answer to a request for help"), RESPONDING, None, STAFF,
        Who.SEES, needs=(HELPER, PEOPLE, CORRECTS, OPTIONAL_NOTE),
    ),
    Move(
        "note_arrival", _("Note an arrival"), RESPONDING, None, STAFF, Who.SEES,
        needs=(HELPER, OPTIONAL_NOTE),
    ),
    Move(
        "set_task", _("Give a task"), RESPONDING, None, STAFF, Who.SEES,
        needs=(
            Field("group", Type.CHOICE, _("Working group"), choices=GROUPS),
            Field("task", Type.NOTE, _("Task")),
        ),
    ),
    Move(
        "note_evacuation", _("Note an evacuation"), RESPONDING, None, STAFF, Who.SEES,
        needs=(
            Field("spot", Type.TEXT, _("Where")),
            Field("households", Type.NUMBER, _("How many households"), most=100000), CORRECTS,
        ),
    ),
    # What is ready is sent by `resources` alone, which knows what is free.
    Move(
        "send_resource", _("Send a resource"), RESPONDING, None, STAFF, Who.SEES,
        needs=(RESOURCE, PEOPLE), plain=False,
    ),
    Move(
        "release_resource", _("Release a resource"), ("responding", "stood_down"), None, STAFF,
        Who.SEES, needs=(RESOURCE,), plain=False,
    ),
    Move(
        "move_stock", _("Goods or places used"), ("responding", "stood_down"), None, STAFF,
        Who.SEES,
        needs=(
            Field("stock", Type.TEXT, _("Store or shelter")),
            Field("way", Type.CHOICE, _("Which way"), choices=WAYS),
            Field("amount", Type.NUMBER, _("How much"), most=1000000),
        ),
        plain=False,
    ),
    # Who is on duty is called rung by rung until somebody answers (`callout`).
    Move(
        "call_duty", _("Call those on duty"), ("proposed", "responding"), None,
        ROOMS | COMMAND | {Role.SYSTEM}, Who.SEES,
        needs=(Field("called", Type.UNIT, _("Which unit")),), plain=False,
    ),
    Move(
        "ring_duty", _("A rung of the call"), ("proposed", "responding"), None,
        frozenset({Role.SYSTEM}), Who.SYSTEM,
        needs=(
            CALL, Field("rung", Type.CHOICE, _("By which way"), choices=RUNGS),
            Field("called", Type.UNIT, _("Which unit")), Field("whom", Type.TEXT, _("Post")),
        ),
        plain=False,
    ),
    Move(
        "answer_duty", _("Acknowledge the call"), ("proposed", "responding"), None, STAFF,
        Who.SEES, needs=(CALL,), plain=False,
    ),
    Move(
        "log", _("Add a note"), ("proposed", "responding", "stood_down"), None, STAFF, Who.SEES,
        needs=(Field("note", Type.NOTE, _("Note")),),
    ),
    Move(
        "close", _("Close the emergency"), ("stood_down",), "closed", ROOMS | COMMAND, Who.SEES,
        needs=(REASON,), guards=(Guard.SHARES_DONE,), effects=(Effect.CLOSE,),
    ),
    Move(
        "review", _("After-action review"), ("closed",), "archived", ROOMS | COMMAND, Who.SEES,
        needs=(Field("lessons", Type.NOTE, _("What was learnt")),),
    ),
    Move(
        "reopen", _("Reopen"), ("closed", "archived"), "stood_down", COMMAND, Who.SEES,
        needs=(REASON,), effects=(Effect.REOPEN,),
    ),
)  # fmt: skip

INCIDENT = Kind(
    name="incident",
    version=1,
    label=_("Emergency case"),
    initial="proposed",
    states=STATES,
    moves=MOVES,
    opening="propose",
    opened=_("Emergency proposed"),
    intake=(Field("text", Type.NOTE, _("What is happening")),),
)

KINDS = (INCIDENT,)
