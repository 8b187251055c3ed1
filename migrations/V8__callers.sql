-- Who may call the approval API from elsewhere: tokens, of which only the hash is kept.
-- What a token may do is in the document, as JSON; times are milliseconds of the wall clock.

CREATE TABLE token (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice: what was asked by it names it
    name       TEXT    NOT NULL,
    hash       BLOB    NOT NULL, -- SHA-256 of the secret
    document   TEXT    NOT NULL CHECK (json_valid(document)),
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    revoked_at INTEGER
) STRICT;

-- What was asked under an idempotency key, so that the same request, repeated, is the same decision, also when it is over.
CREATE TABLE asked_once (
    asker    TEXT    NOT NULL, -- token:3, unix:1000
    key      TEXT    NOT NULL,
    digest   BLOB    NOT NULL, -- SHA-256 of what was asked
    decision INTEGER NOT NULL REFERENCES decision (id),
    at       INTEGER NOT NULL, -- milliseconds of the store's time
    PRIMARY KEY (asker, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX asked_once_at ON asked_once (at);

-- An asker lists what it asked, however much there is of others'.
CREATE INDEX decision_asked_by ON decision (asked_by, id) WHERE asked_by IS NOT NULL;
