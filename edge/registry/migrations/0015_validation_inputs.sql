-- What validation compares readings with beside themselves: what a meter says of its values, how far its clock was
-- off, and what is usual for a class of consumers.

-- What a meter says of itself, against what is registered: a wrong one is a bill that is wrong by a factor.
CREATE TABLE meter_declaration (
  meter         {id}      PRIMARY KEY REFERENCES meter (id),             -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  numerator     {int},                                                   -- public: of the multiplier on its plate
  denominator   {int},                                                   -- public
  unit          {text},                                                  -- public: in which its values come
  created_s     {instant} NOT NULL                                       -- public
) {strict};

-- How far a meter's clock was ahead when its readings came, at most one row a day: the worst of it.
CREATE TABLE clock_sample (
  meter         {id}      NOT NULL REFERENCES meter (id),                -- personal
  day           {int}     NOT NULL,                                      -- personal: days since 1970 in UTC
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  at_s          {instant} NOT NULL,                                      -- personal
  ahead_seconds {int}     NOT NULL,                                      -- personal: negative where it was behind
  PRIMARY KEY (meter, day)
) {strict};

-- The mean week of a class of usage points, from a day on. It is never changed: a look at a day takes the one that
-- held on it, whenever it is made.
CREATE TABLE class_profile (
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  class         {text}    NOT NULL,                                      -- public
  valid_from    {date}    NOT NULL,                                      -- public
  document      {json}    NOT NULL,                                      -- public: sums over several usage points
  created_s     {instant} NOT NULL,                                      -- public
  PRIMARY KEY (organisation, class, valid_from)
) {strict};
