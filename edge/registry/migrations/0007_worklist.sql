-- The worklist at the size of a city: findings of one outage are one row, and a person decides about the row.
--
-- Meters behind one gateway (a concentrator, a radio head) fall silent together, so the gateway is part of
-- what makes their findings one cause.
ALTER TABLE meter ADD COLUMN gateway {text}; -- public: the concentrator or radio head that it speaks through

-- The effect stands beside the document, so that a list of a million findings reads no documents.
ALTER TABLE finding ADD COLUMN effect_wh {int}; -- personal: what the suggested values add to what was read
-- A finding that a person decided stays as it was decided; one that went away by itself may come back.
ALTER TABLE finding ADD COLUMN decided_s {instant}; -- personal: when a person decided

DROP INDEX finding_by_state;
CREATE INDEX finding_in_order ON finding (organisation, state, rule, usage_point, channel, from_s);

-- Days that are to be looked at again, written in the transaction of what makes it necessary (an edit, say) and
-- removed by the look, so that a crash in between loses nothing.
CREATE TABLE relook (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  from_s        {instant} NOT NULL,                                      -- personal
  until_s       {instant} NOT NULL,                                      -- personal
  cause         {text}    NOT NULL,                                      -- personal: edit, meter_life, rule_set
  created_s     {instant} NOT NULL                                       -- public
) {strict};
CREATE INDEX relook_by_usage_point ON relook (usage_point);
