import { useT } from "@/shared/i18n/i18n";
import { cx } from "./cx";

/** The state of an invoice, as a word with a mark. */
export function InvoiceState({ state, overdue }: { state: string; overdue: boolean }) {
  const t = useT();
  const known = (["open", "paid", "credit"] as const).find((word) => word === state) ?? "open";
  const kind = known === "open" && overdue ? "overdue" : known;
  return (
    <span className={cx("chip", kind === "paid" && "chip-ok", kind === "overdue" && "chip-danger", kind === "open" && "chip-warning")}>
      {t(`invoice.state.${kind}`)}
    </span>
  );
}
