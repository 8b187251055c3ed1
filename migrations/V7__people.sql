-- What people have said of themselves, and who has ever acted: whoever did can be sent a direct message without asking
-- Discord for a list of the server's members.

CREATE TABLE person (
    user   INTEGER PRIMARY KEY, -- Discord's id
    name   TEXT    NOT NULL,    -- as they were called last
    wishes TEXT    NOT NULL DEFAULT '{}',
    acted  INTEGER NOT NULL DEFAULT 0
);

INSERT INTO person (user, name, acted)
SELECT CAST(substr(json_extract(body, '$.by.id'), 9) AS INTEGER), json_extract(body, '$.by.name'), 1
FROM event WHERE json_extract(body, '$.by.id') GLOB 'discord:[0-9]*' GROUP BY 1;

-- The reminders of rungs that were climbed, one for each receiver and way, for as long as something may come of them.
-- `posting` is the message that it is on, and `since` when it came onto it; the rest is in the document, as JSON.
-- `live` says that something may yet come of it, or that the log does not know what came: only rungs with one such are read.
CREATE TABLE reminder (
    climb    INTEGER NOT NULL, -- the log's position of the rung
    receiver TEXT    NOT NULL, -- discord:ID, role:ID, here, machine:NAME
    way      TEXT    NOT NULL,
    posting  INTEGER REFERENCES posting (id),
    since    INTEGER,          -- milliseconds of the store's time
    live     INTEGER NOT NULL DEFAULT 1,
    document TEXT    NOT NULL CHECK (json_valid(document)),
    PRIMARY KEY (climb, receiver, way)
) STRICT, WITHOUT ROWID;

CREATE INDEX reminder_live ON reminder (climb) WHERE live = 1;
CREATE INDEX reminder_posting ON reminder (posting) WHERE posting IS NOT NULL;

-- How far the log was read for them: what was climbed before there were any is not told after the fact.
INSERT INTO meta (key, value) SELECT 'reminded', coalesce(max(seq), 0) FROM event;
