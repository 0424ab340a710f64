"""Every way by which something of a case could come out, each with its test or why it has none.

A new address, stream or command that is not listed here fails `test_the_registry_is_whole`.
"""

from __future__ import annotations

# Of an address that shows nothing of a case, why; else the test that compares it with the oracle.
# All of them are tried by `tests/gate/test_six_strangers.py` besides.
NO_CASE = "why: signing in and the own account; holds no row of a case"
STAFF = "why: accounts and posts; the three officers see no case and the page asks for none"
SHOWN_BY_A_VILLAGE = "why: what a village shows to everybody; no case is read"
TABLES = "why: the city's tables; no case is read"
ADDRESSES = {
    "": "why: the first page, the same for everybody",
    "change-post/": "why: changes the own post and leads to the desk",
    "language/": "why: changes the language and leads back",
    "design/": "why: the parts of the pages, with made-up words",
    "map/base.pmtiles": "why: tiles of the ground, from the operator's file",
    "map/areas.json": "why: outlines of areas",
    "demonstration/": "why: the made-up accounts of the demonstration",
    "demonstration/phone/": "why: messages to made-up numbers, in the demonstration alone",
    "push.js": "why: the script that shows what is pushed, the same for everybody",
    "push/<str:code>/": "test_a_phone_is_noted_for_the_own_report_alone",
    "sign-in/": NO_CASE,
    "sign-in/second/": NO_CASE,
    "sign-in/passkey/": NO_CASE,
    "sign-in/closed/": NO_CASE,
    "sign-in/cancelled/": NO_CASE,
    "sign-in/<slug:provider_id>/": NO_CASE,
    "sign-in/<slug:provider_id>/callback/": NO_CASE,
    "sign-out/": NO_CASE,
    "account/": NO_CASE,
    "account/prove/": NO_CASE,
    "account/codes/": NO_CASE,
    "account/passkey/": NO_CASE,
    "account/factor/<int:number>/remove/": NO_CASE,
    "account/recovery/": NO_CASE,
    "account/password/": NO_CASE,
    "account/end-session/": NO_CASE,
    "ease/": "why: large type or not, a cookie of this browser; leads back",
    "report/": "why: the form gives back what was typed, and leads to the own receipt",
    "follow/": "why: asks for a code and leads to its receipt",
    "r/<str:code>/": "test_a_receipt_shows_the_own_report_and_of_a_common_one_only_the_work",
    "r/<str:code>/photo/<int:number>/": (
        "test_a_receipt_shows_the_own_report_and_of_a_common_one_only_the_work"
    ),
    "r/<str:code>/mine/": "test_my_data_is_of_the_own_report_alone",
    "r/<str:code>/move/<slug:name>/": "test_a_move_of_a_reporter_shows_the_own_receipt_again",
    "desk/": "test_the_pages_of_200_people_equal_the_oracle",
    "desk/alarms/": "test_the_map_and_the_alarms_equal_the_oracle",
    "desk/batch/": "test_a_batch_shows_and_moves_what_the_oracle_lets",
    "desk/filters/save/": "why: keeps a filter's words under a name and leads back to the queue",
    "desk/filters/remove/": "why: forgets one of the own filters and leads back to the queue",
    "desk/destruction/": "test_a_destruction_list_tells_nothing_of_what_is_not_seen",
    "desk/destruction/<uuid:list_id>/": (
        "test_a_destruction_list_tells_nothing_of_what_is_not_seen"
    ),
    "desk/duty/": "test_the_roster_shows_of_the_own_unit_what_the_oracle_says",
    "desk/figures/": "test_figures_and_configuration_name_no_case",
    "desk/grants/": "test_asking_for_leave_tells_nothing_of_a_number",
    "desk/hotline/": "test_the_caller_and_the_twins_are_those_of_the_oracle",
    "desk/hotline/beside/": "test_the_caller_and_the_twins_are_those_of_the_oracle",
    "desk/hotline/taken/": "test_a_call_is_read_back_to_who_took_it_alone",
    "desk/leads/": "test_leads_are_listed_to_their_organ_alone",
    "desk/looks/": "test_the_auditor_reads_who_looked_and_nothing_else",
    "desk/map/": "test_the_map_and_the_alarms_equal_the_oracle",
    "desk/map/cases.json": "test_the_pages_of_200_people_equal_the_oracle",
    "desk/papers/": "test_reports_over_http_are_for_readers_of_that_area_only",
    "desk/revisit/": "test_who_is_to_be_called_back_is_what_the_oracle_says",
    "desk/case/<uuid:case_id>/": (
        "test_a_case_page_shows_that_case_and_visible_twins_and_nothing_else"
    ),
    "desk/case/<uuid:case_id>/<slug:name>.<slug:form>": (
        "test_photos_and_slips_are_of_that_case_only"
    ),
    "desk/case/<uuid:case_id>/photo/<int:number>/": "test_photos_and_slips_are_of_that_case_only",
    "desk/case/<uuid:case_id>/photo/<int:number>/original/": (
        "test_who_reported_is_opened_by_a_reason_and_to_the_units_at_work_alone"
    ),
    "desk/case/<uuid:case_id>/draft/<slug:name>/": (
        "test_a_draft_and_an_open_page_are_of_that_case_only"
    ),
    "desk/case/<uuid:case_id>/note/": "test_a_draft_and_an_open_page_are_of_that_case_only",
    "desk/case/<uuid:case_id>/together/": "test_a_draft_and_an_open_page_are_of_that_case_only",
    "desk/case/<uuid:case_id>/hold/": "test_a_hold_is_a_page_of_that_case_only",
    "desk/case/<uuid:case_id>/reporter/": (
        "test_who_reported_is_opened_by_a_reason_and_to_the_units_at_work_alone"
    ),
    "desk/case/<uuid:case_id>/overrule/<slug:step>/": (
        "test_what_is_not_seen_answers_like_what_is_not_there"
    ),
    "desk/case/<uuid:case_id>/move/<slug:name>/": (
        "test_no_choice_of_a_move_form_names_another_case"
    ),
    "board/": "test_the_board_counts_what_the_oracle_counts_and_names_no_case",
    "board/screen/": "test_the_board_counts_what_the_oracle_counts_and_names_no_case",
    "board/screen/keep/": "why: makes a browser a screen and leads to the big screen",
    "board/response/": "why: declares a response level and leads back to the board",
    "configuration/": TABLES,
    "configuration/areas/": "why: areas and how many units work in them; no case is read",
    "configuration/posts/": "why: posts and whether they are held; no case is read",
    "configuration/units/": "why: units; no case is read",
    "configuration/units/new/": "why: the form of a new unit; no case is read",
    "configuration/units/<str:code>/": "test_ending_a_unit_tells_a_rough_count_and_no_case",
    "configuration/texts/": "why: message texts, read for a case that does not exist",
    "configuration/texts/edit/": "why: message texts, read for a case that does not exist",
    "configuration/changes/": "why: editions and changes of units, with their authors; no case",
    "configuration/gaps/": TABLES,
    "configuration/<slug:name>/": TABLES,
    "configuration/<slug:name>/compare/": TABLES,
    "configuration/<slug:name>/try/": "test_a_table_tried_out_tells_an_administrator_of_no_case",
    "configuration/<slug:name>/publish/": (
        "test_a_table_tried_out_tells_an_administrator_of_no_case"
    ),
    "configuration/<slug:name>/<int:number>/": TABLES,
    "configuration/<slug:name>/<int:number>/file/": TABLES,
    "staff/": STAFF,
    "staff/agreements/": STAFF,
    "staff/<uuid:account_id>/": STAFF,
    "staff/<uuid:account_id>/<slug:what>/": STAFF,
    "safety/": "test_the_hazards_of_a_desk_are_those_the_gate_shows",
    "safety/accidents/": "why: counts of accidents, which are public figures; no case",
    "safety/campaigns/": "test_a_campaign_counts_what_a_reader_may_count",
    "safety/hazard/<uuid:case_id>/papers/": "test_the_papers_of_a_hazard_open_to_who_reads_it",
    "safety/hazard/<uuid:case_id>/papers/<slug:name>.<slug:form>": (
        "test_the_papers_of_a_hazard_open_to_who_reads_it"
    ),
    "safety/listed/": "test_only_what_is_listed_is_public_and_nobody_is_named_in_it",
    "safety/new/": "why: the form gives back what was typed, and leads to the case",
    "safety/premises/": "test_premises_and_visits_are_shown_within_the_own_area",
    "safety/premises/<uuid:premises_id>/": "test_premises_and_visits_are_shown_within_the_own_area",
    "safety/plan/": "test_premises_and_visits_are_shown_within_the_own_area",
    "safety/visit/<uuid:visit_id>/": "test_premises_and_visits_are_shown_within_the_own_area",
    "mediation/": "why: the form gives back what was typed, and leads to the own receipt",
    "mediation/<str:code>/": "test_one_code_shows_the_way_of_a_dispute_and_no_word_of_it",
    "mediation/desk/": "test_the_desk_of_mediation_lists_what_the_oracle_says_and_nothing_sealed",
    "mediation/desk/<uuid:case_id>/": "test_a_file_is_opened_by_the_unit_that_holds_it_alone",
    "mediation/desk/<uuid:case_id>/<slug:name>/": (
        "test_a_file_is_opened_by_the_unit_that_holds_it_alone"
    ),
    "mediation/desk/<uuid:case_id>/papers/<slug:name>.<slug:form>": (
        "test_a_file_is_opened_by_the_unit_that_holds_it_alone"
    ),
    "emergency/": "test_the_pages_of_an_emergency_open_to_those_who_see_its_case",
    "emergency/<uuid:case_id>/": "test_the_pages_of_an_emergency_open_to_those_who_see_its_case",
    "emergency/<uuid:case_id>/<slug:name>/": (
        "test_a_form_of_an_emergency_moves_nothing_for_who_may_not"
    ),
    "emergency/<uuid:case_id>/report-<int:number>.<slug:form>": (
        "test_the_pages_of_an_emergency_open_to_those_who_see_its_case"
    ),
    "emergency/<uuid:case_id>/duty.<slug:form>": (
        "test_a_call_is_acknowledged_on_the_page_by_who_was_called_and_by_nobody_else"
    ),
    "emergency/<uuid:case_id>/review.<slug:form>": (
        "test_the_pages_of_an_emergency_open_to_those_who_see_its_case"
    ),
    "emergency/<uuid:case_id>/dispatch/": (
        "test_what_stands_ready_is_shown_within_reach_and_sent_once"
    ),
    "emergency/ready/": "test_what_stands_ready_is_shown_within_reach_and_sent_once",
    "emergency/<uuid:case_id>/alert-<int:number>.xml": (
        "test_the_pages_of_an_emergency_open_to_those_who_see_its_case"
    ),
    "emergency/gauge/": (
        "test_a_gauge_is_read_by_hand_within_ones_own_area_and_what_cannot_be_proposes_nothing"
    ),
    "emergency/propose/": "test_a_drill_goes_the_same_way_is_marked_and_declares_nothing",
    "mediation/desk/figures/": "test_no_figure_counts_a_confidential_dispute",
    "mediation/desk/new/": "why: the form gives back what was typed, and writes a dispute down",
    "mediation/desk/screening/": "why: which unit screens until when, and its counts; no case",
    "mediation/party/<uuid:case_id>/<slug:what>/": (
        "test_a_partys_page_opens_by_its_own_address_alone"
    ),
    "village/": "why: the way to a village; areas by name",
    "village/<str:village>/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/notices/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/ledgers/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/covenants/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/covenants/<uuid:paper>/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/activities/": SHOWN_BY_A_VILLAGE,
    "village/<str:village>/letters/": "test_of_a_letter_only_what_was_published_stands_on_any_page",
    "village/<str:village>/letters/write/": (
        "why: the form gives back what was typed, and leads to the own receipt"
    ),
    "village/<str:village>/<slug:sort>/<uuid:paper>/": (
        "test_of_a_letter_only_what_was_published_stands_on_any_page"
    ),
    "village/desk/": "why: the villages a post writes for; no case is read",
    "village/desk/<str:village>/": "test_letters_that_may_be_shown_are_told_to_their_writers_desk",
    "village/desk/<str:village>/letters/": (
        "test_letters_that_may_be_shown_are_told_to_their_writers_desk"
    ),
    "village/desk/<str:village>/<slug:sort>/new/": "why: the form of what a village shows; no case",
    "village/desk/<str:village>/<slug:sort>/<uuid:paper>/": (
        "why: what a village shows and showed before, with who wrote it; no case"
    ),
    "worker/": "test_the_workers_list_and_what_a_phone_keeps_equal_the_oracle",
    "worker/caseload.json": "test_the_workers_list_and_what_a_phone_keeps_equal_the_oracle",
    "worker/report/": "why: the form gives back what was typed, and takes a report",
    "worker/task/<uuid:case_id>/": "test_a_task_page_shows_that_case_and_no_other",
    "worker/task/<uuid:case_id>/photo/<int:number>/": (
        "test_a_task_page_shows_that_case_and_no_other"
    ),
    "worker/task/<uuid:case_id>/move/<slug:name>/": (
        "test_a_task_page_shows_that_case_and_no_other"
    ),
    "worker/box/": "why: the frame of the outbox, whose entries lie on the own phone",
    "worker/phone/": "why: the own devices, and a frame",
    "worker/positions/": "why: what was stored with the own acts, and the own positions alone",
    "worker/outbox/": "test_an_outbox_moves_what_its_post_may_see_and_learns_nothing_of_the_rest",
    "worker/parts/<str:sha256>/": "why: pieces of the own photos, before they are of a case",
    "worker/standing/": "why: whether the own phone may keep work, and a token",
    "worker/shell/": "why: the frame of the pages, the same for everybody",
    "worker/manifest.webmanifest": "why: names and icons of the app",
    "worker/offline.js": "why: a script, the same for everybody",
    "live/": "test_the_live_stream_tells_each_post_what_the_oracle_says",
    "live/since/": "test_what_a_page_asks_for_by_itself_equals_the_oracle",
    "api/": "why: a link to the description",
    "api/openapi.json": "why: the description of the interface",
    "api/v1/reports": "why: takes a report and gives its own receipt back",
    "api/v1/reports/<query_code>": (
        "test_a_receipt_shows_the_own_report_and_of_a_common_one_only_the_work"
    ),
}
# Commands are run by the operator at the machine, who holds the database and its keys.
OPERATOR = "why: for the operator, who holds the database; it shows "
COMMANDS = {
    "accounts first": OPERATOR + "accounts",
    "accounts list": OPERATOR + "accounts",
    "accounts secret": OPERATOR + "accounts",
    "audit verify": OPERATOR + "ids of cases whose chain is broken, and no content",
    "bench": OPERATOR + "figures of made-up cases in a database of its own",
    "configuration diff": OPERATOR + "tables",
    "configuration export": OPERATOR + "tables",
    "configuration import": OPERATOR + "tables",
    "configuration list": OPERATOR + "tables",
    "configuration show": OPERATOR + "tables",
    "counts rebuild": OPERATOR + "how many cells there are",
    "counts verify": OPERATOR + "how many cells there are",
    "drill cut-off": OPERATOR + "figures of made-up cases in two databases of its own",
    "drill kill": OPERATOR + "figures of made-up cases in a database of its own",
    "evaluate classify": "why: it reads files and no database, and prints figures of labels alone",
    "evaluate locate": "why: it reads files and no database, and prints figures of names alone",
    "evaluate route": "why: it reads files and no database, and prints figures of units alone",
    "keys drop": OPERATOR + "keys by name",
    "keys new": OPERATOR + "keys by name",
    "keys rotate": OPERATOR + "how many seals there are",
    "keys show": OPERATOR + "how many seals there are",
    "lease bring": OPERATOR + "how many cases; the file is sealed under the city's key",
    "lease lend": OPERATOR + "how many cases; the file is sealed under the city's key",
    "lease list": OPERATOR + "leases by area",
    "lease notes": OPERATOR + "how many notes; the file is sealed under the city's key",
    "lease recall": OPERATOR + "how many cases",
    "lease take": OPERATOR + "how many cases and events",
    "load divisions": OPERATOR + "areas",
    "load grids": OPERATOR + "areas",
    "load outlines": OPERATOR + "areas",
    "load reports": OPERATOR + "the operator's own file again, in the file of errors",
    "load responsibilities": OPERATOR + "tables, and numbers of past cases, none of C2",
    "load units": OPERATOR + "units",
    "paper circular": OPERATOR + "counts",
    "paper daily": OPERATOR + "counts and the numbers of cases, none of C2",
    "paper dispatch-slip": "test_photos_and_slips_are_of_that_case_only",
    "paper hand-over-note": "test_photos_and_slips_are_of_that_case_only",
    "paper monthly": OPERATOR + "counts",
    "paper supervision-slip": "test_photos_and_slips_are_of_that_case_only",
    "paper weekly": OPERATOR + "counts",
    "register": OPERATOR + "columns",
    "report": OPERATOR + "counts",
    "responsibilities gaps": OPERATOR + "tables",
    "story": OPERATOR + "a made-up case of its own, told step by step",
    "up": OPERATOR + "addresses and made-up accounts",
    "worker": OPERATOR + "ids of cases that could not be carried on, and no content",
}
# What answers beside the map of addresses.
STREAMS = {"/live/": "test_the_live_stream_tells_each_post_what_the_oracle_says"}
# Background readers of the feed write files for a provider of messages.
READERS = {
    "counts": "why: cells of counts, in the database",
    "within": "test_the_live_stream_tells_each_post_what_the_oracle_says",
    "notices": "test_a_message_holds_no_word_of_the_case",
}
