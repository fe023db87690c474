/** The kinds whose rules have names of their own; a newer server's kind is shown by its word. */
const alertKinds = [
  "excessive_consumption",
  "bill_jump",
  "bill_jump_year",
  "forecast_over_budget",
  "always_on",
  "unusual_day",
  "meter_silent",
  "invoice_issued",
  "invoice_due",
  "invoice_overdue",
  "invoice_paid",
] as const;

export type AlertKind = (typeof alertKinds)[number];

export function alertKind(kind: string): AlertKind | null {
  return alertKinds.find((known) => known === kind) ?? null;
}
