-- Where people hear of things beside their mailbox, when they want to be left alone, and rules that are
-- silent for a while.

CREATE TABLE destination (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  user_account  {id}      NOT NULL REFERENCES user_account (id),         -- personal
  kind          {text}    NOT NULL,                                      -- public: webhook, gateway, push
  label         {text}    NOT NULL,                                      -- personal: what its owner calls it
  address       {text}    NOT NULL,                                      -- personal: a URL
  settings      {json}    NOT NULL,                                      -- secret: of a gateway, with its password
  secret        {text}    NOT NULL,                                      -- secret: signs, or encrypts for a browser
  failures      {int}     NOT NULL,                                      -- public: in a row
  last_error    {text},                                                  -- personal
  paused_s      {instant},                                               -- public: real time
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (user_account, kind, address)
) {strict};

-- By address, so that a customer without an account can unsubscribe as well.
CREATE TABLE delivery_preference (
  recipient           {text}    PRIMARY KEY,                             -- personal: e-mail, lower case
  organisation        {id}      NOT NULL REFERENCES organisation (id),   -- public
  mail                {text}    NOT NULL,                                -- personal: now, daily, off
  quiet_from_minute   {int},                                             -- personal: after midnight, at home
  quiet_until_minute  {int},                                             -- personal
  changed_s           {instant} NOT NULL                                 -- personal
) {strict};

ALTER TABLE alert_rule ADD COLUMN muted_until_s {instant}; -- personal: business time
