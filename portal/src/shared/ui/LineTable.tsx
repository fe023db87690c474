import { Link } from "@tanstack/react-router";
import type { Line } from "@/shared/api/types";
import type { Format } from "@/shared/format/format";
import { useT, type Translate } from "@/shared/i18n/i18n";
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

/** A line's name in the tariff's words; the codes of flags are words with an underscore. */
export const lineName = (label: string) => label.replaceAll("_", " ");

function blockWords({ from, until, unit }: NonNullable<Line["block"]>, t: Translate, format: Format) {
  const [least, most] = [from, until].map((bound) => (bound === null || bound === undefined ? null : format.decimal(bound)));
  return t("lines.block", { ends: least === null ? "until" : most === null ? "from" : "both", from: least ?? "", until: most ?? "", unit });
}

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
              <span className="block">{line.period === null ? lineName(line.label) : `${lineName(line.label)} · ${periodName(t, line.period)}`}</span>
              {line.quantity !== null && line.price !== null && (
                <span className="block text-[0.8125rem] text-muted">
                  {format.decimal(line.quantity)} {line.unit} × {format.price(line.price, currency)}
                </span>
              )}
              {(line.block || line.explanation) && (
                <span className="block max-w-prose text-[0.8125rem] text-muted">
                  {[line.block && blockWords(line.block, t, format), line.explanation].filter(Boolean).join(" · ")}
                </span>
              )}
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
