import { useQuery } from "@tanstack/react-query";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { instantOf, wallTimeAt } from "@/shared/period/civil";
import { useSession } from "@/shared/session/session";
import { IconButton } from "@/shared/ui/Button";
import { cx } from "@/shared/ui/cx";
import { NameStretch } from "@/shared/ui/NameStretch";
import type { Change } from "./HistoryScreen";

/** What a stretch took and cost: chosen by dragging over the chart, with Shift and the arrows, or with the two fields. */
export function SelectionBar({ selection: [start, end], change }: { selection: readonly [number, number]; change: Change }) {
  const t = useT();
  const { usagePoint, format, me } = useSession();
  const from = new Date(start * 1000);
  const to = new Date(end * 1000);
  const answer = useQuery(queries.stretch(usagePoint.id, from.toISOString(), to.toISOString()));
  const stretch = answer.data;
  const known = stretch && stretch.wh !== null ? stretch : null;
  const set = (which: "from" | "to", wall: string) => {
    if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(wall)) return;
    const at = Math.round(instantOf(wall, usagePoint.zone).getTime() / 1000);
    const next = which === "from" ? ([at, end] as const) : ([start, at] as const);
    if (next[1] > next[0]) change({ sel: next.join("..") });
  };
  const least = known?.at_least ? "≥ " : "";
  const above = known?.above_wh === null || known?.above_wh === undefined ? null : known.above_wh;
  return (
    <section
      aria-label={t("selection.title")}
      className="selection-bar card no-print sticky bottom-20 z-20 flex flex-wrap items-end gap-x-8 gap-y-3 !border-brand py-3 sm:py-4 rail:bottom-4"
    >
      <dl className={cx("flex flex-wrap gap-x-5 gap-y-1 sm:gap-x-7 sm:gap-y-2", answer.isFetching && "opacity-60")} aria-live="polite" aria-busy={answer.isPending}>
        <Figure name={t("selection.cost")} value={known?.amount ? least + format.money(known.amount) : "–"} />
        <Figure name={t("selection.energy")} value={known?.wh != null ? least + format.energyText(known.wh) : "–"} />
        <Figure name={t("selection.average")} value={known?.mean_w != null ? format.powerText(known.mean_w) : "–"} />
        {above !== null && (
          <Figure name={t("selection.above")} value={[format.energyText(above), known?.above_amount ? format.money(known.above_amount) : null].filter(Boolean).join(" · ")} />
        )}
      </dl>
      <div className="flex min-w-0 flex-wrap items-end gap-2 max-sm:w-full sm:ms-auto sm:gap-3">
        {(["from", "to"] as const).map((which) => (
          <label key={which} className="field max-sm:min-w-36 max-sm:flex-1">
            <span className="text-sm text-muted">{t(`selection.${which}`)}</span>
            <input
              type="datetime-local"
              className="input !min-h-10 !px-2 text-[0.8125rem] sm:text-sm"
              value={wallTimeAt(which === "from" ? from : to, usagePoint.zone)}
              onChange={(event) => set(which, event.target.value)}
            />
          </label>
        ))}
        {me.user !== null && <NameStretch key={`${start}..${end}`} from={from} to={to} />}
        <IconButton name="close" label={t("selection.clear")} onClick={() => change({ sel: undefined })} />
      </div>
    </section>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-[0.8125rem] text-muted sm:text-sm">{name}</dt>
      <dd className="tabular text-lg/tight font-semibold sm:text-2xl">{value}</dd>
    </div>
  );
}
