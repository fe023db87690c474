import { useQuery } from "@tanstack/react-query";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { instantOf, wallTimeAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { IconButton } from "@/shared/ui/Button";
import { cx } from "@/shared/ui/cx";
import type { Change } from "./HistoryScreen";

/** What a stretch took and cost: chosen by dragging over the chart, or with the two fields. */
export function SelectionBar({ selection: [start, end], change }: { selection: readonly [number, number]; change: Change }) {
  const t = useT();
  const { usagePoint, format } = useSession();
  const from = new Date(start * 1000);
  const to = new Date(end * 1000);
  const answer = useQuery(queries.usage(usagePoint.id, { from: from.toISOString(), to: to.toISOString(), step: "auto", compare: "none" }));
  const total = answer.data?.total;
  const hours = (end - start) / 3600;
  const set = (which: "from" | "to", wall: string) => {
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(wall)) return;
    const at = Math.round(instantOf(wall, usagePoint.zone).getTime() / 1000);
    const next = which === "from" ? ([at, end] as const) : ([start, at] as const);
    if (next[1] > next[0]) change({ sel: next.join("..") });
  };
  return (
    <section
      aria-label={t("selection.title")}
      className="card no-print sticky bottom-20 z-20 flex flex-wrap items-end gap-x-8 gap-y-3 !border-brand py-4 rail:bottom-4"
    >
      <dl className={cx("flex flex-wrap gap-x-7 gap-y-2", answer.isFetching && "opacity-60")} aria-live="polite">
        <div>
          <dt className="text-sm text-muted">{t("selection.cost")}</dt>
          <dd className="tabular text-2xl font-semibold">{total?.amount ? format.money(total.amount) : "–"}</dd>
        </div>
        <div>
          <dt className="text-sm text-muted">{t("selection.energy")}</dt>
          <dd className="tabular text-2xl font-semibold">
            {total && total.wh !== null ? `${total.at_least ? "≥ " : ""}${format.energyText(total.wh)}` : "–"}
          </dd>
        </div>
        <div>
          <dt className="text-sm text-muted">{t("selection.average")}</dt>
          <dd className="tabular text-2xl font-semibold">{total && total.wh !== null ? format.powerText(Math.round(total.wh / hours)) : "–"}</dd>
        </div>
      </dl>
      <div className="ms-auto flex min-w-0 flex-wrap items-end gap-3">
        {(["from", "to"] as const).map((which) => (
          <label key={which} className="field">
            <span className="text-sm text-muted">{t(`selection.${which}`)}</span>
            <input
              type="datetime-local"
              className="input !min-h-10 !px-2 text-sm"
              value={wallTimeAt(which === "from" ? from : to, usagePoint.zone)}
              onChange={(event) => set(which, event.target.value)}
            />
          </label>
        ))}
        <IconButton name="close" label={t("selection.clear")} onClick={() => change({ sel: undefined })} />
      </div>
    </section>
  );
}
