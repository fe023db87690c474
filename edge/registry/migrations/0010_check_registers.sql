-- A register that only compares: the dial beside a channel of intervals. It is no energy of its own, so it is in no
-- total; the intervals between two of its readings have to add up to their difference.
ALTER TABLE channel ADD COLUMN checks {bool}; -- public: 1 for a register that only compares
