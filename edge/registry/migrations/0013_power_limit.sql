-- What a connection carries. Without it a workshop of 200 kW looks like a household whose dial jumped, so
-- validation believes what it cannot compare and asks for the figure.
ALTER TABLE usage_point ADD COLUMN power_max_w {int}; -- personal
