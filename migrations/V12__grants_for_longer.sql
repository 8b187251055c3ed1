-- Grants beyond the exact call and the agent's session: what they cover, for how long, and why they ended. Grants of before
-- are of the exact call, for the session.
ALTER TABLE call_grant ADD COLUMN span TEXT NOT NULL DEFAULT 'session'; -- session, seconds, until_revoked
ALTER TABLE call_grant ADD COLUMN pattern TEXT;   -- JSON; NULL: the exact call
ALTER TABLE call_grant ADD COLUMN root TEXT;      -- the agent's workspace; NULL: the grant is found by the call's key
ALTER TABLE call_grant ADD COLUMN ended_why TEXT; -- NULL: a person, or the rules

-- A gate looks for the grants of an agent in a project and a workspace.
CREATE INDEX call_grant_of ON call_grant (project, agent, root) WHERE ended_at IS NULL AND root IS NOT NULL;

-- The digest counts uses. An event's body begins with its name.
CREATE INDEX event_grant_used ON event (at, decision) WHERE substr(body, 1, 21) = '{"event":"grant_used"';
