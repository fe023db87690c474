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
import { jumps } from "./jumps";
import { MeasureTask } from "./MeasureTask";

type Span = "15" | "30" | "60";

export function LiveScreen() {
  const t = useT();
  const live = useLive();
  const { usagePoint, format, clock } = useSession();
  const home = useQuery(queries.home(usagePoint.id)).data;
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
  const shown = recent.filter(([at]) => at >= from);
  const points = shown.map(([at, w]) => ({ at: at * 1000, value: w, words: `${format.timeSeconds(at * 1000)}, ${format.powerText(w)}` }));
  const found = jumps(shown).toReversed();
  const power = now?.power_w ?? null;
  const figure = power === null ? null : format.power(power);
  const cost = live.now?.price_per_hour ?? (power === home?.now.power_w ? home?.now.price_per_hour : null);
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
              choices={(["15", "30", "60"] as const).map((value) => ({ value, label: t("live.minutes", { n: value }) }))}
              value={span}
              onChange={setSpan}
            />
            <IconButton name={held ? "play" : "pause"} label={t(held ? "live.resume" : "live.pause")} className="border border-hairline" onClick={() => setHeld(held ? null : live)} />
          </div>
        </div>
        {connection === "offline" && now?.at && <p className="strip mt-4">{t("home.now.offline", { time: format.time(now.at) })}</p>}
        {connection !== "offline" && now?.state === "silent" && now.at && <p className="strip mt-4">{t("home.now.silent", { time: format.dayTime(now.at) })}</p>}
        {points.length < 2 ? (
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
                        <td className="num">{format.powerText(point.value)}</td>
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
                low: format.powerText(Math.min(...points.map((point) => point.value))),
                high: format.powerText(Math.max(...points.map((point) => point.value))),
              })}
              cursorLabel={t("live.cursor")}
              marks={found.map((jump) => jump.at * 1000)}
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
        <Panel title={t("live.jumps")}>
          {found.length === 0 ? (
            <p className="py-2 text-muted">{t("live.noJumps")}</p>
          ) : (
            <ul>
              {found.slice(0, 6).map((jump) => (
                <li key={jump.at} className="tabular flex justify-between gap-4 border-b border-hairline py-2.5 last:border-0">
                  <span>{format.timeSeconds(jump.at * 1000)}</span>
                  <span className="font-semibold">
                    {jump.watts > 0 ? "+" : "−"}
                    {format.powerText(Math.abs(jump.watts))}
                  </span>
                </li>
              ))}
            </ul>
          )}
        </Panel>
      </div>
    </div>
  );
}
