-- Agents that wait at a gate of this machine, or ended while they did, one row per decision, and what became of their
-- resumption. Not derived from the log: folders and processes are facts of this machine, and change without an event.
CREATE TABLE resumption (
    decision   INTEGER PRIMARY KEY REFERENCES decision (id),
    agent      TEXT    NOT NULL,
    session    TEXT    NOT NULL,
    seat       TEXT    NOT NULL,  -- JSON: where the agent works
    state      TEXT    NOT NULL,  -- parked, started, finished, failed, not_started, unknown
    wait       TEXT    NOT NULL,  -- of the gate: until, went_on, parted
    until      INTEGER NOT NULL,  -- the gate, or the process that watches the agent, counts as alive until then, in
                                  -- milliseconds of the store's time
    started_at INTEGER,
    status     INTEGER            -- the exit status of a failed agent
) STRICT;

CREATE INDEX resumption_session ON resumption (agent, session);
CREATE INDEX resumption_open ON resumption (decision) WHERE state IN ('parked', 'started');
