-- Standing approvals: a verdict that also covers later calls, one row per verdict that stands. All columns follow from the
-- decision, which follows from the log; the table serves searches.
CREATE TABLE call_grant (
    decision INTEGER PRIMARY KEY REFERENCES decision (id),
    project  TEXT    NOT NULL,
    agent    TEXT    NOT NULL,
    session  TEXT,
    key      TEXT,              -- the exact call
    by       TEXT    NOT NULL,  -- who gave it, and below who ended it: discord:ID
    at       INTEGER NOT NULL,  -- milliseconds of the store's time, here and below
    until    INTEGER,           -- NULL: no end but the session's
    uses     INTEGER NOT NULL,  -- calls let through without a question
    used_at  INTEGER,
    ended_at INTEGER,
    ended_by TEXT
) STRICT;

CREATE INDEX call_grant_live ON call_grant (decision) WHERE ended_at IS NULL;

-- What people have rejected, taken, deferred or undone, by the marks by which a question is recognised when it is asked
-- anew: its key, its title, its content. Only people answer what has a mark of these.
CREATE TABLE precedent (
    project  TEXT    NOT NULL,
    mark     TEXT    NOT NULL,
    decision INTEGER NOT NULL REFERENCES decision (id),
    PRIMARY KEY (project, mark, decision)
) STRICT, WITHOUT ROWID;

CREATE INDEX precedent_decision ON precedent (decision);
