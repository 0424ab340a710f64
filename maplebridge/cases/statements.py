"""SQL that the engine writes by hand, because one statement carries a whole opening.

On one machine this is the fastest way in. A database spread over several machines wants the
same rows as plain inserts of one case in one transaction; then only this file changes.
"""

from maplebridge.cases import wall

# One JSON parameter: an array of rows as `engine._opening_row` makes them.
# A case id that exists already is left alone, and so is everything that would hang on it.
OPEN_CASES = f"""
WITH {wall.OPENED}, said AS (
    SELECT r.* FROM wall, jsonb_to_recordset(%s::jsonb) AS r(
        id uuid, area_code text, kind text, kind_version int, number text, query_code text,
        state text, channel text, anonymous boolean, at timestamptz, unit_code text,
        sla_class text, category text, line text, confidentiality text,
        lon float8, lat float8, datum text, accuracy_metres float8,
        due_at timestamptz, due_clock text, due_provisional boolean, synthetic boolean,
        move text, role text, account_id uuid, actor_unit text, facts jsonb, commitments jsonb,
        key text, hash text, bucket int, timers jsonb, payloads jsonb, seals jsonb,
        photos jsonb, about_unit text
    )
), opened AS (
    INSERT INTO cases_case (
        id, area_code, kind, kind_version, number, query_code, state, ended, sequence, last_hash,
        channel, anonymous, opened_at, changed_at, unit_code, filer_code, category, line, nature,
        confidentiality, sla_class, suggested_unit, asks, lon, lat, datum, accuracy_metres,
        level, scale, urgency, supervision, supervision_tier, legacy, handed_to, question_count,
        return_count, ruled, rework_count, extension, reopen_count, appeal_count, handler_unit,
        due_at, due_clock, due_provisional, late, synthetic, about_unit
    )
    SELECT id, area_code, kind, kind_version, number, query_code, state, false, 1,
        decode(hash, 'hex'), channel, anonymous, at, at, unit_code, '', category, line, '',
        confidentiality, sla_class, '', '{{}}', lon, lat, datum, accuracy_metres,
        '', 'individual', 'ordinary', 0, 0, false, '', 0, 0,
        false, 0, '', 0, 0, '',
        due_at, due_clock, due_provisional, false, synthetic, about_unit
    FROM said
    ON CONFLICT (id) DO NOTHING
    RETURNING id
), fresh AS (
    SELECT said.* FROM said JOIN opened ON opened.id = said.id
), happened AS (
    INSERT INTO cases_event (
        case_id, sequence, area_code, move, from_state, to_state, role, account_id, unit_code,
        facts, commitments, key, at, previous_hash, hash
    )
    SELECT id, 1, area_code, move, '', state, role, account_id, actor_unit, facts, commitments,
        key, at, decode(repeat('00', 32), 'hex'), decode(hash, 'hex')
    FROM fresh
), worded AS (
    INSERT INTO cases_payload (case_id, sequence, part, area_code, salt, content)
    SELECT fresh.id, 1, p.part, fresh.area_code, decode(p.salt, 'hex'), p.content
    FROM fresh, jsonb_to_recordset(fresh.payloads) AS p(part text, salt text, content jsonb)
), sealed AS (
    INSERT INTO cases_seal (
        case_id, sequence, area_code, key_id, wrapped, blind, blind_key_id, made_at
    )
    SELECT fresh.id, 1, fresh.area_code, s.key_id, decode(s.wrapped, 'hex'), s.blind,
        s.blind_key_id, fresh.at
    FROM fresh, jsonb_to_recordset(fresh.seals) AS s(
        key_id text, wrapped text, blind text, blind_key_id text
    )
), pictured AS (
    INSERT INTO cases_attachment (case_id, number, area_code, sequence, sha256, media_type, size)
    SELECT fresh.id, p.number, fresh.area_code, 1, p.sha256, p.media_type, p.size
    FROM fresh,
        jsonb_to_recordset(fresh.photos) AS p(number int, sha256 text, media_type text, size int)
), timed AS (
    INSERT INTO cases_timer (
        case_id, clock, share, area_code, bucket, unit_code, warn_at, due_at, working, hurried,
        rung, told, at, about_unit
    )
    SELECT fresh.id, t.clock, t.share, fresh.area_code, fresh.bucket, t.unit_code, t.warn_at,
        t.due_at, t.working, t.hurried, t.rung, '{{}}', t.at, fresh.about_unit
    FROM fresh,
        jsonb_to_recordset(fresh.timers) AS t(
            clock text, share int, unit_code text, warn_at timestamptz, due_at timestamptz,
            working boolean, hurried boolean, rung int, at timestamptz
        )
), fed AS (
    INSERT INTO cases_feed (
        case_id, sequence, area_code, bucket, kind, move, to_state, at
    )
    SELECT id, 1, area_code, bucket, kind, move, state, at FROM fresh
)
SELECT id FROM opened
"""

# Brings the timers of one case in line with what it owes. Parameters: the case; `rows`, all that
# is owed now, as JSON; `kept`, the same as "clock:share".
# A due time that did not move keeps the rungs that rang; a unit that takes over is told of them.
SET_TIMERS = """
WITH gone AS (
    DELETE FROM cases_timer
    WHERE case_id = %(case)s::uuid AND NOT (clock || ':' || share) = ANY(%(kept)s::text[])
)
INSERT INTO cases_timer AS t (
    case_id, clock, share, area_code, bucket, unit_code, warn_at, due_at, working, hurried, rung,
    told, at, about_unit
)
SELECT %(case)s::uuid, r.clock, r.share, %(area)s, %(bucket)s, r.unit_code, r.warn_at, r.due_at,
    r.working, r.hurried, r.rung, '{}', r.at, r.about_unit
FROM jsonb_to_recordset(%(rows)s::jsonb) AS r(
    clock text, share int, unit_code text, about_unit text, warn_at timestamptz, due_at timestamptz,
    working boolean, hurried boolean, rung int, at timestamptz
)
ON CONFLICT (case_id, clock, share) DO UPDATE SET
    area_code = EXCLUDED.area_code, unit_code = EXCLUDED.unit_code,
    about_unit = EXCLUDED.about_unit, warn_at = EXCLUDED.warn_at, due_at = EXCLUDED.due_at,
    working = EXCLUDED.working, hurried = EXCLUDED.hurried,
    rung = CASE WHEN t.due_at = EXCLUDED.due_at THEN t.rung ELSE EXCLUDED.rung END,
    rang_at = CASE WHEN t.due_at = EXCLUDED.due_at THEN t.rang_at END,
    at = CASE WHEN t.due_at = EXCLUDED.due_at THEN t.at ELSE EXCLUDED.at END,
    told = CASE
        WHEN t.due_at <> EXCLUDED.due_at THEN '{}'
        WHEN t.rung = 0 OR EXCLUDED.unit_code = ANY(t.told) THEN t.told
        ELSE t.told || EXCLUDED.unit_code
    END
"""
