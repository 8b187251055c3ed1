-- A decision's own card is a message with the purpose `card`, in the same table as all other messages.
--
-- `decision`, `seen` and `returns` are the only item of a card, kept here instead of in `posting_item`: as many cards exist as
-- decisions. They are NULL for all other purposes. `gone` says that the message was deleted on Discord.
-- A card has a negative id, so that the ids of the other messages, which people read, have no gaps.
ALTER TABLE posting ADD COLUMN decision INTEGER REFERENCES decision (id);
ALTER TABLE posting ADD COLUMN seen     INTEGER;
ALTER TABLE posting ADD COLUMN returns  INTEGER;
ALTER TABLE posting ADD COLUMN gone     INTEGER NOT NULL DEFAULT 0;

DROP INDEX posting_behind;
DROP INDEX posting_lives;

-- A card that said where its decision went, or was pruned, had the highest position as `shown`.
INSERT INTO posting (id, purpose, place, document, opened_at, generation, channel, intent_at, message, shown, drawn, behind, final,
    decision, seen, returns, gone)
SELECT
    -row_number() OVER (ORDER BY v.decision, v.generation),
    'card',
    'project:' || d.project,
    json_object('purpose', 'card', 'decision', v.decision),
    v.intent_at, v.generation, v.channel, v.intent_at, v.message,
    CASE WHEN v.shown = 9223372036854775807 THEN 0 ELSE v.shown END,
    v.message IS NOT NULL,
    CASE WHEN v.lost = 1 OR v.shown = 9223372036854775807 THEN 0 ELSE v.behind END,
    v.lost = 1 OR v.shown = 9223372036854775807,
    v.decision,
    json_extract(d.document, '$.revision'),
    v.returns,
    v.lost = 1 AND v.message IS NOT NULL
FROM delivery AS v JOIN decision AS d ON d.id = v.decision;

DROP TABLE delivery;

CREATE UNIQUE INDEX posting_card ON posting (decision, generation) WHERE decision IS NOT NULL;
-- Cards posted a moment ago are drawn into a batch.
CREATE INDEX posting_card_opened ON posting (opened_at) WHERE decision IS NOT NULL;
-- NULL is first: all outdated messages that are no cards.
CREATE INDEX posting_behind ON posting (decision) WHERE behind = 1;
CREATE INDEX posting_lives ON posting (purpose, opened_at) WHERE final = 0 AND decision IS NULL;
CREATE INDEX posting_purpose ON posting (purpose) WHERE decision IS NULL;
