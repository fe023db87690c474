import { Link } from "@tanstack/react-router";
import type { Line } from "@/shared/api/types";
import type { Format } from "@/shared/format/format";
import { useT } from "@/shared/i18n/i18n";
import { Icon } from "./icons";
import { periodName } from "./periodName";

interface LineTableProps {
  lines: readonly Line[];
  total: string;
  format: Format;
  currency?: string;
}

/** Lines that rest on readings. */
const measured: readonly string[] = ["energy", "flag", "demand", "series"];

/** Quantity × price = amount, each line with its reason and the way to its readings. All of it comes from the server. */
export function LineTable({ lines, total, format, currency }: LineTableProps) {
  const t = useT();
  return (
    <table className="data">
      <thead>
        <tr>
          <th scope="col">{t("lines.what")}</th>
          <th scope="col" className="num">
            {t("lines.amount")}
          </th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line, index) => (
          <tr key={`${line.code}-${index}`}>
            <th scope="row">
              <span className="block">{line.period === null ? line.label : `${line.label} · ${periodName(t, line.period)}`}</span>
              {line.quantity !== null && line.price !== null && (
                <span className="block text-[0.8125rem] text-muted">
                  {format.decimal(line.quantity)} {line.unit} × {format.price(line.price, currency)}
                </span>
              )}
              {line.explanation && <span className="block max-w-prose text-[0.8125rem] text-muted">{line.explanation}</span>}
              {measured.includes(line.group) && (
                <Link
                  to="/historic"
                  search={{ p: "custom", from: line.first, to: line.until, view: "list", u: "kwh" }}
                  className="no-print inline-flex min-h-8 items-center gap-1 text-[0.8125rem] font-semibold text-brand"
                  aria-label={`${t("lines.open")}: ${line.label}, ${format.civilRange(line.first, format.lastDay(line.until))}`}
                >
                  {t("lines.open")}
                  <Icon name="right" size={14} />
                </Link>
              )}
            </th>
            <td className="num">{format.money(line.amount, currency)}</td>
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row" className="!border-b-0 !text-ink">
            {t("lines.total")}
          </th>
          <td className="num font-semibold">{format.money(total, currency)}</td>
        </tr>
      </tfoot>
    </table>
  );
}
