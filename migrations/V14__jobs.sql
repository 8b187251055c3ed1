-- The shared queue. The log has events of jobs and of the queue beside those of decisions: an event names a decision, a job,
-- or neither. Events that were written before stay as they are, and so do their hashes.
ALTER TABLE event ALTER COLUMN decision DROP NOT NULL;

-- The state as the log gives it. `document` is the whole job as JSON; the columns beside it are what is searched by.
CREATE TABLE job (
    id          INTEGER PRIMARY KEY,
    state       TEXT    NOT NULL,
    project     TEXT    NOT NULL,
    run         TEXT    NOT NULL,
    parent      INTEGER,
    source      TEXT,
    source_id   TEXT,
    agent       TEXT,    -- the only agent that may do it
    guard       TEXT,    -- beyond a guard: asked, refused
    ready       INTEGER NOT NULL, -- queued, and all that it depends on is done
    score       INTEGER NOT NULL, -- its place in the queue, from score_from (inclusive) until score_until (exclusive)
    score_from  INTEGER,
    score_until INTEGER,
    lease_until INTEGER, -- renewed without an event, as is output_at
    output_at   INTEGER,
    stall_from  INTEGER, -- output_at, while nobody was told that it is stuck
    risk_at     INTEGER, -- when it is at risk of its deadline
    decision    INTEGER REFERENCES decision (id),
    tokens      INTEGER,
    cost        INTEGER, -- millionths of a US dollar
    enqueued_at INTEGER NOT NULL,
    over_at     INTEGER,
    changed     INTEGER NOT NULL,
    document    TEXT    NOT NULL CHECK (json_valid(document))
) STRICT;

ALTER TABLE event ADD COLUMN job INTEGER REFERENCES job (id);
CREATE INDEX event_job ON event (job, seq) WHERE job IS NOT NULL;

-- A source's job is queued once at a time.
CREATE UNIQUE INDEX job_source ON job (source, source_id) WHERE source IS NOT NULL AND over_at IS NULL;
-- The next job of a project is the first of its entries here.
CREATE INDEX job_ready ON job (project, score DESC, id, agent) WHERE ready = 1;
-- Which scores no longer hold; or not yet, after the clock was set back.
CREATE INDEX job_score_until ON job (score_until) WHERE ready = 1 AND score_until IS NOT NULL;
CREATE INDEX job_score_from ON job (score_from) WHERE ready = 1 AND score_from IS NOT NULL;
CREATE INDEX job_running ON job (project) WHERE state = 'running';
CREATE INDEX job_lease ON job (lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX job_stall ON job (stall_from) WHERE stall_from IS NOT NULL;
CREATE INDEX job_risk ON job (risk_at) WHERE risk_at IS NOT NULL;
CREATE INDEX job_decision ON job (decision) WHERE decision IS NOT NULL;
CREATE INDEX job_run ON job (run);
CREATE INDEX job_open ON job (state, project) WHERE over_at IS NULL;

-- `job` runs only after `needs` is done.
CREATE TABLE job_dependency (
    job   INTEGER NOT NULL REFERENCES job (id),
    needs INTEGER NOT NULL REFERENCES job (id),
    PRIMARY KEY (job, needs)
) STRICT, WITHOUT ROWID;
CREATE INDEX job_dependency_needs ON job_dependency (needs);

-- Projects take turns: `turn` is the log position of the latest lease of a project's job; 0 before the first.
CREATE TABLE job_turn (
    project TEXT    PRIMARY KEY,
    turn    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What is halted: a project, or all ('').
CREATE TABLE job_halt (
    project  TEXT    PRIMARY KEY,
    document TEXT    NOT NULL CHECK (json_valid(document))
) STRICT, WITHOUT ROWID;
