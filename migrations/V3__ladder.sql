-- Every decision that waits has a next moment: that of its ladder. It follows from the document, which SQL cannot do;
-- 0 says that it is still to be written, and the program does so when it opens the store.

UPDATE decision SET wake_at = 0 WHERE state = 'pending';
