-- What calibration and the digest count, so that no document is read for it.
--
-- `confidence` is in millionths, of what is approved or rejected and no choice or answer; `verdict` and `via` are those of
-- the verdict that stands; `disagreed` says that a person disagreed with what was approved by itself.

ALTER TABLE decision ADD COLUMN agent      TEXT    NOT NULL DEFAULT '';
ALTER TABLE decision ADD COLUMN confidence INTEGER;
ALTER TABLE decision ADD COLUMN verdict    TEXT;
ALTER TABLE decision ADD COLUMN via        TEXT;
ALTER TABLE decision ADD COLUMN disagreed  INTEGER NOT NULL DEFAULT 0;

UPDATE decision SET
    agent   = coalesce(json_extract(document, '$.request.agent.name'), ''),
    verdict = CASE WHEN state = 'resolved' THEN json_extract(document, '$.state.verdict.verdict') END,
    via     = CASE WHEN state = 'resolved' THEN json_extract(document, '$.state.via') END,
    confidence = CASE WHEN coalesce(json_extract(document, '$.request.expects'), 'approve') = 'approve' THEN
        CAST(round(json_extract(document, '$.request.confidence') * 1000000) AS INTEGER) END;

CREATE INDEX decision_judged ON decision (agent, kind, confidence, verdict, via, disagreed)
    WHERE confidence IS NOT NULL AND (verdict IS NOT NULL OR disagreed = 1);
-- What was approved by itself, to be reviewed.
CREATE INDEX decision_passed ON decision (over_at, project) WHERE via = 'routing';
-- What was decided in a span of time, and how long it took.
CREATE INDEX decision_ended ON decision (over_at, project, kind, asked_at, breach_at, verdict, via) WHERE over_at IS NOT NULL;
CREATE INDEX decision_asked ON decision (asked_at);
