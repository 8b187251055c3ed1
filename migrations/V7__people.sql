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
