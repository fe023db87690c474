-- A meter behind current or voltage transformers shows a part of the energy. What its dial is multiplied by
-- changes with the transformers, so it holds from an instant on; before the first row it is 1.

CREATE TABLE meter_multiplier (
  meter         {id}      NOT NULL REFERENCES meter (id),                -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  from_s        {instant} NOT NULL,                                      -- personal
  numerator     {int}     NOT NULL,                                      -- public
  denominator   {int}     NOT NULL,                                      -- public
  created_s     {instant} NOT NULL,                                      -- public
  PRIMARY KEY (meter, from_s)
) {strict};
