-- The reading ledger, version 3. Why it is cut like this: docs of the crate.

-- A channel and its slot, the dense number under which everything else names it.
CREATE TABLE channel (
    slot INTEGER PRIMARY KEY,
    id INTEGER NOT NULL UNIQUE,
    -- 0 register, 1 interval
    kind INTEGER NOT NULL,
    -- standard offset of its zone in seconds, east positive: block days begin at its midnight
    utc_offset INTEGER NOT NULL
) STRICT;

-- First and last sealed block day of 256 channels at a time, 8 bytes each, and a CRC-32.
CREATE TABLE sealed_days (
    chunk INTEGER PRIMARY KEY,
    days BLOB NOT NULL
) STRICT;

-- What is durable and not sealed: a row for each group commit and block day.
-- key = block day << 40 | rising number
CREATE TABLE log (
    key INTEGER PRIMARY KEY,
    batch BLOB NOT NULL
) STRICT;

-- The log of this day is in blocks up to this number; the rows are on their way out.
CREATE TABLE log_done (
    day INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL
) STRICT;

-- A block for each (day, channel, revision): never changed, never merged away.
-- key = block day << 40 | slot << 13 | revision
CREATE TABLE block (
    key INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    -- second of the first reading in the day; seconds from the last reading to the day's end
    first INTEGER NOT NULL,
    rest INTEGER NOT NULL,
    -- value of the first reading in Wh; from there to the last one's
    value INTEGER NOT NULL,
    gain INTEGER NOT NULL,
    -- interval channels: the sum of the values
    sum INTEGER,
    -- 1: a value falls; 2: quality codes other than 0
    flags INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- What 256 channels at a time come to in a block day: last value or sum. Made of the blocks.
-- key = block day << 40 | slot / 256
CREATE TABLE day_end (
    key INTEGER PRIMARY KEY,
    ends BLOB NOT NULL
) STRICT;

-- Stored and not counted.
CREATE TABLE rejected (
    sequence INTEGER PRIMARY KEY,
    slot INTEGER NOT NULL,
    time INTEGER NOT NULL,
    value INTEGER NOT NULL,
    quality INTEGER NOT NULL,
    -- 0 conflict, 1 before installation, 2 in the future
    reason INTEGER NOT NULL,
    -- conflict: the value that counts
    kept INTEGER,
    -- NULL open, 0 dropped, 1 released
    decision INTEGER,
    UNIQUE (slot, time, value, reason)
) STRICT;

-- Written and forgotten, to see whether the disk takes anything.
CREATE TABLE probe (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    ballast BLOB NOT NULL
) STRICT;
