"""The life of a dispute: from application, screening or transfer to agreement, or to its end.

Source: People's Mediation Law (人民调解法) of 2010; domain guide, 4.7. Moves with `plain=False` are
made on the application's own pages, which check what a form of fields cannot.
"""

from django.utils.translation import gettext_lazy as _

from maplebridge.cases.grades import Confidentiality, Duty, Progress
from maplebridge.cases.kinds import Effect, Field, Guard, Kind, Move, State, Type, Who
from maplebridge.organisation.people import Role, Tier

RESIDENT = frozenset({Role.RESIDENT})
MEDIATORS = frozenset({Role.MEDIATOR})
DESKS = frozenset({Role.STATION, Role.CLERK, Role.DISPATCHER})
ROOMS = frozenset({Role.CLERK, Role.DISPATCHER})
STAFF = DESKS | MEDIATORS | frozenset({Role.SUPERVISOR, Role.LEADER})
REVISITING = ROOMS | frozenset({Role.REVISITOR})
EITHER = RESIDENT | MEDIATORS | DESKS
TOWN_UP = (Tier.TOWN, Tier.COUNTY, Tier.CITY)

BEFORE = ("registered", "accepted", "choosing")
AT_WORK = ("choosing", "mediating", "cooling")
OPEN = (*BEFORE, "mediating", "cooling", "protected", "performing")
STOPPABLE = (*BEFORE, "mediating", "cooling")
ENDED = ("closed", "stopped", "archived")

SERIOUSNESS = (("3", _("Grade 3, simple")), ("2", _("Grade 2, difficult")),
               ("1", _("Grade 1, grave")))  # fmt: skip
# Why mediation ends without an agreement. Source: People's Mediation Law, articles 3, 17 and 26.
GROUNDS = (
    ("party", _("A party wants no mediation")),
    ("apart", _("The parties do not agree")),
    ("elsewhere", _("It is settled elsewhere")),
    ("unfit", _("It cannot be mediated")),
    ("unsafe", _("A party is not safe or not free")),
)
ANSWERS = (("yes", _("Agrees")), ("no", _("Does not agree")))
WAYS = (("place", _("At a place")), ("video", _("By video")))
FORMS = (("written", _("Written agreement")), ("oral", _("Oral agreement, put on record")))
KEPT = (("whole", _("Performed")), ("part", _("Performed in part")), ("not", _("Not performed")))
RULINGS = (
    ("confirmed", _("Confirmed by the court")),
    ("refused", _("Not confirmed by the court")),
    ("withdrawn", _("The parties took it back")),
)
BALANCE = (
    ("even", _("They meet as equals")),
    ("helped", _("One is weaker and has somebody beside")),
    ("uneven", _("One is weaker and alone")),
)
GRADES = (
    ("5", _("Very satisfied")),
    ("4", _("Satisfied")),
    ("3", _("Fairly satisfied")),
    ("2", _("Dissatisfied")),
    ("1", _("Very dissatisfied")),
)
SERVICES = (("110", "110"), ("120", "120"))

NOTE = Field("note", Type.NOTE, _("Note"))
OPTIONAL_NOTE = Field("note", Type.NOTE, _("Note"), required=False)
REASON = Field("reason", Type.NOTE, _("Reason"))
PARTY = Field("party", Type.NUMBER, _("Which party"), most=20)
WHICH = Field("party", Type.NUMBER, _("Which party"), most=20, required=False)
# What only the mediator at work and the parties read: sealed with the event.
PAGE = Field("page", Type.SEALED, _("Sealed words"), most=20000)
OPTIONAL_PAGE = Field("page", Type.SEALED, _("Sealed words"), required=False, most=20000)

STATES = (
    State(
        "registered",
        _("Waiting to be accepted"),
        _("The room looks whether it can be mediated, and tells you."),
        clocks=("accept",),
    ),
    State(
        "accepted",
        _("Accepted, to be given to a committee"),
        _("It is given to the mediation committee that fits its cause and its weight."),
        clocks=("dispatch",),
    ),
    State(
        "choosing",
        _("The mediator is being chosen"),
        _("Both sides may choose a mediator, and may refuse one. Mediation is free."),
        clocks=("dispose", "sign"),
    ),
    State(
        "mediating",
        _("In mediation"),
        _("The mediator talks with both sides. You may stop at any time."),
        clocks=("dispose", "contact"),
    ),
    State(
        "cooling",
        _("Cooling off"),
        _("There is a pause for thinking it over; nothing is signed before it ends."),
        clocks=("review",),
        pauses="dispose",
    ),
    State(
        "protected",
        _("Stopped for protection, handed over"),
        _("Somebody is not safe, so nothing is mediated; those who protect have been called."),
        clocks=("review",),
    ),
    State(
        "performing",
        _("Agreed, being performed"),
        _("The agreement binds both sides; we ask on each day on which something is due."),
        clocks=("review",),
    ),
    State(
        "closed",
        _("Performed, waiting for your rating"),
        _("Please rate it. If it is not solved, you may reopen it within 7 days."),
        ended=True,
    ),
    State(
        "stopped",
        _("Ended without an agreement"),
        _("You are free to go to arbitration or to court. Legal aid answers at 12348."),
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
        "accept", _("Accept"), ("registered",), "accepted", DESKS, Who.OWNER,
        needs=(OPTIONAL_NOTE,), guards=(Guard.APART,), public=True,
    ),
    Move(
        "decline", _("Decline"), ("registered", "accepted"), "declined", DESKS, Who.OWNER,
        needs=(REASON, Field("channel", Type.TEXT, _("The proper channel"), most=200)),
        guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    # 分流: the committee takes it; what it is about says how confidential it is.
    Move(
        "split", _("Give to a committee"), ("accepted",), "choosing", DESKS, Who.OWNER,
        needs=(
            Field("unit", Type.UNIT, _("Mediation committee"), kinds=("mediation_committee",)),
            Field("category", Type.CATEGORY, _("Cause")),
            Field("seriousness", Type.CHOICE, _("How grave it is"), choices=SERIOUSNESS),
            Field(
                "confidentiality", Type.CHOICE, _("Confidentiality"), required=False,
                choices=tuple(Confidentiality.choices),
            ),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART, Guard.PLACED, Guard.IN_REACH),
        effects=(Effect.TRIAGE, Effect.FILE, Effect.ASSIGN_LEAD, Effect.KEEP_SIGHT), public=True,
        plain=False,
    ),
    Move(
        "name_party", _("Write down a party"), (*BEFORE, "mediating", "cooling"), None,
        RESIDENT | MEDIATORS | DESKS, Who.SEES, needs=(PARTY, PAGE), plain=False,
    ),
    Move(
        "choose_mediator", _("Choose the mediator"), ("choosing",), None, MEDIATORS, Who.LEAD,
        needs=(
            Field("mediator", Type.CODE, _("Mediator")),
            Field("chosen_by", Type.CODES, _("Chosen by the parties"), required=False),
            PAGE,
        ),
        guards=(Guard.APART,), effects=(Effect.SIGN,), stops=("sign",), public=True, plain=False,
    ),
    Move(
        "refuse_mediator", _("Refuse the mediator"), ("choosing", "mediating", "cooling"),
        "choosing", RESIDENT | MEDIATORS, Who.SEES, needs=(PARTY, OPTIONAL_NOTE), public=True,
        plain=False,
    ),
    # 告知: rights told, each side willing, nobody afraid; only then it begins.
    Move(
        "begin", _("Begin the mediation"), ("choosing",), "mediating", MEDIATORS, Who.LEAD,
        needs=(
            Field("told", Type.CODES, _("Parties told of their rights")),
            Field("willing", Type.CODES, _("Parties who want mediation")),
            Field("violence", Type.FLAG, _("Violence or threats at home")),
            Field("balance", Type.CHOICE, _("How the parties stand to each other"),
                  choices=BALANCE),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART,), public=True, plain=False,
    ),
    Move(
        "protect", _("Stop and hand over for protection"), STOPPABLE, "protected",
        MEDIATORS | DESKS, Who.SEES,
        needs=(Field("service", Type.CHOICE, _("Service"), choices=SERVICES), OPTIONAL_PAGE),
        effects=(Effect.HAND_OFF,), plain=False,
    ),
    Move(
        "note_receipt", _("Note the receipt of 110, 119 or 120"), ("protected",), None,
        MEDIATORS | DESKS, Who.SEES,
        needs=(
            Field("service", Type.CHOICE, _("Service"), choices=SERVICES),
            Field("receipt", Type.CODE, _("Number under which they took it")),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.HANDED_OVER,), effects=(Effect.NOTE_RECEIPT,),
    ),
    Move(
        "leave_to_others", _("End: it is in other hands"), ("protected",), "stopped",
        MEDIATORS | DESKS, Who.OWNER,
        needs=(Field("ground", Type.CHOICE, _("Ground"), choices=GROUNDS), OPTIONAL_NOTE),
        guards=(Guard.SHARES_DONE,), effects=(Effect.CLOSE,), plain=False,
    ),
    Move(
        "state", _("Take down a statement"), AT_WORK, None, MEDIATORS, Who.LEAD,
        needs=(PARTY, PAGE), plain=False,
    ),
    Move(
        "sit", _("Write down a session"), ("mediating",), None, MEDIATORS, Who.LEAD,
        needs=(
            Field("held_on", Type.DATE, _("Day")),
            Field("way", Type.CHOICE, _("How they met"), choices=WAYS),
            Field("attended", Type.CODES, _("Parties who came")),
            PAGE,
        ),
        guards=(Guard.APART,), stops=("contact",), public=True, plain=False,
    ),
    Move(
        "propose", _("Make a proposal"), ("mediating",), None, MEDIATORS, Who.LEAD,
        needs=(PAGE,), guards=(Guard.APART,), public=True, plain=False,
    ),
    Move(
        "answer_proposal", _("Answer the proposal"), ("mediating", "cooling"), None,
        RESIDENT | MEDIATORS, Who.SEES,
        needs=(PARTY, Field("answer", Type.CHOICE, _("Answer"), choices=ANSWERS)),
        public=True, plain=False,
    ),
    Move(
        "cool_off", _("Pause for thinking it over"), ("mediating",), "cooling", MEDIATORS,
        Who.LEAD, needs=(Field("review_on", Type.DATE, _("Until")), OPTIONAL_NOTE),
        guards=(Guard.REVIEW_WITHIN_30_DAYS,), public=True, plain=False,
    ),
    Move(
        "go_on", _("Go on after the pause"), ("cooling",), "mediating", MEDIATORS, Who.LEAD,
        needs=(OPTIONAL_NOTE,), public=True, plain=False,
    ),
    Move(
        "draft_agreement", _("Put an agreement before the parties"), ("mediating",), None,
        MEDIATORS, Who.LEAD, needs=(PAGE,), guards=(Guard.APART,), public=True, plain=False,
    ),
    # Only by a party, under its own address; nobody signs for somebody else.
    Move(
        "sign_draft", _("Sign the agreement"), ("mediating",), None, RESIDENT, Who.SEES,
        needs=(PARTY, Field("draft", Type.NUMBER, _("Which text"), most=1000)),
        public=True, plain=False,
    ),
    Move(
        "agree", _("Put the agreement in force"), ("mediating",), "performing", MEDIATORS,
        Who.LEAD,
        needs=(
            Field("form", Type.CHOICE, _("Form"), choices=FORMS),
            Field("effective_on", Type.DATE, _("In force since")),
            Field("confirm_by", Type.DATE, _("Last day for asking the court to confirm it")),
            Field("dues", Type.CODES, _("Days on which something is due"), required=False),
            Field("signed", Type.CODES, _("Parties who signed")),
            Field("review_on", Type.DATE, _("Next day to ask")),
            PAGE,
        ),
        guards=(Guard.APART, Guard.SHARES_DONE), public=True, plain=False,
    ),
    Move(
        "note_performance", _("Note what was performed"), ("performing",), None, MEDIATORS,
        Who.LEAD,
        needs=(
            Field("item", Type.NUMBER, _("Which item"), most=50),
            Field("kept", Type.CHOICE, _("How it was performed"), choices=KEPT),
            Field("review_on", Type.DATE, _("Next day to ask"), required=False),
            OPTIONAL_NOTE,
        ),
        renews=("review",), public=True, plain=False,
    ),
    Move(
        "remind", _("Remind a party"), ("performing",), None, MEDIATORS, Who.LEAD,
        needs=(PARTY, OPTIONAL_NOTE), public=True, plain=False,
    ),
    Move(
        "ask_court", _("Ask the court to confirm it"), ("performing", "closed"), None, MEDIATORS,
        Who.SEES,
        needs=(
            Field("asked_on", Type.DATE, _("Asked on")),
            Field("together", Type.CODES, _("Parties who ask")),
        ),
        public=True, plain=False,
    ),
    Move(
        "note_ruling", _("Note what the court said"), ("performing", "closed", "archived"), None,
        MEDIATORS, Who.SEES,
        needs=(
            Field("ruling", Type.CHOICE, _("What the court said"), choices=RULINGS),
            Field("ruled_on", Type.DATE, _("Day")),
        ),
        public=True, plain=False,
    ),
    Move(
        "resume", _("Mediate again"), ("performing",), "mediating", MEDIATORS, Who.LEAD,
        needs=(REASON,), public=True,
    ),
    Move(
        "close", _("All is performed: close"), ("performing",), "closed", MEDIATORS, Who.LEAD,
        needs=(Field("reply", Type.NOTE, _("Answer to the reporter")),),
        guards=(Guard.APART, Guard.SHARES_DONE), effects=(Effect.CLOSE,), public=True,
        plain=False,
    ),
    # 自愿: either side, at any moment, without giving a reason.
    Move(
        "stop", _("End the mediation"), STOPPABLE, "stopped", EITHER, Who.SEES,
        needs=(
            Field("ground", Type.CHOICE, _("Ground"), choices=GROUNDS),
            WHICH,
            Field("told", Type.CODES, _("Parties told of arbitration and court"), required=False),
            OPTIONAL_NOTE,
        ),
        effects=(Effect.CLOSE,), public=True, plain=False,
    ),
    Move(
        "escalate", _("Pass up"), (*BEFORE, "mediating"), "registered", DESKS | MEDIATORS,
        Who.OWNER, needs=(REASON,), guards=(Guard.TIER_ABOVE,), effects=(Effect.ESCALATE,),
        public=True,
    ),
    Move(
        "rate", _("Rate"), ("closed", "stopped"), "archived", RESIDENT, Who.REPORTER,
        needs=(
            Field("rating", Type.CHOICE, _("How satisfied are you?"), choices=GRADES),
            Field("solved", Type.FLAG, _("Is it solved?")),
            Field("comment", Type.NOTE, _("Your words"), required=False, most=1000),
        ),
        guards=(Guard.UNRATED,), effects=(Effect.RATE,), public=True,
    ),
    # 回访: by somebody of the committee's own or above; the words stay sealed.
    Move(
        "visit", _("Write down a revisit"), ("performing", *ENDED), None, MEDIATORS | ROOMS,
        Who.SEES,
        needs=(
            PARTY,
            Field("kept", Type.CHOICE, _("How it was performed"), choices=KEPT),
            PAGE,
        ),
        plain=False,
    ),
    Move(
        "reopen", _("Reopen: it is not solved"), ENDED, "registered", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.REOPEN_WINDOW,), effects=(Effect.REOPEN,), public=True,
    ),
    Move(
        "appeal", _("Object"), ("declined", "archived"), "registered", RESIDENT, Who.REPORTER,
        needs=(REASON,), guards=(Guard.ONE_APPEAL,), effects=(Effect.APPEAL,), public=True,
    ),
    Move("log", _("Add a note"), OPEN, None, STAFF, Who.SEES, needs=(NOTE,)),
    Move(
        "urge", _("Urge"), OPEN, None, ROOMS | frozenset({Role.SUPERVISOR}), Who.AREA,
        needs=(OPTIONAL_NOTE,),
    ),
    Move(
        "read_copy", _("Mark as read"), OPEN, None, STAFF, Who.ASKED,
        shares=((Duty.READ, Progress.TO_SIGN),), effects=(Effect.READ_COPY,),
    ),
)  # fmt: skip

DISPUTE = Kind(
    name="dispute",
    version=1,
    label=_("Dispute"),
    initial="registered",
    states=STATES,
    moves=MOVES,
    opening="apply",
    opened=_("Mediation asked for"),
    intake=(Field("text", Type.NOTE, _("What the dispute is about, without names")),),
    ratings=(("solved", _("Solved")), ("satisfied", _("Satisfied"))),
)

KINDS = (DISPUTE,)
