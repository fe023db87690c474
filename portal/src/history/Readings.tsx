import { useInfiniteQuery } from "@tanstack/react-query";
import { queries, type ReadingsAsk } from "@/shared/api/queries";
import type { Reading } from "@/shared/api/types";
import { Lines } from "@/shared/chart/Lines";
import { useT } from "@/shared/i18n/i18n";
import { addDays, instantOf, midnight, wallTimeAt } from "@/shared/period/civil";
import type { HistorySearch } from "@/shared/period/search";
import { useSession } from "@/shared/session/session";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import type { Change } from "./HistoryScreen";

type Which = NonNullable<HistorySearch["r"]>;

function question(which: Which, at: string): ReadingsAsk {
  switch (which) {
    case "all":
      return { order: "desc" };
    case "from":
      // A span is open at its start: "from" means at or after.
      return { order: "asc", from: new Date(Date.parse(at) - 1000).toISOString() };
    case "until":
      return { order: "desc", to: at };
    case "at":
      return { order: "desc", at };
  }
}

/** The meter's own readings: all of them from the newest back, from an instant on, until one, or exactly at it. */
export function Readings({ r, rt, change }: { r: HistorySearch["r"]; rt: HistorySearch["rt"]; change: Change }) {
  const t = useT();
  const { usagePoint, format, clock, today } = useSession();
  const which: Which = r ?? "all";
  const wall = rt ?? wallTimeAt(clock.now(), usagePoint.zone).slice(0, 11).concat("00:00");
  // No reading is older than the epoch or newer than today: an address edited by hand asks for the nearest.
  const latest = midnight(addDays(today, 1), usagePoint.zone).getTime();
  const instant = Math.min(latest, Math.max(0, instantOf(wall, usagePoint.zone).getTime()));
  const at = new Date(instant).toISOString();
  const answer = useInfiniteQuery(queries.readings(usagePoint.id, question(which, at)));
  return (
    <Card title={t("readings.title")} size="h-64" answer={answer} className="no-print">
      {({ pages }) => {
        const found = pages.flatMap((page) => page.readings);
        // The server answers the last reading before an instant where there is none at it.
        const before = which === "at" && found[0] !== undefined && Date.parse(found[0].t) !== Date.parse(at) ? found[0] : null;
        return (
          <>
            <div className="mt-2 flex flex-wrap items-end gap-3">
              <Segmented<Which>
                className="max-w-full flex-wrap"
                label={t("readings.which")}
                choices={(["all", "from", "until", "at"] as const).map((value) => ({ value, label: t(`readings.${value}`) }))}
                value={which}
                onChange={(next) => change(next === "all" ? { r: undefined, rt: undefined } : { r: next, rt: wall })}
              />
              {which !== "all" && (
                <label className="field min-w-0">
                  <span className="sr-only">{t("readings.instant")}</span>
                  <input
                    type="datetime-local"
                    step="1"
                    className="input"
                    value={wall}
                    onChange={(event) => event.target.value && change({ rt: event.target.value })}
                  />
                </label>
              )}
            </div>
            {found.length === 0 ? (
              <Empty>{which === "all" ? t("readings.none") : t("readings.noneThere")}</Empty>
            ) : (
              <>
                {before ? (
                  <p role="status" className="strip mt-4">
                    {t("readings.notAt", { time: format.dateTime(before.t) })}
                  </p>
                ) : (
                  <RegisterLine readings={found} />
                )}
                <Table readings={found} />
                {answer.hasNextPage && !answer.isPlaceholderData && (
                  <Button className="mt-3" small disabled={answer.isFetchingNextPage} onClick={() => void answer.fetchNextPage()}>
                    {t(answer.isFetchingNextPage ? "readings.loading" : "readings.more")}
                  </Button>
                )}
              </>
            )}
          </>
        );
      }}
    </Card>
  );
}

function Table({ readings }: { readings: readonly Reading[] }) {
  const t = useT();
  const { format } = useSession();
  const several = new Set(readings.map((reading) => reading.channel)).size > 1;
  return (
    <div className="mt-2 max-h-96 overflow-auto" tabIndex={0} role="group" aria-label={t("readings.title")}>
      <table className="data">
        <thead>
          <tr>
            <th scope="col">{t("readings.time")}</th>
            {several && <th scope="col">{t("readings.channel")}</th>}
            <th scope="col" className="num">
              {t(readings[0]?.kind === "interval" ? "readings.energy" : "readings.register")}
            </th>
          </tr>
        </thead>
        <tbody>
          {readings.map((reading, index) => (
            <tr key={`${reading.t}-${reading.channel}-${index}`}>
              <th scope="row">{format.dateTime(reading.t)}</th>
              {several && <td>{reading.channel}</td>}
              <td className="num">{format.energyExact(reading.value_wh)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function RegisterLine({ readings }: { readings: readonly Reading[] }) {
  const t = useT();
  const { format } = useSession();
  // One line is one channel's: what goes out has a register of its own.
  const channel = readings.find((reading) => reading.direction === "import")?.channel ?? readings[0]?.channel;
  const points = readings
    .filter((reading) => reading.channel === channel)
    .sort((a, b) => Date.parse(a.t) - Date.parse(b.t))
    .map((reading) => ({ at: Date.parse(reading.t), value: reading.value_wh, words: `${format.dateTime(reading.t)}, ${format.energyExact(reading.value_wh)}` }));
  const first = points[0];
  const last = points.at(-1);
  if (!first || !last || first.at === last.at) return null;
  const register = readings[0]?.kind === "register";
  const least = register ? Math.min(...points.map((point) => point.value)) : 0;
  const greatest = Math.max(...points.map((point) => point.value));
  return (
    <div className="mt-4">
      <Lines
        points={points}
        from={first.at}
        to={last.at}
        least={least}
        most={greatest}
        height={160}
        fill={false}
        step={!register}
        unit="kWh"
        formatTick={(value) => format.decimal(String(value / 1000), greatest - least < 5000 ? 2 : 0)}
        summary={t("readings.summary", { from: format.energyExact(first.value), to: format.energyExact(last.value) })}
        cursorLabel={t("readings.cursor")}
        labels={[first, last].map((point) => ({ at: point.at, text: format.dayTime(point.at) }))}
      />
    </div>
  );
}
