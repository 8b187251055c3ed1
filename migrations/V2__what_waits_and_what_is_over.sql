-- What the list of what waits is filtered and ordered by, so that no document is read that is not shown.

ALTER TABLE decision ADD COLUMN kind      TEXT    NOT NULL DEFAULT '';
ALTER TABLE decision ADD COLUMN risk      TEXT    NOT NULL DEFAULT '';
ALTER TABLE decision ADD COLUMN priority  TEXT    NOT NULL DEFAULT '';
ALTER TABLE decision ADD COLUMN breach_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decision ADD COLUMN asked_at  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE decision ADD COLUMN asked_by  TEXT;
-- When it was answered or withdrawn, and whether its long part is gone since.
ALTER TABLE decision ADD COLUMN over_at   INTEGER;
ALTER TABLE decision ADD COLUMN pruned    INTEGER NOT NULL DEFAULT 0;
-- Whether the message shows an earlier state, or may not have come to be.
ALTER TABLE delivery ADD COLUMN behind    INTEGER NOT NULL DEFAULT 0;

UPDATE decision SET
    kind     = json_extract(document, '$.request.kind'),
    risk     = json_extract(document, '$.terms.risk'),
    priority = json_extract(document, '$.request.priority'),
    asked_at = CAST(round(unixepoch(json_extract(document, '$.asked_at'), 'subsec') * 1000) AS INTEGER),
    asked_by = json_extract(document, '$.request.asked_by.id'),
    over_at  = CASE WHEN state IN ('resolved', 'withdrawn') THEN
        CAST(round(unixepoch(json_extract(document, '$.state.at'), 'subsec') * 1000) AS INTEGER) END;
UPDATE decision SET breach_at = asked_at + 1000 * json_extract(document, '$.terms.sla_seconds');
UPDATE delivery SET behind = 1 WHERE lost = 0 AND (message IS NULL OR shown < (
    SELECT changed FROM decision WHERE id = delivery.decision));

CREATE INDEX decision_waiting ON decision (state, project, kind, risk, priority, breach_at, asked_at, asked_by)
    WHERE state = 'pending';
CREATE INDEX decision_over ON decision (over_at) WHERE over_at IS NOT NULL AND pruned = 0;
CREATE INDEX delivery_behind ON delivery (decision) WHERE behind = 1;
