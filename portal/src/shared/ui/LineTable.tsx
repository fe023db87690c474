import type { Line } from "@/shared/api/types";
import type { Format } from "@/shared/format/format";
import { useT } from "@/shared/i18n/i18n";

/** Quantity × price = amount, each line with its reason. All of it comes from the server. */
export function LineTable({ lines, total, format, currency }: { lines: readonly Line[]; total: string; format: Format; currency?: string }) {
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
              <span className="block">{line.label}</span>
              {line.quantity !== null && line.price !== null && (
                <span className="block text-[0.8125rem] text-muted">
                  {format.decimal(line.quantity)} {line.unit} × {format.price(line.price, currency)}
                </span>
              )}
              {line.explanation && <span className="block max-w-prose text-[0.8125rem] text-muted">{line.explanation}</span>}
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
