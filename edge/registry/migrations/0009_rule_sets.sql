-- Rule sets of validation by group of usage points, which meter measures what others use, and clocks put right.

-- A version is never changed; from a day on it takes the place of the one before it.
CREATE TABLE rule_set (
  id            {id}      PRIMARY KEY,                                   -- public
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  group_name    {text}    NOT NULL,                                      -- public: `standard` is for usage points without a group
  version       {int}     NOT NULL,                                      -- public
  valid_from    {date}    NOT NULL,                                      -- public
  content       {text}    NOT NULL,                                      -- public: the file
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (organisation, group_name, version)
) {strict};
ALTER TABLE usage_point ADD COLUMN vee_group {text}; -- public: the rule sets of this name apply

-- A usage point behind another one: a flat behind the building's meter, a house behind a transformer.
CREATE TABLE usage_point_parent (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  child         {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  parent        {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  from_s        {instant} NOT NULL,                                      -- personal
  until_s       {instant},                                               -- personal: nothing while it lasts
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (child, from_s)
) {strict};
CREATE INDEX usage_point_parent_by_parent ON usage_point_parent (parent);

-- A person's correction of a stretch of readings that a meter stamped with a wrong clock. The readings stay as they
-- came; they are read as so many seconds later.
CREATE TABLE clock_correction (
  meter         {id}      NOT NULL REFERENCES meter (id),                -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  from_s        {instant} NOT NULL,                                      -- personal: as the meter stamped them
  until_s       {instant} NOT NULL,                                      -- personal
  add_seconds   {int}     NOT NULL,                                      -- personal
  actor         {text}    NOT NULL,                                      -- personal
  reason        {text},                                                  -- personal
  created_s     {instant} NOT NULL,                                      -- public
  PRIMARY KEY (meter, from_s)
) {strict};
