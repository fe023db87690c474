import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { queries } from "@/shared/api/queries";
import { Lines } from "@/shared/chart/Lines";
import { Figure } from "@/shared/chart/Figure";
import { useT } from "@/shared/i18n/i18n";
import { useLive } from "@/shared/session/live";
import { useSession } from "@/shared/session/session";
import { IconButton } from "@/shared/ui/Button";
import { Empty, Panel } from "@/shared/ui/Card";
import { Segmented } from "@/shared/ui/Choice";
import { cx } from "@/shared/ui/cx";
import { jumps, uses } from "./jumps";
import { Jumps } from "./Jumps";
import { MeasureTask } from "./MeasureTask";

/** Minutes. The stream holds an hour; a day comes by the quarter of an hour from the readings. */
type Span = "15" | "60" | "1440";

export function LiveScreen() {
  const t = useT();
  const live = useLive();
  const { usagePoint, format, clock } = useSession();
  const home = useQuery(queries.home(usagePoint.id, format.locale)).data;
  const [span, setSpan] = useState<Span>("15");
  const [held, setHeld] = useState<typeof live | null>(null);
  useEffect(() => {
    document.title = `${t("nav.live")} · Corrente`;
  }, [t]);
  const { now: current, recent: stream, connection } = held ?? live;
  const now = current ?? home?.now ?? null;
  const recent = stream.length > 0 ? stream : (home?.now.recent ?? []).map(([at = 0, w = 0]) => [at, w] as const);
  const to = recent.at(-1)?.[0] ?? clock.now().getTime() / 1000;
  const from = to - Number(span) * 60;
  const day = useDay(span === "1440", to);
  const shown = span === "1440" ? day : recent.filter(([at]) => at >= from);
  const points = shown.map(([at, w]) => {
    const time = (span === "1440" ? format.time : format.timeSeconds)(at * 1000);
    return { at: at * 1000, value: w, words: w === null ? t("words.missing", { span: time }) : `${time}, ${format.powerText(w)}` };
  });
  const values = points.flatMap((point) => (point.value === null ? [] : [point.value]));
  const found = jumps(recent);
  const power = now?.power_w ?? null;
  const figure = power === null ? null : format.power(power);
  // From the same answer as the power, or not at all.
  const cost = now?.price_per_hour ?? null;
  return (
    <div className="grid gap-4 rail:gap-6">
      <Panel>
        <div className="flex flex-wrap items-end justify-between gap-4">
          <div className={cx(connection === "offline" && "opacity-60")}>
            <h1 className="text-sm font-semibold text-muted">{t("live.title")}</h1>
            <p className="numeral mt-1">
              {figure ? (
                <>
                  {figure.value}
                  <span className="unit">{figure.unit}</span>
                </>
              ) : (
                "–"
              )}
            </p>
            <p className="tabular mt-1 min-h-6 text-muted">{cost ? t("home.now.perHour", { amount: format.money(cost) }) : "\u00A0"}</p>
          </div>
          <div className="no-print flex flex-wrap items-center gap-2">
            <Segmented<Span>
              label={t("live.span")}
              choices={(["15", "60", "1440"] as const).map((value) => ({ value, label: value === "1440" ? t("live.day") : t("live.minutes", { n: value }) }))}
              value={span}
              onChange={setSpan}
            />
            <IconButton name={held ? "play" : "pause"} label={t(held ? "live.resume" : "live.pause")} className="border border-hairline" onClick={() => setHeld(held ? null : live)} />
          </div>
        </div>
        {now && now.phases.length > 0 && (
          <dl className={cx("tabular mt-3 flex flex-wrap gap-x-8 gap-y-1 text-sm", connection === "offline" && "opacity-60")}>
            {now.phases.map(({ mv, ma }, index) => (
              <div key={index} className="flex gap-2">
                <dt className="text-muted">{t("live.phase", { n: index + 1 })}</dt>
                <dd>{[mv === null ? null : `${format.decimal(String(mv / 1000), 1)} V`, ma === null ? null : `${format.decimal(String(ma / 1000), 1)} A`].filter(Boolean).join(" · ")}</dd>
              </div>
            ))}
          </dl>
        )}
        {connection === "offline" && now?.at && <p className="strip mt-4">{t("home.now.offline", { time: format.time(now.at) })}</p>}
        {connection !== "offline" && now?.state === "silent" && now.at && <p className="strip mt-4">{t("home.now.silent", { time: format.dayTime(now.at) })}</p>}
        {values.length < 2 ? (
          <Empty detail={t("home.now.noneDetail")}>{t("live.none")}</Empty>
        ) : (
          <Figure
            table={() => (
              <table className="data">
                <thead>
                  <tr>
                    <th scope="col">{t("readings.time")}</th>
                    <th scope="col" className="num">
                      {t("live.power")}
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {points
                    .toReversed()
                    .slice(0, 200)
                    .map((point) => (
                      <tr key={point.at}>
                        <th scope="row">{format.timeSeconds(point.at)}</th>
                        <td className="num">{point.value === null ? "–" : format.powerText(point.value)}</td>
                      </tr>
                    ))}
                </tbody>
              </table>
            )}
          >
            <Lines
              points={points}
              from={from * 1000}
              to={to * 1000}
              height={300}
              silence={300_000}
              unit="W"
              formatTick={(value) => format.integer(value)}
              summary={t("home.now.spark", {
                low: format.powerText(Math.min(...values)),
                high: format.powerText(Math.max(...values)),
              })}
              cursorLabel={t("live.cursor")}
              marks={span === "1440" ? undefined : found.map((jump) => jump.at * 1000)}
              step={span === "1440"}
              labels={[0, 1, 2, 3].map((part) => {
                const at = (from + ((to - from) * part) / 3) * 1000;
                return { at, text: format.time(at) };
              })}
            />
          </Figure>
        )}
      </Panel>
      <div className="grid items-start gap-4 rail:grid-cols-2 rail:gap-6">
        <MeasureTask power={power} />
        <Jumps uses={uses(found)} />
      </div>
    </div>
  );
}

/** The last day as mean power of each quarter of an hour: [epoch seconds, W or null where nothing is known]. */
function useDay(wanted: boolean, to: number): (readonly [number, number | null])[] {
  const { usagePoint } = useSession();
  // Asked again each minute, not with every value that comes.
  const end = Math.floor(to / 60) * 60;
  const answer = useQuery({
    ...queries.usage(usagePoint.id, { from: new Date((end - 86_400) * 1000).toISOString(), to: new Date(end * 1000).toISOString(), step: "15m", compare: "none" }),
    enabled: wanted,
  });
  return (answer.data?.intervals ?? []).map((interval) => {
    const start = Date.parse(interval.start) / 1000;
    const seconds = Date.parse(interval.end) / 1000 - start;
    return [start, interval.quality === "missing" || seconds <= 0 ? null : Math.round((interval.wh * 3600) / seconds)] as const;
  });
}
