import { Link } from "@tanstack/react-router";
import { LazySpark } from "@/shared/chart/lazy";
import type { Format } from "@/shared/format/format";
import { useT, type Translate } from "@/shared/i18n/i18n";
import { useLive } from "@/shared/session/live";
import { useSession } from "@/shared/session/session";
import { Card, Empty } from "@/shared/ui/Card";
import { cx } from "@/shared/ui/cx";
import { PeriodChip } from "@/shared/ui/PeriodChip";
import type { HomeAnswer } from "./answer";

/** How old the number is, in words: "4 s", "3 min". */
export function age(t: Translate, format: Format, seconds: number): string {
  if (seconds < 60) return t("age.seconds", { n: Math.max(0, Math.round(seconds)) });
  if (seconds < 3600) return t("age.minutes", { n: Math.round(seconds / 60) });
  if (seconds < 86_400) return t("age.hours", { n: Math.round(seconds / 3600) });
  return t("age.days", { n: format.integer(Math.round(seconds / 86_400)) });
}

export function NowCard({ answer }: { answer: HomeAnswer }) {
  const t = useT();
  const live = useLive();
  const { format, clock } = useSession();
  return (
    <Card
      title={t("home.now.title")}
      size="h-60"
      answer={answer}
      aside={
        <Link to="/live" className="text-sm font-semibold text-brand">
          {t("home.now.more")}
        </Link>
      }
      empty={({ now }) =>
        (live.now ?? now).state === "none" || (live.now ?? now).power_w === null ? (
          <Empty detail={t("home.now.noneDetail")}>{t("home.now.none")}</Empty>
        ) : null
      }
      strip={({ now: fetched }) => {
        const now = live.now ?? fetched;
        if (live.connection === "offline") return t("home.now.offline", { time: now.at ? format.time(now.at) : "–" });
        if (now.state === "silent" && now.at) return t("home.now.silent", { time: format.dayTime(now.at) });
        return null;
      }}
    >
      {({ now: fetched }) => {
        const now = live.now ?? fetched;
        const watts = now.power_w ?? 0;
        const { value, unit } = format.power(watts);
        const recent = live.recent.length > 1 ? live.recent : fetched.recent.map(([at = 0, w = 0]) => [at, w] as const);
        const last = recent.at(-1)?.[0] ?? clock.now().getTime() / 1000;
        const points = recent.filter(([at]) => at > last - 1800).map(([at, w]) => ({ at, value: w }));
        // From the same answer as the power beside it, or not at all.
        const cost = now.price_per_hour;
        const old = now.at ? (clock.now().getTime() - Date.parse(now.at)) / 1000 : null;
        const grey = live.connection === "offline" || now.state === "silent";
        return (
          <div className={cx(grey && "opacity-60")}>
            <p className="numeral mt-1">
              {value}
              <span className="unit">{unit}</span>
            </p>
            <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-2 text-muted">
              {cost !== null && <span className="tabular">{t("home.now.perHour", { amount: format.money(cost) })}</span>}
              {now.period && <PeriodChip period={now.period} />}
            </p>
            <div className="mt-5">
              {points.length > 1 && (
                <LazySpark
                  points={points}
                  from={last - 1800}
                  to={last}
                  silence={300}
                  height={84}
                  summary={t("home.now.spark", {
                    low: format.powerText(Math.min(...points.map((point) => point.value))),
                    high: format.powerText(Math.max(...points.map((point) => point.value))),
                  })}
                />
              )}
            </div>
            <p className="mt-2 flex justify-between text-xs text-muted">
              <span>{t("home.now.halfHour")}</span>
              {old !== null && <span className="tabular">{t("home.now.age", { age: age(t, format, old) })}</span>}
            </p>
          </div>
        );
      }}
    </Card>
  );
}
