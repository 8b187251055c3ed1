-- What is to reach people beyond the surface: push, SMS, voice, webhook, desktop. One row a message and receiver; its key
-- is the asker's own, so that asking again is the same message. Times are the wall clock's: the world outside goes by it.
-- `trying` is an intent: from then on the message may have gone out. `address` is forgotten once the row is settled.
CREATE TABLE outgoing (
    id       INTEGER PRIMARY KEY,
    key      TEXT    NOT NULL UNIQUE,
    person   TEXT    NOT NULL,
    way      TEXT    NOT NULL,
    address  TEXT,
    document TEXT    NOT NULL CHECK (json_valid(document)),
    asked_at INTEGER NOT NULL,
    state    TEXT    NOT NULL CHECK (state IN ('queued', 'held', 'trying', 'sent', 'gave_up', 'dropped')),
    at       INTEGER NOT NULL,
    next_try INTEGER CHECK ((next_try IS NULL) = (state IN ('sent', 'gave_up', 'dropped'))),
    tries    INTEGER NOT NULL DEFAULT 0,
    why      TEXT,
    receipt  TEXT,
    -- The place in the order in which messages were settled, from 1.
    settled  INTEGER UNIQUE CHECK ((settled IS NULL) = (next_try IS NOT NULL))
) STRICT;

CREATE INDEX outgoing_next ON outgoing (next_try) WHERE next_try IS NOT NULL;
-- What counts against a person's cap.
CREATE INDEX outgoing_went ON outgoing (person, way, at) WHERE state IN ('trying', 'sent');

CREATE TABLE outgoing_decision (
    decision INTEGER NOT NULL REFERENCES decision (id),
    outgoing INTEGER NOT NULL REFERENCES outgoing (id),
    PRIMARY KEY (decision, outgoing)
) STRICT, WITHOUT ROWID;
