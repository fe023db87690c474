import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { queries } from "@/shared/api/queries";
import { useT } from "@/shared/i18n/i18n";
import { useSession } from "@/shared/session/session";
import { Button } from "@/shared/ui/Button";
import { Panel } from "@/shared/ui/Card";
import { NameStretch } from "@/shared/ui/NameStretch";

interface WakeLock {
  release: () => Promise<void>;
}

/** Start, use the appliance, stop: what it took and cost, from the server. */
export function MeasureTask({ power }: { power: number | null }) {
  const t = useT();
  const { usagePoint, format, clock, me } = useSession();
  const [from, setFrom] = useState<Date | null>(null);
  const [to, setTo] = useState<Date | null>(null);
  const [now, setNow] = useState<Date | null>(null);
  const lock = useRef<WakeLock | null>(null);
  const running = from !== null && to === null;

  useEffect(() => {
    if (!running) return;
    const timer = setInterval(() => setNow(clock.now()), 1000);
    return () => clearInterval(timer);
  }, [running, clock]);

  const start = () => {
    setFrom(clock.now());
    setTo(null);
    setNow(clock.now());
    // A phone that falls asleep would stop the picture; where it is refused, only the light goes out.
    const wake = (navigator as { wakeLock?: { request: (kind: "screen") => Promise<WakeLock> } }).wakeLock;
    wake?.request("screen").then(
      (held) => {
        lock.current = held;
      },
      () => undefined,
    );
  };
  const stop = () => {
    setTo(clock.now());
    void lock.current?.release();
    lock.current = null;
  };
  const end = to ?? now;
  const second = (date: Date) => new Date(Math.floor(date.getTime() / 1000) * 1000).toISOString();
  const ready = from !== null && end !== null && end.getTime() - from.getTime() >= 5000;
  const answer = useQuery({
    ...queries.stretch(
      usagePoint.id,
      from ? second(from) : "",
      // While it runs, asked again every ten seconds of business time.
      end ? second(running ? new Date(Math.floor(end.getTime() / 10_000) * 10_000) : end) : "",
    ),
    enabled: ready && (!running || Math.floor((end?.getTime() ?? 0) / 10_000) * 10_000 > (from?.getTime() ?? 0)),
  });
  const stretch = answer.data;
  const seconds = from && end ? Math.max(0, Math.round((end.getTime() - from.getTime()) / 1000)) : 0;
  const clockText = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  return (
    <Panel title={t("measure.title")}>
      {from === null ? (
        <p className="max-w-prose py-2 text-muted">{t("measure.how")}</p>
      ) : (
        <dl className="flex flex-wrap gap-x-8 gap-y-3 py-2" aria-live="off">
          <Figure name={t("measure.time")} value={clockText} />
          <Figure name={t("selection.energy")} value={stretch && stretch.wh !== null ? format.energyText(stretch.wh) : "–"} />
          <Figure name={t("selection.cost")} value={stretch?.amount ? format.money(stretch.amount) : "–"} />
          {stretch?.above_amount && <Figure name={t("selection.above")} value={format.money(stretch.above_amount)} />}
        </dl>
      )}
      <div className="mt-2 flex flex-wrap items-center gap-3">
        {running ? (
          <Button kind="primary" icon="stop" onClick={stop}>
            {t("measure.stop")}
          </Button>
        ) : (
          <Button kind="primary" icon="play" onClick={start} disabled={power === null}>
            {t(from === null ? "measure.start" : "measure.again")}
          </Button>
        )}
        {from !== null && to !== null && me.user !== null && stretch?.wh != null && <NameStretch from={from} to={to} />}
      </div>
    </Panel>
  );
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-sm text-muted">{name}</dt>
      <dd className="tabular text-2xl font-semibold">{value}</dd>
    </div>
  );
}
