import { useQuery } from "@tanstack/react-query";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Panel } from "@/shared/ui/Card";
import { NameStretch } from "@/shared/ui/NameStretch";
import type { Use } from "./jumps";

const MOST = 5;

/** What was switched on, how long it ran and what that cost above what is always on. */
export function Jumps({ uses }: { uses: readonly Use[] }) {
  const t = useT();
  return (
    <Panel title={t("live.jumps")}>
      {uses.length === 0 ? (
        <p className="py-2 text-muted">{t("live.noJumps")}</p>
      ) : (
        <ul>
          {uses
            .toReversed()
            .slice(0, MOST)
            .map((use) => (
              <li key={use.from} className="border-b border-hairline py-2.5 last:border-0">
                <One use={use} />
              </li>
            ))}
        </ul>
      )}
    </Panel>
  );
}

function One({ use: { from, to, watts } }: { use: Use }) {
  const t = useT();
  const { usagePoint, format, me } = useSession();
  const at = (seconds: number) => new Date(seconds * 1000);
  const stretch = useQuery({ ...queries.stretch(usagePoint.id, at(from).toISOString(), at(to ?? from + 1).toISOString()), enabled: to !== null }).data;
  const amount = to === null ? null : (stretch?.above_amount ?? stretch?.amount ?? null);
  return (
    <div className="tabular flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <p className="min-w-0">
        <span className="font-semibold">+{format.powerText(watts)}</span> {t("live.at", { time: format.timeSeconds(from * 1000) })}
        <span className="block text-sm text-muted">
          {to === null ? t("live.stillOn") : [format.duration(to - from), amount === null ? null : format.money(amount)].filter(Boolean).join(" · ")}
        </span>
      </p>
      {to !== null && me.user !== null && <NameStretch from={at(from)} to={at(to)} />}
    </div>
  );
}
