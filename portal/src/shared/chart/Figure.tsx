import { useState, type ReactNode } from "react";
import { useT } from "@/shared/i18n/i18n";
import { Icon } from "@/shared/ui/icons";

export interface LegendItem {
  mark: "series" | "shoulder" | "peak" | "reference" | "estimated" | "gap" | "line" | "past" | "base";
  text: string;
}

export function Legend({ items }: { items: readonly LegendItem[] }) {
  return (
    <ul className="flex flex-wrap gap-x-5 gap-y-1 text-[0.8125rem] text-muted">
      {items.map(({ mark, text }) => (
        <li key={text} className="flex items-center gap-2">
          <LegendMark mark={mark} />
          {text}
        </li>
      ))}
    </ul>
  );
}

function LegendMark({ mark }: { mark: LegendItem["mark"] }) {
  return (
    <svg aria-hidden="true" width="14" height="12" viewBox="0 0 14 12">
      {mark === "series" && <rect x="1" y="1" width="12" height="10" rx="2" className="fill-off-peak" />}
      {mark === "shoulder" && <rect x="1" y="1" width="12" height="10" rx="2" className="fill-shoulder" />}
      {mark === "peak" && <rect x="1" y="1" width="12" height="10" rx="2" className="fill-peak" />}
      {mark === "reference" && <rect x="1" y="1" width="12" height="10" rx="2" className="fill-past-soft stroke-past" />}
      {mark === "base" && <rect x="1" y="1" width="12" height="10" rx="2" className="fill-off-peak-soft" />}
      {mark === "estimated" && (
        <>
          <rect x="1" y="1" width="12" height="10" rx="2" className="fill-off-peak" opacity="0.28" />
          <path d="M2 11 11 1M7 11l6-6.5M1 6l4-4.5" className="stroke-off-peak" strokeWidth="2" />
        </>
      )}
      {mark === "gap" && (
        <>
          <rect x="1" y="1" width="12" height="10" rx="2" className="fill-sunk" />
          <path d="M2 11 11 1M7 11l6-6.5M1 6l4-4.5" className="stroke-past" strokeWidth="1.4" opacity="0.7" />
        </>
      )}
      {mark === "past" && <path d="M0 6h14" className="stroke-past" strokeWidth="2" strokeDasharray="3 3" />}
      {mark === "line" && <path d="M0 6h14" className="stroke-off-peak" strokeWidth="2.5" />}
    </svg>
  );
}

/** A chart is five things: a title, a picture with a summary, a cursor, a table, and the data as a file. */
export function Figure({
  legend,
  table,
  csv,
  actions,
  children,
}: {
  legend?: readonly LegendItem[];
  /** Made only when it is opened. */
  table: () => ReactNode;
  csv?: string;
  /** What else can be done with the chart. */
  actions?: ReactNode;
  children: ReactNode;
}) {
  const t = useT();
  const [open, setOpen] = useState(false);
  return (
    <figure className="min-w-0">
      {children}
      {legend && legend.length > 1 && (
        <div className="mt-3">
          <Legend items={legend} />
        </div>
      )}
      <figcaption className="no-print mt-1 flex flex-wrap items-start gap-x-5">
        <details className="disclosure min-w-0 grow basis-full sm:basis-0" onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>
            {t("chart.table")}
            <Icon name="down" size={16} />
          </summary>
          <div className="max-h-96 overflow-auto" tabIndex={0} role="group" aria-label={t("chart.table")}>
            {open && table()}
          </div>
        </details>
        {actions}
        {csv && (
          <a className="flex min-h-11 items-center gap-2 text-sm font-semibold text-brand" href={csv} download>
            <Icon name="download" size={18} />
            {t("chart.csv")}
          </a>
        )}
      </figcaption>
    </figure>
  );
}
