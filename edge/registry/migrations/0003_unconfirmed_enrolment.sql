-- A meter that enrolled and whose new secret nobody has used yet. Between the commit of an enrolment and
-- the welcome that tells the secret the server may die: then the meter has no secret, and its token may be
-- redeemed again for the same serial. The row goes with the first use of the secret, or with the first
-- reading after the welcome; from then on the serial is taken.
CREATE TABLE unconfirmed_enrolment (
  meter        {id}      PRIMARY KEY REFERENCES meter (id),              -- personal
  organisation {id}      NOT NULL REFERENCES organisation (id),          -- public
  token        {id}      NOT NULL REFERENCES enrolment_token (id),       -- public
  created_s    {instant} NOT NULL                                        -- public
) {strict};
