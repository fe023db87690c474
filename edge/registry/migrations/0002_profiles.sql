-- How far validation has come at each usage point, and as of which revisions of the readings: when a
-- revision differs from what is written here, a late reading came and the days around it are looked at
-- again. Versions of a day stand in profile_overlay; a day without a row is as measured.

CREATE TABLE profile_state (
  usage_point     {id}      PRIMARY KEY REFERENCES usage_point (id),     -- personal
  organisation    {id}      NOT NULL REFERENCES organisation (id),       -- public
  validated_until {date}    NOT NULL,                                    -- personal: the first day that is still to come
  rule_set        {text}    NOT NULL,                                    -- public
  revisions       {json}    NOT NULL,                                    -- personal
  changed_s       {instant} NOT NULL                                     -- public
) {strict};

-- The worklist asks for what is open, of all usage points.
CREATE INDEX finding_by_state ON finding (organisation, state, rule);
