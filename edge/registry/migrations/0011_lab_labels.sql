-- The prototype's questions name a time: without this, each of them read all that a measurer ever sent.

CREATE INDEX lab_reading_by_label ON lab_reading (lab_id, label, sequence);
