-- The first registry: everything that Corrente knows and that is not a reading.
--
-- How to read it. Words in braces are types and are replaced for the engine: {id} an identifier that the
-- application made, {int} a 64-bit whole number, {instant} whole seconds since 1970 UTC, {bool} 0 or 1,
-- {json} a JSON document, {date} a civil date as YYYY-MM-DD, {decimal} a decimal number as text, {strict}
-- what makes the engine refuse values of another type.
-- Each column says who it is about: `public` may be shown to anyone in the organisation, `personal` says
-- something about a person and belongs to that person's export and erasure, `secret` never leaves the
-- server. A test fails when a column says none of the three.
-- Every table carries its organisation, so that tenants can be told apart, exported and moved without a
-- join through other tables.

CREATE TABLE organisation (
  id            {id}      PRIMARY KEY,              -- public
  name          {text}    NOT NULL UNIQUE,          -- public
  document      {text},                             -- public: tax number (CNPJ) on invoices
  address       {text},                             -- public: on invoices
  municipality  {text},                             -- public: decides municipal lighting and some taxes
  zone          {text}    NOT NULL,                 -- public: IANA zone that new usage points get
  currency      {text}    NOT NULL,                 -- public: ISO 4217
  language      {text}    NOT NULL,                 -- public: of messages to people who chose none
  pix_key       {text},                             -- public: printed in each QR code
  pix_payee     {text},                             -- public
  pix_city      {text},                             -- public
  created_s     {instant} NOT NULL                  -- public
) {strict};

CREATE TABLE customer (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  number        {text}    NOT NULL,                                      -- personal: the utility's own number
  name          {text}    NOT NULL,                                      -- personal
  document      {text},                                                  -- personal: CPF or CNPJ
  email         {text},                                                  -- personal
  phone         {text},                                                  -- personal
  address       {text},                                                  -- personal: where bills go
  language      {text},                                                  -- personal
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (organisation, number)
) {strict};

-- What is invoiced together. One is made with each customer; more when a customer wants separate bills.
CREATE TABLE account (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  customer      {id}      NOT NULL REFERENCES customer (id),             -- personal
  name          {text}    NOT NULL,                                      -- personal
  due_day       {int},                                                   -- personal: day of the month chosen for payment
  created_s     {instant} NOT NULL                                       -- public
) {strict};
CREATE INDEX account_by_customer ON account (customer);

-- A usage point may stand before its customer is known: a meter that enrolled by token.
CREATE TABLE usage_point (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  customer      {id}      REFERENCES customer (id),                      -- personal
  account       {id}      REFERENCES account (id),                       -- personal
  name          {text}    NOT NULL,                                      -- personal: the recorded name, on exports
  address       {text},                                                  -- personal
  municipality  {text},                                                  -- personal
  zone          {text}    NOT NULL,                                      -- public
  currency      {text}    NOT NULL,                                      -- public
  class         {text}    NOT NULL,                                      -- public: residential, commercial, …
  phases        {int}     NOT NULL,                                      -- public: 1, 2 or 3; decides the availability charge
  lab           {bool}    NOT NULL,                                      -- public: made by the prototype's protocol
  lab_id        {text},                                                  -- public: the prototype's number
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (organisation, name)
) {strict};
CREATE INDEX usage_point_by_customer ON usage_point (customer);

CREATE TABLE meter (
  id                {id}      PRIMARY KEY,                               -- personal
  organisation      {id}      NOT NULL REFERENCES organisation (id),     -- public
  serial            {text}    NOT NULL,                                  -- personal
  secret_hash       {text},                                              -- secret: SHA-256 of a high-entropy secret
  model             {text},                                              -- public
  reporting_seconds {int}     NOT NULL,                                  -- public
  enrolled_by       {id},                                                -- public: the enrolment token, if one was used
  created_s         {instant} NOT NULL,                                  -- public
  UNIQUE (organisation, serial)
) {strict};
CREATE INDEX meter_by_serial ON meter (serial);

-- A meter at a usage point from one instant to another. An exchange is two rows.
CREATE TABLE installation (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  meter         {id}      NOT NULL REFERENCES meter (id),                -- personal
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  from_s        {instant} NOT NULL,                                      -- personal
  until_s       {instant}                                                -- personal: nothing while it stands
) {strict};
CREATE INDEX installation_by_usage_point ON installation (usage_point, from_s);
CREATE INDEX installation_by_meter ON installation (meter, from_s);

-- The number stands in every block of the ledger. It is made before the first reading and never reused;
-- the high bits are for the shard.
CREATE TABLE channel (
  number           {serial},                                             -- personal
  organisation     {id}      NOT NULL REFERENCES organisation (id),      -- public
  meter            {id}      NOT NULL REFERENCES meter (id),             -- personal
  name             {text}    NOT NULL,                                   -- public
  kind             {text}    NOT NULL,                                   -- public: register, interval
  direction        {text}    NOT NULL,                                   -- public: import, export
  offset_seconds   {int}     NOT NULL,                                   -- public: cuts block days, fixed for ever
  interval_seconds {int},                                                -- public
  register_digits  {int},                                                -- public: a register of n digits of kWh rolls over
  created_s        {instant} NOT NULL,                                   -- public
  UNIQUE (meter, name)
) {strict};

CREATE TABLE enrolment_token (
  id             {id}      PRIMARY KEY,                                  -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  token_hash     {text}    NOT NULL UNIQUE,                              -- secret
  label          {text}    NOT NULL,                                     -- public
  usage_point    {id}      REFERENCES usage_point (id),                  -- personal: else one is made per meter
  customer       {id}      REFERENCES customer (id),                     -- personal: who gets the usage points made
  tariff         {id},                                                   -- public: agreement that a new usage point gets
  installed_from_s {instant},                                            -- public: for backfill, earlier than the enrolment
  uses_left      {int},                                                  -- public: nothing means without limit
  again          {bool}    NOT NULL,                                     -- public: may a serial that it enrolled enrol again?
  expires_s      {instant},                                              -- public
  revoked_s      {instant},                                              -- public
  created_s      {instant} NOT NULL                                      -- public
) {strict};

CREATE TABLE tariff (
  id            {id}      PRIMARY KEY,                                   -- public
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  name          {text}    NOT NULL,                                      -- public
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (organisation, name)
) {strict};

-- A version is never changed once it is used; a correction is a version with the same date and a higher
-- number, so that an old plan still finds its text by the digest.
CREATE TABLE tariff_version (
  id            {id}      PRIMARY KEY,                                   -- public
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  tariff        {id}      NOT NULL REFERENCES tariff (id),               -- public
  number        {int}     NOT NULL,                                      -- public
  valid_from    {date}    NOT NULL,                                      -- public
  content       {text}    NOT NULL,                                      -- public: the tariff file
  digest        {text}    NOT NULL,                                      -- public: SHA-256 of the content
  created_s     {instant} NOT NULL,                                      -- public
  UNIQUE (tariff, number),
  UNIQUE (tariff, digest)
) {strict};
CREATE INDEX tariff_version_by_date ON tariff_version (tariff, valid_from, number);

CREATE TABLE agreement (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  tariff        {id}      NOT NULL REFERENCES tariff (id),               -- personal
  from_s        {instant} NOT NULL,                                      -- personal
  until_s       {instant}                                                -- personal
) {strict};
CREATE INDEX agreement_by_usage_point ON agreement (usage_point, from_s);

-- What validation saw. The key makes the cursor that writes findings idempotent.
CREATE TABLE finding (
  id              {id}      PRIMARY KEY,                                 -- personal
  organisation    {id}      NOT NULL REFERENCES organisation (id),       -- public
  usage_point     {id}      REFERENCES usage_point (id),                 -- personal
  channel         {int},                                                 -- personal
  rule            {text}    NOT NULL,                                    -- public
  from_s          {instant} NOT NULL,                                    -- personal
  until_s         {instant} NOT NULL,                                    -- personal
  document        {json}    NOT NULL,                                    -- personal
  state           {text}    NOT NULL,                                    -- public: open, accepted, resolved
  idempotency_key {text}    NOT NULL UNIQUE,                             -- personal
  created_s       {instant} NOT NULL                                     -- public
) {strict};
CREATE INDEX finding_by_usage_point ON finding (usage_point, from_s);

-- A person's, or a source's, change to what is believed. Nothing raw is changed by it.
CREATE TABLE edit (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  channel       {int}     NOT NULL,                                      -- personal
  from_s        {instant} NOT NULL,                                      -- personal
  until_s       {instant} NOT NULL,                                      -- personal
  energy_wh     {int},                                                   -- personal
  actor         {text}    NOT NULL,                                      -- personal: who
  reason        {text}    NOT NULL,                                      -- personal: why
  created_s     {instant} NOT NULL                                       -- public
) {strict};
CREATE INDEX edit_by_usage_point ON edit (usage_point, from_s);

-- A row only where an interval of that day differs from raw.
CREATE TABLE profile_overlay (
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  day           {date}    NOT NULL,                                      -- personal
  version       {int}     NOT NULL,                                      -- personal
  document      {json}    NOT NULL,                                      -- personal
  created_s     {instant} NOT NULL,                                      -- public
  PRIMARY KEY (usage_point, day, version)
) {strict};

-- Immutable: the same readings and tariff make the same plan and the same digest.
CREATE TABLE billing_plan (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  document      {json}    NOT NULL,                                      -- personal
  digest        {text}    NOT NULL,                                      -- personal
  created_s     {instant} NOT NULL                                       -- public
) {strict};
CREATE INDEX billing_plan_by_usage_point ON billing_plan (usage_point, digest);

-- An issued invoice never changes but in its state; one per usage point and period is open or paid, so
-- that a run that is tried again answers "exists".
CREATE TABLE invoice (
  id             {id}      PRIMARY KEY,                                  -- personal
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  usage_point    {id}      NOT NULL REFERENCES usage_point (id),         -- personal
  customer       {id}      REFERENCES customer (id),                     -- personal: who owed it then
  plan           {id}      NOT NULL REFERENCES billing_plan (id),        -- personal
  number         {text}    NOT NULL,                                     -- personal
  period_start_s {instant} NOT NULL,                                     -- personal
  period_end_s   {instant} NOT NULL,                                     -- personal
  issued_s       {instant} NOT NULL,                                     -- personal
  due            {date}    NOT NULL,                                     -- personal
  energy_wh      {int},                                                  -- personal
  amount_minor   {int}     NOT NULL,                                     -- personal
  currency       {text}    NOT NULL,                                     -- public
  state          {text}    NOT NULL,                                     -- personal: open, paid, cancelled
  pix_payload    {text},                                                 -- personal
  pix_txid       {text},                                                 -- personal
  UNIQUE (organisation, number)
) {strict};
CREATE UNIQUE INDEX invoice_once ON invoice (usage_point, period_start_s, period_end_s)
  WHERE state <> 'cancelled';
CREATE INDEX invoice_by_txid ON invoice (pix_txid);

CREATE TABLE payment (
  id              {id}      PRIMARY KEY,                                 -- personal
  organisation    {id}      NOT NULL REFERENCES organisation (id),       -- public
  invoice         {id}      NOT NULL REFERENCES invoice (id),            -- personal
  amount_minor    {int}     NOT NULL,                                    -- personal
  currency        {text}    NOT NULL,                                    -- public
  paid_s          {instant} NOT NULL,                                    -- personal
  method          {text}    NOT NULL,                                    -- personal: pix, boleto, cash, …
  reference       {text}    NOT NULL,                                    -- personal: the bank's end-to-end id
  created_s       {instant} NOT NULL,                                    -- public
  UNIQUE (organisation, method, reference)
) {strict};
CREATE INDEX payment_by_invoice ON payment (invoice);

-- A rule without usage point is the organisation's default for all of its usage points. The scope column
-- is the usage point or the organisation, so that one unique key covers both.
CREATE TABLE alert_rule (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  scope         {id}      NOT NULL,                                      -- personal
  usage_point   {id}      REFERENCES usage_point (id),                   -- personal
  kind          {text}    NOT NULL,                                      -- public
  parameters    {json}    NOT NULL,                                      -- personal
  enabled       {bool}    NOT NULL,                                      -- personal
  changed_s     {instant} NOT NULL,                                      -- public
  UNIQUE (scope, kind)
) {strict};

CREATE TABLE alert_state (
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  rule          {id}      NOT NULL REFERENCES alert_rule (id),           -- personal
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  state         {json}    NOT NULL,                                      -- personal
  changed_s     {instant} NOT NULL,                                      -- personal
  PRIMARY KEY (rule, usage_point)
) {strict};

CREATE TABLE alert_event (
  id            {id}      PRIMARY KEY,                                   -- personal
  organisation  {id}      NOT NULL REFERENCES organisation (id),         -- public
  usage_point   {id}      NOT NULL REFERENCES usage_point (id),          -- personal
  kind          {text}    NOT NULL,                                      -- public
  at_s          {instant} NOT NULL,                                      -- personal
  until_s       {instant},                                               -- personal
  document      {json}    NOT NULL,                                      -- personal
  read_s        {instant}                                                -- personal
) {strict};
CREATE INDEX alert_event_by_usage_point ON alert_event (usage_point, at_s);

-- Messages are written in the transaction of their cause and delivered afterwards, at least once.
CREATE TABLE outbox (
  id              {id}      PRIMARY KEY,                                 -- personal
  organisation    {id}      NOT NULL REFERENCES organisation (id),       -- public
  channel         {text}    NOT NULL,                                    -- public: email, webhook, push
  recipient       {text}    NOT NULL,                                    -- personal
  document        {json}    NOT NULL,                                    -- personal
  idempotency_key {text}    NOT NULL UNIQUE,                             -- personal
  next_try_s      {instant} NOT NULL,                                    -- public
  attempts        {int}     NOT NULL,                                    -- public
  state           {text}    NOT NULL,                                    -- public: waiting, sent, failed
  last_error      {text},                                                -- personal
  created_s       {instant} NOT NULL                                     -- public
) {strict};
CREATE INDEX outbox_due ON outbox (state, next_try_s);

-- Who signs in. `user` is a reserved word in PostgreSQL.
CREATE TABLE user_account (
  id             {id}      PRIMARY KEY,                                  -- personal
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  customer       {id}      REFERENCES customer (id),                     -- personal
  email          {text}    NOT NULL UNIQUE,                              -- personal: lower case
  name           {text}    NOT NULL,                                     -- personal
  role           {text}    NOT NULL,                                     -- public: customer, operator, admin
  password_hash  {text},                                                 -- secret: argon2id; nothing until the first code is used
  language       {text},                                                 -- personal
  theme          {text},                                                 -- personal
  disabled_s     {instant},                                              -- personal
  created_s      {instant} NOT NULL                                      -- public
) {strict};

-- Times of a session are real time, whatever business time does.
CREATE TABLE session (
  id               {text}    PRIMARY KEY,                                -- secret: SHA-256 of the cookie
  organisation     {id}      NOT NULL REFERENCES organisation (id),      -- public
  user_account     {id}      REFERENCES user_account (id),               -- personal
  lab_usage_point  {id}      REFERENCES usage_point (id),                -- personal
  created_s        {instant} NOT NULL,                                   -- personal
  seen_s           {instant} NOT NULL,                                   -- personal
  expires_s        {instant} NOT NULL,                                   -- personal
  address          {text},                                               -- personal
  agent            {text}                                                -- personal
) {strict};
CREATE INDEX session_by_user ON session (user_account);
CREATE INDEX session_by_expiry ON session (expires_s);

CREATE TABLE api_token (
  id             {id}      PRIMARY KEY,                                  -- personal
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  user_account   {id}      NOT NULL REFERENCES user_account (id),        -- personal
  token_hash     {text}    NOT NULL UNIQUE,                              -- secret
  label          {text}    NOT NULL,                                     -- personal
  scope          {text}    NOT NULL,                                     -- public: read, write, admin
  created_s      {instant} NOT NULL,                                     -- public
  expires_s      {instant},                                              -- public
  revoked_s      {instant},                                              -- public
  seen_s         {instant}                                               -- personal
) {strict};
CREATE INDEX api_token_by_user ON api_token (user_account);

-- Opens an account once: the first administrator's link, a customer's sign-in code, a new password.
CREATE TABLE one_time_code (
  id             {id}      PRIMARY KEY,                                  -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  code_hash      {text}    NOT NULL UNIQUE,                              -- secret
  purpose        {text}    NOT NULL,                                     -- public: first_admin, sign_in
  user_account   {id}      REFERENCES user_account (id),                 -- personal
  expires_s      {instant} NOT NULL,                                     -- public
  used_s         {instant},                                              -- personal
  created_s      {instant} NOT NULL                                      -- public
) {strict};

-- Counts failed sign-ins of an account or an address. The subject is a hash, so that the table does not
-- list who tried; it belongs to no organisation before somebody has signed in.
CREATE TABLE sign_in_attempt (
  subject        {text}    PRIMARY KEY,                                  -- secret
  organisation   {id},                                                   -- public
  failures       {int}     NOT NULL,                                     -- public
  since_s        {instant} NOT NULL                                      -- public
) {strict};

CREATE TABLE audit (
  id             {id}      PRIMARY KEY,                                  -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  actor          {text}    NOT NULL,                                     -- personal: a user, a token, or the command line
  business_s     {instant} NOT NULL,                                     -- public
  real_s         {instant} NOT NULL,                                     -- public
  action         {text}    NOT NULL,                                     -- public
  subject        {text}    NOT NULL,                                     -- personal: table and id
  before         {json},                                                 -- personal
  after          {json},                                                 -- personal
  reason         {text},                                                 -- personal
  address        {text}                                                  -- personal
) {strict};
CREATE INDEX audit_by_time ON audit (organisation, real_s);

-- The prototype's measurers, by the number that they were given.
CREATE TABLE lab_meter (
  lab_id         {text}    PRIMARY KEY,                                  -- public
  organisation   {id}      NOT NULL REFERENCES organisation (id),        -- public
  meter          {id}      NOT NULL REFERENCES meter (id),               -- public
  channel        {int}     NOT NULL REFERENCES channel (number),         -- public
  usage_point    {id}      NOT NULL REFERENCES usage_point (id),         -- public
  created_s      {instant} NOT NULL                                      -- public
) {strict};

-- What the prototype would have kept, in its own words, so that it is answered in them. The same values
-- stand in the ledger as readings.
CREATE TABLE lab_reading (
  lab_id           {text}    NOT NULL REFERENCES lab_meter (lab_id),     -- public
  organisation     {id}      NOT NULL REFERENCES organisation (id),      -- public
  sequence         {int}     NOT NULL,                                   -- public
  label            {text}    NOT NULL,                                   -- public: the prototype's date text
  consumption_text {text}    NOT NULL,                                   -- public: the number as it was sent
  ledger_s         {instant} NOT NULL,                                   -- public
  wh               {int}     NOT NULL,                                   -- public
  PRIMARY KEY (lab_id, sequence)
) {strict};

-- What belongs to the data directory itself: its identity, how its clock runs, counters.
CREATE TABLE setting (
  key            {text}    PRIMARY KEY,                                  -- public
  organisation   {id},                                                   -- public: nothing for the directory itself
  value          {text}    NOT NULL                                      -- secret
) {strict};
