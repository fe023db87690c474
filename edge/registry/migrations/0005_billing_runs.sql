-- Billing runs: what is billed together, seen before it is issued, approved by people, issued once.
--
-- A route is the round on which meters are read and billed. A usage point without a route is billed by
-- itself at the end of each month; one with a route is billed by the runs of its route only.
ALTER TABLE usage_point ADD COLUMN route {text}; -- public: the round on which it is read and billed

-- Bills that can be paid by bar code need the number that FEBRABAN gave the company. The code is stored
-- with the invoice, which never changes.
ALTER TABLE organisation ADD COLUMN febraban {text}; -- public: the company's number, 4 digits
ALTER TABLE invoice ADD COLUMN bar_code {text}; -- personal: 44 digits

CREATE TABLE billing_run (
  id             {id}      PRIMARY KEY,                                  -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  number         {int}     NOT NULL,                                     -- public: what people call it
  route          {text},                                                 -- public: nothing for usage points without one
  usage_point    {id}      REFERENCES usage_point (id),                  -- personal: a closing bill of only this one
  first          {date}    NOT NULL,                                     -- public
  until          {date}    NOT NULL,                                     -- public: the first day that is no longer billed
  whole_days     {int},                                                  -- public: days of a whole period, when everything in it is a part of one
  state          {text}    NOT NULL,                                     -- public: prepared, waiting, approved, issuing, issued, closed
  limit_minor    {int}     NOT NULL,                                     -- public: above this total two people approve
  total_minor    {int},                                                  -- public: what was approved
  created_s      {instant} NOT NULL,                                     -- public
  changed_s      {instant} NOT NULL,                                     -- public
  UNIQUE (organisation, number)
) {strict};

-- One line per usage point. Its plan is stored when the run is approved: issuing only writes what was
-- approved, and a run that was killed goes on with the lines that are not issued.
CREATE TABLE billing_run_item (
  run            {id}      NOT NULL REFERENCES billing_run (id),         -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  usage_point    {id}      NOT NULL REFERENCES usage_point (id),         -- personal
  state          {text}    NOT NULL,                                     -- personal: ready, exception, held, issued
  reason         {text},                                                 -- personal: why it is held or an exception
  start_s        {instant} NOT NULL,                                     -- personal
  end_s          {instant} NOT NULL,                                     -- personal
  part_of_days   {int},                                                  -- personal: days of a whole period, for a part of one
  energy_wh      {int}     NOT NULL,                                     -- personal
  estimated_wh   {int}     NOT NULL,                                     -- personal
  findings       {int}     NOT NULL,                                     -- personal: open ones in the period
  amount_minor   {int}     NOT NULL,                                     -- personal
  previous_minor {int},                                                  -- personal: the last invoice's amount
  plan           {id}      REFERENCES billing_plan (id),                 -- personal: once approved
  invoice        {id}      REFERENCES invoice (id),                      -- personal: once issued
  PRIMARY KEY (run, usage_point)
) {strict};
CREATE INDEX billing_run_item_by_state ON billing_run_item (run, state);

CREATE TABLE billing_run_approval (
  run            {id}      NOT NULL REFERENCES billing_run (id),         -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  person         {text}    NOT NULL,                                     -- personal: who approved
  total_minor    {int}     NOT NULL,                                     -- public: what that person saw
  approved_s     {instant} NOT NULL,                                     -- public
  PRIMARY KEY (run, person)
) {strict};
