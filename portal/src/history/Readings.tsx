import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { queries, type ReadingsAsk } from "@/shared/api/queries";
import type { Reading } from "@/shared/api/types";
import { Lines } from "@/shared/chart/Lines";
import { useT } from "@/shared/i18n/i18n";
import { instantOf, wallTimeAt } from "@/shared/period/civil";
import type { HistorySearch } from "@/shared/period/search";
import { useSession } from "@/shared/session/session";
import { Button } from "@/shared/ui/Button";
import { Card, Empty } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import type { Change } from "./HistoryScreen";

type Which = NonNullable<HistorySearch["r"]>;

/** The meter's own readings: all of them, from, until, or exactly at an instant. */
export function Readings({ r, rt, change }: { r: HistorySearch["r"]; rt: HistorySearch["rt"]; change: Change }) {
  const t = useT();
  const { usagePoint, format, clock } = useSession();
  const which: Which = r ?? "all";
  const [limit, setLimit] = useState(100);
  const wall = rt ?? wallTimeAt(clock.now(), usagePoint.zone).slice(0, 11).concat("00:00");
  const at = instantOf(wall, usagePoint.zone).toISOString();
  // A lab meter's history is short and shown whole. Another meter's would be millions: a day of it.
  const dayBefore = (end: string) => new Date(Date.parse(end) - 86_400_000).toISOString();
  const first = usagePoint.lab && usagePoint.first_reading ? new Date(Date.parse(usagePoint.first_reading) - 1000).toISOString() : null;
  const ask: ReadingsAsk = {
    limit: usagePoint.lab ? 1000 : limit,
    ...(which === "all" && first && { from: first }),
    // A span is open at its start and closed at its end: "from" means at or after.
    ...(which === "from" && { from: new Date(Date.parse(at) - 1000).toISOString() }),
    ...(which === "until" && { from: first ?? dayBefore(at), to: at }),
    ...(which === "at" && { at }),
  };
  const answer = useQuery(queries.readings(usagePoint.id, ask));
  return (
    <Card
      title={t("readings.title")}
      size="h-64"
      answer={answer}
      className="no-print"
    >
      {({ readings, next }) => (
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
          {readings.length === 0 ? (
            <Empty>{which === "all" ? t("readings.none") : t("readings.noneThere")}</Empty>
          ) : (
            <>
              <RegisterLine readings={readings} />
              <div className="mt-2 max-h-96 overflow-auto" tabIndex={0} role="group" aria-label={t("readings.title")}>
                <table className="data">
                  <thead>
                    <tr>
                      <th scope="col">{t("readings.time")}</th>
                      <th scope="col" className="num">
                        {t(readings[0]?.kind === "interval" ? "readings.energy" : "readings.register")}
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {newestFirst(readings).map((reading, index) => (
                      <tr key={`${reading.t}-${reading.channel}-${index}`}>
                        <th scope="row">{format.dateTime(reading.t)}</th>
                        <td className="num">{format.energyExact(reading.value_wh)}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              {next !== null && limit < 1000 && (
                <Button className="mt-3" small onClick={() => setLimit(Math.min(1000, limit * 3))}>
                  {t("readings.more")}
                </Button>
              )}
            </>
          )}
        </>
      )}
    </Card>
  );
}

function newestFirst(readings: readonly Reading[]): Reading[] {
  return [...readings].sort((a, b) => Date.parse(b.t) - Date.parse(a.t));
}

function RegisterLine({ readings }: { readings: readonly Reading[] }) {
  const t = useT();
  const { format } = useSession();
  const points = [...readings]
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
