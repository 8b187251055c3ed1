-- Messages that stand for several decisions: a batch's card, a reminder, a list that somebody is shown.
--
-- `place` is where it belongs: `project:NAME` (that project's channel, whichever it is when it is posted), `channel:ID`,
-- `dm:USER`, or `nowhere` for a set that is kept and never posted. `document` says what it was made for, as JSON.
-- `revision` counts the lists: buttons name the one that they were drawn for. `generation` counts its messages.
-- Without a channel nothing was posted; a channel without a message is an intent: a create that may have happened.
-- `shown` is the log position and `drawn` the list that the message shows; `behind` says that it shows an earlier state, or
-- may not have come to be; `final` that it will never change again.
CREATE TABLE posting (
    -- Never given twice: a button of one that is gone must not mean another.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    purpose    TEXT    NOT NULL,
    place      TEXT    NOT NULL,
    document   TEXT    NOT NULL CHECK (json_valid(document)),
    opened_at  INTEGER NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 1,
    generation INTEGER NOT NULL DEFAULT 1,
    channel    TEXT,
    intent_at  INTEGER,
    message    TEXT,
    shown      INTEGER NOT NULL DEFAULT 0,
    drawn      INTEGER NOT NULL DEFAULT 0,
    behind     INTEGER NOT NULL,
    final      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX posting_message ON posting (message) WHERE message IS NOT NULL;
CREATE INDEX posting_behind ON posting (id) WHERE behind = 1;
CREATE INDEX posting_lives ON posting (purpose, opened_at) WHERE final = 0;
CREATE INDEX posting_kept ON posting (opened_at) WHERE purpose = 'selection';

-- What it lists, at which revision of the decision (`seen`), from which list on (`since`) and up to which (`gone`, where it
-- is not on any more): so every list that was ever drawn can be read again.
CREATE TABLE posting_item (
    posting  INTEGER NOT NULL REFERENCES posting (id) ON DELETE CASCADE,
    decision INTEGER NOT NULL REFERENCES decision (id),
    since    INTEGER NOT NULL,
    seen     INTEGER NOT NULL,
    returns  INTEGER NOT NULL,
    gone     INTEGER,
    PRIMARY KEY (posting, decision, since)
) STRICT, WITHOUT ROWID;

CREATE INDEX posting_item_decision ON posting_item (decision, posting);

-- Cards that were posted a moment ago are drawn into a batch.
CREATE INDEX delivery_intent ON delivery (intent_at);
