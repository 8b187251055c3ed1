-- At a start, which open decisions have a card for their latest return is told without reading the decisions themselves.
DROP INDEX decision_open;
CREATE INDEX decision_open ON decision (id, returns) WHERE state IN ('pending', 'deferred');
