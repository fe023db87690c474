-- Samples of power in watts, for a while: a row for each write, hour and 256 channels.
-- key = hour since 1970 << 40 | slot / 256 << 21 | rising number
CREATE TABLE IF NOT EXISTS power (
    key INTEGER PRIMARY KEY,
    batch BLOB NOT NULL
) STRICT;
