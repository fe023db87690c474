-- Stretches of consumption that a person gave a name, and links that show one invoice to whoever has them.

CREATE TABLE named_stretch (
  id            {id}      PRIMARY KEY,                                   -- public
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  name          {text}    NOT NULL,                                      -- personal: what a person calls it
  from_s        {instant} NOT NULL,                                      -- personal: business time
  until_s       {instant} NOT NULL,                                      -- personal: business time
  created_s     {instant} NOT NULL                                       -- public: real time
) {strict};

CREATE INDEX named_stretch_by_usage_point ON named_stretch (usage_point, from_s);

CREATE TABLE invoice_share (
  id            {id}      PRIMARY KEY,                                   -- public: opens nothing without the server's signature
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  invoice       {id}      NOT NULL REFERENCES invoice (id),              -- personal
  created_by    {id}      NOT NULL REFERENCES user_account (id),         -- personal
  created_s     {instant} NOT NULL,                                      -- public: real time
  until_s       {instant} NOT NULL                                       -- public: real time
) {strict};

CREATE INDEX invoice_share_by_invoice ON invoice_share (invoice);
