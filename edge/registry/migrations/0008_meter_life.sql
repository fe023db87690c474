-- A meter's whole life: supply cut and given again, a register that comes later, what dials showed.

-- What happened at a usage point, as a person entered it or a meter said it.
CREATE TABLE point_event (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  kind          {text}    NOT NULL,                                      -- public: disconnected, reconnected, tamper
  code          {int},                                                   -- personal: of a tamper flag, the protocol's
  at_s          {instant} NOT NULL,                                      -- personal
  actor         {text}    NOT NULL,                                      -- personal: who entered it
  reason        {text},                                                  -- personal
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (usage_point, kind, at_s)
) {strict};

-- A register that is added to a meter that stands there already: before that nothing of it is missing.
ALTER TABLE channel ADD COLUMN from_s {instant}; -- personal: since when it measures; as long as its meter where nothing is said

-- What dials showed when a meter came or went. They are written in the transaction of the exchange, appended to the
-- ledger after it, and removed then: no transaction spans both files, and after a crash in between they are
-- appended at the next start. The ledger takes the same reading twice as one.
CREATE TABLE dial_reading (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  channel       {int}     NOT NULL REFERENCES channel (number),          -- personal
  at_s          {instant} NOT NULL,                                      -- personal
  value_wh      {int}     NOT NULL,                                      -- personal
  created_s     {instant} NOT NULL                                       -- public
) {strict};
