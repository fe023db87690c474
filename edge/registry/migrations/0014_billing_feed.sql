-- What a bill is made from beside readings and tariff files, and what becomes of it after it was issued.
--
-- A tariff may ask for a regime of credits, a contracted power, a number of meters.
ALTER TABLE usage_point ADD COLUMN credit_regime {text}; -- public: of the energy that it feeds in, in the tariff's word
ALTER TABLE usage_point ADD COLUMN contracted_kw {decimal}; -- public: contracted demand
ALTER TABLE usage_point ADD COLUMN meters {int}; -- public: how many a charge per meter counts; nothing means 1

-- Prices by interval, such as the day-ahead market's. A plan holds the prices that it used, so that a row
-- that is replaced changes no bill that was issued.
CREATE TABLE price_series (
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  name           {text}    NOT NULL,                                     -- public: as tariff files call it
  start_s        {instant} NOT NULL,                                     -- public
  end_s          {instant} NOT NULL,                                     -- public
  price          {decimal} NOT NULL,                                     -- public: in the series' unit; may be negative
  loaded_s       {instant} NOT NULL,                                     -- public: the newest one is the data's version
  PRIMARY KEY (organisation, name, start_s)
) {strict};

-- What an index of prices rose by in a month, for the correction of late payments.
CREATE TABLE index_value (
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  name           {text}    NOT NULL,                                     -- public: as tariff files call it: IPCA
  month          {date}    NOT NULL,                                     -- public: its first day
  change         {decimal} NOT NULL,                                     -- public: a fraction, 0.0044 for 0.44 %
  loaded_s       {instant} NOT NULL,                                     -- public
  PRIMARY KEY (organisation, name, month)
) {strict};

-- A correction is an invoice with its own number that names the invoice which it corrects; its amount is the
-- difference. No invoice was ever cancelled: an amount below zero is a `credit` until a bill takes it off.
ALTER TABLE invoice ADD COLUMN corrects {id} REFERENCES invoice (id); -- personal: the invoice that it corrects
ALTER TABLE invoice ADD COLUMN reason {text}; -- personal: why it was corrected
ALTER TABLE invoice ADD COLUMN facts {json}; -- personal: names and addresses as they stood when it was issued
DROP INDEX invoice_once;
CREATE UNIQUE INDEX invoice_once ON invoice (usage_point, period_start_s, period_end_s)
  WHERE corrects IS NULL;
CREATE INDEX invoice_by_corrects ON invoice (corrects);
-- A plan that nobody approved is dropped, where nothing names it.
CREATE INDEX invoice_by_plan ON invoice (plan);
CREATE INDEX billing_run_item_by_plan ON billing_run_item (plan);

-- A fine, an interest or a credit stands on one bill and never on a second one.
CREATE TABLE billed_item (
  invoice        {id}      NOT NULL REFERENCES invoice (id),             -- personal: what it is about
  code           {text}    NOT NULL,                                     -- personal: late_fine, late_interest, late_correction, credit
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  billed_by      {id}      NOT NULL REFERENCES invoice (id),             -- personal: the bill with it
  PRIMARY KEY (invoice, code)
) {strict};
