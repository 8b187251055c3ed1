-- Times are milliseconds since 1970 in UTC, always bound by the program: SQL never asks a clock.

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The state as the log gives it. `document` is the whole decision as JSON; the columns beside it are
-- what is searched by.
CREATE TABLE decision (
    id        INTEGER PRIMARY KEY,
    state     TEXT    NOT NULL CHECK (state IN ('pending', 'deferred', 'resolved', 'withdrawn')),
    project   TEXT    NOT NULL,
    dedup_key TEXT,
    returns   INTEGER NOT NULL,
    changed   INTEGER NOT NULL,
    wake_at   INTEGER,
    document  TEXT    NOT NULL CHECK (json_valid(document))
) STRICT;

CREATE UNIQUE INDEX decision_dedup ON decision (project, dedup_key)
    WHERE dedup_key IS NOT NULL AND state IN ('pending', 'deferred');
CREATE INDEX decision_key ON decision (dedup_key) WHERE dedup_key IS NOT NULL;
CREATE INDEX decision_open ON decision (id) WHERE state IN ('pending', 'deferred');
CREATE INDEX decision_wake ON decision (wake_at) WHERE wake_at IS NOT NULL;

-- The log. `body` is the event as JSON without its long part; `text` is the long part, NULL where there is none or
-- where it was pruned; `digest` is the SHA-256 of that text and stays. A hash chain runs over the log:
-- hash = SHA-256 over the previous hash, seq, at, decision, digest and body, so that it holds without the texts.
CREATE TABLE event (
    seq      INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    decision INTEGER NOT NULL REFERENCES decision (id),
    body     TEXT    NOT NULL CHECK (json_valid(body)),
    text     TEXT    CHECK (text IS NULL OR (digest IS NOT NULL AND json_valid(text))),
    digest   TEXT,
    hash     TEXT    NOT NULL
) STRICT;

CREATE INDEX event_decision ON event (decision, seq);

-- Cards as they were posted. A row without a message is an intent: a create that may have happened.
-- `shown` is the log position that the message shows; `lost` says that the message is gone.
CREATE TABLE delivery (
    decision   INTEGER NOT NULL REFERENCES decision (id),
    generation INTEGER NOT NULL,
    returns    INTEGER NOT NULL,
    channel    TEXT    NOT NULL,
    intent_at  INTEGER NOT NULL,
    message    TEXT,
    shown      INTEGER NOT NULL DEFAULT 0,
    lost       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (decision, generation)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX delivery_message ON delivery (message) WHERE message IS NOT NULL;
