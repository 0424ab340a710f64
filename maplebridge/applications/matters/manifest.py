"""The standard kind of case: the life of a reported matter. Source: domain guide, 2.2."""

from dataclasses import replace

from django.utils.translation import gettext_lazy as _

from maplebridge.cases.grades import (
    Confidentiality,
    Duty,
    Level,
    Progress,
    Scale,
    Urgency,
)
from maplebridge.cases.kinds import Effect, Field, Guard, Kind, Move, State, Type, Who
from maplebridge.organisation.people import Role, Tier

RESIDENT = frozenset({Role.RESIDENT})
SYSTEM = frozenset({Role.SYSTEM})
DESKS = frozenset({Role.STATION, Role.CLERK, Role.DISPATCHER})
ROOMS = frozenset({Role.CLERK, Role.DISPATCHER})
CENTRES = frozenset({Role.DISPATCHER})
FIELD = frozenset({Role.GRID_WORKER, Role.STATION})
UNITS = frozenset({Role.OFFICER, Role.MEDIATOR, Role.STATION, Role.GRID_WORKER})
HANDLERS = UNITS | ROOMS
STAFF = HANDLERS | frozenset({Role.SUPERVISOR, Role.LEADER})
SUPERVISING = ROOMS | frozenset({Role.SUPERVISOR})
REVISITING = ROOMS | frozenset({Role.REVISITOR})
TOWN_UP = (Tier.TOWN, Tier.COUNTY, Tier.CITY)
COUNTY_UP = (Tier.COUNTY, Tier.CITY)

# Everywhere but in the hands of an organ that received it.
OPEN = (
    "reported",
    "need_info",
    "accepted",
    "filed",
    "dispatched",
    "handling",
    "suspended",
    "feedback",
    "verified",
)
UNDER_WAY = ("reported", "accepted", "filed", "dispatched", "handling", "feedback", "verified")
# Where the unit complained about may be named: a merged matter is taken out first, and one that
# has left the platform is out of reach.
NAMED_IN = (*OPEN, "closed", "archived", "declined", "voided")
RECEIVING = frozenset({Role.OFFICER})
ORGANS = (("110", "110"), ("dis", _("Discipline inspection")))

HANDLING_KINDS = (
    "department",
    "utility",
    "police_station",
    "mediation_committee",
    "rescue_team",
    "platform",
    "village_station",
    "grid_post",
    "town_room",
    "county_center",
)

ROOM_KINDS = ("county_center", "town_room", "village_station")
SERVICES = (("110", "110"), ("119", "119"), ("120", "120"))
GRADES = (
    ("5", _("Very satisfied")),
    ("4", _("Satisfied")),
    ("3", _("Fairly satisfied")),
    ("2", _("Dissatisfied")),
    ("1", _("Very dissatisfied")),
)
SUMMONED = (Duty.ATTEND, Progress.TO_SIGN)
ATTENDING = (Duty.ATTEND, Progress.HANDLING)
ASSISTING = (Duty.ASSIST, Progress.TO_SIGN)
ADVISING = (Duty.ADVISE, Progress.TO_SIGN)
COPIED = (Duty.READ, Progress.TO_SIGN)
TO_TAKE_NOTE = (Duty.ANSWER, Progress.TO_SIGN)
TO_ANSWER = (Duty.ANSWER, Progress.HANDLING)

NOTE = Field("note", Type.NOTE, _("Note"))
OPTIONAL_NOTE = Field("note", Type.NOTE, _("Note"), required=False)
REASON = Field("reason", Type.NOTE, _("Reason"))
PHOTOS = Field("photos", Type.PHOTOS, _("Photos"), required=False)
OPINION = (
    Field("rating", Type.CHOICE, _("How satisfied are you?"), choices=GRADES),
    Field("solved", Type.FLAG, _("Is it solved?")),
    Field("comment", Type.NOTE, _("Your words"), required=False, most=1000),
)
ABOUT = Field("about", Type.UNIT, _("Unit complained about"))
REPLY = Field("reply", Type.NOTE, _("Answer to the reporter"))

STATES = (
    State(
        "reported",
        _("Waiting to be accepted"),
        _("The room checks it and either accepts it or tells you why not."),
        clocks=("accept",),
    ),
    State(
        "need_info",
        _("Waiting for more information"),
        _("We asked you a question; the clock stands still until you answer."),
        clocks=("answer",),
        pauses="accept",
    ),
    State(
        "accepted",
        _("Accepted"),
        _("It is being filed and sent to the unit that will handle it."),
        clocks=("dispatch",),
    ),
    State(
        "filed",
        _("Filed, waiting to be dispatched"),
        _("It is being sent to the unit that will handle it."),
        clocks=("dispatch",),
    ),
    State(
        "dispatched",
        _("Waiting to be signed for"),
        _("The unit confirms that it takes the matter on."),
        clocks=("sign",),
    ),
    State(
        "handling",
        _("Being handled"),
        _("The unit is working on it and will report the result."),
        clocks=("dispose", "contact", "progress"),
    ),
    State(
        "suspended",
        _("Suspended"),
        _("It has to wait for a known reason and will be looked at again on the review date."),
        clocks=("review",),
        pauses="dispose",
    ),
    State(
        "feedback",
        _("Waiting to be verified"),
        _("Somebody other than the handler checks whether it is really solved."),
        clocks=("verify",),
    ),
    State(
        "verified",
        _("Verified, waiting to be closed"),
        _("The room sends you the answer and closes the case."),
        clocks=("close",),
    ),
    State(
        "closed",
        _("Closed, waiting for your rating"),
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
    State(
        "merged",
        _("Merged with another case"),
        _("Another report tells of the same matter; both are followed there together."),
        keeps=("accept", "dispatch"),
        ended=True,
    ),
    State(
        "handed_over",
        _("Handed over, sealed"),
        _("The organ that receives it confirms the receipt; we can no longer read it ourselves."),
        clocks=("accept",),
    ),
    State(
        "received",
        _("Received by the competent organ"),
        _("That organ alone decides on it. We keep the receipt, not your words nor its findings."),
        ended=True,
    ),
    State(
        "voided",
        _("Voided"),
        _("It was a test or a mistake. You may object once."),
        ended=True,
    ),
)

TRIAGE_FIELDS = (
    Field("area_code", Type.AREA, _("Area"), required=False),
    Field("category", Type.CATEGORY, _("Category"), required=False),
    Field("line", Type.CODE, _("Line"), required=False),
    Field("nature", Type.CODE, _("Nature"), required=False),
    Field(
        "confidentiality",
        Type.CHOICE,
        _("Confidentiality"),
        required=False,
        choices=tuple(Confidentiality.choices),
    ),
    Field(
        "sla_class",
        Type.CHOICE,
        _("Time class"),
        required=False,
        choices=tuple((f"S{n}", f"S{n}") for n in range(8)),
    ),
    Field("urgency", Type.CHOICE, _("Urgency"), required=False, choices=tuple(Urgency.choices)),
    Field("suggested_unit", Type.UNIT, _("Suggested unit"), required=False),
    Field("unit", Type.UNIT, _("Accountable unit"), required=False),
    Field("asks", Type.CODES, _("Questions left to a person"), required=False),
    Field("twins", Type.CODES, _("Likely twins"), required=False),
    Field("step", Type.CODE, _("Step"), required=False),
)

MOVES = (
    # 1 report is the opening; the journey then says where, what, whose.
    Move(
        "triage", _("Sort"), ("reported",), None, SYSTEM, Who.SYSTEM,
        needs=(*TRIAGE_FIELDS, replace(ABOUT, required=False)), effects=(Effect.TRIAGE,),
        plain=False,
    ),
    Move(
        "recount",
        _("Count the clocks again"),
        OPEN,
        None,
        SYSTEM,
        Who.SYSTEM,
        needs=(Field("calendar", Type.NUMBER, _("Last published year of the calendar")),),
        recounts=True,
        plain=False,
    ),
    Move(
        "overrule", _("Overrule an automatic step"), UNDER_WAY, None, DESKS, Who.OWNER,
        needs=(*TRIAGE_FIELDS, OPTIONAL_NOTE), effects=(Effect.TRIAGE,), plain=False,
        guards=(Guard.APART,),
    ),
    Move(
        "accept", _("Accept"), ("reported",), "accepted", DESKS, Who.OWNER,
        needs=(OPTIONAL_NOTE,), guards=(Guard.APART,), public=True,
    ),
    Move(
        "handle_on_spot", _("Close on the spot"), ("reported", "accepted"), "feedback", FIELD,
        Who.AREA, tiers=(Tier.GRID, Tier.VILLAGE), needs=(NOTE, PHOTOS),
        guards=(Guard.APART, Guard.CLASSIFIED, Guard.ON_THE_SPOT, Guard.ASSISTS_DONE),
        effects=(Effect.FINISH_LEAD,), public=True,
    ),
    Move(
        "ask_more", _("Ask the reporter"), ("reported",), "need_info", DESKS, Who.OWNER,
        needs=(Field("question", Type.NOTE, _("Question to the reporter"), most=1000),),
        guards=(Guard.ONCE_ASKED,), effects=(Effect.ASK,), public=True,
    ),
    Move(
        "supply", _("Answer the question"), ("need_info",), "reported", RESIDENT, Who.REPORTER,
        needs=(Field("answer", Type.NOTE, _("Your answer")),), public=True,
    ),
    Move(
        "note_answer", _("Note the reporter's answer"), ("need_info",), "reported", DESKS,
        Who.OWNER, needs=(Field("answer", Type.NOTE, _("What the reporter said")),),
    ),
    Move(
        "file_case", _("File the case"), ("accepted",), "filed", ROOMS, Who.OWNER,
        tiers=TOWN_UP, needs=(OPTIONAL_NOTE,), guards=(Guard.APART, Guard.PLACED, Guard.CLASSIFIED),
        effects=(Effect.FILE,), public=True,
    ),
    Move(
        "dispatch", _("Dispatch"), ("filed",), "dispatched", ROOMS, Who.OWNER,
        tiers=TOWN_UP,
        needs=(
            Field("unit", Type.UNIT, _("Handling unit"), kinds=HANDLING_KINDS),
            Field("units", Type.UNITS, _("Assisting units"), required=False),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART, Guard.NOT_IN_RULING, Guard.IN_REACH),
        effects=(Effect.ASSIGN_LEAD, Effect.ASSIGN_ASSIST), public=True,
    ),
    Move(
        "sign_for", _("Sign for it"), ("dispatched",), "handling", HANDLERS, Who.LEAD,
        needs=(OPTIONAL_NOTE,), guards=(Guard.APART,), effects=(Effect.SIGN,), public=True,
    ),
    Move(
        "feedback", _("Report the result"), ("handling",), "feedback", HANDLERS, Who.LEAD,
        needs=(Field("result", Type.NOTE, _("What was done")), PHOTOS),
        guards=(Guard.APART, Guard.ASSISTS_DONE), effects=(Effect.FINISH_LEAD,), public=True,
    ),
    Move(
        "verify_pass", _("Verified: solved"), ("feedback",), "verified",
        FIELD | ROOMS, Who.OTHER, needs=(OPTIONAL_NOTE, PHOTOS),
        guards=(Guard.APART,), effects=(Effect.BACK_TO_FILER,), public=True,
    ),
    Move(
        "verify_fail", _("Verified: not solved"), ("feedback",), "handling",
        FIELD | ROOMS, Who.OTHER, needs=(REASON, PHOTOS), effects=(Effect.REWORK,), public=True,
        guards=(Guard.APART,),
    ),
    Move(
        "close", _("Answer and close"), ("verified",), "closed", ROOMS, Who.FILER,
        tiers=TOWN_UP, needs=(REPLY,), guards=(Guard.APART, Guard.SHARES_DONE),
        effects=(Effect.CLOSE,),
        public=True,
    ),
    Move(
        "rate", _("Rate"), ("closed",), "archived", RESIDENT, Who.REPORTER,
        needs=OPINION, guards=(Guard.UNRATED,), effects=(Effect.RATE,), public=True,
    ),
    Move(
        "rate_twin", _("Rate the work on the common case"), ("merged",), None, RESIDENT,
        Who.REPORTER, needs=OPINION, guards=(Guard.UNRATED,), effects=(Effect.RATE,), public=True,
    ),
    # The three of the revisit desk, which counts the tries; no form on the page of a case.
    Move(
        "revisit", _("Record a revisit"), ("closed", "archived"), "archived", REVISITING, Who.OTHER,
        needs=(
            Field(
                "outcome", Type.CHOICE, _("What the reporter said"),
                choices=(
                    ("solved", _("Solved")),
                    ("not_solved", _("Not solved")),
                    ("not_reached", _("Not reached")),
                ),
            ),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART,), plain=False,
    ),
    Move(
        "try_reach", _("Note that nobody answered"), ("closed", "archived"), None, REVISITING,
        Who.OTHER, needs=(OPTIONAL_NOTE,), guards=(Guard.APART,), plain=False,
    ),
    Move(
        "check_sample", _("Check a sample"), ("closed", "archived"), None, REVISITING, Who.OTHER,
        needs=(
            Field(
                "found", Type.CHOICE, _("What the file shows"),
                choices=(
                    ("convincing", _("The result is proved")),
                    ("not_convincing", _("The result is not proved")),
                ),
            ),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.APART,), plain=False,
    ),
    Move(
        "reopen", _("Reopen: it is not solved"), ("closed", "archived"), "filed", RESIDENT,
        Who.REPORTER, needs=(REASON,), guards=(Guard.REOPEN_WINDOW,), effects=(Effect.REOPEN,),
        public=True,
    ),
    Move(
        "order_reopen", _("Order to reopen"), ("closed", "archived"), "filed",
        frozenset({Role.SUPERVISOR, Role.DISPATCHER}), Who.AREA, tiers=COUNTY_UP,
        needs=(REASON,), guards=(Guard.APART,), effects=(Effect.REOPEN,), public=True,
    ),
    Move(
        "decline", _("Decline"), ("reported",), "declined", ROOMS, Who.OWNER, tiers=TOWN_UP,
        needs=(
            Field(
                "ground", Type.CHOICE, _("Ground"),
                choices=(
                    ("court", _("In court, or decided by a court")),
                    ("discipline", _("For the discipline bodies")),
                    ("petition", _("Already in the petition procedure")),
                    ("secret", _("State or trade secrets")),
                    ("other_city", _("Outside the city")),
                    ("no_matter", _("Nothing that an authority could do")),
                ),
            ),
            REASON,
            Field("channel", Type.TEXT, _("The proper channel"), most=200),
        ),
        guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    Move(
        "appeal", _("Object"), ("declined", "voided", "closed", "archived"), "reported", RESIDENT,
        Who.REPORTER, needs=(REASON,), guards=(Guard.ONE_APPEAL,), effects=(Effect.APPEAL,),
        public=True,
    ),
    Move(
        "pre_verify", _("Check on the spot before filing"), ("accepted",), None, DESKS | FIELD,
        Who.AREA,
        needs=(
            Field(
                "found", Type.CHOICE, _("What was found"),
                choices=(
                    ("true", _("As reported")),
                    ("untrue", _("Not as reported")),
                    ("unclear", _("Unclear")),
                ),
            ),
            OPTIONAL_NOTE,
            PHOTOS,
        ),
        guards=(Guard.APART,),
    ),
    Move(
        "record_only", _("Put on record only"), ("accepted",), "archived", ROOMS, Who.OWNER,
        tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    Move(
        "merge", _("Merge into another case"), ("reported", "accepted"), "merged", ROOMS,
        Who.OWNER, tiers=TOWN_UP,
        needs=(Field("into", Type.CASE, _("The case it belongs to")), OPTIONAL_NOTE),
        guards=(Guard.APART, Guard.NOT_ITSELF, Guard.SHARES_DONE),
        effects=(Effect.MERGE,), public=True,
    ),
    Move(
        "unmerge", _("Undo the merging"), ("merged",), "accepted", ROOMS, Who.AREA,
        tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART,),
        effects=(Effect.UNMERGE, Effect.TAKE), public=True,
    ),
    Move(
        "absorb", _("A twin was merged into this"), (*OPEN, "closed", "archived"), None, SYSTEM,
        Who.SYSTEM,
        needs=(
            Field("twin", Type.CASE, _("Twin")),
            Field("clock", Type.CODE, _("The twin's clock"), required=False),
            Field("until", Type.CODE, _("Until when it was promised"), required=False),
        ),
        plain=False,
    ),
    Move(
        "give_back", _("A twin was taken out again"), (*OPEN, "merged", "closed", "archived"),
        None, SYSTEM, Who.SYSTEM, needs=(Field("twin", Type.CASE, _("Twin")),), plain=False,
    ),
    Move(
        "return_twin", _("The other case cannot take it"), ("merged",), "accepted", SYSTEM,
        Who.SYSTEM, effects=(Effect.UNMERGE,), plain=False, public=True,
    ),
    Move(
        "take_over", _("Take it over"),
        ("reported", "need_info", "accepted", "filed", "feedback", "verified"), None, ROOMS,
        Who.ABOVE, tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART,), effects=(Effect.TAKE,),
    ),
    Move(
        "call_back", _("Call it back"), ("dispatched", "handling", "suspended"), "filed", ROOMS,
        Who.ABOVE, tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART,),
        effects=(Effect.CALL_BACK,),
    ),
    Move(
        "void", _("Void"), ("accepted",), "voided", ROOMS, Who.OWNER, tiers=TOWN_UP,
        needs=(REASON,), guards=(Guard.APART, Guard.SHARES_DONE), public=True,
    ),
    Move(
        "escalate", _("Pass up"), ("reported", "accepted", "handling"), "reported",
        DESKS | UNITS, Who.OWNER, needs=(REASON,), guards=(Guard.TIER_ABOVE,),
        effects=(Effect.ESCALATE,), public=True,
    ),
    Move(
        "delegate", _("Pass down"), ("reported", "accepted", "filed"), "reported", ROOMS,
        Who.OWNER, tiers=TOWN_UP,
        needs=(Field("unit", Type.UNIT, _("Room below"), kinds=ROOM_KINDS), REASON),
        guards=(Guard.APART, Guard.NOT_IN_RULING, Guard.PLACED, Guard.BELOW),
        effects=(Effect.DELEGATE,),
        public=True,
    ),
    Move(
        "return_back", _("Return: not ours"), ("dispatched",), "filed", HANDLERS, Who.LEAD,
        needs=(REASON, Field("suggested", Type.UNIT, _("Whose it is"), required=False)),
        guards=(Guard.APART, Guard.MAY_RETURN), effects=(Effect.RETURN,),
    ),
    Move(
        "adjudicate", _("Rule who handles it"), ("filed",), "dispatched", CENTRES, Who.OWNER,
        tiers=COUNTY_UP,
        needs=(Field("unit", Type.UNIT, _("Handling unit"), kinds=HANDLING_KINDS), REASON),
        guards=(Guard.APART, Guard.IN_RULING, Guard.IN_REACH),
        effects=(Effect.ASSIGN_LEAD, Effect.RULE), public=True,
    ),
    Move(
        "contact", _("Note the contact with the reporter"), ("handling",), None, HANDLERS,
        Who.WORKING, needs=(NOTE,), stops=("contact",),
    ),
    Move(
        "log", _("Add a note"), OPEN, None, STAFF, Who.SEES,
        needs=(
            NOTE,
            Field("units", Type.UNITS, _("Units that are to read it"), required=False),
            PHOTOS,
        ),
        guards=(Guard.IN_SIGHT,), effects=(Effect.SEND_COPY,),
    ),
    Move(
        "log_call", _("Log a call"), OPEN, None, STAFF, Who.SEES,
        needs=(
            Field(
                "called", Type.CHOICE, _("Whom"),
                choices=(
                    ("reporter", _("The reporter")),
                    ("unit", _("A unit")),
                    ("other", _("Somebody else")),
                ),
            ),
            Field(
                "outcome", Type.CHOICE, _("Outcome"),
                choices=(
                    ("reached", _("Reached")),
                    ("not_reached", _("Not reached")),
                    ("calls_back", _("Calls back")),
                    ("wrong_number", _("Wrong number")),
                ),
            ),
            OPTIONAL_NOTE,
        ),
    ),
    Move(
        "log_progress", _("Note the progress"), ("handling",), None, HANDLERS, Who.WORKING,
        needs=(NOTE, PHOTOS), public=True, renews=("progress",),
    ),
    Move(
        "consult", _("Call a consultation"), ("accepted", "filed", "dispatched", "handling"), None,
        ROOMS, Who.AREA, tiers=TOWN_UP,
        needs=(
            Field("units", Type.UNITS, _("Units taking part")),
            Field("question", Type.NOTE, _("What is to be decided")),
            Field("held_on", Type.DATE, _("Day of the meeting"), required=False),
        ),
        guards=(Guard.APART, Guard.IN_REACH), effects=(Effect.ASK_ADVICE,),
    ),
    Move(
        "advise", _("Give our advice"), OPEN, None, HANDLERS, Who.ASKED, shares=(ADVISING,),
        needs=(Field("advice", Type.NOTE, _("Our advice")),), effects=(Effect.ADVISE,),
    ),
    Move(
        "conclude", _("Conclude the consultation"), OPEN, None, ROOMS, Who.AREA, tiers=TOWN_UP,
        needs=(
            Field("minutes", Type.NOTE, _("Minutes")),
            Field("decision", Type.NOTE, _("Decision")),
        ),
        guards=(Guard.APART, Guard.CONSULTING), effects=(Effect.CONCLUDE,),
    ),
    Move(
        "whistle", _("Blow the whistle"), ("accepted", "filed", "dispatched", "handling"), None,
        ROOMS, Who.AREA, tiers=TOWN_UP,
        needs=(Field("units", Type.UNITS, _("Units to attend")), REASON),
        guards=(Guard.APART, Guard.IN_REACH), effects=(Effect.SUMMON,),
    ),
    Move(
        "attend", _("Report for duty"), OPEN, None, HANDLERS, Who.ASKED, shares=(SUMMONED,),
        needs=(OPTIONAL_NOTE,), effects=(Effect.ATTEND,),
    ),
    Move(
        "add_assist", _("Add an assisting unit"), ("handling",), None, ROOMS, Who.AREA,
        tiers=TOWN_UP, needs=(Field("units", Type.UNITS, _("Assisting units")), OPTIONAL_NOTE),
        guards=(Guard.APART, Guard.IN_REACH), effects=(Effect.ASSIGN_ASSIST,),
    ),
    Move(
        "finish_assist", _("Report our share done"), OPEN, None, HANDLERS, Who.ASKED,
        shares=(ASSISTING, SUMMONED, ATTENDING),
        needs=(Field("result", Type.NOTE, _("What was done")), PHOTOS),
        effects=(Effect.FINISH_ASSIST,),
    ),
    Move(
        "rate_unit", _("Rate a summoned unit"), (*OPEN, "closed", "archived"), None, ROOMS,
        Who.AREA, tiers=TOWN_UP,
        needs=(
            Field(
                "rated_unit", Type.UNIT, _("Summoned unit"), among=((Duty.ATTEND, Progress.DONE),)
            ),
            Field("rating", Type.CHOICE, _("How satisfied are we with its part?"), choices=GRADES),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.ATTENDED,), effects=(Effect.RATE_UNIT,),
    ),
    Move(
        "withdraw", _("Withdraw what we asked of units"), OPEN, None, ROOMS, Who.AREA,
        tiers=TOWN_UP,
        needs=(
            Field(
                "units", Type.UNITS, _("Only these units"), required=False,
                among=(ASSISTING, SUMMONED, ATTENDING, ADVISING),
            ),
            REASON,
        ),
        guards=(Guard.OURS_TO_WITHDRAW,), effects=(Effect.WITHDRAW,),
    ),
    Move(
        "request_extend", _("Ask for more time"), ("handling",), None, HANDLERS, Who.LEAD,
        needs=(REASON,), guards=(Guard.MAY_EXTEND,), effects=(Effect.ASK_EXTENSION,),
    ),
    Move(
        "answer_extend", _("Answer the request for more time"), ("handling",), None, ROOMS,
        Who.ABOVE, tiers=TOWN_UP,
        needs=(Field("granted", Type.FLAG, _("Granted")), OPTIONAL_NOTE),
        guards=(Guard.APART, Guard.EXTENSION_ASKED),
        effects=(Effect.ANSWER_EXTENSION,), public=True,
    ),
    Move(
        "suspend", _("Suspend"), ("handling",), "suspended", CENTRES, Who.ABOVE,
        tiers=COUNTY_UP,
        needs=(
            Field(
                "ground", Type.CHOICE, _("Ground"),
                choices=(
                    ("season", _("Season or weather")),
                    ("funds", _("Funds in the next budget")),
                    ("third_party", _("Waiting for a third party")),
                    ("law", _("Waiting for a legal procedure")),
                ),
            ),
            REASON,
            Field("review_on", Type.DATE, _("Review date")),
        ),
        guards=(Guard.APART, Guard.REVIEW_WITHIN_30_DAYS),
        effects=(Effect.KEEP_SIGHT,), public=True,
    ),
    Move(
        "resume", _("Resume"), ("suspended",), "handling", CENTRES, Who.ABOVE, tiers=COUNTY_UP,
        needs=(OPTIONAL_NOTE,), guards=(Guard.APART,), public=True,
    ),
    Move(
        "urge", _("Urge"), UNDER_WAY, None, SUPERVISING, Who.AREA,
        needs=(OPTIONAL_NOTE,),
    ),
    Move(
        "supervise", _("Supervise"), OPEN, None, SUPERVISING, Who.AREA, tiers=TOWN_UP,
        needs=(
            Field(
                "supervision", Type.CHOICE, _("Level"),
                choices=(
                    ("1", _("Ordinary supervision")),
                    ("2", _("Yellow card")),
                    ("3", _("Red card")),
                ),
            ),
            REASON,
        ),
        guards=(Guard.APART, Guard.HIGHER_LEVEL), effects=(Effect.SUPERVISE, Effect.KEEP_SIGHT),
    ),
    Move(
        "note_supervision", _("Take note of the supervision"), OPEN, None, HANDLERS, Who.ASKED,
        shares=(TO_TAKE_NOTE,), needs=(OPTIONAL_NOTE,), effects=(Effect.TAKE_NOTE,),
    ),
    Move(
        "answer_supervision", _("Answer the supervision"), OPEN, None, HANDLERS, Who.ASKED,
        shares=(TO_TAKE_NOTE, TO_ANSWER),
        needs=(Field("answer", Type.NOTE, _("What was done and what remains")), PHOTOS),
        effects=(Effect.ANSWER,),
    ),
    Move(
        "end_supervision", _("End the supervision"), OPEN, None, SUPERVISING, Who.AREA,
        tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART, Guard.SUPERVISED),
        effects=(Effect.RELEASE,),
    ),
    Move(
        "hand_off", _("Hand over to 110, 119 or 120"), OPEN, None, STAFF | SYSTEM, Who.SEES,
        needs=(Field("service", Type.CHOICE, _("Service"), choices=SERVICES), OPTIONAL_NOTE),
        effects=(Effect.HAND_OFF,), public=True,
    ),
    Move(
        "note_receipt", _("Note the receipt of 110, 119 or 120"), OPEN, None, STAFF, Who.SEES,
        needs=(
            Field("service", Type.CHOICE, _("Service"), choices=SERVICES),
            Field("receipt", Type.CODE, _("Number under which they took it")),
            OPTIONAL_NOTE,
        ),
        guards=(Guard.HANDED_OVER,), effects=(Effect.NOTE_RECEIPT,),
    ),
    # The unit complained about: named, confirmed or cleared by those who hold the matter then.
    Move(
        "name_unit", _("Say which unit it complains about"), NAMED_IN, None,
        DESKS | SYSTEM | frozenset({Role.OFFICER, Role.MEDIATOR}), Who.SEES, needs=(ABOUT, REASON),
        guards=(Guard.APART, Guard.SOMEBODY_ELSE), effects=(Effect.NAME_UNIT,),
        taken_from=("dispatched", "handling", "suspended", "feedback", "verified"), taken="filed",
    ),
    Move(
        "confirm_unit", _("Confirm which unit it complains about"), OPEN, None, ROOMS, Who.OWNER,
        tiers=TOWN_UP, needs=(OPTIONAL_NOTE,), guards=(Guard.APART, Guard.ABOUT_ASKED),
        effects=(Effect.CONFIRM_UNIT,),
    ),
    Move(
        "clear_unit", _("It complains about no unit"), NAMED_IN, None, ROOMS, Who.OWNER,
        tiers=TOWN_UP, needs=(REASON,), guards=(Guard.APART, Guard.ABOUT_SOMEBODY),
        effects=(Effect.CLEAR_UNIT,),
    ),
    # A lead leaves the platform: sealed for the organ, opened there once, destroyed here.
    Move(
        "hand_over", _("Hand over, sealed"), OPEN, "handed_over", SYSTEM, Who.SYSTEM,
        needs=(
            Field("organ", Type.UNIT, _("Receiving organ")),
            Field("service", Type.CHOICE, _("Service"), choices=ORGANS),
        ),
        guards=(Guard.RECEIVING_ORGAN,), effects=(Effect.SEAL_OVER,), plain=False, public=True,
    ),
    Move(
        "open_lead", _("Open the lead"), ("handed_over",), None, RECEIVING, Who.LEAD,
        guards=(Guard.NOT_YET_OPENED,), effects=(Effect.OPEN_SEAL,), plain=False,
    ),
    Move(
        "confirm_receipt", _("Confirm the receipt"), ("handed_over",), "received", RECEIVING,
        Who.LEAD, needs=(Field("receipt", Type.CODE, _("Number under which we took it")),),
        guards=(Guard.ALREADY_OPENED,), effects=(Effect.DESTROY_SEAL,), public=True, plain=False,
    ),
    Move(
        "return_lead", _("Give it back: not ours"), ("handed_over",), "reported", RECEIVING,
        Who.LEAD, needs=(REASON,), effects=(Effect.UNSEAL,), public=True, plain=False,
    ),
    Move(
        "tell_more", _("Tell the organ more"), ("received",), "handed_over", RESIDENT,
        Who.REPORTER, needs=(Field("more", Type.NOTE, _("What you want to add")),),
        effects=(Effect.SEAL_OVER,), public=True,
    ),
    Move(
        "instruct", _("Enter a leader's instruction"), OPEN, None,
        frozenset({Role.LEADER, Role.CLERK, Role.DISPATCHER}), Who.AREA, needs=(NOTE,),
    ),
    Move(
        "send_copy", _("Send a copy for information"), OPEN, None, ROOMS, Who.AREA,
        needs=(Field("units", Type.UNITS, _("Units to inform")), OPTIONAL_NOTE),
        guards=(Guard.APART, Guard.IN_REACH, Guard.NOT_CONFIDENTIAL), effects=(Effect.SEND_COPY,),
    ),
    Move(
        "read_copy", _("Mark as read"), OPEN, None, STAFF, Who.ASKED, shares=(COPIED,),
        effects=(Effect.READ_COPY,),
    ),
    Move(
        "expedite", _("Expedite"), OPEN, None, DESKS, Who.AREA,
        needs=(
            Field("urgency", Type.CHOICE, _("Urgency"), choices=tuple(Urgency.choices)),
            OPTIONAL_NOTE,
        ),
        effects=(Effect.EXPEDITE,),
    ),
    Move(
        "grade", _("Set the grades"), OPEN, None, ROOMS, Who.AREA, tiers=TOWN_UP,
        needs=(
            Field(
                "level", Type.CHOICE, _("Emergency level"), required=False,
                choices=tuple(Level.choices),
            ),
            Field(
                "scale", Type.CHOICE, _("Scale"), required=False, choices=tuple(Scale.choices)
            ),
        ),
        effects=(Effect.GRADE,),
    ),
    Move(
        "mark_legacy", _("Mark as long-standing"), OPEN, None, ROOMS, Who.AREA, tiers=TOWN_UP,
        needs=(OPTIONAL_NOTE,), effects=(Effect.MARK_LEGACY,),
    ),
)  # fmt: skip

MATTER = Kind(
    name="matter",
    version=1,
    label=_("Matter"),
    initial="reported",
    states=STATES,
    moves=MOVES,
    intake=(
        Field("text", Type.NOTE, _("What is the matter?")),
        Field("place", Type.TEXT, _("Where is it?"), required=False, most=200),
        PHOTOS,
    ),
    ratings=(("solved", _("Solved")), ("satisfied", _("Satisfied"))),
)

KINDS = (MATTER,)
